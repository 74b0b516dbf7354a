#include "formats/rescued_columns.h"

#include <arrow/compute/cast.h>

#include "formats/cell_text_writer.h"
#include "formats/column_builder.h"
#include "formats/json_scanner.h"
#include "formats/scan_plan.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// In the engine's own representation, for the writer of JSON; what Spark has no type for as Arrow's text.
Result<std::shared_ptr<arrow::Array>> Plain(const std::shared_ptr<arrow::Array>& array, DataType* type) {
  Result<DataType> known = FromArrowType(*array->type());
  *type = known.ok() ? NullableThroughout(*known) : DataType::String();
  arrow::Result<std::shared_ptr<arrow::Array>> plain = arrow::compute::Cast(*array, ToArrowType(*type), arrow::compute::CastOptions::Unsafe());
  if (!plain.ok()) return FromArrowStatus(plain.status(), "rescuing a column");
  return *std::move(plain);
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> RescuedColumns(const arrow::RecordBatch& rows, const std::vector<int>& columns, const std::string& file_path,
                                                     int64_t* rescued) {
  *rescued = 0;
  ColumnBuilder out(DataType::String());
  StructType schema;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (int at : columns) {
    DataType type;
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> array, Plain(rows.column(at), &type));
    schema.Add({rows.schema()->field(at)->name(), std::move(type)});
    arrays.push_back(std::move(array));
  }
  const JsonRowText text(schema, {});
  std::string path, row_text;
  AppendJsonString(ValidUtf8(file_path), &path);
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    row_text.clear();
    if (!columns.empty()) text.AppendRow(arrays, row, row_text);
    if (row_text.size() <= 2) {
      out.AppendNull();
      continue;
    }
    row_text.pop_back();
    row_text += ",\"_file_path\":" + path + "}";
    out.AppendBytes(row_text);
    ++*rescued;
  }
  return out.Finish();
}

}  // namespace millstream
