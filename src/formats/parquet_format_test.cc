#include <arrow/array.h>
#include <arrow/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/column_builder.h"
#include "formats/parquet_writer.h"
#include "formats/test_files.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

// Rows (1, "x"), (2, null) under the columns id INT, Name STRING.
InputFile Write(TestFiles& files, const std::string& name) {
  StructType schema = *SchemaFromDdl("id INT, Name STRING");
  ColumnBuilder ids(DataType::Integer()), names(DataType::String());
  ids.AppendFixed(int32_t{1});
  ids.AppendFixed(int32_t{2});
  names.AppendBytes("x");
  names.AppendNull();
  auto batch = arrow::RecordBatch::Make(ToArrowSchema(schema), 2, {ids.Finish(), names.Finish()});
  auto writer = ParquetWriter::Create(Fs::Local(), files.directory() + "/" + name, schema, {});
  EXPECT_TRUE((*writer)->Write(*batch).ok());
  auto written = (*writer)->Close();
  EXPECT_TRUE(written.ok());
  return {.path = written->path, .size_bytes = written->size_bytes};
}

TEST(ParquetFormat, FindsColumnsByNameAndWidensThem) {
  TestFiles files;
  EXPECT_EQ(ReadToText("parquet", {}, {Write(files, "a.parquet")}, "name STRING, id BIGINT, other DOUBLE", {"name", "id", "other"}), "x|1|null\nnull|2|null\n");
}
TEST(ParquetFormat, RescuesOrRefusesATypeThatDoesNotFit) {
  TestFiles files;
  InputFile file = Write(files, "a.parquet");
  EXPECT_THAT(ReadToText("parquet", {}, {file}, "id DATE", {"id"}), testing::HasSubstr("PARQUET_COLUMN_DATA_TYPE_MISMATCH"));
  EXPECT_THAT(ReadToText("parquet", {}, {file}, "id DATE", {"id", "_rescued"}, "_rescued"),
              testing::StartsWith("null|{\"id\":1,\"Name\":\"x\",\"_file_path\":\"file:/"));
  EXPECT_THAT(ReadToText("parquet", {}, {file}, "id INT", {"id"}, "", true), testing::HasSubstr("NEW_FIELDS_IN_FILE"));
}
TEST(ParquetFormat, NamesAFileThatIsNoParquet) {
  TestFiles files;
  InputFile empty = files.Add("empty.parquet", "");
  EXPECT_THAT(ReadToText("parquet", {}, {empty}, "id INT", {"id"}), testing::HasSubstr("empty.parquet"));
  EXPECT_EQ(ReadToText("parquet", {{"ignoreCorruptFiles", "true"}}, {empty}, "id INT", {"id"}), "");
}
// As PySpark 4.2 answers for Parquet, Avro and ORC: a name that means two columns is refused where it is asked for, and nowhere else.
TEST(ParquetFormat, RefusesANameThatMeansTwoColumns) {
  TestFiles files;
  StructType schema({{"a", DataType::Integer()}, {"A", DataType::Integer()}, {"b", DataType::Integer()}});
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int32_t value : {1, 2, 3}) {
    ColumnBuilder one(DataType::Integer());
    one.AppendFixed(value);
    columns.push_back(one.Finish());
  }
  auto writer = ParquetWriter::Create(Fs::Local(), files.directory() + "/twice.parquet", schema, {});
  ASSERT_TRUE((*writer)->Write(*arrow::RecordBatch::Make(ToArrowSchema(schema), 1, columns)).ok());
  auto written = (*writer)->Close();
  ASSERT_TRUE(written.ok());
  const InputFile file{.path = written->path, .size_bytes = written->size_bytes};
  EXPECT_THAT(ReadToText("parquet", {}, {file}, "a INT, b INT", {"a", "b"}),
              testing::AllOf(testing::HasSubstr("FAILED_READ_FILE"), testing::HasSubstr("2 columns a")));
  EXPECT_THAT(ReadToText("parquet", {}, {file}, "A INT", {"A"}), testing::HasSubstr("FAILED_READ_FILE"));
  EXPECT_EQ(ReadToText("parquet", {}, {file}, "b INT", {"b"}), "3\n");
  EXPECT_THAT(ReadToText("parquet", {}, {file}, "a INT, b INT", {"a", "b", "_rescued"}, "_rescued"), testing::StartsWith("1|3|{\"A\":2,"));

  auto inferred = [&](const OptionMap& options, bool case_sensitive) {
    auto format = MakeFileFormat("parquet", options, {.case_sensitive = case_sensitive});
    Result<StructType> found = (*format)->InferSchema({file});
    return found.ok() ? DataType::Struct(*found).SimpleString() : std::string(found.status().error_class().name) + " " + found.status().text();
  };
  EXPECT_THAT(inferred({}, false), testing::AllOf(testing::HasSubstr("COLUMN_ALREADY_EXISTS"), testing::HasSubstr("column `a` already exists"),
                                                  testing::HasSubstr("twice.parquet has `a` and `A`")));
  EXPECT_EQ(inferred({}, true), "struct<a:int,A:int,b:int>");
  EXPECT_EQ(inferred({{"rescuedDataColumn", "_rescued"}}, false), "struct<a:int,b:int>");
}

}  // namespace
}  // namespace millstream
