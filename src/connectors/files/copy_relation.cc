#include "connectors/files/copy_relation.h"

#include "connectors/files/whole_file_rows.h"

namespace millstream {
namespace {

class CopyRelation : public BatchRelationSource, public HasSourceFileColumn {
 public:
  CopyRelation(std::string name, std::shared_ptr<const FileFormat> format, FileSchemas schemas, bool by_name, std::shared_ptr<CopyScan> scan)
      : name_(std::move(name)), format_(std::move(format)), schemas_(std::move(schemas)), by_name_(by_name), scan_(std::move(scan)) {}

  std::string name() const override { return name_; }
  const StructType& schema() const override { return schemas_.all; }
  const StructType& metadata_schema() const override { return format_->metadata_schema(); }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    auto [stats, bad] = scan_->Begin();
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, format_->Read(scan_->files(),
                                                         {.data_schema = schemas_.data,
                                                          .partition_schema = schemas_.partition,
                                                          .columns = needs.columns,
                                                          .rescued_data_column = schemas_.rescued_column,
                                                          .columns_by_name = by_name_,
                                                          .outcomes = stats->outcomes,
                                                          .bad_records = bad},
                                                         stats));
    return WithWholeFiles(std::move(rows), scan_->whole_files());
  }

 private:
  const std::string name_;
  const std::shared_ptr<const FileFormat> format_;
  const FileSchemas schemas_;
  const bool by_name_;
  const std::shared_ptr<CopyScan> scan_;
};

}  // namespace

std::pair<std::shared_ptr<FileScanStats>, std::shared_ptr<QuarantineRows>> CopyScan::Begin() {
  auto stats = std::make_shared<FileScanStats>();
  stats->outcomes = std::make_shared<FileOutcomes>(files_.size());
  std::lock_guard lock(mutex_);
  stats_ = stats;
  bad_ = sets_apart_ ? std::make_shared<QuarantineRows>(files_, kept_of_each_) : nullptr;
  return {stats, bad_};
}

std::shared_ptr<FileScanStats> CopyScan::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

std::shared_ptr<QuarantineRows> CopyScan::bad() const {
  std::lock_guard lock(mutex_);
  return bad_;
}

Status CopyScan::TakeMisfit(const BadRecord& row) {
  const std::shared_ptr<FileScanStats> counted = stats();
  // It has been counted as a row that came out.
  FileOutcomes::Counts& file = counted->outcomes->of(row.file);
  --file.rows, ++file.quarantined;
  --counted->rows_out, ++counted->rows_quarantined;
  return bad()->Add(row);
}

std::shared_ptr<const BatchRelationSource> MakeCopyRelation(std::string name, std::shared_ptr<const FileFormat> format, FileSchemas schemas, bool by_name,
                                                            std::shared_ptr<CopyScan> scan) {
  return std::make_shared<CopyRelation>(std::move(name), std::move(format), std::move(schemas), by_name, std::move(scan));
}

}  // namespace millstream
