#pragma once

// text_variant.h   Texts of files without types → booleans and numbers of a VARIANT, as Spark's readers of CSV and XML try them. False: the text is no such value.

#include <string_view>

#include "types/variant_builder.h"

namespace millstream {

// true or false, in any case.
bool AppendBooleanText(std::string_view text, VariantBuilder& out);
// java.lang.Long.parseLong.
bool AppendLongText(std::string_view text, VariantBuilder& out);
// java.math.BigDecimal of the text without its commas, of at most 38 digits in all and behind the point.
bool AppendDecimalText(std::string_view text, VariantBuilder& out);

}  // namespace millstream
