#include "types/arrow_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "types/types_errors.h"

namespace millstream {
namespace {

const std::vector<DataType>& EveryType() {
  static const std::vector<DataType> types = {
      DataType::Null(),
      DataType::Boolean(),
      DataType::Byte(),
      DataType::Short(),
      DataType::Integer(),
      DataType::Long(),
      DataType::Float(),
      DataType::Double(),
      DataType::Decimal(38, 18),
      DataType::String(),
      DataType::Binary(),
      DataType::Date(),
      DataType::Timestamp(),
      DataType::TimestampNtz(),
      DataType::DayTimeInterval(),
      DataType::YearMonthInterval(),
      DataType::Variant(),
      DataType::Array(DataType::Integer(), false),
      DataType::Map(DataType::String(), DataType::Array(DataType::Timestamp())),
      DataType::Struct(StructType({{"a", DataType::Integer(), false}, {"b", DataType::Map(DataType::Date(), DataType::Variant(), false)}})),
  };
  return types;
}

TEST(ArrowTypes, EveryTypeComesBackFromArrowAsItWas) {
  for (const DataType& type : EveryType()) {
    auto back = FromArrowType(*ToArrowType(type));
    ASSERT_TRUE(back.ok()) << type.SimpleString();
    EXPECT_EQ(*back, type) << type.SimpleString() << " became " << back->SimpleString();
  }
}

TEST(ArrowTypes, TakesTheWidthsThatOtherWritersUse) {
  using namespace arrow;
  const std::vector<std::pair<std::shared_ptr<arrow::DataType>, millstream::DataType>> cases = {
      {large_utf8(), millstream::DataType::String()},
      {utf8_view(), millstream::DataType::String()},
      {large_binary(), millstream::DataType::Binary()},
      {fixed_size_binary(16), millstream::DataType::Binary()},
      {timestamp(TimeUnit::NANO, "Europe/Zurich"), millstream::DataType::Timestamp()},
      {timestamp(TimeUnit::SECOND), millstream::DataType::TimestampNtz()},
      {date64(), millstream::DataType::Date()},
      {uint8(), millstream::DataType::Short()},
      {uint64(), millstream::DataType::Decimal(20, 0)},
      {float16(), millstream::DataType::Float()},
      {dictionary(int32(), utf8()), millstream::DataType::String()},
      {large_list(int64()), millstream::DataType::Array(millstream::DataType::Long())},
      {fixed_size_list(int64(), 3), millstream::DataType::Array(millstream::DataType::Long())},
  };
  for (const auto& [from, to] : cases) {
    auto type = FromArrowType(*from);
    ASSERT_TRUE(type.ok()) << from->ToString();
    EXPECT_EQ(*type, to) << from->ToString();
  }
}

TEST(ArrowTypes, NamesTheTypeThatSparkDoesNotHave) {
  auto type = FromArrowType(*arrow::time64(arrow::TimeUnit::NANO));
  ASSERT_FALSE(type.ok());
  EXPECT_TRUE(type.status().Is(errors::kUnsupportedArrowType));
  EXPECT_THAT(type.status().message(), testing::HasSubstr("time64[ns]"));
}

TEST(ArrowTypes, APlainStructOfTwoBinariesIsNoVariant) {
  auto plain = arrow::struct_({arrow::field("value", arrow::binary()), arrow::field("metadata", arrow::binary())});
  EXPECT_EQ(FromArrowType(*plain)->id(), TypeId::kStruct);
}

TEST(ArrowTypes, KeepsNullabilityAndLabelsTimestampsWithTheAskedZone) {
  StructType schema({{"a", DataType::Integer(), false}, {"t", DataType::Timestamp()}});
  auto arrow_schema = ToArrowSchema(schema, "Europe/Zurich");
  EXPECT_FALSE(arrow_schema->field(0)->nullable());
  EXPECT_EQ(arrow_schema->field(1)->type()->ToString(), "timestamp[us, tz=Europe/Zurich]");
  EXPECT_EQ(*FromArrowSchema(*arrow_schema), schema);
}

TEST(ArrowTypes, SaysWhatArrowWasDoingWhenItFailed) {
  EXPECT_TRUE(FromArrowStatus(arrow::Status::OK(), "reading").ok());
  Status status = FromArrowStatus(arrow::Status::Invalid("bad magic"), "reading /in/a.parquet");
  EXPECT_THAT(status.message(), testing::AllOf(testing::HasSubstr("bad magic"), testing::HasSubstr("/in/a.parquet")));
}

}  // namespace
}  // namespace millstream
