#pragma once

// world.h   What is around a simulated query: numbers that keep coming, and a directory of batches that it writes to.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/api/source.h"
#include "planted_bug.h"
#include "random.h"
#include "storage/fs.h"

namespace millstream::simulation {

// Rows that survive everything until the query says that they may be forgotten. Row `i` is always the same.
struct Numbers {
  int64_t available = 0;
  int64_t per_batch_max = 1;
  int64_t forgotten = 0;     // rows before are gone
  int retries_to_come = 0;   // batches that end in an error that is worth another attempt
  int64_t stops_after = -1;  // the user stops the query after so many more rows
  std::string violation;     // what the query must not do to its source; empty: nothing yet
  PlantedBug bug = PlantedBug::kNone;

  // Duplicates: neighbours, and echoes from long ago.
  static int64_t ValueOf(int64_t row) { return row % 7 == 6 ? row / 6 : row / 3; }
  // Microseconds, in steps of ten seconds, most of them not in order, some so late that a watermark of ten seconds has passed them.
  static int64_t MomentOf(int64_t row) { return 1'767'225'600'000'000 + (row / 2 + row * 7919 % 4) * 10'000'000; }
};

StructType NumbersSchema();  // value, at
// `cancel`: of the life that opens the source.
RelationSourcePtr MakeNumbersRelation(Numbers& numbers, std::shared_ptr<CancelToken> cancel);

// A file for each batch, under its number, as the engine asks of a sink: durable before AddBatch returns, once however often it is offered.
std::unique_ptr<Sink> MakeBatchFiles(Fs& fs, const std::string& directory, PlantedBug bug);
// The rows by batch, as text.
using RowsByBatch = std::map<int64_t, std::vector<std::string>>;
Result<RowsByBatch> ReadBatchFiles(Fs& fs, const std::string& directory);

}  // namespace millstream::simulation
