#pragma once

// bad_records_path.h   badRecordsPath, as Databricks has it: bad records as JSON lines below <path>/<yyyyMMddTHHmmss>/bad_records, files that cannot be read
// below …/bad_files. docs/quarantine.md

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/option_table.h"
#include "connectors/files/quarantine.h"

namespace millstream {

// Takes the option out of a reader's options, and sets those that see to it that the read goes on: records that are bad are dropped, files that are gone or
// cannot be read are left out (unless the user says otherwise). Raw path; nullopt: the option is not set. FAILFAST is refused.
Result<std::optional<std::string>> TakeBadRecordsPath(OptionMap& reader_options);

// Of a stream: what a batch has left is replaced when it runs again.
class BadRecordsPath : public QuarantineTable {
 public:
  BadRecordsPath(Fs& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}
  Status Prepare() override { return fs_.CreateDirectories(directory_); }
  Status Keep(const QuarantineLoad& load, const QuarantineRows& rows) override;

 private:
  Status RemoveEarlier(const std::string& name);

  Fs& fs_;
  const std::string directory_;
  std::string last_name_;  // of the last load of this process
};

// A batch read: its bad records are kept when its rows have ended.
Result<RowStreamPtr> ReadKeepingBadRecords(Fs& fs, Clock& clock, const std::string& directory, const FileFormat& format, std::vector<InputFile> files,
                                           FileScan scan);

}  // namespace millstream
