// What is kept of a variable of transformWithState (operators/transform_state.h), as Spark's state data source shows it.

#include <arrow/array/array_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>

#include <algorithm>

#include "streaming/operators/moment_bytes.h"
#include "streaming/state/row_codec.h"
#include "streaming/state/state_errors.h"
#include "streaming/state_rows.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

StructType ValueOf(const StateStoreFacts& facts) {
  if (!facts.has_ttl) return facts.value;
  return StructType({{"value", DataType::Struct(facts.value)}, {"ttlExpirationMs", DataType::Long()}});
}

bool IsGrouped(const StateStoreFacts& facts, bool flatten) {
  return !flatten && (facts.layout == StateLayout::kListVariable || facts.layout == StateLayout::kMapVariable);
}

Status Torn(const StateStoreFacts& facts) {
  return Status::Error(errors::kStateValueRowFormat, {{"stateStoreID", facts.name}, {"errorMsg", "an entry of the variable is too short"}});
}

Result<std::shared_ptr<arrow::Array>> Checked(arrow::Result<std::shared_ptr<arrow::Array>> made) {
  if (!made.ok()) return FromArrowStatus(made.status(), "reading state");
  return *std::move(made);
}

class VariableDecoder : public StateRowDecoder {
 public:
  VariableDecoder(const StateStoreFacts& facts, bool flatten) : facts_(facts), is_grouped_(IsGrouped(facts, flatten)) {}
  Status Begin() {
    MS_ASSIGN_OR_RETURN(keys_, RowDecoder::Make(facts_.key, RowLayout::kKey));
    if (facts_.layout == StateLayout::kTimers) return Status();
    if (facts_.layout == StateLayout::kMapVariable) {
      MS_ASSIGN_OR_RETURN(user_keys_, RowDecoder::Make(facts_.user_key, RowLayout::kKey));
    }
    MS_ASSIGN_OR_RETURN(values_, RowDecoder::Make(facts_.value, RowLayout::kValue));
    return Status();
  }

  int64_t rows() const override { return rows_; }
  bool full() const override { return !is_grouped_ && rows_ >= kStateRowsPerBatch; }

  Status Append(std::string_view key, std::optional<std::string_view> value) override {
    MS_RETURN_IF_ERROR(BeginRow(&key));
    if (facts_.layout == StateLayout::kTimers) {
      if (key.size() != kMomentBytes) return Torn(facts_);
      return FromArrowStatus(moments_.Append(MomentOf(key)), "reading state");
    }
    if (user_keys_ != nullptr) MS_RETURN_IF_ERROR(user_keys_->Append(&key));
    ++entries_;
    there_.push_back(value.has_value());
    if (!value) return Status();
    if (facts_.has_ttl) {
      if (value->size() < kMomentBytes) return Torn(facts_);
      MS_RETURN_IF_ERROR(FromArrowStatus(moments_.Append(MomentOf(*value)), "reading state"));
      value->remove_prefix(kMomentBytes);
    }
    return values_->Append(&*value);
  }

  Result<Columns> Finish() override {
    Columns columns;
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> key, StructOf(*keys_, facts_.key, rows_));
    columns.shown.push_back(std::move(key));
    if (facts_.layout == StateLayout::kTimers) {
      MS_ASSIGN_OR_RETURN(columns.value, Checked(moments_.Finish()));
      columns.shown.push_back(columns.value);
    } else {
      MS_RETURN_IF_ERROR(FinishEntries(&columns));
    }
    rows_ = entries_ = 0;
    there_.clear();
    begins_.clear();
    group_.clear();
    return columns;
  }

 private:
  // Takes the group's key off the front. All entries of a group follow each other.
  Status BeginRow(std::string_view* key) {
    if (is_grouped_ && rows_ > 0 && key->starts_with(group_)) {
      key->remove_prefix(group_.size());
      return Status();
    }
    const std::string_view whole = *key;
    MS_RETURN_IF_ERROR(keys_->Append(key));
    if (is_grouped_) {
      group_ = std::string(whole.substr(0, whole.size() - key->size()));
      begins_.push_back(static_cast<int32_t>(entries_));
    }
    ++rows_;
    return Status();
  }

  static Result<std::shared_ptr<arrow::Array>> StructOf(RowDecoder& decoder, const StructType& schema, int64_t rows) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, decoder.Finish());
    return std::shared_ptr<arrow::Array>(std::make_shared<arrow::StructArray>(ToArrowType(DataType::Struct(schema)), rows, batch->columns()));
  }

  Status FinishEntries(Columns* columns) {
    const int64_t there = static_cast<int64_t>(std::count(there_.begin(), there_.end(), true));
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> value, StructOf(*values_, facts_.value, there));
    if (facts_.has_ttl) {
      MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> moments, Checked(moments_.Finish()));
      value = std::make_shared<arrow::StructArray>(ToArrowType(DataType::Struct(ValueOf(facts_))), there, arrow::ArrayVector{value, moments});
    }
    if (there != entries_) {
      MS_ASSIGN_OR_RETURN(value, WithHoles(*value));
    }
    std::shared_ptr<arrow::Array> user_key;
    if (user_keys_ != nullptr) {
      MS_ASSIGN_OR_RETURN(user_key, StructOf(*user_keys_, facts_.user_key, entries_));
    }
    if (is_grouped_) {
      begins_.push_back(static_cast<int32_t>(entries_));
      const auto offsets = std::make_shared<arrow::Int32Array>(static_cast<int64_t>(begins_.size()), arrow::Buffer::FromVector(begins_));
      const DataType type = ShownColumnsOfVariable(facts_, false)[1].type;
      const std::shared_ptr<arrow::Buffer> starts = offsets->values();
      value = user_key ? std::shared_ptr<arrow::Array>(std::make_shared<arrow::MapArray>(ToArrowType(type), rows_, starts, user_key, value))
                       : std::shared_ptr<arrow::Array>(std::make_shared<arrow::ListArray>(ToArrowType(type), rows_, starts, value));
    } else if (user_key) {
      columns->shown.push_back(std::move(user_key));
    }
    columns->value = value;
    columns->shown.push_back(std::move(value));
    return Status();
  }

  // Puts a null where an entry was removed.
  Result<std::shared_ptr<arrow::Array>> WithHoles(const arrow::Array& values) {
    arrow::ArrayVector pieces;
    int64_t at = 0;
    for (bool there : there_) {
      if (there) {
        pieces.push_back(values.Slice(at++, 1));
      } else {
        MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> none, Checked(arrow::MakeArrayOfNull(values.type(), 1)));
        pieces.push_back(std::move(none));
      }
    }
    return Checked(arrow::Concatenate(pieces));
  }

  const StateStoreFacts& facts_;
  const bool is_grouped_;
  std::unique_ptr<RowDecoder> keys_, user_keys_, values_;
  arrow::Int64Builder moments_;
  int64_t rows_ = 0, entries_ = 0;
  std::vector<bool> there_;
  std::vector<int32_t> begins_;  // of groups, among the entries
  std::string group_;            // key of the last one
};

}  // namespace

bool IsVariable(const StateStoreFacts& facts) {
  return facts.layout == StateLayout::kValueVariable || facts.layout == StateLayout::kListVariable || facts.layout == StateLayout::kMapVariable ||
         facts.layout == StateLayout::kTimers;
}

StructType ShownColumnsOfVariable(const StateStoreFacts& facts, bool flatten) {
  StructType shown({{"key", DataType::Struct(facts.key)}});
  const DataType value = DataType::Struct(ValueOf(facts));
  if (facts.layout == StateLayout::kTimers) {
    shown.Add({"expiration_timestamp_ms", DataType::Long()});
  } else if (facts.layout == StateLayout::kListVariable) {
    shown.Add(flatten ? StructField{"list_element", value} : StructField{"list_value", DataType::Array(value)});
  } else if (facts.layout == StateLayout::kMapVariable) {
    const DataType user_key = DataType::Struct(facts.user_key);
    if (flatten) {
      shown.Add({"user_map_key", user_key});
      shown.Add({"user_map_value", value});
    } else {
      shown.Add({"map_value", DataType::Map(user_key, value)});
    }
  } else {
    shown.Add({"value", value});
  }
  return shown;
}

Result<std::unique_ptr<StateRowDecoder>> MakeVariableDecoder(const StateStoreFacts& facts, bool flatten) {
  auto decoder = std::make_unique<VariableDecoder>(facts, flatten);
  MS_RETURN_IF_ERROR(decoder->Begin());
  return std::unique_ptr<StateRowDecoder>(std::move(decoder));
}

}  // namespace millstream
