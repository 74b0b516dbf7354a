#pragma once

// json_text.h   Strings as Jackson writes them.

#include <string>
#include <string_view>

namespace millstream::compute {

// In quotes, with what JSON must escape escaped.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace millstream::compute
