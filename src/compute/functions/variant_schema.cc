#include "compute/functions/variant_schema.h"

#include <algorithm>

namespace millstream::compute {
namespace {

// Spark's getDecimal strips trailing zeros first.
DataType DecimalTypeOf(__int128 unscaled, int scale) {
  while (scale > 0 && unscaled % 10 == 0) {
    unscaled /= 10;
    --scale;
  }
  int digits = 0;
  for (; unscaled != 0; unscaled /= 10) ++digits;
  return DataType::Decimal(std::max({digits, scale, 1}), scale);
}

DataType TypeOfScalar(const VariantValue& value) {
  switch (value.kind()) {
    case VariantKind::kNull:
      return DataType::Null();
    case VariantKind::kBoolean:
      return DataType::Boolean();
    case VariantKind::kInteger:
      return DataType::Long();
    case VariantKind::kDouble:
      return DataType::Double();
    case VariantKind::kFloat:
      return DataType::Float();
    case VariantKind::kDecimal:
      return DecimalTypeOf(value.unscaled(), value.scale());
    case VariantKind::kString:
    case VariantKind::kUuid:
      return DataType::String();
    case VariantKind::kBinary:
      return DataType::Binary();
    case VariantKind::kDate:
      return DataType::Date();
    case VariantKind::kTimestamp:
      return DataType::Timestamp();
    case VariantKind::kTimestampNtz:
      return DataType::TimestampNtz();
    case VariantKind::kObject:
    case VariantKind::kArray:
      break;
  }
  return DataType::Variant();
}

// In back quotes where SQL needs them.
std::string QuotedName(const std::string& name) {
  constexpr std::string_view kBefore = "STRUCT<", kAfter = ": VOID>";
  const std::string sql = DataType::Struct(StructType({{name, DataType::Null()}})).Sql();
  return sql.substr(kBefore.size(), sql.size() - kBefore.size() - kAfter.size());
}

bool IsReal(const DataType& type) { return type.id() == TypeId::kFloat || type.id() == TypeId::kDouble; }

// JsonInferSchema.compatibleType, with VARIANT where it says STRING.
DataType Common(const DataType& a, const DataType& b) {
  if (a == b || b.id() == TypeId::kNull) return a;
  if (a.id() == TypeId::kNull) return b;
  if (a.IsNumeric() && b.IsNumeric()) {
    if (IsReal(a) && IsReal(b)) return DataType::Double();
    if (IsReal(a) || IsReal(b)) {
      const DataType &real = IsReal(a) ? a : b, &other = IsReal(a) ? b : a;
      return other.id() == TypeId::kLong ? real : DataType::Double();
    }
    const DataType left = a.id() == TypeId::kLong ? DataType::Decimal(20, 0) : a, right = b.id() == TypeId::kLong ? DataType::Decimal(20, 0) : b;
    const int scale = std::max(left.scale(), right.scale()), range = std::max(left.precision() - left.scale(), right.precision() - right.scale());
    return range + scale > 38 ? DataType::Double() : DataType::Decimal(range + scale, scale);
  }
  const auto is_time = [](const DataType& type) { return type.id() == TypeId::kDate || type.id() == TypeId::kTimestamp || type.id() == TypeId::kTimestampNtz; };
  if (is_time(a) && is_time(b)) return a.id() == TypeId::kTimestamp || b.id() == TypeId::kTimestamp ? DataType::Timestamp() : DataType::TimestampNtz();
  return DataType::Variant();
}

}  // namespace

void VariantSchema::Widen(Shape shape, const DataType& type) {
  const bool is_anything = shape_ == Shape::kScalar && type_.id() == TypeId::kVariant, is_nothing = shape_ == Shape::kScalar && type_.id() == TypeId::kNull;
  if (is_anything || (shape == Shape::kScalar && type.id() == TypeId::kNull)) return;
  if (is_nothing) {
    shape_ = shape;
    type_ = type;
  } else if (shape_ != shape) {
    *this = VariantSchema();
    type_ = DataType::Variant();
  } else if (shape == Shape::kScalar) {
    type_ = Common(type_, type);
  }
}

Status VariantSchema::Add(const VariantRef& variant, VariantLimits& limits, int depth) {
  MS_RETURN_IF_ERROR(limits.Enter(depth));
  MS_ASSIGN_OR_RETURN(const VariantValue value, VariantValue::Of(variant));
  const Shape shape = value.kind() == VariantKind::kObject ? Shape::kObject : value.kind() == VariantKind::kArray ? Shape::kArray : Shape::kScalar;
  Widen(shape, TypeOfScalar(value));
  const bool kept = shape_ == shape;
  if (shape == Shape::kScalar) return Status::Ok();
  VariantSchema left_aside;  // what is anything already is still read, for its errors
  VariantSchema& into = kept ? *this : left_aside;
  if (shape == Shape::kArray) {
    if (into.element_.empty()) into.element_.emplace_back();
    for (size_t i = 0; i < value.count(); ++i) {
      MS_ASSIGN_OR_RETURN(const VariantRef element, value.At(i));
      MS_RETURN_IF_ERROR(into.element_[0].Add(element, limits, depth + 1));
    }
    return Status::Ok();
  }
  for (size_t i = 0; i < value.count(); ++i) {
    MS_ASSIGN_OR_RETURN(const std::string_view key, value.KeyAt(i));
    MS_ASSIGN_OR_RETURN(const VariantRef member, value.At(i));
    auto at = std::lower_bound(into.fields_.begin(), into.fields_.end(), key, [](const auto& field, std::string_view name) { return field.first < name; });
    if (at == into.fields_.end() || at->first != key) at = into.fields_.insert(at, {std::string(key), VariantSchema()});
    MS_RETURN_IF_ERROR(at->second.Add(member, limits, depth + 1));
  }
  return Status::Ok();
}

std::string VariantSchema::Sql() const {
  if (shape_ == Shape::kScalar) return type_.Sql();
  if (shape_ == Shape::kArray) return "ARRAY<" + (element_.empty() ? std::string("VOID") : element_[0].Sql()) + ">";
  std::string fields;
  for (const auto& [name, schema] : fields_) fields += (fields.empty() ? "" : ", ") + QuotedName(name) + ": " + schema.Sql();
  return "OBJECT<" + fields + ">";
}

}  // namespace millstream::compute
