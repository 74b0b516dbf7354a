#pragma once

// connect_errors.h   What only the Connect door can get wrong.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kHandleFormat{"INVALID_HANDLE.FORMAT", "HY000", ExceptionKind::kSpark,
                                          "The handle <handle> is invalid. Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'"};
inline constexpr ErrorClass kOperationAbandoned{"INVALID_HANDLE.OPERATION_ABANDONED", "HY000", ExceptionKind::kSpark,
                                                "The handle <handle> is invalid. Operation was considered abandoned because of inactivity and removed."};
inline constexpr ErrorClass kOperationAlreadyExists{"INVALID_HANDLE.OPERATION_ALREADY_EXISTS", "HY000", ExceptionKind::kSpark,
                                                    "The handle <handle> is invalid. Operation already exists."};
inline constexpr ErrorClass kOperationNotFound{"INVALID_HANDLE.OPERATION_NOT_FOUND", "HY000", ExceptionKind::kSpark,
                                               "The handle <handle> is invalid. Operation not found."};
inline constexpr ErrorClass kSessionChanged{"INVALID_HANDLE.SESSION_CHANGED", "HY000", ExceptionKind::kSpark,
                                            "The handle <handle> is invalid. The existing Spark server driver instance has restarted. Please reconnect."};
inline constexpr ErrorClass kSessionClosed{"INVALID_HANDLE.SESSION_CLOSED", "HY000", ExceptionKind::kSpark,
                                           "The handle <handle> is invalid. Session was closed."};
inline constexpr ErrorClass kCursorDisconnected{"INVALID_CURSOR.DISCONNECTED", "HY109", ExceptionKind::kSpark,
                                                "The cursor is invalid. The cursor has been disconnected by the server."};
inline constexpr ErrorClass kCursorNotReattachable{"INVALID_CURSOR.NOT_REATTACHABLE", "HY109", ExceptionKind::kSpark,
                                                   "The cursor is invalid. The cursor is not reattachable."};
inline constexpr ErrorClass kCursorPositionNotAvailable{"INVALID_CURSOR.POSITION_NOT_AVAILABLE", "HY109", ExceptionKind::kSpark,
                                                        "The cursor is invalid. The cursor position id <responseId> is no longer available at index <index>."};
inline constexpr ErrorClass kCursorPositionNotFound{"INVALID_CURSOR.POSITION_NOT_FOUND", "HY109", ExceptionKind::kSpark,
                                                    "The cursor is invalid. The cursor position id <responseId> is not found."};
inline constexpr ErrorClass kInvalidClone{"INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS", "42K04", ExceptionKind::kSpark,
                                          "Invalid clone session request. The target session <targetSessionId> already exists."};

inline constexpr ErrorClass kPlanFieldNotSet{"CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET", "56K00", ExceptionKind::kInvalidPlan,
                                             "The Spark Connect plan is invalid. This oneOf field in <fullName> is not set."};
inline constexpr ErrorClass kInvalidInterval{"INVALID_INTERVAL_FORMAT.UNRECOGNIZED_NUMBER", "22006", ExceptionKind::kIllegalArgument,
                                             "Error parsing '<input>' to interval. Please ensure that the value provided is in a valid format for defining "
                                             "an interval. You can reference the documentation for the correct format. Unrecognized number <input>."};
inline constexpr ErrorClass kPlanMalformed{"CONNECT_INVALID_PLAN.MALFORMED", "56K00", ExceptionKind::kInvalidPlan,
                                           "The Spark Connect plan is invalid. <message>"};
inline constexpr ErrorClass kPlanTooDeep{"CONNECT_INVALID_PLAN.TOO_LARGE", "54001", ExceptionKind::kInvalidPlan,
                                         "The Spark Connect plan is invalid. It has more than <limit> <what>: write intermediate results to a table."};
inline constexpr ErrorClass kQueryNotFound{"CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND", "56K00", ExceptionKind::kInvalidPlan,
                                           "The Spark Connect plan is invalid. Streaming query <id> is not found"};
inline constexpr ErrorClass kQueryRunIdMismatch{
    "CONNECT_INVALID_PLAN.STREAMING_QUERY_RUN_ID_MISMATCH", "56K00", ExceptionKind::kInvalidPlan,
    "The Spark Connect plan is invalid. Run id mismatch for query id <id>. Run id in the request <runId> does not match one on the server "
    "<serverRunId>. The query might have restarted."};
inline constexpr ErrorClass kOutputModeInvalid{"STREAMING_OUTPUT_MODE.INVALID", "42KDE", ExceptionKind::kIllegalArgument,
                                               "Invalid streaming output mode: <outputMode>. Accepted output modes are 'Append', 'Complete', 'Update'"};
inline constexpr ErrorClass kSchemaNotFound{
    "SCHEMA_NOT_FOUND", "42704", ExceptionKind::kAnalysis,
    "The schema <schemaName> cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the name with a "
    "catalog, verify the current_schema() output, or qualify the name with the correct catalog.\nTo tolerate the error on drop use DROP SCHEMA IF "
    "EXISTS."};
inline constexpr ErrorClass kDeltaCreateWithoutName{"DELTA_CREATE_TABLE_MISSING_TABLE_NAME_OR_LOCATION", "42601", ExceptionKind::kAnalysis,
                                                    "Table name or location has to be specified."};
inline constexpr ErrorClass kNotADeltaTable{"DELTA_MISSING_DELTA_TABLE", "42P01", ExceptionKind::kAnalysis, "<tableName> is not a Delta table."};
inline constexpr ErrorClass kDeltaReplaceMissing{"DELTA_CANNOT_REPLACE_MISSING_TABLE", "42P01", ExceptionKind::kAnalysis,
                                                 "Table <tableName> cannot be replaced as it does not exist. Use CREATE OR REPLACE TABLE to create the table."};
inline constexpr ErrorClass kCatalogNotFound{"CATALOG_NOT_FOUND", "42P08", ExceptionKind::kAnalysis,
                                             "The catalog <catalogName> not found. Consider to set the SQL config <config> to a catalog plugin."};
inline constexpr ErrorClass kConfNotFound{"SQL_CONF_NOT_FOUND", "42K0I", ExceptionKind::kNoSuchElement,
                                          "The SQL config <sqlConf> cannot be found. Please verify that the config exists."};

}  // namespace millstream::errors
