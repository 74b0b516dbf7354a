#include "plan/analyzer/plan_analyzer.h"

#include <algorithm>
#include <cctype>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/generator_call.h"
#include "plan/analyzer/session_windows.h"
#include "plan/analyzer/variant_rules.h"
#include "plan/plan_errors.h"
#include "plan/sql/parser.h"
#include "plan/stream_functions.h"

namespace millstream {
namespace {

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::vector<ExprPtr> ExpressionsOf(const PlanNode& plan) {
  if (const auto* node = plan.As<Project>()) return node->expressions;
  if (const auto* node = plan.As<Filter>()) return {node->condition};
  if (const auto* node = plan.As<Aggregate>()) {
    std::vector<ExprPtr> all = node->group_by;
    all.insert(all.end(), node->aggregates.begin(), node->aggregates.end());
    return all;
  }
  if (const auto* node = plan.As<Sort>()) return node->order;
  if (const auto* node = plan.As<Join>(); node && node->condition) return {node->condition};
  if (const auto* node = plan.As<WithColumns>()) return node->aliases;
  return {};
}

// Refuses what the recursive walks could not survive, without recursing itself.
Status CheckSize(const PlanPtr& root) {
  std::vector<std::pair<PlanPtr, int>> todo = {{root, 1}};
  int nodes = 0;
  while (!todo.empty()) {
    auto [plan, depth] = todo.back();
    todo.pop_back();
    if (depth > kMaxPlanDepth) return Status::Error(errors::kPlanTooDeep, {{"what", "more than " + std::to_string(kMaxPlanDepth) + " levels"}});
    if (++nodes > kMaxPlanNodes) return Status::Error(errors::kPlanTooDeep, {{"what", "more than " + std::to_string(kMaxPlanNodes) + " nodes"}});
    for (const ExprPtr& expr : ExpressionsOf(*plan)) {
      if (DepthOf(*expr) > kMaxPlanDepth)
        return Status::Error(errors::kPlanTooDeep, {{"what", "an expression of more than " + std::to_string(kMaxPlanDepth) + " levels"}});
    }
    for (const PlanPtr& child : ChildrenOf(*plan)) todo.emplace_back(child, depth + 1);
  }
  return Status();
}

}  // namespace

Result<PlanPtr> Analyze(const PlanPtr& plan, Catalog& catalog, const AnalyzerConf& conf) {
  MS_RETURN_IF_ERROR(CheckSize(plan));
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, PlanAnalyzer(catalog, conf).AnalyzeQuery(plan));
  MS_RETURN_IF_ERROR(CheckVariantUse(analyzed));
  return analyzed;
}

Result<PlanPtr> PlanAnalyzer::AnalyzeQuery(const PlanPtr& plan) {
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, Analyze(plan));
  return ExtractPythonCalls(WithoutHidden(std::move(analyzed)));
}

Result<PlanPtr> PlanAnalyzer::AnalyzeSubquery(const PlanPtr& plan, const Scope& outer) {
  const Scope* before = outer_;
  outer_ = &outer;
  Result<PlanPtr> analyzed = AnalyzeQuery(plan);
  outer_ = before;
  return analyzed;
}

std::vector<AttributeRef> PlanAnalyzer::ColumnsOfPlan(int64_t plan_id) const {
  auto found = columns_of_plan_.find(plan_id);
  return found == columns_of_plan_.end() ? std::vector<AttributeRef>() : found->second;
}

Result<PlanPtr> PlanAnalyzer::Analyze(const PlanPtr& plan) {
  if (++nodes_seen_ > kMaxPlanNodes || depth_ >= kMaxPlanDepth) {
    return Status::Error(errors::kPlanTooDeep, {{"what", "views and common table expressions included"}});
  }
  ++depth_;
  Result<PlanPtr> analyzed = AnalyzeNode(*plan);
  --depth_;
  if (analyzed.ok() && plan->plan_id) {
    std::vector<AttributeRef> output = OutputOf(**analyzed);
    auto& columns = columns_of_plan_[*plan->plan_id];
    columns.insert(columns.end(), output.begin(), output.end());
  }
  return analyzed;
}

Result<PlanPtr> PlanAnalyzer::AnalyzeNode(const PlanNode& plan) {
  return std::visit([this](const auto& node) { return Visit(node); }, plan.node);
}

std::vector<AttributeRef> PlanAnalyzer::VisibleOutput(const PlanNode& plan) const {
  std::vector<AttributeRef> output = OutputOf(plan);
  std::erase_if(output, [this](const AttributeRef& column) { return IsHidden(column.id); });
  return output;
}

PlanPtr PlanAnalyzer::WithoutHidden(PlanPtr plan) const {
  std::vector<AttributeRef> output = OutputOf(*plan);
  std::vector<ExprPtr> visible;
  for (const AttributeRef& column : output) {
    if (!IsHidden(column.id)) visible.push_back(MakeExpr(column));
  }
  if (visible.size() == output.size()) return plan;
  return MakePlan(Project{std::move(visible), std::move(plan)});
}

PlanPtr PlanAnalyzer::ScanOf(RelationSourcePtr source) {
  ScanRelation scan;
  for (const StructField& field : source->schema()) {
    scan.output.push_back({.name = field.name, .type = field.type, .nullable = field.nullable, .id = NewId(), .qualifier = {}, .metadata = field.metadata});
  }
  for (const StructField& field : source->metadata_schema()) {
    // A column of the data with this name wins (Spark's rule for _metadata).
    if (source->schema().IndexOf(field.name)) continue;
    scan.output.push_back({.name = field.name, .type = field.type, .nullable = field.nullable, .id = NewId(), .qualifier = {}, .metadata = field.metadata});
    hidden_.insert(scan.output.back().id);
  }
  scan.source = std::move(source);
  return MakePlan(std::move(scan));
}

Result<PlanPtr> PlanAnalyzer::Visit(const UnresolvedRelation& node) {
  if (node.name.size() == 1) {
    for (size_t i = ctes_visible_; i-- > 0;) {
      if (ctes_[i].name != Lower(node.name[0])) continue;
      size_t before = ctes_visible_;
      ctes_visible_ = ctes_[i].visible;
      PlanPtr definition = ctes_[i].plan;
      Result<PlanPtr> analyzed = Analyze(definition);
      ctes_visible_ = before;
      MS_RETURN_IF_ERROR(analyzed.status());
      return MakePlan(SubqueryAlias{{node.name[0]}, {}, WithoutHidden(*std::move(analyzed))});
    }
  }
  MS_ASSIGN_OR_RETURN(PlanPtr view, catalog_.FindView(node.name));
  // A view has no files of its own.
  if (view && !node.options.contains(kCopyStateOption)) {
    size_t before = ctes_visible_;
    const Scope* outer = outer_;
    ctes_visible_ = 0;
    outer_ = nullptr;
    Result<PlanPtr> analyzed = AnalyzeQuery(view);
    ctes_visible_ = before;
    outer_ = outer;
    MS_RETURN_IF_ERROR(analyzed.status());
    return MakePlan(SubqueryAlias{{node.name.back()}, {}, *std::move(analyzed)});
  }
  MS_ASSIGN_OR_RETURN(RelationSourcePtr source, catalog_.FindTable(node));
  return MakePlan(SubqueryAlias{catalog_.Qualify(node.name), {}, ScanOf(std::move(source))});
}

Result<PlanPtr> PlanAnalyzer::Visit(const UnresolvedDataSource& node) {
  MS_ASSIGN_OR_RETURN(RelationSourcePtr source, catalog_.OpenDataSource(node));
  return ScanOf(std::move(source));
}

Result<PlanPtr> PlanAnalyzer::Visit(const UnresolvedTableFunction& node) {
  std::string name = Lower(node.name.back());
  Scope nothing{{}, outer_};
  ExpressionAnalyzer expressions(*this, nothing);
  std::vector<ExprPtr> args;
  for (const ExprPtr& arg : node.args) {
    const auto* named = arg->As<Alias>();
    // The name of a table is no column's.
    if (named != nullptr && named->names[0] == kTableArgument && named->child->As<UnresolvedAttribute>() != nullptr) {
      args.push_back(arg);
      continue;
    }
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> resolved, expressions.ResolveAll({arg}));
    args.push_back(std::move(resolved[0]));
  }
  if (name == "range") {
    std::vector<int64_t> numbers;
    for (const ExprPtr& arg : args) {
      const Expr* value = arg.get();
      int64_t sign = 1;
      if (const auto* call = arg->As<Call>(); call && call->args.size() == 1 && SqlOf(*arg).starts_with("(- ")) value = call->args[0].get(), sign = -1;
      const auto* literal = value->As<Literal>();
      const int64_t* number = literal ? std::get_if<int64_t>(&literal->value.held) : nullptr;
      if (!number) return Status::Unsupported("range() with anything but whole-number literals");
      numbers.push_back(*number * sign);
    }
    if (numbers.empty() || numbers.size() > 4)
      return Status::Error(errors::kWrongNumArgs,
                           {{"functionName", "`range`"}, {"expectedNum", "[1, 2, 3, 4]"}, {"actualNum", std::to_string(numbers.size())}});
    if (numbers.size() == 1) return Visit(Range{.start = 0, .end = numbers[0]});
    return Visit(Range{.start = numbers[0], .end = numbers[1], .step = numbers.size() > 2 ? numbers[2] : 1});
  }
  if (name == "table_changes" || name == "table_changes_by_path") return TableChanges(name, args);
  if (name == "copy_into_state" || name == "copy_into_history") return CopyIntoFiles(name, args);
  if (ExprPtr generator = GeneratorCallOf(node)) return Visit(Project{{std::move(generator)}, MakePlan(OneRow{})});
  return Status::Error({"UNRESOLVABLE_TABLE_VALUED_FUNCTION", "42883", ExceptionKind::kAnalysis,
                        "Could not resolve <name> to a table-valued function.\nPlease make sure that <name> is defined as a table-valued function and that all "
                        "required parameters are provided correctly."},
                       {{"name", QuotedName(node.name)}});
}

// copy_into_state('t' | TABLE(t)[, version => 3 | timestamp => '…']), copy_into_history('/path'): what COPY INTO knows of the files that it has met.
Result<PlanPtr> PlanAnalyzer::CopyIntoFiles(const std::string& function, const std::vector<ExprPtr>& args) {
  UnresolvedRelation relation{.options = {{kCopyStateOption, function == "copy_into_history" ? "history" : "state"}}};
  for (const ExprPtr& arg : args) {
    const auto* named = arg->As<Alias>();
    const auto* literal = (named == nullptr ? arg : named->child)->As<Literal>();
    const std::string* text = literal ? std::get_if<std::string>(&literal->value.held) : nullptr;
    const int64_t* number = literal ? std::get_if<int64_t>(&literal->value.held) : nullptr;
    const std::string name = named == nullptr ? "table" : Lower(named->names[0]);
    const auto* table = named != nullptr && named->names[0] == kTableArgument ? named->child->As<UnresolvedAttribute>() : nullptr;
    if (table != nullptr && relation.name.empty()) {
      relation.name = table->parts;
    } else if (name == "table" && relation.name.empty() && text) {
      relation.name = {"delta", *text};
      if (text->find('/') == std::string::npos || text->find('`') != std::string::npos) {
        MS_ASSIGN_OR_RETURN(relation.name, ParseMultipartName(*text));
      }
    } else if (function == "copy_into_state" && name == "version" && number && literal->type.IsIntegral()) {
      relation.options["versionAsOf"] = std::to_string(*number);
    } else if (function == "copy_into_state" && name == "timestamp" && text) {
      relation.options["timestampAsOf"] = *text;
    } else if (name != "table" || !relation.name.empty()) {
      return Status::Error(errors::kWrongNumArgs, {{"functionName", "`" + function + "`"}, {"expectedNum", "1"}, {"actualNum", std::to_string(args.size())}});
    } else {
      return Status::Unsupported(function + "() of anything but a table's name or path as a text, or TABLE(name)");
    }
  }
  if (relation.name.empty())
    return Status::Error(errors::kWrongNumArgs, {{"functionName", "`" + function + "`"}, {"expectedNum", "1"}, {"actualNum", std::to_string(args.size())}});
  return Visit(relation);
}

// table_changes('t', start[, end]): versions are numbers, times are texts.
Result<PlanPtr> PlanAnalyzer::TableChanges(const std::string& function, const std::vector<ExprPtr>& args) {
  if (args.size() < 2 || args.size() > 3) {
    return Status::Error(errors::kWrongNumArgs,
                         {{"functionName", "`" + function + "`"}, {"expectedNum", "[2, 3]"}, {"actualNum", std::to_string(args.size())}});
  }
  UnresolvedRelation relation;
  relation.options["readChangeFeed"] = "true";
  for (size_t i = 0; i < args.size(); ++i) {
    const auto* literal = args[i]->As<Literal>();
    const std::string* text = literal ? std::get_if<std::string>(&literal->value.held) : nullptr;
    const int64_t* number = literal ? std::get_if<int64_t>(&literal->value.held) : nullptr;
    if (i == 0) {
      if (!text) return Status::Unsupported(function + "() of anything but a table's name as a text");
      if (function == "table_changes") {
        MS_ASSIGN_OR_RETURN(relation.name, ParseMultipartName(*text));
      } else {
        relation.name = {"delta", *text};
      }
      continue;
    }
    const std::string side = i == 1 ? "starting" : "ending";
    if (literal && literal->value.is_null()) {
      return Status::Error({"DELTA_CDC_READ_NULL_RANGE_BOUNDARY", "22004", ExceptionKind::kIllegalArgument,
                            "CDC read start/end parameters cannot be null. Please provide a valid version or timestamp."});
    }
    if (number && literal->type.IsIntegral()) {
      relation.options[side + "Version"] = std::to_string(*number);
    } else if (text) {
      relation.options[side + "Timestamp"] = *text;
    } else {
      return Status::Unsupported(function + "() from or to an expression", "Write versions as numbers and times as texts.");
    }
  }
  return Visit(relation);
}

Result<PlanPtr> PlanAnalyzer::Visit(const LocalRelation& node) {
  LocalRelation local = node;
  local.output.clear();
  for (const StructField& field : node.schema) {
    local.output.push_back({.name = field.name, .type = field.type, .nullable = field.nullable, .id = NewId(), .qualifier = {}, .metadata = field.metadata});
  }
  return MakePlan(std::move(local));
}

Result<PlanPtr> PlanAnalyzer::Visit(const Range& node) {
  if (node.step == 0) return Status::IllegalArgument("requirement failed: step (0) cannot be 0");
  Range range = node;
  range.output = {{.name = "id", .type = DataType::Long(), .nullable = false, .id = NewId()}};
  return MakePlan(std::move(range));
}

Result<PlanPtr> PlanAnalyzer::Visit(const OneRow& node) { return MakePlan(node); }
Result<PlanPtr> PlanAnalyzer::Visit(const ScanRelation& node) { return ScanOf(node.source); }

PlanPtr Optimize(const PlanPtr& plan) { return MergeSessions(plan); }

}  // namespace millstream
