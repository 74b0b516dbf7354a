#include "delta/type_widening.h"

#include <gtest/gtest.h>

#include "delta/schema_merge.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

DataType Type(const char* ddl) { return *DataTypeFromDdl(ddl); }

TEST(TypeWidening, TakesWhatDeltaTakes) {
  for (auto [from, to] : {std::pair("TINYINT", "SMALLINT"),
                          {"TINYINT", "BIGINT"},
                          {"INT", "BIGINT"},
                          {"INT", "DOUBLE"},
                          {"INT", "DECIMAL(10,0)"},
                          {"BIGINT", "DECIMAL(20,0)"},
                          {"FLOAT", "DOUBLE"},
                          {"DECIMAL(5,2)", "DECIMAL(7,3)"},
                          {"DATE", "TIMESTAMP_NTZ"}})
    EXPECT_TRUE(CanWiden(Type(from), Type(to))) << from << " " << to;
  for (auto [from, to] : {std::pair("BIGINT", "INT"),
                          {"BIGINT", "DOUBLE"},
                          {"INT", "INT"},
                          {"INT", "DECIMAL(9,0)"},
                          {"INT", "STRING"},
                          {"DOUBLE", "FLOAT"},
                          {"DECIMAL(5,2)", "DECIMAL(6,4)"},
                          {"DATE", "TIMESTAMP"},
                          {"STRING", "BINARY"},
                          {"INT", "FLOAT"}})
    EXPECT_FALSE(CanWiden(Type(from), Type(to))) << from << " " << to;
}

TEST(TypeWidening, IsWrittenBesideTheFieldThatBecameWider) {
  StructType table = *SchemaFromDdl("a INT, s STRUCT<x: FLOAT, l: ARRAY<SMALLINT>>, m MAP<INT, INT>, same STRING");
  StructType rows = *SchemaFromDdl("a BIGINT, s STRUCT<x: DOUBLE, l: ARRAY<INT>>, m MAP<BIGINT, INT>, same STRING, more DATE");
  StructType merged = *MergeSchemas(table, rows, /*widens=*/true);
  EXPECT_EQ(merged[0].type, DataType::Long());
  EXPECT_EQ(merged[0].metadata, R"({"delta.typeChanges":[{"fromType":"integer","toType":"long"}]})");
  EXPECT_EQ(merged[1].type.fields()[0].metadata, R"({"delta.typeChanges":[{"fromType":"float","toType":"double"}]})");
  EXPECT_EQ(merged[1].type.fields()[1].metadata, R"({"delta.typeChanges":[{"fieldPath":"element","fromType":"short","toType":"integer"}]})");
  EXPECT_EQ(merged[2].metadata, R"({"delta.typeChanges":[{"fieldPath":"key","fromType":"integer","toType":"long"}]})");
  EXPECT_EQ(merged[4].name, "more");
  // Once more: what was written stays, and nothing is added for what is as it was.
  EXPECT_EQ(*MergeSchemas(merged, rows, true), merged);
  StructType wider = *MergeSchemas(merged, *SchemaFromDdl("a DECIMAL(20,0)"), true);
  EXPECT_EQ(wider[0].metadata, R"x({"delta.typeChanges":[{"fromType":"integer","toType":"long"},{"fromType":"long","toType":"decimal(20,0)"}]})x");
  EXPECT_EQ((*MergeSchemas(table, *SchemaFromDdl("a BIGINT")))[0].type, DataType::Integer()) << "not without the table's leave";
}

}  // namespace
}  // namespace millstream
