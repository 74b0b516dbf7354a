#pragma once

// state_store.h   What the stateful operators of one query remember between batches: ordered key-value stores with versions
// (org.apache.spark.sql.execution.streaming.state.StateStore).
//
// Version v is the state after batch v - 1, as in Spark: a batch N reads version N and commits version N + 1. All stores of a query commit together, in
// one durable step, after the sink has the batch and before the commit log names it. So what is found after a crash is one of:
//   version N       batch N has not been committed by the state: it is run again from here
//   version N + 1   the sink has batch N: it must not run again, only commits/N is missing

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "storage/fs.h"

namespace millstream {

// Which store: Spark's <operator>/<partition>/<name>.
struct StateStoreId {
  int64_t operator_id = 0;
  int32_t partition = 0;
  std::string name = "default";
  auto operator<=>(const StateStoreId&) const = default;
};

// Walks keys in byte order. The store may be changed meanwhile: what was walked already does not matter, what comes later may be seen changed or not.
class StateIterator {
 public:
  virtual ~StateIterator() = default;
  // False at the end. The views hold until the next call.
  virtual Result<bool> Next(std::string_view* key, std::string_view* value) = 0;
  // Begins another walk, over [begin, end): cheaper than another iterator.
  virtual void Seek(std::string_view begin, std::string_view end) = 0;
  // Removes from the store what Next has given last: cheaper than asking the store to.
  virtual Status Remove() = 0;
};

// One store, as the running batch sees it: the committed version with the batch's own changes over it. Not thread-safe; different stores may be used
// from different threads.
class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual Result<bool> Get(std::string_view key, std::string* value) = 0;
  virtual Status Put(std::string_view key, std::string_view value) = 0;
  virtual Status Remove(std::string_view key) = 0;
  // Says that these keys are asked for next: many at once are found in half the time. A few dozen; only a hint.
  virtual void Prefetch(std::span<const std::string_view> keys) = 0;
  // Keys in [begin, end); an empty `end` is no bound.
  virtual Result<std::unique_ptr<StateIterator>> Scan(std::string_view begin, std::string_view end) = 0;
  virtual int64_t rows() const = 0;          // numRowsTotal
  virtual int64_t memory_bytes() const = 0;  // memoryUsedBytes
};

struct StateStoresOptions {
  std::string directory;                        // <checkpoint>/state (raw path; made when missing)
  int64_t memory_bytes_max = int64_t{1} << 30;  // of all stores together; what does not fit is on disk
  int64_t versions_kept = 100;                  // spark.sql.streaming.minBatchesToRetain
  int64_t versions_per_snapshot = 100;          // after so many, or so many bytes, of changes a restart need not read them all
};

// All stores of one query.
class StateStores {
 public:
  // The newest durable version, whatever a crash left behind. STATE_STORE_… errors when the directory is damaged or of another kind (Spark's own state).
  static Result<std::unique_ptr<StateStores>> Open(Fs& fs, StateStoresOptions options);
  // One version, for a reader beside the query that may be running: nothing on disk is changed, now or later, and there is nothing to commit.
  static Result<std::unique_ptr<StateStores>> OpenAt(Fs& fs, const std::string& directory, int64_t version);
  virtual ~StateStores() = default;

  virtual int64_t version() const = 0;  // 0: nothing committed yet
  // Made when missing. Lives as long as this. Thread-safe, unlike all below.
  virtual Result<StateStore*> Store(const StateStoreId& id) = 0;
  virtual std::vector<StateStoreId> Ids() const = 0;
  // Makes the changes of all stores durable, as `version`. `note` is kept with it (what the engine must know to finish the batch without running it).
  // MILLSTREAM_STATE_STORE_CONCURRENT_COMMIT when another run of the query was first.
  virtual Status Commit(int64_t version, std::string_view note) = 0;
  virtual Result<std::string> Note(int64_t version) const = 0;
  // Forgets the changes since the last Commit: the batch failed and runs again. After a failed Commit the only way on, or to open anew.
  virtual Status Abort() = 0;
  // Back to an older version that is still kept: its batch is to run again because the logs were cut back.
  virtual Status RollBackTo(int64_t version) = 0;
};

}  // namespace millstream
