#include "delta/row_conform.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/util/bitmap_ops.h>

#include "delta/delta_errors.h"
#include "formats/parquet_variants.h"
#include "types/arrow_types.h"

namespace millstream {

namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

Result<ArrayPtr> Nulls(const DataType& type, int64_t rows) {
  auto nulls = arrow::MakeArrayOfNull(ToArrowType(type), rows);
  if (!nulls.ok()) return FromArrowStatus(nulls.status(), "while filling a missing column");
  return *nulls;
}

int FindField(const arrow::StructType& type, const std::string& name) {
  int exact = type.GetFieldIndex(name);
  if (exact >= 0) return exact;
  StructType names;
  for (const auto& field : type.fields()) names.Add({field->name(), DataType::Null()});
  std::optional<size_t> index = names.IndexOf(name);
  return index ? static_cast<int>(*index) : -1;
}

Result<ArrayPtr> ConformStruct(const arrow::StructArray& array, const DataType& to, const std::string& column) {
  std::vector<ArrayPtr> children;
  for (const StructField& field : to.fields()) {
    int index = FindField(*array.struct_type(), field.name);
    if (index < 0) {
      MS_ASSIGN_OR_RETURN(ArrayPtr nulls, Nulls(field.type, array.length()));
      children.push_back(std::move(nulls));
      continue;
    }
    MS_ASSIGN_OR_RETURN(ArrayPtr child, ConformArray(array.field(index), field.type, column + "." + field.name));
    children.push_back(std::move(child));
  }
  std::shared_ptr<arrow::Buffer> validity;
  if (array.null_count() > 0) {
    // The children start at 0 (StructArray::field slices them), so the validity must too.
    auto copied = arrow::internal::CopyBitmap(arrow::default_memory_pool(), array.null_bitmap_data(), array.offset(), array.length());
    if (!copied.ok()) return FromArrowStatus(copied.status(), "while casting column " + column);
    validity = *copied;
  }
  return std::make_shared<arrow::StructArray>(ToArrowType(to), array.length(), std::move(children), std::move(validity), array.null_count());
}

}  // namespace

Result<ArrayPtr> ConformArray(const ArrayPtr& array, const DataType& to, const std::string& column) {
  std::shared_ptr<arrow::DataType> wanted = ToArrowType(to);
  if (array->type()->Equals(*wanted)) return array;
  if (array->type_id() == arrow::Type::NA) return Nulls(to, array->length());
  if (array->type_id() == arrow::Type::DICTIONARY) {
    auto values = arrow::compute::Cast(*array, static_cast<const arrow::DictionaryType&>(*array->type()).value_type());
    if (!values.ok()) return FromArrowStatus(values.status(), "while reading the dictionary of column " + column);
    return ConformArray(*values, to, column);
  }
  if (to.id() == TypeId::kVariant) {
    MS_ASSIGN_OR_RETURN(ArrayPtr variants, ToVariants(array, wanted, column));
    if (variants->type()->Equals(*wanted)) return variants;
    return Status::Unsupported("Casting column " + column + " from " + array->type()->ToString() + " to VARIANT", "Cast it in the query.");
  }
  if (to.id() == TypeId::kStruct && array->type_id() == arrow::Type::STRUCT) {
    return ConformStruct(static_cast<const arrow::StructArray&>(*array), to, column);
  }
  if (to.id() == TypeId::kArray && array->type_id() == arrow::Type::LIST) {
    const auto& list = static_cast<const arrow::ListArray&>(*array);
    MS_ASSIGN_OR_RETURN(ArrayPtr values, ConformArray(list.values(), to.element(), column + ".element"));
    return std::make_shared<arrow::ListArray>(wanted, list.length(), list.value_offsets(), std::move(values), list.null_bitmap(), list.null_count(),
                                              list.offset());
  }
  if (to.id() == TypeId::kMap && array->type_id() == arrow::Type::MAP) {
    const auto& map = static_cast<const arrow::MapArray&>(*array);
    MS_ASSIGN_OR_RETURN(ArrayPtr keys, ConformArray(map.keys(), to.key(), column + ".key"));
    MS_ASSIGN_OR_RETURN(ArrayPtr items, ConformArray(map.items(), to.value(), column + ".value"));
    return std::make_shared<arrow::MapArray>(wanted, map.length(), map.value_offsets(), std::move(keys), std::move(items), map.null_bitmap(), map.null_count(),
                                             map.offset());
  }
  arrow::compute::CastOptions options = arrow::compute::CastOptions::Safe(wanted);
  bool to_float = to.id() == TypeId::kFloat || to.id() == TypeId::kDouble;
  options.allow_float_truncate = true;
  options.allow_int_overflow = to_float;
  options.allow_decimal_truncate = true;
  auto cast = arrow::compute::Cast(*array, wanted, options);
  if (cast.ok()) return *cast;
  if (cast.status().IsNotImplemented() || cast.status().IsTypeError()) {
    return Status::Unsupported("Casting column " + column + " from " + array->type()->ToString() + " to " + to.Sql());
  }
  Result<DataType> from = FromArrowType(*array->type());
  return Status::Error(errors::kCastOverflowInInsert, {{"sourceType", from.ok() ? "\"" + from->Sql() + "\"" : array->type()->ToString()},
                                                       {"targetType", "\"" + to.Sql() + "\""},
                                                       {"columnName", "`" + column + "`"}});
}

RowConform::RowConform(const StructType& rows, const StructType& table) : table_(table), rows_(rows), arrow_schema_(ToArrowSchema(table)) {
  for (const StructField& field : table) {
    std::optional<size_t> index = rows.IndexOf(field.name);
    sources_.push_back(index ? static_cast<int>(*index) : -1);
  }
}

Result<ArrayPtr> RowConform::Column(size_t at, const ArrayPtr& given, int64_t rows) const {
  const StructField& field = table_[at];
  MS_ASSIGN_OR_RETURN(ArrayPtr column, given == nullptr ? Nulls(field.type, rows) : ConformArray(given, field.type, field.name));
  MS_RETURN_IF_ERROR(CheckNulls(at, column->null_count()));
  return column;
}

Status RowConform::CheckNulls(size_t at, int64_t null_count) const {
  if (table_[at].nullable || null_count == 0) return Status();
  return Status::Error(errors::kDeltaNotNullViolated, {{"columnName", table_[at].name}});
}

Result<RecordBatchPtr> RowConform::Apply(const RecordBatchPtr& batch) const {
  std::vector<ArrayPtr> columns;
  columns.reserve(sources_.size());
  for (size_t i = 0; i < sources_.size(); ++i) {
    MS_ASSIGN_OR_RETURN(ArrayPtr column, Column(i, sources_[i] < 0 ? nullptr : batch->column(sources_[i]), batch->num_rows()));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(arrow_schema_, batch->num_rows(), std::move(columns));
}

std::vector<std::optional<StructField>> RowConform::Unchanged() const {
  std::vector<std::optional<StructField>> unchanged(rows_.size());
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i] < 0) continue;
    const auto source = static_cast<size_t>(sources_[i]);
    if (ToArrowType(rows_[source].type)->Equals(*ToArrowType(table_[i].type))) unchanged[source] = table_[i];
  }
  return unchanged;
}

namespace {

// Which is encoded as it is.
bool IsDictionaryOf(const arrow::Array& values, const DataType& type) {
  return values.type_id() == arrow::Type::DICTIONARY && static_cast<const arrow::DictionaryType&>(*values.type()).value_type()->Equals(*ToArrowType(type));
}

}  // namespace

Result<ChunkRows> RowConform::Apply(const ChunkRows& rows, const std::vector<int>& which) const {
  ChunkRows conformed{.rows = rows.rows, .columns = {}};
  for (int index : which) {
    const auto i = static_cast<size_t>(index);
    const auto* given = sources_[i] < 0 ? nullptr : &rows.columns[static_cast<size_t>(sources_[i])];
    if (const auto* chunks = given == nullptr ? nullptr : std::get_if<ColumnChunksPtr>(given)) {
      MS_RETURN_IF_ERROR(CheckNulls(i, (*chunks)->null_count()));
      conformed.columns.emplace_back(*chunks);
      continue;
    }
    const ArrayPtr values = given == nullptr ? nullptr : std::get<ArrayPtr>(*given);
    if (values != nullptr && IsDictionaryOf(*values, table_[i].type)) {
      MS_RETURN_IF_ERROR(CheckNulls(i, values->null_count()));
      conformed.columns.emplace_back(values);
      continue;
    }
    MS_ASSIGN_OR_RETURN(ArrayPtr column, Column(i, values, rows.rows));
    conformed.columns.emplace_back(std::move(column));
  }
  return conformed;
}

}  // namespace millstream
