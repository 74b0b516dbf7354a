#pragma once

// csv_variant.h   Values of one CSV column → VARIANT, as Spark's UnivocityParser.VariantValueConverter makes them: each is the first that it can be of a long, a
// decimal, a date, a timestamp, a boolean and a string, from the type of the value before it on. A file begins anew.

#include <string_view>

#include "formats/csv_options.h"
#include "types/variant_builder.h"

namespace millstream {

class CsvVariantColumn {
 public:
  // A value that is not null.
  void Append(std::string_view text, const CsvOptions& options, VariantBuilder& out);

 private:
  enum class Type { kLong, kDecimal, kDate, kTimestamp, kBoolean, kString };
  static bool AppendAs(Type type, std::string_view text, const CsvOptions& options, VariantBuilder& out);

  Type type_ = Type::kLong;
};

}  // namespace millstream
