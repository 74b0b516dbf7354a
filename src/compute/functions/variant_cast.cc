#include "compute/functions/variant_cast.h"

#include <cmath>
#include <limits>

#include "compute/functions/civil_time.h"
#include "compute/functions/number_texts.h"
#include "formats/spark_text.h"
#include "formats/variant_json.h"
#include "types/java_number.h"
#include "types/variant_errors.h"

namespace millstream::compute {
namespace {

__int128 Power10(int exponent) {
  __int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

double DecimalAsDouble(const VariantValue& value) {
  std::string text;
  __int128 rest = value.unscaled() < 0 ? -value.unscaled() : value.unscaled();
  do {
    text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest > 0);
  return ParseJavaDouble((value.unscaled() < 0 ? "-" : "") + text + "E-" + std::to_string(value.scale())).value_or(0);
}

// Toward zero; nullopt: beyond 64 bits.
std::optional<int64_t> WholeOf(double number) {
  if (!(number > -0x1p63 - 1 && number < 0x1p63)) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::optional<int64_t> AsLong(const VariantValue& value) {
  switch (value.kind()) {
    case VariantKind::kInteger:
    case VariantKind::kBoolean:
      return value.integer();
    case VariantKind::kDouble:
    case VariantKind::kFloat:
      return WholeOf(value.real());
    case VariantKind::kDecimal: {
      const __int128 whole = value.unscaled() / Power10(value.scale());
      if (whole < std::numeric_limits<int64_t>::min() || whole > std::numeric_limits<int64_t>::max()) return std::nullopt;
      return static_cast<int64_t>(whole);
    }
    case VariantKind::kString:
      return LongOfText(value.bytes(), false);
    case VariantKind::kTimestamp:
      return FloorDiv(value.integer(), kMicrosPerSecond);
    case VariantKind::kNull:
    case VariantKind::kBinary:
    case VariantKind::kDate:
    case VariantKind::kTimestampNtz:
    case VariantKind::kUuid:
    case VariantKind::kObject:
    case VariantKind::kArray:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> AsDouble(const VariantValue& value) {
  switch (value.kind()) {
    case VariantKind::kInteger:
    case VariantKind::kBoolean:
      return static_cast<double>(value.integer());
    case VariantKind::kDouble:
    case VariantKind::kFloat:
      return value.real();
    case VariantKind::kDecimal:
      return DecimalAsDouble(value);
    case VariantKind::kString:
      return DoubleOfText(value.bytes());
    case VariantKind::kTimestamp:
      return static_cast<double>(value.integer()) / 1e6;
    case VariantKind::kNull:
    case VariantKind::kBinary:
    case VariantKind::kDate:
    case VariantKind::kTimestampNtz:
    case VariantKind::kUuid:
    case VariantKind::kObject:
    case VariantKind::kArray:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<__int128> AsDecimal(const VariantValue& value, int precision, int scale) {
  std::optional<BigDecimal> number;
  if (value.kind() == VariantKind::kString) {
    number = ParseBigDecimal(TrimAll(value.bytes()));
  } else if (value.kind() == VariantKind::kDecimal || value.kind() == VariantKind::kInteger || value.kind() == VariantKind::kBoolean) {
    std::string text;
    const __int128 unscaled = value.kind() == VariantKind::kDecimal ? value.unscaled() : __int128{value.integer()};
    for (auto rest = unscaled < 0 ? -static_cast<unsigned __int128>(unscaled) : static_cast<unsigned __int128>(unscaled); rest > 0; rest /= 10)
      text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    number = BigDecimal{.negative = unscaled < 0, .digits = text, .scale = value.kind() == VariantKind::kDecimal ? value.scale() : 0};
  } else if (const auto real = AsDouble(value); real && std::isfinite(*real)) {
    number = ParseBigDecimal(JavaDouble(*real));
  }
  return number ? ToUnscaled(*number, precision, scale) : std::nullopt;
}

std::optional<bool> AsBoolean(const VariantValue& value) {
  switch (value.kind()) {
    case VariantKind::kBoolean:
    case VariantKind::kInteger:
      return value.integer() != 0;
    case VariantKind::kDecimal:
      return value.unscaled() != 0;
    case VariantKind::kDouble:
    case VariantKind::kFloat:
      return value.real() != 0;
    case VariantKind::kString:
      return BooleanOfText(value.bytes());
    case VariantKind::kNull:
    case VariantKind::kBinary:
    case VariantKind::kDate:
    case VariantKind::kTimestamp:
    case VariantKind::kTimestampNtz:
    case VariantKind::kUuid:
    case VariantKind::kObject:
    case VariantKind::kArray:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<int32_t> AsDate(const VariantValue& value, const std::string& zone) {
  if (value.kind() == VariantKind::kDate) return static_cast<int32_t>(value.integer());
  if (value.kind() == VariantKind::kString) return ParseSparkDate(value.bytes());
  if (value.kind() == VariantKind::kTimestampNtz) return static_cast<int32_t>(FloorDiv(value.integer(), kMicrosPerDay));
  if (value.kind() != VariantKind::kTimestamp) return std::nullopt;
  const auto wall = InstantToWall(value.integer(), zone);
  return wall ? std::optional(static_cast<int32_t>(FloorDiv(*wall, kMicrosPerDay))) : std::nullopt;
}

std::optional<int64_t> AsMoment(const VariantValue& value, const std::string& zone, bool is_instant) {
  switch (value.kind()) {
    case VariantKind::kString:
      return ParseSparkTimestamp(value.bytes(), is_instant ? zone : "");
    case VariantKind::kDate:
      return is_instant ? WallToInstant(value.integer() * kMicrosPerDay, zone) : value.integer() * kMicrosPerDay;
    case VariantKind::kTimestamp:
      return is_instant ? value.integer() : InstantToWall(value.integer(), zone);
    case VariantKind::kTimestampNtz:
      return is_instant ? WallToInstant(value.integer(), zone) : value.integer();
    case VariantKind::kInteger: {
      int64_t micros = 0;
      if (!is_instant || __builtin_mul_overflow(value.integer(), kMicrosPerSecond, &micros)) return std::nullopt;
      return micros;
    }
    case VariantKind::kDecimal: {
      const __int128 micros = value.scale() <= 6 ? value.unscaled() * Power10(6 - value.scale()) : value.unscaled() / Power10(value.scale() - 6);
      return is_instant && micros == static_cast<int64_t>(micros) ? std::optional(static_cast<int64_t>(micros)) : std::nullopt;
    }
    case VariantKind::kDouble:
    case VariantKind::kFloat:
      return is_instant ? WholeOf(value.real() * 1e6) : std::nullopt;
    case VariantKind::kNull:
    case VariantKind::kBoolean:
    case VariantKind::kBinary:
    case VariantKind::kUuid:
    case VariantKind::kObject:
    case VariantKind::kArray:
      return std::nullopt;
  }
  return std::nullopt;
}

bool FitsInteger(int64_t value, TypeId type) {
  switch (type) {
    case TypeId::kByte:
      return value == static_cast<int8_t>(value);
    case TypeId::kShort:
      return value == static_cast<int16_t>(value);
    case TypeId::kInteger:
      return value == static_cast<int32_t>(value);
    default:  // kLong
      return true;
  }
}

}  // namespace

VariantCaster::VariantCaster(std::string zone_name, bool fails)
    : zone_name_(std::move(zone_name)), zone_(TimeZone::Find(zone_name_) ? *TimeZone::Find(zone_name_) : TimeZone::Utc()), fails_(fails) {}

// The bool: a value was appended. Only text can fail, on bytes that are no variant.
bool VariantCaster::Scalar(const VariantRef& variant, const VariantValue& value, ColumnBuilder& out, Status* error) {
  const auto append = [&](const auto& cast) {
    if (cast) out.AppendFixed(*cast);
    return cast.has_value();
  };
  const DataType& type = out.type();
  if (value.is_container() && type.id() != TypeId::kString) return false;
  switch (type.id()) {
    case TypeId::kString:
      text_.clear();
      *error = AppendVariantText(variant, zone_, text_);
      if (error->ok()) out.AppendBytes(text_);
      return error->ok();
    case TypeId::kBinary:
      if (value.kind() != VariantKind::kString && value.kind() != VariantKind::kBinary) return false;
      out.AppendBytes(value.bytes());
      return true;
    case TypeId::kBoolean: {
      const auto cast = AsBoolean(value);
      if (cast) out.AppendFixed(static_cast<uint8_t>(*cast));
      return cast.has_value();
    }
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong: {
      const auto cast = AsLong(value);
      if (!cast || !FitsInteger(*cast, type.id())) return false;
      out.AppendInteger(*cast);
      return true;
    }
    case TypeId::kDouble:
      return append(AsDouble(value));
    case TypeId::kFloat: {
      const auto cast = AsDouble(value);
      return append(cast ? std::optional(static_cast<float>(*cast)) : std::nullopt);
    }
    case TypeId::kDecimal:
      return append(AsDecimal(value, type.precision(), type.scale()));
    case TypeId::kDate:
      return append(AsDate(value, zone_name_));
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return append(AsMoment(value, zone_name_, type.id() == TypeId::kTimestamp));
    case TypeId::kNull:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return false;
  }
  return false;
}

Status VariantCaster::Append(const VariantRef& variant, ColumnBuilder& out, VariantLimits& limits, int depth) {
  MS_RETURN_IF_ERROR(limits.Enter(depth));
  const DataType& type = out.type();
  if (type.id() == TypeId::kVariant) {
    builder_.Reset();
    MS_RETURN_IF_ERROR(builder_.Append(variant));
    MS_RETURN_IF_ERROR(builder_.Finish());
    out.child(0).AppendBytes(builder_.value());
    out.child(1).AppendBytes(builder_.metadata());
    out.CloseStruct();
    return Status::Ok();
  }
  MS_ASSIGN_OR_RETURN(const VariantValue value, VariantValue::Of(variant));
  if (value.kind() == VariantKind::kNull) {
    out.AppendNull();
    return Status::Ok();
  }
  const bool is_object = value.kind() == VariantKind::kObject;
  if ((type.id() == TypeId::kArray && value.kind() == VariantKind::kArray) || (type.id() == TypeId::kMap && is_object) ||
      (type.id() == TypeId::kStruct && is_object))
    return Members(value, out, limits, depth);
  Status error;
  if (Scalar(variant, value, out, &error)) return Status::Ok();
  MS_RETURN_IF_ERROR(error);
  if (!fails_) {
    out.AppendNull();
    return Status::Ok();
  }
  std::string text;
  MS_RETURN_IF_ERROR(AppendVariantJson(variant, zone_, text));
  return Status::Error(errors::kInvalidVariantCast, {{"value", text}, {"dataType", type.Sql()}});
}

Status VariantCaster::Members(const VariantValue& value, ColumnBuilder& out, VariantLimits& limits, int depth) {
  if (out.type().id() == TypeId::kStruct) {
    // AppendNull of a struct's field keeps all children at one length.
    for (size_t i = 0; i < out.child_count(); ++i) {
      MS_ASSIGN_OR_RETURN(const auto member, value.Find(out.type().fields()[i].name));
      if (member) {
        MS_RETURN_IF_ERROR(Append(*member, out.child(i), limits, depth + 1));
      } else {
        out.child(i).AppendNull();
      }
    }
    out.CloseStruct();
    return Status::Ok();
  }
  const bool is_map = out.type().id() == TypeId::kMap;
  for (size_t i = 0; i < value.count(); ++i) {
    if (is_map) {
      MS_ASSIGN_OR_RETURN(const std::string_view key, value.KeyAt(i));
      out.child(0).AppendBytes(key);
    }
    MS_ASSIGN_OR_RETURN(const VariantRef member, value.At(i));
    MS_RETURN_IF_ERROR(Append(member, out.child(is_map), limits, depth + 1));
  }
  out.CloseList();
  return Status::Ok();
}

}  // namespace millstream::compute
