#include "doors/cli/result_printer.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "session/cell_text.h"

namespace millstream {
namespace {

constexpr int64_t kRowsPerBox = 10000;

class Printer {
 public:
  Printer(const StructType& schema, OutputFormat format, std::string zone, const TimeZone& time_zone)
      : schema_(schema), format_(format), zone_(std::move(zone)), time_zone_(time_zone) {}

  Status Add(RecordBatchPtr batch) {
    rows_ += batch->num_rows();
    if (format_ == OutputFormat::kJson) return PrintJson(*batch);
    if (format_ == OutputFormat::kCsv) return PrintCsv(*batch);
    in_box_ += batch->num_rows();
    box_.push_back(std::move(batch));
    return in_box_ >= kRowsPerBox ? PrintBox() : Status();
  }
  Status Finish() {
    if (format_ == OutputFormat::kCsv) PrintHeader();
    if (format_ == OutputFormat::kTable && (in_box_ > 0 || rows_ == 0) && !schema_.empty()) return PrintBox();
    return Status();
  }
  int64_t rows() const { return rows_; }

 private:
  Status PrintBox() {
    MS_ASSIGN_OR_RETURN(std::string text, ShowString(schema_, box_, static_cast<int>(in_box_), 0, false, zone_));
    while (text.ends_with("\n\n")) text.pop_back();
    std::fputs(text.c_str(), stdout);
    box_.clear();
    in_box_ = 0;
    return Status();
  }

  Status PrintJson(const arrow::RecordBatch& batch) const {
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      nlohmann::ordered_json object = nlohmann::ordered_json::object();
      for (size_t i = 0; i < schema_.size(); ++i) {
        const arrow::Array& column = *batch.column(static_cast<int>(i));
        nlohmann::ordered_json& value = object[schema_[i].name];
        if (column.IsNull(row)) continue;
        if (column.type_id() == arrow::Type::INT64) {
          value = static_cast<const arrow::Int64Array&>(column).Value(row);
        } else if (column.type_id() == arrow::Type::BOOL) {
          value = static_cast<const arrow::BooleanArray&>(column).Value(row);
        } else {
          std::string text;
          MS_RETURN_IF_ERROR(AppendCellText(column, row, schema_[i].type, time_zone_, text));
          value = std::move(text);
        }
      }
      std::puts(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    }
    return Status();
  }

  // Once.
  void PrintHeader() {
    if (has_header_) return;
    has_header_ = true;
    std::string line;
    for (const StructField& field : schema_) line += (line.empty() ? "" : ",") + Quoted(field.name);
    std::puts(line.c_str());
  }

  Status PrintCsv(const arrow::RecordBatch& batch) {
    PrintHeader();
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      std::string line;
      for (size_t i = 0; i < schema_.size(); ++i) {
        if (i > 0) line += ',';
        std::string text;
        const arrow::Array& column = *batch.column(static_cast<int>(i));
        if (column.IsNull(row)) continue;
        MS_RETURN_IF_ERROR(AppendCellText(column, row, schema_[i].type, time_zone_, text));
        line += Quoted(text);
      }
      std::puts(line.c_str());
    }
    return Status();
  }

  static std::string Quoted(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos && !text.empty()) return text;
    std::string quoted = "\"";
    for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
  }

  const StructType schema_;
  const OutputFormat format_;
  const std::string zone_;
  const TimeZone& time_zone_;
  std::vector<RecordBatchPtr> box_;
  int64_t in_box_ = 0, rows_ = 0;
  bool has_header_ = false;  // CSV
};

}  // namespace

Result<int64_t> PrintResult(Session& session, QueryResult result, OutputFormat format, const std::function<void(const RecordBatchPtr&)>& see) {
  const std::string zone = session.GetConf("spark.sql.session.timeZone").value_or("UTC");
  const TimeZone* time_zone = TimeZone::Find(zone);
  Printer printer(result.schema, format, zone, time_zone == nullptr ? TimeZone::Utc() : *time_zone);
  while (result.rows) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, result.rows->Next());
    if (!batch) break;
    if (see) see(batch);
    MS_RETURN_IF_ERROR(printer.Add(std::move(batch)));
  }
  MS_RETURN_IF_ERROR(printer.Finish());
  std::fflush(stdout);
  return printer.rows();
}

}  // namespace millstream
