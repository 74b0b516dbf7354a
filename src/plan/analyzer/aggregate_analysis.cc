// GROUP BY with all that leans on it: ordinals, aliases, grouping sets, HAVING, ORDER BY over aggregates, windows over aggregates.

#include <algorithm>
#include <functional>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/plan_analyzer.h"
#include "plan/coercion.h"
#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

// Every column that is not under an aggregate must be (part of) a grouping expression.
Status CheckGrouped(const ExprPtr& expr, const std::set<std::string>& grouped, const std::set<ExprId>& inner) {
  if (expr->As<AggregateCall>() || expr->As<Literal>() || grouped.contains(KeyOf(*expr))) return Status();
  if (const auto* call = expr->As<Call>(); call && (call->function->name == "monotonically_increasing_id")) return Status();
  if (const auto* column = expr->As<AttributeRef>()) {
    if (!inner.contains(column->id)) return Status();  // of an outer query
    return Status::Error(errors::kMissingAggregation, {{"expression", column->name}, {"expressionAnyValue", "any_value(" + column->name + ")"}});
  }
  for (const ExprPtr& child : ChildrenOf(*expr)) {
    MS_RETURN_IF_ERROR(CheckGrouped(child, grouped, inner));
  }
  return Status();
}

// The moment of a window is had above the Aggregate that makes the window, not in it.
Status CheckWindowTime(const ExprPtr& written, const std::map<std::string, ExprPtr>& windows) {
  const auto* alias = written->As<Alias>();
  const auto* function = (alias ? *alias->child : *written).As<UnresolvedFunction>();
  if (function == nullptr || !SameName(function->name.back(), "window_time", false) || function->args.size() != 1) return Status();
  const auto* window = function->args[0]->As<UnresolvedAttribute>();
  if (window == nullptr || window->parts.size() != 1) return Status();
  const bool known = std::any_of(windows.begin(), windows.end(), [&](const auto& one) { return SameName(one.first, window->parts[0], false); });
  if (!known) return Status();
  const std::string text = "window_time(" + window->parts[0] + ")";
  return Status::Error(errors::kMissingAggregation, {{"expression", text}, {"expressionAnyValue", "any_value(" + text + ")"}});
}

// What a grouping set leaves out is null in its rows.
ExprPtr AsNullable(const ExprPtr& expr) {
  Expr copy = *expr;
  if (auto* column = std::get_if<AttributeRef>(&copy.node)) column->nullable = true;
  if (auto* call = std::get_if<Call>(&copy.node)) call->nullable = true;
  return std::make_shared<const Expr>(std::move(copy));
}

}  // namespace

Result<PlanPtr> PlanAnalyzer::Visit(const Aggregate& node) {
  if (node.pivot) return PivotOf(node);
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  ExpressionAnalyzer expressions(*this, scope);
  // GROUP BY window(time, "1 hour") makes a column `window`.
  for (const ExprPtr& written : node.group_by) {
    const auto* function = written->As<UnresolvedFunction>();
    for (const char* name : {"window", "session_window"}) {
      if (!function || !SameName(function->name.back(), name, false)) continue;
      MS_ASSIGN_OR_RETURN(ExprPtr window, expressions.Resolve(written));
      expressions.lateral_aliases.emplace(name, window);
    }
  }
  for (const ExprPtr& written : node.aggregates) MS_RETURN_IF_ERROR(CheckWindowTime(written, expressions.lateral_aliases));
  MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> list, expressions.ResolveList(node.aggregates));

  auto resolve_group = [&](const ExprPtr& written) -> Result<ExprPtr> {
    if (std::optional<int64_t> position = IntLiteral(*written)) {
      if (*position < 1 || *position > static_cast<int64_t>(list.size())) {
        return Status::Error(errors::kGroupByPos, {{"index", std::to_string(*position)}, {"size", std::to_string(list.size())}});
      }
      ExprPtr item = list[static_cast<size_t>(*position) - 1];
      if (const auto* alias = item->As<Alias>()) item = alias->child;
      if (IsAggregate(*item)) {
        return Status::Error(
            {"GROUP_BY_POS_AGGREGATE", "42903", ExceptionKind::kAnalysis,
             "GROUP BY <index> refers to an expression <aggExpr> that contains an aggregate function. Aggregate functions are not allowed in GROUP BY."},
            {{"index", std::to_string(*position)}, {"aggExpr", SqlOf(*item)}});
      }
      return item;
    }
    Result<ExprPtr> resolved = expressions.Resolve(written);
    if (!resolved.ok() && resolved.status().error_class().name.starts_with("UNRESOLVED_COLUMN")) {
      const auto* attribute = written->As<UnresolvedAttribute>();
      for (const ExprPtr& item : list) {
        const auto* alias = item->As<Alias>();
        if (attribute && alias && attribute->parts.size() == 1 && SameName(alias->names.at(0), attribute->parts[0], conf_.case_sensitive)) return alias->child;
      }
    }
    MS_RETURN_IF_ERROR(resolved.status());
    ExprPtr expr = *std::move(resolved);
    if (const auto* alias = expr->As<Alias>()) expr = alias->child;
    if (IsAggregate(*expr)) return Status::Error(errors::kGroupByAggregate, {{"sqlExpr", SqlOf(*expr)}});
    return expr;
  };

  Aggregate aggregate{.kind = node.kind, .group_by = {}, .aggregates = {}, .child = nullptr, .grouping_sets = {}};
  const auto* only = node.group_by.size() == 1 ? node.group_by[0]->As<UnresolvedAttribute>() : nullptr;
  bool group_by_all =
      only && only->parts.size() == 1 && SameName(only->parts[0], "ALL", false) && node.kind == Aggregate::Kind::kGroupBy && !*scope.Find(only->parts, conf_);
  if (group_by_all) {
    for (const ExprPtr& item : list) {
      const auto* alias = item->As<Alias>();
      if (!IsAggregate(*item)) aggregate.group_by.push_back(alias ? alias->child : item);
    }
  } else {
    for (const ExprPtr& written : node.group_by) {
      MS_ASSIGN_OR_RETURN(ExprPtr group, resolve_group(written));
      aggregate.group_by.push_back(std::move(group));
    }
  }
  size_t count = aggregate.group_by.size();
  if (node.kind == Aggregate::Kind::kGroupingSets) {
    for (const auto& set : node.grouping_sets) {
      std::vector<ExprPtr> resolved;
      for (const ExprPtr& written : set) {
        MS_ASSIGN_OR_RETURN(ExprPtr group, resolve_group(written));
        if (std::none_of(aggregate.group_by.begin(), aggregate.group_by.end(), [&](const ExprPtr& known) { return KeyOf(*known) == KeyOf(*group); }))
          aggregate.group_by.push_back(group);
        resolved.push_back(std::move(group));
      }
      aggregate.grouping_sets.push_back(std::move(resolved));
    }
  } else if (node.kind == Aggregate::Kind::kRollup) {
    for (size_t kept = count + 1; kept-- > 0;)
      aggregate.grouping_sets.emplace_back(aggregate.group_by.begin(), aggregate.group_by.begin() + static_cast<std::ptrdiff_t>(kept));
  } else if (node.kind == Aggregate::Kind::kCube) {
    if (count > 12) return Status::Unsupported("CUBE over more than 12 columns");
    for (size_t mask = size_t{1} << count; mask-- > 0;) {
      std::vector<ExprPtr> set;
      for (size_t i = 0; i < count; ++i) {
        if (mask >> (count - 1 - i) & 1) set.push_back(aggregate.group_by[i]);
      }
      aggregate.grouping_sets.push_back(std::move(set));
    }
  }

  std::vector<std::vector<ExprPtr>*> lists{&aggregate.group_by, &list};
  for (std::vector<ExprPtr>& set : aggregate.grouping_sets) lists.push_back(&set);
  MS_ASSIGN_OR_RETURN(child, ExtractTimeWindows(lists, std::move(child)));

  // Window functions and generators work on the groups: what they use is computed by the Aggregate, they themselves above it.
  bool split = std::any_of(list.begin(), list.end(), [](const ExprPtr& item) { return HasWindow(*item) || IsGenerator(*item); });
  std::set<std::string> grouped;
  std::set<ExprId> inner;
  for (const ExprPtr& group : aggregate.group_by) grouped.insert(KeyOf(*group));
  for (const AttributeRef& column : scope.columns) inner.insert(column.id);
  if (!split) {
    for (const ExprPtr& item : list) {
      const auto* alias = item->As<Alias>();
      Status status = CheckGrouped(alias ? alias->child : item, grouped, inner);
      if (!status.ok() && aggregate.group_by.empty()) {
        return Status::Error({"MISSING_GROUP_BY", "42803", ExceptionKind::kAnalysis,
                              "The query does not include a GROUP BY clause. Add GROUP BY or turn it into the window functions using OVER clauses."});
      }
      MS_RETURN_IF_ERROR(std::move(status));
    }
    if (!aggregate.grouping_sets.empty()) {
      for (ExprPtr& item : list) {
        item = Replace(item, [&](const ExprPtr& part) -> ExprPtr {
          if (part->As<AggregateCall>()) return part;
          return grouped.contains(KeyOf(*part)) ? AsNullable(part) : nullptr;
        });
      }
    }
    aggregate.aggregates = std::move(list);
    aggregate.child = std::move(child);
    return MakePlan(std::move(aggregate));
  }
  std::map<std::string, AttributeRef> below;
  auto lower = [&](const ExprPtr& part) -> ExprPtr {
    if (!part->As<AggregateCall>() && !grouped.contains(KeyOf(*part))) return nullptr;
    auto found = below.find(KeyOf(*part));
    if (found == below.end()) {
      AttributeRef column{.name = SqlOf(*part), .type = TypeOf(*part), .nullable = IsNullable(*part), .id = NewId()};
      if (const auto* attribute = part->As<AttributeRef>()) {
        column = *attribute;
        aggregate.aggregates.push_back(part);
      } else {
        aggregate.aggregates.push_back(MakeExpr(Alias{part, {column.name}, std::nullopt, column.id}));
      }
      found = below.emplace(KeyOf(*part), column).first;
    }
    return MakeExpr(found->second);
  };
  // The function that has the OVER is no aggregate of the groups, but its arguments may be.
  std::function<ExprPtr(const ExprPtr&)> outside_windows = [&](const ExprPtr& part) -> ExprPtr {
    const auto* window = part->As<WindowCall>();
    if (!window) return lower(part);
    WindowCall over = *window;
    over.function = *MapChildren(window->function, [&](const ExprPtr& arg) -> Result<ExprPtr> { return Replace(arg, outside_windows); });
    for (ExprPtr& key : over.partition_by) key = Replace(key, outside_windows);
    for (ExprPtr& key : over.order_by) key = Replace(key, outside_windows);
    return MakeExpr(std::move(over));
  };
  for (ExprPtr& item : list) item = Replace(item, outside_windows);
  for (const ExprPtr& item : list) {
    bool loose = Contains(*item, [&](const Expr& part) {
      const auto* column = part.As<AttributeRef>();
      return column && inner.contains(column->id) && !grouped.contains(KeyOf(part));
    });
    if (loose) return Status::Error(errors::kMissingAggregation, {{"expression", SqlOf(*item)}, {"expressionAnyValue", "any_value(" + SqlOf(*item) + ")"}});
  }
  aggregate.child = std::move(child);
  return MakeProject(std::move(list), MakePlan(std::move(aggregate)));
}

namespace {

// The Aggregate under a HAVING or an ORDER BY, below filters and column picks.
const Aggregate* AggregateBelow(const PlanPtr& plan) {
  if (const auto* aggregate = plan->As<Aggregate>()) return aggregate;
  if (const auto* filter = plan->As<Filter>()) return AggregateBelow(filter->child);
  if (const auto* project = plan->As<Project>()) {
    bool picks_only =
        std::all_of(project->expressions.begin(), project->expressions.end(), [](const ExprPtr& item) { return item->As<AttributeRef>() != nullptr; });
    return picks_only ? AggregateBelow(project->child) : nullptr;
  }
  return nullptr;
}

// The same plan with more columns coming out of its Aggregate.
PlanPtr WithMoreAggregates(const PlanPtr& plan, const std::vector<ExprPtr>& more) {
  if (const auto* aggregate = plan->As<Aggregate>()) {
    Aggregate wider = *aggregate;
    wider.aggregates.insert(wider.aggregates.end(), more.begin(), more.end());
    return MakePlan(std::move(wider));
  }
  if (const auto* filter = plan->As<Filter>()) return MakePlan(Filter{filter->condition, WithMoreAggregates(filter->child, more)});
  const auto* project = plan->As<Project>();
  Project wider{project->expressions, WithMoreAggregates(project->child, more)};
  for (const ExprPtr& item : more)
    wider.expressions.push_back(
        MakeExpr(AttributeRef{.name = item->As<Alias>()->names[0], .type = TypeOf(*item), .nullable = IsNullable(*item), .id = item->As<Alias>()->id}));
  return MakePlan(std::move(wider));
}

std::vector<ExprPtr> AttributesOf(const std::vector<AttributeRef>& columns) {
  std::vector<ExprPtr> exprs;
  for (const AttributeRef& column : columns) exprs.push_back(MakeExpr(column));
  return exprs;
}

// Columns of the result first; what lies below only where its name is not taken.
Scope Layered(std::vector<AttributeRef> upper, const std::vector<AttributeRef>& lower, const Scope* outer, bool case_sensitive) {
  size_t upper_count = upper.size();
  for (const AttributeRef& column : lower) {
    bool taken = std::any_of(upper.begin(), upper.begin() + static_cast<std::ptrdiff_t>(upper_count),
                             [&](const AttributeRef& known) { return known.id == column.id || SameName(known.name, column.name, case_sensitive); });
    // A qualified name (t.a) must still find the column below.
    if (!taken || !column.qualifier.empty()) {
      if (taken && std::any_of(upper.begin(), upper.begin() + static_cast<std::ptrdiff_t>(upper_count),
                               [&](const AttributeRef& known) { return known.id == column.id; }))
        continue;
      if (taken) continue;
      upper.push_back(column);
    }
  }
  return {std::move(upper), outer};
}

// In `expr`, aggregates and grouping expressions become columns of the Aggregate; new ones are added to `more`.
ExprPtr OverGroups(const ExprPtr& expr, const Aggregate& aggregate, std::vector<ExprPtr>& more, const std::function<ExprId()>& new_id) {
  std::map<std::string, AttributeRef> known;
  auto note = [&](const ExprPtr& item) {
    const auto* alias = item->As<Alias>();
    if (alias)
      known.emplace(KeyOf(*alias->child),
                    AttributeRef{.name = alias->names.at(0), .type = TypeOf(*alias->child), .nullable = IsNullable(*alias->child), .id = alias->id});
    if (const auto* column = item->As<AttributeRef>()) known.emplace(KeyOf(*item), *column);
  };
  for (const ExprPtr& item : aggregate.aggregates) note(item);
  for (const ExprPtr& item : more) note(item);
  std::set<std::string> grouped;
  for (const ExprPtr& group : aggregate.group_by) grouped.insert(KeyOf(*group));
  return Replace(expr, [&](const ExprPtr& part) -> ExprPtr {
    std::string key = KeyOf(*part);
    bool lowers = part->As<AggregateCall>() || grouped.contains(key);
    auto found = known.find(key);
    if (found != known.end() && (lowers || part->As<AttributeRef>())) return MakeExpr(found->second);
    if (!lowers) return nullptr;
    ExprPtr alias = MakeExpr(Alias{part, {SqlOf(*part)}, std::nullopt, new_id()});
    more.push_back(alias);
    note(alias);
    return MakeExpr(known.at(key));
  });
}

}  // namespace

Result<PlanPtr> PlanAnalyzer::HavingOver(const ExprPtr& condition, PlanPtr child) {
  const auto* aggregate = child->As<Aggregate>();
  std::vector<AttributeRef> output = OutputOf(*child);
  Scope scope = Layered(output, OutputOf(*aggregate->child), outer_, conf_.case_sensitive);
  MS_ASSIGN_OR_RETURN(ExprPtr resolved, ResolveCondition(condition, scope));
  std::vector<ExprPtr> more;
  resolved = OverGroups(resolved, *aggregate, more, [this] { return NewId(); });
  for (const AttributeRef& column : OutputOf(*aggregate->child)) {
    bool loose = Contains(*resolved, [&](const Expr& part) { return part.As<AttributeRef>() && part.As<AttributeRef>()->id == column.id; });
    bool given = std::any_of(output.begin(), output.end(), [&](const AttributeRef& out) { return out.id == column.id; });
    if (loose && !given) return Scope{output, outer_}.NotFound({column.name});
  }
  if (more.empty()) return MakePlan(Filter{std::move(resolved), std::move(child)});
  return MakePlan(Project{AttributesOf(output), MakePlan(Filter{std::move(resolved), WithMoreAggregates(child, more)})});
}

Result<PlanPtr> PlanAnalyzer::Visit(const Sort& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  return SortOver(node.order, node.is_global, std::move(child));
}

Result<PlanPtr> PlanAnalyzer::SortOver(const std::vector<ExprPtr>& order, bool is_global, PlanPtr child) {
  std::vector<AttributeRef> output = OutputOf(*child);
  const Aggregate* aggregate = AggregateBelow(child);
  const auto* project = child->As<Project>();
  std::vector<AttributeRef> lower;
  if (aggregate) {
    lower = OutputOf(*aggregate->child);
  } else if (project) {
    lower = OutputOf(*project->child);
  }
  Scope scope = Layered(output, lower, outer_, conf_.case_sensitive);
  ExpressionAnalyzer expressions(*this, scope);
  std::vector<ExprPtr> resolved, more;
  for (const ExprPtr& item : order) {
    SortOrder sort = item->As<SortOrder>() ? *item->As<SortOrder>() : SortOrder{item, true, std::nullopt};
    if (std::optional<int64_t> position = IntLiteral(*sort.child)) {
      std::vector<AttributeRef> visible = VisibleOutput(*child);
      if (*position < 1 || *position > static_cast<int64_t>(visible.size())) {
        return Status::Error(errors::kOrderByPos, {{"index", std::to_string(*position)}, {"size", std::to_string(visible.size())}});
      }
      sort.child = MakeExpr(visible[static_cast<size_t>(*position) - 1]);
    } else {
      MS_ASSIGN_OR_RETURN(sort.child, expressions.Resolve(sort.child));
    }
    if (aggregate) sort.child = OverGroups(sort.child, *aggregate, more, [this] { return NewId(); });
    sort.nulls_first = sort.nulls_first.value_or(sort.ascending);
    resolved.push_back(MakeExpr(std::move(sort)));
  }
  auto is_output = [&](ExprId id) { return std::any_of(output.begin(), output.end(), [&](const AttributeRef& out) { return out.id == id; }); };
  if (aggregate) {
    if (more.empty()) return MakePlan(Sort{std::move(resolved), is_global, std::move(child)});
    return MakePlan(Project{AttributesOf(output), MakePlan(Sort{std::move(resolved), is_global, WithMoreAggregates(child, more)})});
  }
  std::vector<ExprPtr> missing;
  for (const AttributeRef& column : lower) {
    if (is_output(column.id)) continue;
    bool used = std::any_of(resolved.begin(), resolved.end(), [&](const ExprPtr& item) {
      return Contains(*item, [&](const Expr& part) { return part.As<AttributeRef>() && part.As<AttributeRef>()->id == column.id; });
    });
    if (used) missing.push_back(MakeExpr(column));
  }
  PlanPtr below = child;
  if (!missing.empty()) {
    Project wider = *project;
    wider.expressions.insert(wider.expressions.end(), missing.begin(), missing.end());
    below = MakePlan(std::move(wider));
  }
  resolved = ExtractWindows(std::move(resolved), below);
  bool widened = below != child;
  PlanPtr sorted = MakePlan(Sort{std::move(resolved), is_global, std::move(below)});
  return widened ? MakePlan(Project{AttributesOf(output), std::move(sorted)}) : sorted;
}

}  // namespace millstream
