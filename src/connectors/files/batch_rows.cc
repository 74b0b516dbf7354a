#include "connectors/files/batch_rows.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "connectors/files/bad_records_path.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/schema_evolution.h"
#include "connectors/files/whole_file_rows.h"
#include "formats/formats_errors.h"
#include "types/arrow_types.h"
#include "types/chunk_rows.h"

namespace millstream {
namespace errors {
inline constexpr ErrorClass kFilesLeftOut{
    "MILLSTREAM_FILES_LEFT_OUT", "22000", ExceptionKind::kSpark,
    "<count> files have more bad records than cloudFiles.onError allows, and are left out (<first>). The batch is retried."};
}  // namespace errors
namespace {

// Of bad records that nobody keeps: as many as errors tell of.
constexpr int64_t kToldOfEachFile = 3;
constexpr size_t kToldMax = 5;

class BatchRows : public RowStream, public DeliversChunks {
 public:
  BatchRows(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::vector<NumberedFile> files, std::vector<InputFile> inputs,
            std::shared_ptr<std::atomic<bool>> schema_evolved, std::optional<int64_t> batch, std::optional<QuarantineLoad> load,
            std::shared_ptr<FileRetries> retries)
      : definition_(definition),
        ledger_(std::move(ledger)),
        files_(std::move(files)),
        inputs_(std::move(inputs)),
        schema_evolved_(std::move(schema_evolved)),
        batch_(batch),
        load_(std::move(load)),
        retries_(std::move(retries)) {}

  Status Open(FileScan scan, std::shared_ptr<FileScanStats> stats) {
    stats_ = stats;
    if (retries_) alone_ = scan;
    if (stats_ != nullptr) scan.outcomes = stats_->outcomes = std::make_shared<FileOutcomes>(inputs_.size());
    if (definition_.options.errors.goes_on() || load_) {
      scan.bad_records = bad_ = std::make_shared<QuarantineRows>(inputs_, load_ ? INT64_MAX : kToldOfEachFile);
    }
    Result<RowStreamPtr> rows = definition_.format->Read(inputs_, scan, std::move(stats));
    if (!rows.ok()) return Learn(rows.status(), /*is_pulled=*/false);
    rows_ = WithWholeFiles(std::move(*rows), definition_.whole_files);
    if (definition_.row_target && stats_) {
      MS_ASSIGN_OR_RETURN(const StructType columns, FromArrowSchema(*rows_->schema()));
      MS_ASSIGN_OR_RETURN(sieve_, RowSieve::Create(*definition_.row_target, columns));
    }
    return Status();
  }
  const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(SomeRows rows, Pull([&]() -> Result<SomeRows> {
                          MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows_->Next());
                          return SomeRows{.batch = std::move(batch), .chunks = std::nullopt};
                        }));
    return std::move(rows.batch);
  }
  Result<SomeRows> NextChunks(const ChunkWishes& wishes) override {
    // Rows that may be left out have to be looked at.
    return Pull([&] { return NextOf(*rows_, sieve_ ? ChunkWishes{.no_files_because = "rows that the table cannot take are left out"} : wishes); });
  }

 private:
  template <typename Read>
  Result<SomeRows> Pull(Read read) {
    {
      std::lock_guard lock(mutex_);
      ++reading_;
    }
    Result<SomeRows> rows = read();
    for (bool is_empty = true; is_empty && sieve_ && rows.ok() && rows->batch;) {
      Result<RecordBatchPtr> sifted = sieve_->Sift(rows->batch, [this](const BadRecord& row) { return TakeMisfit(row); });
      rows = sifted.ok() ? Result<SomeRows>(SomeRows{.batch = *std::move(sifted), .chunks = std::nullopt}) : Result<SomeRows>(sifted.status());
      is_empty = rows.ok() && rows->batch->num_rows() == 0;
      if (is_empty) rows = read();  // none of the rows fits, and an empty batch is none
    }
    bool is_last = false;
    {
      std::lock_guard lock(mutex_);
      is_last = --reading_ == 0;
    }
    if (!rows.ok()) return Learn(rows.status(), /*is_pulled=*/true);
    // Before the sink has the batch: once it does, nobody would read the files again to find out.
    if (rows->is_end()) {
      MS_RETURN_IF_ERROR(RecordOutcomes());
      // The others that pull may still be at their last rows; the one that ends last has seen all.
      if (is_last) MS_RETURN_IF_ERROR(Finish());
    }
    return rows;
  }

  // Several readers come to the end: what the last of them records is complete.
  Status RecordOutcomes() {
    std::lock_guard lock(mutex_);
    if (stats_ == nullptr || files_.empty()) return Status();
    // By number: between them may be those of files that were taken back before their batch ran.
    const int64_t first = files_.front().number;
    std::vector<FileCounts> counts(static_cast<size_t>(files_.back().number - first + 1));
    for (size_t i = 0; i < files_.size(); ++i) {
      const FileOutcomes::Counts& file = stats_->outcomes->of(static_cast<int32_t>(i));
      counts[static_cast<size_t>(files_[i].number - first)] = {
          .rows = file.rows, .rejected = file.rejected + file.quarantined, .malformed = file.malformed, .rescued = file.rescued};
    }
    if (counts != counts_) MS_RETURN_IF_ERROR(ledger_->RecordCounts(first - 1, counts));
    counts_ = std::move(counts);
    MS_RETURN_IF_ERROR(RecordSkipped());
    return DropSkipped();
  }

  // What an earlier run of the batch has left out, and this one has read. Others may still be reading: what they leave out is recorded again.
  Status DropSkipped() {
    using Skipped = FileFate::Skipped;
    MS_ASSIGN_OR_RETURN(auto fates, ledger_->Fates(files_.front().number - 1, files_.back().number));
    for (auto& [number, fate] : fates) {
      if ((fate.skipped != Skipped::kMissing && fate.skipped != Skipped::kCorrupted) || recorded_.contains(number)) continue;
      if (std::none_of(files_.begin(), files_.end(), [&](const NumberedFile& file) { return file.number == number; })) continue;
      fate.skipped = Skipped::kNo;
      fate.reason.clear();
      MS_RETURN_IF_ERROR(ledger_->RecordFate(number, fate));
    }
    return Status();
  }

  Status RecordSkipped() {
    if (stats_->files_skipped.load() == static_cast<int64_t>(recorded_.size())) return Status();
    for (const FileOutcomes::Skipped& skipped : stats_->outcomes->skipped()) {
      const std::string& path = inputs_[static_cast<size_t>(skipped.file)].path;
      auto file = std::find_if(files_.begin(), files_.end(), [&](const NumberedFile& known) { return known.path == path; });
      if (file == files_.end() || !recorded_.insert(file->number).second) continue;
      using Skipped = FileFate::Skipped;
      MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(file->number));
      fate.skipped = skipped.is_missing ? Skipped::kMissing : Skipped::kCorrupted;
      fate.reason = skipped.reason;
      MS_RETURN_IF_ERROR(ledger_->RecordFate(file->number, fate));
    }
    return ledger_->Sync();
  }

  // A row that has been counted as one that came out.
  Status TakeMisfit(const BadRecord& row) {
    FileOutcomes::Counts& file = stats_->outcomes->of(row.file);
    --file.rows, ++file.quarantined;
    --stats_->rows_out, ++stats_->rows_quarantined;
    return bad_->Add(row);
  }

  // Files with too many bad records are left out of the batch when it runs again, which is durable before it does; as are those of all files together.
  Status CheckBudget() {
    const ErrorBudget& errors = definition_.options.errors;
    int64_t bad_records = 0, records = 0, left_out = 0;
    std::string first_left_out;
    for (size_t i = 0; i < files_.size(); ++i) {
      const FileOutcomes::Counts& file = stats_->outcomes->of(static_cast<int32_t>(i));
      const int64_t bad = file.rejected + file.quarantined, read = file.rows + bad;
      if (!errors.LeavesOut(bad, read)) {
        bad_records += bad, records += read;
        continue;
      }
      MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(files_[i].number));
      fate.skipped = FileFate::Skipped::kOverBudget;
      fate.reason = "onError: " + std::to_string(bad) + " of " + std::to_string(read) + " records are bad";
      for (const std::string& first : bad_->First(1, static_cast<int32_t>(i))) fate.reason += ", the first of them in " + first;
      MS_RETURN_IF_ERROR(ledger_->RecordFate(files_[i].number, fate));
      if (++left_out == 1) first_left_out = files_[i].path + ": " + fate.reason;
    }
    if (left_out > 0) {
      MS_RETURN_IF_ERROR(ledger_->Sync());
      return Status::Error(errors::kFilesLeftOut, {{"count", std::to_string(left_out)}, {"first", first_left_out}}).Retryable();
    }
    return errors.Check(bad_records, records, bad_->First(kToldMax), "this batch");
  }

  // What was counted agrees, and the bad records are kept.
  Status Finish() {
    std::lock_guard lock(mutex_);
    if (is_finished_ || stats_ == nullptr) return Status();
    MS_RETURN_IF_ERROR(stats_->CheckCounts(bad_.get()));
    if (bad_ != nullptr) MS_RETURN_IF_ERROR(CheckBudget());
    if (load_) {
      const bool keeps_missing = dynamic_cast<const BadRecordsPath*>(definition_.quarantine.get()) != nullptr;
      for (const FileOutcomes::Skipped& skipped : stats_->outcomes->skipped()) {
        if (!skipped.is_missing || keeps_missing) bad_->AddFile(inputs_[static_cast<size_t>(skipped.file)], skipped.reason);
      }
      MS_RETURN_IF_ERROR(definition_.quarantine->Keep(*load_, *bad_));
    }
    is_finished_ = true;
    return Status();
  }

  // Several readers may fail at a time; one of them does it for all, and all say what it has said. `is_pulled`: by a sink, which does not have the batch then.
  Status Learn(Status failure, bool is_pulled) {
    std::lock_guard lock(mutex_);
    if (!learned_) {
      if (failure.Is(errors::kNewFieldsInFile)) {
        learned_ = LearnNewFields(std::move(failure));
      } else if (failure.Is(errors::kSourceFileChanged)) {
        learned_ = LearnChanges(std::move(failure));
      } else if (retries_ && is_pulled && IsOfFile(failure)) {
        learned_ = LearnUnreadable(std::move(failure));
      } else {
        return failure;
      }
    }
    return *learned_;
  }

  static bool IsOfFile(const Status& failure) {
    const std::string_view name = failure.error_class().name;
    return failure.params().contains("path") || name.starts_with("FAILED_READ_FILE") || name.starts_with("MALFORMED_RECORD");
  }

  // Which files cannot be read is seen when each is read alone. Without them the batch can be run again.
  Status LearnUnreadable(Status failure) {
    bool has_left_out = false;
    for (size_t i = 0; i < files_.size(); ++i) {
      Status alone = ReadAlone(inputs_[i]);
      if (alone.ok()) continue;
      if (alone.Is(errors::kNewFieldsInFile) || alone.Is(errors::kSourceFileChanged)) continue;  // learned when the others are read again
      MS_ASSIGN_OR_RETURN(bool is_left_out, retries_->Fail(files_[i], alone));
      has_left_out |= is_left_out;
    }
    return has_left_out ? std::move(failure).Retryable() : failure;
  }

  Status ReadAlone(const InputFile& input) const {
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, definition_.format->Read({input}, alone_, nullptr));
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows->Next());
      if (batch == nullptr) return Status();
    }
  }

  Status LearnNewFields(Status failure) {
    if (definition_.evolution_mode == SchemaEvolutionMode::kFailOnNewColumns) {
      Status refused = Status::Error(errors::kNewFieldsRefused, failure.params());
      for (const std::string& doing : failure.context()) refused = std::move(refused).While(doing);
      return refused;
    }
    const bool restarts = definition_.evolution_mode == SchemaEvolutionMode::kAddNewColumns;
    const bool goes_on = definition_.evolution_mode == SchemaEvolutionMode::kAddNewColumnsWithoutRestart;
    if ((!restarts && !goes_on) || !definition_.schema_location) return failure;
    Result<bool> evolved = EvolveSchema(definition_, inputs_, batch_);
    if (!evolved.ok()) return Status(evolved.status()).While("while adding new columns to the schema of " + HadoopPathString(definition_.glob.pattern()));
    // Without goes_on the plan has the old columns: the next start of the query takes the new ones, another run of this batch would fail again.
    if (!goes_on) return failure;
    schema_evolved_->store(true);
    return std::move(failure).Retryable();
  }

  Status LearnChanges(Status failure) {
    std::vector<NumberedFile> changed;
    for (NumberedFile file : files_) {
      Result<FileInfo> info = definition_.fs.Stat(file.path);
      if (!info.ok() || (info->size_bytes == file.size_bytes && info->modified_ns == file.modified_ns)) continue;
      file.size_bytes = info->size_bytes;
      file.modified_ns = info->modified_ns;
      changed.push_back(std::move(file));
    }
    if (!changed.empty()) MS_RETURN_IF_ERROR(ledger_->Refresh(changed));
    return std::move(failure).Retryable();
  }

  const CloudFilesDefinition definition_;
  std::shared_ptr<FileLedger> ledger_;
  const std::vector<NumberedFile> files_;
  const std::vector<InputFile> inputs_;
  const std::shared_ptr<std::atomic<bool>> schema_evolved_;
  const std::optional<int64_t> batch_;
  const std::optional<QuarantineLoad> load_;
  const std::shared_ptr<FileRetries> retries_;  // null: what cannot be read ends the query
  FileScan alone_;                              // how one file is read
  std::shared_ptr<QuarantineRows> bad_;  // null: bad records are the reader's to judge
  std::unique_ptr<RowSieve> sieve_;      // null: rows are not looked at
  RowStreamPtr rows_;
  std::mutex mutex_;
  std::shared_ptr<FileScanStats> stats_;
  std::optional<Status> learned_;   // GUARDED_BY(mutex_)
  std::set<int64_t> recorded_;      // GUARDED_BY(mutex_)
  std::vector<FileCounts> counts_;  // GUARDED_BY(mutex_), as recorded
  int reading_ = 0;                 // GUARDED_BY(mutex_): calls of Next under way
  bool is_finished_ = false;        // GUARDED_BY(mutex_)
};

}  // namespace

Result<RowStreamPtr> ReadBatchRows(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::vector<NumberedFile> files,
                                   std::vector<InputFile> inputs, const FileScan& scan, std::shared_ptr<FileScanStats> stats,
                                   std::shared_ptr<std::atomic<bool>> schema_evolved, std::optional<int64_t> batch, std::optional<QuarantineLoad> load,
                                   std::shared_ptr<FileRetries> retries) {
  auto rows = std::make_unique<BatchRows>(definition, std::move(ledger), std::move(files), std::move(inputs), std::move(schema_evolved), batch, std::move(load),
                                          std::move(retries));
  MS_RETURN_IF_ERROR(rows->Open(scan, std::move(stats)));
  return RowStreamPtr(std::move(rows));
}

}  // namespace millstream
