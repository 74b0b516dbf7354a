#include "compute/functions/number_texts.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/ignore_case.h"

namespace millstream::compute {

std::string_view TrimAll(std::string_view text) {
  auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<int64_t> LongOfText(std::string_view text, bool allow_fraction) {
  text = TrimAll(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  __int128 value = 0;
  size_t at = 0;
  for (; at < text.size() && text[at] != '.'; ++at) {
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
    value = value * 10 + (text[at] - '0');
    if (value > static_cast<__int128>(std::numeric_limits<int64_t>::max()) + 1) return std::nullopt;
  }
  if (at < text.size()) {
    if (!allow_fraction || text.size() == 1) return std::nullopt;
    for (++at; at < text.size(); ++at) {
      if (text[at] < '0' || text[at] > '9') return std::nullopt;
    }
  }
  if (negative) value = -value;
  if (value > std::numeric_limits<int64_t>::max()) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::optional<double> DoubleOfText(std::string_view text) {
  text = TrimAll(text);
  if (text.empty()) return std::nullopt;
  for (std::string_view name : {"nan", "infinity", "+infinity", "-infinity", "inf", "+inf", "-inf"}) {
    if (!EqualsIgnoreCase(text, name)) continue;
    if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
    return name[0] == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  std::string_view digits = text;
  if (const char last = digits.back() | 0x20; (last == 'd' || last == 'f') && digits.size() > 1) digits.remove_suffix(1);
  if (digits[0] == '+') digits.remove_prefix(1);
  if (digits.empty() || !(digits[0] == '-' || digits[0] == '.' || (digits[0] >= '0' && digits[0] <= '9'))) return std::nullopt;
  double value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::strtod(std::string(digits).c_str(), nullptr);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<bool> BooleanOfText(std::string_view original) {
  const std::string_view text = TrimAll(original);
  for (std::string_view yes : {"t", "true", "y", "yes", "1"}) {
    if (EqualsIgnoreCase(text, yes)) return true;
  }
  for (std::string_view no : {"f", "false", "n", "no", "0"}) {
    if (EqualsIgnoreCase(text, no)) return false;
  }
  return std::nullopt;
}

}  // namespace millstream::compute
