#pragma once

// data_writer.h   Rows → data files of a table, durable and named, ready to be committed.

#include <string>
#include <vector>

#include "base/clock.h"
#include "delta/actions.h"
#include "delta/row_rules.h"
#include "delta/source_runs.h"
#include "storage/fs.h"
#include "types/chunk_rows.h"
#include "types/row_stream.h"

namespace millstream {

// The column that tells rows of the change data feed: insert, update_preimage, update_postimage or delete.
inline constexpr std::string_view kChangeTypeColumn = "_change_type";

struct DataWriteOptions {
  int threads = 2;
  int64_t target_file_bytes = int64_t{128} << 20;
  // The rows have a column _change_type. Batches in which it is null are the table's rows; those in which it is set go to _change_data. No batch
  // has both.
  bool has_change_rows = false;
  // The rows have a column kSourceFileColumn (last), which is not written: what it says goes into the footers, with these names. Null: there is no such
  // column. Nulls in it are rows of unknown origin. Names may be appended as long as no row has their numbers.
  SourceFileNames source_files;
  // What the table demands of its rows (DeltaTables::RulesOf). Null: nothing, or `rows_are_stored`: the rows are in the table already, and only move.
  RowRulesPtr rules;
  bool rows_are_stored = false;
};

struct DataWritten {
  std::vector<AddFilePtr> files;
  std::vector<ChangeFilePtr> changes;
  int64_t rows = 0;   // in `files`
  int64_t bytes = 0;  // of `files`
  int64_t registered = 0;  // of `files`: those that came as a whole (delta/registered_files.h)
  std::vector<int64_t> source_rows;  // rows in `files` of each of the source files; empty: not known
};

// What may come encoded, or as whole files, of rows that become a table's. `has_change_rows` as in the options.
ChunkWishes WishesOf(const Metadata& table, const StructType& rows_schema, bool has_change_rows);

// The columns of rows as the table takes them: without kSourceFileColumn.
StructType WithoutSourceFile(const StructType& rows_schema);

// Writes `rows` (columns `rows_schema`, fitting `table.schema`) below `table_path`. A few rows are written on the calling thread; more on up to
// `threads` threads, each with files of its own. Rows that break a rule of the table are
// an error. When it returns, files and directories are synced. On an error, files that were
// published stay behind for VACUUM: no commit names them.
Result<DataWritten> WriteDataFiles(Fs& fs, Clock& clock, const std::string& table_path, const Metadata& table, const StructType& rows_schema, RowStream& rows,
                                   const DataWriteOptions& options);

}  // namespace millstream
