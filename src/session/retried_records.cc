#include "session/retried_records.h"

#include <arrow/array.h>

#include <algorithm>

#include "base/ignore_case.h"
#include "base/option_table.h"
#include "connectors/files/cloud_files_options.h"
#include "connectors/files/file_listing.h"
#include "connectors/files/file_stream_relation.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/quarantine.h"
#include "formats/archive.h"
#include "formats/bad_records.h"
#include "formats/input_bytes.h"
#include "formats/source_file_column.h"
#include "session/names.h"
#include "types/generated_column.h"

namespace millstream {
namespace {

constexpr int64_t kReadBytes = 256 << 10;
constexpr char kGone[] = "FILE_CHANGED_SINCE";

// A record whose text is longer than what the table keeps.
Result<std::string> ReadRange(const RetriedRecord& record) {
  MS_ASSIGN_OR_RETURN(const InputFile file, FindInput(Fs::Local(), record.file_path));
  if (file.modified_ns / 1000 != record.modified_us) return Status::Unsupported("the file has changed since, and of the record only the first MiB was kept");
  MS_ASSIGN_OR_RETURN(std::unique_ptr<Decompressor> bytes, OpenDecompressed(Fs::Local(), file));
  std::string raw, part(static_cast<size_t>(kReadBytes), '\0');
  for (int64_t at = 0; at < record.byte_offset + record.byte_length;) {
    MS_ASSIGN_OR_RETURN(int64_t got, bytes->Read(part.data(), kReadBytes));
    if (got == 0) break;
    const int64_t from = std::clamp<int64_t>(record.byte_offset - at, 0, got);
    const int64_t to = std::clamp<int64_t>(record.byte_offset + record.byte_length - at, 0, got);
    raw.append(part.data() + from, static_cast<size_t>(to - from));
    at += got;
  }
  return raw;
}

// Tells for each file whether it is bad, and why.
class BadFiles : public BadRecords {
 public:
  explicit BadFiles(std::vector<RetriedRecord*> records) : records_(std::move(records)) {}

 private:
  Status Take(const BadRecord& record) override {
    std::lock_guard lock(mutex_);
    RetriedRecord& retried = *records_[static_cast<size_t>(record.file)];
    if (!retried.is_good) return Status();
    retried.is_good = false;
    retried.error_class = record.error_class;
    retried.reason = record.reason;
    return Status();
  }
  const std::vector<RetriedRecord*> records_;
  std::mutex mutex_;
};

bool IsUtf8(const OptionMap& options) {
  for (const char* name : {"encoding", "charset"}) {
    auto found = options.find(name);
    if (found != options.end() && !EqualsIgnoreCase(found->second, "UTF-8") && !EqualsIgnoreCase(found->second, "UTF8")) return false;
  }
  return true;
}

// The record as a file of its own; its path is still that of the file it came from.
Result<InputFile> AsFile(const RetriedRecord& record, const OptionMap& options) {
  std::string text = record.raw.value_or("");
  // Somebody who has put another text there means that one.
  if (record.is_truncated && static_cast<int64_t>(text.size()) == quarantine::kRawBytesMax) {
    if (!record.has_range) return Status::Unsupported("of the record only the first MiB was kept, and where it stands in its file is not known");
    if (!IsUtf8(options)) return Status::Unsupported("of the record only the first MiB was kept, and its file is not in UTF-8");
    MS_ASSIGN_OR_RETURN(text, ReadRange(record));
  }
  auto header = options.find("header");
  if (!record.header.empty() && header != options.end() && ParseBool(header->second).value_or(false)) {
    auto separator = options.find("lineSep");
    text = record.header + (separator == options.end() ? "\n" : separator->second) + text;
  }
  const auto size = static_cast<int64_t>(text.size());
  return InputFile{.path = record.file_path,
                   .size_bytes = size,
                   .modified_ns = record.modified_us * 1000,
                   .partition_values = record.partition_values,
                   .content = std::make_shared<const std::string>(std::move(text))};
}

OptionMap ReaderOptions(const RetryGroup& group) {
  OptionMap options = group.options;
  options.erase("encoding");
  options.erase("charset");
  if (group.format == "csv") options["skipRows"] = "0";
  options["mode"] = "DROPMALFORMED";
  return options;
}

Status CheckOverrides(const OptionMap& overrides, const std::string& format) {
  std::vector<std::string> names{"mergeSchema"};
  for (const OptionTable* table : {&GenericFileOptionTable(), FileFormatOptions(format)}) {
    if (table == nullptr) continue;
    for (const OptionSpec& spec : table->specs()) names.emplace_back(spec.name);
  }
  for (const auto& [name, value] : overrides) {
    if (std::any_of(names.begin(), names.end(), [&](const std::string& known) { return EqualsIgnoreCase(known, name); })) continue;
    std::optional<std::string> meant = DidYouMean(name, names);
    return Status::Error(errors::kUnknownOption, {{"option", name},
                                                  {"owner", "RETRY QUARANTINE (" + format + ")"},
                                                  {"hint", meant ? "Did you mean `" + *meant + "`?" : "OPTIONS are those of spark.read, and mergeSchema."}});
  }
  return Status();
}

// Single values are read as texts: whoever mends a row may write 7 or "7". What JSON has its own form for stays what it is.
StructType AsTexts(const StructType& table) {
  StructType texts;
  for (StructField field : table) {
    if (!field.type.IsNested() && field.type.id() != TypeId::kBinary) field.type = DataType::String();
    field.nullable = true;
    texts.Add(std::move(field));
  }
  return texts;
}

StructType PartitionColumns(const std::vector<RetriedRecord*>& records, const StructType& table) {
  StructType columns;
  for (const RetriedRecord* record : records) {
    for (const auto& [name, value] : record->partition_values) {
      if (columns.IndexOf(name)) continue;
      std::optional<size_t> at = table.IndexOf(name);
      columns.Add({name, at ? table[*at].type : DataType::String()});
    }
  }
  return columns;
}

}  // namespace

Result<std::vector<RetriedRecord>> RecordsOf(const std::vector<RecordBatchPtr>& rows) {
  std::vector<RetriedRecord> records;
  for (const RecordBatchPtr& batch : rows) {
    auto text = [&](int column, int64_t row) {
      const auto& array = static_cast<const arrow::BinaryArray&>(*batch->column(column));
      return array.IsNull(row) ? std::string() : array.GetString(row);
    };
    auto number = [&](int column, int64_t row) {
      const auto& array = *batch->column(column);
      // A timestamp is its microseconds.
      return array.IsNull(row) ? int64_t{0} : static_cast<const arrow::PrimitiveArray&>(array).data()->GetValues<int64_t>(1)[row];
    };
    const auto& options = static_cast<const arrow::MapArray&>(*batch->column(8));
    const auto& keys = static_cast<const arrow::BinaryArray&>(*options.keys());
    const auto& values = static_cast<const arrow::BinaryArray&>(*options.items());
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      RetriedRecord record{.file_path = text(0, row),
                           .modified_us = number(1, row),
                           .byte_offset = number(2, row),
                           .byte_length = number(3, row),
                           .raw = std::nullopt,
                           .is_truncated = batch->column(5)->IsValid(row) && static_cast<const arrow::BooleanArray&>(*batch->column(5)).Value(row),
                           .target = text(6, row),
                           .format = text(7, row),
                           .loader = text(9, row),
                           .load_id = number(10, row)};
      record.has_range = batch->column(2)->IsValid(row);
      if (batch->column(4)->IsValid(row)) record.raw = text(4, row);
      for (int64_t i = options.value_offset(row); options.IsValid(row) && i < options.value_offset(row + 1); ++i) {
        const std::string key = keys.GetString(i), value = values.IsNull(i) ? "" : values.GetString(i);
        constexpr std::string_view kPartition = quarantine::kPartitionPrefix;
        if (key == quarantine::kTableRow) {
          record.is_row = true;
        } else if (key == quarantine::kHeaderLine) {
          record.header = value;
        } else if (key.starts_with(kPartition)) {
          record.partition_values[key.substr(kPartition.size())] = value;
        } else {
          record.options[key] = value;
        }
      }
      records.push_back(std::move(record));
    }
  }
  return records;
}

std::vector<RetryGroup> GroupRecords(std::vector<RetriedRecord>& records, const OptionMap& overrides) {
  std::vector<RetryGroup> groups;
  for (RetriedRecord& record : records) {
    RetryGroup wanted{.target = record.target,
                      .format = record.format,
                      .is_copy = record.loader.starts_with(quarantine::kCopyLoader),
                      .is_row = record.is_row,
                      .options = record.options,
                      .overrides = overrides};
    for (const auto& [name, value] : overrides) wanted.options[name] = value;
    auto found = std::find_if(groups.begin(), groups.end(), [&](const RetryGroup& group) {
      return group.target == wanted.target && group.format == wanted.format && group.is_copy == wanted.is_copy && group.is_row == wanted.is_row &&
             group.options == wanted.options;
    });
    if (found == groups.end()) found = groups.insert(groups.end(), std::move(wanted));
    found->records.push_back(&record);
  }
  return groups;
}

Result<RetriedRows> ParseGroup(RetryGroup& group, const StructType& table, bool adds_columns, FormatContext context) {
  MS_RETURN_IF_ERROR(CheckOverrides(group.overrides, group.format));
  std::vector<InputFile> files;
  std::vector<RetriedRecord*> parsed;
  for (RetriedRecord* record : group.records) {
    Result<InputFile> file = AsFile(*record, group.options);
    record->is_good = file.ok();
    if (!file.ok()) {
      record->error_class = kGone;
      record->reason = file.status().text();
      continue;
    }
    files.push_back(std::move(*file));
    parsed.push_back(record);
  }
  const OptionMap options = ReaderOptions(group);
  context.infer_column_types = true;
  MS_ASSIGN_OR_RETURN(std::shared_ptr<const FileFormat> format, MakeFileFormat(group.format, options, context));
  const StructType partitions = PartitionColumns(parsed, table);
  FileSchemas schemas;
  if (group.is_copy && !group.is_row) {
    const UnresolvedDataSource relation{.format = group.format, .schema = {}, .options = options, .paths = {}};
    MS_ASSIGN_OR_RETURN(schemas, ResolveFileSchemas(relation, group.format, *format, files, partitions));
    if (schemas.all.empty() && !table.empty()) schemas = CombineFileSchemas(StructType({{table[0].name, DataType::String()}}), {}, false, "");
  } else {
    auto rescued = options.find("rescuedDataColumn");
    const std::string rescued_column = rescued == options.end() ? "" : rescued->second;
    StructType data;
    for (const StructField& field : table) {
      // Generated columns follow from the others, whatever they were before these were mended.
      const bool is_read = field.name != rescued_column && !partitions.IndexOf(field.name) && !GenerationExpressionOf(field);
      if (is_read) data.Add(field);
    }
    if (adds_columns) {
      MS_ASSIGN_OR_RETURN(data, format->MergeNewFields(files, data));
    }
    if (group.is_row) data = AsTexts(data);
    schemas = CombineFileSchemas(data, partitions, true, rescued_column);
  }
  // Once to find the good records, once for the rows of these alone: a text that was edited may be good in part.
  RetriedRows rows{.schema = schemas.all, .records = {}, .batches = {}};
  rows.schema.Add({std::string(kSourceFileColumn), DataType::Integer(), false});
  for (const bool only_good : {false, true}) {
    std::vector<InputFile> read;
    rows.records.clear();
    for (size_t i = 0; i < files.size(); ++i) {
      if (only_good && !parsed[i]->is_good) continue;
      read.push_back(files[i]);
      rows.records.push_back(parsed[i]);
    }
    auto stats = std::make_shared<FileScanStats>();
    stats->outcomes = std::make_shared<FileOutcomes>(read.size());
    FileScan scan{.data_schema = schemas.data,
                  .partition_schema = schemas.partition,
                  .columns = {},
                  .rescued_data_column = schemas.rescued_column,
                  .columns_by_name = true,
                  .outcomes = stats->outcomes};
    for (const StructField& field : rows.schema) scan.columns.push_back(field.name);
    if (!only_good) scan.bad_records = std::make_shared<BadFiles>(parsed);
    MS_ASSIGN_OR_RETURN(RowStreamPtr stream, format->Read(std::move(read), scan, stats));
    MS_ASSIGN_OR_RETURN(rows.batches, Drain(*stream));
    MS_RETURN_IF_ERROR(stats->CheckCounts(scan.bad_records.get()));
  }
  return rows;
}

}  // namespace millstream
