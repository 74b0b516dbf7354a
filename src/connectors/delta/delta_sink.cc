#include "connectors/api/source_files.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/table_change.h"
#include "delta/data_writer.h"
#include "delta/delta_errors.h"
#include "delta/features.h"

namespace millstream {
namespace {

class DeltaSink : public Sink, public KeepsSourceFiles {
 public:
  DeltaSink(std::shared_ptr<DeltaLog> log, SinkContext context, WriteWishes wishes, std::optional<std::string> user_metadata, int threads)
      : log_(std::move(log)), context_(std::move(context)), wishes_(std::move(wishes)), user_metadata_(std::move(user_metadata)) {
    options_.threads = threads;
  }

  std::string description() const override { return "DeltaSink[" + HadoopPathString(log_->table_path()) + "]"; }

  void SetSourceFiles(SourceFileNames names) override { options_.source_files = std::move(names); }

  Result<BatchResult> AddBatch(BatchId batch_id, const StructType& rows_schema, RowStream& rows) override {
    const StructType schema = WithoutSourceFile(rows_schema);
    MS_RETURN_IF_ERROR(CheckBatchSchema(schema));
    MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log_->Current());
    if (snapshot && snapshot->TransactionVersion(context_.query_id).value_or(-1) >= batch_id.value()) return BatchResult{.was_done_before = true};
    const bool overwrites = context_.output_mode == OutputMode::kComplete;
    if (overwrites && snapshot) MS_RETURN_IF_ERROR(CheckRemovable(*snapshot));

    const int64_t now_ms = log_->clock().WallMillis();
    MS_ASSIGN_OR_RETURN(TableChange change, PlanTableChange(snapshot, log_->table_path(), schema, wishes_, now_ms));
    MS_ASSIGN_OR_RETURN(DataWritten written, WriteDataFiles(log_->fs(), log_->clock(), log_->table_path(), change.target, rows_schema, rows, options_));

    CommitRequest request{.read = snapshot, .reads_whole_table = overwrites, .operation = "STREAMING UPDATE", .user_metadata = user_metadata_};
    request.actions.metadata = std::move(change.metadata);
    request.actions.protocol = std::move(change.protocol);
    request.actions.transactions.push_back({context_.query_id, batch_id.value(), now_ms});
    if (overwrites && snapshot) request.actions.removes = RemoveAll(*snapshot, now_ms);
    request.parameters = {{"outputMode", overwrites ? "Complete" : "Append"}, {"queryId", context_.query_id}, {"epochId", std::to_string(batch_id.value())}};
    request.metrics = {{"numRemovedFiles", std::to_string(request.actions.removes.size())},
                       {"numAddedFiles", std::to_string(written.files.size())},
                       {"numOutputRows", std::to_string(written.rows)},
                       {"numOutputBytes", std::to_string(written.bytes)}};
    request.actions.adds = std::move(written.files);
    MS_RETURN_IF_ERROR(log_->Commit(std::move(request)).status());
    return BatchResult{.rows_out = written.rows};
  }

 private:
  static Status CheckBatchSchema(const StructType& schema) {
    for (const StructField& field : schema) {
      if (HoldsType(field.type, TypeId::kNull)) return Status::Error(errors::kDeltaNullSchemaInStreaming);
    }
    return Status();
  }

  std::shared_ptr<DeltaLog> log_;
  SinkContext context_;
  WriteWishes wishes_;
  std::optional<std::string> user_metadata_;
  DataWriteOptions options_;
};

}  // namespace

Result<std::unique_ptr<Sink>> OpenDeltaSink(DeltaTables& tables, const std::string& path, const SinkContext& context, int threads) {
  if (context.output_mode == OutputMode::kUpdate) {
    return Status::Error(errors::kDeltaUnsupportedOutputMode, {{"dataSource", "delta"}, {"mode", "Update"}});
  }
  MS_ASSIGN_OR_RETURN(OptionValues options, DeltaWriteOptions().ParseKnown(context.options));
  WriteWishes wishes{.partition_by = context.partition_by,
                     .merge_schema = options.Bool("mergeSchema"),
                     .overwrite_schema = context.output_mode == OutputMode::kComplete && options.Bool("overwriteSchema"),
                     .properties = WithPropertyOptions({}, context.options)};
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  // What an earlier process has linked may not be synced: a batch found there is trusted only when it survives a power cut.
  MS_RETURN_IF_ERROR(log->SyncLog());
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (snapshot) MS_RETURN_IF_ERROR(CheckWritable(snapshot->protocol, *snapshot->metadata, path));
  return std::unique_ptr<Sink>(std::make_unique<DeltaSink>(std::move(log), context, std::move(wishes), options.String("userMetadata"), threads));
}

}  // namespace millstream
