#pragma once

// fake_format.h   For tests: a format of lines "name=value,name=value". All values are strings.

#include <map>
#include <string>
#include <vector>

#include "connectors/files/files_connector.h"

namespace millstream::test {

Result<std::shared_ptr<const FileFormat>> MakeFakeFormat(const std::string& name, const OptionMap& options, const FormatContext& context);

// A directory that is gone when the test ends.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

void WriteFile(const std::string& path, std::string_view bytes);  // with its directories
// The values of one column, sorted; "<null>" for nulls.
std::vector<std::string> Values(RowStream& rows, const std::string& column);

}  // namespace millstream::test
