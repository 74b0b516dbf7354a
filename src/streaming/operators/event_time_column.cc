#include "streaming/operators/event_time_column.h"

#include <arrow/array.h>
#include <arrow/array/array_nested.h>

namespace millstream {

Status EventTimeColumn::Bind(const arrow::Array& array) {
  outer_ = &array;
  times_ = &array;
  if (array.type_id() == arrow::Type::STRUCT) {
    // start, end
    holder_ = static_cast<const arrow::StructArray&>(array).field(1);
    times_ = holder_.get();
  }
  if (times_->type_id() != arrow::Type::TIMESTAMP) return Status::Internal("an event time column of type " + times_->type()->ToString());
  values_ = static_cast<const arrow::TimestampArray&>(*times_).raw_values();
  return Status();
}

std::optional<int64_t> EventTimeColumn::At(int64_t row) const {
  if (outer_->IsNull(row) || times_->IsNull(row)) return std::nullopt;
  return values_[row];
}

}  // namespace millstream
