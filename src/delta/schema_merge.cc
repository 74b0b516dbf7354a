#include "delta/schema_merge.h"

#include <algorithm>
#include <set>

#include "delta/delta_errors.h"
#include "delta/type_widening.h"

namespace millstream {
namespace {

std::string Lower(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return lower;
}

// A column's metadata from a query names watermarks and generated aliases; only a comment belongs into a table.
std::string TableMetadata(const std::string& metadata) { return metadata.find("\"comment\"") == std::string::npos ? "{}" : metadata; }

DataType AllNullable(const DataType& type) {
  switch (type.id()) {
    case TypeId::kStruct:
      return DataType::Struct(ForNewTable(type.fields()));
    case TypeId::kArray:
      return DataType::Array(AllNullable(type.element()), true);
    case TypeId::kMap:
      return DataType::Map(AllNullable(type.key()), AllNullable(type.value()), true);
    default:
      return type;
  }
}

bool IsSmallInteger(TypeId id) { return id == TypeId::kByte || id == TypeId::kShort || id == TypeId::kInteger; }

Result<DataType> MergeTypes(const std::string& path, const DataType& table, const DataType& rows, bool widens) {
  if (table.id() == TypeId::kStruct && rows.id() == TypeId::kStruct) {
    StructType merged = table.fields();
    std::vector<StructField> fields = merged.fields();
    for (const StructField& field : rows.fields()) {
      std::optional<size_t> index = merged.IndexOf(field.name);
      if (!index) {
        fields.push_back({field.name, AllNullable(field.type), true, TableMetadata(field.metadata)});
        continue;
      }
      MS_ASSIGN_OR_RETURN(fields[*index].type, MergeTypes(path + "." + field.name, fields[*index].type, field.type, widens));
    }
    return DataType::Struct(StructType(std::move(fields)));
  }
  if (table.id() == TypeId::kArray && rows.id() == TypeId::kArray) {
    MS_ASSIGN_OR_RETURN(DataType element, MergeTypes(path + ".element", table.element(), rows.element(), widens));
    return DataType::Array(std::move(element), table.contains_null());
  }
  if (table.id() == TypeId::kMap && rows.id() == TypeId::kMap) {
    MS_ASSIGN_OR_RETURN(DataType key, MergeTypes(path + ".key", table.key(), rows.key(), widens));
    MS_ASSIGN_OR_RETURN(DataType value, MergeTypes(path + ".value", table.value(), rows.value(), widens));
    return DataType::Map(std::move(key), std::move(value), table.contains_null());
  }
  if (table.id() == TypeId::kNull) return AllNullable(rows);
  if (widens && CanWiden(table, rows)) return rows;
  // These three are one physical type in Parquet: old files stay readable.
  if (IsSmallInteger(table.id()) && IsSmallInteger(rows.id())) return table.id() > rows.id() ? table : rows;
  if (CanStore(rows, table)) return table;
  std::string name = path.substr(path.rfind('.') + 1);
  return Status::Error(errors::kDeltaFailedToMergeFields,
                       {{"currentField", name}, {"updateField", name}, {"currentType", table.Sql()}, {"updateType", rows.Sql()}});
}

bool FieldsFit(const StructType& table, const StructType& rows) {
  return std::all_of(rows.begin(), rows.end(), [&](const StructField& field) {
    std::optional<size_t> index = table.IndexOf(field.name);
    return index && CanStore(field.type, table[*index].type);
  });
}

Status CheckNames(const StructType& schema, const std::string& prefix) {
  std::set<std::string> seen;
  for (const StructField& field : schema) {
    if (field.name.find_first_of(" ,;{}()\n\t=") != std::string::npos) {
      return Status::Error(errors::kDeltaInvalidCharacters, {{"invalidColumnNames", prefix + field.name}});
    }
    if (!seen.insert(Lower(field.name)).second) {
      return Status::Error(errors::kDeltaDuplicateColumns, {{"coltype", "in the data to save"}, {"duplicateCols", Lower(prefix + field.name)}});
    }
    const DataType* type = &field.type;
    while (type->id() == TypeId::kArray || type->id() == TypeId::kMap) type = type->id() == TypeId::kArray ? &type->element() : &type->value();
    if (type->id() == TypeId::kStruct) MS_RETURN_IF_ERROR(CheckNames(type->fields(), prefix + field.name + "."));
    if (type->id() == TypeId::kDayTimeInterval || type->id() == TypeId::kYearMonthInterval) {
      return Status::Unsupported("Type " + type->Sql() + " of column " + prefix + field.name + " in a Delta table",
                                 "Cast the column to a type that Delta tables have.");
    }
  }
  return Status();
}

void AppendTree(std::string& out, const StructType& schema, const std::string& indent);

void AppendTypeTree(std::string& out, const DataType& type, const std::string& indent) {
  auto name = [](const DataType& t) { return t.IsNested() ? t.SimpleString().substr(0, t.SimpleString().find('<')) : t.SimpleString(); };
  if (type.id() == TypeId::kStruct) AppendTree(out, type.fields(), indent);
  if (type.id() == TypeId::kArray) {
    out += indent + "|-- element: " + name(type.element()) + " (containsNull = " + (type.contains_null() ? "true" : "false") + ")\n";
    AppendTypeTree(out, type.element(), indent + "|    ");
  }
  if (type.id() == TypeId::kMap) {
    out += indent + "|-- key: " + name(type.key()) + "\n";
    AppendTypeTree(out, type.key(), indent + "|    ");
    out += indent + "|-- value: " + name(type.value()) + " (valueContainsNull = " + (type.contains_null() ? "true" : "false") + ")\n";
    AppendTypeTree(out, type.value(), indent + "|    ");
  }
}

void AppendTree(std::string& out, const StructType& schema, const std::string& indent) {
  for (const StructField& field : schema) {
    std::string type = field.type.id() == TypeId::kLong ? "long" : field.type.id() == TypeId::kInteger ? "integer" : field.type.SimpleString();
    if (field.type.IsNested()) type = type.substr(0, type.find('<'));
    out += indent + "|-- " + field.name + ": " + type + " (nullable = " + (field.nullable ? "true" : "false") + ")\n";
    AppendTypeTree(out, field.type, indent + "|    ");
  }
}

}  // namespace

bool CanStore(const DataType& from, const DataType& to) {
  if (from.SameType(to) || from.id() == TypeId::kNull) return true;
  if (from.id() == TypeId::kStruct && to.id() == TypeId::kStruct) return FieldsFit(to.fields(), from.fields());
  if (from.id() == TypeId::kArray && to.id() == TypeId::kArray) return CanStore(from.element(), to.element());
  if (from.id() == TypeId::kMap && to.id() == TypeId::kMap) return CanStore(from.key(), to.key()) && CanStore(from.value(), to.value());
  if (from.IsNumeric() && to.IsNumeric()) return true;
  if (to.id() == TypeId::kString) return from.IsIntegral() || from.id() == TypeId::kBoolean || from.id() == TypeId::kDate;
  return from.id() == TypeId::kDate && (to.id() == TypeId::kTimestamp || to.id() == TypeId::kTimestampNtz);
}

Result<StructType> MergeSchemas(const StructType& table, const StructType& rows, bool widens) {
  MS_ASSIGN_OR_RETURN(DataType merged, MergeTypes("", DataType::Struct(table), DataType::Struct(rows), widens));
  return widens ? WithTypeChanges(table, merged.fields()) : merged.fields();
}

Status CheckSchemaFits(const StructType& table, const StructType& rows, const std::string& table_id) {
  for (const StructField& field : rows) {
    std::optional<size_t> index = table.IndexOf(field.name);
    // Types that differ below the top level may still be a missing nested column, which is the other error.
    if (index && !field.type.IsNested() && !CanStore(field.type, table[*index].type)) return MergeSchemas(table, rows).status();
  }
  if (FieldsFit(table, rows)) return Status();
  std::string detail =
      "To enable schema migration using DataFrameWriter or DataStreamWriter, please set:\n'.option(\"mergeSchema\", \"true\")'.\n"
      "For other operations, set the session configuration\nspark.databricks.delta.schema.autoMerge.enabled to \"true\". See the documentation\n"
      "specific to the operation for details.\n\nTable schema:\n" +
      SchemaTree(table) + "\n\nData schema:\n" + SchemaTree(rows);
  return Status::Error(errors::kDeltaSchemaMismatch, {{"tableId", table_id}, {"detail", detail}});
}

Status CheckTableSchema(const StructType& schema, const std::vector<std::string>& partition_columns) {
  MS_RETURN_IF_ERROR(CheckNames(schema, ""));
  for (const StructField& field : schema) {
    if (NestingDepth(field.type) > kMaxTypeDepth) return Status::Unsupported("A column nested deeper than " + std::to_string(kMaxTypeDepth));
  }
  for (const std::string& column : partition_columns) {
    std::optional<size_t> index = schema.IndexOf(column);
    if (!index) return Status::Error(errors::kDeltaPartitionColumnNotFound, {{"columnName", column}, {"schemaMap", SchemaTree(schema)}});
    if (schema[*index].type.IsNested() || schema[*index].type.id() == TypeId::kNull) {
      return Status::Unsupported("Partitioning by column " + column + " of type " + schema[*index].type.Sql());
    }
  }
  if (!partition_columns.empty() && partition_columns.size() >= schema.size()) return Status::Error(errors::kDeltaNonPartitionColumnAbsent);
  return Status();
}

StructType ForNewTable(const StructType& rows) {
  StructType table;
  for (const StructField& field : rows) table.Add({field.name, AllNullable(field.type), true, TableMetadata(field.metadata)});
  return table;
}

std::string SchemaTree(const StructType& schema) {
  std::string tree = "root\n";
  AppendTree(tree, schema, " ");
  return tree;
}

}  // namespace millstream
