#pragma once

// orc_tail.h   What Arrow's adapter does not tell of an ORC file, out of its footer (Protocol Buffers, orc_proto.proto).

#include <string_view>
#include <vector>

#include "base/status.h"

namespace millstream {

struct OrcTail {
  // Days are in the hybrid calendar, as Java's writers have them unless told otherwise.
  bool is_hybrid_calendar = true;
  // Of each top-level column: a timestamp in it lies where 64 bits of nanoseconds do not reach, as the file's statistics say.
  std::vector<bool> beyond_nanoseconds;
};

// `tail`: a serialized FileTail, as ORCFileReader::GetSerializedFileTail gives it. False: it is none.
bool ParseOrcTail(std::string_view tail, OrcTail* out);

}  // namespace millstream
