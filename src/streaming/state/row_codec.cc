#include "streaming/state/row_codec.h"

#include <arrow/builder.h>

#include "streaming/state/column_codec.h"
#include "streaming/state/state_errors.h"
#include "types/arrow_types.h"

namespace millstream {
namespace state_codec {

Status ColumnEncoder::Bind(std::shared_ptr<arrow::Array> array) {
  MS_RETURN_IF_ERROR(BindArray(*array));
  array_ = std::move(array);
  has_nulls_ = array_->null_count() != 0;
  return Status();
}

// The null bits are small: a row of a thousand columns has 125 bytes of them.
void EncodeValueFields(const std::vector<std::unique_ptr<ColumnEncoder>>& fields, int64_t row, std::string* out) {
  size_t nulls = out->size();
  out->append((fields.size() + 7) / 8, '\0');
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i]->IsNull(row)) {
      (*out)[nulls + i / 8] = static_cast<char>((*out)[nulls + i / 8] | 1 << i % 8);
    } else {
      fields[i]->Encode(row, out);
    }
  }
}

bool DecodeValueFields(const std::vector<std::unique_ptr<ColumnDecoder>>& fields, std::string_view* bytes) {
  size_t nulls_size = (fields.size() + 7) / 8;
  if (bytes->size() < nulls_size) return false;
  std::string_view nulls = bytes->substr(0, nulls_size);
  bytes->remove_prefix(nulls_size);
  for (size_t i = 0; i < fields.size(); ++i) {
    bool is_null = nulls[i / 8] >> i % 8 & 1;
    if (!(is_null ? fields[i]->AppendNull() : fields[i]->Append(bytes))) return false;
  }
  return true;
}

Status WrongArray(const arrow::Array& array, std::string_view wanted) {
  return Status::Internal("state of a column of type " + std::string(wanted) + " was given an Arrow array of type " + array.type()->ToString());
}

}  // namespace state_codec

namespace {

using state_codec::ColumnDecoder;
using state_codec::ColumnEncoder;

class ColumnsEncoder final : public RowEncoder {
 public:
  ColumnsEncoder(std::vector<std::unique_ptr<ColumnEncoder>> columns, RowLayout layout) : columns_(std::move(columns)), layout_(layout) {}

  Status Bind(const arrow::RecordBatch& batch) override {
    if (batch.num_columns() != static_cast<int>(columns_.size())) {
      return Status::Internal("state of " + std::to_string(columns_.size()) + " columns was given " + std::to_string(batch.num_columns()));
    }
    for (size_t i = 0; i < columns_.size(); ++i) MS_RETURN_IF_ERROR(columns_[i]->Bind(batch.column(static_cast<int>(i))));
    return Status();
  }

  void Encode(int64_t row, std::string* out) const override {
    if (layout_ == RowLayout::kValue) return state_codec::EncodeValueFields(columns_, row, out);
    for (const auto& column : columns_) column->Encode(row, out);
  }

 private:
  std::vector<std::unique_ptr<ColumnEncoder>> columns_;
  RowLayout layout_;
};

class ColumnsDecoder final : public RowDecoder {
 public:
  ColumnsDecoder(const StructType& schema, RowLayout layout) : schema_(ToArrowSchema(schema)), layout_(layout) {}

  Status Open(const StructType& schema) {
    for (int i = 0; i < schema_->num_fields(); ++i) {
      std::unique_ptr<arrow::ArrayBuilder> builder;
      MS_RETURN_IF_ERROR(FromArrowStatus(arrow::MakeBuilder(arrow::default_memory_pool(), schema_->field(i)->type(), &builder), "reading state"));
      const DataType& type = schema[static_cast<size_t>(i)].type;
      MS_ASSIGN_OR_RETURN(std::unique_ptr<ColumnDecoder> column,
                          layout_ == RowLayout::kKey ? state_codec::MakeKeyDecoder(type, builder.get()) : state_codec::MakeValueDecoder(type, builder.get()));
      builders_.push_back(std::move(builder));
      columns_.push_back(std::move(column));
    }
    return Status();
  }

  Status Append(std::string_view* bytes) override {
    if (!AppendColumns(bytes)) {
      const ErrorClass& error_class = layout_ == RowLayout::kKey ? errors::kStateKeyRowFormat : errors::kStateValueRowFormat;
      return Status::Error(error_class, {{"stateStoreID", "(all of this operator)"}, {"errorMsg", "the bytes are not a row of " + schema_->ToString()}});
    }
    ++rows_;
    return Status();
  }

  int64_t rows() const override { return rows_; }

  Result<RecordBatchPtr> Finish() override {
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const auto& builder : builders_) {
      std::shared_ptr<arrow::Array> array;
      MS_RETURN_IF_ERROR(FromArrowStatus(builder->Finish(&array), "reading state"));
      if (array->length() != rows_) return Status::Internal("state: a row that could not be read was not given up");
      arrays.push_back(std::move(array));
    }
    return arrow::RecordBatch::Make(schema_, std::exchange(rows_, 0), std::move(arrays));
  }

 private:
  bool AppendColumns(std::string_view* bytes) {
    if (layout_ == RowLayout::kValue) return state_codec::DecodeValueFields(columns_, bytes);
    for (const auto& column : columns_) {
      if (!column->Append(bytes)) return false;
    }
    return true;
  }

  ArrowSchemaPtr schema_;
  RowLayout layout_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<std::unique_ptr<ColumnDecoder>> columns_;
  int64_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowEncoder>> RowEncoder::Make(const StructType& schema, RowLayout layout) {
  std::vector<std::unique_ptr<ColumnEncoder>> columns;
  for (const StructField& field : schema) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ColumnEncoder> column,
                        layout == RowLayout::kKey ? state_codec::MakeKeyEncoder(field.type) : state_codec::MakeValueEncoder(field.type));
    columns.push_back(std::move(column));
  }
  return std::unique_ptr<RowEncoder>(std::make_unique<ColumnsEncoder>(std::move(columns), layout));
}

Result<std::optional<int64_t>> FirstMomentOf(std::string_view key, const DataType& type) {
  std::optional<int64_t> us;
  if (state_codec::TakeMoment(&key, type, &us)) return us;
  return Status::Error(errors::kStateKeyRowFormat, {{"stateStoreID", "(all of this operator)"}, {"errorMsg", "the key does not begin with a time"}});
}

Result<std::unique_ptr<RowDecoder>> RowDecoder::Make(const StructType& schema, RowLayout layout) {
  auto decoder = std::make_unique<ColumnsDecoder>(schema, layout);
  MS_RETURN_IF_ERROR(decoder->Open(schema));
  return std::unique_ptr<RowDecoder>(std::move(decoder));
}

}  // namespace millstream
