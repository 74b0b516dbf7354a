#include "connectors/files/cloud_files_source.h"

#include "connectors/files/batch_rows.h"
#include "connectors/files/cloud_files_offset.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/partition_paths.h"
#include "formats/formats_errors.h"

namespace millstream {
namespace {

constexpr char kExistingNoted[] = "existing files noted";
// How recently a file must have changed, when it was found, for its size to be looked at again before it is read: its writer may not have ended.
constexpr int64_t kYoungMs = 2000;
// How many files cleanSource removes in one go, so that the next batch does not wait for it.
constexpr int64_t kCleanedAtOnce = 1000;

}  // namespace

CloudFilesSource::CloudFilesSource(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::string number)
    : definition_(definition),
      ledger_(std::move(ledger)),
      discovery_(definition_.fs, definition_.clock, ledger_, definition_.discovery_options()),
      batches_from_(ledger_->last_number()),
      number_(std::move(number)) {}

Result<std::unique_ptr<CloudFilesSource>> CloudFilesSource::Create(const CloudFilesDefinition& definition, const std::string& directory) {
  MS_ASSIGN_OR_RETURN(std::shared_ptr<FileLedger> ledger, FileLedger::Open(definition.fs, JoinPath(directory, "rocksdb")));
  std::unique_ptr<CloudFilesSource> source(new CloudFilesSource(definition, std::move(ledger), std::string(BaseName(directory))));
  if (definition.quarantine) MS_RETURN_IF_ERROR(definition.quarantine->Prepare());
  MS_ASSIGN_OR_RETURN(source->cleaner_,
                      LoadedFileCleaner::Create(definition.fs, definition.clock, source->ledger_, definition.options.clean_source, definition.glob));
  if (!definition.options.include_existing_files && source->ledger_->last_number() == 0) {
    MS_ASSIGN_OR_RETURN(std::string noted, source->ledger_->GetNote(kExistingNoted));
    if (noted.empty()) {
      // The note comes last: killed before it, the next start notes again what is there then.
      MS_RETURN_IF_ERROR(source->discovery_.SweepEverything(FileState::kExisting));
      MS_RETURN_IF_ERROR(source->ledger_->Sync());
      MS_RETURN_IF_ERROR(source->ledger_->PutNote(kExistingNoted, "1"));
    }
  }
  return source;
}

std::string CloudFilesSource::description() const { return "CloudFilesSource[" + HadoopPathString(definition_.glob.pattern()) + "]"; }

Status CloudFilesSource::CheckLedgerReaches(int64_t number) const {
  if (number <= ledger_->last_number()) return Status();
  return Status::Error(errors::kLedgerBehindCheckpoint,
                       {{"wanted", std::to_string(number)}, {"known", std::to_string(ledger_->last_number())}, {"path", ledger_->directory()}});
}

Result<std::optional<StreamOffset>> CloudFilesSource::LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) {
  int64_t after = 0;
  if (start) {
    MS_ASSIGN_OR_RETURN(after, DecodeCloudFilesOffset(*start));
  }
  MS_RETURN_IF_ERROR(CheckLedgerReaches(after));
  planned_through_ = std::max(planned_through_, after);
  if (!frozen_at_) MS_RETURN_IF_ERROR(Discover(after, limit.all));
  MS_ASSIGN_OR_RETURN(int64_t end, PlanEnd(after, limit.all));
  if (end <= after) {
    MS_RETURN_IF_ERROR(CleanSource(/*all=*/frozen_at_ && definition_.options.clean_source.waits));
    return std::optional<StreamOffset>();
  }
  // From here on the engine may log this offset: the numbers must outlive a power cut before it does.
  MS_RETURN_IF_ERROR(ledger_->Sync());
  planned_through_ = std::max(planned_through_, end);
  return std::optional(EncodeCloudFilesOffset(end));
}

// Looks until the next batch can be filled: the first batch of a million files need not wait for all of them.
Status CloudFilesSource::Discover(int64_t after, bool all) {
  for (;;) {
    MS_ASSIGN_OR_RETURN(int64_t end, PlanEnd(after, all));
    bool filled = !all && end < ledger_->last_number();
    if (filled) return Status();
    int64_t chunk = all ? INT64_MAX : definition_.options.limits.files_max.value_or(1000);
    int64_t wanted = all ? INT64_MAX : ledger_->last_number() + chunk;
    MS_ASSIGN_OR_RETURN(bool ended, discovery_.Advance(wanted));
    if (ended) return Status();
  }
}

Result<int64_t> CloudFilesSource::PlanEnd(int64_t after, bool all) const {
  int64_t last = ledger_->last_number();
  if (frozen_at_) last = std::min(last, *frozen_at_);
  if (all || after >= last) return last;
  const BatchLimits& limits = definition_.options.limits;
  if (!limits.bytes_max) return limits.files_max ? std::min(last, after + *limits.files_max) : last;
  BatchPlan plan(limits);
  for (int64_t at = after; at < last && plan.WantsMore();) {
    constexpr int64_t kChunk = 256;
    MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, ledger_->Files(at, last, kChunk));
    if (files.empty()) break;
    for (const NumberedFile& file : files) {
      if (!plan.WantsMore()) break;
      plan.Take(file.size_bytes);
      at = file.number;
    }
  }
  return after + plan.files();
}

Status CloudFilesSource::PrepareForTriggerAvailableNow() {
  MS_RETURN_IF_ERROR(discovery_.SweepEverything());
  MS_RETURN_IF_ERROR(ledger_->Sync());
  frozen_at_ = ledger_->last_number();
  return Status();
}

Result<RelationSourcePtr> CloudFilesSource::EvolvedRelation() {
  if (!schema_evolved_->exchange(false)) return RelationSourcePtr();
  MS_RETURN_IF_ERROR(definition_.TakeLatestSchema());
  return RelationSourcePtr(std::make_shared<CloudFilesRelation>(definition_));
}

// A file that was young when it was found, or whose batch was planned by an earlier process, may have grown since.
Status CloudFilesSource::TakeCurrentSizes(std::vector<NumberedFile>& files, bool all) {
  std::vector<NumberedFile> changed;
  for (NumberedFile& file : files) {
    if (!all && file.discovered_ms - file.modified_ns / 1'000'000 > kYoungMs) continue;
    Result<FileInfo> info = definition_.fs.Stat(file.path);
    if (!info.ok() || (info->size_bytes == file.size_bytes && info->modified_ns == file.modified_ns)) continue;  // gone: the reader says so
    file.size_bytes = info->size_bytes;
    file.modified_ns = info->modified_ns;
    changed.push_back(file);
  }
  return changed.empty() ? Status() : ledger_->Refresh(changed);
}

Result<RowStreamPtr> CloudFilesSource::ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) {
  int64_t after = 0;
  if (start) {
    MS_ASSIGN_OR_RETURN(after, DecodeCloudFilesOffset(*start));
  }
  MS_ASSIGN_OR_RETURN(int64_t through, DecodeCloudFilesOffset(end));
  MS_RETURN_IF_ERROR(CheckLedgerReaches(through));
  MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, ledger_->Files(after, through));
  if (static_cast<int64_t>(files.size()) != through - after) {
    return Status::Error(errors::kLedgerForeign, {{"path", ledger_->directory()},
                                                  {"detail", "of the files " + std::to_string(after + 1) + " to " + std::to_string(through) + " it has " +
                                                                 std::to_string(files.size())}});
  }
  planned_through_ = std::max(planned_through_, through);
  MS_RETURN_IF_ERROR(TakeCurrentSizes(files, /*all=*/through <= batches_from_));
  MS_RETURN_IF_ERROR(ledger_->RecordBatch(through, {.after = after, .processed_ms = definition_.clock.WallMillis()}));

  std::vector<InputFile> inputs;
  inputs.reserve(files.size());
  for (const NumberedFile& file : files) {
    InputFile input{.path = file.path, .size_bytes = file.size_bytes, .modified_ns = file.modified_ns};
    if (!definition_.partition_schema.empty()) {
      input.partition_values = PartitionValuesFor(definition_.partition_schema, PartitionsOf(definition_.glob.base(), file.path));
    }
    inputs.push_back(std::move(input));
  }
  if (definition_.evolution_mode == SchemaEvolutionMode::kAddNewColumnsWithTypeWidening) {
    // Which values are too wide only a look at all of them tells: in this mode files are read twice.
    MS_ASSIGN_OR_RETURN(bool evolved, EvolveSchema(definition_.fs, *definition_.schema_location, *definition_.format, definition_.options.schema_hints, inputs,
                                                   /*widens=*/true));
    if (evolved) {
      MS_ASSIGN_OR_RETURN(std::string changes, NewAndWiderColumns());
      return Status::Error(errors::kNewFieldsInFile, {{"unknownFields", std::move(changes)}});
    }
  }
  stats_ = std::make_shared<FileScanStats>();
  std::optional<QuarantineLoad> load;
  if (definition_.quarantine) load = LoadNow();
  return ReadBatchRows(definition_, ledger_, std::move(files), std::move(inputs), definition_.scan(needs.columns), stats_, schema_evolved_, std::move(load));
}

void CloudFilesSource::BeginBatch(const std::string& query_id, BatchId batch) {
  query_id_ = query_id;
  batch_ = batch;
}

QuarantineLoad CloudFilesSource::LoadNow() const {
  QuarantineLoad load{.loader = quarantine::kStreamLoader + query_id_ + (number_ == "0" ? "" : "/" + number_),
                      .load_id = batch_.value(),
                      .target = definition_.quarantine->target(),
                      .format = definition_.options.format,
                      .options = definition_.reader_options,
                      .schema_id = definition_.schema_number,
                      .loaded_ms = definition_.clock.WallMillis()};
  if (!definition_.rescued_data_column.empty()) load.options["rescuedDataColumn"] = definition_.rescued_data_column;
  return load;
}

// What the newest schema has beyond this source's.
Result<std::string> CloudFilesSource::NewAndWiderColumns() const {
  CloudFilesDefinition newest = definition_;
  MS_RETURN_IF_ERROR(newest.TakeLatestSchema());
  std::string changes;
  for (const StructField& field : newest.data_schema) {
    std::optional<size_t> at = definition_.data_schema.IndexOf(field.name);
    if (at && definition_.data_schema[*at].type == field.type) continue;
    changes += (changes.empty() ? "" : ", ") + field.name;
    if (at) changes += " " + definition_.data_schema[*at].type.Sql() + " -> " + field.type.Sql();
  }
  return changes;
}

Status CloudFilesSource::Commit(const StreamOffset& end) {
  MS_ASSIGN_OR_RETURN(int64_t through, DecodeCloudFilesOffset(end));
  MS_RETURN_IF_ERROR(CheckLedgerReaches(through));
  if (through == 0) return Status();
  MS_ASSIGN_OR_RETURN(auto batch, ledger_->FindBatch(through));
  if (!batch || batch->second.committed_ms == 0) {
    BatchRecord record = batch ? batch->second : BatchRecord{.after = committed_through_};
    record.committed_ms = definition_.clock.WallMillis();
    MS_RETURN_IF_ERROR(ledger_->RecordBatch(through, record));
  }
  committed_through_ = std::max(committed_through_, through);
  return CleanSource(/*all=*/false);
}

Status CloudFilesSource::CleanSource(bool all) {
  if (!cleaner_) return Status();
  MS_ASSIGN_OR_RETURN(bool done, cleaner_->Clean(committed_through_, all ? INT64_MAX / 2 : kCleanedAtOnce));
  MS_CHECK(done || !all);
  return Status();
}

int64_t CloudFilesSource::rows_read() const { return stats_ == nullptr ? 0 : stats_->rows_out.load(); }

std::map<std::string, std::string> CloudFilesSource::metrics() const {
  int64_t last = ledger_->last_number();
  Result<int64_t> bytes = ledger_->BytesBetween(planned_through_, last);
  const DiscoveryCounts& counts = discovery_.counts();
  std::map<std::string, std::string> metrics = {{"numFilesOutstanding", std::to_string(std::max<int64_t>(0, last - planned_through_))},
                                                {"numBytesOutstanding", std::to_string(bytes.ok() ? *bytes : 0)}};
  auto add = [&](const char* name, int64_t count) {
    if (count > 0) metrics[name] = std::to_string(count);
  };
  add("numFilesHidden", counts.lister.hidden);
  add("numFilesUnfinished", counts.lister.unfinished);
  add("numFilesSpecial", counts.lister.special + counts.lister.symlink_loops + counts.lister.dangling);
  add("numFilesEmpty", counts.empty);
  add("numFilesGone", counts.gone);
  add("numFilesChanged", counts.changed);
  add("numFilesChangedIgnored", counts.changed_ignored);
  add("numFilesUnsettled", counts.unsettled);
  add("numFilesDuplicate", counts.duplicates);
  if (cleaner_) {
    add("numFilesCleaned", cleaner_->cleaned());
    add("numFilesNotCleaned", cleaner_->kept());
  }
  if (stats_ != nullptr) {
    add("numRowsRescued", stats_->rows_rescued.load());
    add("numRowsMalformed", stats_->rows_malformed.load());
    add("numRowsRejected", stats_->rows_rejected.load());
    add("numRowsQuarantined", stats_->rows_quarantined.load());
    add("numFilesSkipped", stats_->files_skipped.load());
  }
  return metrics;
}

}  // namespace millstream
