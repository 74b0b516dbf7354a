#include "connectors/files/batch_rows.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "connectors/files/files_errors.h"
#include "delta/type_widening.h"
#include "formats/formats_errors.h"

namespace millstream {
namespace {

class BatchRows : public RowStream {
 public:
  BatchRows(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::vector<NumberedFile> files, std::vector<InputFile> inputs,
            std::shared_ptr<std::atomic<bool>> schema_evolved, std::optional<QuarantineLoad> load, std::shared_ptr<FileRetries> retries)
      : definition_(definition),
        ledger_(std::move(ledger)),
        files_(std::move(files)),
        inputs_(std::move(inputs)),
        schema_evolved_(std::move(schema_evolved)),
        load_(std::move(load)),
        retries_(std::move(retries)) {}

  Status Open(FileScan scan, std::shared_ptr<FileScanStats> stats) {
    stats_ = stats;
    if (retries_) alone_ = scan;
    if (stats_ != nullptr) scan.outcomes = stats_->outcomes = std::make_shared<FileOutcomes>(inputs_.size());
    if (load_) scan.bad_records = bad_ = std::make_shared<QuarantineRows>(inputs_);
    Result<RowStreamPtr> rows = definition_.format->Read(inputs_, scan, std::move(stats));
    if (!rows.ok()) return Learn(rows.status(), /*is_pulled=*/false);
    rows_ = std::move(*rows);
    return Status();
  }
  const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
  Result<RecordBatchPtr> Next() override {
    {
      std::lock_guard lock(mutex_);
      ++reading_;
    }
    Result<RecordBatchPtr> batch = rows_->Next();
    bool is_last = false;
    {
      std::lock_guard lock(mutex_);
      is_last = --reading_ == 0;
    }
    if (!batch.ok()) return Learn(batch.status(), /*is_pulled=*/true);
    // Before the sink has the batch: once it does, nobody would read the files again to find out.
    if (*batch == nullptr) {
      MS_RETURN_IF_ERROR(RecordOutcomes());
      // The others that pull may still be at their last rows; the one that ends last has seen all.
      if (is_last) MS_RETURN_IF_ERROR(Finish());
    }
    return batch;
  }

 private:
  // Several readers come to the end: what the last of them records is complete.
  Status RecordOutcomes() {
    std::lock_guard lock(mutex_);
    if (stats_ == nullptr || files_.empty()) return Status();
    // By number: between them may be those of files that were taken back before their batch ran.
    const int64_t first = files_.front().number;
    std::vector<FileCounts> counts(static_cast<size_t>(files_.back().number - first + 1));
    for (size_t i = 0; i < files_.size(); ++i) {
      const FileOutcomes::Counts& file = stats_->outcomes->of(static_cast<int32_t>(i));
      counts[static_cast<size_t>(files_[i].number - first)] = {.rows = file.rows, .rejected = file.rejected + file.quarantined, .malformed = file.malformed, .rescued = file.rescued};
    }
    if (counts != counts_) MS_RETURN_IF_ERROR(ledger_->RecordCounts(first - 1, counts));
    counts_ = std::move(counts);
    return RecordSkipped();
  }

  Status RecordSkipped() {
    if (stats_->files_skipped.load() == static_cast<int64_t>(recorded_.size())) return Status();
    for (const FileOutcomes::Skipped& skipped : stats_->outcomes->skipped()) {
      const std::string& path = inputs_[static_cast<size_t>(skipped.file)].path;
      auto file = std::find_if(files_.begin(), files_.end(), [&](const NumberedFile& known) { return known.path == path; });
      if (file == files_.end() || !recorded_.insert(file->number).second) continue;
      using Skipped = FileFate::Skipped;
      MS_ASSIGN_OR_RETURN(std::optional<FileFate> known, ledger_->FindFate(file->number));
      FileFate fate = known.value_or(FileFate());
      fate.skipped = skipped.is_missing ? Skipped::kMissing : Skipped::kCorrupted;
      fate.reason = skipped.reason;
      MS_RETURN_IF_ERROR(ledger_->RecordFate(file->number, fate));
    }
    return ledger_->Sync();
  }

  // What was counted agrees, and the bad records are kept.
  Status Finish() {
    std::lock_guard lock(mutex_);
    if (is_finished_ || stats_ == nullptr) return Status();
    MS_RETURN_IF_ERROR(stats_->CheckCounts(bad_.get()));
    if (bad_ != nullptr) {
      for (const FileOutcomes::Skipped& skipped : stats_->outcomes->skipped()) {
        if (!skipped.is_missing) bad_->AddFile(inputs_[static_cast<size_t>(skipped.file)], skipped.reason);
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
    const bool restarts = definition_.evolution_mode == SchemaEvolutionMode::kAddNewColumns;
    const bool goes_on = definition_.evolution_mode == SchemaEvolutionMode::kAddNewColumnsWithoutRestart;
    if ((!restarts && !goes_on) || !definition_.schema_location) return failure;
    Result<bool> evolved = EvolveSchema(definition_.fs, *definition_.schema_location, *definition_.format, definition_.options.schema_hints, inputs_);
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
  const std::optional<QuarantineLoad> load_;
  const std::shared_ptr<FileRetries> retries_;  // null: what cannot be read ends the query
  FileScan alone_;                              // how one file is read
  std::shared_ptr<QuarantineRows> bad_;  // null without `load_`
  RowStreamPtr rows_;
  std::mutex mutex_;
  std::shared_ptr<FileScanStats> stats_;
  std::optional<Status> learned_;   // GUARDED_BY(mutex_)
  std::set<int64_t> recorded_;      // GUARDED_BY(mutex_)
  std::vector<FileCounts> counts_;  // GUARDED_BY(mutex_), as recorded
  int reading_ = 0;                 // GUARDED_BY(mutex_): calls of Next under way
  bool is_finished_ = false;        // GUARDED_BY(mutex_)
};

// A column that no hint speaks of; hints are applied again behind this.
StructType Widened(const StructType& schema, const StructType& found) {
  std::vector<StructField> fields = schema.fields();
  for (StructField& field : fields) {
    std::optional<size_t> at = found.IndexOf(field.name);
    if (!at) continue;
    const DataType& type = found[*at].type;
    if (CanWiden(field.type, type)) field.type = type;
    if (field.type.id() == TypeId::kStruct && type.id() == TypeId::kStruct) field.type = DataType::Struct(Widened(field.type.fields(), type.fields()));
  }
  return StructType(std::move(fields));
}

}  // namespace

Result<RowStreamPtr> ReadBatchRows(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::vector<NumberedFile> files,
                                   std::vector<InputFile> inputs, const FileScan& scan, std::shared_ptr<FileScanStats> stats,
                                   std::shared_ptr<std::atomic<bool>> schema_evolved, std::optional<QuarantineLoad> load,
                                   std::shared_ptr<FileRetries> retries) {
  auto rows = std::make_unique<BatchRows>(definition, std::move(ledger), std::move(files), std::move(inputs), std::move(schema_evolved), std::move(load),
                                          std::move(retries));
  MS_RETURN_IF_ERROR(rows->Open(scan, std::move(stats)));
  return RowStreamPtr(std::move(rows));
}

Result<bool> EvolveSchema(Fs& fs, const std::string& schema_location, const FileFormat& format, const std::vector<SchemaHint>& hints,
                          const std::vector<InputFile>& files, bool widens) {
  SchemaLog log(fs, schema_location);
  constexpr int kRacesMax = 100;
  for (int race = 0; race < kRacesMax; ++race) {
    MS_ASSIGN_OR_RETURN(std::optional<SchemaVersion> latest, log.Latest());
    SchemaVersion next = latest.value_or(SchemaVersion{.number = -1});
    StructType known = next.data;
    // Columns that the path gives are not new, whatever the files say of them.
    for (const StructField& column : next.partition) {
      if (!known.IndexOf(column.name)) known.Add(column);
    }
    MS_ASSIGN_OR_RETURN(StructType merged, format.MergeNewFields(files, known));
    if (widens) {
      MS_ASSIGN_OR_RETURN(StructType found, format.InferSchema(files));
      merged = Widened(merged, found);
    }
    StructType data;
    for (const StructField& field : merged) {
      if (!next.partition.IndexOf(field.name)) data.Add(field);
    }
    std::vector<SchemaHint> data_hints = hints;
    std::erase_if(data_hints, [&](const SchemaHint& hint) { return next.partition.IndexOf(hint.path[0]).has_value(); });
    data = ApplySchemaHints(data, data_hints);
    if (data == next.data) return false;  // another query, or this batch before a crash, has done it
    next.data = std::move(data);
    ++next.number;
    MS_ASSIGN_OR_RETURN(bool added, log.Add(next));
    if (added) return true;
  }
  return Status::Internal("the schema log " + log.directory() + " changes all the time");
}

}  // namespace millstream
