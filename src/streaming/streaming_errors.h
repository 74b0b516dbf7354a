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
inline constexpr ErrorClass kGlobalSessions{"", "", ExceptionKind::kUnsupportedOperation,
                                            "Global aggregation with session window in streaming query is not supported."};
inline constexpr ErrorClass kStreamingUnsupported{"_LEGACY_ERROR_TEMP_3102", "", ExceptionKind::kAnalysis, "<msg>"};
inline constexpr ErrorClass kNonTimeWindow{
    "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING", "42KDE", ExceptionKind::kAnalysis,
    "Window function is not supported in <windowFunc> (as column <columnName>) on streaming DataFrames/Datasets.\nStructured Streaming only supports "
    "time-window aggregation using the WINDOW function. (window specification: <windowSpec>)"};
inline constexpr ErrorClass kRealTimeTriggerInterval{
    "INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL", "22023", ExceptionKind::kIllegalArgument,
    "The real-time trigger interval is set to <interval> ms. This is less than the <minBatchDuration> ms minimum specified by "
    "spark.sql.streaming.realTimeMode.minBatchDuration."};
inline constexpr ErrorClass kRealTimeAllowlist{
    "STREAMING_REAL_TIME_MODE.OPERATOR_OR_SINK_NOT_IN_ALLOWLIST", "0A000", ExceptionKind::kIllegalArgument,
    "Streaming real-time mode has the following limitation: The <errorType>(s): <message> not in the <errorType> allowlist for Real-Time Mode. To bypass this "
    "check, set spark.sql.streaming.realTimeMode.allowlistCheck to false. By changing this, you agree to run the query at your own risk."};
inline constexpr ErrorClass kRealTimeOutputMode{
    "STREAMING_REAL_TIME_MODE.OUTPUT_MODE_NOT_SUPPORTED", "0A000", ExceptionKind::kAnalysis,
    "Streaming real-time mode has the following limitation: The output mode <outputMode> is not supported. To work around this limitation, set the output "
    "mode to Update. In the future, <outputMode> may be supported."};
inline constexpr ErrorClass kRealTimeInput{
    "STREAMING_REAL_TIME_MODE.INPUT_STREAM_NOT_SUPPORTED", "0A000", ExceptionKind::kIllegalArgument,
    "Streaming real-time mode has the following limitation: The input stream <className> is not supported in Real-time Mode."};
inline constexpr ErrorClass kNoContinuousSource{"_LEGACY_ERROR_TEMP_2253", "", ExceptionKind::kUnsupportedOperation,
                                                "Data source <sourceName> does not support continuous processing."};
inline constexpr ErrorClass kNotWithContinuousTrigger{"", "", ExceptionKind::kAnalysis, "'<source>' is not supported with continuous trigger."};
inline constexpr ErrorClass kOperatorWithoutWatermark{
    "UNSUPPORTED_STREAMING_OPERATOR_WITHOUT_WATERMARK", "0A000", ExceptionKind::kAnalysis,
    "<outputMode> output mode not supported for <statefulOperator> on streaming DataFrames/DataSets without watermark."};
inline constexpr ErrorClass kWatermarkRedefined{
    "", "", ExceptionKind::kAnalysis,
    "Redefining watermark is disallowed. You can set the config 'spark.sql.streaming.statefulOperator.allowMultiple' to 'false' to restore the previous "
    "behavior. Note that multiple stateful operators will be disallowed."};
inline constexpr ErrorClass kSeveralEventTimes{
    "", "XXKST", ExceptionKind::kAnalysis,
    "More than one event time columns are available. Please ensure there is at most one event time column per stream. event time columns: (<eventTimeCols>)"};
inline constexpr ErrorClass kRowOlderThanWatermark{
    "EMITTING_ROWS_OLDER_THAN_WATERMARK_NOT_ALLOWED", "42815", ExceptionKind::kRuntime,
    "Previous node emitted a row with eventTime=<emittedRowEventTime> which is older than current_watermark_value=<currentWatermark>\nThis can lead to "
    "correctness issues in the stateful operators downstream in the execution pipeline.\nPlease correct the operator logic to emit rows after current global "
    "watermark value."};
inline constexpr ErrorClass kUnknownTrigger{"", "", ExceptionKind::kSpark, "Unknown type of trigger: <trigger>"};

}  // namespace millstream::errors
