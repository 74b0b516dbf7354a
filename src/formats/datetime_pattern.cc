#include "formats/datetime_pattern.h"

#include <algorithm>
#include <array>

#include "formats/formats_errors.h"
#include "formats/spark_text.h"

namespace millstream {
namespace {

constexpr ErrorClass kInvalidPattern{"INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", "22007", ExceptionKind::kIllegalArgument,
                                     "Unrecognized datetime pattern: <pattern>. Illegal pattern character found in datetime pattern: <c>. Please "
                                     "provide legal character."};
constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view kWeekdays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
// All texts match whatever their case, as Spark's formatters are built.
bool StartsWith(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && std::equal(with.begin(), with.end(), text.begin(), [](char a, char b) { return Lower(a) == Lower(b); });
}
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool ReadDigits(std::string_view text, size_t* at, int width_min, int width_max, int64_t* value) {
  size_t begin = *at;
  *value = 0;
  while (*at < text.size() && static_cast<int>(*at - begin) < width_max && IsDigit(text[*at])) *value = *value * 10 + (text[(*at)++] - '0');
  return static_cast<int>(*at - begin) >= width_min;
}

template <size_t N>
int ReadName(std::string_view text, size_t* at, const std::string_view (&names)[N], bool full) {
  for (size_t i = 0; i < N; ++i) {
    std::string_view name = full ? names[i] : names[i].substr(0, 3);
    if (StartsWith(text.substr(*at), name)) {
      *at += name.size();
      return static_cast<int>(i) + 1;
    }
  }
  return 0;
}

// X, x and Z: "+01", "+0100", "+01:00", and 'Z' where the letter allows it.
bool ReadOffset(std::string_view text, size_t* at, char letter, int count, int32_t* seconds) {
  bool zulu = letter == 'X' || (letter == 'Z' && count == 5);
  if (zulu && *at < text.size() && text[*at] == 'Z') {
    ++*at;
    *seconds = 0;
    return true;
  }
  if (*at >= text.size() || (text[*at] != '+' && text[*at] != '-')) return false;
  int sign = text[(*at)++] == '-' ? -1 : 1;
  bool colon = letter == 'Z' ? count >= 4 : count == 3 || count == 5;
  int64_t hours = 0, minutes = 0, more = 0;
  if (!ReadDigits(text, at, 2, 2, &hours)) return false;
  bool minutes_optional = letter != 'Z' && count == 1;
  size_t before = *at;
  if (!((!colon || (*at < text.size() && text[(*at)++] == ':')) && ReadDigits(text, at, 2, 2, &minutes))) {
    if (!minutes_optional) return false;
    *at = before;
    minutes = 0;
  }
  if (count == 5 || (letter != 'Z' && count == 4)) {
    before = *at;
    if (!((!colon || (*at < text.size() && text[(*at)++] == ':')) && ReadDigits(text, at, 2, 2, &more))) {
      *at = before;
      more = 0;
    }
  }
  if (hours > 18 || minutes > 59 || more > 59) return false;
  *seconds = sign * static_cast<int32_t>(hours * 3600 + minutes * 60 + more);
  return true;
}

}  // namespace

struct DateTimePattern::Fields {
  int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0, half = 0, hour_of_half = -1, day_of_year = 0;
  std::optional<int32_t> offset_s;
  const TimeZone* zone = nullptr;
  int weekday = 0;
};

Result<DateTimePattern> DateTimePattern::Compile(const std::string& pattern) {
  DateTimePattern out;
  std::vector<size_t> open;
  auto literal = [&](char c) {
    if (out.items_.empty() || out.items_.back().letter != 0) out.items_.push_back({});
    out.items_.back().literal += c;
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '\'') {
      if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
        literal('\'');
        ++i;
        continue;
      }
      for (++i; i < pattern.size(); ++i) {
        if (pattern[i] != '\'') {
          literal(pattern[i]);
        } else if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
          literal('\'');
          ++i;
        } else {
          break;
        }
      }
      if (i >= pattern.size()) return Status::IllegalArgument("Pattern ends with an incomplete string literal: " + pattern);
    } else if (c == '[') {
      open.push_back(out.items_.size());
      out.items_.push_back({.letter = '['});
    } else if (c == ']') {
      if (open.empty()) return Status::IllegalArgument("Pattern invalid as it contains ] without previous [");
      out.items_.push_back({.letter = ']'});
      out.items_[open.back()].skip = out.items_.size() - open.back();
      open.pop_back();
    } else if (IsLetter(c)) {
      int count = 1;
      while (i + 1 < pattern.size() && pattern[i + 1] == c) {
        ++count;
        ++i;
      }
      if (std::string_view("yuMLdDHhKkmsSaEXxZzVO").find(c) == std::string_view::npos) {
        return Status::Error(kInvalidPattern, {{"pattern", pattern}, {"c", std::string(1, c)}});
      }
      out.items_.push_back({.letter = c, .count = count});
    } else {
      literal(c);
    }
    if (open.size() > 16) return Status::IllegalArgument("Too many nested [ in the pattern " + pattern);
  }
  if (!open.empty()) {
    for (size_t at : open) out.items_[at].skip = out.items_.size() - at;  // an unclosed [ ends with the pattern
  }
  auto numeric = [](const Item& item) {
    return std::string_view("yudDHhKkmsS").find(item.letter) != std::string_view::npos || ((item.letter == 'M' || item.letter == 'L') && item.count <= 2);
  };
  for (size_t i = 0; i + 1 < out.items_.size(); ++i) {
    out.items_[i].adjacent = out.items_[i].letter != 0 && numeric(out.items_[i]) && out.items_[i + 1].letter != 0 && numeric(out.items_[i + 1]);
  }
  for (size_t i = 0; i < out.items_.size(); ++i) {
    for (size_t j = i; out.items_[j].adjacent && out.items_[j + 1].letter != 'S'; ++j) out.items_[i].reserved += out.items_[j + 1].count;
  }
  return out;
}

bool DateTimePattern::MatchField(const Item& item, std::string_view text, size_t* at, Fields* f) const {
  int64_t value = 0;
  // One letter takes any number of digits, two or more exactly theirs (years from four letters on: at least).
  auto number = [&](int64_t low, int64_t high, int64_t* to) {
    int width_min = item.count, width_max = item.count == 1 ? (item.adjacent ? 1 : 19) : item.count;
    if (!ReadDigits(text, at, width_min, width_max, &value) || value < low || value > high) return false;
    *to = value;
    return true;
  };
  switch (item.letter) {
    case 'y':
    case 'u': {
      bool negative = *at < text.size() && text[*at] == '-' && item.count != 2;
      bool plus = *at < text.size() && text[*at] == '+' && item.count != 2;
      size_t begin = *at + (negative || plus ? 1 : 0);
      *at = begin;
      if (item.count == 2) {
        if (!ReadDigits(text, at, 2, 2, &value)) return false;
        f->year = 2000 + value;
        return true;
      }
      if (plus && item.count < 4) return false;
      int width_max = 10;
      if (item.adjacent) {
        // All digits but those that the fields behind need; java.time does not count a fraction among these.
        size_t digits = 0;
        while (begin + digits < text.size() && IsDigit(text[begin + digits])) ++digits;
        width_max = std::clamp(static_cast<int>(digits) - item.reserved, 1, 10);
      }
      if (!ReadDigits(text, at, item.count, width_max, &value)) return false;
      // More digits than letters only with a sign, as SignStyle.EXCEEDS_PAD has it.
      if (item.count >= 4 && static_cast<int>(*at - begin) > item.count && !plus && !negative) return false;
      if (plus && static_cast<int>(*at - begin) <= item.count) return false;
      f->year = negative ? -value : value;
      return true;
    }
    case 'M':
    case 'L':
      if (item.count >= 3) {
        f->month = ReadName(text, at, kMonths, item.count == 4);
        return f->month > 0;
      }
      return number(1, 12, &f->month);
    case 'd':
      return number(1, 31, &f->day);
    case 'D':
      return number(1, 366, &f->day_of_year);
    case 'H':
      return number(0, 23, &f->hour);
    case 'k':
      if (!number(1, 24, &f->hour)) return false;
      f->hour %= 24;
      return true;
    case 'h':
      if (!number(1, 12, &f->hour_of_half)) return false;
      f->hour_of_half %= 12;
      return true;
    case 'K':
      return number(0, 11, &f->hour_of_half);
    case 'm':
      return number(0, 59, &f->minute);
    case 's':
      return number(0, 59, &f->second);
    case 'S': {
      // Spark reads a fraction of up to as many digits as there are letters.
      size_t begin = *at;
      if (!ReadDigits(text, at, 1, item.count, &value)) return false;
      for (size_t digits = *at - begin; digits < 6; ++digits) value *= 10;
      for (size_t digits = *at - begin; digits > 6; --digits) value /= 10;
      f->micros = value;
      return true;
    }
    case 'a': {
      std::string_view half = text.substr(*at, 2);
      if (!StartsWith(half, "AM") && !StartsWith(half, "PM")) return false;
      f->half = StartsWith(half, "PM") ? 12 : 0;
      *at += 2;
      return true;
    }
    case 'E':
      f->weekday = ReadName(text, at, kWeekdays, item.count >= 4);
      return f->weekday > 0;
    case 'X':
    case 'x':
    case 'Z': {
      int32_t seconds = 0;
      if (!ReadOffset(text, at, item.letter, item.count, &seconds)) return false;
      f->offset_s = seconds;
      return true;
    }
    default: {  // z, V, O: a zone's id
      size_t end = *at;
      while (end < text.size() && (IsLetter(text[end]) || IsDigit(text[end]) || std::string_view("/_+-:").find(text[end]) != std::string_view::npos)) ++end;
      std::string_view id = text.substr(*at, end - *at);
      // V takes ids only, not the three-letter names.
      if (item.letter == 'V' && id.size() == 3 && id != "UTC" && id != "GMT" && id != "EST" && id != "MST" && id != "HST") return false;
      f->zone = TimeZone::Find(id);
      *at = end;
      return f->zone != nullptr;
    }
  }
}

bool DateTimePattern::Match(size_t from, size_t to, std::string_view text, size_t* at, Fields* fields) const {
  for (size_t i = from; i < to; ++i) {
    const Item& item = items_[i];
    if (item.letter == 0) {
      if (!StartsWith(text.substr(*at), item.literal)) return false;
      *at += item.literal.size();
    } else if (item.letter == '[') {
      size_t before = *at;
      Fields kept = *fields;
      if (!Match(i + 1, std::min(i + item.skip, to), text, at, fields)) {
        *at = before;
        *fields = kept;
      }
      i += item.skip - 1;
    } else if (item.letter == ']') {
      continue;
    } else if (!MatchField(item, text, at, fields)) {
      return false;
    }
  }
  return true;
}

std::optional<ParsedDateTime> DateTimePattern::Parse(std::string_view text) const {
  Fields f;
  size_t at = 0;
  if (!Match(0, items_.size(), text, &at, &f) || at != text.size()) return std::nullopt;
  if (f.hour_of_half >= 0) f.hour = f.hour_of_half + f.half;
  auto days = DaysFromDate(f.year, static_cast<int>(f.month), static_cast<int>(f.day));
  if (f.day_of_year > 0) {
    days = DaysFromDate(f.year, 1, 1);
    if (days) days = *days + static_cast<int32_t>(f.day_of_year) - 1;
  }
  if (!days) return std::nullopt;
  if (f.weekday > 0 && ((int64_t{*days} + 3) % 7 + 7) % 7 + 1 != f.weekday) return std::nullopt;
  ParsedDateTime out;
  out.days = *days;
  __int128 micros = (static_cast<__int128>(*days) * 86400 + f.hour * 3600 + f.minute * 60 + f.second) * 1'000'000 + f.micros;
  if (micros > INT64_MAX - 86'400'000'000 || micros < INT64_MIN + 86'400'000'000) return std::nullopt;
  out.local_us = static_cast<int64_t>(micros);
  out.offset_s = f.offset_s;
  out.zone = f.zone;
  return out;
}

}  // namespace millstream
