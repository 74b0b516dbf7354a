#include "connectors/delta/promote_rescued.h"

#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <atomic>

#include "connectors/delta/change_actions.h"
#include "connectors/delta/expanded_rows.h"
#include "connectors/delta/rescued_values.h"
#include "connectors/delta/table_change.h"
#include "connectors/delta/traced_rows.h"
#include "delta/change_feed.h"
#include "delta/data_writer.h"
#include "delta/delta_errors.h"
#include "delta/delta_log.h"
#include "delta/features.h"
#include "delta/schema_merge.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

// Where in a stream's batches the rescued column and the promoted ones are.
struct Places {
  int rescued = 0;
  std::vector<int> columns;
};

Result<RescuedValues::Moved> MoveIn(const RescuedValues& values, const Places& places, const arrow::RecordBatch& batch) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int place : places.columns) columns.push_back(batch.column(place));
  return values.Move(*batch.column(places.rescued), columns);
}

// A table's rows (perhaps with _change_type, then with kSourceFileColumn) with what was rescued in its columns; with a feed, also the rows of it.
class PromotedRows : public ExpandedRows {
 public:
  PromotedRows(RowStreamPtr rows, ArrowSchemaPtr schema, const RescuedValues& values, Places places, std::optional<int> change_type,
               std::atomic<int64_t>& moved_rows)
      : ExpandedRows(std::move(rows), std::move(schema)), values_(values), places_(std::move(places)), change_type_(change_type), moved_rows_(moved_rows) {}

 private:
  Result<std::vector<RecordBatchPtr>> Expand(const arrow::RecordBatch& batch) override {
    MS_ASSIGN_OR_RETURN(RescuedValues::Moved moved, MoveIn(values_, places_, batch));
    moved_rows_ += moved.rows;
    std::vector<std::shared_ptr<arrow::Array>> arrays = batch.columns();
    arrays[static_cast<size_t>(places_.rescued)] = moved.rescued;
    for (size_t i = 0; i < places_.columns.size(); ++i) arrays[static_cast<size_t>(places_.columns[i])] = moved.columns[i];
    RecordBatchPtr after = arrow::RecordBatch::Make(batch.schema(), batch.num_rows(), std::move(arrays));
    std::vector<RecordBatchPtr> made = {after};
    if (!change_type_ || moved.rows == 0) return made;
    RecordBatchPtr before = arrow::RecordBatch::Make(batch.schema(), batch.num_rows(), batch.columns());
    for (const auto& [rows, type] : {std::pair{before, "update_preimage"}, {after, "update_postimage"}}) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr changed, Chosen(*rows, moved.has_moved, type));
      made.push_back(std::move(changed));
    }
    return made;
  }

  Result<RecordBatchPtr> Chosen(const arrow::RecordBatch& batch, const std::vector<bool>& chosen, const char* change_type) const {
    arrow::BooleanBuilder mask;
    std::shared_ptr<arrow::Array> mask_array;
    MS_RETURN_IF_ERROR(FromArrowStatus(mask.AppendValues(chosen), "promoting rescued data"));
    MS_RETURN_IF_ERROR(FromArrowStatus(mask.Finish(&mask_array), "promoting rescued data"));
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    int64_t rows = 0;
    for (int i = 0; i < batch.num_columns(); ++i) {
      auto filtered = arrow::compute::Filter(batch.column(i), mask_array);
      if (!filtered.ok()) return FromArrowStatus(filtered.status(), "promoting rescued data");
      arrays.push_back(filtered->make_array());
      rows = arrays.back()->length();
    }
    auto types = arrow::MakeArrayFromScalar(arrow::StringScalar(change_type), rows);
    if (!types.ok()) return FromArrowStatus(types.status(), "promoting rescued data");
    arrays[static_cast<size_t>(*change_type_)] = *types;
    return arrow::RecordBatch::Make(batch.schema(), rows, std::move(arrays));
  }

  const RescuedValues& values_;
  const Places places_;
  const std::optional<int> change_type_;
  std::atomic<int64_t>& moved_rows_;
};

class Promotion {
 public:
  Promotion(std::shared_ptr<DeltaLog> log, SnapshotPtr snapshot, std::string name, const PromoteRescued& wish)
      : log_(std::move(log)), snapshot_(std::move(snapshot)), name_(std::move(name)), wish_(wish) {}

  Result<PromoteResult> Run() {
    MS_RETURN_IF_ERROR(CheckWritable(snapshot_->protocol, *snapshot_->metadata, snapshot_->table_path));
    MS_RETURN_IF_ERROR(CheckRemovable(*snapshot_));
    MS_RETURN_IF_ERROR(PlanSchema());
    StructType promoted;
    for (const StructField& column : wish_.columns) promoted.Add({column.name, metadata_->schema[*metadata_->schema.IndexOf(column.name)].type});
    MS_ASSIGN_OR_RETURN(const RescuedValues values, RescuedValues::Make(std::move(promoted), wish_.time_zone));
    MS_ASSIGN_OR_RETURN(const std::vector<AddFilePtr> files, FilesWith(values));
    if (files.empty() && !Evolves()) return PromoteResult();
    PromoteResult result{.files = static_cast<int64_t>(files.size())};
    DataWritten written;
    if (!files.empty()) {
      MS_ASSIGN_OR_RETURN(written, WriteAnew(values, files, &result.rows));
    }
    MS_ASSIGN_OR_RETURN(result.version, Commit(files, std::move(written), result));
    return result;
  }

 private:
  bool Evolves() const { return metadata_->schema_string != snapshot_->metadata->schema_string; }

  Status Refuse(const std::string& column, std::string reason) const {
    return Status::Error(errors::kPromotedColumn, {{"column", column}, {"table", name_}, {"reason", std::move(reason)}});
  }

  Status PlanSchema() {
    const Metadata& table = *snapshot_->metadata;
    std::optional<size_t> rescued = table.schema.IndexOf(wish_.rescued_column);
    if (!rescued || table.schema[*rescued].type.id() != TypeId::kString) {
      return Status::Error(errors::kNoRescuedColumn, {{"table", name_}, {"column", wish_.rescued_column}});
    }
    for (const StructField& column : wish_.columns) {
      const bool is_partition = std::any_of(table.partition_columns.begin(), table.partition_columns.end(),
                                            [&](const std::string& name) { return table.schema.IndexOf(name) == table.schema.IndexOf(column.name); });
      if (is_partition) return Refuse(column.name, "the table is partitioned by it");
      if (table.schema.IndexOf(column.name) == rescued) return Refuse(column.name, "that is the rescued data itself");
    }
    WriteWishes wishes{.merge_schema = true};
    MS_ASSIGN_OR_RETURN(TableChange change, PlanTableChange(snapshot_, snapshot_->table_path, wish_.columns, wishes, log_->clock().WallMillis()));
    metadata_ = std::make_shared<const Metadata>(std::move(change.target));
    protocol_ = std::move(change.protocol);
    return Status();
  }

  ScanRequest RequestOf(const std::vector<AddFilePtr>& files) const {
    ScanRequest request{.table_path = snapshot_->table_path, .metadata = metadata_};
    for (const AddFilePtr& file : files) request.files.push_back(ScanFile::Of(*file));
    return request;
  }

  // Statistics choose, then a look at the rescued values.
  Result<std::vector<AddFilePtr>> FilesWith(const RescuedValues& values) const {
    std::vector<AddFilePtr> candidates, files;
    const std::vector<ColumnPredicate> is_there = {{wish_.rescued_column, ColumnPredicate::Kind::kIsNotNull, Value{}}};
    snapshot_->files.ForEach([&](const AddFilePtr& file) {
      if (MayMatch(*file, *metadata_, is_there)) candidates.push_back(file);
    });
    for (const AddFilePtr& file : candidates) {
      ScanRequest request = RequestOf({file});
      Places places;
      request.columns.push_back({.field = metadata_->schema[*metadata_->schema.IndexOf(wish_.rescued_column)]});
      for (const StructField& column : wish_.columns) {
        places.columns.push_back(static_cast<int>(request.columns.size()));
        request.columns.push_back({.field = metadata_->schema[*metadata_->schema.IndexOf(column.name)]});
      }
      RowStreamPtr rows = ScanFiles(log_->fs(), std::move(request));
      for (;;) {
        MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows->Next());
        if (batch == nullptr) break;
        MS_ASSIGN_OR_RETURN(RescuedValues::Moved moved, MoveIn(values, places, *batch));
        if (moved.rows == 0) continue;
        files.push_back(file);
        break;
      }
    }
    return files;
  }

  Result<DataWritten> WriteAnew(const RescuedValues& values, const std::vector<AddFilePtr>& files, int64_t* moved_rows) const {
    ScanRequest request = RequestOf(files);
    StructType schema;
    Places places{.rescued = static_cast<int>(*metadata_->schema.IndexOf(wish_.rescued_column)), .columns = {}};
    for (const StructField& column : wish_.columns) places.columns.push_back(static_cast<int>(*metadata_->schema.IndexOf(column.name)));
    for (const StructField& field : metadata_->schema) request.columns.push_back({.field = field});
    std::optional<int> change_type;
    if (HasChangeFeed(*metadata_)) {
      change_type = static_cast<int>(request.columns.size());
      request.columns.push_back({.field = {std::string(kChangeTypeColumn), DataType::String()}, .kind = ScanColumn::Kind::kConstant, .constant = 0});
      for (ScanFile& file : request.files) file.constants = {Value{}};
    }
    for (const ScanColumn& column : request.columns) schema.Add(column.field);
    schema = WithSourceFile(std::move(schema));
    int64_t live = 0;
    for (const AddFilePtr& file : files) {
      MS_ASSIGN_OR_RETURN(int64_t rows, LiveRowsOf(log_->fs(), snapshot_->table_path, *file));
      live += rows;
    }
    auto names = std::make_shared<std::vector<std::string>>();
    MS_ASSIGN_OR_RETURN(RowStreamPtr traced, ScanTraced(log_->fs(), std::move(request), *names));
    std::atomic<int64_t> moved = 0;
    MS_ASSIGN_OR_RETURN(RowRulesPtr rules, log_->RulesOf(*metadata_, {.time_zone = wish_.time_zone}));
    PromotedRows rows(std::move(traced), ToArrowSchema(schema), values, std::move(places), change_type, moved);
    MS_ASSIGN_OR_RETURN(DataWritten written, WriteDataFiles(log_->fs(), log_->clock(), snapshot_->table_path, *metadata_, schema, rows,
                                                            {.threads = wish_.threads,
                                                             .has_change_rows = change_type.has_value(),
                                                             .source_files = names,
                                                             .rules = std::move(rules)}));
    // Nothing is lost or doubled, whatever happens to be wrong above.
    if (written.rows != live) return Status::Internal("PROMOTE RESCUED has written " + std::to_string(written.rows) + " rows of " + std::to_string(live));
    *moved_rows = moved;
    return written;
  }

  Result<int64_t> Commit(const std::vector<AddFilePtr>& files, DataWritten written, const PromoteResult& result) const {
    CommitRequest request{.read = snapshot_, .operation = "PROMOTE RESCUED"};
    request.parameters = {{"columns", ToDdl(wish_.columns)}, {"from", wish_.rescued_column}};
    const int64_t now_ms = log_->clock().WallMillis();
    int64_t bytes_removed = 0;
    for (const AddFilePtr& file : files) {
      request.read_keys.insert(FileKey(file->path, file->deletion_vector));
      request.actions.removes.push_back(RemoveOf(*file, now_ms));
      bytes_removed += file->size_bytes;
    }
    request.metrics = {{"numRemovedFiles", std::to_string(files.size())},
                       {"numRemovedBytes", std::to_string(bytes_removed)},
                       {"numAddedFiles", std::to_string(written.files.size())},
                       {"numAddedBytes", std::to_string(written.bytes)},
                       {"numAddedChangeFiles", std::to_string(written.changes.size())},
                       {"numCopiedRows", std::to_string(written.rows - result.rows)},
                       {"numPromotedRows", std::to_string(result.rows)}};
    if (Evolves()) request.actions.metadata = *metadata_;
    if (protocol_) request.actions.protocol = protocol_;
    request.actions.adds = std::move(written.files);
    request.actions.changes = std::move(written.changes);
    MS_ASSIGN_OR_RETURN(SnapshotPtr after, log_->Commit(std::move(request)));
    return after->version;
  }

  const std::shared_ptr<DeltaLog> log_;
  const SnapshotPtr snapshot_;
  const std::string name_;
  const PromoteRescued& wish_;
  MetadataPtr metadata_;  // as it will be
  std::optional<Protocol> protocol_;
};

}  // namespace

Result<PromoteResult> PromoteRescuedFields(DeltaTables& tables, const std::string& path, const std::string& name, const PromoteRescued& wish) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  return Promotion(std::move(log), std::move(snapshot), name, wish).Run();
}

}  // namespace millstream
