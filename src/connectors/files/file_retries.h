#pragma once

// file_retries.h   cloudFiles.maxFileRetries: a file that cannot be read does not hold up its batch. It is left out, tried again later, alone in a batch, after
// pauses that double, and counts as FAILED after so many retries.
//
// A batch that fails has put nothing into the sink, so that it may run again without the file: that it does is written down first (FileLedger::Defer). A trial is
// a later number of the same path.

#include <map>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "connectors/files/file_ledger.h"

namespace millstream {

// Fail is thread-safe; the others are for the thread that plans batches.
class FileRetries {
 public:
  // Null without `retries_max`, and when nothing is left of an earlier start that had it. `identity_by_content`: a file whose bytes have come into the table
  // under another name meanwhile is not tried again.
  static Result<std::unique_ptr<FileRetries>> Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::optional<int64_t> retries_max,
                                                     bool identity_by_content = false);

  // Gives numbers to files whose pause is over. Between two batches.
  Status TryDue();
  // Where the batch behind `after` ends at the latest: a trial is alone.
  int64_t EndOf(int64_t after, int64_t end) const;
  // The file was not read; `failure` says why. False: there are no retries, or something else has become of it meanwhile, and nothing is done.
  Result<bool> Fail(const NumberedFile& file, const Status& failure);
  // Trials up to this number were committed.
  Status Committed(int64_t through);

  int64_t waiting() const;
  int64_t failed() const;  // since the start

 private:
  FileRetries(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::optional<int64_t> retries_max, bool identity_by_content)
      : fs_(fs), clock_(clock), ledger_(std::move(ledger)), retries_max_(retries_max), identity_by_content_(identity_by_content) {}
  Status Try(int64_t number, FileRetry retry);
  Result<std::string> ContentOf(const std::string& path, const FileInfo& info);

  Fs& fs_;
  Clock& clock_;
  const std::shared_ptr<FileLedger> ledger_;
  const std::optional<int64_t> retries_max_;
  const bool identity_by_content_;
  mutable std::mutex mutex_;
  std::map<int64_t, FileRetry> retries_;  // GUARDED_BY(mutex_)
  int64_t failed_ = 0;                    // GUARDED_BY(mutex_)
};

}  // namespace millstream
