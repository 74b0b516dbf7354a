#include "session/source_file_plan.h"

#include "connectors/api/source_files.h"
#include "formats/source_file_column.h"

namespace millstream {
namespace {

// Beyond the ids of the analyzer and of who cuts plans, so that nobody takes the column for one that is not used.
constexpr int64_t kSourceFileId = int64_t{1} << 43;

AttributeRef SourceFile() { return {.name = std::string(kSourceFileColumn), .type = DataType::Integer(), .nullable = false, .id = ExprId(kSourceFileId)}; }

PlanPtr OverScan(const ScanRelation& scan) {
  if (dynamic_cast<const HasSourceFileColumn*>(scan.source.get()) == nullptr || scan.source->schema().IndexOf(kSourceFileColumn)) return nullptr;
  ScanRelation reads = scan;
  reads.output.push_back(SourceFile());
  return MakePlan(std::move(reads));
}

}  // namespace

PlanPtr WithSourceFileColumn(const PlanPtr& analyzed) {
  const PlanNode& plan = *analyzed;
  if (const auto* scan = plan.As<ScanRelation>()) return OverScan(*scan);
  const bool is_row_wise = plan.As<Project>() || plan.As<Filter>() || plan.As<Generate>() || plan.As<SubqueryAlias>() || plan.As<Repartition>() ||
                           plan.As<WithWatermark>() || plan.As<CollectMetrics>() || plan.As<PythonEval>() || plan.As<Sample>() || plan.As<Limit>();
  if (!is_row_wise) return nullptr;
  PlanPtr child = WithSourceFileColumn(ChildrenOf(plan)[0]);
  if (child == nullptr) return nullptr;
  if (const auto* project = plan.As<Project>()) {
    Project wider = *project;
    wider.expressions.push_back(MakeExpr(SourceFile()));
    wider.child = std::move(child);
    return MakePlan(std::move(wider), plan.plan_id);
  }
  PlanPtr over = WithChildren(plan, {child});
  // These put columns of their own behind those of the child.
  if (!plan.As<Generate>() && !plan.As<PythonEval>()) return over;
  Project last;
  for (const AttributeRef& column : OutputOf(*over)) {
    if (column.id != ExprId(kSourceFileId)) last.expressions.push_back(MakeExpr(column));
  }
  last.expressions.push_back(MakeExpr(SourceFile()));
  last.child = std::move(over);
  return MakePlan(std::move(last));
}

}  // namespace millstream
