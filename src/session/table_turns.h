#pragma once

// table_turns.h   Lets a statement that has lost races against others of this process run alone.

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

namespace millstream {

// Statements that change rows of a table run side by side, and one of two that touch the same rows is run again. The more of them there are, the more
// often one loses; after a few times it asks for a turn of its own. Thread-safe.
class TableTurns {
 public:
  // Held while a statement runs.
  class Turn {
   public:
    Turn(std::shared_ptr<std::shared_mutex> table, bool is_alone) : table_(std::move(table)), is_alone_(is_alone) {
      if (is_alone_) {
        table_->lock();
      } else {
        table_->lock_shared();
      }
    }
    ~Turn() {
      if (is_alone_) {
        table_->unlock();
      } else {
        table_->unlock_shared();
      }
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    const std::shared_ptr<std::shared_mutex> table_;
    const bool is_alone_;
  };

  // The `attempt`-th try of a statement on the table at `location`, counted from 1.
  Turn Take(const std::string& location, int attempt) { return Turn(TableAt(location), attempt > kSideBySideMax); }

 private:
  static constexpr int kSideBySideMax = 2;

  std::shared_ptr<std::shared_mutex> TableAt(const std::string& location) {
    std::lock_guard lock(mutex_);
    std::weak_ptr<std::shared_mutex>& found = tables_[location];
    std::shared_ptr<std::shared_mutex> table = found.lock();
    if (!table) {
      std::erase_if(tables_, [&](const auto& entry) { return entry.first != location && entry.second.expired(); });
      table = std::make_shared<std::shared_mutex>();
      tables_[location] = table;
    }
    return table;
  }

  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<std::shared_mutex>> tables_;  // GUARDED_BY(mutex_); those that are in use
};

}  // namespace millstream
