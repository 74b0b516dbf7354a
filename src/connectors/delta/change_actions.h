#pragma once

// change_actions.h   What a statement that changes rows says in its commit: files that go, files whose deletion vectors change, metrics as Delta's.

#include <string>
#include <utility>
#include <vector>

#include "connectors/delta/changed_rows.h"
#include "connectors/delta/changed_table.h"
#include "delta/actions.h"
#include "delta/data_writer.h"
#include "plan/row_changes.h"

namespace millstream {

struct ChangeActions {
  std::vector<RemoveFilePtr> removes;
  std::vector<AddFilePtr> adds;  // old files under new vectors
  int64_t files_removed = 0, bytes_removed = 0;
  int64_t vectors_added = 0, vectors_removed = 0, vectors_updated = 0;

  void RemoveWhole(const AddFile& file, int64_t now_ms);
  // Files with touched rows are removed, or added again with those rows in their vectors, which are written and durable when this returns.
  Status Take(Fs& fs, const ChangedTable& table, TouchedRows& touched, bool has_vectors, int64_t now_ms);
};

// Rows of a file that are not deleted; asks the file itself where the statistics do not say.
Result<int64_t> LiveRowsOf(Fs& fs, const std::string& table_path, const AddFile& file);

using Pairs = std::vector<std::pair<std::string, std::string>>;
// operationParameters
Pairs ChangeParameters(const RowChanges& changes);
// Of a write that replaces the rows which fulfil a condition.
Pairs ReplaceParameters(const Metadata& table, const std::string& condition);
Pairs ReplaceMetrics(const ChangeActions& made, const DataWritten& written, const TouchedRows::Counts& counts);
// operationMetrics of DELETE and UPDATE.
Pairs ChangeMetrics(const ChangeActions& made, const DataWritten& written, const TouchedRows::Counts& counts, bool is_update, const std::string& millis);
Pairs MergeMetrics(const ChangeActions& made, const DataWritten& written, const TouchedRows::Counts& counts, int64_t source_rows, const std::string& millis);

}  // namespace millstream
