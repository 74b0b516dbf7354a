#include "connectors/files/copy_source.h"

#include <algorithm>

#include "base/ignore_case.h"
#include "connectors/files/bad_records_path.h"
#include "connectors/files/cloud_files_options.h"
#include "connectors/files/file_stream_relation.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/listed_copy_source.h"

namespace millstream {
namespace {

// Of bad records that nobody keeps: as many as errors tell of.
constexpr int64_t kToldOfEachFile = 3;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

Status CheckOptionNames(const OptionMap& options, const std::string& format) {
  std::vector<std::string> names;
  for (const OptionTable* table : {&GenericFileOptionTable(), FileFormatOptions(format)}) {
    for (const OptionSpec& spec : table->specs()) names.emplace_back(spec.name);
  }
  for (const auto& [name, value] : options) {
    if (std::any_of(names.begin(), names.end(), [&](const std::string& known) { return EqualsIgnoreCase(known, name); })) continue;
    for (std::string_view not_built : {"datetimeRebaseMode", "int96RebaseMode"}) {
      if (EqualsIgnoreCase(not_built, name)) return Status::Unsupported("The option " + name + " of COPY INTO");
    }
    std::optional<std::string> meant = DidYouMean(name, names);
    return Status::Error(errors::kUnknownOption, {{"option", name},
                                                  {"owner", "COPY INTO (" + format + ")"},
                                                  {"hint", meant ? "Did you mean `" + *meant + "`?" : "FORMAT_OPTIONS are those of spark.read."}});
  }
  return Status();
}

// A CSV header names the columns of its own file, wherever they stand in another one's.
bool HasHeader(const std::string& format, const OptionMap& options) {
  auto header = options.find("header");
  return format == "csv" && header != options.end() && ParseBool(header->second).value_or(false);
}

}  // namespace

ListedCopySource::ListedCopySource(const FilesContext& context, const CopySourceOptions& options, std::string path)
    : fs_(context.fs),
      path_(std::move(path)),
      name_(Lower(options.format) + " " + HadoopPathString(path_)),
      force_(options.force),
      replay_(options.replay),
      changed_(options.changed),
      quarantines_(options.quarantines),
      errors_(options.errors),
      zero_copy_(options.zero_copy) {}

Status ListedCopySource::Prepare(const FilesContext& context, const CopySourceOptions& options) {
  const std::string format = Lower(options.format);
  reader_options_ = options.format_options;
  // Files may go between the listing and the reading: that is no reason to load none of the others.
  reader_options_.try_emplace("ignoreMissingFiles", "true");
  // Only who rescues what fits no column may want "ID" and "id" apart: otherwise one of the two would be nulls.
  if (!context.format.case_sensitive && !reader_options_.contains("rescuedDataColumn")) reader_options_.try_emplace("readerCaseSensitive", "false");
  MS_ASSIGN_OR_RETURN(std::optional<std::string> bad_records_path, TakeBadRecordsPath(reader_options_));
  if (errors_.goes_on() && !bad_records_path) {
    MS_ASSIGN_OR_RETURN(reader_options_, WithQuarantine(std::move(reader_options_), quarantines_ ? "quarantineTable" : "onError"));
  }
  FormatContext format_context = context.format;
  format_context.infer_column_types = true;
  MS_ASSIGN_OR_RETURN(
      format_, context.make_format ? context.make_format(format, reader_options_, format_context) : MakeFileFormat(format, reader_options_, format_context));
  if (FileFormatOptions(format) != nullptr) MS_RETURN_IF_ERROR(CheckOptionNames(options.format_options, format));
  has_header_ = HasHeader(format, options.format_options);
  MS_ASSIGN_OR_RETURN(selection_, ParseFileSelection(options.format_options, context.format.time_zone));
  if (auto name = options.format_options.find("fileNamePattern"); name != options.format_options.end() && !selection_.name_filter) {
    MS_ASSIGN_OR_RETURN(selection_.name_filter, NameGlob::Parse(name->second));
  }
  if (bad_records_path && selection_.all_below && !options.names_files) {
    MS_ASSIGN_OR_RETURN(const PathGlob source, PathGlob::Parse(path_, PathGlob::Mode::kStrict));
    MS_RETURN_IF_ERROR(RefuseBadRecordsAmongFiles(*bad_records_path, source, selection_.name_filter, "COPY INTO"));
  }
  selection_.skip_unfinished = true;
  selection_.ignore_sink_log = context.ignore_sink_log;
  return Status();
}

void ListedCopySource::TakeSample(size_t files_max, int64_t bytes_max) {
  int64_t bytes = 0;
  for (const InputFile& file : files_) bytes += file.size_bytes;
  const size_t by_bytes = bytes <= bytes_max ? files_.size() : static_cast<size_t>(static_cast<double>(bytes_max) / static_cast<double>(bytes) * files_.size());
  const size_t wanted = std::clamp<size_t>(std::min(files_max, by_bytes), std::min<size_t>(files_.size(), 1), files_.size());
  std::vector<InputFile> sample;
  for (size_t i = 0; i < wanted; ++i) sample.push_back(std::move(files_[i * files_.size() / wanted]));
  files_ = std::move(sample);
}

std::string ListedCopySource::FirstMalformed(const FilesContext& context) const {
  OptionMap options = reader_options_;
  options["mode"] = "FAILFAST";
  Result<std::shared_ptr<const FileFormat>> strict =
      context.make_format ? context.make_format(format_->name(), options, context.format) : MakeFileFormat(format_->name(), options, context.format);
  if (!strict.ok()) return strict.status().text();
  FileScan scan{.data_schema = data_schema_, .partition_schema = {}, .columns = {}, .rescued_data_column = "", .columns_by_name = has_header_};
  for (const StructField& field : data_schema_) scan.columns.push_back(field.name);
  Result<RowStreamPtr> rows = (*strict)->Read(files_, scan, nullptr);
  if (!rows.ok()) return rows.status().message();
  for (;;) {
    Result<RecordBatchPtr> batch = (*rows)->Next();
    if (!batch.ok()) return batch.status().message();
    if (!*batch) return "";
  }
}

Result<std::shared_ptr<const BatchRelationSource>> ListedCopySource::Open(const StructType& table) {
  scan_ = std::make_shared<CopyScan>(files_, errors_.goes_on(), quarantines_ ? INT64_MAX : kToldOfEachFile,
                                     zero_copy_ ? std::make_shared<WholeFiles>(*zero_copy_) : nullptr);
  const UnresolvedDataSource relation{.format = format_->name(), .schema = {}, .options = reader_options_, .paths = {}};
  MS_ASSIGN_OR_RETURN(FileSchemas schemas, ResolveFileSchemas(relation, Lower(format_->name()), *format_, files_, partitions_));
  if (schemas.all.empty() && !table.empty()) schemas = CombineFileSchemas(StructType({{table[0].name, DataType::String()}}), {}, false, "");
  data_schema_ = schemas.data;
  return MakeCopyRelation(name_, format_, std::move(schemas), has_header_, scan_);
}

Result<std::unique_ptr<CopySource>> CopySource::Find(const FilesContext& context, const CopySourceOptions& options, const TableLedger& ledger) {
  constexpr std::string_view kFormats[] = {"csv", "json", "ndjson", "avro", "orc", "parquet", "text", "binaryfile", "xml"};
  if (std::find(std::begin(kFormats), std::end(kFormats), Lower(options.format)) == std::end(kFormats)) return Status::Error(errors::kCopyIntoSourceFormat);
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(options.source));
  auto source = std::make_unique<ListedCopySource>(context, options, NormalizePath(path));
  MS_RETURN_IF_ERROR(source->Prepare(context, options));
  MS_RETURN_IF_ERROR(source->Find(context.clock, options, ledger));
  return std::unique_ptr<CopySource>(std::move(source));
}

}  // namespace millstream
