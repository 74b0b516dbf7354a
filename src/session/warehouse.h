#pragma once

// warehouse.h   The databases and tables of a warehouse directory, durable: docs/formats/catalog.md.
//
// A managed Delta table is its directory, found where Spark puts it; everything else (databases with a comment or a place of their own, external
// tables) is one small JSON file below <warehouse>/_millstream/catalog. Nothing is cached, so several processes may share a warehouse. Thread-safe.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/option_table.h"
#include "storage/fs.h"
#include "types/data_type.h"

namespace millstream {

struct DatabaseEntry {
  std::string name;
  std::string location;  // raw path
  std::optional<std::string> comment;
  std::map<std::string, std::string> properties;
};

struct TableEntry {
  std::string database, name;
  bool is_managed = true;
  std::string provider = "delta";
  std::string location;  // raw path
  std::optional<std::string> comment;
  // Of file tables (USING json LOCATION …); a Delta table knows its own.
  std::optional<StructType> schema;
  OptionMap options;
};

class Warehouse {
 public:
  Warehouse(Fs& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}
  const std::string& directory() const { return directory_; }
  Status Create();

  // All names are lower case already (NormalizeName).
  Result<std::vector<std::string>> ListDatabases() const;
  // nullopt: no such database.
  Result<std::optional<DatabaseEntry>> FindDatabase(const std::string& name) const;
  Status CreateDatabase(const DatabaseEntry& database);
  Status DropDatabase(const DatabaseEntry& database);

  Result<std::vector<std::string>> ListTables(const DatabaseEntry& database) const;
  Result<std::optional<TableEntry>> FindTable(const DatabaseEntry& database, const std::string& name) const;
  // Where a managed table of this name lives.
  static std::string ManagedLocation(const DatabaseEntry& database, const std::string& name) { return JoinPath(database.location, name); }
  // Remembers a table that is not a managed Delta table. kFileAlreadyExists when the name is taken.
  Status RegisterTable(const TableEntry& table);
  // Forgets the table, and removes its directory when it is managed.
  Status DropTable(const TableEntry& table);

 private:
  std::string CatalogDirectory() const;
  std::string DatabaseFile(const std::string& name) const;
  std::string TableFile(const std::string& database, const std::string& name) const;
  Result<bool> HasDeltaLog(const std::string& directory) const;

  Fs& fs_;
  const std::string directory_;
};

// Lower case; INVALID_SCHEMA_OR_RELATION_NAME unless it is letters, digits and _. What passes can be a file name.
Result<std::string> NormalizeName(const std::string& name);
// SHOW … LIKE 'a*|b': * is any text, | separates alternatives, case does not count.
bool MatchesPattern(std::string_view name, std::string_view pattern);

}  // namespace millstream
