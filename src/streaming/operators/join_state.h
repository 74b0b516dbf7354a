#pragma once

// join_state.h   The rows of one side of a stream-stream join that are kept.
//
// "left": key ‖ number → [1 when the row has met another][row]. The number (batch, place in it) tells rows of one key apart.
// "left-times": bucket of some seconds ‖ batch ‖ place → the keys in "left" of rows that expire in the bucket, each with its expiry: letting go of old
// rows costs what goes, and noting when a row goes costs little more than its bytes.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "streaming/operators/stream_join.h"
#include "streaming/state/row_codec.h"

namespace millstream {

class JoinState {
 public:
  // `side`: "left" or "right".
  static Result<std::unique_ptr<JoinState>> Open(const BatchContext& batch, int64_t operator_id, const std::string& side, bool expires);

  // Kept rows of a key, in the order in which they came.
  struct Kept {
    std::string_view state_key;
    bool met;
    std::string_view row;  // as RowLayout::kValue
  };
  Status Begin(std::string_view key);
  // False at the end. The views hold until the next call.
  Result<bool> Next(Kept* kept);

  void Prefetch(std::span<const std::string_view> keys) { rows_->Prefetch(keys); }
  Status Keep(std::string_view key, std::string_view row, bool met, std::optional<int64_t> expiry_us);
  // True: it had met nobody yet.
  Result<bool> Meet(std::string_view state_key);
  // It is kept no longer; false: it was not.
  Result<bool> Forget(std::string_view state_key);

  // After the last Keep of the batch, and before LetGo.
  Status EndKeeping();
  // Lets go of a row whose expiry is not after `through_us`; false when there is none. `row` holds until the next call.
  Result<bool> LetGo(int64_t through_us, bool* met, std::string_view* row);

  int64_t rows() const { return rows_->rows(); }
  int64_t memory_bytes() const { return rows_->memory_bytes() + (times_ == nullptr ? 0 : times_->memory_bytes()); }

 private:
  JoinState() = default;
  StateStore* rows_ = nullptr;
  StateStore* times_ = nullptr;
  int64_t batch_ = 0;
  uint32_t next_in_batch_ = 0;
  Result<bool> NextBucket(int64_t through_us);
  Status EndBucket();
  void PrefetchList();
  Status PutList(int64_t bucket, std::string* list);

  std::unique_ptr<StateIterator> of_key_, old_;
  std::string key_, state_key_, value_;
  std::map<int64_t, std::string> expiring_;  // bucket → what the batch adds to it
  int64_t expiring_bytes_ = 0;
  uint32_t lists_ = 0;
  // The list that is being let go of: what is left of it, and what stays.
  std::string list_key_, list_, staying_;
  std::string_view rest_;
  size_t prefetched_ = 0;
};

}  // namespace millstream
