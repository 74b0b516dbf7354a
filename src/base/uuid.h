#pragma once

// uuid.h   Random version-4 UUIDs in their 36-character form.

#include <string>
#include <string_view>

namespace millstream {

std::string NewUuid();
// True for 8-4-4-4-12 hexadecimal digits.
bool IsUuid(std::string_view text);

}  // namespace millstream
