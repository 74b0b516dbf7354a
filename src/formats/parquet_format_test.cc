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

}  // namespace
}  // namespace millstream
