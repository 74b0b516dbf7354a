// binary_file_format.cc   Each file a row: its path, time, length and bytes.

#include <atomic>

#include "formats/column_builder.h"
#include "formats/format_makers.h"
#include "formats/formats_errors.h"
#include "formats/input_bytes.h"
#include "formats/scan_plan.h"

namespace millstream {
namespace {

constexpr int64_t kContentBytesMax = int64_t{1} << 30;  // of a record batch, whose strings have offsets of 31 bits
constexpr int64_t kBatchBytes = int64_t{16} << 20;      // aimed at
constexpr int64_t kBatchRowsMax = 4096;

const StructType& BinaryFileSchema() {
  static const StructType schema(
      {{"path", DataType::String()}, {"modificationTime", DataType::Timestamp()}, {"length", DataType::Long()}, {"content", DataType::Binary()}});
  return schema;
}

class BinaryFileRows : public RowStream {
 public:
  BinaryFileRows(ScanPlan plan, std::vector<InputFile> files, bool ignore_missing_files, std::shared_ptr<FileScanStats> stats)
      : plan_(std::move(plan)), files_(std::move(files)), ignore_missing_files_(ignore_missing_files), stats_(std::move(stats)) {}

  const ArrowSchemaPtr& schema() const override { return plan_.arrow_schema(); }

  Result<RecordBatchPtr> Next() override {
    std::vector<ColumnBuilder> columns;
    for (const std::string& column : plan_.parsed_columns()) {
      auto at = BinaryFileSchema().IndexOf(column, false);
      columns.emplace_back(at ? BinaryFileSchema()[*at].type : DataType::String());
    }
    std::vector<FileRun> runs;
    int64_t bytes = 0;
    while (bytes < kBatchBytes && static_cast<int64_t>(runs.size()) < kBatchRowsMax) {
      const size_t index = next_.fetch_add(1);
      if (index >= files_.size()) break;
      MS_ASSIGN_OR_RETURN(bool added, Append(static_cast<int32_t>(index), columns, bytes));
      if (added) runs.push_back({static_cast<int32_t>(index), 1});
    }
    if (runs.empty()) return RecordBatchPtr();
    const auto rows = static_cast<int64_t>(runs.size());
    if (stats_) {
      stats_->rows_in += rows;
      stats_->rows_out += rows;
      stats_->files_read += rows;
      stats_->bytes_read += bytes;
    }
    std::vector<std::shared_ptr<arrow::Array>> parsed;
    for (ColumnBuilder& column : columns) parsed.push_back(column.Finish());
    return plan_.Assemble(std::move(parsed), files_, runs, rows);
  }

 private:
  Result<bool> Append(int32_t index, std::vector<ColumnBuilder>& columns, int64_t& bytes) {
    const InputFile& file = files_[static_cast<size_t>(index)];
    std::string content;
    bool wants_content = false;
    for (const std::string& column : plan_.parsed_columns()) wants_content |= BinaryFileSchema().IndexOf(column, false) == 3;
    if (wants_content) {
      if (file.size_bytes > kContentBytesMax)
        return Status::Unsupported("A file of more than 1 GiB as one row (" + file.path + ")",
                                   "Leave the column content out, or read the file in another format.");
      Result<std::string> read = file.member ? ReadInput(Fs::Local(), file) : Fs::Local().ReadFile(file.path, kContentBytesMax);
      if (!read.ok()) {
        if (!read.status().Is(errors::kFileNotFound)) return read.status();
        if (!ignore_missing_files_) return Status::Error(errors::kSourceFileMissing, {{"path", UriFromPath(file.path)}});
        if (stats_) stats_->Skip(index, /*is_missing=*/true, read.status());
        return false;
      }
      content = std::move(*read);
      if (static_cast<int64_t>(content.size()) != file.size_bytes) {
        return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "its size differs"}}).Retryable();
      }
      bytes += file.size_bytes;
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      switch (BinaryFileSchema().IndexOf(plan_.parsed_columns()[i], false).value_or(SIZE_MAX)) {
        case 0:
          columns[i].AppendBytes(HadoopPathString(file.path));
          break;
        case 1:
          columns[i].AppendFixed(file.modified_ns / 1'000'000 * 1000);  // Spark knows milliseconds only
          break;
        case 2:
          columns[i].AppendFixed(file.size_bytes);
          break;
        case 3:
          columns[i].AppendBytes(content);
          break;
        default:
          columns[i].AppendNull();  // rescued data: there is none
      }
    }
    return true;
  }

  const ScanPlan plan_;
  const std::vector<InputFile> files_;
  const bool ignore_missing_files_;
  const std::shared_ptr<FileScanStats> stats_;
  std::atomic<size_t> next_{0};
};

class BinaryFileFormat : public FileFormat {
 public:
  BinaryFileFormat(bool ignore_missing_files, FormatContext context) : ignore_missing_files_(ignore_missing_files), context_(std::move(context)) {}

  const std::string& name() const override {
    static const std::string name = "binaryFile";
    return name;
  }
  bool reads_empty_files() const override { return true; }
  Result<StructType> InferSchema(const std::vector<InputFile>&) const override { return BinaryFileSchema(); }
  Result<StructType> MergeNewFields(const std::vector<InputFile>&, const StructType& known) const override { return known; }
  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    MS_ASSIGN_OR_RETURN(ScanPlan plan, ScanPlan::Make(scan, "", context_.time_zone));
    bool same = plan.data_schema().size() <= BinaryFileSchema().size();
    for (const StructField& field : plan.data_schema()) {
      auto at = BinaryFileSchema().IndexOf(field.name, false);
      same = same && at && BinaryFileSchema()[*at].type == field.type;
    }
    if (!same) {
      return Status::IllegalArgument("requirement failed: Binary file data source expects dataSchema: " + DataType::Struct(BinaryFileSchema()).SimpleString() +
                                     ", but got: " + DataType::Struct(plan.data_schema()).SimpleString() + ".");
    }
    return RowStreamPtr(std::make_unique<BinaryFileRows>(std::move(plan), std::move(files), ignore_missing_files_, std::move(stats)));
  }

 private:
  const bool ignore_missing_files_;
  const FormatContext context_;
};

}  // namespace

const OptionTable& BinaryFileOptionTable() {
  static const OptionTable table(
      "binaryFile", {{"ignoreMissingFiles", OptionType::kBool, "false", "Files that have vanished since they were listed are left out and counted.", "0.1"}});
  return table;
}

Result<FileFormatPtr> MakeBinaryFileFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(OptionValues values, BinaryFileOptionTable().ParseKnown(options));
  return FileFormatPtr(std::make_shared<BinaryFileFormat>(values.Bool("ignoreMissingFiles"), context));
}

}  // namespace millstream
