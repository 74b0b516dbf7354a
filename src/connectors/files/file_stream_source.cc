#include "connectors/files/file_stream_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "connectors/files/files_errors.h"
#include "connectors/files/partition_paths.h"
#include "connectors/files/sink_log.h"

namespace millstream {
namespace {

constexpr size_t kRecentStepsMax = 4;

StreamOffset EncodeOffset(int64_t step) { return {"{\"logOffset\":" + std::to_string(step) + "}"}; }

// Spark has also written the bare number.
Result<int64_t> DecodeOffset(const StreamOffset& offset) {
  nlohmann::json json = nlohmann::json::parse(offset.json, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("logOffset")) json = nlohmann::json(json["logOffset"]);
  if (!json.is_number_integer() || json.get<int64_t>() < -1)
    return Status::Error(errors::kOffsetUnreadable, {{"json", offset.json}, {"source", "file stream"}, {"reason", "it has no logOffset"}});
  return json.get<int64_t>();
}

}  // namespace

FileStreamSource::FileStreamSource(const FileStreamDefinition& definition, FileStreamOptions options, const std::string& directory)
    : definition_(definition),
      options_(std::move(options)),
      log_(definition.fs, definition.clock, directory, "files.source_log", definition.log_conf),
      seen_(options_.max_file_age_ms, options_.file_name_only),
      bad_records_(definition.bad_records_path ? std::make_shared<BadRecordsPath>(definition.fs, *definition.bad_records_path) : nullptr),
      number_(BaseName(directory)) {}

Result<std::unique_ptr<Source>> FileStreamSource::Create(const FileStreamDefinition& definition, const std::string& directory) {
  MS_ASSIGN_OR_RETURN(FileStreamOptions options, ParseFileStreamOptions(definition.options));
  std::unique_ptr<FileStreamSource> source(new FileStreamSource(definition, std::move(options), directory));
  MS_ASSIGN_OR_RETURN(source->cleaner_, SourceCleaner::Create(definition.fs, source->options_, definition.path));
  if (source->bad_records_) MS_RETURN_IF_ERROR(source->bad_records_->Prepare());
  MS_RETURN_IF_ERROR(source->Restore());
  return std::unique_ptr<Source>(std::move(source));
}

Status FileStreamSource::Restore() {
  MS_RETURN_IF_ERROR(log_.Open());
  MS_ASSIGN_OR_RETURN(LogLines lines, log_.All());
  for (const std::string& line : lines) {
    MS_ASSIGN_OR_RETURN(LoggedFile file, DecodeLine(line));
    seen_.Add(file.path, file.modified_ms);
  }
  seen_.Purge();
  last_step_ = log_.latest().value_or(-1);
  return Status();
}

// {"path":"file:///in/a.json","timestamp":1700000000000,"batchId":0}
Result<FileStreamSource::LoggedFile> FileStreamSource::DecodeLine(const std::string& line) const {
  nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  auto is_number = [&](const char* key) { return json.contains(key) && json[key].is_number_integer(); };
  if (!json.is_object() || !json.contains("path") || !json["path"].is_string() || !is_number("timestamp") || !is_number("batchId"))
    return Status::Error(errors::kFileLogUnreadable, {{"path", log_.directory()}, {"reason", "it has the line " + line.substr(0, 200)}});
  LoggedFile file{.path = {}, .modified_ms = json["timestamp"].get<int64_t>(), .step = json["batchId"].get<int64_t>()};
  MS_ASSIGN_OR_RETURN(file.path, PathFromLogUri(json["path"].get<std::string>()));
  return file;
}

Result<std::optional<StreamOffset>> FileStreamSource::LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) {
  int64_t after = -1;
  if (start) {
    MS_ASSIGN_OR_RETURN(after, DecodeOffset(*start));
  }
  if (after > last_step_)
    return Status::Error(errors::kFileLogUnreadable,
                         {{"path", log_.directory()}, {"reason", "the checkpoint is at its entry " + std::to_string(after) + ", which is missing"}});
  // A step that was logged before a crash, and not yet made a batch, is one now.
  if (after < last_step_) return std::optional(EncodeOffset(last_step_));
  std::vector<NewFile> files;
  if (!unread_.empty()) {
    files = std::exchange(unread_, {});
    std::erase_if(files, [this](const NewFile& file) { return !seen_.IsNew(file.path, file.modified_ms); });
  } else {
    MS_ASSIGN_OR_RETURN(files, ListNewFiles());
  }
  files = TakeForOneStep(std::move(files), limit.all);
  for (const NewFile& file : files) seen_.Add(file.path, file.modified_ms);
  seen_.Purge();
  if (files.empty()) return std::optional<StreamOffset>();
  MS_RETURN_IF_ERROR(AddStep(files));
  return std::optional(EncodeOffset(last_step_));
}

Status FileStreamSource::AddStep(const std::vector<NewFile>& files) {
  const int64_t step = last_step_ + 1;
  LogLines lines;
  std::vector<LoggedFile> logged;
  for (const NewFile& file : files) {
    nlohmann::ordered_json json;
    json["path"] = UriFromPath(file.path);
    json["timestamp"] = file.modified_ms;
    json["batchId"] = step;
    lines.push_back(json.dump());
    logged.push_back({file.path, file.modified_ms, step});
  }
  MS_RETURN_IF_ERROR(log_.Add(step, lines));
  last_step_ = step;
  recent_.emplace_back(step, std::move(logged));
  if (recent_.size() > kRecentStepsMax) recent_.pop_front();
  return Status();
}

// In the order in which they are to be read.
Result<std::vector<FileStreamSource::NewFile>> FileStreamSource::ListNewFiles() {
  std::vector<NewFile> files;
  if (frozen_) {
    for (const NewFile& file : *frozen_)
      if (seen_.IsNew(file.path, file.modified_ms)) files.push_back(file);
    return files;
  }
  Result<FoundFiles> found = FindFiles(
      definition_.fs, definition_.path, definition_.selection, [this](const std::string& path) { return seen_.Contains(path); }, &memory_);
  if (!found.ok()) {
    // A glob may match nothing yet, or nothing any more.
    if (HasGlob(definition_.path) && found.status().Is(errors::kPathNotFound)) return files;
    return found.status();
  }
  if (found->from_sink_log && cleaner_) return Status::Error(errors::kCleanSourceOfSink);
  int64_t too_old = 0;
  for (FoundFile& file : found->files) {
    const bool in_partition = !PartitionsOf(file.root, file.file.path).empty();
    if (!file.direct && !definition_.selection.all_below && !in_partition) continue;
    NewFile candidate{std::move(file.file.path), file.file.size_bytes, file.file.modified_ns / 1'000'000};
    if (seen_.IsNew(candidate.path, candidate.modified_ms)) {
      files.push_back(std::move(candidate));
    } else {
      ++too_old;
    }
  }
  if (too_old > 0) spdlog::debug("{}: {} files are older than maxFileAge allows and are left out", description(), too_old);
  std::stable_sort(files.begin(), files.end(), [this](const NewFile& a, const NewFile& b) {
    return options_.latest_first ? a.modified_ms > b.modified_ms : a.modified_ms < b.modified_ms;
  });
  return files;
}

// The limits of one trigger; what is left over stays for the next ones as long as it is worth it.
std::vector<FileStreamSource::NewFile> FileStreamSource::TakeForOneStep(std::vector<NewFile> files, bool all) {
  if (all || (!options_.files_max && !options_.bytes_max)) return files;
  size_t taken = 0;
  int64_t bytes = 0, left_bytes = 0;
  if (options_.files_max) {
    taken = std::min(files.size(), static_cast<size_t>(*options_.files_max));
  } else {
    while (taken < files.size() && (taken == 0 || bytes + files[taken].size_bytes <= *options_.bytes_max)) bytes += files[taken++].size_bytes;
    for (size_t i = taken; i < files.size(); ++i) left_bytes += files[i].size_bytes;
  }
  const auto left = static_cast<int64_t>(files.size() - taken);
  const double worth = options_.files_max ? static_cast<double>(*options_.files_max) : static_cast<double>(*options_.bytes_max);
  const bool few = static_cast<double>(options_.files_max ? left : left_bytes) < worth * options_.discard_cached_ratio;
  if (!options_.latest_first && options_.cached_files_max > 0 && left > 0 && !few) {
    const int64_t kept = std::min(left, options_.cached_files_max);
    unread_.assign(std::make_move_iterator(files.begin() + static_cast<int64_t>(taken)),
                   std::make_move_iterator(files.begin() + static_cast<int64_t>(taken) + kept));
  }
  files.resize(taken);
  return files;
}

Status FileStreamSource::PrepareForTriggerAvailableNow() {
  frozen_.reset();
  MS_ASSIGN_OR_RETURN(std::vector<NewFile> files, ListNewFiles());
  frozen_ = std::move(files);
  return Status();
}

Result<std::vector<FileStreamSource::LoggedFile>> FileStreamSource::FilesOfStep(int64_t step) {
  for (const auto& [known, files] : recent_)
    if (known == step) return files;
  MS_ASSIGN_OR_RETURN(std::optional<LogLines> lines, log_.Get(step));
  if (!lines) return Status::Error(errors::kFileLogUnreadable, {{"path", log_.directory()}, {"reason", "its entry " + std::to_string(step) + " is missing"}});
  std::vector<LoggedFile> files;
  for (const std::string& line : *lines) {
    MS_ASSIGN_OR_RETURN(LoggedFile file, DecodeLine(line));
    if (file.step == step) files.push_back(std::move(file));  // a compacted entry holds those before it too
  }
  return files;
}

Result<RowStreamPtr> FileStreamSource::ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) {
  int64_t after = -1;
  if (start) {
    MS_ASSIGN_OR_RETURN(after, DecodeOffset(*start));
  }
  MS_ASSIGN_OR_RETURN(int64_t through, DecodeOffset(end));
  std::vector<InputFile> inputs;
  MS_ASSIGN_OR_RETURN(PathGlob glob, PathGlob::Parse(definition_.path, PathGlob::Mode::kStrict));
  for (int64_t step = after + 1; step <= through; ++step) {
    MS_ASSIGN_OR_RETURN(std::vector<LoggedFile> files, FilesOfStep(step));
    for (LoggedFile& file : files) {
      InputFile input{.path = std::move(file.path), .modified_ns = file.modified_ms * 1'000'000, .partition_values = {}};
      // The log has no sizes. A file that is gone is the reader's to report, or to leave out.
      if (Result<FileInfo> info = definition_.fs.Stat(input.path); info.ok()) {
        input.size_bytes = info->size_bytes;
        input.modified_ns = info->modified_ns;
      }
      if (!definition_.schemas.partition.empty()) {
        const std::string root = definition_.selection.base_path.value_or(glob.RootOf(input.path));
        input.partition_values = PartitionValuesFor(definition_.schemas.partition, PartitionsOf(root, input.path));
      }
      if (input.size_bytes > 0 || definition_.format->reads_empty_files()) inputs.push_back(std::move(input));
    }
  }
  std::vector<std::string> names;
  names.reserve(inputs.size());
  for (const InputFile& input : inputs) names.push_back(input.path);
  source_files_ = std::make_shared<const std::vector<std::string>>(std::move(names));
  stats_ = std::make_shared<FileScanStats>();
  FileScan scan{.data_schema = definition_.schemas.data,
                .partition_schema = definition_.schemas.partition,
                .columns = needs.columns,
                .rescued_data_column = definition_.schemas.rescued_column};
  if (!bad_records_) return definition_.format->Read(std::move(inputs), scan, stats_);
  load_.loaded_ms = definition_.clock.WallMillis();
  return ReadKeepingBadRecords(*definition_.format, std::move(inputs), std::move(scan), stats_,
                               [keeper = bad_records_, load = load_](const QuarantineRows& left_out) { return keeper->Keep(load, left_out); });
}

void FileStreamSource::BeginBatch(const std::string& query_id, BatchId batch) {
  load_.loader = quarantine::kStreamLoader + query_id + (number_ == "0" ? "" : "/" + number_);
  load_.load_id = batch.value();
}

Status FileStreamSource::Commit(const StreamOffset& end) {
  if (!cleaner_) return Status();
  MS_ASSIGN_OR_RETURN(int64_t through, DecodeOffset(end));
  for (int64_t step = cleaned_through_ ? *cleaned_through_ + 1 : through; step <= through; ++step) {
    MS_ASSIGN_OR_RETURN(std::vector<LoggedFile> files, FilesOfStep(step));
    for (const LoggedFile& file : files) cleaner_->Clean(file.path);
  }
  cleaned_through_ = through;
  return Status();
}

}  // namespace millstream
