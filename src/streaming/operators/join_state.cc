#include "streaming/operators/join_state.h"

#include <arrow/array.h>

#include <algorithm>
#include <array>

#include "streaming/state/byte_order.h"

namespace millstream {
namespace {

constexpr size_t kNumberBytes = 8;
constexpr int kBucketBits = 24;  // about 17 s
constexpr int64_t kListsBytesMax = 4 << 20;
constexpr size_t kListBytesMax = 64 << 10;

void PutOrdered(int64_t value, std::string* out) {
  uint64_t bits = state_codec::BigEndian(state_codec::OrderedBits(value));
  out->append(reinterpret_cast<const char*>(&bits), sizeof(bits));
}

}  // namespace

Result<std::unique_ptr<JoinState>> JoinState::Open(const BatchContext& batch, int64_t operator_id, const std::string& side, bool expires) {
  std::unique_ptr<JoinState> state(new JoinState);
  state->batch_ = batch.id.value();
  MS_ASSIGN_OR_RETURN(state->rows_, batch.stores->Store({.operator_id = operator_id, .partition = 0, .name = side}));
  if (expires) {
    MS_ASSIGN_OR_RETURN(state->times_, batch.stores->Store({.operator_id = operator_id, .partition = 0, .name = side + "-times"}));
  }
  return state;
}

Status JoinState::Begin(std::string_view key) {
  key_.assign(key);
  if (of_key_ != nullptr) {
    of_key_->Seek(key_, "");
    return Status();
  }
  MS_ASSIGN_OR_RETURN(of_key_, rows_->Scan(key_, ""));
  return Status();
}

Result<bool> JoinState::Next(Kept* kept) {
  std::string_view value;
  MS_ASSIGN_OR_RETURN(bool more, of_key_->Next(&kept->state_key, &value));
  if (!more || kept->state_key.size() != key_.size() + kNumberBytes || !kept->state_key.starts_with(key_)) return false;
  if (value.empty()) return Status::Internal("a kept row of a join is empty");
  kept->met = value[0] != 0;
  kept->row = value.substr(1);
  return true;
}

Status JoinState::Keep(std::string_view key, std::string_view row, bool met, std::optional<int64_t> expiry_us) {
  state_key_.assign(key);
  PutOrdered(batch_ << 32 | next_in_batch_++, &state_key_);
  value_.assign(1, met ? '\1' : '\0');
  value_.append(row);
  MS_RETURN_IF_ERROR(rows_->Put(state_key_, value_));
  if (times_ == nullptr || !expiry_us) return Status();
  std::string& list = expiring_[*expiry_us >> kBucketBits];
  state_codec::PutFixed(*expiry_us, &list);
  state_codec::PutVarint(state_key_.size(), &list);
  list.append(state_key_);
  expiring_bytes_ += static_cast<int64_t>(state_key_.size()) + 9;
  if (list.size() >= kListBytesMax) return PutList(*expiry_us >> kBucketBits, &list);
  return expiring_bytes_ > kListsBytesMax ? EndKeeping() : Status();
}

Status JoinState::PutList(int64_t bucket, std::string* list) {
  std::string key;
  PutOrdered(bucket, &key);
  PutOrdered(batch_ << 32 | lists_++, &key);
  MS_RETURN_IF_ERROR(times_->Put(key, *list));
  expiring_bytes_ -= static_cast<int64_t>(list->size());
  list->clear();
  return Status();
}

Status JoinState::EndKeeping() {
  for (auto& [bucket, list] : expiring_) {
    if (!list.empty()) MS_RETURN_IF_ERROR(PutList(bucket, &list));
  }
  expiring_.clear();
  expiring_bytes_ = 0;
  return Status();
}

Result<bool> JoinState::Meet(std::string_view state_key) {
  MS_ASSIGN_OR_RETURN(bool found, rows_->Get(state_key, &value_));
  if (!found || value_.empty()) return Status::Internal("a kept row of a join is gone");
  if (value_[0] != 0) return false;
  value_[0] = '\1';
  MS_RETURN_IF_ERROR(rows_->Put(state_key, value_));
  return true;
}

Result<bool> JoinState::Forget(std::string_view state_key) {
  MS_ASSIGN_OR_RETURN(bool found, rows_->Get(state_key, &value_));
  if (found) MS_RETURN_IF_ERROR(rows_->Remove(state_key));
  return found;
}

Result<bool> JoinState::NextBucket(int64_t through_us) {
  if (old_ == nullptr) {
    std::string end;
    PutOrdered((through_us >> kBucketBits) + 1, &end);
    MS_ASSIGN_OR_RETURN(old_, times_->Scan("", end));
  }
  std::string_view key, list;
  MS_ASSIGN_OR_RETURN(bool more, old_->Next(&key, &list));
  if (!more) return false;
  list_key_.assign(key);
  list_.assign(list);
  rest_ = list_;
  staying_.clear();
  return true;
}

void JoinState::PrefetchList() {
  std::array<std::string_view, 32> keys;
  std::string_view ahead = rest_;
  int64_t expiry_us = 0;
  uint64_t size = 0;
  while (prefetched_ < keys.size() && state_codec::TakeFixed(&ahead, &expiry_us) && state_codec::TakeVarint(&ahead, &size) && size <= ahead.size()) {
    keys[prefetched_++] = ahead.substr(0, size);
    ahead.remove_prefix(size);
  }
  rows_->Prefetch({keys.data(), prefetched_});
  // A broken entry is found by whoever takes it.
  prefetched_ = std::max<size_t>(prefetched_, 1);
}

Status JoinState::EndBucket() {
  prefetched_ = 0;
  if (list_key_.empty() || staying_.size() == list_.size()) return Status();
  MS_RETURN_IF_ERROR(staying_.empty() ? times_->Remove(list_key_) : times_->Put(list_key_, staying_));
  list_key_.clear();
  return Status();
}

Result<bool> JoinState::LetGo(int64_t through_us, bool* met, std::string_view* row) {
  if (times_ == nullptr) return false;
  for (;;) {
    while (!rest_.empty()) {
      if (prefetched_ == 0) PrefetchList();
      --prefetched_;
      std::string_view entry = rest_, state_key;
      int64_t expiry_us = 0;
      uint64_t size = 0;
      if (!state_codec::TakeFixed(&rest_, &expiry_us) || !state_codec::TakeVarint(&rest_, &size) || size > rest_.size()) {
        return Status::Internal("a list of expiring rows is broken");
      }
      state_key = rest_.substr(0, size);
      rest_.remove_prefix(size);
      if (expiry_us > through_us) {
        staying_.append(entry.substr(0, entry.size() - rest_.size()));
        continue;
      }
      MS_ASSIGN_OR_RETURN(bool found, rows_->Get(state_key, &value_));
      if (!found) continue;  // forgotten before its time
      if (value_.empty()) return Status::Internal("a kept row of a join is empty");
      MS_RETURN_IF_ERROR(rows_->Remove(state_key));
      *met = value_[0] != 0;
      *row = std::string_view(value_).substr(1);
      return true;
    }
    MS_RETURN_IF_ERROR(EndBucket());
    MS_ASSIGN_OR_RETURN(bool more, NextBucket(through_us));
    if (!more) return false;
  }
}

}  // namespace millstream
