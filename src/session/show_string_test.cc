#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>

#include "session/cell_text.h"
#include "session/session.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

struct Sample {
  StructType schema{{{"naïve_列名", DataType::String()}, {"n", DataType::Integer()}}};
  std::vector<RecordBatchPtr> rows;
};

Sample Words(std::vector<std::optional<std::string>> words) {
  Sample sample;
  arrow::StringBuilder text;
  arrow::Int32Builder numbers;
  int n = 0;
  for (const auto& word : words) {
    EXPECT_TRUE((word ? text.Append(*word) : text.AppendNull()).ok());
    EXPECT_TRUE(numbers.Append(n++ == 1 ? 22 : n).ok());
  }
  sample.rows = {arrow::RecordBatch::Make(ToArrowSchema(sample.schema), n, {*text.Finish(), *numbers.Finish()})};
  return sample;
}

std::string Show(const Sample& sample, int num_rows, int truncate, bool vertical) {
  auto text = ShowString(sample.schema, sample.rows, num_rows, truncate, vertical, "UTC");
  EXPECT_TRUE(text.ok());
  return *text;
}

const std::vector<std::optional<std::string>> kWords = {"日本語テキスト", "é", "😀", "line\nbreak\ttab\r", "abcdefghijklmnopqrstuvwxyz", "", std::nullopt};

// What Spark 4.2 printed for the same rows.
TEST(ShowString, LaysOutWideAndEscapedCharactersLikeSpark) {
  EXPECT_EQ(Show(Words(kWords), 20, 20, false),
            "+--------------------+---+\n"
            "|          naïve_列名|  n|\n"
            "+--------------------+---+\n"
            "|      日本語テキスト|  1|\n"
            "|                   é| 22|\n"
            "|                  😀|  3|\n"
            "|  line\\nbreak\\ttab\\r|  4|\n"
            "|abcdefghijklmnopq...|  5|\n"
            "|                    |  6|\n"
            "|                NULL|  7|\n"
            "+--------------------+---+\n");
}

TEST(ShowString, AlignsLeftWithoutTruncation) {
  EXPECT_EQ(Show(Words({"日本語テキスト", "é"}), 20, 0, false),
            "+--------------+---+\n"
            "|naïve_列名    |n  |\n"
            "+--------------+---+\n"
            "|日本語テキスト|1  |\n"
            "|é             |22 |\n"
            "+--------------+---+\n");
}

TEST(ShowString, CutsToFewCharactersWithoutDots) {
  EXPECT_EQ(Show(Words({"日本語テキスト", "é", "😀", "line", "abc", "", std::nullopt}), 20, 3, false),
            "+----------+---+\n"
            "|naïve_列名|  n|\n"
            "+----------+---+\n"
            "|    日本語|  1|\n"
            "|         é| 22|\n"
            "|        😀|  3|\n"
            "|       lin|  4|\n"
            "|       abc|  5|\n"
            "|          |  6|\n"
            "|       NUL|  7|\n"
            "+----------+---+\n");
}

TEST(ShowString, SaysThatThereAreMore) {
  EXPECT_THAT(Show(Words(kWords), 3, 20, false), testing::EndsWith("+--------------+---+\nonly showing top 3 rows"));
  EXPECT_THAT(Show(Words(kWords), 1, 20, false), testing::EndsWith("only showing top 1 row"));
  EXPECT_EQ(Show(Words(kWords), 0, 20, false), "+----------+---+\n|naïve_列名|  n|\n+----------+---+\n+----------+---+\nonly showing top 0 rows");
}

TEST(ShowString, ShowsRecordsBelowEachOther) {
  EXPECT_EQ(Show(Words(kWords), 2, 5, true),
            "-RECORD 0-------------\n"
            " naïve_列名 | 日本... \n"
            " n          | 1       \n"
            "-RECORD 1-------------\n"
            " naïve_列名 | é       \n"
            " n          | 22      \n"
            "only showing top 2 rows");
  EXPECT_EQ(Show(Words(kWords), 0, 20, true), "(0 rows)");
}

TEST(ShowString, CountsRowsWithoutColumns) {
  RecordBatchPtr rows = arrow::RecordBatch::Make(ToArrowSchema(StructType()), 3, std::vector<std::shared_ptr<arrow::Array>>());
  EXPECT_EQ(*ShowString(StructType(), {rows}, 20, 20, false, "UTC"), "++\n||\n++\n||\n||\n||\n++\n");
}

TEST(CellText, WritesFloatingPointAsJavaDoes) {
  for (auto [value, text] : std::vector<std::pair<double, const char*>>{{1e10, "1.0E10"},
                                                                        {1.5, "1.5"},
                                                                        {0.001, "0.001"},
                                                                        {0.0001, "1.0E-4"},
                                                                        {1e-5, "1.0E-5"},
                                                                        {123456789.125, "1.23456789125E8"},
                                                                        {1e7, "1.0E7"},
                                                                        {9999999.0, "9999999.0"},
                                                                        {100, "100.0"},
                                                                        {4.9E-324, "4.9E-324"},
                                                                        {-0.0, "-0.0"},
                                                                        {-2.5, "-2.5"},
                                                                        {1234.5678, "1234.5678"}})
    EXPECT_EQ(JavaDoubleText(value), text);
  EXPECT_EQ(JavaFloatText(0.1f), "0.1");
  EXPECT_EQ(JavaFloatText(16777216.0f), "1.6777216E7");
}

TEST(CellText, ShowsInstantsInTheSessionsZone) {
  const TimeZone* paris = TimeZone::Find("Europe/Paris");
  ASSERT_NE(paris, nullptr);
  constexpr int64_t kHour = int64_t{3600} * 1'000'000;
  // 2026-03-29T01:00Z: clocks go from 02:00 to 03:00. 2026-10-25T01:00Z: from 03:00 back to 02:00.
  constexpr int64_t kSpring = int64_t{1774746000} * 1'000'000, kAutumn = int64_t{1792890000} * 1'000'000;
  EXPECT_EQ(UtcToLocalMicros(kSpring - 1, *paris), kSpring - 1 + kHour);
  EXPECT_EQ(UtcToLocalMicros(kSpring, *paris), kSpring + 2 * kHour);
  EXPECT_EQ(UtcToLocalMicros(kSpring + kHour / 2, *paris), kSpring + kHour / 2 + 2 * kHour);
  EXPECT_EQ(UtcToLocalMicros(kAutumn - 1, *paris), kAutumn - 1 + 2 * kHour);
  EXPECT_EQ(UtcToLocalMicros(kAutumn, *paris), kAutumn + kHour);
  EXPECT_EQ(UtcToLocalMicros(kAutumn + kHour / 2, *paris), kAutumn + kHour / 2 + kHour);
}

}  // namespace
}  // namespace millstream
