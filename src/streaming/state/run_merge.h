#pragma once

// run_merge.h   Several runs as one: ascending keys, and of each key only what the newest run says.

#include <memory>
#include <utility>
#include <vector>

#include "streaming/state/sorted_run.h"

namespace millstream::state_store {

class RunMerge {
 public:
  // Oldest first; from the first key that is not less than `begin`.
  RunMerge(const std::vector<std::shared_ptr<SortedRun>>& runs, std::string_view begin) {
    sources_.reserve(runs.size());
    for (const auto& run : runs) sources_.push_back({SortedRun::Cursor(run, begin), true, true});
  }
  // False at the end. The views hold until the next call.
  Result<bool> Next() {
    const Source* best = nullptr;
    for (Source& source : sources_) {
      if (std::exchange(source.taken, false) && source.valid) {
        MS_ASSIGN_OR_RETURN(source.valid, source.cursor.Next());
      }
    }
    for (Source& source : sources_) {
      if (source.valid && (best == nullptr || source.cursor.key() <= best->cursor.key())) best = &source;
    }
    best_ = best;
    if (best == nullptr) return false;
    for (Source& source : sources_) source.taken = source.valid && source.cursor.key() == best->cursor.key();
    return true;
  }
  std::string_view key() const { return best_->cursor.key(); }
  std::string_view value() const { return best_->cursor.value(); }
  bool removed() const { return best_->cursor.removed(); }

 private:
  struct Source {
    SortedRun::Cursor cursor;
    bool valid, taken;
  };
  std::vector<Source> sources_;  // few: each is half of the one before
  const Source* best_ = nullptr;
};

}  // namespace millstream::state_store
