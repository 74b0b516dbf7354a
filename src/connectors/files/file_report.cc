#include "connectors/files/file_report.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>

#include <mutex>

#include "formats/json_scanner.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kRowsPerBatch = 4096;

arrow::Status Append(arrow::ArrayBuilder& builder, const ReportCell& cell) {
  if (cell.kind == ReportCell::Kind::kNull) return builder.AppendNull();
  if (cell.kind == ReportCell::Kind::kText) return static_cast<arrow::StringBuilder&>(builder).Append(ValidUtf8(cell.text));
  if (builder.type()->id() == arrow::Type::TIMESTAMP) return static_cast<arrow::TimestampBuilder&>(builder).Append(cell.number);
  return static_cast<arrow::Int64Builder&>(builder).Append(cell.number);
}

class ReportStream : public RowStream {
 public:
  ReportStream(std::unique_ptr<ReportRows> rows, std::vector<size_t> columns, ArrowSchemaPtr schema)
      : columns_(std::move(columns)), schema_(std::move(schema)), rows_(std::move(rows)) {}
  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
    for (const auto& field : schema_->fields()) builders.push_back(arrow::MakeBuilder(field->type()).ValueOrDie());
    int64_t count = 0;
    for (; count < kRowsPerBatch && !is_over_; ++count) {
      MS_ASSIGN_OR_RETURN(std::optional<ReportRow> row, rows_->Next());
      if (!row) {
        is_over_ = true;
        break;
      }
      for (size_t i = 0; i < columns_.size(); ++i) MS_RETURN_IF_ERROR(FromArrowStatus(Append(*builders[i], (*row)[columns_[i]]), "a report of files"));
    }
    if (count == 0) return RecordBatchPtr();
    std::vector<std::shared_ptr<arrow::Array>> arrays(builders.size());
    for (size_t i = 0; i < builders.size(); ++i) MS_RETURN_IF_ERROR(FromArrowStatus(builders[i]->Finish(&arrays[i]), "a report of files"));
    return arrow::RecordBatch::Make(schema_, count, std::move(arrays));
  }

 private:
  const std::vector<size_t> columns_;  // of the report
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  const std::unique_ptr<ReportRows> rows_;  // GUARDED_BY(mutex_)
  bool is_over_ = false;                    // GUARDED_BY(mutex_)
};

class FileReport : public BatchRelationSource {
 public:
  FileReport(std::string name, StructType schema, std::function<Result<std::unique_ptr<ReportRows>>()> begin)
      : name_(std::move(name)), schema_(std::move(schema)), begin_(std::move(begin)) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return schema_; }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    std::vector<size_t> columns;
    StructType wanted;
    for (const std::string& column : needs.columns) {
      std::optional<size_t> at = schema_.IndexOf(column, true);
      if (!at) return Status::Internal("no column " + column + " in " + name_);
      columns.push_back(*at);
      wanted.Add(schema_[*at]);
    }
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ReportRows> rows, begin_());
    return RowStreamPtr(std::make_unique<ReportStream>(std::move(rows), std::move(columns), ToArrowSchema(wanted)));
  }

 private:
  const std::string name_;
  const StructType schema_;
  const std::function<Result<std::unique_ptr<ReportRows>>()> begin_;
};

}  // namespace

RelationSourcePtr MakeFileReport(std::string name, StructType schema, std::function<Result<std::unique_ptr<ReportRows>>()> begin) {
  return std::make_shared<FileReport>(std::move(name), std::move(schema), std::move(begin));
}

}  // namespace millstream
