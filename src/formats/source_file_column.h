#pragma once

// source_file_column.h   Which file a row was read from: a hidden column of a file scan, for who writes it down beside the rows (delta/source_runs.h).

#include <string_view>

namespace millstream {

// INTEGER, never null: the place of the file in the list that was given to FileFormat::Read. Asked for by this name in FileScan::columns; no column of
// the data can have it then. Users cannot name it.
inline constexpr std::string_view kSourceFileColumn = "__millstream_source_file";

// The key in the footer's key-value metadata of our data files that says it (docs/formats/source_files.md).
inline constexpr std::string_view kSourceFilesKey = "millstream.source_files";

}  // namespace millstream
