#pragma once

// delta_stream_errors.h   What can go wrong when a Delta table is read as a stream: delta-spark's classes.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kDeltaSourceIgnoreChanges{
    "DELTA_SOURCE_TABLE_IGNORE_CHANGES", "0A000", ExceptionKind::kUnsupportedOperation,
    "Detected a data update (for example <changeInfo>) in the source table at version <version>. This is currently not supported. If this is going to happen "
    "regularly and you are okay to skip changes, set the option 'skipChangeCommits' to 'true'. If you would like the data update to be reflected, please "
    "restart this query with a fresh checkpoint directory. The source table can be found at path <dataPath>."};
inline constexpr ErrorClass kDeltaSourceIgnoreDelete{
    "DELTA_SOURCE_IGNORE_DELETE", "0A000", ExceptionKind::kUnsupportedOperation,
    "Detected deleted data (for example <removedFile>) from streaming source at version <version>. This is currently not supported. If you'd like to ignore "
    "deletes, set the option 'ignoreDeletes' to 'true'. The source table can be found at path <dataPath>."};
inline constexpr ErrorClass kDeltaSourceOtherTable{
    "DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE", "55019", ExceptionKind::kSpark,
    "The streaming query was reading from an unexpected Delta table (id = '<newTableId>'). It used to read from another Delta table (id = '<oldTableId>') "
    "according to checkpoint. This may happen when you changed the code to read from a new table or you deleted and re-created a table. Please revert your "
    "change or delete your streaming query checkpoint to restart from scratch."};
inline constexpr ErrorClass kDeltaSourceSchemaChanged{
    "DELTA_SCHEMA_CHANGED_WITH_VERSION", "KD007", ExceptionKind::kSpark,
    "Detected schema change in version <version>:\nstreaming source schema: <readSchema>\n\ndata file schema: <dataSchema>\n\nPlease try restarting the query. "
    "If this issue repeats across query restarts without\nmaking progress, you have made an incompatible schema change and need to start your\nquery from "
    "scratch using a new checkpoint directory.\n"};
inline constexpr ErrorClass kDeltaSourceMissingFiles{
    "DELTA_MISSING_FILES_UNEXPECTED_VERSION", "42K03", ExceptionKind::kSpark,
    "Delta stream cannot resume from version <startVersion>; transaction log starts at <earliestVersion>. Log files may have been deleted by log retention. "
    "Restart the stream with a new checkpoint location and consider increasing delta.logRetentionDuration. To skip missing data instead, set "
    ".option(\"failOnDataLoss\", \"false\")."};
inline constexpr ErrorClass kDeltaSourceBothStarts{"DELTA_STARTING_VERSION_AND_TIMESTAMP_BOTH_SET", "42613", ExceptionKind::kIllegalArgument,
                                                   "Please either provide 'startingVersion' or 'startingTimestamp'"};
inline constexpr ErrorClass kDeltaIllegalOption{"DELTA_ILLEGAL_OPTION", "42616", ExceptionKind::kIllegalArgument,
                                                "Invalid value '<input>' for option '<name>', <explain>"};
inline constexpr ErrorClass kDeltaSourceRegex{"DELTA_REGEX_OPT_SYNTAX_ERROR", "2201B", ExceptionKind::kIllegalArgument,
                                              "Please recheck your syntax for '<regExpOption>'"};
inline constexpr ErrorClass kDeltaSourceVersion{"DELTA_INVALID_SOURCE_VERSION", "XXKDS", ExceptionKind::kSpark, "sourceVersion(<version>) is invalid"};
inline constexpr ErrorClass kDeltaSourceOffsetFormat{"DELTA_INVALID_SOURCE_OFFSET_FORMAT", "XXKDS", ExceptionKind::kSpark,
                                                     "The stored source offset format is invalid"};

}  // namespace millstream::errors
