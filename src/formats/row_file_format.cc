#include "formats/row_file_format.h"

#include <arrow/array/array_binary.h>

#include <algorithm>
#include <functional>

#include "formats/avro_row_file.h"
#include "formats/cell_text_writer.h"
#include "formats/compressor.h"
#include "formats/csv_row_text.h"
#include "formats/formats_errors.h"
#include "formats/parquet_writer.h"

namespace millstream {
namespace {

constexpr size_t kFlushBytes = 1 << 20;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string Option(const OptionMap& options, const char* name, std::string otherwise) {
  auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

Result<bool> Flag(const OptionMap& options, const char* name, bool otherwise) {
  auto found = options.find(name);
  if (found == options.end()) return otherwise;
  std::optional<bool> value = ParseBool(found->second);
  if (!value) return Status::IllegalArgument(std::string(name) + " flag can be true or false");
  return *value;
}

Status RefuseType(const char* format, const StructField& field) {
  return Status::Error(errors::kUnsupportedDataTypeForSource,
                       {{"format", format}, {"columnName", "`" + field.name + "`"}, {"columnType", "\"" + field.type.Sql() + "\""}});
}

// Recursion ends where the type does.
bool HoldsType(const DataType& type, TypeId id) {
  if (type.id() == id) return true;
  if (type.id() == TypeId::kArray) return HoldsType(type.element(), id);
  if (type.id() == TypeId::kMap) return HoldsType(type.key(), id) || HoldsType(type.value(), id);
  if (type.id() != TypeId::kStruct) return false;
  return std::any_of(type.fields().begin(), type.fields().end(), [&](const StructField& field) { return HoldsType(field.type, id); });
}

// Lines, with something in front of the first.
struct LineText {
  std::string header;
  std::function<void(const arrow::RecordBatch& rows, int64_t row, std::string& out)> append_row;
};

class LineFileWriter : public RowFileWriter {
 public:
  LineFileWriter(std::unique_ptr<PendingFile> file, std::unique_ptr<Compressor> compressor, std::string path, std::shared_ptr<const LineText> lines)
      : file_(std::move(file)), compressor_(std::move(compressor)), path_(std::move(path)), lines_(std::move(lines)), text_(lines_->header) {}

  Status Write(const arrow::RecordBatch& rows) override {
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      lines_->append_row(rows, row, text_);
      if (text_.size() >= kFlushBytes) MS_RETURN_IF_ERROR(Flush());
    }
    return Status();
  }
  Result<int64_t> Close() override {
    MS_RETURN_IF_ERROR(Flush());
    MS_RETURN_IF_ERROR(compressor_->Finish());
    MS_RETURN_IF_ERROR(file_->Publish(path_));
    return file_->size_bytes();
  }

 private:
  Status Flush() {
    if (text_.empty()) return Status();
    MS_RETURN_IF_ERROR(compressor_->Write(text_));
    text_.clear();
    return Status();
  }

  std::unique_ptr<PendingFile> file_;
  std::unique_ptr<Compressor> compressor_;
  const std::string path_;
  const std::shared_ptr<const LineText> lines_;
  std::string text_;
};

class LineFileFormat : public RowFileFormat {
 public:
  LineFileFormat(std::string extension, Codec codec, LineText lines)
      : extension_(std::move(extension)), codec_(codec), lines_(std::make_shared<const LineText>(std::move(lines))) {}
  std::string extension() const override { return extension_ + std::string(ExtensionOf(codec_)); }
  Result<std::unique_ptr<RowFileWriter>> Create(Fs& fs, const std::string& path) const override {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(std::string(ParentPath(path))));
    MS_ASSIGN_OR_RETURN(std::unique_ptr<Compressor> compressor, Compressor::Make(codec_, *file));
    return std::unique_ptr<RowFileWriter>(std::make_unique<LineFileWriter>(std::move(file), std::move(compressor), path, lines_));
  }

 private:
  const std::string extension_;
  const Codec codec_;
  const std::shared_ptr<const LineText> lines_;
};

class ParquetFileWriter : public RowFileWriter {
 public:
  explicit ParquetFileWriter(std::unique_ptr<ParquetWriter> writer) : writer_(std::move(writer)) {}
  Status Write(const arrow::RecordBatch& rows) override { return writer_->Write(rows); }
  Result<int64_t> Close() override {
    MS_ASSIGN_OR_RETURN(WrittenFile written, writer_->Close());
    return written.size_bytes;
  }

 private:
  std::unique_ptr<ParquetWriter> writer_;
};

class ParquetRowFileFormat : public RowFileFormat {
 public:
  ParquetRowFileFormat(StructType schema, ParquetWriterOptions options) : schema_(std::move(schema)), options_(options) {}
  std::string extension() const override {
    return options_.codec == ParquetWriterOptions::Codec::kSnappy ? ".snappy.parquet"
           : options_.codec == ParquetWriterOptions::Codec::kZstd ? ".zstd.parquet"
                                                                  : ".parquet";
  }
  Result<std::unique_ptr<RowFileWriter>> Create(Fs& fs, const std::string& path) const override {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ParquetWriter> writer, ParquetWriter::Create(fs, path, schema_, options_));
    return std::unique_ptr<RowFileWriter>(std::make_unique<ParquetFileWriter>(std::move(writer)));
  }

 private:
  const StructType schema_;
  const ParquetWriterOptions options_;
};

using RowFileFormatPtr = std::shared_ptr<const RowFileFormat>;

Result<Codec> TextCodec(const OptionMap& options) {
  const std::string name = Lower(Option(options, "compression", Option(options, "codec", "none")));
  if (name == "none" || name == "uncompressed") return Codec::kNone;
  if (name == "gzip") return Codec::kGzip;
  if (name == "zstd") return Codec::kZstd;
  if (name == "bzip2") return Codec::kBzip2;
  if (name == "deflate") return Codec::kDeflate;
  if (name == "snappy") return Codec::kSnappy;
  if (name == "lz4") return Codec::kLz4;
  return Status::Unsupported("Writing with compression \"" + name + "\"", "Use none, bzip2, deflate, gzip, lz4, snappy or zstd.");
}

// What has no writer yet is said, never written in another way.
Status RefusePatterns(const OptionMap& options) {
  for (const char* name : {"dateFormat", "timestampFormat", "timestampNTZFormat"}) {
    if (options.contains(name))
      return Status::Unsupported("The option " + std::string(name) + " when writing", "Make the text with date_format before writing.");
  }
  const std::string encoding = Lower(Option(options, "encoding", Option(options, "charset", "utf-8")));
  if (encoding != "utf-8" && encoding != "utf8") return Status::Unsupported("Writing with encoding \"" + encoding + "\"", "Files are written in UTF-8.");
  return Status();
}

Result<RowFileFormatPtr> MakeJson(const OptionMap& options, const StructType& schema, const FormatContext& context, Codec codec) {
  for (const StructField& field : schema) {
    if (NestingDepth(field.type) > kMaxTypeDepth || HoldsType(field.type, TypeId::kDayTimeInterval) || HoldsType(field.type, TypeId::kYearMonthInterval)) {
      return RefuseType("JSON", field);
    }
  }
  JsonTextOptions json;
  MS_ASSIGN_OR_RETURN(bool ignores_nulls, Flag(options, "ignoreNullFields", true));
  json.keep_nulls = !ignores_nulls;
  const std::string zone = Option(options, "timeZone", context.time_zone);
  json.zone = TimeZone::Find(zone);
  if (json.zone == nullptr) return Status::IllegalArgument("The time zone '" + zone + "' is not known.");
  LineText lines;
  lines.append_row = [text = std::make_shared<JsonRowText>(schema, json), end = Option(options, "lineSep", "\n")](const arrow::RecordBatch& rows, int64_t row,
                                                                                                                  std::string& out) {
    text->AppendRow(rows.columns(), row, out);
    out += end;
  };
  return RowFileFormatPtr(std::make_shared<LineFileFormat>(".json", codec, std::move(lines)));
}

Result<RowFileFormatPtr> MakeCsv(const OptionMap& options, const StructType& schema, const FormatContext& context, Codec codec) {
  for (const StructField& field : schema) {
    const TypeId id = field.type.id();
    if (field.type.IsNested() || id == TypeId::kVariant || id == TypeId::kBinary || id == TypeId::kNull || id == TypeId::kDayTimeInterval ||
        id == TypeId::kYearMonthInterval) {
      return RefuseType("CSV", field);
    }
  }
  MS_ASSIGN_OR_RETURN(CsvWriteOptions csv, CsvWriteOptions::From(options, context.time_zone));
  const bool header = csv.header;
  auto text = std::make_shared<CsvRowText>(schema, std::move(csv));
  LineText lines;
  if (header) text->AppendHeader(lines.header);
  lines.append_row = [text](const arrow::RecordBatch& rows, int64_t row, std::string& out) { text->AppendRow(rows.columns(), row, out); };
  return RowFileFormatPtr(std::make_shared<LineFileFormat>(".csv", codec, std::move(lines)));
}

Result<RowFileFormatPtr> MakeText(const OptionMap& options, const StructType& schema, Codec codec) {
  for (const StructField& field : schema)
    if (field.type.id() != TypeId::kString) return RefuseType("Text", field);
  if (schema.size() != 1) return Status::Error(errors::kTextColumns, {{"count", std::to_string(schema.size())}});
  LineText lines;
  lines.append_row = [end = Option(options, "lineSep", "\n")](const arrow::RecordBatch& rows, int64_t row, std::string& out) {
    const auto& values = static_cast<const arrow::StringArray&>(*rows.column(0));
    if (!values.IsNull(row)) out += values.GetView(row);
    out += end;
  };
  return RowFileFormatPtr(std::make_shared<LineFileFormat>(".txt", codec, std::move(lines)));
}

Result<RowFileFormatPtr> MakeParquet(const OptionMap& options, const StructType& schema) {
  for (const StructField& field : schema)
    if (HoldsType(field.type, TypeId::kNull)) return RefuseType("Parquet", field);
  ParquetWriterOptions parquet{.stats_columns_max = 0};
  const std::string codec = Lower(Option(options, "compression", Option(options, "parquet.compression", "snappy")));
  if (codec == "none" || codec == "uncompressed") {
    parquet.codec = ParquetWriterOptions::Codec::kNone;
  } else if (codec == "zstd") {
    parquet.codec = ParquetWriterOptions::Codec::kZstd;
  } else if (codec != "snappy") {
    return Status::Unsupported("Writing Parquet with compression \"" + codec + "\"", "Use snappy, zstd or none.");
  }
  return RowFileFormatPtr(std::make_shared<ParquetRowFileFormat>(schema, parquet));
}

}  // namespace

bool IsWritableFileFormat(std::string_view name) {
  const std::string lower = Lower(name);
  return lower == "json" || lower == "csv" || lower == "text" || lower == "parquet" || lower == "avro";
}

Result<RowFileFormatPtr> MakeRowFileFormat(const std::string& name, const OptionMap& options, const StructType& schema, const FormatContext& context) {
  const std::string lower = Lower(name);
  if (lower == "parquet") return MakeParquet(options, schema);
  if (lower == "avro") return MakeAvroRowFileFormat(options, schema);
  if (!IsWritableFileFormat(lower)) return Status::Unsupported("Writing format \"" + name + "\"", "Write avro, json, csv, text, parquet or delta.");
  MS_RETURN_IF_ERROR(RefusePatterns(options));
  MS_ASSIGN_OR_RETURN(Codec codec, TextCodec(options));
  if (lower == "json") return MakeJson(options, schema, context, codec);
  if (lower == "csv") return MakeCsv(options, schema, context, codec);
  return MakeText(options, schema, codec);
}

}  // namespace millstream
