#pragma once

// plan_errors.h   What analysis can find wrong, in Spark's classes (error-conditions.json of 4.2).

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kEventTimeWithoutWatermark{
    "CANNOT_ASSIGN_EVENT_TIME_COLUMN_WITHOUT_WATERMARK", "42611", ExceptionKind::kAnalysis,
    "Watermark needs to be defined to reassign event time column. Failed to find watermark definition in the streaming query."};
inline constexpr ErrorClass kTransformInitialStream{"", "", ExceptionKind::kAnalysis, "Non-streaming DataFrame is required for the initial state."};
inline constexpr ErrorClass kTransformInitialKeys{"", "", ExceptionKind::kIllegalArgument,
                                                  "The initial state must be grouped by keys of the same types as the rows."};
inline constexpr ErrorClass kUnresolvedColumn{
    "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", ExceptionKind::kAnalysis,
    "A column, variable, or function parameter with name <objectName> cannot be resolved. Did you mean one of the following? [<proposal>]."};
inline constexpr ErrorClass kDataFrameColumn{
    "CANNOT_RESOLVE_DATAFRAME_COLUMN", "42704", ExceptionKind::kAnalysis,
    "Cannot resolve dataframe column \"<name>\". It's probably because of illegal references like `df1.select(df2.col(\"a\"))`."};
inline constexpr ErrorClass kUnresolvedColumnBare{"UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", ExceptionKind::kAnalysis,
                                                  "A column, variable, or function parameter with name <objectName> cannot be resolved."};
inline constexpr ErrorClass kAmbiguousReference{"AMBIGUOUS_REFERENCE", "42704", ExceptionKind::kAnalysis,
                                                "Reference <name> is ambiguous, could be: <referenceNames>."};
inline constexpr ErrorClass kTableNotFound{
    "TABLE_OR_VIEW_NOT_FOUND", "42P01", ExceptionKind::kAnalysis,
    "The table or view <relationName> cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the name with a "
    "schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.\nTo tolerate the error on drop use DROP VIEW IF "
    "EXISTS or DROP "
    "TABLE IF EXISTS."};
inline constexpr ErrorClass kUnresolvedRoutine{"UNRESOLVED_ROUTINE", "42883", ExceptionKind::kAnalysis,
                                               "Cannot resolve routine <routineName> on search path <searchPath>."};
inline constexpr ErrorClass kWrongNumArgs{"WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", ExceptionKind::kAnalysis,
                                          "The <functionName> requires <expectedNum> parameters but the actual number is <actualNum>."};
inline constexpr ErrorClass kUnexpectedInputType{"DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09", ExceptionKind::kAnalysis,
                                                 "Cannot resolve \"<sqlExpr>\" due to data type mismatch: The <paramIndex> parameter requires the "
                                                 "<requiredType> type, however \"<inputSql>\" has the type \"<inputType>\"."};
inline constexpr ErrorClass kBinaryOpDiffTypes{"DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09", ExceptionKind::kAnalysis,
                                               "Cannot resolve \"<sqlExpr>\" due to data type mismatch: the left and right operands of the binary operator "
                                               "have incompatible types (\"<left>\" and \"<right>\")."};
inline constexpr ErrorClass kBinaryOpWrongType{
    "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE", "42K09", ExceptionKind::kAnalysis,
    "Cannot resolve \"<sqlExpr>\" due to data type mismatch: the binary operator requires the input type <inputType>, not \"<actualDataType>\"."};
inline constexpr ErrorClass kDataDiffTypes{
    "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09", ExceptionKind::kAnalysis,
    "Cannot resolve \"<sqlExpr>\" due to data type mismatch: Input to <functionName> should all be the same type, but it's <dataType>."};
inline constexpr ErrorClass kInvalidJsonSchema{
    "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA", "42K09", ExceptionKind::kAnalysis,
    "Cannot resolve \"<sqlExpr>\" due to data type mismatch: Input schema \"<schema>\" must be a struct, an array, a map or a variant."};
inline constexpr ErrorClass kCastWithoutSuggestion{"DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", "42K09", ExceptionKind::kAnalysis,
                                                   "Cannot resolve \"<sqlExpr>\" due to data type mismatch: cannot cast \"<srcType>\" to \"<targetType>\"."};
inline constexpr ErrorClass kCastWithFunctionSuggestion{"DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION", "42K09", ExceptionKind::kAnalysis,
                                                        "Cannot resolve \"<sqlExpr>\" due to data type mismatch: cannot cast \"<srcType>\" to "
                                                        "\"<targetType>\".\nTo convert values from \"<srcType>\" to \"<targetType>\", you can use the "
                                                        "functions <functionNames> instead."};
inline constexpr ErrorClass kNonFoldableInput{
    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", "42K09", ExceptionKind::kAnalysis,
    "Cannot resolve \"<sqlExpr>\" due to data type mismatch: the input <inputName> should be a foldable <inputType> expression; however, got \"<inputExpr>\"."};
inline constexpr ErrorClass kFilterNotBoolean{
    "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09", ExceptionKind::kAnalysis,
    "Cannot resolve \"<sqlExpr>\" due to data type mismatch: Filter expression \"<filter>\" of type \"<type>\" is not a boolean."};
inline constexpr ErrorClass kJoinConditionNotBoolean{"JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE", "42K0E", ExceptionKind::kAnalysis,
                                                     "The join condition \"<joinCondition>\" has the invalid type \"<conditionType>\", expected \"BOOLEAN\"."};
inline constexpr ErrorClass kMissingAggregation{
    "MISSING_AGGREGATION", "42803", ExceptionKind::kAnalysis,
    "The non-aggregating expression \"<expression>\" is based on columns which are not participating in the GROUP BY clause.\nAdd the columns or the "
    "expression to the "
    "GROUP BY, aggregate the expression, or use \"<expressionAnyValue>\" if you do not care which of the values within a group is returned."};
inline constexpr ErrorClass kGroupByPos{"GROUP_BY_POS_OUT_OF_RANGE", "42805", ExceptionKind::kAnalysis,
                                        "GROUP BY position <index> is not in select list (valid range is [1, <size>])."};
inline constexpr ErrorClass kOrderByPos{"ORDER_BY_POS_OUT_OF_RANGE", "42805", ExceptionKind::kAnalysis,
                                        "ORDER BY position <index> is not in select list (valid range is [1, <size>])."};
inline constexpr ErrorClass kGroupByAggregate{"GROUP_BY_AGGREGATE", "42903", ExceptionKind::kAnalysis,
                                              "Aggregate functions are not allowed in GROUP BY, but found <sqlExpr>."};
inline constexpr ErrorClass kInvalidWhere{"INVALID_WHERE_CONDITION", "42903", ExceptionKind::kAnalysis,
                                          "The WHERE condition \"<condition>\" contains invalid expressions: <expressionList>.\nRewrite the query to avoid "
                                          "window functions, aggregate functions, and generator functions in the WHERE clause."};
inline constexpr ErrorClass kNestedAggregate{
    "NESTED_AGGREGATE_FUNCTION", "42607", ExceptionKind::kAnalysis,
    "It is not allowed to use an aggregate function in the argument of another aggregate function. Please use the inner aggregate function in a sub-query."};
inline constexpr ErrorClass kNumColumnsMismatch{"NUM_COLUMNS_MISMATCH", "42826", ExceptionKind::kAnalysis,
                                                "<operator> can only be performed on inputs with the same number of columns, but the first input has "
                                                "<firstNumColumns> columns and the <invalidOrdinalNum> input has <invalidNumColumns> columns."};
inline constexpr ErrorClass kIncompatibleColumnType{
    "INCOMPATIBLE_COLUMN_TYPE", "42825", ExceptionKind::kAnalysis,
    "<operator> can only be performed on tables with compatible column types. The <columnOrdinalNumber> column of the <tableOrdinalNumber> table is "
    "\"<dataType1>\" type which is not compatible with \"<dataType2>\" at the same column of the first table.<hint>."};
inline constexpr ErrorClass kFieldNotFound{"FIELD_NOT_FOUND", "42704", ExceptionKind::kAnalysis, "No such struct field `<fieldName>` in <fields>."};
inline constexpr ErrorClass kInvalidExtract{"INVALID_EXTRACT_BASE_FIELD_TYPE", "42000", ExceptionKind::kAnalysis,
                                            "Can't extract a value from \"<base>\". Need a complex type [STRUCT, ARRAY, MAP] but got \"<other>\"."};
inline constexpr ErrorClass kUnresolvedUsing{
    "UNRESOLVED_USING_COLUMN_FOR_JOIN", "42703", ExceptionKind::kAnalysis,
    "USING column `<colName>` cannot be resolved on the <side> side of the join. The <side>-side columns: [<suggestion>]."};
inline constexpr ErrorClass kColumnAlreadyExists{"COLUMN_ALREADY_EXISTS", "42711", ExceptionKind::kAnalysis,
                                                 "The column `<columnName>` already exists. Choose another name or rename the existing column."};
inline constexpr ErrorClass kAssignNumColumns{
    "ASSIGNMENT_ARITY_MISMATCH", "42802", ExceptionKind::kAnalysis,
    "The number of columns or variables assigned or aliased: <numTarget> does not match the number of source expressions: <numExpr>."};
inline constexpr ErrorClass kPlanTooDeep{"MILLSTREAM_PLAN_TOO_COMPLEX", "54001", ExceptionKind::kAnalysis,
                                         "The query is nested too deeply or too large (<what>). Split it into several queries."};
inline constexpr ErrorClass kScalarSubqueryColumns{"INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN", "42823",
                                                   ExceptionKind::kAnalysis,
                                                   "Invalid subquery: Scalar subquery must return only one column, but got <number>."};
inline constexpr ErrorClass kLimitNotInteger{
    "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE", "42K0E", ExceptionKind::kAnalysis,
    "The limit like expression \"<expr>\" is invalid. The <name> expression must be integer type, but got \"<dataType>\"."};
inline constexpr ErrorClass kLimitNegative{
    "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", "42K0E", ExceptionKind::kAnalysis,
    "The limit like expression \"<expr>\" is invalid. The <name> expression must be equal to or greater than 0, but got <v>."};
inline constexpr ErrorClass kSeveralTimeWindows{"_LEGACY_ERROR_TEMP_1039", "", ExceptionKind::kAnalysis,
                                                "Multiple time/session window expressions would result in a cartesian product of rows, therefore they are "
                                                "currently not supported."};
inline constexpr ErrorClass kSessionGapType{"_LEGACY_ERROR_TEMP_1040", "", ExceptionKind::kAnalysis,
                                            "Gap duration expression used in session window must be CalendarIntervalType, but got <dt>."};
inline constexpr ErrorClass kCannotParseWatermarkDelay{"CANNOT_PARSE_INTERVAL", "22006", ExceptionKind::kAnalysis,
                                                       "Unable to parse <delayThreshold>. Please ensure that the value provided is in a valid format for "
                                                       "defining an interval. You can reference the documentation "
                                                       "for the correct format."};
inline constexpr ErrorClass kNegativeWatermarkDelay{"", "", ExceptionKind::kIllegalArgument,
                                                    "requirement failed: delay threshold (<delayThreshold>) should not be negative."};

// ---- DELETE, UPDATE, MERGE: Spark's, and Delta's
inline constexpr ErrorClass kUnsupportedExprForOperator{
    "UNSUPPORTED_EXPR_FOR_OPERATOR", "42K0E", ExceptionKind::kAnalysis,
    "A query operator contains one or more unsupported expressions.\nConsider to rewrite it to avoid window functions, aggregate functions, and generator "
    "functions in the WHERE clause.\nInvalid expressions: [<invalidExprSqls>]"};
inline constexpr ErrorClass kNonDeterministicExpression{"INVALID_NON_DETERMINISTIC_EXPRESSIONS", "42K0E", ExceptionKind::kAnalysis,
                                                        "The operator expects a deterministic expression, but the actual expression is <sqlExprs>."};
inline constexpr ErrorClass kDeltaMergeUnresolved{"DELTA_MERGE_UNRESOLVED_EXPRESSION", "42601", ExceptionKind::kAnalysis,
                                                  "Cannot resolve <sqlExpr> in <clause> given columns <cols>."};
inline constexpr ErrorClass kDeltaUnsupportedSubquery{"DELTA_UNSUPPORTED_SUBQUERY", "0AKDC", ExceptionKind::kAnalysis,
                                                      "Subqueries are not supported in the <operation> (condition = <cond>)."};
inline constexpr ErrorClass kDeltaNonDeterministic{"DELTA_NON_DETERMINISTIC_FUNCTION_NOT_SUPPORTED", "0AKDC", ExceptionKind::kAnalysis,
                                                   "Non-deterministic functions are not supported in the <operation> <expression>."};
inline constexpr ErrorClass kDeltaConflictSetColumn{"DELTA_CONFLICT_SET_COLUMN", "42701", ExceptionKind::kAnalysis,
                                                    "There is a conflict from these SET columns: <columnList>."};
inline constexpr ErrorClass kDeltaDuplicateColumnsOnInsert{"DELTA_DUPLICATE_COLUMNS_ON_INSERT", "42701", ExceptionKind::kAnalysis,
                                                           "Duplicate column names in INSERT clause"};
inline constexpr ErrorClass kDeltaNestedFieldUnsupported{"DELTA_UNSUPPORTED_NESTED_FIELD_IN_OPERATION", "0AKDC", ExceptionKind::kAnalysis,
                                                         "Nested field is not supported in the <operation> (field = <fieldName>)."};
inline constexpr ErrorClass kDeltaUpdateSchemaMismatch{"DELTA_UPDATE_SCHEMA_MISMATCH_EXPRESSION", "42846", ExceptionKind::kAnalysis,
                                                       "Cannot cast <fromCatalog> to <toCatalog>. All nested columns must match."};

inline constexpr ErrorClass kUnresolvedAmongFields{"UNRESOLVED_COLUMN_AMONG_FIELD_NAMES", "42703", ExceptionKind::kAnalysis,
                                                   "Cannot resolve column name \"<colName>\" among (<fieldNames>)."};

}  // namespace millstream::errors
