#pragma once

// variant_json.h   JSON text ↔ VARIANT: Spark's parse_json (VariantBuilder.parseJson) and Variant.toJson.

#include <string>
#include <string_view>

#include "formats/growing.h"
#include "formats/json_scanner.h"
#include "formats/time_zone.h"
#include "types/variant_builder.h"

namespace millstream {

// Not thread-safe. Builds one variant after another, so that it remembers their keys.
class VariantJsonParser {
 public:
  explicit VariantJsonParser(bool allow_duplicate_keys) : builder_(allow_duplicate_keys) {}

  // The value at the scanner's position, which stands in `depth` containers, becomes the builder's variant. `syntax_ok` false: it is no JSON, and the scanner
  // stands where that shows. Errors: what builds no variant (VARIANT_DUPLICATE_KEY, VARIANT_SIZE_LIMIT).
  Status Value(JsonScanner& scanner, int depth, bool* syntax_ok);
  // parse_json: the first value of a strict JSON text between `begin` and `end`, as JsonScanner wants them; what follows it is left aside, as Spark does.
  Status Text(const char* begin, const char* end, bool* syntax_ok);

  VariantBuilder& builder() { return builder_; }

 private:
  Status Append(JsonScanner& scanner, int depth);
  Status Object(JsonScanner& scanner, int depth);
  Status Array(JsonScanner& scanner, int depth);
  bool Number(JsonScanner& scanner);
  bool KeyIsShort() const;

  VariantBuilder builder_;
  Growing<uint8_t> scratch_;
  bool syntax_ok_ = true;
};

// Variant.toJson: keys in their order, decimals without trailing zeros, instants with the offset of `zone`.
Status AppendVariantJson(const VariantRef& variant, const TimeZone& zone, std::string& out);
// CAST(variant AS STRING): as JSON, but strings, dates and moments as they are and binary as its bytes.
Status AppendVariantText(const VariantRef& variant, const TimeZone& zone, std::string& out);

}  // namespace millstream
