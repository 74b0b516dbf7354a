#pragma once

// table_rule_changes.h   ALTER TABLE … ADD and DROP CONSTRAINT; and what a generated column of a new table may be.
//
//   MS_ASSIGN_OR_RETURN(NewRule rule, PlanConstraint(tables, "/w/t", "positive", "n > 0", conf));
//   … count the rows of rule.version for which rule.holds is false …
//   Status committed = rule.commit();      // a conflict when the table has changed meanwhile: plan again

#include <functional>
#include <string>

#include "delta/delta_log.h"
#include "plan/table_expressions.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kDeltaNewConstraintViolated{"DELTA_NEW_CHECK_CONSTRAINT_VIOLATION", "23512", ExceptionKind::kAnalysis,
                                                        "<numRows> rows in <tableName> violate the new CHECK constraint (<checkConstraint>)"};
inline constexpr ErrorClass kDeltaConstraintExists{"DELTA_CONSTRAINT_ALREADY_EXISTS", "42710", ExceptionKind::kAnalysis,
                                                   "Constraint '<constraintName>' already exists. Please delete the old constraint first.\nOld "
                                                   "constraint:\n<oldConstraint>"};
inline constexpr ErrorClass kDeltaConstraintMissing{
    "DELTA_CONSTRAINT_DOES_NOT_EXIST", "42704", ExceptionKind::kAnalysis,
    "Cannot drop nonexistent constraint <constraintName> from table <tableName>. To avoid throwing an error, provide the parameter IF EXISTS or set the SQL "
    "session configuration <config> to <confValue>."};
inline constexpr ErrorClass kDeltaNonBooleanCheck{"DELTA_NON_BOOLEAN_CHECK_CONSTRAINT", "42621", ExceptionKind::kAnalysis,
                                                  "CHECK constraint '<name>' (<expr>) should be a boolean expression."};
inline constexpr ErrorClass kDeltaAddConstraints{"DELTA_ADD_CONSTRAINTS", "0A000", ExceptionKind::kAnalysis,
                                                 "Please use ALTER TABLE ADD CONSTRAINT to add CHECK constraints."};
inline constexpr ErrorClass kGeneratedTypeMismatch{
    "DELTA_GENERATED_COLUMNS_EXPR_TYPE_MISMATCH", "42K09", ExceptionKind::kAnalysis,
    "The expression type of the generated column <columnName> is <expressionType>, but the column type is <columnType>"};
inline constexpr ErrorClass kGeneratedUnsupported{"UNSUPPORTED_EXPRESSION_GENERATED_COLUMN", "42621", ExceptionKind::kAnalysis,
                                                  "Cannot create generated column <fieldName> with generation expression <expressionStr> because <reason>."};
inline constexpr ErrorClass kDeltaGeneratedUnsupported{"DELTA_UNSUPPORTED_EXPRESSION_GENERATED_COLUMN", "42621", ExceptionKind::kAnalysis,
                                                       "<expression> cannot be used in a generated column"};
}  // namespace errors

// A rule that a table is to have, once its rows are known to fulfil it.
struct NewRule {
  int64_t version = 0;  // of the table that was looked at; its rows are to be verified
  StructType schema;    // of that version
  ExprPtr holds;        // BOOLEAN, never null, over ColumnOf(schema, …)
  // Commits it upon that very version. The conflicts of conflict.h: plan it again.
  std::function<Status()> commit;
};

Result<NewRule> PlanConstraint(DeltaTables& tables, const std::string& path, const std::string& name, const std::string& sql, const AnalyzerConf& conf);
// False: there is no such constraint.
Result<bool> DropDeltaConstraint(DeltaTables& tables, const std::string& path, const std::string& name);

// Of a new table's columns: the expression's type is the column's, and it speaks of columns that are not generated, and always gives the same value.
Status CheckGeneratedColumns(const StructType& schema, const AnalyzerConf& conf);

}  // namespace millstream
