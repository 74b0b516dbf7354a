// compiled_plan_test.cc   Plans as their users run them.

#include "compute/compiled_plan.h"

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <duckdb/main/valid_checker.hpp>
#include <thread>

#include "compute/engine/compute_engine.h"
#include "plan/analyzer.h"
#include "plan/sql/parser.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Two columns, i = 0 … and s = "x", under the name t.
class OneView : public Catalog {
 public:
  explicit OneView(int64_t rows) {
    LocalRelation local;
    local.schema.Add({"i", DataType::Long(), true});
    local.schema.Add({"s", DataType::String(), true});
    arrow::Int64Builder numbers;
    arrow::StringBuilder texts;
    for (int64_t i = 0; i < rows; ++i) {
      EXPECT_TRUE(numbers.Append(i).ok());
      EXPECT_TRUE(texts.Append("x").ok());
    }
    local.batches.push_back(arrow::RecordBatch::Make(ToArrowSchema(local.schema), rows, {*numbers.Finish(), *texts.Finish()}));
    view_ = MakePlan(std::move(local));
  }
  Result<PlanPtr> FindView(const std::vector<std::string>& name) override { return name.back() == "t" ? view_ : PlanPtr(); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation&) override { return Status::Unsupported("tables"); }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource&) override { return Status::Unsupported("sources"); }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return name; }

 private:
  PlanPtr view_;
};

Result<std::unique_ptr<CompiledPlan>> CompileSql(const std::string& sql, ComputeEngine& engine) {
  MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
  OneView catalog(10);
  MS_ASSIGN_OR_RETURN(PlanPtr plan, Analyze(std::get<PlanPtr>(statement), catalog, {}));
  return CompiledPlan::Compile(plan, engine, {});
}

// The answer's first cell.
Result<int64_t> Number(CompiledPlan& plan) {
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, plan.Run({}));
  MS_ASSIGN_OR_RETURN(auto batches, Drain(*rows));
  return std::static_pointer_cast<arrow::Int64Array>(batches.at(0)->column(0))->Value(0);
}

void BreakDuckDb(ComputeEngine& engine) {
  auto connection = engine.impl().Connect();
  ASSERT_TRUE(connection.ok());
  duckdb::ValidChecker::Invalidate(*(*connection)->context->db, "something that cannot happen");
}

TEST(CompiledPlan, CountsLocalRowsOfWhichItLooksAtNoColumn) {
  ComputeEngine engine{ComputeConf{}};
  auto plan = CompileSql("SELECT count(*) FROM t", engine);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(Number(**plan).value(), 10);
  auto filtered = CompileSql("SELECT count(*) FROM t WHERE i > 3 AND s = 'x'", engine);
  ASSERT_TRUE(filtered.ok()) << filtered.status().message();
  EXPECT_EQ(Number(**filtered).value(), 6);
}

TEST(CompiledPlan, WorksAgainAfterDuckDbBrokeDown) {
  ComputeEngine engine{ComputeConf{}};
  auto old_plan = CompileSql("SELECT sum(i) FROM t", engine);
  ASSERT_TRUE(old_plan.ok()) << old_plan.status().message();
  EXPECT_EQ(Number(**old_plan).value(), 45);
  BreakDuckDb(engine);
  auto new_plan = CompileSql("SELECT max(i) FROM t", engine);
  ASSERT_TRUE(new_plan.ok()) << new_plan.status().message();
  EXPECT_EQ(Number(**new_plan).value(), 9);
  EXPECT_EQ(Number(**old_plan).value(), 45);
}

// A table without end, and one whose rows count who reads them.
class Endless : public RelationSource {
 public:
  std::string name() const override { return "endless"; }
  const StructType& schema() const override { return schema_; }
  bool is_streaming() const override { return false; }

 private:
  const StructType schema_{std::vector<StructField>{{"i", DataType::Long(), true}}};
};

class EndlessRows : public RowStream {
 public:
  EndlessRows(std::atomic<int>& reads, std::atomic<bool>& is_gone) : reads_(reads), is_gone_(is_gone), schema_(ToArrowSchema(Endless().schema())) {}
  ~EndlessRows() override { is_gone_ = true; }
  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    if (is_gone_) ADD_FAILURE() << "read after its end";
    ++reads_;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    arrow::Int64Builder numbers;
    EXPECT_TRUE(numbers.Append(1).ok());
    return RecordBatchPtr(arrow::RecordBatch::Make(schema_, 1, {*numbers.Finish()}));
  }

 private:
  std::atomic<int>& reads_;
  std::atomic<bool>& is_gone_;
  const ArrowSchemaPtr schema_;
};

class EndlessCatalog : public OneView {
 public:
  EndlessCatalog() : OneView(0) {}
  Result<PlanPtr> FindView(const std::vector<std::string>&) override { return PlanPtr(); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation&) override { return RelationSourcePtr(std::make_shared<Endless>()); }
};

TEST(CompiledPlan, RowsThatNobodyReadsToTheirEndAreReadByNoThreadAnyMore) {
  ComputeEngine engine{ComputeConf{.threads = 2}};
  EndlessCatalog catalog;
  auto statement = ParseStatement("SELECT i + 1 AS j FROM endless WHERE i > 0");
  ASSERT_TRUE(statement.ok());
  auto analyzed = Analyze(std::get<PlanPtr>(*statement), catalog, {});
  ASSERT_TRUE(analyzed.ok()) << analyzed.status().message();
  auto plan = CompiledPlan::Compile(*analyzed, engine, {});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> reads = 0;
    std::atomic<bool> is_gone = false;
    std::vector<RowStreamPtr> inputs;
    inputs.push_back(std::make_unique<EndlessRows>(reads, is_gone));
    auto rows = (*plan)->Run(std::move(inputs));
    ASSERT_TRUE(rows.ok()) << rows.status().message();
    if (round % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
    rows->reset();
    EXPECT_TRUE(is_gone);
    const int seen = reads;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    EXPECT_EQ(reads, seen);
  }
}

TEST(CompiledPlan, ReportsTheBreakdownToTheQueryThatIsRunning) {
  ComputeEngine engine{ComputeConf{}};
  auto plan = CompileSql("SELECT sum(i) FROM t", engine);
  ASSERT_TRUE(plan.ok());
  auto rows = (*plan)->Run({});
  ASSERT_TRUE(rows.ok());
  BreakDuckDb(engine);
  // The statement may be past the point where DuckDB looks; a run beside its rows cannot start anew.
  auto second = (*plan)->Run({});
  EXPECT_FALSE(second.ok());
  rows->reset();
  EXPECT_EQ(Number(**plan).value(), 45);
}

}  // namespace
}  // namespace millstream
