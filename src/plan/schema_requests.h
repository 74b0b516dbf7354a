#pragma once

// schema_requests.h   Statements about schemas as commands, a WriteData each, whose query finds what they speak of, and whose options say what is to be done:
// REVERT SCHEMA OF STREAM '…' TO VERSION n [FREEZE [(a, b.c)]], over cloud_files_schemas('…'); PROMOTE RESCUED (a INT) IN t [FROM c], over t.

namespace millstream {

// WriteData::format. Its path is the checkpoint or schemaLocation, as written.
inline constexpr char kSchemaRevertFormat[] = "__millstream_schema_revert";
// WriteData::options: the number of the version; "true" for FREEZE without a list; the list, as written.
inline constexpr char kSchemaRevertVersion[] = "version";
inline constexpr char kSchemaRevertFreezes[] = "freezes";
inline constexpr char kSchemaRevertFrozen[] = "frozen";

// UnresolvedDataSource::options of functions that take TABLE(t) in place of a checkpoint: the name of t, quoted.
inline constexpr char kStreamsOfTable[] = "__millstream_streams_of_table";
inline constexpr char kTableArgument[] = "TABLE";  // the name of such an argument
inline constexpr const char* kFunctionsOfStreams[] = {"cloud_files_state", "cloud_files_history"};

// Its table is t; the columns as DDL, and the name of c.
inline constexpr char kPromoteRescuedFormat[] = "__millstream_promote_rescued";
inline constexpr char kPromotedColumns[] = "columns";
inline constexpr char kPromotedFrom[] = "from";

}  // namespace millstream
