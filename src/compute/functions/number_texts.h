#pragma once

// number_texts.h   Text → numbers as Spark's casts read them (UTF8String, Cast): white space and control characters around them are left aside.

#include <cstdint>
#include <optional>
#include <string_view>

namespace millstream::compute {

// UTF8String.trimAll: white space and control characters at both ends.
std::string_view TrimAll(std::string_view text);
// UTF8String.toLong(allowDecimal): an optional sign, digits, and, where allowed, a fraction that is dropped.
std::optional<int64_t> LongOfText(std::string_view text, bool allow_fraction);
// Java's Double.parseDouble, with the special names that Spark adds in any case.
std::optional<double> DoubleOfText(std::string_view text);
// "t", "true", "y", "yes", "1" and their opposites.
std::optional<bool> BooleanOfText(std::string_view text);

}  // namespace millstream::compute
