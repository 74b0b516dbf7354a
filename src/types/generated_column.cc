#include "types/generated_column.h"

#include <nlohmann/json.hpp>

namespace millstream {

std::optional<std::string> MetadataText(const StructField& field, const char* key) {
  // Most fields have no metadata, and are not parsed.
  if (field.metadata.find(key) == std::string::npos) return std::nullopt;
  const nlohmann::json metadata = nlohmann::json::parse(field.metadata, nullptr, /*allow_exceptions=*/false);
  const auto found = metadata.is_object() ? metadata.find(key) : metadata.end();
  if (found == metadata.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::string WithMetadata(const StructField& field, const char* key, const std::string& text) {
  nlohmann::ordered_json metadata = nlohmann::ordered_json::parse(field.metadata, nullptr, /*allow_exceptions=*/false);
  if (!metadata.is_object()) metadata = nlohmann::ordered_json::object();
  metadata[key] = text;
  return metadata.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace millstream
