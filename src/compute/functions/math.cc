#include <cmath>
#include <string>

#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"
#include "compute/functions/java_math.h"

namespace millstream::compute {
namespace {

// Java's HALF_UP and HALF_EVEN on the decimal digits that the double prints as, as Spark's Round does by way of BigDecimal.
double RoundDouble(double value, int32_t places, bool half_even) {
  if (!std::isfinite(value)) return value;
  if (places > 300 || places < -400) return places > 0 ? value : 0.0;
  char digits[400];
  // 17 significant digits are more than a double prints as; the shortest text is what counts.
  int precision = 15;
  for (; precision <= 17; ++precision) {
    std::snprintf(digits, sizeof digits, "%.*e", precision - 1, value);
    if (std::strtod(digits, nullptr) == value) break;
  }
  std::string text(digits);
  const bool negative = text[0] == '-';
  const size_t exponent_at = text.find('e');
  const int exponent = std::stoi(text.substr(exponent_at + 1));
  std::string mantissa;
  for (char c : text.substr(0, exponent_at)) {
    if (c >= '0' && c <= '9') mantissa += c;
  }
  // value = 0.d1d2d3… × 10^(exponent + 1); keep digits up to 10^-places.
  const int keep = exponent + 1 + places;
  if (keep >= static_cast<int>(mantissa.size())) return value;
  if (keep < 0) return negative ? -0.0 : 0.0;
  const char next = mantissa[keep];
  const bool exact_half = next == '5' && mantissa.find_first_not_of('0', keep + 1) == std::string::npos;
  bool up = next >= '5';
  if (exact_half && half_even) up = keep > 0 && ((mantissa[keep - 1] - '0') & 1);
  std::string kept = mantissa.substr(0, keep);
  if (up) {
    int i = keep - 1;
    for (; i >= 0 && kept[i] == '9'; --i) kept[i] = '0';
    if (i >= 0) {
      ++kept[i];
    } else {
      kept.insert(kept.begin(), '1');
    }
  }
  if (kept.empty()) kept = "0";
  const std::string rebuilt = (negative ? "-" : "") + kept + "e" + std::to_string(-places);
  return std::strtod(rebuilt.c_str(), nullptr);
}

int64_t RoundInteger(int64_t value, int32_t places, bool half_even) {
  if (places >= 0) return value;
  if (places < -18) return 0;
  __int128 unit = 1;
  for (int i = 0; i < -places; ++i) unit *= 10;
  const __int128 quotient = value / unit, rest = value % unit;
  const __int128 twice = (rest < 0 ? -rest : rest) * 2;
  const bool up = twice > unit || (twice == unit && (!half_even || (quotient & 1)));
  return static_cast<int64_t>((quotient + (up ? (value < 0 ? -1 : 1) : 0)) * unit);
}

// Spark's logarithms are null where they are not defined.
template <typename F>
void DefineLogarithm(FunctionRegistry& registry, const char* name, double above, F log) {
  Define(registry, name, [above, log](double x) -> std::optional<double> {
    if (x <= above) return std::nullopt;
    return log(x);
  });
}

std::string Conv(std::string_view text, int from, int to) {
  size_t at = text.find_first_not_of(' ');
  if (at == std::string_view::npos) return "";
  bool negative = text[at] == '-';
  if (negative) ++at;
  uint64_t value = 0;
  bool overflow = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
    if (digit >= from) break;
    const unsigned __int128 next = static_cast<unsigned __int128>(value) * from + digit;
    overflow = overflow || next > UINT64_MAX;
    value = overflow ? UINT64_MAX : static_cast<uint64_t>(next);
  }
  bool print_minus = false;
  if (negative && to > 0) {
    value = static_cast<int64_t>(value) < 0 ? UINT64_MAX : static_cast<uint64_t>(-static_cast<int64_t>(value));
  } else if (to < 0 && (negative || static_cast<int64_t>(value) < 0)) {
    print_minus = negative != (static_cast<int64_t>(value) < 0) || static_cast<int64_t>(value) < 0;
    if (static_cast<int64_t>(value) < 0) value = -value;
  }
  const int base = to < 0 ? -to : to;
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % base]);
    value /= base;
  } while (value);
  return print_minus ? "-" + digits : digits;
}

}  // namespace

void DefineMath(FunctionRegistry& registry) {
  Define(registry, "ms_round_double", [](double value, int32_t places, int32_t half) { return RoundDouble(value, places, half == 1); });
  Define(registry, "ms_round_integer", [](int64_t value, int32_t places, int32_t half) { return RoundInteger(value, places, half == 1); });
  Define(registry, "ms_round_half_up", [](double value) { return std::round(value); });
  DefineLogarithm(registry, "ms_log", 0, [](double x) { return std::log(x); });
  DefineLogarithm(registry, "ms_log10", 0, [](double x) { return std::log10(x); });
  DefineLogarithm(registry, "ms_log2", 0, [](double x) { return std::log(x) / std::log(2.0); });
  DefineLogarithm(registry, "ms_log1p", -1, [](double x) { return std::log1p(x); });
  Define(registry, "ms_log_base", [](double base, double x) -> std::optional<double> {
    if (base <= 0 || x <= 0) return std::nullopt;
    return std::log(x) / std::log(base);
  });
  Define(registry, "ms_sqrt", [](double x) { return std::sqrt(x); });
  Define(registry, "ms_expm1", [](double x) { return std::expm1(x); });
  Define(registry, "ms_pow", [](double x, double y) { return std::pow(x, y); });
  Define(registry, "ms_sin", [](double x) { return std::sin(x); });
  Define(registry, "ms_cos", [](double x) { return std::cos(x); });
  Define(registry, "ms_tan", [](double x) { return std::tan(x); });
  Define(registry, "ms_asin", [](double x) { return std::asin(x); });
  Define(registry, "ms_acos", [](double x) { return std::acos(x); });
  Define(registry, "ms_exp", [](double x) { return JavaExp(x); });
  Define(registry, "ms_cbrt", [](double x) { return static_cast<double>(cbrtl(x)); });
  Define(registry, "ms_sinh", [](double x) { return JavaSinh(x); });
  Define(registry, "ms_cosh", [](double x) { return JavaCosh(x); });
  Define(registry, "ms_tanh", [](double x) { return JavaTanh(x); });
  // By the formulas that Spark uses, not by the library's functions: their last digits differ.
  Define(registry, "ms_asinh", [](double x) {
    if (std::isinf(x)) return x;
    return std::copysign(std::log(std::fabs(x) + std::sqrt(x * x + 1)), x);
  });
  Define(registry, "ms_acosh", [](double x) { return std::log(x + std::sqrt(x * x - 1)); });
  Define(registry, "ms_atanh", [](double x) { return 0.5 * (std::log1p(x) - std::log1p(-x)); });
  Define(registry, "ms_hypot", [](double x, double y) { return std::hypot(x, y); });
  Define(registry, "ms_rint", [](double x) { return std::nearbyint(x); });
  Define(registry, "ms_factorial", [](int32_t n) -> std::optional<int64_t> {
    if (n < 0 || n > 20) return std::nullopt;
    int64_t product = 1;
    for (int i = 2; i <= n; ++i) product *= i;
    return product;
  });
  Define(registry, "ms_width_bucket", [](double value, double low, double high, int64_t buckets) -> std::optional<int64_t> {
    if (buckets <= 0 || low == high || std::isnan(value) || !std::isfinite(low) || !std::isfinite(high)) return std::nullopt;
    if (low < high) return value < low ? 0 : value >= high ? buckets + 1 : static_cast<int64_t>(buckets * (value - low) / (high - low)) + 1;
    return value > low ? 0 : value <= high ? buckets + 1 : static_cast<int64_t>(buckets * (low - value) / (low - high)) + 1;
  });
  Define(registry, "ms_bin", [](int64_t value) {
    std::string bits;
    for (uint64_t rest = static_cast<uint64_t>(value); rest; rest >>= 1) bits.insert(bits.begin(), static_cast<char>('0' + (rest & 1)));
    return bits.empty() ? std::string("0") : bits;
  });
  Define(registry, "ms_hex", [](int64_t value) {
    char text[20];
    std::snprintf(text, sizeof text, "%lX", static_cast<unsigned long>(value));
    return std::string(text);
  });
  Define(registry, "ms_conv", [](std::string_view text, int32_t from, int32_t to) -> std::optional<std::string> {
    if (from < 2 || from > 36 || std::abs(to) < 2 || std::abs(to) > 36) return std::nullopt;
    std::string converted = Conv(text, from, to);
    if (converted.empty()) return std::nullopt;
    return converted;
  });
}

}  // namespace millstream::compute
