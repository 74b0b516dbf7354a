#pragma once

// rescued_values.h   Fields out of a rescued-data column, {"field": value, …, "_file_path": …}, into columns of their own. Knows nothing of tables.

#include <arrow/array.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file_format.h"
#include "types/data_type.h"

namespace millstream {

struct JsonMember {
  std::string name;      // decoded
  std::string_view raw;  // "name":value, as it stands in the text
  std::string_view value;
};
// The members of a JSON object, in order. False: the text is none. Of two members of one name both are there.
bool SplitJsonObject(std::string_view text, std::vector<JsonMember>* members);

// Thread-safe.
class RescuedValues {
 public:
  // `columns`: what the fields become. They are found by their exact names.
  static Result<RescuedValues> Make(StructType columns, const std::string& time_zone);

  struct Moved {
    std::vector<std::shared_ptr<arrow::Array>> columns;  // of the new values where a value moved, else as they were
    std::shared_ptr<arrow::Array> rescued;               // without what has moved; null when nothing but _file_path is left
    std::vector<bool> has_moved;                         // of each row
    int64_t rows = 0;                                    // that have moved anything
  };
  // `rescued`: strings; `columns`: the values of today. A row that has one keeps it, and what was rescued. Values are read as from JSON files, numbers and
  // booleans also where they stand in quotes (CSV); what does not fit stays rescued, of a nested value that which does not.
  Result<Moved> Move(const arrow::Array& rescued, const std::vector<std::shared_ptr<arrow::Array>>& columns) const;

 private:
  RescuedValues(StructType columns, std::shared_ptr<const FileFormat> json) : columns_(std::move(columns)), json_(std::move(json)) {}
  Result<RecordBatchPtr> Parse(std::string lines, int64_t records) const;

  StructType columns_;
  std::shared_ptr<const FileFormat> json_;
};

}  // namespace millstream
