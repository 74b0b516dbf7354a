#include "formats/file_columns.h"

#include <array>

#include "formats/column_builder.h"
#include "formats/formats_errors.h"
#include "formats/json_scanner.h"
#include "formats/spark_text.h"

namespace millstream {

const StructType& FileMetadataSchema(bool has_row_index) {
  static const std::array<StructType, 2> schemas = [] {
    StructType fields({{"file_path", DataType::String()},
                       {"file_name", DataType::String()},
                       {"file_size", DataType::Long()},
                       {"file_block_start", DataType::Long()},
                       {"file_block_length", DataType::Long()},
                       {"file_modification_time", DataType::Timestamp()}});
    StructType with_index = fields;
    with_index.Add({"row_index", DataType::Long()});
    return std::array{StructType({{"_metadata", DataType::Struct(std::move(fields))}}), StructType({{"_metadata", DataType::Struct(std::move(with_index))}})};
  }();
  return schemas[has_row_index ? 1 : 0];
}

namespace {

// `strings` has one for each run; each becomes those of all the run's rows.
std::shared_ptr<arrow::Array> OfRows(ColumnBuilder& strings, const std::vector<FileRun>& runs, int64_t rows) {
  std::vector<int32_t> indexes;
  indexes.reserve(static_cast<size_t>(rows));
  for (size_t i = 0; i < runs.size(); ++i) indexes.insert(indexes.end(), static_cast<size_t>(runs[i].rows), static_cast<int32_t>(i));
  const auto positions = std::make_shared<arrow::Int32Array>(rows, arrow::Buffer::FromVector(std::move(indexes)));
  return std::make_shared<arrow::DictionaryArray>(arrow::dictionary(arrow::int32(), arrow::utf8()), positions, strings.Finish());
}

}  // namespace

std::shared_ptr<arrow::Array> MetadataArray(const std::vector<InputFile>& files, const std::vector<FileRun>& runs, bool has_row_index, MetadataForm form) {
  const DataType& type = FileMetadataSchema(has_row_index)[0].type;
  ColumnBuilder out(type);
  int64_t rows = 0;
  for (const FileRun& run : runs) {
    const InputFile& file = files[static_cast<size_t>(run.file)];
    const std::string uri = UriFromPath(file.path), name = uri.substr(uri.rfind('/') + 1);
    rows += run.rows;
    for (int64_t i = form == MetadataForm::kDictionaries ? 1 : run.rows; i > 0; --i) {
      out.child(0).AppendBytes(uri);
      out.child(1).AppendBytes(name);
    }
    for (int64_t row = 0; row < run.rows; ++row) {
      out.child(2).AppendFixed(file.size_bytes);
      out.child(3).AppendFixed(int64_t{0});
      out.child(4).AppendFixed(file.size_bytes);
      // Spark knows milliseconds only.
      out.child(5).AppendFixed(file.modified_ns / 1'000'000 * 1000);
      if (has_row_index) out.child(6).AppendFixed(run.first_row + row);
    }
  }
  if (form == MetadataForm::kPlain) {
    out.CloseStructs(rows);
    return out.Finish();
  }
  arrow::ArrayVector fields = {OfRows(out.child(0), runs, rows), OfRows(out.child(1), runs, rows)};
  for (size_t i = fields.size(); i < out.child_count(); ++i) fields.push_back(out.child(i).Finish());
  arrow::FieldVector named;
  for (size_t i = 0; i < fields.size(); ++i) named.push_back(arrow::field(type.fields()[i].name, fields[i]->type()));
  return std::make_shared<arrow::StructArray>(arrow::struct_(std::move(named)), rows, std::move(fields));
}

std::shared_ptr<arrow::Array> SourceFileArray(const std::vector<FileRun>& runs, int64_t rows) {
  std::vector<int32_t> files;
  files.reserve(static_cast<size_t>(rows));
  for (const FileRun& run : runs) files.insert(files.end(), static_cast<size_t>(run.rows), run.file);
  MS_CHECK(static_cast<int64_t>(files.size()) == rows);
  return std::make_shared<arrow::Int32Array>(rows, arrow::Buffer::FromVector(std::move(files)));
}

namespace {

// One value of a partition column, `rows` times; false: the text is none of the type.
bool AppendPartitionValue(std::string_view text, int64_t rows, const TimeZone& zone, ColumnBuilder& out) {
  const DataType& type = out.type();
  auto repeat = [&](auto&& append) {
    for (int64_t row = 0; row < rows; ++row) append();
    return true;
  };
  switch (type.id()) {
    case TypeId::kString:
    case TypeId::kBinary: {
      std::string valid = type.id() == TypeId::kString ? ValidUtf8(text) : std::string(text);
      return repeat([&] { out.AppendBytes(valid); });
    }
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong: {
      auto value = ParseLong(text);
      int bits = type.id() == TypeId::kByte ? 8 : type.id() == TypeId::kShort ? 16 : type.id() == TypeId::kInteger ? 32 : 64;
      if (!value || (bits < 64 && (*value >= int64_t{1} << (bits - 1) || *value < -(int64_t{1} << (bits - 1))))) return false;
      return repeat([&] { out.AppendInteger(*value); });
    }
    case TypeId::kFloat: {
      auto value = ParseJavaFloat(text);
      return value && repeat([&] { out.AppendFixed(*value); });
    }
    case TypeId::kDouble: {
      auto value = ParseJavaDouble(text);
      return value && repeat([&] { out.AppendFixed(*value); });
    }
    case TypeId::kBoolean: {
      auto value = ParseBool(text);
      return value && repeat([&] { out.AppendFixed(static_cast<uint8_t>(*value)); });
    }
    case TypeId::kDecimal: {
      auto value = ParseDecimal(text, type.precision(), type.scale());
      return value && repeat([&] { out.AppendFixed(*value); });
    }
    case TypeId::kDate: {
      auto value = StringToDate(text);
      return value && repeat([&] { out.AppendFixed(*value); });
    }
    case TypeId::kTimestamp: {
      auto value = StringToTimestamp(text, zone);
      return value && repeat([&] { out.AppendFixed(*value); });
    }
    case TypeId::kTimestampNtz: {
      auto value = StringToTimestampNtz(text);
      return value && repeat([&] { out.AppendFixed(*value); });
    }
    case TypeId::kNull:
      out.AppendNulls(rows);
      return true;
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return false;
  }
  return false;
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> PartitionArray(const StructField& column, const std::vector<InputFile>& files, const std::vector<FileRun>& runs,
                                                     const TimeZone& zone) {
  ColumnBuilder out(column.type);
  for (const FileRun& run : runs) {
    const InputFile& file = files[static_cast<size_t>(run.file)];
    auto found = file.partition_values.find(column.name);
    if (found == file.partition_values.end() || !found->second) {
      out.AppendNulls(run.rows);
    } else if (!AppendPartitionValue(*found->second, run.rows, zone, out)) {
      return Status::Error(errors::kUnknownPartition, {{"value", *found->second}, {"column", column.name}, {"path", file.path}, {"type", column.type.Sql()}});
    }
  }
  return out.Finish();
}

}  // namespace millstream
