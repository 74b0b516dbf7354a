#pragma once

// formats_errors.h   What can be wrong with a file's bytes.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kMalformedRecord{"MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023", ExceptionKind::kSpark,
                                             "Malformed records are detected in record parsing: <badRecord>.\nParse Mode: FAILFAST. To process "
                                             "malformed records as null result, try setting the option 'mode' as 'PERMISSIVE'."};
inline constexpr ErrorClass kMalformedInInference{"_LEGACY_ERROR_TEMP_2167", "XXKD0", ExceptionKind::kSpark,
                                                  "Malformed records are detected in schema inference. Parse Mode: FAILFAST. Reasons: <reason>"};
inline constexpr ErrorClass kNewFieldsInFile{"UNKNOWN_FIELD_EXCEPTION.NEW_FIELDS_IN_FILE", "KD003", ExceptionKind::kRuntime,
                                             "Encountered unknown fields during parsing: [<unknownFields>], which can be fixed by an automatic "
                                             "retry: true"};
inline constexpr ErrorClass kFailedReadFile{"FAILED_READ_FILE.NO_HINT", "KD001", ExceptionKind::kSpark,
                                            "Encountered error while reading file <path>. <reason>"};
inline constexpr ErrorClass kParquetTypeMismatch{"FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH", "KD001", ExceptionKind::kSpark,
                                                 "Encountered error while reading file <path>. Data type mismatches when reading Parquet column "
                                                 "<column>. Expected Spark type <expectedType>, actual Parquet type <actualType>."};
inline constexpr ErrorClass kColumnTwiceInFile{
    "COLUMN_ALREADY_EXISTS", "42711", ExceptionKind::kAnalysis,
    "The column `<columnName>` already exists. Choose another name or rename the existing column: <path> has <names>."};
inline constexpr ErrorClass kCannotMergeSchemas{"CANNOT_MERGE_SCHEMAS", "42KD9", ExceptionKind::kSpark,
                                                "Failed merging schemas:\nInitial schema:\n<left>\nSchema that cannot be merged with the initial "
                                                "schema:\n<right>."};
inline constexpr ErrorClass kUnknownPartition{"MILLSTREAM_INVALID_PARTITION_VALUE", "22023", ExceptionKind::kRuntime,
                                              "The partition value '<value>' of column <column> in <path> is not a value of type <type>."};
inline constexpr ErrorClass kCorruptColumnType{"INVALID_CORRUPT_RECORD_TYPE", "42804", ExceptionKind::kAnalysis,
                                               "The column <columnName> for corrupt records must have the nullable STRING type, but got <actualType>."};
inline constexpr ErrorClass kColumnNotInScan{"UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", ExceptionKind::kAnalysis,
                                             "A column, variable, or function parameter with name <objectName> cannot be resolved."};
inline constexpr ErrorClass kAvroIncompatible{"AVRO_INCOMPATIBLE_READ_TYPE", "22KD3", ExceptionKind::kSpark,
                                              "Cannot read the Avro column <column> of <path>: <reason>"};
inline constexpr ErrorClass kXmlRowTagMissing{"XML_ROW_TAG_MISSING", "42KDF", ExceptionKind::kAnalysis,
                                              "<rowTag> option is required for reading/writing files in XML format."};
inline constexpr ErrorClass kAncientDatetime{"INCONSISTENT_BEHAVIOR_CROSS_VERSION.READ_ANCIENT_DATETIME", "42K0B", ExceptionKind::kSpark,
                                             "<path> has dates before 1582-10-15 or timestamps before 1900-01-01T00:00:00Z, and does not say in which "
                                             "calendar they were written. Set the option datetimeRebaseMode to LEGACY when Spark before 3.0 or Hive wrote "
                                             "them, or to CORRECTED to read them as they are."};

inline constexpr ErrorClass kTextColumns{"", "", ExceptionKind::kAnalysis, "Text data source supports only a single column, and you have <count> columns."};
inline constexpr ErrorClass kUnsupportedDataTypeForSource{"UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000", ExceptionKind::kAnalysis,
                                                          "The <format> datasource doesn't support the column <columnName> of the type <columnType>."};

}  // namespace millstream::errors
