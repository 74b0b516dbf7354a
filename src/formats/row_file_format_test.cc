#include "formats/row_file_format.h"

#include <arrow/array.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "formats/cell_text_writer.h"
#include "formats/test_files.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

// Rows given as JSON lines, read by our reader, written as `format`; the bytes of the file.
std::string Rewrite(const std::string& json, const std::string& ddl, const std::string& format, OptionMap options = {}, const std::string& zone = "UTC") {
  TestFiles files;
  StructType schema = *SchemaFromDdl(ddl);
  auto reader = MakeFileFormat("json", {}, {});
  FileScan scan{.data_schema = schema};
  for (const StructField& field : schema) scan.columns.push_back(field.name);
  auto rows = (*reader)->Read({files.Add("in.json", json)}, scan, nullptr);
  auto writing = MakeRowFileFormat(format, options, schema, {.time_zone = zone});
  if (!writing.ok()) return writing.status().message();
  const std::string path = files.directory() + "/out" + (*writing)->extension();
  auto writer = (*writing)->Create(Fs::Local(), path);
  const std::vector<RecordBatchPtr> batches = *Drain(**rows);
  for (const RecordBatchPtr& batch : batches) EXPECT_TRUE((*writer)->Write(*batch).ok());
  Result<int64_t> size = (*writer)->Close();
  EXPECT_TRUE(size.ok()) << size.status().message();
  EXPECT_EQ(static_cast<int64_t>(std::filesystem::file_size(path)), *size);
  if (path.ends_with(".gz")) {
    EXPECT_EQ(std::system(("gunzip -f " + path).c_str()), 0);
    return *Fs::Local().ReadFile(path.substr(0, path.size() - 3));
  }
  return *Fs::Local().ReadFile(path);
}

std::string Recorded(const std::string& name) {
  const char* root = std::getenv("MILLSTREAM_SOURCE");
  return *Fs::Local().ReadFile(std::string(root != nullptr ? root : ".") + "/tests/spark/data/stream_io/text/" + name);
}

constexpr const char* kAllTypes =
    "t TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, d2 DOUBLE, nan DOUBLE, n DECIMAL(10,2), b BOOLEAN, str STRING, dt DATE, ts TIMESTAMP, ntz "
    "TIMESTAMP_NTZ, nul STRING, empty STRING";
constexpr const char* kRow =
    R"({"t":1,"s":2,"i":3,"l":4,"f":1.5,"d":1e20,"d2":0.1,"nan":"NaN","n":12.30,"b":true,"str":"a \"q\", \\ \n é","dt":"2026-01-02","ts":"2026-01-02T03:04:05.678901Z","ntz":"2026-01-02T03:04:05.6","empty":""})"
    "\n";

TEST(RowFileFormat, WritesEveryTypeByteForByteAsSparkDoes) {
  EXPECT_EQ(Rewrite(kRow, kAllTypes, "json"), Recorded("text_json.txt"));
  EXPECT_EQ(Rewrite(kRow, kAllTypes, "csv", {{"header", "true"}}), Recorded("text_csv.txt"));
  EXPECT_EQ(Rewrite(R"({"a":" lead","b":"x,y","c":"tab\t","d":"#h"})", "a STRING, b STRING, c STRING, d STRING", "csv"), Recorded("text_csv2.txt"));
  EXPECT_EQ(Rewrite(R"({"a":[1,null],"m":{"k":1,"z":null},"st":{"x":1,"y":null},"bin":"AP9B","arr":[{"q":"2026-01-02T03:04:05Z"}]})",
                    "a ARRAY<INT>, m MAP<STRING,INT>, st STRUCT<x: INT, y: INT>, bin BINARY, arr ARRAY<STRUCT<q: TIMESTAMP>>", "json"),
            Recorded("nested_json.txt"));
  EXPECT_EQ(Rewrite("{\"col\":\"one\"}\n{\"col\":\"two\"}\n{}\n", "col STRING", "text"), Recorded("text_text.txt"));
}
TEST(RowFileFormat, WritesTimesInTheSessionsZone) {
  EXPECT_EQ(Rewrite(R"({"ts":"2026-07-02T03:04:05Z"})", "ts TIMESTAMP", "json", {}, "Europe/Paris"), "{\"ts\":\"2026-07-02T05:04:05.000+02:00\"}\n");
  EXPECT_EQ(Rewrite(R"({"ts":"2026-01-02T03:04:05Z"})", "ts TIMESTAMP", "csv", {{"timeZone", "America/New_York"}}), "2026-01-01T22:04:05.000-05:00\n");
}
TEST(RowFileFormat, TakesOptions) {
  EXPECT_EQ(Rewrite("{\"a\":1}\n{}\n", "a INT, b STRING", "json", {{"ignoreNullFields", "false"}}), "{\"a\":1,\"b\":null}\n{\"a\":null,\"b\":null}\n");
  EXPECT_EQ(Rewrite("{\"a\":1,\"b\":\"x;y\"}\n{}\n", "a INT, b STRING", "csv", {{"sep", ";"}, {"nullValue", "-"}, {"quote", "'"}}), "1;'x;y'\n-;-\n");
  EXPECT_EQ(Rewrite("{\"a\":1,\"b\":\"x\\\"y\"}", "a INT, b STRING", "csv", {{"quoteAll", "true"}, {"escape", "\""}}), "\"1\",\"x\"\"y\"\n");
  EXPECT_EQ(Rewrite("{\"a\":1}", "a INT", "json", {{"compression", "gzip"}}), "{\"a\":1}\n");
}
TEST(RowFileFormat, RefusesWhatAFormatHasNoPlaceFor) {
  EXPECT_THAT(Rewrite("", "a ARRAY<BIGINT>", "csv"), testing::HasSubstr("The CSV datasource doesn't support the column `a` of the type \"ARRAY<BIGINT>\""));
  EXPECT_THAT(Rewrite("", "id BIGINT, name STRING", "text"), testing::HasSubstr("The Text datasource doesn't support the column `id` of the type \"BIGINT\""));
  EXPECT_THAT(Rewrite("", "a STRING, b STRING", "text"), testing::HasSubstr("Text data source supports only a single column, and you have 2 columns."));
  EXPECT_THAT(Rewrite("", "a STRING", "json", {{"timestampFormat", "yyyy"}}), testing::HasSubstr("timestampFormat"));
  EXPECT_THAT(Rewrite("", "a STRING", "orc"), testing::HasSubstr("orc"));
}
TEST(CellText, WritesNumbersAndDatesAsJavaDoes) {
  auto decimal = [](__int128 unscaled, int scale) {
    std::string out;
    AppendBigDecimal(unscaled, scale, out);
    return out;
  };
  EXPECT_EQ(decimal(0, 2), "0.00");
  EXPECT_EQ(decimal(-5, 2), "-0.05");
  EXPECT_EQ(decimal(1, 7), "1E-7");
  EXPECT_EQ(decimal(123, 12), "1.23E-10");
  EXPECT_EQ(decimal(12345, 0), "12345");
  std::string dates;
  for (int64_t days : {int64_t{0}, int64_t{-1}, int64_t{-719529}, int64_t{2932897}}) {
    AppendIsoDate(days, dates);
    dates += ' ';
  }
  EXPECT_EQ(dates, "1970-01-01 1969-12-31 -0001-12-31 +10000-01-01 ");
}

}  // namespace
}  // namespace millstream
