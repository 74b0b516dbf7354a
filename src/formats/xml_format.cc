// xml_format.cc   Files of XML, each element with the name of the option rowTag a row. One thread reads a file, in the memory of a record.

#include <charconv>
#include <mutex>

#include "formats/bad_records.h"
#include "formats/format_makers.h"
#include "formats/formats_errors.h"
#include "formats/input_chunks.h"
#include "formats/json_scanner.h"
#include "formats/json_schema_inference.h"
#include "formats/scan_plan.h"
#include "formats/single_variant.h"
#include "formats/xml_record_parser.h"
#include "formats/xml_schema_inference.h"

namespace millstream {
namespace {

constexpr int64_t kBatchBytes = int64_t{4} << 20;  // of XML, aimed at
constexpr int64_t kBatchRowsMax = 65536;
// What Spark keeps of a malformed record is its whole file; of a larger one this much of its start is kept.
constexpr int64_t kCorruptTextBytesMax = int64_t{16} << 20;

Status Forgiven(const XmlOptions& options, const InputFile& file, const Status& status) {
  const bool missing = status.Is(errors::kFileNotFound);
  if ((missing && options.ignore_missing_files) || (status.Is(errors::kFailedReadFile) && options.ignore_corrupt_files)) return Status();
  if (missing) return Status::Error(errors::kSourceFileMissing, {{"path", UriFromPath(file.path)}});
  return status;
}

Result<std::unique_ptr<TextSource>> OpenText(const InputFile& file, const XmlOptions& options) {
  if (file.content) return TextSource::Of(*file.content, file.path);
  return TextSource::Open(Fs::Local(), file, options.encoding, true);
}

// "… at byte 25" of the file → of the record, which begins at `begin`.
std::string ReasonWithin(const std::string& reason, int64_t begin) {
  constexpr std::string_view kAt = " at byte ";
  const size_t at = reason.rfind(kAt);
  if (at == std::string::npos) return reason;
  const char *from = reason.data() + at + kAt.size(), *end = reason.data() + reason.size();
  int64_t byte = 0;
  if (std::from_chars(from, end, byte).ptr != end) return reason;
  return reason.substr(0, at + kAt.size()) + std::to_string(byte - begin);
}

Status CheckUnchanged(const InputFile& input) {
  MS_ASSIGN_OR_RETURN(FileInfo now, Fs::Local().Stat(input.path));
  if (now.size_bytes == input.size_bytes && (input.modified_ns == 0 || now.modified_ns == input.modified_ns)) return Status();
  return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(input.path)}, {"detail", "its size or time differs"}}).Retryable();
}

enum class Found { kRow, kEnd, kMalformed };
// Moves to the next element with the row's name. A text that ends too early outside of rows ends quietly, as in Spark.
Result<Found> FindRow(XmlReader& reader, const XmlOptions& options) {
  while (true) {
    MS_ASSIGN_OR_RETURN(const XmlEvent* next, reader.Peek());
    if (next->kind == XmlEvent::Kind::kEndDocument) return Found::kEnd;
    if (next->kind == XmlEvent::Kind::kMalformed) return next->is_early_end ? Found::kEnd : Found::kMalformed;
    if (next->kind == XmlEvent::Kind::kStart && options.NameOf(next->name) == options.row_tag) return Found::kRow;
    MS_RETURN_IF_ERROR(reader.Take().status());
  }
}

class XmlRows : public RowStream {
 public:
  XmlRows(const XmlOptions& options, const std::string& single_variant_column, ScanPlan plan, FileScan scan, std::vector<InputFile> files,
          std::shared_ptr<FileScanStats> stats)
      : options_(options), plan_(std::move(plan)), scan_(std::move(scan)), files_(std::move(files)), stats_(std::move(stats)) {
    shape_.rescue = !scan_.rescued_data_column.empty();
    shape_.collect_new_fields = scan_.fail_on_new_fields;
    // Without rescue Spark's parser knows the wanted columns alone.
    for (const StructField& field : plan_.data_schema()) {
      const auto& columns = plan_.parsed_columns();
      const bool wanted = std::any_of(columns.begin(), columns.end(), [&](const std::string& name) { return StructType({field}).IndexOf(name).has_value(); });
      if (shape_.rescue || shape_.collect_new_fields || wanted) shape_.schema.Add(field);
    }
    shape_.is_single_variant = !single_variant_column.empty();
    if (shape_.is_single_variant) shape_.variant_field = shape_.schema.IndexOf(single_variant_column, true);
    for (const std::string& column : plan_.parsed_columns()) {
      auto index = shape_.schema.IndexOf(column, true);
      if (!index) index = shape_.schema.IndexOf(column, false);
      types_.push_back(index ? shape_.schema[*index].type : DataType::String());
      sources_.push_back(index);
    }
  }

  const ArrowSchemaPtr& schema() const override { return plan_.arrow_schema(); }

  Result<RecordBatchPtr> Next() override {
    Batch batch(types_);
    std::unique_ptr<OpenFile> file;
    Status status = Fill(batch, &file);
    std::lock_guard lock(mutex_);
    if (!status.ok()) {
      if (failed_.ok()) failed_ = status;
      return status;
    }
    if (file != nullptr) idle_.push_back(std::move(file));
    if (batch.rows == 0) return RecordBatchPtr();
    std::vector<std::shared_ptr<arrow::Array>> parsed;
    for (ColumnBuilder& column : batch.columns) parsed.push_back(column.Finish());
    return plan_.Assemble(std::move(parsed), files_, batch.runs, batch.rows);
  }

 private:
  struct OpenFile {
    OpenFile(int32_t index, std::unique_ptr<TextSource> source, const XmlOptions& options, const XmlRowShape& shape)
        : index(index), reader(std::move(source)), parser(options, shape) {}
    int32_t index;
    XmlReader reader;
    XmlRecordParser parser;
    std::optional<std::string> text;  // of the whole file, once a record needed it
  };
  struct Batch {
    explicit Batch(const std::vector<DataType>& types) {
      for (const DataType& type : types) columns.emplace_back(type);
    }
    std::vector<ColumnBuilder> columns;
    std::vector<FileRun> runs;
    int64_t rows = 0, bytes = 0;
  };

  // Rows of as many files as it takes; `file` is the one that is not at its end.
  Status Fill(Batch& batch, std::unique_ptr<OpenFile>* file) {
    while (batch.bytes < kBatchBytes && batch.rows < kBatchRowsMax) {
      MS_RETURN_IF_ERROR(Take(file));
      if (*file == nullptr) return Status();
      const int64_t rows_before = batch.rows;
      Result<bool> more = ReadFile(**file, batch);
      if (batch.rows > rows_before) batch.runs.push_back({(*file)->index, batch.rows - rows_before});
      const InputFile& input = files_[static_cast<size_t>((*file)->index)];
      if (!more.ok()) {
        Status status = Forgiven(options_, input, more.status());
        if (!status.ok()) return std::move(status).While("while reading " + UriFromPath(input.path) + " at byte " + std::to_string((*file)->reader.offset()));
        if (stats_) stats_->Skip((*file)->index, more.status().Is(errors::kFileNotFound), more.status());
      } else if (*more) {
        return Status();
      } else if (!input.content) {
        if (!input.member) MS_RETURN_IF_ERROR(CheckUnchanged(input));
        if (stats_) {
          ++stats_->files_read;
          stats_->bytes_read += input.size_bytes;
        }
      }
      file->reset();
    }
    return Status();
  }

  // A file that was begun, or the next one; null at the end.
  Status Take(std::unique_ptr<OpenFile>* file) {
    while (true) {
      int32_t index = 0;
      {
        std::lock_guard lock(mutex_);
        MS_RETURN_IF_ERROR(failed_);
        if (!idle_.empty()) {
          *file = std::move(idle_.back());
          idle_.pop_back();
          return Status();
        }
        if (next_file_ == files_.size()) return Status();
        index = static_cast<int32_t>(next_file_++);
      }
      const InputFile& input = files_[static_cast<size_t>(index)];
      auto source = OpenText(input, options_);
      if (source.ok()) {
        *file = std::make_unique<OpenFile>(index, *std::move(source), options_, shape_);
        return Status();
      }
      MS_RETURN_IF_ERROR(Forgiven(options_, input, source.status()));
      if (stats_) stats_->Skip(index, source.status().Is(errors::kFileNotFound), source.status());
    }
  }

  // True: the batch is full, and the file goes on.
  Result<bool> ReadFile(OpenFile& file, Batch& batch) {
    const int64_t bytes_before = batch.bytes, begin = file.reader.offset();
    while (batch.bytes < kBatchBytes && batch.rows < kBatchRowsMax) {
      MS_ASSIGN_OR_RETURN(Found found, FindRow(file.reader, options_));
      if (found == Found::kEnd) return false;
      const int64_t record_begin = file.reader.event_offset();
      const size_t depth = file.reader.depth();
      MS_ASSIGN_OR_RETURN(XmlRecordParser::Outcome outcome, file.parser.Record(file.reader));
      batch.bytes = bytes_before + file.reader.offset() - begin;
      if (scan_.fail_on_new_fields && !file.parser.new_fields().empty()) {
        std::string unknown;
        for (const std::string& name : file.parser.new_fields()) unknown += (unknown.empty() ? "" : ",") + name;
        return Status::Error(errors::kNewFieldsInFile, {{"unknownFields", unknown}});
      }
      if (outcome != XmlRecordParser::Outcome::kRow && scan_.bad_records) {
        // Spark's parser may have lost its way within the record, and stands before its end.
        while (outcome == XmlRecordParser::Outcome::kPartial && file.reader.depth() >= depth) {
          MS_ASSIGN_OR_RETURN(const XmlEvent* next, file.reader.Peek());
          if (next->kind == XmlEvent::Kind::kMalformed || next->kind == XmlEvent::Kind::kEndDocument) break;
          MS_RETURN_IF_ERROR(file.reader.Take().status());
        }
        MS_RETURN_IF_ERROR(Quarantine(file, outcome, record_begin));
      } else {
        MS_RETURN_IF_ERROR(Append(file, outcome, batch));
      }
      if (outcome == XmlRecordParser::Outcome::kBroken) return false;
    }
    return true;
  }

  Status Append(OpenFile& file, XmlRecordParser::Outcome outcome, Batch& batch) {
    const bool good = outcome == XmlRecordParser::Outcome::kRow;
    FileOutcomes::Counts* counts = plan_.outcomes() == nullptr ? nullptr : &plan_.outcomes()->of(file.index);
    if (stats_) ++stats_->rows_in;
    if (!good && options_.mode == ParseMode::kFailFast) {
      return Status::Error(errors::kMalformedRecord, {{"badRecord", file.parser.reason()}});
    }
    if (!good && options_.mode == ParseMode::kDropMalformed) {
      if (stats_) ++stats_->rows_rejected;
      if (counts != nullptr) ++counts->rejected;
      return Status();
    }
    std::string rescued;
    const std::string path = HadoopPathString(files_[static_cast<size_t>(file.index)].path);
    if (shape_.rescue && good && !file.parser.rescued().is_null()) {
      nlohmann::ordered_json json = file.parser.rescued();
      json["_file_path"] = ValidUtf8(path);
      rescued = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    for (size_t i = 0; i < sources_.size(); ++i) {
      ColumnBuilder& column = batch.columns[i];
      if (sources_[i]) {
        if (outcome == XmlRecordParser::Outcome::kBroken) {
          column.AppendNull();
        } else {
          file.parser.values()[*sources_[i]].AppendTo(column);
        }
      } else if (plan_.wants_corrupt_record() && plan_.parsed_columns()[i] == options_.corrupt_record_column && !good) {
        MS_ASSIGN_OR_RETURN(const std::string* text, TextOf(file));
        column.AppendBytes(*text);
      } else if (plan_.wants_rescued_data() && plan_.parsed_columns()[i] == scan_.rescued_data_column && !rescued.empty()) {
        column.AppendBytes(rescued);
      } else {
        column.AppendNull();
      }
    }
    ++batch.rows;
    if (counts != nullptr && !rescued.empty()) ++counts->rescued;
    if (counts != nullptr && !good) ++counts->malformed;
    if (!stats_) return Status();
    ++stats_->rows_out;
    if (!rescued.empty()) ++stats_->rows_rescued;
    if (!good) ++stats_->rows_malformed;
    return Status();
  }

  // Behind a record that is broken nothing can be told apart: the rest of the file goes with it.
  Status Quarantine(OpenFile& file, XmlRecordParser::Outcome outcome, int64_t begin) {
    const InputFile& input = files_[static_cast<size_t>(file.index)];
    MS_ASSIGN_OR_RETURN(auto source, OpenText(input, options_));
    const int64_t mark = source->had_utf8_mark() ? 3 : 0;
    const bool to_end = outcome == XmlRecordParser::Outcome::kBroken;
    const int64_t end = to_end ? INT64_MAX : file.reader.offset();
    std::string raw, part(64 << 10, '\0');
    int64_t at = 0, lines = 0;
    while (at < end) {
      MS_ASSIGN_OR_RETURN(const int64_t got, source->Read(part.data(), std::min<int64_t>(static_cast<int64_t>(part.size()), end - at)));
      if (got == 0) break;
      const int64_t before = std::clamp<int64_t>(begin - at, 0, got);
      lines += std::count(part.data(), part.data() + before, '\n');
      if (static_cast<int64_t>(raw.size()) < kCorruptTextBytesMax) raw.append(part.data() + before, static_cast<size_t>(got - before));
      at += got;
    }
    if (stats_) ++stats_->rows_in, ++stats_->rows_quarantined;
    if (FileOutcomes* outcomes = plan_.outcomes()) ++outcomes->of(file.index).quarantined;
    return scan_.bad_records->Add({.file = file.index,
                                   .byte_offset = begin + mark,
                                   .byte_length = at - begin,
                                   .line = lines + 1,
                                   .column = "",
                                   .error_class = bad_record::kMalformed,
                                   .reason = ReasonWithin(file.parser.reason(), begin),
                                   .raw = raw});
  }

  Result<const std::string*> TextOf(OpenFile& file) {
    if (!file.text) {
      MS_ASSIGN_OR_RETURN(auto source, OpenText(files_[static_cast<size_t>(file.index)], options_));
      std::string text = source->had_utf8_mark() ? "\xEF\xBB\xBF" : "";
      while (static_cast<int64_t>(text.size()) < kCorruptTextBytesMax) {
        const size_t before = text.size();
        text.resize(before + (64 << 10));
        MS_ASSIGN_OR_RETURN(int64_t got, source->Read(text.data() + before, 64 << 10));
        text.resize(before + static_cast<size_t>(got));
        if (got == 0) break;
      }
      file.text = ValidUtf8(text);
    }
    return &*file.text;
  }

  const XmlOptions options_;
  const ScanPlan plan_;
  const FileScan scan_;
  const std::vector<InputFile> files_;
  const std::shared_ptr<FileScanStats> stats_;
  XmlRowShape shape_;
  std::vector<DataType> types_;                 // of the parsed columns
  std::vector<std::optional<size_t>> sources_;  // of each parsed column: its field of the row; nullopt: corrupt record or rescued data
  std::mutex mutex_;                            // guards what follows
  size_t next_file_ = 0;
  std::vector<std::unique_ptr<OpenFile>> idle_;
  Status failed_;
};

class XmlFormat : public FileFormat {
 public:
  XmlFormat(XmlOptions options, std::string single_variant_column, FormatContext context)
      : options_(std::move(options)), single_variant_column_(std::move(single_variant_column)), context_(std::move(context)) {}

  const std::string& name() const override {
    static const std::string name = "xml";
    return name;
  }

  Result<StructType> InferSchema(const std::vector<InputFile>& files) const override {
    if (!single_variant_column_.empty()) return StructType({{single_variant_column_, DataType::Variant()}});
    XmlSchemaInference inference(options_);
    uint64_t record_number = 0;
    for (const InputFile& file : files) {
      Status status = InferFile(file, inference, record_number);
      MS_RETURN_IF_ERROR(status.ok() ? status : Forgiven(options_, file, status));
    }
    return inference.Finish();
  }

  Result<StructType> MergeNewFields(const std::vector<InputFile>& files, const StructType& known) const override {
    if (!single_variant_column_.empty()) return known;
    MS_ASSIGN_OR_RETURN(StructType found, InferSchema(files));
    return MergeNewFieldsInto(known, found, context_.case_sensitive);
  }

  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    MS_ASSIGN_OR_RETURN(ScanPlan plan, ScanPlan::Make(scan, options_.corrupt_record_column, context_.time_zone));
    if (!single_variant_column_.empty()) MS_RETURN_IF_ERROR(CheckSingleVariantSchema(scan, single_variant_column_, options_.corrupt_record_column));
    return RowStreamPtr(std::make_unique<XmlRows>(options_, single_variant_column_, std::move(plan), scan, std::move(files), std::move(stats)));
  }

 private:
  Status InferFile(const InputFile& file, XmlSchemaInference& inference, uint64_t& record_number) const {
    MS_ASSIGN_OR_RETURN(auto source, OpenText(file, options_));
    XmlReader reader(std::move(source));
    while (true) {
      MS_ASSIGN_OR_RETURN(Found found, FindRow(reader, options_));
      if (found == Found::kEnd) return Status();
      if (found == Found::kMalformed) return inference.Malformed();
      // An even sample, the same one each time.
      const bool sampled =
          options_.sampling_ratio >= 1 || static_cast<double>(record_number++ * 0x9E3779B97F4A7C15ull >> 32) < options_.sampling_ratio * 4294967296.0;
      if (!sampled) {
        MS_RETURN_IF_ERROR(reader.Take().status());
        continue;
      }
      MS_ASSIGN_OR_RETURN(bool good, inference.Record(reader));
      if (!good) return Status();
    }
  }

  const XmlOptions options_;
  const std::string single_variant_column_;  // not empty: a record is one VARIANT
  const FormatContext context_;
};

}  // namespace

Result<FileFormatPtr> MakeXmlFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(XmlOptions parsed, XmlOptions::From(options, context));
  return FileFormatPtr(std::make_shared<XmlFormat>(std::move(parsed), SingleVariantColumn(options), context));
}

}  // namespace millstream
