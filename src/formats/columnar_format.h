#pragma once

// columnar_format.h   The FileFormat of files that say themselves which columns they have; parquet, orc and avro fill in the particulars.

#include "formats/columnar_rows.h"
#include "formats/format_makers.h"

namespace millstream {

// Options that all of these formats have, for their option tables and out of their values.
std::vector<OptionSpec> ColumnarOptionSpecs();
Result<ColumnarOptions> ColumnarOptionsFrom(const OptionValues& values, const FormatContext& context);

struct ColumnarFormatTraits {
  bool merge_schema = false;  // inference looks at all files, not at the first alone
  std::optional<StructType> fixed_schema = {};
};

FileFormatPtr MakeColumnarFormat(ColumnarKind kind, ColumnarOptions options, ColumnarFormatTraits traits, const FormatContext& context);

// What Spark's readers of Parquet and ORC take for a wider type, of scalars.
bool WidensScalar(const DataType& from, const DataType& to);
// The same through structs and arrays, whose missing fields become null.
bool WidensType(const DataType& from, const DataType& to);

}  // namespace millstream
