#pragma once

// source_rows.h   The rows of a table that came from given source files: where they are, whether all of them can be accounted for, and how they leave the
// table. By what the footers of the data files say (delta/source_runs.h), so files that others have rewritten hold no such rows.
//
//   MS_ASSIGN_OR_RETURN(SourceRows found, FindSourceRows(fs, snapshot, paths));
//   for (…) if (found.live[i] < rows_that_were_written && !found.is_complete) missing.push_back({paths[i], since_version});
//   MS_RETURN_IF_ERROR(CheckRowsWereDeleted(log, snapshot, missing));        // a user may delete rows; a rewritten file must not pass for that
//   MS_ASSIGN_OR_RETURN(RowsTakenOut out, TakeOutRows(log, snapshot, found, threads));
//   out.AddTo(request);                                                      // with whatever else the commit says

#include <optional>
#include <string>
#include <vector>

#include "connectors/api/retractions.h"
#include "connectors/delta/change_actions.h"
#include "delta/delta_log.h"
#include "delta/deletion_vector.h"

namespace millstream {

struct SourceRows {
  struct Piece {
    AddFilePtr file;
    DeletedRows rows;  // places of the rows that are not deleted; not empty
  };
  std::vector<Piece> pieces;
  std::vector<int64_t> live;  // of each path; without those that RETRY QUARANTINE has loaded, which are in `pieces`
  // Of every row of the table it is known where it came from: nobody can have written rows anew without a trace.
  bool is_complete = true;
  int64_t live_rows() const;
};

// The rows of `paths` (raw, absolute, each once) in a version of the table. Reads the footers of its files, several
// at a time, and each but once in a process unless it may name one of the paths. DELTA_FILE_NOT_FOUND_DETAILED.
Result<SourceRows> FindSourceRows(Fs& fs, const Snapshot& table, const std::vector<std::string>& paths);

// A source file of which fewer rows are there than were written.
struct MissingRows {
  std::string path;
  std::optional<int64_t> since;  // the table's version that has written the first of them; nullopt: not known any more
};
// OK: they were deleted. MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE: somebody has rewritten data files and did not keep what they say, or the log that would tell
// is gone. Reads the log from the oldest version on.
Status CheckRowsWereDeleted(DeltaLog& log, const Snapshot& table, const std::vector<MissingRows>& missing);

// FindSourceRows and CheckRowsWereDeleted for files that the stream `app_id` (txn) has loaded, and of which nobody has written down how many rows they had.
Result<SourceRows> FindStreamedRows(DeltaLog& log, const Snapshot& table, const std::string& app_id, const std::vector<std::string>& paths);

// What a commit says that takes rows out, beside its own.
struct RowsTakenOut {
  ChangeActions made;
  DataWritten written;  // files written anew without the rows, and change files
  std::vector<std::string> read_keys;
  int64_t rows = 0;
  // The change data feed of the commit is in change files: rows that the same commit adds must be in them too (WriteInsertedRows).
  bool has_change_files() const { return !written.changes.empty(); }
  void AddTo(CommitRequest& request) const;
  // Removes what was written, when no commit will name it.
  void Discard(Fs& fs, const std::string& table_path) const;
};

// By deletion vectors where the table has them, else by files written anew; a file of which nothing is left goes. Durable when it returns.
// DELTA_CANNOT_MODIFY_APPEND_ONLY.
Result<RowsTakenOut> TakeOutRows(DeltaLog& log, const Snapshot& table, const SourceRows& rows, int threads);

// Change files that say that the rows of `added` were inserted.
Result<std::vector<ChangeFilePtr>> WriteInsertedRows(DeltaLog& log, const Snapshot& table, const MetadataPtr& metadata, const std::vector<AddFilePtr>& added,
                                                     int threads);

}  // namespace millstream
