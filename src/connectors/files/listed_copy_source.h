#pragma once

// listed_copy_source.h   CopySource over a directory: copy_source.cc opens it, copy_finding.cc chooses its files, copy_outcome.cc says what became of them.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/files/copy_relation.h"
#include "connectors/files/copy_source.h"
#include "connectors/files/file_listing.h"

namespace millstream {

class ListedCopySource : public CopySource {
 public:
  ListedCopySource(const FilesContext& context, const CopySourceOptions& options, std::string path);
  Status Prepare(const FilesContext& context, const CopySourceOptions& options);
  Status Find(Clock& clock, const CopySourceOptions& options, const TableLedger& ledger);

  const std::vector<InputFile>& files() const override { return files_; }
  CopySurvey survey() const override { return {.known = known_, .empty = empty_, .gone = removals_.files()}; }
  void TakeSample(size_t files_max, int64_t bytes_max) override;
  std::string FirstMalformed(const FilesContext& context) const override;
  SourceFileNames source_files() const override {
    std::vector<std::string> names;
    names.reserve(scan_->files().size());
    for (const InputFile& file : scan_->files()) names.push_back(file.path);
    return std::make_shared<const std::vector<std::string>>(std::move(names));
  }
  Result<std::shared_ptr<const BatchRelationSource>> Open(const StructType& table) override;
  Status TakeMisfit(const BadRecord& row) override { return scan_->TakeMisfit(row); }
  Result<CopyOutcome> Outcome(int64_t now_ms, const std::vector<int64_t>& written, bool keeps_rows) override;
  Result<std::optional<LedgerChanges>> ChangesOn(const TableLedger& ledger, const CopyOutcome& outcome) const override;
  std::shared_ptr<const QuarantineRows> bad_records() const override { return bad_; }
  const OptionMap& reader_options() const override { return reader_options_; }
  std::shared_ptr<const WholeFiles> whole_files() const override { return scan_ ? scan_->whole_files() : nullptr; }

 private:
  Status ListAll(const std::string& path, const TableLedger& ledger);
  Result<std::string> NamedPath(const std::string& name) const;
  Status TakeNamed(const std::vector<std::string>& names, bool ignores_missing, const TableLedger& ledger);
  // A known file may be wanted all the same: that is seen when its size and time are.
  bool takes_known() const { return replay_ || changed_ != Changed::kIgnored; }
  bool WantsKnown(const InputFile& file) const;
  Status LeaveOutKnown(KnownElsewhere& known);
  Status LeaveOutDuplicates(const TableLedger& ledger);
  // `bad` of `read` records of files_[i]: why it is left out; empty: it is not.
  std::string WhyLeftOut(size_t i, int64_t bad, int64_t read) const;

  using Changed = CopySourceOptions::Changed;
  Fs& fs_;
  const std::string path_, name_;  // name_: for plans and errors
  const bool force_, replay_;
  const Changed changed_;
  const bool quarantines_;
  const ErrorBudget errors_;
  const std::optional<WholeFileMode> zero_copy_;
  std::shared_ptr<const FileFormat> format_;
  OptionMap reader_options_;
  FileSelection selection_;
  bool has_header_ = false;  // CSV
  std::vector<FoundFile> found_;
  int64_t known_ = 0, empty_ = 0;
  CopyRemovals removals_;
  StructType partitions_;
  StructType data_schema_;  // of the last relation
  std::vector<InputFile> files_;
  // Of the files that the ledger remembers as unreadable: as they were then.
  std::map<std::string, LoadedFile> corrupt_before_;
  std::map<std::string, LoadedFile> settled_before_;  // of those that are loaded all the same
  std::map<std::string, LoadedFile> existing_;        // left out of files_: known from elsewhere
  std::map<std::string, LoadedFile> duplicates_;      // left out of files_: their bytes are known
  std::map<std::string, std::string> duplicate_of_;   // the file with these bytes, by the path of the one that is left out
  std::map<std::string, std::string> hashes_;         // of the others, by path; empty: not asked for
  std::map<std::string, LoadedFile> broken_midway_;   // left out of files_ since an earlier run
  std::shared_ptr<CopyScan> scan_;                    // of the last relation
  std::shared_ptr<QuarantineRows> bad_;               // of the files of the last outcome
};

}  // namespace millstream
