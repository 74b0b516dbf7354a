#include <arrow/array.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "formats/test_files.h"

namespace millstream {
namespace {

std::string ReadText(const std::string& bytes, OptionMap options = {}) {
  TestFiles files;
  return ReadToText("text", options, {files.Add("a.txt", bytes)}, "value STRING", {"value"});
}

TEST(TextFormat, MakesEveryLineARowAlsoAnEmptyOne) {
  EXPECT_EQ(ReadText("a\nb\r\n\nc\rd"), "a\nb\n\nc\nd\n");
  EXPECT_EQ(ReadText("a\n\n"), "a\n\n");
  EXPECT_EQ(ReadText("\xEF\xBB\xBF\xC3\xA9\n"), "\xC3\xA9\n");
  EXPECT_EQ(ReadText("a\xFFz"), "a\xEF\xBF\xBDz\n");
  EXPECT_EQ(ReadText(""), "");
}
TEST(TextFormat, EndsLinesAtTheSeparatorThatIsAskedFor) { EXPECT_EQ(ReadText("a;b;;c;", {{"lineSep", ";"}}), "a\nb\n\nc\n"); }
TEST(TextFormat, MakesAWholeFileARowWhenAsked) {
  TestFiles files;
  EXPECT_EQ(ReadToText("text", {{"wholetext", "true"}}, {files.Add("a", "x\ny\n"), files.Add("b", "")}, "line STRING", {"line"}), "x\\ny\\n\n\n");
}
TEST(TextFormat, TakesOneStringColumnOnly) {
  TestFiles files;
  EXPECT_THAT(ReadToText("text", {}, {files.Add("a", "x")}, "a STRING, b STRING", {"a"}), testing::HasSubstr("supports only a single column, and you have 2"));
  EXPECT_THAT(ReadToText("text", {}, {files.Add("a", "x")}, "a INT", {"a"}),
              testing::HasSubstr("The Text datasource doesn't support the column `a` of the type \"INT\""));
}
TEST(TextFormat, CutsALargeFileWithoutLosingOrMakingLines) {
  std::mt19937 random(7);
  const char* ends[] = {"\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r"};
  std::string bytes, expected;
  while (bytes.size() < (24u << 20)) {
    std::string line(random() % 5000, static_cast<char>('a' + random() % 26));
    const unsigned end = random() % 6;
    bytes += line + ends[end];
    expected += line + "\n";
    if (end >= 3) expected += "\n";
  }
  TestFiles files;
  InputFile plain = files.Add("a.txt", bytes);
  EXPECT_TRUE(ReadToText("text", {}, {plain}, "value STRING", {"value"}) == expected);
  ASSERT_EQ(std::system(("gzip -1 -k " + plain.path).c_str()), 0);
  Result<FileInfo> packed = Fs::Local().Stat(plain.path + ".gz");
  ASSERT_TRUE(packed.ok());
  EXPECT_TRUE(ReadToText("text", {}, {{.path = packed->path, .size_bytes = packed->size_bytes, .modified_ns = packed->modified_ns}}, "value STRING",
                         {"value"}) == expected);
}
TEST(BinaryFileFormat, MakesEachFileARow) {
  TestFiles files;
  std::vector<InputFile> inputs = {files.Add("a", std::string("\0\xFF", 2)), files.Add("b", "")};
  EXPECT_EQ(ReadToText("binaryFile", {}, inputs, "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY", {"length", "path"}),
            "2|file:" + inputs[0].path + "\n0|file:" + inputs[1].path + "\n");
  EXPECT_THAT(ReadToText("binaryFile", {}, inputs, "a INT", {"a"}), testing::HasSubstr("Binary file data source expects dataSchema: struct<path:string,"));
}

}  // namespace
}  // namespace millstream
