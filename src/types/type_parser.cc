#include "types/type_parser.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "types/types_errors.h"

namespace millstream {
namespace {

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return upper;
}

std::string Quoted(const std::string& name) { return "\"" + name + "\""; }

struct NamedType {
  std::string_view name;
  DataType (*make)();
};
constexpr NamedType kPlainTypes[] = {
    {"BOOLEAN", DataType::Boolean},
    {"TINYINT", DataType::Byte},
    {"BYTE", DataType::Byte},
    {"SMALLINT", DataType::Short},
    {"SHORT", DataType::Short},
    {"INT", DataType::Integer},
    {"INTEGER", DataType::Integer},
    {"BIGINT", DataType::Long},
    {"LONG", DataType::Long},
    {"FLOAT", DataType::Float},
    {"REAL", DataType::Float},
    {"DOUBLE", DataType::Double},
    {"DATE", DataType::Date},
    {"TIMESTAMP", DataType::Timestamp},
    {"TIMESTAMP_LTZ", DataType::Timestamp},
    {"TIMESTAMP_NTZ", DataType::TimestampNtz},
    {"STRING", DataType::String},
    {"BINARY", DataType::Binary},
    {"VOID", DataType::Null},
    {"VARIANT", DataType::Variant},
};

// "(10, 2)" behind a type's name; empty: none.
Result<std::vector<int64_t>> ParseParameters(TokenCursor& cursor) {
  std::vector<int64_t> parameters;
  if (!cursor.TakeSymbol("(")) return parameters;
  do {
    MS_ASSIGN_OR_RETURN(int64_t parameter, cursor.ExpectInteger());
    parameters.push_back(parameter);
  } while (cursor.TakeSymbol(","));
  MS_RETURN_IF_ERROR(cursor.ExpectSymbol(")"));
  return parameters;
}

Status UnsupportedType(const TokenCursor& cursor, const Token& token, const std::string& name, const std::vector<int64_t>& parameters) {
  std::string shown = name;
  for (size_t i = 0; i < parameters.size(); ++i) shown += (i == 0 ? "(" : ",") + std::to_string(parameters[i]);
  if (!parameters.empty()) shown += ")";
  return cursor.ErrorAt(token, errors::kUnsupportedDataType, {{"typeName", Quoted(shown)}});
}

Result<DataType> MakeDecimal(const std::vector<int64_t>& parameters) {
  int64_t precision = parameters.empty() ? 10 : parameters[0];
  int64_t scale = parameters.size() < 2 ? 0 : parameters[1];
  if (precision > 38) return Status::Error(errors::kDecimalPrecision, {{"precision", std::to_string(precision)}, {"maxPrecision", "38"}});
  if (scale > precision) return Status::Error(errors::kInvalidDecimalScale, {{"scale", std::to_string(scale)}, {"precision", std::to_string(precision)}});
  if (precision == 0) return Status::Unsupported("the data type DECIMAL(0,0)", "Use a precision from 1 to 38.");
  return DataType::Decimal(static_cast<int>(precision), static_cast<int>(scale));
}

// "INTERVAL DAY TO SECOND", "INTERVAL MONTH". Which units stand there limits how a value is shown, not what it is.
Result<DataType> ParseInterval(TokenCursor& cursor) {
  static constexpr std::string_view kUnits[] = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"};
  auto unit_at = [&](size_t ahead) -> int {
    for (int i = 0; i < 6; ++i) {
      if (cursor.AtWord(kUnits[i], ahead)) return i;
    }
    return -1;
  };
  int first = unit_at(0);
  if (first < 0) return Status::Unsupported("the data type INTERVAL", "Use INTERVAL DAY TO SECOND or INTERVAL YEAR TO MONTH.");
  const Token start = cursor.Peek();
  cursor.Advance();
  int last = first;
  if (cursor.AtWord("TO") && unit_at(1) >= 0) {
    last = unit_at(1);
    cursor.Advance();
    cursor.Advance();
  }
  bool year_month = first <= 1;
  if (last < first || year_month != (last <= 1)) return cursor.ErrorAt(start, errors::kUnsupportedDataType, {{"typeName", "\"INTERVAL\""}});
  return year_month ? DataType::YearMonthInterval() : DataType::DayTimeInterval();
}

Result<DataType> ParseNested(TokenCursor& cursor, const Token& token, const std::string& name, int depth) {
  if (name == "STRUCT" && cursor.TakeSymbol("<>")) return DataType::Struct(StructType());
  if (!cursor.AtSymbol("<")) {
    return cursor.ErrorAt(token, name == "ARRAY" ? errors::kIncompleteArray : name == "MAP" ? errors::kIncompleteMap : errors::kIncompleteStruct, {});
  }
  if (depth >= kMaxTypeDepth) return Status::Error(errors::kTypeTooDeep, {{"limit", std::to_string(kMaxTypeDepth)}});
  cursor.Advance();
  std::optional<DataType> type;
  if (name == "ARRAY") {
    MS_ASSIGN_OR_RETURN(DataType element, ParseDataType(cursor, depth + 1));
    type = DataType::Array(std::move(element));
  } else if (name == "MAP") {
    MS_ASSIGN_OR_RETURN(DataType key, ParseDataType(cursor, depth + 1));
    MS_RETURN_IF_ERROR(cursor.ExpectSymbol(","));
    MS_ASSIGN_OR_RETURN(DataType value, ParseDataType(cursor, depth + 1));
    type = DataType::Map(std::move(key), std::move(value));
  } else {
    StructType fields;
    if (!cursor.AtSymbol(">")) {
      do {
        MS_ASSIGN_OR_RETURN(StructField field, ParseColumn(cursor, /*allow_colon=*/true, depth + 1));
        fields.Add(std::move(field));
      } while (cursor.TakeSymbol(","));
    }
    type = DataType::Struct(std::move(fields));
  }
  MS_RETURN_IF_ERROR(cursor.ExpectSymbol(">"));
  return *std::move(type);
}

}  // namespace

Result<DataType> ParseDataType(TokenCursor& cursor, int depth) {
  const Token token = cursor.Peek();
  MS_ASSIGN_OR_RETURN(std::string written, cursor.ExpectName());
  std::string name = Upper(written);
  if (name == "ARRAY" || name == "MAP" || name == "STRUCT") return ParseNested(cursor, token, name, depth);
  if (name == "INTERVAL") return ParseInterval(cursor);
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> parameters, ParseParameters(cursor));
  if (name == "STRING" && parameters.empty() && cursor.TakeWord("COLLATE")) {
    MS_ASSIGN_OR_RETURN(std::string collation, cursor.ExpectName());
    if (Upper(collation) != "UTF8_BINARY") return Status::Unsupported("the collation " + collation, "Use UTF8_BINARY, the default.");
  }
  if (parameters.empty()) {
    for (const NamedType& plain : kPlainTypes) {
      if (name == plain.name) return plain.make();
    }
  }
  if ((name == "DECIMAL" || name == "DEC" || name == "NUMERIC") && parameters.size() <= 2) return MakeDecimal(parameters);
  if (name == "CHAR" || name == "CHARACTER" || name == "VARCHAR") {
    if (parameters.empty()) return cursor.ErrorAt(token, errors::kDatatypeMissingSize, {{"type", Quoted(name)}});
    if (parameters.size() == 1) return DataType::String();
  }
  if (name == "TIME" || name == "GEOMETRY" || name == "GEOGRAPHY") return Status::Unsupported("the data type " + name);
  return UnsupportedType(cursor, token, name, parameters);
}

Result<std::string> ParseColumnName(TokenCursor& cursor) {
  size_t start = cursor.position();
  MS_ASSIGN_OR_RETURN(std::string name, cursor.ExpectName());
  if (!cursor.AtSymbol("-")) return name;
  const Token dash = cursor.Peek();
  std::string whole = name;
  while (cursor.AtSymbol("-") && cursor.Peek(1).kind == TokenKind::kWord) {
    cursor.Advance();
    whole += "-" + std::string(cursor.Text(cursor.Peek()));
    cursor.Advance();
  }
  if (whole == name) return name;
  Status status = cursor.ErrorAt(dash, errors::kInvalidIdentifier, {{"ident", whole}});
  cursor.Rewind(start);
  return status;
}

std::string CommentMetadata(std::string_view comment) {
  return nlohmann::json{{"comment", std::string(comment)}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<StructField> ParseColumn(TokenCursor& cursor, bool allow_colon, int depth) {
  StructField field;
  MS_ASSIGN_OR_RETURN(field.name, ParseColumnName(cursor));
  if (allow_colon) cursor.TakeSymbol(":");
  size_t type_start = cursor.position();
  MS_ASSIGN_OR_RETURN(field.type, ParseDataType(cursor, depth));
  nlohmann::ordered_json metadata = nlohmann::ordered_json::object();
  if (field.type.id() == TypeId::kString) {
    size_t type_end = cursor.position();
    cursor.Rewind(type_start);
    bool varying = cursor.AtWord("VARCHAR");
    if (varying || cursor.AtWord("CHAR") || cursor.AtWord("CHARACTER")) {
      metadata["__CHAR_VARCHAR_TYPE_STRING"] = (varying ? "varchar(" : "char(") + std::string(cursor.Text(cursor.Peek(2))) + ")";
    }
    cursor.Rewind(type_end);
  }
  if (cursor.TakeWords("NOT", "NULL")) field.nullable = false;
  if (cursor.TakeWord("COMMENT")) {
    MS_ASSIGN_OR_RETURN(std::string comment, cursor.ExpectString());
    metadata["comment"] = std::move(comment);
  }
  if (!metadata.empty()) field.metadata = metadata.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return field;
}

}  // namespace millstream
