#pragma once

// data_type.h   Spark SQL's types (org.apache.spark.sql.types), as cheap immutable values.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millstream {

// Every switch over TypeId is exhaustive and has no default: the compiler finds the gap when a type is added.
enum class TypeId {
  kNull,
  kBoolean,
  kByte,
  kShort,
  kInteger,
  kLong,
  kFloat,
  kDouble,
  kDecimal,
  kString,
  kBinary,
  kDate,
  kTimestamp,     // an instant: microseconds since the epoch, shown in the session's time zone
  kTimestampNtz,  // a wall-clock time without zone, in microseconds
  kDayTimeInterval,
  kYearMonthInterval,
  kArray,
  kMap,
  kStruct,
  kVariant,
};

class StructType;
struct StructField;

class DataType {
 public:
  DataType() : DataType(TypeId::kNull) {}
  static DataType Null() { return DataType(TypeId::kNull); }
  static DataType Boolean() { return DataType(TypeId::kBoolean); }
  static DataType Byte() { return DataType(TypeId::kByte); }
  static DataType Short() { return DataType(TypeId::kShort); }
  static DataType Integer() { return DataType(TypeId::kInteger); }
  static DataType Long() { return DataType(TypeId::kLong); }
  static DataType Float() { return DataType(TypeId::kFloat); }
  static DataType Double() { return DataType(TypeId::kDouble); }
  // precision 1..38, 0 <= scale <= precision.
  static DataType Decimal(int precision, int scale);
  static DataType String() { return DataType(TypeId::kString); }
  static DataType Binary() { return DataType(TypeId::kBinary); }
  static DataType Date() { return DataType(TypeId::kDate); }
  static DataType Timestamp() { return DataType(TypeId::kTimestamp); }
  static DataType TimestampNtz() { return DataType(TypeId::kTimestampNtz); }
  static DataType DayTimeInterval() { return DataType(TypeId::kDayTimeInterval); }
  static DataType YearMonthInterval() { return DataType(TypeId::kYearMonthInterval); }
  static DataType Variant() { return DataType(TypeId::kVariant); }
  static DataType Array(DataType element, bool contains_null = true);
  static DataType Map(DataType key, DataType value, bool value_contains_null = true);
  static DataType Struct(StructType fields);

  TypeId id() const { return id_; }
  int precision() const { return precision_; }  // of kDecimal
  int scale() const { return scale_; }          // of kDecimal
  const DataType& element() const;              // of kArray
  bool contains_null() const;                   // of kArray: elements; of kMap: values
  const DataType& key() const;                  // of kMap
  const DataType& value() const;                // of kMap
  const StructType& fields() const;             // of kStruct

  bool IsIntegral() const { return id_ >= TypeId::kByte && id_ <= TypeId::kLong; }
  bool IsNumeric() const { return id_ >= TypeId::kByte && id_ <= TypeId::kDecimal; }
  bool IsNested() const { return id_ == TypeId::kArray || id_ == TypeId::kMap || id_ == TypeId::kStruct; }

  // Same type, nullability of nested parts and field metadata included.
  bool operator==(const DataType& other) const;
  // Same type, nullability and metadata aside (Spark's sameType with case-sensitive names).
  bool SameType(const DataType& other) const;

  // "struct<a:int,b:array<string>>": Spark's simpleString, also what DESCRIBE shows.
  std::string SimpleString() const;
  // "STRUCT<a: INT, b: ARRAY<STRING>>": Spark's sql, used in error messages and toDDL.
  std::string Sql() const;

 private:
  struct Nested;
  explicit DataType(TypeId id) : id_(id) {}

  TypeId id_;
  int8_t precision_ = 0;
  int8_t scale_ = 0;
  std::shared_ptr<const Nested> nested_;
};

struct StructField {
  std::string name;
  DataType type;
  bool nullable = true;
  std::string metadata = "{}";  // a JSON object, as in Spark's schema JSON; comments are {"comment": "…"}

  bool operator==(const StructField&) const = default;
};

class StructType {
 public:
  StructType() = default;
  explicit StructType(std::vector<StructField> fields) : fields_(std::move(fields)) {}

  const std::vector<StructField>& fields() const { return fields_; }
  size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  const StructField& operator[](size_t index) const { return fields_[index]; }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  void Add(StructField field) { fields_.push_back(std::move(field)); }
  // Position of a field; nullopt: none.
  std::optional<size_t> IndexOf(std::string_view name, bool case_sensitive = false) const;

  bool operator==(const StructType&) const = default;

 private:
  std::vector<StructField> fields_;
};

// Depth of the deepest nesting; an int is 1.
int NestingDepth(const DataType& type);
// What a schema from a user may not exceed: every walk over types recurses, and must not run out of stack.
inline constexpr int kMaxTypeDepth = 200;

}  // namespace millstream
