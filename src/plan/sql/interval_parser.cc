// interval_parser.cc   INTERVAL literals: "INTERVAL 1 DAY 2 HOURS", "INTERVAL '1-2' YEAR TO MONTH", "INTERVAL '1 day 2 hours'".

#include <charconv>

#include "plan/sql/datetime_text.h"
#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"

namespace millstream {
namespace {

struct IntervalUnit {
  std::string_view name;
  int64_t size;  // in months or in microseconds
  bool in_months;
  int day_time_rank;  // day 0 … second 3; -1: not one that "A TO B" may name
};
constexpr int64_t kSecond = 1'000'000;
constexpr IntervalUnit kUnits[] = {
    {"YEAR", 12, true, -1},
    {"MONTH", 1, true, -1},
    {"WEEK", 7 * 86400 * kSecond, false, -1},
    {"DAY", 86400 * kSecond, false, 0},
    {"HOUR", 3600 * kSecond, false, 1},
    {"MINUTE", 60 * kSecond, false, 2},
    {"SECOND", kSecond, false, 3},
    {"MILLISECOND", 1000, false, -1},
    {"MICROSECOND", 1, false, -1},
};

const IntervalUnit* UnitOf(std::string_view word) {
  for (const IntervalUnit& unit : kUnits) {
    if (EqualsKeyword(word, unit.name)) return &unit;
    if (word.size() == unit.name.size() + 1 && (word.back() == 's' || word.back() == 'S') && EqualsKeyword(word.substr(0, word.size() - 1), unit.name)) {
      return &unit;
    }
  }
  return nullptr;
}

struct Sum {
  int64_t months = 0, microseconds = 0;
  bool has_months = false, has_time = false;

  // Adds "-3", "1.5" of a unit; false: not a number, or too large.
  bool Add(std::string_view number, bool negative, const IntervalUnit& unit) {
    if (number.starts_with('-') || number.starts_with('+')) {
      negative ^= number.starts_with('-');
      number.remove_prefix(1);
    }
    int64_t part = 0;
    if (unit.size == kSecond && !unit.in_months) {
      std::optional<int64_t> seconds = SecondsFromText(number);
      if (!seconds) return false;
      part = *seconds;
    } else {
      int64_t count = 0;
      auto parsed = std::from_chars(number.data(), number.data() + number.size(), count);
      if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || __builtin_mul_overflow(count, unit.size, &part)) return false;
    }
    if (negative) part = -part;
    (unit.in_months ? has_months : has_time) = true;
    int64_t& total = unit.in_months ? months : microseconds;
    return !__builtin_add_overflow(total, part, &total) && months >= INT32_MIN && months <= INT32_MAX;
  }
  bool mixed() const { return has_months && has_time; }
  Literal AsLiteral() const {
    return has_months ? Literal{Value{months}, DataType::YearMonthInterval()} : Literal{Value{microseconds}, DataType::DayTimeInterval()};
  }
};

Status Mixed() { return Status::Unsupported("an interval of months and of days or time together", "Add two intervals, one of each kind."); }

}  // namespace

Result<ExprPtr> SqlParser::ParseInterval() {
  cursor_.Advance();
  const Token first = cursor_.Peek();
  // INTERVAL '1 day 2 hours'
  if (first.kind == TokenKind::kString && (cursor_.Peek(1).kind != TokenKind::kWord || UnitOf(cursor_.Text(cursor_.Peek(1))) == nullptr)) {
    MS_ASSIGN_OR_RETURN(std::string text, cursor_.ExpectString());
    return IntervalFromText(text, first);
  }
  Sum sum;
  while (true) {
    bool negative = cursor_.AtSymbol("-");
    if (negative || cursor_.AtSymbol("+")) cursor_.Advance();
    const Token value = cursor_.Peek();
    bool is_text = value.kind == TokenKind::kString;
    if (!is_text && value.kind != TokenKind::kInteger && value.kind != TokenKind::kDecimal) return cursor_.SyntaxError();
    std::string number = is_text ? UnescapeString(cursor_.Text(value)) : std::string(cursor_.Text(value));
    cursor_.Advance();
    const IntervalUnit* unit = cursor_.Peek().kind == TokenKind::kWord ? UnitOf(cursor_.Text(cursor_.Peek())) : nullptr;
    if (unit == nullptr) return cursor_.SyntaxError();
    cursor_.Advance();
    auto invalid = [&] { return cursor_.ErrorWithin(first, value, errors::kInvalidIntervalFormat, {{"input", number}}); };
    const IntervalUnit* last = cursor_.AtWord("TO") && cursor_.Peek(1).kind == TokenKind::kWord ? UnitOf(cursor_.Text(cursor_.Peek(1))) : nullptr;
    if (last != nullptr) {  // INTERVAL '1 2:3:4' DAY TO SECOND
      cursor_.Advance();
      cursor_.Advance();
      bool year_month = unit->name == "YEAR" && last->name == "MONTH";
      bool day_time = unit->day_time_rank >= 0 && last->day_time_rank > unit->day_time_rank;
      if (!year_month && !day_time) return invalid();
      std::optional<int64_t> amount = year_month ? MonthsFromText(number) : DayTimeFromText(number, unit->day_time_rank, last->day_time_rank);
      if (!amount) return invalid();
      if (negative) *amount = -*amount;
      return Node(Literal{Value{*amount}, year_month ? DataType::YearMonthInterval() : DataType::DayTimeInterval()});
    }
    if (!sum.Add(number, negative, *unit)) return invalid();
    if (sum.mixed()) return Mixed();
    // Another "2 HOURS" follows, or the interval ends here.
    size_t ahead = cursor_.AtSymbol("-") || cursor_.AtSymbol("+") ? 1 : 0;
    TokenKind next = cursor_.Peek(ahead).kind;
    bool number_next = next == TokenKind::kInteger || next == TokenKind::kDecimal || next == TokenKind::kString;
    bool unit_next = cursor_.Peek(ahead + 1).kind == TokenKind::kWord && UnitOf(cursor_.Text(cursor_.Peek(ahead + 1))) != nullptr;
    if (ahead > 0 || !number_next || !unit_next) return Node(sum.AsLiteral());
  }
}

Result<ExprPtr> SqlParser::IntervalFromText(const std::string& text, const Token& token) {
  auto invalid = [&] { return cursor_.ErrorWithin(token, token, errors::kInvalidIntervalFormat, {{"input", text}}); };
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    size_t begin = text.find_first_not_of(" \t\r\n", at);
    if (begin == std::string::npos) break;
    at = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    words.push_back(text.substr(begin, at - begin));
  }
  size_t i = !words.empty() && EqualsKeyword(words[0], "INTERVAL") ? 1 : 0;
  if (i == words.size() || (words.size() - i) % 2 != 0) return invalid();
  Sum sum;
  for (; i < words.size(); i += 2) {
    const IntervalUnit* unit = UnitOf(words[i + 1]);
    if (unit == nullptr || !sum.Add(words[i], false, *unit)) return invalid();
  }
  if (sum.mixed()) return Mixed();
  return Node(sum.AsLiteral());
}

}  // namespace millstream
