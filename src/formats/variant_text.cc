// variant_text.cc   VARIANT → text, as variant_json.h says.

#include <cmath>

#include "formats/cell_text_writer.h"
#include "formats/json_scanner.h"
#include "formats/variant_json.h"
#include "types/java_number.h"
#include "types/variant_value.h"

namespace millstream {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

std::string UuidText(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[static_cast<uint8_t>(bytes[i]) >> 4];
    text += kHex[bytes[i] & 15];
  }
  return text;
}

void AppendBase64(std::string_view bytes, std::string& out) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
}

// BigDecimal.stripTrailingZeros().toPlainString().
void AppendPlainDecimal(__int128 unscaled, int scale, std::string& out) {
  while (scale > 0 && unscaled % 10 == 0) {
    unscaled /= 10;
    --scale;
  }
  if (unscaled < 0) out += '-';
  std::string digits;
  for (auto rest = unscaled < 0 ? -static_cast<unsigned __int128>(unscaled) : static_cast<unsigned __int128>(unscaled); rest > 0; rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  if (static_cast<int>(digits.size()) <= scale) digits.insert(0, static_cast<size_t>(scale) + 1 - digits.size(), '0');
  if (digits.empty()) digits = "0";
  if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  out += digits;
}

void AppendOffset(int64_t offset_s, std::string& out) {
  const int64_t size = std::abs(offset_s);
  char text[16];
  out.append(text, static_cast<size_t>(std::snprintf(text, sizeof text, "%c%02d:%02d", offset_s < 0 ? '-' : '+', static_cast<int>(size / 3600),
                                                     static_cast<int>(size / 60 % 60))));
}

// A moment with its zone's offset, when there is a zone.
void AppendMoment(int64_t micros, const TimeZone* zone, std::string& out) {
  AppendPlainTimestamp(micros, zone, out);
  if (zone != nullptr) AppendOffset(zone->OffsetSecondsAt(micros), out);
}

// A value that is no container, without quotes.
void AppendScalar(const VariantValue& value, const TimeZone* zone_shown, const TimeZone& zone, std::string& out) {
  switch (value.kind()) {
    case VariantKind::kNull:
      out += "null";
      return;
    case VariantKind::kBoolean:
      out += value.integer() ? "true" : "false";
      return;
    case VariantKind::kInteger:
      out += std::to_string(value.integer());
      return;
    case VariantKind::kDouble:
      out += JavaDouble(value.real());
      return;
    case VariantKind::kFloat:
      out += JavaFloat(static_cast<float>(value.real()));
      return;
    case VariantKind::kDecimal:
      AppendPlainDecimal(value.unscaled(), value.scale(), out);
      return;
    case VariantKind::kString:
    case VariantKind::kBinary:
      out += value.bytes();
      return;
    case VariantKind::kDate:
      AppendIsoDate(value.integer(), out);
      return;
    case VariantKind::kTimestamp:
      if (zone_shown != nullptr) {
        AppendMoment(value.integer(), zone_shown, out);
      } else {
        AppendPlainTimestamp(value.integer(), &zone, out);
      }
      return;
    case VariantKind::kTimestampNtz:
      AppendPlainTimestamp(value.integer(), nullptr, out);
      return;
    case VariantKind::kUuid:
      out += UuidText(value.bytes());
      return;
    case VariantKind::kObject:
    case VariantKind::kArray:
      MS_CHECK_MSG(false, "a container is no scalar");
  }
}

Status AppendJson(const VariantRef& variant, const TimeZone& zone, VariantLimits& limits, int depth, std::string& out) {
  MS_RETURN_IF_ERROR(limits.Enter(depth));
  MS_ASSIGN_OR_RETURN(const VariantValue value, VariantValue::Of(variant));
  if (value.kind() == VariantKind::kString) {
    AppendJsonString(ValidUtf8(value.bytes()), &out);
    return Status::Ok();
  }
  if (!value.is_container()) {
    const VariantKind kind = value.kind();
    const bool quoted = kind == VariantKind::kBinary || kind == VariantKind::kDate || kind == VariantKind::kTimestamp || kind == VariantKind::kTimestampNtz ||
                        kind == VariantKind::kUuid || ((kind == VariantKind::kDouble || kind == VariantKind::kFloat) && !std::isfinite(value.real()));
    if (quoted) out += '"';
    if (kind == VariantKind::kBinary) {
      AppendBase64(value.bytes(), out);
    } else {
      AppendScalar(value, &zone, zone, out);
    }
    if (quoted) out += '"';
    return Status::Ok();
  }
  const bool is_object = value.kind() == VariantKind::kObject;
  out += is_object ? '{' : '[';
  for (size_t i = 0; i < value.count(); ++i) {
    if (i > 0) out += ',';
    if (is_object) {
      MS_ASSIGN_OR_RETURN(const std::string_view key, value.KeyAt(i));
      AppendJsonString(ValidUtf8(key), &out);
      out += ':';
    }
    MS_ASSIGN_OR_RETURN(const VariantRef member, value.At(i));
    MS_RETURN_IF_ERROR(AppendJson(member, zone, limits, depth + 1, out));
  }
  out += is_object ? '}' : ']';
  return Status::Ok();
}

}  // namespace

Status AppendVariantJson(const VariantRef& variant, const TimeZone& zone, std::string& out) {
  VariantLimits limits(variant);
  return AppendJson(variant, zone, limits, 0, out);
}

Status AppendVariantText(const VariantRef& variant, const TimeZone& zone, std::string& out) {
  MS_ASSIGN_OR_RETURN(const VariantValue value, VariantValue::Of(variant));
  if (value.is_container()) return AppendVariantJson(variant, zone, out);
  AppendScalar(value, nullptr, zone, out);
  return Status::Ok();
}

}  // namespace millstream
