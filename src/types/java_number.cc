#include "types/java_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace millstream {
namespace {

template <typename T>
std::string Java(T value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  // Java never prints fewer than two digits, and here the second is not a zero.
  if (std::abs(value) == std::numeric_limits<T>::denorm_min()) return std::string(value < 0 ? "-" : "") + (sizeof(T) == sizeof(double) ? "4.9E-324" : "1.4E-45");
  std::array<char, 64> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  std::string text(buffer.data(), end);
  const bool negative = text[0] == '-';
  const size_t exponent_at = text.find('e');
  const int exponent = std::stoi(text.substr(exponent_at + 1));
  std::string digits;
  for (char c : text.substr(0, exponent_at)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  std::string shown;
  if (exponent >= -3 && exponent < 7) {
    if (exponent < 0) {
      shown = "0." + std::string(-exponent - 1, '0') + digits;
    } else {
      if (static_cast<int>(digits.size()) < exponent + 1) digits.append(exponent + 1 - digits.size(), '0');
      shown = digits.substr(0, exponent + 1) + ".";
      shown += static_cast<int>(digits.size()) > exponent + 1 ? digits.substr(exponent + 1) : "0";
    }
  } else {
    shown = digits.substr(0, 1) + "." + (digits.size() > 1 ? digits.substr(1) : "0") + "E" + std::to_string(exponent);
  }
  return negative ? "-" + shown : shown;
}

}  // namespace

std::string JavaDouble(double value) { return Java(value); }
std::string JavaFloat(float value) { return Java(value); }

}  // namespace millstream
