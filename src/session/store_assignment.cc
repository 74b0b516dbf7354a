#include "session/store_assignment.h"

namespace millstream {
namespace {

// Far above what one analysis hands out; the ids only have to differ within this plan.
constexpr int64_t kFirstId = int64_t{1} << 40;

}  // namespace

PlanPtr CastToTargets(const PlanPtr& analyzed, const std::vector<StructField>& targets, bool rename) {
  const std::vector<AttributeRef> output = OutputOf(*analyzed);
  std::vector<ExprPtr> expressions;
  bool changes = false;
  for (size_t i = 0; i < output.size() && i < targets.size(); ++i) {
    const std::string& name = rename ? targets[i].name : output[i].name;
    ExprPtr column = MakeExpr(output[i]);
    const bool differs = !output[i].type.SameType(targets[i].type);
    if (differs) column = MakeExpr(Cast{column, targets[i].type, EvalMode::kAnsi});
    if (differs || name != output[i].name) {
      column = MakeExpr(Alias{column, {name}, std::nullopt, ExprId(kFirstId + static_cast<int64_t>(i))});
      changes = true;
    }
    expressions.push_back(column);
  }
  return changes ? MakePlan(Project{std::move(expressions), analyzed}) : analyzed;
}

}  // namespace millstream
