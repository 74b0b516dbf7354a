#include "streaming/state/sorted_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "storage/failpoint.h"
#include "streaming/state/byte_order.h"
#include "streaming/state/state_errors.h"

namespace millstream::state_store {

using state_codec::PutFixed;
using state_codec::PutVarint;
using state_codec::TakeFixed;
using state_codec::TakeVarint;

namespace {

constexpr size_t kBlockBytes = 4 << 10;
constexpr int64_t kFilterBitsPerKey = 10;
constexpr int kFilterProbes = 6;
constexpr int64_t kTailBytes = 8 * 4;  // sizes of index and filter, their checksum, number of entries

uint64_t Mix(uint64_t a, uint64_t b) {
  auto product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xc2b2ae3d27d4eb4fu);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Part of the format: filters are stored.
uint64_t Hash(std::string_view key) {
  uint64_t hash = key.size() * 0x165667b19e3779f9u;
  const char* at = key.data();
  size_t left = key.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = Mix(hash, word);
  }
  uint64_t word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  return Mix(hash, word ^ (static_cast<uint64_t>(left) << 56));
}

template <typename Visit>
bool VisitFilterBits(uint64_t hash, size_t filter_bytes, Visit visit) {
  uint64_t bits = filter_bytes * 8, step = (hash >> 17) | 1;
  for (int probe = 0; probe < kFilterProbes; ++probe, hash += step) {
    uint64_t bit = hash % bits;
    if (!visit(bit / 8, static_cast<char>(1 << (bit % 8)))) return false;
  }
  return true;
}

}  // namespace

RunWriter::RunWriter(std::string directory, std::unique_ptr<PendingFile> file, int64_t entries_max)
    : directory_(std::move(directory)), file_(std::move(file)), filter_(static_cast<size_t>(std::max<int64_t>(entries_max * kFilterBitsPerKey / 8, 8)), '\0') {}

Result<std::unique_ptr<RunWriter>> RunWriter::Create(Fs& fs, const std::string& directory, int64_t entries_max) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(directory));
  MS_RETURN_IF_ERROR(file->Append(kRunMagic));
  return std::unique_ptr<RunWriter>(new RunWriter(directory, std::move(file), entries_max));
}

Status RunWriter::Add(std::string_view key, const std::string_view* value) {
  size_t shared = 0;
  if (block_.empty()) {
    PutBytes(key, &index_);
  } else {
    size_t limit = std::min(last_key_.size(), key.size());
    while (shared < limit && last_key_[shared] == key[shared]) ++shared;
  }
  PutVarint(shared, &block_);
  PutBytes(key.substr(shared), &block_);
  PutVarint(value == nullptr ? 0 : value->size() + 1, &block_);
  if (value != nullptr) block_.append(*value);
  last_key_.resize(shared);
  last_key_.append(key.substr(shared));
  VisitFilterBits(Hash(key), filter_.size(), [&](uint64_t byte, char bit) { return filter_[byte] = static_cast<char>(filter_[byte] | bit), true; });
  ++run_.entries;
  return block_.size() >= kBlockBytes ? EndBlock() : Status();
}

Status RunWriter::EndBlock() {
  if (static_cast<int64_t>(block_.size()) > kFrameBytesMax) return Status::Unsupported("a row of state of more than 2 GB");
  PutVarint(static_cast<uint64_t>(file_->size_bytes()), &index_);
  PutVarint(block_.size(), &index_);
  PutFixed(Crc(block_), &index_);
  ++blocks_;
  MS_RETURN_IF_ERROR(file_->Append(block_));
  block_.clear();
  return Status();
}

Result<SnapshotRun> RunWriter::Finish(int64_t number) {
  if (!block_.empty()) MS_RETURN_IF_ERROR(EndBlock());
  MS_RETURN_IF_ERROR(file_->Append(index_));
  MS_RETURN_IF_ERROR(file_->Append(filter_));
  std::string tail;
  PutFixed(static_cast<uint64_t>(index_.size()), &tail);
  PutFixed(static_cast<uint64_t>(filter_.size()), &tail);
  PutFixed(static_cast<uint64_t>(Crc(index_)) << 32 | Crc(filter_), &tail);
  PutFixed(static_cast<uint64_t>(run_.entries), &tail);
  PutFixed(Crc(tail), &tail);
  MS_RETURN_IF_ERROR(file_->Append(tail));
  run_.number = number;
  run_.bytes = file_->size_bytes();
  MS_FAILPOINT("state.run.before_publish");
  if (Status published = file_->Publish(RunPath(directory_, number)); !published.ok()) {
    if (!published.Is(errors::kFileAlreadyExists)) return published;
    return Status::Error(errors::kStateConcurrent, {{"path", RunPath(directory_, number)}});
  }
  MS_FAILPOINT("state.run.after_publish");
  return run_;
}

Result<std::shared_ptr<SortedRun>> SortedRun::Open(Fs& fs, const std::string& directory, const SnapshotRun& run) {
  std::string path = RunPath(directory, run.number);
  Result<std::unique_ptr<ReadableFile>> file = fs.OpenForRead(path);
  if (!file.ok()) return file.status().Is(errors::kFileNotFound) || file.status().error_number() == ENOENT ? Damaged(path, "it is missing") : file.status();
  std::shared_ptr<SortedRun> opened(new SortedRun(std::move(file).value(), std::move(path), run));
  MS_RETURN_IF_ERROR(opened->Load());
  return opened;
}

Status SortedRun::Load() {
  MS_ASSIGN_OR_RETURN(FileInfo info, file_->Stat());
  constexpr int64_t kHead = 8, kEnd = kTailBytes + 4;
  if (info.size_bytes != info_.bytes) return Damaged(path_, fmt::format("it has {} bytes, not {}", info.size_bytes, info_.bytes));
  std::string tail(kEnd, '\0');
  if (info.size_bytes < kHead + kEnd) return Damaged(path_, "it is too short");
  MS_ASSIGN_OR_RETURN(int64_t got, file_->ReadAt(info.size_bytes - kEnd, kEnd, tail.data()));
  std::string magic(kHead, '\0');
  MS_ASSIGN_OR_RETURN(int64_t got_magic, file_->ReadAt(0, kHead, magic.data()));
  if (got_magic != kHead || magic != kRunMagic) return Damaged(path_, "it does not begin as such a file does");
  std::string_view rest = tail;
  uint64_t index_size = 0, filter_size = 0, crcs = 0, entries = 0;
  uint32_t crc = 0;
  bool good = got == kEnd && TakeFixed(&rest, &index_size) && TakeFixed(&rest, &filter_size) && TakeFixed(&rest, &crcs) && TakeFixed(&rest, &entries) &&
              TakeFixed(&rest, &crc) && crc == Crc(std::string_view(tail).substr(0, kTailBytes));
  auto body = static_cast<uint64_t>(info.size_bytes - kHead - kEnd);
  if (!good || index_size > body || filter_size > body - index_size || filter_size == 0) return Damaged(path_, "its end is wrong");
  std::string index(index_size, '\0');
  filter_.resize(filter_size);
  auto index_at = info.size_bytes - kEnd - static_cast<int64_t>(filter_size) - static_cast<int64_t>(index_size);
  MS_ASSIGN_OR_RETURN(got, file_->ReadAt(index_at, static_cast<int64_t>(index_size), index.data()));
  MS_ASSIGN_OR_RETURN(int64_t got_filter, file_->ReadAt(index_at + got, static_cast<int64_t>(filter_size), filter_.data()));
  if (static_cast<uint64_t>(got) != index_size || static_cast<uint64_t>(got_filter) != filter_size || Crc(index) != crcs >> 32 ||
      Crc(filter_) != static_cast<uint32_t>(crcs)) {
    return Damaged(path_, "the checksum of its index is wrong");
  }
  for (rest = index; !rest.empty();) {
    std::string_view key;
    uint64_t offset = 0, size = 0;
    if (!TakeBytes(&rest, &key) || !TakeVarint(&rest, &offset) || !TakeVarint(&rest, &size) || !TakeFixed(&rest, &crc)) {
      return Damaged(path_, "its index is wrong");
    }
    index_.push_back({std::string(key), static_cast<int64_t>(offset), static_cast<uint32_t>(size), crc});
  }
  memory_bytes_ = static_cast<int64_t>(filter_.size() + index.size() + index_.size() * sizeof(Block));
  return Status();
}

// The block that would have the key; index_.size() when all keys are larger.
size_t SortedRun::BlockOf(std::string_view key) const {
  auto after = std::upper_bound(index_.begin(), index_.end(), key, [](std::string_view k, const Block& block) { return k < block.first_key; });
  return after == index_.begin() ? index_.size() : static_cast<size_t>(after - index_.begin()) - 1;
}

Status SortedRun::ReadBlock(size_t block, std::string* bytes) {
  const Block& at = index_[block];
  bytes->resize(at.size);
  MS_ASSIGN_OR_RETURN(int64_t got, file_->ReadAt(at.offset, at.size, bytes->data()));
  if (got != at.size || Crc(*bytes) != at.crc) return Damaged(path_, fmt::format("the checksum of the block at byte {} is wrong", at.offset));
  return Status();
}

bool SortedRun::TakeEntry(std::string_view* rest, std::string* key, std::string_view* value, bool* removed) const {
  uint64_t shared = 0, value_size = 0;
  std::string_view unshared;
  if (!TakeVarint(rest, &shared) || shared > key->size() || !TakeBytes(rest, &unshared) || !TakeVarint(rest, &value_size)) return false;
  *removed = value_size == 0;
  if (!*removed) --value_size;
  if (value_size > rest->size()) return false;
  *value = rest->substr(0, value_size);
  rest->remove_prefix(value_size);
  key->resize(shared);
  key->append(unshared);
  return true;
}

Result<RunAnswer> SortedRun::Get(std::string_view key, std::string* value) {
  if (!VisitFilterBits(Hash(key), filter_.size(), [&](uint64_t byte, char bit) { return (filter_[byte] & bit) != 0; })) return RunAnswer::kUnknown;
  size_t block = BlockOf(key);
  if (block == index_.size()) return RunAnswer::kUnknown;
  if (cached_block_ != block) {
    cached_block_ = SIZE_MAX;
    MS_RETURN_IF_ERROR(ReadBlock(block, &cached_bytes_));
    cached_block_ = block;
  }
  std::string at;
  std::string_view rest = cached_bytes_, found;
  bool removed = false;
  while (!rest.empty()) {
    if (!TakeEntry(&rest, &at, &found, &removed)) return Damaged(path_, fmt::format("the block at byte {} is wrong", index_[block].offset));
    if (at < key) continue;
    if (at != key) break;
    if (!removed) value->assign(found);
    return removed ? RunAnswer::kRemoved : RunAnswer::kPresent;
  }
  return RunAnswer::kUnknown;
}

SortedRun::Cursor::Cursor(std::shared_ptr<SortedRun> run, std::string_view begin) : run_(std::move(run)), block_(run_->BlockOf(begin)), begin_(begin) {
  if (block_ == run_->index_.size()) block_ = 0;
}

Result<bool> SortedRun::Cursor::Next() {
  do {
    if (rest_.empty()) {
      if (block_ >= run_->index_.size()) return false;
      MS_RETURN_IF_ERROR(run_->ReadBlock(block_++, &bytes_));
      rest_ = bytes_;
      key_.clear();
    }
    if (!run_->TakeEntry(&rest_, &key_, &value_, &removed_)) return Damaged(run_->path_, "a block of it is wrong");
  } while (key_ < begin_);
  return true;
}

}  // namespace millstream::state_store
