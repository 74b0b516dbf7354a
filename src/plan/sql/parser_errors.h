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
inline constexpr ErrorClass kMergeWithoutWhen{"MERGE_WITHOUT_WHEN", "42601", ExceptionKind::kParse,
                                              "There must be at least one WHEN clause in a MERGE statement."};
inline constexpr ErrorClass kMatchedWithoutCondition{
    "NON_LAST_MATCHED_CLAUSE_OMIT_CONDITION", "42613", ExceptionKind::kParse,
    "When there are more than one MATCHED clauses in a MERGE statement, only the last MATCHED clause can omit the condition."};
inline constexpr ErrorClass kNotMatchedWithoutCondition{
    "NON_LAST_NOT_MATCHED_BY_TARGET_CLAUSE_OMIT_CONDITION", "42613", ExceptionKind::kParse,
    "When there are more than one NOT MATCHED [BY TARGET] clauses in a MERGE statement, only the last NOT MATCHED [BY TARGET] clause can omit the condition."};
inline constexpr ErrorClass kNotMatchedBySourceWithoutCondition{
    "NON_LAST_NOT_MATCHED_BY_SOURCE_CLAUSE_OMIT_CONDITION", "42613", ExceptionKind::kParse,
    "When there are more than one NOT MATCHED BY SOURCE clauses in a MERGE statement, only the last NOT MATCHED BY SOURCE clause can omit the condition."};
inline constexpr ErrorClass kMergeInsertCount{
    "MERGE_INSERT_VALUE_COUNT_MISMATCH", "21S01", ExceptionKind::kParse,
    "The number of provided values (<actualCount>) must match the number of expected columns (<expectedCount>) in the INSERT clause of MERGE."};

inline constexpr ErrorClass kWatermarkWithoutAlias{"REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE", "42000", ExceptionKind::kAnalysis,
                                                   "The watermark clause requires an explicit name if expression is specified, but got <sqlExpr>."};
inline constexpr ErrorClass kCopyIntoCredentialSyntax{
    "COPY_INTO_SYNTAX_ERROR.CREDENTIAL_SYNTAX", "42601", ExceptionKind::kParse,
    "Failed to parse the COPY INTO command. Credentials belong to the source: FROM '<path>' WITH (CREDENTIAL …)."};
inline constexpr ErrorClass kCopyIntoEncryptionSyntax{
    "COPY_INTO_SYNTAX_ERROR.ENCRYPTION_SYNTAX", "42601", ExceptionKind::kParse,
    "Failed to parse the COPY INTO command. The encryption belongs to the source: FROM '<path>' WITH (ENCRYPTION …)."};
inline constexpr ErrorClass kCopyIntoValidateRows{"COPY_INTO_SYNTAX_ERROR.VALIDATE_INVALID_ROWS", "42601", ExceptionKind::kParse,
                                                  "Failed to parse the COPY INTO command. VALIDATE … ROWS needs a positive number, not <rows>."};

}  // namespace millstream::errors
