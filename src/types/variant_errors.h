#pragma once

// variant_errors.h   What can be wrong with a VARIANT, under Spark's names.

#include "base/error_class.h"

namespace millstream::errors {

inline constexpr ErrorClass kMalformedVariant{"MALFORMED_VARIANT", "22023", ExceptionKind::kRuntime,
                                              "Variant binary is malformed. Please check the data source is valid."};
inline constexpr ErrorClass kUnknownVariantPrimitive{"UNKNOWN_PRIMITIVE_TYPE_IN_VARIANT", "22023", ExceptionKind::kRuntime,
                                                     "Unknown primitive type with id <id> was found in a variant value."};
inline constexpr ErrorClass kVariantDuplicateKey{"VARIANT_DUPLICATE_KEY", "22023", ExceptionKind::kRuntime,
                                                 "Failed to build variant because of a duplicate object key `<key>`."};
// Raised without its parameters where the function that builds is not known.
inline constexpr ErrorClass kVariantTooLarge{"VARIANT_SIZE_LIMIT", "22023", ExceptionKind::kRuntime,
                                             "Cannot build variant bigger than <sizeLimit> in <functionName>.\nPlease avoid large input strings to this "
                                             "expression (for example, add function calls(s) to check the expression size and convert it to NULL first if "
                                             "it is too big)."};
inline constexpr ErrorClass kInvalidVariantCast{"INVALID_VARIANT_CAST", "22023", ExceptionKind::kRuntime,
                                                "The variant value `<value>` cannot be cast into `<dataType>`. Please use `try_variant_get` instead."};
inline constexpr ErrorClass kInvalidVariantPath{"INVALID_VARIANT_GET_PATH", "22023", ExceptionKind::kRuntime,
                                                "The path `<path>` is not a valid variant extraction path in `<functionName>`.\nA valid path should start "
                                                "with `$` and is followed by zero or more segments like `[123]`, `.name`, `['name']`, or `[\"name\"]`."};

}  // namespace millstream::errors
