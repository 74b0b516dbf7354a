#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/civil_time.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

constexpr std::array kMonths = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
constexpr std::array kDays = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

// One letter run of a pattern, or literal text (letter 0).
struct Piece {
  char letter = 0;
  int count = 0;
  std::string text;
  bool optional_open = false, optional_close = false;
};
using Pattern = std::vector<Piece>;

[[noreturn]] void ThrowPattern(std::string_view pattern) { ThrowError(errors::kInvalidDatetimePattern, {{"pattern", "'" + std::string(pattern) + "'"}}); }

// Java's DateTimeFormatter letters, those of them that Spark lets through and that have a meaning without a locale.
Pattern ParsePattern(std::string_view pattern) {
  Pattern pieces;
  for (size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '\'') {
      std::string text;
      if (at + 1 < pattern.size() && pattern[at + 1] == '\'') {
        text = "'";
        at += 2;
      } else {
        for (++at;; ++at) {
          if (at >= pattern.size()) ThrowPattern(pattern);
          if (pattern[at] == '\'') {
            if (at + 1 < pattern.size() && pattern[at + 1] == '\'') {
              text += '\'';
              ++at;
              continue;
            }
            ++at;
            break;
          }
          text += pattern[at];
        }
      }
      pieces.push_back({0, 0, text});
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      size_t end = at;
      while (end < pattern.size() && pattern[end] == c) ++end;
      const int count = static_cast<int>(end - at);
      static constexpr std::string_view kKnown = "yuMLdDEaHhKkmsSXxZzVOQqG";
      if (kKnown.find(c) == std::string_view::npos || count > 9) ThrowPattern(pattern);
      pieces.push_back({c, count, ""});
      at = end;
    } else if (c == '[' || c == ']') {
      Piece piece;
      (c == '[' ? piece.optional_open : piece.optional_close) = true;
      pieces.push_back(piece);
      ++at;
    } else if (c == '{' || c == '}' || c == '#') {
      ThrowPattern(pattern);
    } else {
      pieces.push_back({0, 0, std::string(1, c)});
      ++at;
    }
  }
  return pieces;
}

const Pattern& CachedPattern(std::string_view text) {
  thread_local std::map<std::string, Pattern, std::less<>> patterns;
  if (auto found = patterns.find(text); found != patterns.end()) return found->second;
  if (patterns.size() > 1000) patterns.clear();
  return patterns.emplace(std::string(text), ParsePattern(text)).first->second;
}

std::string Padded(int64_t value, int width) {
  char text[40];
  std::snprintf(text, sizeof text, "%0*lld", width, static_cast<long long>(value));
  return text;
}

std::string OffsetText(int64_t seconds, char letter, int count) {
  if (seconds == 0 && (letter == 'X')) return "Z";
  if (letter == 'Z' && count == 4) letter = 'O';
  if (letter == 'O') return seconds == 0 ? "GMT" : "GMT" + OffsetText(seconds, 'x', 3);
  const char sign = seconds < 0 ? '-' : '+';
  const int64_t size = seconds < 0 ? -seconds : seconds;
  const std::string hours = Padded(size / 3600, 2), minutes = Padded(size / 60 % 60, 2), rest = Padded(size % 60, 2);
  if (letter == 'Z') return count == 5 ? sign + hours + ":" + minutes : sign + hours + minutes;
  std::string text = sign + hours;
  if (count == 1) return size / 60 % 60 ? text + minutes : text;
  const bool colon = count == 3 || count == 5;
  text += (colon ? ":" : "") + minutes;
  if (count >= 4 && size % 60) text += (colon ? ":" : "") + rest;
  return text;
}

std::string Format(int64_t wall_micros, std::string_view pattern_text, std::string_view zone) {
  const Pattern& pattern = CachedPattern(pattern_text);
  const int64_t days = FloorDiv(wall_micros, kMicrosPerDay), rest = wall_micros - days * kMicrosPerDay;
  const Civil civil = CivilOf(days);
  const int hour = static_cast<int>(rest / 3600000000), minute = static_cast<int>(rest / 60000000 % 60), second = static_cast<int>(rest / 1000000 % 60);
  const int64_t fraction = rest % kMicrosPerSecond;
  const int weekday = static_cast<int>(((days + 3) % 7 + 7) % 7);
  auto offset = [&] { return OffsetSeconds(WallToInstant(wall_micros, zone).value_or(wall_micros), zone).value_or(0); };
  std::string text;
  for (const Piece& piece : pattern) {
    const int count = piece.count;
    switch (piece.letter) {
      case 0:
        text += piece.text;
        break;
      case 'y':
      case 'u': {
        const int64_t year = piece.letter == 'y' && civil.year <= 0 ? 1 - civil.year : civil.year;
        text += count == 2 ? Padded(year % 100, 2) : (year > 9999 && count >= 4 ? "+" : "") + Padded(year, count);
        break;
      }
      case 'M':
      case 'L':
        text += count <= 2   ? Padded(civil.month, count)
                : count == 3 ? std::string(kMonths[civil.month - 1]).substr(0, 3)
                             : std::string(kMonths[civil.month - 1]);
        break;
      case 'Q':
      case 'q':
        text += count <= 2   ? Padded((civil.month - 1) / 3 + 1, count)
                : count == 3 ? "Q" + std::to_string((civil.month - 1) / 3 + 1)
                             : std::to_string((civil.month - 1) / 3 + 1) + std::array{"st", "nd", "rd", "th"}[(civil.month - 1) / 3] + " quarter";
        break;
      case 'd':
        text += Padded(civil.day, count);
        break;
      case 'D':
        text += Padded(days - DaysOf(civil.year, 1, 1) + 1, count);
        break;
      case 'E':
        text += count <= 3 ? std::string(kDays[weekday]).substr(0, 3) : std::string(kDays[weekday]);
        break;
      case 'G':
        text += civil.year > 0 ? "AD" : "BC";
        break;
      case 'a':
        text += hour < 12 ? "AM" : "PM";
        break;
      case 'H':
        text += Padded(hour, count);
        break;
      case 'k':
        text += Padded(hour == 0 ? 24 : hour, count);
        break;
      case 'K':
        text += Padded(hour % 12, count);
        break;
      case 'h':
        text += Padded(hour % 12 == 0 ? 12 : hour % 12, count);
        break;
      case 'm':
        text += Padded(minute, count);
        break;
      case 's':
        text += Padded(second, count);
        break;
      case 'S':
        text += (Padded(fraction, 6) + "000").substr(0, count);
        break;
      case 'X':
      case 'x':
      case 'Z':
      case 'O':
        text += OffsetText(offset(), piece.letter, count);
        break;
      case 'V':
      case 'z':
        text += zone;
        break;
      default:  // The pattern's letters have been checked.
        break;
    }
  }
  return text;
}

// ---- the other way

struct Fields {
  int64_t year = 1970;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0, day_of_year = 0;
  int64_t micros = 0;
  bool pm = false, has_pm = false, twelve_hours = false;
  std::optional<int64_t> offset;
  std::string zone;
};

bool TakeNumber(std::string_view& text, int low, int high, int64_t& value) {
  int count = 0;
  value = 0;
  while (count < high && count < static_cast<int>(text.size()) && text[count] >= '0' && text[count] <= '9') value = value * 10 + (text[count++] - '0');
  if (count < low) return false;
  text.remove_prefix(count);
  return true;
}

bool TakeName(std::string_view& text, const char* const* names, int count, bool short_names, int& index) {
  for (int i = 0; i < count; ++i) {
    const std::string_view name = short_names ? std::string_view(names[i]).substr(0, 3) : std::string_view(names[i]);
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    index = i;
    return true;
  }
  return false;
}

bool TakeZone(std::string_view& text, Fields& fields) {
  if (text.starts_with("Z")) {
    fields.offset = 0;
    text.remove_prefix(1);
    return true;
  }
  size_t end = 0;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '+' || text[end] == '-' || text[end] == ':' ||
                               text[end] == '/' || text[end] == '_'))
    ++end;
  if (end == 0) return false;
  fields.zone = std::string(text.substr(0, end));
  text.remove_prefix(end);
  return WallToInstant(0, fields.zone).has_value();
}

bool IsNumber(const Pattern& pattern, size_t at) {
  static constexpr std::string_view kNumbers = "yudDHhKkmsSQ";
  return at < pattern.size() && pattern[at].letter &&
         (kNumbers.find(pattern[at].letter) != std::string_view::npos || ((pattern[at].letter == 'M' || pattern[at].letter == 'L') && pattern[at].count <= 2));
}

bool TakePiece(std::string_view& text, const Pattern& pattern, size_t at, Fields& fields) {
  const Piece& piece = pattern[at];
  // A run of one letter takes any number of digits, unless another number follows without a gap.
  const int count = piece.count, wide = count == 1 && !IsNumber(pattern, at + 1) ? 19 : count;
  int64_t number = 0;
  int index = 0;
  switch (piece.letter) {
    case 0:
      if (!text.starts_with(piece.text)) return false;
      text.remove_prefix(piece.text.size());
      return true;
    case 'y':
    case 'u':
      if (count == 2) {
        if (!TakeNumber(text, 2, 2, number)) return false;
        fields.year = 2000 + number;
        return true;
      }
      if (!TakeNumber(text, count, IsNumber(pattern, at + 1) ? count : std::max(count, 9), number)) return false;
      fields.year = number;
      return true;
    case 'M':
    case 'L':
      if (count > 2) {
        if (!TakeName(text, kMonths.data(), 12, count == 3, index)) return false;
        fields.month = index + 1;
        return true;
      }
      if (!TakeNumber(text, count, std::min(wide, 2), number)) return false;
      fields.month = static_cast<int>(number);
      return true;
    case 'd':
      if (!TakeNumber(text, count, std::min(wide, 2), number)) return false;
      fields.day = static_cast<int>(number);
      return true;
    case 'D':
      if (!TakeNumber(text, 1, 3, number)) return false;
      fields.day_of_year = static_cast<int>(number);
      return true;
    case 'E':
      return TakeName(text, kDays.data(), 7, count <= 3, index);
    case 'a':
      fields.has_pm = true;
      if (text.starts_with("PM") || text.starts_with("pm")) {
        fields.pm = true;
      } else if (!text.starts_with("AM") && !text.starts_with("am")) {
        return false;
      }
      text.remove_prefix(2);
      return true;
    case 'H':
    case 'k':
    case 'h':
    case 'K':
      if (!TakeNumber(text, count, std::min(wide, 2), number)) return false;
      fields.twelve_hours = piece.letter == 'h' || piece.letter == 'K';
      fields.hour = static_cast<int>(piece.letter == 'k' && number == 24 ? 0 : number);
      return true;
    case 'm':
      if (!TakeNumber(text, count, std::min(wide, 2), number)) return false;
      fields.minute = static_cast<int>(number);
      return true;
    case 's':
      if (!TakeNumber(text, count, std::min(wide, 2), number)) return false;
      fields.second = static_cast<int>(number);
      return true;
    case 'S': {
      size_t digits = 0;
      while (digits < text.size() && static_cast<int>(digits) < count && text[digits] >= '0' && text[digits] <= '9') ++digits;
      if (static_cast<int>(digits) < 1) return false;
      std::string micros(text.substr(0, std::min<size_t>(digits, 6)));
      micros.resize(6, '0');
      fields.micros = std::stoll(micros);
      text.remove_prefix(digits);
      return true;
    }
    case 'X':
    case 'x':
    case 'Z':
    case 'z':
    case 'V':
    case 'O':
      return TakeZone(text, fields);
    default:  // Letters that can be printed but not read.
      return false;
  }
}

std::optional<int64_t> Parse(std::string_view text, std::string_view pattern_text, std::string_view zone) {
  const Pattern& pattern = CachedPattern(pattern_text);
  Fields fields;
  for (size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at].optional_close) continue;
    if (!pattern[at].optional_open) {
      if (!TakePiece(text, pattern, at, fields)) return std::nullopt;
      continue;
    }
    // […] is taken whole or not at all.
    size_t close = at + 1;
    while (close < pattern.size() && !pattern[close].optional_close) ++close;
    std::string_view ahead = text;
    Fields tried = fields;
    bool taken = true;
    for (size_t inner = at + 1; inner < close && taken; ++inner) taken = pattern[inner].optional_open || TakePiece(ahead, pattern, inner, tried);
    if (taken) {
      text = ahead;
      fields = tried;
    }
    at = close;
  }
  if (!text.empty()) return std::nullopt;
  if (fields.twelve_hours) {
    if (fields.hour > 12) return std::nullopt;
    fields.hour = fields.hour % 12 + (fields.pm ? 12 : 0);
  }
  if (fields.month < 1 || fields.month > 12 || fields.day < 1 || fields.day > DaysInMonth(fields.year, fields.month)) return std::nullopt;
  if (fields.hour > 23 || fields.minute > 59 || fields.second > 59) return std::nullopt;
  const int64_t days = fields.day_of_year ? DaysOf(fields.year, 1, 1) + fields.day_of_year - 1 : DaysOf(fields.year, fields.month, fields.day);
  const int64_t wall = days * kMicrosPerDay + (fields.hour * int64_t{3600} + fields.minute * 60 + fields.second) * kMicrosPerSecond + fields.micros;
  if (fields.offset) return wall - *fields.offset * kMicrosPerSecond;
  return WallToInstant(wall, fields.zone.empty() ? zone : std::string_view(fields.zone));
}

}  // namespace

void DefineDateFormats(FunctionRegistry& registry) {
  Define(registry, "ms_date_format", [](Timestamp wall, std::string_view pattern, std::string_view zone) { return Format(wall.micros, pattern, zone); });
  Define(registry, "ms_parse_timestamp", [](std::string_view text, std::string_view pattern, std::string_view zone, int32_t mode) -> std::optional<Timestamp> {
    if (const auto micros = Parse(text, pattern, zone)) return Timestamp{*micros};
    if (mode != kAnsiMode) return std::nullopt;
    ThrowError(errors::kCannotParseTimestamp, {{"message", "Text '" + std::string(text) + "' could not be parsed at index 0"}, {"func", "`try_to_timestamp`"}});
  });
}

}  // namespace millstream::compute
