#pragma once

// compute_errors.h   What can go wrong while an expression is computed, under Spark's names.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kDivideByZero{"DIVIDE_BY_ZERO", "22012", ExceptionKind::kArithmetic,
                                          "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead. If necessary set "
                                          "\"spark.sql.ansi.enabled\" to \"false\" to bypass this error."};
inline constexpr ErrorClass kRemainderByZero{"REMAINDER_BY_ZERO", "22012", ExceptionKind::kArithmetic,
                                             "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead. If necessary set "
                                             "\"spark.sql.ansi.enabled\" to \"false\" to bypass this error."};
inline constexpr ErrorClass kArithmeticOverflow{"ARITHMETIC_OVERFLOW", "22003", ExceptionKind::kArithmetic,
                                                "<message>.<alternative> If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."};
inline constexpr ErrorClass kBinaryArithmeticOverflow{"BINARY_ARITHMETIC_OVERFLOW", "22003", ExceptionKind::kArithmetic,
                                                      "<value1> <symbol> <value2> caused overflow. Use <functionName> to ignore overflow problem and "
                                                      "return NULL."};
inline constexpr ErrorClass kCastInvalidInput{"CAST_INVALID_INPUT", "22018", ExceptionKind::kNumberFormat,
                                              "The value <expression> of the type <sourceType> cannot be cast to <targetType> because it is malformed. "
                                              "Correct the value as per the syntax, or change its target type. Use `try_cast` to tolerate malformed "
                                              "input and return NULL instead."};
inline constexpr ErrorClass kCastInvalidDateTime{"CAST_INVALID_INPUT", "22018", ExceptionKind::kDateTime, kCastInvalidInput.text};
inline constexpr ErrorClass kCastOverflow{"CAST_OVERFLOW", "22003", ExceptionKind::kArithmetic,
                                          "The value <value> of the type <sourceType> cannot be cast to <targetType> due to an overflow. Use `try_cast` "
                                          "to tolerate overflow and return NULL instead."};
inline constexpr ErrorClass kInvalidArrayIndex{"INVALID_ARRAY_INDEX", "22003", ExceptionKind::kArrayIndexOutOfBounds,
                                               "The index <indexValue> is out of bounds. The array has <arraySize> elements. Use the SQL function `get()` "
                                               "to tolerate accessing element at invalid index and return NULL instead."};
inline constexpr ErrorClass kInvalidArrayIndexInElementAt{"INVALID_ARRAY_INDEX_IN_ELEMENT_AT", "22003", ExceptionKind::kArrayIndexOutOfBounds,
                                                          "The index <indexValue> is out of bounds. The array has <arraySize> elements. Use "
                                                          "`try_element_at` to tolerate accessing element at invalid index and return NULL instead."};
inline constexpr ErrorClass kInvalidIndexOfZero{"INVALID_INDEX_OF_ZERO", "22003", ExceptionKind::kRuntime,
                                                "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1)."};
inline constexpr ErrorClass kNumericOutOfRange{"NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003", ExceptionKind::kArithmetic,
                                               "<value> cannot be represented as Decimal(<precision>, <scale>). If necessary set "
                                               "\"spark.sql.ansi.enabled\" to \"false\" to bypass this error, and return NULL instead."};
inline constexpr ErrorClass kScalarSubqueryTooManyRows{"SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000", ExceptionKind::kRuntime,
                                                       "More than one row returned by a subquery used as an expression."};
inline constexpr ErrorClass kCannotParseTimestamp{"CANNOT_PARSE_TIMESTAMP", "22007", ExceptionKind::kDateTime,
                                                  "<message>. Use <func> to tolerate invalid input string and return NULL instead."};
inline constexpr ErrorClass kDatetimeOverflow{"DATETIME_OVERFLOW", "22008", ExceptionKind::kArithmetic, "Datetime operation overflow: <operation>."};
inline constexpr ErrorClass kDatetimeFieldOutOfBounds{"DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "22023", ExceptionKind::kDateTime,
                                                      "<rangeMessage>. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."};
inline constexpr ErrorClass kIllegalDayOfWeek{"ILLEGAL_DAY_OF_WEEK", "22009", ExceptionKind::kIllegalArgument, "Illegal input for day of week: <string>."};
inline constexpr ErrorClass kNullMapKey{"NULL_MAP_KEY", "2200E", ExceptionKind::kRuntime, "Cannot use null as map key."};
inline constexpr ErrorClass kDuplicatedMapKey{"DUPLICATED_MAP_KEY", "23505", ExceptionKind::kRuntime,
                                              "Duplicate map key <key> was found, please check the input data.\nIf you want to remove the duplicated "
                                              "keys, you can set \"spark.sql.mapKeyDedupPolicy\" to \"LAST_WIN\" so that the key inserted at last takes "
                                              "precedence."};
inline constexpr ErrorClass kInvalidTimezone{"INVALID_TIMEZONE", "22009", ExceptionKind::kDateTime,
                                             "The timezone: <timeZone> is invalid. The timezone must be either a region-based zone ID or a zone offset. "
                                             "Region IDs must have the form 'area/city', such as 'America/Los_Angeles'. Zone offsets must be in the "
                                             "format '(+|-)HH', '(+|-)HH:mm’ or '(+|-)HH:mm:ss', e.g '-08' , '+01:00' or '-13:33:33', and must be in the "
                                             "range from -18:00 to +18:00. 'Z' and 'UTC' are accepted as synonyms for '+00:00'."};
inline constexpr ErrorClass kInvalidRegexGroup{"INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX", "22023", ExceptionKind::kRuntime,
                                               "The value of parameter(s) `idx` in <functionName> is invalid: Expects group index between 0 and "
                                               "<groupCount>, but got <groupIndex>."};
inline constexpr ErrorClass kSliceStart{"INVALID_PARAMETER_VALUE.START", "22023", ExceptionKind::kRuntime,
                                        "The value of parameter(s) <parameter> in <functionName> is invalid: Expects a positive or a negative value for "
                                        "`start`, but got 0."};
inline constexpr ErrorClass kSliceLength{"INVALID_PARAMETER_VALUE.LENGTH", "22023", ExceptionKind::kRuntime,
                                         "The value of parameter(s) <parameter> in <functionName> is invalid: Expects `length` greater than or equal to "
                                         "0, but got <length>."};
inline constexpr ErrorClass kInvalidPattern{"INVALID_PARAMETER_VALUE.PATTERN", "22023", ExceptionKind::kRuntime,
                                            "The value of parameter(s) <parameter> in <functionName> is invalid: <value>."};
inline constexpr ErrorClass kInvalidDatetimePattern{"INVALID_DATETIME_PATTERN.WITH_SUGGESTION", "22007", ExceptionKind::kIllegalArgument,
                                                    "Unrecognized datetime pattern: <pattern>. You can form a valid datetime pattern with the guide from "
                                                    "'https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html'."};
inline constexpr ErrorClass kUserRaised{"USER_RAISED_EXCEPTION", "P0001", ExceptionKind::kRuntime, "<errorMessage>"};
inline constexpr ErrorClass kOutOfMemory{"MILLSTREAM_OUT_OF_MEMORY", "53200", ExceptionKind::kSpark, "Out of memory: <message>."};
inline constexpr ErrorClass kPlanTooDeep{"MILLSTREAM_PLAN_TOO_DEEP", "54001", ExceptionKind::kAnalysis,
                                         "The plan is nested deeper than <limit> levels. Break it up, for example by writing an intermediate table."};

}  // namespace millstream::errors
