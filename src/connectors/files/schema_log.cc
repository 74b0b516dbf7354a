#include "connectors/files/schema_log.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "connectors/files/files_errors.h"
#include "connectors/files/schema_hints.h"
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

using Json = nlohmann::ordered_json;

void Compare(const StructType& before, const StructType& after, ColumnPath& path, SchemaChanges& changes);

void CompareTypes(const DataType& before, const DataType& after, ColumnPath& path, SchemaChanges& changes) {
  if (before.SameType(after)) return;
  auto below = [&](const char* name, const DataType& from, const DataType& to) {
    path.emplace_back(name);
    CompareTypes(from, to, path, changes);
    path.pop_back();
  };
  if (before.id() == TypeId::kStruct && after.id() == TypeId::kStruct) return Compare(before.fields(), after.fields(), path, changes);
  if (before.id() == TypeId::kArray && after.id() == TypeId::kArray) return below("element", before.element(), after.element());
  if (before.id() == TypeId::kMap && after.id() == TypeId::kMap) {
    below("key", before.key(), after.key());
    return below("value", before.value(), after.value());
  }
  changes.widened.push_back(ToText(path) + " " + before.Sql() + " -> " + after.Sql());
  changes.changed.push_back(path);
}

void Compare(const StructType& before, const StructType& after, ColumnPath& path, SchemaChanges& changes) {
  for (const StructField& field : after) {
    path.push_back(field.name);
    if (std::optional<size_t> at = before.IndexOf(field.name)) {
      CompareTypes(before[*at].type, field.type, path, changes);
    } else {
      changes.added.push_back(ToText(path) + " " + field.type.Sql());
      changes.changed.push_back(path);
    }
    path.pop_back();
  }
  for (const StructField& field : before) {
    if (after.IndexOf(field.name)) continue;
    path.push_back(field.name);
    changes.removed.push_back(path);
    path.pop_back();
  }
}

// Empty lists are left out.
void PutTexts(Json& json, const char* key, const std::vector<std::string>& texts) {
  if (!texts.empty()) json[key] = texts;
}

std::vector<std::string> TextsOf(const nlohmann::json& json, const char* key) {
  std::vector<std::string> texts;
  if (!json.is_object() || !json.contains(key) || !json[key].is_array()) return texts;
  for (const nlohmann::json& text : json[key]) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

// Tells why, and decides nothing: what is not as we write it is left out.
SchemaCause CauseOf(const nlohmann::json& json) {
  SchemaCause cause;
  if (!json.is_object()) return cause;
  auto number = [&](const char* key) -> std::optional<int64_t> {
    if (!json.contains(key) || !json[key].is_number_integer()) return std::nullopt;
    return json[key].get<int64_t>();
  };
  auto text = [&](const char* key) { return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string(); };
  cause.time_ms = number("timestamp").value_or(0);
  cause.mode = text("mode");
  constexpr std::string_view kScheme = "file://";
  if (std::string uri = text("file"); uri.starts_with(kScheme)) cause.file = DecodeUriPath(uri.substr(kScheme.size()));
  cause.batch = number("batch");
  cause.reverted_to = number("revertedTo");
  cause.added = TextsOf(json, "added");
  cause.widened = TextsOf(json, "widened");
  cause.removed = TextsOf(json, "removed");
  return cause;
}

}  // namespace

SchemaChanges ChangesBetween(const StructType& before, const StructType& after) {
  SchemaChanges changes;
  ColumnPath path;
  Compare(before, after, path, changes);
  return changes;
}

std::string EncodeSchemaVersion(const SchemaVersion& version) {
  Json json;
  json["dataSchemaJson"] = ToSparkJson(version.data);
  json["partitionSchemaJson"] = ToSparkJson(version.partition);
  for (const ColumnPath& path : version.frozen) json["frozen"].push_back(ToText(path));
  const SchemaCause& cause = version.cause;
  if (!cause.mode.empty()) {
    Json& told = json["cause"] = {{"timestamp", cause.time_ms}, {"mode", cause.mode}};
    if (!cause.file.empty()) told["file"] = UriFromPath(cause.file);
    if (cause.batch) told["batch"] = *cause.batch;
    if (cause.reverted_to) told["revertedTo"] = *cause.reverted_to;
    PutTexts(told, "added", cause.added);
    PutTexts(told, "widened", cause.widened);
    PutTexts(told, "removed", cause.removed);
  }
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
  for (const std::string& path : TextsOf(json, "frozen")) {
    std::string_view rest = path;
    version.frozen.push_back(CutColumnPath(&rest));
  }
  if (json.contains("cause")) version.cause = CauseOf(json["cause"]);
  return version;
}

SchemaLog::SchemaLog(Fs& fs, const std::string& schema_location) : fs_(fs), directory_(JoinPath(schema_location, "_schemas")) {}

Result<std::vector<int64_t>> SchemaLog::Numbers() const {
  std::vector<int64_t> numbers;
  Result<std::vector<DirectoryEntry>> entries = fs_.List(directory_);
  if (!entries.ok()) {
    if (entries.status().Is(errors::kFileNotFound)) return numbers;
    return entries.status();
  }
  for (const DirectoryEntry& entry : *entries) {
    if (std::optional<int64_t> number = NumberOf(entry.name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<SchemaVersion> SchemaLog::Read(int64_t number) const {
  std::string path = JoinPath(directory_, std::to_string(number));
  MS_ASSIGN_OR_RETURN(std::string text, fs_.ReadFile(path, kSchemaFileMax));
  Result<SchemaVersion> version = DecodeSchemaVersion(text, number);
  if (!version.ok()) return Status::Error(errors::kSchemaFileUnreadable, {{"path", path}, {"reason", version.status().text()}});
  return version;
}

Result<std::optional<SchemaVersion>> SchemaLog::Latest() const {
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> numbers, Numbers());
  if (numbers.empty()) return std::optional<SchemaVersion>();
  MS_ASSIGN_OR_RETURN(SchemaVersion version, Read(numbers.back()));
  return std::optional(std::move(version));
}

Result<bool> SchemaLog::Add(const SchemaVersion& version, const char* failpoint) {
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
  Status status = Publish(fs_, JoinPath(directory_, std::to_string(version.number)), EncodeSchemaVersion(version), failpoint);
  if (status.Is(errors::kFileAlreadyExists)) return false;
  MS_RETURN_IF_ERROR(status);
  return true;
}

}  // namespace millstream
