#include "formats/test_files.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <unistd.h>

#include "types/spark_ddl.h"

namespace millstream {
namespace {

void AppendValue(const arrow::Array& array, int64_t row, std::string* out) {
  if (array.IsNull(row)) {
    *out += "null";
  } else if (array.type_id() == arrow::Type::STRING) {
    for (char c : static_cast<const arrow::StringArray&>(array).GetString(row)) {
      if (c == '\n') {
        *out += "\\n";
      } else {
        *out += c;
      }
    }
  } else if (array.type_id() == arrow::Type::STRUCT) {
    const auto& nested = static_cast<const arrow::StructArray&>(array);
    *out += '{';
    for (int i = 0; i < nested.num_fields(); ++i) {
      *out += (i > 0 ? "," : "") + nested.type()->field(i)->name() + ":";
      AppendValue(*nested.field(i), row, out);
    }
    *out += '}';
  } else if (array.type_id() == arrow::Type::LIST) {
    const auto& list = static_cast<const arrow::ListArray&>(array);
    *out += '[';
    for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
      if (i > list.value_offset(row)) *out += ',';
      AppendValue(*list.values(), i, out);
    }
    *out += ']';
  } else {
    *out += (*array.GetScalar(row))->ToString();
  }
}

}  // namespace

TestFiles::TestFiles() {
  char path[] = "/tmp/formats_test_XXXXXX";
  directory_ = mkdtemp(path);
}
TestFiles::~TestFiles() { (void)Fs::Local().RemoveRecursively(directory_); }

InputFile TestFiles::Add(const std::string& name, const std::string& bytes) {
  InputFile file{.path = directory_ + "/" + name, .size_bytes = static_cast<int64_t>(bytes.size())};
  FILE* out = fopen(file.path.c_str(), "wb");
  fwrite(bytes.data(), 1, bytes.size(), out);
  fclose(out);
  return file;
}

std::string ReadToText(const std::string& format, const OptionMap& options, std::vector<InputFile> files, const std::string& ddl,
                       std::vector<std::string> columns, const std::string& rescued, bool fail_on_new_fields, std::shared_ptr<FileScanStats> stats) {
  auto made = MakeFileFormat(format, options, {});
  if (!made.ok()) return made.status().message();
  auto schema = SchemaFromDdl(ddl);
  if (!schema.ok()) return schema.status().message();
  FileScan scan{.data_schema = *schema, .columns = std::move(columns), .rescued_data_column = rescued, .fail_on_new_fields = fail_on_new_fields};
  auto rows = (*made)->Read(std::move(files), scan, std::move(stats));
  if (!rows.ok()) return rows.status().message();
  std::string text;
  while (true) {
    auto batch = (*rows)->Next();
    if (!batch.ok()) return batch.status().message();
    if (*batch == nullptr) return text;
    if (auto valid = (*batch)->ValidateFull(); !valid.ok()) return valid.ToString();
    for (int64_t row = 0; row < (*batch)->num_rows(); ++row) {
      for (int i = 0; i < (*batch)->num_columns(); ++i) {
        if (i > 0) text += '|';
        AppendValue(*(*batch)->column(i), row, &text);
      }
      text += '\n';
    }
  }
}

std::string InferToText(const std::string& format, const OptionMap& options, const std::string& bytes, bool infer_column_types) {
  TestFiles files;
  auto made = MakeFileFormat(format, options, {.infer_column_types = infer_column_types});
  if (!made.ok()) return made.status().message();
  auto schema = (*made)->InferSchema({files.Add("a", bytes)});
  return schema.ok() ? DataType::Struct(*schema).SimpleString() : schema.status().message();
}

}  // namespace millstream
