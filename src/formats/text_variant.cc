#include "formats/text_variant.h"

#include <algorithm>
#include <string>

#include "base/ignore_case.h"
#include "formats/spark_text.h"

namespace millstream {
namespace {

constexpr int kVariantDecimalDigits = 38;

}  // namespace

bool AppendBooleanText(std::string_view text, VariantBuilder& out) {
  const bool yes = EqualsIgnoreCase(text, "true");
  if (!yes && !EqualsIgnoreCase(text, "false")) return false;
  out.Boolean(yes);
  return true;
}

bool AppendLongText(std::string_view text, VariantBuilder& out) {
  const std::optional<int64_t> number = ParseLong(text);
  if (number) out.Integer(*number);
  return number.has_value();
}

bool AppendDecimalText(std::string_view text, VariantBuilder& out) {
  std::string plain(text);
  std::erase(plain, ',');
  std::optional<BigDecimal> number = ParseBigDecimal(plain);
  if (!number || number->scale < -kVariantDecimalDigits || number->scale > kVariantDecimalDigits) return false;
  if (number->scale < 0) {
    if (!number->digits.empty()) number->digits.append(static_cast<size_t>(-number->scale), '0');
    number->scale = 0;
  }
  if (number->precision() > kVariantDecimalDigits) return false;
  __int128 unscaled = 0;
  for (const char digit : number->digits) unscaled = unscaled * 10 + (digit - '0');
  out.Decimal(number->negative ? -unscaled : unscaled, number->precision(), static_cast<int>(number->scale));
  return true;
}

}  // namespace millstream
