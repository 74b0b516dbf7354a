// formats_mutation_test.cc   Two seconds of broken bytes: whatever a file holds, a read ends in rows or in an error.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "formats/recorded_files.h"
#include "formats/test_files.h"

namespace millstream {
namespace {

TEST(FormatsMutation, NoBytesBreakTheReaders) {
  const std::vector<std::string> seeds = {
      "{\"a\":1,\"b\":\"x\\u00e9\\n\",\"c\":[1.5,null],\"d\":{\"x\":\"2020-01-02T03:04:05Z\",\"y\":{\"k\":1}},\"e\":12.34}\n{\"a\":\"bad\",\"zz\":[{\"q\":1}]}"
      "\n",
      "[{'a':1},{\"c\":[NaN,-INF,\"Infinity\"]},{\"d\":{\"x\":1577934245}}]\r\n\r\n{\"a\":1}garbage",
      "a,b,c\n1,\"x\"\"y\",2.5\n\"q\\\"r\" ,z,\"\"\n\xEF\xBB\xBF,,\"open\n1,2,3,4\n#c\n"};
  const std::vector<OptionMap> json_options = {{},
                                               {{"multiLine", "true"}},
                                               {{"allowComments", "true"}, {"allowUnquotedFieldNames", "true"}, {"allowUnquotedControlChars", "true"}},
                                               {{"lineSep", ","}},
                                               {{"allowNumericLeadingZeros", "true"}, {"prefersDecimal", "true"}, {"inferTimestamp", "true"}}};
  const std::vector<OptionMap> csv_options = {{},
                                              {{"multiLine", "true"}},
                                              {{"header", "true"}, {"escape", "\""}},
                                              {{"sep", "||"}, {"comment", "#"}},
                                              {{"unescapedQuoteHandling", "STOP_AT_CLOSING_QUOTE"}, {"ignoreTrailingWhiteSpace", "true"}},
                                              {{"inferSchema", "true"}, {"unescapedQuoteHandling", "SKIP_VALUE"}}};
  std::mt19937 random(20260101);
  static constexpr char kOdd[] = "\"\\{}[],:'\n\r\t\0\x80\xff\xef/*#-+.eE0 9";
  const std::string odd(kOdd, sizeof kOdd - 1);
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int rounds = 0;
  while (std::chrono::steady_clock::now() < until) {
    std::string bytes = seeds[random() % seeds.size()];
    for (unsigned n = random() % 8; n > 0; --n) {
      size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[at] = odd[random() % odd.size()];
          break;
        case 1:
          bytes.insert(at, 1, odd[random() % odd.size()]);
          break;
        case 2:
          bytes.erase(at, 1 + random() % 5);
          break;
        default:
          bytes.resize(at + 1);
      }
      if (bytes.empty()) bytes = "{";
    }
    TestFiles files;
    InputFile file = files.Add("m", bytes);
    bool rescue = random() % 2 == 0;
    const OptionMap& json = json_options[random() % json_options.size()];
    const OptionMap& csv = csv_options[random() % csv_options.size()];
    std::vector<std::string> extra = rescue ? std::vector<std::string>{"_rescued"} : std::vector<std::string>{};
    auto columns = [&](std::vector<std::string> names) {
      names.insert(names.end(), extra.begin(), extra.end());
      return names;
    };
    std::string text = ReadToText("json", json, {file},
                                  "a INT, b STRING, c ARRAY<DOUBLE>, d STRUCT<x: TIMESTAMP, y: MAP<STRING,INT>>, e DECIMAL(10,2), _corrupt_record STRING",
                                  columns({"e", "d", "c", "b", "a", "_corrupt_record", "_metadata"}), rescue ? "_rescued" : "");
    EXPECT_EQ(text.find("Invalid"), std::string::npos) << text;
    text = ReadToText("csv", csv, {file}, "a INT, b STRING, c DOUBLE, _corrupt_record STRING", columns({"c", "b", "a", "_corrupt_record"}),
                      rescue ? "_rescued" : "");
    EXPECT_EQ(text.find("Invalid"), std::string::npos) << text;
    (void)InferToText("json", json, bytes, rescue);
    (void)InferToText("csv", csv, bytes, rescue);
    ++rounds;
  }
  std::printf("%d rounds\n", rounds);
}

// Recorded files of formats that say themselves what they hold, with some of their bytes changed.
class BinaryMutation : public testing::TestWithParam<const char*> {};

TEST_P(BinaryMutation, NoBytesBreakTheReaders) {
  const std::string format = GetParam();
  const std::vector<RecordedFile> recorded = RecordedFiles(format);
  ASSERT_FALSE(recorded.empty());
  std::mt19937 random(20260102);
  const char* seconds = std::getenv("MUTATION_SECONDS");
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds == nullptr ? 1 : std::atoi(seconds));
  int rounds = 0;
  while (std::chrono::steady_clock::now() < until) {
    const RecordedFile& seed = recorded[random() % recorded.size()];
    std::string bytes = seed.content;
    if (bytes.empty() || bytes.size() > 20'000) continue;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % bytes.size();
      switch (random() % 5) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
          break;
        case 2:
          bytes.insert(at, 1 + random() % 9, static_cast<char>(random() % 2 == 0 ? 0xff : random()));
          break;
        case 3:
          bytes.erase(at, 1 + random() % 5);
          break;
        default:
          bytes.resize(at + 1);
      }
      if (bytes.empty()) bytes = "O";
    }
    TestFiles files;
    InputFile file = files.Add("m", bytes);
    const bool rescue = random() % 2 == 0;
    const std::string ddl = seed.schema.empty() ? "a INT, s STRING" : seed.schema;
    std::vector<std::string> columns = ColumnsOf(ddl);
    if (rescue) columns.push_back("_rescued");
    const std::string text = ReadToText(format, seed.options, {file}, ddl, columns, rescue ? "_rescued" : "");
    EXPECT_EQ(text.find("Invalid:"), std::string::npos) << text;
    (void)InferToText(format, seed.options, bytes, rescue);
    ++rounds;
  }
  std::printf("%d rounds\n", rounds);
}

INSTANTIATE_TEST_SUITE_P(Formats, BinaryMutation, testing::Values("avro", "orc", "xml"), [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace millstream
