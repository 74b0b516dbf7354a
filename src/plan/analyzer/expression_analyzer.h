#pragma once

// expression_analyzer.h   One expression as written → typed, in a scope. Plans inside it (subqueries) go back to the plan analyzer.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plan/analyzer/scope.h"
#include "plan/function_registry.h"

namespace millstream {

// What an expression needs of the plan around it.
class ExpressionContext {
 public:
  virtual ~ExpressionContext() = default;
  virtual const AnalyzerConf& conf() const = 0;
  virtual ExprId NewId() = 0;
  virtual Result<PlanPtr> AnalyzeSubquery(const PlanPtr& plan, const Scope& outer) = 0;
  // The columns that the plan node `plan_id` has given, in each place where it stands; empty: no such node.
  virtual std::vector<AttributeRef> ColumnsOfPlan(int64_t plan_id) const = 0;
  virtual bool IsHidden(ExprId id) const = 0;  // a metadata column: not part of *
  virtual std::shared_ptr<const PythonCall> FindPythonFunction(const std::string& name) = 0;
};

class ExpressionAnalyzer {
 public:
  ExpressionAnalyzer(ExpressionContext& context, const Scope& scope) : context_(context), scope_(scope) {}

  // Aliases of the same SELECT list that later items may use (lateral column alias): name → typed expression.
  std::map<std::string, ExprPtr> lateral_aliases;
  // An aggregate in an aggregate is the caller's to judge.
  bool leaves_nested_aggregates = false;

  Result<ExprPtr> Resolve(const ExprPtr& expr);
  Result<std::vector<ExprPtr>> ResolveAll(const std::vector<ExprPtr>& exprs);
  // Items of a SELECT list: stars are expanded, unnamed expressions get Spark's name. Each result is an AttributeRef or an Alias (a multi-name alias
  // only over a generator).
  Result<std::vector<ExprPtr>> ResolveList(const std::vector<ExprPtr>& exprs);
  // Spark's name for the unnamed expression: as written, with resolved column names.
  std::string NameOf(const ExprPtr& as_written);

 private:
  Result<ExprPtr> ResolveAttribute(const UnresolvedAttribute& attribute);
  Result<ExprPtr> ResolveByPlanId(const UnresolvedAttribute& attribute);
  Result<ExprPtr> ResolveFunction(const UnresolvedFunction& function);
  Result<ExprPtr> ResolveHigherOrder(const FunctionDef& definition, const UnresolvedFunction& function);
  Result<ExprPtr> ResolveLambda(const LambdaExpr& lambda, const std::vector<std::pair<DataType, bool>>& params);
  Result<ExprPtr> ResolveExtract(const UnresolvedExtractValue& extract);
  Result<ExprPtr> ResolveWindow(const WindowCall& call);
  Result<ExprPtr> ResolveSubquery(const SubqueryExpr& subquery);
  Result<std::vector<ExprPtr>> ExpandStar(const UnresolvedStar& star);
  Result<ExprPtr> MakeCall(const FunctionDef& definition, std::vector<ExprPtr> args, const UnresolvedFunction& written);
  Result<ExprPtr> SimpleCall(const std::string& name, std::vector<ExprPtr> args);
  // Functions that are rewritten, or constant for the whole query; nullptr: an ordinary function.
  Result<ExprPtr> ResolveSpecial(const std::string& name, const UnresolvedFunction& function);
  ExprPtr CurrentValue(const std::string& name) const;

  ExpressionContext& context_;
  const Scope& scope_;
  std::vector<std::map<std::string, ExprPtr>> lambda_scopes_;
  const UnresolvedFunction* window_function_ = nullptr;  // the one that the OVER at hand belongs to
};

}  // namespace millstream
