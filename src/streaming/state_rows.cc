#include "streaming/state_rows.h"

#include <arrow/array/array_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>

#include <algorithm>
#include <charconv>

#include "streaming/state/row_codec.h"
#include "streaming/state/state_errors.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Columns of `value` as they are shown: a store without any has Spark's __dummy__.
StructType ShownValue(const StateStoreFacts& facts);

Status NoSuchValue(const StateStoreFacts& facts, std::string problem) {
  return Status::Error(errors::kStateValueRowFormat, {{"stateStoreID", facts.name}, {"errorMsg", std::move(problem)}});
}

bool IsHidden(const StateStoreFacts& facts, size_t place) { return std::find(facts.hidden.begin(), facts.hidden.end(), place) != facts.hidden.end(); }

class Decoder : public StateRowDecoder {
 public:
  explicit Decoder(const StateStoreFacts& facts) : facts_(facts) {}
  Status Begin() {
    if (facts_.key.size() > 0 && facts_.layout != StateLayout::kCounter) {
      MS_ASSIGN_OR_RETURN(keys_, RowDecoder::Make(facts_.key, RowLayout::kKey));
    }
    if (HasRow() && facts_.value.size() > 0) {
      MS_ASSIGN_OR_RETURN(values_, RowDecoder::Make(facts_.value, RowLayout::kValue));
    }
    return Status();
  }

  int64_t rows() const override { return rows_; }
  bool full() const override { return rows_ >= kStateRowsPerBatch; }

  Status Append(std::string_view key, std::optional<std::string_view> value) override {
    if (keys_ != nullptr) MS_RETURN_IF_ERROR(keys_->Append(&key));
    ++rows_;
    // A removed entry has a place among the values, and no bytes to fill it with.
    there_.push_back(value.has_value());
    if (!value) return Status();
    ++values_there_;
    switch (facts_.layout) {
      case StateLayout::kKeyOnly:
        return Status();
      case StateLayout::kMoment:
        return AppendMoment(*value);
      case StateLayout::kCounter:
        return AppendCounter(*value);
      case StateLayout::kJoinRow:
        if (value->empty()) return NoSuchValue(facts_, "it is empty");
        value->remove_prefix(1);
        break;
      case StateLayout::kRow:
      case StateLayout::kValueVariable:
      case StateLayout::kListVariable:
      case StateLayout::kMapVariable:
      case StateLayout::kTimers:
        break;
    }
    return values_ == nullptr ? Status() : values_->Append(&*value);
  }

  Result<Columns> Finish() override {
    Columns columns;
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> key, Key());
    MS_ASSIGN_OR_RETURN(columns.value, Value());
    columns.shown = {std::move(key), columns.value};
    rows_ = values_there_ = 0;
    there_.clear();
    return columns;
  }

 private:
  bool HasRow() const { return facts_.layout == StateLayout::kRow || facts_.layout == StateLayout::kJoinRow; }

  // Big-endian with the sign turned.
  Status AppendMoment(std::string_view bytes) {
    if (bytes.size() != 8) return NoSuchValue(facts_, "a moment has 8 bytes");
    uint64_t bits = 0;
    for (char byte : bytes) bits = bits << 8 | static_cast<uint8_t>(byte);
    return FromArrowStatus(numbers_.Append(static_cast<int64_t>(bits ^ (uint64_t{1} << 63))), "reading state");
  }
  Status AppendCounter(std::string_view text) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return NoSuchValue(facts_, "it is no number");
    return FromArrowStatus(numbers_.Append(number), "reading state");
  }

  Result<std::shared_ptr<arrow::Array>> Key() {
    arrow::ArrayVector columns;
    if (keys_ != nullptr) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, keys_->Finish());
      columns = batch->columns();
    }
    return std::shared_ptr<arrow::Array>(std::make_shared<arrow::StructArray>(ToArrowType(DataType::Struct(facts_.key)), rows_, std::move(columns)));
  }

  Result<std::shared_ptr<arrow::Array>> Value() {
    arrow::ArrayVector columns;
    if (facts_.layout == StateLayout::kKeyOnly || facts_.value.size() == 0) {
      columns.push_back(std::make_shared<arrow::NullArray>(values_there_));
    } else if (values_ != nullptr) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, values_->Finish());
      for (size_t i = 0; i < facts_.value.size(); ++i) {
        if (!IsHidden(facts_, i)) columns.push_back(batch->column(static_cast<int>(i)));
      }
    } else {
      auto numbers = numbers_.Finish();
      if (!numbers.ok()) return FromArrowStatus(numbers.status(), "reading state");
      columns.push_back(*numbers);
    }
    auto all = std::make_shared<arrow::StructArray>(ToArrowType(DataType::Struct(ShownValue(facts_))), values_there_, std::move(columns));
    if (values_there_ == rows_) return std::shared_ptr<arrow::Array>(std::move(all));
    return WithHoles(*all);
  }

  // Puts a null where an entry was removed.
  Result<std::shared_ptr<arrow::Array>> WithHoles(const arrow::Array& values) {
    arrow::ArrayVector pieces;
    int64_t at = 0;
    for (size_t row = 0; row < there_.size();) {
      size_t end = row;
      while (end < there_.size() && there_[end] == there_[row]) ++end;
      const int64_t length = static_cast<int64_t>(end - row);
      if (there_[row]) {
        pieces.push_back(values.Slice(at, length));
        at += length;
      } else {
        auto nulls = arrow::MakeArrayOfNull(values.type(), length);
        if (!nulls.ok()) return FromArrowStatus(nulls.status(), "reading state");
        pieces.push_back(*nulls);
      }
      row = end;
    }
    auto joined = arrow::Concatenate(pieces);
    if (!joined.ok()) return FromArrowStatus(joined.status(), "reading state");
    return *joined;
  }

  const StateStoreFacts& facts_;
  std::unique_ptr<RowDecoder> keys_, values_;
  arrow::Int64Builder numbers_;
  int64_t rows_ = 0, values_there_ = 0;
  std::vector<bool> there_;
};

StructType ShownValue(const StateStoreFacts& facts) {
  if (facts.value.size() == 0) return StructType({{"__dummy__", DataType::Null()}});
  StructType shown;
  for (size_t i = 0; i < facts.value.size(); ++i) {
    if (!IsHidden(facts, i)) shown.Add(facts.value[i]);
  }
  return shown;
}

}  // namespace

StructType ShownColumns(const StateStoreFacts& facts, bool flatten) {
  if (IsVariable(facts)) return ShownColumnsOfVariable(facts, flatten);
  return StructType({{"key", DataType::Struct(facts.key)}, {"value", DataType::Struct(ShownValue(facts))}});
}

Result<std::unique_ptr<StateRowDecoder>> StateRowDecoder::Make(const StateStoreFacts& facts, bool flatten) {
  if (IsVariable(facts)) return MakeVariableDecoder(facts, flatten);
  auto decoder = std::make_unique<Decoder>(facts);
  MS_RETURN_IF_ERROR(decoder->Begin());
  return std::unique_ptr<StateRowDecoder>(std::move(decoder));
}

}  // namespace millstream
