#include "streaming/state/row_codec.h"

#include <arrow/builder.h>
#include <arrow/util/decimal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "streaming/state/state_errors.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

using Random = std::mt19937_64;

// Values that sit at the edges more often than chance would have them.
template <typename T>
T AnyNumber(Random& random) {
  if constexpr (std::is_floating_point_v<T>) {
    const T edges[] = {0,
                       static_cast<T>(-0.0),
                       1,
                       -1,
                       std::numeric_limits<T>::infinity(),
                       -std::numeric_limits<T>::infinity(),
                       std::numeric_limits<T>::quiet_NaN(),
                       std::numeric_limits<T>::max(),
                       std::numeric_limits<T>::denorm_min()};
    return random() % 2 ? edges[random() % std::size(edges)] : static_cast<T>(std::normal_distribution<double>(0, 1e6)(random));
  } else {
    const T edges[] = {0, 1, static_cast<T>(-1), std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    return random() % 2 ? edges[random() % std::size(edges)] : static_cast<T>(random());
  }
}

std::string AnyBytes(Random& random) {
  std::string bytes(random() % 6, ' ');
  const char letters[] = {'\0', '\1', 'a', 'b', '\xff', '\x7f'};
  for (char& byte : bytes) byte = letters[random() % std::size(letters)];
  return bytes;
}

template <typename Builder>
bool AppendNumber(Random& random, arrow::ArrayBuilder& builder) {
  return static_cast<Builder&>(builder).Append(AnyNumber<typename Builder::value_type>(random)).ok();
}

void AppendAny(Random& random, const DataType& type, bool nullable, arrow::ArrayBuilder& builder);

void AppendNested(Random& random, const DataType& type, arrow::ArrayBuilder& builder) {
  if (type.id() == TypeId::kStruct) {
    ASSERT_TRUE(static_cast<arrow::StructBuilder&>(builder).Append().ok());
    for (size_t i = 0; i < type.fields().size(); ++i) AppendAny(random, type.fields()[i].type, true, *builder.child(static_cast<int>(i)));
  } else if (type.id() == TypeId::kArray) {
    auto& list = static_cast<arrow::ListBuilder&>(builder);
    ASSERT_TRUE(list.Append().ok());
    for (size_t n = random() % 4; n > 0; --n) AppendAny(random, type.element(), true, *list.value_builder());
  } else {
    auto& map = static_cast<arrow::MapBuilder&>(builder);
    ASSERT_TRUE(map.Append().ok());
    for (size_t n = random() % 4; n > 0; --n) {
      AppendAny(random, type.key(), false, *map.key_builder());
      AppendAny(random, type.value(), true, *map.item_builder());
    }
  }
}

void AppendAny(Random& random, const DataType& type, bool nullable, arrow::ArrayBuilder& builder) {
  if (nullable && random() % 5 == 0) {
    ASSERT_TRUE(builder.AppendNull().ok());
    return;
  }
  bool ok = true;
  switch (type.id()) {
    case TypeId::kNull:
      ok = builder.AppendNull().ok();
      break;
    case TypeId::kBoolean:
      ok = static_cast<arrow::BooleanBuilder&>(builder).Append(random() % 2 == 0).ok();
      break;
    case TypeId::kByte:
      ok = AppendNumber<arrow::Int8Builder>(random, builder);
      break;
    case TypeId::kShort:
      ok = AppendNumber<arrow::Int16Builder>(random, builder);
      break;
    case TypeId::kInteger:
      ok = AppendNumber<arrow::Int32Builder>(random, builder);
      break;
    case TypeId::kLong:
      ok = AppendNumber<arrow::Int64Builder>(random, builder);
      break;
    case TypeId::kFloat:
      ok = AppendNumber<arrow::FloatBuilder>(random, builder);
      break;
    case TypeId::kDouble:
      ok = AppendNumber<arrow::DoubleBuilder>(random, builder);
      break;
    case TypeId::kDate:
      ok = AppendNumber<arrow::Date32Builder>(random, builder);
      break;
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      ok = AppendNumber<arrow::TimestampBuilder>(random, builder);
      break;
    case TypeId::kDayTimeInterval:
      ok = AppendNumber<arrow::DurationBuilder>(random, builder);
      break;
    case TypeId::kYearMonthInterval:
      ok = AppendNumber<arrow::MonthIntervalBuilder>(random, builder);
      break;
    case TypeId::kDecimal: {
      arrow::Decimal128 value(type.precision() > 18 ? AnyNumber<int64_t>(random) : 0, random());
      if (type.precision() <= 18) value = arrow::Decimal128(AnyNumber<int64_t>(random) % 100000000);
      ok = static_cast<arrow::Decimal128Builder&>(builder).Append(value).ok();
      break;
    }
    case TypeId::kString:
    case TypeId::kBinary:
      ok = static_cast<arrow::BinaryBuilder&>(builder).Append(AnyBytes(random)).ok();
      break;
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
      AppendNested(random, type, builder);
      break;
    case TypeId::kVariant:
      ok = static_cast<arrow::StructBuilder&>(builder).Append().ok() && static_cast<arrow::BinaryBuilder*>(builder.child(0))->Append(AnyBytes(random)).ok() &&
           static_cast<arrow::BinaryBuilder*>(builder.child(1))->Append(AnyBytes(random)).ok();
      break;
  }
  ASSERT_TRUE(ok);
}

RecordBatchPtr AnyRows(Random& random, const StructType& schema, int64_t rows) {
  ArrowSchemaPtr arrow_schema = ToArrowSchema(schema);
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (size_t i = 0; i < schema.size(); ++i) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    EXPECT_TRUE(arrow::MakeBuilder(arrow::default_memory_pool(), arrow_schema->field(static_cast<int>(i))->type(), &builder).ok());
    for (int64_t row = 0; row < rows; ++row) AppendAny(random, schema[i].type, true, *builder);
    columns.push_back(*builder->Finish());
  }
  return arrow::RecordBatch::Make(arrow_schema, rows, columns);
}

// Spark's order of two values, nulls first; the reference that the bytes are held against.
int Compare(const arrow::Array& array, const DataType& type, int64_t a, int64_t b);

template <typename T>
int CompareNumbers(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) - std::isnan(b);
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

template <typename Array>
int CompareAs(const arrow::Array& array, int64_t a, int64_t b) {
  const auto& values = static_cast<const Array&>(array);
  return CompareNumbers(values.Value(a), values.Value(b));
}

int CompareLists(const arrow::ListArray& lists, const DataType& element, int64_t a, int64_t b) {
  for (int32_t i = 0; i < std::min(lists.value_length(a), lists.value_length(b)); ++i) {
    if (int order = Compare(*lists.values(), element, lists.value_offset(a) + i, lists.value_offset(b) + i)) return order;
  }
  return CompareNumbers(lists.value_length(a), lists.value_length(b));
}

int Compare(const arrow::Array& array, const DataType& type, int64_t a, int64_t b) {
  if (array.IsNull(a) || array.IsNull(b)) return array.IsNull(b) - array.IsNull(a);
  switch (type.id()) {
    case TypeId::kBoolean:
      return CompareAs<arrow::BooleanArray>(array, a, b);
    case TypeId::kByte:
      return CompareAs<arrow::Int8Array>(array, a, b);
    case TypeId::kShort:
      return CompareAs<arrow::Int16Array>(array, a, b);
    case TypeId::kInteger:
      return CompareAs<arrow::Int32Array>(array, a, b);
    case TypeId::kLong:
      return CompareAs<arrow::Int64Array>(array, a, b);
    case TypeId::kFloat:
      return CompareAs<arrow::FloatArray>(array, a, b);
    case TypeId::kDouble:
      return CompareAs<arrow::DoubleArray>(array, a, b);
    case TypeId::kDate:
      return CompareAs<arrow::Date32Array>(array, a, b);
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return CompareAs<arrow::TimestampArray>(array, a, b);
    case TypeId::kDayTimeInterval:
      return CompareAs<arrow::DurationArray>(array, a, b);
    case TypeId::kYearMonthInterval:
      return CompareAs<arrow::MonthIntervalArray>(array, a, b);
    case TypeId::kDecimal: {
      const auto& values = static_cast<const arrow::Decimal128Array&>(array);
      return CompareNumbers(arrow::Decimal128(values.GetValue(a)), arrow::Decimal128(values.GetValue(b)));
    }
    case TypeId::kString:
    case TypeId::kBinary: {
      const auto& values = static_cast<const arrow::BinaryArray&>(array);
      return values.GetView(a).compare(values.GetView(b));
    }
    case TypeId::kStruct:
      for (size_t i = 0; i < type.fields().size(); ++i) {
        if (int order = Compare(*static_cast<const arrow::StructArray&>(array).field(static_cast<int>(i)), type.fields()[i].type, a, b)) return order;
      }
      return 0;
    case TypeId::kArray:
      return CompareLists(static_cast<const arrow::ListArray&>(array), type.element(), a, b);
    case TypeId::kNull:
    case TypeId::kMap:
    case TypeId::kVariant:
      break;
  }
  ADD_FAILURE() << "no order for " << type.Sql();
  return 0;
}

int Sign(int value) { return (value > 0) - (value < 0); }

const char* const kOrderedTypes[] = {"BOOLEAN",
                                     "TINYINT",
                                     "SMALLINT",
                                     "INT",
                                     "BIGINT",
                                     "FLOAT",
                                     "DOUBLE",
                                     "DECIMAL(7,2)",
                                     "DECIMAL(18,0)",
                                     "DECIMAL(38,10)",
                                     "STRING",
                                     "BINARY",
                                     "DATE",
                                     "TIMESTAMP",
                                     "TIMESTAMP_NTZ",
                                     "INTERVAL DAY TO SECOND",
                                     "INTERVAL YEAR TO MONTH",
                                     "STRUCT<a: INT, b: STRING>",
                                     "ARRAY<STRING>",
                                     "ARRAY<STRUCT<x: ARRAY<TINYINT>, y: DOUBLE>>"};

StructType Schema(const std::string& ddl) {
  Result<StructType> schema = SchemaFromDdl(ddl);
  EXPECT_TRUE(schema.ok()) << ddl << ": " << schema.status().message();
  return *schema;
}

std::vector<std::string> EncodeAll(const StructType& schema, RowLayout layout, const arrow::RecordBatch& rows) {
  auto encoder = RowEncoder::Make(schema, layout);
  EXPECT_TRUE(encoder.ok() && (*encoder)->Bind(rows).ok());
  std::vector<std::string> encoded(static_cast<size_t>(rows.num_rows()));
  for (int64_t row = 0; row < rows.num_rows(); ++row) (*encoder)->Encode(row, &encoded[static_cast<size_t>(row)]);
  return encoded;
}

RecordBatchPtr DecodeAll(const StructType& schema, RowLayout layout, const std::vector<std::string>& encoded) {
  auto decoder = RowDecoder::Make(schema, layout);
  EXPECT_TRUE(decoder.ok());
  for (const std::string& row : encoded) {
    std::string bytes = row + "rest";
    std::string_view left = bytes;
    Status status = (*decoder)->Append(&left);
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(left, "rest");
  }
  EXPECT_EQ((*decoder)->rows(), static_cast<int64_t>(encoded.size()));
  auto batch = (*decoder)->Finish();
  EXPECT_TRUE(batch.ok());
  EXPECT_TRUE((*batch)->Validate().ok()) << (*batch)->Validate().ToString();
  return *batch;
}

TEST(RowCodec, OrdersKeysAsSparkOrdersRows) {
  Random random(1);
  for (const char* type : kOrderedTypes) {
    StructType schema = Schema(std::string("a ") + type + ", b TINYINT");
    RecordBatchPtr rows = AnyRows(random, schema, 120);
    std::vector<std::string> keys = EncodeAll(schema, RowLayout::kKey, *rows);
    for (int64_t a = 0; a < rows->num_rows(); ++a) {
      for (int64_t b = 0; b < rows->num_rows(); ++b) {
        int expected = Compare(*rows->column(0), schema[0].type, a, b);
        if (expected == 0) expected = Compare(*rows->column(1), schema[1].type, a, b);
        ASSERT_EQ(Sign(keys[static_cast<size_t>(a)].compare(keys[static_cast<size_t>(b)])), Sign(expected))
            << type << "\n"
            << rows->Slice(a, 1)->ToString() << rows->Slice(b, 1)->ToString();
      }
    }
  }
}

TEST(RowCodec, GivesBackWhatItWasGiven) {
  Random random(2);
  for (const char* type : kOrderedTypes) {
    StructType schema = Schema(std::string("a ") + type + ", b VARIANT, c MAP<STRING, ARRAY<INT>>, d MAP<INT, STRUCT<x: BIGINT>>");
    RecordBatchPtr rows = AnyRows(random, schema, 200);
    EXPECT_TRUE(DecodeAll(schema, RowLayout::kValue, EncodeAll(schema, RowLayout::kValue, *rows))->Equals(*rows, arrow::EqualOptions().nans_equal(true)))
        << type;
    // A key has one NaN and one zero: given back, it is the same key again.
    StructType key = Schema(std::string("a ") + type);
    std::vector<std::string> keys = EncodeAll(key, RowLayout::kKey, *rows->SelectColumns({0}).ValueOrDie());
    RecordBatchPtr decoded = DecodeAll(key, RowLayout::kKey, keys);
    EXPECT_EQ(EncodeAll(key, RowLayout::kKey, *decoded), keys) << type;
    if (schema[0].type.SimpleString().find("float") != std::string::npos || schema[0].type.SimpleString().find("double") != std::string::npos) continue;
    EXPECT_TRUE(decoded->column(0)->Equals(rows->column(0))) << type;
  }
}

TEST(RowCodec, ReadsSlicesOfBatches) {
  Random random(3);
  StructType schema = Schema("a STRING, b STRUCT<x: ARRAY<INT>, y: BOOLEAN>, c MAP<INT, STRING>, d BOOLEAN, e VOID, f DECIMAL(20,2)");
  RecordBatchPtr rows = AnyRows(random, schema, 50)->Slice(13, 20);
  EXPECT_TRUE(DecodeAll(schema, RowLayout::kValue, EncodeAll(schema, RowLayout::kValue, *rows))->Equals(*rows));
}

TEST(RowCodec, KnowsRowsWithoutColumns) {
  StructType schema;
  RecordBatchPtr rows = arrow::RecordBatch::Make(ToArrowSchema(schema), 3, std::vector<std::shared_ptr<arrow::Array>>());
  for (RowLayout layout : {RowLayout::kKey, RowLayout::kValue}) {
    std::vector<std::string> encoded = EncodeAll(schema, layout, *rows);
    EXPECT_EQ(encoded[0], "");
    EXPECT_EQ(DecodeAll(schema, layout, encoded)->num_rows(), 3);
  }
}

// The layout is part of checkpoints: these bytes stand for ever.
TEST(RowCodec, KeepsItsLayout) {
  StructType schema = Schema("a INT, b STRING, c BIGINT");
  arrow::Int32Builder a;
  arrow::StringBuilder b;
  arrow::Int64Builder c;
  ASSERT_TRUE(a.Append(-2).ok() && b.Append(std::string_view("x\0y", 3)).ok() && c.AppendNull().ok());
  RecordBatchPtr rows = arrow::RecordBatch::Make(ToArrowSchema(schema), 1, std::vector{*a.Finish(), *b.Finish(), *c.Finish()});
  EXPECT_EQ(EncodeAll(schema, RowLayout::kKey, *rows)[0], std::string("\1\x7f\xff\xff\xfe"
                                                                      "\1x\0\xffy\0\1"
                                                                      "\0",
                                                                      13));
  EXPECT_EQ(EncodeAll(schema, RowLayout::kValue, *rows)[0], std::string("\4\xfe\xff\xff\xff\3x\0y", 9));
}

TEST(RowCodec, RefusesBytesThatAreNoRow) {
  Random random(4);
  StructType schema = Schema("a STRING, b ARRAY<STRUCT<x: INT, y: STRING>>, c DECIMAL(20,2), d BOOLEAN");
  RecordBatchPtr rows = AnyRows(random, schema, 100);
  for (RowLayout layout : {RowLayout::kKey, RowLayout::kValue}) {
    for (std::string bytes : EncodeAll(schema, layout, *rows)) {
      for (size_t size = 0; size < bytes.size(); ++size) {
        auto decoder = RowDecoder::Make(schema, layout);
        std::string_view left = std::string_view(bytes).substr(0, size);
        Status status = (*decoder)->Append(&left);
        ASSERT_FALSE(status.ok());
        EXPECT_TRUE(status.Is(layout == RowLayout::kKey ? errors::kStateKeyRowFormat : errors::kStateValueRowFormat));
      }
      // Other bytes may be a row by chance; they must not be more than that.
      bytes[random() % bytes.size()] = static_cast<char>(random());
      auto decoder = RowDecoder::Make(schema, layout);
      std::string_view left = bytes;
      if ((*decoder)->Append(&left).ok()) {
        EXPECT_TRUE((*decoder)->Finish().ok());
      }
    }
  }
}

TEST(RowCodec, RefusesKeysWithoutOrderAndArraysOfAnotherType) {
  EXPECT_TRUE(RowEncoder::Make(Schema("a MAP<INT, INT>"), RowLayout::kKey).status().Is(errors::kUnsupportedFeature));
  EXPECT_TRUE(RowDecoder::Make(Schema("a STRUCT<b: VARIANT>"), RowLayout::kKey).status().Is(errors::kUnsupportedFeature));
  Random random(5);
  RecordBatchPtr rows = AnyRows(random, Schema("a INT"), 1);
  EXPECT_FALSE((*RowEncoder::Make(Schema("a BIGINT"), RowLayout::kKey))->Bind(*rows).ok());
  EXPECT_FALSE((*RowEncoder::Make(Schema("a INT, b INT"), RowLayout::kValue))->Bind(*rows).ok());
}

}  // namespace
}  // namespace millstream
