#pragma once

// traced_rows.h   Rows of data files with the source files that their footers name: for who writes them anew and keeps that knowledge.

#include <optional>
#include <string>
#include <vector>

#include "delta/scan.h"
#include "delta/source_runs.h"

namespace millstream {

// Where the rows of a data file come from: what its footer says, or of a registered file its tag, `registered_source` (delta/registered_files.h). nullopt:
// nothing, or nothing that can be read. DELTA_FILE_NOT_FOUND_DETAILED when the file is gone.
Result<std::optional<SourceRuns>> ReadSourceRuns(Fs& fs, const std::string& table_path, const std::string& data_file,
                                                 const std::optional<std::string>& registered_source);

// The rows of `request` (whose files have no constants beside those that its columns name), and behind their columns kSourceFileColumn: null where the origin
// is not known. Reads the footers at once, and adds their source files to `names`.
Result<RowStreamPtr> ScanTraced(Fs& fs, ScanRequest request, std::vector<std::string>& names);

// Rows of unknown origin, with a column kSourceFileColumn of nulls behind their own.
RowStreamPtr UntracedRows(RowStreamPtr rows);

// With the column kSourceFileColumn behind the others.
StructType WithSourceFile(StructType schema);

}  // namespace millstream
