#include "delta_world.h"

#include <arrow/array/array_primitive.h>
#include <fmt/format.h>

#include "connectors/delta/delta_connector.h"
#include "delta/delta_log.h"
#include "delta/scan.h"

namespace millstream::simulation {
namespace {

class DrainedDeltaSink : public Sink {
 public:
  DrainedDeltaSink(Fs& fs, Clock& clock) : tables_(fs, clock) {}
  Status Open(const std::string& directory, const std::string& query_id) {
    MS_ASSIGN_OR_RETURN(sink_, OpenDeltaSink(tables_, directory, {.query_id = query_id, .run_id = query_id, .partition_by = {}, .options = {}}, 1));
    return Status();
  }
  std::string description() const override { return sink_->description(); }
  Result<std::optional<BatchId>> LastBatch() override { return sink_->LastBatch(); }
  Result<BatchResult> AddBatch(BatchId batch_id, const StructType& schema, RowStream& rows) override {
    Result<BatchResult> added = sink_->AddBatch(batch_id, schema, rows);
    tables_.Drain();
    return added;
  }

 private:
  DeltaTables tables_;
  std::unique_ptr<Sink> sink_;
};

Status AddValues(RowStream& rows, std::vector<std::string>* values) {
  for (;;) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr piece, rows.Next());
    if (piece == nullptr) return Status();
    const auto& column = static_cast<const arrow::Int64Array&>(*piece->column(0));
    for (int64_t i = 0; i < column.length(); ++i) values->push_back(std::to_string(column.Value(i)));
  }
}

}  // namespace

Result<std::unique_ptr<Sink>> MakeDeltaSink(Fs& fs, Clock& clock, const std::string& directory, const std::string& query_id) {
  auto sink = std::make_unique<DrainedDeltaSink>(fs, clock);
  MS_RETURN_IF_ERROR(sink->Open(directory, query_id));
  return std::unique_ptr<Sink>(std::move(sink));
}

Result<RowsByBatch> ReadDeltaBatches(Fs& fs, const std::string& directory) {
  ManualClock clock;
  DeltaTables tables(fs, clock);
  std::shared_ptr<DeltaLog> log = tables.Log(directory);
  MS_ASSIGN_OR_RETURN(SnapshotPtr newest, log->Update());
  if (newest == nullptr) return Status::Internal("there is no table");
  RowsByBatch batches;
  size_t files = 0;
  for (int64_t version = 0; version <= newest->version; ++version) {
    MS_ASSIGN_OR_RETURN(DeltaLog::CommitAt commit, log->ReadVersion(version));
    if (commit.actions.transactions.size() != 1) return Status::Internal(fmt::format("version {} is of no batch", version));
    ScanRequest scan{.table_path = directory, .metadata = newest->metadata, .files = {}, .columns = {{.field = newest->metadata->schema[0]}}};
    for (const AddFilePtr& add : commit.actions.adds) scan.files.push_back(ScanFile::Of(*add));
    files += scan.files.size();
    std::vector<std::string>& values = batches[commit.actions.transactions[0].version];
    if (scan.files.empty()) continue;
    const RowStreamPtr rows = ScanFiles(fs, std::move(scan));
    MS_RETURN_IF_ERROR(AddValues(*rows, &values));
  }
  // The snapshot may come from a checkpoint: it must say the same.
  if (newest->files.size() != files) return Status::Internal(fmt::format("the snapshot has {} files, its commits {}", newest->files.size(), files));
  return batches;
}

}  // namespace millstream::simulation
