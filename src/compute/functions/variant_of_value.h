#pragma once

// variant_of_value.h   A value of DuckDB's → VARIANT: CAST(… AS VARIANT) and to_variant_object.

#include <duckdb.hpp>

#include "base/status.h"
#include "types/data_type.h"
#include "types/variant_builder.h"

namespace millstream::compute {

// Structs and maps of strings become objects. Errors: VARIANT_DUPLICATE_KEY.
Status AppendValue(const duckdb::Value& value, const DataType& type, VariantBuilder& builder);

}  // namespace millstream::compute
