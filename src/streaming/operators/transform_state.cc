#include "streaming/operators/transform_state.h"

#include <arrow/array.h>

#include <limits>

#include "streaming/operators/moment_bytes.h"
#include "streaming/state/state_errors.h"

namespace millstream {
namespace {

using Kind = TransformVariable::Kind;
// Of an answer about one group.
constexpr int64_t kAllEntries = std::numeric_limits<int64_t>::max();
// As millstream_variables.py numbers them.
constexpr int8_t kPut = 0, kRemove = 1, kClear = 2, kReplace = 3;

Status Other(const std::string& what) { return Status::Internal("the Python worker's notes of a variable: " + what); }

}  // namespace

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

Result<std::unique_ptr<TransformState>> TransformState::Open(StateStores& stores, int64_t operator_id, const TransformVariable& variable, int64_t now_ms) {
  std::unique_ptr<TransformState> state(new TransformState(variable));
  state->now_ms_ = now_ms;
  MS_ASSIGN_OR_RETURN(state->store_, stores.Store({.operator_id = operator_id, .name = variable.name}));
  state->entries_ = state->store_;
  if (variable.kind == Kind::kList) {
    MS_ASSIGN_OR_RETURN(state->entries_, stores.Store({.operator_id = operator_id, .name = ItemsStoreName(variable.name)}));
  }
  if (variable.ttl_ms) {
    MS_ASSIGN_OR_RETURN(state->ttl_, stores.Store({.operator_id = operator_id, .name = TtlStoreName(variable.name)}));
  }
  if (variable.kind == Kind::kMap) {
    MS_ASSIGN_OR_RETURN(state->key_encoder_, RowEncoder::Make(variable.columns, RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(state->keys_, RowDecoder::Make(variable.columns, RowLayout::kKey));
  }
  MS_ASSIGN_OR_RETURN(state->value_encoder_, RowEncoder::Make(variable.values, RowLayout::kValue));
  MS_ASSIGN_OR_RETURN(state->values_, RowDecoder::Make(variable.values, RowLayout::kValue));
  return state;
}

Result<bool> TransformState::Delete(StateStores& stores, int64_t operator_id, const std::string& name) {
  bool found = false;
  for (const StateStoreId& id : stores.Ids()) {
    if (id.operator_id != operator_id || (id.name != name && id.name != TtlStoreName(name) && id.name != ItemsStoreName(name))) continue;
    MS_ASSIGN_OR_RETURN(StateStore * store, stores.Store(id));
    if (store->rows() == 0) continue;
    found = true;
    MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, store->Scan({}, {}));
    std::string_view key, value;
    for (;;) {
      MS_ASSIGN_OR_RETURN(bool more, walk->Next(&key, &value));
      if (!more) break;
      MS_RETURN_IF_ERROR(walk->Remove());
    }
  }
  return found;
}

bool TransformState::IsOver(std::string_view entry) const { return ttl_ != nullptr && entry.size() >= kMomentBytes && MomentOf(entry) <= now_ms_; }

std::string_view TransformState::RowOf(std::string_view entry) const { return variable_.ttl_ms ? entry.substr(std::min(kMomentBytes, entry.size())) : entry; }

Status TransformState::Note(std::string_view entry_key, size_t group_bytes, std::string_view entry) {
  if (keys_ != nullptr) {
    std::string_view user_key = entry_key.substr(group_bytes);
    MS_RETURN_IF_ERROR(keys_->Append(&user_key));
  }
  std::string_view row = RowOf(entry);
  return values_->Append(&row);
}

Result<bool> TransformState::Walk(std::string_view key, std::string_view from, int64_t max, std::vector<std::pair<std::string, std::string>>* found,
                                  std::string* after) {
  after->clear();
  if (variable_.kind == Kind::kValue) {
    std::string entry;
    MS_ASSIGN_OR_RETURN(bool exists, store_->Get(key, &entry));
    if (exists && !IsOver(entry)) found->emplace_back(std::string(key), std::move(entry));
    return true;
  }
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, entries_->Scan(from.empty() ? key : from, PrefixEnd(key)));
  std::string_view entry_key, entry;
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, walk->Next(&entry_key, &entry));
    if (!more) return true;
    if (IsOver(entry)) continue;
    if (static_cast<int64_t>(found->size()) == max) {
      *after = found->back().first + '\0';
      return false;
    }
    found->emplace_back(std::string(entry_key), std::string(entry));
  }
}

Result<int64_t> TransformState::Read(std::string_view key, int64_t max, std::string* after) {
  std::vector<std::pair<std::string, std::string>> found;
  const std::string from = *after;
  MS_RETURN_IF_ERROR(Walk(key, from, max, &found, after).status());
  for (const auto& [entry_key, entry] : found) MS_RETURN_IF_ERROR(Note(entry_key, key.size(), entry));
  return static_cast<int64_t>(found.size());
}

Result<int64_t> TransformState::ReadFew(std::string_view key, int64_t max) {
  std::vector<std::pair<std::string, std::string>> found;
  std::string after;
  MS_ASSIGN_OR_RETURN(bool all, Walk(key, {}, max, &found, &after));
  if (!all) return int64_t{-1};
  for (const auto& [entry_key, entry] : found) MS_RETURN_IF_ERROR(Note(entry_key, key.size(), entry));
  return static_cast<int64_t>(found.size());
}

Status TransformState::ReadEntry(std::string_view key, const RecordBatchPtr& user_key) {
  if (key_encoder_ == nullptr || user_key->num_rows() != 1) return Other("an entry of what is no map");
  MS_RETURN_IF_ERROR(key_encoder_->Bind(*user_key));
  std::string entry_key(key), entry;
  key_encoder_->Encode(0, &entry_key);
  MS_ASSIGN_OR_RETURN(bool exists, entries_->Get(entry_key, &entry));
  if (!exists || IsOver(entry)) return Status();
  std::string_view row = RowOf(entry);
  return values_->Append(&row);
}

Result<std::vector<RecordBatchPtr>> TransformState::Take() {
  std::vector<RecordBatchPtr> tables;
  if (keys_ != nullptr) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr keys, keys_->Finish());
    tables.push_back(std::move(keys));
  }
  MS_ASSIGN_OR_RETURN(RecordBatchPtr values, values_->Finish());
  tables.push_back(std::move(values));
  return tables;
}

Status TransformState::Apply(const std::vector<std::string>& groups, const std::vector<RecordBatchPtr>& given, Counts* counts) {
  const arrow::RecordBatch& notes = *given.at(0);
  if (given.size() != tables() || notes.num_columns() != 2 || notes.column(0)->type_id() != arrow::Type::INT64 ||
      notes.column(1)->type_id() != arrow::Type::INT8)
    return Other("another form");
  const auto& group_of = static_cast<const arrow::Int64Array&>(*notes.column(0));
  const auto& actions = static_cast<const arrow::Int8Array&>(*notes.column(1));
  const RecordBatchPtr& values = given.back();
  MS_RETURN_IF_ERROR(value_encoder_->Bind(*values));
  const bool is_map = variable_.kind == Kind::kMap;
  if (is_map) MS_RETURN_IF_ERROR(key_encoder_->Bind(*given[1]));
  int64_t next_key = 0, next_value = 0;
  std::string row, entry_key;
  for (int64_t i = 0; i < notes.num_rows(); ++i) {
    if (group_of.Value(i) < 0 || group_of.Value(i) >= static_cast<int64_t>(groups.size())) return Other("a group that is not there");
    const std::string& key = groups[static_cast<size_t>(group_of.Value(i))];
    const int8_t action = actions.Value(i);
    entry_key = key;
    if (is_map && (action == kPut || action == kRemove)) {
      if (next_key == given[1]->num_rows()) return Other("a key is missing");
      key_encoder_->Encode(next_key++, &entry_key);
    }
    if (action == kPut) {
      if (next_value == values->num_rows()) return Other("a value is missing");
      row.clear();
      value_encoder_->Encode(next_value++, &row);
      MS_RETURN_IF_ERROR(variable_.kind == Kind::kList ? Append(key, row, counts) : Put(entry_key, row, counts));
    } else if (action == kRemove) {
      MS_RETURN_IF_ERROR(Remove(entry_key, is_map, counts));
    } else if (action == kClear || action == kReplace) {
      MS_RETURN_IF_ERROR(RemoveAll(key, action == kClear && (variable_.ttl_ms.has_value() || !is_map), counts));
    } else {
      return Other("an action of another kind");
    }
  }
  return Status();
}

Status TransformState::Put(const std::string& entry_key, std::string_view row, Counts* counts) {
  if (ttl_ == nullptr) return store_->Put(entry_key, row);
  const std::string moment = MomentBytes(now_ms_ + *variable_.ttl_ms);
  std::string entry = moment, old;
  entry += row;
  MS_ASSIGN_OR_RETURN(bool exists, store_->Get(entry_key, &old));
  if (exists && old == entry) return Status();
  ++counts->updated;
  if (exists && old.size() >= kMomentBytes) MS_RETURN_IF_ERROR(ttl_->Remove(old.substr(0, kMomentBytes) + entry_key));
  MS_RETURN_IF_ERROR(ttl_->Put(moment + entry_key, ""));
  return store_->Put(entry_key, entry);
}

Status TransformState::Remove(const std::string& entry_key, bool count_missing, Counts* counts) {
  // What has no time to live is counted by Python.
  if (ttl_ == nullptr) return store_->Remove(entry_key);
  std::string old;
  MS_ASSIGN_OR_RETURN(bool exists, store_->Get(entry_key, &old));
  if (exists || count_missing) ++counts->removed;
  if (!exists) return Status();
  if (old.size() >= kMomentBytes) MS_RETURN_IF_ERROR(ttl_->Remove(old.substr(0, kMomentBytes) + entry_key));
  return store_->Remove(entry_key);
}

Result<TransformState::ListHead> TransformState::HeadOf(std::string_view key) const {
  std::string bytes;
  MS_ASSIGN_OR_RETURN(bool exists, store_->Get(key, &bytes));
  if (!exists) return ListHead{};
  if (bytes.size() != 2 * kMomentBytes)
    return Status::Error(errors::kStateValueRowFormat, {{"stateStoreID", variable_.name}, {"errorMsg", "the head of a list has 16 bytes"}});
  return ListHead{.count = MomentOf(bytes), .next = MomentOf(std::string_view(bytes).substr(kMomentBytes))};
}

Status TransformState::PutHead(const std::string& key, ListHead head) {
  return head.count == 0 ? store_->Remove(key) : store_->Put(key, MomentBytes(head.count) + MomentBytes(head.next));
}

Status TransformState::Append(const std::string& key, std::string_view row, Counts* counts) {
  MS_ASSIGN_OR_RETURN(ListHead head, HeadOf(key));
  const std::string item_key = key + MomentBytes(head.next);
  std::string entry = ttl_ != nullptr ? MomentBytes(now_ms_ + *variable_.ttl_ms) : std::string();
  if (ttl_ != nullptr) {
    MS_RETURN_IF_ERROR(ttl_->Put(entry + item_key, ""));
    ++counts->updated;
  }
  entry += row;
  MS_RETURN_IF_ERROR(entries_->Put(item_key, entry));
  return PutHead(key, {head.count + 1, head.next + 1});
}

Status TransformState::RemoveAll(const std::string& key, bool counts_them, Counts* counts) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, entries_->Scan(key, PrefixEnd(key)));
  std::string_view entry_key, entry;
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, walk->Next(&entry_key, &entry));
    if (!more) break;
    if (counts_them) ++counts->removed;
    if (ttl_ != nullptr && entry.size() >= kMomentBytes) MS_RETURN_IF_ERROR(ttl_->Remove(std::string(entry.substr(0, kMomentBytes)) += entry_key));
    MS_RETURN_IF_ERROR(walk->Remove());
  }
  return variable_.kind == Kind::kList ? store_->Remove(key) : Status();
}

Status TransformState::RemoveItem(const std::string& item_key) {
  MS_RETURN_IF_ERROR(entries_->Remove(item_key));
  const std::string key = item_key.substr(0, item_key.size() - std::min(kMomentBytes, item_key.size()));
  MS_ASSIGN_OR_RETURN(ListHead head, HeadOf(key));
  return PutHead(key, {head.count - 1, head.next});
}

Status TransformState::DropExpired(Counts* counts) {
  if (ttl_ == nullptr) return Status();
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, ttl_->Scan({}, MomentBytes(now_ms_ == kAllEntries ? now_ms_ : now_ms_ + 1)));
  std::string_view at, nothing;
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, walk->Next(&at, &nothing));
    if (!more) return Status();
    const std::string entry_key(at.substr(kMomentBytes));
    MS_RETURN_IF_ERROR(walk->Remove());
    MS_RETURN_IF_ERROR(variable_.kind == Kind::kList ? RemoveItem(entry_key) : store_->Remove(entry_key));
    ++counts->removed;
    ++counts->expired;
  }
}

}  // namespace millstream
