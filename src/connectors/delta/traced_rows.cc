#include "connectors/delta/traced_rows.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/builder.h>

#include <algorithm>
#include <map>

#include "delta/delta_errors.h"
#include "delta/log_files.h"
#include "formats/parquet_reader.h"
#include "formats/source_file_column.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Where the rows of a data file come from: from row `first` on, file `number`.
struct Boundary {
  int64_t first = 0;
  int32_t number = -1;
};
using Boundaries = std::vector<Boundary>;  // by `first`, beginning with row 0; empty: not known

// Rows whose last two columns are the number of their data file and their place in it.
class TracedRows : public RowStream {
 public:
  TracedRows(RowStreamPtr rows, ArrowSchemaPtr schema, std::vector<Boundaries> boundaries)
      : rows_(std::move(rows)), schema_(std::move(schema)), boundaries_(std::move(boundaries)) {}
  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows_->Next());
    if (!batch) return batch;
    const int columns = batch->num_columns() - 2;
    // A batch is of one data file.
    const Boundaries& of_file = boundaries_[static_cast<size_t>(static_cast<const arrow::Int32Array&>(*batch->column(columns)).Value(0))];
    const auto& places = static_cast<const arrow::Int64Array&>(*batch->column(columns + 1));
    arrow::Int32Builder builder;
    arrow::Status status = builder.Reserve(batch->num_rows());
    for (int64_t row = 0; status.ok() && row < batch->num_rows(); ++row) {
      auto after = std::upper_bound(of_file.begin(), of_file.end(), places.Value(row), [](int64_t place, const Boundary& at) { return place < at.first; });
      const int32_t number = after == of_file.begin() ? -1 : std::prev(after)->number;
      number < 0 ? builder.UnsafeAppendNull() : builder.UnsafeAppend(number);
    }
    auto sources = builder.Finish();
    if (!sources.ok()) return FromArrowStatus(sources.status(), "while tracing rows");
    std::vector<std::shared_ptr<arrow::Array>> arrays(batch->columns().begin(), batch->columns().begin() + columns);
    arrays.push_back(*sources);
    return arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(arrays));
  }

 private:
  const RowStreamPtr rows_;
  const ArrowSchemaPtr schema_;
  const std::vector<Boundaries> boundaries_;  // of each data file
};

ArrowSchemaPtr Wider(const arrow::Schema& schema) {
  arrow::FieldVector fields = schema.fields();
  fields.push_back(arrow::field(std::string(kSourceFileColumn), arrow::int32()));
  return arrow::schema(std::move(fields));
}

class RowsWithoutSource : public RowStream {
 public:
  explicit RowsWithoutSource(RowStreamPtr rows) : rows_(std::move(rows)), schema_(Wider(*rows_->schema())) {}
  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows_->Next());
    if (!batch) return batch;
    auto nulls = arrow::MakeArrayOfNull(arrow::int32(), batch->num_rows());
    if (!nulls.ok()) return FromArrowStatus(nulls.status(), "while tracing rows");
    std::vector<std::shared_ptr<arrow::Array>> arrays = batch->columns();
    arrays.push_back(*nulls);
    return arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(arrays));
  }

 private:
  const RowStreamPtr rows_;
  const ArrowSchemaPtr schema_;
};

}  // namespace

Result<std::optional<SourceRuns>> ReadSourceRuns(Fs& fs, const std::string& table_path, const std::string& data_file,
                                                 const std::optional<std::string>& registered_source) {
  MS_ASSIGN_OR_RETURN(std::string path, DataFilePath(table_path, data_file));
  Result<std::shared_ptr<const ParquetFile>> opened = ParquetFile::Open(fs, path);
  if (opened.status().Is(errors::kFileNotFound)) return Status::Error(errors::kDeltaFileMissing, {{"filePath", path}});
  if (!opened.ok()) return opened.status();
  if (registered_source) return std::optional(SourceRuns{.paths = {*registered_source}, .runs = {{.file = 0, .rows = (*opened)->rows()}}});
  std::optional<std::string> value = (*opened)->FooterValue(kSourceFilesKey);
  if (!value) return std::optional<SourceRuns>();
  return DecodeSourceRuns(*value, (*opened)->rows());
}

Result<RowStreamPtr> ScanTraced(Fs& fs, ScanRequest request, std::vector<std::string>& names) {
  std::map<std::string, int32_t> numbers;
  for (size_t i = 0; i < names.size(); ++i) numbers.emplace(names[i], static_cast<int32_t>(i));
  std::vector<Boundaries> boundaries;
  StructType schema;
  for (const ScanColumn& column : request.columns) schema.Add(column.field);
  const size_t constants = request.files.empty() ? 0 : request.files.front().constants.size();
  for (ScanFile& file : request.files) {
    MS_ASSIGN_OR_RETURN(std::optional<SourceRuns> runs, ReadSourceRuns(fs, request.table_path, file.path, file.source));
    Boundaries of_file;
    int64_t first = 0;
    for (const SourceRun& run : runs ? runs->runs : std::vector<SourceRun>()) {
      int32_t number = -1;
      if (run.file >= 0) {
        const std::string& path = runs->paths[static_cast<size_t>(run.file)];
        auto [known, is_new] = numbers.emplace(path, static_cast<int32_t>(names.size()));
        if (is_new) names.push_back(path);
        number = known->second;
      }
      of_file.push_back({first, number});
      first += run.rows;
    }
    file.constants.emplace_back();
    file.constants.back().held = static_cast<int64_t>(boundaries.size());
    boundaries.push_back(std::move(of_file));
  }
  request.columns.push_back({.field = {"__file", DataType::Integer()}, .kind = ScanColumn::Kind::kConstant, .constant = constants});
  request.columns.push_back({.field = {"__place", DataType::Long()}, .kind = ScanColumn::Kind::kRowIndex});
  return RowStreamPtr(std::make_unique<TracedRows>(ScanFiles(fs, std::move(request)), ToArrowSchema(WithSourceFile(schema)), std::move(boundaries)));
}

RowStreamPtr UntracedRows(RowStreamPtr rows) { return std::make_unique<RowsWithoutSource>(std::move(rows)); }

StructType WithSourceFile(StructType schema) {
  schema.Add({std::string(kSourceFileColumn), DataType::Integer()});
  return schema;
}

}  // namespace millstream
