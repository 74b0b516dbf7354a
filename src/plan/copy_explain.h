#pragma once

// copy_explain.h   EXPLAIN COPY INTO: how the parser tells the session that a COPY INTO is to be explained and not run.

namespace millstream {

// An entry of CopyInto::copy_options, whatever its value.
inline constexpr char kExplainCopyOption[] = "__millstream_explain";

}  // namespace millstream
