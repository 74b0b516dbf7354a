#pragma once

// row_codec.h   Rows of record batches as bytes: the keys and values of state stores. Every type that a Spark schema can have.
//
// Two layouts. Key: byte order is row order (nulls first, then each column ascending by Spark's ordering, NaN largest, -0.0 as 0.0), so that a scan by
// prefix or by a leading timestamp works. Value: compact, no order. A layout is part of the checkpoint: it may grow, never change.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

enum class RowLayout { kKey, kValue };

// Thread-safe after Bind; bind once per record batch.
class RowEncoder {
 public:
  static Result<std::unique_ptr<RowEncoder>> Make(const StructType& schema, RowLayout layout);
  virtual ~RowEncoder() = default;
  // The columns that the next rows are taken from: exactly the schema's, in order.
  virtual Status Bind(const arrow::RecordBatch& batch) = 0;
  // Appends the row's bytes to `out`.
  virtual void Encode(int64_t row, std::string* out) const = 0;
};

// Collects encoded rows into record batches.
class RowDecoder {
 public:
  static Result<std::unique_ptr<RowDecoder>> Make(const StructType& schema, RowLayout layout);
  virtual ~RowDecoder() = default;
  // Takes one row off the front of `bytes`. STATE_STORE_… error when the bytes are not a row of this schema.
  virtual Status Append(std::string_view* bytes) = 0;
  virtual int64_t rows() const = 0;
  // The rows so far, and starts anew.
  virtual Result<RecordBatchPtr> Finish() = 0;
};

// The moment that a key begins with: its first column is a timestamp, or a window of timestamps (its end counts). Microseconds; nullopt: null.
// STATE_STORE_… error when the bytes are no such key.
Result<std::optional<int64_t>> FirstMomentOf(std::string_view key, const DataType& type);

}  // namespace millstream
