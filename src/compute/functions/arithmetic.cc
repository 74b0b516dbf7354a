#include <cmath>
#include <limits>
#include <string>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

template <typename T>
const char* OverflowText() {
  return sizeof(T) == 8 ? "long overflow" : sizeof(T) == 4 ? "integer overflow" : "Overflow";
}

template <typename T>
[[noreturn]] void ThrowOverflow(const char* function) {
  ThrowError(
      errors::kArithmeticOverflow,
      {{"message", OverflowText<T>()}, {"alternative", function ? std::string(" Use '") + function + "' to tolerate overflow and return NULL instead." : ""}});
}

// The modes in which an overflow is not DuckDB's business: legacy wraps around as Java does, try gives null.
template <typename T>
std::optional<T> Settle(T wrapped, bool overflows, int32_t mode, const char* function) {
  if (!overflows || mode == kLegacyMode) return wrapped;
  if (mode == kTryMode) return std::nullopt;
  ThrowOverflow<T>(function);
}

template <typename T>
T Wrap(__int128 value) {
  return static_cast<T>(static_cast<uint64_t>(value));
}

template <typename T>
bool Fits(__int128 value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

template <typename T>
void DefineWhole(FunctionRegistry& registry) {
  Define(registry, "ms_add", [](T a, T b, int32_t mode) {
    const __int128 sum = static_cast<__int128>(a) + b;
    return Settle<T>(Wrap<T>(sum), !Fits<T>(sum), mode, "try_add");
  });
  Define(registry, "ms_subtract", [](T a, T b, int32_t mode) {
    const __int128 difference = static_cast<__int128>(a) - b;
    return Settle<T>(Wrap<T>(difference), !Fits<T>(difference), mode, "try_subtract");
  });
  Define(registry, "ms_multiply", [](T a, T b, int32_t mode) {
    const __int128 product = static_cast<__int128>(a) * b;
    return Settle<T>(Wrap<T>(product), !Fits<T>(product), mode, "try_multiply");
  });
  Define(registry, "ms_abs", [](T a, int32_t mode) {
    const __int128 absolute = a < 0 ? -static_cast<__int128>(a) : a;
    return Settle<T>(Wrap<T>(absolute), !Fits<T>(absolute), mode, nullptr);
  });
  Define(registry, "ms_mod", [](T a, T b, int32_t mode) -> std::optional<T> {
    if (b == 0) {
      if (mode == kAnsiMode) ThrowError(errors::kRemainderByZero);
      return std::nullopt;
    }
    return b == -1 ? T{0} : static_cast<T>(a % b);
  });
  Define(registry, "ms_pmod", [](T a, T b, int32_t mode) -> std::optional<T> {
    if (b == 0) {
      if (mode == kAnsiMode) ThrowError(errors::kRemainderByZero);
      return std::nullopt;
    }
    const __int128 rest = static_cast<__int128>(a) % b;
    return static_cast<T>(rest < 0 ? (rest + b) % b : rest);
  });
}

template <typename T>
void DefineReal(FunctionRegistry& registry) {
  // Java's % of floating point is C's fmod; a divisor of zero raises as for integers.
  Define(registry, "ms_mod", [](T a, T b, int32_t mode) -> std::optional<T> {
    if (b == 0) {
      if (mode == kAnsiMode) ThrowError(errors::kRemainderByZero);
      return std::nullopt;
    }
    return std::fmod(a, b);
  });
  Define(registry, "ms_pmod", [](T a, T b, int32_t mode) -> std::optional<T> {
    if (b == 0) {
      if (mode == kAnsiMode) ThrowError(errors::kRemainderByZero);
      return std::nullopt;
    }
    const T rest = std::fmod(a, b);
    return rest < 0 ? std::fmod(rest + b, b) : rest;
  });
  Define(registry, "ms_nanvl", [](std::optional<T> a, std::optional<T> b) -> std::optional<T> { return a && std::isnan(*a) ? b : a; });
}

// Java shifts by the lowest bits of the distance only.
template <typename T>
void DefineShifts(FunctionRegistry& registry) {
  using Unsigned = std::make_unsigned_t<T>;
  constexpr int kMask = sizeof(T) * 8 - 1;
  Define(registry, "ms_shift_left", [](T a, int32_t by) { return static_cast<T>(static_cast<Unsigned>(a) << (by & kMask)); });
  Define(registry, "ms_shift_right", [](T a, int32_t by) { return static_cast<T>(a >> (by & kMask)); });
  Define(registry, "ms_shift_right_unsigned", [](T a, int32_t by) { return static_cast<T>(static_cast<Unsigned>(a) >> (by & kMask)); });
}

}  // namespace

void DefineArithmetic(FunctionRegistry& registry) {
  // Where slice() begins, from 1; 0: nowhere.
  Define(registry, "ms_slice_start", [](int32_t start, int32_t length, int32_t size) -> int64_t {
    if (start == 0) ThrowError(errors::kSliceStart, {{"parameter", "`start`"}, {"functionName", "`slice`"}});
    if (length < 0) ThrowError(errors::kSliceLength, {{"parameter", "`length`"}, {"length", std::to_string(length)}, {"functionName", "`slice`"}});
    const int64_t from = start > 0 ? start : static_cast<int64_t>(size) + start + 1;
    return from < 1 || from > size || length == 0 ? 0 : from;
  });
  DefineWhole<int8_t>(registry);
  DefineWhole<int16_t>(registry);
  DefineWhole<int32_t>(registry);
  DefineWhole<int64_t>(registry);
  DefineReal<float>(registry);
  DefineReal<double>(registry);
  DefineShifts<int32_t>(registry);
  DefineShifts<int64_t>(registry);
  Define(registry, "ms_divide", [](double a, double b, int32_t mode) -> std::optional<double> {
    if (b == 0) {
      if (mode == kAnsiMode) ThrowError(errors::kDivideByZero);
      return std::nullopt;
    }
    return a / b;
  });
  Define(registry, "ms_div", [](int64_t a, int64_t b, int32_t mode) -> std::optional<int64_t> {
    if (b == 0) {
      if (mode == kAnsiMode) ThrowError(errors::kDivideByZero);
      return std::nullopt;
    }
    if (b == -1) return Settle<int64_t>(Wrap<int64_t>(-static_cast<__int128>(a)), a == std::numeric_limits<int64_t>::min(), mode, nullptr);
    return a / b;
  });
  Define(registry, "ms_sum_to_long", [](duckdb::hugeint_t sum, int32_t mode) -> std::optional<int64_t> {
    const __int128 value = (static_cast<__int128>(sum.upper) << 64) | sum.lower;
    return Settle<int64_t>(Wrap<int64_t>(value), !Fits<int64_t>(value), mode, "try_sum");
  });
  Define(registry, "ms_raise", [](std::string_view message) -> std::optional<std::string> {
    ThrowError(errors::kUserRaised, {{"errorMessage", std::string(message)}});
  });
}

}  // namespace millstream::compute
