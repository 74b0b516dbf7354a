#pragma once

// scan.h   A snapshot's rows: files that cannot match are skipped, deleted rows are left out, and each file's columns become the table's.

#include <string>
#include <vector>

#include "delta/deletion_vector.h"
#include "delta/registered_files.h"
#include "delta/snapshot.h"
#include "storage/fs.h"
#include "types/row_stream.h"
#include "types/value.h"

namespace millstream {

// A condition on one top-level column that every wanted row fulfils. Used to skip files, never to drop rows.
struct ColumnPredicate {
  enum class Kind { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kIsNull, kIsNotNull };
  std::string column;  // as in the table's schema
  Kind kind;
  Value value;  // of the column's type
};

// May a file hold rows that fulfil all predicates? By partition values and statistics; true when in doubt.
bool MayMatch(const AddFile& file, const Metadata& metadata, const std::vector<ColumnPredicate>& predicates);

// Rows with these top-level columns, in this order; thread-safe as RowStream says, one row group per puller at a time. Page CRCs are
// verified. DELTA_FILE_NOT_FOUND_DETAILED when a data file is gone.
Result<RowStreamPtr> ScanSnapshot(Fs& fs, SnapshotPtr snapshot, const std::vector<std::string>& columns, const std::vector<ColumnPredicate>& predicates);

// One data file, or some of its rows.
struct ScanFile {
  std::string path;  // as in the log
  PartitionValues partition_values;
  std::optional<DeletionVectorDescriptor> deletion_vector;  // its rows are left out
  DeletedRows without;                                      // left out as well; null: none
  DeletedRows only;                                         // of all rows only these; null: no such wish
  std::vector<Value> constants;                             // for columns of kind kConstant
  std::optional<std::string> source;                        // of a registered file: all its rows are this source file's

  static ScanFile Of(const AddFile& add) { return {add.path, add.partition_values, add.deletion_vector, nullptr, nullptr, {}, SourceOfRegistered(add)}; }
};

struct ScanColumn {
  enum class Kind {
    kData,      // of the table, by the field's name
    kConstant,  // ScanFile::constants[constant] for every row
    kRowIndex,  // LONG: the row's place within its file, deleted rows counted
  };
  StructField field;
  Kind kind = Kind::kData;
  size_t constant = 0;
};

struct ScanRequest {
  std::string table_path;
  MetadataPtr metadata;
  std::vector<ScanFile> files;
  std::vector<ScanColumn> columns;
};

// The rows of these files, as ScanSnapshot gives them.
RowStreamPtr ScanFiles(Fs& fs, ScanRequest request);

}  // namespace millstream
