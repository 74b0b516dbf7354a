#include "connectors/files/source_mirror.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

namespace millstream {
namespace {

// Of a waiting stream's time, looks take one part in a hundred.
constexpr int64_t kPauseUs = 1'000'000;
constexpr int64_t kShare = 100;
// "1": since the last start with a mirror, the source was cleaned up.
constexpr char kCleaningNote[] = "source is cleaned";
// The cleaner's own, also of versions that did not write the note above.
constexpr char kCleanedThroughNote[] = "cleaned through";
// Files up to this number were there while the source was cleaned up.
constexpr char kMayBeCleanedNote[] = "may be cleaned through";

}  // namespace

Result<std::unique_ptr<SourceMirror>> SourceMirror::Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::string source_directory,
                                                           const DeletedFilesOptions& options, const PathGlob& source) {
  if (!options.removes_rows) return std::unique_ptr<SourceMirror>();
  MS_ASSIGN_OR_RETURN(std::string cleaning, ledger->GetNote(kCleaningNote));
  MS_ASSIGN_OR_RETURN(std::string cleaned, ledger->GetNote(kCleanedThroughNote));
  MS_ASSIGN_OR_RETURN(std::string may_be, ledger->GetNote(kMayBeCleanedNote));
  if (cleaning == "1" || (may_be.empty() && !cleaned.empty())) {
    // A file that the cleaner took just before it was killed, or before a power cut, has no record of that.
    may_be = std::to_string(ledger->last_number());
    MS_RETURN_IF_ERROR(ledger->PutNote(kMayBeCleanedNote, may_be));
    MS_RETURN_IF_ERROR(ledger->PutNote(kCleaningNote, "0"));
  }
  std::unique_ptr<SourceMirror> mirror(new SourceMirror(fs, clock, std::move(ledger), std::move(source_directory), options, source));
  std::from_chars(may_be.data(), may_be.data() + may_be.size(), mirror->cleaned_);
  return mirror;
}

Status SourceMirror::NoteCleaning(FileLedger& ledger) {
  MS_ASSIGN_OR_RETURN(std::string cleaning, ledger.GetNote(kCleaningNote));
  return cleaning == "1" ? Status() : ledger.PutNote(kCleaningNote, "1");
}

Result<int64_t> SourceMirror::Look(int64_t loaded, int64_t taken, bool waits) {
  const int64_t now_us = clock_.MonotonicMicros();
  if (!gone_) {
    if (has_looked_ && !waits && now_us - found_us_ < std::max(kPauseUs, kShare * took_us_)) return int64_t{0};
    MS_RETURN_IF_ERROR(Find(loaded));
    if (!gone_) return int64_t{0};
  }
  const int64_t left_us = found_us_ + options_.confirm_after_ms * 1000 - clock_.MonotonicMicros();
  if (left_us > 0 && !waits) return int64_t{0};
  if (left_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(left_us));
  return Ask(taken);
}

Status SourceMirror::Find(int64_t loaded) {
  const int64_t started_us = clock_.MonotonicMicros();
  MS_RETURN_IF_ERROR(ledger_->Write());
  const std::unique_ptr<LoadedFiles> files = LoadedFilesOf(ledger_, loaded, cleaned_);
  MS_ASSIGN_OR_RETURN(GoneFiles found, finder_.Find(*files));
  found_us_ = clock_.MonotonicMicros();
  took_us_ = found_us_ - started_us;
  has_looked_ = true;
  if (!found.paths.empty()) gone_ = std::move(found);
  return Status();
}

Result<int64_t> SourceMirror::Ask(int64_t taken) {
  const GoneFiles gone = *std::move(gone_);
  gone_.reset();
  MS_ASSIGN_OR_RETURN(std::vector<std::string> paths, finder_.Confirm(gone));
  if (paths.empty()) return int64_t{0};
  MS_ASSIGN_OR_RETURN(std::unique_ptr<FileRequestWriter> request, FileRequestWriter::Begin(fs_, clock_, source_directory_, FileOperation::kRemove));
  for (const std::string& path : paths) MS_RETURN_IF_ERROR(request->Add(path));
  // What a user asks for meanwhile comes first, and may say that rows stay.
  return request->PublishAs(taken + 1);
}

}  // namespace millstream
