// avro_format.cc   Avro files as rows of a schema, by their own schema or by the user's.

#include <algorithm>

#include "formats/avro_container.h"
#include "formats/avro_decoder.h"
#include "formats/columnar_format.h"
#include "formats/failed_read.h"
#include "formats/formats_errors.h"
#include "formats/input_bytes.h"
#include "types/arrow_types.h"

namespace millstream {

const OptionTable& AvroOptionTable() {
  using enum OptionType;
  static const OptionTable table("avro", [] {
    std::vector<OptionSpec> specs = ColumnarOptionSpecs();
    specs.push_back(
        {"avroSchema", kString, "", "An Avro schema to read the files by: fields added, renamed by aliases, filled from defaults, promoted.", "0.1"});
    specs.push_back({"enableStableIdentifiersForUnionType", kBool, "false", "Fields of a union are named after their types, not after their place.", "0.1"});
    specs.push_back({"stableIdentifierPrefixForUnionType", kString, "member_", "What these names begin with.", "0.1"});
    specs.push_back({"recursiveFieldMaxDepth", kInt, "-1", "How deep records within themselves are read, 1 to 15; by default they are refused.", "0.1"});
    return specs;
  }());
  return table;
}

namespace {

constexpr int64_t kPartBytes = int64_t{8} << 20;
constexpr int64_t kBatchBytes = int64_t{16} << 20;  // decoded Avro bytes, aimed at
constexpr int64_t kSyncBytes = 16;

class OpenAvro : public ColumnarFile, public std::enable_shared_from_this<OpenAvro> {
 public:
  OpenAvro(std::string path, std::shared_ptr<ReadableFile> file, int64_t size_bytes, AvroHeader header, std::shared_ptr<const AvroSchema> reader,
           const AvroReadOptions& options)
      : path_(std::move(path)), file_(std::move(file)), size_bytes_(size_bytes), header_(std::move(header)), reader_(std::move(reader)), options_(options) {}

  Status MapColumns() {
    if (root().kind != AvroType::Kind::kRecord || header_.schema->root().kind != AvroType::Kind::kRecord) {
      return Bad("Its Avro schema is no record, so it has no columns.");
    }
    StructType schema;
    for (const AvroField& field : root().fields) {
      Result<std::optional<DataType>> type = AvroToSparkType(*field.type, options_.types, &root());
      if (!type.ok() && inferrable_.ok()) inferrable_ = type.status();
      if (type.ok() && !*type) continue;
      schema.Add({field.name, type.ok() ? NullableThroughout(**type) : DataType::Null()});
      fields_.push_back(&field);
    }
    arrow_schema_ = ToArrowSchema(schema);
    types_ = std::move(schema);
    return Status();
  }

  const ArrowSchemaPtr& arrow_schema() const override { return arrow_schema_; }
  Status InferrableSchema() const override { return inferrable_; }

  int parts() const override {
    const int64_t bytes = size_bytes_ - header_.size_bytes;
    return static_cast<int>(std::max<int64_t>(1, (bytes + kPartBytes / 2) / kPartBytes));
  }

  Result<std::unique_ptr<ColumnarRows>> ReadPart(int part, const std::vector<Column>& columns, int64_t batch_rows) const override;

  bool CanReadAs(int column, const DataType& to) const override { return Check(column, to).ok(); }
  Status Check(int column, const DataType& to) const {
    const AvroField& field = *fields_[static_cast<size_t>(column)];
    return AvroDecoder::Make(header_.schema->root(), root(), {{&field, to}}, options_).status();
  }

  CalendarRebase DatetimeRebase(CalendarRebase asked) const override {
    auto version = header_.metadata.find("org.apache.spark.version");
    return RebaseOfWriter(version == header_.metadata.end() ? std::nullopt : std::optional(version->second),
                          header_.metadata.contains("org.apache.spark.legacyDateTime"), asked);
  }

  const AvroHeader& header() const { return header_; }

 private:
  const AvroType& root() const { return (reader_ ? reader_ : header_.schema)->root(); }
  Status Bad(std::string reason) const { return FailedRead(path_, std::move(reason)); }

  const std::string path_;
  const std::shared_ptr<ReadableFile> file_;
  const int64_t size_bytes_;
  const AvroHeader header_;
  const std::shared_ptr<const AvroSchema> reader_;  // null: as it was written
  const AvroReadOptions options_;
  StructType types_;
  Status inferrable_;
  ArrowSchemaPtr arrow_schema_;
  std::vector<const AvroField*> fields_;
};

class AvroRows : public ColumnarRows {
 public:
  AvroRows(std::shared_ptr<const OpenAvro> file, AvroBlocks blocks, std::shared_ptr<const AvroDecoder> decoder, StructType schema, int64_t batch_rows)
      : file_(std::move(file)), blocks_(std::move(blocks)), decoder_(std::move(decoder)), schema_(ToArrowSchema(schema)), batch_rows_(batch_rows) {
    for (const StructField& field : schema) columns_.emplace_back(field.type);
  }

  Result<RecordBatchPtr> Next() override {
    int64_t rows = 0, bytes = 0;
    std::string reason;
    // The rows before the damage are given first.
    while (failed_.ok() && rows < batch_rows_ && bytes < kBatchBytes) {
      if (records_left_ == 0) {
        if (cursor_.left() != 0) {
          failed_ = blocks_.Damaged("a block has more bytes than records");
          break;
        }
        std::string_view block;
        Result<bool> more = blocks_.Next(&records_left_, &block);
        if (!more.ok()) {
          failed_ = more.status();
          break;
        }
        if (!*more) break;
        cursor_ = AvroCursor(block);
        continue;
      }
      const int64_t before = cursor_.left();
      if (!decoder_->Record(cursor_, columns_, &reason)) {
        failed_ = blocks_.Damaged(reason.empty() ? "a record does not fit its schema" : reason);
        for (ColumnBuilder& column : columns_) column.Truncate(rows);
        break;
      }
      const int64_t used = before - cursor_.left();
      if (used == 0 && !cursor_.SpendFreeItem()) {
        failed_ = blocks_.Damaged("a block promises more records than it can hold");
        for (ColumnBuilder& column : columns_) column.Truncate(rows);
        break;
      }
      bytes += used;
      --records_left_;
      ++rows;
    }
    if (rows == 0) {
      MS_RETURN_IF_ERROR(failed_);
      return RecordBatchPtr();
    }
    arrow::ArrayVector arrays;
    for (ColumnBuilder& column : columns_) arrays.push_back(column.Finish());
    return arrow::RecordBatch::Make(schema_, rows, std::move(arrays));
  }

 private:
  const std::shared_ptr<const OpenAvro> file_;
  AvroBlocks blocks_;
  const std::shared_ptr<const AvroDecoder> decoder_;
  const ArrowSchemaPtr schema_;
  const int64_t batch_rows_;
  std::vector<ColumnBuilder> columns_;
  AvroCursor cursor_{{}};
  int64_t records_left_ = 0;
  Status failed_;
};

Result<std::unique_ptr<ColumnarRows>> OpenAvro::ReadPart(int part, const std::vector<Column>& columns, int64_t batch_rows) const {
  std::vector<AvroDecoder::Column> wanted;
  StructType schema;
  for (const Column& column : columns) {
    const auto index = static_cast<size_t>(column.index);
    wanted.push_back({fields_[index], column.as.value_or(types_[index].type)});
    schema.Add({fields_[index]->name, wanted.back().as});
  }
  MS_ASSIGN_OR_RETURN(auto decoder, AvroDecoder::Make(header_.schema->root(), root(), wanted, options_));
  const int64_t first = header_.size_bytes - kSyncBytes;
  const int64_t begin = first + part * kPartBytes;
  const int64_t end = part + 1 == parts() ? size_bytes_ : begin + kPartBytes;
  return std::unique_ptr<ColumnarRows>(std::make_unique<AvroRows>(shared_from_this(), AvroBlocks(file_, header_, path_, size_bytes_, begin, end),
                                                                  std::move(decoder), std::move(schema), batch_rows));
}

}  // namespace

Result<FileFormatPtr> MakeAvroFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(OptionValues values, AvroOptionTable().ParseKnown(options));
  MS_ASSIGN_OR_RETURN(ColumnarOptions columnar, ColumnarOptionsFrom(values, context));
  AvroReadOptions reading;
  reading.case_sensitive = context.case_sensitive;
  reading.types.stable_union_names = values.Bool("enableStableIdentifiersForUnionType");
  reading.types.union_prefix = values.String("stableIdentifierPrefixForUnionType").value_or("member_");
  reading.types.recursion_max = static_cast<int>(values.Int("recursiveFieldMaxDepth").value_or(-1));
  if (reading.types.recursion_max > 15) return Status::IllegalArgument("recursiveFieldMaxDepth may be 15 at most.");
  std::shared_ptr<const AvroSchema> reader;
  ColumnarFormatTraits traits{.merge_schema = values.Bool("mergeSchema")};
  if (const std::string text = values.String("avroSchema").value_or(""); !text.empty()) {
    MS_ASSIGN_OR_RETURN(reader, AvroSchema::Parse(text));
    MS_ASSIGN_OR_RETURN(std::optional<DataType> type, AvroToSparkType(reader->root(), reading.types));
    if (!type || type->id() != TypeId::kStruct) return Status::Error(errors::kAvroSchema, {{"reason", "avroSchema is no record"}});
    std::vector<StructField> fields;
    for (const StructField& field : type->fields()) fields.push_back({field.name, NullableThroughout(field.type)});
    traits.fixed_schema = StructType(std::move(fields));
  }
  ColumnarKind kind;
  kind.name = "avro";
  kind.reads_empty_files = false;
  kind.open = [reader, reading](const InputFile& file) -> Result<std::shared_ptr<const ColumnarFile>> {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> opened, OpenInputAnywhere(Fs::Local(), file));
    MS_ASSIGN_OR_RETURN(AvroHeader header, ReadAvroHeader(*opened, file.path, file.size_bytes));
    auto avro = std::make_shared<OpenAvro>(file.path, std::shared_ptr<ReadableFile>(std::move(opened)), file.size_bytes, std::move(header), reader, reading);
    MS_RETURN_IF_ERROR(avro->MapColumns());
    return std::shared_ptr<const ColumnarFile>(std::move(avro));
  };
  kind.mismatch = [](const InputFile& file, const ColumnarFile& opened, int index, const std::string& column, const DataType& to) {
    const Status why = static_cast<const OpenAvro&>(opened).Check(index, to);
    return Status::Error(errors::kAvroIncompatible, {{"path", UriFromPath(file.path)}, {"column", column}, {"reason", why.message()}});
  };
  return MakeColumnarFormat(std::move(kind), columnar, std::move(traits), context);
}

}  // namespace millstream
