#pragma once

// table_rules.h   Delta's rules for rows (delta/row_rules.h), computed: their SQL is analyzed once a write, and run over each batch of its rows.

#include "base/clock.h"
#include "compute/compiled_plan.h"
#include "delta/row_rules.h"
#include "plan/table_expressions.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kDeltaConstraintViolated{"DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", "23001", ExceptionKind::kRuntime,
                                                     "CHECK constraint <constraintName> <expression> violated by row with values:\n<values>"};
}  // namespace errors

// One thing that must hold of every row.
struct RowCheck {
  std::string name;  // as errors name it: of the constraint, "Generated Column"
  TableExpression condition;
  ExprPtr holds;  // BOOLEAN, never null
};
struct GeneratedColumn {
  size_t column = 0;
  TableExpression value;
  ExprPtr expr;  // of the column's type
};
struct TableRules {
  std::vector<RowCheck> checks;  // CHECK constraints and invariants
  std::vector<GeneratedColumn> generated;
};
// What the table's metadata says, analyzed.
Result<TableRules> ReadTableRules(const Metadata& table, const AnalyzerConf& conf);
// The condition of a CHECK constraint that a row fulfils when it is true: null and false are not. DELTA_NON_BOOLEAN_CHECK_CONSTRAINT is the caller's.
ExprPtr HoldsOf(const TableExpression& condition);

// Of one engine, which outlives it, as do the clock and the tables that use it.
class ComputedRules : public RowRulesMaker {
 public:
  ComputedRules(ComputeEngine& engine, Clock& clock) : engine_(engine), clock_(clock) {}
  Result<RowRulesPtr> Make(const Metadata& table, const RuleConf& conf) const override;

 private:
  ComputeEngine& engine_;
  Clock& clock_;
};

}  // namespace millstream
