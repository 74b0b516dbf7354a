#include "connectors/files/fake_format.h"

#include <arrow/api.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "connectors/files/files_errors.h"
#include "formats/formats_errors.h"
#include "types/arrow_types.h"

namespace millstream::test {
namespace {

using Line = std::map<std::string, std::string>;

class FakeFormat : public FileFormat {
 public:
  const std::string& name() const override { return name_; }
  Result<StructType> InferSchema(const std::vector<InputFile>& files) const override { return MergeNewFields(files, StructType()); }
  Result<StructType> MergeNewFields(const std::vector<InputFile>& files, const StructType& known) const override {
    StructType merged = known;
    for (const InputFile& file : files) {
      MS_ASSIGN_OR_RETURN(std::vector<Line> lines, Lines(file));
      for (const Line& line : lines) {
        for (const auto& [key, value] : line) {
          if (!merged.IndexOf(key)) merged.Add({key, DataType::String()});
        }
      }
    }
    return merged;
  }
  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    StructType schema;
    for (const std::string& column : scan.columns) schema.Add({column, DataType::String()});
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    std::vector<arrow::StringBuilder> builders(scan.columns.size());
    int64_t rows = 0;
    for (const InputFile& file : files) {
      MS_ASSIGN_OR_RETURN(std::vector<Line> lines, Lines(file));
      if (scan.outcomes) scan.outcomes->of(static_cast<int32_t>(&file - files.data())).rows += static_cast<int64_t>(lines.size());
      for (const Line& line : lines) {
        for (const auto& [key, value] : line) {
          if (scan.fail_on_new_fields && !scan.data_schema.IndexOf(key)) {
            return Status::Error(errors::kNewFieldsInFile, {{"unknownFields", "[" + key + "]"}, {"isRetryable", "true"}});
          }
        }
        ++rows;
        for (size_t i = 0; i < scan.columns.size(); ++i) {
          const std::string& column = scan.columns[i];
          auto partition = file.partition_values.find(column);
          auto value = line.find(column);
          if (partition != file.partition_values.end() && partition->second) {
            EXPECT_TRUE(builders[i].Append(*partition->second).ok());
          } else if (column == "_file") {
            EXPECT_TRUE(builders[i].Append(file.path).ok());
          } else if (value != line.end()) {
            EXPECT_TRUE(builders[i].Append(value->second).ok());
          } else {
            EXPECT_TRUE(builders[i].AppendNull().ok());
          }
        }
      }
    }
    for (auto& builder : builders) arrays.push_back(*builder.Finish());
    if (stats) stats->rows_in = stats->rows_out = rows;
    ArrowSchemaPtr arrow_schema = ToArrowSchema(schema);
    std::vector<RecordBatchPtr> batches;
    if (rows > 0) batches.push_back(arrow::RecordBatch::Make(arrow_schema, rows, arrays));
    return MakeRowStream(arrow_schema, batches);
  }

 private:
  static Result<std::vector<Line>> Lines(const InputFile& file) {
    Result<std::string> bytes = file.content ? Result<std::string>(*file.content) : Fs::Local().ReadFile(file.path);
    if (!bytes.ok()) return Status::Error(errors::kSourceFileMissing, {{"path", file.path}});
    if (static_cast<int64_t>(bytes->size()) != file.size_bytes) return Status::Error(errors::kSourceFileChanged, {{"path", file.path}, {"detail", "size"}});
    std::vector<Line> lines;
    for (size_t at = 0; at < bytes->size();) {
      size_t end = std::min(bytes->find('\n', at), bytes->size());
      Line line;
      for (size_t i = at; i < end;) {
        size_t comma = std::min(bytes->find(',', i), end);
        size_t equals = bytes->find('=', i);
        if (equals < comma) line[bytes->substr(i, equals - i)] = bytes->substr(equals + 1, comma - equals - 1);
        i = comma + 1;
      }
      lines.push_back(std::move(line));
      at = end + 1;
    }
    return lines;
  }

  std::string name_ = "fake";
};

}  // namespace

Result<std::shared_ptr<const FileFormat>> MakeFakeFormat(const std::string&, const OptionMap&, const FormatContext&) {
  return std::shared_ptr<const FileFormat>(std::make_shared<FakeFormat>());
}

TempDir::TempDir() {
  std::string name = ::testing::TempDir() + "/millstream-files-XXXXXX";
  path_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::vector<std::string> Values(RowStream& rows, const std::string& column) {
  std::vector<std::string> values;
  Result<std::vector<RecordBatchPtr>> batches = Drain(rows);
  EXPECT_TRUE(batches.ok()) << batches.status().message();
  if (!batches.ok()) return values;
  for (const RecordBatchPtr& batch : *batches) {
    auto array = std::static_pointer_cast<arrow::StringArray>(batch->GetColumnByName(column));
    for (int64_t i = 0; i < array->length(); ++i) values.push_back(array->IsNull(i) ? "<null>" : array->GetString(i));
  }
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace millstream::test
