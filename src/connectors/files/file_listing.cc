#include "connectors/files/file_listing.h"

#include "connectors/files/cloud_files_options.h"
#include "connectors/files/file_lister.h"
#include "connectors/files/file_gone.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/shared_directories.h"
#include "connectors/files/sink_log.h"

namespace millstream {
namespace {

// A directory's time may stand still for so long while names come: as FileDiscovery has it.
constexpr int64_t kTickMarginNs = 100'000'000;
constexpr int64_t kFullListingPauseUs = 1'000'000, kFullListingShare = 100;

bool InTimeRange(const FileSelection& selection, int64_t modified_ns) {
  return !(selection.modified_after_ns && modified_ns <= *selection.modified_after_ns) &&
         !(selection.modified_before_ns && modified_ns >= *selection.modified_before_ns);
}

Result<FoundFiles> FilesOfSinkLog(Fs& fs, const std::string& path, const FileSelection& selection, const std::function<bool(const std::string& path)>& skip) {
  MS_ASSIGN_OR_RETURN(std::vector<SinkFile> written, ReadSinkLog(fs, path));
  FoundFiles found{.files = {}, .from_sink_log = true};
  for (SinkFile& file : written) {
    if (skip && skip(file.path)) continue;
    if ((selection.name_filter && !selection.name_filter->Matches(BaseName(file.path))) || !InTimeRange(selection, file.modified_ms * 1'000'000)) continue;
    const bool direct = ParentPath(file.path) == path;
    found.files.push_back(
        {.file = {.path = std::move(file.path), .size_bytes = file.size_bytes, .modified_ns = file.modified_ms * 1'000'000, .partition_values = {}},
         .root = selection.base_path.value_or(path),
         .direct = direct});
  }
  return found;
}

}  // namespace

Result<FileSelection> ParseFileSelection(const OptionMap& options, const std::string& time_zone) {
  MS_ASSIGN_OR_RETURN(OptionValues values, GenericFileOptionTable().ParseKnown(options));
  FileSelection selection;
  if (auto pattern = values.String("pathGlobFilter")) {
    MS_ASSIGN_OR_RETURN(selection.name_filter, NameGlob::Parse(*pattern));
  }
  if (auto time = values.String("modifiedAfter")) {
    MS_ASSIGN_OR_RETURN(selection.modified_after_ns, ParseModifiedTime("modifiedAfter", *time, time_zone));
  }
  if (auto time = values.String("modifiedBefore")) {
    MS_ASSIGN_OR_RETURN(selection.modified_before_ns, ParseModifiedTime("modifiedBefore", *time, time_zone));
  }
  selection.start_after = values.String("startAfter");
  if (auto base = values.String("basePath")) {
    MS_ASSIGN_OR_RETURN(selection.base_path, PathFromUri(*base));
  }
  selection.all_below = values.Bool("recursiveFileLookup");
  return selection;
}

Result<FoundFiles> FindFiles(Fs& fs, const std::string& path, const FileSelection& selection, const std::function<bool(const std::string& path)>& skip,
                             ListingMemory* memory) {
  MS_ASSIGN_OR_RETURN(PathGlob glob, PathGlob::Parse(path, PathGlob::Mode::kStrict));
  if (!glob.has_glob() && !selection.ignore_sink_log) {
    MS_ASSIGN_OR_RETURN(bool is_sink, HasSinkLog(fs, glob.base()));
    if (is_sink && selection.start_after) {
      return Status::Unsupported("The option startAfter where a file sink's log tells what there is", "Leave it out, or give the names with a glob.");
    }
    if (is_sink) return FilesOfSinkLog(fs, glob.base(), selection, skip);
  }
  FoundFiles found;
  bool any = !glob.has_glob();
  ListerOptions options{.glob = glob, .name_filter = selection.name_filter, .skip_unfinished = selection.skip_unfinished, .threads_ahead = ThreadsAhead(fs)};
  if (selection.start_after) {
    MS_ASSIGN_OR_RETURN(options.start_after, ResolveStartKey("startAfter", *selection.start_after, glob.base()));
  }
  const int64_t began_us = memory == nullptr ? 0 : memory->clock.MonotonicMicros();
  const bool full = memory == nullptr || memory->last_full_us == INT64_MIN ||
                    began_us - memory->last_full_us >= std::max(kFullListingPauseUs, kFullListingShare * memory->full_took_us);
  SharedDirectories* const directories = SharedDirectories::Of(fs);
  const std::unique_ptr<SharedDirectories::Member> member = directories == nullptr ? nullptr : directories->Join(glob.base());
  SharedListing shared;
  if (member != nullptr && member->HasPeers()) shared = {.directories = directories, .wanted = {.began_after = NextMoment()}};
  FileLister lister(fs, options, full ? nullptr : &memory->directories, FileLister::Scope::kChanged, {}, std::move(shared));
  for (;;) {
    const int64_t listed_ms = memory == nullptr ? 0 : memory->clock.WallMillis();
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister.Next());
    if (!listed) break;
    if (glob.has_glob() && glob.MatchesFile(listed->path)) any = true;
    if (listed->unchanged) {
      any = true;
      continue;
    }
    const size_t found_before = found.files.size();
    bool complete = true;
    for (size_t i = 0; i < listed->names.size(); ++i) {
      std::string file = JoinPath(listed->path, listed->names[i]);
      if (skip && skip(file)) {
        any = true;
        continue;
      }
      Result<FileInfo> info = fs.Stat(file);
      if (!info.ok()) {
        complete = false;
        if (IsGone(info.status())) continue;
        return info.status();
      }
      if (!info->is_regular) continue;
      any = true;
      if (!InTimeRange(selection, info->modified_ns)) continue;
      std::string root = glob.RootOf(file);
      bool direct = root == file || ParentPath(file) == root;
      if (root == file) root = ParentPath(file);
      if (selection.base_path) root = *selection.base_path;
      found.files.push_back(
          {{.path = std::move(file), .size_bytes = info->size_bytes, .modified_ns = info->modified_ns, .partition_values = {}}, std::move(root), direct});
    }
    if (memory == nullptr) continue;
    const int64_t began_ms = listed->began_ms == 0 ? listed_ms : std::min(listed_ms, listed->began_ms);
    const bool settled = began_ms * 1'000'000 - listed->info.changed_ns > kTickMarginNs && listed->info.changed_ns != 0;
    const bool whole = listed->is_first && listed->is_last;
    if (whole && settled && complete && found.files.size() == found_before) {
      memory->directories.Remember(listed->path, {listed->info.device, listed->info.inode, listed->info.changed_ns, std::move(listed->subdirectories)});
    } else {
      memory->directories.Forget(listed->path);
    }
  }
  if (memory != nullptr) memory->directories.EndRound();
  if (memory != nullptr && full) {
    memory->last_full_us = memory->clock.MonotonicMicros();
    memory->full_took_us = memory->last_full_us - began_us;
  }
  if (!any) return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(path)}});
  return found;
}

Result<StructType> TakePartitions(std::vector<FoundFile>& files, const FileSelection& selection, const std::string& shown_path) {
  if (selection.all_below) return StructType();
  PartitionInference inference(/*infer_types=*/true);
  for (const FoundFile& file : files) inference.Add(PartitionsOf(file.root, file.file.path));
  if (inference.conflict()) {
    return Status::IllegalArgument("Conflicting directory structures detected below " + shown_path +
                                   ": not all files lie in the same partition directories. Load one kind of them, or set recursiveFileLookup.");
  }
  StructType partitions = inference.Columns();
  if (partitions.empty()) {
    std::erase_if(files, [](const FoundFile& file) { return !file.direct; });
  } else {
    for (FoundFile& file : files) file.file.partition_values = PartitionValuesFor(partitions, PartitionsOf(file.root, file.file.path));
  }
  return partitions;
}

FileSchemas CombineFileSchemas(const StructType& data, const StructType& partitions, bool is_user_schema, std::string rescued_column) {
  FileSchemas schemas{.data = {}, .partition = {}, .rescued_column = std::move(rescued_column), .all = {}};
  // A column that both files and directories have: the directories win, its type is what the user says.
  for (StructField column : partitions) {
    std::optional<size_t> at = data.IndexOf(column.name);
    if (at && is_user_schema) column = data[*at];
    schemas.partition.Add(std::move(column));
  }
  for (const StructField& field : data) {
    if (!schemas.partition.IndexOf(field.name) && field.name != schemas.rescued_column) schemas.data.Add(field);
  }
  auto add_all = [&](const StructType& columns) {
    for (StructField field : columns) {
      field.nullable = true;
      schemas.all.Add(std::move(field));
    }
  };
  add_all(schemas.data);
  if (!schemas.rescued_column.empty()) schemas.all.Add({schemas.rescued_column, DataType::String()});
  add_all(schemas.partition);
  return schemas;
}

}  // namespace millstream
