// window(…) and session_window(…) anywhere in a node become a column of a node below it, as Spark's TimeWindowing and SessionWindowing make it.

#include <algorithm>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/plan_analyzer.h"
#include "plan/analyzer/session_windows.h"
#include "plan/coercion.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

const Call* AsWindow(const Expr& expr) {
  const auto* call = expr.As<Call>();
  return call && (call->function->name == "window" || call->function->name == "session_window") ? call : nullptr;
}

// A moment is in several windows: they begin more often than they are long.
bool Overlap(const Call& window) {
  if (window.function->name != "window") return false;
  const auto length = [&](size_t place) { return std::get<int64_t>(window.args[place]->As<Literal>()->value.held); };
  return length(1) != length(2);
}

// A row whose gap is nothing, negative or no interval is in no session.
ExprPtr HasLength(const AttributeRef& session, EvalMode mode) {
  const ExprPtr window = MakeExpr(session);
  return MakeExpr(Call{FindFunction(">"), {BoundOfWindow(window, "end"), BoundOfWindow(window, "start")}, DataType::Boolean(), true, mode});
}

void CollectWindows(const ExprPtr& expr, std::vector<ExprPtr>& windows) {
  if (AsWindow(*expr) != nullptr) {
    const bool known = std::any_of(windows.begin(), windows.end(), [&](const ExprPtr& window) { return KeyOf(*window) == KeyOf(*expr); });
    if (!known) windows.push_back(expr);
    return;
  }
  for (const ExprPtr& child : ChildrenOf(*expr)) CollectWindows(child, windows);
}

}  // namespace

Result<PlanPtr> PlanAnalyzer::ExtractTimeWindows(const std::vector<std::vector<ExprPtr>*>& lists, PlanPtr child) {
  std::vector<ExprPtr> windows;
  for (const std::vector<ExprPtr>* list : lists) {
    for (const ExprPtr& expr : *list) CollectWindows(expr, windows);
  }
  if (windows.empty()) return child;
  if (windows.size() > 1) return Status::Error(errors::kSeveralTimeWindows);
  const Call& call = *AsWindow(*windows[0]);
  const bool overlap = Overlap(call);
  const bool session = call.function->name == "session_window";
  const AttributeRef column{.name = call.function->name,
                            .type = call.type,
                            .nullable = false,
                            .id = NewId(),
                            .qualifier = {},
                            .metadata = session ? kSessionWindowMetadata : kTimeWindowMetadata};
  // A row without a time is in no window.
  if (IsNullable(*call.args[0]))
    child = MakePlan(Filter{MakeExpr(Call{FindFunction("isnotnull"), {call.args[0]}, DataType::Boolean(), false, ModeOf(conf_)}), child});
  if (overlap) {
    const FunctionDef* explode = FindFunction("explode");
    const DataType row = DataType::Struct(StructType({{"window", column.type, false}}));
    Call all = call;
    all.type = DataType::Array(call.type, false);
    ExprPtr generator = MakeExpr(Call{explode, {MakeExpr(std::move(all))}, row, false, ModeOf(conf_)});
    child =
        MakePlan(Generate{.generator = std::move(generator), .outer = false, .alias = "", .column_aliases = {}, .child = std::move(child), .output = {column}});
  } else {
    std::vector<ExprPtr> columns{MakeExpr(Alias{windows[0], {column.name}, column.metadata, column.id})};
    for (const AttributeRef& attribute : OutputOf(*child)) columns.push_back(MakeExpr(attribute));
    child = MakePlan(Project{std::move(columns), std::move(child)});
    if (session) child = MakePlan(Filter{HasLength(column, ModeOf(conf_)), std::move(child)});
  }
  for (std::vector<ExprPtr>* list : lists) {
    for (ExprPtr& expr : *list) {
      // A bare call in a list is the column; its name stays.
      expr = Replace(expr, [&](const ExprPtr& part) -> ExprPtr { return AsWindow(*part) ? MakeExpr(column) : nullptr; });
    }
  }
  return child;
}

}  // namespace millstream
