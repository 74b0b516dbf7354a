#pragma once

// delta_stream_offset.h   A place in a Delta table read as a stream, in the JSON that delta-spark writes (DeltaSourceOffset).

#include <string>

#include "connectors/api/source.h"

namespace millstream {

// Everything up to and including file `index` of `version` has been read; index -1: nothing of that version.
struct DeltaStreamOffset {
  std::string table_id;
  int64_t version = 0;
  int64_t index = -1;
  bool is_initial_snapshot = false;  // the files are those of the snapshot, by (modification time, path), and not those of the commit
};

StreamOffset EncodeDeltaStreamOffset(const DeltaStreamOffset& offset);
// DELTA_INVALID_SOURCE_OFFSET_FORMAT, DELTA_INVALID_SOURCE_VERSION.
Result<DeltaStreamOffset> DecodeDeltaStreamOffset(const StreamOffset& offset);

}  // namespace millstream
