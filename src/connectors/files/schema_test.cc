#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "connectors/files/fake_format.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/partition_paths.h"
#include "connectors/files/schema_hints.h"
#include "connectors/files/schema_log.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

TEST(SchemaHints, ReachIntoStructsArraysAndMaps) {
  StructType schema = *SchemaFromDdl("id STRING, user STRUCT<name: STRING, age: STRING>, tags ARRAY<STRUCT<k: STRING>>, m MAP<STRING, STRING>, `a.b` STRING");
  auto hints = *ParseSchemaHints("ID BIGINT, user.age INT, tags.element.k DATE, m.value DECIMAL(10,2), `a.b` BOOLEAN, added MAP<STRING,INT>");
  EXPECT_EQ(DataType::Struct(ApplySchemaHints(schema, hints)).SimpleString(),
            "struct<ID:bigint,user:struct<name:string,age:int>,tags:array<struct<k:date>>,m:map<string,decimal(10,2)>,a.b:boolean,added:map<string,int>>");
}

TEST(SchemaHints, RefuseWhatIsNoColumnList) {
  for (const char* ddl : {"id", "id NOTATYPE", "a..b INT", ",", "a INT,"}) EXPECT_FALSE(ParseSchemaHints(ddl).ok()) << ddl;
  EXPECT_TRUE(ParseSchemaHints(" ")->empty());
}

TEST(SchemaLog, WritesTheFilesOfAutoLoader) {
  SchemaVersion version{.number = 3, .data = *SchemaFromDdl("a INT"), .partition = StructType()};
  EXPECT_EQ(EncodeSchemaVersion(version),
            "v1\n{\"dataSchemaJson\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"integer\\\",\\\"nullable\\\":true,"
            "\\\"metadata\\\":{}}]}\",\"partitionSchemaJson\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\"}");
  EXPECT_EQ(DecodeSchemaVersion(EncodeSchemaVersion(version), 3)->data, version.data);
}

TEST(SchemaLog, TheHighestNumberWinsAndNumbersAreGivenOnce) {
  test::TempDir dir;
  SchemaLog log(Fs::Local(), dir.path());
  EXPECT_FALSE(log.Latest()->has_value());
  for (int64_t number : {0, 9, 10}) {
    EXPECT_TRUE(*log.Add({.number = number, .data = *SchemaFromDdl("c" + std::to_string(number) + " INT")}));
  }
  EXPECT_FALSE(*log.Add({.number = 10, .data = *SchemaFromDdl("other INT")}));
  SchemaVersion latest = **log.Latest();
  EXPECT_EQ(latest.number, 10);
  EXPECT_EQ(latest.data[0].name, "c10");
}

TEST(SchemaLog, NamesTheFileThatItCannotRead) {
  test::TempDir dir;
  test::WriteFile(dir / "_schemas/0", "v2\n{}");
  SchemaLog log(Fs::Local(), dir.path());
  EXPECT_TRUE(log.Latest().status().Is(errors::kSchemaFileUnreadable));
  test::WriteFile(dir / "_schemas/0", "v1\n{\"dataSchemaJson\":7}");
  EXPECT_TRUE(log.Latest().status().Is(errors::kSchemaFileUnreadable));
}

TEST(PartitionPaths, AreReadFromDirectoriesNotFromFileNames) {
  PartitionValues values = PartitionsOf("/in", "/in/a=1/plain/b=x%20y/c=__HIVE_DEFAULT_PARTITION__/d=4");
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[1].second, "x y");
  EXPECT_EQ(values[2].second, std::nullopt);
}

TEST(PartitionPaths, InferTypesAsSparkDoes) {
  auto type = [](std::vector<std::string> texts) {
    PartitionInference inference(true);
    for (const std::string& text : texts) inference.Add({{"k", text}});
    return inference.Columns()[0].type.SimpleString();
  };
  EXPECT_EQ(type({"1", "2"}), "int");
  EXPECT_EQ(type({"1", "3000000000"}), "bigint");
  EXPECT_EQ(type({"1", "2.5"}), "double");
  EXPECT_EQ(type({"2026-01-02"}), "date");
  EXPECT_EQ(type({"2026-02-30"}), "string");
  EXPECT_EQ(type({"2026-01-02 03:04:05"}), "timestamp");
  EXPECT_EQ(type({"1", "a"}), "string");
  EXPECT_EQ(type({"nan"}), "string");
}

TEST(PartitionPaths, ConflictingLayoutsHaveNoColumns) {
  PartitionInference inference(true);
  inference.Add({{"a", "1"}});
  inference.Add({{"b", "1"}});
  EXPECT_TRUE(inference.conflict());
  EXPECT_TRUE(inference.Columns().empty());
}

}  // namespace
}  // namespace millstream
