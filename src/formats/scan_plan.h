#pragma once

// scan_plan.h   A FileScan's columns sorted by where their values come from, and a batch put together from them.

#include <optional>
#include <string>
#include <vector>

#include "formats/column_builder.h"
#include "formats/file_columns.h"
#include "formats/file_format.h"

namespace millstream {

// Files promise nothing: every field may be null, at any depth.
DataType NullableThroughout(const DataType& type);

class ScanPlan {
 public:
  // `corrupt_record_column`: its name in the data schema, when the format has one.
  static Result<ScanPlan> Make(const FileScan& scan, const std::string& corrupt_record_column, const std::string& time_zone, bool has_row_index = false);

  // The data schema, nullable throughout, without the corrupt record's column.
  const StructType& data_schema() const { return data_schema_; }
  // What the format has to make, in order: data columns, and the corrupt record's and rescued data's by name.
  const std::vector<std::string>& parsed_columns() const { return parsed_columns_; }
  bool wants_corrupt_record() const { return wants_corrupt_record_; }
  bool IsPartition(std::string_view name) const { return partition_schema_.IndexOf(name).has_value(); }
  FileOutcomes* outcomes() const { return outcomes_.get(); }
  BadRecords* bad_records() const { return bad_records_.get(); }
  bool wants_rescued_data() const { return wants_rescued_data_; }
  const ArrowSchemaPtr& arrow_schema() const { return arrow_schema_; }

  // `parsed[i]` is parsed_columns()[i]; the rows are those of `runs`, in order.
  Result<RecordBatchPtr> Assemble(std::vector<std::shared_ptr<arrow::Array>> parsed, const std::vector<InputFile>& files, const std::vector<FileRun>& runs,
                                  int64_t rows) const;
  // The columns of such a batch, of whatever types `parsed` has; and _metadata in the form that is asked for.
  Result<arrow::ArrayVector> AssembleColumns(std::vector<std::shared_ptr<arrow::Array>> parsed, const std::vector<InputFile>& files,
                                             const std::vector<FileRun>& runs, int64_t rows, MetadataForm form = MetadataForm::kPlain) const;
  // Where the i-th parsed column is among the columns of a batch.
  size_t PlaceOf(size_t parsed) const;
  // Where the struct _metadata is among the columns of a batch; nullopt: nobody wants it.
  std::optional<size_t> metadata_place() const;

 private:
  enum class Origin { kParsed, kPartition, kMetadata, kSourceFile };
  struct Column {
    Origin origin;
    size_t index = 0;
  };
  StructType data_schema_, partition_schema_;
  std::vector<Column> columns_;
  std::vector<std::string> parsed_columns_;
  bool wants_corrupt_record_ = false, wants_rescued_data_ = false, has_row_index_ = false;
  ArrowSchemaPtr arrow_schema_;
  const TimeZone* zone_ = &TimeZone::Utc();
  std::shared_ptr<FileOutcomes> outcomes_;   // or null
  std::shared_ptr<BadRecords> bad_records_;  // or null
};

}  // namespace millstream
