#pragma once

// parquet_properties.h   How our Parquet files are written: schema, codecs, encodings, checksums. Only for what writes Parquet in this room.

#include <arrow/record_batch.h>
#include <parquet/properties.h>

#include <memory>
#include <string_view>

#include "formats/parquet_writer.h"

namespace millstream {

parquet::Compression::type CodecOf(ParquetWriterOptions::Codec codec);

// Whether a codec makes values smaller by a twentieth at least. What it does not is written as it is: compressing random names and numbers takes longer than
// all else that is done with them. (DELTA_LENGTH_BYTE_ARRAY would save their lengths too; the library's encoder allocates memory for each value.) Of little,
// nothing can be told: true.
bool IsWorthCompressing(std::string_view sample, parquet::Compression::type codec);

// The file's schema for the columns of a table.
ArrowSchemaPtr ParquetFileSchema(const StructType& schema);

// What holds for all columns.
parquet::WriterProperties::Builder ParquetPropertiesBuilder(const ParquetWriterOptions& options);

// Encodings are chosen from the first rows, `sample` (null: there are none).
std::shared_ptr<parquet::WriterProperties> ParquetProperties(const ParquetWriterOptions& options, const arrow::Schema& schema,
                                                             const arrow::RecordBatch* sample);

}  // namespace millstream
