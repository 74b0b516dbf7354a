#include "connectors/files/file_retries.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "connectors/files/content_hash.h"
#include "connectors/files/file_gone.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

constexpr int64_t kFirstPauseMs = 1'000;
constexpr int64_t kPauseMsMax = 600'000;
constexpr size_t kReasonBytesMax = 1000;

}  // namespace

Result<std::unique_ptr<FileRetries>> FileRetries::Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::optional<int64_t> retries_max,
                                                         bool identity_by_content) {
  MS_ASSIGN_OR_RETURN(auto known, ledger->Retries());
  if (!retries_max && known.empty()) return std::unique_ptr<FileRetries>();
  std::unique_ptr<FileRetries> retries(new FileRetries(fs, clock, std::move(ledger), retries_max, identity_by_content));
  retries->retries_.insert(known.begin(), known.end());
  return retries;
}

Status FileRetries::TryDue() {
  const int64_t now_ms = clock_.WallMillis();
  std::vector<std::pair<int64_t, FileRetry>> due;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [number, retry] : retries_) {
      if (retry.due_ms > 0 && retry.due_ms <= now_ms) due.emplace_back(number, retry);
    }
  }
  for (const auto& [number, retry] : due) MS_RETURN_IF_ERROR(Try(number, retry));
  return Status();
}

// The hash of its bytes; empty: not asked for, or they are being changed.
Result<std::string> FileRetries::ContentOf(const std::string& path, const FileInfo& info) {
  if (!identity_by_content_) return std::string();
  Result<std::optional<std::string>> hash = ContentHash(fs_, path, info);
  if (!hash.ok() && !IsGone(hash.status())) return hash.status();
  return hash.ok() ? hash->value_or("") : std::string();
}

Status FileRetries::Try(int64_t number, FileRetry retry) {
  // What was added before is written first: the trial's number is then the next one, and all of it is one batch of the ledger.
  MS_RETURN_IF_ERROR(ledger_->Write());
  MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, ledger_->Files(number - 1, number));
  if (files.empty()) return Status::Internal("a file that is to be tried again has no number");
  const std::string directory(ParentPath(files[0].path)), name(BaseName(files[0].path));
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> known, ledger_->Find(directory, name));
  MS_RETURN_IF_ERROR(ledger_->StageRetry(number, std::nullopt));
  const int64_t trial = ledger_->last_number() + 1;
  const bool is_wanted = known && known->state == FileState::kFailing && known->number == number;
  bool is_tried = false;
  if (is_wanted) {
    FileRecord record{.size_bytes = files[0].size_bytes, .modified_ns = files[0].modified_ns, .discovered_ms = files[0].discovered_ms};
    std::string content;
    if (Result<FileInfo> now = fs_.Stat(files[0].path); now.ok()) {
      record.size_bytes = now->size_bytes;
      record.modified_ns = now->modified_ns;
      MS_ASSIGN_OR_RETURN(content, ContentOf(files[0].path, *now));
    }
    MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(number));
    MS_ASSIGN_OR_RETURN(std::optional<FilePart> part, ledger_->FindPart(number));
    MS_ASSIGN_OR_RETURN(std::vector<Replacement> replaces, ledger_->Replacements(number - 1, number));
    fate.retracted = FileFate::Retracted::kSuperseded;
    MS_RETURN_IF_ERROR(ledger_->StageFate(number, fate));
    if (!content.empty() && replaces.empty()) {
      MS_ASSIGN_OR_RETURN(record.number, ledger_->FindContent(content));
    }
    is_tried = record.number == 0;
    if (!is_tried) record.state = FileState::kDuplicate;
    retry.due_ms = 0;
    if (is_tried) MS_RETURN_IF_ERROR(ledger_->StageRetry(trial, retry));
    // It is what the number was that could not be read: a file in the place of others' rows, or a part of one.
    MS_RETURN_IF_ERROR(!replaces.empty() ? ledger_->Replace(directory, name, record, replaces[0].replaced, content)
                       : part            ? ledger_->Continue(directory, name, record, *part, "")
                                         : ledger_->Add(directory, name, record, is_tried ? content : ""));
  }
  MS_RETURN_IF_ERROR(ledger_->Write());
  MS_FAILPOINT("files.retry.after_trial");
  std::lock_guard lock(mutex_);
  retries_.erase(number);
  if (is_tried) retries_[trial] = retry;
  return Status();
}

int64_t FileRetries::EndOf(int64_t after, int64_t end) const {
  std::lock_guard lock(mutex_);
  for (auto retry = retries_.upper_bound(after); retry != retries_.end() && retry->first <= end; ++retry) {
    if (retry->second.due_ms == 0) return retry->first == after + 1 ? retry->first : retry->first - 1;
  }
  return end;
}

Result<bool> FileRetries::Fail(const NumberedFile& file, const Status& failure) {
  if (!retries_max_) return false;
  std::lock_guard lock(mutex_);
  const std::string directory(ParentPath(file.path)), name(BaseName(file.path));
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger_->Find(directory, name));
  if (!record || record->state != FileState::kAssigned || record->number != file.number) return false;
  auto before = retries_.find(file.number);
  FileRetry retry{.attempts = (before == retries_.end() ? 0 : before->second.attempts) + 1};
  MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(file.number));
  const std::string error = failure.message().substr(0, kReasonBytesMax);
  const bool is_last = retry.attempts > *retries_max_;
  if (is_last) {
    fate.skipped = FileFate::Skipped::kFailed;
    fate.reason = error;
    retry.attempts = 0;
  } else {
    fate.retracted = FileFate::Retracted::kDeferred;
    fate.reason = "attempt " + std::to_string(retry.attempts) + " of " + std::to_string(*retries_max_ + 1) + " has failed: " + error;
    const int64_t doublings = std::min<int64_t>(retry.attempts - 1, 20);
    retry.due_ms = clock_.WallMillis() + std::min(kPauseMsMax, kFirstPauseMs << doublings);
    record->state = FileState::kFailing;
  }
  MS_RETURN_IF_ERROR(ledger_->Defer(directory, name, *record, file.number, fate, retry));
  spdlog::warn("cloudFiles.maxFileRetries: {} is left out{}: {}", file.path, is_last ? " for good" : " for now", error);
  retries_.erase(file.number);
  if (is_last) {
    ++failed_;
  } else {
    retries_[file.number] = retry;
  }
  return true;
}

Status FileRetries::Committed(int64_t through) {
  std::lock_guard lock(mutex_);
  for (auto retry = retries_.begin(); retry != retries_.end() && retry->first <= through;) {
    if (retry->second.due_ms > 0) {
      ++retry;
      continue;
    }
    // Buffered: should it be lost, the trial counts as one that is committed, and is erased at the next one.
    MS_RETURN_IF_ERROR(ledger_->StageRetry(retry->first, std::nullopt));
    retry = retries_.erase(retry);
  }
  return Status();
}

int64_t FileRetries::waiting() const {
  std::lock_guard lock(mutex_);
  return std::count_if(retries_.begin(), retries_.end(), [](const auto& retry) { return retry.second.due_ms > 0; });
}

int64_t FileRetries::failed() const {
  std::lock_guard lock(mutex_);
  return failed_;
}

}  // namespace millstream
