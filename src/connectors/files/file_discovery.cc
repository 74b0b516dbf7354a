#include "connectors/files/file_discovery.h"

#include <algorithm>
#include <cerrno>

namespace millstream {
namespace {

// A directory whose last change is younger than this when it is listed may change again without a new ctime: kernels stamp with a clock that ticks every
// 1 to 10 ms.
constexpr int64_t kTickMarginNs = 100'000'000;
// Of a waiting stream's time, full rounds take one part in a hundred.
constexpr int64_t kFullSweepPauseUs = 1'000'000;
constexpr int64_t kFullSweepShare = 100;

}  // namespace

FileDiscovery::FileDiscovery(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, DiscoveryOptions options)
    : fs_(fs), clock_(clock), ledger_(std::move(ledger)), options_(std::move(options)) {}

Status FileDiscovery::BeginRound(bool full) {
  // A round that failed may have left files in the ledger's buffer, where no cursor sees them: they would get a second number.
  round_.reset();
  MS_RETURN_IF_ERROR(ledger_->Write());
  round_.emplace();
  round_->full = full;
  round_->started_us = clock_.MonotonicMicros();
  round_->lister = std::make_unique<FileLister>(fs_, options_.lister, full ? nullptr : &memory_);
  if (!ledger_->empty()) round_->cursor = ledger_->NewCursor();
  return Status();
}

Result<bool> FileDiscovery::Advance(int64_t number_wanted) {
  if (!round_) {
    int64_t pause = std::max(kFullSweepPauseUs, kFullSweepShare * last_full_took_us_);
    MS_RETURN_IF_ERROR(BeginRound(!swept_ || clock_.MonotonicMicros() - last_full_us_ >= pause));
  }
  return Step(FileState::kAssigned, number_wanted);
}

Status FileDiscovery::SweepEverything(FileState state) {
  MS_RETURN_IF_ERROR(BeginRound(true));
  return Step(state, INT64_MAX).status();
}

Result<bool> FileDiscovery::Step(FileState state, int64_t number_wanted) {
  // A round that failed is not taken up again: what it had seen may be half of a directory.
  auto fail = [&](Status status) {
    round_.reset();
    return status;
  };
  int64_t added_before = round_->counts.added;
  int64_t number = ledger_->last_number();
  for (;;) {
    if (!round_->directory) {
      round_->listed_ms = clock_.WallMillis();
      Result<std::optional<ListedDirectory>> listed = round_->lister->Next();
      if (!listed.ok()) return fail(listed.status());
      if (!*listed) break;
      if ((*listed)->unchanged) continue;
      round_->directory = std::move(*listed);
      round_->next_name = 0;
      round_->complete = true;
      if (round_->cursor) {
        if (Status status = round_->cursor->Seek(round_->directory->path); !status.ok()) return fail(status);
      }
    }
    while (round_->next_name < round_->directory->names.size()) {
      if (number + (round_->counts.added - added_before) >= number_wanted) {
        if (Status status = ledger_->Write(); !status.ok()) return fail(status);
        return false;
      }
      if (Status status = MergeName(round_->directory->names[round_->next_name++], state); !status.ok()) return fail(status);
    }
    if (Status status = EndDirectory(); !status.ok()) return fail(status);
  }
  if (Status status = ledger_->Write(); !status.ok()) return fail(status);
  round_->counts.lister = round_->lister->counts();
  last_counts_ = round_->counts;
  if (round_->full) {
    swept_ = true;
    last_full_us_ = clock_.MonotonicMicros();
    last_full_took_us_ = last_full_us_ - round_->started_us;
  }
  round_.reset();
  return true;
}

Status FileDiscovery::MergeName(std::string_view name, FileState state) {
  Round& round = *round_;
  const std::string& directory = round.directory->path;
  bool known = false;
  FileRecord record;
  if (round.cursor) {
    while (round.cursor->valid() && round.cursor->name() < name) {
      ++round.counts.gone;
      MS_RETURN_IF_ERROR(round.cursor->Next());
    }
    if (round.cursor->valid() && round.cursor->name() == name) {
      known = true;
      MS_ASSIGN_OR_RETURN(record, round.cursor->record());
      MS_RETURN_IF_ERROR(round.cursor->Next());
      ++round.counts.known;
      if (record.state != FileState::kEmpty && !options_.allow_overwrites) return Status();
    }
  }
  // An overwritten file does not touch its directory's times: with allowOverwrites each file is looked at, each time.
  if (options_.allow_overwrites) round.complete = false;
  Result<FileInfo> info = fs_.Stat(JoinPath(directory, name));
  if (!info.ok()) {
    if (!info.status().Is(errors::kFileNotFound) && info.status().error_number() != ENOTDIR) return info.status();
    ++round.counts.vanished;  // between listing and now; it never was part of the stream
    return Status();
  }
  if (!info->is_regular) {
    ++round.counts.vanished;
    return Status();
  }
  bool changed = known && (info->modified_ns != record.modified_ns || info->size_bytes != record.size_bytes);
  if (known && record.state != FileState::kEmpty && !changed) return Status();
  if ((options_.modified_after_ns && info->modified_ns <= *options_.modified_after_ns) ||
      (options_.modified_before_ns && info->modified_ns >= *options_.modified_before_ns)) {
    ++round.counts.outside_time_range;
    round.complete = false;  // a touch brings it into the range without a trace in the directory
    return Status();
  }
  FileRecord now{.state = state, .size_bytes = info->size_bytes, .modified_ns = info->modified_ns, .discovered_ms = clock_.WallMillis()};
  if (info->size_bytes == 0 && !options_.load_empty_files && state == FileState::kAssigned) {
    // Its writer has most likely just created it. Taking it now would mark it as loaded without its rows.
    round.complete = false;
    ++round.counts.empty;
    if (known) return Status();
    now.state = FileState::kEmpty;
    return ledger_->Add(directory, name, now);
  }
  if (changed && record.state != FileState::kEmpty) ++round.counts.changed;
  ++round.counts.added;
  return ledger_->Add(directory, name, now);
}

Status FileDiscovery::EndDirectory() {
  Round& round = *round_;
  if (round.cursor) {
    for (; round.cursor->valid(); ++round.counts.gone) MS_RETURN_IF_ERROR(round.cursor->Next());
  }
  ListedDirectory& listed = *round.directory;
  bool settled = round.listed_ms * 1'000'000 - listed.info.changed_ns > kTickMarginNs;
  if (round.complete && settled && listed.info.changed_ns != 0) {
    memory_.Remember(listed.path, {listed.info.device, listed.info.inode, listed.info.changed_ns, std::move(listed.subdirectories)});
  } else {
    memory_.Forget(listed.path);
  }
  round.directory.reset();
  return Status();
}

}  // namespace millstream
