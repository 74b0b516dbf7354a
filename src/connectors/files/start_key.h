#pragma once

// start_key.h   Where a listing starts (startAfter): paths that sort at or before it, byte by byte, are not listed. Pure.

#include <string>
#include <string_view>

#include "base/status.h"

namespace millstream {

// What the user writes, as an absolute path: a URI, an absolute path, or one below `base`, the load path up to its first glob; there need be no such file.
// Error: MILLSTREAM_INVALID_OPTION_VALUE when it does not lie below `base`.
Result<std::string> ResolveStartKey(const std::string& option, const std::string& text, const std::string& base);

// Whether every path below the directory sorts before the key.
bool LiesBeforeStartKey(std::string_view key, std::string_view directory);
// The last name in the directory (or what it would be) that is not listed; empty: all are.
std::string_view LastNameLeftOut(std::string_view key, std::string_view directory);
// Whether one path is listed.
inline bool PassesStartKey(std::string_view key, std::string_view path) { return key.empty() || path > key; }

}  // namespace millstream
