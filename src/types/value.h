#pragma once

// value.h   A constant of some DataType: a literal, a partition value, a statistic.

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "types/data_type.h"

namespace millstream {

struct Value;

// Unscaled 128-bit integer; the scale is the type's.
struct DecimalValue {
  __int128 unscaled = 0;
  bool operator==(const DecimalValue&) const = default;
};

// monostate: null. int64_t: byte..long, date (days), timestamps (µs), day-time interval (µs), year-month interval (months).
// double: float and double. string: string (UTF-8) and binary. vector: array elements, struct fields in order, or a map as
// key, value, key, value…
struct Value {
  std::variant<std::monostate, bool, int64_t, double, DecimalValue, std::string, std::shared_ptr<const std::vector<Value>>> held;

  bool is_null() const { return held.index() == 0; }
};

}  // namespace millstream
