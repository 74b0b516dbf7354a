#pragma once

// copy_source.h   The files of one COPY INTO: found by a merge of the sorted listing with the table's ledger, read as a relation, and what became of them.
//
//   MS_ASSIGN_OR_RETURN(auto source, CopySource::Find(context, options, *ledger));
//   if (source->files().empty()) …                          // nothing new
//   MS_ASSIGN_OR_RETURN(auto relation, source->Open(table));   // infers the schema
//   … rows of the relation are read to their end …
//   MS_ASSIGN_OR_RETURN(CopyOutcome outcome, source->Outcome(now_ms));
//
// Not thread-safe; the relation is.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/source_files.h"
#include "connectors/api/table.h"
#include "connectors/files/copy_removals.h"
#include "connectors/files/error_budget.h"
#include "connectors/files/files_connector.h"
#include "connectors/files/known_elsewhere.h"
#include "connectors/files/quarantine.h"
#include "connectors/files/table_ledger.h"
#include "types/whole_files.h"

namespace millstream {

struct CopySourceOptions {
  std::string source;  // as written
  std::string format;
  bool names_files = false;        // FILES says which, and else all that are there are meant
  std::vector<std::string> files;  // of FILES: names below the source, or paths and file: URIs of files there
  std::optional<std::string> pattern;
  OptionMap format_options;
  bool force = false;                // files that are known are loaded too
  bool replay = false;               // and their rows of before leave the table
  // What becomes of a known file that has changed since it was loaded.
  enum class Changed { kIgnored, kAppended, kReplaced } changed = Changed::kIgnored;
  DeletedFilesOptions deleted;       // what becomes of the rows of files that are gone
  bool by_content = false;           // a file with the bytes of one that is known is not loaded
  bool quarantines = false;          // bad records are kept: bad_records()
  std::optional<std::string> bad_records_path = std::nullopt;  // raw: in files below it, and else in a table
  ErrorBudget errors;                // what becomes of bad records, and of files with many of them
  std::shared_ptr<KnownElsewhere> known = nullptr;  // files that it knows are not loaded
  std::optional<WholeFileMode> zero_copy = std::nullopt;  // nullopt: off
  bool refuses_empty_source = true;  // COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED
};

struct CopyOutcome {
  TableLedger::Changes changes;  // of the ledger
  int64_t loaded = 0, skipped_corrupt = 0, duplicates = 0;
  // Files that turned out to be unreadable, or to have too many bad records, when some of their rows were out already: these rows must not be committed. Run
  // once more, without them.
  bool must_run_again = false;
  // There is something that the ledger does not know yet.
  bool is_new = false;
  // Of the files that are loaded.
  int64_t rows() const;
};

// Of a source, beside the files that are to be loaded.
struct CopySurvey {
  int64_t known = 0;  // loaded before
  int64_t empty = 0;  // wait for their bytes
  int64_t gone = 0;   // loaded before, and their rows are to leave
};

class CopySource {
 public:
  // Errors: PATH_NOT_FOUND, COPY_INTO_SOURCE_FILE_FORMAT_NOT_SUPPORTED, COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED, MILLSTREAM_UNKNOWN_OPTION …
  static Result<std::unique_ptr<CopySource>> Find(const FilesContext& context, const CopySourceOptions& options, const TableLedger& ledger);
  virtual ~CopySource() = default;

  // To be loaded, in the order of the ledger's keys.
  virtual const std::vector<InputFile>& files() const = 0;
  virtual CopySurvey survey() const = 0;
  // Goes on with a sample of files() alone, taken at even distances. For a dry run.
  virtual void TakeSample(size_t files_max, int64_t bytes_max) = 0;
  // After Open: what is wrong with the first record that cannot be parsed, and where it is; empty: nothing. Reads the files once more.
  virtual std::string FirstMalformed(const FilesContext& context) const = 0;
  // What kSourceFileColumn means in the rows of the last relation that was opened.
  virtual SourceFileNames source_files() const = 0;
  // Records without any field ({} of JSON) are rows of nulls, for which a table that has columns lends one.
  virtual Result<std::shared_ptr<const BatchRelationSource>> Open(const StructType& table) = 0;
  // While the rows of the last relation are read, and errors.goes_on(): one of them does not fit the table, and is not written. Thread-safe.
  virtual Status TakeMisfit(const BadRecord& row) = 0;
  // After the rows have been read, or when there is nothing to read. `written`: rows that the table is given of each of source_files(); empty: not known.
  // `keeps_rows`: each row that was read and fits is one that was written, which is checked. MILLSTREAM_SOURCE_FILE_CHANGED (retryable): a file is not what
  // it was when it was found. MILLSTREAM_TOO_MANY_BAD_RECORDS.
  virtual Result<CopyOutcome> Outcome(int64_t now_ms, const std::vector<int64_t>& written, bool keeps_rows = false) = 0;
  // Of a source that quarantines, after Outcome: the bad records of the files that were read. Null: nothing was read.
  virtual std::shared_ptr<const QuarantineRows> bad_records() const = 0;
  virtual const OptionMap& reader_options() const = 0;
  // What zeroCopy came to with the last relation; null: it is off, or nothing was read.
  virtual std::shared_ptr<const WholeFiles> whole_files() const = 0;
  // The changes as another state of the ledger takes them; nullopt: one of the files was loaded meanwhile, and what was read of it must not be committed.
  struct LedgerChanges {
    TableLedger::Changes changes;
    std::vector<KnownFile> replaced;  // their rows leave the table in the same commit
    std::vector<KnownFile> removed;   // likewise, and nothing comes in their place
    std::vector<KnownFile> renewed;   // `replaced`, and those that are loaded after their rows had left: bad records of before leave
  };
  virtual Result<std::optional<LedgerChanges>> ChangesOn(const TableLedger& ledger, const CopyOutcome& outcome) const = 0;
};

}  // namespace millstream
