#pragma once

// state_table_errors.h   What can be wrong with a read of a query's state, as Spark's StateDataSourceErrors says it.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kStdsRequired{"STDS_REQUIRED_OPTION_UNSPECIFIED", "42601", ExceptionKind::kIllegalArgument, "'<optionName>' must be specified."};
inline constexpr ErrorClass kStdsNegative{"STDS_INVALID_OPTION_VALUE.IS_NEGATIVE", "42616", ExceptionKind::kIllegalArgument,
                                          "Invalid value for source option '<optionName>': cannot be negative."};
inline constexpr ErrorClass kStdsEmpty{"STDS_INVALID_OPTION_VALUE.IS_EMPTY", "42616", ExceptionKind::kIllegalArgument,
                                       "Invalid value for source option '<optionName>': cannot be empty."};
inline constexpr ErrorClass kStdsInvalid{"STDS_INVALID_OPTION_VALUE.WITH_MESSAGE", "42616", ExceptionKind::kIllegalArgument,
                                         "Invalid value for source option '<optionName>': <message>"};
inline constexpr ErrorClass kStdsConflict{"STDS_CONFLICT_OPTIONS", "42613", ExceptionKind::kIllegalArgument,
                                          "The options <options> cannot be specified together. Please specify the one."};
inline constexpr ErrorClass kStdsNoBatch{
    "STDS_COMMITTED_BATCH_UNAVAILABLE", "KD006", ExceptionKind::kIllegalArgument,
    "No committed batch found, checkpoint location: <checkpointLocation>. Ensure that the query has run and committed any microbatch before stopping."};
inline constexpr ErrorClass kStdsNoSchema{
    "STDS_FAILED_TO_READ_STATE_SCHEMA", "42K03", ExceptionKind::kIllegalArgument,
    "Failed to read the state schema. Either the file does not exist, or the file is corrupted. options: <sourceOptions>.\nRerun the streaming query to "
    "construct the state schema, and report to the corresponding communities or vendors if the error persists."};

}  // namespace millstream::errors
