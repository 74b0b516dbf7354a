#pragma once

// recorded_files.h   For the tests of this room: the files under tests/spark/data whose answers Spark gave once.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/option_table.h"

namespace millstream {

struct RecordedFile {
  std::string content;
  OptionMap options;
  std::string schema;     // DDL; empty: the case asks for the inferred schema
  nlohmann::json answer;  // "rows", "inferred" or "error"; "exception" when we answer otherwise on purpose
};

// Those of one format, in order; `recorded`: the name of their file, where it is not the format's own.
std::vector<RecordedFile> RecordedFiles(const std::string& format, const std::string& recorded = "");
// The names of a DDL schema's columns.
std::vector<std::string> ColumnsOf(const std::string& ddl);

}  // namespace millstream
