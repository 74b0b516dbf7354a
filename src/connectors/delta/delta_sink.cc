#include "connectors/api/retractions.h"
#include "connectors/api/source_files.h"
#include "connectors/delta/change_rows.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/source_rows.h"
#include "connectors/delta/stream_checkpoints.h"
#include "connectors/delta/table_change.h"
#include "delta/data_writer.h"
#include "delta/delta_errors.h"
#include "delta/features.h"

namespace millstream {
namespace {

class DeltaSink : public Sink, public KeepsSourceFiles, public RemovesFileRows {
 public:
  DeltaSink(std::shared_ptr<DeltaLog> log, SinkContext context, WriteWishes wishes, std::optional<std::string> user_metadata, int threads,
            RuleConf conf)
      : log_(std::move(log)), context_(std::move(context)), wishes_(std::move(wishes)), user_metadata_(std::move(user_metadata)), conf_(std::move(conf)) {
    options_.threads = threads;
  }

  std::string description() const override { return "DeltaSink[" + HadoopPathString(log_->table_path()) + "]"; }

  void SetSourceFiles(SourceFileNames names) override { options_.source_files = std::move(names); }

  Status CanRemoveFileRows() const override {
    if (context_.output_mode == OutputMode::kAppend) return Status();
    return Status::Error(errors::kRetractionUnsupported, {{"what", "UNDO, REPLAY or cloudFiles.changedFiles = replaced"},
                                                          {"reason", "in complete mode each batch writes the whole table anew"}});
  }
  void SetRetractedFiles(std::vector<std::string> paths) override { retracted_ = std::move(paths); }

  Result<BatchResult> AddBatch(BatchId batch_id, const StructType& rows_schema, RowStream& rows) override {
    const StructType schema = WithoutSourceFile(rows_schema);
    MS_RETURN_IF_ERROR(CheckBatchSchema(schema));
    const std::vector<std::string> retracted = std::exchange(retracted_, {});
    // Rows that leave are looked for in the table as it is now, whoever has written to it.
    MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, retracted.empty() ? log_->Current() : log_->Update());
    if (snapshot && snapshot->TransactionVersion(context_.query_id).value_or(-1) >= batch_id.value()) return BatchResult{.was_done_before = true};
    const bool overwrites = context_.output_mode == OutputMode::kComplete;
    if (overwrites && snapshot) MS_RETURN_IF_ERROR(CheckRemovable(*snapshot));

    std::optional<RowsTakenOut> out;
    if (snapshot && !retracted.empty()) {
      MS_ASSIGN_OR_RETURN(SourceRows found, FindStreamedRows(*log_, *snapshot, context_.query_id, retracted));
      if (!found.pieces.empty()) {
        MS_ASSIGN_OR_RETURN(out, TakeOutRows(*log_, *snapshot, found, options_.threads));
      }
    }
    const int64_t now_ms = log_->clock().WallMillis();
    MS_ASSIGN_OR_RETURN(TableChange change, PlanTableChange(snapshot, log_->table_path(), schema, wishes_, now_ms));
    MS_ASSIGN_OR_RETURN(options_.rules, log_->RulesOf(change.target, conf_));
    MS_ASSIGN_OR_RETURN(DataWritten written, WriteDataFiles(log_->fs(), log_->clock(), log_->table_path(), change.target, rows_schema, rows, options_));

    if (out && out->has_change_files()) {
      const MetadataPtr metadata = change.metadata ? std::make_shared<const Metadata>(*change.metadata) : snapshot->metadata;
      MS_ASSIGN_OR_RETURN(std::vector<ChangeFilePtr> inserted, WriteInsertedRows(*log_, *snapshot, metadata, written.files, options_.threads));
      out->written.changes.insert(out->written.changes.end(), inserted.begin(), inserted.end());
    }

    CommitRequest request{.read = snapshot, .reads_whole_table = overwrites, .operation = "STREAMING UPDATE", .user_metadata = user_metadata_};
    request.actions.metadata = std::move(change.metadata);
    request.actions.protocol = std::move(change.protocol);
    request.actions.transactions.push_back({context_.query_id, batch_id.value(), now_ms});
    if (overwrites && snapshot) request.actions.removes = RemoveAll(*snapshot, now_ms);
    request.parameters = {{"outputMode", overwrites ? "Complete" : "Append"}, {"queryId", context_.query_id}, {"epochId", std::to_string(batch_id.value())}};
    if (auto checkpoint = context_.options.find(kCheckpointParameter); checkpoint != context_.options.end()) request.parameters.push_back(*checkpoint);
    request.metrics = {{"numRemovedFiles", std::to_string(request.actions.removes.size() + (out ? out->made.removes.size() : 0))},
                       {"numAddedFiles", std::to_string(written.files.size() + (out ? out->written.files.size() : 0))},
                       {"numOutputRows", std::to_string(written.rows)},
                       {"numOutputBytes", std::to_string(written.bytes)}};
    request.actions.adds = std::move(written.files);
    if (out) {
      out->AddTo(request);
      request.metrics.emplace_back("numDeletedRows", std::to_string(out->rows));
    }
    Status committed = log_->Commit(std::move(request)).status();
    if (out && IsChangeConflict(committed)) {
      // Somebody else has changed a file whose rows leave: the batch runs again, on what is there then.
      out->Discard(log_->fs(), log_->table_path());
      return std::move(committed).Retryable();
    }
    MS_RETURN_IF_ERROR(committed);
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
  const RuleConf conf_;
  std::vector<std::string> retracted_;  // of the next batch
};

}  // namespace

Result<std::unique_ptr<Sink>> OpenDeltaSink(DeltaTables& tables, const std::string& path, const SinkContext& context, int threads, const RuleConf& conf) {
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
  if (snapshot) {
    MS_RETURN_IF_ERROR(CheckWritable(snapshot->protocol, *snapshot->metadata, path));
    MS_RETURN_IF_ERROR(log->RulesOf(*snapshot->metadata, conf).status());
  }
  return std::unique_ptr<Sink>(std::make_unique<DeltaSink>(std::move(log), context, std::move(wishes), options.String("userMetadata"), threads, conf));
}

}  // namespace millstream
