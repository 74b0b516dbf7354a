#pragma once

// state_errors.h   What can be wrong with the state of a query, under Spark's names where Spark has one.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kStateKeyRowFormat{
    "STATE_STORE_KEY_ROW_FORMAT_VALIDATION_FAILURE", "XX000", ExceptionKind::kSpark,
    "The streaming query failed to validate written state for key row for stateStore=<stateStoreID>.\n"
    "The following reasons may cause this:\n"
    "1. An old Spark version wrote the checkpoint that is incompatible with the current one\n"
    "2. Corrupt checkpoint files\n"
    "3. The query changed in an incompatible way between restarts\n"
    "For the first case, use a new checkpoint directory or use the original Spark version to process the streaming state.\n"
    "Retrieved error_message=<errorMsg>"};
inline constexpr ErrorClass kStateValueRowFormat{
    "STATE_STORE_VALUE_ROW_FORMAT_VALIDATION_FAILURE", "XX000", ExceptionKind::kSpark,
    "The streaming query failed to validate written state for value row for stateStore=<stateStoreID>.\n"
    "The following reasons may cause this:\n"
    "1. An old Spark version wrote the checkpoint that is incompatible with the current one\n"
    "2. Corrupt checkpoint files\n"
    "3. The query changed in an incompatible way between restarts\n"
    "For the first case, use a new checkpoint directory or use the original Spark version to process the streaming state.\n"
    "Retrieved error_message=<errorMsg>"};
inline constexpr ErrorClass kStateDamaged{
    "MILLSTREAM_STATE_STORE_DAMAGED", "58030", ExceptionKind::kSpark,
    "The query's state cannot be read: <path>: <problem>. Put the file back from a copy of the checkpoint, or start the query with a new checkpoint "
    "location: what it has aggregated so far is then computed from the source again."};
inline constexpr ErrorClass kStateForeign{
    "MILLSTREAM_STATE_STORE_FOREIGN", "0A000", ExceptionKind::kSpark,
    "<path> was not written by millstream: state that Spark has written cannot be taken over, only checkpoints of stateless queries can. Start the query with "
    "a new checkpoint location, or go on with it in Spark."};
inline constexpr ErrorClass kStateVersionMissing{
    "MILLSTREAM_STATE_STORE_VERSION_MISSING", "58030", ExceptionKind::kSpark,
    "<path> has no version <version> of the query's state; it has <versions>. Older versions are kept for spark.sql.streaming.minBatchesToRetain batches."};
inline constexpr ErrorClass kStateConcurrent{"MILLSTREAM_STATE_STORE_CONCURRENT_COMMIT", "40001", ExceptionKind::kSpark,
                                             "<path> was committed by another run of this query. Only one may run on a checkpoint: stop the other one."};
inline constexpr ErrorClass kStateKeySchema{
    "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE", "42K06", ExceptionKind::kSpark,
    "Provided key schema does not match existing state key schema.\nPlease check number and type of fields.\nExisting key_schema=<storedSchema> and new "
    "key_schema=<newSchema>.\nStart the query with a new checkpoint location, or with the plan that it had."};
inline constexpr ErrorClass kStateValueSchema{
    "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE", "42K06", ExceptionKind::kSpark,
    "Provided value schema does not match existing state value schema.\nPlease check number and type of fields.\nExisting value_schema=<storedSchema> and new "
    "value_schema=<newSchema>.\nStart the query with a new checkpoint location, or with the plan that it had."};
inline constexpr ErrorClass kStateConfigChanged{
    "STATE_STORE_INVALID_CONFIG_AFTER_RESTART", "42K06", ExceptionKind::kUnsupportedOperation,
    "Cannot change <configName> from <oldConfig> to <newConfig> between restarts. Please set <configName> to <oldConfig>, or restart with a new checkpoint "
    "directory."};
inline constexpr ErrorClass kStateVariableType{
    "STATE_STORE_INVALID_VARIABLE_TYPE_CHANGE", "42K06", ExceptionKind::kUnsupportedOperation,
    "Cannot change <stateVarName> to <newType> between query restarts. Please set <stateVarName> to <oldType>, or restart with a new checkpoint directory."};
inline constexpr ErrorClass kStateOperators{
    "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA", "42K03", ExceptionKind::kSpark,
    "Streaming stateful operator name does not match with the operator in state metadata. This likely to happen when user adds/removes/changes stateful "
    "operator "
    "of existing streaming query.\nStateful operators in the metadata: [<OpsInMetadataSeq>]; Stateful operators in current batch: [<OpsInCurBatchSeq>]."};

}  // namespace millstream::errors
