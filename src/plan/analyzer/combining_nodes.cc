// Joins and set operations.

#include <fmt/format.h>

#include <algorithm>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/generator_call.h"
#include "plan/analyzer/plan_analyzer.h"
#include "plan/coercion.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

const char* NameOf(SetOperation::Kind kind) {
  switch (kind) {
    case SetOperation::Kind::kUnion:
      return "UNION";
    case SetOperation::Kind::kIntersect:
      return "INTERSECT";
    case SetOperation::Kind::kExcept:
      return "EXCEPT";
  }
  return "";
}

std::string Ordinal(size_t index) {
  static constexpr const char* kNames[] = {"first", "second", "third", "fourth", "fifth"};
  return index < 5 ? kNames[index] : fmt::format("{}th", index + 1);
}

}  // namespace

Result<PlanPtr> PlanAnalyzer::Visit(const Join& node) {
  if (std::optional<Generate> generate = LateralGenerator(node)) {
    const auto* literal = node.condition ? node.condition->As<Literal>() : nullptr;
    const auto* holds = literal ? std::get_if<bool>(&literal->value.held) : nullptr;
    if (!node.condition || (holds && *holds)) return Visit(*generate);
    if (!generate->outer) return Visit(Filter{.condition = node.condition, .child = MakePlan(*std::move(generate))});
  }
  MS_ASSIGN_OR_RETURN(PlanPtr left, Analyze(node.left));
  if (node.is_lateral) return Status::Unsupported("A LATERAL join with anything but a generator such as explode", "Use LATERAL VIEW or a plain join.");
  MS_ASSIGN_OR_RETURN(PlanPtr right, Analyze(node.right));
  std::vector<AttributeRef> left_columns = OutputOf(*left), right_columns = OutputOf(*right);

  std::vector<std::string> using_columns = node.using_columns;
  if (node.is_natural) {
    for (const AttributeRef& column : VisibleOutput(*left)) {
      bool shared = std::any_of(right_columns.begin(), right_columns.end(),
                                [&](const AttributeRef& other) { return SameName(column.name, other.name, conf_.case_sensitive); });
      if (shared) using_columns.push_back(column.name);
    }
  }
  Join join{.type = node.type, .condition = nullptr, .using_columns = {}, .is_natural = false, .is_lateral = false, .left = left, .right = right};
  std::vector<std::pair<ExprPtr, ExprPtr>> keys;
  for (const std::string& name : using_columns) {
    ExprPtr sides[2];
    for (int side = 0; side < 2; ++side) {
      Scope scope{side ? right_columns : left_columns};
      MS_ASSIGN_OR_RETURN(sides[side], scope.Find({name}, conf_));
      if (!sides[side]) {
        std::string names;
        for (const AttributeRef& column : scope.columns) names += (names.empty() ? "`" : ", `") + column.name + "`";
        return Status::Error(errors::kUnresolvedUsing, {{"colName", name}, {"side", side ? "right" : "left"}, {"suggestion", names}});
      }
    }
    // The result's column is named as in the table, not as in USING.
    for (ExprPtr& side : sides) {
      AttributeRef key = *side->As<AttributeRef>();
      for (const auto* columns : {&left_columns, &right_columns}) {
        for (const AttributeRef& column : *columns) {
          if (column.id == key.id) key.name = column.name;
        }
      }
      side = MakeExpr(std::move(key));
    }
    keys.emplace_back(sides[0], sides[1]);
    const FunctionDef* equal = FindFunction("==");
    MS_ASSIGN_OR_RETURN(TypedCall typed, equal->rule(*equal, {sides[0], sides[1]}, conf_));
    ExprPtr test = MakeExpr(Call{equal, std::move(typed.args), typed.type, typed.nullable, ModeOf(conf_)});
    if (join.condition) {
      const FunctionDef* both = FindFunction("and");
      bool nullable = IsNullable(*join.condition) || IsNullable(*test);
      test = MakeExpr(Call{both, {join.condition, test}, DataType::Boolean(), nullable, ModeOf(conf_)});
    }
    join.condition = test;
  }
  if (node.condition) {
    Scope scope{left_columns, outer_};
    scope.columns.insert(scope.columns.end(), right_columns.begin(), right_columns.end());
    ExpressionAnalyzer expressions(*this, scope);
    MS_ASSIGN_OR_RETURN(join.condition, expressions.Resolve(node.condition));
    if (TypeOf(*join.condition).id() != TypeId::kBoolean && TypeOf(*join.condition).id() != TypeId::kNull) {
      return Status::Error(errors::kJoinConditionNotBoolean, {{"joinCondition", SqlOf(*join.condition)}, {"conditionType", TypeOf(*join.condition).Sql()}});
    }
  }
  PlanPtr joined = MakePlan(join);
  if (keys.empty() || node.type == JoinType::kLeftSemi || node.type == JoinType::kLeftAnti) return joined;

  // USING and NATURAL: each key once and first; where either side may be missing, the one that is there.
  std::vector<AttributeRef> output = OutputOf(*joined);
  std::vector<ExprPtr> list;
  std::set<ExprId> merged;
  for (const auto& [l, r] : keys) {
    const auto *left_key = l->As<AttributeRef>(), *right_key = r->As<AttributeRef>();
    merged.insert(left_key->id);
    merged.insert(right_key->id);
    if (node.type == JoinType::kFullOuter) {
      const FunctionDef* coalesce = FindFunction("coalesce");
      MS_ASSIGN_OR_RETURN(TypedCall typed, coalesce->rule(*coalesce, {l, r}, conf_));
      ExprPtr either = MakeExpr(Call{coalesce, std::move(typed.args), typed.type, true, ModeOf(conf_)});
      list.push_back(MakeExpr(Alias{std::move(either), {left_key->name}, std::nullopt, NewId()}));
    } else {
      list.push_back(node.type == JoinType::kRightOuter ? r : l);
    }
  }
  for (const AttributeRef& column : output) {
    if (!merged.contains(column.id)) list.push_back(MakeExpr(column));
  }
  return MakePlan(Project{std::move(list), std::move(joined)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const SetOperation& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr left, Analyze(node.left));
  MS_ASSIGN_OR_RETURN(PlanPtr right, Analyze(node.right));
  left = WithoutHidden(std::move(left));
  right = WithoutHidden(std::move(right));
  std::vector<AttributeRef> left_columns = OutputOf(*left), right_columns = OutputOf(*right);
  std::vector<ExprPtr> left_list, right_list;
  for (const AttributeRef& column : left_columns) left_list.push_back(MakeExpr(column));

  auto null_of = [&](const AttributeRef& column) { return MakeExpr(Alias{MakeExpr(Literal{Value{}, column.type}), {column.name}, std::nullopt, NewId()}); };
  if (node.by_name) {
    std::set<size_t> used;
    for (const AttributeRef& column : left_columns) {
      auto found = std::find_if(right_columns.begin(), right_columns.end(),
                                [&](const AttributeRef& other) { return SameName(column.name, other.name, conf_.case_sensitive); });
      if (found != right_columns.end()) {
        used.insert(static_cast<size_t>(found - right_columns.begin()));
        right_list.push_back(MakeExpr(*found));
      } else if (node.allow_missing_columns) {
        right_list.push_back(null_of(column));
      } else {
        std::string names;
        for (const AttributeRef& other : right_columns) names += (names.empty() ? "" : ", ") + other.name;
        return Status::Error({"_LEGACY_ERROR_TEMP_1201", "", ExceptionKind::kAnalysis, "Cannot resolve column name \"<colName>\" among (<fieldNames>)."},
                             {{"colName", column.name}, {"fieldNames", names}});
      }
    }
    for (size_t i = 0; i < right_columns.size(); ++i) {
      if (used.contains(i)) continue;
      if (!node.allow_missing_columns) {
        return Status::Error(errors::kNumColumnsMismatch, {{"operator", "UNION"},
                                                           {"firstNumColumns", std::to_string(left_columns.size())},
                                                           {"invalidOrdinalNum", "second"},
                                                           {"invalidNumColumns", std::to_string(right_columns.size())}});
      }
      left_list.push_back(null_of(right_columns[i]));
      right_list.push_back(MakeExpr(right_columns[i]));
    }
  } else {
    if (left_columns.size() != right_columns.size()) {
      return Status::Error(errors::kNumColumnsMismatch, {{"operator", NameOf(node.kind)},
                                                         {"firstNumColumns", std::to_string(left_columns.size())},
                                                         {"invalidOrdinalNum", "second"},
                                                         {"invalidNumColumns", std::to_string(right_columns.size())}});
    }
    for (const AttributeRef& column : right_columns) right_list.push_back(MakeExpr(column));
  }
  SetOperation set = node;
  set.by_name = false;
  set.output.clear();
  for (size_t i = 0; i < left_list.size(); ++i) {
    DataType l = TypeOf(*left_list[i]), r = TypeOf(*right_list[i]);
    std::optional<DataType> common = CommonType(l, r, conf_);
    if (!common) {
      return Status::Error(errors::kIncompatibleColumnType, {{"operator", NameOf(node.kind)},
                                                             {"columnOrdinalNumber", Ordinal(i)},
                                                             {"tableOrdinalNumber", "second"},
                                                             {"dataType1", r.Sql()},
                                                             {"dataType2", l.Sql()},
                                                             {"hint", ""}});
    }
    std::string name = left_list[i]->As<Alias>() ? left_list[i]->As<Alias>()->names[0] : left_list[i]->As<AttributeRef>()->name;
    bool nullable = IsNullable(*left_list[i]) || IsNullable(*right_list[i]);
    if (node.kind == SetOperation::Kind::kIntersect) nullable = IsNullable(*left_list[i]) && IsNullable(*right_list[i]);
    if (node.kind == SetOperation::Kind::kExcept) nullable = IsNullable(*left_list[i]);
    auto widen = [&](ExprPtr item) -> ExprPtr {
      ExprPtr value = item->As<Alias>() ? item->As<Alias>()->child : item;
      if (TypeOf(*value).SameType(*common)) return item;
      return MakeExpr(Alias{CastTo(value, *common, ModeOf(conf_)), {name}, std::nullopt, NewId()});
    };
    left_list[i] = widen(left_list[i]);
    right_list[i] = widen(right_list[i]);
    set.output.push_back({.name = name, .type = *common, .nullable = nullable, .id = NewId()});
  }
  set.left = MakePlan(Project{std::move(left_list), std::move(left)});
  set.right = MakePlan(Project{std::move(right_list), std::move(right)});
  // What a name in ORDER BY over a UNION means, and df["c"] of the left side, is the result's column.
  return MakePlan(std::move(set));
}

}  // namespace millstream
