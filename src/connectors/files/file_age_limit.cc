#include "connectors/files/file_age_limit.h"

#include <algorithm>
#include <charconv>

#include "connectors/files/file_gone.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

constexpr char kForgottenBefore[] = "forgotten before";
// Of a poll, so that the next batch does not wait.
constexpr int64_t kFilesAtOnce = 1000;
// Passes are a thousandth of the age apart: 20 minutes for the smallest that is allowed.
constexpr int64_t kPassesPerAge = 1000;

}  // namespace

Result<FileAgeLimit> FileAgeLimit::Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::optional<int64_t> max_age_ms) {
  FileAgeLimit limit(fs, clock, std::move(ledger), max_age_ms);
  MS_ASSIGN_OR_RETURN(std::string before, limit.ledger_->GetNote(kForgottenBefore));
  int64_t ns = 0;
  if (std::from_chars(before.data(), before.data() + before.size(), ns).ptr != before.data()) limit.forgotten_before_ns_ = ns;
  return limit;
}

std::optional<int64_t> FileAgeLimit::oldest_ns() const {
  if (!max_age_ms_) return forgotten_before_ns_;
  const int64_t by_age = (clock_.WallMillis() - *max_age_ms_) * 1'000'000;
  return std::max(by_age, forgotten_before_ns_.value_or(by_age));
}

Status FileAgeLimit::BeginPass() {
  const int64_t before = *oldest_ns();
  if (forgotten_before_ns_ != before) MS_RETURN_IF_ERROR(ledger_->PutNote(kForgottenBefore, std::to_string(before)));
  forgotten_before_ns_ = before;
  MS_FAILPOINT("files.forget.after_note");
  pass_ = Pass::kNumbered;
  at_number_ = 0;
  return Status();
}

Status FileAgeLimit::ForgetSome(int64_t through) {
  if (!max_age_ms_) return Status();
  if (pass_ == Pass::kNone) {
    if (clock_.MonotonicMicros() < next_pass_us_) return Status();
    MS_RETURN_IF_ERROR(BeginPass());
  }
  // What was added is not seen below until it is written.
  MS_RETURN_IF_ERROR(ledger_->Write());
  const int64_t number_before = at_number_, forgotten_before = forgotten_;
  const bool numbered = pass_ == Pass::kNumbered;
  MS_RETURN_IF_ERROR(numbered ? ForgetNumbered(through) : ForgetOthers());
  MS_RETURN_IF_ERROR(ledger_->Write());
  if (numbered && forgotten_ > forgotten_before) {
    MS_RETURN_IF_ERROR(ledger_->EraseUnusedCounts(number_before, at_number_));
    MS_RETURN_IF_ERROR(ledger_->Write());
  }
  MS_FAILPOINT("files.forget.after_write");
  return Status();
}

// One that is gone can only come back with a time of its own, which then counts.
Result<bool> FileAgeLimit::IsTooOld(const std::string& path) const {
  Result<FileInfo> info = fs_.Stat(path);
  if (info.ok()) return info->modified_ns < *forgotten_before_ns_;
  if (IsGone(info.status())) return true;
  return false;  // it cannot be looked at now; the next pass asks again
}

Status FileAgeLimit::ForgetNumbered(int64_t through) {
  // The last number stays: the ledger counts on from it.
  through = std::min(through, ledger_->last_number() - 1);
  MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, ledger_->Files(at_number_, through, kFilesAtOnce));
  for (const NumberedFile& file : files) {
    at_number_ = file.number;
    if (file.modified_ns >= *forgotten_before_ns_) continue;
    const std::string_view directory = ParentPath(file.path), name = BaseName(file.path);
    MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger_->Find(directory, name));
    if (record && record->number == file.number) {
      MS_ASSIGN_OR_RETURN(bool is_too_old, IsTooOld(file.path));
      if (!is_too_old) continue;
      MS_RETURN_IF_ERROR(ledger_->Drop(directory, name));
    }
    MS_RETURN_IF_ERROR(ledger_->EraseNumber(file.number));
    ++forgotten_;
  }
  if (static_cast<int64_t>(files.size()) == kFilesAtOnce) return Status();
  MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> first, ledger_->Files(0, INT64_MAX, 1));
  if (!first.empty()) MS_RETURN_IF_ERROR(ledger_->EraseBatchesBefore(first[0].number));
  pass_ = Pass::kOthers;
  at_directory_.clear();
  at_name_.clear();
  return Status();
}

// Those without a number of their own.
Status FileAgeLimit::ForgetOthers() {
  MS_ASSIGN_OR_RETURN(std::vector<RecordedFile> files, ledger_->RecordedFiles(at_directory_, at_name_, kFilesAtOnce));
  for (const RecordedFile& file : files) {
    using enum FileState;
    if (file.record.state == kAssigned || file.record.state == kUndone || file.record.state == kWaiting || file.record.state == kFailing) continue;
    if (file.record.modified_ns >= *forgotten_before_ns_) continue;
    MS_ASSIGN_OR_RETURN(bool is_too_old, IsTooOld(JoinPath(file.directory, file.name)));
    if (!is_too_old) continue;
    MS_RETURN_IF_ERROR(ledger_->Drop(file.directory, file.name));
    ++forgotten_;
  }
  if (static_cast<int64_t>(files.size()) < kFilesAtOnce) {
    pass_ = Pass::kNone;
    next_pass_us_ = clock_.MonotonicMicros() + *max_age_ms_ * 1000 / kPassesPerAge;
    return Status();
  }
  at_directory_ = files.back().directory;
  at_name_ = files.back().name;
  return Status();
}

}  // namespace millstream
