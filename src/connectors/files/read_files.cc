#include "connectors/files/read_files.h"

#include <algorithm>

#include "base/ignore_case.h"
#include "connectors/api/table.h"
#include "connectors/files/bad_records_path.h"
#include "connectors/files/cloud_files_relation.h"
#include "connectors/files/file_gone.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/partition_paths.h"

namespace millstream {
namespace {

class ReadFilesTable : public BatchRelationSource {
 public:
  ReadFilesTable(CloudFilesDefinition definition, std::vector<InputFile> files) : definition_(std::move(definition)), files_(std::move(files)) {}
  std::string name() const override { return "read_files " + HadoopPathString(definition_.glob.pattern()); }
  const StructType& schema() const override { return definition_.schema; }
  const StructType& metadata_schema() const override { return definition_.format->metadata_schema(); }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    FileScan scan = definition_.scan(needs.columns);
    if (definition_.bad_records_path) {
      return ReadKeepingBadRecords(definition_.fs, definition_.clock, *definition_.bad_records_path, *definition_.format, files_, std::move(scan));
    }
    return definition_.format->Read(files_, scan, std::make_shared<FileScanStats>());
  }

 private:
  const CloudFilesDefinition definition_;
  const std::vector<InputFile> files_;
};

std::string FormatOfName(std::string_view name) {
  // Behind the ending of a codec: "a.json.gz".
  for (std::string_view codec : {".gz", ".bz2", ".zst", ".snappy", ".lz4", ".deflate", ".xz"})
    if (name.ends_with(codec)) name.remove_suffix(codec.size());
  static constexpr std::pair<std::string_view, std::string_view> kEndings[] = {{".json", "json"}, {".jsonl", "json"},      {".ndjson", "json"}, {".csv", "csv"},
                                                                               {".tsv", "csv"},   {".parquet", "parquet"}, {".avro", "avro"},   {".orc", "orc"},
                                                                               {".xml", "xml"},   {".txt", "text"},        {".text", "text"}};
  for (const auto& [ending, format] : kEndings)
    if (name.ends_with(ending)) return std::string(format);
  return "";
}

// What the first file with a telling name says.
Result<std::string> DetectFormat(Fs& fs, const std::string& uri, const OptionMap& options) {
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(uri));
  auto loose = options.find("cloudFiles.useStrictGlobber");
  const bool strict = loose == options.end() || ParseBool(loose->second).value_or(true);
  MS_ASSIGN_OR_RETURN(PathGlob glob, PathGlob::Parse(path, strict ? PathGlob::Mode::kStrict : PathGlob::Mode::kLoose));
  ListerOptions listing{.glob = std::move(glob)};
  FileLister lister(fs, listing, nullptr);
  constexpr int kNamesMax = 1000;
  int names = 0;
  while (names < kNamesMax) {
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister.Next());
    if (!listed) break;
    for (size_t i = 0; i < listed->names.size() && names < kNamesMax; ++i, ++names) {
      std::string format = FormatOfName(listed->names[i]);
      if (!format.empty()) return format;
    }
  }
  return Status::Error(errors::kInvalidOptionValue,
                       {{"option", "format"},
                        {"owner", "read_files"},
                        {"value", ""},
                        {"reason", "the names of the files below " + HadoopPathString(path) + " do not tell it: add format => 'json', 'csv', 'parquet' …"}});
}

Result<std::vector<InputFile>> FilesNow(const CloudFilesDefinition& definition) {
  const DiscoveryOptions discovery = definition.discovery_options();
  FileLister lister(definition.fs, discovery.lister, nullptr);
  std::vector<InputFile> files;
  for (;;) {
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister.Next());
    if (!listed) break;
    for (size_t i = 0; i < listed->names.size(); ++i) {
      InputFile file{.path = JoinPath(listed->path, listed->names[i])};
      Result<FileInfo> info = definition.fs.Stat(file.path);
      if (!info.ok() && IsGone(info.status())) continue;
      MS_RETURN_IF_ERROR(info.status());
      if (!info->is_regular || (info->size_bytes == 0 && !discovery.load_empty_files)) continue;
      if (discovery.modified_after_ns && info->modified_ns <= *discovery.modified_after_ns) continue;
      if (discovery.modified_before_ns && info->modified_ns >= *discovery.modified_before_ns) continue;
      file.size_bytes = info->size_bytes;
      file.modified_ns = info->modified_ns;
      if (!definition.partition_schema.empty()) {
        file.partition_values = PartitionValuesFor(definition.partition_schema, PartitionsOf(definition.glob.base(), file.path));
      }
      files.push_back(std::move(file));
    }
  }
  if (definition.options.file_order != FileOrder::kDiscovery) {
    const bool by_time = definition.options.file_order == FileOrder::kModificationTime;
    std::sort(files.begin(), files.end(), [&](const InputFile& a, const InputFile& b) {
      return by_time && a.modified_ns != b.modified_ns ? a.modified_ns < b.modified_ns : a.path < b.path;
    });
  }
  return files;
}

}  // namespace

OptionMap AutoLoaderOptions(const OptionMap& arguments) {
  OptionMap options;
  for (const auto& [name, value] : arguments) {
    std::string prefixed = "cloudFiles." + name;
    const bool is_ours = CloudFilesOptionTable().Knows(prefixed) && !GenericFileOptionTable().Knows(name);
    options.emplace(is_ours ? std::move(prefixed) : name, value);
  }
  options.try_emplace("cloudFiles.inferColumnTypes", "true");
  options.try_emplace("cloudFiles.useStrictGlobber", "true");
  return options;
}

Status CheckArgumentNames(const OptionMap& arguments, const std::string& function, const std::string& format) {
  if (auto validate = arguments.find("validateOptions"); validate != arguments.end() && ParseBool(validate->second) == false) return Status();
  std::vector<std::string> names{"schema"};
  constexpr std::string_view kPrefix = "cloudFiles.";
  for (const OptionSpec& spec : CloudFilesOptionTable().specs()) names.emplace_back(spec.name.substr(kPrefix.size()));
  for (const UnsupportedOption& option : UnsupportedCloudFilesOptions())
    names.emplace_back(option.name.starts_with(kPrefix) ? option.name.substr(kPrefix.size()) : option.name);
  for (const OptionTable* table : {&GenericFileOptionTable(), FileFormatOptions(format)}) {
    if (table == nullptr) continue;
    for (const OptionSpec& spec : table->specs()) names.emplace_back(spec.name);
  }
  for (const auto& [name, value] : arguments) {
    const bool known = std::any_of(names.begin(), names.end(), [&](const std::string& other) { return EqualsIgnoreCase(other, name); });
    if (known || name.starts_with(kPrefix)) continue;
    std::optional<std::string> meant = DidYouMean(name, names);
    return Status::Error(
        errors::kUnknownOption,
        {{"option", name}, {"owner", function}, {"hint", meant ? "Did you mean `" + *meant + "`?" : "To let it pass, add validateOptions => false."}});
  }
  return Status();
}

Result<RelationSourcePtr> OpenReadFiles(const UnresolvedDataSource& call, const FilesContext& context) {
  UnresolvedDataSource relation = call;
  relation.format = "cloudFiles";
  relation.options = AutoLoaderOptions(call.options);
  if (!relation.options.contains("cloudFiles.format") && !call.paths.empty()) {
    MS_ASSIGN_OR_RETURN(relation.options["cloudFiles.format"], DetectFormat(context.fs, call.paths[0], relation.options));
  }
  MS_RETURN_IF_ERROR(CheckArgumentNames(call.options, "read_files", relation.options["cloudFiles.format"]));
  if (call.is_streaming) return OpenCloudFiles(relation, context);
  MS_ASSIGN_OR_RETURN(CloudFilesDefinition definition, DefineCloudFiles(relation, context));
  MS_ASSIGN_OR_RETURN(std::vector<InputFile> files, FilesNow(definition));
  return RelationSourcePtr(std::make_shared<ReadFilesTable>(std::move(definition), std::move(files)));
}

}  // namespace millstream
