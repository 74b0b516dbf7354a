// format_string: java.util.Formatter's language, as far as values of Spark's types reach.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/error_class.h"
#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/functions/functions.h"
#include "compute/functions/string_lists.h"

namespace millstream::compute {
namespace {

// Results beyond this are a mistake in the format, not a wish.
constexpr int kWidthMax = 1 << 20;

struct Spec {
  std::string flags;
  int width = -1, precision = -1;
  char conversion = 0;
  bool Has(char flag) const { return flags.find(flag) != std::string::npos; }
};

[[noreturn]] void ThrowFormat(const std::string& what) { ThrowError(errors::kIllegalArgument, {{"message", what}}); }

std::string Grouped(const std::string& digits) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string Padded(std::string text, const Spec& spec) {
  // Width counts characters, of which continuation bytes are none.
  const auto length = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
  if (spec.width <= length) return text;
  const std::string room(static_cast<size_t>(spec.width - length), ' ');
  return spec.Has('-') ? text + room : room + text;
}

// `digits` without sign: sign, grouping, zeros and width around them.
std::string Number(bool negative, std::string digits, const Spec& spec, bool may_group) {
  if (may_group && spec.Has(',')) {
    const size_t point = digits.find('.');
    digits = Grouped(digits.substr(0, point)) + (point == std::string::npos ? "" : digits.substr(point));
  }
  std::string before = negative ? (spec.Has('(') ? "(" : "-") : spec.Has('+') ? "+" : spec.Has(' ') ? " " : "";
  const std::string after = negative && spec.Has('(') ? ")" : "";
  if (spec.Has('0')) {
    while (static_cast<int>(before.size() + digits.size() + after.size()) < spec.width) digits.insert(digits.begin(), '0');
  }
  return Padded(before + digits + after, spec);
}

// A decimal number as digits and where its point is: 0.d1d2… × 10^point.
struct Decimal {
  bool negative = false;
  std::string digits;
  int point = 0;
};

Decimal ParseDecimal(std::string_view text) {
  Decimal number;
  int exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view tail = text.substr(e + 1);
    if (tail.starts_with('+')) tail.remove_prefix(1);
    std::from_chars(tail.data(), tail.data() + tail.size(), exponent);
    text = text.substr(0, e);
  }
  bool after_point = false;
  for (char c : text) {
    if (c == '-') number.negative = true;
    if (c == '.') after_point = true;
    if (c < '0' || c > '9') continue;
    if (number.digits.empty() && c == '0') {
      if (after_point) --number.point;
      continue;
    }
    number.digits += c;
    if (!after_point) ++number.point;
  }
  number.point += exponent;
  if (number.digits.empty()) number.point = 0;
  return number;
}

// Half up to `keep` digits, which may be 0 or less.
void RoundTo(Decimal& number, int keep) {
  if (keep >= static_cast<int>(number.digits.size())) return;
  const bool up = keep >= 0 && number.digits[static_cast<size_t>(keep)] >= '5';
  number.digits.resize(static_cast<size_t>(std::max(keep, 0)));
  if (!up) return;
  int i = keep - 1;
  for (; i >= 0 && number.digits[static_cast<size_t>(i)] == '9'; --i) number.digits[static_cast<size_t>(i)] = '0';
  if (i >= 0) {
    ++number.digits[static_cast<size_t>(i)];
  } else {
    number.digits.insert(number.digits.begin(), '1');
    ++number.point;
  }
}

std::string Fixed(Decimal number, int places) {
  RoundTo(number, number.point + places);
  std::string whole, fraction;
  for (int i = 0; i < number.point; ++i) whole += i < static_cast<int>(number.digits.size()) ? number.digits[static_cast<size_t>(i)] : '0';
  for (int i = number.point; i < number.point + places; ++i) {
    fraction += i >= 0 && i < static_cast<int>(number.digits.size()) ? number.digits[static_cast<size_t>(i)] : '0';
  }
  return (whole.empty() ? "0" : whole) + (places > 0 ? "." + fraction : "");
}

std::string Scientific(Decimal number, int places) {
  RoundTo(number, places + 1);
  const int exponent = number.digits.empty() ? 0 : number.point - 1;
  std::string digits = number.digits;
  digits.resize(static_cast<size_t>(places) + 1, '0');
  std::string tail = std::to_string(std::abs(exponent));
  if (tail.size() < 2) tail.insert(tail.begin(), '0');
  return digits.substr(0, 1) + (places > 0 ? "." + digits.substr(1) : "") + (exponent < 0 ? "e-" : "e+") + tail;
}

std::string Real(const std::string& text, const Spec& spec) {
  if (text == "NaN") return Padded(text, spec);
  if (text.ends_with("Infinity")) return Padded(text[0] == '-' ? (spec.Has('(') ? "(Infinity)" : "-Infinity") : spec.Has('+') ? "+Infinity" : "Infinity", spec);
  const Decimal number = ParseDecimal(text);
  int places = spec.precision < 0 ? 6 : spec.precision;
  std::string digits;
  switch (spec.conversion) {
    case 'f':
      digits = Fixed(number, places);
      break;
    case 'g': {
      places = places == 0 ? 1 : places;
      Decimal rounded = number;
      RoundTo(rounded, places);
      // 10^-4 ≤ value < 10^precision is written plainly.
      const bool plain = rounded.digits.empty() || (rounded.point > -4 && rounded.point <= places);
      digits = plain ? Fixed(number, rounded.digits.empty() ? places - 1 : places - rounded.point) : Scientific(number, places - 1);
      break;
    }
    default:
      digits = Scientific(number, places);
      break;
  }
  return Number(number.negative, digits, spec, spec.conversion != 'e');
}

std::string Integer(char kind, const std::string& text, const Spec& spec) {
  if (spec.conversion == 'd') {
    const bool negative = text.starts_with('-');
    return Number(negative, negative ? text.substr(1) : text, spec, true);
  }
  // Two's complement, as wide as the type.
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  uint64_t bits = static_cast<uint64_t>(value);
  if (kind == 'i') bits = static_cast<uint32_t>(bits);
  if (kind == 'h') bits = static_cast<uint16_t>(bits);
  if (kind == 'y') bits = static_cast<uint8_t>(bits);
  char digits[32];
  const int length = std::snprintf(digits, sizeof digits, spec.conversion == 'o' ? "%lo" : "%lx", static_cast<unsigned long>(bits));
  std::string shown(digits, static_cast<size_t>(length));
  if (spec.Has('#')) shown = (spec.conversion == 'o' ? "0" : "0x") + shown;
  return Number(false, shown, spec, false);
}

std::string CharacterOf(int64_t code) {
  std::string out;
  if (code < 0 || code > 0x10ffff) ThrowFormat("Illegal code point in format_string");
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
  if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
  return {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)), static_cast<char>(0x80 | (code >> 6 & 63)),
          static_cast<char>(0x80 | (code & 63))};
}

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

// `tagged`: the kind of the value, then its text; null is null.
std::string One(Spec spec, const std::optional<std::string>& tagged) {
  const bool upper = spec.conversion >= 'A' && spec.conversion <= 'Z';
  if (upper) spec.conversion = static_cast<char>(spec.conversion + 32);
  std::string shown;
  const char kind = tagged ? (*tagged)[0] : 'n';
  const std::string text = tagged ? tagged->substr(1) : "null";
  const bool is_integer = kind == 'i' || kind == 'l' || kind == 'h' || kind == 'y';
  switch (spec.conversion) {
    case 's':
      shown = Padded(spec.precision >= 0 ? text.substr(0, static_cast<size_t>(spec.precision)) : text, spec);
      break;
    case 'b':
      shown = Padded(kind == 'b' ? text : kind == 'n' ? "false" : "true", spec);
      break;
    case 'c':
      if (kind != 'n' && !is_integer) ThrowFormat("%c does not take such a value in format_string");
      shown = Padded(kind == 'n' ? text : CharacterOf(std::atoll(text.c_str())), spec);
      break;
    case 'd':
    case 'x':
    case 'o':
      if (kind == 'n') {
        spec.flags.erase(std::remove(spec.flags.begin(), spec.flags.end(), '0'), spec.flags.end());
        shown = Padded(text, spec);
      } else if (is_integer) {
        shown = Integer(kind, text, spec);
      } else {
        ThrowFormat(std::string("%") + spec.conversion + " takes whole numbers only in format_string");
      }
      break;
    case 'f':
    case 'e':
    case 'g':
      if (kind == 'n') {
        shown = Padded(text, spec);
      } else if (kind == 'f') {
        shown = Real(text, spec);
      } else {
        ThrowFormat(std::string("%") + spec.conversion + " takes fractional numbers only in format_string");
      }
      break;
    default:
      ThrowFormat(std::string("Unknown format conversion '") + spec.conversion + "'");
  }
  return upper ? Upper(shown) : shown;
}

int NumberAt(std::string_view format, size_t& at) {
  int number = -1;
  while (at < format.size() && format[at] >= '0' && format[at] <= '9') {
    number = std::max(number, 0) * 10 + (format[at++] - '0');
    if (number > kWidthMax) ThrowFormat("A width or precision beyond " + std::to_string(kWidthMax) + " in format_string");
  }
  return number;
}

std::string FormatPrintf(std::string_view format, const std::vector<std::optional<std::string>>& values) {
  std::string out;
  size_t next = 0;
  for (size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    ++at;
    Spec spec;
    size_t place = 0;
    if (size_t ahead = at; ahead < format.size() && format[ahead] >= '1' && format[ahead] <= '9') {
      const int number = NumberAt(format, ahead);
      if (ahead < format.size() && format[ahead] == '$') {
        place = static_cast<size_t>(number);
        at = ahead + 1;
      }
    }
    while (at < format.size() && std::string_view("-#+ 0,(").find(format[at]) != std::string_view::npos) spec.flags += format[at++];
    spec.width = NumberAt(format, at);
    if (at < format.size() && format[at] == '.') {
      ++at;
      spec.precision = NumberAt(format, at);
    }
    if (at >= format.size()) ThrowFormat("The format ends within a conversion");
    spec.conversion = format[at++];
    if (spec.conversion == '%') {
      out += Padded("%", spec);
    } else if (spec.conversion == 'n') {
      out += '\n';
    } else {
      const size_t index = place ? place - 1 : next++;
      if (index >= values.size()) ThrowFormat("Format specifier '%" + std::string(1, spec.conversion) + "' has no argument");
      out += One(spec, values[index]);
    }
  }
  return out;
}

}  // namespace

void DefineFormatString(FunctionRegistry& registry) { DefineOfStringList(registry, "ms_format_string", FormatPrintf); }

}  // namespace millstream::compute
