// text_format.cc   Files of lines, each a row of one string; or (wholetext) each file a row.

#include <arrow/util/utf8.h>

#include "formats/column_builder.h"
#include "formats/format_makers.h"
#include "formats/formats_errors.h"
#include "formats/input_chunks.h"
#include "formats/json_scanner.h"
#include "formats/scan_plan.h"

namespace millstream {
namespace {

struct TextOptions {
  bool whole_text = false;
  std::string line_separator;
  std::string encoding = "UTF-8";
  bool ignore_missing_files = false, ignore_corrupt_files = false;
};

const StructType& TextSchema() {
  static const StructType schema({{"value", DataType::String()}});
  return schema;
}

class TextRows : public RowStream {
 public:
  TextRows(const TextOptions& options, ScanPlan plan, std::vector<InputFile> files, std::shared_ptr<FileScanStats> stats)
      : options_(options),
        plan_(std::move(plan)),
        stats_(stats),
        chunks_(Fs::Local(), std::move(files),
                {.whole_files = options.whole_text || !options.line_separator.empty() || options.encoding != "UTF-8",
                 .encoding = options.encoding,
                 .ignore_missing_files = options.ignore_missing_files,
                 .ignore_corrupt_files = options.ignore_corrupt_files},
                std::move(stats)) {
    arrow::util::InitializeUTF8();
  }

  const ArrowSchemaPtr& schema() const override { return plan_.arrow_schema(); }

  Result<RecordBatchPtr> Next() override {
    InputChunk chunk;
    while (true) {
      MS_ASSIGN_OR_RETURN(bool more, chunks_.Next(&chunk));
      if (!more) return RecordBatchPtr();
      ColumnBuilder values(DataType::String());
      std::vector<FileRun> runs;
      for (const ChunkPiece& piece : chunk.pieces) {
        const int64_t before = values.size();
        Status status = AppendPiece(chunk, piece, values);
        if (!status.ok()) return std::move(status).While("while reading " + UriFromPath(chunks_.files()[static_cast<size_t>(piece.file)].path));
        runs.push_back({piece.file, values.size() - before});
      }
      const int64_t rows = values.size();
      if (rows == 0) continue;
      if (stats_) {
        stats_->rows_in += rows;
        stats_->rows_out += rows;
      }
      return Assemble(values, runs, rows);
    }
  }

 private:
  Result<RecordBatchPtr> Assemble(ColumnBuilder& values, const std::vector<FileRun>& runs, int64_t rows) const {
    std::vector<std::shared_ptr<arrow::Array>> parsed;
    std::shared_ptr<arrow::Array> text = values.Finish();
    for (const std::string& column : plan_.parsed_columns()) {
      if (plan_.data_schema().IndexOf(column)) {
        parsed.push_back(text);
        continue;
      }
      ColumnBuilder nothing_rescued(DataType::String());
      nothing_rescued.AppendNulls(rows);
      parsed.push_back(nothing_rescued.Finish());
    }
    return plan_.Assemble(std::move(parsed), chunks_.files(), runs, rows);
  }

  Status AppendPiece(const InputChunk& chunk, const ChunkPiece& piece, ColumnBuilder& values) const {
    const char* begin = chunk.data + piece.begin;
    const char* end = chunk.data + piece.end;
    // Hadoop's line reader skips the mark at a file's beginning.
    if (!options_.whole_text && piece.file_offset == 0 && std::string_view(begin, static_cast<size_t>(end - begin)).starts_with("\xEF\xBB\xBF")) begin += 3;
    const bool valid = arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(begin), end - begin);
    auto append = [&](const char* from, const char* to) {
      const std::string_view text(from, static_cast<size_t>(to - from));
      if (valid) [[likely]] {
        values.AppendBytes(text);
      } else {
        values.AppendBytes(ValidUtf8(text));
      }
    };
    if (options_.whole_text) {
      append(begin, end);
      return Status();
    }
    const std::string& separator = options_.line_separator;
    // Behind a piece whose last line end was cut off stands another one.
    if (piece.cut_line_end) ++end;
    while (begin < end) {
      const char* line_end = end;
      const char* next = end;
      if (separator.empty()) {
        line_end = FindLineEnd(begin, end);
        next = line_end + (line_end + 1 < end && line_end[0] == '\r' && line_end[1] == '\n' ? 2 : 1);
      } else if (const void* found = memmem(begin, static_cast<size_t>(end - begin), separator.data(), separator.size())) {
        line_end = static_cast<const char*>(found);
        next = line_end + separator.size();
      }
      if (line_end - begin > kRecordBytesMax)
        return Status::Unsupported("A line of more than 64 MiB in a text file", "Read the file with wholetext, or as binaryFile.");
      append(begin, line_end);
      begin = next;
    }
    return Status();
  }

  const TextOptions options_;
  const ScanPlan plan_;
  const std::shared_ptr<FileScanStats> stats_;
  InputChunks chunks_;
};

class TextFormat : public FileFormat {
 public:
  TextFormat(TextOptions options, FormatContext context) : options_(std::move(options)), context_(std::move(context)) {}

  const std::string& name() const override {
    static const std::string name = "text";
    return name;
  }
  bool reads_empty_files() const override { return options_.whole_text; }
  Result<StructType> InferSchema(const std::vector<InputFile>&) const override { return TextSchema(); }
  Result<StructType> MergeNewFields(const std::vector<InputFile>&, const StructType& known) const override { return known; }
  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    MS_ASSIGN_OR_RETURN(ScanPlan plan, ScanPlan::Make(scan, "", context_.time_zone));
    if (plan.data_schema().size() > 1) return Status::Error(errors::kTextColumns, {{"count", std::to_string(plan.data_schema().size())}});
    for (const StructField& field : plan.data_schema()) {
      if (field.type.id() != TypeId::kString) {
        return Status::Error(errors::kUnsupportedDataTypeForSource,
                             {{"format", "Text"}, {"columnName", "`" + field.name + "`"}, {"columnType", "\"" + field.type.Sql() + "\""}});
      }
    }
    return RowStreamPtr(std::make_unique<TextRows>(options_, std::move(plan), std::move(files), std::move(stats)));
  }

 private:
  const TextOptions options_;
  const FormatContext context_;
};

}  // namespace

const OptionTable& TextOptionTable() {
  using enum OptionType;
  static const OptionTable table("text",
                                 {{"compression", kString, "", "Of writing only: none, gzip, deflate, bzip2 or zstd.", "0.1"},
                                  {"encoding", kString, "UTF-8", "Encoding of the files.", "0.1"},
                                  {"ignoreCorruptFiles", kBool, "false", "Files that cannot be decompressed are left out and counted.", "0.1"},
                                  {"ignoreMissingFiles", kBool, "false", "Files that have vanished since they were listed are left out and counted.", "0.1"},
                                  {"lineSep", kString, "", "Ends a line; without one, \\n, \\r\\n and \\r.", "0.1"},
                                  {"wholetext", kBool, "false", "Each file is one row.", "0.1"}});
  return table;
}

Result<FileFormatPtr> MakeTextFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(OptionValues values, TextOptionTable().ParseKnown(options));
  TextOptions out{.whole_text = values.Bool("wholetext"), .line_separator = values.String("lineSep").value_or(""), .encoding = *values.String("encoding")};
  out.ignore_missing_files = values.Bool("ignoreMissingFiles");
  out.ignore_corrupt_files = values.Bool("ignoreCorruptFiles");
  if (out.encoding == "utf-8" || out.encoding == "UTF8" || out.encoding == "utf8") out.encoding = "UTF-8";
  return FileFormatPtr(std::make_shared<TextFormat>(std::move(out), context));
}

}  // namespace millstream
