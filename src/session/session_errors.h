#pragma once

// session_errors.h   What a session refuses, under Spark's names where Spark has one.

#include "base/error_class.h"

namespace millstream::errors {
inline constexpr ErrorClass kRetryRuns{"MILLSTREAM_RETRY_RUNS", "57014", ExceptionKind::kSpark,
                                       "Another RETRY QUARANTINE of <path> is running. Run the statement again when it has ended."};
inline constexpr ErrorClass kRetryWithoutTarget{"MILLSTREAM_RETRY_WITHOUT_TARGET", "0A000", ExceptionKind::kAnalysis,
                                                "<count> of the chosen records (the first of <file>) came through a query that changes rows, or are files that "
                                                "could not be read at all: what a table gets of "
                                                "them is not known. Repair the files and load them again (REPLAY FILES IN …; COPY INTO takes unreadable files "
                                                "again by itself), and choose the other records "
                                                "with WHERE target IS NOT NULL."};
inline constexpr ErrorClass kRetryTooLarge{"MILLSTREAM_RETRY_TOO_LARGE", "54000", ExceptionKind::kSpark,
                                           "The chosen records are more than 1 GiB. Retry a part of them at a time: add a WHERE."};
inline constexpr ErrorClass kRetryOvertaken{"MILLSTREAM_RETRY_OVERTAKEN", "40001", ExceptionKind::kSpark,
                                            "While records of <path> were retried, <detail>. Nothing of what is not loaded is lost: run the statement again."};
inline constexpr ErrorClass kQuarantineBusy{
    "MILLSTREAM_QUARANTINE_BUSY", "57014", ExceptionKind::kSpark,
    "Another process holds <path> for ten minutes now. Wait until it has ended, or stop it, and run the statement again."};

inline constexpr ErrorClass kTableOrViewNotFound{
    "TABLE_OR_VIEW_NOT_FOUND", "42P01", ExceptionKind::kAnalysis,
    "The table or view <relationName> cannot be found. Verify the spelling and correctness of the schema and catalog.\nSearch path: <searchPath>.\n"
    "If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.\n"
    "To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS."};
inline constexpr ErrorClass kTableOrViewAlreadyExists{
    "TABLE_OR_VIEW_ALREADY_EXISTS", "42P07", ExceptionKind::kAnalysis,
    "Cannot create table or view <relationName> because it already exists.\nChoose a different name, drop or replace the existing object, or add "
    "the IF NOT EXISTS clause to tolerate pre-existing objects."};
inline constexpr ErrorClass kTempTableOrViewAlreadyExists{
    "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "42P07", ExceptionKind::kAnalysis,
    "Cannot create the temporary view <relationName> because it already exists.\nChoose a different name, drop or replace the existing view."};
inline constexpr ErrorClass kTooManyPivotValues{
    "_LEGACY_ERROR_TEMP_1324", "", ExceptionKind::kAnalysis,
    "The pivot column <pivotColumn> has more than <maxValues> distinct values, this could indicate an error. If this was intended, set <conf> to at least the "
    "number of distinct values of the pivot column."};
inline constexpr ErrorClass kSchemaNotFound{
    "SCHEMA_NOT_FOUND", "42704", ExceptionKind::kAnalysis,
    "The schema <schemaName> cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the name with a "
    "catalog, verify the current_schema() output, or qualify the name with the correct catalog.\nTo tolerate the error on drop use DROP SCHEMA IF EXISTS."};
inline constexpr ErrorClass kSchemaAlreadyExists{
    "SCHEMA_ALREADY_EXISTS", "42P06", ExceptionKind::kAnalysis,
    "Cannot create schema <schemaName> because it already exists.\nChoose a different name, drop the existing schema, or add the IF NOT EXISTS clause to "
    "tolerate pre-existing schema."};
inline constexpr ErrorClass kSchemaNotEmpty{
    "SCHEMA_NOT_EMPTY", "2BP01", ExceptionKind::kAnalysis,
    "Cannot drop a schema <schemaName> because it contains objects.\nUse DROP SCHEMA ... CASCADE to drop the schema and all its objects."};
inline constexpr ErrorClass kDropDefaultDatabase{"UNSUPPORTED_FEATURE.DROP_DATABASE", "0A000", ExceptionKind::kAnalysis,
                                                 "The feature is not supported: Drop the default database <database>."};
inline constexpr ErrorClass kInvalidName{"INVALID_SCHEMA_OR_RELATION_NAME", "42602", ExceptionKind::kAnalysis,
                                         "<name> is not a valid name for tables/schemas. Valid names only contain alphabet characters, numbers and _."};
inline constexpr ErrorClass kRequiresSinglePartNamespace{"REQUIRES_SINGLE_PART_NAMESPACE", "42K05", ExceptionKind::kAnalysis,
                                                         "<sessionCatalog> requires a single-part namespace, but got identifier <identifier>."};
inline constexpr ErrorClass kCatalogNotFound{"CATALOG_NOT_FOUND", "42P08", ExceptionKind::kAnalysis,
                                             "The catalog <catalogName> not found. Consider to set the SQL config <config> to a catalog plugin."};
inline constexpr ErrorClass kWrongCommandForObjectType{
    "WRONG_COMMAND_FOR_OBJECT_TYPE", "42809", ExceptionKind::kAnalysis,
    "The operation <operation> requires a <requiredType>. But <objectName> is a <foundType>. Use <alternative> instead."};
inline constexpr ErrorClass kViewNotEnoughColumns{
    "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS", "21S01", ExceptionKind::kAnalysis,
    "Cannot create view <viewName>, the reason is not enough data columns:\nView columns: <viewColumns>.\nData columns: <dataColumns>."};
inline constexpr ErrorClass kViewTooManyColumns{
    "CREATE_VIEW_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS", "21S01", ExceptionKind::kAnalysis,
    "Cannot create view <viewName>, the reason is too many data columns:\nView columns: <viewColumns>.\nData columns: <dataColumns>."};
inline constexpr ErrorClass kDataSourceNotFound{
    "DATA_SOURCE_NOT_FOUND", "42K02", ExceptionKind::kAnalysis,
    "Failed to find the data source: <provider>. Make sure the provider name is correct and the package is properly registered and compatible with your "
    "Spark version."};
inline constexpr ErrorClass kPathNotSpecified{"", "", ExceptionKind::kIllegalArgument, "'path' is not specified"};
inline constexpr ErrorClass kSqlConfNotFound{"SQL_CONF_NOT_FOUND", "42K0I", ExceptionKind::kNoSuchElement,
                                             "The SQL config <sqlConf> cannot be found. Please verify that the config exists."};
inline constexpr ErrorClass kCannotModifyStaticConfig{"CANNOT_MODIFY_STATIC_CONFIG", "46110", ExceptionKind::kAnalysis,
                                                      "Cannot modify the value of the static Spark config: <key>."};
inline constexpr ErrorClass kCannotModifyConfig{
    "CANNOT_MODIFY_CONFIG", "46110", ExceptionKind::kAnalysis,
    "Cannot modify the value of the Spark config: <key>.\nSee also 'https://spark.apache.org/docs/latest/sql-migration-guide.html#ddl-statements'."};
inline constexpr ErrorClass kInvalidConfType{"INVALID_CONF_VALUE.TYPE_MISMATCH", "22022", ExceptionKind::kIllegalArgument,
                                             "The value '<confValue>' in the config \"<confName>\" is invalid. It should be a/an '<confType>' value."};
inline constexpr ErrorClass kInvalidConfTimeZone{"INVALID_CONF_VALUE.TIME_ZONE", "22022", ExceptionKind::kIllegalArgument,
                                                 "The value '<confValue>' in the config \"<confName>\" is invalid. Cannot resolve the given timezone."};
inline constexpr ErrorClass kCheckpointLocationMissing{
    "_LEGACY_ERROR_TEMP_1298", "", ExceptionKind::kAnalysis,
    "checkpointLocation must be specified either through option(\"checkpointLocation\", ...) or SparkSession.conf.set(\"<config>\", ...)."};
inline constexpr ErrorClass kMemorySinkNeedsName{"_LEGACY_ERROR_TEMP_1194", "", ExceptionKind::kAnalysis, "queryName must be specified for memory sink."};
inline constexpr ErrorClass kMemorySinkCannotRecover{"_LEGACY_ERROR_TEMP_1299", "", ExceptionKind::kAnalysis,
                                                     "This query does not support recovering from checkpoint location. Delete <checkpointPath> to start over."};
inline constexpr ErrorClass kWriteStreamNotAllowed{"WRITE_STREAM_NOT_ALLOWED", "42601", ExceptionKind::kAnalysis,
                                                   "`writeStream` can be called only on streaming Dataset/DataFrame."};
inline constexpr ErrorClass kWriteOnStream{"CALL_ON_STREAMING_DATASET_UNSUPPORTED", "42KDE", ExceptionKind::kAnalysis,
                                           "The method `<methodName>` can not be called on streaming Dataset/DataFrame."};
inline constexpr ErrorClass kDeltaOutputMode{"DELTA_UNSUPPORTED_OUTPUT_MODE", "0AKDC", ExceptionKind::kAnalysis,
                                             "Data source <dataSource> does not support <mode> output mode"};
inline constexpr ErrorClass kCatalogDamaged{"MILLSTREAM_CATALOG_DAMAGED", "55019", ExceptionKind::kSpark,
                                            "<path> is not an entry of the catalog that this version can read: <problem>."};
inline constexpr ErrorClass kForeachBatchUserFunction{"FOREACH_BATCH_USER_FUNCTION_ERROR", "39000", ExceptionKind::kSpark,
                                                      "An error occurred in the user provided function in foreach batch sink. Reason: <reason>"};
inline constexpr ErrorClass kForeachPartitioning{"_LEGACY_ERROR_TEMP_1197", "", ExceptionKind::kAnalysis, "'<operation>' does not support partitioning."};
inline constexpr ErrorClass kBatchTooLarge{"MILLSTREAM_BATCH_TOO_LARGE", "54000", ExceptionKind::kSpark,
                                           "The batch of foreachBatch is larger than the <limit> bytes that it may hold in memory: take less per batch with "
                                           "maxFilesPerTrigger or maxBytesPerTrigger."};

inline constexpr ErrorClass kDeltaCreateLocationMismatch{
    "DELTA_CREATE_TABLE_IDENTIFIER_LOCATION_MISMATCH", "0AKDC", ExceptionKind::kAnalysis,
    "Creating path-based Delta table with a different location isn't supported. Identifier: <identifier>, Location: <location>"};
inline constexpr ErrorClass kNonPartitionColumn{"NON_PARTITION_COLUMN", "42000", ExceptionKind::kAnalysis,
                                                "PARTITION clause cannot contain the non-partition column: <columnName>."};

}  // namespace millstream::errors
