#include "base/option_table.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/calendar_interval.h"
#include "base/ignore_case.h"

namespace millstream {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

// Damerau-Levenshtein, restricted: a swap of neighbours counts as one mistake.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::optional<int64_t> ParseInt(std::string_view text) {
  text = Trim(text);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool CaseInsensitiveLess::operator()(std::string_view a, std::string_view b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) < std::tolower(static_cast<unsigned char>(y)); });
}

std::optional<std::string> DidYouMean(std::string_view written, const std::vector<std::string>& candidates) {
  if (written.size() > 256) return std::nullopt;  // the distance table is quadratic, and nobody mistypes that much
  std::string lower = Lower(written);
  std::optional<std::string> best;
  size_t best_distance = std::max<size_t>(2, written.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    size_t distance = EditDistance(lower, Lower(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::optional<bool> ParseBool(std::string_view text) {
  std::string lower = Lower(Trim(text));
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

std::optional<int64_t> ParseDurationMillis(std::string_view text) {
  const std::optional<CalendarInterval> interval = ParseCalendarInterval(text);
  // How long a month is nobody knows.
  if (!interval || interval->months != 0) return std::nullopt;
  const std::optional<int64_t> us = interval->Micros();
  return us ? std::optional(*us / 1000) : std::nullopt;
}

std::optional<int64_t> ParseByteSize(std::string_view text) {
  std::string lower = Lower(Trim(text));
  size_t digits = 0;
  while (digits < lower.size() && std::isdigit(static_cast<unsigned char>(lower[digits]))) ++digits;
  std::optional<int64_t> amount = ParseInt(std::string_view(lower).substr(0, digits));
  if (!amount) return std::nullopt;
  std::string unit(Trim(std::string_view(lower).substr(digits)));
  if (unit.size() > 1 && unit.back() == 'b') unit.pop_back();
  int shift = 0;
  if (unit.empty() || unit == "b") {
    shift = 0;
  } else if (unit == "k") {
    shift = 10;
  } else if (unit == "m") {
    shift = 20;
  } else if (unit == "g") {
    shift = 30;
  } else if (unit == "t") {
    shift = 40;
  } else {
    return std::nullopt;
  }
  if (*amount > (INT64_MAX >> shift)) return std::nullopt;
  return *amount << shift;
}

bool OptionValues::Has(std::string_view name) const { return set_.find(name) != set_.end(); }

std::optional<std::string> OptionValues::String(std::string_view name) const {
  if (auto found = set_.find(name); found != set_.end()) return found->second;
  if (auto found = defaults_.find(name); found != defaults_.end()) return found->second;
  return std::nullopt;
}

bool OptionValues::Bool(std::string_view name) const { return String(name) == "true"; }

std::optional<int64_t> OptionValues::Int(std::string_view name) const {
  std::optional<std::string> text = String(name);
  return text ? ParseInt(*text) : std::nullopt;
}

OptionTable::OptionTable(std::string owner, std::vector<OptionSpec> specs) : owner_(std::move(owner)), specs_(std::move(specs)) {}

bool OptionTable::Knows(std::string_view name) const {
  return std::any_of(specs_.begin(), specs_.end(), [&](const OptionSpec& spec) { return EqualsIgnoreCase(spec.name, name); });
}

Result<OptionValues> OptionTable::Parse(const OptionMap& user) const {
  for (const auto& [name, value] : user) {
    if (Knows(name)) continue;
    std::vector<std::string> names;
    for (const OptionSpec& spec : specs_) names.emplace_back(spec.name);
    std::optional<std::string> meant = DidYouMean(name, names);
    return Status::Error(errors::kUnknownOption, {{"option", name}, {"owner", owner_}, {"hint", meant ? "Did you mean `" + *meant + "`?" : ""}});
  }
  return ParseKnown(user);
}

Result<OptionValues> OptionTable::ParseKnown(const OptionMap& user) const {
  OptionValues values;
  for (const OptionSpec& spec : specs_) {
    auto canonical = [&](std::string_view text) -> std::optional<std::string> {
      switch (spec.type) {
        case OptionType::kString:
          return std::string(text);
        case OptionType::kBool: {
          std::optional<bool> parsed = ParseBool(text);
          return parsed ? std::optional<std::string>(*parsed ? "true" : "false") : std::nullopt;
        }
        case OptionType::kInt: {
          std::optional<int64_t> parsed = ParseInt(text);
          return parsed ? std::optional(std::to_string(*parsed)) : std::nullopt;
        }
        case OptionType::kBytes: {
          std::optional<int64_t> parsed = ParseByteSize(text);
          return parsed ? std::optional(std::to_string(*parsed)) : std::nullopt;
        }
        case OptionType::kDuration: {
          std::optional<int64_t> parsed = ParseDurationMillis(text);
          return parsed ? std::optional(std::to_string(*parsed)) : std::nullopt;
        }
        case OptionType::kEnum: {
          for (std::string_view choice : spec.choices) {
            if (Lower(choice) == Lower(Trim(text))) return std::string(choice);
          }
          return std::nullopt;
        }
      }
      return std::nullopt;
    };
    if (!spec.default_value.empty()) {
      std::optional<std::string> value = canonical(spec.default_value);
      MS_CHECK_MSG(value.has_value(), std::string(spec.name));
      values.defaults_.emplace(spec.name, *value);
    }
    auto given = user.find(spec.name);
    if (given == user.end()) continue;
    std::optional<std::string> value = canonical(given->second);
    if (!value) {
      static constexpr std::string_view kExpected[] = {
          "a string", "true or false", "a whole number", "a size such as 512k or 10g", "an interval such as '30 seconds'", ""};
      std::string reason = "expected " + std::string(kExpected[static_cast<int>(spec.type)]);
      if (spec.type == OptionType::kEnum) {
        reason += "one of";
        for (std::string_view choice : spec.choices) reason += " " + std::string(choice);
      }
      return Status::Error(errors::kInvalidOptionValue, {{"option", std::string(spec.name)}, {"owner", owner_}, {"value", given->second}, {"reason", reason}});
    }
    values.set_.emplace(spec.name, *value);
  }
  return values;
}

}  // namespace millstream
