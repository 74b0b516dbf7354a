#pragma once

// single_variant.h   The reader option singleVariantColumn: a record is one VARIANT.

#include "formats/file_format.h"

namespace millstream {

// A schema may have that column, and the corrupt record's; the rescued column is not of the data. INVALID_SINGLE_VARIANT_COLUMN.
Status CheckSingleVariantSchema(const FileScan& scan, const std::string& variant_column, const std::string& corrupt_record_column);

// The column that the option names; empty: none.
std::string SingleVariantColumn(const OptionMap& options);

}  // namespace millstream
