// pivot(column) without values: those that are there (Spark's RelationalGroupedDataset.collectPivotValues).

#include <algorithm>

#include "session/local_session.h"
#include "session/session_errors.h"
#include "types/arrow_value.h"

namespace millstream {
namespace {

const Aggregate* PivotToFill(const PlanNode& plan) {
  const auto* aggregate = plan.As<Aggregate>();
  return aggregate != nullptr && aggregate->pivot && !aggregate->pivot->values ? aggregate : nullptr;
}

bool HasPivotToFill(const PlanPtr& plan) {
  if (PivotToFill(*plan) != nullptr) return true;
  const std::vector<PlanPtr> children = ChildrenOf(*plan);
  return std::any_of(children.begin(), children.end(), HasPivotToFill);
}

}  // namespace

Result<PlanPtr> LocalSession::WithPivotValues(const PlanPtr& plan) {
  if (!HasPivotToFill(plan)) return plan;
  std::vector<PlanPtr> children = ChildrenOf(*plan);
  for (PlanPtr& child : children) {
    MS_ASSIGN_OR_RETURN(child, WithPivotValues(child));
  }
  PlanNode filled = *WithChildren(*plan, std::move(children));
  const Aggregate* aggregate = PivotToFill(filled);
  if (aggregate == nullptr) return std::make_shared<const PlanNode>(std::move(filled));

  int64_t values_max = 10000;
  if (std::optional<std::string> configured = conf_.Get("spark.sql.pivotMaxValues")) values_max = std::stoll(*configured);
  const ExprPtr value = MakeExpr(Alias{aggregate->pivot->column, {"value"}, std::nullopt, {}});
  PlanPtr distinct = MakePlan(Deduplicate{.all_columns = true, .child = MakePlan(Project{{value}, aggregate->child})});
  distinct = MakePlan(Limit{MakeExpr(Literal{Value{values_max + 1}, DataType::Integer()}), std::move(distinct)});
  PlanPtr sorted = MakePlan(Sort{{MakeExpr(SortOrder{MakeExpr(UnresolvedAttribute{.parts = {"value"}})})}, true, std::move(distinct)});
  MS_ASSIGN_OR_RETURN(QueryResult found, Execute(sorted, {}));
  std::vector<ExprPtr> values;
  const DataType& type = found.schema[0].type;
  while (true) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, found.rows->Next());
    if (batch == nullptr) break;
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      MS_ASSIGN_OR_RETURN(Value one, ValueAt(*batch->column(0), row, type));
      values.push_back(MakeExpr(Literal{std::move(one), type}));
    }
  }
  if (static_cast<int64_t>(values.size()) > values_max) {
    return Status::Error(errors::kTooManyPivotValues,
                         {{"pivotColumn", SqlOf(*aggregate->pivot->column)}, {"maxValues", std::to_string(values_max)}, {"conf", "spark.sql.pivotMaxValues"}});
  }
  Aggregate with = *aggregate;
  with.pivot->values = std::move(values);
  filled.node = std::move(with);
  return std::make_shared<const PlanNode>(std::move(filled));
}

}  // namespace millstream
