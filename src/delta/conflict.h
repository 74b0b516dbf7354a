#pragma once

// conflict.h   May our commit come after one that won the race for its version? Reads nothing, writes nothing.

#include <functional>
#include <set>
#include <string>

#include "base/status.h"
#include "delta/actions.h"

namespace millstream {

// What decides about our side.
struct TransactionFacts {
  bool changes_metadata = false;
  bool changes_protocol = false;
  bool reads_whole_table = false;  // overwrite: any file that comes or goes matters
  // Would we have read this file, had it been there? Unset: we read no files by a condition.
  std::function<bool(const AddFile&)> would_read;
  std::set<std::string> read_keys;     // FileKey of what we have read
  std::set<std::string> app_ids;       // whose txn we have read (and mostly write)
  std::set<std::string> domains;       // that we write
  std::set<std::string> removed_keys;  // FileKey of what we remove
};

// OK: rebase, take the next version. Else DELTA_PROTOCOL_CHANGED, DELTA_METADATA_CHANGED, DELTA_CONCURRENT_TRANSACTION,
// DELTA_CONCURRENT_APPEND, DELTA_CONCURRENT_DELETE_READ or _DELETE_DELETE, checked in Spark's order.
Status CheckConflict(const TransactionFacts& ours, const CommitActions& winner, int64_t winner_version);

}  // namespace millstream
