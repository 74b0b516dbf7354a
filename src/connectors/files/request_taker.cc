#include "connectors/files/request_taker.h"

#include <charconv>
#include <functional>

#include "connectors/files/content_hash.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/waiting_files.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

// "7 1200": the request that is being taken, and how many of its paths are in the ledger.
constexpr char kProgressNote[] = "request progress";
// As discovery has it: a directory whose last change is younger may change again without a new ctime.
constexpr int64_t kTickMarginNs = 100'000'000;

std::pair<int64_t, int64_t> ParseProgress(std::string_view note) {
  std::pair<int64_t, int64_t> progress{0, 0};
  const char* end = note.data() + note.size();
  const char* at = std::from_chars(note.data(), end, progress.first).ptr;
  if (at != end) std::from_chars(at + 1, end, progress.second);
  return progress;
}

// The batch of such a request needs its file; a number without this note was of another kind, or was removed before it was taken.
std::string UndoNote(int64_t number) { return "undo " + std::to_string(number); }

// Such a request is done, and nothing of it was.
std::string SetAsideNote(int64_t number) { return "set aside " + std::to_string(number); }

Status VisitPaths(FileRequestReader& request, const std::function<Status(std::string path)>& visit) {
  for (;;) {
    MS_ASSIGN_OR_RETURN(std::optional<std::string> path, request.Next());
    if (!path) return Status();
    MS_RETURN_IF_ERROR(visit(std::move(*path)));
  }
}

}  // namespace

Result<RequestTaker> RequestTaker::Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::string source_directory,
                                          RequestTakerOptions options) {
  RequestTaker taker(fs, clock, std::move(ledger), std::move(source_directory), options);
  MS_ASSIGN_OR_RETURN(std::string taken, taker.ledger_->GetNote(kRequestsTakenNote));
  std::from_chars(taken.data(), taken.data() + taken.size(), taker.taken_);
  return taker;
}

Result<int64_t> RequestTaker::Newest() const {
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> there, ListFileRequests(fs_, source_directory_));
  return there.empty() ? taken_ : std::max(taken_, there.back());
}

// One stat while nobody asks for anything.
Result<bool> RequestTaker::HasChanged() {
  Result<FileInfo> info = fs_.Stat(FileRequestDirectory(source_directory_));
  if (!info.ok() && info.status().Is(errors::kFileNotFound)) {
    has_directory_ = false;
    return false;
  }
  MS_RETURN_IF_ERROR(info.status());
  has_directory_ = true;
  if (listed_changed_ns_ != 0 && info->changed_ns == listed_changed_ns_) return false;
  const bool settled = clock_.WallMillis() * 1'000'000 - info->changed_ns > kTickMarginNs;
  listed_changed_ns_ = settled ? info->changed_ns : 0;
  return true;
}

Result<bool> RequestTaker::Take(int64_t loaded, int64_t through, const Status& possible) {
  bool has_forgotten = false;
  MS_ASSIGN_OR_RETURN(bool changed, HasChanged());
  if (!changed) return false;
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> there, ListFileRequests(fs_, source_directory_));
  for (int64_t number : there) {
    if (number <= taken_) continue;
    if (number > through) {
      listed_changed_ns_ = 0;
      break;
    }
    Status status = TakeOne(number, loaded, possible, &has_forgotten);
    if (!status.ok()) {
      listed_changed_ns_ = 0;
      return status;
    }
  }
  return has_forgotten;
}

Status RequestTaker::TakeOne(int64_t number, int64_t loaded, const Status& possible, bool* has_forgotten) {
  const std::string path = FileRequestPath(source_directory_, number);
  MS_ASSIGN_OR_RETURN(std::unique_ptr<FileRequestReader> request, FileRequestReader::Open(fs_, path));
  const FileOperation operation = request->operation();
  if (operation != FileOperation::kForget && !possible.ok()) {
    return Status(possible).While("while taking the request " + path + " (" + NameOf(operation) + "); remove that file to go on without it");
  }
  // Read to its end before the first change: half of a damaged request is worse than none of it.
  MS_RETURN_IF_ERROR(VisitPaths(*request, [](std::string) { return Status(); }));
  MS_ASSIGN_OR_RETURN(request, FileRequestReader::Open(fs_, path));
  // What is added but not written yet is not seen below.
  MS_RETURN_IF_ERROR(ledger_->Write());
  MS_ASSIGN_OR_RETURN(std::string note, ledger_->GetNote(kProgressNote));
  const auto [begun, done] = ParseProgress(note);
  const int64_t resume_after = begun == number ? done : 0;
  int64_t count = 0;
  MS_RETURN_IF_ERROR(VisitPaths(*request, [&](std::string file) -> Status {
    if (++count <= resume_after) return Status();
    MS_RETURN_IF_ERROR(ledger_->StageNote(kProgressNote, std::to_string(number) + " " + std::to_string(count)));
    MS_RETURN_IF_ERROR(operation == FileOperation::kUndo     ? Undo(file)
                       : operation == FileOperation::kForget ? Forget(file)
                       : operation == FileOperation::kRemove ? TakeAway(file, loaded)
                                                             : Replay(file, loaded));
    // A path may be named twice: its second turn must see what the first has done.
    MS_RETURN_IF_ERROR(ledger_->Write());
    MS_FAILPOINT("files.request.after_change");
    return Status();
  }));
  const bool takes_rows = operation == FileOperation::kUndo || operation == FileOperation::kRemove;
  if (takes_rows) MS_RETURN_IF_ERROR(ledger_->StageNote(UndoNote(number), "1"));
  MS_RETURN_IF_ERROR(ledger_->StageNote(kRequestsTakenNote, std::to_string(number)));
  MS_RETURN_IF_ERROR(ledger_->Sync());
  MS_FAILPOINT("files.request.after_taken");
  taken_ = number;
  *has_forgotten |= operation == FileOperation::kForget;
  return Status();
}

Status RequestTaker::Undo(const std::string& path) {
  MS_RETURN_IF_ERROR(NumberNow(*ledger_, path));
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger_->Find(ParentPath(path), BaseName(path)));
  if (!record || record->state != FileState::kAssigned) return Status();
  MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(record->number));
  fate.retracted = FileFate::Retracted::kUndone;  // one that waits is left out of its batch
  MS_RETURN_IF_ERROR(ledger_->StageFate(record->number, fate));
  record->state = FileState::kUndone;
  return ledger_->Put(ParentPath(path), BaseName(path), *record);
}

Status RequestTaker::Forget(const std::string& path) {
  MS_RETURN_IF_ERROR(NumberNow(*ledger_, path));
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger_->Find(ParentPath(path), BaseName(path)));
  if (!record) return Status();
  if (record->state == FileState::kAssigned || record->state == FileState::kUndone) {
    MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(record->number));
    fate.retracted = FileFate::Retracted::kForgotten;
    MS_RETURN_IF_ERROR(ledger_->StageFate(record->number, fate));
  }
  return ledger_->Drop(ParentPath(path), BaseName(path));
}

// Nothing else was asked for since the request was made, so the record is what it was then, or that of a file that has come back and will be loaded.
Status RequestTaker::TakeAway(const std::string& path, int64_t loaded) {
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger_->Find(ParentPath(path), BaseName(path)));
  if (!record || record->state != FileState::kAssigned || record->number > loaded) return Status();
  MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(record->number));
  fate.retracted = FileFate::Retracted::kRemoved;
  fate.cleaned_ms = clock_.WallMillis();
  if (fate.skipped == FileFate::Skipped::kNo) {
    fate.reason = "it was gone from the source at " + FormatIso8601Millis(fate.cleaned_ms) + " (cloudFiles.deletedFiles = removed)";
  }
  MS_RETURN_IF_ERROR(ledger_->StageFate(record->number, fate));
  return ledger_->Drop(ParentPath(path), BaseName(path));
}

Status RequestTaker::Explain(int64_t number, std::string reason) {
  if (number == 0) return Status();
  MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(number));
  fate.reason = std::move(reason);
  return ledger_->StageFate(number, fate);
}

Status RequestTaker::Replay(const std::string& path, int64_t loaded) {
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger_->Find(ParentPath(path), BaseName(path)));
  if (!record || record->state == FileState::kEmpty || record->state == FileState::kGone || record->state == FileState::kDuplicate) return Status();
  if (record->state == FileState::kWaiting) return Status();                              // it will be loaded anyway
  if (record->state == FileState::kAssigned && record->number > loaded) return Status();  // it will be loaded anyway
  // Rows leave only when there is something to load in their place.
  Result<FileInfo> info = fs_.Stat(path);
  if (!info.ok() && !info.status().Is(errors::kFileNotFound)) return info.status();
  if (!info.ok() || !info->is_regular) return Explain(record->number, "a REPLAY was asked for, but the file was not there any more");
  if (info->size_bytes == 0 && !options_.load_empty_files) return Explain(record->number, "a REPLAY was asked for, but the file had no bytes");
  std::string content;
  if (options_.identity_by_content) {
    MS_ASSIGN_OR_RETURN(std::optional<std::string> hash, ContentHash(fs_, path, *info));
    if (!hash) return Explain(record->number, "a REPLAY was asked for, but the file changed while it was looked at; ask again");
    content = std::move(*hash);
  }
  const FileRecord now{
      .state = FileState::kAssigned, .size_bytes = info->size_bytes, .modified_ns = info->modified_ns, .discovered_ms = clock_.WallMillis()};
  return ledger_->Replace(ParentPath(path), BaseName(path), now, record->number, content);
}

Result<RequestTaker::Leaving> RequestTaker::LeavingPaths(int64_t after, int64_t through) const {
  Leaving leaving;
  for (int64_t number = after + 1; number <= through; ++number) {
    MS_ASSIGN_OR_RETURN(std::string is_undo, ledger_->GetNote(UndoNote(number)));
    if (is_undo.empty()) continue;
    MS_ASSIGN_OR_RETURN(std::string set_aside, ledger_->GetNote(SetAsideNote(number)));
    if (!set_aside.empty()) continue;
    const std::string path = FileRequestPath(source_directory_, number);
    Result<std::unique_ptr<FileRequestReader>> request = FileRequestReader::Open(fs_, path);
    if (!request.ok() && request.status().Is(errors::kFileNotFound)) return Status::Error(errors::kFileRequestMissing, {{"path", path}});
    MS_RETURN_IF_ERROR(request.status());
    const bool is_removal = (*request)->operation() == FileOperation::kRemove;
    MS_RETURN_IF_ERROR(VisitPaths(**request, [&](std::string file) -> Status {
      bool has_rows = is_removal;
      if (!is_removal) {
        MS_ASSIGN_OR_RETURN(has_rows, MayHaveRows(file));
      }
      if (!has_rows) return Status();
      leaving.paths.push_back(std::move(file));
      ++(is_removal ? leaving.removed : leaving.undone);
      return Status();
    }));
  }
  return leaving;
}

Status RequestTaker::SetAside(int64_t after, int64_t through, const std::string& reason) {
  for (int64_t number = after + 1; number <= through; ++number) {
    MS_ASSIGN_OR_RETURN(std::string takes_rows, ledger_->GetNote(UndoNote(number)));
    if (takes_rows.empty()) continue;
    MS_ASSIGN_OR_RETURN(std::unique_ptr<FileRequestReader> request, FileRequestReader::Open(fs_, FileRequestPath(source_directory_, number)));
    std::set<std::string> removed;
    const bool is_removal = request->operation() == FileOperation::kRemove;
    MS_RETURN_IF_ERROR(VisitPaths(*request, [&](std::string path) -> Status {
      if (!is_removal) return TakeUndoBack(path, reason);
      removed.insert(std::move(path));
      return Status();
    }));
    MS_RETURN_IF_ERROR(TakeRemovalsBack(std::move(removed), reason));
    // Last: a process that dies before it comes here again.
    MS_RETURN_IF_ERROR(ledger_->Write());
    MS_RETURN_IF_ERROR(ledger_->StageNote(SetAsideNote(number), "1"));
  }
  return ledger_->Sync();
}

Status RequestTaker::TakeUndoBack(const std::string& path, const std::string& reason) {
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger_->Find(ParentPath(path), BaseName(path)));
  if (!record || record->state != FileState::kUndone) return Status();
  MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(record->number));
  fate.retracted = FileFate::Retracted::kNo;
  fate.reason = reason;
  MS_RETURN_IF_ERROR(ledger_->StageFate(record->number, fate));
  record->state = FileState::kAssigned;
  return ledger_->Put(ParentPath(path), BaseName(path), *record);
}

// Of a removed file only its numbers are left; a file that has come back under its name has a record, and stays.
Status RequestTaker::TakeRemovalsBack(std::set<std::string> paths, const std::string& reason) {
  constexpr int64_t kFilesAtOnce = 10'000;
  for (int64_t at = ledger_->last_number(); at > 0 && !paths.empty(); at -= kFilesAtOnce) {
    MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, ledger_->Files(std::max<int64_t>(0, at - kFilesAtOnce), at));
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
      if (!paths.contains(file->path)) continue;
      MS_ASSIGN_OR_RETURN(std::optional<FileFate> fate, ledger_->FindFate(file->number));
      if (!fate || fate->retracted != FileFate::Retracted::kRemoved) continue;
      paths.erase(file->path);
      fate->retracted = FileFate::Retracted::kNo;
      fate->cleaned = FileFate::Cleaned::kKept;  // it is not looked for again
      fate->reason = reason;
      MS_RETURN_IF_ERROR(ledger_->StageFate(file->number, *fate));
      MS_ASSIGN_OR_RETURN(std::optional<FileRecord> known, ledger_->Find(ParentPath(file->path), BaseName(file->path)));
      if (known) continue;
      const FileRecord record{.number = file->number, .size_bytes = file->size_bytes, .modified_ns = file->modified_ns, .discovered_ms = file->discovered_ms};
      MS_RETURN_IF_ERROR(ledger_->Put(ParentPath(file->path), BaseName(file->path), record));
    }
  }
  return Status();
}

// Not one that was undone before it was loaded for the first time: nobody need look for its rows.
Result<bool> RequestTaker::MayHaveRows(const std::string& path) const {
  if (options_.keeps_versions) return true;
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger_->Find(ParentPath(path), BaseName(path)));
  if (!record || record->state != FileState::kUndone) return true;
  MS_ASSIGN_OR_RETURN(auto batch, ledger_->FindBatch(record->number));
  if (batch && batch->second.committed_ms > 0) return true;
  MS_ASSIGN_OR_RETURN(std::vector<Replacement> replaces, ledger_->Replacements(record->number - 1, record->number));
  return !replaces.empty();
}

Status RequestTaker::Remove(int64_t through) {
  if (!has_directory_) return Status();
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> there, ListFileRequests(fs_, source_directory_));
  bool removed = false;
  for (int64_t number : there) {
    if (number > through) break;
    MS_FAILPOINT("files.request.before_remove");
    MS_RETURN_IF_ERROR(fs_.Remove(FileRequestPath(source_directory_, number)));
    MS_FAILPOINT("files.request.after_remove");
    removed = true;
  }
  // A name that a power cut brings back is removed at the next start, when the last batch is committed again.
  return removed ? fs_.SyncDirectory(FileRequestDirectory(source_directory_)) : Status();
}

}  // namespace millstream
