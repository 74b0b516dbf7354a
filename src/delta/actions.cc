#include "delta/actions.h"

namespace millstream {

std::string DeletionVectorDescriptor::UniqueId() const {
  std::string id = storage_type + path_or_inline_dv;
  if (offset) id += "@" + std::to_string(*offset);
  return id;
}

std::string FileKey(const std::string& path, const std::optional<DeletionVectorDescriptor>& deletion_vector) {
  if (!deletion_vector) return path;
  // A NUL cannot stand in a URI: a path is never mistaken for a path with a vector.
  return path + '\0' + deletion_vector->UniqueId();
}

std::optional<std::string> Metadata::Property(const std::string& key) const {
  auto found = configuration.find(key);
  if (found == configuration.end()) return std::nullopt;
  return found->second;
}

bool Metadata::IsTrue(const std::string& key) const {
  std::optional<std::string> value = Property(key);
  return value && (*value == "true" || *value == "TRUE" || *value == "True");
}

}  // namespace millstream
