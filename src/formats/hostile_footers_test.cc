// hostile_footers_test.cc   Footers that lie about what a file holds: each read ends, soon and in little memory, in an error or in rows.

#include <arrow/array.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>

#include "formats/column_builder.h"
#include "formats/parquet_writer.h"
#include "formats/recorded_files.h"
#include "formats/test_files.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

constexpr double kSecondsMax = 1;
constexpr int64_t kMemoryKibMax = 256 << 10;

int64_t PeakKib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Reads what is there, then counts rows without reading a column.
void Read(TestFiles& files, const std::string& format, const OptionMap& options, const std::string& ddl, const std::string& bytes, const std::string& what) {
  static int number = 0;  // a file of its own each: cutting one that the kernel has begun to write waits for the disk
  InputFile file = files.Add("hostile" + std::to_string(++number), bytes);
  const auto from = std::chrono::steady_clock::now();
  (void)ReadToText(format, options, {file}, ddl, ColumnsOf(ddl));
  (void)ReadToText(format, options, {file}, ddl, {});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - from;
  EXPECT_LT(took.count(), kSecondsMax) << what;
}

// Every lie of one number at every place in [begin, end): other bytes, and the largest number that a variable-length one can say.
void ForEachLie(const std::string& bytes, size_t begin, size_t end, const std::function<void(const std::string& lie, size_t at)>& visit) {
  static const std::string kHuge = std::string(8, '\xff') + '\x7f';
  for (size_t at = begin; at < end; ++at) {
    for (char byte : {'\x00', '\x7f', '\x80', '\xff'}) {
      std::string lie = bytes;
      lie[at] = byte;
      visit(lie, at);
    }
    visit(bytes.substr(0, at) + kHuge + bytes.substr(at + 1), at);
  }
}

TEST(HostileFooters, OfParquet) {
  TestFiles files;
  const std::string ddl = "id INT, name STRING, list ARRAY<INT>";
  const StructType schema = *SchemaFromDdl(ddl);
  ColumnBuilder ids(DataType::Integer()), names(DataType::String()), lists(*DataTypeFromDdl("ARRAY<INT>"));
  for (int32_t i = 0; i < 3; ++i) {
    ids.AppendFixed(i);
    names.AppendBytes("x");
    lists.AppendNull();
  }
  auto writer = ParquetWriter::Create(Fs::Local(), files.directory() + "/good", schema, {});
  ASSERT_TRUE((*writer)->Write(*arrow::RecordBatch::Make(ToArrowSchema(schema), 3, {ids.Finish(), names.Finish(), lists.Finish()})).ok());
  ASSERT_TRUE((*writer)->Close().ok());
  const std::string good = *Fs::Local().ReadFile(files.directory() + "/good", 1 << 20);
  constexpr size_t kTail = 8;  // the footer's length, and the magic
  const auto length = static_cast<unsigned char>(good[good.size() - 8]) | static_cast<unsigned char>(good[good.size() - 7]) << 8;
  const size_t begin = good.size() - kTail - static_cast<size_t>(length);
  const int64_t before = PeakKib();
  ForEachLie(good, begin, good.size(), [&](std::string lie, size_t at) {
    if (at < good.size() - kTail) {  // the length is true
      const size_t now = lie.size() - kTail - begin;
      lie[lie.size() - 8] = static_cast<char>(now & 0xff);
      lie[lie.size() - 7] = static_cast<char>(now >> 8);
    }
    Read(files, "parquet", {}, ddl, lie, "byte " + std::to_string(at - begin) + " of the footer");
  });
  EXPECT_LT(PeakKib() - before, kMemoryKibMax);
}

class HostileFiles : public testing::TestWithParam<const char*> {};

// These formats have their numbers everywhere, not in a footer alone.
TEST_P(HostileFiles, EndSoonInLittleMemory) {
  TestFiles files;
  const int64_t before = PeakKib();
  int tried = 0;
  for (const RecordedFile& seed : RecordedFiles(GetParam())) {
    if (seed.content.empty() || seed.content.size() > 600 || tried == 2) continue;
    ++tried;
    ForEachLie(seed.content, 0, seed.content.size(), [&](const std::string& lie, size_t at) {
      Read(files, GetParam(), seed.options, seed.schema.empty() ? "a INT, s STRING" : seed.schema, lie, "byte " + std::to_string(at));
    });
  }
  EXPECT_GT(tried, 0);
  EXPECT_LT(PeakKib() - before, kMemoryKibMax);
}

INSTANTIATE_TEST_SUITE_P(Formats, HostileFiles, testing::Values("avro", "orc"), [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace millstream
