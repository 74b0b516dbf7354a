#include "session/copy_target.h"

#include "delta/schema_merge.h"
#include "plan/plan_errors.h"
#include "session/names.h"
#include "session/store_assignment.h"

namespace millstream {
namespace {

std::string ColumnList(const std::vector<StructField>& columns) {
  std::string list;
  for (const StructField& column : columns) list += (list.empty() ? "" : ", ") + QuoteName({column.name});
  return list;
}

// What the table fills in by itself takes no column of a file.
bool IsGenerated(const StructField& column) {
  return column.metadata.find("\"delta.generationExpression\"") != std::string::npos || column.metadata.find("\"delta.identity.") != std::string::npos;
}

bool IsMoment(const DataType& type) { return type.id() == TypeId::kDate || type.id() == TypeId::kTimestamp || type.id() == TypeId::kTimestampNtz; }

// Text is what CSV is made of: whether it is a number or a date shows when it is cast.
bool CanCopy(const DataType& from, const DataType& to) {
  if (CanStore(from, to)) return true;
  if (from.IsNested() || to.IsNested()) return false;
  return from.id() == TypeId::kString || to.id() == TypeId::kString || (IsMoment(from) && IsMoment(to));
}

// `from` with the types and names that `to` has for the values within it. Their order, and fields of one of the two alone, stay: the writer goes by name.
DataType WithTypesOf(const DataType& from, const DataType& to) {
  if (from.id() == TypeId::kStruct && to.id() == TypeId::kStruct) {
    std::vector<StructField> fields = from.fields().fields();
    for (StructField& field : fields) {
      auto at = to.fields().IndexOf(field.name);
      if (!at) continue;
      field.type = WithTypesOf(field.type, to.fields()[*at].type);
      // Of two that differ in case only, one.
      if (!StructType(fields).IndexOf(to.fields()[*at].name, true)) field.name = to.fields()[*at].name;
    }
    return DataType::Struct(StructType(std::move(fields)));
  }
  if (from.id() == TypeId::kArray && to.id() == TypeId::kArray) return DataType::Array(WithTypesOf(from.element(), to.element()), from.contains_null());
  // A key that became null would be none.
  if (from.id() == TypeId::kMap && to.id() == TypeId::kMap) return DataType::Map(from.key(), WithTypesOf(from.value(), to.value()), from.contains_null());
  return !from.IsNested() && !to.IsNested() && from.id() != TypeId::kNull && CanCopy(from, to) ? to : from;
}

Result<CopyFit> FitByPosition(const CopyInto& command, const PlanPtr& rows, const StructType& table, const std::string& table_name) {
  const StructType schema = SchemaOf(*rows);
  std::vector<StructField> targets;
  if (command.columns.empty()) {
    for (const StructField& column : table) {
      if (!IsGenerated(column)) targets.push_back(column);
    }
  } else {
    for (const std::string& name : command.columns) {
      std::optional<size_t> at = table.IndexOf(name);
      if (!at) {
        return Status::Error(errors::kUnresolvedColumn, {{"objectName", QuoteName({name})}, {"proposal", ColumnList(table.fields())}});
      }
      targets.push_back(table[*at]);
    }
  }
  if (targets.size() != schema.size()) {
    return Status::Error(schema.size() > targets.size() ? errors::kCopyIntoTooManyColumns : errors::kCopyIntoNotEnoughColumns,
                         {{"tableName", table_name}, {"tableColumns", ColumnList(targets)}, {"dataColumns", ColumnList(schema.fields())}});
  }
  return CopyFit{.rows = rows, .targets = std::move(targets), .rename = true};
}

}  // namespace

Result<CopyFit> FitToCopyTarget(const CopyInto& command, const PlanPtr& rows, const StructType& table, const std::string& table_name, bool merges_schema,
                                bool casts_nested) {
  if (command.by_position || !command.columns.empty()) return FitByPosition(command, rows, table, table_name);
  std::vector<StructField> targets;
  std::string difference;
  for (const StructField& field : SchemaOf(*rows)) {
    std::optional<size_t> at = table.IndexOf(field.name);
    StructField nested = field;
    if (at && field.type.IsNested() && (casts_nested || !CanStore(field.type, table[*at].type))) nested.type = WithTypesOf(field.type, table[*at].type);
    const bool fits = at && CanCopy(nested.type, table[*at].type);
    if (!fits && !merges_schema) {
      difference += at ? "  " + field.name + " is " + field.type.Sql() + " in the data, and " + table[*at].type.Sql() + " in the table\n"
                       : "  " + field.name + " " + field.type.Sql() + " is in the data, and not in the table\n";
    }
    // Nested columns become the table's when they are written; what does not fit is told by the merge of the schemas.
    if (at && field.type.IsNested()) {
      nested.nullable = fits ? table[*at].nullable : field.nullable;
      targets.push_back(nested);
    } else {
      targets.push_back(fits ? table[*at] : field);
    }
  }
  if (!difference.empty()) return Status::Error(errors::kCopyIntoSchemaMismatch, {{"table", table_name}, {"schemaDiff", difference}});
  return CopyFit{.rows = rows, .targets = std::move(targets)};
}

PlanPtr CastToCopyTarget(const CopyFit& fit) { return CastToTargets(fit.rows, fit.targets, fit.rename); }

}  // namespace millstream
