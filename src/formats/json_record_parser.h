#pragma once

// json_record_parser.h   JSON records → rows of a schema, value for value as Spark's JacksonParser makes them.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/bad_records.h"
#include "formats/column_builder.h"
#include "formats/json_scanner.h"
#include "formats/spark_text.h"
#include "formats/variant_json.h"

namespace millstream {

// What the rows are made of. Columns of the result: wanted data columns, and by name the corrupt record's and the rescued data's.
struct JsonRowShape {
  StructType data_schema;             // all known fields
  std::vector<std::string> columns;   // the children of the row, in order
  std::string corrupt_record_column;  // empty: not wanted
  std::string rescued_data_column;    // empty: not wanted
  bool rescue = false;                // type errors are rescued (or dropped with the rescued column) instead of making the record bad
  bool fail_on_new_fields = false;
  bool quarantines = false;        // bad records are told of by TakeBad, and make no row
  bool is_single_variant = false;  // the one data column takes each record whole
};

struct JsonNode;

// Not thread-safe; reused for many chunks, so that it remembers the order of fields.
class JsonRecordParser {
 public:
  JsonRecordParser(const JsonOptions& options, const JsonRowShape& shape);
  ~JsonRecordParser();

  // Where the following records come from, for the rescued data column.
  void SetFile(std::string_view path) { file_path_ = path; }
  // Appends the rows of one record: none for white space, several for an array. `end` as in JsonScanner.
  Status Record(const char* begin, const char* end);
  // Several values one after another, until the end: a file read with multiLine.
  Status Document(const char* begin, const char* end);
  // A record that is refused unread.
  Status Refuse(std::string_view start_of_record, std::string_view reason);

  ColumnBuilder& rows() { return rows_; }
  int64_t rejected() const { return rejected_; }  // records left out (DROPMALFORMED), since TakeCounts
  int64_t rescued() const { return rescued_rows_; }
  int64_t malformed() const { return malformed_; }  // broken records whose text no rescued column holds
  // Those since the last call. Their texts lie in the input.
  std::vector<BadText> TakeBad() { return std::exchange(bad_, {}); }
  bool has_bad() const { return !bad_.empty(); }
  void ResetCounts() { rejected_ = rescued_rows_ = malformed_ = 0; }

 private:
  enum class Outcome { kOk, kMismatch, kSyntax };
  // An object that is open, for the path of what is rescued.
  struct Frame {
    Frame* parent = nullptr;
    std::string_view name;
    bool open = false;
  };

  Status OneValue(const char* begin);
  void Quarantine(int64_t first_row, std::string_view text, bool is_whole, std::string_view reason);
  std::string SyntaxError(std::string_view text);
  Status HandleBad(int64_t first_row, std::string_view text, bool keep_rows, std::string_view reason);
  bool RootObject();
  Status WholeRecord(const char* begin);
  Outcome Object(JsonNode& node, ColumnBuilder& out, Frame* frame, int depth);
  bool Field(JsonNode& node, int field, ColumnBuilder& out, Frame* frame, int depth);
  bool UnknownField(JsonNode& node, std::string_view name, Frame* frame, int depth);
  Outcome Value(JsonNode& node, ColumnBuilder& out, Frame* frame, int depth);
  Outcome Array(JsonNode& node, ColumnBuilder& out, Frame* frame, int depth);
  Outcome Map(JsonNode& node, ColumnBuilder& out, Frame* frame, int depth);
  Outcome Text(ColumnBuilder& out, int depth);
  Outcome Integer(JsonNode& node, ColumnBuilder& out, int depth);
  Outcome Floating(JsonNode& node, ColumnBuilder& out, int depth);
  Outcome Decimal(JsonNode& node, ColumnBuilder& out, int depth);
  Outcome DateTime(JsonNode& node, ColumnBuilder& out, int depth);
  Outcome Binary(ColumnBuilder& out, int depth);
  Outcome Variant(ColumnBuilder& out, int depth);
  Outcome Mismatch(int depth) { return scanner_.SkipValue(depth) ? Outcome::kMismatch : Outcome::kSyntax; }
  bool ScratchString(std::string_view* text);
  int NextField(JsonNode& node, size_t* at, std::string_view* name);
  bool FillRow();

  void Rescue(Frame* frame, std::string_view name, std::string_view raw);
  void OpenRescued(Frame* frame);
  void FinishRescued(std::string* text);

  const JsonOptions& options_;
  const JsonRowShape shape_;
  JsonScanner scanner_;
  VariantJsonParser variants_;
  std::unique_ptr<JsonNode> root_;
  ColumnBuilder rows_;
  int corrupt_index_ = -1, rescued_index_ = -1;
  int variant_index_ = -1;  // of the column that takes records whole; -1: none, or not wanted
  Growing<uint8_t> scratch_;
  std::string name_scratch_;

  std::string file_path_;
  std::string rescued_;                  // of the row under way
  std::vector<std::string> new_fields_;  // of the record under way
  bool record_bad_ = false;
  std::string bad_column_, bad_reason_;  // of the first value that made it so
  std::vector<BadText> bad_;
  int lists_open_ = 0;       // arrays and maps around the value
  bool list_dirty_ = false;  // something in them is to be rescued: then all of the outermost is
  int64_t rejected_ = 0, rescued_rows_ = 0, malformed_ = 0;
  int64_t rescued_before_ = 0;  // the record under way
};

}  // namespace millstream
