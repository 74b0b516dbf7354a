#pragma once

// schema_log.h   The versions of an inferred schema: <schemaLocation>/_schemas/<n>, as Auto Loader keeps them. The highest number is in force.
//
// A file is two lines: "v1", and {"dataSchemaJson":"…","partitionSchemaJson":"…"} with Spark's schema JSON as strings. Files are published whole
// and durable, and never overwritten; of two queries that evolve one schema at a time, one gets the number and the other looks again.

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "storage/fs.h"
#include "types/data_type.h"

namespace millstream {

struct SchemaVersion {
  int64_t number = 0;
  StructType data, partition;
};

class SchemaLog {
 public:
  SchemaLog(Fs& fs, const std::string& schema_location);
  // nullopt: none yet. Error: MILLSTREAM_SCHEMA_FILE naming a file that cannot be read.
  Result<std::optional<SchemaVersion>> Latest() const;
  // False: somebody else has written this number before.
  Result<bool> Add(const SchemaVersion& version);
  const std::string& directory() const { return directory_; }

 private:
  Fs& fs_;
  std::string directory_;
};

std::string EncodeSchemaVersion(const SchemaVersion& version);
Result<SchemaVersion> DecodeSchemaVersion(std::string_view text, int64_t number);

}  // namespace millstream
