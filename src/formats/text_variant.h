#pragma once

// text_variant.h   Texts of files without types → numbers of a VARIANT, as Spark's readers of CSV and XML try them. False: the text is no such number.

#include <string_view>

#include "types/variant_builder.h"

namespace millstream {

// java.lang.Long.parseLong.
bool AppendLongText(std::string_view text, VariantBuilder& out);
// java.math.BigDecimal of the text without its commas, of at most 38 digits in all and behind the point.
bool AppendDecimalText(std::string_view text, VariantBuilder& out);

}  // namespace millstream
