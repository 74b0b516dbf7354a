#include "connectors/files/source_cleaner.h"

#include <spdlog/spdlog.h>

#include <vector>

#include "formats/path_glob.h"

namespace millstream {
namespace {

std::vector<std::string_view> Components(std::string_view path) {
  std::vector<std::string_view> names;
  for (size_t at = 0; at < path.size();) {
    size_t end = std::min(path.find('/', at), path.size());
    if (end > at) names.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

}  // namespace

Result<std::unique_ptr<SourceCleaner>> SourceCleaner::Create(Fs& fs, const FileStreamOptions& options, const std::string& source_path) {
  if (options.clean == FileStreamOptions::Clean::kOff) return std::unique_ptr<SourceCleaner>();
  if (options.clean == FileStreamOptions::Clean::kDelete) return std::unique_ptr<SourceCleaner>(new SourceCleaner(fs, ""));
  // The shorter of both paths decides: whatever lies below the source, or above the archive, could be read again.
  const std::string pattern = NormalizePath(source_path), archive = NormalizePath(options.archive_directory);
  const std::vector<std::string_view> globs = Components(pattern), names = Components(archive);
  bool matches = true;
  for (size_t i = 0; i < std::min(globs.size(), names.size()) && matches; ++i) {
    if (!HasGlob(globs[i])) {
      matches = globs[i] == names[i];
      continue;
    }
    MS_ASSIGN_OR_RETURN(NameGlob glob, NameGlob::Parse(globs[i]));
    matches = glob.Matches(names[i]);
  }
  if (matches) {
    return Status::IllegalArgument(
        "requirement failed: Base archive path cannot be set to the path where archived path can possibly match with source pattern. Ensure the base archive "
        "path doesn't match with source pattern in depth, where the depth is minimum of depth on both paths.");
  }
  return std::unique_ptr<SourceCleaner>(new SourceCleaner(fs, archive));
}

void SourceCleaner::Clean(const std::string& path) {
  Status status = archive_directory_.empty() ? fs_.Remove(path) : Archive(path);
  if (!status.ok()) spdlog::warn("cleanSource: {} stays where it is: {}", path, status.message());
}

Status SourceCleaner::Archive(const std::string& path) {
  const std::string to = archive_directory_ + path;
  MS_ASSIGN_OR_RETURN(bool there, fs_.Exists(path));
  if (!there) return Status();
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(std::string(ParentPath(to))));
  return fs_.Move(path, to);
}

}  // namespace millstream
