#pragma once

// parse_mode.h   What becomes of a record that cannot be read, for JSON and CSV alike.

#include <string>
#include <string_view>

namespace millstream {

enum class ParseMode { kPermissive, kDropMalformed, kFailFast };

// An unknown word is PERMISSIVE, as in Spark.
inline ParseMode ParseModeFromText(std::string_view text) {
  std::string upper;
  for (char c : text) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  if (upper == "DROPMALFORMED") return ParseMode::kDropMalformed;
  if (upper == "FAILFAST") return ParseMode::kFailFast;
  return ParseMode::kPermissive;
}

}  // namespace millstream
