// create_parser.cc   CREATE DATABASE, TABLE and VIEW.

#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"
#include "types/generated_column.h"
#include "types/type_parser.h"

namespace millstream {
namespace {

constexpr ErrorClass kSchemaOfQuery{"_LEGACY_ERROR_TEMP_0035", "", ExceptionKind::kParse,
                                    "Operation not allowed: Schema may not be specified in a <statement> statement."};
constexpr ErrorClass kColumnDescriptorTwice{"CREATE_TABLE_COLUMN_DESCRIPTOR_DUPLICATE", "42710", ExceptionKind::kParse,
                                            "CREATE TABLE column <columnName> specifies descriptor \"<optionName>\" more than once, which is invalid."};

// What stands behind a column's type, in any order: NOT NULL, COMMENT 'text', GENERATED ALWAYS AS (expression), whose text goes into the metadata.
Status ParseColumnClauses(SqlParser& parser, const Token& first, StructField& column) {
  TokenCursor& cursor = parser.cursor();
  bool is_generated = false;
  for (;;) {
    if (column.nullable && cursor.TakeWords("NOT", "NULL")) {
      column.nullable = false;
    } else if (cursor.TakeWord("COMMENT")) {
      MS_ASSIGN_OR_RETURN(std::string comment, cursor.ExpectString());
      column.metadata = WithMetadata(column, "comment", comment);
    } else if (cursor.AtWords("GENERATED", "ALWAYS") && cursor.AtWord("AS", 2) && cursor.AtSymbol("(", 3)) {
      for (int i = 0; i < 4; ++i) cursor.Advance();
      const uint32_t begin = cursor.Peek().begin;
      MS_RETURN_IF_ERROR(parser.ParseExpression().status());
      // Up to its last word: a comment behind it is not part of it.
      cursor.Rewind(cursor.position() - 1);
      const uint32_t end = cursor.Peek().end;
      cursor.Advance();
      const Token closing = cursor.Peek();
      MS_RETURN_IF_ERROR(cursor.ExpectSymbol(")"));
      if (is_generated) {
        return cursor.ErrorWithin(first, closing, kColumnDescriptorTwice, {{"columnName", column.name}, {"optionName", "GENERATED ALWAYS AS"}});
      }
      is_generated = true;
      column.metadata = WithMetadata(column, kGenerationExpressionKey, std::string(cursor.sql().substr(begin, end - begin)));
    } else {
      break;
    }
  }
  for (std::string_view word : {"DEFAULT", "GENERATED", "CHECK", "PRIMARY", "UNIQUE", "REFERENCES", "MASK"}) {
    if (cursor.AtWord(word)) return Status::Unsupported(std::string(word) + " of a column in CREATE TABLE");
  }
  return Status();
}

}  // namespace

Result<Statement> SqlParser::ParseCreate() {
  cursor_.Advance();
  bool or_replace = cursor_.TakeWords("OR", "REPLACE");
  if (!or_replace && (cursor_.TakeWord("DATABASE") || cursor_.TakeWord("SCHEMA") || cursor_.TakeWord("NAMESPACE"))) return ParseCreateDatabase();
  bool global = cursor_.TakeWord("GLOBAL");
  bool temporary = cursor_.TakeWord("TEMPORARY") || cursor_.TakeWord("TEMP");
  if (global && !temporary) return cursor_.SyntaxError();
  if (cursor_.TakeWord("VIEW")) return ParseCreateView(or_replace, temporary, global);
  if (!temporary && cursor_.TakeWord("TABLE")) return ParseCreateTable(or_replace);
  const bool refreshes = cursor_.TakeWords("OR", "REFRESH");  // a pipeline's table
  if (cursor_.AtWord("STREAMING") || cursor_.AtWord("LIVE")) {
    return Unsupported("the statement CREATE " + std::string(cursor_.Text(cursor_.Peek())) + " TABLE",
                       "Write a stream into a table, in Python: spark.readStream.format(\"cloudFiles\")…toTable(name), or use CREATE TABLE and COPY INTO.");
  }
  if (refreshes && !cursor_.AtWord("MATERIALIZED")) return cursor_.SyntaxError();
  for (std::string_view word : {"FUNCTION", "MATERIALIZED", "EXTERNAL", "CATALOG", "INDEX", "TABLE", "FLOW", "VARIABLE", "VOLUME", "STORAGE", "CONNECTION"}) {
    if (cursor_.AtWord(word)) return Unsupported("the statement CREATE " + std::string(temporary ? "TEMPORARY " : "") + std::string(word));
  }
  return cursor_.SyntaxError();
}

Result<Statement> SqlParser::ParseCreateDatabase() {
  CreateDatabase create{.if_not_exists = TakeIfNotExists()};
  MS_ASSIGN_OR_RETURN(create.name, ParseName());
  while (true) {
    if (cursor_.TakeWord("COMMENT")) {
      MS_ASSIGN_OR_RETURN(create.comment, cursor_.ExpectString());
    } else if (cursor_.TakeWord("LOCATION")) {
      MS_ASSIGN_OR_RETURN(create.location, cursor_.ExpectString());
    } else if (cursor_.TakeWords("WITH", "DBPROPERTIES") || cursor_.TakeWords("WITH", "PROPERTIES")) {
      MS_ASSIGN_OR_RETURN(create.properties, ParseProperties());
    } else {
      return Statement(Command{std::move(create)});
    }
  }
}

// "('k' = 'v', a.b true, c = 1)".
Result<std::map<std::string, std::string>> SqlParser::ParseProperties() {
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  std::map<std::string, std::string> properties;
  do {
    MS_ASSIGN_OR_RETURN(std::string key, ParsePropertyKey());
    cursor_.TakeSymbol("=");
    std::string value;
    if (!cursor_.AtSymbol(",") && !cursor_.AtSymbol(")")) {
      MS_ASSIGN_OR_RETURN(value, ParsePropertyValue());
    }
    properties[std::move(key)] = std::move(value);
  } while (cursor_.TakeSymbol(","));
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  return properties;
}

Result<std::string> SqlParser::ParsePropertyKey() {
  if (cursor_.Peek().kind == TokenKind::kString) return cursor_.ExpectString();
  std::string key;
  do {
    MS_ASSIGN_OR_RETURN(std::string part, cursor_.ExpectName());
    key += (key.empty() ? "" : ".") + part;
  } while (cursor_.TakeSymbol("."));
  return key;
}

Result<std::string> SqlParser::ParsePropertyValue() {
  const TokenKind kind = cursor_.Peek().kind;
  if (kind == TokenKind::kString) return cursor_.ExpectString();
  std::string value = cursor_.TakeSymbol("-") ? "-" : "";
  bool boolean = cursor_.AtWord("TRUE") || cursor_.AtWord("FALSE");
  if (!boolean && !(cursor_.Peek().kind >= TokenKind::kInteger && cursor_.Peek().kind <= TokenKind::kBigDecimal)) return cursor_.SyntaxError();
  std::string text(cursor_.Text(cursor_.Peek()));
  if (boolean) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  cursor_.Advance();
  return value + text;
}

Result<Statement> SqlParser::ParseCreateTable(bool or_replace) {
  CreateTable table{.if_not_exists = TakeIfNotExists(), .or_replace = or_replace};
  MS_ASSIGN_OR_RETURN(table.name, ParseName());
  if (cursor_.AtWord("LIKE")) return Unsupported("CREATE TABLE … LIKE");
  if (cursor_.AtSymbol("(") && !QueryAhead(1)) {
    cursor_.Advance();
    StructType schema;
    do {
      for (std::string_view word : {"CONSTRAINT", "PRIMARY", "FOREIGN", "CHECK", "UNIQUE"}) {
        if (cursor_.AtWord(word) && (cursor_.AtWord("KEY", 1) || word == "CONSTRAINT" || cursor_.AtSymbol("(", 1))) {
          return Unsupported("a table constraint in CREATE TABLE");
        }
      }
      const Token first = cursor_.Peek();
      MS_ASSIGN_OR_RETURN(StructField column, ParseColumn(cursor_, /*allow_colon=*/false));
      MS_RETURN_IF_ERROR(ParseColumnClauses(*this, first, column));
      schema.Add(std::move(column));
    } while (cursor_.TakeSymbol(","));
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    table.schema = std::move(schema);
  }
  MS_RETURN_IF_ERROR(ParseTableClauses(table));
  bool as = cursor_.TakeWord("AS");
  if (as || QueryAhead()) {
    if (table.schema) return Status::Error(kSchemaOfQuery, {{"statement", or_replace ? "Replace Table As Select (RTAS)" : "Create Table As Select (CTAS)"}});
    MS_ASSIGN_OR_RETURN(table.query, ParseQuery());
  }
  return Statement(Command{std::move(table)});
}

// USING, PARTITIONED BY, LOCATION, COMMENT, TBLPROPERTIES, OPTIONS: each at most once, in any order.
Status SqlParser::ParseTableClauses(CreateTable& table) {
  bool has_options = false, has_properties = false;
  auto twice = [&](std::string clause) { return cursor_.ErrorAt(cursor_.Peek(), errors::kDuplicateClauses, {{"clauseName", std::move(clause)}}); };
  while (true) {
    if (cursor_.AtWord("USING") && table.provider.empty()) {
      cursor_.Advance();
      MS_ASSIGN_OR_RETURN(MultipartName provider, ParseName());
      for (const std::string& part : provider) table.provider += (table.provider.empty() ? "" : ".") + part;
    } else if (cursor_.AtWords("PARTITIONED", "BY")) {
      if (!table.partition_columns.empty()) return twice("PARTITIONED BY");
      MS_RETURN_IF_ERROR(ParsePartitionedBy(table));
    } else if (cursor_.AtWord("LOCATION")) {
      if (table.location) return twice("LOCATION");
      cursor_.Advance();
      MS_ASSIGN_OR_RETURN(table.location, cursor_.ExpectString());
    } else if (cursor_.AtWord("COMMENT")) {
      if (table.comment) return twice("COMMENT");
      cursor_.Advance();
      MS_ASSIGN_OR_RETURN(table.comment, cursor_.ExpectString());
    } else if (cursor_.AtWord("TBLPROPERTIES")) {
      if (has_properties) return twice("TBLPROPERTIES");
      has_properties = true;
      cursor_.Advance();
      MS_ASSIGN_OR_RETURN(table.properties, ParseProperties());
    } else if (cursor_.AtWord("OPTIONS")) {
      if (has_options) return twice("OPTIONS");
      has_options = true;
      cursor_.Advance();
      MS_ASSIGN_OR_RETURN(auto options, ParseProperties());
      table.options = OptionMap(options.begin(), options.end());
    } else {
      for (auto [first, second] : {std::pair("CLUSTERED", "BY"), std::pair("CLUSTER", "BY"), std::pair("ROW", "FORMAT"), std::pair("STORED", "AS"),
                                   std::pair("STORED", "BY"), std::pair("DEFAULT", "COLLATION")}) {
        if (cursor_.AtWords(first, second)) return Unsupported("CREATE TABLE … " + std::string(first) + " " + second);
      }
      return Status::Ok();
    }
  }
}

// "(a, b)", or Hive's "(a INT, b STRING)", which adds the columns.
Status SqlParser::ParsePartitionedBy(CreateTable& table) {
  cursor_.Advance();
  cursor_.Advance();
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  do {
    if (cursor_.AtSymbol("(", 1)) return Unsupported("partitioning by an expression", "Partition by columns.");
    if (cursor_.AtSymbol(",", 1) || cursor_.AtSymbol(")", 1)) {
      MS_ASSIGN_OR_RETURN(std::string column, ParseColumnName(cursor_));
      table.partition_columns.push_back(std::move(column));
      continue;
    }
    MS_ASSIGN_OR_RETURN(StructField column, ParseColumn(cursor_, /*allow_colon=*/false));
    table.partition_columns.push_back(column.name);
    if (!table.schema) table.schema.emplace();
    table.schema->Add(std::move(column));
  } while (cursor_.TakeSymbol(","));
  return cursor_.ExpectSymbol(")");
}

Result<Statement> SqlParser::ParseCreateView(bool or_replace, bool temporary, bool global) {
  CreateView view{.or_replace = or_replace, .is_temporary = temporary, .is_global = global, .if_not_exists = TakeIfNotExists()};
  MS_ASSIGN_OR_RETURN(view.name, ParseName());
  auto over_files = [&] {
    return Unsupported("CREATE TEMPORARY VIEW … USING", "Read the files in the view's query: CREATE TEMPORARY VIEW v AS SELECT * FROM read_files('/path', format => 'csv').");
  };
  if (cursor_.TakeSymbol("(")) {
    do {
      MS_ASSIGN_OR_RETURN(std::string column, ParseColumnName(cursor_));
      if (cursor_.Peek().kind == TokenKind::kWord && !cursor_.AtWord("COMMENT") && !cursor_.AtWord("AS")) return over_files();  // only these name types
      view.column_aliases.push_back(std::move(column));
      if (cursor_.TakeWord("COMMENT")) MS_RETURN_IF_ERROR(cursor_.ExpectString().status());
    } while (cursor_.TakeSymbol(","));
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  }
  if (cursor_.AtWord("USING")) return over_files();
  while (true) {
    if (cursor_.TakeWord("COMMENT")) {
      MS_RETURN_IF_ERROR(cursor_.ExpectString().status());
    } else if (cursor_.TakeWord("TBLPROPERTIES")) {
      MS_RETURN_IF_ERROR(ParseProperties().status());
    } else {
      break;
    }
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("AS"));
  MS_ASSIGN_OR_RETURN(view.query, ParseQuery());
  return Statement(Command{std::move(view)});
}

}  // namespace millstream
