#pragma once

// file_age_limit.h   cloudFiles.maxFileAge: files that were changed last before that are not loaded when they are new, and are forgotten when they are known, so
// that the ledger does not grow for ever.
//
// Both use one moment that never goes back, whatever the clock or the option say later: what was forgotten stays too old. It is durable in the ledger before
// the first file is forgotten by it. Before a known file is forgotten its time is looked up: one that was touched since it was loaded stays known, because
// a listing would take it for a new one.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "connectors/files/file_ledger.h"

namespace millstream {

// Not thread-safe.
class FileAgeLimit {
 public:
  // Without `max_age_ms` nothing more is forgotten; what an earlier start has forgotten stays too old.
  static Result<FileAgeLimit> Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::optional<int64_t> max_age_ms);

  // Files with an earlier time are not loaded. nullopt: there is no limit.
  std::optional<int64_t> oldest_ns() const;
  // Looks at some known files, and forgets those that are too old and whose number is at most `through`: they are loaded, and nothing more is to be done with
  // them.
  Status ForgetSome(int64_t through);
  int64_t forgotten() const { return forgotten_; }  // since the start

 private:
  FileAgeLimit(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::optional<int64_t> max_age_ms)
      : fs_(fs), clock_(clock), ledger_(std::move(ledger)), max_age_ms_(max_age_ms) {}
  Status BeginPass();
  Status ForgetNumbered(int64_t through);
  Status ForgetOthers();
  Result<bool> IsTooOld(const std::string& path) const;

  Fs& fs_;
  Clock& clock_;
  std::shared_ptr<FileLedger> ledger_;
  std::optional<int64_t> max_age_ms_;
  std::optional<int64_t> forgotten_before_ns_;  // durable
  enum class Pass { kNone, kNumbered, kOthers } pass_ = Pass::kNone;
  int64_t at_number_ = 0;
  std::string at_directory_, at_name_;
  int64_t next_pass_us_ = 0;  // monotonic
  int64_t forgotten_ = 0;
};

}  // namespace millstream
