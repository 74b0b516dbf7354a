#pragma once

// schema_log.h   The versions of an inferred schema: <schemaLocation>/_schemas/<n>, as Auto Loader keeps them. The highest number is in force.
//
// A file is two lines: "v1", and {"dataSchemaJson":"…","partitionSchemaJson":"…"} with Spark's schema JSON as strings, and what is ours: why the version is
// there, and what REVERT SCHEMA has frozen (docs/formats/schema_log.md). Files are published whole and durable, and never overwritten; of two queries that
// evolve one schema at a time, one gets the number and the other looks again.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "connectors/files/evolution_policy.h"
#include "storage/fs.h"
#include "types/data_type.h"

namespace millstream {

// What differs between two schemas, in their order: "user.age STRING", "amount INT -> BIGINT".
struct SchemaChanges {
  std::vector<std::string> added, widened;  // widened: of another type, by REVERT SCHEMA also of a narrower one
  std::vector<ColumnPath> changed, removed;  // changed: the paths of added and widened
};
SchemaChanges ChangesBetween(const StructType& before, const StructType& after);

inline constexpr char kInferredCause[] = "inferred";  // of the first version
inline constexpr char kRevertedCause[] = "reverted";  // by REVERT SCHEMA

// Why a version is there. All of it is empty in files of Auto Loader and of older versions.
struct SchemaCause {
  int64_t time_ms = 0;  // since the epoch
  std::string mode;     // the schemaEvolutionMode that made it, kInferredCause or kRevertedCause
  std::string file;     // raw: the first file that holds any of it; empty: several, or none
  std::optional<int64_t> batch;
  std::optional<int64_t> reverted_to;
  std::vector<std::string> added, widened, removed;
};

struct SchemaVersion {
  int64_t number = 0;
  StructType data, partition;
  std::vector<ColumnPath> frozen;  // columns that are not added or widened again
  SchemaCause cause;
};

class SchemaLog {
 public:
  SchemaLog(Fs& fs, const std::string& schema_location);
  // nullopt: none yet. Error: MILLSTREAM_SCHEMA_FILE naming a file that cannot be read.
  Result<std::optional<SchemaVersion>> Latest() const;
  // The numbers that there are, in order; none when the directory is not there.
  Result<std::vector<int64_t>> Numbers() const;
  // MILLSTREAM_SCHEMA_FILE, FILE_NOT_FOUND.
  Result<SchemaVersion> Read(int64_t number) const;
  // False: somebody else has written this number before. `failpoint`: the prefix of the durable step's.
  Result<bool> Add(const SchemaVersion& version, const char* failpoint = "files.schema");
  const std::string& directory() const { return directory_; }

 private:
  Fs& fs_;
  std::string directory_;
};

std::string EncodeSchemaVersion(const SchemaVersion& version);
Result<SchemaVersion> DecodeSchemaVersion(std::string_view text, int64_t number);

}  // namespace millstream
