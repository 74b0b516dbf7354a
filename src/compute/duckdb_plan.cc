#include "compute/duckdb_plan.h"

#include <duckdb/main/pending_query_result.hpp>
#include <duckdb/main/prepared_statement.hpp>

#include "compute/engine/deep_stack.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/duckdb_rows.h"
#include "compute/engine/input_scan.h"
#include "compute/sql/plan_sql.h"
#include "types/arrow_types.h"

namespace millstream::compute {
namespace {

class DuckDbPlan : public CompiledPlan {
 public:
  DuckDbPlan(StructType schema, TranslatedPlan translated, ComputeEngine::Impl& engine)
      : engine_(engine), schema_(std::move(schema)), scans_(std::move(translated.scans)), sql_(std::move(translated.sql)), run_(std::make_shared<DuckDbRun>()) {
    run_->slots = std::move(translated.slots);
    run_->local_rows = std::move(translated.local_rows);
    run_->arrow_schema = ToArrowSchema(schema_);
    for (const StructField& field : schema_) run_->types.push_back(field.type);
  }

  // Connects and prepares; again, when DuckDB has broken down since. To be called on a deep stack.
  Status Prepare() {
    run_->statement.reset();
    MS_ASSIGN_OR_RETURN(run_->connection, engine_.Connect());
    try {
      run_->statement = run_->connection->Prepare(sql_);
      if (run_->statement->HasError()) return FromDuckDbError(run_->statement->GetErrorObject()).While("translating the plan to: " + sql_);
      return Status::Ok();
    } catch (...) {
      return FromCurrentException();
    }
  }

  const StructType& schema() const override { return schema_; }
  const std::vector<std::pair<RelationSourcePtr, ScanNeeds>>& scans() const override { return scans_; }

  Result<RowStreamPtr> Run(std::vector<RowStreamPtr> inputs, std::shared_ptr<CancelToken> cancel) override {
    if (inputs.size() != scans_.size()) return Status::Internal("a run with other inputs than the plan's scans");
    // Rows of an earlier run hold on to its connection: they must be gone before another takes its place.
    if (ComputeEngine::Impl::IsBroken(*run_->connection) && run_.use_count() == 1) MS_RETURN_IF_ERROR(OnDeepStack([&] { return Prepare(); }));
    return StartDuckDbRun(run_, std::move(inputs), std::move(cancel));
  }

 private:
  ComputeEngine::Impl& engine_;  // outlives its plans
  StructType schema_;
  std::vector<std::pair<RelationSourcePtr, ScanNeeds>> scans_;
  const std::string sql_;
  std::shared_ptr<DuckDbRun> run_;
};

}  // namespace

Result<std::unique_ptr<CompiledPlan>> CompileForDuckDb(const PlanPtr& analyzed, ComputeEngine::Impl& engine, const ComputeConf& conf) {
  std::unique_ptr<DuckDbPlan> plan;
  MS_RETURN_IF_ERROR(OnDeepStack([&]() -> Status {
    MS_ASSIGN_OR_RETURN(TranslatedPlan translated, TranslatePlan(*analyzed, conf));
    plan = std::make_unique<DuckDbPlan>(SchemaOf(*analyzed), std::move(translated), engine);
    return plan->Prepare();
  }));
  return std::unique_ptr<CompiledPlan>(std::move(plan));
}

}  // namespace millstream::compute
