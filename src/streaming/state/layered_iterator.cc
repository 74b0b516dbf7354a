#include <optional>

#include "streaming/state/layered_store.h"
#include "streaming/state/run_merge.h"

namespace millstream::state_store {

// Goes on after the last key when what it walks on has moved.
class LayeredIterator : public StateIterator {
 public:
  LayeredIterator(LayeredStore& store, std::string_view begin, std::string_view end) : store_(store), begin_(begin), end_(end) {}

  void Seek(std::string_view begin, std::string_view end) override {
    begin_.assign(begin);
    end_.assign(end);
    has_key_ = false;
    if (started_ && layout_ == store_.layout_ && store_.complete_) {
      SeekMemory();
    } else {
      started_ = false;
    }
  }

  Result<bool> Next(std::string_view* key, std::string_view* value) override {
    for (;;) {
      if (!started_ || layout_ != store_.layout_) {
        MS_RETURN_IF_ERROR(SeekRuns());
        SeekMemory();
      } else if (generation_ != store_.tree_.generation()) {
        SeekMemory();
      }
      if (entry_ == nullptr && !run_valid_) return false;
      int order = entry_ == nullptr ? 1 : !run_valid_ ? -1 : entry_->key().compare(runs_->key());
      std::string_view at = order <= 0 ? entry_->key() : runs_->key();
      if (!end_.empty() && at >= end_) return false;
      bool removed = order <= 0 ? entry_->removed : runs_->removed();
      key_.assign(at);
      has_key_ = true;
      given_ = order <= 0 ? entry_ : nullptr;
      if (!removed) value_.assign(order <= 0 ? entry_->value() : runs_->value());
      if (order >= 0) {
        MS_ASSIGN_OR_RETURN(run_valid_, runs_->Next());
      }
      if (order <= 0) entry_ = memory_.Next();
      if (removed) continue;
      *key = key_;
      *value = value_;
      return true;
    }
  }

  Status Remove() override {
    if (given_ == nullptr || layout_ != store_.layout_ || generation_ != store_.tree_.generation()) return store_.Remove(key_);
    return store_.RemoveEntry(given_);
  }

 private:
  Status SeekRuns() {
    GoOn();
    started_ = true;
    layout_ = store_.layout_;
    runs_.reset();
    run_valid_ = false;
    if (store_.complete_) return Status();
    runs_.emplace(store_.runs_, begin_);
    MS_ASSIGN_OR_RETURN(run_valid_, runs_->Next());
    return Status();
  }
  void SeekMemory() {
    GoOn();
    generation_ = store_.tree_.generation();
    memory_.Seek(store_.tree_, begin_);
    entry_ = memory_.Next();
  }

  // After the last key that was seen.
  void GoOn() {
    if (!has_key_) return;
    begin_ = key_;
    begin_.push_back('\0');
    has_key_ = false;
  }

  LayeredStore& store_;
  std::string begin_;  // what comes next is not less
  std::string end_;
  bool started_ = false;
  uint64_t layout_ = 0, generation_ = 0;
  KeyTree::Cursor memory_;
  Entry* entry_ = nullptr;  // what comes next
  Entry* given_ = nullptr;  // of the last key, when memory has it
  std::optional<RunMerge> runs_;
  bool run_valid_ = false;
  bool has_key_ = false;  // begin_ is that of an earlier key
  std::string key_, value_;
};

Result<std::unique_ptr<StateIterator>> LayeredStore::Scan(std::string_view begin, std::string_view end) {
  return std::unique_ptr<StateIterator>(std::make_unique<LayeredIterator>(*this, begin, end));
}

}  // namespace millstream::state_store
