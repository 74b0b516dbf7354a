#include "plan/analyzer/session_windows.h"

#include "plan/analyzer/expression_walk.h"
#include "plan/function_registry.h"

namespace millstream {
namespace {

// Larger than what the analyzer and the cutting of streams give.
constexpr int64_t kFirstId = int64_t{1} << 41;

ExprPtr Number(int64_t value) { return MakeExpr(Literal{{value}, DataType::Long()}); }

ExprPtr Aggregated(const char* function, const ExprPtr& value) {
  return MakeExpr(AggregateCall{.function = FindFunction(function), .args = {value}, .filter = nullptr, .type = TypeOf(*value)});
}

class SessionMerger {
 public:
  PlanPtr Merge(const PlanPtr& plan) {
    std::vector<PlanPtr> children = ChildrenOf(*plan);
    bool changed = false;
    for (PlanPtr& child : children) {
      PlanPtr merged = Merge(child);
      changed |= merged != child;
      child = std::move(merged);
    }
    const PlanPtr over_merged = changed ? WithChildren(*plan, std::move(children)) : plan;
    const auto* aggregate = over_merged->As<Aggregate>();
    if (aggregate == nullptr) return over_merged;
    const std::optional<size_t> session = SessionKeyOf(aggregate->group_by);
    return session ? MergeOf(*aggregate, *session) : over_merged;
  }

 private:
  PlanPtr MergeOf(const Aggregate& node, size_t place) {
    const ExprPtr session = node.group_by[place];
    std::vector<ExprPtr> others = node.group_by;
    others.erase(others.begin() + static_cast<ptrdiff_t>(place));
    const ExprPtr start = BoundOfWindow(session, "start"), end = BoundOfWindow(session, "end");
    auto over = [&](ExprPtr function, WindowFrame::Bound::Kind last, const char* name) {
      WindowFrame frame{.unit = WindowFrame::Unit::kRows};
      frame.upper = {last, last == WindowFrame::Bound::Kind::kPreceding ? Number(1) : nullptr};
      WindowCall call{.function = std::move(function),
                      .partition_by = others,
                      .order_by = {MakeExpr(SortOrder{start, true, true}), MakeExpr(SortOrder{end, true, true})},
                      .frame = frame};
      return Named(MakeExpr(std::move(call)), name);
    };
    auto [latest_end, latest] = over(Aggregated("max", end), WindowFrame::Bound::Kind::kPreceding, "latest");
    PlanPtr rows = MakePlan(Window{{latest_end}, node.child});

    // A session that begins when the other ends meets it.
    ExprPtr meets = MakeExpr(Call{FindFunction("<="), {start, latest}, DataType::Boolean(), true});
    auto [begins_column, begins] = Named(MakeExpr(Call{FindFunction("if"), {std::move(meets), Number(0), Number(1)}, DataType::Long(), false}), "begins");
    std::vector<ExprPtr> columns{begins_column};
    for (const AttributeRef& attribute : OutputOf(*node.child)) columns.push_back(MakeExpr(attribute));
    rows = MakePlan(Project{std::move(columns), std::move(rows)});

    auto [number_column, number] = over(Aggregated("sum", begins), WindowFrame::Bound::Kind::kCurrentRow, "number");
    rows = MakePlan(Window{{number_column}, std::move(rows)});

    const ExprPtr whole = MakeExpr(Call{FindFunction("named_struct"),
                                        {MakeExpr(Literal{{std::string("start")}, DataType::String()}), Aggregated("min", start),
                                         MakeExpr(Literal{{std::string("end")}, DataType::String()}), Aggregated("max", end)},
                                        TypeOf(*session),
                                        false});
    Aggregate merged = node;
    merged.group_by = std::move(others);
    merged.group_by.push_back(number);
    merged.child = std::move(rows);
    const std::string key = KeyOf(*session);
    for (ExprPtr& expr : merged.aggregates) {
      const auto* attribute = expr->As<AttributeRef>();
      ExprPtr replaced = Replace(expr, [&](const ExprPtr& part) -> ExprPtr {
        if (part->As<AggregateCall>()) return part;  // of the rows, with their own sessions
        if (part->As<Alias>()) return nullptr;       // its name is not part of its key, and stays
        return KeyOf(*part) == key ? whole : nullptr;
      });
      if (attribute != nullptr && replaced != expr)
        replaced = MakeExpr(Alias{.child = std::move(replaced), .names = {attribute->name}, .metadata = attribute->metadata, .id = attribute->id});
      expr = std::move(replaced);
    }
    return MakePlan(std::move(merged));
  }

  // The column and the reference to it.
  std::pair<ExprPtr, ExprPtr> Named(ExprPtr value, const char* name) {
    const AttributeRef column{.name = name, .type = TypeOf(*value), .nullable = true, .id = ExprId(next_id_++), .qualifier = {}};
    return {MakeExpr(Alias{.child = std::move(value), .names = {name}, .metadata = std::nullopt, .id = column.id}), MakeExpr(AttributeRef(column))};
  }

  int64_t next_id_ = kFirstId;
};

}  // namespace

bool IsSessionWindow(const Expr& expr) {
  if (const auto* alias = expr.As<Alias>()) return IsSessionWindow(*alias->child);
  const auto* column = expr.As<AttributeRef>();
  return column != nullptr && column->type.id() == TypeId::kStruct && column->metadata.find("\"spark.sessionWindow\"") != std::string::npos;
}

std::optional<size_t> SessionKeyOf(const std::vector<ExprPtr>& group_by) {
  for (size_t i = 0; i < group_by.size(); ++i) {
    if (IsSessionWindow(*group_by[i])) return i;
  }
  return std::nullopt;
}

ExprPtr BoundOfWindow(const ExprPtr& window, const char* bound) {
  return MakeExpr(
      Call{FindFunction("getfield"), {window, MakeExpr(Literal{{std::string(bound)}, DataType::String()})}, TypeOf(*window).fields()[0].type, true});
}

PlanPtr MergeSessions(const PlanPtr& plan) { return SessionMerger().Merge(plan); }

}  // namespace millstream
