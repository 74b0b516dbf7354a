// statement_parser.cc   Which statement it is, and the short ones: USE, SET, EXPLAIN, SHOW, DESCRIBE, DROP, INSERT.

#include <cctype>

#include "plan/sql/node_depth.h"

namespace millstream {
namespace {

// Statements of Spark, Delta and Databricks that begin with a word of their own and that nothing here runs yet.
constexpr std::string_view kUnsupportedStatements[] = {"OPTIMIZE", "VACUUM",  "CACHE",  "UNCACHE", "REFRESH", "TRUNCATE", "ANALYZE", "REPLACE",
                                                       "COMMENT",  "GRANT",   "REVOKE", "MSCK",    "REPAIR",  "LOAD",     "EXPORT",  "IMPORT",
                                                       "DECLARE",  "EXECUTE", "CALL",   "RESTORE", "CONVERT", "CLEAR",    "ADD",     "LIST",
                                                       "GENERATE", "REORG",   "UNDROP", "BEGIN",   "FSCK",    "MAP",      "REDUCE"};

bool IsName(const Token& token) { return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName; }

}  // namespace

Result<Statement> SqlParser::ParseStatement() {
  const TokenKind next = cursor_.Peek(1).kind;
  if (cursor_.AtWord("CREATE")) return ParseCreate();
  if (cursor_.AtWord("DROP")) return ParseDrop();
  if (cursor_.AtWord("SHOW")) return ParseShow();
  if (cursor_.AtWord("DESCRIBE") || cursor_.AtWord("DESC")) return ParseDescribe();
  if (cursor_.AtWord("USE")) return ParseUse();
  if (cursor_.AtWord("SET")) return ParseSet();
  if (cursor_.AtWord("RESET")) return ParseReset();
  if (cursor_.AtWord("EXPLAIN")) return ParseExplain();
  if (cursor_.AtWord("INSERT")) return ParseInsert();
  if (cursor_.AtWords("DELETE", "FROM")) return ParseDelete();
  if (cursor_.AtWord("UPDATE") && next != TokenKind::kEnd) return ParseUpdate();
  if (cursor_.AtWord("MERGE") && next == TokenKind::kWord) return ParseMerge();
  if (cursor_.AtWord("ALTER")) return ParseAlter();
  if (cursor_.AtWords("COPY", "INTO")) return ParseCopyInto();
  if (StreamFilesAhead()) return ParseStreamFiles();
  if (cursor_.AtWords("REVERT", "SCHEMA")) return ParseRevertSchema();
  if (cursor_.AtWords("PROMOTE", "RESCUED")) return ParsePromoteRescued();
  if (cursor_.AtWords("VERIFY", "FILES")) return ParseVerifyFiles();
  if (TableFilesAhead()) return ParseTableFiles();
  if (cursor_.AtWords("RETRY", "QUARANTINE")) return ParseRetryQuarantine();
  for (std::string_view word : kUnsupportedStatements) {
    if (!cursor_.AtWord(word) || next != TokenKind::kWord) continue;
    std::string name(word);
    if (word == "CACHE" || word == "REFRESH" || word == "TRUNCATE" || word == "ANALYZE" || word == "REPLACE") {
      name += " " + std::string(cursor_.Text(cursor_.Peek(1)));
    }
    return Unsupported("the statement " + name);
  }
  if (cursor_.AtWord("WITH")) {
    size_t start = cursor_.position();
    // WITH … INSERT: the common tables belong to the query that is inserted.
    size_t body = cursor_.position();
    int open = 0;
    for (; !cursor_.AtEnd() && !(open == 0 && (cursor_.AtWord("INSERT") || cursor_.AtWord("MERGE") || cursor_.AtWord("SELECT") || cursor_.AtWord("FROM")));
         cursor_.Advance()) {
      if (cursor_.AtSymbol("(")) ++open;
      if (cursor_.AtSymbol(")")) --open;
    }
    body = cursor_.position();
    bool insert = cursor_.AtWord("INSERT"), merge = cursor_.AtWord("MERGE");
    cursor_.Rewind(start);
    if (merge) {
      MS_ASSIGN_OR_RETURN(auto ctes, ParseCtes());
      if (cursor_.position() != body) return cursor_.SyntaxError();
      MS_ASSIGN_OR_RETURN(Statement statement, ParseMerge());
      auto& parsed = std::get<MergeInto>(std::get<Command>(statement).node);
      // The source keeps its name: the names of the WITH are seen below it.
      const auto* alias = parsed.source->As<SubqueryAlias>();
      if (alias) {
        parsed.source = Plan(SubqueryAlias{alias->name, alias->column_aliases, Plan(WithCte{std::move(ctes), alias->child})});
      } else if (const auto* table = parsed.source->As<UnresolvedRelation>()) {
        const std::vector<std::string> name = {table->name.back()};
        parsed.source = Plan(SubqueryAlias{name, {}, Plan(WithCte{std::move(ctes), std::move(parsed.source)})});
      } else {
        parsed.source = Plan(WithCte{std::move(ctes), std::move(parsed.source)});
      }
      return statement;
    }
    if (insert) {
      MS_ASSIGN_OR_RETURN(auto ctes, ParseCtes());
      if (cursor_.position() != body) return cursor_.SyntaxError();
      MS_ASSIGN_OR_RETURN(Statement statement, ParseInsert());
      auto& write = std::get<WriteData>(std::get<Command>(statement).node);
      write.query = Plan(WithCte{std::move(ctes), std::move(write.query)});
      return statement;
    }
  }
  MS_ASSIGN_OR_RETURN(PlanPtr query, ParseQuery());
  return Statement(std::move(query));
}

bool SqlParser::TakeIfExists() { return cursor_.TakeWords("IF", "EXISTS"); }

bool SqlParser::TakeIfNotExists() {
  if (!cursor_.AtWords("IF", "NOT") || !cursor_.AtWord("EXISTS", 2)) return false;
  for (int i = 0; i < 3; ++i) cursor_.Advance();
  return true;
}

Result<Statement> SqlParser::ParseDrop() {
  cursor_.Advance();
  if (cursor_.TakeWord("DATABASE") || cursor_.TakeWord("SCHEMA") || cursor_.TakeWord("NAMESPACE")) {
    DropDatabase drop{.if_exists = TakeIfExists()};
    MS_ASSIGN_OR_RETURN(drop.name, ParseName());
    drop.cascade = cursor_.TakeWord("CASCADE");
    if (!drop.cascade) cursor_.TakeWord("RESTRICT");
    return Statement(Command{std::move(drop)});
  }
  bool is_view = cursor_.AtWord("VIEW");
  if (!is_view && !cursor_.AtWord("TABLE")) {
    for (std::string_view word : {"FUNCTION", "TEMPORARY", "TEMP", "CATALOG", "INDEX", "VARIABLE", "MATERIALIZED"}) {
      if (cursor_.AtWord(word)) return Unsupported("the statement DROP " + std::string(word));
    }
    return cursor_.SyntaxError();
  }
  cursor_.Advance();
  DropTable drop{.if_exists = TakeIfExists(), .is_view = is_view};
  MS_ASSIGN_OR_RETURN(drop.name, ParseName());
  drop.purge = !is_view && cursor_.TakeWord("PURGE");
  return Statement(Command{std::move(drop)});
}

// "LIKE 'a*'" or the pattern alone.
Result<std::optional<std::string>> SqlParser::ParsePattern() {
  bool like = cursor_.TakeWord("LIKE");
  if (!like && cursor_.Peek().kind != TokenKind::kString) return std::optional<std::string>();
  MS_ASSIGN_OR_RETURN(std::string pattern, cursor_.ExpectString());
  return std::optional<std::string>(std::move(pattern));
}

Result<Statement> SqlParser::ParseShow() {
  cursor_.Advance();
  if (cursor_.TakeWord("TABLES")) return ParseShowTables();
  if (cursor_.TakeWord("COLUMNS")) return ParseShowColumns();
  if (cursor_.TakeWord("DATABASES") || cursor_.TakeWord("SCHEMAS") || cursor_.TakeWord("NAMESPACES")) {
    if (cursor_.AtWord("IN") || cursor_.AtWord("FROM")) return Unsupported("SHOW DATABASES of another catalog");
    ShowDatabases show;
    MS_ASSIGN_OR_RETURN(show.pattern, ParsePattern());
    return Statement(Command{std::move(show)});
  }
  if (cursor_.TakeWord("TBLPROPERTIES")) {
    ShowTableProperties show;
    MS_ASSIGN_OR_RETURN(show.table, ParseName());
    if (cursor_.TakeSymbol("(")) {
      MS_ASSIGN_OR_RETURN(show.key, ParsePropertyKey());
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    }
    return Statement(Command{std::move(show)});
  }
  for (std::string_view word : {"VIEWS", "FUNCTIONS", "CREATE", "PARTITIONS", "CATALOGS", "CURRENT", "USER", "SYSTEM", "ALL", "TABLE"}) {
    if (cursor_.AtWord(word)) return Unsupported("the statement SHOW " + std::string(word));
  }
  return cursor_.SyntaxError();
}

Result<Statement> SqlParser::ParseShowTables() {
  ShowTables show;
  if (cursor_.TakeWord("IN") || cursor_.TakeWord("FROM")) {
    MS_ASSIGN_OR_RETURN(show.database, ParseName());
  }
  MS_ASSIGN_OR_RETURN(show.pattern, ParsePattern());
  return Statement(Command{std::move(show)});
}

Result<Statement> SqlParser::ParseShowColumns() {
  if (!cursor_.TakeWord("IN")) MS_RETURN_IF_ERROR(cursor_.ExpectWord("FROM"));
  ShowColumns show;
  MS_ASSIGN_OR_RETURN(show.table, ParseName());
  if (cursor_.TakeWord("IN") || cursor_.TakeWord("FROM")) {
    MS_ASSIGN_OR_RETURN(MultipartName database, ParseName());
    database.push_back(std::move(show.table.back()));
    show.table = std::move(database);
  }
  return Statement(Command{std::move(show)});
}

Result<Statement> SqlParser::ParseDescribe() {
  cursor_.Advance();
  // A word is a table's name unless another name follows.
  auto take = [&](std::string_view word) { return IsName(cursor_.Peek(1)) && cursor_.TakeWord(word); };
  if (take("DATABASE") || take("SCHEMA") || take("NAMESPACE")) {
    DescribeDatabase describe{.extended = take("EXTENDED")};
    MS_ASSIGN_OR_RETURN(describe.name, ParseName());
    return Statement(Command{std::move(describe)});
  }
  if (take("HISTORY")) {
    DescribeHistory describe;
    MS_ASSIGN_OR_RETURN(describe.name, ParseName());
    if (cursor_.TakeWord("LIMIT")) {
      MS_ASSIGN_OR_RETURN(describe.limit, cursor_.ExpectInteger());
    }
    return Statement(Command{std::move(describe)});
  }
  if (take("DETAIL")) {
    DescribeDetail describe;
    MS_ASSIGN_OR_RETURN(describe.name, ParseName());
    return Statement(Command{std::move(describe)});
  }
  for (std::string_view word : {"FUNCTION", "QUERY", "CATALOG", "SELECT", "WITH"}) {
    if (IsName(cursor_.Peek(1)) && cursor_.AtWord(word)) return Unsupported("the statement DESCRIBE " + std::string(word));
  }
  take("TABLE");
  DescribeTable describe{.extended = take("EXTENDED") || take("FORMATTED")};
  MS_ASSIGN_OR_RETURN(describe.name, ParseName());
  if (cursor_.AtWord("PARTITION") || IsName(cursor_.Peek())) return Unsupported("DESCRIBE of a column or a partition");
  return Statement(Command{std::move(describe)});
}

Result<Statement> SqlParser::ParseUse() {
  cursor_.Advance();
  if (cursor_.AtWord("CATALOG") && IsName(cursor_.Peek(1))) {
    cursor_.Advance();
  } else if (IsName(cursor_.Peek(1)) && !cursor_.TakeWord("DATABASE") && !cursor_.TakeWord("SCHEMA")) {
    cursor_.TakeWord("NAMESPACE");
  }
  UseDatabase use;
  MS_ASSIGN_OR_RETURN(use.name, ParseName());
  return Statement(Command{std::move(use)});
}

// The text up to the end or a semicolon, spaces around it removed; the cursor goes there.
std::string SqlParser::RestOfStatement() {
  uint32_t begin = cursor_.Peek().begin, end = begin;
  for (; !cursor_.AtEnd() && !cursor_.AtSymbol(";"); cursor_.Advance()) end = cursor_.Peek().end;
  return std::string(cursor_.sql().substr(begin, end - begin));
}

// Keys and values are text, not words: SET a.b = any thing.
Result<Statement> SqlParser::ParseSet() {
  cursor_.Advance();
  SetConf set;
  if (cursor_.AtEnd() || cursor_.AtSymbol(";") || (cursor_.AtSymbol("-") && cursor_.AtWord("V", 1))) {
    RestOfStatement();
    return Statement(Command{std::move(set)});
  }
  if (cursor_.TakeWords("TIME", "ZONE")) {
    set.key = "spark.sql.session.timeZone";
    if (cursor_.Peek().kind != TokenKind::kString) {
      return Unsupported("SET TIME ZONE LOCAL or an interval");
    }
    MS_ASSIGN_OR_RETURN(set.value, cursor_.ExpectString());
    return Statement(Command{std::move(set)});
  }
  for (std::string_view word : {"CATALOG", "VAR", "VARIABLE", "ROLE", "PATH"}) {
    if (cursor_.AtWord(word) && IsName(cursor_.Peek(1))) return Unsupported("the statement SET " + std::string(word));
  }
  uint32_t begin = cursor_.Peek().begin, end = begin;
  bool quoted = cursor_.Peek().kind == TokenKind::kQuotedName;
  std::string quoted_key = quoted ? UnquoteName(cursor_.Text(cursor_.Peek())) : "";
  for (; !cursor_.AtEnd() && !cursor_.AtSymbol(";") && !cursor_.AtSymbol("="); cursor_.Advance()) end = cursor_.Peek().end;
  set.key = quoted ? quoted_key : std::string(cursor_.sql().substr(begin, end - begin));
  if (cursor_.TakeSymbol("=")) {
    bool value_quoted = cursor_.Peek().kind == TokenKind::kQuotedName;
    std::string value = value_quoted ? UnquoteName(cursor_.Text(cursor_.Peek())) : "";
    std::string rest = RestOfStatement();
    set.value = value_quoted ? value : rest;
  }
  return Statement(Command{std::move(set)});
}

Result<Statement> SqlParser::ParseReset() {
  cursor_.Advance();
  ResetConf reset;
  if (!cursor_.AtEnd() && !cursor_.AtSymbol(";")) {
    bool quoted = cursor_.Peek().kind == TokenKind::kQuotedName;
    std::string name = quoted ? UnquoteName(cursor_.Text(cursor_.Peek())) : "";
    std::string rest = RestOfStatement();
    reset.key = quoted ? name : rest;
  }
  return Statement(Command{std::move(reset)});
}

Result<Statement> SqlParser::ParseExplain() {
  cursor_.Advance();
  Explain explain;
  for (auto [word, mode] : {std::pair("EXTENDED", "extended"), std::pair("CODEGEN", "codegen"), std::pair("COST", "cost"), std::pair("FORMATTED", "formatted"),
                            std::pair("LOGICAL", "extended")}) {
    if (cursor_.TakeWord(word)) {
      explain.mode = mode;
      break;
    }
  }
  if (explain.mode == "simple" && cursor_.AtWords("COPY", "INTO")) {
    MS_ASSIGN_OR_RETURN(Statement copy, ParseCopyInto());
    std::get<CopyInto>(std::get<Command>(copy).node).is_explained = true;
    return copy;
  }
  for (std::string_view word : {"CREATE", "DROP", "INSERT", "SHOW", "DESCRIBE", "USE", "SET", "EXPLAIN"}) {
    if (cursor_.AtWord(word)) return Unsupported("EXPLAIN of a command", "Explain its query.");
  }
  MS_ASSIGN_OR_RETURN(explain.query, ParseQuery());
  return Statement(Command{std::move(explain)});
}

// PARTITION (p = 1, q): q's values come out of the query, after its other columns.
Status SqlParser::ParsePartitionSpec(WriteData& write) {
  cursor_.Advance();
  cursor_.Advance();
  do {
    std::pair<std::string, ExprPtr> value;
    MS_ASSIGN_OR_RETURN(value.first, cursor_.ExpectName());
    if (cursor_.TakeSymbol("=")) {
      MS_ASSIGN_OR_RETURN(value.second, ParseExpression());
    }
    write.partition_values.push_back(std::move(value));
  } while (cursor_.TakeSymbol(","));
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  if (cursor_.AtWord("IF") && cursor_.AtWord("NOT", 1)) return Unsupported("INSERT … PARTITION (…) IF NOT EXISTS");
  return Status();
}

Result<Statement> SqlParser::ParseInsert() {
  cursor_.Advance();
  WriteData write{.insert_into = true, .mode = SaveMode::kAppend};
  if (cursor_.TakeWord("OVERWRITE")) {
    write.mode = SaveMode::kOverwrite;
    if (cursor_.AtWord("DIRECTORY") || cursor_.AtWord("LOCAL")) return Unsupported("INSERT OVERWRITE DIRECTORY");
  } else {
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("INTO"));
  }
  if (IsName(cursor_.Peek(1))) cursor_.TakeWord("TABLE");
  MS_ASSIGN_OR_RETURN(write.table, ParseName());
  if (cursor_.AtWord("PARTITION") && cursor_.AtSymbol("(", 1)) MS_RETURN_IF_ERROR(ParsePartitionSpec(write));
  if (cursor_.TakeWords("REPLACE", "WHERE")) {
    const uint32_t begin = cursor_.Peek().begin;
    MS_ASSIGN_OR_RETURN(write.replace_where, ParseExpression());
    write.replace_where_text = cursor_.sql().substr(begin, cursor_.Peek().begin - begin);
    while (!write.replace_where_text.empty() && std::isspace(static_cast<unsigned char>(write.replace_where_text.back()))) write.replace_where_text.pop_back();
    write.mode = SaveMode::kOverwrite;
  }
  if (cursor_.AtWords("BY", "NAME")) {
    cursor_.Advance();
    cursor_.Advance();
    write.by_name = true;
  } else if (cursor_.AtSymbol("(") && !QueryAhead(1) && !QueryAhead()) {
    MS_ASSIGN_OR_RETURN(write.insert_columns, ParseNameList());
  }
  MS_ASSIGN_OR_RETURN(write.query, ParseQuery());
  return Statement(Command{std::move(write)});
}

}  // namespace millstream
