#include "plan/analyzer/variant_rules.h"

#include <algorithm>
#include <set>

#include "plan/analyzer/expression_walk.h"
#include "plan/function_registry.h"

namespace millstream {
namespace {

constexpr ErrorClass kNotOrdered{
    "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09", ExceptionKind::kAnalysis,
    "Cannot resolve \"<sqlExpr>\" due to data type mismatch: The `<functionName>` does not support ordering on type \"<dataType>\"."};
constexpr ErrorClass kHashOfVariant{
    "DATATYPE_MISMATCH.HASH_VARIANT_TYPE", "42K09", ExceptionKind::kAnalysis,
    "Cannot resolve \"<sqlExpr>\" due to data type mismatch: Input to the function `<functionName>` cannot contain elements of the "
    "\"VARIANT\" type yet."};
constexpr ErrorClass kMapKey{"DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE", "42K09", ExceptionKind::kAnalysis,
                             "Cannot resolve \"<sqlExpr>\" due to data type mismatch: The key of map cannot be/contain \"<keyType>\"."};
constexpr ErrorClass kGrouping{
    "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE", "42822", ExceptionKind::kAnalysis,
    "The expression \"<sqlExpr>\" cannot be used as a grouping expression because its data type \"<dataType>\" is not an orderable data type."};
constexpr ErrorClass kPartitioning{"EXPRESSION_TYPE_IS_NOT_ORDERABLE", "42822", ExceptionKind::kAnalysis,
                                   "Column expression \"<expr>\" cannot be sorted because its type \"<exprType>\" is not orderable."};
constexpr ErrorClass kSetOperation{
    "UNSUPPORTED_FEATURE.SET_OPERATION_ON_VARIANT_TYPE", "0A000", ExceptionKind::kAnalysis,
    "The feature is not supported: Cannot have VARIANT type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, etc.), "
    "but the type of column `<colName>` is \"<dataType>\"."};

bool HoldsVariant(const DataType& type) {
  switch (type.id()) {
    case TypeId::kVariant:
      return true;
    case TypeId::kArray:
      return HoldsVariant(type.element());
    case TypeId::kMap:
      return HoldsVariant(type.key()) || HoldsVariant(type.value());
    case TypeId::kStruct:
      return std::any_of(type.fields().begin(), type.fields().end(), [](const StructField& field) { return HoldsVariant(field.type); });
    default:
      return false;
  }
}

bool HoldsVariant(const Expr& expr) { return !expr.As<LambdaExpr>() && HoldsVariant(TypeOf(expr)); }

// Functions that compare their arguments, under Spark's names in the message.
std::string_view ComparingName(const std::string& name) {
  static const std::set<std::string_view> same = {"<=>",
                                                  "<",
                                                  "<=",
                                                  ">",
                                                  ">=",
                                                  "in",
                                                  "greatest",
                                                  "least",
                                                  "max",
                                                  "min",
                                                  "sort_array",
                                                  "array_max",
                                                  "array_min",
                                                  "array_distinct",
                                                  "array_contains",
                                                  "array_position",
                                                  "array_remove",
                                                  "array_union",
                                                  "array_intersect",
                                                  "array_except",
                                                  "arrays_overlap",
                                                  "mode"};
  if (name == "==") return "=";
  if (name == "array_sort") return "<";
  const auto found = same.find(name);
  return found == same.end() ? std::string_view() : *found;
}

Status CheckCall(const Expr& expr, const FunctionDef& function, const std::vector<ExprPtr>& args) {
  const auto held = std::find_if(args.begin(), args.end(), [](const ExprPtr& arg) { return HoldsVariant(*arg); });
  if (held == args.end()) return Status::Ok();
  const std::string &name = function.name, type = TypeOf(**held).Sql();
  if (const std::string_view comparing = ComparingName(name); !comparing.empty())
    return Status::Error(kNotOrdered, {{"sqlExpr", SqlOf(expr)}, {"functionName", std::string(comparing)}, {"dataType", type}});
  if ((name == "max_by" || name == "min_by") && HoldsVariant(*args[1]))
    return Status::Error(kNotOrdered, {{"sqlExpr", SqlOf(expr)}, {"functionName", name}, {"dataType", TypeOf(*args[1]).Sql()}});
  if (name == "hash" || name == "xxhash64") return Status::Error(kHashOfVariant, {{"sqlExpr", SqlOf(expr)}, {"functionName", name}});
  if (name == "map" || name == "map_from_arrays" || name == "map_from_entries") {
    const DataType made = TypeOf(expr);
    if (made.id() == TypeId::kMap && HoldsVariant(made.key())) return Status::Error(kMapKey, {{"sqlExpr", SqlOf(expr)}, {"keyType", made.key().Sql()}});
  }
  return Status::Ok();
}

Status CheckExpression(const Expr& expr) {
  if (const auto* call = expr.As<Call>()) MS_RETURN_IF_ERROR(CheckCall(expr, *call->function, call->args));
  if (const auto* call = expr.As<AggregateCall>()) MS_RETURN_IF_ERROR(CheckCall(expr, *call->function, call->args));
  if (const auto* order = expr.As<SortOrder>(); order && HoldsVariant(*order->child))
    return Status::Error(kNotOrdered, {{"sqlExpr", SqlOf(expr)}, {"functionName", "sortorder"}, {"dataType", TypeOf(*order->child).Sql()}});
  if (const auto* window = expr.As<WindowCall>()) {
    for (const ExprPtr& part : window->partition_by) {
      if (HoldsVariant(*part)) return Status::Error(kPartitioning, {{"expr", SqlOf(*part)}, {"exprType", TypeOf(*part).Sql()}});
    }
  }
  if (const auto* python = expr.As<PythonCall>()) {
    for (const ExprPtr& arg : python->args) {
      if (HoldsVariant(*arg))
        return Status::Unsupported("The Python function " + python->name + " of a VARIANT", "Give it to_json of the column, or the parts that it needs.");
    }
  }
  for (const ExprPtr& child : ChildrenOf(expr)) MS_RETURN_IF_ERROR(CheckExpression(*child));
  return Status::Ok();
}

Status CheckAll(const std::vector<ExprPtr>& expressions) {
  for (const ExprPtr& expr : expressions) MS_RETURN_IF_ERROR(CheckExpression(*expr));
  return Status::Ok();
}

Status NoVariantIn(const std::vector<AttributeRef>& columns, const std::vector<ExprId>* only) {
  for (const AttributeRef& column : columns) {
    if (only != nullptr && std::find(only->begin(), only->end(), column.id) == only->end()) continue;
    if (HoldsVariant(column.type)) return Status::Error(kSetOperation, {{"colName", column.name}, {"dataType", column.type.Sql()}});
  }
  return Status::Ok();
}

Status NoVariantForPython(const PlanNode& child) {
  for (const AttributeRef& column : OutputOf(child)) {
    if (HoldsVariant(column.type))
      return Status::Unsupported("A Python function over rows with the VARIANT column " + column.name,
                                 "Select to_json of the column, or the parts that it needs.");
  }
  return Status::Ok();
}

}  // namespace

// The analyzer has limited the depth of plans and of expressions.
Status CheckVariantUse(const PlanPtr& plan) {
  for (const PlanPtr& child : ChildrenOf(*plan)) MS_RETURN_IF_ERROR(CheckVariantUse(child));
  if (const auto* node = plan->As<Project>()) return CheckAll(node->expressions);
  if (const auto* node = plan->As<Filter>()) return CheckExpression(*node->condition);
  if (const auto* node = plan->As<Sort>()) return CheckAll(node->order);
  if (const auto* node = plan->As<Window>()) return CheckAll(node->expressions);
  if (const auto* node = plan->As<Generate>()) return CheckExpression(*node->generator);
  if (const auto* node = plan->As<Join>(); node && node->condition) return CheckExpression(*node->condition);
  if (const auto* node = plan->As<PythonEval>()) return CheckAll(node->calls);
  if (const auto* node = plan->As<PythonMap>()) return NoVariantForPython(*node->child);
  if (plan->As<PythonGroups>() || plan->As<TransformWithState>()) {
    for (const PlanPtr& child : ChildrenOf(*plan)) MS_RETURN_IF_ERROR(NoVariantForPython(*child));
    return Status::Ok();
  }
  if (const auto* node = plan->As<Deduplicate>()) return NoVariantIn(OutputOf(*node->child), node->all_columns ? nullptr : &node->keys);
  if (const auto* node = plan->As<SetOperation>(); node && (node->kind != SetOperation::Kind::kUnion || !node->is_all))
    return NoVariantIn(OutputOf(*plan), nullptr);
  if (const auto* node = plan->As<Aggregate>()) {
    for (const ExprPtr& key : node->group_by) {
      if (HoldsVariant(*key)) return Status::Error(kGrouping, {{"sqlExpr", SqlOf(*key)}, {"dataType", TypeOf(*key).Sql()}});
    }
    return CheckAll(node->aggregates);
  }
  return Status::Ok();
}

}  // namespace millstream
