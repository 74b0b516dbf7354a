#include "plan/coercion.h"

#include <algorithm>

namespace millstream {
namespace {

bool IsDateOrTime(TypeId id) { return id == TypeId::kDate || id == TypeId::kTimestamp || id == TypeId::kTimestampNtz; }

// Numeric precedence: byte < short < int < long < float < double; decimals apart.
DataType WiderNumeric(const DataType& a, const DataType& b, bool ansi) {
  if (a.id() == TypeId::kDecimal || b.id() == TypeId::kDecimal) {
    const DataType& decimal = a.id() == TypeId::kDecimal ? a : b;
    const DataType& other = a.id() == TypeId::kDecimal ? b : a;
    if (other.id() == TypeId::kFloat || other.id() == TypeId::kDouble) return DataType::Double();
    DataType wide = other.id() == TypeId::kDecimal ? other : DecimalFor(other);
    int scale = std::max(decimal.scale(), wide.scale());
    int range = std::max(decimal.precision() - decimal.scale(), wide.precision() - wide.scale());
    return DataType::Decimal(std::min(range + scale, 38), std::min(scale, 38));
  }
  TypeId wider = std::max(a.id(), b.id()), narrower = std::min(a.id(), b.id());
  // A long or int does not fit in a float: ANSI goes to double.
  if (ansi && wider == TypeId::kFloat && (narrower == TypeId::kInteger || narrower == TypeId::kLong)) return DataType::Double();
  return a.id() == wider ? a : b;
}

// VariantGet.checkDataType.
bool CanGetFromVariant(const DataType& to) {
  switch (to.id()) {
    case TypeId::kArray:
      return CanGetFromVariant(to.element());
    case TypeId::kMap:
      return to.key().id() == TypeId::kString && CanGetFromVariant(to.value());
    case TypeId::kStruct:
      return std::all_of(to.fields().begin(), to.fields().end(), [](const StructField& field) { return CanGetFromVariant(field.type); });
    default:
      return to.id() != TypeId::kNull && to.id() != TypeId::kDayTimeInterval && to.id() != TypeId::kYearMonthInterval;
  }
}

// A cast leaves structs and maps to to_variant_object.
bool CanBecomeVariant(const DataType& from) {
  if (from.id() == TypeId::kArray) return CanBecomeVariant(from.element());
  return !from.IsNested() && CanGetFromVariant(from);
}

std::optional<DataType> Common(const DataType& a, const DataType& b, bool ansi) {
  if (a.SameType(b)) {
    if (a.id() == TypeId::kArray) return DataType::Array(*Common(a.element(), b.element(), ansi), a.contains_null() || b.contains_null());
    return a;
  }
  if (a.id() == TypeId::kNull) return b;
  if (b.id() == TypeId::kNull) return a;
  if (a.IsNumeric() && b.IsNumeric()) return WiderNumeric(a, b, ansi);
  if (IsDateOrTime(a.id()) && IsDateOrTime(b.id())) {
    if (a.id() == TypeId::kTimestamp || b.id() == TypeId::kTimestamp) return DataType::Timestamp();
    return DataType::TimestampNtz();
  }
  if (a.id() == TypeId::kString || b.id() == TypeId::kString) {
    const DataType& other = a.id() == TypeId::kString ? b : a;
    if (other.IsNested() || other.id() == TypeId::kVariant) return std::nullopt;
    if (!ansi) return other.id() == TypeId::kBinary || other.id() == TypeId::kBoolean ? std::nullopt : std::optional(DataType::String());
    // AnsiTypeCoercion: a string gives way; integers meet it in bigint, fractions in double.
    if (other.IsIntegral()) return DataType::Long();
    if (other.id() == TypeId::kFloat || other.id() == TypeId::kDecimal || other.id() == TypeId::kDouble) return DataType::Double();
    return other;
  }
  if (a.id() == TypeId::kArray && b.id() == TypeId::kArray) {
    std::optional<DataType> element = Common(a.element(), b.element(), ansi);
    if (!element) return std::nullopt;
    return DataType::Array(*element, a.contains_null() || b.contains_null());
  }
  if (a.id() == TypeId::kMap && b.id() == TypeId::kMap) {
    std::optional<DataType> key = Common(a.key(), b.key(), ansi), value = Common(a.value(), b.value(), ansi);
    if (!key || !value) return std::nullopt;
    return DataType::Map(*key, *value, a.contains_null() || b.contains_null());
  }
  if (a.id() == TypeId::kStruct && b.id() == TypeId::kStruct && a.fields().size() == b.fields().size()) {
    StructType merged;
    for (size_t i = 0; i < a.fields().size(); ++i) {
      std::optional<DataType> type = Common(a.fields()[i].type, b.fields()[i].type, ansi);
      if (!type) return std::nullopt;
      merged.Add({a.fields()[i].name, *type, a.fields()[i].nullable || b.fields()[i].nullable});
    }
    return DataType::Struct(merged);
  }
  return std::nullopt;
}

}  // namespace

EvalMode ModeOf(const AnalyzerConf& conf) { return conf.ansi ? EvalMode::kAnsi : EvalMode::kLegacy; }

ExprPtr CastTo(ExprPtr expr, const DataType& type, EvalMode mode) {
  DataType from = TypeOf(*expr);
  if (from == type || (from.SameType(type) && !from.IsNested())) return expr;
  if (const auto* literal = expr->As<Literal>()) {
    if (literal->value.is_null()) return MakeExpr(Literal{literal->value, type});
    // Whole numbers that fit change type without a cast, as constant folding would do.
    if (from.IsIntegral() && type.IsIntegral()) {
      int64_t value = std::get<int64_t>(literal->value.held);
      int bits = type.id() == TypeId::kByte ? 8 : type.id() == TypeId::kShort ? 16 : type.id() == TypeId::kInteger ? 32 : 64;
      if (bits == 64 || (value >= -(int64_t{1} << (bits - 1)) && value < (int64_t{1} << (bits - 1)))) return MakeExpr(Literal{literal->value, type});
    }
  }
  return MakeExpr(Cast{std::move(expr), type, mode, /*is_implicit=*/true});
}

bool CanCast(const DataType& from, const DataType& to, EvalMode mode) {
  if (from.SameType(to) || from.id() == TypeId::kNull) return true;
  if (from.id() == TypeId::kVariant) return CanGetFromVariant(to);
  if (to.id() == TypeId::kVariant) return CanBecomeVariant(from);
  if (to.id() == TypeId::kString) return true;
  if (from.id() == TypeId::kString) return !to.IsNested() && to.id() != TypeId::kNull;
  if (from.id() == TypeId::kArray && to.id() == TypeId::kArray) return CanCast(from.element(), to.element(), mode);
  if (from.id() == TypeId::kMap && to.id() == TypeId::kMap) return CanCast(from.key(), to.key(), mode) && CanCast(from.value(), to.value(), mode);
  if (from.id() == TypeId::kStruct && to.id() == TypeId::kStruct) {
    if (from.fields().size() != to.fields().size()) return false;
    for (size_t i = 0; i < to.fields().size(); ++i) {
      if (!CanCast(from.fields()[i].type, to.fields()[i].type, mode)) return false;
    }
    return true;
  }
  if (from.IsNumeric() && (to.IsNumeric() || to.id() == TypeId::kBoolean)) return true;
  if (from.id() == TypeId::kBoolean && to.IsNumeric()) return true;
  if (IsDateOrTime(from.id()) && IsDateOrTime(to.id())) return true;
  if (from.id() == TypeId::kTimestamp && to.IsNumeric()) return true;
  if (from.IsNumeric() && to.id() == TypeId::kTimestamp) return true;
  if (from.IsIntegral() && to.id() == TypeId::kBinary) return mode == EvalMode::kLegacy;
  return false;
}

std::optional<DataType> CommonType(const DataType& left, const DataType& right, const AnalyzerConf& conf) { return Common(left, right, conf.ansi); }

std::optional<DataType> CommonType(const std::vector<ExprPtr>& exprs, const AnalyzerConf& conf) {
  std::optional<DataType> common = DataType::Null();
  for (const ExprPtr& expr : exprs) {
    if (common) common = Common(*common, TypeOf(*expr), conf.ansi);
  }
  return common;
}

DataType DecimalFor(const DataType& integral) {
  switch (integral.id()) {
    case TypeId::kByte:
      return DataType::Decimal(3, 0);
    case TypeId::kShort:
      return DataType::Decimal(5, 0);
    case TypeId::kInteger:
      return DataType::Decimal(10, 0);
    case TypeId::kLong:
      return DataType::Decimal(20, 0);
    case TypeId::kDecimal:
      return integral;
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return DataType::Decimal(38, 18);
  }
  return DataType::Decimal(38, 18);
}

DataType AdjustDecimal(int precision, int scale) {
  if (precision <= 38) return DataType::Decimal(precision, scale);
  int digits = precision - scale;
  int min_scale = std::min(scale, 6);
  return DataType::Decimal(38, std::max(38 - digits, min_scale));
}

DataType DecimalResult(const std::string& op, const DataType& left, const DataType& right) {
  int p1 = left.precision(), s1 = left.scale(), p2 = right.precision(), s2 = right.scale();
  if (op == "+" || op == "-") {
    int scale = std::max(s1, s2);
    return AdjustDecimal(std::max(p1 - s1, p2 - s2) + scale + 1, scale);
  }
  if (op == "*") return AdjustDecimal(p1 + p2 + 1, s1 + s2);
  if (op == "/") {
    int scale = std::max(6, s1 + p2 + 1);
    return AdjustDecimal(p1 - s1 + s2 + scale, scale);
  }
  // % and pmod
  int scale = std::max(s1, s2);
  return AdjustDecimal(std::min(p1 - s1, p2 - s2) + scale, scale);
}

}  // namespace millstream
