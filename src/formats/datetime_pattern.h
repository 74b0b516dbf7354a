#pragma once

// datetime_pattern.h   Spark's datetime patterns ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]"), for reading; after java.time.DateTimeFormatter.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "formats/time_zone.h"

namespace millstream {

struct ParsedDateTime {
  int32_t days = 0;      // since the epoch
  int64_t local_us = 0;  // wall clock
  std::optional<int32_t> offset_s;
  const TimeZone* zone = nullptr;  // named in the text
};

// Immutable. English texts only (locale US).
class DateTimePattern {
 public:
  // Error: a letter that Spark does not know (INVALID_DATETIME_PATTERN) or that we do not read yet.
  static Result<DateTimePattern> Compile(const std::string& pattern);
  // The whole text must match; fields that the pattern lacks are those of 1970-01-01T00:00.
  std::optional<ParsedDateTime> Parse(std::string_view text) const;

 private:
  struct Item {
    char letter = 0;  // 0: literal; '[': optional part of `skip` items; ']' its end
    int count = 0;
    size_t skip = 0;
    std::string literal;
    bool adjacent = false;  // a digit field follows directly: the width is fixed
    int reserved = 0;       // digits of the fields that follow directly
  };
  struct Fields;
  bool Match(size_t from, size_t to, std::string_view text, size_t* at, Fields* fields) const;
  bool MatchField(const Item& item, std::string_view text, size_t* at, Fields* fields) const;

  std::vector<Item> items_;
};

}  // namespace millstream
