#include "types/spark_ddl.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "types/sql_tokens.h"
#include "types/type_parser.h"
#include "types/types_errors.h"

namespace millstream {
namespace {

// An empty text has an error of its own, unless a comment is all there is.
Status EmptyError(const TokenCursor& cursor) {
  bool blank = std::all_of(cursor.sql().begin(), cursor.sql().end(), [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return blank ? cursor.ErrorAt(cursor.Peek(), errors::kParseEmptyStatement, {}) : cursor.SyntaxError();
}

std::string QuoteIfNeeded(const std::string& name) {
  auto is_plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (!name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), is_plain)) return name;
  std::string quoted = "`";
  for (char c : name) quoted += c == '`' ? "``" : std::string(1, c);
  return quoted + "`";
}

std::optional<std::string> CommentOf(const StructField& field) {
  if (field.metadata.find("\"comment\"") == std::string::npos) return std::nullopt;
  nlohmann::json metadata = nlohmann::json::parse(field.metadata, nullptr, /*allow_exceptions=*/false);
  auto comment = metadata.is_object() ? metadata.find("comment") : metadata.end();
  if (comment == metadata.end() || !comment->is_string()) return std::nullopt;
  return comment->get<std::string>();
}

std::string TypeDdl(const DataType& type);

std::string FieldDdl(const StructField& field, std::string_view between) {
  std::string ddl = QuoteIfNeeded(field.name) + std::string(between) + TypeDdl(field.type) + (field.nullable ? "" : " NOT NULL");
  if (std::optional<std::string> comment = CommentOf(field)) {
    ddl += " COMMENT '";
    for (char c : *comment) ddl += c == '\'' ? "\\'" : std::string(1, c);
    ddl += "'";
  }
  return ddl;
}

// DataType.Sql with the comments of nested fields, which toDDL keeps.
std::string TypeDdl(const DataType& type) {
  switch (type.id()) {
    case TypeId::kArray:
      return "ARRAY<" + TypeDdl(type.element()) + ">";
    case TypeId::kMap:
      return "MAP<" + TypeDdl(type.key()) + ", " + TypeDdl(type.value()) + ">";
    case TypeId::kStruct: {
      std::string inner;
      for (const StructField& field : type.fields()) inner += (inner.empty() ? "" : ", ") + FieldDdl(field, ": ");
      return "STRUCT<" + inner + ">";
    }
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kVariant:
      return type.Sql();
  }
  return type.Sql();
}

}  // namespace

Result<StructType> SchemaFromDdl(std::string_view ddl) {
  MS_ASSIGN_OR_RETURN(SqlTokens tokens, SqlTokens::Lex(ddl));
  TokenCursor cursor(tokens);
  if (cursor.AtEnd()) return EmptyError(cursor);
  StructType schema;
  do {
    MS_ASSIGN_OR_RETURN(StructField field, ParseColumn(cursor, /*allow_colon=*/true));
    schema.Add(std::move(field));
  } while (cursor.TakeSymbol(","));
  if (!cursor.AtEnd()) return cursor.SyntaxError();
  return schema;
}

Result<DataType> DataTypeFromDdl(std::string_view ddl) {
  MS_ASSIGN_OR_RETURN(SqlTokens tokens, SqlTokens::Lex(ddl));
  TokenCursor cursor(tokens);
  if (cursor.AtEnd()) return EmptyError(cursor);
  MS_ASSIGN_OR_RETURN(DataType type, ParseDataType(cursor));
  if (!cursor.AtEnd()) return cursor.SyntaxError();
  return type;
}

std::string ToDdl(const StructType& schema) {
  std::string ddl;
  for (const StructField& field : schema) ddl += (ddl.empty() ? "" : ",") + FieldDdl(field, " ");
  return ddl;
}

}  // namespace millstream
