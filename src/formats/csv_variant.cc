#include "formats/csv_variant.h"

#include "formats/csv_schema_inference.h"
#include "formats/json_scanner.h"
#include "formats/text_variant.h"

namespace millstream {

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
    case Type::kBoolean:
      return AppendBooleanText(text, out);
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
