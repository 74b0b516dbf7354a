#pragma once

// parquet_variants.h   VARIANT in Parquet: a group of the binaries `metadata` and `value`, annotated as VARIANT (VariantEncoding.md). Shredded groups, which
// have a `typed_value` beside them, are not read.

#include <arrow/array.h>
#include <arrow/type.h>

#include <memory>

#include "base/status.h"
#include "types/row_stream.h"

namespace parquet {
class FileMetaData;
}

namespace millstream {

// Our variants as the type that makes the Parquet library write the annotation, at any depth.
std::shared_ptr<arrow::DataType> WithVariantAnnotation(const std::shared_ptr<arrow::DataType>& type);
// The same values under that type.
std::shared_ptr<arrow::Array> AnnotateVariants(const std::shared_ptr<arrow::Array>& array, const std::shared_ptr<arrow::DataType>& type);

// The file's schema, in which annotated groups, also those within structs, are our variants. MILLSTREAM_UNSUPPORTED for a shredded one.
Result<ArrowSchemaPtr> MarkVariants(const ArrowSchemaPtr& schema, const parquet::FileMetaData& file);
// A column as it was read → the type that MarkVariants gave it, or any other type that has variants in the place of structs of the two binaries.
// `column` names it in errors: MILLSTREAM_UNSUPPORTED for a shredded group.
Result<std::shared_ptr<arrow::Array>> ToVariants(const std::shared_ptr<arrow::Array>& array, const std::shared_ptr<arrow::DataType>& type,
                                                 const std::string& column);
// Whether the type is that of our variants.
bool IsVariantType(const arrow::DataType& type);

}  // namespace millstream
