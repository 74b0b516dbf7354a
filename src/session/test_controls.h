#pragma once

// test_controls.h   What a test may do to an engine that was opened for tests (EngineOptions.testing; `millstream serve --testing`): fill memory
// sources, hold the clock, make the engine fail in the middle of a batch. Reached as settings, so that a stock client can: see docs/testing.md.
//
//   millstream.testing.clock        "1767225600000": the clock stands there.  "+10000": it goes on by so much.  "system": it runs again.
//   millstream.testing.failpoints   "stream.after_sink=error:5", of the whole engine; "": none

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/api/source.h"
#include "connectors/api/table.h"

namespace millstream {

inline constexpr std::string_view kTestingPrefix = "millstream.testing.";
inline constexpr std::string_view kTestingClock = "millstream.testing.clock";
inline constexpr std::string_view kTestingFailpoints = "millstream.testing.failpoints";
// Of writeStream.format("memory"): a restarted query goes on with the rows that its table holds.
inline constexpr std::string_view kTestingKeepsRows = "millstream.testing.keepsRows";

// The system's clock until it is set; then it stands. Durations are real ones all the time. Thread-safe.
class HeldClock : public Clock {
 public:
  int64_t WallMillis() override;
  int64_t MonotonicMicros() override { return System().MonotonicMicros(); }
  bool moves_by_itself() const override { return held_ms_.load() < 0; }
  // A value of millstream.testing.clock.
  Status Set(const std::string& value);

 private:
  std::atomic<int64_t> held_ms_{-1};
};

// A stream that a test fills: each addition is an offset, "0", "1" …, as those of Spark's MemoryStream. Thread-safe.
class MemoryStreamData {
 public:
  explicit MemoryStreamData(StructType schema);
  const StructType& schema() const { return schema_; }
  void Add(std::vector<RecordBatchPtr> rows);
  int64_t additions() const;
  // Of the additions (after, to].
  std::vector<RecordBatchPtr> Rows(int64_t after, int64_t to) const;

 private:
  StructType schema_;
  mutable std::mutex mutex_;
  std::vector<std::vector<RecordBatchPtr>> additions_;  // GUARDED_BY(mutex_)
};

// Thread-safe.
class MemoryStreamTable {
 public:
  // The stream of that name; made when there is none. Another schema than it has is an error.
  Result<std::shared_ptr<MemoryStreamData>> FindOrMake(const std::string& name, const StructType& schema);
  std::shared_ptr<MemoryStreamData> Find(const std::string& name) const;
  void Remove(const std::string& name);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<MemoryStreamData>> streams_;  // GUARDED_BY(mutex_)
};

RelationSourcePtr MakeMemoryStreamRelation(std::string name, std::shared_ptr<MemoryStreamData> data);

}  // namespace millstream
