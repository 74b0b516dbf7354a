#include "connectors/files/quarantine.h"

#include <algorithm>
#include <tuple>

#include "connectors/files/files_errors.h"
#include "formats/column_builder.h"
#include "formats/json_scanner.h"
#include "formats/parse_mode.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kBytesMax = int64_t{1} << 30;
constexpr int64_t kBatchBytes = int64_t{16} << 20;
constexpr char kFileClass[] = "FAILED_READ_FILE";
// The format of a row that does not fit the table.
constexpr char kRowFormat[] = "json";
constexpr size_t kShownBytes = 200;

enum Column {
  kFilePath,
  kModified,
  kOffset,
  kLength,
  kLine,
  kColumn,
  kErrorClass,
  kReason,
  kRaw,
  kTruncated,
  kSchemaId,
  kTarget,
  kFormat,
  kOptions,
  kLoadedAt,
  kLoader,
  kLoadId,
  kRetryId
};

void AppendText(const std::string& text, ColumnBuilder& column) {
  if (text.empty()) {
    column.AppendNull();
  } else {
    column.AppendBytes(ValidUtf8(text));
  }
}

void AppendPair(std::string_view key, std::string_view value, ColumnBuilder& map) {
  map.child(0).AppendBytes(ValidUtf8(key));
  map.child(1).AppendBytes(ValidUtf8(value));
}

}  // namespace

const StructType& QuarantineSchema() {
  static const StructType schema({{"file_path", DataType::String()},
                                  {"file_modification_time", DataType::Timestamp()},
                                  {"byte_offset", DataType::Long()},
                                  {"byte_length", DataType::Long()},
                                  {"line", DataType::Long()},
                                  {"column", DataType::String()},
                                  {"error_class", DataType::String()},
                                  {"reason", DataType::String()},
                                  {"raw", DataType::Binary()},
                                  {"raw_truncated", DataType::Boolean()},
                                  {"schema_id", DataType::Long()},
                                  {"target", DataType::String()},
                                  {"format", DataType::String()},
                                  {"options", DataType::Map(DataType::String(), DataType::String())},
                                  {"loaded_at", DataType::Timestamp()},
                                  {"loader", DataType::String()},
                                  {"load_id", DataType::Long()},
                                  {"retry_id", DataType::Long()}});
  return schema;
}

Status QuarantineRows::Take(const BadRecord& record) {
  {
    std::lock_guard lock(mutex_);
    if (++taken_[static_cast<size_t>(record.file)] > kept_of_each_) return Status();
  }
  Kept kept{.record = record, .raw = std::string(record.raw.substr(0, static_cast<size_t>(quarantine::kRawBytesMax))), .header = std::string(record.header)};
  kept.record.raw = kept.record.header = {};
  std::lock_guard lock(mutex_);
  bytes_ += static_cast<int64_t>(sizeof(Kept) + kept.raw.size() + kept.header.size());
  if (bytes_ > kBytesMax) return Status::Error(errors::kQuarantineTooLarge, {{"records", std::to_string(kept_.size())}});
  kept_.push_back(std::move(kept));
  return Status();
}

void QuarantineRows::AddFile(const InputFile& file, const std::string& reason) {
  std::lock_guard lock(mutex_);
  left_out_.push_back(file);
  kept_.push_back({.record = {.file = static_cast<int32_t>(left_out_.size() - 1),
                              .byte_length = file.size_bytes,
                              .line = std::nullopt,
                              .column = "",
                              .error_class = kFileClass,
                              .reason = reason,
                              .raw = {}},
                   .raw = "",
                   .header = "",
                   .is_file = true});
}

bool QuarantineRows::empty() const {
  std::lock_guard lock(mutex_);
  return kept_.empty();
}

std::vector<const QuarantineRows::Kept*> QuarantineRows::Sorted() const {
  std::vector<const Kept*> sorted;
  for (const Kept& kept : kept_) sorted.push_back(&kept);
  // Rows have no place in the file: they stay in the order in which they came.
  std::stable_sort(sorted.begin(), sorted.end(), [](const Kept* a, const Kept* b) {
    auto place = [](const Kept* kept) { return std::tuple(kept->is_file, kept->record.file, std::string_view(kept->record.path), kept->record.byte_offset); };
    return place(a) < place(b);
  });
  return sorted;
}

std::vector<std::string> QuarantineRows::First(size_t count, std::optional<int32_t> file) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const Kept* kept : Sorted()) {
    const BadRecord& record = kept->record;
    if (lines.size() == count) break;
    if (kept->is_file || (file && record.file != *file)) continue;
    std::string line = record.path.empty() ? files_[static_cast<size_t>(record.file)].path : record.path;
    if (record.line) line += " line " + std::to_string(*record.line);
    if (!record.column.empty()) line += " column " + record.column;
    lines.push_back(line + ": " + record.reason + " In: " + ValidUtf8(std::string_view(kept->raw).substr(0, kShownBytes)));
  }
  return lines;
}

Result<std::vector<RecordBatchPtr>> QuarantineRows::Rows(const QuarantineLoad& load) const {
  std::lock_guard lock(mutex_);
  const std::vector<const Kept*> sorted = Sorted();
  const ArrowSchemaPtr schema = ToArrowSchema(QuarantineSchema());
  std::vector<RecordBatchPtr> batches;
  for (size_t next = 0; next < sorted.size();) {
    ColumnBuilder rows(DataType::Struct(QuarantineSchema()));
    auto column = [&](Column at) -> ColumnBuilder& { return rows.child(static_cast<size_t>(at)); };
    auto number = [&](Column at, std::optional<int64_t> value) { value ? column(at).AppendFixed(*value) : column(at).AppendNull(); };
    int64_t bytes = 0;
    for (; next < sorted.size() && bytes < kBatchBytes; ++next) {
      const Kept& kept = *sorted[next];
      const BadRecord& record = kept.record;
      const InputFile& file = (kept.is_file ? left_out_ : files_)[static_cast<size_t>(record.file)];
      const bool is_row = !kept.is_file && record.byte_offset == quarantine::kNoOffset;
      AppendText(record.path.empty() ? file.path : record.path, column(kFilePath));
      number(kModified, file.modified_ns / 1000);
      number(kOffset, is_row ? std::nullopt : std::optional(record.byte_offset));
      number(kLength, is_row ? std::nullopt : std::optional(record.byte_length));
      number(kLine, record.line);
      AppendText(record.column, column(kColumn));
      AppendText(record.error_class, column(kErrorClass));
      AppendText(record.reason, column(kReason));
      kept.is_file ? column(kRaw).AppendNull() : column(kRaw).AppendBytes(kept.raw);
      column(kTruncated).AppendFixed(static_cast<uint8_t>(static_cast<int64_t>(kept.raw.size()) < record.byte_length));
      number(kSchemaId, load.schema_id);
      // What becomes of a file that is left out whole is the loader's to say, once it is repaired.
      AppendText(kept.is_file ? "" : (is_row ? load.row_target : load.target).value_or(""), column(kTarget));
      AppendText(is_row ? kRowFormat : load.format, column(kFormat));
      ColumnBuilder& options = column(kOptions);
      if (is_row) {
        // Values of the path are in the row.
        AppendPair(quarantine::kTableRow, "true", options);
      } else {
        for (const auto& [name, value] : load.options) AppendPair(name, value, options);
        if (!kept.header.empty()) AppendPair(quarantine::kHeaderLine, kept.header, options);
        for (const auto& [name, value] : file.partition_values) {
          if (value) AppendPair(quarantine::kPartitionPrefix + name, *value, options);
        }
      }
      options.CloseList();
      number(kLoadedAt, load.loaded_ms * 1000);
      AppendText(load.loader, column(kLoader));
      number(kLoadId, load.load_id);
      column(kRetryId).AppendNull();
      rows.CloseStruct();
      bytes += static_cast<int64_t>(kept.raw.size() + kept.header.size()) + 1000;
    }
    const int64_t count = rows.size();
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (size_t i = 0; i < rows.child_count(); ++i) arrays.push_back(rows.child(i).Finish());
    batches.push_back(arrow::RecordBatch::Make(schema, count, std::move(arrays)));
  }
  return batches;
}

Result<OptionMap> WithQuarantine(OptionMap reader_options, const std::string& option) {
  if (auto mode = reader_options.find("mode"); mode != reader_options.end() && ParseModeFromText(mode->second) == ParseMode::kFailFast) {
    return Status::Error(errors::kInvalidOptionValue, {{"option", "mode"},
                                                       {"owner", "files"},
                                                       {"value", mode->second},
                                                       {"reason", option + " keeps bad records, and FAILFAST stops at the first; leave one of the two out"}});
  }
  // Neither the schema nor a row speaks of what goes elsewhere.
  reader_options["mode"] = "DROPMALFORMED";
  return reader_options;
}

}  // namespace millstream
