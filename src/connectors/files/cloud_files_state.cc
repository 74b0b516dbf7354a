#include "connectors/files/cloud_files_state.h"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <unordered_map>

#include "connectors/api/table.h"
#include "connectors/files/batch_numbers.h"
#include "connectors/files/file_requests.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/ledger_view.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kRowsPerBatch = 8192;

// What waits for the next batch, by path.
using PendingRequests = std::unordered_map<std::string, FileOperation>;

Result<PendingRequests> ReadPending(Fs& fs, const std::string& source_directory) {
  PendingRequests pending;
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> numbers, ListFileRequests(fs, source_directory));
  for (int64_t number : numbers) {
    Result<std::unique_ptr<FileRequestReader>> request = FileRequestReader::Open(fs, FileRequestPath(source_directory, number));
    if (!request.ok() && request.status().Is(errors::kFileNotFound)) continue;  // its batch was committed just now
    MS_RETURN_IF_ERROR(request.status());
    for (;;) {
      MS_ASSIGN_OR_RETURN(std::optional<std::string> path, (*request)->Next());
      if (!path) break;
      pending[std::move(*path)] = (*request)->operation();
    }
  }
  return pending;
}

// Texts are UTF-8 to Arrow; a path need not be.
std::string ShownPath(const std::string& path) { return UriFromPath(path); }

std::optional<std::string> IngestionState(const LedgerFile& found) {
  switch (found.state) {
    case FileState::kExisting:
      return "SKIPPED_EXISTING";
    case FileState::kDuplicate:
      return "SKIPPED_DUPLICATE";
    case FileState::kEmpty:
      return std::nullopt;  // waits for its bytes
    case FileState::kGone:
      return "SKIPPED_MISSING";
    case FileState::kAssigned:
    case FileState::kUndone:
    case FileState::kWaiting:
    case FileState::kFailing:
      break;
  }
  if (found.fate.retracted == FileFate::Retracted::kUndone) return "UNDONE";
  if (found.fate.retracted == FileFate::Retracted::kReplaced) return "REPLACED";
  if (found.fate.retracted == FileFate::Retracted::kRemoved) return "REMOVED";
  if (found.fate.skipped == FileFate::Skipped::kCorrupted || found.fate.skipped == FileFate::Skipped::kOverBudget) return "SKIPPED_CORRUPTED";
  if (found.fate.skipped == FileFate::Skipped::kMissing) return "SKIPPED_MISSING";
  if (found.fate.skipped == FileFate::Skipped::kFailed) return "FAILED";
  if (found.fate.retracted == FileFate::Retracted::kDeferred) return std::nullopt;  // waits to be tried again
  if (!found.batch) return std::nullopt;
  return found.batch->committed_ms > 0 ? "INGESTED" : "PROCESSING";
}

std::optional<std::string> Reason(const LedgerFile& found) {
  switch (found.state) {
    case FileState::kExisting:
      return found.known_from.empty() ? "was there before the stream started (cloudFiles.includeExistingFiles = false)"
                                      : "known from " + found.known_from + " (cloudFiles.knownFrom)";
    case FileState::kDuplicate:
      return "has the same bytes as " + (found.duplicate_of.empty() ? "a file that was forgotten" : ShownPath(found.duplicate_of));
    case FileState::kEmpty:
      return "has no bytes yet";
    case FileState::kGone:
      return "was gone before its turn came (cloudFiles.fileOrder); it is loaded when it comes back";
    case FileState::kAssigned:
    case FileState::kUndone:
    case FileState::kWaiting:
    case FileState::kFailing:
      break;
  }
  return found.fate.reason.empty() ? std::nullopt : std::optional(found.fate.reason);
}

// Rows as they are read; one column builder for each column that is wanted.
class StateRows : public RowStream {
 public:
  StateRows(Fs& fs, std::vector<CloudFilesLedger> sources, const std::vector<std::string>& columns) : fs_(fs), sources_(std::move(sources)) {
    for (const std::string& column : columns) wanted_.push_back(*CloudFilesStateSchema().IndexOf(column, true));
    StructType schema;
    for (size_t column : wanted_) schema.Add(CloudFilesStateSchema()[column]);
    schema_ = ToArrowSchema(schema);
  }
  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders(wanted_.size());
    for (size_t i = 0; i < wanted_.size(); ++i) {
      MS_RETURN_IF_ERROR(FromArrowStatus(arrow::MakeBuilder(arrow::default_memory_pool(), schema_->field(static_cast<int>(i))->type(), &builders[i]), "state"));
    }
    int64_t rows = 0;
    while (rows < kRowsPerBatch && next_source_ <= sources_.size()) {
      if (view_ == nullptr) {
        if (next_source_ == sources_.size()) break;
        const CloudFilesLedger& source = sources_[next_source_++];
        // Before the ledger: a request that is taken meanwhile is shown as pending, and not lost between the two.
        if (std::find(wanted_.begin(), wanted_.end(), static_cast<size_t>(kPending)) != wanted_.end()) {
          MS_ASSIGN_OR_RETURN(pending_, ReadPending(fs_, source.source_directory));
        }
        if (std::find(wanted_.begin(), wanted_.end(), static_cast<size_t>(kBatchId)) != wanted_.end()) {
          const std::string checkpoint(ParentPath(ParentPath(source.source_directory)));  // of sources/0
          MS_ASSIGN_OR_RETURN(batches_, BatchNumbers::Read(fs_, checkpoint, source.id));
        }
        MS_ASSIGN_OR_RETURN(view_, LedgerView::Open(fs_, JoinPath(source.source_directory, "rocksdb")));
      }
      MS_ASSIGN_OR_RETURN(std::optional<LedgerFile> found, view_->Next());
      if (!found) {
        view_.reset();
        continue;
      }
      for (size_t i = 0; i < wanted_.size(); ++i) MS_RETURN_IF_ERROR(Append(*builders[i], wanted_[i], *found));
      ++rows;
    }
    if (rows == 0) return RecordBatchPtr();
    std::vector<std::shared_ptr<arrow::Array>> arrays(wanted_.size());
    for (size_t i = 0; i < wanted_.size(); ++i) MS_RETURN_IF_ERROR(FromArrowStatus(builders[i]->Finish(&arrays[i]), "state"));
    return arrow::RecordBatch::Make(schema_, rows, std::move(arrays));
  }

 private:
  enum Column {
    kPath,
    kSize,
    kCreateTime,
    kDiscoveryTime,
    kProcessedTime,
    kCommitTime,
    kArchiveTime,
    kArchiveMode,
    kMoveLocation,
    kSourceId,
    kFlowName,
    kIngestionState,
    kReason,
    kPending,
    kRows,
    kRejectedRows,
    kMalformedRows,
    kRescuedRows,
    kFirstError,
    kBatchId
  };

  Status Append(arrow::ArrayBuilder& builder, size_t column, const LedgerFile& found) const {
    auto text = [&](const std::optional<std::string>& value) {
      auto& texts = static_cast<arrow::StringBuilder&>(builder);
      return FromArrowStatus(value ? texts.Append(*value) : texts.AppendNull(), "state");
    };
    auto moment = [&](int64_t us) {
      auto& moments = static_cast<arrow::TimestampBuilder&>(builder);
      return FromArrowStatus(us != 0 ? moments.Append(us) : moments.AppendNull(), "state");
    };
    auto count = [&](int64_t FileCounts::*column) {
      auto& counts = static_cast<arrow::Int64Builder&>(builder);
      return FromArrowStatus(found.counts ? counts.Append(*found.counts.*column) : counts.AppendNull(), "state");
    };
    const FileFate& fate = found.fate;
    switch (static_cast<Column>(column)) {
      case kPath:
        return text(ShownPath(found.file.path));
      case kSize:
        return FromArrowStatus(static_cast<arrow::Int64Builder&>(builder).Append(found.file.size_bytes), "state");
      case kCreateTime:
        return moment(found.file.modified_ns / 1000);
      case kDiscoveryTime:
        return moment(found.file.discovered_ms * 1000);
      case kProcessedTime:
        return moment(found.batch ? found.batch->processed_ms * 1000 : 0);
      case kCommitTime:
        return moment(found.batch ? found.batch->committed_ms * 1000 : 0);
      case kArchiveTime:
        return moment(fate.cleaned != FileFate::Cleaned::kNo && fate.cleaned != FileFate::Cleaned::kKept ? fate.cleaned_ms * 1000 : 0);
      case kArchiveMode:
        return text(fate.cleaned == FileFate::Cleaned::kDeleted ? std::optional<std::string>("DELETE")
                    : fate.cleaned == FileFate::Cleaned::kMoved ? std::optional<std::string>("MOVE")
                    : fate.cleaned == FileFate::Cleaned::kTagged ? std::optional<std::string>("TAG")
                                                                : std::nullopt);
      case kMoveLocation:
        return text(fate.moved_to.empty() ? std::nullopt : std::optional(ShownPath(fate.moved_to)));
      case kSourceId:
        return text(sources_[next_source_ - 1].id);
      case kFlowName:
        return text(std::nullopt);
      case kIngestionState:
        return text(IngestionState(found));
      case kReason:
        return text(Reason(found));
      case kPending: {
        auto pending = pending_.find(found.file.path);
        return text(pending == pending_.end() ? std::nullopt : std::optional<std::string>(NameOf(pending->second)));
      }
      case kRows:
        return count(&FileCounts::rows);
      case kRejectedRows:
        return count(&FileCounts::rejected);
      case kMalformedRows:
        return count(&FileCounts::malformed);
      case kRescuedRows:
        return count(&FileCounts::rescued);
      case kFirstError:
        return text(fate.skipped == FileFate::Skipped::kNo ? std::nullopt : std::optional(fate.reason));
      case kBatchId: {
        std::optional<int64_t> batch = found.state == FileState::kAssigned ? batches_.BatchOf(found.file.number) : std::nullopt;
        auto& numbers = static_cast<arrow::Int64Builder&>(builder);
        return FromArrowStatus(batch ? numbers.Append(*batch) : numbers.AppendNull(), "state");
      }
    }
    return Status::Internal("unknown column of cloud_files_state");
  }

  Fs& fs_;
  const std::vector<CloudFilesLedger> sources_;
  std::vector<size_t> wanted_;
  ArrowSchemaPtr schema_;
  std::mutex mutex_;
  size_t next_source_ = 0;            // GUARDED_BY(mutex_)
  std::unique_ptr<LedgerView> view_;  // GUARDED_BY(mutex_)
  PendingRequests pending_;           // GUARDED_BY(mutex_)
  BatchNumbers batches_;              // GUARDED_BY(mutex_), of the same source
};

class CloudFilesState : public BatchRelationSource {
 public:
  CloudFilesState(Fs& fs, std::string of, std::vector<CloudFilesLedger> sources) : fs_(fs), of_(std::move(of)), sources_(std::move(sources)) {}
  std::string name() const override { return "cloud_files_state " + of_; }
  const StructType& schema() const override { return CloudFilesStateSchema(); }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override { return RowStreamPtr(std::make_unique<StateRows>(fs_, sources_, needs.columns)); }

 private:
  Fs& fs_;
  const std::string of_;
  const std::vector<CloudFilesLedger> sources_;
};

}  // namespace

const StructType& CloudFilesStateSchema() {
  static const StructType schema({{"path", DataType::String()},
                                  {"size", DataType::Long()},
                                  {"create_time", DataType::Timestamp()},
                                  {"discovery_time", DataType::Timestamp()},
                                  {"processed_time", DataType::Timestamp()},
                                  {"commit_time", DataType::Timestamp()},
                                  {"archive_time", DataType::Timestamp()},
                                  {"archive_mode", DataType::String()},
                                  {"move_location", DataType::String()},
                                  {"source_id", DataType::String()},
                                  {"flow_name", DataType::String()},
                                  {"ingestion_state", DataType::String()},
                                  {"reason", DataType::String()},
                                  {"pending", DataType::String()},
                                  {"rows", DataType::Long()},
                                  {"rejected_rows", DataType::Long()},
                                  {"malformed_rows", DataType::Long()},
                                  {"rescued_rows", DataType::Long()},
                                  {"first_error", DataType::String()},
                                  {"batch_id", DataType::Long()}});
  return schema;
}

Result<std::vector<CloudFilesLedger>> FindCloudFilesLedgers(Fs& fs, const std::string& path) {
  MS_ASSIGN_OR_RETURN(bool exists, fs.Exists(path));
  if (!exists) return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(path)}});
  std::vector<CloudFilesLedger> sources;
  MS_ASSIGN_OR_RETURN(bool is_source, fs.Exists(JoinPath(path, "rocksdb/CURRENT")));
  if (is_source) {
    sources.push_back({std::string(BaseName(path)), path});
  } else {
    const std::string directory = JoinPath(path, "sources");
    Result<std::vector<DirectoryEntry>> entries = fs.List(directory);
    if (!entries.ok() && !entries.status().Is(errors::kFileNotFound)) return entries.status();
    std::vector<int> numbers;
    for (const DirectoryEntry& entry : entries.ok() ? *entries : std::vector<DirectoryEntry>()) {
      int number = 0;
      auto [end, error] = std::from_chars(entry.name.data(), entry.name.data() + entry.name.size(), number);
      if (error == std::errc() && end == entry.name.data() + entry.name.size()) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    for (int number : numbers) {
      std::string source = JoinPath(directory, std::to_string(number));
      MS_ASSIGN_OR_RETURN(bool is_ledger, fs.Exists(JoinPath(source, "rocksdb/CURRENT")));
      if (is_ledger) sources.push_back({std::to_string(number), std::move(source)});
    }
  }
  if (sources.empty()) return Status::Error(errors::kCloudFilesStateMissing, {{"path", HadoopPathString(path)}});
  return sources;
}

Result<RelationSourcePtr> OpenCloudFilesState(Fs& fs, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::vector<CloudFilesLedger> sources, FindCloudFilesLedgers(fs, path));
  return OpenCloudFilesState(fs, HadoopPathString(path), std::move(sources));
}

Result<RelationSourcePtr> OpenCloudFilesState(Fs& fs, const std::string& name, std::vector<CloudFilesLedger> ledgers) {
  return RelationSourcePtr(std::make_shared<CloudFilesState>(fs, name, std::move(ledgers)));
}

}  // namespace millstream
