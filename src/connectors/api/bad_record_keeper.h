#pragma once

// bad_record_keeper.h   For sources that keep bad records apart, each once for a batch.

#include <string>

#include "base/ids.h"

namespace millstream {

class KeepsBadRecords {
 public:
  virtual ~KeepsBadRecords() = default;
  // Before each ReadBatch: whose batch it is. What it keeps is durable when the batch's rows have ended, and so before the sink has them; a batch that is read
  // again replaces what it has kept before.
  virtual void BeginBatch(const std::string& query_id, BatchId batch) = 0;
};

}  // namespace millstream
