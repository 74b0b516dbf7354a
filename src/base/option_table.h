#pragma once

// option_table.h   A connector's or format's options in one table: parsing, "did you mean", and the documentation come from it.
//
//   const OptionTable& JsonOptions() {
//     static const OptionTable table("json", {{"multiLine", OptionType::kBool, "false", "one value may span lines", "0.1"}, ...});
//     return table;
//   }
//   MS_ASSIGN_OR_RETURN(OptionValues values, JsonOptions().Parse(user_options));
//   bool multi_line = values.Bool("multiLine");

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kUnknownOption{"MILLSTREAM_UNKNOWN_OPTION", "42616", ExceptionKind::kIllegalArgument,
                                           "Unknown option `<option>` for <owner>. <hint>"};
inline constexpr ErrorClass kInvalidOptionValue{"MILLSTREAM_INVALID_OPTION_VALUE", "42616", ExceptionKind::kIllegalArgument,
                                                "Invalid value '<value>' for option `<option>` of <owner>: <reason>."};
}  // namespace errors

enum class OptionType { kString, kBool, kInt, kBytes /* "10g", "512k", "100" */, kDuration /* "30 days", "2 seconds": ms */, kEnum };

struct OptionSpec {
  std::string_view name;  // as the user writes it; looked up without regard to case
  OptionType type;
  std::string_view default_value;           // empty: none
  std::string_view doc;                     // one sentence
  std::string_view since;                   // our version
  std::vector<std::string_view> choices{};  // of kEnum
};

// User options: names compare without regard to case, as Spark's CaseInsensitiveMap does.
struct CaseInsensitiveLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};
using OptionMap = std::map<std::string, std::string, CaseInsensitiveLess>;

class OptionValues {
 public:
  bool Has(std::string_view name) const;  // set by the user
  std::optional<std::string> String(std::string_view name) const;
  bool Bool(std::string_view name) const;
  std::optional<int64_t> Int(std::string_view name) const;  // also kBytes (bytes) and kDuration (ms)

 private:
  friend class OptionTable;
  OptionMap set_;  // canonical text
  OptionMap defaults_;
};

class OptionTable {
 public:
  OptionTable(std::string owner, std::vector<OptionSpec> specs);
  // Checks names and values. MILLSTREAM_UNKNOWN_OPTION comes with the nearest known name.
  Result<OptionValues> Parse(const OptionMap& user) const;
  // As Parse, but names that the table does not know are left alone (Spark's own readers ignore them).
  Result<OptionValues> ParseKnown(const OptionMap& user) const;
  bool Knows(std::string_view name) const;
  const std::vector<OptionSpec>& specs() const { return specs_; }
  const std::string& owner() const { return owner_; }

 private:
  std::string owner_;
  std::vector<OptionSpec> specs_;
};

// The candidate that a typing mistake most likely meant, if any is near enough.
std::optional<std::string> DidYouMean(std::string_view written, const std::vector<std::string>& candidates);
// "true"/"True"/"false"/"1"…: how Spark reads a boolean option. nullopt: neither.
std::optional<bool> ParseBool(std::string_view text);
// "2 seconds", "1 minute 30 seconds", "interval 5 minutes", "500 milliseconds" → ms. nullopt: not an interval.
std::optional<int64_t> ParseDurationMillis(std::string_view text);
// "10g", "512k", "1mb", "100" → bytes.
std::optional<int64_t> ParseByteSize(std::string_view text);

}  // namespace millstream
