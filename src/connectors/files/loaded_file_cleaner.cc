#include "connectors/files/loaded_file_cleaner.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <charconv>

#include "connectors/files/file_gone.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/source_mirror.h"
#include "storage/failpoint.h"
#include "storage/file_tag.h"

namespace millstream {
namespace {

// Tags are counted apart: who deletes or moves later begins with the first file.
const char* DoneThroughNote(CleanSourceOptions::Mode mode) { return mode == CleanSourceOptions::Mode::kTag ? "tagged through" : "cleaned through"; }

Status Refuse(const std::string& destination, std::string reason) {
  return Status::Error(errors::kInvalidOptionValue,
                       {{"option", "cloudFiles.cleanSource.moveDestination"}, {"owner", "cloudFiles"}, {"value", destination}, {"reason", std::move(reason)}});
}

// Of the directory, or of the nearest above it that is there.
Result<uint64_t> DeviceOf(Fs& fs, std::string directory) {
  for (;;) {
    Result<FileInfo> info = fs.Stat(directory);
    if (info.ok()) return info->device;
    if (!info.status().Is(errors::kFileNotFound) || directory == "/") return info.status();
    directory = ParentPath(directory);
    if (directory.empty()) directory = "/";
  }
}

bool IsBelow(const std::string& path, const std::string& directory) {
  return path == directory || directory == "/" || (path.starts_with(directory) && path[directory.size()] == '/');
}

}  // namespace

Result<std::unique_ptr<LoadedFileCleaner>> LoadedFileCleaner::Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger,
                                                                     const CleanSourceOptions& options, const PathGlob& source) {
  if (options.mode == CleanSourceOptions::Mode::kOff) return std::unique_ptr<LoadedFileCleaner>();
  std::string base = source.base();
  MS_ASSIGN_OR_RETURN(FileInfo info, fs.Stat(base));
  if (!info.is_directory) base = ParentPath(base);
  if (options.mode == CleanSourceOptions::Mode::kMove) {
    // Also beside a glob: what it matches tomorrow nobody knows.
    if (IsBelow(options.move_destination, base)) {
      return Refuse(options.move_destination, "it lies below the load path " + base + ", from where its files would be loaded again");
    }
    MS_ASSIGN_OR_RETURN(uint64_t device, DeviceOf(fs, options.move_destination));
    if (device != info.device) return Refuse(options.move_destination, "it is on another file system than the load path, where files cannot be moved to");
  }
  if (options.mode == CleanSourceOptions::Mode::kTag) {
    MS_ASSIGN_OR_RETURN(bool keeps_tags, KeepsFileTags(base));
    if (!keeps_tags) {
      return Status::Error(errors::kInvalidOptionValue, {{"option", "cloudFiles.cleanSource"},
                                                         {"owner", "cloudFiles"},
                                                         {"value", "TAG"},
                                                         {"reason", "the file system of " + base + " keeps no extended attributes of users; use MOVE, or mount it with them"}});
    }
  }
  std::unique_ptr<LoadedFileCleaner> cleaner(new LoadedFileCleaner(fs, clock, std::move(ledger), options, std::move(base)));
  if (!options.consumers.empty()) {
    MS_ASSIGN_OR_RETURN(cleaner->consumers_, FileConsumers::Open(fs, clock, options.consumers));
  }
  if (options.mode != CleanSourceOptions::Mode::kTag) MS_RETURN_IF_ERROR(SourceMirror::NoteCleaning(*cleaner->ledger_));
  MS_ASSIGN_OR_RETURN(std::string done, cleaner->ledger_->GetNote(DoneThroughNote(options.mode)));
  std::from_chars(done.data(), done.data() + done.size(), cleaner->done_through_);
  return cleaner;
}

Result<bool> LoadedFileCleaner::Clean(int64_t committed_through, int64_t files_max) {
  const int64_t begun_at = done_through_, now_ms = clock_.WallMillis();
  bool due = true;
  if (consumers_ && done_through_ < committed_through) {
    MS_ASSIGN_OR_RETURN(bool has_looked, consumers_->Refresh());
    if (!has_looked) return true;
  }
  while (due && done_through_ < committed_through && done_through_ - begun_at < files_max) {
    if (next_due_number_ == done_through_ + 1 && now_ms < next_due_ms_) break;
    MS_ASSIGN_OR_RETURN(auto batch, ledger_->FindBatch(done_through_ + 1));
    // A batch that an older version has loaded has no time: it counts from now on.
    if (!batch || batch->second.committed_ms == 0) {
      const int64_t through = batch ? batch->first : done_through_ + 1;
      if (through > committed_through) break;
      MS_RETURN_IF_ERROR(ledger_->RecordBatch(through, {.after = batch ? batch->second.after : done_through_, .committed_ms = now_ms}));
      continue;
    }
    next_due_number_ = done_through_ + 1;
    next_due_ms_ = batch->second.committed_ms + options_.retention_ms;
    if (now_ms < next_due_ms_) break;
    const int64_t through = std::min({batch->first, committed_through, begun_at + files_max});
    MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, ledger_->Files(done_through_, through));
    for (const NumberedFile& file : files) {
      MS_ASSIGN_OR_RETURN(std::optional<FileFate> before, ledger_->FindFate(file.number));
      const bool is_tagged = before && before->cleaned == FileFate::Cleaned::kTagged && options_.mode != CleanSourceOptions::Mode::kTag;
      if (before && before->cleaned != FileFate::Cleaned::kNo && !is_tagged) continue;
      // Of what was not loaded, the file is all that there is.
      if (before && before->skipped != FileFate::Skipped::kNo) continue;
      // A later number of this path is still to be loaded or cleaned; of a file that was undone these are the last bytes.
      MS_ASSIGN_OR_RETURN(std::optional<FileRecord> known, ledger_->Find(ParentPath(file.path), BaseName(file.path)));
      if (!known || known->state != FileState::kAssigned || known->number != file.number) continue;
      // What could not be read is nowhere else.
      if (before && before->skipped == FileFate::Skipped::kFailed) continue;
      if (consumers_) {
        MS_ASSIGN_OR_RETURN(bool are_done, consumers_->AreDoneWith(file.path));
        if (!are_done) {
          done_through_ = file.number - 1;
          due = false;
          break;
        }
      }
      MS_FAILPOINT("files.clean.before_remove");
      MS_ASSIGN_OR_RETURN(FileFate fate, CleanOne(file, batch->second.committed_ms));
      MS_FAILPOINT("files.clean.after_remove");
      if (before) fate.skipped = before->skipped;
      if (before && fate.reason.empty()) fate.reason = before->reason;
      fate.cleaned_ms = now_ms;
      ++(fate.cleaned == FileFate::Cleaned::kKept ? kept_ : cleaned_);
      MS_RETURN_IF_ERROR(ledger_->RecordFate(file.number, fate));
    }
    if (!due) break;
    done_through_ = through;
    next_due_number_ = 0;
  }
  if (done_through_ == begun_at) return true;
  MS_RETURN_IF_ERROR(ledger_->PutNote(DoneThroughNote(options_.mode), std::to_string(done_through_)));
  MS_FAILPOINT("files.clean.after_note");
  return done_through_ - begun_at < files_max;
}

// A file that cannot be removed stays where it is, with the reason: it is never loaded again, and no reason to stop the stream.
Result<FileFate> LoadedFileCleaner::CleanOne(const NumberedFile& file, int64_t committed_ms) {
  using Mode = CleanSourceOptions::Mode;
  FileFate fate{.cleaned = options_.mode == Mode::kDelete ? FileFate::Cleaned::kDeleted
                           : options_.mode == Mode::kTag  ? FileFate::Cleaned::kTagged
                                                          : FileFate::Cleaned::kMoved};
  auto keep = [&](std::string reason) {
    fate.cleaned = FileFate::Cleaned::kKept;
    fate.reason = std::move(reason);
    return fate;
  };
  Result<FileInfo> info = fs_.Stat(file.path);
  if (!info.ok()) {
    if (!IsGone(info.status())) return keep(info.status().message());
    // Gone: by this cleaner before a crash, or by somebody else.
    if (options_.mode == Mode::kDelete) return fate;
    if (options_.mode == Mode::kTag) return keep("it was gone before it could be tagged");
    return Move(file, fate);
  }
  if (info->size_bytes != file.size_bytes || info->modified_ns != file.modified_ns) return keep("it has changed since it was loaded and was not cleaned up");
  if (options_.mode == Mode::kMove) return Move(file, fate);
  Status removed = options_.mode == Mode::kTag ? SetFileTag(file.path, "user.millstream.loaded", FormatIso8601Millis(committed_ms)) : fs_.Remove(file.path);
  if (!removed.ok()) {
    spdlog::warn("cloudFiles.cleanSource: {} stays where it is: {}", file.path, removed.message());
    return keep(removed.message());
  }
  return fate;
}

Result<FileFate> LoadedFileCleaner::Move(const NumberedFile& file, FileFate fate) {
  std::string below = file.path;
  // The load path may have been another one when the file was loaded.
  if (IsBelow(below, source_base_) && source_base_ != "/") below = below.substr(source_base_.size());
  std::string to = options_.move_destination + below;
  auto keep = [&](const Status& status) {
    spdlog::warn("cloudFiles.cleanSource: {} stays where it is: {}", file.path, status.message());
    fate.cleaned = FileFate::Cleaned::kKept;
    fate.reason = status.message();
    return fate;
  };
  Result<FileInfo> from_info = fs_.Stat(file.path);
  if (from_info.ok()) {
    if (Status made = fs_.CreateDirectories(std::string(ParentPath(to))); !made.ok()) return keep(made);
    Status moved = fs_.Move(file.path, to);
    if (moved.Is(errors::kFileAlreadyExists)) {
      Result<FileInfo> there = fs_.Stat(to);
      if (there.ok() && there->inode == from_info->inode && there->device == from_info->device) {
        // Killed half-way, with both names: the old one is left to go.
        moved = fs_.Remove(file.path);
      } else {
        // An earlier file of this name: both are kept.
        to += "." + std::to_string(file.number);
        moved = fs_.Move(file.path, to);
      }
    }
    if (!moved.ok()) return keep(moved);
    fate.moved_to = to;
    return fate;
  }
  for (const std::string& candidate : {to + "." + std::to_string(file.number), to}) {
    MS_ASSIGN_OR_RETURN(bool there, fs_.Exists(candidate));
    if (!there) continue;
    fate.moved_to = candidate;
    return fate;
  }
  fate.cleaned = FileFate::Cleaned::kKept;
  fate.reason = "it was gone before it could be moved";
  return fate;
}

}  // namespace millstream
