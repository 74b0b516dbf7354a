#include "connectors/files/file_consumers.h"

#include "base/option_table.h"
#include "connectors/files/cloud_files_state.h"
#include "delta/delta_log.h"
#include "delta/log_maintenance.h"

namespace millstream {
namespace {

constexpr int64_t kLookPauseUs = 1'000'000;

Status Refuse(const std::string& path, std::string reason) {
  return Status::Error(errors::kInvalidOptionValue,
                       {{"option", "cloudFiles.cleanSource.consumers"}, {"owner", "cloudFiles"}, {"value", path}, {"reason", std::move(reason)}});
}

}  // namespace

Result<std::unique_ptr<FileConsumers>> FileConsumers::Open(Fs& fs, Clock& clock, std::vector<std::string> paths) {
  std::unique_ptr<FileConsumers> consumers(new FileConsumers(fs, clock, std::move(paths)));
  MS_RETURN_IF_ERROR(consumers->Refresh().status());
  consumers->looked_us_ = -1;  // what a query has to clean up at its start need not wait
  return consumers;
}

Result<bool> FileConsumers::Refresh() {
  const int64_t now_us = clock_.MonotonicMicros();
  if (looked_us_ >= 0 && now_us - looked_us_ < kLookPauseUs) return false;
  known_.clear();
  for (const std::string& path : paths_) MS_RETURN_IF_ERROR(OpenOne(path));
  looked_us_ = clock_.MonotonicMicros();
  return true;
}

Status FileConsumers::OpenOne(const std::string& path) {
  MS_ASSIGN_OR_RETURN(bool is_table, fs_.Exists(JoinPath(path, "_delta_log")));
  if (is_table) {
    LogMaintenance maintenance(fs_, clock_);
    MS_ASSIGN_OR_RETURN(SnapshotPtr table, std::make_shared<DeltaLog>(fs_, clock_, maintenance, path)->Update());
    if (table == nullptr) return Refuse(path, "its _delta_log holds no table");
    const int64_t epoch = table->TransactionVersion(kFileLedgerAppId).value_or(0);
    if (epoch == 0) return Refuse(path, "COPY INTO has loaded no files into this table; name the checkpoint of the stream that writes to it, or run COPY INTO first");
    MS_ASSIGN_OR_RETURN(TableLedgerPtr ledger, TableLedger::Open(fs_, path, table->metadata->id, epoch));
    known_.push_back(KnownFilesOf(std::move(ledger)));
    return Status();
  }
  Result<std::vector<CloudFilesLedger>> ledgers = FindCloudFilesLedgers(fs_, path);
  if (!ledgers.ok()) return Refuse(path, "it is neither the checkpoint of a cloudFiles stream that has been started, nor a Delta table");
  for (const CloudFilesLedger& ledger : *ledgers) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<KnownFiles> known, OpenKnownFiles(fs_, JoinPath(ledger.source_directory, "rocksdb")));
    known_.push_back(std::move(known));
  }
  return Status();
}

Result<bool> FileConsumers::AreDoneWith(const std::string& path) {
  const std::string directory(ParentPath(path)), name(BaseName(path));
  for (const std::unique_ptr<KnownFiles>& known : known_) {
    MS_RETURN_IF_ERROR(known->Seek(directory, name));
    if (!known->valid() || known->name() != name) return false;
    MS_ASSIGN_OR_RETURN(FileStanding file, known->file());
    if (file.state == FileStanding::State::kWaiting) return false;
  }
  return true;
}

}  // namespace millstream
