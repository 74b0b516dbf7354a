#include "formats/csv_variant.h"

#include <algorithm>

#include "formats/csv_schema_inference.h"
#include "formats/json_scanner.h"
#include "formats/text_variant.h"

namespace millstream {
namespace {

bool IsWord(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

bool CsvVariantColumn::AppendAs(Type type, std::string_view text, const CsvOptions& options, VariantBuilder& out) {
  switch (type) {
    case Type::kLong:
      return AppendLongText(text, out);
    case Type::kDecimal:
      return AppendDecimalText(text, out);
    case Type::kDate: {
      const auto days = options.prefer_date && LooksLikeDate(text, options) ? options.datetime.Date(text) : std::nullopt;
      if (days) out.Date(static_cast<int32_t>(*days));
      return days.has_value();
    }
    case Type::kTimestamp: {
      const auto micros = options.datetime.Timestamp(text);
      if (micros) out.Timestamp(*micros);
      return micros.has_value();
    }
    case Type::kBoolean: {
      const bool yes = IsWord(text, "true");
      if (!yes && !IsWord(text, "false")) return false;
      out.Boolean(yes);
      return true;
    }
    case Type::kString:
      out.String(ValidUtf8(text));
      return true;
  }
  return false;
}

void CsvVariantColumn::Append(std::string_view text, const CsvOptions& options, VariantBuilder& out) {
  while (!AppendAs(type_, text, options, out)) type_ = static_cast<Type>(static_cast<int>(type_) + 1);
}

}  // namespace millstream
