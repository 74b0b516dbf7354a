#pragma once

// test_files.h   For the tests of this room: files in a temporary directory, and rows as text.

#include <string>
#include <vector>

#include "formats/file_format.h"

namespace millstream {

// A directory that is removed at the end.
class TestFiles {
 public:
  TestFiles();
  ~TestFiles();
  InputFile Add(const std::string& name, const std::string& bytes);
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

// "1|x|null\n" for each row, or the error's message.
std::string ReadToText(const std::string& format, const OptionMap& options, std::vector<InputFile> files, const std::string& ddl,
                       std::vector<std::string> columns, const std::string& rescued = "", bool fail_on_new_fields = false,
                       std::shared_ptr<FileScanStats> stats = nullptr);
// The schema's simple string, or the error's message.
std::string InferToText(const std::string& format, const OptionMap& options, const std::string& bytes, bool infer_column_types);

}  // namespace millstream
