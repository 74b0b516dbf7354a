#include "session/late_rows_table.h"

#include "connectors/delta/delta_connector.h"
#include "plan/sql/parser.h"
#include "session/session_catalog.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// The rows as those of the table.
Result<std::vector<RecordBatchPtr>> Described(const LateRowsTarget& target, BatchId batch, LateRows late) {
  std::vector<ExprPtr> columns;
  for (const std::string& text : {"'" + *target.query_id + "' AS query_id", "CAST(" + std::to_string(batch.value()) + " AS BIGINT) AS batch_id",
                                  "'" + late.operator_name + "' AS operator", "timestamp_millis(" + std::to_string(late.watermark_ms) + ") AS watermark",
                                  std::string("to_json(struct(*)) AS row")}) {
    MS_ASSIGN_OR_RETURN(ExprPtr column, ParseExpression(text));
    columns.push_back(std::move(column));
  }
  SessionConf conf({});
  ViewMap views;
  SessionCatalog catalog(*target.engine, conf, views, target.analyzer.current_database, {});
  const PlanPtr rows = MakePlan(LocalRelation{.schema = late.schema, .batches = std::move(late.rows)});
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, Analyze(MakePlan(Project{std::move(columns), rows}), catalog, target.analyzer));
  MS_ASSIGN_OR_RETURN(std::unique_ptr<CompiledPlan> compiled, CompiledPlan::Compile(Optimize(analyzed), target.engine->compute, target.compute));
  MS_ASSIGN_OR_RETURN(RowStreamPtr described, compiled->Run({}, nullptr));
  return Drain(*described);
}

}  // namespace

const StructType& LateRowsSchema() {
  static const StructType schema({{"query_id", DataType::String()},
                                  {"batch_id", DataType::Long()},
                                  {"operator", DataType::String()},
                                  {"watermark", DataType::Timestamp()},
                                  {"row", DataType::String()}});
  return schema;
}

std::function<Status(BatchId, std::vector<LateRows>)> KeepLateRowsIn(LateRowsTarget target) {
  return [target = std::move(target)](BatchId batch, std::vector<LateRows> late) -> Status {
    std::vector<RecordBatchPtr> all;
    for (LateRows& part : late) {
      MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> described, Described(target, batch, std::move(part)));
      all.insert(all.end(), described.begin(), described.end());
    }
    DeltaWrite write{.mode = SaveMode::kAppend,
                     .schema = LateRowsSchema(),
                     .options = {{"txnAppId", *target.query_id + "/lateRows"}, {"txnVersion", std::to_string(batch.value())}},
                     .threads = 1};
    const RowStreamPtr rows = MakeRowStream(ToArrowSchema(LateRowsSchema()), std::move(all));
    return WriteDelta(target.engine->delta, target.location, write, *rows).status().While("keeping the late rows of batch " + std::to_string(batch.value()));
  };
}

}  // namespace millstream
