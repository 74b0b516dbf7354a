#include "connectors/files/start_key.h"

#include "base/option_table.h"
#include "formats/path_glob.h"
#include "storage/fs.h"

namespace millstream {
namespace {

// "/a/b" → "/a/b/", under which everything in it sorts.
std::string PrefixOf(std::string_view directory) { return directory == "/" ? std::string("/") : std::string(directory) + "/"; }

}  // namespace

Result<std::string> ResolveStartKey(const std::string& option, const std::string& text, const std::string& base) {
  std::string path = JoinPath(base, text);
  if (text.starts_with("/") || text.starts_with("file:") || text.find("://") != std::string::npos) {
    MS_ASSIGN_OR_RETURN(path, PathFromUri(text));
  }
  path = NormalizePath(path);
  if (!text.empty() && path.starts_with(PrefixOf(base))) return path;
  return Status::Error(errors::kInvalidOptionValue, {{"option", option},
                                                     {"owner", "files"},
                                                     {"value", text},
                                                     {"reason", "expected a path below " + HadoopPathString(base) + ", such as 'day=2026-11-30/part-7.json'"}});
}

bool LiesBeforeStartKey(std::string_view key, std::string_view directory) {
  if (key.empty()) return false;
  const std::string prefix = PrefixOf(directory);
  return !key.starts_with(prefix) && prefix < key;
}

std::string_view LastNameLeftOut(std::string_view key, std::string_view directory) {
  const std::string prefix = PrefixOf(directory);
  return key.starts_with(prefix) ? key.substr(prefix.size()) : std::string_view();
}

}  // namespace millstream
