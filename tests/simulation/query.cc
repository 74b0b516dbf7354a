#include "query.h"

#include "delta_world.h"
#include "plan/analyzer.h"
#include "plan/catalog.h"
#include "plan/sql/parser.h"
#include "streaming/streaming_errors.h"

namespace millstream::simulation {
namespace {

class NeverStops : public StopSignal {
 public:
  bool stopped() const override { return false; }
  bool WaitFor(int64_t) override { return true; }
  bool WaitForNews(int64_t) override { return true; }
};

class NobodyLooks : public BatchObserver {
 public:
  void ShowStatus(std::string_view) override {}
  void ShowDataAvailable(bool) override {}
  void ShowTriggerActive(bool) override {}
  void TriggerDone(TriggerProgress&) override {}
};

class Streams : public Catalog {
 public:
  explicit Streams(const std::vector<RelationSourcePtr>& sources) : sources_(sources) {}
  Result<PlanPtr> FindView(const std::vector<std::string>&) override { return PlanPtr(); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation& relation) override { return sources_.at(relation.name.back() == "left" ? 0 : 1); }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource&) override { return Status::Internal("there are only tables"); }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return name; }

 private:
  const std::vector<RelationSourcePtr>& sources_;
};

Result<PlanPtr> PlanOf(Shape shape, const std::vector<RelationSourcePtr>& sources) {
  const AttributeRef value{.name = "value", .type = DataType::Long(), .id = ExprId(1)};
  if (!FactsOf(shape).has_reference()) {
    PlanPtr scan = MakePlan(ScanRelation{.source = sources[0], .output = {value}});
    if (!FactsOf(shape).is_stateful) return scan;
    return MakePlan(Deduplicate{.columns = {}, .all_columns = true, .child = std::move(scan), .keys = {value.id}});
  }
  MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(FactsOf(shape).sql));
  PlanPtr plan = std::get<PlanPtr>(std::move(statement));
  if (shape == Shape::kWithinWatermark) plan = MakePlan(Deduplicate{.columns = {"value"}, .within_watermark = true, .child = std::move(plan), .keys = {}});
  Streams streams(sources);
  return Analyze(plan, streams, {});
}

class RunningQuery : public Query {
 public:
  RunningQuery(MicroBatchPlan plan, std::unique_ptr<Sink> sink, std::unique_ptr<Checkpoint> checkpoint, const StreamConf& conf, Clock& clock,
               std::shared_ptr<CancelToken> cancel)
      : execution_(std::move(plan), std::move(sink), std::move(checkpoint), conf, clock, stop_, std::move(cancel), observer_) {}
  Status Initialize() { return execution_.Initialize(false); }
  Result<bool> RunTrigger() override {
    MS_ASSIGN_OR_RETURN(TriggerOutcome outcome, execution_.RunTrigger({}));
    return outcome.ran_batch;
  }

 private:
  NeverStops stop_;
  NobodyLooks observer_;
  MicroBatchExecution execution_;
};

}  // namespace

Result<std::unique_ptr<Query>> Query::Start(Fs& fs, Clock& clock, ComputeEngine& engine, const QuerySpec& spec, std::vector<Numbers>& numbers,
                                            std::shared_ptr<CancelToken> cancel) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(fs, {.directory = spec.checkpoint()}));
  if (checkpoint->query_id().empty()) return Status::Error(errors::kMissingMetadataFile, {{"checkpointLocation", checkpoint->directory()}});
  std::unique_ptr<Sink> sink;
  if (FactsOf(spec.shape).writes_delta) {
    MS_ASSIGN_OR_RETURN(sink, MakeDeltaSink(fs, clock, spec.sink(), checkpoint->query_id()));
  } else {
    sink = MakeBatchFiles(fs, spec.sink(), spec.bug);
  }
  std::vector<RelationSourcePtr> sources;
  for (Numbers& one : numbers) sources.push_back(MakeNumbersRelation(one, cancel));
  MicroBatchPlan plan{.streams = sources, .compile = [&engine, shape = spec.shape, sources](int64_t) -> Result<std::unique_ptr<StreamPlan>> {
                        MS_ASSIGN_OR_RETURN(PlanPtr analyzed, PlanOf(shape, sources));
                        return StreamPlan::Compile(analyzed, engine, {.output_mode = FactsOf(shape).mode, .compute = {.threads = 1}});
                      }};
  auto query = std::make_unique<RunningQuery>(std::move(plan), std::move(sink), std::move(checkpoint), spec.conf, clock, std::move(cancel));
  MS_RETURN_IF_ERROR(query->Initialize());
  return std::unique_ptr<Query>(std::move(query));
}

}  // namespace millstream::simulation
