// Our side of tests/spark/check_delta_interop.py; without its two variables there is nothing to do.

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "connectors/delta/delta_connector.h"
#include "delta/delta_log.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

struct Sum {
  int64_t rows = 0, ids = 0;
  std::string text() const { return std::to_string(rows) + " " + std::to_string(ids) + "\n"; }
};

// Reads all columns, so that each of them is decoded.
Result<Sum> ReadAll(DeltaTables& tables, const std::string& path) {
  MS_ASSIGN_OR_RETURN(auto source, OpenDeltaTable(tables, path));
  ScanNeeds needs;
  for (const StructField& field : source->schema()) needs.columns.push_back(field.name);
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, source->Scan(needs));
  MS_ASSIGN_OR_RETURN(auto batches, Drain(*rows));
  Sum sum;
  for (const auto& batch : batches) {
    arrow::Status valid = batch->ValidateFull();
    if (!valid.ok()) return FromArrowStatus(valid, "while checking " + path);
    auto ids = std::static_pointer_cast<arrow::Int64Array>(batch->GetColumnByName("id"));
    sum.rows += batch->num_rows();
    for (int64_t i = 0; i < batch->num_rows(); ++i) sum.ids += ids->Value(i);
  }
  return sum;
}

TEST(DeltaInterop, ReadsWhatSparkHasWritten) {
  const char* folder = std::getenv("MILLSTREAM_DELTA_IN");
  if (!folder) GTEST_SKIP() << "MILLSTREAM_DELTA_IN is not set";
  DeltaTables tables(Fs::Local(), Clock::System());
  auto entries = Fs::Local().List(folder);
  ASSERT_TRUE(entries.ok());
  for (const DirectoryEntry& entry : *entries) {
    if (entry.kind != DirectoryEntry::Kind::kDirectory) continue;
    std::string path = JoinPath(folder, entry.name);
    Result<Sum> read = ReadAll(tables, path);
    ASSERT_TRUE(read.ok()) << path << ": " << read.status().message();
    EXPECT_EQ(read->text(), *Fs::Local().ReadFile(path + ".expected")) << path;
  }
}

class Writer {
 public:
  Writer(DeltaTables& tables, std::string folder) : tables_(tables), folder_(std::move(folder)) {}

  void Write(const std::string& name, const StructType& schema, std::vector<std::string> partition_by, int batches) {
    std::string path = JoinPath(folder_, name);
    auto sink = OpenDeltaSink(tables_, path, {.query_id = "11111111-2222-3333-4444-555555555555", .partition_by = std::move(partition_by)}, 1);
    ASSERT_TRUE(sink.ok()) << sink.status().message();
    Sum sum;
    for (int i = 0; i < batches; ++i) {
      auto batch = Batch(schema, i * 10, 10);
      auto rows = MakeRowStream(ToArrowSchema(schema), {batch});
      auto added = (*sink)->AddBatch(BatchId(i), schema, *rows);
      ASSERT_TRUE(added.ok()) << added.status().message();
      for (int64_t row = 0; row < 10; ++row) sum.ids += i * 10 + row;
      sum.rows += 10;
    }
    tables_.Drain();
    ASSERT_TRUE(Fs::Local().Replace(path + ".expected", sum.text()).ok());
  }

 private:
  static std::shared_ptr<arrow::Array> Column(const DataType& type, int64_t first, int64_t rows) {
    static const char* odd[] = {"plain", "a b", "c=d", "e%f", "g/h", "ü#?", "'\"", "{x}[y]^", "a:b", "%20"};
    auto builder = arrow::MakeBuilder(ToArrowType(type)).ValueOrDie();
    for (int64_t i = first; i < first + rows; ++i) {
      arrow::Status status;
      switch (type.id()) {
        case TypeId::kLong:
          status = static_cast<arrow::Int64Builder&>(*builder).Append(i);
          break;
        case TypeId::kString:
          status = static_cast<arrow::StringBuilder&>(*builder).Append(odd[i % 10]);
          break;
        case TypeId::kDouble:
          status = static_cast<arrow::DoubleBuilder&>(*builder).Append(i * 0.5);
          break;
        case TypeId::kDate:
          status = static_cast<arrow::Date32Builder&>(*builder).Append(static_cast<int32_t>(20000 + i % 3));
          break;
        case TypeId::kTimestamp:
        case TypeId::kTimestampNtz:
          status = static_cast<arrow::TimestampBuilder&>(*builder).Append(1767323045678901 + i);
          break;
        case TypeId::kDecimal:
          status = static_cast<arrow::Decimal128Builder&>(*builder).Append(arrow::Decimal128(i * 7 - 30));
          break;
        case TypeId::kByte:
          status = static_cast<arrow::Int8Builder&>(*builder).Append(static_cast<int8_t>(i));
          break;
        default:
          status = builder->AppendNull();
      }
      EXPECT_TRUE(status.ok());
    }
    return builder->Finish().ValueOrDie();
  }

  static RecordBatchPtr Batch(const StructType& schema, int64_t first, int64_t rows) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const StructField& field : schema) columns.push_back(Column(field.type, first, rows));
    return arrow::RecordBatch::Make(ToArrowSchema(schema), rows, std::move(columns));
  }

  DeltaTables& tables_;
  std::string folder_;
};

TEST(DeltaInterop, WritesTablesForOthers) {
  const char* folder = std::getenv("MILLSTREAM_DELTA_OUT");
  if (!folder) GTEST_SKIP() << "MILLSTREAM_DELTA_OUT is not set";
  DeltaTables tables(Fs::Local(), Clock::System());
  Writer writer(tables, folder);
  StructField id{"id", DataType::Long()};
  writer.Write("plain", StructType({id, {"s", DataType::String()}}), {}, 3);
  writer.Write("checkpointed", StructType({id, {"s", DataType::String()}}), {}, 23);
  writer.Write("partitioned", StructType({id, {"s", DataType::String()}, {"d", DataType::Date()}}), {"s", "d"}, 3);
  writer.Write("types",
               StructType({id,
                           {"f", DataType::Double()},
                           {"d", DataType::Date()},
                           {"t", DataType::Timestamp()},
                           {"d9", DataType::Decimal(9, 2)},
                           {"d18", DataType::Decimal(18, 3)},
                           {"d38", DataType::Decimal(38, 5)},
                           {"b", DataType::Byte()},
                           {"st", DataType::Struct(StructType({{"x", DataType::Long()}}))},
                           {"arr", DataType::Array(DataType::String())},
                           {"m", DataType::Map(DataType::String(), DataType::Long())}}),
               {}, 12);
  writer.Write("ntz", StructType({id, {"t", DataType::TimestampNtz()}}), {}, 2);
  writer.Write("by_time", StructType({id, {"t", DataType::Timestamp()}}), {"t"}, 1);
}

}  // namespace
}  // namespace millstream
