#pragma once

// ignore_case.h   Texts that differ in the case of A to Z only: names of options, formats, columns. The order of such names is CaseInsensitiveLess's
// (base/option_table.h).

#include <algorithm>
#include <string_view>

namespace millstream {

inline bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace millstream
