#pragma once

// plan_sql.h   An analyzed plan as one SQL statement over input slots. Each node is a SELECT around its child's; attributes are columns named by
// their id, so that a correlated subquery may name an outer one.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compute/compiled_plan.h"
#include "compute/engine/input_scan.h"
#include "compute/sql/expression_sql.h"
#include "plan/logical_plan.h"

namespace millstream::compute {

struct TranslatedPlan {
  std::string sql;
  std::vector<std::pair<RelationSourcePtr, ScanNeeds>> scans;
  std::vector<std::unique_ptr<InputSlot>> slots;
  std::vector<std::shared_ptr<const LocalRelation>> local_rows;  // beside each slot; null: a scan
};

Result<TranslatedPlan> TranslatePlan(const PlanNode& analyzed, const ComputeConf& conf);

class PlanSql {
 public:
  explicit PlanSql(const ComputeConf& conf) : conf_(conf) {}

  Result<std::string> EmitRoot(const PlanNode& plan);
  // With all its columns; `as_row`: packed into one.
  Result<std::string> EmitSubquery(const PlanNode& plan, bool as_row);
  TranslatedPlan Take() && { return std::move(translated_); }

 private:
  using Needed = std::set<ExprId>;

  // A SELECT whose columns are those attributes of the node's output that are needed.
  Result<std::string> Emit(const PlanNode& plan, const Needed& needed);
  Result<std::string> EmitNode(const PlanNode& plan, const Needed& needed);
  // SELECT <needed of plan's output> FROM (child's SELECT) `rest`, where the child also provides `also`.
  Result<std::string> Pass(const PlanNode& plan, const PlanPtr& child, const Needed& needed, const Needed& also, const std::string& rest);

  Result<std::string> EmitScan(const ScanRelation& scan, const Needed& needed);
  Result<std::string> EmitLocal(const LocalRelation& local, const Needed& needed);
  Result<std::string> EmitRange(const Range& range);
  Result<std::string> EmitProject(const Project& project, const Needed& needed);
  Result<std::string> EmitFilter(const PlanNode& plan, const Filter& filter, const Needed& needed);
  Result<std::string> EmitAggregate(const Aggregate& aggregate, const Needed& needed);
  Result<std::string> EmitSort(const PlanNode& plan, const Sort& sort, const Needed& needed, const std::string& limit);
  Result<std::string> EmitLimit(const PlanNode& plan, const Limit& limit, const Needed& needed);
  Result<std::string> EmitTail(const PlanNode& plan, const Tail& tail, const Needed& needed);
  Result<std::string> EmitDeduplicate(const PlanNode& plan, const Deduplicate& deduplicate, const Needed& needed);
  Result<std::string> EmitSample(const PlanNode& plan, const Sample& sample, const Needed& needed);
  Result<std::string> EmitGenerate(const PlanNode& plan, const Generate& generate, const Needed& needed);
  Result<std::string> EmitWindow(const PlanNode& plan, const Window& window, const Needed& needed);
  Result<std::string> EmitJoin(const PlanNode& plan, const Join& join, const Needed& needed);
  // Columns, quoted, and what they are in one row.
  using ConstantRow = std::map<std::string, std::string>;
  // The rows of a plan of nothing but projections of OneRow and their unions.
  Result<std::vector<ConstantRow>> ConstantRows(const PlanNode& plan);
  // Such a plan as one VALUES, which keeps the order of its rows.
  Result<std::string> EmitValues(const PlanNode& plan, const Needed& needed);
  Result<std::string> EmitSetOperation(const PlanNode& plan, const SetOperation& operation, const Needed& needed);
  InputSlot& AddSlot(std::shared_ptr<const LocalRelation> local);

  const ComputeConf& conf_;
  TranslatedPlan translated_;
  std::vector<ExprPtr> scan_filters_;  // conjuncts right above the scan that is emitted next
  int depth_ = 0;
};

// sql/values_plan.cc: nothing but projections of OneRow and unions of such.
bool IsConstantRows(const PlanNode& plan);
// All attributes that an expression or, for subqueries, the plans within it name.
void CollectReferences(const Expr& expr, std::set<ExprId>& ids);
std::vector<ExprPtr> SplitConjuncts(const ExprPtr& condition);

}  // namespace millstream::compute
