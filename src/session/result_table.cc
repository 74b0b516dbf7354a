#include "session/result_table.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>

#include "types/arrow_types.h"

namespace millstream {
namespace {

template <typename Builder, typename Held>
arrow::Result<std::shared_ptr<arrow::Array>> BuildColumn(const std::vector<std::vector<Value>>& rows, size_t column) {
  Builder builder;
  for (const std::vector<Value>& row : rows) {
    if (row[column].is_null()) {
      ARROW_RETURN_NOT_OK(builder.AppendNull());
    } else {
      ARROW_RETURN_NOT_OK(builder.Append(std::get<Held>(row[column].held)));
    }
  }
  return builder.Finish();
}

}  // namespace

void ResultTable::AddRow(std::vector<Value> row) {
  MS_CHECK(row.size() == schema_.size());
  rows_.push_back(std::move(row));
}

Result<QueryResult> ResultTable::Finish() const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (size_t i = 0; i < schema_.size(); ++i) {
    const TypeId type = schema_[i].type.id();
    MS_CHECK(type == TypeId::kString || type == TypeId::kBoolean || type == TypeId::kLong);
    auto column = type == TypeId::kString    ? BuildColumn<arrow::StringBuilder, std::string>(rows_, i)
                  : type == TypeId::kBoolean ? BuildColumn<arrow::BooleanBuilder, bool>(rows_, i)
                                             : BuildColumn<arrow::Int64Builder, int64_t>(rows_, i);
    if (!column.ok()) return FromArrowStatus(column.status(), "building a result");
    columns.push_back(*column);
  }
  ArrowSchemaPtr arrow_schema = ToArrowSchema(schema_);
  std::vector<RecordBatchPtr> batches;
  if (!rows_.empty()) batches.push_back(arrow::RecordBatch::Make(arrow_schema, static_cast<int64_t>(rows_.size()), std::move(columns)));
  return QueryResult{schema_, MakeRowStream(arrow_schema, std::move(batches))};
}

QueryResult EmptyResult() { return QueryResult{StructType(), MakeRowStream(ToArrowSchema(StructType()), {})}; }

}  // namespace millstream
