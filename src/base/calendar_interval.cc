#include "base/calendar_interval.h"

#include <cctype>
#include <string>

namespace millstream {
namespace {

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

struct Unit {
  std::string_view name;  // singular
  int64_t months, days, us;
};

constexpr Unit kUnits[] = {
    {"year", 12, 0, 0},
    {"month", 1, 0, 0},
    {"week", 0, 7, 0},
    {"day", 0, 1, 0},
    {"hour", 0, 0, int64_t{3600} * 1'000'000},
    {"minute", 0, 0, int64_t{60} * 1'000'000},
    {"second", 0, 0, 1'000'000},
    {"millisecond", 0, 0, 1000},
    {"microsecond", 0, 0, 1},
};

const Unit* FindUnit(std::string_view word) {
  for (const Unit& unit : kUnits) {
    if (word == unit.name || (word.size() == unit.name.size() + 1 && word.starts_with(unit.name) && word.back() == 's')) return &unit;
  }
  return nullptr;
}

bool AddProduct(int64_t count, int64_t each, int64_t* sum) {
  int64_t product;
  return !__builtin_mul_overflow(count, each, &product) && !__builtin_add_overflow(*sum, product, sum);
}

// Words of a lower-case text, at most as many as an interval with every unit has.
struct Words {
  std::string_view rest;
  std::string_view Next() {
    while (!rest.empty() && std::isspace(static_cast<unsigned char>(rest.front()))) rest.remove_prefix(1);
    size_t end = 0;
    while (end < rest.size() && !std::isspace(static_cast<unsigned char>(rest[end]))) ++end;
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    return word;
  }
};

// "-12", "+1.5" → 12 and 500000 (millionths), negative.
struct Number {
  int64_t whole = 0, millionths = 0;
  bool negative = false, has_fraction = false;
};

std::optional<Number> ParseNumber(std::string_view word) {
  Number number;
  if (!word.empty() && (word.front() == '-' || word.front() == '+')) {
    number.negative = word.front() == '-';
    word.remove_prefix(1);
  }
  size_t at = 0, digits = 0;
  for (; at < word.size() && std::isdigit(static_cast<unsigned char>(word[at])); ++at, ++digits) {
    if (__builtin_mul_overflow(number.whole, int64_t{10}, &number.whole) || __builtin_add_overflow(number.whole, int64_t{word[at] - '0'}, &number.whole))
      return std::nullopt;
  }
  if (at < word.size() && word[at] == '.') {
    number.has_fraction = true;
    int64_t scale = 100'000;
    for (++at; at < word.size() && std::isdigit(static_cast<unsigned char>(word[at])); ++at, ++digits) {
      if (scale == 0 && digits > 18) return std::nullopt;
      number.millionths += scale * (word[at] - '0');
      scale /= 10;
    }
  }
  if (at != word.size() || digits == 0) return std::nullopt;
  return number;
}

}  // namespace

std::optional<int64_t> CalendarInterval::Micros() const {
  int64_t total = us;
  if (!AddProduct(days, kDayUs, &total) || !AddProduct(months, 31 * kDayUs, &total)) return std::nullopt;
  return total;
}

std::optional<CalendarInterval> ParseCalendarInterval(std::string_view text) {
  std::string lower;
  for (char c : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  Words words{lower};
  CalendarInterval interval;
  std::string_view word = words.Next();
  if (word == "interval") word = words.Next();
  if (word.empty()) return std::nullopt;
  for (; !word.empty(); word = words.Next()) {
    const std::optional<Number> number = ParseNumber(word);
    const Unit* unit = number ? FindUnit(words.Next()) : nullptr;
    if (unit == nullptr || (number->has_fraction && unit->name != "second")) return std::nullopt;
    const int64_t sign = number->negative ? -1 : 1;
    if (!AddProduct(sign * number->whole, unit->months, &interval.months) || !AddProduct(sign * number->whole, unit->days, &interval.days) ||
        !AddProduct(sign * number->whole, unit->us, &interval.us) || !AddProduct(sign, number->millionths, &interval.us))
      return std::nullopt;
  }
  return interval;
}

}  // namespace millstream
