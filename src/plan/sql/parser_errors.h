#pragma once

// parser_errors.h   What can be wrong with SQL text beyond its words (those are in types/types_errors.h).

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kInvalidTypedLiteral{"INVALID_TYPED_LITERAL", "42604", ExceptionKind::kParse,
                                                 "The value of the typed literal <valueType> is invalid: <value>."};
inline constexpr ErrorClass kInvalidNumericLiteralRange{"INVALID_NUMERIC_LITERAL_RANGE", "22003", ExceptionKind::kParse,
                                                        "Numeric literal <rawStrippedQualifier> is outside the valid range for <typeName> "
                                                        "with minimum value of <minValue> and maximum value of "
                                                        "<maxValue>. Please adjust the value accordingly."};
inline constexpr ErrorClass kEmptyInPredicate{"INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE", "42000", ExceptionKind::kParse,
                                              "Invalid SQL syntax: IN predicate requires at least one value. Empty IN clauses like 'IN ()' "
                                              "are not allowed. Consider using 'WHERE FALSE' if "
                                              "you need an always-false condition, or provide at least one value in the IN list."};
inline constexpr ErrorClass kInvalidIntervalFormat{"INVALID_INTERVAL_FORMAT", "22006", ExceptionKind::kParse,
                                                   "Error parsing '<input>' to interval. Please ensure that the value provided is in a valid format."};
inline constexpr ErrorClass kInvalidInlineTable{"INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", "42000", ExceptionKind::kAnalysis,
                                                "Invalid inline table. Inline table expected <expectedNumCols> columns but found <actualNumCols> "
                                                "columns in row <rowIndex>."};
inline constexpr ErrorClass kUnboundParameter{"UNBOUND_SQL_PARAMETER", "42P02", ExceptionKind::kAnalysis,
                                              "Found the unbound parameter: <name>. Please, fix `args` and provide a mapping of the parameter to either "
                                              "a SQL literal or collection constructor functions such as `map()`, `array()`, `struct()`."};
inline constexpr ErrorClass kMissingWindow{"MISSING_WINDOW_SPECIFICATION", "42P20", ExceptionKind::kAnalysis,
                                           "Window specification is not defined in the WINDOW clause for <windowName>."};
inline constexpr ErrorClass kDuplicateClauses{"DUPLICATE_CLAUSES", "42614", ExceptionKind::kParse,
                                              "Found duplicate clauses: <clauseName>. Please, remove one of them."};

}  // namespace millstream::errors
