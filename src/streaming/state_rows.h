#pragma once

// state_rows.h   Entries of a state store as rows of (key, value).

#include <memory>
#include <optional>
#include <string_view>

#include "streaming/state_schema.h"
#include "types/row_stream.h"

namespace millstream {

class StateRowDecoder {
 public:
  // `facts` outlives this.
  static Result<std::unique_ptr<StateRowDecoder>> Make(const StateStoreFacts& facts);
  virtual ~StateRowDecoder() = default;
  // nullopt: the entry was removed. STATE_STORE_… errors when the bytes are not such an entry.
  virtual Status Append(std::string_view key, std::optional<std::string_view> value) = 0;
  virtual int64_t rows() const = 0;
  // The columns key and value of the rows so far, and starts anew.
  struct Columns {
    std::shared_ptr<arrow::Array> key, value;
  };
  virtual Result<Columns> Finish() = 0;
};

// Columns of `value` as they are shown: a store without any has Spark's __dummy__.
StructType ShownValue(const StateStoreFacts& facts);

}  // namespace millstream
