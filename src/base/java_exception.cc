#include "base/java_exception.h"

namespace millstream {

namespace {

using Names = std::vector<std::string>;

Names JavaClasses(ExceptionKind kind, bool has_class) {
  const std::string runtime = "java.lang.RuntimeException";
  const std::string exception = "java.lang.Exception";
  switch (kind) {
    case ExceptionKind::kAnalysis:
      return {"org.apache.spark.sql.AnalysisException", exception};
    case ExceptionKind::kParse:
      return {"org.apache.spark.sql.catalyst.parser.ParseException", "org.apache.spark.sql.AnalysisException", exception};
    case ExceptionKind::kStreamingQuery:
      return {"org.apache.spark.sql.streaming.StreamingQueryException", exception};
    case ExceptionKind::kQueryExecution:
      return {"org.apache.spark.sql.execution.QueryExecutionException", exception};
    case ExceptionKind::kNumberFormat:
      return {"org.apache.spark.SparkNumberFormatException", "java.lang.NumberFormatException", "java.lang.IllegalArgumentException", runtime, exception};
    case ExceptionKind::kIllegalArgument:
      if (has_class) return {"org.apache.spark.SparkIllegalArgumentException", "java.lang.IllegalArgumentException", runtime, exception};
      return {"java.lang.IllegalArgumentException", runtime, exception};
    case ExceptionKind::kArithmetic:
      return {"org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException", runtime, exception};
    case ExceptionKind::kUnsupportedOperation:
      return {"org.apache.spark.SparkUnsupportedOperationException", "java.lang.UnsupportedOperationException", runtime, exception};
    case ExceptionKind::kArrayIndexOutOfBounds:
      return {"org.apache.spark.SparkArrayIndexOutOfBoundsException", "java.lang.ArrayIndexOutOfBoundsException", "java.lang.IndexOutOfBoundsException",
              runtime, exception};
    case ExceptionKind::kDateTime:
      return {"org.apache.spark.SparkDateTimeException", "java.time.DateTimeException", runtime, exception};
    case ExceptionKind::kRuntime:
      return {"org.apache.spark.SparkRuntimeException", runtime, exception};
    case ExceptionKind::kNoSuchElement:
      return {"org.apache.spark.SparkNoSuchElementException", "java.util.NoSuchElementException", runtime, exception};
    case ExceptionKind::kSpark:
      return {"org.apache.spark.SparkException", exception};
    case ExceptionKind::kInvalidPlan:
      return {"org.apache.spark.sql.connect.common.InvalidPlanInput", exception};
    case ExceptionKind::kPython:
      return {"org.apache.spark.api.python.PythonException", runtime, exception};
    case ExceptionKind::kStreamingPythonRunner:
      return {"org.apache.spark.api.python.StreamingPythonRunner$StreamingPythonRunnerInitializationException", "org.apache.spark.SparkPythonException",
              runtime, exception};
  }
  return {exception};
}

}  // namespace

std::vector<std::string> JavaClassesOf(const Status& status) {
  Names names = JavaClasses(status.error_class().kind, !status.error_class().name.empty());
  names.push_back("java.lang.Throwable");
  names.push_back("java.lang.Object");
  return names;
}

}  // namespace millstream
