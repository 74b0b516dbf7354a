#include "connectors/delta/rescued_values.h"

#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

using testing::ElementsAre;

std::shared_ptr<arrow::Array> Strings(const std::vector<const char*>& texts) {
  arrow::StringBuilder builder;
  for (const char* text : texts) EXPECT_TRUE((text == nullptr ? builder.AppendNull() : builder.Append(text)).ok());
  return builder.Finish().ValueOrDie();
}

std::vector<std::string> Shown(const arrow::Array& array) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < array.length(); ++i) texts.push_back(array.IsNull(i) ? "null" : array.GetScalar(i).ValueOrDie()->ToString());
  return texts;
}

// Of empty columns.
RescuedValues::Moved Move(const std::string& ddl, const std::vector<const char*>& rescued) {
  const StructType columns = *SchemaFromDdl(ddl);
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const StructField& column : columns)
    arrays.push_back(arrow::MakeArrayOfNull(ToArrowType(column.type), static_cast<int64_t>(rescued.size())).ValueOrDie());
  auto values = RescuedValues::Make(columns, "UTC");
  EXPECT_TRUE(values.ok());
  auto moved = values->Move(*Strings(rescued), arrays);
  EXPECT_TRUE(moved.ok()) << moved.status().message();
  return *std::move(moved);
}

TEST(SplitJsonObject, KeepsTheTextOfEachMember) {
  std::vector<JsonMember> members;
  ASSERT_TRUE(SplitJsonObject(R"( {"a" : 1.50 ,"b\"\u00e4":{"x":"}],{"},"c":[1,{"y":"\\"}]} )", &members));
  ASSERT_EQ(members.size(), 3u);
  EXPECT_EQ(members[0].raw, R"("a" : 1.50)");
  EXPECT_EQ(members[0].value, "1.50");
  EXPECT_EQ(members[1].name, "b\"ä");
  EXPECT_EQ(members[1].value, R"({"x":"}],{"})");
  EXPECT_EQ(members[2].value, R"([1,{"y":"\\"}])");
  EXPECT_TRUE(SplitJsonObject("{}", &members));
  EXPECT_TRUE(members.empty());
  for (const char* text : {"", "[1]", "7", "{\"a\":1", "{\"a\":1} x", "{a:1}"}) EXPECT_FALSE(SplitJsonObject(text, &members)) << text;
}

TEST(RescuedValues, MoveAndLeaveTheRest) {
  const auto moved =
      Move("amount DOUBLE, note STRING", {R"({"amount":1.5,"note":"x","_file_path":"/f"})", nullptr, R"({"amount":"abc","other":1e400,"_file_path":"/f"})",
                                          R"({"note":7,"other":[ 1 ],"_file_path":"/f"})", R"({"amount":"-2.50","_file_path":"/f"})"});
  EXPECT_THAT(Shown(*moved.columns[0]), ElementsAre("1.5", "null", "null", "null", "-2.5"));
  EXPECT_THAT(Shown(*moved.columns[1]), ElementsAre("x", "null", "null", "7", "null"));
  EXPECT_THAT(Shown(*moved.rescued),
              ElementsAre("null", "null", R"({"amount":"abc","other":1e400,"_file_path":"/f"})", R"({"other":[ 1 ],"_file_path":"/f"})", "null"));
  EXPECT_EQ(moved.rows, 3);
  EXPECT_THAT(moved.has_moved, ElementsAre(true, false, false, true, true));
}

TEST(RescuedValues, ReadNumbersOfCsvAndTimesOfText) {
  const auto moved =
      Move("i INT, b BOOLEAN, d DATE, t TIMESTAMP, c DECIMAL(10,2)", {R"({"i":"007","b":"true","d":"2026-01-02","t":"2026-01-02T03:04:05Z","c":"1.25"})",
                                                                      R"({"i":"3000000000","b":"yes","d":"no","c":12345678901})", R"({"i":null,"b":false})"});
  EXPECT_THAT(Shown(*moved.columns[0]), ElementsAre("7", "null", "null"));
  EXPECT_THAT(Shown(*moved.columns[1]), ElementsAre("true", "null", "false"));
  EXPECT_EQ(Shown(*moved.columns[2])[0], "2026-01-02");
  EXPECT_EQ(Shown(*moved.columns[4])[0], "1.25");
  EXPECT_THAT(Shown(*moved.rescued), ElementsAre("null", R"({"i":"3000000000","b":"yes","d":"no","c":12345678901})", "null"));
}

TEST(RescuedValues, OfANestedValueWhatDoesNotFitStays) {
  const auto moved = Move("p STRUCT<a: INT, b: ARRAY<STRING>>",
                          {R"({"p":{"a":1,"b":["x"]},"_file_path":"/f"})", R"({"p":{"a":"x","b":["y"],"c":3},"_file_path":"/f"})", R"({"p":7})"});
  EXPECT_EQ(moved.rows, 2);
  EXPECT_FALSE(moved.columns[0]->IsNull(1));
  EXPECT_TRUE(moved.columns[0]->IsNull(2));
  EXPECT_THAT(Shown(*moved.rescued), ElementsAre("null", R"({"p":{"a":"x","c":3},"_file_path":"/f"})", R"({"p":7})"));
}

TEST(RescuedValues, ARowKeepsTheValueThatItHas) {
  const StructType columns = *SchemaFromDdl("note STRING");
  auto values = *RescuedValues::Make(columns, "UTC");
  auto moved = *values.Move(*Strings({R"({"note":"new"})", R"({"note":"new"})"}), {Strings({"old", nullptr})});
  EXPECT_THAT(Shown(*moved.columns[0]), ElementsAre("old", "new"));
  EXPECT_THAT(Shown(*moved.rescued), ElementsAre(R"({"note":"new"})", "null"));
}

TEST(RescuedValues, TextThatIsNoObjectStaysAsItIs) {
  const auto moved = Move("a INT", {"{\"a\":1", "plain", "{\"A\":1}", "{\"a\"\n:\n1}"});
  EXPECT_THAT(Shown(*moved.columns[0]), ElementsAre("null", "null", "null", "1"));
  EXPECT_EQ(moved.rows, 1);
}

}  // namespace
}  // namespace millstream
