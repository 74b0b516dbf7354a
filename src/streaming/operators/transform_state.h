#pragma once

// transform_state.h   What is kept of one variable of transformWithState, for all groups.
//
// A value is kept under the group's key, an entry of a map under the key and its own. Of a list, the key has how many elements there are and the number of the
// next, and "$items_<name>" has them under key ‖ number. Where a variable has a time to live, each entry begins with the moment (milliseconds) that it is over,
// and "$ttl_<name>" has (moment ‖ the entry's key): forgetting costs what is forgotten.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "streaming/operators/transform_variables.h"
#include "streaming/state/row_codec.h"

namespace millstream {

class TransformState {
 public:
  // What Spark counts.
  struct Counts {
    int64_t updated = 0, removed = 0, expired = 0;
  };

  static Result<std::unique_ptr<TransformState>> Open(StateStores& stores, int64_t operator_id, const TransformVariable& variable, int64_t now_ms);
  // All that is kept of the variable goes; false: there was nothing.
  static Result<bool> Delete(StateStores& stores, int64_t operator_id, const std::string& name);

  // Notes the entries of a group for Take, at most `max`, from the one behind `*after` on (empty: the first). `*after` is where to go on, or empty. Entries
  // that are over are left out.
  Result<int64_t> Read(std::string_view key, int64_t max, std::string* after);
  // The same when there are at most `max`; else notes nothing and gives -1.
  Result<int64_t> ReadFew(std::string_view key, int64_t max);
  // The entry of a map whose key is in `user_key`, a batch of one row.
  Status ReadEntry(std::string_view key, const RecordBatchPtr& user_key);
  // What was noted: the values, or the keys and values of a map.
  Result<std::vector<RecordBatchPtr>> Take();

  // What Python has noted (millstream_variables.py): (group, action), the keys of a map, values.
  size_t tables() const { return variable_.kind == TransformVariable::Kind::kMap ? 3 : 2; }
  Status Apply(const std::vector<std::string>& groups, const std::vector<RecordBatchPtr>& tables, Counts* counts);
  // What is over by now goes.
  Status DropExpired(Counts* counts);

 private:
  struct ListHead {
    int64_t count = 0, next = 0;
  };
  explicit TransformState(const TransformVariable& variable) : variable_(variable) {}

  bool IsOver(std::string_view entry) const;
  std::string_view RowOf(std::string_view entry) const;
  Status Note(std::string_view entry_key, size_t group_bytes, std::string_view entry);
  // Collects (key, entry) pairs of a group that are not over.
  Result<bool> Walk(std::string_view key, std::string_view from, int64_t max, std::vector<std::pair<std::string, std::string>>* found, std::string* after);

  Status Put(const std::string& entry_key, std::string_view row, Counts* counts);
  Status Remove(const std::string& entry_key, bool count_missing, Counts* counts);
  Status Append(const std::string& key, std::string_view row, Counts* counts);
  Status RemoveAll(const std::string& key, bool counts_them, Counts* counts);
  Status RemoveItem(const std::string& item_key);
  Result<ListHead> HeadOf(std::string_view key) const;
  Status PutHead(const std::string& key, ListHead head);

  const TransformVariable variable_;
  int64_t now_ms_ = 0;
  StateStore* store_ = nullptr;
  StateStore* entries_ = nullptr;  // the same, or the elements of lists
  StateStore* ttl_ = nullptr;
  std::unique_ptr<RowEncoder> key_encoder_, value_encoder_;
  std::unique_ptr<RowDecoder> keys_, values_;
};

// The keys that begin so are those from it up to this.
std::string PrefixEnd(std::string_view prefix);

}  // namespace millstream
