#pragma once

// batch_numbers.h   Which batch a file of a stream was in, by the query's offset log: as far as that goes back (spark.sql.streaming.minBatchesToRetain).

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "storage/fs.h"

namespace millstream {

class BatchNumbers {
 public:
  // `source`: "0" of sources/0. A checkpoint without a log, or with one of another format: nothing is known.
  static Result<BatchNumbers> Read(Fs& fs, const std::string& checkpoint, const std::string& source);
  // By the number of the file in the stream's ledger. nullopt: in none yet, or in one that the log has no more.
  std::optional<int64_t> BatchOf(int64_t number) const;

 private:
  std::map<int64_t, int64_t> batches_;  // last file number of a batch → the batch
  int64_t known_after_ = 0;             // files up to here were in batches that the log does not tell apart
};

}  // namespace millstream
