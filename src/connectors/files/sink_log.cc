#include "connectors/files/sink_log.h"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "connectors/files/compactible_log.h"
#include "connectors/files/files_errors.h"

namespace millstream {

Result<std::string> PathFromLogUri(std::string_view uri) { return PathFromUri(DecodeUriPath(uri)); }

std::string EncodeSinkFile(const SinkFile& file) {
  nlohmann::ordered_json json;
  json["path"] = UriFromPath(file.path);
  json["size"] = file.size_bytes;
  json["isDir"] = false;
  json["modificationTime"] = file.modified_ms;
  json["blockReplication"] = 1;
  json["blockSize"] = 33554432;
  json["action"] = "add";
  return json.dump();
}

Result<bool> HasSinkLog(Fs& fs, const std::string& directory) {
  Result<FileInfo> info = fs.Stat(JoinPath(directory, kSinkLogDirectory));
  if (!info.ok()) return false;
  return info->is_directory;
}

Result<std::vector<SinkFile>> ReadSinkLog(Fs& fs, const std::string& directory) {
  CompactibleLog log(fs, Clock::System(), JoinPath(directory, kSinkLogDirectory), "files.sink_log", {.may_start_late = true});
  MS_RETURN_IF_ERROR(log.OpenForRead());
  MS_ASSIGN_OR_RETURN(LogLines lines, log.All());
  std::vector<SinkFile> files;
  bool any_deleted = false;
  std::unordered_map<std::string, bool> deleted;
  for (const std::string& line : lines) {
    nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    auto bad = [&](const char* key) { return !json.contains(key) || !json[key].is_number_integer(); };
    if (!json.is_object() || !json.contains("path") || !json["path"].is_string() || bad("size") || bad("modificationTime"))
      return Status::Error(errors::kFileLogUnreadable, {{"path", log.directory()}, {"reason", "it has the line " + line.substr(0, 200)}});
    MS_ASSIGN_OR_RETURN(std::string path, PathFromLogUri(json["path"].get<std::string>()));
    if (json.contains("action") && json["action"] == "delete") {
      deleted[path] = any_deleted = true;
      continue;
    }
    files.push_back({std::move(path), json["size"].get<int64_t>(), json["modificationTime"].get<int64_t>()});
  }
  if (any_deleted) std::erase_if(files, [&](const SinkFile& file) { return deleted.contains(file.path); });
  return files;
}

}  // namespace millstream
