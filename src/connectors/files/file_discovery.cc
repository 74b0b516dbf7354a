#include "connectors/files/file_discovery.h"

#include <algorithm>

#include "connectors/files/content_hash.h"
#include "connectors/files/file_gone.h"

namespace millstream {
namespace {

// A directory whose last change is younger than this when it is listed may change again without a new ctime: kernels stamp with a clock that ticks every
// 1 to 10 ms.
constexpr int64_t kTickMarginNs = 100'000'000;
// Of a waiting stream's time, full rounds take one part in a hundred.
constexpr int64_t kFullSweepPauseUs = 1'000'000;
constexpr int64_t kFullSweepShare = 100;
constexpr int64_t kAuditedPerRound = 1000;
// Where the kernel tells of changes: looks at the times of all directories, for what it may not have told.
constexpr int64_t kLookPauseUs = 500'000;
constexpr int64_t kLookShare = 20;

// Nothing of such a file has been loaded, or has a number to be loaded by.
bool IsNewWhenThere(FileState state) { return state == FileState::kEmpty || state == FileState::kGone; }

}  // namespace

FileDiscovery::FileDiscovery(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, DiscoveryOptions options, WaitingFiles* waiting)
    : fs_(fs), clock_(clock), ledger_(std::move(ledger)), options_(std::move(options)), waiting_(waiting), peers_(options_.shared, options_.lister) {}

Result<bool> FileDiscovery::BeginRound(Reach reach, bool is_backup) {
  // A round that failed may have left files in the ledger's buffer, where no cursor sees them: they would get a second number.
  round_.reset();
  MS_RETURN_IF_ERROR(ledger_->Write());
  const uint64_t began = NextMoment();
  std::vector<std::string> roots;
  std::vector<uint64_t> told_at;
  if (reach == Reach::kHinted) {
    for (DirectoryHints::ChangedDirectory& changed : hints_.TakeChanged()) {
      roots.push_back(std::move(changed.path));
      told_at.push_back(changed.told_at);
    }
    if (roots.empty()) return false;
  }
  SharedListing shared = peers_.Listing({.began_after = began, .age_ms_max = is_backup ? kFullSweepPauseUs / 1000 : 0});
  shared.told_at = std::move(told_at);
  round_.emplace();
  round_->reach = reach;
  round_->seen = {.is_look = reach != Reach::kHinted, .is_full = reach == Reach::kAll, .began = began, .began_us = clock_.MonotonicMicros()};
  ++rounds_;
  round_->started_us = clock_.MonotonicMicros();
  const FileLister::Scope scope = reach == Reach::kAll ? FileLister::Scope::kAll : FileLister::Scope::kChanged;
  round_->lister = std::make_unique<FileLister>(fs_, options_.lister, &memory_, scope, std::move(roots), std::move(shared));
  if (!ledger_->empty()) round_->cursor = ledger_->NewCursor();
  return true;
}

std::vector<std::string> FileDiscovery::WatchableDirectories() const {
  // A directory that counts as changed has files that may change without a trace in it, or may just have changed itself.
  if (!hints_.is_active() || hints_.has_changed()) return {};
  return hints_.Paths();
}

Result<bool> FileDiscovery::Advance(int64_t number_wanted) {
  if (lists_again_) {
    // Also a round that is under way: it has passed directories whose files are wanted again.
    lists_again_ = false;
    memory_.Clear();
    peers_.Forget();
    MS_RETURN_IF_ERROR(BeginRound(Reach::kAll).status());
  }
  if (!round_) {
    const int64_t now_us = clock_.MonotonicMicros();
    int64_t pause = std::max(kFullSweepPauseUs, kFullSweepShare * last_full_took_us_);
    if (options_.full_round_interval_ms) pause = std::min(pause, *options_.full_round_interval_ms * 1000);
    // A file that was too old may have been touched, of which only its own full rounds tell.
    if (swept_ && now_us - last_full_us_ >= pause && !options_.full_round_interval_ms && !oldest_ns_) {
      last_full_us_ = peers_.TakeListing(now_us, pause).value_or(last_full_us_);
    }
    const bool lists_all = !swept_ || now_us - last_full_us_ >= pause;
    Reach reach = lists_all ? Reach::kAll : Reach::kChanged;
    if (reach == Reach::kChanged && hints_.is_active()) {
      const int64_t look_pause = std::max(kLookPauseUs, kLookShare * last_look_took_us_);
      if (now_us - last_look_us_ >= look_pause) last_look_us_ = peers_.TakeLook(now_us, look_pause).value_or(last_look_us_);
      if (now_us - last_look_us_ < look_pause) reach = Reach::kHinted;
    }
    MS_ASSIGN_OR_RETURN(bool has_begun, BeginRound(reach, /*is_backup=*/swept_ && !options_.full_round_interval_ms));
    if (!has_begun) return true;
  }
  return Step(FileState::kAssigned, number_wanted);
}

void FileDiscovery::LookAgain(const std::string& directory) {
  memory_.Forget(directory);
  peers_.Forget();
  if (TakesHints(directory)) hints_.Mark(directory);
}

Status FileDiscovery::SweepEverything(FileState state) {
  MS_RETURN_IF_ERROR(BeginRound(Reach::kAll).status());
  return Step(state, INT64_MAX).status();
}

Status FileDiscovery::SweepKnown(IsKnownFile is_known) {
  is_known_ = std::move(is_known);
  Status swept = SweepEverything(FileState::kExisting);
  is_known_ = nullptr;
  // What was passed over is new to the next round, whatever the directories' times say.
  lists_again_ = true;
  return swept;
}

Result<bool> FileDiscovery::Step(FileState state, int64_t number_wanted) {
  // A round that failed is not taken up again: what it had seen may be half of a directory.
  auto fail = [&](Status status) {
    round_.reset();
    hints_.Deactivate();
    peers_.Forget();
    return status;
  };
  int64_t added_before = round_->counts.added;
  int64_t number = ledger_->last_number();
  for (;;) {
    if (!round_->directory) {
      const int64_t listed_ms = clock_.WallMillis();
      Result<std::optional<ListedDirectory>> listed = round_->lister->Next();
      if (!listed.ok()) return fail(listed.status());
      if (!*listed) break;
      if (TakesHints((*listed)->path)) hints_.Watch((*listed)->path);
      if ((*listed)->unchanged) continue;
      if (!(*listed)->same_names) round_->seen.is_quiet = false;
      round_->directory = std::move(*listed);
      if (round_->directory->is_first) round_->gone_before = round_->counts.gone;
      if (round_->directory->same_names && PassKnownNames()) {
        round_->listed_ms = listed_ms;
        round_->complete = true;
        if (Status status = EndDirectory(); !status.ok()) return fail(status);
        continue;
      }
      if (round_->directory->is_first) {
        round_->listed_ms = listed_ms;
      } else {
        // A name that was moved meanwhile may come in two parts: the first one is in the ledger.
        if (Status status = ledger_->Write(); !status.ok()) return fail(status);
        if (!ledger_->empty()) round_->cursor = ledger_->NewCursor();
      }
      round_->next_name = 0;
      if (round_->directory->is_first) round_->complete = true;
      if (round_->cursor) {
        if (Status status = round_->cursor->Seek(round_->directory->path); !status.ok()) return fail(status);
      }
    }
    while (round_->next_name < round_->directory->names.size()) {
      if (number + (round_->counts.added - added_before) >= number_wanted) {
        if (Status status = ledger_->Write(); !status.ok()) return fail(status);
        return false;
      }
      const NameTable& names = round_->directory->names;
      const size_t at = round_->next_name++;
      if (at > 0 && names[at] == names[at - 1]) continue;
      if (Status status = MergeName(names[at], state); !status.ok()) return fail(status);
    }
    if (Status status = EndDirectory(); !status.ok()) return fail(status);
  }
  if (Status status = ledger_->Write(); !status.ok()) return fail(status);
  std::erase_if(unsettled_, [this](const auto& file) { return file.second.round != rounds_; });
  if (round_->reach == Reach::kAll) audit_from_ = round_->audited_known > audit_from_ + kAuditedPerRound ? audit_from_ + kAuditedPerRound : 0;
  round_->counts.changed_ignored = changed_ignored_;
  // A directory that has not changed is not listed, and its old files are as old as they were.
  if (round_->reach != Reach::kAll) round_->counts.too_old = std::max(round_->counts.too_old, last_counts_.too_old);
  round_->counts.lister = round_->lister->counts();
  round_->counts.directories_listed = directories_listed_ += round_->counts.lister.directories_listed;
  round_->counts.directories_shared = directories_shared_ += round_->counts.lister.directories_shared;
  last_counts_ = round_->counts;
  const int64_t now_us = clock_.MonotonicMicros();
  if (round_->reach == Reach::kAll) {
    swept_ = true;
    looks_at_duplicates_ = false;
    last_full_us_ = now_us;
    last_full_took_us_ = now_us - round_->started_us;
  }
  if (round_->reach == Reach::kChanged) last_look_took_us_ = now_us - round_->started_us;
  if (round_->reach != Reach::kHinted) {
    memory_.EndRound();
    last_look_us_ = now_us;
    if (hints_.watched() > 0) hints_.Activate();
  }
  peers_.EndRound(round_->seen);
  round_.reset();
  return true;
}

// A directory that holds the names that it held when all of them were known. False: it is the turn of some of them to be looked at, by name.
bool FileDiscovery::PassKnownNames() {
  Round& round = *round_;
  ListedDirectory& listed = *round.directory;
  const std::optional<DirectoryMemory::Known> known = memory_.Find(listed.path);
  if (!known || known->changed_ns != listed.info.changed_ns || known->inode != listed.info.inode) round.seen.is_still = false;
  const int64_t count = listed.digest.count();
  const bool is_audited = round.reach == Reach::kAll && round.audited_known < audit_from_ + kAuditedPerRound && round.audited_known + count > audit_from_;
  if (is_audited && static_cast<int64_t>(listed.names.size()) == count) {
    listed.same_names = false;
    listed.names.Sort();
    return false;
  }
  round.counts.known += count;
  round.audited_known += count;
  if (known) round.counts.gone += known->gone;
  return true;
}

Result<bool> FileDiscovery::IsDoubtfulDuplicate(const FileRecord& record) {
  if (!looks_at_duplicates_ || !options_.identity_by_content || record.state != FileState::kDuplicate) return false;
  if (record.number > 0) return ledger_->IsGivenUp(record.number);
  return waiting_ != nullptr;  // the other one had no number yet: which it has got, the content tells
}

Status FileDiscovery::MergeName(std::string_view name, FileState state) {
  Round& round = *round_;
  const std::string& directory = round.directory->path;
  bool known = false;
  FileRecord record;
  if (round.cursor) {
    // In a part of a directory the next name may be far away.
    const bool whole = round.directory->is_first && round.directory->is_last;
    constexpr int kStepsMax = 16;
    for (int steps = 0; round.cursor->valid() && round.cursor->name() < name; ++steps) {
      if (whole && IsListed(directory, round.cursor->name())) ++round.counts.gone;
      MS_RETURN_IF_ERROR(whole || steps < kStepsMax ? round.cursor->Next() : round.cursor->SeekName(name));
    }
    if (round.cursor->valid() && round.cursor->name() == name) {
      known = true;
      MS_ASSIGN_OR_RETURN(record, round.cursor->record());
      MS_RETURN_IF_ERROR(round.cursor->Next());
      ++round.counts.known;
      MS_ASSIGN_OR_RETURN(const bool is_doubtful, IsDoubtfulDuplicate(record));
      known = !is_doubtful;
      if (record.state == FileState::kUndone || record.state == FileState::kFailing) return Status();
      if (known && !IsNewWhenThere(record.state) && !options_.allow_overwrites) return round.reach == Reach::kAll ? Audit(name, record) : Status();
    }
  }
  if (is_known_ && !known) {
    MS_ASSIGN_OR_RETURN(bool is_wanted, is_known_(JoinPath(directory, name)));
    if (!is_wanted) {
      round.complete = false;
      return Status();
    }
  }
  // An overwritten file does not touch its directory's times: with allowOverwrites each file is looked at, each time.
  if (options_.allow_overwrites) round.complete = false;
  const std::string path = JoinPath(directory, name);
  Result<FileInfo> info = fs_.Stat(path);
  if (!info.ok()) {
    if (!IsGone(info.status())) return info.status();
    ++round.counts.vanished;  // between listing and now; it never was part of the stream
    return Status();
  }
  if (!info->is_regular) {
    ++round.counts.vanished;
    return Status();
  }
  bool changed = known && (info->modified_ns != record.modified_ns || info->size_bytes != record.size_bytes);
  if (known && !IsNewWhenThere(record.state) && !changed) return Status();
  if ((options_.modified_after_ns && info->modified_ns <= *options_.modified_after_ns) ||
      (options_.modified_before_ns && info->modified_ns >= *options_.modified_before_ns)) {
    ++round.counts.outside_time_range;
    round.complete = false;  // a touch brings it into the range without a trace in the directory
    return Status();
  }
  if (oldest_ns_ && info->modified_ns < *oldest_ns_) {
    ++round.counts.too_old;  // a touch makes it new: full rounds see that
    return Status();
  }
  if (info->size_bytes == 0 && !options_.load_empty_files && state == FileState::kAssigned) {
    // Its writer has most likely just created it. Taking it now would mark it as loaded without its rows.
    round.complete = false;
    ++round.counts.empty;
    if (known) return Status();
    return ledger_->Add(directory, name, {.state = FileState::kEmpty, .modified_ns = info->modified_ns, .discovered_ms = clock_.WallMillis()});
  }
  if (options_.settle_ms > 0 && state == FileState::kAssigned && !IsSettled(path, *info)) {
    round.complete = false;  // its last bytes may come without a trace in the directory
    ++round.counts.unsettled;
    return Status();
  }
  if (changed && !IsNewWhenThere(record.state)) ++round.counts.changed;
  return Take(name, *info, path, state, known ? &record : nullptr);
}

Status FileDiscovery::Take(std::string_view name, const FileInfo& info, const std::string& path, FileState state, const FileRecord* known) {
  Round& round = *round_;
  const std::string& directory = round.directory->path;
  FileRecord now{.state = state, .size_bytes = info.size_bytes, .modified_ns = info.modified_ns, .discovered_ms = clock_.WallMillis()};
  if (options_.continues_changed && known != nullptr && known->state == FileState::kAssigned) return Continue(name, info, path, *known);
  const bool has_number = known != nullptr && (known->state == FileState::kAssigned || known->state == FileState::kWaiting);
  const int64_t replaced = options_.replaces_changed && has_number ? known->number : 0;
  auto add = [&](const std::string& content) {
    ++round.counts.added;
    if (waiting_ != nullptr && state == FileState::kAssigned) return waiting_->Add(directory, name, now, known, replaced, content);
    return replaced > 0 ? ledger_->Replace(directory, name, now, replaced, content) : ledger_->Add(directory, name, now, content);
  };
  if (!options_.identity_by_content) return add({});
  Result<std::optional<std::string>> hash = ContentHash(fs_, path, info);
  if (!hash.ok() && !hash.status().Is(errors::kFileNotFound)) return hash.status();
  if (!hash.ok() || !*hash) {
    round.complete = false;
    ++round.counts.unsettled;  // it has changed while it was read: later
    return Status();
  }
  if (replaced > 0) {
    // Of its own rows it is no duplicate, and those of another file do not take their place.
    MS_ASSIGN_OR_RETURN(int64_t same, ledger_->FindContent(**hash));
    if (same == replaced && known->state == FileState::kAssigned) {
      now.number = same;
      return ledger_->Put(directory, name, now);
    }
    return add(**hash);
  }
  if (state == FileState::kAssigned) {
    MS_ASSIGN_OR_RETURN(now.number, ledger_->FindContent(**hash));
    // Nor is one that waits a duplicate of itself.
    const bool may_be_itself = now.number < 0 && known != nullptr && known->state == FileState::kWaiting;
    if (now.number != 0 && !may_be_itself) {
      now.state = FileState::kDuplicate;
      ++round.counts.duplicates;
      if (waiting_ != nullptr && known != nullptr) MS_RETURN_IF_ERROR(waiting_->Drop(path, *known));
      return ledger_->Add(directory, name, now);
    }
  }
  return add(**hash);
}

Status FileDiscovery::Audit(std::string_view name, const FileRecord& record) {
  if (record.state != FileState::kAssigned) return Status();
  const int64_t place = round_->audited_known++;
  if (place < audit_from_ || place >= audit_from_ + kAuditedPerRound) return Status();
  Result<FileInfo> info = fs_.Stat(JoinPath(round_->directory->path, name));
  auto is_loaded = [&](int64_t size_bytes, int64_t modified_ns) { return info->size_bytes == size_bytes && info->modified_ns == modified_ns; };
  if (!info.ok() || is_loaded(record.size_bytes, record.modified_ns)) return Status();
  MS_ASSIGN_OR_RETURN(auto batch, ledger_->FindBatch(record.number));
  if (!batch || batch->second.committed_ms == 0) return Status();  // what it is now will be read
  MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> loaded, ledger_->Files(record.number - 1, record.number));
  if (loaded.empty() || is_loaded(loaded[0].size_bytes, loaded[0].modified_ns)) return Status();
  return TellOfChange(record.number, "it has changed since it was loaded, and is not loaded again (cloudFiles.changedFiles = ignored)");
}

Status FileDiscovery::TellOfChange(int64_t number, std::string reason) {
  MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(number));
  if (!fate.reason.empty()) return Status();
  ++changed_ignored_;
  fate.reason = std::move(reason);
  return ledger_->RecordFate(number, fate);
}

Status FileDiscovery::Continue(std::string_view name, const FileInfo& info, const std::string& path, const FileRecord& known) {
  const std::string& directory = round_->directory->path;
  FileRecord now{.state = FileState::kAssigned, .size_bytes = info.size_bytes, .modified_ns = info.modified_ns, .discovered_ms = clock_.WallMillis()};
  FileRecord same = now;  // looked at again when it changes once more
  same.number = known.number;
  same.discovered_ms = known.discovered_ms;
  MS_ASSIGN_OR_RETURN(std::optional<FilePart> part, ledger_->FindPart(known.number));
  if (!part) {
    MS_ASSIGN_OR_RETURN(auto batch, ledger_->FindBatch(known.number));
    if (!batch || batch->second.committed_ms == 0) return Status();  // what it is now will be read
    MS_RETURN_IF_ERROR(TellOfChange(known.number, "it has changed since it was loaded, and how far it was read is not known (it is compressed, or was loaded before "
                                                  "cloudFiles.changedFiles = continued); REPLAY loads it again"));
    return ledger_->Put(directory, name, same);
  }
  if (!part->is_planned()) return Status();
  Result<Growth> growth = LookAtGrowth(fs_, path, info, *part);
  if (growth.status().Is(errors::kFileNotFound)) {
    ++round_->counts.vanished;
    return Status();
  }
  MS_RETURN_IF_ERROR(growth.status());
  if (*growth == Growth::kNone) return ledger_->Put(directory, name, same);
  ++round_->counts.added;
  if (*growth == Growth::kGrown) return ledger_->Continue(directory, name, now, {.start = part->end, .inode = info.inode, .hash = part->hash}, "");
  return ledger_->Continue(directory, name, now, {.inode = info.inode}, "it was truncated, or another file has taken its name: it is loaded from its beginning");
}

// By ctime, which nobody can set: tools that keep times set mtime to that of the original at the very end. A time in the future tells nothing; then the file
// must be seen unchanged for so long.
bool FileDiscovery::IsSettled(const std::string& path, const FileInfo& info) {
  const int64_t changed_ns = std::max(info.changed_ns, info.changed_ns == 0 ? info.modified_ns : 0);
  const int64_t age_ms = clock_.WallMillis() - changed_ns / 1'000'000;
  const int64_t now_us = clock_.MonotonicMicros();
  if (age_ms >= options_.settle_ms) {
    unsettled_.erase(path);
    return true;
  }
  auto [at, is_new] = unsettled_.try_emplace(path);
  Unsettled& seen = at->second;
  if (is_new || seen.size_bytes != info.size_bytes || seen.changed_ns != changed_ns) {
    seen = {.size_bytes = info.size_bytes, .changed_ns = changed_ns, .since_us = now_us};
  }
  seen.round = rounds_;
  if (age_ms >= 0 || now_us - seen.since_us < options_.settle_ms * 1000) return false;
  unsettled_.erase(at);
  return true;
}

// A file that startAfter leaves out is not gone.
bool FileDiscovery::IsListed(std::string_view directory, std::string_view name) const {
  const std::string& key = options_.lister.start_after;
  return key.empty() || name > LastNameLeftOut(key, directory);
}

// Not of the directory above, where the load path names one file.
bool FileDiscovery::TakesHints(const std::string& directory) const { return options_.takes_hints && directory.starts_with(options_.lister.glob.base()); }

Status FileDiscovery::EndDirectory() {
  Round& round = *round_;
  ListedDirectory& listed = *round.directory;
  if (!listed.same_names && round.cursor && listed.is_first && listed.is_last) {
    while (round.cursor->valid()) {
      round.counts.gone += IsListed(listed.path, round.cursor->name());
      MS_RETURN_IF_ERROR(round.cursor->Next());
    }
  }
  if (!listed.is_last) {
    round.directory.reset();
    return Status();
  }
  const int64_t listed_ms = listed.began_ms == 0 ? round.listed_ms : std::min(round.listed_ms, listed.began_ms);
  bool settled = listed_ms * 1'000'000 - listed.info.changed_ns > kTickMarginNs;
  if (round.complete && settled && listed.info.changed_ns != 0) {
    int64_t gone = round.counts.gone - round.gone_before;
    // A file that was too old may have been touched: its name says nothing.
    const std::optional<NamesDigest> names = oldest_ns_ ? std::nullopt : std::optional(listed.digest);
    const bool has_room =
        memory_.Remember(listed.path, {listed.info.device, listed.info.inode, listed.info.changed_ns, std::move(listed.subdirectories), names, gone});
    round.seen.is_whole = round.seen.is_whole && has_room;
  } else {
    round.seen.is_whole = false;
    memory_.Forget(listed.path);
    if (TakesHints(listed.path)) hints_.Mark(listed.path);
  }
  round.directory.reset();
  return Status();
}

}  // namespace millstream
