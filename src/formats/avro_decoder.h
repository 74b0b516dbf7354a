#pragma once

// avro_decoder.h   Avro records → columns. What to do with each value is decided once, from the writer's schema, the reader's and Spark's type.

#include <memory>
#include <string>
#include <vector>

#include "formats/avro_cursor.h"
#include "formats/column_builder.h"
#include "types/avro_schema.h"

namespace millstream {

struct AvroReadOptions {
  AvroTypeOptions types;
  bool case_sensitive = false;  // names of nested fields
};

// One value's way from bytes to a column.
struct AvroStep;

// Thread-safe once made, but Records are decoded with the caller's builders.
class AvroDecoder {
 public:
  struct Column {
    const AvroField* field = nullptr;  // of the reader's record
    DataType as;
  };
  // `writer` and `reader` are records, the same one when the user gave no schema; both outlive this. Error: kAvroSchema.
  static Result<std::shared_ptr<const AvroDecoder>> Make(const AvroType& writer, const AvroType& reader, const std::vector<Column>& columns,
                                                         const AvroReadOptions& options);
  ~AvroDecoder();
  // Appends one value to each of `columns`. False with `reason` when the bytes are wrong; the columns are of no use then.
  bool Record(AvroCursor& cursor, std::vector<ColumnBuilder>& columns, std::string* reason) const;

 private:
  AvroDecoder() = default;
  std::unique_ptr<AvroStep> root_;
};

// Whether values of `reader`'s type, written as `writer`, can become values of `to`. Error: kAvroSchema with the reason.
Status CheckAvroReadable(const AvroType& writer, const AvroType& reader, const DataType& to, const AvroReadOptions& options);

}  // namespace millstream
