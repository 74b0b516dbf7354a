#pragma once

// copy_explain.h   What the parser tells the session of a COPY INTO beyond its fields: that it is to be explained and not run, and which query names its files.

namespace millstream {

// An entry of CopyInto::copy_options, whatever its value.
inline constexpr char kExplainCopyOption[] = "__millstream_explain";
// Likewise: the text of the query of FILES = (SELECT …).
inline constexpr char kFilesQueryCopyOption[] = "__millstream_files_query";

}  // namespace millstream
