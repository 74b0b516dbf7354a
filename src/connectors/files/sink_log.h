#pragma once

// sink_log.h   <directory>/_spark_metadata: the files that a file sink has written, batch by batch. What is not in it does not belong to the table:
// the leftovers of a batch that was cut off lie beside.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/fs.h"

namespace millstream {

inline constexpr std::string_view kSinkLogDirectory = "_spark_metadata";

struct SinkFile {
  std::string path;  // raw
  int64_t size_bytes = 0;
  int64_t modified_ms = 0;
};

// {"path":"file:///out/part-….json","size":9,"isDir":false,"modificationTime":…,"blockReplication":1,"blockSize":33554432,"action":"add"}
std::string EncodeSinkFile(const SinkFile& file);

Result<bool> HasSinkLog(Fs& fs, const std::string& directory);
// In the order in which they were written.
Result<std::vector<SinkFile>> ReadSinkLog(Fs& fs, const std::string& directory);

// "file:///a%20b" → raw path, as Spark's logs of files store it.
Result<std::string> PathFromLogUri(std::string_view uri);

}  // namespace millstream
