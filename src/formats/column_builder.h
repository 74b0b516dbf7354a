#pragma once

// column_builder.h   One column under construction: values appended, taken back (a record that turns out bad), handed out as Arrow.

#include <arrow/array.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "formats/growing.h"
#include "types/data_type.h"

namespace millstream {

// Not thread-safe. Which Append… fits is decided by the type; a wrong one is our own fault.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(const DataType& type);

  const DataType& type() const { return type_; }
  int64_t size() const { return valid_.size(); }

  void AppendNull();
  void AppendNulls(int64_t count);
  // Fixed-width values: int8_t..int64_t, float, double, __int128 (decimal), uint8_t (boolean).
  template <typename T>
  void AppendFixed(T value) {
    valid_.Append(1);
    bytes_.Reserve(sizeof(T));
    std::memcpy(bytes_.UncheckedEnd(), &value, sizeof(T));
    bytes_.AdvanceBy(sizeof(T));
  }
  // An integer of the column's own width; the caller has checked the range.
  void AppendInteger(int64_t value);
  void AppendBytes(std::string_view bytes) {
    bytes_.AppendAll(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int64_t>(bytes.size()));
    CloseBytes();
  }
  // Strings in place: write at `var()`, then CloseBytes makes what was written the next value.
  Growing<uint8_t>& var() { return bytes_; }
  int64_t open_bytes() const { return bytes_.size() - (offsets_.size() == 0 ? 0 : offsets_[offsets_.size() - 1]); }
  void CloseBytes() {
    valid_.Append(1);
    offsets_.Append(static_cast<int32_t>(bytes_.size()));
  }
  void DropOpenBytes() { bytes_.Truncate(offsets_[offsets_.size() - 1]); }
  // Structs: fill every child to size()+1, then CloseStruct. Arrays: append to child(0), then CloseList. Maps: keys in child(0), values in child(1).
  size_t child_count() const { return children_.size(); }
  ColumnBuilder& child(size_t index) { return children_[index]; }
  void CloseStruct() { CloseStructs(1); }
  void CloseStructs(int64_t count) { valid_.AppendCopies(1, count); }
  void CloseList() {
    valid_.Append(1);
    offsets_.Append(static_cast<int32_t>(children_[0].size()));
  }
  // Elements appended since the last CloseList are taken back.
  void DropOpenList() {
    for (ColumnBuilder& child : children_) child.Truncate(offsets_[offsets_.size() - 1]);
  }
  // Children of a struct that is not closed are taken back.
  void DropOpenStruct() {
    for (ColumnBuilder& child : children_) child.Truncate(size());
  }

  // Keeps the first `rows` values.
  void Truncate(int64_t rows);
  // The array of all values; the builder is empty afterwards.
  std::shared_ptr<arrow::Array> Finish();

 private:
  std::shared_ptr<arrow::ArrayData> FinishData();

  DataType type_;
  std::shared_ptr<arrow::DataType> arrow_type_;
  int width_ = 0;  // bytes of a fixed-width value; 0: strings and nested types
  bool has_offsets_ = false;
  Growing<uint8_t> valid_;  // one byte a row, 0 or 1
  Growing<uint8_t> bytes_;
  Growing<int32_t> offsets_;
  std::vector<ColumnBuilder> children_;
};

// Bytes that are 0 or 1 → a bitmap. `zeros` receives the number of 0.
std::shared_ptr<arrow::Buffer> PackBits(const uint8_t* bytes, int64_t count, int64_t* zeros);

}  // namespace millstream
