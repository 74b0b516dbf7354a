#pragma once

// types_errors.h   What can be wrong with a schema that somebody wrote.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kInvalidJsonDataType{"INVALID_JSON_DATA_TYPE", "2203G", ExceptionKind::kIllegalArgument,
                                                 "Failed to convert the JSON string '<invalidType>' to a data type. Please enter a valid data type."};
inline constexpr ErrorClass kParseSyntaxError{"PARSE_SYNTAX_ERROR", "42601", ExceptionKind::kParse, "Syntax error at or near <error><hint>."};
inline constexpr ErrorClass kParseEmptyStatement{"PARSE_EMPTY_STATEMENT", "42617", ExceptionKind::kParse, "Syntax error, unexpected empty statement."};
inline constexpr ErrorClass kInvalidIdentifier{"INVALID_IDENTIFIER", "42602", ExceptionKind::kParse,
                                               "The unquoted identifier <ident> is invalid and must be back quoted as: `<ident>`.\nUnquoted identifiers "
                                               "can only contain ASCII letters ('a' - 'z', 'A' - 'Z'), digits ('0' - '9'), and underbar ('_').\n"
                                               "Unquoted identifiers must also not start with a digit.\nDifferent data sources and meta stores may impose "
                                               "additional restrictions on valid identifiers."};
inline constexpr ErrorClass kUnclosedBracketedComment{"UNCLOSED_BRACKETED_COMMENT", "42601", ExceptionKind::kParse,
                                                      "Found an unclosed bracketed comment. Please, append */ at the end of the comment."};
inline constexpr ErrorClass kUnsupportedDataType{"UNSUPPORTED_DATATYPE", "0A000", ExceptionKind::kParse, "Unsupported data type <typeName>."};
inline constexpr ErrorClass kTooComplex{"FAILED_TO_PARSE_TOO_COMPLEX", "54001", ExceptionKind::kParse,
                                        "The statement, including potential SQL functions and referenced views, was too complex to parse.\n"
                                        "To mitigate this error divide the statement into multiple, less complex chunks."};
inline constexpr ErrorClass kDatatypeMissingSize{"DATATYPE_MISSING_SIZE", "42K01", ExceptionKind::kParse,
                                                 "DataType <type> requires a length parameter, for example <type>(10). Please specify the length."};
inline constexpr ErrorClass kIncompleteArray{"INCOMPLETE_TYPE_DEFINITION.ARRAY", "42K01", ExceptionKind::kParse,
                                             "Incomplete complex type: The definition of \"ARRAY\" type is incomplete. You must provide an element type. "
                                             "For example: \"ARRAY<INT>\"."};
inline constexpr ErrorClass kIncompleteMap{"INCOMPLETE_TYPE_DEFINITION.MAP", "42K01", ExceptionKind::kParse,
                                           "Incomplete complex type: The definition of \"MAP\" type is incomplete. You must provide a key type and a "
                                           "value type. For example: \"MAP<TIMESTAMP, INT>\"."};
inline constexpr ErrorClass kIncompleteStruct{"INCOMPLETE_TYPE_DEFINITION.STRUCT", "42K01", ExceptionKind::kParse,
                                              "Incomplete complex type: The definition of \"STRUCT\" type is incomplete. You must provide at least one "
                                              "field type. For example: \"STRUCT<name STRING, phone DECIMAL(10, 0)>\"."};
inline constexpr ErrorClass kDecimalPrecision{"DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "22003", ExceptionKind::kArithmetic,
                                              "Decimal precision <precision> exceeds max precision <maxPrecision>."};
inline constexpr ErrorClass kInvalidDecimalScale{"INVALID_DECIMAL_SCALE", "42K0Z", ExceptionKind::kAnalysis,
                                                 "Decimal scale (<scale>) cannot be greater than precision (<precision>)."};
inline constexpr ErrorClass kTypeTooDeep{"MILLSTREAM_TYPE_TOO_DEEP", "54000", ExceptionKind::kAnalysis, "The data type is nested deeper than <limit> levels."};

inline constexpr ErrorClass kUnsupportedArrowType{"UNSUPPORTED_ARROWTYPE", "0A000", ExceptionKind::kUnsupportedOperation, "Unsupported arrow type <typeName>."};
inline constexpr ErrorClass kArrow{"MILLSTREAM_ARROW", "XX000", ExceptionKind::kSpark, "<kind>: <message>."};
inline constexpr ErrorClass kArrowOutOfMemory{"MILLSTREAM_OUT_OF_MEMORY", "53200", ExceptionKind::kSpark, "Out of memory: <message>."};

}  // namespace millstream::errors
