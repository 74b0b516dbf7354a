#pragma once

// event_time_column.h   The event times of a batch of rows: timestamps, or the ends of windows of timestamps.

#include <cstdint>
#include <memory>
#include <optional>

#include "base/status.h"
#include "types/row_stream.h"

namespace millstream {

class EventTimeColumn {
 public:
  // The array must outlive this.
  Status Bind(const arrow::Array& array);
  // Microseconds; nullopt: null.
  std::optional<int64_t> At(int64_t row) const;

 private:
  std::shared_ptr<arrow::Array> holder_;
  const arrow::Array* outer_ = nullptr;
  const arrow::Array* times_ = nullptr;
  const int64_t* values_ = nullptr;
};

}  // namespace millstream
