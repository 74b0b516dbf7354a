#include "compute/engine/duckdb_error.h"

#include <re2/re2.h>

#include <array>
#include <string>
#include <string_view>

#include "compute/compute_errors.h"
#include "formats/formats_errors.h"
#include "types/variant_errors.h"

namespace millstream::compute {
namespace {

// A Status travels through DuckDB as text: kMark, the class, then key and value alternately, each after a kSeparator.
constexpr char kMark[] = "\x1eMS";
constexpr char kSeparator = '\x1f';

constexpr std::array kClasses = {
    &errors::kDivideByZero,
    &errors::kRemainderByZero,
    &errors::kArithmeticOverflow,
    &errors::kBinaryArithmeticOverflow,
    &errors::kCastInvalidInput,
    &errors::kCastOverflow,
    &errors::kInvalidArrayIndex,
    &errors::kInvalidArrayIndexInElementAt,
    &errors::kInvalidIndexOfZero,
    &errors::kNumericOutOfRange,
    &errors::kScalarSubqueryTooManyRows,
    &errors::kCannotParseTimestamp,
    &errors::kDatetimeOverflow,
    &errors::kDatetimeFieldOutOfBounds,
    &errors::kIllegalDayOfWeek,
    &errors::kNullMapKey,
    &errors::kDuplicatedMapKey,
    &errors::kInvalidTimezone,
    &errors::kInvalidRegexGroup,
    &errors::kInvalidPattern,
    &errors::kInvalidDatetimePattern,
    &errors::kUserRaised,
    &errors::kOutOfMemory,
    &errors::kUnsupportedFeature,
    &errors::kSliceStart,
    &errors::kSliceLength,
    &errors::kInternal,
    &errors::kIllegalArgument,
    &errors::kCancelled,
    &errors::kMalformedRecord,
    &errors::kMalformedVariant,
    &errors::kUnknownVariantPrimitive,
    &errors::kVariantDuplicateKey,
    &errors::kVariantTooLarge,
    &errors::kInvalidVariantCast,
    &errors::kInvalidVariantPath,
};

Status DecodeStatus(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t begin = 0;;) {
    size_t end = text.find(kSeparator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  ErrorParams params;
  for (size_t i = 1; i + 1 < parts.size(); i += 2) params[parts[i]] = parts[i + 1];
  if (parts[0] == errors::kCastInvalidDateTime.name && (params["targetType"].starts_with("\"DATE") || params["targetType"].starts_with("\"TIMESTAMP"))) {
    return Status::Error(errors::kCastInvalidDateTime, std::move(params));
  }
  for (const ErrorClass* known : kClasses) {
    if (known->name == parts[0]) return Status::Error(*known, std::move(params));
  }
  return Status::Internal("an error of class " + parts[0] + " that no table lists");
}

std::string SparkTypeOf(const std::string& duckdb_type) {
  static const std::map<std::string, std::string> names = {{"INT8", "TINYINT"}, {"INT16", "SMALLINT"},       {"INT32", "INT"},     {"INT64", "BIGINT"},
                                                           {"INTEGER", "INT"},  {"INT128", "DECIMAL(38,0)"}, {"VARCHAR", "STRING"}};
  auto found = names.find(duckdb_type);
  return found == names.end() ? duckdb_type : found->second;
}

// Java's literal of a number of that type, as Spark prints it in errors.
std::string LiteralOf(const std::string& value, const std::string& spark_type) {
  if (spark_type == "BIGINT") return value + "L";
  if (spark_type == "SMALLINT") return value + "S";
  if (spark_type == "TINYINT") return value + "Y";
  if (spark_type == "DOUBLE") return value + "D";
  return value;
}

Status FromOverflow(const std::string& message) {
  static const RE2 binary("Overflow in (addition|subtraction|multiplication) of (\\w+) \\((-?[\\d.]+) [-+*] (-?[\\d.]+)\\)");
  std::string operation, type, left, right;
  std::string alternative;
  if (RE2::PartialMatch(message, binary, &operation, &type, &left, &right)) {
    std::string function = operation == "addition" ? "try_add" : operation == "subtraction" ? "try_subtract" : "try_multiply";
    std::string symbol = operation == "addition" ? "+" : operation == "subtraction" ? "-" : "*";
    if (type == "INT8" || type == "INT16") {
      std::string suffix = type == "INT8" ? "Y" : "S";
      return Status::Error(errors::kBinaryArithmeticOverflow,
                           {{"value1", left + suffix}, {"symbol", symbol}, {"value2", right + suffix}, {"functionName", "`" + function + "`"}});
    }
    std::string what = type == "INT32" ? "integer overflow" : type == "INT64" ? "long overflow" : "Overflow";
    return Status::Error(errors::kArithmeticOverflow,
                         {{"message", what}, {"alternative", " Use '" + function + "' to tolerate overflow and return NULL instead."}});
  }
  return Status::Error(errors::kArithmeticOverflow, {{"message", "Overflow"}, {"alternative", alternative}});
}

Status FromConversion(const std::string& message) {
  static const RE2 range("Type (\\w+) with value (.+) can't be cast because the value is out of range for the destination type (\\w+)");
  static const RE2 decimal("(?:Casting value|Could not cast value) \"?(.+?)\"? to (?:type )?DECIMAL\\((\\d+),(\\d+)\\)");
  static const RE2 text("Could not convert string '(.*)' to (\\w+)");
  std::string from, value, to, precision, scale;
  if (RE2::PartialMatch(message, decimal, &value, &precision, &scale)) {
    return Status::Error(errors::kNumericOutOfRange, {{"value", value}, {"precision", precision}, {"scale", scale}});
  }
  if (RE2::PartialMatch(message, range, &from, &value, &to)) {
    from = SparkTypeOf(from);
    return Status::Error(errors::kCastOverflow,
                         {{"value", LiteralOf(value, from)}, {"sourceType", "\"" + from + "\""}, {"targetType", "\"" + SparkTypeOf(to) + "\""}});
  }
  if (RE2::PartialMatch(message, text, &value, &to)) {
    return Status::Error(errors::kCastInvalidInput,
                         {{"expression", "'" + value + "'"}, {"sourceType", "\"STRING\""}, {"targetType", "\"" + SparkTypeOf(to) + "\""}});
  }
  return Status::Error(errors::kCastOverflow, {{"value", message}, {"sourceType", "?"}, {"targetType", "?"}});
}

}  // namespace

void ThrowError(const ErrorClass& error_class, ErrorParams params) {
  std::string text = kMark + std::string(error_class.name);
  for (const auto& [key, value] : params) text += kSeparator + key + kSeparator + value;
  throw duckdb::InvalidInputException(text);
}

void ThrowStatus(const Status& status) { ThrowError(status.error_class(), status.params()); }

Status FromDuckDbError(const duckdb::ErrorData& error) {
  const std::string& message = error.RawMessage();
  if (size_t mark = message.find(kMark); mark != std::string::npos) {
    // DuckDB appends the place in its SQL on further lines, when it is sure where.
    std::string_view text = std::string_view(message).substr(mark + sizeof(kMark) - 1);
    return DecodeStatus(text.substr(0, text.find("\n\nLINE ")));
  }
  switch (error.Type()) {
    case duckdb::ExceptionType::INTERRUPT:
      return Status::Error(errors::kCancelled);
    case duckdb::ExceptionType::OUT_OF_MEMORY:
      return Status::Error(errors::kOutOfMemory, {{"message", message}}).Retryable();
    case duckdb::ExceptionType::OUT_OF_RANGE:
      return message.find("verflow") != std::string::npos ? FromOverflow(message) : FromConversion(message);
    case duckdb::ExceptionType::CONVERSION:
      return FromConversion(message);
    default:  // DuckDB's list, of which the above are what a query's data can cause.
      break;
  }
  if (message.find("More than one row returned by a subquery") != std::string::npos) return Status::Error(errors::kScalarSubqueryTooManyRows);
  if (message.find("Map keys must be unique") != std::string::npos) return Status::Error(errors::kDuplicatedMapKey, {{"key", "(of the map)"}});
  if (message.find("Map keys can not be NULL") != std::string::npos) return Status::Error(errors::kNullMapKey);
  // What DuckDB did not foresee comes with a stack trace, which is none of the user's business.
  return Status::Internal("DuckDB: " + message.substr(0, message.find("\n\nStack Trace")));
}

Status FromCurrentException() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Status::Error(errors::kOutOfMemory, {{"message", "an allocation failed"}}).Retryable();
  } catch (const std::exception& exception) {
    return FromDuckDbError(duckdb::ErrorData(exception));
  }
}

}  // namespace millstream::compute
