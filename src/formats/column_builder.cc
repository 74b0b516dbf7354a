#include "formats/column_builder.h"

#include <arrow/array/util.h>

#include "types/arrow_types.h"

namespace millstream {
namespace {

int FixedWidth(const DataType& type) {
  switch (type.id()) {
    case TypeId::kBoolean:
    case TypeId::kByte:
      return 1;
    case TypeId::kShort:
      return 2;
    case TypeId::kInteger:
    case TypeId::kFloat:
    case TypeId::kDate:
    case TypeId::kYearMonthInterval:
      return 4;
    case TypeId::kLong:
    case TypeId::kDouble:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
      return 8;
    case TypeId::kDecimal:
      return 16;
    case TypeId::kNull:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return 0;
  }
  return 0;
}

}  // namespace

ColumnBuilder::ColumnBuilder(const DataType& type) : type_(type), arrow_type_(ToArrowType(type)), width_(FixedWidth(type)) {
  switch (type.id()) {
    case TypeId::kString:
    case TypeId::kBinary:
      has_offsets_ = true;
      break;
    case TypeId::kArray:
      has_offsets_ = true;
      children_.emplace_back(type.element());
      break;
    case TypeId::kMap:
      has_offsets_ = true;
      children_.emplace_back(type.key());
      children_.emplace_back(type.value());
      break;
    case TypeId::kStruct:
      for (const StructField& field : type.fields()) children_.emplace_back(field.type);
      break;
    case TypeId::kVariant:
      children_.emplace_back(DataType::Binary());
      children_.emplace_back(DataType::Binary());
      break;
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
      break;
  }
  if (has_offsets_) offsets_.Append(0);
}

void ColumnBuilder::AppendNull() { AppendNulls(1); }

void ColumnBuilder::AppendNulls(int64_t count) {
  valid_.AppendCopies(0, count);
  if (width_ > 0) {
    bytes_.AppendCopies(0, count * width_);
  } else if (has_offsets_) {
    offsets_.AppendCopies(offsets_[offsets_.size() - 1], count);
  } else {
    for (ColumnBuilder& child : children_) child.AppendNulls(count);
  }
}

void ColumnBuilder::AppendInteger(int64_t value) {
  switch (width_) {
    case 1:
      return AppendFixed(static_cast<int8_t>(value));
    case 2:
      return AppendFixed(static_cast<int16_t>(value));
    case 4:
      return AppendFixed(static_cast<int32_t>(value));
    default:
      return AppendFixed(value);
  }
}

void ColumnBuilder::Truncate(int64_t rows) {
  valid_.Truncate(std::min(rows, valid_.size()));
  if (width_ > 0) {
    bytes_.Truncate(rows * width_);
  } else if (has_offsets_) {
    offsets_.Truncate(std::min(rows + 1, offsets_.size()));
    int64_t kept = offsets_[offsets_.size() - 1];
    bytes_.Truncate(kept);
    for (ColumnBuilder& child : children_) child.Truncate(std::min(kept, child.size()));
  } else {
    for (ColumnBuilder& child : children_) child.Truncate(std::min(rows, child.size()));
  }
}

std::shared_ptr<arrow::Array> ColumnBuilder::Finish() { return arrow::MakeArray(FinishData()); }

std::shared_ptr<arrow::ArrayData> ColumnBuilder::FinishData() {
  int64_t rows = size(), nulls = 0;
  std::shared_ptr<arrow::Buffer> bitmap = PackBits(valid_.data(), rows, &nulls);
  if (nulls == 0) bitmap = nullptr;
  valid_.Truncate(0);
  auto data = arrow::ArrayData::Make(arrow_type_, rows, {bitmap}, nulls);
  if (type_.id() == TypeId::kNull) {
    data->buffers = {nullptr};
    data->null_count = rows;
  } else if (type_.id() == TypeId::kBoolean) {
    int64_t zeros = 0;
    data->buffers.push_back(PackBits(bytes_.data(), rows, &zeros));
    bytes_.Truncate(0);
  } else if (width_ > 0) {
    data->buffers.push_back(bytes_.Finish());
  } else if (has_offsets_) {
    data->buffers.push_back(offsets_.Finish());
    offsets_.Append(0);
    if (children_.empty()) data->buffers.push_back(bytes_.Finish());
  }
  if (type_.id() == TypeId::kMap) {
    int64_t entries = children_[0].size();
    auto pairs = arrow::ArrayData::Make(arrow_type_->field(0)->type(), entries, {nullptr}, 0);
    for (ColumnBuilder& child : children_) pairs->child_data.push_back(child.FinishData());
    data->child_data.push_back(std::move(pairs));
  } else {
    for (ColumnBuilder& child : children_) data->child_data.push_back(child.FinishData());
  }
  return data;
}

std::shared_ptr<arrow::Buffer> PackBits(const uint8_t* bytes, int64_t count, int64_t* zeros) {
  Growing<uint8_t> bits;
  bits.Reserve(count / 8 + 9);
  uint8_t* out = bits.UncheckedEnd();
  int64_t ones = 0, row = 0;
  for (; row + 8 <= count; row += 8) {
    uint64_t eight;
    std::memcpy(&eight, bytes + row, 8);
    uint8_t packed = static_cast<uint8_t>((eight * 0x0102040810204080ull) >> 56);
    ones += __builtin_popcount(packed);
    *out++ = packed;
  }
  uint8_t last = 0;
  for (int bit = 0; row < count; ++row, ++bit) {
    last = static_cast<uint8_t>(last | (bytes[row] << bit));
    ones += bytes[row];
  }
  *out++ = last;
  bits.AdvanceBy(count / 8 + 1);
  *zeros = count - ones;
  return bits.Finish();
}

}  // namespace millstream
