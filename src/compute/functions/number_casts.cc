#include <arrow/util/decimal.h>

#include <cmath>
#include <duckdb/execution/expression_executor.hpp>
#include <limits>
#include <string>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"
#include "compute/functions/number_texts.h"
#include "types/java_number.h"

namespace millstream::compute {
namespace {

struct LongRange {
  int64_t low, high;
};

LongRange RangeOf(std::string_view target) {
  if (target == "TINYINT") return {std::numeric_limits<int8_t>::min(), std::numeric_limits<int8_t>::max()};
  if (target == "SMALLINT") return {std::numeric_limits<int16_t>::min(), std::numeric_limits<int16_t>::max()};
  if (target == "INT") return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
}

int64_t WrapTo(std::string_view target, int64_t value) {
  if (target == "TINYINT") return static_cast<int8_t>(value);
  if (target == "SMALLINT") return static_cast<int16_t>(value);
  if (target == "INT") return static_cast<int32_t>(value);
  return value;
}

std::string Quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

[[noreturn]] void ThrowCastOverflow(const std::string& value, std::string_view from, std::string_view to) {
  ThrowError(errors::kCastOverflow, {{"value", value}, {"sourceType", Quoted(from)}, {"targetType", Quoted(to)}});
}

[[noreturn]] void ThrowMalformed(std::string_view text, std::string_view to) {
  ThrowError(errors::kCastInvalidInput, {{"expression", "'" + std::string(text) + "'"}, {"sourceType", "\"STRING\""}, {"targetType", Quoted(to)}});
}

duckdb::hugeint_t ToHugeint(const arrow::Decimal256& value) {
  duckdb::hugeint_t narrow;
  narrow.lower = value.little_endian_array()[0];
  narrow.upper = static_cast<int64_t>(value.little_endian_array()[1]);
  return narrow;
}

// The result's scale is a constant, which makes its type.
struct ScaleBindData : duckdb::FunctionData {
  duckdb::unique_ptr<FunctionData> Copy() const override { return duckdb::make_uniq<ScaleBindData>(); }
  bool Equals(const FunctionData&) const override { return true; }
};

duckdb::unique_ptr<duckdb::FunctionData> BindScale(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                                   duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  const int scale = duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[2]).GetValue<int32_t>();
  function.return_type = duckdb::LogicalType::DECIMAL(38, static_cast<uint8_t>(scale));
  return duckdb::make_uniq<ScaleBindData>();
}

// Exact from the digits, with an exponent or not; rounded half up to the scale.
std::optional<duckdb::hugeint_t> ParseDecimal(std::string_view original, int32_t precision, int32_t scale, bool is_text, int32_t mode) {
  const std::string_view text = TrimAll(original);
  if (!is_text && (text == "NaN" || text.ends_with("Infinity"))) return std::nullopt;
  arrow::Decimal256 value;
  int32_t parsed_precision = 0, parsed_scale = 0;
  const auto status = text.size() > 200 ? arrow::Status::Invalid("too long") : arrow::Decimal256::FromString(text, &value, &parsed_precision, &parsed_scale);
  if (!status.ok()) {
    if (mode != kAnsiMode) return std::nullopt;
    const std::string target = "DECIMAL(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
    if (is_text) ThrowMalformed(original, target);
    ThrowCastOverflow(std::string(original), "DOUBLE", target);
  }
  const int drop = parsed_scale - scale;
  bool too_large = drop < 0 && parsed_precision - drop > 76;
  if (!too_large) {
    value = drop > 76 ? arrow::Decimal256(0) : drop > 0 ? arrow::Decimal256(value.ReduceScaleBy(drop, true)) : arrow::Decimal256(value.IncreaseScaleBy(-drop));
    too_large = !value.FitsInPrecision(precision);
  }
  if (too_large) {
    if (mode != kAnsiMode) return std::nullopt;
    ThrowError(errors::kNumericOutOfRange, {{"value", std::string(text)}, {"precision", std::to_string(precision)}, {"scale", std::to_string(scale)}});
  }
  return ToHugeint(value);
}

}  // namespace

void DefineNumberCasts(FunctionRegistry& registry) {
  Define(registry, "ms_long_to_long", [](int64_t value, std::string_view from, std::string_view to, int32_t mode) -> std::optional<int64_t> {
    const LongRange range = RangeOf(to);
    if (value >= range.low && value <= range.high) return value;
    if (mode == kTryMode) return std::nullopt;
    if (mode == kLegacyMode) return WrapTo(to, value);
    ThrowCastOverflow(std::to_string(value) + (from == "BIGINT" || from == "TIMESTAMP" ? "L" : from == "SMALLINT" ? "S" : ""), from, to);
  });
  Define(registry, "ms_decimal_to_long",
         [](duckdb::hugeint_t whole, std::string_view text, std::string_view from, std::string_view to, int32_t mode) -> std::optional<int64_t> {
           const __int128 value = (static_cast<__int128>(whole.upper) << 64) | whole.lower;
           const LongRange range = RangeOf(to);
           if (value >= range.low && value <= range.high) return static_cast<int64_t>(value);
           if (mode == kTryMode) return std::nullopt;
           if (mode == kLegacyMode) return WrapTo(to, static_cast<int64_t>(value));
           ThrowCastOverflow(std::string(text) + "BD", from, to);
         });
  Define(registry, "ms_double_to_long", [](double value, std::string_view to, int32_t mode) -> std::optional<int64_t> {
    const LongRange range = RangeOf(to);
    const double whole = std::trunc(value);
    // The upper limit of a long is no double: 2^63 is the first that does not fit.
    const bool fits = whole >= static_cast<double>(range.low) &&
                      (range.high == std::numeric_limits<int64_t>::max() ? whole < 0x1p63 : whole <= static_cast<double>(range.high));
    if (fits) return static_cast<int64_t>(whole);
    if (mode == kTryMode) return std::nullopt;
    if (mode == kAnsiMode) ThrowCastOverflow(JavaDouble(value) + "D", "DOUBLE", to);
    // Java saturates to int or long, then cuts bits off.
    if (std::isnan(value)) return 0;
    const LongRange saturated = to == "BIGINT" ? range : RangeOf("INT");
    return WrapTo(to, value < 0 ? saturated.low : value > static_cast<double>(saturated.high) ? saturated.high : static_cast<int64_t>(whole));
  });
  Define(registry, "ms_string_to_long", [](std::string_view text, std::string_view to, int32_t mode) -> std::optional<int64_t> {
    const auto value = LongOfText(text, mode == kLegacyMode);
    const LongRange range = RangeOf(to);
    if (value && *value >= range.low && *value <= range.high) return value;
    if (mode != kAnsiMode) return std::nullopt;
    ThrowMalformed(text, to);
  });
  Define(registry, "ms_string_to_double", [](std::string_view text, std::string_view to, int32_t mode) -> std::optional<double> {
    const auto value = DoubleOfText(text);
    if (value || mode != kAnsiMode) return value;
    ThrowMalformed(text, to);
  });
  Define(registry, "ms_string_to_boolean", [](std::string_view original, int32_t mode) -> std::optional<bool> {
    if (const auto value = BooleanOfText(original)) return value;
    if (mode != kAnsiMode) return std::nullopt;
    ThrowMalformed(original, "BOOLEAN");
  });
  Define(registry, "ms_double_to_float", [](double value) { return static_cast<float>(value); });
  Define(registry, "ms_double_to_string", [](double value) { return JavaDouble(value); });
  Define(registry, "ms_float_to_string", [](float value) { return JavaFloat(value); });

  auto run = [](std::string_view text, int32_t precision, int32_t scale, bool is_text, int32_t mode) {
    return ParseDecimal(text, precision, scale, is_text, mode);
  };
  auto rows = [run](duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
    using Arguments = std::tuple<std::string_view, int32_t, int32_t, bool, int32_t>;
    RunRows<decltype(run), std::optional<duckdb::hugeint_t>>(run, arguments, result, false, static_cast<Arguments*>(nullptr), std::make_index_sequence<5>());
  };
  using duckdb::LogicalType;
  duckdb::ScalarFunction to_decimal("ms_string_to_decimal",
                                    {LogicalType::VARCHAR, LogicalType::INTEGER, LogicalType::INTEGER, LogicalType::BOOLEAN, LogicalType::INTEGER},
                                    LogicalType::DECIMAL(38, 0), rows, BindScale);
  to_decimal.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  to_decimal.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  registry.Add(std::move(to_decimal));
}

}  // namespace millstream::compute
