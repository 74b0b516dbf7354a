// What DataFrames have and SQL has not, rewritten into Projects and Filters.

#include <algorithm>
#include <set>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/plan_analyzer.h"
#include "plan/coercion.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

bool SameFamily(const DataType& value, const DataType& column) {
  if (value.IsNumeric()) return column.IsNumeric();
  return value.id() == column.id();
}

}  // namespace

Result<PlanPtr> PlanAnalyzer::Visit(const Deduplicate& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  child = WithoutHidden(std::move(child));
  Deduplicate distinct = node;
  distinct.keys.clear();
  if (node.all_columns || node.columns.empty()) {
    for (const AttributeRef& column : OutputOf(*child)) distinct.keys.push_back(column.id);
  }
  Scope scope = ScopeOf(*child);
  for (const std::string& name : node.columns) {
    bool any = false;
    for (const AttributeRef& column : scope.columns) {
      if (!SameName(column.name, name, conf_.case_sensitive)) continue;
      distinct.keys.push_back(column.id);
      any = true;
    }
    if (!any) {
      std::string names;
      for (const AttributeRef& column : scope.columns) names += (names.empty() ? "" : ", ") + column.name;
      return Status::Error(errors::kUnresolvedAmongFields, {{"colName", name}, {"fieldNames", names}});
    }
  }
  distinct.child = std::move(child);
  return MakePlan(std::move(distinct));
}

Result<PlanPtr> PlanAnalyzer::Visit(const ToDf& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  std::vector<AttributeRef> columns = VisibleOutput(*child);
  if (columns.size() != node.names.size()) {
    return Status::Error(errors::kAssignNumColumns, {{"numTarget", std::to_string(node.names.size())}, {"numExpr", std::to_string(columns.size())}});
  }
  std::vector<ExprPtr> list;
  for (size_t i = 0; i < columns.size(); ++i) list.push_back(MakeExpr(Alias{MakeExpr(columns[i]), {node.names[i]}, std::nullopt, NewId()}));
  return MakePlan(Project{std::move(list), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const WithColumns& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  ExpressionAnalyzer expressions(*this, scope);
  std::vector<ExprPtr> list, added;
  for (const AttributeRef& column : scope.columns) list.push_back(MakeExpr(column));
  std::set<std::string> names;
  for (const ExprPtr& written : node.aliases) {
    MS_ASSIGN_OR_RETURN(ExprPtr item, expressions.Resolve(written));
    const auto* alias = item->As<Alias>();
    if (!alias) return Status::Internal("withColumns without a name");
    std::string name = alias->names.at(0), key = name;
    for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!names.insert(conf_.case_sensitive ? name : key).second) return Status::Error(errors::kColumnAlreadyExists, {{"columnName", key}});
    bool replaced = false;
    for (size_t i = 0; i < scope.columns.size(); ++i) {
      if (!IsHidden(scope.columns[i].id) && SameName(scope.columns[i].name, name, conf_.case_sensitive)) list[i] = item, replaced = true;
    }
    if (!replaced) added.push_back(item);
  }
  list.insert(list.end(), added.begin(), added.end());
  return MakeProject(std::move(list), std::move(child));
}

Result<PlanPtr> PlanAnalyzer::Visit(const WithColumnsRenamed& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  std::vector<ExprPtr> list;
  for (const AttributeRef& column : OutputOf(*child)) {
    std::string name = column.name;
    for (const auto& [from, to] : node.renames) {
      if (SameName(name, from, conf_.case_sensitive)) name = to;
    }
    if (name == column.name || IsHidden(column.id)) {
      list.push_back(MakeExpr(column));
    } else {
      list.push_back(MakeExpr(Alias{MakeExpr(column), {name}, std::nullopt, NewId()}));
    }
  }
  return MakePlan(Project{std::move(list), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const DropColumns& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  ExpressionAnalyzer expressions(*this, scope);
  std::set<ExprId> dropped;
  for (const ExprPtr& written : node.columns) {
    Result<ExprPtr> column = expressions.Resolve(written);
    // A column that is not there is dropped already.
    if (!column.ok() && !column.status().error_class().name.starts_with("UNRESOLVED_COLUMN")) return column.status();
    if (column.ok() && (*column)->As<AttributeRef>()) dropped.insert((*column)->As<AttributeRef>()->id);
  }
  std::vector<ExprPtr> list;
  for (const AttributeRef& column : scope.columns) {
    bool named = std::any_of(node.names.begin(), node.names.end(), [&](const std::string& name) { return SameName(column.name, name, conf_.case_sensitive); });
    if (!named && !dropped.contains(column.id)) list.push_back(MakeExpr(column));
  }
  return MakePlan(Project{std::move(list), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const ToSchema& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope{VisibleOutput(*child)};
  std::vector<ExprPtr> list;
  for (const StructField& field : node.schema) {
    MS_ASSIGN_OR_RETURN(ExprPtr column, scope.Find({field.name}, conf_));
    if (!column) {
      if (!field.nullable) return scope.NotFound({field.name});
      column = MakeExpr(Literal{Value{}, field.type});
    }
    if (!field.nullable && IsNullable(*column)) {
      return Status::Error(
          {"NULLABLE_COLUMN_OR_FIELD", "42000", ExceptionKind::kAnalysis, "Column or field `<name>` is nullable while it's required to be non-nullable."},
          {{"name", field.name}});
    }
    if (!CanCast(TypeOf(*column), field.type, ModeOf(conf_))) {
      return Status::Error({"INVALID_COLUMN_OR_FIELD_DATA_TYPE", "42000", ExceptionKind::kAnalysis,
                            "Column or field `<name>` is of type \"<type>\" while it's required to be \"<expectedType>\"."},
                           {{"name", field.name}, {"type", TypeOf(*column).Sql()}, {"expectedType", field.type.Sql()}});
    }
    std::optional<std::string> metadata = field.metadata == "{}" ? std::nullopt : std::optional(field.metadata);
    list.push_back(MakeExpr(Alias{CastTo(std::move(column), field.type, ModeOf(conf_)), {field.name}, metadata, NewId()}));
  }
  return MakePlan(Project{std::move(list), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const FillNa& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  for (const std::string& name : node.columns) {
    MS_ASSIGN_OR_RETURN(ExprPtr found, scope.Find({name}, conf_));
    if (!found) return scope.NotFound({name});
  }
  const FunctionDef *coalesce = FindFunction("coalesce"), *nanvl = FindFunction("nanvl");
  std::vector<ExprPtr> list;
  for (const AttributeRef& column : scope.columns) {
    ExprPtr filled;
    for (size_t i = 0; i < node.values.size() && !filled; ++i) {
      bool chosen = node.columns.empty();
      for (size_t c = 0; c < node.columns.size(); ++c) {
        bool own_value = node.values.size() == 1 || c == i;
        chosen = chosen || (own_value && SameName(node.columns[c], column.name, conf_.case_sensitive));
      }
      DataType type = TypeOf(*node.values[i]);
      if (!chosen || IsHidden(column.id) || !SameFamily(type, column.type)) continue;
      ExprPtr value = CastTo(node.values[i], column.type, ModeOf(conf_));
      ExprPtr present = MakeExpr(column);
      if (column.type.id() == TypeId::kDouble || column.type.id() == TypeId::kFloat) {
        // Spark fills NaN too.
        present = MakeExpr(Call{nanvl, {present, MakeExpr(Literal{Value{}, column.type})}, column.type, true, ModeOf(conf_)});
      }
      filled = MakeExpr(Call{coalesce, {present, value}, column.type, false, ModeOf(conf_)});
    }
    list.push_back(filled ? MakeExpr(Alias{filled, {column.name}, std::nullopt, NewId()}) : MakeExpr(column));
  }
  return MakePlan(Project{std::move(list), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const DropNa& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope{VisibleOutput(*child)};
  std::vector<ExprPtr> present;
  const FunctionDef *isnotnull = FindFunction("isnotnull"), *isnan = FindFunction("isnan"), *both = FindFunction("and"), *negate = FindFunction("not");
  auto call = [&](const FunctionDef* function, std::vector<ExprPtr> args) {
    return MakeExpr(Call{function, std::move(args), DataType::Boolean(), false, ModeOf(conf_)});
  };
  auto test = [&](const ExprPtr& column) {
    ExprPtr there = call(isnotnull, {column});
    TypeId type = TypeOf(*column).id();
    if (type != TypeId::kDouble && type != TypeId::kFloat) return there;
    return call(both, {there, call(negate, {call(isnan, {CastTo(column, DataType::Double(), ModeOf(conf_))})})});
  };
  if (node.columns.empty()) {
    for (const AttributeRef& column : scope.columns) present.push_back(test(MakeExpr(column)));
  }
  for (const std::string& name : node.columns) {
    MS_ASSIGN_OR_RETURN(ExprPtr column, scope.Find({name}, conf_));
    if (!column) return scope.NotFound({name});
    present.push_back(test(column));
  }
  if (present.empty()) return child;
  int64_t wanted = node.min_non_nulls.value_or(static_cast<int64_t>(present.size()));
  if (wanted <= 0) return child;
  const FunctionDef *when = FindFunction("when"), *plus = FindFunction("+"), *at_least = FindFunction(">=");
  auto number = [](int64_t n) { return MakeExpr(Literal{Value{n}, DataType::Long()}); };
  ExprPtr count;
  for (const ExprPtr& one : present) {
    ExprPtr as_number = MakeExpr(Call{when, {one, number(1), number(0)}, DataType::Long(), false, ModeOf(conf_)});
    count = count ? MakeExpr(Call{plus, {count, as_number}, DataType::Long(), false, ModeOf(conf_)}) : as_number;
  }
  return MakePlan(Filter{call(at_least, {count, number(wanted)}), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const ReplaceNa& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  const FunctionDef *when = FindFunction("when"), *equal = FindFunction("==");
  std::vector<ExprPtr> list;
  for (const AttributeRef& column : scope.columns) {
    bool chosen = node.columns.empty();
    for (const std::string& name : node.columns) chosen = chosen || SameName(name, column.name, conf_.case_sensitive);
    std::vector<ExprPtr> cases;
    for (const auto& [from, to] : node.replacements) {
      if (!chosen || IsHidden(column.id) || !SameFamily(TypeOf(*from), column.type)) continue;
      cases.push_back(MakeExpr(Call{equal, {MakeExpr(column), CastTo(from, column.type, ModeOf(conf_))}, DataType::Boolean(), true, ModeOf(conf_)}));
      cases.push_back(CastTo(to, column.type, ModeOf(conf_)));
    }
    if (cases.empty()) {
      list.push_back(MakeExpr(column));
      continue;
    }
    cases.push_back(MakeExpr(column));
    list.push_back(MakeExpr(Alias{MakeExpr(Call{when, std::move(cases), column.type, true, ModeOf(conf_)}), {column.name}, std::nullopt, NewId()}));
  }
  return MakePlan(Project{std::move(list), std::move(child)});
}

// One row a value column: explode(array(struct(name, value), …)).
Result<PlanPtr> PlanAnalyzer::Visit(const Unpivot& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  ExpressionAnalyzer expressions(*this, scope);
  MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> ids, expressions.ResolveList(node.ids));
  std::vector<ExprPtr> values;
  if (node.values) {
    MS_ASSIGN_OR_RETURN(values, expressions.ResolveList(*node.values));
  } else {
    for (const AttributeRef& column : VisibleOutput(*child)) {
      bool is_id = std::any_of(ids.begin(), ids.end(), [&](const ExprPtr& id) { return id->As<AttributeRef>() && id->As<AttributeRef>()->id == column.id; });
      if (!is_id) values.push_back(MakeExpr(column));
    }
  }
  if (values.empty())
    return Status::Error({"UNPIVOT_REQUIRES_VALUE_COLUMNS", "42K0E", ExceptionKind::kAnalysis,
                          "At least one value column needs to be specified for UNPIVOT, all columns specified as ids."});
  std::optional<DataType> common = CommonType(values, conf_);
  if (!common)
    return Status::Error(
        {"UNPIVOT_VALUE_DATA_TYPE_MISMATCH", "42K09", ExceptionKind::kAnalysis, "Unpivot value columns must share a least common type, some types do not."});
  std::vector<ExprPtr> args = {MakeExpr(Literal{Value{static_cast<int64_t>(values.size())}, DataType::Integer()})};
  for (const ExprPtr& value : values) {
    const auto* alias = value->As<Alias>();
    std::string name = alias ? alias->names.at(0) : value->As<AttributeRef>()->name;
    args.push_back(MakeExpr(Literal{Value{name}, DataType::String()}));
    args.push_back(CastTo(alias ? alias->child : value, *common, ModeOf(conf_)));
  }
  const FunctionDef* stack = FindFunction("stack");
  MS_ASSIGN_OR_RETURN(TypedCall typed, stack->rule(*stack, std::move(args), conf_));
  ids.push_back(MakeExpr(
      Alias{MakeExpr(Call{stack, std::move(typed.args), typed.type, false, ModeOf(conf_)}), {node.variable_name, node.value_name}, std::nullopt, NewId()}));
  return MakeProject(std::move(ids), std::move(child));
}

}  // namespace millstream
