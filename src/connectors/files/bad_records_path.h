#pragma once

// bad_records_path.h   badRecordsPath, as Databricks has it: bad records as JSON lines below <path>/<yyyyMMddTHHmmss>/bad_records, files that cannot be read
// below …/bad_files. docs/quarantine.md

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/option_table.h"
#include "connectors/files/copy_bad_records.h"
#include "connectors/files/copy_load_notes.h"
#include "connectors/files/quarantine.h"
#include "formats/path_glob.h"

namespace millstream {

// Takes the option out of a reader's options, and sets those that see to it that the read goes on: records that are bad are dropped, files that are gone or
// cannot be read are left out (unless the user says otherwise). Raw path; nullopt: the option is not set. FAILFAST is refused.
Result<std::optional<std::string>> TakeBadRecordsPath(OptionMap& reader_options);

// Refuses a directory below `source` whose files who reads all that lies there would find, and load as data.
Status RefuseBadRecordsAmongFiles(const std::string& directory, const PathGlob& source, const std::optional<NameGlob>& name_filter, const char* owner);

// A relation of a stream that may have the option, and is no cloudFiles.
class HasBadRecordsPath {
 public:
  virtual ~HasBadRecordsPath() = default;
  virtual const std::optional<std::string>& bad_records_path() const = 0;
};

// Refuses a directory within that of the table at `table_path`: there its files would be in the way of the table's own, and of VACUUM.
Status RefuseBadRecordsInTable(const std::string& directory, const std::string& table_path);

// Of a stream: what a batch has left is replaced when it runs again.
class BadRecordsPath : public QuarantineTable {
 public:
  BadRecordsPath(Fs& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}
  Status Prepare() override;
  Status Keep(const QuarantineLoad& load, const QuarantineRows& rows) override;

 private:
  Fs& fs_;
  const std::string directory_;
  std::string last_name_;  // of the last load of this process
};

// Of COPY INTO.
class CopyBadRecordsPath : public CopyBadRecords {
 public:
  CopyBadRecordsPath(Fs& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}
  // Gives the directory an id of its own, for the logs of the tables.
  Status Prepare() override;
  std::string lock_path() const override;
  Result<std::string> ConfirmationId() const override;
  Status KeepCopy(const QuarantineLoad& load, const QuarantineRows* rows, std::optional<int64_t> confirmed,
                  const std::vector<ReplacedFile>& replaced) const override;

 private:
  Status TakeOutReplaced(const QuarantineLoad& load, const CopyLoadNote& note) const;

  Fs& fs_;
  const std::string directory_;
};

// Reads files, and gives `keep` what the rows lack when they have come to their end: the bad records, and the files that were left out. What it returns is the
// read's. `stats` gets outcomes.
using KeepLeftOut = std::function<Status(const QuarantineRows& left_out)>;
Result<RowStreamPtr> ReadKeepingBadRecords(const FileFormat& format, std::vector<InputFile> files, FileScan scan, std::shared_ptr<FileScanStats> stats,
                                           KeepLeftOut keep);
// A batch read: its bad records are kept when its rows have ended.
Result<RowStreamPtr> ReadKeepingBadRecords(Fs& fs, Clock& clock, const std::string& directory, const FileFormat& format, std::vector<InputFile> files,
                                           FileScan scan);

}  // namespace millstream
