#include "session/warehouse.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "session/session_errors.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
constexpr std::string_view kDefaultDatabase = "default";
constexpr std::string_view kDatabaseSuffix = ".db";
constexpr std::string_view kEntrySuffix = ".json";

Status Damaged(const std::string& path, std::string problem) {
  return Status::Error(errors::kCatalogDamaged, {{"path", path}, {"problem", std::move(problem)}});
}

Result<Json> ReadEntry(Fs& fs, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::string text, fs.ReadFile(path, 16 << 20));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Damaged(path, "it is not a JSON object");
  auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer()) return Damaged(path, "it has no version");
  if (version->get<int64_t>() > kFormatVersion) return Damaged(path, "its version is " + version->dump() + ", a newer millstream wrote it");
  return json;
}

std::string Text(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::string> OptionalText(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? std::optional<std::string>(found->get<std::string>()) : std::nullopt;
}

template <typename Map>
void ReadMap(const Json& json, const char* key, Map& out) {
  auto found = json.find(key);
  if (found == json.end() || !found->is_object()) return;
  for (auto& [name, value] : found->items())
    if (value.is_string()) out[name] = value.template get<std::string>();
}

// The reverse of UriFromPath: an entry may hold any path, so that what JSON cannot hold is percent-encoded.
Result<std::string> ReadLocation(const Json& json, const std::string& path) {
  constexpr std::string_view kScheme = "file://";
  const std::string uri = Text(json, "location");
  if (!uri.starts_with("file:///")) return Damaged(path, "its location is not a file:/// URI");
  return DecodeUriPath(std::string_view(uri).substr(kScheme.size()));
}

std::string Dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

// Names of a directory that may not be there.
Result<std::vector<DirectoryEntry>> ListIfThere(Fs& fs, const std::string& directory) {
  Result<std::vector<DirectoryEntry>> entries = fs.List(directory);
  if (!entries.ok() && entries.status().Is(errors::kFileNotFound)) return std::vector<DirectoryEntry>();
  return entries;
}

std::optional<std::string> NameWithout(std::string_view suffix, const std::string& name) {
  if (!name.ends_with(suffix) || name.size() == suffix.size()) return std::nullopt;
  return name.substr(0, name.size() - suffix.size());
}

bool MayBeDirectory(const DirectoryEntry& entry) { return entry.kind != DirectoryEntry::Kind::kFile && entry.kind != DirectoryEntry::Kind::kOther; }

}  // namespace

Status Warehouse::Create() {
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
  return fs_.CreateDirectories(JoinPath(CatalogDirectory(), "databases"));
}

std::string Warehouse::CatalogDirectory() const { return JoinPath(directory_, "_millstream/catalog"); }

std::string Warehouse::DatabaseFile(const std::string& name) const { return JoinPath(CatalogDirectory(), "databases/" + name + std::string(kEntrySuffix)); }

std::string Warehouse::TableFile(const std::string& database, const std::string& name) const {
  return JoinPath(CatalogDirectory(), "tables/" + database + "/" + name + std::string(kEntrySuffix));
}

Result<bool> Warehouse::HasDeltaLog(const std::string& directory) const { return fs_.Exists(JoinPath(directory, "_delta_log")); }

Result<std::vector<std::string>> Warehouse::ListDatabases() const {
  std::set<std::string> names = {std::string(kDefaultDatabase)};
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, ListIfThere(fs_, JoinPath(CatalogDirectory(), "databases")));
  for (const DirectoryEntry& entry : entries)
    if (auto name = NameWithout(kEntrySuffix, entry.name)) names.insert(*name);
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> directories, ListIfThere(fs_, directory_));
  for (const DirectoryEntry& entry : directories) {
    auto name = NameWithout(kDatabaseSuffix, entry.name);
    if (name && MayBeDirectory(entry) && NormalizeName(*name).ok() && *NormalizeName(*name) == *name) names.insert(*name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::optional<DatabaseEntry>> Warehouse::FindDatabase(const std::string& name) const {
  DatabaseEntry database{.name = name, .location = JoinPath(directory_, name + std::string(kDatabaseSuffix))};
  if (name == kDefaultDatabase) {
    database.location = directory_;
    database.comment = "default database";
    return std::optional<DatabaseEntry>(std::move(database));
  }
  const std::string path = DatabaseFile(name);
  MS_ASSIGN_OR_RETURN(bool registered, fs_.Exists(path));
  if (!registered) {
    MS_ASSIGN_OR_RETURN(bool exists, fs_.Exists(database.location));
    return exists ? std::optional<DatabaseEntry>(std::move(database)) : std::nullopt;
  }
  MS_ASSIGN_OR_RETURN(Json json, ReadEntry(fs_, path));
  MS_ASSIGN_OR_RETURN(database.location, ReadLocation(json, path));
  database.comment = OptionalText(json, "comment");
  ReadMap(json, "properties", database.properties);
  return std::optional<DatabaseEntry>(std::move(database));
}

Status Warehouse::CreateDatabase(const DatabaseEntry& database) {
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(database.location));
  Json json = {{"version", kFormatVersion}, {"name", database.name}, {"location", UriFromPath(database.location)}};
  if (database.comment) json["comment"] = *database.comment;
  json["properties"] = Json::object();
  for (const auto& [key, value] : database.properties) json["properties"][key] = value;
  return Publish(fs_, DatabaseFile(database.name), Dump(json), "session.catalog");
}

Status Warehouse::DropDatabase(const DatabaseEntry& database) {
  MS_ASSIGN_OR_RETURN(std::vector<std::string> tables, ListTables(database));
  for (const std::string& name : tables) {
    MS_ASSIGN_OR_RETURN(std::optional<TableEntry> table, FindTable(database, name));
    if (table) MS_RETURN_IF_ERROR(DropTable(*table));
  }
  MS_RETURN_IF_ERROR(fs_.RemoveRecursively(JoinPath(CatalogDirectory(), "tables/" + database.name)));
  MS_RETURN_IF_ERROR(fs_.RemoveRecursively(database.location));
  return fs_.Remove(DatabaseFile(database.name));
}

Result<std::vector<std::string>> Warehouse::ListTables(const DatabaseEntry& database) const {
  std::set<std::string> names;
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, ListIfThere(fs_, JoinPath(CatalogDirectory(), "tables/" + database.name)));
  for (const DirectoryEntry& entry : entries)
    if (auto name = NameWithout(kEntrySuffix, entry.name)) names.insert(*name);
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> directories, ListIfThere(fs_, database.location));
  for (const DirectoryEntry& entry : directories) {
    Result<std::string> normalized = NormalizeName(entry.name);
    if (!MayBeDirectory(entry) || !normalized.ok() || *normalized != entry.name) continue;
    MS_ASSIGN_OR_RETURN(bool is_delta, HasDeltaLog(JoinPath(database.location, entry.name)));
    if (is_delta) names.insert(entry.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::optional<TableEntry>> Warehouse::FindTable(const DatabaseEntry& database, const std::string& name) const {
  TableEntry table{.database = database.name, .name = name};
  const std::string path = TableFile(database.name, name);
  MS_ASSIGN_OR_RETURN(bool registered, fs_.Exists(path));
  if (!registered) {
    table.location = ManagedLocation(database, name);
    MS_ASSIGN_OR_RETURN(bool is_delta, HasDeltaLog(table.location));
    return is_delta ? std::optional<TableEntry>(std::move(table)) : std::nullopt;
  }
  MS_ASSIGN_OR_RETURN(Json json, ReadEntry(fs_, path));
  table.is_managed = Text(json, "type") == "MANAGED";
  table.provider = Text(json, "provider");
  MS_ASSIGN_OR_RETURN(table.location, ReadLocation(json, path));
  table.comment = OptionalText(json, "comment");
  if (auto schema = OptionalText(json, "schema")) {
    MS_ASSIGN_OR_RETURN(table.schema, SchemaFromSparkJson(*schema));
  }
  ReadMap(json, "options", table.options);
  return std::optional<TableEntry>(std::move(table));
}

Status Warehouse::RegisterTable(const TableEntry& table) {
  Json json = {{"version", kFormatVersion}, {"name", table.name}, {"type", table.is_managed ? "MANAGED" : "EXTERNAL"}};
  json["provider"] = table.provider;
  json["location"] = UriFromPath(table.location);
  if (table.comment) json["comment"] = *table.comment;
  if (table.schema) json["schema"] = ToSparkJson(*table.schema);
  json["options"] = Json::object();
  for (const auto& [key, value] : table.options) json["options"][key] = value;
  const std::string path = TableFile(table.database, table.name);
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(std::string(ParentPath(path))));
  return Publish(fs_, path, Dump(json), "session.catalog");
}

Status Warehouse::DropTable(const TableEntry& table) {
  if (table.is_managed) {
    // The log first: without it the directory is no table any more, also when the rest is interrupted.
    MS_RETURN_IF_ERROR(fs_.RemoveRecursively(JoinPath(table.location, "_delta_log")));
    MS_RETURN_IF_ERROR(fs_.RemoveRecursively(table.location));
  }
  return fs_.Remove(TableFile(table.database, table.name));
}

Result<std::string> NormalizeName(const std::string& name) {
  std::string lower;
  for (unsigned char c : name) {
    if (!std::isalnum(c) && c != '_') return Status::Error(errors::kInvalidName, {{"name", "`" + name + "`"}});
    lower += static_cast<char>(std::tolower(c));
  }
  // The longest file name that still takes a suffix.
  if (lower.empty() || lower.size() > 200) return Status::Error(errors::kInvalidName, {{"name", "`" + name + "`"}});
  return lower;
}

bool MatchesPattern(std::string_view name, std::string_view pattern) {
  auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  auto matches_one = [&](std::string_view one) {
    size_t n = 0, p = 0, star = std::string_view::npos, star_n = 0;
    while (n < name.size()) {
      if (p < one.size() && one[p] == '*') {
        star = p++;
        star_n = n;
      } else if (p < one.size() && (one[p] == '.' || lower(one[p]) == lower(name[n]))) {
        ++p;
        ++n;
      } else if (star != std::string_view::npos) {
        p = star + 1;
        n = ++star_n;
      } else {
        return false;
      }
    }
    while (p < one.size() && one[p] == '*') ++p;
    return p == one.size();
  };
  while (true) {
    const size_t bar = pattern.find('|');
    std::string_view one = pattern.substr(0, bar);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (matches_one(one)) return true;
    if (bar == std::string_view::npos) return false;
    pattern.remove_prefix(bar + 1);
  }
}

}  // namespace millstream
