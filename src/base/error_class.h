#pragma once

// error_class.h   What kind of failure a Status is, under the name that a Spark user knows it by.

#include <string_view>

namespace millstream {

// The JVM exception that Spark would throw; PySpark picks its Python class from it (spark/errors/exceptions/connect.py).
enum class ExceptionKind {
  kAnalysis,               // org.apache.spark.sql.AnalysisException
  kParse,                  // org.apache.spark.sql.catalyst.parser.ParseException
  kStreamingQuery,         // org.apache.spark.sql.streaming.StreamingQueryException
  kQueryExecution,         // org.apache.spark.sql.execution.QueryExecutionException
  kNumberFormat,           // java.lang.NumberFormatException (Spark: SparkNumberFormatException)
  kIllegalArgument,        // java.lang.IllegalArgumentException
  kArithmetic,             // java.lang.ArithmeticException
  kUnsupportedOperation,   // java.lang.UnsupportedOperationException
  kArrayIndexOutOfBounds,  // java.lang.ArrayIndexOutOfBoundsException
  kDateTime,               // java.time.DateTimeException
  kRuntime,                // org.apache.spark.SparkRuntimeException
  kNoSuchElement,          // org.apache.spark.SparkNoSuchElementException
  kSpark,                  // org.apache.spark.SparkException
  kInvalidPlan,            // org.apache.spark.sql.connect.common.InvalidPlanInput
  kPython,                 // org.apache.spark.api.python.PythonException
  kStreamingPythonRunner,  // org.apache.spark.api.python.StreamingPythonRunner$StreamingPythonRunnerInitializationException
};

// One row of Spark's error-conditions.json, or of ours where Spark has none. Constants live beside the code that raises them,
// in a header named <room>_errors.h; an ErrorClass is compared by name, never by message.
struct ErrorClass {
  std::string_view name;       // "UNRESOLVED_COLUMN.WITH_SUGGESTION"; empty: the message has no [CLASS] in front
  std::string_view sql_state;  // five characters, or empty
  ExceptionKind kind;
  std::string_view text;  // with <param> placeholders
};

namespace errors {

inline constexpr ErrorClass kInternal{"INTERNAL_ERROR", "XX000", ExceptionKind::kSpark, "<message>"};
inline constexpr ErrorClass kUnsupportedFeature{"MILLSTREAM_UNSUPPORTED", "0A000", ExceptionKind::kUnsupportedOperation,
                                                "<feature> is not supported by millstream yet. <hint>"};
inline constexpr ErrorClass kIo{"MILLSTREAM_IO", "58030", ExceptionKind::kSpark, "<operation> of <path> failed: <reason>."};
inline constexpr ErrorClass kPathNotFound{"PATH_NOT_FOUND", "42K03", ExceptionKind::kAnalysis, "Path does not exist: <path>."};
inline constexpr ErrorClass kIllegalArgument{"", "", ExceptionKind::kIllegalArgument, "<message>"};
inline constexpr ErrorClass kCancelled{"OPERATION_CANCELED", "HY008", ExceptionKind::kSpark, "Operation has been canceled."};

}  // namespace errors
}  // namespace millstream
