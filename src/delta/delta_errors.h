#pragma once

// delta_errors.h   Delta's error classes, as delta-spark names them.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kDeltaTableNotFound{"DELTA_PATH_DOES_NOT_EXIST", "42K03", ExceptionKind::kAnalysis,
                                                "<path> doesn't exist, or is not a Delta table."};
inline constexpr ErrorClass kDeltaVersionsNotContiguous{"DELTA_VERSIONS_NOT_CONTIGUOUS", "KD00C", ExceptionKind::kSpark,
                                                        "Versions (<versionList>) of <path> are not contiguous."};
inline constexpr ErrorClass kDeltaVersionNotFound{"DELTA_VERSION_NOT_FOUND", "22003", ExceptionKind::kAnalysis,
                                                  "Cannot time travel Delta table to version <userVersion>. Available versions: [<earliest>, <latest>]."};
inline constexpr ErrorClass kDeltaTimestampGreater{
    "DELTA_TIMESTAMP_GREATER_THAN_COMMIT", "42816", ExceptionKind::kAnalysis,
    "Timestamp <providedTimestamp> is after the table's latest version (<lastCommitTimestamp>). Use a timestamp at or before <maximumTimestamp>."};
inline constexpr ErrorClass kDeltaTimestampEarlier{"DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION", "42816", ExceptionKind::kAnalysis,
                                                   "The provided timestamp (<userTimestamp>) is before the earliest version available to\nthis table "
                                                   "(<commitTs>). Please use a timestamp after <timestampString>."};
inline constexpr ErrorClass kDeltaStateRecover{"DELTA_STATE_RECOVER_ERROR", "XXKDS", ExceptionKind::kSpark,
                                               "The <operation> of your Delta table could not be recovered while Reconstructing version: <version>."};
inline constexpr ErrorClass kDeltaLogCorrupt{"MILLSTREAM_DELTA_LOG_CORRUPT", "XXKDS", ExceptionKind::kSpark, "<path> is corrupt: <reason>."};
inline constexpr ErrorClass kDeltaInvalidProtocol{"DELTA_INVALID_PROTOCOL_VERSION", "KD004", ExceptionKind::kSpark,
                                                  "Unsupported Delta protocol version: table requires reader version <readerRequired> and writer version "
                                                  "<writerRequired>, but millstream supports reader versions 1, 2, 3 and writer versions 2, 7."};
inline constexpr ErrorClass kDeltaUnsupportedForRead{
    "DELTA_UNSUPPORTED_FEATURES_FOR_READ", "56038", ExceptionKind::kSpark,
    "Unsupported Delta read feature: table \"<tableNameOrPath>\" requires reader table feature(s) that are unsupported by millstream: <unsupported>."};
inline constexpr ErrorClass kDeltaUnsupportedForWrite{
    "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE", "56038", ExceptionKind::kSpark,
    "Unsupported Delta write feature: table \"<tableNameOrPath>\" requires writer table feature(s) that are unsupported by millstream: <unsupported>."};
inline constexpr ErrorClass kDeltaConcurrentAppend{"DELTA_CONCURRENT_APPEND", "2D521", ExceptionKind::kSpark,
                                                   "ConcurrentAppendException: Files were added to the root of the table by a concurrent update. Please try "
                                                   "the operation again. Conflicting commit: version <version>."};
inline constexpr ErrorClass kDeltaConcurrentDeleteRead{"DELTA_CONCURRENT_DELETE_READ", "2D521", ExceptionKind::kSpark,
                                                       "ConcurrentDeleteReadException: This transaction attempted to read one or more files that were deleted "
                                                       "by a concurrent update. Please try the operation again. Conflicting commit: version <version>."};
inline constexpr ErrorClass kDeltaConcurrentDeleteDelete{
    "DELTA_CONCURRENT_DELETE_DELETE", "2D521", ExceptionKind::kSpark,
    "ConcurrentDeleteDeleteException: This transaction attempted to delete one or more files that were deleted by a concurrent update. Please try the "
    "operation again. Conflicting commit: version <version>."};
inline constexpr ErrorClass kDeltaConcurrentTransaction{
    "DELTA_CONCURRENT_TRANSACTION", "2D521", ExceptionKind::kSpark,
    "ConcurrentTransactionException: This error occurs when multiple streaming queries are using the same checkpoint to write into this table. Did you run "
    "multiple instances of the same streaming query at the same time? Conflicting commit: version <version>."};
inline constexpr ErrorClass kDeltaMetadataChanged{"DELTA_METADATA_CHANGED", "2D521", ExceptionKind::kSpark,
                                                  "MetadataChangedException: The metadata of the Delta table has been changed by a concurrent update. Please "
                                                  "try the operation again. Conflicting commit: version <version>."};
inline constexpr ErrorClass kDeltaProtocolChanged{"DELTA_PROTOCOL_CHANGED", "2D521", ExceptionKind::kSpark,
                                                  "ProtocolChangedException: The protocol version of the Delta table has been changed by a concurrent update. "
                                                  "Please try the operation again. Conflicting commit: version <version>."};
inline constexpr ErrorClass kDeltaAppendOnly{"DELTA_CANNOT_MODIFY_APPEND_ONLY", "42809", ExceptionKind::kUnsupportedOperation,
                                             "This table is configured to only allow appends. If you would like to permit updates or deletes, use 'ALTER TABLE "
                                             "<table_name> SET TBLPROPERTIES (delta.appendOnly=false)'."};
inline constexpr ErrorClass kDeltaMetadataMismatch{"DELTA_METADATA_MISMATCH", "42KDG", ExceptionKind::kAnalysis,
                                                   "A metadata mismatch was detected when writing to the Delta table. <detail>"};
inline constexpr ErrorClass kDeltaSchemaMismatch{"_LEGACY_ERROR_TEMP_DELTA_0007", "", ExceptionKind::kAnalysis,
                                                 "A schema mismatch detected when writing to the Delta table (Table ID: <tableId>).\n<detail>"};
inline constexpr ErrorClass kDeltaFailedToMergeFields{
    "DELTA_FAILED_TO_MERGE_FIELDS", "22005", ExceptionKind::kAnalysis,
    "Failed to merge fields '<currentField>' and '<updateField>'. Failed to merge incompatible data types <currentType> and <updateType>"};
inline constexpr ErrorClass kDeltaNotNullViolated{"DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "23502", ExceptionKind::kRuntime,
                                                  "NOT NULL constraint violated for column: <columnName>."};
inline constexpr ErrorClass kDeltaNullSchemaInStreaming{"DELTA_NULL_SCHEMA_IN_STREAMING_WRITE", "42P18", ExceptionKind::kAnalysis,
                                                        "Delta doesn't accept NullTypes in the schema for streaming writes."};
inline constexpr ErrorClass kDeltaInvalidCharacters{"DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES", "42K05", ExceptionKind::kAnalysis,
                                                    "Found invalid character(s) among ' ,;{}()\\n\\t=' in the column names of your schema. Invalid column "
                                                    "names: <invalidColumnNames>. Please use other characters and try again."};
inline constexpr ErrorClass kDeltaDuplicateColumns{"DELTA_DUPLICATE_COLUMNS_FOUND", "42711", ExceptionKind::kAnalysis,
                                                   "Found duplicate column(s) <coltype>: <duplicateCols>."};
inline constexpr ErrorClass kDeltaPartitionColumnNotFound{"DELTA_PARTITION_COLUMN_NOT_FOUND", "42703", ExceptionKind::kAnalysis,
                                                          "Partition column `<columnName>` not found in schema:\n<schemaMap>"};
inline constexpr ErrorClass kDeltaNonPartitionColumnAbsent{"DELTA_NON_PARTITION_COLUMN_ABSENT", "KD005", ExceptionKind::kAnalysis,
                                                           "Data written into Delta needs to contain at least one non-partitioned column."};
inline constexpr ErrorClass kDeltaFileMissing{"DELTA_FILE_NOT_FOUND_DETAILED", "42K03", ExceptionKind::kSpark,
                                              "File <filePath> referenced in the transaction log cannot be found. This occurs when data has been manually "
                                              "deleted from the file system rather than using the table `DELETE` statement."};

inline constexpr ErrorClass kDeltaPathExists{"DELTA_PATH_EXISTS", "42K04", ExceptionKind::kAnalysis,
                                             "Cannot write to already existent path <path> without setting OVERWRITE = 'true'."};
inline constexpr ErrorClass kDeltaUnsupportedOutputMode{"DELTA_UNSUPPORTED_OUTPUT_MODE", "0AKDC", ExceptionKind::kAnalysis,
                                                        "Data source <dataSource> does not support <mode> output mode."};
inline constexpr ErrorClass kDeltaCreateSchemaMismatch{
    "DELTA_CREATE_TABLE_SCHEME_MISMATCH", "42KD7", ExceptionKind::kAnalysis,
    "The specified schema does not match the existing schema at <path>.\n\n== Specified ==\n<specifiedSchema>\n\n== Existing ==\n<existingSchema>"};
inline constexpr ErrorClass kDeltaCreatePartitionMismatch{"DELTA_CREATE_TABLE_WITH_DIFFERENT_PARTITIONING", "42KD7", ExceptionKind::kAnalysis,
                                                          "The specified partitioning does not match the existing partitioning at <path>.\n\n== Specified "
                                                          "==\n<specifiedColumns>\n\n== Existing ==\n<existingColumns>"};
inline constexpr ErrorClass kDeltaSchemaNotProvided{"DELTA_SCHEMA_NOT_PROVIDED", "42908", ExceptionKind::kAnalysis,
                                                    "Table schema is not provided. Please provide the schema (column definition) of the table when using "
                                                    "REPLACE table and an AS SELECT query is not provided."};
inline constexpr ErrorClass kDeltaPartitioningWithoutSchema{"", "", ExceptionKind::kAnalysis,
                                                            "It is not allowed to specify partitioning when the table schema is not defined."};
inline constexpr ErrorClass kDeltaTableWithoutColumns{
    "DELTA_READ_TABLE_WITHOUT_COLUMNS", "428GU", ExceptionKind::kAnalysis,
    "You are trying to read a Delta table <tableName> that does not have any columns.\n\nWrite some new data with the option `mergeSchema = true` to be able "
    "to read the table."};
inline constexpr ErrorClass kInsertTooManyColumns{
    "INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS", "21S01", ExceptionKind::kAnalysis,
    "Cannot write to <tableName>, the reason is too many data columns:\nTable columns: <tableColumns>.\nData columns: <dataColumns>."};
inline constexpr ErrorClass kInsertNotEnoughColumns{
    "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS", "21S01", ExceptionKind::kAnalysis,
    "Cannot write to <tableName>, the reason is not enough data columns:\nTable columns: <tableColumns>.\nData columns: <dataColumns>."};

// ---- DELETE, UPDATE, MERGE
inline constexpr ErrorClass kDeltaMultipleMatches{
    "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE", "21506", ExceptionKind::kUnsupportedOperation,
    "Cannot perform Merge as multiple source rows matched and attempted to modify the same\ntarget row in the Delta table in possibly conflicting ways. By "
    "SQL semantics of Merge,\nwhen multiple source rows match on the same target row, the result may be ambiguous\nas it is unclear which source row should "
    "be used to update or delete the matching\ntarget row. You can preprocess the source table to eliminate the possibility of\nmultiple matches. Please "
    "refer to\nhttps://docs.delta.io/latest/delta-update.html#upsert-into-a-table-using-merge"};
inline constexpr ErrorClass kDeltaCastOverflowInWrite{
    "DELTA_CAST_OVERFLOW_IN_TABLE_WRITE", "22003", ExceptionKind::kArithmetic,
    "Failed to write a value of <sourceType> type into the <targetType> type column <columnName> due to an overflow.\nUse `try_cast` on the input value to "
    "tolerate overflow and return NULL instead.\nIf necessary, set <storeAssignmentPolicyFlag> to \"LEGACY\" to bypass this error or set "
    "<updateAndMergeCastingFollowsAnsiEnabledFlag> to true to revert to the old behaviour and follow <ansiEnabledFlag> in UPDATE and MERGE."};

inline constexpr ErrorClass kDeltaReplaceWhereMismatch{
    "DELTA_REPLACE_WHERE_MISMATCH", "44000", ExceptionKind::kAnalysis,
    "Written data does not conform to partial table overwrite condition or constraint '<replaceWhere>'.\n<message>"};

inline constexpr ErrorClass kDeltaUnknownConfiguration{
    "DELTA_UNKNOWN_CONFIGURATION", "F0000", ExceptionKind::kAnalysis,
    "Unknown configuration was specified: <config>\nTo disable this check, set <disableCheckConfig>=true in the Spark session configuration."};

// ---- change data feed
inline constexpr ErrorClass kDeltaHasChangeColumns{
    "DELTA_TABLE_ALREADY_CONTAINS_CDC_COLUMNS", "42711", ExceptionKind::kAnalysis,
    "Unable to enable Change Data Capture on the table. The table already contains reserved columns <columnList> that will be used internally as metadata for "
    "the table's Change Data Feed. To enable Change Data Feed on the table rename/drop these columns."};
inline constexpr ErrorClass kDeltaMissingChangeData{
    "DELTA_MISSING_CHANGE_DATA", "KD002", ExceptionKind::kAnalysis,
    "Error getting change data for range [<startVersion> , <endVersion>] as change data was not\nrecorded for version [<version>]. If you've enabled change "
    "data feed on this table,\nuse `DESCRIBE HISTORY` to see when it was first enabled.\nOtherwise, to start recording change data, use `ALTER TABLE "
    "table_name SET TBLPROPERTIES\n(<key>=true)`."};
inline constexpr ErrorClass kDeltaChangesStartAfterLatest{"DELTA_CDC_START_VERSION_AFTER_LATEST", "22003", ExceptionKind::kIllegalArgument,
                                                          "Start version <start> for change data feed exceeds the latest table version <latest>."};
inline constexpr ErrorClass kDeltaTimestampInvalid{"DELTA_TIMESTAMP_INVALID", "42816", ExceptionKind::kAnalysis,
                                                   "The provided timestamp (<expr>) cannot be converted to a valid timestamp."};
inline constexpr ErrorClass kDeltaTimeTravelChanges{"DELTA_UNSUPPORTED_TIME_TRAVEL_VIEWS", "0AKDC", ExceptionKind::kAnalysis,
                                                    "Cannot time travel views, subqueries, streams or change data feed queries."};
inline constexpr ErrorClass kDeltaNoChangesStart{"DELTA_NO_START_FOR_CDC_READ", "42601", ExceptionKind::kAnalysis,
                                                 "No startingVersion or startingTimestamp provided for CDC read."};
inline constexpr ErrorClass kDeltaMultipleChangesBoundary{
    "DELTA_MULTIPLE_CDC_BOUNDARY", "42614", ExceptionKind::kAnalysis,
    "Multiple <startingOrEnding> arguments provided for CDC read. Please provide one of either <startingOrEnding>Timestamp or <startingOrEnding>Version."};
inline constexpr ErrorClass kDeltaChangesRange{"DELTA_INVALID_CDC_RANGE", "22003", ExceptionKind::kIllegalArgument,
                                               "CDC range from start <start> to end <end> was invalid. End cannot be before start."};

}  // namespace millstream::errors
