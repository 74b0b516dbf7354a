#include "connectors/files/batch_rows.h"

#include <mutex>

#include "connectors/files/files_errors.h"
#include "formats/formats_errors.h"

namespace millstream {
namespace {

class BatchRows : public RowStream {
 public:
  BatchRows(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::vector<NumberedFile> files, std::vector<InputFile> inputs)
      : definition_(definition), ledger_(std::move(ledger)), files_(std::move(files)), inputs_(std::move(inputs)) {}

  Status Open(const FileScan& scan, std::shared_ptr<FileScanStats> stats) {
    Result<RowStreamPtr> rows = definition_.format->Read(inputs_, scan, std::move(stats));
    if (!rows.ok()) return Learn(rows.status());
    rows_ = std::move(*rows);
    return Status();
  }
  const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
  Result<RecordBatchPtr> Next() override {
    Result<RecordBatchPtr> batch = rows_->Next();
    if (batch.ok()) return batch;
    return Learn(batch.status());
  }

 private:
  // Several readers may fail at a time; one of them does it for all.
  Status Learn(Status failure) {
    std::lock_guard lock(mutex_);
    if (learned_) return failure;
    if (failure.Is(errors::kNewFieldsInFile) && definition_.evolution_mode == SchemaEvolutionMode::kAddNewColumns && definition_.schema_location) {
      learned_ = true;
      Status evolved = EvolveSchema(definition_.fs, *definition_.schema_location, *definition_.format, definition_.options.schema_hints, inputs_);
      if (!evolved.ok()) return std::move(evolved).While("while adding new columns to the schema of " + HadoopPathString(definition_.glob.pattern()));
      // The plan has the old columns: the next start of the query takes the new ones, another run of this batch would fail again.
      return failure;
    }
    if (failure.Is(errors::kSourceFileChanged)) {
      learned_ = true;
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
    return failure;
  }

  const CloudFilesDefinition definition_;
  std::shared_ptr<FileLedger> ledger_;
  const std::vector<NumberedFile> files_;
  const std::vector<InputFile> inputs_;
  RowStreamPtr rows_;
  std::mutex mutex_;
  bool learned_ = false;  // GUARDED_BY(mutex_)
};

}  // namespace

Result<RowStreamPtr> ReadBatchRows(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::vector<NumberedFile> files,
                                   std::vector<InputFile> inputs, const FileScan& scan, std::shared_ptr<FileScanStats> stats) {
  auto rows = std::make_unique<BatchRows>(definition, std::move(ledger), std::move(files), std::move(inputs));
  MS_RETURN_IF_ERROR(rows->Open(scan, std::move(stats)));
  return RowStreamPtr(std::move(rows));
}

Status EvolveSchema(Fs& fs, const std::string& schema_location, const FileFormat& format, const std::vector<SchemaHint>& hints,
                    const std::vector<InputFile>& files) {
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
    StructType data;
    for (const StructField& field : merged) {
      if (!next.partition.IndexOf(field.name)) data.Add(field);
    }
    std::vector<SchemaHint> data_hints = hints;
    std::erase_if(data_hints, [&](const SchemaHint& hint) { return next.partition.IndexOf(hint.path[0]).has_value(); });
    data = ApplySchemaHints(data, data_hints);
    if (data == next.data) return Status();  // another query, or this batch before a crash, has done it
    next.data = std::move(data);
    ++next.number;
    MS_ASSIGN_OR_RETURN(bool added, log.Add(next));
    if (added) return Status();
  }
  return Status::Internal("the schema log " + log.directory() + " changes all the time");
}

}  // namespace millstream
