// formats_differential_test.cc   Odd files of each format read by us and by PySpark 4.2, compared value for value. What Spark answered was recorded by
// tests/spark/record_formats.py (JSON, CSV) and record_more_formats.py (Avro, ORC, XML).

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/util/decimal.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "formats/file_format.h"
#include "formats/json_scanner.h"
#include "formats/recorded_files.h"
#include "formats/test_files.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

using Json = nlohmann::json;

std::string Printed(double value) {
  if (value != value) return "nan";
  char text[64];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

// The same text as record_formats.py's `render` of what `plain` selects; "None" for null.
std::string Rendered(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return "None";
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row) ? "true" : "false";
    case arrow::Type::FLOAT:
      return Printed(static_cast<const arrow::FloatArray&>(array).Value(row));
    case arrow::Type::DOUBLE:
      return Printed(static_cast<const arrow::DoubleArray&>(array).Value(row));
    case arrow::Type::DATE32:
      return std::to_string(static_cast<const arrow::Date32Array&>(array).Value(row));
    case arrow::Type::TIMESTAMP:
      return std::to_string(static_cast<const arrow::TimestampArray&>(array).Value(row));
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return ValidUtf8(static_cast<const arrow::BinaryArray&>(array).GetString(row));
    case arrow::Type::DECIMAL128: {
      const auto& decimals = static_cast<const arrow::Decimal128Array&>(array);
      const int scale = static_cast<const arrow::DecimalType&>(*array.type()).scale();
      std::string digits = arrow::Decimal128(decimals.GetValue(row)).ToIntegerString();
      const std::string sign = digits.starts_with('-') ? "-" : "";
      digits.erase(0, sign.size());
      if (static_cast<int>(digits.size()) <= scale) digits.insert(0, static_cast<size_t>(scale) + 1 - digits.size(), '0');
      if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
      return sign + digits;
    }
    case arrow::Type::STRUCT: {
      const auto& nested = static_cast<const arrow::StructArray&>(array);
      std::string out = "{";
      for (int i = 0; i < nested.num_fields(); ++i) out += (i > 0 ? "," : "") + nested.type()->field(i)->name() + ":" + Rendered(*nested.field(i), row);
      return out + "}";
    }
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      std::string out = "[";
      for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
        out += (i > list.value_offset(row) ? "," : "") + Rendered(*list.values(), i);
      }
      return out + "]";
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      std::map<std::string, std::string> sorted;  // a Python dict keeps the last of equal keys
      for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) sorted[Rendered(*map.keys(), i)] = Rendered(*map.items(), i);
      std::string out = "{";
      for (const auto& [key, value] : sorted) out += (out.size() > 1 ? "," : "") + key + ":" + value;
      return out + "}";
    }
    default:
      return (*array.GetScalar(row))->ToString();
  }
}

struct Answer {
  std::string error;
  std::vector<std::map<std::string, std::string>> rows;
};

Answer Ours(const std::string& format_name, const RecordedFile& recorded, const InputFile& file) {
  Answer answer;
  auto failed = [&](const Status& status) {
    answer.error = status.message();
    answer.rows.clear();
    return answer;
  };
  auto format = MakeFileFormat(format_name, recorded.options, {});
  if (!format.ok()) return failed(format.status());
  auto schema = SchemaFromDdl(recorded.schema);
  if (!schema.ok()) return failed(schema.status());
  FileScan scan{.data_schema = *schema, .columns = ColumnsOf(recorded.schema)};
  auto rows = (*format)->Read({file}, scan, nullptr);
  if (!rows.ok()) return failed(rows.status());
  while (true) {
    auto batch = (*rows)->Next();
    if (!batch.ok()) return failed(batch.status());
    if (*batch == nullptr) return answer;
    if (auto valid = (*batch)->ValidateFull(); !valid.ok()) return failed(Status::Internal(valid.ToString()));
    for (int64_t row = 0; row < (*batch)->num_rows(); ++row) {
      auto& out = answer.rows.emplace_back();
      for (int i = 0; i < (*batch)->num_columns(); ++i) {
        if (!(*batch)->column(i)->IsNull(row)) out[(*batch)->column_name(i)] = Rendered(*(*batch)->column(i), row);
      }
    }
  }
}

std::string Shown(const std::map<std::string, std::string>& row) {
  std::string out;
  for (const auto& [name, value] : row) out += " " + name + "=" + (value.size() > 120 ? value.substr(0, 120) + "…" : value);
  return out;
}

// A time of day alone is a timestamp of the day on which it is read: Spark's answer was right when it was recorded.
bool IsOfToday(const RecordedFile& recorded) {
  const bool has_timestamp = recorded.schema.find("timestamp") != std::string::npos || recorded.schema.find("TIMESTAMP") != std::string::npos;
  return has_timestamp && recorded.content.find(">12:34") != std::string::npos;
}

class FormatsDifferential : public testing::TestWithParam<const char*> {};

TEST_P(FormatsDifferential, AnswersAsSparkDoes) {
  const std::string format = GetParam();
  int compared = 0, rows_compared = 0, number = -1;
  for (const RecordedFile& recorded : RecordedFiles(format)) {
    ++number;
    const Json& one = recorded.answer;
    if (one.contains("exception") || IsOfToday(recorded)) continue;
    ++compared;
    std::string label = "case " + std::to_string(number) + " " + one["options"].dump() + " " + recorded.schema.substr(0, 60) + " " +
                        Json(recorded.content.substr(0, 60)).dump(-1, ' ', false, Json::error_handler_t::replace);
    if (recorded.schema.empty()) {
      std::string ours = InferToText(format, recorded.options, recorded.content, true);
      if (one.contains("error")) {
        EXPECT_EQ(ours.find("struct<"), std::string::npos) << label << "\n ours " << ours << "\n Spark " << one["error_text"];
      } else {
        EXPECT_EQ(ours, one["inferred"].get<std::string>()) << label;
      }
      continue;
    }
    TestFiles files;
    Answer ours = Ours(format, recorded, files.Add("f", recorded.content));
    if (one.contains("error")) {
      EXPECT_FALSE(ours.error.empty()) << label << "\n Spark " << one["error_text"];
      continue;
    }
    EXPECT_EQ(ours.error, "") << label;
    const Json& rows = one["rows"];
    EXPECT_EQ(ours.rows.size(), rows.size()) << label;
    for (size_t row = 0; row < std::min(ours.rows.size(), rows.size()); ++row) {
      std::map<std::string, std::string> spark;
      for (const auto& [name, value] : rows[row].items()) spark[name] = value.get<std::string>();
      ++rows_compared;
      if (ours.rows[row] != spark) ADD_FAILURE() << label << "\n row " << row << "\n  ours:" << Shown(ours.rows[row]) << "\n Spark:" << Shown(spark);
    }
  }
  std::printf("%d cases, %d rows compared\n", compared, rows_compared);
}

INSTANTIATE_TEST_SUITE_P(Formats, FormatsDifferential, testing::Values("json", "csv", "avro", "orc", "xml"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace millstream
