#include "plan/analyzer/generator_call.h"

#include <algorithm>

#include "base/ignore_case.h"
#include "plan/function_registry.h"

namespace millstream {

ExprPtr GeneratorCallOf(const UnresolvedTableFunction& function) {
  std::string name = function.name.back();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const FunctionDef* found = FindFunction(name);
  if (found == nullptr || found->kind != FunctionDef::Kind::kGenerator) return nullptr;
  std::vector<ExprPtr> args = function.args;
  for (ExprPtr& arg : args) {
    // The one parameter that has a name here.
    const auto* named = arg->As<Alias>();
    if (named && name.starts_with("variant_explode") && EqualsIgnoreCase(named->names[0], "input")) arg = ExprPtr(named->child);
  }
  return MakeExpr(UnresolvedFunction{.name = {name}, .args = std::move(args)});
}

std::optional<Generate> LateralGenerator(const Join& join) {
  const bool is_outer = join.type == JoinType::kLeftOuter;
  const bool takes_all = !join.is_natural && join.using_columns.empty() && (is_outer || join.type == JoinType::kInner || join.type == JoinType::kCross);
  if (!join.is_lateral || !takes_all) return std::nullopt;
  const auto* alias = join.right->As<SubqueryAlias>();
  const auto* function = (alias == nullptr ? join.right : alias->child)->As<UnresolvedTableFunction>();
  ExprPtr call = function == nullptr ? nullptr : GeneratorCallOf(*function);
  if (!call) return std::nullopt;
  return Generate{.generator = std::move(call),
                  .outer = is_outer,
                  .alias = alias == nullptr || alias->name.empty() ? "" : alias->name.back(),
                  .column_aliases = alias == nullptr ? std::vector<std::string>() : alias->column_aliases,
                  .child = join.left,
                  .output = {}};
}

}  // namespace millstream
