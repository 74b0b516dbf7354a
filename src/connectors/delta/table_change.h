#pragma once

// table_change.h   From the rows' schema and the user's wishes to the metadata that a write needs. Shared by streams and batch writes.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/option_table.h"
#include "delta/delta_log.h"
#include "types/data_type.h"

namespace millstream {

struct WriteWishes {
  std::vector<std::string> partition_by;
  bool merge_schema = false;
  bool overwrite_schema = false;                  // only where everything is overwritten
  std::map<std::string, std::string> properties;  // of a new table
  std::optional<std::string> comment;             // of a new table
};

// What the table will be, and what of it the commit must say. `target` is valid as long as this and the snapshot are.
struct TableChange {
  Metadata target;
  std::optional<Metadata> metadata;
  std::optional<Protocol> protocol;
};

// `snapshot` null: a new table. Refuses tables that we may not write, and rows that do not fit.
Result<TableChange> PlanTableChange(const SnapshotPtr& snapshot, const std::string& table_path, const StructType& rows, const WriteWishes& wishes,
                                    int64_t now_ms);

// With the options of a write whose names begin with "delta.": they are properties of a table that it makes.
std::map<std::string, std::string> WithPropertyOptions(std::map<std::string, std::string> properties, const OptionMap& options);

// A new table's metadata and protocol. Table properties that need a feature we cannot write are refused by name.
Result<TableChange> PlanNewTable(const StructType& schema, const WriteWishes& wishes, int64_t now_ms);

// Raises `protocol` as far as these properties need it. DELTA_UNKNOWN_CONFIGURATION, or the property by name when we cannot honour it.
Status ApplyProperties(const std::map<std::string, std::string>& properties, Protocol& protocol);

RemoveFilePtr RemoveOf(const AddFile& file, int64_t now_ms);
// Removes of all live files.
std::vector<RemoveFilePtr> RemoveAll(const Snapshot& snapshot, int64_t now_ms);
// DELTA_CANNOT_MODIFY_APPEND_ONLY when the table does not allow removes.
Status CheckRemovable(const Snapshot& snapshot);

// What a replaced table must forget: that files were loaded into it. Empty when it has loaded none.
std::vector<SetTransaction> ForgottenFiles(const Snapshot& snapshot, int64_t now_ms);

// ["a","b"] as Spark's operationParameters have it.
std::string JsonList(const std::vector<std::string>& names);

}  // namespace millstream
