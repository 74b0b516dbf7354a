#include "base/option_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millstream {
namespace {

const OptionTable& Table() {
  static const OptionTable table("cloudFiles", {{"cloudFiles.format", OptionType::kEnum, "", "format", "0.1", {"json", "csv"}},
                                                {"cloudFiles.maxFilesPerTrigger", OptionType::kInt, "1000", "limit", "0.1"},
                                                {"multiLine", OptionType::kBool, "false", "lines", "0.1"}});
  return table;
}

TEST(OptionTable, ReadsValuesWithoutRegardToCaseAndFillsDefaults) {
  OptionValues values = *Table().Parse({{"CLOUDFILES.format", "JSON"}, {"multiline", "True"}});
  EXPECT_EQ(values.String("cloudFiles.format"), "json");
  EXPECT_TRUE(values.Bool("multiLine"));
  EXPECT_EQ(values.Int("cloudFiles.maxFilesPerTrigger"), 1000);
}

TEST(OptionTable, SuggestsTheNearestName) {
  Status status = Table().Parse({{"cloudFiles.fromat", "json"}}).status();
  EXPECT_TRUE(status.Is(errors::kUnknownOption));
  EXPECT_THAT(status.message(), ::testing::HasSubstr("Did you mean `cloudFiles.format`?"));
}

TEST(OptionTable, RefusesAValueOfTheWrongType) {
  EXPECT_TRUE(Table().Parse({{"multiLine", "perhaps"}}).status().Is(errors::kInvalidOptionValue));
  EXPECT_TRUE(Table().Parse({{"cloudFiles.format", "xls"}}).status().Is(errors::kInvalidOptionValue));
}

TEST(Durations, ReadSparkIntervals) {
  EXPECT_EQ(ParseDurationMillis("2 seconds"), 2000);
  EXPECT_EQ(ParseDurationMillis("interval 1 minute 30 seconds"), 90000);
  EXPECT_EQ(ParseDurationMillis("soon"), std::nullopt);
}

TEST(ByteSizes, ReadUnits) {
  EXPECT_EQ(ParseByteSize("10g"), 10LL << 30);
  EXPECT_EQ(ParseByteSize("512kb"), 512 << 10);
  EXPECT_EQ(ParseByteSize("99999999999999t"), std::nullopt);
}

}  // namespace
}  // namespace millstream
