#include <arrow/pretty_print.h>
#include <arrow/scalar.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "formats/file_format.h"
#include "formats/formats_errors.h"
#include "formats/test_files.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

std::string Read(const std::string& bytes, const std::string& ddl, std::vector<std::string> columns, OptionMap options = {}, std::string rescued = "",
                 bool fail_on_new = false) {
  TestFiles files;
  return ReadToText("json", options, {files.Add("a.json", bytes)}, ddl, std::move(columns), rescued, fail_on_new);
}

TEST(JsonFormat, ReadsOneRecordALine) {
  EXPECT_EQ(Read("{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\\u00e9\\n\",\"a\":-2}\r\n\n{\"c\":0}", "a BIGINT, b STRING", {"a", "b"}),
            "1|x\n-2|y\u00e9\\n\nnull|null\n");
}
TEST(JsonFormat, KeepsTheTextOfWhatIsNoStringInAStringColumn) {
  EXPECT_EQ(Read("{\"a\":1.50}\n{\"a\":{ \"x\": [1, 2]}}\n{\"a\":true}\n{\"a\":null}", "a STRING", {"a"}), "1.50\n{ \"x\": [1, 2]}\ntrue\nnull\n");
}
TEST(JsonFormat, RescuesWhatTheSchemaHasNoPlaceFor) {
  std::string rows =
      Read("{\"a\":\"x\",\"b\":{\"c\":1,\"d\":2},\"e\":[1]}\n{\"A\":1}\n{\"a\":1}\n{oops\n", "a INT, b STRUCT<c: INT>", {"a", "b", "_rescued"}, {}, "_rescued");
  EXPECT_THAT(rows, testing::HasSubstr("null|{c:1}|{\"a\":\"x\",\"b\":{\"d\":2},\"e\":[1],\"_file_path\":\"file:/"));
  EXPECT_THAT(rows, testing::HasSubstr("null|null|{\"A\":1,\"_file_path\":\"file:/"));
  EXPECT_THAT(rows, testing::HasSubstr("1|null|null\n"));
  EXPECT_THAT(rows, testing::HasSubstr("null|null|{\"_corrupt_record\":\"{oops\",\"_file_path\":\"file:/"));
}
TEST(JsonFormat, FailsOnNewFieldsWhenAsked) {
  EXPECT_THAT(Read("{\"a\":1,\"n\":{\"x\":1}}", "a INT", {"a"}, {}, "_rescued", true), testing::HasSubstr("UNKNOWN_FIELD_EXCEPTION.NEW_FIELDS_IN_FILE"));
  // What inference could never add must not stop the stream for ever.
  EXPECT_THAT(Read("{\"a\":1,\"n\":{}}", "a INT", {"a", "_rescued"}, {}, "_rescued", true), testing::StartsWith("1|{\"n\":{},"));
  EXPECT_THAT(Read("{\"A\":1}", "a INT", {"a", "_rescued"}, {}, "_rescued", true), testing::StartsWith("null|{\"A\":1,"));
}
TEST(JsonFormat, InfersTypesAsSparkDoes) {
  EXPECT_EQ(InferToText("json", {}, "{\"b\":1,\"a\":{\"y\":1.5,\"x\":[1,null]}}\n{\"b\":1.5,\"a\":{\"x\":[\"s\"]},\"n\":null,\"e\":{}}\n", true),
            "struct<a:struct<x:array<string>,y:double>,b:double,n:string>");
  EXPECT_EQ(InferToText("json", {}, "{\"b\":1,\"a\":{\"y\":1.5,\"x\":[1,null]}}\n", false), "struct<a:struct<x:array<string>,y:string>,b:string>");
  EXPECT_EQ(InferToText("json", {}, "{\"b\":1}\n{oops", true), "struct<_corrupt_record:string,b:bigint>");
  EXPECT_EQ(InferToText("json", {}, "", true), "struct<>");
}
TEST(JsonFormat, RefusesDeepNestingWithoutRunningOutOfStack) {
  std::string deep = "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
  EXPECT_THAT(Read(deep + "\n{\"a\":1}", "a STRING, _corrupt_record STRING", {"a", "_corrupt_record"}), testing::EndsWith("1|null\n"));
  EXPECT_EQ(InferToText("json", {}, deep, true), "struct<_corrupt_record:string>");
}

}  // namespace
}  // namespace millstream
