// df.write.format("json" | "csv" | "text" | "parquet").mode(…).save(path)

#include <map>

#include "connectors/files/directory_writer.h"
#include "connectors/files/file_lister.h"
#include "connectors/files/files_connector.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

constexpr std::string_view kSuccess = "_SUCCESS";

// Everything below a directory that an overwrite replaces; with `only` set, just what lies in these directories themselves.
Status CollectFiles(Fs& fs, const std::string& root, std::vector<std::string>& files, std::vector<std::string>& directories) {
  constexpr size_t kDirectoriesMax = 1'000'000;
  std::vector<std::string> waiting = {root};
  while (!waiting.empty()) {
    std::string directory = std::move(waiting.back());
    waiting.pop_back();
    Result<std::vector<DirectoryEntry>> entries = fs.List(directory);
    if (!entries.ok()) {
      if (entries.status().Is(errors::kFileNotFound)) continue;
      return entries.status();
    }
    for (const DirectoryEntry& entry : *entries) {
      std::string path = JoinPath(directory, entry.name);
      if (entry.kind == DirectoryEntry::Kind::kDirectory) {
        if (directories.size() >= kDirectoriesMax) return Status::Unsupported("Overwriting a directory with more than a million directories in it");
        directories.push_back(path);
        waiting.push_back(std::move(path));
      } else {
        files.push_back(std::move(path));
      }
    }
  }
  return Status();
}

// What was there before the new files came. They are in place already: a crash here leaves rows of both, and never none.
Status RemoveOld(Fs& fs, const std::vector<std::string>& files, const std::vector<std::string>& directories, const DirectoryWritten& written) {
  for (const std::string& file : files) MS_RETURN_IF_ERROR(fs.Remove(file));
  for (const std::string& directory : directories) {
    const bool used = std::any_of(written.directories.begin(), written.directories.end(),
                                  [&](const std::string& other) { return other == directory || other.starts_with(directory + "/"); });
    if (!used) MS_RETURN_IF_ERROR(fs.RemoveRecursively(directory));
  }
  return Status();
}

}  // namespace

Result<bool> WriteFiles(const FilesContext& context, const FileWrite& write, const StructType& schema, RowStream& rows) {
  Fs& fs = context.fs;
  const std::string& path = write.path;
  MS_ASSIGN_OR_RETURN(bool exists, fs.Exists(path));
  if (exists && write.mode == SaveMode::kIgnore) return false;
  if (exists && write.mode == SaveMode::kErrorIfExists) return Status::Error(errors::kPathAlreadyExists, {{"outputPath", HadoopPathString(path)}});
  if (exists && write.mode == SaveMode::kAppend) {
    MS_ASSIGN_OR_RETURN(bool is_sink, HasSinkLog(fs, path));
    if (is_sink)
      return Status::Unsupported("Appending to the files of a stream (" + HadoopPathString(path) + ")",
                                 "Only what the stream's log _spark_metadata names would be read. Write to a directory of its own.");
  }
  DirectoryWrite directory{.directory = path,
                           .format = write.format,
                           .options = write.options,
                           .partition_by = write.partition_by,
                           .context = context.format,
                           .always_one_file = true};
  MS_RETURN_IF_ERROR(CheckDirectoryWrite(directory, schema));
  std::vector<std::string> old_files, old_directories;
  if (exists && write.mode == SaveMode::kOverwrite) MS_RETURN_IF_ERROR(CollectFiles(fs, path, old_files, old_directories));
  MS_RETURN_IF_ERROR(fs.CreateDirectories(path));
  MS_ASSIGN_OR_RETURN(DirectoryWritten written, WriteDirectory(fs, directory, schema, rows));
  if (write.dynamic_partitions && !write.partition_by.empty()) {
    // Only the partitions that the rows belong to are replaced.
    std::erase_if(old_files, [&](const std::string& file) {
      return std::find(written.directories.begin(), written.directories.end(), ParentPath(file)) == written.directories.end();
    });
    old_directories.clear();
  }
  MS_RETURN_IF_ERROR(RemoveOld(fs, old_files, old_directories, written));
  MS_RETURN_IF_ERROR(fs.Replace(JoinPath(path, kSuccess), ""));
  return true;
}

}  // namespace millstream
