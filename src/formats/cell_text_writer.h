#pragma once

// cell_text_writer.h   Values as the text that Spark's writers make of them: dates, times, numbers, JSON.

#include <arrow/array.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/time_zone.h"
#include "types/data_type.h"

namespace millstream {

// "2026-01-02", "-0001-01-01", "+10000-01-01".
void AppendIsoDate(int64_t days, std::string& out);
// "2026-01-02T03:04:05.678", with "Z" or "+01:00" behind it when there is a zone.
void AppendIsoTimestamp(int64_t micros, const TimeZone* zone, std::string& out);
// "2026-01-02 03:04:05.678901" without trailing zeros: CAST(ts AS STRING), as partition directories have it.
void AppendPlainTimestamp(int64_t micros, const TimeZone* zone, std::string& out);
// java.math.BigDecimal.toString: "12.30", "1E-7".
void AppendBigDecimal(__int128 unscaled, int scale, std::string& out);

// A scalar that is neither null, a string nor nested.
void AppendScalarText(const arrow::Array& array, int64_t row, const DataType& type, const TimeZone& zone, std::string& out);

struct JsonTextOptions {
  const TimeZone* zone = &TimeZone::Utc();
  bool keep_nulls = false;  // ignoreNullFields=false
};
// The row as a JSON object, without a line end.
class JsonRowText {
 public:
  JsonRowText(const StructType& schema, JsonTextOptions options);
  void AppendRow(const std::vector<std::shared_ptr<arrow::Array>>& columns, int64_t row, std::string& out) const;

 private:
  void AppendValue(const arrow::Array& array, int64_t row, const DataType& type, std::string& out) const;

  const StructType schema_;
  const JsonTextOptions options_;
  std::vector<std::string> keys_;  // "name":
};

}  // namespace millstream
