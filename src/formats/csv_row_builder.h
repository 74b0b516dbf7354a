#pragma once

// csv_row_builder.h   CSV records → rows of a schema, value for value as Spark's UnivocityParser makes them.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/bad_records.h"
#include "formats/column_builder.h"
#include "formats/csv_block.h"
#include "formats/csv_tokenizer.h"
#include "formats/csv_variant.h"
#include "types/variant_builder.h"

namespace millstream {

struct CsvRowShape {
  StructType data_schema;
  std::vector<std::string> columns;   // the children of the row, in order
  std::string corrupt_record_column;  // empty: not wanted
  std::string rescued_data_column;    // empty: not wanted
  bool rescue = false;                // values that do not fit are rescued; columns go by the header's names where there is one
  bool fail_on_new_fields = false;
  bool by_name = false;            // columns go by the header's names where there is one, also without rescue
  bool quarantines = false;        // bad records are told of by TakeBad, and make no row
  bool is_single_variant = false;  // the one data column takes each record whole; a header's names are its keys
};

// Not thread-safe.
class CsvRowBuilder {
 public:
  CsvRowBuilder(const CsvOptions& options, const CsvRowShape& shape);

  // The file whose records follow. `header`: its column names, or null when columns go by position.
  Status SetFile(std::string_view path, const std::vector<std::string>* header);
  // One record; `text` is what it stands as in the file, without line end.
  Status Record(const std::vector<CsvValue>& values, bool well_formed, std::string_view text);
  // How many values a record has of which many can be taken at once; 0: none.
  size_t block_columns() const { return block_columns_; }
  // All records of a block, column by column, as Record would take them. False: one of them has a value that does not fit, and nothing is taken.
  bool Block(const CsvBlock& block);
  Status Refuse(std::string_view start_of_record, std::string_view reason);

  ColumnBuilder& rows() { return rows_; }
  int64_t rejected() const { return rejected_; }
  int64_t rescued() const { return rescued_rows_; }
  int64_t malformed() const { return malformed_; }  // broken records whose text no rescued column holds
  // Those since the last call. Their texts lie in the input.
  std::vector<BadText> TakeBad() { return std::exchange(bad_, {}); }
  bool has_bad() const { return !bad_.empty(); }
  void ResetCounts() { rejected_ = rescued_rows_ = malformed_ = 0; }

 private:
  // Null, or a text.
  std::optional<std::string_view> TextOf(const CsvValue& value) const;
  bool Append(const CsvValue& value, ColumnBuilder& out, size_t position);
  Status WholeRecord(const std::vector<CsvValue>& values, std::string_view text);
  Status AppendVariant(ColumnBuilder& out);
  bool AppendText(std::string_view text, ColumnBuilder& out);
  bool AppendColumn(const CsvBlock& block, size_t position, ColumnBuilder& out);
  size_t BlockColumns() const;
  void Rescue(std::string_view column, std::string_view text);
  Status Finish(bool bad, std::string_view text, std::string_view reason);

  const CsvOptions& options_;
  const CsvRowShape shape_;
  ColumnBuilder rows_;
  int corrupt_index_ = -1, rescued_index_ = -1;
  // Per position in the file: the row's child, -1: known but not wanted, -2: not in the schema.
  std::vector<int> by_position_, schema_children_;
  size_t block_columns_ = 0;
  std::vector<std::string> file_columns_;
  bool has_keys_ = false;  // with is_single_variant: file_columns_ are the file's
  bool by_name_ = false;
  VariantBuilder variant_;
  std::vector<CsvVariantColumn> variant_columns_;  // by position in the file
  std::string file_path_, rescued_;
  std::string bad_column_, bad_reason_;  // of the record under way
  std::vector<BadText> bad_;
  int64_t rejected_ = 0, rescued_rows_ = 0, malformed_ = 0;
};

}  // namespace millstream
