#include "session/time_dependence.h"

namespace millstream {
namespace {

void AppendSql(const std::vector<ExprPtr>& expressions, std::string& out) {
  for (const ExprPtr& expression : expressions) out += SqlOf(*expression) + "\n";
}

// The node's own expressions, with their constants; ids are left out.
std::string ExpressionsText(const PlanNode& plan) {
  std::string text;
  if (const auto* project = plan.As<Project>()) AppendSql(project->expressions, text);
  if (const auto* filter = plan.As<Filter>()) AppendSql({filter->condition}, text);
  if (const auto* generate = plan.As<Generate>()) AppendSql({generate->generator}, text);
  if (const auto* join = plan.As<Join>(); join != nullptr && join->condition != nullptr) AppendSql({join->condition}, text);
  if (const auto* sort = plan.As<Sort>()) AppendSql(sort->order, text);
  if (const auto* window = plan.As<Window>()) AppendSql(window->expressions, text);
  if (const auto* python = plan.As<PythonEval>()) AppendSql(python->calls, text);
  if (const auto* aggregate = plan.As<Aggregate>()) {
    AppendSql(aggregate->group_by, text);
    AppendSql(aggregate->aggregates, text);
  }
  return text;
}

}  // namespace

bool ComputesTheSame(const PlanNode& a, const PlanNode& b) {
  if (a.node.index() != b.node.index() || ExpressionsText(a) != ExpressionsText(b)) return false;
  const std::vector<PlanPtr> a_children = ChildrenOf(a), b_children = ChildrenOf(b);
  if (a_children.size() != b_children.size()) return false;
  for (size_t i = 0; i < a_children.size(); ++i)
    if (!ComputesTheSame(*a_children[i], *b_children[i])) return false;
  return true;
}

}  // namespace millstream
