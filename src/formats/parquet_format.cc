// parquet_format.cc   Parquet files as rows of a schema: columns by name, whatever their case; widened where nothing is lost.

#include <arrow/util/key_value_metadata.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "formats/columnar_format.h"
#include "formats/formats_errors.h"
#include "formats/input_bytes.h"
#include "formats/parquet_reader.h"
#include "types/arrow_types.h"

namespace millstream {

const OptionTable& ParquetOptionTable() {
  static const OptionTable table("parquet", [] {
    std::vector<OptionSpec> specs = ColumnarOptionSpecs();
    specs.push_back({"int96RebaseMode", OptionType::kString, "CORRECTED", "The same of timestamps that are INT96.", "0.1"});
    return specs;
  }());
  return table;
}

namespace {

// The leaves of a type, in order, beside those of its column in the file: INT96 is always an instant, as who wrote it meant it. nullopt: there are other
// leaves.
std::optional<DataType> WithInstants(const DataType& type, const parquet::SchemaDescriptor& file, const std::vector<int>& leaves, size_t& at) {
  switch (type.id()) {
    case TypeId::kStruct: {
      std::vector<StructField> fields = type.fields().fields();
      for (StructField& field : fields) {
        std::optional<DataType> made = WithInstants(field.type, file, leaves, at);
        if (!made) return std::nullopt;
        field.type = *std::move(made);
      }
      return DataType::Struct(StructType(std::move(fields)));
    }
    case TypeId::kArray: {
      std::optional<DataType> element = WithInstants(type.element(), file, leaves, at);
      return element ? std::optional(DataType::Array(*std::move(element), type.contains_null())) : std::nullopt;
    }
    case TypeId::kMap: {
      std::optional<DataType> key = WithInstants(type.key(), file, leaves, at);
      std::optional<DataType> value = key ? WithInstants(type.value(), file, leaves, at) : std::nullopt;
      return value ? std::optional(DataType::Map(*std::move(key), *std::move(value), type.contains_null())) : std::nullopt;
    }
    case TypeId::kVariant:
      return std::nullopt;
    default:
      if (at >= leaves.size()) return std::nullopt;
      return file.Column(leaves[at++])->physical_type() == parquet::Type::INT96 ? DataType::Timestamp() : type;
  }
}

class OpenParquet : public ColumnarFile {
 public:
  explicit OpenParquet(std::shared_ptr<const ParquetFile> file) : file_(std::move(file)) {
    if (const auto& pairs = file_->metadata().key_value_metadata()) {
      if (auto version = pairs->Get("org.apache.spark.version"); version.ok()) spark_version_ = *version;
      is_marked_legacy_ = pairs->Contains("org.apache.spark.legacyDateTime");
    }
  }

  const ArrowSchemaPtr& arrow_schema() const override { return file_->arrow_schema(); }
  Result<StructType> SparkSchema() const override {
    MS_ASSIGN_OR_RETURN(StructType schema, ColumnarFile::SparkSchema());
    const parquet::SchemaDescriptor& file = *file_->metadata().schema();
    std::vector<StructField> fields = schema.fields();
    for (size_t i = 0; i < fields.size(); ++i) {
      const std::vector<int>& leaves = file_->leaves_of(static_cast<int>(i));
      if (std::none_of(leaves.begin(), leaves.end(), [&](int leaf) { return file.Column(leaf)->physical_type() == parquet::Type::INT96; })) continue;
      size_t at = 0;
      std::optional<DataType> made = WithInstants(fields[i].type, file, leaves, at);
      if (made && at == leaves.size()) fields[i].type = *std::move(made);
    }
    return StructType(std::move(fields));
  }
  int parts() const override { return file_->row_groups(); }
  int64_t rows_of(int part) const override { return file_->rows_of(part); }
  int64_t first_row_of(int part) const override { return file_->first_row_of(part); }

  Result<std::unique_ptr<ColumnarRows>> ReadPart(int part, const std::vector<Column>& columns, int64_t batch_rows) const override {
    std::vector<int> indexes;
    for (const Column& column : columns) indexes.push_back(column.index);
    return file_->ReadRowGroup(part, indexes, batch_rows);
  }

  Result<std::vector<ColumnChunksPtr>> CopyPart(int part, const std::vector<std::pair<int, StructField>>& columns,
                                                const std::optional<std::string>& codec) const override {
    std::vector<ParquetFile::CopiedColumn> copied;
    for (const auto& [index, as] : columns) copied.push_back({.index = index, .as = as});
    return file_->CopyRowGroup(part, copied, codec);
  }

  std::variant<WholeFile, std::string> AsWhole(const std::vector<std::pair<int, StructField>>& columns,
                                               const std::optional<std::string>& codec) const override {
    std::vector<ParquetFile::CopiedColumn> whole;
    for (const auto& [index, as] : columns) whole.push_back({.index = index, .as = as});
    return file_->AsWhole(whole, codec);
  }

  bool CanReadAs(int column, const DataType& to) const override {
    auto from = FromArrowType(*arrow_schema()->field(column)->type());
    return from.ok() && WidensType(*from, to);
  }
  CalendarRebase DatetimeRebase(CalendarRebase asked) const override { return RebaseOfWriter(spark_version_, is_marked_legacy_, asked); }

 private:
  std::shared_ptr<const ParquetFile> file_;
  std::optional<std::string> spark_version_;
  bool is_marked_legacy_ = false;
};

}  // namespace

Result<FileFormatPtr> MakeParquetFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(OptionValues values, ParquetOptionTable().ParseKnown(options));
  MS_ASSIGN_OR_RETURN(ColumnarOptions columnar, ColumnarOptionsFrom(values, context));
  ColumnarKind kind;
  kind.name = "parquet";
  kind.has_row_index = true;
  kind.open = [](const InputFile& file) -> Result<std::shared_ptr<const ColumnarFile>> {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> bytes, OpenInputAnywhere(Fs::Local(), file));
    MS_ASSIGN_OR_RETURN(std::shared_ptr<const ParquetFile> opened, ParquetFile::Open(std::move(bytes), file.path, std::nullopt));
    return std::shared_ptr<const ColumnarFile>(std::make_shared<OpenParquet>(std::move(opened)));
  };
  kind.mismatch = [](const InputFile& file, const ColumnarFile& opened, int index, const std::string& column, const DataType& to) {
    return Status::Error(errors::kParquetTypeMismatch, {{"path", UriFromPath(file.path)},
                                                        {"column", "[" + column + "]"},
                                                        {"expectedType", to.SimpleString()},
                                                        {"actualType", opened.arrow_schema()->field(index)->type()->ToString()}});
  };
  return MakeColumnarFormat(std::move(kind), columnar, {.merge_schema = values.Bool("mergeSchema")}, context);
}

}  // namespace millstream
