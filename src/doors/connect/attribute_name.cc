#include "doors/connect/attribute_name.h"

#include <utility>

namespace millstream {

Result<std::vector<std::string>> ParseAttributeName(std::string_view name) {
  auto wrong = [&] { return Status::Error(errors::kAttributeNameSyntax, {{"name", "`" + std::string(name) + "`"}}); };
  std::vector<std::string> parts;
  std::string part;
  size_t at = 0;
  while (true) {
    part.clear();
    if (at < name.size() && name[at] == '`') {
      ++at;
      while (true) {
        if (at == name.size()) return wrong();
        if (name[at] != '`') {
          part += name[at++];
        } else if (at + 1 < name.size() && name[at + 1] == '`') {
          part += '`';
          at += 2;
        } else {
          ++at;
          break;
        }
      }
      if (at < name.size() && name[at] != '.') return wrong();
    } else {
      while (at < name.size() && name[at] != '.') {
        if (name[at] == '`') return wrong();
        part += name[at++];
      }
      // "a..b", ".a" and "a." have an empty part; the empty name itself is a name.
      if (part.empty() && !name.empty()) return wrong();
    }
    parts.push_back(part);
    if (at == name.size()) return parts;
    ++at;
    if (at == name.size()) return wrong();
  }
}

}  // namespace millstream
