// json_format.cc   Files of JSON records, one a line or (multiLine) one text a file.

#include <vector>

#include "base/at_once.h"
#include "formats/bad_records.h"
#include "formats/format_makers.h"
#include "formats/formats_errors.h"
#include "formats/input_chunks.h"
#include "formats/json_options.h"
#include "formats/json_record_parser.h"
#include "formats/json_schema_inference.h"
#include "formats/rows_of_chunks.h"
#include "formats/scan_plan.h"
#include "formats/single_variant.h"

namespace millstream {
namespace {

// Calls `record(begin, end)` for each line of [begin, end); the byte at each line's end is a control character then.
template <typename Record>
Status ForEachLine(char* begin, char* end, const std::string& separator, Record&& record) {
  if (separator.empty()) {
    const char* p = begin;
    while (p < end) {
      const char* line_end = FindLineEnd(p, end);
      if (line_end > p) MS_RETURN_IF_ERROR(record(p, line_end));
      p = line_end + 1;
    }
    return Status::Ok();
  }
  for (char* p = begin; p < end;) {
    auto* found = static_cast<char*>(memmem(p, static_cast<size_t>(end - p), separator.data(), separator.size()));
    char* line_end = found == nullptr ? end : found;
    *line_end = '\n';
    if (line_end > p) MS_RETURN_IF_ERROR(record(p, line_end));
    p = line_end + (found == nullptr ? 0 : separator.size());
    if (found == nullptr) break;
  }
  return Status::Ok();
}

ChunkOptions ChunksOf(const JsonOptions& options) {
  return {.whole_files = options.multi_line || !options.line_separator.empty() || options.encoding != "UTF-8",
          .encoding = options.encoding,
          .ignore_missing_files = options.ignore_missing_files,
          .ignore_corrupt_files = options.ignore_corrupt_files};
}

struct JsonWorker {
  JsonWorker(const JsonOptions& options, const JsonRowShape& shape) : parser(options, shape) {}
  JsonRecordParser parser;
  InputChunk chunk;
};

class JsonRows : public RowsOfChunks<JsonWorker> {
 public:
  JsonRows(const JsonOptions& options, ScanPlan plan, JsonRowShape shape, std::vector<InputFile> files, std::shared_ptr<FileScanStats> stats)
      : RowsOfChunks(std::move(plan), std::move(files), ChunksOf(options), std::move(stats)),
        options_(options),
        shape_(std::move(shape)),
        lines_(Fs::Local()) {}

 private:
  std::unique_ptr<JsonWorker> NewWorker() const override { return std::make_unique<JsonWorker>(options_, shape_); }

  Result<int64_t> ParsePiece(JsonWorker& worker, const ChunkPiece& piece) override {
    JsonRecordParser& parser = worker.parser;
    const InputFile& file = FileOf(piece);
    parser.SetFile(plan().wants_rescued_data() ? HadoopPathString(file.path) : std::string_view());
    char *begin = worker.chunk.data + piece.begin, *end = worker.chunk.data + piece.end;
    const char* at = begin;
    Status status = options_.multi_line ? parser.Document(begin, end) : ForEachLine(begin, end, options_.line_separator, [&](const char* from, const char* to) {
      at = from;
      if (to - from <= kRecordBytesMax) [[likely]]
        return parser.Record(from, to);
      return parser.Refuse({from, static_cast<size_t>(to - from)}, "record of more than " + std::to_string(kRecordBytesMax) + " bytes");
    });
    if (!status.ok()) {
      return std::move(status).While("while reading " + UriFromPath(file.path) + " at byte " + std::to_string(piece.file_offset + (at - begin)));
    }
    if (!parser.has_bad()) return 0;
    return GiveBadRecords(*plan().bad_records(), parser.TakeBad(), piece, file, begin, lines_);
  }

  const JsonOptions options_;
  const JsonRowShape shape_;
  LineNumbers lines_;
};

class JsonFormat : public FileFormat {
 public:
  JsonFormat(JsonOptions options, std::string single_variant_column, FormatContext context)
      : options_(std::move(options)), single_variant_column_(std::move(single_variant_column)), context_(std::move(context)) {}

  const std::string& name() const override {
    static const std::string name = "json";
    return name;
  }

  Result<StructType> InferSchema(const std::vector<InputFile>& files) const override {
    if (!single_variant_column_.empty()) return StructType({{single_variant_column_, DataType::Variant()}});
    InputChunks chunks(Fs::Local(), files, ChunksOf(options_), nullptr);
    // A sample is counted off from the first record to the last.
    int64_t bytes = 0;
    for (const InputFile& file : files) bytes += file.size_bytes;
    const size_t threads = options_.sampling_ratio < 1 || bytes < kBytesWorthThreads ? 1 : static_cast<size_t>(std::max(1, context_.threads));
    std::vector<std::unique_ptr<JsonSchemaInference>> found(threads);
    MS_RETURN_IF_ERROR(DoAtOnce(threads, threads, [&](size_t part) {
      found[part] = std::make_unique<JsonSchemaInference>(options_, !context_.case_sensitive);
      return InferFrom(chunks, *found[part]);
    }));
    for (size_t part = 1; part < threads; ++part) found[0]->Merge(*found[part]);
    return found[0]->Finish();
  }

  Result<StructType> MergeNewFields(const std::vector<InputFile>& files, const StructType& known) const override {
    if (!single_variant_column_.empty()) return known;
    MS_ASSIGN_OR_RETURN(StructType found, InferSchema(files));
    return MergeNewFieldsInto(known, found, context_.case_sensitive);
  }

  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    MS_ASSIGN_OR_RETURN(ScanPlan plan, ScanPlan::Make(scan, options_.corrupt_record_column, context_.time_zone));
    if (!single_variant_column_.empty()) MS_RETURN_IF_ERROR(CheckSingleVariantSchema(scan, single_variant_column_, options_.corrupt_record_column));
    JsonRowShape shape{.data_schema = plan.data_schema(),
                       .columns = plan.parsed_columns(),
                       .corrupt_record_column = plan.wants_corrupt_record() ? options_.corrupt_record_column : "",
                       .rescued_data_column = plan.wants_rescued_data() ? scan.rescued_data_column : "",
                       .rescue = !scan.rescued_data_column.empty(),
                       .fail_on_new_fields = scan.fail_on_new_fields,
                       .quarantines = scan.bad_records != nullptr,
                       .is_single_variant = !single_variant_column_.empty()};
    return RowStreamPtr(std::make_unique<JsonRows>(options_, std::move(plan), std::move(shape), std::move(files), std::move(stats)));
  }

 private:
  static constexpr int64_t kBytesWorthThreads = 1 << 20;

  // Takes chunks until there are no more.
  Status InferFrom(InputChunks& chunks, JsonSchemaInference& inference) const {
    InputChunk chunk;
    uint64_t record_number = 0;
    while (true) {
      MS_ASSIGN_OR_RETURN(bool more, chunks.Next(&chunk));
      if (!more) return Status::Ok();
      for (const ChunkPiece& piece : chunk.pieces) {
        inference.SetPlace(piece.file, piece.file_offset);
        char *begin = chunk.data + piece.begin, *end = chunk.data + piece.end;
        auto record = [&](const char* from, const char* to) {
          // An even sample, the same one each time.
          bool sampled =
              options_.sampling_ratio >= 1 || static_cast<double>(record_number++ * 0x9E3779B97F4A7C15ull >> 32) < options_.sampling_ratio * 4294967296.0;
          return sampled && to - from <= kRecordBytesMax ? inference.Record(from, to) : Status::Ok();
        };
        MS_RETURN_IF_ERROR(options_.multi_line ? inference.Document(begin, end) : ForEachLine(begin, end, options_.line_separator, record));
      }
    }
  }

  const JsonOptions options_;
  const std::string single_variant_column_;  // not empty: a record is one VARIANT
  const FormatContext context_;
};

}  // namespace

Result<FileFormatPtr> MakeJsonFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(JsonOptions parsed, JsonOptions::From(options, context));
  return FileFormatPtr(std::make_shared<JsonFormat>(std::move(parsed), SingleVariantColumn(options), context));
}

}  // namespace millstream
