// csv_format.cc   Files of separated values.

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "base/ignore_case.h"
#include "formats/csv_block.h"
#include "formats/csv_row_builder.h"
#include "formats/csv_schema_inference.h"
#include "formats/csv_tokenizer.h"
#include "formats/failed_read.h"
#include "formats/format_makers.h"
#include "formats/formats_errors.h"
#include "formats/input_bytes.h"
#include "formats/input_chunks.h"
#include "formats/json_scanner.h"
#include "formats/json_schema_inference.h"
#include "formats/rows_of_chunks.h"
#include "formats/scan_plan.h"
#include "formats/single_variant.h"

namespace millstream {
namespace {

constexpr int64_t kHeadBytes = 1 << 20;  // a header may be this long
constexpr int64_t kPauseMax = 255;       // records

// `has_memory`: what a value is depends on those before it in the file.
ChunkOptions ChunksOf(const CsvOptions& options, bool has_memory = false) {
  return {.whole_files = has_memory || options.multi_line || !options.line_separator.empty() || options.encoding != "UTF-8",
          .encoding = options.encoding,
          .ignore_missing_files = options.ignore_missing_files,
          .ignore_corrupt_files = options.ignore_corrupt_files};
}

// A line that Spark's filterCommentAndEmpty leaves out.
bool IsSkipped(const char* begin, const char* end, const CsvOptions& options) {
  if (options.comment != '\0' && *begin == options.comment) return true;
  while (begin < end && static_cast<unsigned char>(*begin) <= ' ') ++begin;
  return begin == end;
}

// The records of one piece of a file, one after another.
class RecordCursor {
 public:
  RecordCursor(const CsvOptions& options, CsvTokenizer& tokenizer, const char* begin, const char* end, bool starts_file)
      : options_(options), tokenizer_(tokenizer), carriage_(options.line_separator.empty() ? '\r' : '\n'), p_(begin), end_(end) {
    if (starts_file && end - begin >= 3 && std::string_view(begin, 3) == "\xEF\xBB\xBF") p_ += 3;
    if (!starts_file) return;
    for (int64_t row = 0; row < options.skip_rows && p_ < end_; ++row) {
      p_ = LineEnd(p_);
      if (p_ < end_) p_ += *p_ == '\r' && p_ + 1 < end_ && p_[1] == '\n' ? 2 : 1;
    }
  }
  // False at the end.
  bool Next() {
    while (p_ < end_) {
      begin_ = p_;
      const char c = *p_;
      if (c == '\n' || c == carriage_) {
        ++p_;
        continue;
      }
      if (static_cast<unsigned char>(c) <= ' ' || c == options_.comment) {
        const char* line_end = LineEnd(p_);
        bool skipped = options_.multi_line ? options_.comment != '\0' && c == options_.comment : IsSkipped(p_, line_end, options_);
        if (skipped) {
          p_ = line_end;
          continue;
        }
      }
      too_long_ = false;
      if (!options_.multi_line && end_ - p_ > kRecordBytesMax) {
        const char* line_end = LineEnd(p_);
        if (line_end - p_ > kRecordBytesMax) {
          too_long_ = true;
          text_end_ = p_ = line_end;
          return true;
        }
      }
      // Without multiLine, lines are cut before quotes are looked at, as in Spark.
      well_formed_ = tokenizer_.Next(&p_, end_, options_.multi_line);
      text_end_ = p_;
      while (text_end_ > begin_ && (text_end_[-1] == '\n' || text_end_[-1] == '\r')) --text_end_;
      return true;
    }
    return false;
  }
  // The next records, as many as are plain; false: the next one is not, Next has it.
  bool NextBlock(CsvBlock& block, size_t columns) {
    if (pause_ > 0) {
      --pause_;
      return false;
    }
    if (p_ >= end_ || end_ - p_ > kRecordBytesMax) return false;
    if (block.Scan(p_, end_, columns) == 0) {
      // Text without plain records is not to be read twice.
      pause_ = pause_after_;
      pause_after_ = std::min(2 * pause_after_ + 1, kPauseMax);
      return false;
    }
    if (block.rows() > pause_after_) pause_after_ = 0;
    p_ = block.begin_of(block.rows());
    return true;
  }
  // Makes a record of the block the one that is told of.
  void StandAt(const CsvBlock& block, int64_t row) {
    begin_ = block.begin_of(row);
    text_end_ = begin_ + block.text(row).size();
  }
  bool well_formed() const { return well_formed_; }
  bool too_long() const { return too_long_; }
  const char* begin() const { return begin_; }
  std::string_view text() const { return {begin_, static_cast<size_t>(text_end_ - begin_)}; }

 private:
  const char* LineEnd(const char* p) const {
    if (carriage_ == '\r') return FindLineEnd(p, end_);
    auto* found = static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(end_ - p)));
    return found == nullptr ? end_ : found;
  }

  const CsvOptions& options_;
  CsvTokenizer& tokenizer_;
  const char carriage_;  // '\r' where that ends lines, else '\n'
  const char* p_;
  const char* end_;
  const char* begin_ = nullptr;
  const char* text_end_ = nullptr;
  bool well_formed_ = true, too_long_ = false;
  int64_t pause_ = 0, pause_after_ = 0;  // records for which no block is looked for: now, and when there is none again
};

bool HasVariants(const StructType& schema) {
  return std::any_of(schema.begin(), schema.end(), [](const StructField& field) { return field.type.id() == TypeId::kVariant; });
}

// A separator of one's own takes the place of line ends; then these are ordinary bytes, which no tokenizer here tells apart.
Status SeparateLines(char* begin, char* end, const std::string& separator) {
  if (separator.empty() || separator == "\n") return Status::Ok();
  if (separator.size() > 1) return Status::Unsupported("A CSV lineSep of more than one character");
  for (char* p = begin; p < end; ++p) {
    if (*p == '\n') return Status::Unsupported("A CSV lineSep in files that hold line ends too");
    if (*p == separator[0]) *p = '\n';
  }
  return Status::Ok();
}

struct CsvWorker {
  CsvWorker(const CsvOptions& options, const CsvRowShape& shape) : tokenizer(options), block(options), parser(options, shape) {}
  CsvTokenizer tokenizer;
  CsvBlock block;
  std::vector<CsvValue> values;  // of a record of the block
  CsvRowBuilder parser;
  InputChunk chunk;
};

class CsvRows : public RowsOfChunks<CsvWorker> {
 public:
  CsvRows(const CsvOptions& options, ScanPlan plan, CsvRowShape shape, std::vector<InputFile> files, std::shared_ptr<FileScanStats> stats)
      : RowsOfChunks(std::move(plan), std::move(files), ChunksOf(options, HasVariants(shape.data_schema)), std::move(stats)),
        options_(options),
        shape_(std::move(shape)),
        lines_(Fs::Local()) {}

 private:
  std::unique_ptr<CsvWorker> NewWorker() const override { return std::make_unique<CsvWorker>(options_, shape_); }

  // The column names of a file whose start another chunk holds; and the line that has them, when `text` is not null.
  Result<std::vector<std::string>> HeaderOf(const ChunkPiece& piece, std::string* text = nullptr) {
    std::string head;
    if (piece.file_start) {
      head = *piece.file_start;
    } else {
      head.resize(static_cast<size_t>(kHeadBytes));
      MS_ASSIGN_OR_RETURN(auto opened, OpenDecompressed(Fs::Local(), FileOf(piece)));
      MS_ASSIGN_OR_RETURN(const int64_t got, opened->Read(head.data(), kHeadBytes));
      head.resize(static_cast<size_t>(got));
    }
    const auto size = static_cast<int64_t>(head.size());
    head.append(static_cast<size_t>(kChunkPadding), '\0');
    head[static_cast<size_t>(size)] = '\n';
    CsvTokenizer tokenizer(options_);
    RecordCursor cursor(options_, tokenizer, head.data(), head.data() + size, true);
    if (!cursor.Next()) return std::vector<std::string>();
    if (text != nullptr) *text = cursor.text();
    return CsvHeaderNames(tokenizer.values(), true, options_);
  }

  // enforceSchema=false: the header must name the schema's columns in their order.
  Status CheckHeader(const std::vector<std::string>& header, const std::string& path) const {
    const StructType& schema = plan().data_schema();
    bool same = header.size() == schema.size();
    for (size_t i = 0; same && i < header.size(); ++i) {
      same = EqualsIgnoreCase(header[i], schema[i].name);
    }
    if (same) return Status::Ok();
    std::string in_file, in_schema;
    for (const std::string& name : header) in_file += (in_file.empty() ? "" : ", ") + name;
    for (const StructField& field : schema) in_schema += (in_schema.empty() ? "" : ", ") + field.name;
    return Status::IllegalArgument("CSV header does not conform to the schema.\n Header: " + in_file + "\n Schema: " + in_schema +
                                   "\nCSV file: " + UriFromPath(path));
  }

  static Status TakeBlock(CsvWorker& worker, RecordCursor& cursor) {
    if (worker.parser.Block(worker.block)) return Status::Ok();
    for (int64_t row = 0; row < worker.block.rows(); ++row) {
      cursor.StandAt(worker.block, row);
      worker.block.Values(row, worker.values);
      MS_RETURN_IF_ERROR(worker.parser.Record(worker.values, /*well_formed=*/true, cursor.text()));
    }
    return Status::Ok();
  }

  Result<int64_t> ParsePiece(CsvWorker& worker, const ChunkPiece& piece) override {
    const InputFile& file = FileOf(piece);
    char *begin = worker.chunk.data + piece.begin, *end = worker.chunk.data + piece.end;
    MS_RETURN_IF_ERROR(SeparateLines(begin, end, options_.line_separator));
    RecordCursor cursor(options_, worker.tokenizer, begin, end, piece.file_offset == 0);
    std::string path = plan().wants_rescued_data() ? HadoopPathString(file.path) : std::string();
    auto offset = [&] { return "at byte " + std::to_string(piece.file_offset + (cursor.begin() == nullptr ? 0 : cursor.begin() - begin)); };
    std::string header_text;
    Status status = [&]() -> Status {
      std::vector<std::string> header;
      if (options_.header) {
        if (piece.file_offset == 0) {
          if (!cursor.Next()) return Status::Ok();
          header_text = cursor.text();
          if (shape_.is_single_variant) {
            for (const CsvValue& name : worker.tokenizer.values()) header.emplace_back(ValidUtf8(name.text()));
          } else {
            header = CsvHeaderNames(worker.tokenizer.values(), true, options_);
          }
          if (!options_.enforce_schema && !shape_.is_single_variant && !shape_.rescue && !shape_.by_name) MS_RETURN_IF_ERROR(CheckHeader(header, file.path));
        } else if (shape_.rescue || shape_.by_name) {
          MS_ASSIGN_OR_RETURN(header, HeaderOf(piece));
        }
      }
      MS_RETURN_IF_ERROR(worker.parser.SetFile(path, options_.header ? &header : nullptr));
      const size_t columns = worker.parser.block_columns();
      while (true) {
        if (columns > 0 && cursor.NextBlock(worker.block, columns)) {
          MS_RETURN_IF_ERROR(TakeBlock(worker, cursor));
          continue;
        }
        if (!cursor.Next()) break;
        if (cursor.too_long()) {
          MS_RETURN_IF_ERROR(worker.parser.Refuse(cursor.text(), "record of more than " + std::to_string(kRecordBytesMax) + " bytes"));
        } else if (!cursor.well_formed() && !shape_.rescue && !shape_.quarantines) {
          // Spark's reader does not survive these, whatever the mode; a stream that rescues does.
          return FailedRead(file.path, "A record exceeds maxColumns or maxCharsPerColumn, or has an unescaped quote.");
        } else {
          MS_RETURN_IF_ERROR(worker.parser.Record(worker.tokenizer.values(), cursor.well_formed(), cursor.text()));
        }
      }
      return Status::Ok();
    }();
    if (!status.ok()) return std::move(status).While("while reading " + UriFromPath(file.path) + " " + offset());
    if (!worker.parser.has_bad()) return 0;
    if (options_.header && piece.file_offset > 0) {
      MS_RETURN_IF_ERROR(HeaderOf(piece, &header_text).status());
    }
    return GiveBadRecords(*plan().bad_records(), worker.parser.TakeBad(), piece, file, begin, lines_, header_text);
  }

  const CsvOptions options_;
  const CsvRowShape shape_;
  LineNumbers lines_;
};

class CsvFormat : public FileFormat {
 public:
  CsvFormat(CsvOptions options, std::string single_variant_column, FormatContext context)
      : options_(std::move(options)), single_variant_column_(std::move(single_variant_column)), context_(std::move(context)) {}

  const std::string& name() const override {
    static const std::string name = "csv";
    return name;
  }

  Result<StructType> InferSchema(const std::vector<InputFile>& files) const override {
    if (!single_variant_column_.empty()) return StructType({{single_variant_column_, DataType::Variant()}});
    CsvSchemaInference inference(options_);
    InputChunks chunks(Fs::Local(), files, ChunksOf(options_), nullptr);
    InputChunk chunk;
    CsvTokenizer tokenizer(options_);
    int32_t file = -1;
    uint64_t record_number = 0;
    while (true) {
      MS_ASSIGN_OR_RETURN(bool more, chunks.Next(&chunk));
      if (!more) return inference.Finish();
      for (const ChunkPiece& piece : chunk.pieces) {
        MS_RETURN_IF_ERROR(SeparateLines(chunk.data + piece.begin, chunk.data + piece.end, options_.line_separator));
        RecordCursor cursor(options_, tokenizer, chunk.data + piece.begin, chunk.data + piece.end, piece.file_offset == 0);
        while (cursor.Next()) {
          if (cursor.too_long() || !cursor.well_formed()) continue;
          if (piece.file != file) {
            file = piece.file;
            inference.FirstRecord(tokenizer.values(), options_.header);
            if (options_.header) continue;
          }
          if (!options_.infer_types) break;  // the names were all there was to learn
          if (options_.sampling_ratio < 1 && static_cast<double>(record_number++ * 0x9E3779B97F4A7C15ull >> 32) >= options_.sampling_ratio * 4294967296.0) {
            continue;
          }
          inference.Record(tokenizer.values());
        }
      }
    }
  }

  Result<StructType> MergeNewFields(const std::vector<InputFile>& files, const StructType& known) const override {
    if (!single_variant_column_.empty()) return known;
    MS_ASSIGN_OR_RETURN(StructType found, InferSchema(files));
    return MergeNewFieldsInto(known, found, context_.case_sensitive);
  }

  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    MS_ASSIGN_OR_RETURN(ScanPlan plan, ScanPlan::Make(scan, options_.corrupt_record_column, context_.time_zone));
    if (!single_variant_column_.empty()) MS_RETURN_IF_ERROR(CheckSingleVariantSchema(scan, single_variant_column_, options_.corrupt_record_column));
    for (const StructField& field : plan.data_schema()) {
      if (field.type.IsNested()) {
        return Status::Error(errors::kUnsupportedDataTypeForSource,
                             {{"columnName", "`" + field.name + "`"}, {"columnType", "\"" + field.type.Sql() + "\""}, {"format", "CSV"}});
      }
    }
    CsvRowShape shape{.data_schema = plan.data_schema(),
                      .columns = plan.parsed_columns(),
                      .corrupt_record_column = plan.wants_corrupt_record() ? options_.corrupt_record_column : "",
                      .rescued_data_column = plan.wants_rescued_data() ? scan.rescued_data_column : "",
                      .rescue = !scan.rescued_data_column.empty() || scan.fail_on_new_fields,
                      .fail_on_new_fields = scan.fail_on_new_fields,
                      .by_name = scan.columns_by_name,
                      .quarantines = scan.bad_records != nullptr,
                      .is_single_variant = !single_variant_column_.empty()};
    return RowStreamPtr(std::make_unique<CsvRows>(options_, std::move(plan), std::move(shape), std::move(files), std::move(stats)));
  }

 private:
  const CsvOptions options_;
  const std::string single_variant_column_;  // not empty: a record is one VARIANT
  const FormatContext context_;
};

}  // namespace

Result<FileFormatPtr> MakeCsvFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(CsvOptions parsed, CsvOptions::From(options, context));
  return FileFormatPtr(std::make_shared<CsvFormat>(std::move(parsed), SingleVariantColumn(options), context));
}

}  // namespace millstream
