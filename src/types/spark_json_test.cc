#include "types/spark_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millstream {
namespace {

using testing::HasSubstr;

TEST(SparkJson, WritesWhatSparkWrites) {
  StructType schema({{"id", DataType::Long(), false, "{}"},
                     {"tags", DataType::Array(DataType::String(), false), true, "{\"comment\":\"x\"}"},
                     {"m", DataType::Map(DataType::String(), DataType::Decimal(10, 2)), true, "{}"},
                     {"s", DataType::Struct(StructType({{"a \"b\"\n", DataType::DayTimeInterval(), true, "{}"}})), true, "{}"}});
  EXPECT_EQ(ToSparkJson(schema),
            R"j({"type":"struct","fields":[{"name":"id","type":"long","nullable":false,"metadata":{}},)j"
            R"j({"name":"tags","type":{"type":"array","elementType":"string","containsNull":false},"nullable":true,"metadata":{"comment":"x"}},)j"
            R"j({"name":"m","type":{"type":"map","keyType":"string","valueType":"decimal(10,2)","valueContainsNull":true},"nullable":true,"metadata":{}},)j"
            R"j({"name":"s","type":{"type":"struct","fields":[{"name":"a \"b\"\n","type":"interval day to second","nullable":true,"metadata":{}}]},)j"
            R"j("nullable":true,"metadata":{}}]})j");
}

TEST(SparkJson, ReadsBackEveryTypeThatItWrites) {
  for (const DataType& type :
       {DataType::Null(), DataType::Boolean(), DataType::Byte(), DataType::Short(), DataType::Integer(), DataType::Long(), DataType::Float(),
        DataType::Double(), DataType::Decimal(38, 38), DataType::Decimal(1, 0), DataType::String(), DataType::Binary(), DataType::Date(), DataType::Timestamp(),
        DataType::TimestampNtz(), DataType::DayTimeInterval(), DataType::YearMonthInterval(), DataType::Variant(),
        DataType::Array(DataType::Map(DataType::Date(), DataType::Struct(StructType()), false), true)}) {
    Result<DataType> read = DataTypeFromSparkJson(ToSparkJson(type));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(*read, type) << ToSparkJson(type);
  }
}

TEST(SparkJson, KeepsMetadataByteForByte) {
  std::string metadata = R"({ "delta.columnMapping.id" : 12345678901234567890, "z":1.50,"a":[{"q":"\u00e9"},[]],"n":null })";
  std::string json = R"({"fields":[{"metadata":)" + metadata + R"(,"nullable":false,"type":"integer","name":"\u00e9\ud83d\ude00"}],"type":"struct"})";
  Result<StructType> schema = SchemaFromSparkJson(json);
  ASSERT_TRUE(schema.ok()) << schema.status().message();
  EXPECT_EQ((*schema)[0].metadata, metadata);
  EXPECT_EQ((*schema)[0].name, "é😀");
  EXPECT_FALSE((*schema)[0].nullable);
  EXPECT_THAT(ToSparkJson(*schema), HasSubstr(metadata));
}

TEST(SparkJson, RefusesAnUnknownTypeByItsName) {
  for (std::string json : {"\"geometry(4326)\"", "\"decimal(39,1)\"", "\"decimal(5,6)\"", "\"int\"", R"({"type":"udt","sqlType":"long"})"}) {
    Result<DataType> read = DataTypeFromSparkJson(json);
    ASSERT_FALSE(read.ok()) << json;
    EXPECT_EQ(read.status().error_class().name, "INVALID_JSON_DATA_TYPE");
  }
  EXPECT_THAT(DataTypeFromSparkJson("\"geometry(4326)\"").status().message(), HasSubstr("'geometry(4326)'"));
}

TEST(SparkJson, RefusesBrokenText) {
  for (std::string json : {"", "{", "nonsense", "\"long\" x", "\"long", R"({"type":"array"})", R"({"type":"struct","fields":[{"name":"a"}]})",
                           R"({"type":"struct","fields":[)", R"({"type":"struct","fields":[{"name":"a","type":"long","metadata":{"a":}}]})", "[1]", "7"}) {
    EXPECT_FALSE(DataTypeFromSparkJson(json).ok()) << json;
  }
  EXPECT_FALSE(SchemaFromSparkJson("\"long\"").ok());
}

TEST(SparkJson, RefusesNestingThatCouldExhaustTheStack) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += R"({"type":"array","elementType":)";
  EXPECT_EQ(DataTypeFromSparkJson(deep).status().error_class().name, "MILLSTREAM_TYPE_TOO_DEEP");
  std::string metadata = R"({"type":"struct","fields":[{"name":"a","type":"long","metadata":{"a":)" + std::string(1000000, '[');
  EXPECT_FALSE(DataTypeFromSparkJson(metadata).ok());
}

TEST(SparkJson, EveryPrefixOfASchemaIsRefusedWithoutACrash) {
  std::string json = R"({"type":"struct","fields":[{"name":"a","type":{"type":"map","keyType":"string","valueType":"long","valueContainsNull":true},)"
                     R"("nullable":true,"metadata":{"x":[1,-2.5e3,true,null,"\n"]}}]})";
  for (size_t size = 0; size < json.size(); ++size) EXPECT_FALSE(DataTypeFromSparkJson(json.substr(0, size)).ok()) << size;
  EXPECT_TRUE(DataTypeFromSparkJson(json).ok());
}

}  // namespace
}  // namespace millstream
