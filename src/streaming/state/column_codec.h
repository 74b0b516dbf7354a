#pragma once

// column_codec.h   One column of a row as bytes: the parts that row_codec puts rows together from. docs/formats/state.md has both layouts.

#include <arrow/array.h>
#include <arrow/builder.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "streaming/state/row_codec.h"

namespace millstream::state_codec {

class ColumnEncoder {
 public:
  virtual ~ColumnEncoder() = default;
  Status Bind(std::shared_ptr<arrow::Array> array);
  bool IsNull(int64_t row) const { return has_nulls_ && array_->IsNull(row); }
  // Key layout: the column with its null byte. Value layout: the bytes of a row that is not null.
  virtual void Encode(int64_t row, std::string* out) const = 0;

 protected:
  // `array` lives until the next Bind.
  virtual Status BindArray(const arrow::Array& array) = 0;
  const arrow::Array& array() const { return *array_; }

 private:
  std::shared_ptr<arrow::Array> array_;
  bool has_nulls_ = false;
};

class ColumnDecoder {
 public:
  virtual ~ColumnDecoder() = default;
  // Takes the column's bytes off the front of `bytes`; false when they are not such a column.
  virtual bool Append(std::string_view* bytes) = 0;
  virtual bool AppendNull() = 0;
};

// Nested columns go through these again; depth is that of the schema, which kMaxTypeDepth bounds.
Result<std::unique_ptr<ColumnEncoder>> MakeKeyEncoder(const DataType& type);
Result<std::unique_ptr<ColumnDecoder>> MakeKeyDecoder(const DataType& type, arrow::ArrayBuilder* builder);
Result<std::unique_ptr<ColumnEncoder>> MakeValueEncoder(const DataType& type);
Result<std::unique_ptr<ColumnDecoder>> MakeValueDecoder(const DataType& type, arrow::ArrayBuilder* builder);

// Fields of a value row: a bit for each null, then what is not null.
void EncodeValueFields(const std::vector<std::unique_ptr<ColumnEncoder>>& fields, int64_t row, std::string* out);
bool DecodeValueFields(const std::vector<std::unique_ptr<ColumnDecoder>>& fields, std::string_view* bytes);

// Takes the first column off the front of a key: a timestamp, or a window of timestamps (its end). Null: nullopt.
bool TakeMoment(std::string_view* key, const DataType& type, std::optional<int64_t>* us);

Status WrongArray(const arrow::Array& array, std::string_view wanted);

}  // namespace millstream::state_codec
