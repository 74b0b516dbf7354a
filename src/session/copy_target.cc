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

Result<CopyFit> FitToCopyTarget(const CopyInto& command, const PlanPtr& rows, const StructType& table, const std::string& table_name, bool merges_schema) {
  if (command.by_position || !command.columns.empty()) return FitByPosition(command, rows, table, table_name);
  std::vector<StructField> targets;
  std::string difference;
  for (const StructField& field : SchemaOf(*rows)) {
    std::optional<size_t> at = table.IndexOf(field.name);
    const bool fits = at && CanCopy(field.type, table[*at].type);
    if (!fits && !merges_schema) {
      difference += at ? "  " + field.name + " is " + field.type.Sql() + " in the data, and " + table[*at].type.Sql() + " in the table\n"
                       : "  " + field.name + " " + field.type.Sql() + " is in the data, and not in the table\n";
    }
    // Nested values are cast field by field when they are written; what does not fit is told by the merge of the schemas.
    targets.push_back(fits && !field.type.IsNested() ? table[*at] : field);
  }
  if (!difference.empty()) return Status::Error(errors::kCopyIntoSchemaMismatch, {{"table", table_name}, {"schemaDiff", difference}});
  return CopyFit{.rows = rows, .targets = std::move(targets)};
}

PlanPtr CastToCopyTarget(const CopyFit& fit) { return CastToTargets(fit.rows, fit.targets, fit.rename); }

}  // namespace millstream
