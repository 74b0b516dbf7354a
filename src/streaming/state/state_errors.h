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

}  // namespace millstream::errors
