#include "formats/parquet_writer.h"

#include <arrow/builder.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "formats/parquet_reader.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

class ParquetFileTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/parquet_XXXXXX";
    folder_ = mkdtemp(folder);
  }
  void TearDown() override { ASSERT_TRUE(Fs::Local().RemoveRecursively(folder_).ok()); }

  Result<WrittenFile> WriteAll(const std::string& path, const StructType& schema, const std::vector<RecordBatchPtr>& batches) {
    MS_ASSIGN_OR_RETURN(auto writer, ParquetWriter::Create(Fs::Local(), path, schema, {}));
    for (const auto& batch : batches) MS_RETURN_IF_ERROR(writer->Write(*batch));
    return writer->Close();
  }

  std::string folder_;
};

template <typename Builder, typename T, typename... Args>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<std::optional<T>>& values, Args... args) {
  Builder builder(args...);
  for (const auto& value : values) EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  return builder.Finish().ValueOrDie();
}

TEST_F(ParquetFileTest, ReadsBackWhatItWroteWithStatistics) {
  StructType schema({{"id", DataType::Long()}, {"name", DataType::String()}, {"x", DataType::Double()}, {"d", DataType::Decimal(20, 2)}});
  auto batch = arrow::RecordBatch::Make(
      ToArrowSchema(schema), 3,
      {ArrayOf<arrow::Int64Builder, int64_t>({5, std::nullopt, -7}), ArrayOf<arrow::StringBuilder, std::string>({"b", "a", std::nullopt}),
       ArrayOf<arrow::DoubleBuilder, double>({1.5, std::nan(""), 2}),
       ArrayOf<arrow::Decimal128Builder, arrow::Decimal128>({arrow::Decimal128(-150), arrow::Decimal128(7), std::nullopt}, arrow::decimal128(20, 2))});
  std::string path = folder_ + "/a b.parquet";
  auto written = WriteAll(path, schema, {batch});
  ASSERT_TRUE(written.ok()) << written.status().message();
  EXPECT_EQ(written->rows, 3);
  EXPECT_EQ(written->size_bytes, Fs::Local().Stat(path)->size_bytes);
  ASSERT_EQ(written->columns.size(), 4u);
  EXPECT_EQ(std::get<int64_t>(written->columns[0].min->held), -7);
  EXPECT_EQ(std::get<int64_t>(written->columns[0].max->held), 5);
  EXPECT_EQ(written->columns[0].null_count, 1);
  EXPECT_EQ(std::get<std::string>(written->columns[1].min->held), "a");
  EXPECT_FALSE(written->columns[2].max) << "a NaN is Spark's largest number";
  EXPECT_EQ(std::get<DecimalValue>(written->columns[3].min->held).unscaled, -150);

  auto file = ParquetFile::Open(Fs::Local(), path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  auto rows = (*file)->ReadRowGroup(0, {1, 0});
  ASSERT_TRUE(rows.ok());
  auto read = (*rows)->Next();
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE((*read)->column(0)->Equals(batch->column(1)));
  EXPECT_TRUE((*read)->column(1)->Equals(batch->column(0)));
  EXPECT_EQ(*(*rows)->Next(), nullptr);
}

TEST_F(ParquetFileTest, FindsEachFlippedBitInItsPages) {
  StructType schema({{"name", DataType::String()}});
  std::vector<std::optional<std::string>> values;
  for (int i = 0; i < 2000; ++i) values.push_back("value " + std::to_string(i * 7919));
  auto batch = arrow::RecordBatch::Make(ToArrowSchema(schema), values.size(), {ArrayOf<arrow::StringBuilder, std::string>(values)});
  std::string path = folder_ + "/whole.parquet";
  ASSERT_TRUE(WriteAll(path, schema, {batch}).ok());
  std::string bytes = *Fs::Local().ReadFile(path);
  for (size_t at = 100; at < bytes.size() - 400; at += 997) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    std::string damaged = folder_ + "/damaged" + std::to_string(at);
    ASSERT_TRUE(Fs::Local().Replace(damaged, flipped).ok());
    auto file = ParquetFile::Open(Fs::Local(), damaged);
    if (!file.ok()) continue;
    auto rows = (*file)->ReadRowGroup(0, {0});
    if (!rows.ok()) continue;
    Result<RecordBatchPtr> read = (*rows)->Next();
    EXPECT_FALSE(read.ok()) << "bit at byte " << at;
  }
}

TEST_F(ParquetFileTest, RefusesWhatIsNotParquet) {
  for (std::string bytes : {std::string(), std::string("PAR1"), std::string("PAR1\xff\xff\xff\x7fPAR1"), std::string(5000, 'x')}) {
    std::string path = folder_ + "/bad";
    ASSERT_TRUE(Fs::Local().Replace(path, bytes).ok());
    auto file = ParquetFile::Open(Fs::Local(), path);
    ASSERT_FALSE(file.ok());
    EXPECT_TRUE(file.status().Is(errors::kParquetCorrupt)) << file.status().message();
  }
  EXPECT_TRUE(ParquetFile::Open(Fs::Local(), folder_ + "/none").status().Is(errors::kFileNotFound));
}

TEST_F(ParquetFileTest, AFileWithoutRowsIsAFile) {
  StructType schema({{"id", DataType::Long()}});
  auto written = WriteAll(folder_ + "/empty.parquet", schema, {});
  ASSERT_TRUE(written.ok()) << written.status().message();
  auto file = ParquetFile::Open(Fs::Local(), folder_ + "/empty.parquet");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->rows(), 0);
}

}  // namespace
}  // namespace millstream
