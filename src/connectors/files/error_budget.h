#pragma once

// error_budget.h   onError and maxBadRecords: how many bad records a file may have, and a whole load, and what becomes of a file that has more. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kTooManyBadRecords{
    "MILLSTREAM_TOO_MANY_BAD_RECORDS", "22000", ExceptionKind::kSpark,
    "<bad> of <read> records are bad, and maxBadRecords is <budget>: nothing of <load> is loaded. Mend the files, or raise "
    "maxBadRecords. The first of them:\n<first>"};
}  // namespace errors

// What a load does with bad records: those that cannot be parsed, and rows that do not fit the table.
class ErrorBudget {
 public:
  // `on_error`: ABORT_STATEMENT (or ABORT), CONTINUE, SKIP_FILE, SKIP_FILE_<n>, SKIP_FILE_<p>%, in any case, as Snowflake names them; nullopt: not said.
  // `max_bad_records`: "<n>" or "<p>%". `keeps`: there is a quarantine table. `owner`: for errors. MILLSTREAM_INVALID_OPTION_VALUE.
  static Result<ErrorBudget> Parse(const std::optional<std::string>& on_error, const std::optional<std::string>& max_bad_records, bool keeps,
                                   const std::string& owner);

  // Bad records are left out, and do not stop the load.
  bool goes_on() const { return goes_on_; }
  // A file with so many is left out whole.
  bool LeavesOut(int64_t bad, int64_t read) const;
  // Of all files that are loaded. MILLSTREAM_TOO_MANY_BAD_RECORDS with `first` of them. `load`: what is not loaded then.
  Status Check(int64_t bad, int64_t read, const std::vector<std::string>& first, const std::string& load) const;

 private:
  struct Limit {
    std::optional<int64_t> records;
    std::optional<double> percent;
  };
  static std::optional<Limit> ParseLimit(const std::string& text);

  bool goes_on_ = false;
  std::optional<Limit> file_;  // the file is left out: from `records` on, above `percent`
  std::optional<Limit> load_;  // allowed
  std::string load_text_;
};

}  // namespace millstream
