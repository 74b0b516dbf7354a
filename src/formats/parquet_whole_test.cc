#include "formats/parquet_whole.h"

#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>

#include "formats/parquet_reader.h"
#include "formats/source_file_column.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ParquetWholeTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/whole_XXXXXX";
    folder_ = mkdtemp(folder);
    path_ = folder_ + "/a.parquet";
  }
  void TearDown() override { ASSERT_TRUE(Fs::Local().RemoveRecursively(folder_).ok()); }

  // name STRING (one null), x DOUBLE, id BIGINT: three rows.
  void Write(std::optional<std::string> key = std::nullopt) {
    auto writer = ParquetWriter::Create(Fs::Local(), path_, schema_, {}).value();
    arrow::StringBuilder names;
    arrow::DoubleBuilder numbers;
    arrow::Int64Builder ids;
    ASSERT_TRUE(names.AppendValues({"b", "a"}).ok() && names.AppendNull().ok() && numbers.AppendValues({1.5, 2, 3}).ok() && ids.AppendValues({7, -5, 6}).ok());
    ASSERT_TRUE(writer->Write(*arrow::RecordBatch::Make(ToArrowSchema(schema_), 3, {*names.Finish(), *numbers.Finish(), *ids.Finish()})).ok());
    if (key) writer->AddMetadata(*key, "of others");
    ASSERT_TRUE(writer->Close().ok());
  }

  // Empty: it can be a file of a table with these columns.
  std::string WhyNot(const std::vector<StructField>& as, const std::optional<std::string>& codec = std::nullopt) const {
    auto file = ParquetFile::Open(Fs::Local(), path_).value();
    std::vector<ParquetFile::CopiedColumn> columns;
    for (size_t i = 0; i < as.size(); ++i) columns.push_back({.index = static_cast<int>(i), .as = as[i]});
    const auto whole = file->AsWhole(columns, codec);
    if (const auto* why = std::get_if<std::string>(&whole)) return *why;
    EXPECT_EQ(std::get<WholeFile>(whole).rows, 3);
    return "";
  }

  const StructType schema_{{{"name", DataType::String()}, {"x", DataType::Double()}, {"id", DataType::Long()}}};
  std::string folder_, path_;
};

TEST_F(ParquetWholeTest, FilesWithTheTablesColumnsFit) {
  Write();
  const std::vector<StructField> as(schema_.begin(), schema_.end());
  EXPECT_THAT(WhyNot(as), IsEmpty());
  EXPECT_THAT(WhyNot(as, "zstd"), HasSubstr("another compression"));
  EXPECT_THAT(WhyNot({as[0], as[1]}), HasSubstr("columns that the table does not take"));
  EXPECT_THAT(WhyNot({as[0], as[1], {"ID", DataType::Long()}}), HasSubstr("stored otherwise"));
  EXPECT_THAT(WhyNot({as[0], as[1], {"id", DataType::Integer()}}), HasSubstr("stored otherwise"));
  EXPECT_THAT(WhyNot({as[0], as[1], {"id", DataType::Long(), false}}), IsEmpty());
  EXPECT_THAT(WhyNot({{"name", DataType::String(), false}, as[1], as[2]}), HasSubstr("may be null"));
}

// One column of three values in one row group, and then groups without rows.
void WriteColumn(const std::string& path, const std::shared_ptr<const parquet::LogicalType>& type, int empty_groups) {
  const auto column = parquet::schema::PrimitiveNode::Make("id", parquet::Repetition::REQUIRED, type, parquet::Type::INT64);
  const auto schema = parquet::schema::GroupNode::Make("schema", parquet::Repetition::REQUIRED, {column});
  auto writer = parquet::ParquetFileWriter::Open(*arrow::io::FileOutputStream::Open(path), std::static_pointer_cast<parquet::schema::GroupNode>(schema));
  const std::vector<int64_t> values{7, -5, 6};
  for (int i = 0; i <= empty_groups; ++i) {
    auto* chunk = static_cast<parquet::Int64Writer*>(writer->AppendRowGroup()->NextColumn());
    if (i == 0) chunk->WriteBatch(3, nullptr, nullptr, values.data());
  }
  writer->Close();
}

TEST_F(ParquetWholeTest, IntegersThatSayTheirWidthAreIntegers) {
  WriteColumn(path_, parquet::LogicalType::Int(64, true), 0);  // as DuckDB does
  EXPECT_THAT(WhyNot({{"id", DataType::Long()}}), IsEmpty());
  WriteColumn(path_, parquet::LogicalType::Int(64, false), 0);
  EXPECT_THAT(WhyNot({{"id", DataType::Long()}}), HasSubstr("stored otherwise"));
}

TEST_F(ParquetWholeTest, FilesWithARowGroupWithoutRowsDoNot) {
  WriteColumn(path_, parquet::LogicalType::None(), 1);
  EXPECT_THAT(WhyNot({{"id", DataType::Long()}}), HasSubstr("without rows"));
}

TEST_F(ParquetWholeTest, FilesThatNameSourceFilesDoNot) {
  Write(std::string(kSourceFilesKey));
  EXPECT_THAT(WhyNot({schema_.begin(), schema_.end()}), HasSubstr("another table"));
}

TEST_F(ParquetWholeTest, StatisticsAreFoundByNameAndBoundsOfFloatsAreLeftOut) {
  Write();
  const StructType table({{"id", DataType::Long()}, {"late", DataType::Long()}, {"name", DataType::String()}, {"x", DataType::Double()}});
  const WrittenFile measured = MeasureWhole(Fs::Local(), path_, table, -1).value();
  EXPECT_EQ(measured.rows, 3);
  ASSERT_EQ(measured.columns.size(), 3u);  // nothing is known of `late`
  EXPECT_EQ(measured.columns[0].path, std::vector<std::string>{"id"});
  EXPECT_EQ(std::get<int64_t>(measured.columns[0].min->held), -5);
  EXPECT_EQ(std::get<int64_t>(measured.columns[0].max->held), 7);
  EXPECT_EQ(std::get<std::string>(measured.columns[1].max->held), "b");
  EXPECT_EQ(measured.columns[1].null_count, 1);
  EXPECT_FALSE(measured.columns[2].min || measured.columns[2].max);
  EXPECT_EQ(MeasureWhole(Fs::Local(), path_, table, 1)->columns.size(), 1u);
}

}  // namespace
}  // namespace millstream
