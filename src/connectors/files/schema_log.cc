#include "connectors/files/schema_log.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "connectors/files/files_errors.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

constexpr int64_t kSchemaFileMax = int64_t{64} << 20;

std::optional<int64_t> NumberOf(std::string_view name) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

std::string EncodeSchemaVersion(const SchemaVersion& version) {
  nlohmann::ordered_json json;
  json["dataSchemaJson"] = ToSparkJson(version.data);
  json["partitionSchemaJson"] = ToSparkJson(version.partition);
  return "v1\n" + json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<SchemaVersion> DecodeSchemaVersion(std::string_view text, int64_t number) {
  size_t line = text.find('\n');
  if (line == std::string_view::npos || text.substr(0, line) != "v1") return Status::IllegalArgument("its first line is not v1");
  nlohmann::json json = nlohmann::json::parse(text.substr(line + 1), nullptr, /*allow_exceptions=*/false);
  auto text_of = [&](const char* key) -> std::optional<std::string> {
    if (!json.is_object() || !json.contains(key) || !json[key].is_string()) return std::nullopt;
    return json[key].get<std::string>();
  };
  std::optional<std::string> data = text_of("dataSchemaJson"), partition = text_of("partitionSchemaJson");
  if (!data) return Status::IllegalArgument("it has no dataSchemaJson");
  SchemaVersion version{.number = number};
  MS_ASSIGN_OR_RETURN(version.data, SchemaFromSparkJson(*data));
  if (partition && !partition->empty()) {
    MS_ASSIGN_OR_RETURN(version.partition, SchemaFromSparkJson(*partition));
  }
  return version;
}

SchemaLog::SchemaLog(Fs& fs, const std::string& schema_location) : fs_(fs), directory_(JoinPath(schema_location, "_schemas")) {}

Result<std::optional<SchemaVersion>> SchemaLog::Latest() const {
  Result<std::vector<DirectoryEntry>> entries = fs_.List(directory_);
  if (!entries.ok()) {
    if (entries.status().Is(errors::kFileNotFound)) return std::optional<SchemaVersion>();
    return entries.status();
  }
  std::optional<int64_t> highest;
  for (const DirectoryEntry& entry : *entries) {
    std::optional<int64_t> number = NumberOf(entry.name);
    if (number && (!highest || *number > *highest)) highest = number;
  }
  if (!highest) return std::optional<SchemaVersion>();
  std::string path = JoinPath(directory_, std::to_string(*highest));
  MS_ASSIGN_OR_RETURN(std::string text, fs_.ReadFile(path, kSchemaFileMax));
  Result<SchemaVersion> version = DecodeSchemaVersion(text, *highest);
  if (!version.ok()) return Status::Error(errors::kSchemaFileUnreadable, {{"path", path}, {"reason", version.status().text()}});
  return std::optional(std::move(*version));
}

Result<bool> SchemaLog::Add(const SchemaVersion& version) {
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
  Status status = Publish(fs_, JoinPath(directory_, std::to_string(version.number)), EncodeSchemaVersion(version), "files.schema");
  if (status.Is(errors::kFileAlreadyExists)) return false;
  MS_RETURN_IF_ERROR(status);
  return true;
}

}  // namespace millstream
