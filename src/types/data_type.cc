#include "types/data_type.h"

#include <algorithm>
#include <cctype>

#include "base/status.h"

namespace millstream {

struct DataType::Nested {
  std::vector<DataType> children;  // element, or key and value
  bool contains_null = true;
  StructType fields;
};

DataType DataType::Decimal(int precision, int scale) {
  MS_CHECK(precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision);
  DataType type(TypeId::kDecimal);
  type.precision_ = static_cast<int8_t>(precision);
  type.scale_ = static_cast<int8_t>(scale);
  return type;
}

DataType DataType::Array(DataType element, bool contains_null) {
  DataType type(TypeId::kArray);
  type.nested_ = std::make_shared<Nested>(Nested{{std::move(element)}, contains_null, {}});
  return type;
}

DataType DataType::Map(DataType key, DataType value, bool value_contains_null) {
  DataType type(TypeId::kMap);
  type.nested_ = std::make_shared<Nested>(Nested{{std::move(key), std::move(value)}, value_contains_null, {}});
  return type;
}

DataType DataType::Struct(StructType fields) {
  DataType type(TypeId::kStruct);
  type.nested_ = std::make_shared<Nested>(Nested{{}, true, std::move(fields)});
  return type;
}

const DataType& DataType::element() const {
  MS_CHECK(id_ == TypeId::kArray);
  return nested_->children[0];
}
bool DataType::contains_null() const {
  MS_CHECK(id_ == TypeId::kArray || id_ == TypeId::kMap);
  return nested_->contains_null;
}
const DataType& DataType::key() const {
  MS_CHECK(id_ == TypeId::kMap);
  return nested_->children[0];
}
const DataType& DataType::value() const {
  MS_CHECK(id_ == TypeId::kMap);
  return nested_->children[1];
}
const StructType& DataType::fields() const {
  MS_CHECK(id_ == TypeId::kStruct);
  return nested_->fields;
}

bool DataType::operator==(const DataType& other) const {
  if (id_ != other.id_ || precision_ != other.precision_ || scale_ != other.scale_) return false;
  if (nested_ == other.nested_) return true;
  return nested_->contains_null == other.nested_->contains_null && nested_->children == other.nested_->children && nested_->fields == other.nested_->fields;
}

bool DataType::SameType(const DataType& other) const {
  if (id_ != other.id_ || precision_ != other.precision_ || scale_ != other.scale_) return false;
  if (nested_ == other.nested_) return true;
  auto same = [](const auto& a, const auto& b) { return a.SameType(b); };
  if (!std::equal(nested_->children.begin(), nested_->children.end(), other.nested_->children.begin(), other.nested_->children.end(), same)) {
    return false;
  }
  const auto &mine = nested_->fields.fields(), &theirs = other.nested_->fields.fields();
  return std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end(),
                    [](const StructField& a, const StructField& b) { return a.name == b.name && a.type.SameType(b.type); });
}

namespace {

// The names that Spark gives its atomic types: simpleString is the lower-case form of sql, but for decimals' comma.
std::string_view AtomicName(TypeId id) {
  switch (id) {
    case TypeId::kNull:
      return "void";
    case TypeId::kBoolean:
      return "boolean";
    case TypeId::kByte:
      return "tinyint";
    case TypeId::kShort:
      return "smallint";
    case TypeId::kInteger:
      return "int";
    case TypeId::kLong:
      return "bigint";
    case TypeId::kFloat:
      return "float";
    case TypeId::kDouble:
      return "double";
    case TypeId::kDecimal:
      return "decimal";
    case TypeId::kString:
      return "string";
    case TypeId::kBinary:
      return "binary";
    case TypeId::kDate:
      return "date";
    case TypeId::kTimestamp:
      return "timestamp";
    case TypeId::kTimestampNtz:
      return "timestamp_ntz";
    case TypeId::kDayTimeInterval:
      return "interval day to second";
    case TypeId::kYearMonthInterval:
      return "interval year to month";
    case TypeId::kArray:
      return "array";
    case TypeId::kMap:
      return "map";
    case TypeId::kStruct:
      return "struct";
    case TypeId::kVariant:
      return "variant";
  }
  return "";
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

// Spark's QuotingUtils.quoteIfNeeded: back-quotes unless a plain identifier.
std::string QuoteIfNeeded(const std::string& name) {
  bool plain = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
               std::all_of(name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; });
  if (plain) return name;
  std::string quoted = "`";
  for (char c : name) quoted += c == '`' ? std::string("``") : std::string(1, c);
  return quoted + "`";
}

}  // namespace

std::string DataType::SimpleString() const {
  std::string name(AtomicName(id_));
  switch (id_) {
    case TypeId::kDecimal:
      return name + "(" + std::to_string(precision_) + "," + std::to_string(scale_) + ")";
    case TypeId::kArray:
      return name + "<" + element().SimpleString() + ">";
    case TypeId::kMap:
      return name + "<" + key().SimpleString() + "," + value().SimpleString() + ">";
    case TypeId::kStruct: {
      std::string inner;
      for (const StructField& field : fields()) inner += (inner.empty() ? "" : ",") + field.name + ":" + field.type.SimpleString();
      return name + "<" + inner + ">";
    }
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kVariant:
      return name;
  }
  return name;
}

std::string DataType::Sql() const {
  std::string name = Upper(AtomicName(id_));
  switch (id_) {
    case TypeId::kDecimal:
      return name + "(" + std::to_string(precision_) + "," + std::to_string(scale_) + ")";
    case TypeId::kArray:
      return name + "<" + element().Sql() + ">";
    case TypeId::kMap:
      return name + "<" + key().Sql() + ", " + value().Sql() + ">";
    case TypeId::kStruct: {
      std::string inner;
      for (const StructField& field : fields()) {
        inner += (inner.empty() ? "" : ", ") + QuoteIfNeeded(field.name) + ": " + field.type.Sql() + (field.nullable ? "" : " NOT NULL");
      }
      return name + "<" + inner + ">";
    }
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kVariant:
      return name;
  }
  return name;
}

std::optional<size_t> StructType::IndexOf(std::string_view name, bool case_sensitive) const {
  auto same = [&](const StructField& field) {
    if (case_sensitive) return field.name == name;
    return field.name.size() == name.size() && std::equal(name.begin(), name.end(), field.name.begin(), [](char a, char b) {
             return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
           });
  };
  auto found = std::find_if(fields_.begin(), fields_.end(), same);
  if (found == fields_.end()) return std::nullopt;
  return static_cast<size_t>(found - fields_.begin());
}

int NestingDepth(const DataType& type) {
  int deepest = 0;
  switch (type.id()) {
    case TypeId::kArray:
      return 1 + NestingDepth(type.element());
    case TypeId::kMap:
      return 1 + std::max(NestingDepth(type.key()), NestingDepth(type.value()));
    case TypeId::kStruct:
      for (const StructField& field : type.fields()) deepest = std::max(deepest, NestingDepth(field.type));
      return 1 + deepest;
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kVariant:
      return 1;
  }
  return 1;
}

}  // namespace millstream
