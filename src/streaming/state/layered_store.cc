#include "streaming/state/layered_store.h"

#include <algorithm>

#include "streaming/state/run_merge.h"

namespace millstream::state_store {

namespace {
constexpr size_t kPieceBytes = 256 << 10;
constexpr size_t kRowBytesMax = size_t{1} << 30;
constexpr uint32_t kGrowthsPerLook = 256;
constexpr size_t kPrefetched = 32;
}  // namespace

Result<ChangesWriter*> StoreContext::Changes() {
  std::lock_guard lock(mutex);
  if (changes == nullptr) {
    MS_ASSIGN_OR_RETURN(changes, ChangesWriter::Create(fs, directory));
  }
  return changes.get();
}

int64_t StoreContext::NewRun() {
  std::lock_guard lock(mutex);
  runs.insert(next_run);
  return next_run++;
}

Result<Entry*> LayeredStore::Find(std::string_view key) {
  if (Entry* entry = tree_.Find(key)) {
    entry->used = true;
    return entry;
  }
  if (complete_) return nullptr;
  std::string value;
  RunAnswer answer = RunAnswer::kUnknown;
  for (auto run = runs_.rbegin(); run != runs_.rend() && answer == RunAnswer::kUnknown; ++run) {
    MS_ASSIGN_OR_RETURN(answer, (*run)->Get(key, &value));
  }
  // That a key is absent is remembered too: who asks is about to put it.
  Entry* entry = Add(key, value);
  entry->removed = answer != RunAnswer::kPresent;
  entry->in_runs = answer == RunAnswer::kPresent;
  return entry;
}

Entry* LayeredStore::Add(std::string_view key, std::string_view value) {
  Entry* entry = Entry::Make(key, value);
  tree_.Insert(entry);
  return entry;
}

void LayeredStore::MarkChanged(Entry* entry) {
  if (entry->changed) {
    if (entry->change_index >= batch_begin_) return;
    changes_[entry->change_index] = nullptr;
    ++holes_;
  }
  entry->changed = true;
  entry->change_index = static_cast<uint32_t>(changes_.size());
  changes_.push_back(entry);
}

Result<bool> LayeredStore::Get(std::string_view key, std::string* value) {
  MS_ASSIGN_OR_RETURN(Entry * entry, Find(key));
  if (!complete_) MS_RETURN_IF_ERROR(AfterGrowth());
  // AfterGrowth may have evicted the entry that was just found.
  if (!complete_) entry = tree_.Find(key);
  if (!complete_ && entry == nullptr) return Get(key, value);
  if (entry == nullptr || entry->removed) return false;
  value->assign(entry->value());
  return true;
}

Status LayeredStore::Put(std::string_view key, std::string_view value) {
  if (key.size() > kRowBytesMax || value.size() > kRowBytesMax) return Status::Unsupported("a row of state of more than 1 GB");
  MS_ASSIGN_OR_RETURN(Entry * entry, Find(key));
  if (entry == nullptr) {
    MarkChanged(Add(key, value));
    ++rows_;
    return AfterGrowth();
  }
  if (entry->removed) {
    entry->removed = false;
    ++rows_;
  } else if (entry->value() == value) {
    return Status();
  }
  SetValue(entry, value);
  return AfterGrowth();
}

Entry* LayeredStore::SetValue(Entry* entry, std::string_view value) {
  if (!entry->SetValue(value)) {
    Entry* larger = Entry::Make(entry->key(), value);
    larger->change_index = entry->change_index;
    larger->changed = entry->changed;
    larger->removed = entry->removed;
    larger->in_runs = entry->in_runs;
    if (entry->changed) changes_[entry->change_index] = larger;
    tree_.Replace(larger);
    Entry::Free(entry);
    entry = larger;
  }
  MarkChanged(entry);
  return entry;
}

Status LayeredStore::Remove(std::string_view key) {
  MS_ASSIGN_OR_RETURN(Entry * entry, Find(key));
  return entry == nullptr ? Status() : RemoveEntry(entry);
}

Status LayeredStore::RemoveEntry(Entry* entry) {
  if (entry->removed) return Status();
  entry->removed = true;
  entry->value_size = 0;
  --rows_;
  MarkChanged(entry);
  return AfterGrowth();
}

void LayeredStore::Drop(Entry* entry) {
  if (entry->changed) {
    changes_[entry->change_index] = nullptr;
    ++holes_;
  }
  tree_.Remove(entry->key());
  Entry::Free(entry);
}

void LayeredStore::Clear() {
  KeyTree::Cursor all(tree_, "");
  std::vector<Entry*> entries;
  entries.reserve(static_cast<size_t>(tree_.size()));
  while (Entry* entry = all.Next()) entries.push_back(entry);
  tree_.Clear();
  for (Entry* entry : entries) Entry::Free(entry);
  ForgetChanges();
  runs_.clear();
  rows_ = 0;
  complete_ = true;
  RunsChanged();
  ReportMemory();
}

void LayeredStore::ForgetChanges() {
  changes_ = {};
  batch_begin_ = committed_ = holes_ = 0;
}

void LayeredStore::RunsChanged() {
  ++layout_;
  runs_memory_bytes_ = 0;
  for (const auto& run : runs_) runs_memory_bytes_ += run->memory_bytes();
}

void LayeredStore::ReportMemory() {
  int64_t bytes = memory_bytes();
  context_.memory_bytes += bytes - reported_bytes_;
  reported_bytes_ = bytes;
}

Status LayeredStore::Reset(const std::vector<SnapshotRun>& runs, bool load) {
  Clear();
  for (const SnapshotRun& run : runs) {
    MS_ASSIGN_OR_RETURN(std::shared_ptr<SortedRun> opened, SortedRun::Open(context_.fs, context_.directory, run));
    runs_.push_back(std::move(opened));
  }
  RunsChanged();
  complete_ = runs_.empty();
  return load && !complete_ ? Load() : Status();
}

Status LayeredStore::Load() {
  RunMerge merge(runs_, "");
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, merge.Next());
    if (!more) break;
    if (merge.removed()) continue;
    Add(merge.key(), merge.value())->in_runs = true;
  }
  complete_ = true;
  ++layout_;
  ReportMemory();
  return Status();
}

Status LayeredStore::Replay(std::string_view changes, const std::string& path) {
  struct Change {
    std::string_view key, value;
    bool removed = false;
  };
  replaying_ = true;
  std::vector<Change> together;
  std::vector<std::string_view> keys;
  while (!changes.empty()) {
    together.clear();
    keys.clear();
    while (!changes.empty() && together.size() < kPrefetched) {
      Change& change = together.emplace_back();
      if (!TakeChange(&changes, &change.key, &change.value, &change.removed)) return Damaged(path, "a change in it is wrong");
      keys.push_back(change.key);
    }
    tree_.Prefetch(keys);
    for (const Change& change : together) {
      Entry* entry = tree_.Find(change.key);
      if (entry == nullptr) {
        if (change.removed && complete_) continue;
        entry = Add(change.key, change.value);
        // Not looked up: it may be.
        entry->in_runs = !complete_;
        MarkChanged(entry);
      } else {
        entry = SetValue(entry, change.value);
      }
      entry->removed = change.removed;
      MS_RETURN_IF_ERROR(AfterGrowth());
    }
  }
  MS_RETURN_IF_ERROR(Committed());
  replaying_ = false;
  return Status();
}

Status LayeredStore::WriteChanges() {
  if (replaying_) {
    batch_begin_ = changes_.size();
    return Status();
  }
  std::string piece;
  for (; batch_begin_ < changes_.size(); ++batch_begin_) {
    const Entry* entry = changes_[batch_begin_];
    if (entry == nullptr) continue;
    std::string_view value = entry->value();
    PutChange(entry->key(), entry->removed ? nullptr : &value, &piece);
    if (piece.size() >= kPieceBytes) {
      MS_ASSIGN_OR_RETURN(ChangesWriter * writer, context_.Changes());
      MS_RETURN_IF_ERROR(writer->Append(id_, piece));
      piece.clear();
    }
  }
  if (piece.empty()) return Status();
  MS_ASSIGN_OR_RETURN(ChangesWriter * writer, context_.Changes());
  return writer->Append(id_, piece);
}

Status LayeredStore::Committed() {
  // Those removed that no run has are gone; a list that is mostly holes is packed.
  std::vector<std::string_view> keys;
  for (size_t i = committed_; i < changes_.size(); ++i) {
    if ((i - committed_) % kPrefetched == 0) {
      keys.clear();
      for (size_t ahead = i; ahead < std::min(i + kPrefetched, changes_.size()); ++ahead) {
        if (const Entry* entry = changes_[ahead]; entry != nullptr && entry->removed && !entry->in_runs) keys.push_back(entry->key());
      }
      tree_.Prefetch(keys);
    }
    if (Entry* entry = changes_[i]; entry != nullptr && entry->removed && !entry->in_runs) Drop(entry);
  }
  if (changes_.size() > 1024 && holes_ > changes_.size() / 2) {
    std::erase(changes_, nullptr);
    for (size_t i = 0; i < changes_.size(); ++i) changes_[i]->change_index = static_cast<uint32_t>(i);
    holes_ = 0;
  }
  committed_ = changes_.size();
  batch_begin_ = changes_.size();
  ReportMemory();
  return Status();
}

// Looks now and then whether memory has become too much; the larger stores make room.
Status LayeredStore::AfterGrowth() {
  if (++growth_ % kGrowthsPerLook != 0) return Status();
  ReportMemory();
  if (context_.memory_bytes <= context_.memory_bytes_max || reported_bytes_ < context_.memory_bytes_max / 16) return Status();
  return Shrink(reported_bytes_ - std::max(reported_bytes_ / 4, context_.memory_bytes - context_.memory_bytes_max));
}

Status LayeredStore::Shrink(int64_t bytes) {
  EvictClean(bytes);
  if (memory_bytes() > bytes && !changes_.empty()) {
    MS_RETURN_IF_ERROR(WriteChanges());
    MS_RETURN_IF_ERROR(FlushChanged());
    EvictClean(bytes);
  }
  ReportMemory();
  return Status();
}

// Drops entries that the runs have as well, those first that were not used since the last time around.
void LayeredStore::EvictClean(int64_t bytes) {
  std::vector<Entry*> victims;
  for (int64_t looks = 2 * tree_.size(); looks > 0 && memory_bytes() > bytes;) {
    victims.clear();
    int64_t freed = 0;
    Entry* last = nullptr;
    KeyTree::Cursor cursor(tree_, eviction_key_);
    while (looks > 0 && victims.size() < 4096 && memory_bytes() - freed > bytes && (last = cursor.Next()) != nullptr) {
      --looks;
      if (last->changed) continue;
      if (std::exchange(last->used, false)) continue;
      freed += last->memory_bytes();
      victims.push_back(last);
    }
    if (last == nullptr) {
      eviction_key_.clear();
    } else {
      eviction_key_.assign(last->key());
    }
    if (!victims.empty() && complete_) {
      complete_ = false;
      ++layout_;
    }
    for (Entry* victim : victims) Drop(victim);
    if (last == nullptr && tree_.size() == 0) break;
  }
}

// In a large list sorting costs more than walking all that is there.
std::vector<Entry*> LayeredStore::ChangedInOrder() {
  std::vector<Entry*> changed;
  if (static_cast<int64_t>(changes_.size()) * 8 > tree_.size()) {
    KeyTree::Cursor all(tree_, "");
    while (Entry* entry = all.Next()) {
      if (entry->changed) changed.push_back(entry);
    }
  } else {
    std::copy_if(changes_.begin(), changes_.end(), std::back_inserter(changed), [](Entry* entry) { return entry != nullptr; });
    std::sort(changed.begin(), changed.end(), [](const Entry* a, const Entry* b) { return a->key() < b->key(); });
  }
  return changed;
}

Status LayeredStore::Flush() {
  MS_CHECK(batch_begin_ == changes_.size());
  return FlushChanged();
}

Status LayeredStore::FlushChanged() {
  std::vector<Entry*> changed = ChangedInOrder();
  if (!changed.empty()) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<RunWriter> writer, RunWriter::Create(context_.fs, context_.directory, static_cast<int64_t>(changed.size())));
    for (const Entry* entry : changed) {
      if (entry->removed && !entry->in_runs) continue;
      std::string_view value = entry->value();
      MS_RETURN_IF_ERROR(writer->Add(entry->key(), entry->removed ? nullptr : &value));
    }
    if (writer->entries() > 0) {
      MS_ASSIGN_OR_RETURN(SnapshotRun run, writer->Finish(context_.NewRun()));
      MS_ASSIGN_OR_RETURN(std::shared_ptr<SortedRun> opened, SortedRun::Open(context_.fs, context_.directory, run));
      runs_.push_back(std::move(opened));
    }
    for (Entry* entry : changed) {
      entry->changed = false;
      if (entry->removed) {
        Drop(entry);
      } else {
        entry->in_runs = true;
      }
    }
    RunsChanged();
  }
  ForgetChanges();
  return MergeRuns();
}

// Each run is at least twice as large as the next: an entry is rewritten a logarithmic number of times.
Status LayeredStore::MergeRuns() {
  if (runs_.size() < 2) return Status();
  size_t first = runs_.size() - 1;
  int64_t bytes = runs_[first]->info().bytes, entries = runs_[first]->info().entries;
  while (first > 0 && runs_[first - 1]->info().bytes < 2 * bytes) {
    --first;
    bytes += runs_[first]->info().bytes;
    entries += runs_[first]->info().entries;
  }
  if (first + 1 == runs_.size()) return Status();
  RunMerge merge({runs_.begin() + static_cast<std::ptrdiff_t>(first), runs_.end()}, "");
  MS_ASSIGN_OR_RETURN(std::unique_ptr<RunWriter> writer, RunWriter::Create(context_.fs, context_.directory, entries));
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, merge.Next());
    if (!more) break;
    // Below the oldest run there is nothing that a removal could hide.
    if (merge.removed() && first == 0) continue;
    std::string_view value = merge.value();
    MS_RETURN_IF_ERROR(writer->Add(merge.key(), merge.removed() ? nullptr : &value));
  }
  std::shared_ptr<SortedRun> merged;
  if (writer->entries() > 0) {
    MS_ASSIGN_OR_RETURN(SnapshotRun run, writer->Finish(context_.NewRun()));
    MS_ASSIGN_OR_RETURN(merged, SortedRun::Open(context_.fs, context_.directory, run));
  }
  runs_.resize(first);
  if (merged != nullptr) runs_.push_back(std::move(merged));
  RunsChanged();
  return Status();
}

std::vector<SnapshotRun> LayeredStore::Runs() const {
  std::vector<SnapshotRun> runs;
  for (const auto& run : runs_) runs.push_back(run->info());
  return runs;
}

}  // namespace millstream::state_store
