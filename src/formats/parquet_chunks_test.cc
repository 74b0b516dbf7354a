#include "formats/parquet_chunks.h"

#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>

#include <cmath>
#include <functional>
#include <random>

#include "formats/parquet_page_header.h"
#include "formats/parquet_reader.h"
#include "formats/string_bounds.h"
#include "formats/test_files.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

template <typename Builder, typename T, typename... Args>
std::shared_ptr<arrow::Array> ArrayOf(int64_t rows, const std::function<std::optional<T>(int64_t)>& value, Args... args) {
  Builder builder(args...);
  for (int64_t row = 0; row < rows; ++row) {
    const std::optional<T> one = value(row);
    EXPECT_TRUE((one ? builder.Append(*one) : builder.AppendNull()).ok());
  }
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> ListOf(int64_t rows) {
  auto items = std::make_shared<arrow::Int32Builder>();
  arrow::ListBuilder builder(arrow::default_memory_pool(), items, ToArrowType(*DataTypeFromDdl("ARRAY<INT>")));
  for (int64_t row = 0; row < rows; ++row) {
    if (row % 5 == 0) {
      EXPECT_TRUE(builder.AppendNull().ok());
      continue;
    }
    EXPECT_TRUE(builder.Append().ok());
    for (int64_t i = 0; i < row % 4; ++i) EXPECT_TRUE((i == 2 ? items->AppendNull() : items->Append(static_cast<int32_t>(row + i))).ok());
  }
  return builder.Finish().ValueOrDie();
}

constexpr char kDdl[] =
    "flag BOOLEAN, tiny TINYINT, number INT, id BIGINT, x FLOAT, y DOUBLE, price DECIMAL(9,2), big DECIMAL(30,5), name STRING, word STRING, raw BINARY, "
    "day DATE, at TIMESTAMP, local TIMESTAMP_NTZ, list ARRAY<INT>, pair STRUCT<a: BIGINT, b: ARRAY<INT>>, nothing STRING";

RecordBatchPtr RowsOfEveryType(int64_t rows) {
  const StructType schema = *SchemaFromDdl(kDdl);
  const ArrowSchemaPtr arrow_schema = ToArrowSchema(schema);
  auto some = [](int64_t row) { return row % 7 != 3; };
  auto number = [&](auto type) {
    using T = decltype(type);
    return [=](int64_t row) { return some(row) ? std::optional<T>(static_cast<T>(row * 37 % 101 - 50)) : std::nullopt; };
  };
  arrow::ArrayVector columns = {
      ArrayOf<arrow::BooleanBuilder, bool>(rows, [&](int64_t row) { return some(row) ? std::optional<bool>(row % 3 == 0) : std::nullopt; }),
      ArrayOf<arrow::Int8Builder, int8_t>(rows, number(int8_t{})),
      ArrayOf<arrow::Int32Builder, int32_t>(rows, number(int32_t{})),
      ArrayOf<arrow::Int64Builder, int64_t>(rows, [](int64_t row) { return row * 1000003; }),
      ArrayOf<arrow::FloatBuilder, float>(rows, [](int64_t row) { return row == 9 ? std::nanf("") : static_cast<float>(row) / 3; }),
      ArrayOf<arrow::DoubleBuilder, double>(rows, [](int64_t row) { return static_cast<double>(row % 11) / 7; }),
      ArrayOf<arrow::Decimal128Builder, arrow::Decimal128>(
          rows, [](int64_t row) { return arrow::Decimal128(row - 40); }, arrow::decimal128(9, 2)),
      ArrayOf<arrow::Decimal128Builder, arrow::Decimal128>(
          rows, [](int64_t row) { return arrow::Decimal128(row * 99991 - 7); }, arrow::decimal128(30, 5)),
      ArrayOf<arrow::StringBuilder, std::string>(rows, [](int64_t row) { return "name " + std::to_string(row * 7919); }),
      ArrayOf<arrow::StringBuilder, std::string>(
          rows, [&](int64_t row) { return some(row) ? std::optional<std::string>("word " + std::to_string(row % 13)) : std::nullopt; }),
      ArrayOf<arrow::BinaryBuilder, std::string>(rows, [](int64_t row) { return std::string(static_cast<size_t>(row % 9), '\xff'); }),
      ArrayOf<arrow::Date32Builder, int32_t>(rows, number(int32_t{})),
      ArrayOf<arrow::TimestampBuilder, int64_t>(rows, number(int64_t{}), ToArrowType(DataType::Timestamp()), arrow::default_memory_pool()),
      ArrayOf<arrow::TimestampBuilder, int64_t>(rows, number(int64_t{}), ToArrowType(DataType::TimestampNtz()), arrow::default_memory_pool()),
      ListOf(rows)};
  columns.push_back(std::make_shared<arrow::StructArray>(ToArrowType(*DataTypeFromDdl("STRUCT<a: BIGINT, b: ARRAY<INT>>")), rows,
                                                         arrow::ArrayVector{columns[3], columns[14]}));
  columns.push_back(arrow::MakeArrayOfNull(arrow::utf8(), rows).ValueOrDie());
  return arrow::RecordBatch::Make(arrow_schema, rows, columns);
}

using Properties = parquet::WriterProperties::Builder;

// A file of one row group as another writer makes it.
std::string FileOf(const RecordBatchPtr& rows, const std::function<void(Properties&)>& settings, bool int96 = false) {
  Properties properties;
  properties.enable_store_decimal_as_integer()->data_pagesize(2000)->dictionary_pagesize_limit(3000);
  settings(properties);
  parquet::ArrowWriterProperties::Builder arrow_properties;
  if (int96) arrow_properties.enable_deprecated_int96_timestamps();
  auto stream = arrow::io::BufferOutputStream::Create().ValueOrDie();
  auto table = arrow::Table::FromRecordBatches({rows}).ValueOrDie();
  EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), stream, rows->num_rows(), properties.build(), arrow_properties.build()).ok());
  return stream->Finish().ValueOrDie()->ToString();
}

class ParquetChunksTest : public testing::Test {
 protected:
  // Copies all columns of `bytes` twice into a file; the error, or "not copied".
  Result<WrittenFile> Copy(const std::string& bytes, const StructType& schema, const std::string& path) {
    auto source = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes));
    const ParquetGroup group{.path = "source", .source = source, .size_bytes = static_cast<int64_t>(bytes.size()), .metadata = parquet::ReadMetaData(source)};
    ChunkRows rows{.rows = group.metadata->num_rows(), .columns = {}};
    int leaf = 0;
    for (const StructField& field : schema) {
      std::vector<int> leaves;
      const parquet::SchemaDescriptor& descriptor = *group.metadata->schema();
      const auto* root = descriptor.GetColumnRoot(leaf);
      while (leaf < descriptor.num_columns() && descriptor.GetColumnRoot(leaf) == root) leaves.push_back(leaf++);
      if (!CanCopyChunks(group, leaves, field, std::nullopt)) return Status::Internal("not copied: " + field.name);
      MS_ASSIGN_OR_RETURN(ColumnChunksPtr chunks, ReadChunks(group, leaves, /*takes_uncompressed=*/true));
      if (chunks == nullptr) return Status::Internal("not copied: pages of " + field.name);
      rows.columns.emplace_back(std::move(chunks));
    }
    MS_ASSIGN_OR_RETURN(auto writer, ParquetChunkWriter::Create(Fs::Local(), path, schema, {}));
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(writer->Takes(rows));
      MS_RETURN_IF_ERROR(writer->Write(rows));
    }
    writer->AddMetadata("who", "us");
    return writer->Close();
  }

  std::string Path(const std::string& name) const { return files_.directory() + "/" + name; }

  TestFiles files_;
};

Result<RecordBatchPtr> ReadGroup(const std::string& path, int group) {
  MS_ASSIGN_OR_RETURN(auto file, ParquetFile::Open(Fs::Local(), path));
  std::vector<int> all;
  for (int i = 0; i < file->arrow_schema()->num_fields(); ++i) all.push_back(i);
  MS_ASSIGN_OR_RETURN(auto rows, file->ReadRowGroup(group, all, int64_t{1} << 30));
  return rows->Next();
}

std::string Text(const std::optional<Value>& value) {
  if (!value) return "none";
  if (auto* number = std::get_if<int64_t>(&value->held)) return std::to_string(*number);
  if (auto* real = std::get_if<double>(&value->held)) return std::to_string(*real);
  if (auto* decimal = std::get_if<DecimalValue>(&value->held)) return std::to_string(static_cast<int64_t>(decimal->unscaled));
  return std::get<std::string>(value->held);
}

TEST_F(ParquetChunksTest, CopiesEveryTypeWithTheStatisticsOfAWriter) {
  const StructType schema = *SchemaFromDdl(kDdl);
  const RecordBatchPtr rows = RowsOfEveryType(3000);
  auto writer = ParquetWriter::Create(Fs::Local(), Path("written"), schema, {});
  ASSERT_TRUE((*writer)->Write(*rows).ok());
  const WrittenFile written = *(*writer)->Close();
  const std::vector<std::pair<std::string, std::function<void(Properties&)>>> writers = {
      {"plain", [](Properties& properties) { properties.disable_dictionary(); }},
      {"snappy", [](Properties& properties) { properties.compression(parquet::Compression::SNAPPY); }},
      {"snappy v2",
       [](Properties& properties) {
         properties.compression(parquet::Compression::SNAPPY)->data_page_version(parquet::ParquetDataPageVersion::V2)->disable_dictionary();
       }},
      {"zstd", [](Properties& properties) { properties.compression(parquet::Compression::ZSTD)->data_page_version(parquet::ParquetDataPageVersion::V2); }},
      {"checked", [](Properties& properties) { properties.enable_page_checksum()->version(parquet::ParquetVersion::PARQUET_1_0); }},
      {"delta",
       [](Properties& properties) {
         properties.disable_dictionary()->encoding("id", parquet::Encoding::DELTA_BINARY_PACKED)->encoding("name", parquet::Encoding::DELTA_BYTE_ARRAY);
       }},
      {"silent", [](Properties& properties) { properties.disable_statistics(); }},
  };
  for (const auto& [name, settings] : writers) {
    auto copied = Copy(FileOf(rows, settings), schema, Path(name));
    ASSERT_TRUE(copied.ok()) << name << ": " << copied.status().message();
    EXPECT_EQ(copied->rows, 6000);
    EXPECT_EQ(copied->size_bytes, Fs::Local().Stat(Path(name))->size_bytes);
    for (int group = 0; group < 2; ++group) {
      auto read = ReadGroup(Path(name), group);
      ASSERT_TRUE(read.ok()) << name << ": " << read.status().message();
      for (int i = 0; i < rows->num_columns(); ++i) {
        EXPECT_TRUE((*read)->column(i)->Equals(*rows->column(i), arrow::EqualOptions().nans_equal(true))) << name << " " << rows->schema()->field(i)->name();
      }
    }
    ASSERT_EQ(copied->columns.size(), written.columns.size());
    for (size_t i = 0; i < written.columns.size(); ++i) {
      const ColumnStats &is = copied->columns[i], &wanted = written.columns[i];
      EXPECT_EQ(is.path, wanted.path);
      EXPECT_EQ(is.null_count, 2 * wanted.null_count) << name << " " << is.path[0];
      EXPECT_EQ(Text(is.min), Text(wanted.min)) << name << " " << is.path[0];
      EXPECT_EQ(Text(is.max), Text(wanted.max)) << name << " " << is.path[0];
    }
    EXPECT_EQ((*ParquetFile::Open(Fs::Local(), Path(name)))->FooterValue("who"), "us");
  }
}

TEST_F(ParquetChunksTest, GivesEachPageAChecksum) {
  const StructType schema = *SchemaFromDdl("name STRING");
  const RecordBatchPtr all = RowsOfEveryType(2000);
  const RecordBatchPtr rows = arrow::RecordBatch::Make(ToArrowSchema(schema), 2000, {all->column(8)});
  ASSERT_TRUE(Copy(FileOf(rows, [](Properties& properties) { properties.disable_dictionary(); }), schema, Path("whole")).ok());
  const std::string bytes = *Fs::Local().ReadFile(Path("whole"));
  for (size_t at = 100; at < bytes.size() - 600; at += 997) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    const std::string damaged = Path("damaged" + std::to_string(at));
    ASSERT_TRUE(Fs::Local().Replace(damaged, flipped).ok());
    EXPECT_FALSE(ReadGroup(damaged, 0).ok() && ReadGroup(damaged, 1).ok()) << "bit at byte " << at;
  }
}

// What is broken is not carried on: each flipped bit of a file with checksums is found, or has changed nothing that counts.
TEST_F(ParquetChunksTest, FindsWhatIsBrokenBeforeItIsCopied) {
  const StructType schema = *SchemaFromDdl("name STRING, word STRING");
  const RecordBatchPtr all = RowsOfEveryType(500);
  const RecordBatchPtr rows = arrow::RecordBatch::Make(ToArrowSchema(schema), 500, {all->column(8), all->column(9)});
  for (const auto& [name, settings] : std::vector<std::pair<std::string, std::function<void(Properties&)>>>{
           {"plain", [](Properties& properties) { properties.enable_page_checksum(); }},
           {"snappy", [](Properties& properties) { properties.enable_page_checksum()->compression(parquet::Compression::SNAPPY); }},
           {"snappy v2", [](Properties& properties) {
              properties.enable_page_checksum()->compression(parquet::Compression::SNAPPY)->data_page_version(parquet::ParquetDataPageVersion::V2);
            }}}) {
    const std::string bytes = FileOf(rows, settings);
    int found = 0, copied = 0;
    for (size_t at = 4; at + 700 < bytes.size(); at += 3) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 16);
      const std::string path = Path("copy " + name + std::to_string(at));
      if (!Copy(flipped, schema, path).ok()) {
        ++found;
        continue;
      }
      ++copied;
      auto read = ReadGroup(path, 0);
      ASSERT_TRUE(read.ok()) << at;
      EXPECT_TRUE((*read)->column(0)->Equals(*rows->column(0)) && (*read)->column(1)->Equals(*rows->column(1))) << at;
    }
    EXPECT_GT(found, 20 * copied) << name;
  }
}

// Without checksums, what Snappy is told to unpack may be anything: an error, or the right number of values; never more than was made room for.
TEST_F(ParquetChunksTest, UnpacksAnyBytes) {
  const StructType schema = *SchemaFromDdl("name STRING, word STRING, number INT");
  const RecordBatchPtr all = RowsOfEveryType(500);
  const RecordBatchPtr rows = arrow::RecordBatch::Make(ToArrowSchema(schema), 500, {all->column(8), all->column(9), all->column(2)});
  for (auto version : {parquet::ParquetDataPageVersion::V1, parquet::ParquetDataPageVersion::V2}) {
    const std::string bytes = FileOf(rows, [&](Properties& properties) { properties.compression(parquet::Compression::SNAPPY)->data_page_version(version); });
    int found = 0;
    for (size_t at = 4; at + 900 < bytes.size(); at += 7) {
      for (char byte : {'\x00', '\x7f', '\xff'}) {
        std::string lie = bytes;
        lie[at] = byte;
        found += !Copy(lie, schema, Path("any" + std::to_string(static_cast<int>(version)) + "_" + std::to_string(at) + "_" + std::to_string(byte))).ok();
      }
    }
    EXPECT_GT(found, 200);
  }
}

TEST_F(ParquetChunksTest, LeavesAloneWhatIsNotAsTheTableHasIt) {
  const RecordBatchPtr all = RowsOfEveryType(100);
  auto one = [&](int column, const std::string& ddl) {
    return arrow::RecordBatch::Make(arrow::schema({all->schema()->field(column)->WithName(SchemaFromDdl(ddl)->fields()[0].name)}), 100, {all->column(column)});
  };
  auto plain = [](Properties&) {};
  auto reason = [&](const std::string& bytes, const std::string& ddl) {
    static int number = 0;
    auto copied = Copy(bytes, *SchemaFromDdl(ddl), Path("left" + std::to_string(++number)));
    return copied.ok() ? "" : copied.status().message();
  };
  EXPECT_EQ(reason(FileOf(one(3, "id BIGINT"), plain), "id BIGINT"), "");
  EXPECT_NE(reason(FileOf(one(3, "id BIGINT"), plain), "ID BIGINT"), "");
  EXPECT_NE(reason(FileOf(one(2, "id INT"), plain), "id BIGINT"), "") << "a wider type";
  EXPECT_NE(reason(FileOf(one(12, "at TIMESTAMP"), plain, /*int96=*/true), "at TIMESTAMP"), "");
  EXPECT_NE(reason(FileOf(one(12, "at TIMESTAMP"), plain), "at TIMESTAMP_NTZ"), "");
  EXPECT_NE(reason(FileOf(one(3, "id BIGINT"), [](Properties& properties) { properties.compression(parquet::Compression::GZIP); }), "id BIGINT"), "");
  EXPECT_NE(
      reason(FileOf(one(5, "y DOUBLE"), [](Properties& properties) { properties.disable_dictionary()->encoding("y", parquet::Encoding::BYTE_STREAM_SPLIT); }),
             "y DOUBLE"),
      "");
  // A column that has no nulls by its type stays so.
  const RecordBatchPtr required = arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64(), false)}), 100, {all->column(3)});
  EXPECT_EQ(reason(FileOf(required, plain), "id BIGINT"), "");
}

TEST_F(ParquetChunksTest, EncodesValuesBesideThem) {
  const StructType schema = *SchemaFromDdl("a STRING, b BIGINT");
  auto writer = ParquetChunkWriter::Create(Fs::Local(), Path("values"), schema, {});
  for (int64_t rows : {5, 70000}) {
    ChunkRows group{.rows = rows, .columns = {}};
    group.columns.emplace_back(arrow::MakeArrayOfNull(arrow::utf8(), rows).ValueOrDie());
    group.columns.emplace_back(ArrayOf<arrow::Int64Builder, int64_t>(rows, [](int64_t row) { return row; }));
    ASSERT_TRUE(EncodeValues(schema, {}, group).ok());
    ASSERT_TRUE((*writer)->Takes(group));
    ASSERT_TRUE((*writer)->Write(group).ok());
  }
  auto written = (*writer)->Close();
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(written->columns[0].null_count, 70005);
  EXPECT_EQ(Text(written->columns[1].max), "69999");
  auto read = ReadGroup(Path("values"), 1);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ((*read)->num_rows(), 70000);
  EXPECT_EQ((*read)->column(0)->null_count(), 70000);
}

// Numbers in the footer that are not so: each ends in an error, or in what is there.
TEST_F(ParquetChunksTest, SurvivesFootersThatLie) {
  const StructType schema = *SchemaFromDdl("id BIGINT");
  constexpr int64_t kRows = 140000;
  const RecordBatchPtr rows = arrow::RecordBatch::Make(ToArrowSchema(schema), kRows,
                                                       {ArrayOf<arrow::Int64Builder, int64_t>(kRows, [](int64_t row) { return row * 0x9e3779b97f4a7c15; })});
  const std::string good = FileOf(rows, [](Properties& properties) { properties.disable_dictionary()->compression(parquet::Compression::SNAPPY); });
  constexpr size_t kTail = 8;
  const auto length = static_cast<unsigned char>(good[good.size() - 8]) | static_cast<unsigned char>(good[good.size() - 7]) << 8;
  const size_t begin = good.size() - kTail - static_cast<size_t>(length);
  int copied = 0;
  for (size_t at = begin; at < good.size() - kTail; at += 3) {
    for (char byte : {'\x00', '\x7f', '\xff'}) {
      std::string lie = good;
      lie[at] = byte;
      const std::string path = Path("lie" + std::to_string(at) + "_" + std::to_string(byte));
      ASSERT_TRUE(Fs::Local().Replace(path, lie).ok());
      auto file = ParquetFile::Open(Fs::Local(), path);
      if (!file.ok()) continue;
      for (int group = 0; group < std::min((*file)->row_groups(), 3); ++group) {
        auto chunks = (*file)->CopyRowGroup(group, {{.index = 0, .as = schema[0]}}, std::nullopt);
        if (!chunks.ok() || chunks->empty()) continue;
        EXPECT_EQ((*file)->rows_of(group), kRows) << at;
        ++copied;
      }
    }
  }
  EXPECT_GT(copied, 10);
}

TEST(StringBounds, AreThoseOfASort) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    StringBounds bounds;
    std::vector<std::string> all;
    for (unsigned batches = random() % 4; batches > 0; --batches) {
      std::vector<std::string> batch(random() % 5);
      for (std::string& text : batch) {
        for (unsigned length = random() % 20; length > 0; --length) text += "\0\x01\x7f\x80\xff"[random() % 5];
      }
      bounds.Add(static_cast<int64_t>(batch.size()), [&](int64_t i) { return std::string_view(batch[static_cast<size_t>(i)]); });
      all.insert(all.end(), batch.begin(), batch.end());
    }
    ASSERT_EQ(bounds.least().has_value(), !all.empty());
    if (all.empty()) continue;
    const auto less = [](const std::string& a, const std::string& b) {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                          [](char x, char y) { return static_cast<uint8_t>(x) < static_cast<uint8_t>(y); });
    };
    ASSERT_EQ(*bounds.least(), *std::min_element(all.begin(), all.end(), less));
    ASSERT_EQ(*bounds.greatest(), *std::max_element(all.begin(), all.end(), less));
  }
}

TEST(ParquetPageHeader, EndsAtAnyByte) {
  const RecordBatchPtr all = RowsOfEveryType(50);
  const std::string bytes = FileOf(arrow::RecordBatch::Make(arrow::schema({all->schema()->field(3)}), 50, {all->column(3)}), [](Properties&) {});
  const std::string_view pages = std::string_view(bytes).substr(4);
  const auto whole = ParsePageHeader(pages);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->type, ParquetPageHeader::kDictionary);
  for (size_t size = 0; size < whole->header_bytes; ++size) EXPECT_FALSE(ParsePageHeader(pages.substr(0, size)));
  for (size_t at = 0; at < whole->header_bytes; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string lie(pages);
      lie[at] = static_cast<char>(byte);
      if (const auto parsed = ParsePageHeader(lie)) {
        EXPECT_LE(parsed->header_bytes, lie.size());
      }
    }
  }
  ASSERT_GT(whole->crc_place, 0u);
  const std::string with = WithCrc(pages.substr(0, whole->header_bytes), *whole, 0x80000001);
  const auto again = ParsePageHeader(with);
  ASSERT_TRUE(again && again->crc);
  EXPECT_EQ(static_cast<uint32_t>(*again->crc), 0x80000001);
  EXPECT_EQ(again->header_bytes, with.size());
  EXPECT_EQ(again->encoding, whole->encoding);
}

}  // namespace
}  // namespace millstream
