#include "connectors/files/cloud_files_history.h"

#include <deque>

#include "connectors/files/ledger_view.h"

namespace millstream {
namespace {

class HistoryRows : public ReportRows {
 public:
  HistoryRows(Fs& fs, std::vector<CloudFilesLedger> ledgers) : fs_(fs), ledgers_(std::move(ledgers)) {}

  Result<std::optional<ReportRow>> Next() override {
    while (ready_.empty()) {
      if (view_ == nullptr) {
        if (next_ == ledgers_.size()) return std::optional<ReportRow>();
        MS_ASSIGN_OR_RETURN(view_, LedgerView::Open(fs_, JoinPath(ledgers_[next_++].source_directory, "rocksdb")));
      }
      MS_ASSIGN_OR_RETURN(std::optional<LedgerFile> file, view_->Next());
      if (file) {
        TellOf(*file);
      } else {
        view_.reset();
      }
    }
    ReportRow row = std::move(ready_.front());
    ready_.pop_front();
    return std::optional<ReportRow>(std::move(row));
  }

 private:
  void TellOf(const LedgerFile& file) {
    const int64_t found_ms = file.file.discovered_ms;
    switch (file.state) {
      case FileState::kExisting:
        return Add(file, "SKIPPED_EXISTING", found_ms, "it was there before the stream started (cloudFiles.includeExistingFiles = false)");
      case FileState::kDuplicate:
        return Add(file, "DUPLICATE", found_ms, file.duplicate_of.empty() ? "" : "it has the same bytes as " + UriFromPath(file.duplicate_of));
      case FileState::kEmpty:
        return Add(file, "FOUND", found_ms, "it has no bytes yet");
      case FileState::kGone:
        Add(file, "FOUND", found_ms);
        return Add(file, "SKIPPED_MISSING", 0, "it was gone before its turn came");
      case FileState::kAssigned:
      case FileState::kUndone:
      case FileState::kWaiting:
      case FileState::kFailing:
        break;
    }
    Add(file, "FOUND", found_ms);
    const FileFate& fate = file.fate;
    if (fate.skipped != FileFate::Skipped::kNo) {
      const char* event = fate.skipped == FileFate::Skipped::kMissing ? "SKIPPED_MISSING" : fate.skipped == FileFate::Skipped::kFailed ? "FAILED" : "SKIPPED_CORRUPTED";
      Add(file, event, file.batch ? file.batch->processed_ms : 0, fate.reason);
    } else if (fate.retracted == FileFate::Retracted::kDeferred) {
      Add(file, "DEFERRED", file.batch ? file.batch->processed_ms : 0, fate.reason);
    } else if (file.batch && file.batch->committed_ms > 0) {
      Add(file, "LOADED", file.batch->committed_ms);
    }
    if (fate.retracted == FileFate::Retracted::kUndone) Add(file, "UNDONE", 0);
    if (fate.retracted == FileFate::Retracted::kReplaced) Add(file, "REPLACED", 0);
    if (fate.retracted == FileFate::Retracted::kRemoved) Add(file, "REMOVED", fate.cleaned_ms);
    if (fate.cleaned == FileFate::Cleaned::kDeleted) Add(file, "DELETED", fate.cleaned_ms);
    if (fate.cleaned == FileFate::Cleaned::kMoved) Add(file, "MOVED", fate.cleaned_ms, "to " + UriFromPath(fate.moved_to));
    if (fate.cleaned == FileFate::Cleaned::kTagged) Add(file, "TAGGED", fate.cleaned_ms);
    if (fate.cleaned == FileFate::Cleaned::kKept) Add(file, "KEPT", fate.cleaned_ms, fate.reason);
    const bool is_changed = fate.retracted != FileFate::Retracted::kRemoved && fate.retracted != FileFate::Retracted::kDeferred && fate.skipped == FileFate::Skipped::kNo && fate.cleaned == FileFate::Cleaned::kNo && !fate.reason.empty();
    if (is_changed) Add(file, "CHANGED", 0, fate.reason);
  }

  void Add(const LedgerFile& file, std::string event, int64_t time_ms, const std::string& error = "") {
    ReportRow row = {UriFromPath(file.file.path), event, MillisCell(time_ms), ledgers_[next_ - 1].id, file.file.size_bytes};
    for (int64_t FileCounts::*count : {&FileCounts::rows, &FileCounts::rejected, &FileCounts::malformed, &FileCounts::rescued}) {
      row.push_back(event == "LOADED" && file.counts ? ReportCell(*file.counts.*count) : ReportCell());
    }
    row.push_back(TextCell(error));
    ready_.push_back(std::move(row));
  }

  Fs& fs_;
  const std::vector<CloudFilesLedger> ledgers_;
  size_t next_ = 0;
  std::unique_ptr<LedgerView> view_;  // of the ledger before next_
  std::deque<ReportRow> ready_;
};

}  // namespace

const StructType& CloudFilesHistorySchema() {
  static const StructType schema({{"path", DataType::String(), false},
                                  {"event", DataType::String(), false},
                                  {"time", DataType::Timestamp()},
                                  {"source_id", DataType::String(), false},
                                  {"size", DataType::Long(), false},
                                  {"rows", DataType::Long()},
                                  {"rejected_rows", DataType::Long()},
                                  {"malformed_rows", DataType::Long()},
                                  {"rescued_rows", DataType::Long()},
                                  {"error", DataType::String()}});
  return schema;
}

Result<RelationSourcePtr> OpenCloudFilesHistory(Fs& fs, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::vector<CloudFilesLedger> ledgers, FindCloudFilesLedgers(fs, path));
  return OpenCloudFilesHistory(fs, HadoopPathString(path), std::move(ledgers));
}

Result<RelationSourcePtr> OpenCloudFilesHistory(Fs& fs, const std::string& name, std::vector<CloudFilesLedger> ledgers) {
  return MakeFileReport("cloud_files_history " + name, CloudFilesHistorySchema(),
                        [&fs, ledgers = std::move(ledgers)]() -> Result<std::unique_ptr<ReportRows>> {
                          return std::unique_ptr<ReportRows>(std::make_unique<HistoryRows>(fs, ledgers));
                        });
}

}  // namespace millstream
