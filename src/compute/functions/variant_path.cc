// variant_path.cc   Paths into a VARIANT, and what schema_of_variant says of one.

#include <algorithm>
#include <charconv>

#include "compute/functions/variant_cast.h"
#include "types/variant_errors.h"

namespace millstream::compute {

// "$" and then ".name", "[0]", "['name']" or "[\"name\"]"; a name in brackets holds anything but its quote.
std::optional<VariantPath> VariantPath::Parse(std::string_view text) {
  if (!text.starts_with('$')) return std::nullopt;
  text.remove_prefix(1);
  VariantPath path;
  while (!text.empty()) {
    if (text[0] == '.') {
      const size_t end = std::min(text.find_first_of(".[", 1), text.size());
      if (end == 1) return std::nullopt;
      path.steps_.emplace_back(std::string(text.substr(1, end - 1)));
      text.remove_prefix(end);
      continue;
    }
    if (text[0] != '[' || text.size() < 3) return std::nullopt;
    if (const char quote = text[1]; quote == '\'' || quote == '"') {
      const size_t end = text.find(quote, 2);
      if (end == std::string_view::npos || end + 1 >= text.size() || text[end + 1] != ']') return std::nullopt;
      path.steps_.emplace_back(std::string(text.substr(2, end - 2)));
      text.remove_prefix(end + 2);
      continue;
    }
    int32_t index = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), index);
    if (error != std::errc() || text[1] == '-' || end == text.data() + text.size() || *end != ']') return std::nullopt;
    path.steps_.emplace_back(static_cast<size_t>(index));
    text.remove_prefix(static_cast<size_t>(end + 1 - text.data()));
  }
  return path;
}

Result<std::optional<VariantRef>> VariantPath::Walk(VariantRef variant) const {
  for (const auto& step : steps_) {
    MS_ASSIGN_OR_RETURN(const VariantValue value, VariantValue::Of(variant));
    if (const auto* key = std::get_if<std::string>(&step)) {
      if (value.kind() != VariantKind::kObject) return std::optional<VariantRef>();
      MS_ASSIGN_OR_RETURN(const auto member, value.Find(*key));
      if (!member) return member;
      variant = *member;
    } else {
      const size_t index = std::get<size_t>(step);
      if (value.kind() != VariantKind::kArray || index >= value.count()) return std::optional<VariantRef>();
      MS_ASSIGN_OR_RETURN(variant, value.At(index));
    }
  }
  return std::optional(variant);
}

}  // namespace millstream::compute
