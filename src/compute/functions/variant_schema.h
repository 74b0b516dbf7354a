#pragma once

// variant_schema.h   schema_of_variant: the type that all values of a VARIANT fit in, "OBJECT<a: BIGINT>" as SQL text.

#include <memory>
#include <string>
#include <vector>

#include "types/data_type.h"
#include "types/variant_value.h"

namespace millstream::compute {

// Starts as VOID; each Add widens it: fields of objects are joined, what has no common type is VARIANT.
class VariantSchema {
 public:
  Status Add(const VariantRef& variant) {
    VariantLimits limits(variant);
    return Add(variant, limits, 0);
  }
  std::string Sql() const;

 private:
  enum class Shape { kScalar, kObject, kArray };
  Status Add(const VariantRef& variant, VariantLimits& limits, int depth);
  void Widen(Shape shape, const DataType& type);

  Shape shape_ = Shape::kScalar;
  DataType type_;                                              // of a scalar; VARIANT: anything
  std::vector<std::pair<std::string, VariantSchema>> fields_;  // of an object, in the order of their names
  std::vector<VariantSchema> element_;                         // of an array: one
};

}  // namespace millstream::compute
