#include "connectors/delta/delta_append.h"

#include <arrow/record_batch.h>

#include <numeric>

#include "connectors/delta/traced_rows.h"
#include "delta/delta_errors.h"
#include "delta/features.h"
#include "delta/log_files.h"
#include "delta/row_conform.h"

namespace millstream {

Result<std::unique_ptr<DeltaAppend>> DeltaAppend::Begin(DeltaTables& tables, const std::string& path, const RuleConf& conf) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  // What an earlier process has linked may not be synced: a txn found there is trusted only when it survives a power cut.
  MS_RETURN_IF_ERROR(log->SyncLog());
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  MS_RETURN_IF_ERROR(CheckWritable(snapshot->protocol, *snapshot->metadata, path));
  return std::unique_ptr<DeltaAppend>(new DeltaAppend(std::move(log), std::move(snapshot), conf));
}

Status DeltaAppend::Write(const StructType& schema, RowStream& rows, bool merge_schema, int threads, SourceFileNames source_files) {
  MS_ASSIGN_OR_RETURN(change_, PlanTableChange(snapshot_, log_->table_path(), WithoutSourceFile(schema), {.merge_schema = merge_schema},
                                               log_->clock().WallMillis()));
  MS_ASSIGN_OR_RETURN(RowRulesPtr rules, log_->RulesOf(change_.target, conf_));
  MS_ASSIGN_OR_RETURN(written_, WriteDataFiles(log_->fs(), log_->clock(), log_->table_path(), change_.target, schema, rows,
                                               {.threads = threads, .source_files = std::move(source_files), .rules = std::move(rules)}));
  return Status();
}

void DeltaAppend::Discard() {
  for (const AddFilePtr& file : written_.files) {
    Result<std::string> path = DataFilePath(log_->table_path(), file->path);
    // What stays is left for VACUUM: no commit names it.
    if (path.ok()) [[maybe_unused]]
      Status removed = log_->fs().Remove(*path);
  }
  written_ = {};
  if (out_) out_->Discard(log_->fs(), log_->table_path());
  out_.reset();
}

Status DeltaAppend::TakeOut(const SourceRows& rows, int threads) {
  if (out_) out_->Discard(log_->fs(), log_->table_path());
  out_.reset();
  if (rows.pieces.empty()) return Status();
  MS_ASSIGN_OR_RETURN(out_, TakeOutRows(*log_, *snapshot_, rows, threads));
  if (out_->has_change_files()) {
    const MetadataPtr metadata = change_.metadata ? std::make_shared<const Metadata>(*change_.metadata) : snapshot_->metadata;
    MS_ASSIGN_OR_RETURN(std::vector<ChangeFilePtr> inserted, WriteInsertedRows(*log_, *snapshot_, metadata, written_.files, threads));
    out_->written.changes.insert(out_->written.changes.end(), inserted.begin(), inserted.end());
  }
  return Status();
}

Result<DeltaAppend::Checked> DeltaAppend::Check(const StructType& schema, RowStream& rows, bool merge_schema, std::optional<int64_t> rows_max,
                                                int64_t shown_max) {
  MS_ASSIGN_OR_RETURN(TableChange change, PlanTableChange(snapshot_, log_->table_path(), schema, {.merge_schema = merge_schema}, log_->clock().WallMillis()));
  const RowConform conform(schema, BeforeRules(change.target.schema, schema));
  MS_ASSIGN_OR_RETURN(RowRulesPtr rules, log_->RulesOf(change.target, conf_));
  std::unique_ptr<RowRuler> ruler;
  if (rules) {
    MS_ASSIGN_OR_RETURN(ruler, rules->Start(schema));
  }
  Checked checked{.schema = change.target.schema, .shown = {}};
  int64_t seen = 0, shown = 0;
  ChunkWishes wishes;
  if (!rows_max && shown_max == 0) wishes = WishesOf(change.target, schema, /*has_change_rows=*/false);
  wishes.columns.resize(wishes.no_files_because.empty() ? wishes.columns.size() : 0);
  while (!rows_max || seen < *rows_max) {
    MS_ASSIGN_OR_RETURN(SomeRows some, NextOf(rows, wishes));
    if (some.is_end()) break;
    if (some.file) continue;
    if (some.chunks) {
      std::vector<int> all(change.target.schema.size());
      std::iota(all.begin(), all.end(), 0);
      MS_RETURN_IF_ERROR(conform.Apply(*some.chunks, all).status());
      continue;
    }
    RecordBatchPtr batch = std::move(some.batch);
    if (rows_max && batch->num_rows() > *rows_max - seen) batch = batch->Slice(0, *rows_max - seen);
    seen += batch->num_rows();
    MS_ASSIGN_OR_RETURN(batch, conform.Apply(batch));
    if (ruler) {
      MS_ASSIGN_OR_RETURN(batch, ruler->Apply(batch));
    }
    if (shown < shown_max) {
      checked.shown.push_back(batch->Slice(0, shown_max - shown));
      shown += checked.shown.back()->num_rows();
    }
  }
  return checked;
}

Result<RowStreamPtr> DeltaAppend::ReadAgain(const SourceRows& rows, std::vector<std::string>& names) const {
  ScanRequest request{.table_path = log_->table_path(), .metadata = snapshot_->metadata};
  for (const StructField& field : snapshot_->schema()) request.columns.push_back({.field = field});
  for (const SourceRows::Piece& piece : rows.pieces) {
    request.files.push_back(ScanFile::Of(*piece.file));
    request.files.back().only = piece.rows;
  }
  return ScanTraced(log_->fs(), std::move(request), names);
}

bool DeltaAppend::IsConflict(const Status& status) {
  return status.Is(errors::kDeltaConcurrentTransaction) || status.Is(errors::kDeltaMetadataChanged) || status.Is(errors::kDeltaProtocolChanged) ||
         status.Is(errors::kDeltaConcurrentAppend) || status.Is(errors::kDeltaConcurrentDeleteRead) || status.Is(errors::kDeltaConcurrentDeleteDelete);
}

Result<int64_t> DeltaAppend::Commit(const Description& description, const std::map<std::string, int64_t>& transactions) {
  CommitRequest request{.read = snapshot_,
                        .operation = description.operation,
                        .parameters = description.parameters,
                        .metrics = description.metrics,
                        .user_metadata = description.user_metadata};
  request.actions.adds = written_.files;
  if (out_) out_->AddTo(request);
  request.actions.metadata = change_.metadata;
  request.actions.protocol = change_.protocol;
  const int64_t now_ms = log_->clock().WallMillis();
  for (const auto& [app_id, version] : transactions) request.actions.transactions.push_back({app_id, version, now_ms});
  MS_ASSIGN_OR_RETURN(SnapshotPtr after, log_->Commit(std::move(request)));
  return after->version;
}

Result<bool> DeltaAppend::Refresh() {
  const SnapshotPtr before = snapshot_;
  MS_ASSIGN_OR_RETURN(snapshot_, log_->Update());
  if (!snapshot_) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(log_->table_path())}});
  const Metadata &now = *snapshot_->metadata, &then = *before->metadata;
  return now.id == then.id && now.schema_string == then.schema_string && now.partition_columns == then.partition_columns &&
         now.configuration == then.configuration && snapshot_->protocol == before->protocol;
}

}  // namespace millstream
