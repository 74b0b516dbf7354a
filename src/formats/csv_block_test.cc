// csv_block_test.cc   Records that are taken many at once are those that come one by one.

#include "formats/csv_block.h"

#include <gtest/gtest.h>

#include <random>

#include "formats/input_chunks.h"
#include "formats/recorded_files.h"
#include "formats/test_files.h"

namespace millstream {
namespace {

constexpr int64_t kCharsOfNoColumn = 1'000'000'000;  // a limit leaves no record plain

std::string RandomText(std::mt19937& random) {
  static const std::vector<std::string> values = {"",
                                                  "1",
                                                  "-27",
                                                  "x",
                                                  "x y",
                                                  " 1",
                                                  "1 ",
                                                  "2.5",
                                                  "1e3",
                                                  "NaN",
                                                  "null",
                                                  "\"q\"",
                                                  "\"a,b\"",
                                                  "\"open",
                                                  "q\"q",
                                                  "\"\"",
                                                  "\\",
                                                  "#c",
                                                  "\xc3\xa9",
                                                  "\xff",
                                                  "9223372036854775808",
                                                  "true",
                                                  "2026-01-02",
                                                  "2026-01-02 03:04:05",
                                                  "a long value that goes over many bytes, or would"};
  static const std::vector<std::string> ends = {"\n", "\n", "\n", "\n", "\r\n", "\r", "\n\n", ""};
  const bool is_tame = random() % 2 == 0;  // mostly plain records, in blocks of some length
  std::string text;
  for (unsigned rows = random() % 40; rows > 0; --rows) {
    const unsigned columns = random() % 10 == 0 ? random() % 7 : 4;
    for (unsigned i = 0; i < columns; ++i) {
      if (i > 0) text += random() % 300 == 0 ? ";" : ",";
      text += is_tame && random() % 50 != 0 ? values[1 + random() % 3] : values[random() % values.size()];
    }
    text += is_tame && random() % 50 != 0 ? "\n" : ends[random() % ends.size()];
  }
  return text;
}

const std::vector<OptionMap>& OptionSets() {
  static const std::vector<OptionMap> sets = {{},
                                              {{"header", "true"}},
                                              {{"multiLine", "true"}},
                                              {{"comment", "#"}, {"mode", "DROPMALFORMED"}},
                                              {{"quote", ""}, {"nullValue", "null"}},
                                              {{"sep", ";"}, {"lineSep", "\n"}},
                                              {{"nullValue", "x"}, {"emptyValue", "empty"}, {"nanValue", "2.5"}},
                                              {{"mode", "FAILFAST"}},
                                              {{"maxColumns", "3"}}};
  return sets;
}

// Against the tokenizer: what is in a block, and that no plain record is left out of it.
TEST(CsvBlock, HoldsWhatTheTokenizerFinds) {
  std::mt19937 random(5);
  int64_t taken = 0;
  for (int round = 0; round < 20000; ++round) {
    const CsvOptions options = *CsvOptions::From(OptionSets()[random() % OptionSets().size()], {});
    std::string text = RandomText(random);
    const auto size = static_cast<int64_t>(text.size());
    text.append(static_cast<size_t>(kChunkPadding), '\0');
    text[static_cast<size_t>(size)] = '\n';
    CsvBlock block(options);
    CsvTokenizer tokenizer(options);
    const char *p = text.data(), *end = p + size;
    const int64_t rows = block.Scan(p, end, 4);
    taken += rows;
    std::vector<CsvValue> values;
    for (int64_t row = 0; row < rows; ++row) {
      ASSERT_EQ(block.begin_of(row), p);
      ASSERT_TRUE(tokenizer.Next(&p, end, options.multi_line)) << text;
      ASSERT_EQ(block.begin_of(row + 1), p) << text;
      block.Values(row, values);
      ASSERT_EQ(values.size(), tokenizer.values().size());
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(values[i].kind, tokenizer.values()[i].kind);
        ASSERT_EQ(values[i].text(), tokenizer.values()[i].text());
        ASSERT_EQ(block.value(row, i), values[i].text());
      }
    }
  }
  EXPECT_GT(taken, 20000);
}

TEST(CsvBlock, ReadsFilesAsOneByOne) {
  std::mt19937 random(6);
  for (int round = 0; round < 3000; ++round) {
    TestFiles files;
    const InputFile file = files.Add("f.csv", RandomText(random));
    OptionMap options = OptionSets()[random() % OptionSets().size()], one_by_one = options;
    one_by_one["maxCharsPerColumn"] = std::to_string(kCharsOfNoColumn);
    const bool rescue = random() % 2 == 0;
    std::vector<std::string> columns = {"a", "b", "c", "d", "_corrupt_record"};
    if (rescue) columns.emplace_back("_rescued");
    auto read = [&](const OptionMap& with) {
      return ReadToText("csv", with, {file}, "a INT, b STRING, c DOUBLE, d BIGINT, _corrupt_record STRING", columns, rescue ? "_rescued" : "");
    };
    ASSERT_EQ(read(options), read(one_by_one)) << round;
  }
}

}  // namespace
}  // namespace millstream
