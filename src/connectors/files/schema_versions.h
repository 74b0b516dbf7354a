#pragma once

// schema_versions.h   What users see and change of a stream's schema log: cloud_files_schemas('…'), and REVERT SCHEMA OF STREAM '…' TO VERSION n.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error_class.h"
#include "connectors/files/file_report.h"
#include "connectors/files/schema_log.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kNoSchemaLog{
    "MILLSTREAM_NO_SCHEMA_LOG", "42K03", ExceptionKind::kAnalysis,
    "No schema of a cloudFiles stream is known at <path>. Give its cloudFiles.schemaLocation, or the checkpoint of the query; an older version has not noted "
    "there where the schema is, and a stream whose schema was given has none."};
inline constexpr ErrorClass kSeveralSchemaLogs{
    "MILLSTREAM_SEVERAL_SCHEMA_LOGS", "42000", ExceptionKind::kAnalysis,
    "The query of the checkpoint <path> reads several sources, each with its own schema: <locations>. Give one of these."};
inline constexpr ErrorClass kNoSchemaVersion{"MILLSTREAM_NO_SCHEMA_VERSION", "42000", ExceptionKind::kAnalysis,
                                             "<path> has no version <version>. cloud_files_schemas('…') lists those that there are."};
}  // namespace errors

// In a ledger, the schemaLocation of its source.
inline constexpr char kSchemaLocationNote[] = "schema location";

// Raw. `path`: a checkpoint, one of its sources or a schemaLocation. MILLSTREAM_NO_SCHEMA_LOG, MILLSTREAM_SEVERAL_SCHEMA_LOGS, PATH_NOT_FOUND.
Result<std::string> FindSchemaLocation(Fs& fs, const std::string& path);

// version, time, cause_file, mode, batch, added, widened, removed, frozen, schema (DDL, partition columns behind the others); by version.
const StructType& CloudFilesSchemasSchema();
Result<RelationSourcePtr> OpenCloudFilesSchemas(Fs& fs, const std::string& path);

struct SchemaRevert {
  int64_t to = 0;
  bool freezes = false;            // FREEZE without a list: what leaves the schema, or changes back, stays so
  std::vector<ColumnPath> frozen;  // FREEZE (…)
};
struct SchemaReverted {
  int64_t version = 0;  // in force now
  bool is_new = false;  // false: the schema is as that of the version already
  std::vector<std::string> removed, changed_back;
  std::vector<ColumnPath> frozen;
};
// Adds a version with the schema of an earlier one, durable. The columns that leave stay in the table. MILLSTREAM_NO_SCHEMA_VERSION.
Result<SchemaReverted> RevertSchema(Fs& fs, Clock& clock, const std::string& path, const SchemaRevert& revert);

}  // namespace millstream
