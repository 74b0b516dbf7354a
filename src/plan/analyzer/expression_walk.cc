#include "plan/analyzer/expression_walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "plan/function_registry.h"
#include "plan/value_text.h"

namespace millstream {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

using Visitor = std::function<Result<ExprPtr>(const ExprPtr&)>;

Status MapAll(std::vector<ExprPtr>& exprs, const Visitor& replace) {
  for (ExprPtr& expr : exprs) {
    MS_ASSIGN_OR_RETURN(expr, replace(expr));
  }
  return Status();
}
Status MapOne(ExprPtr& expr, const Visitor& replace) {
  if (!expr) return Status();
  MS_ASSIGN_OR_RETURN(expr, replace(expr));
  return Status();
}

}  // namespace

Result<ExprPtr> MapChildren(const ExprPtr& expr, const Visitor& replace) {
  Expr copy = *expr;
  Status status = std::visit(Overloaded{[&](UnresolvedFunction& e) {
                                          Status mapped = MapAll(e.args, replace);
                                          return mapped.ok() ? MapOne(e.filter, replace) : mapped;
                                        },
                                        [&](UnresolvedExtractValue& e) {
                                          Status mapped = MapOne(e.child, replace);
                                          return mapped.ok() ? MapOne(e.extraction, replace) : mapped;
                                        },
                                        [&](LambdaExpr& e) { return MapOne(e.body, replace); },
                                        [&](WindowCall& e) {
                                          Status mapped = MapOne(e.function, replace);
                                          if (mapped.ok()) mapped = MapAll(e.partition_by, replace);
                                          return mapped.ok() ? MapAll(e.order_by, replace) : mapped;
                                        },
                                        [&](SubqueryExpr& e) { return MapAll(e.values, replace); }, [&](PythonCall& e) { return MapAll(e.args, replace); },
                                        [&](Alias& e) { return MapOne(e.child, replace); }, [&](Cast& e) { return MapOne(e.child, replace); },
                                        [&](SortOrder& e) { return MapOne(e.child, replace); }, [&](Call& e) { return MapAll(e.args, replace); },
                                        [&](AggregateCall& e) {
                                          Status mapped = MapAll(e.args, replace);
                                          return mapped.ok() ? MapOne(e.filter, replace) : mapped;
                                        },
                                        [&](auto&) { return Status(); }},
                             copy.node);
  MS_RETURN_IF_ERROR(std::move(status));
  return std::make_shared<const Expr>(std::move(copy));
}

std::vector<ExprPtr> ChildrenOf(const Expr& expr) {
  std::vector<ExprPtr> children;
  auto add = [&](const ExprPtr& child) {
    if (child) children.push_back(child);
  };
  auto add_all = [&](const std::vector<ExprPtr>& all) {
    for (const ExprPtr& child : all) add(child);
  };
  std::visit(Overloaded{[&](const UnresolvedFunction& e) { add_all(e.args), add(e.filter); },
                        [&](const UnresolvedExtractValue& e) { add(e.child), add(e.extraction); }, [&](const LambdaExpr& e) { add(e.body); },
                        [&](const WindowCall& e) { add(e.function), add_all(e.partition_by), add_all(e.order_by); },
                        [&](const SubqueryExpr& e) { add_all(e.values); }, [&](const PythonCall& e) { add_all(e.args); }, [&](const Alias& e) { add(e.child); },
                        [&](const Cast& e) { add(e.child); }, [&](const SortOrder& e) { add(e.child); }, [&](const Call& e) { add_all(e.args); },
                        [&](const AggregateCall& e) { add_all(e.args), add(e.filter); }, [](const auto&) {}},
             expr.node);
  return children;
}

ExprPtr Replace(const ExprPtr& expr, const std::function<ExprPtr(const ExprPtr&)>& replace) {
  if (ExprPtr other = replace(expr)) return other;
  return *MapChildren(expr, [&](const ExprPtr& child) -> Result<ExprPtr> { return Replace(child, replace); });
}

bool Contains(const Expr& expr, const std::function<bool(const Expr&)>& wanted) {
  if (wanted(expr)) return true;
  for (const ExprPtr& child : ChildrenOf(expr)) {
    if (Contains(*child, wanted)) return true;
  }
  return false;
}

std::string KeyOf(const Expr& expr) {
  if (const auto* alias = expr.As<Alias>()) return KeyOf(*alias->child);
  std::string key = std::visit(
      Overloaded{[](const AttributeRef& e) { return fmt::format("#{}", e.id.value()); }, [](const LambdaParam& e) { return fmt::format("${}", e.id.value()); },
                 [](const Literal& e) { return fmt::format("'{}':{}", LiteralSql(e.value, e.type), e.type.SimpleString()); },
                 [](const Cast& e) { return fmt::format("cast:{}:{}", e.to.SimpleString(), static_cast<int>(e.mode.value_or(EvalMode::kAnsi))); },
                 [](const SortOrder& e) { return fmt::format("sort:{}:{}", e.ascending, e.nulls_first.value_or(e.ascending)); },
                 [](const Call& e) { return e.function->name; },
                 [](const AggregateCall& e) { return fmt::format("{}{}", e.function->name, e.is_distinct ? ":distinct" : ""); },
                 [](const SubqueryExpr& e) { return fmt::format("subquery:{}", static_cast<const void*>(e.plan.get())); },
                 [&](const PythonCall& e) {
                   // One that is not deterministic equals only itself.
                   return fmt::format("python:{}", e.is_deterministic ? static_cast<const void*>(e.code.get()) : static_cast<const void*>(&expr));
                 },
                 [](const WindowCall& e) { return SqlOf(*MakeExpr(e)); }, [&](const auto&) { return SqlOf(expr); }},
      expr.node);
  std::vector<ExprPtr> children = ChildrenOf(expr);
  if (children.empty()) return key;
  key += "(";
  for (const ExprPtr& child : children) key += KeyOf(*child) + ",";
  return key + ")";
}

int DepthOf(const Expr& expr) {
  int depth = 0;
  std::vector<const Expr*> level = {&expr};
  std::vector<ExprPtr> keep;
  while (!level.empty()) {
    ++depth;
    if (depth > 100000) break;
    std::vector<const Expr*> next;
    for (const Expr* at : level) {
      for (const ExprPtr& child : ChildrenOf(*at)) next.push_back(child.get());
    }
    level = std::move(next);
  }
  return depth;
}

bool IsAggregate(const Expr& expr) {
  if (expr.As<AggregateCall>()) return true;
  if (const auto* window = expr.As<WindowCall>()) {
    // sum(sum(x)) OVER (…): the inner one is the aggregate.
    auto inside = [](const ExprPtr& child) { return IsAggregate(*child); };
    for (const ExprPtr& arg : ChildrenOf(*window->function)) {
      if (inside(arg)) return true;
    }
    for (const auto* list : {&window->partition_by, &window->order_by}) {
      if (std::any_of(list->begin(), list->end(), inside)) return true;
    }
    return false;
  }
  for (const ExprPtr& child : ChildrenOf(expr)) {
    if (IsAggregate(*child)) return true;
  }
  return false;
}

bool IsGenerator(const Expr& expr) {
  if (const auto* alias = expr.As<Alias>()) return IsGenerator(*alias->child);
  const auto* call = expr.As<Call>();
  return call && call->function->kind == FunctionDef::Kind::kGenerator;
}

bool HasWindow(const Expr& expr) {
  return Contains(expr, [](const Expr& part) { return part.As<WindowCall>() != nullptr; });
}

}  // namespace millstream
