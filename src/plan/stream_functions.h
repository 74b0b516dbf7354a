#pragma once

// stream_functions.h   Functions of a stream that take TABLE(t) in place of its checkpoint: how the parser tells the catalog.

namespace millstream {

// UnresolvedDataSource::options: the name of t, quoted.
inline constexpr char kStreamsOfTable[] = "__millstream_streams_of_table";
inline constexpr char kTableArgument[] = "TABLE";  // the name of such an argument
inline constexpr const char* kFunctionsOfStreams[] = {"cloud_files_state", "cloud_files_history"};

}  // namespace millstream
