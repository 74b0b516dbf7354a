#pragma once

// copy_relation.h   The files of one COPY INTO as a relation, and what was counted while it was read.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/api/source_files.h"
#include "connectors/api/table.h"
#include "connectors/files/file_listing.h"
#include "connectors/files/quarantine.h"
#include "types/whole_files.h"

namespace millstream {

// Of one relation: its last Scan. Thread-safe.
class CopyScan {
 public:
  // `sets_apart`: bad records do not stop the reading; so many of each file are kept.
  CopyScan(std::vector<InputFile> files, bool sets_apart, int64_t kept_of_each, std::shared_ptr<WholeFiles> whole_files)
      : files_(std::move(files)), sets_apart_(sets_apart), kept_of_each_(kept_of_each), whole_files_(std::move(whole_files)) {}

  const std::vector<InputFile>& files() const { return files_; }
  const std::shared_ptr<WholeFiles>& whole_files() const { return whole_files_; }  // null: zeroCopy is off
  // For a Scan that begins.
  std::pair<std::shared_ptr<FileScanStats>, std::shared_ptr<QuarantineRows>> Begin();
  std::shared_ptr<FileScanStats> stats() const;  // null: not read
  std::shared_ptr<QuarantineRows> bad() const;   // null: not read, or nothing is set apart
  // A row of the last Scan that does not fit the table.
  Status TakeMisfit(const BadRecord& row);

 private:
  const std::vector<InputFile> files_;
  const bool sets_apart_;
  const int64_t kept_of_each_;
  const std::shared_ptr<WholeFiles> whole_files_;
  mutable std::mutex mutex_;
  std::shared_ptr<FileScanStats> stats_;  // GUARDED_BY(mutex_)
  std::shared_ptr<QuarantineRows> bad_;   // GUARDED_BY(mutex_)
};

// `by_name`: CSV columns go by each file's header.
std::shared_ptr<const BatchRelationSource> MakeCopyRelation(std::string name, std::shared_ptr<const FileFormat> format, FileSchemas schemas, bool by_name,
                                                            std::shared_ptr<CopyScan> scan);

}  // namespace millstream
