#pragma once

// streaming_errors.h   What can go wrong with a stream, under Spark's names where Spark has one.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kStreamFailed{"STREAM_FAILED", "XXKST", ExceptionKind::kStreamingQuery,
                                          "Query [id = <id>, runId = <runId>] terminated with exception: <message>"};
inline constexpr ErrorClass kConcurrentStreamLogUpdate{"CONCURRENT_STREAM_LOG_UPDATE", "40000", ExceptionKind::kSpark,
                                                       "Concurrent update to the log. Multiple streaming jobs detected for <batchId>. Please make sure "
                                                       "only one streaming job runs on a specific checkpoint location at a time."};
inline constexpr ErrorClass kInvalidLogVersion{"INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION", "KD002", ExceptionKind::kUnsupportedOperation,
                                               "UnsupportedLogVersion. The maximum supported log version is v<maxSupportedVersion>, but encountered "
                                               "v<version>. The log file was produced by a newer version of Spark and cannot be read by this version. "
                                               "You need to upgrade."};
inline constexpr ErrorClass kMissingMetadataFile{
    "STREAMING_CHECKPOINT_MISSING_METADATA_FILE", "42K03", ExceptionKind::kRuntime,
    "Checkpoint location <checkpointLocation> is in an inconsistent state: the metadata file is missing but offset and/or commit logs contain data. "
    "Please restore the metadata file or create a new checkpoint directory."};
inline constexpr ErrorClass kCheckpointDamaged{"MILLSTREAM_CHECKPOINT_DAMAGED", "55019", ExceptionKind::kSpark,
                                               "The checkpoint <checkpointLocation> cannot be continued: <problem> <repair>"};
inline constexpr ErrorClass kMalformedLogFile{"MILLSTREAM_MALFORMED_LOG_FILE", "55019", ExceptionKind::kSpark, "Log file <path> was malformed: <problem>."};
inline constexpr ErrorClass kCheckpointSourcesChanged{
    "MILLSTREAM_CHECKPOINT_SOURCES_CHANGED", "42KDE", ExceptionKind::kIllegalArgument,
    "There are <logged> sources in the checkpoint offsets and now there are <current> sources requested by the query. Cannot continue."};
inline constexpr ErrorClass kOutputModeUnsupportedOperation{
    "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE", ExceptionKind::kAnalysis,
    "Invalid streaming output mode: <outputMode>. This output mode is not supported for <operation> on streaming DataFrames/DataSets."};
inline constexpr ErrorClass kOutputModeUnsupportedDataSource{
    "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE", "42KDE", ExceptionKind::kAnalysis,
    "Invalid streaming output mode: <outputMode>. This output mode is not supported in Data Source <className>."};
inline constexpr ErrorClass kStreamingUnsupported{"_LEGACY_ERROR_TEMP_3102", "", ExceptionKind::kAnalysis, "<msg>"};
inline constexpr ErrorClass kNonTimeWindow{
    "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING", "42KDE", ExceptionKind::kAnalysis,
    "Window function is not supported in <windowFunc> (as column <columnName>) on streaming DataFrames/Datasets.\nStructured Streaming only supports "
    "time-window aggregation using the WINDOW function. (window specification: <windowSpec>)"};
inline constexpr ErrorClass kRealTimeTriggerInterval{
    "INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL", "22023", ExceptionKind::kIllegalArgument,
    "The real-time trigger interval is set to <interval> ms. This is less than the <minBatchDuration> ms minimum specified by "
    "spark.sql.streaming.realTimeMode.minBatchDuration."};

}  // namespace millstream::errors
