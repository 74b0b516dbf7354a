#include <arrow/util/decimal.h>

#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <string>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

using Decimal256 = arrow::BasicDecimal256;
using duckdb::hugeint_t;

Decimal256 Widen(hugeint_t value) { return Decimal256(arrow::BasicDecimal128(value.upper, value.lower)); }
Decimal256 Minus(const Decimal256& left, const Decimal256& right) { return left + -right; }

// value / 10^places, half away from zero or half to even.
Decimal256 DropPlaces(const Decimal256& value, int places, bool half_even = false) {
  if (places <= 0) return places == 0 ? value : Decimal256(value.IncreaseScaleBy(-places));
  Decimal256 rounded(value.ReduceScaleBy(places, true));
  if (!half_even) return rounded;
  const Decimal256 truncated(value.ReduceScaleBy(places, false));
  const Decimal256 rest = Minus(value, truncated.IncreaseScaleBy(places));
  const Decimal256 twice = (rest.IsNegative() ? -rest : rest) * Decimal256(2);
  const bool is_half = twice == Decimal256(Decimal256(1).IncreaseScaleBy(places));
  const bool truncated_is_even = (truncated.little_endian_array()[0] & 1) == 0;
  return is_half && truncated_is_even ? truncated : rounded;
}

// A result of `scale` in the type that the analyzer chose, whose digits a checked cast then narrows.
std::optional<hugeint_t> Settle(const Decimal256& value, int32_t precision, int32_t scale, int32_t mode) {
  if (!value.FitsInPrecision(precision)) {
    if (mode != kAnsiMode) return std::nullopt;
    ThrowError(errors::kNumericOutOfRange,
               {{"value", arrow::Decimal256(value).ToString(scale)}, {"precision", std::to_string(precision)}, {"scale", std::to_string(scale)}});
  }
  const auto& words = value.little_endian_array();
  hugeint_t narrow;
  narrow.lower = words[0];
  narrow.upper = static_cast<int64_t>(words[1]);
  return narrow;
}

bool IsZero(hugeint_t value) { return value.upper == 0 && value.lower == 0; }

// Quotient with `scale` places, rounded half up: Java's BigDecimal.divide.
Decimal256 Divide(const Decimal256& left, int left_scale, const Decimal256& right, int right_scale, int scale) {
  const int raise = scale + right_scale - left_scale;
  Decimal256 dividend = raise >= 0 ? Decimal256(left.IncreaseScaleBy(raise)) : left;
  Decimal256 divisor = raise >= 0 ? right : Decimal256(right.IncreaseScaleBy(-raise));
  Decimal256 quotient, rest;
  // The callers have seen that the divisor is not zero.
  if (dividend.Divide(divisor, &quotient, &rest) != arrow::DecimalStatus::kSuccess) return Decimal256(0);
  if (rest.IsNegative()) rest = -rest;
  const Decimal256 size = divisor.IsNegative() ? -divisor : divisor;
  if (rest * Decimal256(2) >= size) quotient += (dividend.IsNegative() != divisor.IsNegative()) ? Decimal256(-1) : Decimal256(1);
  return quotient;
}

enum class Operation { kAdd, kSubtract, kMultiply, kDivide, kMod, kPmod };

std::optional<hugeint_t> Compute(Operation operation, hugeint_t a, int a_scale, hugeint_t b, int b_scale, int precision, int scale, int mode) {
  const Decimal256 left = Widen(a), right = Widen(b);
  if (operation >= Operation::kDivide && IsZero(b)) {
    if (mode == kAnsiMode) ThrowError(operation == Operation::kDivide ? errors::kDivideByZero : errors::kRemainderByZero);
    return std::nullopt;
  }
  const int common = std::max(a_scale, b_scale);
  const Decimal256 left_common(left.IncreaseScaleBy(common - a_scale)), right_common(right.IncreaseScaleBy(common - b_scale));
  switch (operation) {
    case Operation::kAdd:
      return Settle(DropPlaces(left_common + right_common, common - scale), precision, scale, mode);
    case Operation::kSubtract:
      return Settle(DropPlaces(Minus(left_common, right_common), common - scale), precision, scale, mode);
    case Operation::kMultiply:
      return Settle(DropPlaces(left * right, a_scale + b_scale - scale), precision, scale, mode);
    case Operation::kDivide:
      return Settle(Divide(left, a_scale, right, b_scale, scale), precision, scale, mode);
    case Operation::kMod:
    case Operation::kPmod: {
      Decimal256 quotient, rest;
      if (left_common.Divide(right_common, &quotient, &rest) != arrow::DecimalStatus::kSuccess) return std::nullopt;
      if (operation == Operation::kPmod && rest.IsNegative()) {
        const Decimal256 raised = rest + right_common;
        if (raised.Divide(right_common, &quotient, &rest) != arrow::DecimalStatus::kSuccess) return std::nullopt;
      }
      return Settle(DropPlaces(rest, common - scale), precision, scale, mode);
    }
  }
  return std::nullopt;
}

// The scales are those of the arguments' types, and the result's scale is a constant argument: all are known when the call is bound.
struct DecimalBindData : duckdb::FunctionData {
  DecimalBindData(int left, int right, int result) : left_scale(left), right_scale(right), scale(result) {}
  int left_scale, right_scale, scale;
  duckdb::unique_ptr<FunctionData> Copy() const override { return duckdb::make_uniq<DecimalBindData>(left_scale, right_scale, scale); }
  bool Equals(const FunctionData& other) const override {
    const auto& that = other.Cast<DecimalBindData>();
    return left_scale == that.left_scale && right_scale == that.right_scale && scale == that.scale;
  }
};

int ScaleOf(const duckdb::LogicalType& type) { return type.id() == duckdb::LogicalTypeId::DECIMAL ? duckdb::DecimalType::GetScale(type) : 0; }

template <int kScaleArgument, int kDecimals>
duckdb::unique_ptr<duckdb::FunctionData> BindDecimal(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                                     duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  int scales[2] = {0, 0};
  for (int i = 0; i < kDecimals; ++i) {
    scales[i] = ScaleOf(arguments[i]->return_type);
    function.arguments[i] = duckdb::LogicalType::DECIMAL(38, static_cast<uint8_t>(scales[i]));
  }
  const int scale = duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[kScaleArgument]).GetValue<int32_t>();
  function.return_type = duckdb::LogicalType::DECIMAL(38, static_cast<uint8_t>(scale));
  return duckdb::make_uniq<DecimalBindData>(scales[0], scales[1], scale);
}

template <Operation kOperation>
void RunDecimal(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& data = state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<DecimalBindData>();
  auto run = [&data](hugeint_t a, hugeint_t b, int32_t precision, int32_t, int32_t mode) {
    return Compute(kOperation, a, data.left_scale, b, data.right_scale, precision, data.scale, mode);
  };
  using Arguments = std::tuple<hugeint_t, hugeint_t, int32_t, int32_t, int32_t>;
  RunRows<decltype(run), std::optional<hugeint_t>>(run, arguments, result, false, static_cast<Arguments*>(nullptr), std::make_index_sequence<5>());
}

void RunRound(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& data = state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<DecimalBindData>();
  auto run = [&data](hugeint_t value, int32_t places, int32_t half, int32_t precision, int32_t, int32_t mode) -> std::optional<hugeint_t> {
    // Rounded at the asked place, then brought to the result's scale.
    const int dropped = std::max(data.left_scale - places, 0);
    Decimal256 rounded = DropPlaces(Widen(value), dropped, half == 1);
    const int now = data.left_scale - dropped;
    return Settle(DropPlaces(rounded, now - data.scale), precision, data.scale, mode);
  };
  using Arguments = std::tuple<hugeint_t, int32_t, int32_t, int32_t, int32_t, int32_t>;
  RunRows<decltype(run), std::optional<hugeint_t>>(run, arguments, result, false, static_cast<Arguments*>(nullptr), std::make_index_sequence<6>());
}

void AddDecimal(FunctionRegistry& registry, const std::string& name, duckdb::vector<duckdb::LogicalType> arguments, duckdb::scalar_function_t run,
         duckdb::bind_scalar_function_t bind) {
  duckdb::ScalarFunction function(name, std::move(arguments), duckdb::LogicalType::DECIMAL(38, 0), std::move(run), bind);
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  registry.Add(std::move(function));
}

}  // namespace

void DefineDecimals(FunctionRegistry& registry) {
  const auto decimal = duckdb::LogicalType(duckdb::LogicalTypeId::DECIMAL), integer = duckdb::LogicalType(duckdb::LogicalTypeId::INTEGER);
  const duckdb::vector<duckdb::LogicalType> binary = {decimal, decimal, integer, integer, integer};
  auto bind = BindDecimal<3, 2>;
  AddDecimal(registry, "ms_decimal_add", binary, RunDecimal<Operation::kAdd>, bind);
  AddDecimal(registry, "ms_decimal_subtract", binary, RunDecimal<Operation::kSubtract>, bind);
  AddDecimal(registry, "ms_decimal_multiply", binary, RunDecimal<Operation::kMultiply>, bind);
  AddDecimal(registry, "ms_decimal_divide", binary, RunDecimal<Operation::kDivide>, bind);
  AddDecimal(registry, "ms_decimal_mod", binary, RunDecimal<Operation::kMod>, bind);
  AddDecimal(registry, "ms_decimal_pmod", binary, RunDecimal<Operation::kPmod>, bind);
  AddDecimal(registry, "ms_decimal_round", {decimal, integer, integer, integer, integer, integer}, RunRound, BindDecimal<4, 1>);
}

}  // namespace millstream::compute
