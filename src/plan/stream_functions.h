#pragma once

// stream_functions.h   Functions that take TABLE(t): of a stream in place of its checkpoint, of COPY INTO in place of the table's name as a text.

namespace millstream {

// UnresolvedDataSource::options of a stream's: the name of t, quoted.
inline constexpr char kStreamsOfTable[] = "__millstream_streams_of_table";
inline constexpr char kTableArgument[] = "TABLE";  // the name of such an argument
inline constexpr const char* kFunctionsOfTables[] = {"cloud_files_state", "cloud_files_history", "copy_into_state", "copy_into_history"};

}  // namespace millstream
