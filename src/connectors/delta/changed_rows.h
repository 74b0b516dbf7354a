#pragma once

// changed_rows.h   What a ChangePlan says, row by row → the rows to be written, and the rows that go.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "delta/deletion_vector.h"
#include "plan/row_changes.h"
#include "types/row_stream.h"

namespace millstream {

// Rows that a statement updates or deletes, by file. Thread-safe until Finish.
class TouchedRows {
 public:
  explicit TouchedRows(size_t files) : files_(files) {}

  struct Places {
    std::vector<uint64_t> changed;  // updated or deleted
    std::vector<uint64_t> paired;   // matched, and left alone
  };
  struct Counts {
    int64_t matched_updated = 0, matched_deleted = 0, by_source_updated = 0, by_source_deleted = 0, inserted = 0;
    int64_t updated() const { return matched_updated + by_source_updated; }
    int64_t deleted() const { return matched_deleted + by_source_deleted; }
  };
  // Takes what one batch says.
  void Add(std::vector<Places> places, const Counts& counts);
  // Once all rows are there: sorts. DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE when a row is named twice.
  Status Finish();
  // After Finish. Null: no row of the file.
  DeletedRows ChangedOf(size_t file) const { return changed_[file]; }
  const Counts& counts() const { return counts_; }
  size_t files() const { return files_; }

 private:
  const size_t files_;
  std::mutex mutex_;
  std::vector<Places> places_;  // GUARDED_BY(mutex_)
  Counts counts_;               // GUARDED_BY(mutex_) until Finish
  std::vector<DeletedRows> changed_;
};

// What one statement writes.
struct ChangedRowsShape {
  StructType table;
  std::vector<RowChanges::Clause> clauses;
  bool has_new = false;          // the plan has new values
  bool has_old = false;          // the plan has old values
  bool has_change_rows = false;  // the stream has a column _change_type, and rows of the change data feed
};

// The columns of the stream below: the table's, with the types that the plan gives them, and perhaps _change_type.
StructType ChangedRowsSchema(const ChangedRowsShape& shape);

// `plan_rows` as ChangePlan names them → rows for WriteDataFiles. Every batch is noted in `touched` before it is returned. Both must outlive the stream.
RowStreamPtr MakeChangedRows(RowStreamPtr plan_rows, ChangedRowsShape shape, TouchedRows& touched);

}  // namespace millstream
