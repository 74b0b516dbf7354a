#include "connectors/files/schema_hints.h"

#include <cctype>

#include "types/spark_ddl.h"

namespace millstream {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

StructType ApplyToStruct(const StructType& schema, const SchemaHint& hint, size_t depth);

DataType ApplyToType(const DataType& type, const SchemaHint& hint, size_t depth) {
  if (depth == hint.path.size()) return hint.type;
  const std::string& name = hint.path[depth];
  if (type.id() == TypeId::kArray && name == "element") {
    return DataType::Array(ApplyToType(type.element(), hint, depth + 1), type.contains_null());
  }
  if (type.id() == TypeId::kMap && name == "key") return DataType::Map(ApplyToType(type.key(), hint, depth + 1), type.value(), type.contains_null());
  if (type.id() == TypeId::kMap && name == "value") return DataType::Map(type.key(), ApplyToType(type.value(), hint, depth + 1), type.contains_null());
  if (type.id() == TypeId::kStruct) return DataType::Struct(ApplyToStruct(type.fields(), hint, depth));
  // The hint knows of fields where inference saw none (a string, or nothing): the hint wins.
  return DataType::Struct(ApplyToStruct(StructType(), hint, depth));
}

StructType ApplyToStruct(const StructType& schema, const SchemaHint& hint, size_t depth) {
  std::vector<StructField> fields = schema.fields();
  if (std::optional<size_t> at = schema.IndexOf(hint.path[depth])) {
    fields[*at].type = ApplyToType(fields[*at].type, hint, depth + 1);
    fields[*at].name = hint.path[depth];  // a hint also settles the casing
  } else {
    fields.push_back({hint.path[depth], ApplyToType(DataType::Null(), hint, depth + 1)});
  }
  return StructType(std::move(fields));
}

}  // namespace

std::vector<std::string_view> SplitColumns(std::string_view ddl) {
  std::vector<std::string_view> columns;
  int depth = 0;
  bool quoted = false;
  size_t from = 0;
  for (size_t i = 0; i <= ddl.size(); ++i) {
    if (i == ddl.size() || (ddl[i] == ',' && depth == 0 && !quoted)) {
      columns.push_back(Trim(ddl.substr(from, i - from)));
      from = i + 1;
    } else if (ddl[i] == '`') {
      quoted = !quoted;
    } else if (!quoted) {
      depth += ddl[i] == '<' || ddl[i] == '(' ? 1 : ddl[i] == '>' || ddl[i] == ')' ? -1 : 0;
    }
  }
  return columns;
}

std::vector<std::string> CutColumnPath(std::string_view* column) {
  std::vector<std::string> path(1);
  bool quoted = false;
  size_t i = 0;
  for (; i < column->size(); ++i) {
    char c = (*column)[i];
    if (c == '`') {
      if (quoted && i + 1 < column->size() && (*column)[i + 1] == '`') {
        path.back() += c;
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (quoted) {
      path.back() += c;
    } else if (c == '.') {
      path.emplace_back();
    } else if (std::isspace(static_cast<unsigned char>(c)) || c == ':') {
      break;
    } else {
      path.back() += c;
    }
  }
  std::string_view rest = Trim(column->substr(i));
  if (rest.starts_with(':')) rest = Trim(rest.substr(1));
  *column = rest;
  return path;
}

Result<std::vector<SchemaHint>> ParseSchemaHints(std::string_view ddl) {
  std::vector<SchemaHint> hints;
  if (Trim(ddl).empty()) return hints;
  for (std::string_view column : SplitColumns(ddl)) {
    std::string_view type = column;
    SchemaHint hint{.path = CutColumnPath(&type)};
    bool named = hint.path.size() <= static_cast<size_t>(kMaxTypeDepth);
    for (const std::string& name : hint.path) named = named && !name.empty();
    if (!named || type.empty()) {
      // Not a path and a type: Spark's parser says what is wrong with it.
      MS_RETURN_IF_ERROR(SchemaFromDdl(ddl).status());
      return Status::IllegalArgument("cloudFiles.schemaHints: cannot read '" + std::string(column) + "', expected a column and its type");
    }
    MS_ASSIGN_OR_RETURN(StructType parsed, SchemaFromDdl("`hint` " + std::string(type)));
    hint.type = parsed[0].type;
    hints.push_back(std::move(hint));
  }
  return hints;
}

StructType ApplySchemaHints(const StructType& schema, const std::vector<SchemaHint>& hints) {
  StructType hinted = schema;
  for (const SchemaHint& hint : hints) hinted = ApplyToStruct(hinted, hint, 0);
  return hinted;
}

}  // namespace millstream
