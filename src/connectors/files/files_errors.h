#pragma once

// files_errors.h   What can go wrong between a directory and a stream, under Databricks' and Spark's names where they have one.

#include "base/error_class.h"

namespace millstream::errors {
inline constexpr ErrorClass kQuarantineTooLarge{"MILLSTREAM_QUARANTINE_TOO_LARGE", "54000", ExceptionKind::kSpark,
                                                "More than 1 GiB of bad records in one load (<records> so far). Check the format and its options; if these "
                                                "records are bad indeed, load fewer files at a time (cloudFiles.maxFilesPerTrigger, FILES, PATTERN)."};

inline constexpr ErrorClass kCloudFilesEmptyDirectory{
    "CF_EMPTY_DIR_FOR_SCHEMA_INFERENCE", "42000", ExceptionKind::kAnalysis,
    "Cannot infer schema when the input path <path> is empty. Please try to start the stream when there are files in the input path, or specify "
    "the schema."};
inline constexpr ErrorClass kCloudFilesInferenceFailed{
    "CF_FAILED_TO_INFER_SCHEMA.OTHER", "22000", ExceptionKind::kAnalysis,
    "Failed to infer schema for format <format> from existing files in input path <path>. Please ensure you configured the options properly or "
    "explicitly specify the schema. <detail>"};
inline constexpr ErrorClass kCloudFilesSchemaLocationMissing{
    "MILLSTREAM_SCHEMA_LOCATION_REQUIRED", "42K0I", ExceptionKind::kAnalysis,
    "Inferring the schema of a cloudFiles stream needs a place to keep it. Set the option cloudFiles.schemaLocation to a directory (the "
    "checkpointLocation will do), or give the schema with .schema(...)."};
inline constexpr ErrorClass kCloudFilesEvolutionWithSchema{
    "CF_ADD_NEW_NOT_SUPPORTED", "0A000", ExceptionKind::kAnalysis,
    "Schema evolution mode <mode> is not supported when the schema is specified. To use this mode, you can provide the schema through "
    "cloudFiles.schemaHints instead."};
inline constexpr ErrorClass kCloudFilesPolicyWithSchema{
    "MILLSTREAM_EVOLUTION_POLICY_WITH_SCHEMA", "0A000", ExceptionKind::kAnalysis,
    "cloudFiles.schemaEvolutionPolicy says how an inferred schema changes, and the schema is specified. Leave one of them out; cloudFiles.schemaHints gives the "
    "types of single columns."};
inline constexpr ErrorClass kSchemaReverted{
    "MILLSTREAM_SCHEMA_REVERTED", "KD003", ExceptionKind::kRuntime,
    "The schema <path> was reverted while the query ran with version <running>. Nothing of this batch is loaded; the next start of the query goes on with "
    "version <latest>."};
inline constexpr ErrorClass kCloudFilesPartitionMismatch{
    "CF_PARTITON_INFERENCE_ERROR", "0A000", ExceptionKind::kAnalysis,
    "There was an error when trying to infer the partition schema of your table. You have the same column duplicated in your data and partition "
    "paths. To ignore the partition value, please provide your partition columns explicitly by using: "
    ".option(\"cloudFiles.partitionColumns\", \"<columns>\")"};
inline constexpr ErrorClass kUnableToInferSchema{"UNABLE_TO_INFER_SCHEMA", "42KD9", ExceptionKind::kAnalysis,
                                                 "Unable to infer schema for <format>. It must be specified manually."};
inline constexpr ErrorClass kStreamingSchemaRequired{
    "_LEGACY_ERROR_TEMP_2048", "", ExceptionKind::kIllegalArgument,
    "Schema must be specified when creating a streaming source DataFrame. If some files already exist in the directory, then depending on the file "
    "format you may be able to create a static DataFrame on that directory with 'spark.read.load(directory)' and infer schema from it."};
inline constexpr ErrorClass kCloudFilesStateMissing{
    "MILLSTREAM_NO_CLOUD_FILES_STATE", "42K03", ExceptionKind::kAnalysis,
    "<path> is not the checkpoint of a query that reads with cloudFiles: no ledger of files is below it. Give the checkpointLocation of the query, or one of "
    "its sources, such as <path>/sources/0."};
inline constexpr ErrorClass kLedgerBehindCheckpoint{
    "MILLSTREAM_LEDGER_BEHIND_CHECKPOINT", "58030", ExceptionKind::kSpark,
    "The checkpoint says that files up to number <wanted> were assigned to batches, but the file ledger <path> knows only <known>. It was removed, or "
    "restored from an older copy. Going on would load files twice: restore the ledger, or start with a new checkpoint and a new table."};
inline constexpr ErrorClass kLedgerIo{"MILLSTREAM_LEDGER_IO", "58030", ExceptionKind::kSpark, "<operation> of the file ledger <path> failed: <reason>."};
inline constexpr ErrorClass kLedgerInUse{"MILLSTREAM_LEDGER_IN_USE", "55006", ExceptionKind::kSpark,
                                         "The file ledger <path> is open already: another query runs on this checkpoint. Stop it first. (<reason>)"};
inline constexpr ErrorClass kLedgerForeign{
    "MILLSTREAM_LEDGER_FORMAT", "0A000", ExceptionKind::kSpark,
    "<path> is not a file ledger that this version can read (<detail>). It is left as it is; start with a new checkpoint."};
inline constexpr ErrorClass kOffsetUnreadable{"MILLSTREAM_SOURCE_OFFSET", "58030", ExceptionKind::kSpark,
                                              "'<json>' is not an offset of a <source> source (<reason>). Is this the checkpoint of another query?"};
inline constexpr ErrorClass kSchemaFileUnreadable{
    "MILLSTREAM_SCHEMA_FILE", "58030", ExceptionKind::kSpark,
    "The schema file <path> cannot be read (<reason>). Remove it to go on with the version before it, or restore it."};
inline constexpr ErrorClass kDirectoryUnreadable{"MILLSTREAM_DIRECTORY_UNREADABLE", "42501", ExceptionKind::kSpark,
                                                 "The directory <path> cannot be listed: <reason>. Files in it would be missed silently; grant access "
                                                 "to it, or leave it out with a glob in the load path."};
inline constexpr ErrorClass kFileLogUnreadable{
    "MILLSTREAM_FILE_LOG_UNREADABLE", "58030", ExceptionKind::kSpark,
    "The log of files <path> cannot be read: <reason>. Restore it, or start with a new checkpoint and a new directory."};
inline constexpr ErrorClass kConcurrentFileLogUpdate{"CONCURRENT_STREAM_LOG_UPDATE", "40000", ExceptionKind::kSpark,
                                                     "Concurrent update to the log. Multiple streaming jobs detected for <batchId>. Please make sure "
                                                     "only one streaming job runs on a specific checkpoint location at a time."};
inline constexpr ErrorClass kCleanSourceOfSink{"", "", ExceptionKind::kUnsupportedOperation,
                                               "Clean up source files is not supported when reading from the output directory of FileStreamSink."};
inline constexpr ErrorClass kPathAlreadyExists{"PATH_ALREADY_EXISTS", "42K04", ExceptionKind::kAnalysis,
                                               "Path <outputPath> already exists. Set mode as \"overwrite\" to overwrite the existing path."};
inline constexpr ErrorClass kPartitionColumnNotFound{
    "PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA", "42000", ExceptionKind::kAnalysis,
    "Partition column <column> not found in schema <schema>. Please provide the existing column for partitioning."};
inline constexpr ErrorClass kPartitionColumnType{"INVALID_PARTITION_COLUMN_DATA_TYPE", "0A000", ExceptionKind::kAnalysis,
                                                 "Cannot use <type> for partition column."};
inline constexpr ErrorClass kAllPartitionColumns{"ALL_PARTITION_COLUMNS_NOT_ALLOWED", "KD005", ExceptionKind::kAnalysis,
                                                 "Cannot use all columns for partition columns."};
inline constexpr ErrorClass kSinkOfAnotherQuery{
    "MILLSTREAM_SINK_OF_ANOTHER_QUERY", "55019", ExceptionKind::kIllegalArgument,
    "<path> holds the batches 0 to <last> of another query, and this query starts with a new checkpoint: its batches of these numbers would be taken for "
    "done and left out. Write to another directory, or go on with the checkpoint of that query."};

// ---- COPY INTO
inline constexpr ErrorClass kCopyIntoSourceFormat{
    "COPY_INTO_SOURCE_FILE_FORMAT_NOT_SUPPORTED", "0A000", ExceptionKind::kAnalysis,
    "The format of the source files must be one of CSV, JSON, AVRO, ORC, PARQUET, TEXT, or BINARYFILE. Using COPY INTO on Delta tables as the source is not "
    "supported as duplicate data may be ingested after OPTIMIZE operations."};
inline constexpr ErrorClass kCopyIntoInferenceFailed{
    "COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED", "42KD9", ExceptionKind::kAnalysis,
    "The source directory did not contain any parsable files of type <format>. Please check the contents of '<source>'. The error can be silenced by setting "
    "'<config>' to 'false'."};

}  // namespace millstream::errors
