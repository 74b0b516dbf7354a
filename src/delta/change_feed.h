#pragma once

// change_feed.h   What a version of a table has changed, row by row: which files say it, and the rows themselves. Shared by batch reads
// (readChangeFeed, table_changes) and by streams.
//
// A commit that names change files means exactly their rows. One that names none means its adds (insert) and removes (delete); a file whose deletion
// vector has changed means only the rows in which the two vectors differ. Files that were only rearranged (dataChange = false) mean nothing.

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "delta/actions.h"
#include "delta/scan.h"
#include "storage/fs.h"

namespace millstream {

// Rows of one file.
struct ChangePiece {
  ScanFile scan;
  std::string change_type;  // "insert" or "delete"; empty: the file's column _change_type says it
  int64_t size_bytes = 0;   // of the whole file
};

// In the order in which the commit names the files.
struct VersionChanges {
  int64_t version = 0;
  int64_t timestamp_ms = 0;  // the commit's, as time travel sees it
  std::vector<ChangePiece> pieces;
};

// Reads deletion vectors, and no data.
Result<VersionChanges> ChangesOf(Fs& fs, const std::string& table_path, const CommitActions& commit, int64_t version, int64_t timestamp_ms);

// delta.enableChangeDataFeed
bool HasChangeFeed(const Metadata& metadata);

// The table's columns, then _change_type, _commit_version, _commit_timestamp. DELTA_TABLE_ALREADY_CONTAINS_CDC_COLUMNS when the table has a column
// of such a name.
Result<StructType> ChangeFeedSchema(const StructType& table);

// The rows of all these versions, with the columns asked for (of ChangeFeedSchema(metadata->schema), in this order). Files in which `predicates` on the
// table's partition columns cannot hold are left out. Thread-safe, in no order.
Result<RowStreamPtr> ReadChanges(Fs& fs, const std::string& table_path, const MetadataPtr& metadata, const std::vector<VersionChanges>& changes,
                                 const std::vector<std::string>& columns, const std::vector<ColumnPredicate>& predicates = {});

}  // namespace millstream
