// SELECT lists, WHERE, HAVING, ORDER BY, LIMIT, aliases, CTEs.

#include <algorithm>
#include <cctype>

#include "base/calendar_interval.h"
#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/plan_analyzer.h"
#include "plan/coercion.h"
#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"

namespace millstream {

Result<PlanPtr> PlanAnalyzer::Visit(const Project& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  ExpressionAnalyzer expressions(*this, scope);
  MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> list, expressions.ResolveList(node.expressions));
  // A metadata column that is asked for is a column like others from here on.
  for (ExprPtr& item : list) {
    const auto* column = item->As<AttributeRef>();
    if (column != nullptr && IsHidden(column->id)) item = MakeExpr(Alias{item, {column->name}, std::nullopt, NewId()});
  }
  bool aggregates = std::any_of(list.begin(), list.end(), [](const ExprPtr& item) { return IsAggregate(*item); });
  if (!aggregates) return MakeProject(std::move(list), std::move(child));
  // SELECT count(*) FROM t: a global aggregate. The child is analyzed again below Aggregate, so that ids stay consistent.
  return Visit(Aggregate{.kind = Aggregate::Kind::kGroupBy, .group_by = {}, .aggregates = node.expressions, .child = node.child, .grouping_sets = {}});
}

std::vector<ExprPtr> PlanAnalyzer::ExtractWindows(std::vector<ExprPtr> list, PlanPtr& child) {
  std::vector<ExprPtr> windows;
  std::map<std::string, AttributeRef> done;
  auto extract = [&](const ExprPtr& part) -> ExprPtr {
    const auto* window = part->As<WindowCall>();
    if (!window) return nullptr;
    std::string key = KeyOf(*part);
    auto found = done.find(key);
    if (found == done.end()) {
      ExprId id = NewId();
      windows.push_back(MakeExpr(Alias{part, {"_w" + std::to_string(windows.size())}, std::nullopt, id}));
      found = done.emplace(key, AttributeRef{.name = "_w", .type = TypeOf(*part), .nullable = IsNullable(*part), .id = id}).first;
    }
    return MakeExpr(found->second);
  };
  for (ExprPtr& item : list) item = Replace(item, extract);
  if (!windows.empty()) child = MakePlan(Window{std::move(windows), std::move(child)});
  return list;
}

Result<std::vector<ExprPtr>> PlanAnalyzer::ExtractGenerators(std::vector<ExprPtr> list, PlanPtr& child) {
  std::vector<ExprPtr> flat;
  for (ExprPtr& item : list) {
    if (!IsGenerator(*item)) {
      bool nested = Contains(*item, [](const Expr& part) { return part.As<Call>() && IsGenerator(part); });
      if (nested) {
        return Status::Error({"UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", "42K0E", ExceptionKind::kAnalysis,
                              "The generator is not supported: nested in expressions \"<expression>\"."},
                             {{"expression", SqlOf(*item)}});
      }
      flat.push_back(std::move(item));
      continue;
    }
    const auto* alias = item->As<Alias>();
    ExprPtr call = alias ? alias->child : item;
    DataType row = TypeOf(*call);
    std::vector<AttributeRef> output;
    for (size_t i = 0; i < row.fields().size(); ++i) {
      const StructField& field = row.fields()[i];
      std::string name = alias && i < alias->names.size() && alias->names.size() == row.fields().size() ? alias->names[i] : field.name;
      output.push_back({.name = name, .type = field.type, .nullable = field.nullable, .id = NewId()});
    }
    if (alias && !alias->names.empty() && alias->names.size() != row.fields().size()) {
      return Status::Error(
          {"UDTF_ALIAS_NUMBER_MISMATCH", "42802", ExceptionKind::kAnalysis,
           "The number of aliases supplied in the AS clause does not match the number of columns output by the UDTF. Expected <aliasesSize> aliases, but got "
           "<aliasesNames>. Please ensure that the number of aliases provided matches the number of columns output by the UDTF."},
          {{"aliasesSize", std::to_string(row.fields().size())}, {"aliasesNames", std::to_string(alias->names.size())}});
    }
    for (const AttributeRef& column : output) flat.push_back(MakeExpr(column));
    const auto* generator = call->As<Call>();
    bool outer = generator->function->name.ends_with("_outer");
    ExprPtr inner = call;
    if (outer) {
      Call plain = *generator;
      plain.function = FindFunction(generator->function->name.substr(0, generator->function->name.size() - 6));
      inner = MakeExpr(std::move(plain));
    }
    child = MakePlan(
        Generate{.generator = std::move(inner), .outer = outer, .alias = "", .column_aliases = {}, .child = std::move(child), .output = std::move(output)});
  }
  return flat;
}

Result<PlanPtr> PlanAnalyzer::MakeProject(std::vector<ExprPtr> list, PlanPtr child) {
  MS_ASSIGN_OR_RETURN(child, ExtractTimeWindows({&list}, std::move(child)));
  MS_ASSIGN_OR_RETURN(list, ExtractGenerators(std::move(list), child));
  list = ExtractWindows(std::move(list), child);
  return MakePlan(Project{std::move(list), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const Generate& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  ExpressionAnalyzer expressions(*this, scope);
  MS_ASSIGN_OR_RETURN(ExprPtr call, expressions.Resolve(node.generator));
  if (!IsGenerator(*call)) return Status::Unsupported("LATERAL VIEW over " + SqlOf(*call), "Use a generator such as explode.");
  Generate generate{.generator = call, .outer = node.outer, .alias = node.alias, .column_aliases = node.column_aliases, .child = child, .output = {}};
  std::vector<ExprPtr> all;
  for (const AttributeRef& column : OutputOf(*child)) all.push_back(MakeExpr(column));
  all.push_back(MakeExpr(Alias{call, node.column_aliases, std::nullopt, NewId()}));
  PlanPtr below = child;
  MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> flat, ExtractGenerators(std::move(all), below));
  generate.output = below->As<Generate>()->output;
  generate.outer = node.outer || below->As<Generate>()->outer;
  generate.generator = below->As<Generate>()->generator;
  for (AttributeRef& column : generate.output) {
    if (!node.alias.empty()) column.qualifier = {node.alias};
    column.nullable = column.nullable || generate.outer;
  }
  return MakePlan(std::move(generate));
}

Result<ExprPtr> PlanAnalyzer::ResolveCondition(const ExprPtr& condition, const Scope& scope) {
  ExpressionAnalyzer expressions(*this, scope);
  MS_ASSIGN_OR_RETURN(ExprPtr resolved, expressions.Resolve(condition));
  if (const auto* alias = resolved->As<Alias>()) resolved = alias->child;
  DataType type = TypeOf(*resolved);
  if (type.id() == TypeId::kNull || type.id() == TypeId::kString) resolved = CastTo(resolved, DataType::Boolean(), ModeOf(conf_));
  if (TypeOf(*resolved).id() != TypeId::kBoolean) {
    return Status::Error(errors::kFilterNotBoolean, {{"sqlExpr", SqlOf(*resolved)}, {"filter", SqlOf(*resolved)}, {"type", type.Sql()}});
  }
  return resolved;
}

Result<PlanPtr> PlanAnalyzer::Visit(const Filter& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  // HAVING: the parser puts a Filter over the Aggregate (or over the SELECT list that becomes one).
  if (child->As<Aggregate>()) return HavingOver(node.condition, std::move(child));
  Scope scope = ScopeOf(*child);
  Result<ExprPtr> condition = ResolveCondition(node.condition, scope);
  if (!condition.ok()) {
    // DataFrames may filter by a column that the Project below has dropped.
    const auto* project = child->As<Project>();
    if (!project || !condition.status().Is(errors::kUnresolvedColumn)) return condition.status();
    Scope below = ScopeOf(*project->child);
    Result<ExprPtr> lower = ResolveCondition(node.condition, below);
    if (!lower.ok() || HasWindow(**lower) || IsAggregate(**lower)) return condition.status();
    return MakePlan(Project{project->expressions, MakePlan(Filter{*std::move(lower), project->child})});
  }
  if (HasWindow(**condition)) {
    return Status::Error(
        {"WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE", "42601", ExceptionKind::kAnalysis, "It is not allowed to use window functions inside <clauseName> clause."},
        {{"clauseName", "WHERE"}});
  }
  if (IsAggregate(**condition) || HasWindow(**condition) || Contains(**condition, [](const Expr& part) { return IsGenerator(part); })) {
    return Status::Error(errors::kInvalidWhere, {{"condition", SqlOf(**condition)}, {"expressionList", SqlOf(**condition)}});
  }
  return MakePlan(Filter{*std::move(condition), std::move(child)});
}

Result<ExprPtr> PlanAnalyzer::ResolveCount(const ExprPtr& count, const char* what) {
  Scope nothing;
  ExpressionAnalyzer expressions(*this, nothing);
  MS_ASSIGN_OR_RETURN(ExprPtr resolved, expressions.Resolve(count));
  while (const auto* cast = resolved->As<Cast>()) resolved = cast->child;
  int64_t sign = 1;
  if (const auto* call = resolved->As<Call>(); call && call->function->name == "negative") sign = -1, resolved = call->args[0];
  std::optional<int64_t> value = IntLiteral(*resolved);
  if (!value) return Status::Error(errors::kLimitNotInteger, {{"expr", SqlOf(*resolved)}, {"name", what}, {"dataType", TypeOf(*resolved).Sql()}});
  if (*value * sign < 0) return Status::Error(errors::kLimitNegative, {{"expr", SqlOf(*count)}, {"name", what}, {"v", std::to_string(*value * sign)}});
  return MakeExpr(Literal{Value{*value}, DataType::Integer()});
}

Result<PlanPtr> PlanAnalyzer::Visit(const Limit& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  MS_ASSIGN_OR_RETURN(ExprPtr count, ResolveCount(node.count, "limit"));
  return MakePlan(Limit{std::move(count), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const Offset& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  MS_ASSIGN_OR_RETURN(ExprPtr count, ResolveCount(node.count, "offset"));
  return MakePlan(Offset{std::move(count), std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const Tail& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  return MakePlan(Tail{node.count, std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const Sample& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Sample sample = node;
  sample.child = std::move(child);
  return MakePlan(std::move(sample));
}

Result<PlanPtr> PlanAnalyzer::Visit(const Repartition& node) { return Analyze(node.child); }

Result<PlanPtr> PlanAnalyzer::Visit(const WithWatermark& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  MS_ASSIGN_OR_RETURN(ExprPtr column, scope.Find({node.column}, conf_));
  if (!column) return scope.NotFound({node.column});
  TypeId type = TypeOf(*column).id();
  if (type != TypeId::kTimestamp && type != TypeId::kTimestampNtz) {
    return Status::Error({"EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE", "42K09", ExceptionKind::kAnalysis,
                          "The event time \"<eventName>\" has the invalid type \"<eventType>\", but expected \"TIMESTAMP\"."},
                         {{"eventName", node.column}, {"eventType", TypeOf(*column).Sql()}});
  }
  const std::optional<CalendarInterval> delay = ParseCalendarInterval(node.delay);
  const std::optional<int64_t> delay_us = delay ? delay->Micros() : std::nullopt;
  if (!delay_us) return Status::Error(errors::kCannotParseWatermarkDelay, {{"delayThreshold", "'" + node.delay + "'"}});
  if (*delay_us < 0) return Status::Error(errors::kNegativeWatermarkDelay, {{"delayThreshold", node.delay}});
  const auto* attribute = column->As<AttributeRef>();
  if (attribute == nullptr) return Status::Unsupported("A watermark on a field of a struct", "Select the field as a column first.");
  return MakePlan(WithWatermark{node.column, node.delay, std::move(child), attribute->id, *delay_us / 1000});
}

Result<PlanPtr> PlanAnalyzer::Visit(const SubqueryAlias& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  if (!node.column_aliases.empty()) {
    std::vector<AttributeRef> output = VisibleOutput(*child);
    if (output.size() != node.column_aliases.size()) {
      return Status::Error(errors::kAssignNumColumns, {{"numTarget", std::to_string(node.column_aliases.size())}, {"numExpr", std::to_string(output.size())}});
    }
    std::vector<ExprPtr> renamed;
    for (size_t i = 0; i < output.size(); ++i) renamed.push_back(MakeExpr(Alias{MakeExpr(output[i]), {node.column_aliases[i]}, std::nullopt, NewId()}));
    child = MakePlan(Project{std::move(renamed), std::move(child)});
  }
  return MakePlan(SubqueryAlias{node.name, {}, std::move(child)});
}

Result<PlanPtr> PlanAnalyzer::Visit(const WithCte& node) {
  size_t size_before = ctes_.size(), visible_before = ctes_visible_;
  // Hidden entries of an enclosing query stay reachable: what was visible is copied on top.
  std::vector<Cte> visible(ctes_.begin(), ctes_.begin() + static_cast<std::ptrdiff_t>(ctes_visible_));
  if (ctes_visible_ != ctes_.size()) ctes_.insert(ctes_.end(), visible.begin(), visible.end());
  for (const auto& [name, plan] : node.definitions) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    ctes_.push_back({lower, plan, ctes_.size()});
  }
  ctes_visible_ = ctes_.size();
  Result<PlanPtr> analyzed = Analyze(node.child);
  ctes_.resize(size_before);
  ctes_visible_ = visible_before;
  return analyzed;
}

Result<PlanPtr> PlanAnalyzer::Visit(const Window& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  Scope scope = ScopeOf(*child);
  ExpressionAnalyzer expressions(*this, scope);
  MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> list, expressions.ResolveList(node.expressions));
  return MakePlan(Window{std::move(list), std::move(child)});
}

}  // namespace millstream
