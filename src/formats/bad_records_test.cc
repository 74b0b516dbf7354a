#include "formats/bad_records.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "formats/recorded_files.h"
#include "formats/test_files.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

struct Kept {
  int64_t offset = 0, length = 0;
  std::optional<int64_t> line;
  std::string column, error_class, reason, raw, header;
};

class KeptRecords : public BadRecords {
 public:
  std::vector<Kept> kept;

 private:
  Status Take(const BadRecord& record) override {
    std::lock_guard lock(mutex_);
    kept.push_back({record.byte_offset, record.byte_length, record.line, record.column, record.error_class, record.reason, std::string(record.raw),
                    std::string(record.header)});
    return Status();
  }
  std::mutex mutex_;
};

struct ReadResult {
  Status status;
  int64_t rows = 0;
  std::vector<Kept> bad;
};

ReadResult ReadAll(const std::string& format_name, const OptionMap& options, const InputFile& file, const std::string& ddl, bool quarantines = true,
                   const std::string& rescued = "") {
  ReadResult result;
  auto read = [&]() -> Status {
    MS_ASSIGN_OR_RETURN(auto format, MakeFileFormat(format_name, options, {}));
    MS_ASSIGN_OR_RETURN(StructType schema, SchemaFromDdl(ddl));
    auto kept = std::make_shared<KeptRecords>();
    auto stats = std::make_shared<FileScanStats>();
    stats->outcomes = std::make_shared<FileOutcomes>(1);
    FileScan scan{.data_schema = schema, .columns = ColumnsOf(ddl), .rescued_data_column = rescued, .outcomes = stats->outcomes};
    if (!rescued.empty()) scan.columns.push_back(rescued);
    if (quarantines) scan.bad_records = kept;
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, format->Read({file}, scan, stats));
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(*rows));
    for (const RecordBatchPtr& batch : batches) result.rows += batch->num_rows();
    result.bad = std::move(kept->kept);
    return stats->CheckCounts(quarantines ? kept.get() : nullptr);
  };
  result.status = read();
  return result;
}

// A record as a file of its own.
InputFile Alone(const Kept& record) {
  return {.path = "/in/f", .content = std::make_shared<const std::string>(record.header.empty() ? record.raw : record.header + "\n" + record.raw)};
}

class BadRecordsOf : public testing::TestWithParam<const char*> {};

TEST_P(BadRecordsOf, AreWhatDropMalformedDropsAndTheirSlicesAreBadInTheSameWay) {
  const std::string format = GetParam();
  int found = 0, files_read = 0;
  for (const RecordedFile& recorded : RecordedFiles(format)) {
    if (recorded.schema.empty()) continue;
    OptionMap options = recorded.options;
    if (auto mode = options.find("mode"); mode != options.end() && mode->second == "FAILFAST") continue;
    TestFiles files;
    const InputFile file = files.Add("f", recorded.content);
    ReadResult read = ReadAll(format, options, file, recorded.schema);
    const std::string label = recorded.schema + " " + recorded.content.substr(0, 80);
    OptionMap dropping = options;
    dropping["mode"] = "DROPMALFORMED";
    ReadResult dropped = ReadAll(format, dropping, file, recorded.schema, false);
    if (!dropped.status.ok()) continue;
    ASSERT_TRUE(read.status.ok()) << label << "\n" << read.status.message();
    EXPECT_EQ(read.rows, dropped.rows) << label;
    ++files_read;
    const bool is_utf8 = !options.contains("encoding") && !options.contains("charset");
    for (const Kept& bad : read.bad) {
      ++found;
      // Is wrong with the file, not with the record.
      if (bad.reason.starts_with("a second root element")) continue;
      if (is_utf8 && options.find("lineSep") == options.end() && !recorded.content.starts_with("\xFF\xFE") && !recorded.content.starts_with("\xFE\xFF") &&
          recorded.content.find("encoding=") == std::string::npos) {
        EXPECT_EQ(recorded.content.substr(static_cast<size_t>(bad.offset), static_cast<size_t>(bad.length)), bad.raw) << label;
      }
      OptionMap alone = options;
      alone.erase("encoding");
      alone.erase("charset");
      alone["skipRows"] = "0";
      ReadResult again = ReadAll(format, alone, Alone(bad), recorded.schema);
      ASSERT_EQ(again.bad.size(), 1u) << label << "\n raw: " << bad.raw << "\n was: " << bad.reason << "\n" << again.status.message();
      EXPECT_EQ(again.rows, 0) << label << "\n raw: " << bad.raw;
      EXPECT_EQ(again.bad[0].error_class, bad.error_class) << label;
      EXPECT_EQ(again.bad[0].reason, bad.reason) << label << "\n raw: " << bad.raw;
      EXPECT_EQ(again.bad[0].column, bad.column) << label;
    }
  }
  std::printf("%d bad records in %d files\n", found, files_read);
  EXPECT_GT(found, 10);
}

INSTANTIATE_TEST_SUITE_P(Formats, BadRecordsOf, testing::Values("json", "csv", "xml"), [](const auto& info) { return std::string(info.param); });

TEST(BadRecords, SayWhereTheyAreAndWhatIsWrong) {
  TestFiles files;
  const std::string text = "{\"a\":1}\r\n\r\n{\"a\":\r\n {\"a\":\"x\",\"b\":{\"c\":2}}\n{\"b\":{\"c\":\"y\"}}\n[1]\n{\"a\":2}\n";
  ReadResult read = ReadAll("json", {}, files.Add("f.json", text), "a INT, b STRUCT<c: INT>");
  ASSERT_TRUE(read.status.ok()) << read.status.message();
  EXPECT_EQ(read.rows, 2);
  ASSERT_EQ(read.bad.size(), 4u);
  EXPECT_EQ(read.bad[0].line, 3);
  EXPECT_EQ(read.bad[0].error_class, bad_record::kMalformed);
  EXPECT_EQ(read.bad[0].reason, "not JSON at byte 5");
  EXPECT_EQ(read.bad[1].line, 4);
  EXPECT_EQ(read.bad[1].column, "a");
  EXPECT_EQ(read.bad[1].error_class, bad_record::kJsonField);
  EXPECT_EQ(read.bad[1].reason, "\"x\" is no INT");
  EXPECT_EQ(read.bad[2].column, "b.c");
  EXPECT_EQ(read.bad[3].reason, "an array of something else than objects");

  ReadResult csv = ReadAll("csv", {{"header", "true"}}, files.Add("f.csv", "a,b\n1,x\nq,y\n3\n"), "a INT, b STRING");
  ASSERT_EQ(csv.bad.size(), 2u) << csv.status.message();
  EXPECT_EQ(csv.bad[0].column, "a");
  EXPECT_EQ(csv.bad[0].reason, "q is no INT");
  EXPECT_EQ(csv.bad[0].line, 3);
  EXPECT_EQ(csv.bad[0].header, "a,b");
  EXPECT_EQ(csv.bad[1].reason, "1 values instead of 2");
  EXPECT_EQ(csv.bad[1].raw, "3");

  const std::string xml = "\xEF\xBB\xBF<r>\n<x><a>1</a></x>\n<x><a>q</a></x><x><a>2</a></x>\n<x><a>3</b></x></r>";
  ReadResult elements = ReadAll("xml", {{"rowTag", "x"}}, files.Add("f.xml", xml), "a INT");
  ASSERT_EQ(elements.bad.size(), 2u) << elements.status.message();
  EXPECT_EQ(elements.rows, 2);
  EXPECT_EQ(elements.bad[0].raw, "<x><a>q</a></x>");
  EXPECT_EQ(elements.bad[0].line, 3);
  EXPECT_EQ(elements.bad[1].raw, "<x><a>3</b></x></r>");
  EXPECT_EQ(xml.substr(static_cast<size_t>(elements.bad[1].offset)), elements.bad[1].raw);
}

TEST(BadRecords, RescuedValuesAreNotBad) {
  TestFiles files;
  ReadResult read = ReadAll("json", {}, files.Add("f.json", "{\"a\":\"x\"}\n{\"a\":\n"), "a INT", true, "_rescued_data");
  EXPECT_EQ(read.rows, 1);
  ASSERT_EQ(read.bad.size(), 1u);
  EXPECT_EQ(read.bad[0].raw, "{\"a\":");
}

TEST(BadRecords, HaveTheirLinesInTheMiddleOfLargeFiles) {
  TestFiles files;
  std::string text;
  std::vector<int64_t> lines;
  for (int64_t line = 1; text.size() < (size_t{20} << 20); ++line) {
    const bool is_bad = line % 100'000 == 0;
    if (is_bad) lines.push_back(line);
    text += is_bad ? "{broken\r\n" : "{\"a\":" + std::to_string(line) + ",\"b\":\"some text to fill the line\"}\r\n";
  }
  ReadResult read = ReadAll("json", {}, files.Add("f.json", text), "a BIGINT, b STRING");
  ASSERT_EQ(read.bad.size(), lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(read.bad[i].line, lines[i]);
    EXPECT_EQ(text.substr(static_cast<size_t>(read.bad[i].offset), 7), "{broken");
  }
}

}  // namespace
}  // namespace millstream
