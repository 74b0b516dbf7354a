#include "formats/scan_plan.h"

#include "formats/formats_errors.h"
#include "formats/source_file_column.h"
#include "types/arrow_types.h"

namespace millstream {

DataType NullableThroughout(const DataType& type) {
  if (type.id() == TypeId::kArray) return DataType::Array(NullableThroughout(type.element()), true);
  if (type.id() == TypeId::kMap) return DataType::Map(type.key(), NullableThroughout(type.value()), true);
  if (type.id() != TypeId::kStruct) return type;
  std::vector<StructField> fields;
  for (const StructField& field : type.fields()) fields.push_back({field.name, NullableThroughout(field.type), true, field.metadata});
  return DataType::Struct(StructType(std::move(fields)));
}

Result<ScanPlan> ScanPlan::Make(const FileScan& scan, const std::string& corrupt_record_column, const std::string& time_zone, bool has_row_index) {
  ScanPlan plan;
  plan.has_row_index_ = has_row_index;
  plan.partition_schema_ = scan.partition_schema;
  plan.outcomes_ = scan.outcomes;
  plan.bad_records_ = scan.bad_records;
  if (const TimeZone* zone = TimeZone::Find(time_zone)) plan.zone_ = zone;
  bool corrupt_in_schema = false;
  for (const StructField& field : scan.data_schema) {
    if (NestingDepth(field.type) > kMaxTypeDepth) return Status::Unsupported("A type nested deeper than 200 levels");
    if (!corrupt_record_column.empty() && field.name == corrupt_record_column) {
      if (field.type.id() != TypeId::kString) {
        return Status::Error(errors::kCorruptColumnType, {{"columnName", field.name}, {"actualType", field.type.Sql()}});
      }
      corrupt_in_schema = true;
    } else if (scan.rescued_data_column.empty() || field.name != scan.rescued_data_column) {
      plan.data_schema_.Add({field.name, NullableThroughout(field.type), true, field.metadata});
    }
  }
  StructType result;
  for (const std::string& name : scan.columns) {
    if (name == kSourceFileColumn) {
      plan.columns_.push_back({Origin::kSourceFile});
      result.Add({name, DataType::Integer()});
      continue;
    }
    auto parsed = [&](const DataType& type) {
      plan.columns_.push_back({Origin::kParsed, plan.parsed_columns_.size()});
      plan.parsed_columns_.push_back(name);
      result.Add({name, type});
    };
    auto data = plan.data_schema_.IndexOf(name, true), partition = plan.partition_schema_.IndexOf(name, true);
    if (!data && !partition) data = plan.data_schema_.IndexOf(name, false);
    if (!data && !partition) partition = plan.partition_schema_.IndexOf(name, false);
    if (partition) {
      // Spark too prefers the directory's value to the file's.
      plan.columns_.push_back({Origin::kPartition, *partition});
      result.Add({name, plan.partition_schema_[*partition].type});
    } else if (corrupt_in_schema && name == corrupt_record_column) {
      plan.wants_corrupt_record_ = true;
      parsed(DataType::String());
    } else if (!scan.rescued_data_column.empty() && name == scan.rescued_data_column) {
      plan.wants_rescued_data_ = true;
      parsed(DataType::String());
    } else if (data) {
      parsed(plan.data_schema_[*data].type);
    } else if (name == "_metadata") {
      plan.columns_.push_back({Origin::kMetadata});
      result.Add(FileMetadataSchema(has_row_index)[0]);
    } else {
      return Status::Error(errors::kColumnNotInScan, {{"objectName", "`" + name + "`"}});
    }
  }
  plan.arrow_schema_ = ToArrowSchema(result);
  return plan;
}

Result<RecordBatchPtr> ScanPlan::Assemble(std::vector<std::shared_ptr<arrow::Array>> parsed, const std::vector<InputFile>& files,
                                          const std::vector<FileRun>& runs, int64_t rows) const {
  MS_ASSIGN_OR_RETURN(arrow::ArrayVector arrays, AssembleColumns(std::move(parsed), files, runs, rows));
  return arrow::RecordBatch::Make(arrow_schema_, rows, std::move(arrays));
}

size_t ScanPlan::PlaceOf(size_t parsed) const {
  size_t place = 0;
  while (columns_[place].origin != Origin::kParsed || columns_[place].index != parsed) ++place;
  return place;
}

std::optional<size_t> ScanPlan::metadata_place() const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].origin == Origin::kMetadata) return i;
  }
  return std::nullopt;
}

Result<arrow::ArrayVector> ScanPlan::AssembleColumns(std::vector<std::shared_ptr<arrow::Array>> parsed, const std::vector<InputFile>& files,
                                                     const std::vector<FileRun>& runs, int64_t rows, MetadataForm form) const {
  if (outcomes_) {
    for (const FileRun& run : runs) outcomes_->of(run.file).rows += run.rows;
  }
  arrow::ArrayVector arrays;
  for (const Column& column : columns_) {
    switch (column.origin) {
      case Origin::kParsed:
        arrays.push_back(std::move(parsed[column.index]));
        break;
      case Origin::kPartition: {
        MS_ASSIGN_OR_RETURN(auto array, PartitionArray(partition_schema_[column.index], files, runs, *zone_));
        arrays.push_back(std::move(array));
        break;
      }
      case Origin::kMetadata:
        arrays.push_back(MetadataArray(files, runs, has_row_index_, form));
        break;
      case Origin::kSourceFile:
        arrays.push_back(SourceFileArray(runs, rows));
        break;
    }
  }
  return arrays;
}

}  // namespace millstream
