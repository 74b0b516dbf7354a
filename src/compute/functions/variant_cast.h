#pragma once

// variant_cast.h   A VARIANT as a value of another type: Spark's VariantGet.cast. Also the paths that variant_get walks.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "formats/column_builder.h"
#include "formats/time_zone.h"
#include "types/data_type.h"
#include "types/variant_builder.h"
#include "types/variant_value.h"

namespace millstream::compute {

class VariantCaster {
 public:
  // `fails`: what cannot be cast is INVALID_VARIANT_CAST, else null.
  VariantCaster(std::string zone_name, bool fails);

  // One value more in `out`, whose type says what is wanted. The null of JSON is null.
  Status Append(const VariantRef& variant, ColumnBuilder& out) {
    VariantLimits limits(variant);
    return Append(variant, out, limits, 0);
  }

 private:
  Status Append(const VariantRef& variant, ColumnBuilder& out, VariantLimits& limits, int depth);
  Status Members(const VariantValue& value, ColumnBuilder& out, VariantLimits& limits, int depth);
  bool Scalar(const VariantRef& variant, const VariantValue& value, ColumnBuilder& out, Status* error);

  const std::string zone_name_;
  const TimeZone& zone_;
  const bool fails_;
  VariantBuilder builder_;
  std::string text_;
};

// "$.a[0]['b']", checked.
class VariantPath {
 public:
  // nullopt: no such path.
  static std::optional<VariantPath> Parse(std::string_view text);
  // nullopt: the variant has nothing there.
  Result<std::optional<VariantRef>> Walk(VariantRef variant) const;

 private:
  std::vector<std::variant<std::string, size_t>> steps_;  // a key, an index
};

}  // namespace millstream::compute
