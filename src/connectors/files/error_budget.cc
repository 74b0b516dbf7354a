#include "connectors/files/error_budget.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/option_table.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

constexpr char kExpected[] = "it is ABORT_STATEMENT, CONTINUE, SKIP_FILE, SKIP_FILE_<number> or SKIP_FILE_<percent>%";

Status Invalid(const std::string& option, const std::string& owner, const std::string& value, const std::string& reason) {
  return Status::Error(errors::kInvalidOptionValue, {{"option", option}, {"owner", owner}, {"value", value}, {"reason", reason}});
}

double PercentOf(int64_t part, int64_t whole) { return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole); }

}  // namespace

std::optional<ErrorBudget::Limit> ErrorBudget::ParseLimit(const std::string& text) {
  const char *begin = text.data(), *end = begin + text.size();
  Limit limit;
  if (text.ends_with('%')) {
    double percent = 0;
    auto [at, error] = std::from_chars(begin, end - 1, percent, std::chars_format::fixed);
    if (error != std::errc() || at != end - 1 || !(percent >= 0 && percent <= 100)) return std::nullopt;
    limit.percent = percent;
    return limit;
  }
  int64_t records = 0;
  auto [at, error] = std::from_chars(begin, end, records);
  if (error != std::errc() || at != end || records < 0) return std::nullopt;
  limit.records = records;
  return limit;
}

Result<ErrorBudget> ErrorBudget::Parse(const std::optional<std::string>& on_error, const std::optional<std::string>& max_bad_records, bool keeps,
                                       const std::string& owner) {
  constexpr std::string_view kSkipFile = "SKIP_FILE";
  ErrorBudget budget;
  budget.goes_on_ = keeps;
  if (max_bad_records) {
    budget.load_ = ParseLimit(*max_bad_records);
    if (!budget.load_) return Invalid("maxBadRecords", owner, *max_bad_records, "it is a number of records, or a percentage such as 0.5%");
    budget.load_text_ = *max_bad_records;
    budget.goes_on_ = true;
  }
  if (!on_error) return budget;
  std::string value = *on_error;
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (value == "ABORT_STATEMENT" || value == "ABORT") {
    if (keeps)
      return Invalid("onError", owner, *on_error, "with a quarantine table or badRecordsPath the load goes on past bad records; leave one of the two out");
    if (max_bad_records) return Invalid("onError", owner, *on_error, "maxBadRecords lets the load go on; leave one of the two out");
    return budget;
  }
  budget.goes_on_ = true;
  if (value == "CONTINUE") return budget;
  if (value == kSkipFile) {
    budget.file_ = Limit{.records = 1, .percent = std::nullopt};
    return budget;
  }
  if (!value.starts_with(std::string(kSkipFile) + "_")) return Invalid("onError", owner, *on_error, kExpected);
  budget.file_ = ParseLimit(value.substr(kSkipFile.size() + 1));
  if (!budget.file_ || budget.file_->records == 0) return Invalid("onError", owner, *on_error, kExpected);
  return budget;
}

bool ErrorBudget::LeavesOut(int64_t bad, int64_t read) const {
  if (!file_ || bad == 0) return false;
  return file_->records ? bad >= *file_->records : PercentOf(bad, read) > *file_->percent;
}

Status ErrorBudget::Check(int64_t bad, int64_t read, const std::vector<std::string>& first, const std::string& load) const {
  if (!load_ || bad == 0) return Status();
  if (load_->records ? bad <= *load_->records : PercentOf(bad, read) <= *load_->percent) return Status();
  std::string lines;
  for (const std::string& line : first) lines += (lines.empty() ? "  " : "\n  ") + line;
  return Status::Error(errors::kTooManyBadRecords,
                       {{"bad", std::to_string(bad)}, {"read", std::to_string(read)}, {"budget", load_text_}, {"load", load}, {"first", lines}});
}

}  // namespace millstream
