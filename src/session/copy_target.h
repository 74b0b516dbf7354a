#pragma once

// copy_target.h   COPY INTO: the rows of files as the target table takes them. Pure.

#include <string>
#include <vector>

#include "plan/command.h"
#include "plan/logical_plan.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kCopyIntoMissingTable{"DELTA_MISSING_DELTA_TABLE_COPY_INTO", "42P01", ExceptionKind::kAnalysis,
                                                  "Table doesn't exist. Create an empty Delta table first using CREATE TABLE <tableName>."};
inline constexpr ErrorClass kCopyIntoTargetFormat{"DELTA_COPY_INTO_TARGET_FORMAT", "0AKDD", ExceptionKind::kAnalysis,
                                                  "COPY INTO target must be a Delta table."};
inline constexpr ErrorClass kCopyIntoSchemaMismatch{
    "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE", "42KDG", ExceptionKind::kAnalysis,
    "A schema mismatch was detected while copying into the Delta table (Table: <table>).\nThis may indicate an issue with the incoming data, or the Delta "
    "table schema can be evolved automatically according to the incoming data by setting:\nCOPY_OPTIONS ('mergeSchema' = 'true')\n\nSchema "
    "difference:\n<schemaDiff>"};
inline constexpr ErrorClass kCopyIntoTooManyColumns{
    "COPY_INTO_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS", "21S01", ExceptionKind::kAnalysis,
    "Cannot write to <tableName>, the reason is too many data columns:\nTable columns: <tableColumns>.\nData columns: <dataColumns>."};
inline constexpr ErrorClass kCopyIntoNotEnoughColumns{
    "COPY_INTO_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS", "21S01", ExceptionKind::kAnalysis,
    "Cannot write to <tableName>, the reason is not enough data columns:\nTable columns: <tableColumns>.\nData columns: <dataColumns>."};
inline constexpr ErrorClass kCopyIntoIncompatible{"COPY_INTO_FEATURE_INCOMPATIBLE_SETTING", "42613", ExceptionKind::kAnalysis,
                                                  "The COPY INTO feature '<feature>' is not compatible with '<incompatibleSetting>'."};
}  // namespace errors

// Where each column of analyzed rows goes.
struct CopyFit {
  PlanPtr rows;
  std::vector<StructField> targets;  // one a column
  bool rename = false;               // the columns have the targets' names then (by position)
};
// Columns that the table has not stay as they are when `merges_schema`, and are COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE else. `casts_nested`: values within
// structs, arrays and maps are cast by the plan, so that those that do not fit can be found; else the writer casts all that it can.
Result<CopyFit> FitToCopyTarget(const CopyInto& command, const PlanPtr& rows, const StructType& table, const std::string& table_name, bool merges_schema,
                                bool casts_nested = false);
// The rows with the casts that the table's types ask for: a value that does not fit is an error when they are read.
PlanPtr CastToCopyTarget(const CopyFit& fit);

}  // namespace millstream
