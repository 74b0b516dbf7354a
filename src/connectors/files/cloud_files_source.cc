#include "connectors/files/cloud_files_source.h"

#include <algorithm>

#include "connectors/files/batch_rows.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/partition_paths.h"
#include "formats/archive.h"
#include "formats/decompressor.h"
#include "connectors/files/schema_evolution.h"
#include "connectors/files/schema_versions.h"
#include "formats/formats_errors.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

constexpr char kExistingNoted[] = "existing files noted";
constexpr char kSpillDirectory[] = "known";  // beside the ledger
// How recently a file must have changed, when it was found, for its size to be looked at again before it is read: its writer may not have ended.
constexpr int64_t kYoungMs = 2000;
// How many files cleanSource removes in one go, so that the next batch does not wait for it.
constexpr int64_t kCleanedAtOnce = 1000;

}  // namespace

CloudFilesSource::CloudFilesSource(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, WaitingFiles waiting, RequestTaker requests,
                                   FileAgeLimit age_limit, std::string number)
    : definition_(definition),
      ledger_(std::move(ledger)),
      waiting_(std::move(waiting)),
      discovery_(definition_.fs, definition_.clock, ledger_, definition_.discovery_options(), waiting_.has_order() ? &waiting_ : nullptr),
      requests_(std::move(requests)),
      age_limit_(std::move(age_limit)),
      can_retract_(Status::Internal("nobody has said whether rows can be taken back")),
      batches_from_(ledger_->last_number()),
      number_(std::move(number)) {}

Result<std::unique_ptr<CloudFilesSource>> CloudFilesSource::Create(const CloudFilesDefinition& definition, const std::string& directory) {
  MS_ASSIGN_OR_RETURN(std::shared_ptr<FileLedger> ledger, FileLedger::Open(definition.fs, JoinPath(directory, "rocksdb")));
  const RequestTakerOptions taking{.identity_by_content = definition.options.identity_by_content,
                                   .load_empty_files = definition.format->reads_empty_files(),
                                   .keeps_versions = definition.options.changed_files == ChangedFiles::kAppended ||
                                                     definition.options.changed_files == ChangedFiles::kContinued};
  MS_ASSIGN_OR_RETURN(RequestTaker requests, RequestTaker::Create(definition.fs, definition.clock, ledger, directory, taking));
  MS_ASSIGN_OR_RETURN(FileAgeLimit age_limit, FileAgeLimit::Create(definition.fs, definition.clock, ledger, definition.options.max_file_age_ms));
  MS_ASSIGN_OR_RETURN(WaitingFiles waiting, WaitingFiles::Open(definition.fs, ledger, definition.options.file_order));
  std::unique_ptr<CloudFilesSource> source(
      new CloudFilesSource(definition, std::move(ledger), std::move(waiting), std::move(requests), std::move(age_limit), std::string(BaseName(directory))));
  source->discovery_.set_oldest_ns(source->age_limit_.oldest_ns());
  if (definition.quarantine) MS_RETURN_IF_ERROR(definition.quarantine->Prepare());
  MS_ASSIGN_OR_RETURN(source->cleaner_,
                      LoadedFileCleaner::Create(definition.fs, definition.clock, source->ledger_, definition.options.clean_source, definition.glob));
  MS_ASSIGN_OR_RETURN(source->retries_, FileRetries::Create(definition.fs, definition.clock, source->ledger_, definition.options.file_retries_max,
                                                               definition.options.identity_by_content));
  MS_ASSIGN_OR_RETURN(source->mirror_,
                      SourceMirror::Create(definition.fs, definition.clock, source->ledger_, directory, definition.options.deleted_files, definition.glob));
  MS_RETURN_IF_ERROR(source->NoteSource());
  if (!definition.options.include_existing_files && source->ledger_->last_number() == 0) {
    MS_ASSIGN_OR_RETURN(std::string noted, source->ledger_->GetNote(kExistingNoted));
    if (noted.empty()) {
      // The note comes last: killed before it, the next start notes again what is there then.
      MS_RETURN_IF_ERROR(source->discovery_.SweepEverything(FileState::kExisting));
      MS_RETURN_IF_ERROR(source->ledger_->Sync());
      MS_RETURN_IF_ERROR(source->ledger_->PutNote(kExistingNoted, "1"));
    }
  }
  MS_RETURN_IF_ERROR(source->NoteKnown(JoinPath(directory, kSpillDirectory)));
  return source;
}

std::string CloudFilesSource::description() const { return "CloudFilesSource[" + HadoopPathString(definition_.glob.pattern()) + "]"; }

Status CloudFilesSource::CheckLedgerReaches(const CloudFilesOffset& offset) const {
  auto behind = [&](int64_t wanted, int64_t known) {
    return Status::Error(errors::kLedgerBehindCheckpoint, {{"wanted", std::to_string(wanted)}, {"known", std::to_string(known)}, {"path", ledger_->directory()}});
  };
  if (offset.number > ledger_->last_number()) return behind(offset.number, ledger_->last_number());
  return offset.request > requests_.taken() ? behind(offset.request, requests_.taken()) : Status();
}

Result<std::optional<StreamOffset>> CloudFilesSource::LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) {
  MS_ASSIGN_OR_RETURN(const CloudFilesOffset from, DecodeCloudFilesOffset(start));
  const int64_t after = from.number;
  MS_RETURN_IF_ERROR(CheckLedgerReaches(from));
  planned_through_ = std::max(planned_through_, after);
  MS_RETURN_IF_ERROR(TakeRequests(after));
  MS_RETURN_IF_ERROR(AskForGoneFiles(after, frozen_at_ || limit.all));
  MS_RETURN_IF_ERROR(age_limit_.ForgetSome(cleaner_ ? std::min(committed_through_, cleaner_->done_through()) : committed_through_));
  discovery_.set_oldest_ns(age_limit_.oldest_ns());
  if (!frozen_at_) {
    if (retries_) MS_RETURN_IF_ERROR(retries_->TryDue());
    MS_RETURN_IF_ERROR(Discover(after, limit.all));
  }
  MS_RETURN_IF_ERROR(NumberNext(after, limit.all));
  MS_ASSIGN_OR_RETURN(int64_t end, PlanEnd(after, limit.all));
  if (retries_) end = retries_->EndOf(after, end);
  if (end <= after && requests_.taken() == from.request) {
    MS_RETURN_IF_ERROR(CleanSource(/*all=*/frozen_at_ && definition_.options.clean_source.waits));
    return std::optional<StreamOffset>();
  }
  // From here on the engine may log this offset: the numbers must outlive a power cut before it does.
  MS_RETURN_IF_ERROR(ledger_->Sync());
  planned_through_ = std::max(planned_through_, end);
  backlog_.BeginBatch(definition_.clock.MonotonicMicros());
  return std::optional(EncodeCloudFilesOffset({.number = end, .request = requests_.taken()}));
}

// What users ask for holds for files as they are between two batches: `loaded` are in the sink, the others wait.
Status CloudFilesSource::TakeRequests(int64_t loaded) {
  const int64_t taken_before = requests_.taken();
  MS_ASSIGN_OR_RETURN(bool has_forgotten, requests_.Take(loaded, frozen_at_ ? frozen_request_ : INT64_MAX, can_retract_));
  if (has_forgotten) discovery_.ListAgain();
  // Files that were asked about have got numbers.
  if (requests_.taken() != taken_before && waiting_.count() > 0) {
    MS_ASSIGN_OR_RETURN(waiting_, WaitingFiles::Open(definition_.fs, ledger_, definition_.options.file_order));
  }
  if (!frozen_at_ || requests_.taken() == taken_before) return Status();
  // What the requests load again has numbers beyond those that there were.
  if (has_forgotten) {
    MS_RETURN_IF_ERROR(discovery_.SweepEverything());
    MS_RETURN_IF_ERROR(waiting_.NumberAll());
  }
  frozen_at_ = ledger_->last_number();
  return Status();
}

// A batch takes some of them; the next look finds the others.
Status CloudFilesSource::AskForGoneFiles(int64_t loaded, bool waits) {
  if (!mirror_ || is_mirrored_) return Status();
  MS_ASSIGN_OR_RETURN(int64_t asked, mirror_->Look(loaded, requests_.taken(), waits));
  if (asked == 0) {
    is_mirrored_ = frozen_at_.has_value();
    return Status();
  }
  frozen_request_ = std::max(frozen_request_, asked);
  // One of these names may have come back since.
  if (!frozen_at_) discovery_.ListAgain();
  return TakeRequests(loaded);
}

Result<std::vector<NumberedFile>> CloudFilesSource::FilesOf(int64_t after, int64_t through) const {
  MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, ledger_->Files(after, through));
  if (static_cast<int64_t>(files.size()) != through - after) {
    return Status::Error(errors::kLedgerForeign, {{"path", ledger_->directory()},
                                                  {"detail", "of the files " + std::to_string(after + 1) + " to " + std::to_string(through) + " it has " +
                                                                 std::to_string(files.size())}});
  }
  MS_ASSIGN_OR_RETURN(auto fates, ledger_->Fates(after, through));
  auto fate = fates.begin();
  std::erase_if(files, [&](const NumberedFile& file) {
    while (fate != fates.end() && fate->first < file.number) ++fate;
    return fate != fates.end() && fate->first == file.number && fate->second.is_left_out();
  });
  return files;
}

// Files that wait in an order get their numbers as the next batch has room for them.
Status CloudFilesSource::NumberNext(int64_t after, bool all) {
  if (waiting_.count() == 0 || frozen_at_) return Status();
  if (all) {
    MS_RETURN_IF_ERROR(waiting_.NumberAll());
  } else {
    const int64_t last = ledger_->last_number();
    MS_ASSIGN_OR_RETURN(BatchPlan plan, PlanNumbered(after, last));
    if (plan.files() < last - after) return Status();
    MS_RETURN_IF_ERROR(waiting_.NumberWhile([&](int64_t size_bytes) {
      if (!plan.Takes(size_bytes)) return false;
      plan.Take(size_bytes);
      return true;
    }));
  }
  for (const std::string& directory : waiting_.TakeGone()) discovery_.LookAgain(directory);
  return Status();
}

Status CloudFilesSource::PrepareForTriggerAvailableNow() {
  if (retries_) MS_RETURN_IF_ERROR(retries_->TryDue());
  MS_RETURN_IF_ERROR(discovery_.SweepEverything());
  // Nothing comes in between any more: this is their order.
  MS_RETURN_IF_ERROR(waiting_.NumberAll());
  MS_RETURN_IF_ERROR(ledger_->Sync());
  frozen_at_ = ledger_->last_number();
  // They are taken later: a batch that an earlier process has logged runs first, as it was planned.
  MS_ASSIGN_OR_RETURN(frozen_request_, requests_.Newest());
  is_listed_ = true;
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

Status CloudFilesSource::TakeParts(std::vector<NumberedFile>& files, std::vector<std::shared_ptr<const std::string>>& texts) {
  auto is_set = [&](const char* name) {
    auto option = definition_.reader_options.find(name);
    return option != definition_.reader_options.end() && ParseBool(option->second).value_or(false);
  };
  std::optional<PartReader::Header> header;
  if (definition_.options.format == "csv" && is_set("header")) {
    auto comment = definition_.reader_options.find("comment");
    header = {.comment = comment == definition_.reader_options.end() || comment->second.empty() ? '\0' : comment->second[0]};
  }
  const PartReader reader(definition_.fs, header);
  std::vector<std::optional<FilePart>> parts(files.size());  // nullopt: it is read as a whole, or the reader says that it is gone
  for (size_t i = 0; i < files.size(); ++i) {
    if (CodecOfPath(files[i].path) != Codec::kNone || (is_set("archiveMembers") && IsArchivePath(files[i].path))) continue;
    MS_ASSIGN_OR_RETURN(parts[i], ledger_->FindPart(files[i].number));
    if (parts[i] && parts[i]->is_planned()) continue;
    Result<FilePart> planned = reader.Plan(files[i].path, parts[i].value_or(FilePart()));
    parts[i].reset();
    if (planned.status().Is(errors::kFileNotFound)) continue;
    MS_RETURN_IF_ERROR(planned.status());
    parts[i] = *std::move(planned);
    MS_RETURN_IF_ERROR(ledger_->RecordPart(files[i].number, *parts[i]));
  }
  // From here on these are the batch's lines, also when it runs again.
  MS_RETURN_IF_ERROR(ledger_->Sync());
  MS_FAILPOINT("files.part.after_sync");
  std::vector<NumberedFile> kept;
  for (size_t i = 0; i < files.size(); ++i) {
    std::shared_ptr<const std::string> text;
    if (parts[i]) {
      MS_ASSIGN_OR_RETURN(std::optional<std::string> read, reader.Read(files[i].path, *parts[i]));
      if (!read && !is_set("ignoreMissingFiles")) return Status::Error(errors::kSourceFileMissing, {{"path", UriFromPath(files[i].path)}});
      if (!read) {
        MS_ASSIGN_OR_RETURN(FileFate fate, ledger_->FateOf(files[i].number));
        fate.skipped = FileFate::Skipped::kMissing;
        fate.reason = "its bytes " + std::to_string(parts[i]->start) + " to " + std::to_string(parts[i]->end) + " were gone before they were read";
        MS_RETURN_IF_ERROR(ledger_->RecordFate(files[i].number, fate));
      }
      if (!read || read->empty()) continue;
      text = std::make_shared<const std::string>(*std::move(read));
    }
    kept.push_back(std::move(files[i]));
    texts.push_back(std::move(text));
  }
  files = std::move(kept);
  return Status();
}

Result<RowStreamPtr> CloudFilesSource::ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) {
  MS_ASSIGN_OR_RETURN(const CloudFilesOffset from, DecodeCloudFilesOffset(start));
  MS_ASSIGN_OR_RETURN(const CloudFilesOffset to, DecodeCloudFilesOffset(end));
  MS_RETURN_IF_ERROR(CheckLedgerReaches(to));
  const int64_t after = from.number, through = to.number;
  MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, FilesOf(after, through));
  planned_through_ = std::max(planned_through_, through);
  MS_RETURN_IF_ERROR(TakeCurrentSizes(files, /*all=*/through <= batches_from_));
  // A batch of requests alone has no number of its own.
  if (through > after) MS_RETURN_IF_ERROR(ledger_->RecordBatch(through, {.after = after, .processed_ms = definition_.clock.WallMillis()}));
  std::vector<std::shared_ptr<const std::string>> texts;
  if (definition_.options.changed_files == ChangedFiles::kContinued) MS_RETURN_IF_ERROR(TakeParts(files, texts));

  std::vector<InputFile> inputs;
  inputs.reserve(files.size());
  std::vector<std::string> names;
  names.reserve(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    const NumberedFile& file = files[i];
    InputFile input{.path = file.path, .size_bytes = file.size_bytes, .modified_ns = file.modified_ns};
    if (i < texts.size() && texts[i]) {
      input.content = texts[i];
      input.size_bytes = static_cast<int64_t>(texts[i]->size());
    }
    if (!definition_.partition_schema.empty()) {
      input.partition_values = PartitionValuesFor(definition_.partition_schema, PartitionsOf(definition_.glob.base(), file.path));
    }
    names.push_back(file.path);
    inputs.push_back(std::move(input));
  }
  source_files_ = std::make_shared<const std::vector<std::string>>(std::move(names));
  MS_RETURN_IF_ERROR(FollowSchema(inputs));
  stats_ = std::make_shared<FileScanStats>();
  if (definition_.options.zero_copy) definition_.whole_files = std::make_shared<WholeFiles>(*definition_.options.zero_copy);
  std::optional<QuarantineLoad> load;
  if (definition_.quarantine) load = LoadNow();
  return ReadBatchRows(definition_, ledger_, std::move(files), std::move(inputs), definition_.scan(needs.columns), stats_, schema_evolved_, CurrentBatch(),
                       std::move(load), retries_);
}

Status CloudFilesSource::FollowSchema(const std::vector<InputFile>& inputs) {
  if (!definition_.schema_location) return Status();
  MS_RETURN_IF_ERROR(FollowRevert());
  if (inputs.empty() || (!definition_.looks_before_reading() && !HasNewPartitions(definition_, inputs))) return Status();
  // Which values are too wide, and which of the new ones are let in, only a look at all of them tells: then files are read twice.
  MS_RETURN_IF_ERROR(EvolveSchema(definition_, inputs, CurrentBatch()).status());
  MS_ASSIGN_OR_RETURN(std::string changes, NewAndWiderColumns());
  return changes.empty() ? Status() : EndOrGoOn(Status::Error(errors::kNewFieldsInFile, {{"unknownFields", std::move(changes)}}));
}

// Columns that were taken back do not come into the table any more, also while the query runs.
Status CloudFilesSource::FollowRevert() {
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> latest, reverts_.Look(definition_.fs, definition_.clock, *definition_.schema_location, *definition_.schema_number));
  if (!latest) return Status();
  return EndOrGoOn(Status::Error(errors::kSchemaReverted, {{"path", HadoopPathString(SchemaLog(definition_.fs, *definition_.schema_location).directory())},
                                                           {"running", std::to_string(*definition_.schema_number)},
                                                           {"latest", std::to_string(*latest)}}));
}

Status CloudFilesSource::EndOrGoOn(Status failure) {
  if (definition_.evolution_mode != SchemaEvolutionMode::kAddNewColumnsWithoutRestart) return failure;
  schema_evolved_->store(true);
  return std::move(failure).Retryable();
}

void CloudFilesSource::BeginBatch(const std::string& query_id, BatchId batch) {
  query_id_ = query_id;
  batch_ = batch;
}

QuarantineLoad CloudFilesSource::LoadNow() const {
  QuarantineLoad load{
      .loader = quarantine::kStreamLoader + query_id_ + (number_ == "0" ? "" : "/" + number_),
      .load_id = batch_.value(),
      .target = definition_.quarantine->target(),
      .row_target = definition_.row_target && !definition_.row_target->path.empty() ? std::optional(definition_.row_target->path) : std::nullopt,
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
  auto compare = [&](const StructType& before, const StructType& after) {
    for (const StructField& field : after) {
      std::optional<size_t> at = before.IndexOf(field.name);
      if (at && before[*at].type == field.type) continue;
      changes += (changes.empty() ? "" : ", ") + field.name;
      if (at) changes += " " + before[*at].type.Sql() + " -> " + field.type.Sql();
    }
  };
  compare(definition_.data_schema, newest.data_schema);
  compare(definition_.partition_schema, newest.partition_schema);
  return changes;
}

Status CloudFilesSource::Commit(const StreamOffset& end) {
  MS_ASSIGN_OR_RETURN(const CloudFilesOffset committed, DecodeCloudFilesOffset(end));
  MS_RETURN_IF_ERROR(CheckLedgerReaches(committed));
  MS_RETURN_IF_ERROR(requests_.Remove(committed.request));
  const int64_t through = committed.number;
  if (through == 0) return Status();
  MS_ASSIGN_OR_RETURN(auto batch, ledger_->FindBatch(through));
  if (through > committed_through_ && (!batch || batch->second.committed_ms == 0)) {
    BatchRecord record = batch ? batch->second : BatchRecord{.after = committed_through_};
    record.committed_ms = definition_.clock.WallMillis();
    MS_RETURN_IF_ERROR(ledger_->RecordBatch(through, record));
  }
  if (definition_.options.identity_by_content && through > committed_through_) {
    MS_ASSIGN_OR_RETURN(auto fates, ledger_->Fates(committed_through_, through));
    for (const auto& [number, fate] : fates) {
      MS_ASSIGN_OR_RETURN(const bool is_given_up, ledger_->IsGivenUp(number));
      if (is_given_up) discovery_.LookAtDuplicates();
    }
  }
  if (through > committed_through_) {
    Result<int64_t> bytes = ledger_->BytesBetween(committed_through_ == 0 && batch ? batch->second.after : committed_through_, through);
    backlog_.EndBatch(definition_.clock.MonotonicMicros(), bytes.ok() ? *bytes : 0, through < ledger_->last_number() || waiting_.count() > 0);
  }
  committed_through_ = std::max(committed_through_, through);
  if (retries_) MS_RETURN_IF_ERROR(retries_->Committed(through));
  return CleanSource(/*all=*/false);
}

Status CloudFilesSource::CleanSource(bool all) {
  if (!cleaner_) return Status();
  // What was asked for may need files that are due.
  MS_ASSIGN_OR_RETURN(int64_t newest, requests_.Newest());
  if (newest > requests_.taken()) return Status();
  MS_ASSIGN_OR_RETURN(bool done, cleaner_->Clean(committed_through_, all ? INT64_MAX / 2 : kCleanedAtOnce));
  MS_CHECK(done || !all);
  return Status();
}

int64_t CloudFilesSource::rows_read() const { return stats_ == nullptr ? 0 : stats_->rows_out.load(); }

std::map<std::string, std::string> CloudFilesSource::metrics() const {
  int64_t last = ledger_->last_number();
  Result<int64_t> bytes = ledger_->BytesBetween(planned_through_, last);
  if (bytes.ok()) *bytes += waiting_.bytes();
  const DiscoveryCounts& counts = discovery_.counts();
  std::map<std::string, std::string> metrics = {{"numFilesOutstanding", std::to_string(std::max<int64_t>(0, last - planned_through_) + waiting_.count())},
                                                {"numBytesOutstanding", std::to_string(bytes.ok() ? *bytes : 0)},
                                                {"backlogIsComplete", is_listed_ ? "true" : "false"}};
  if (std::optional<int64_t> rate = backlog_.BytesPerSecond()) metrics["backlogBytesPerSecond"] = std::to_string(*rate);
  if (std::optional<int64_t> seconds = bytes.ok() ? backlog_.SecondsFor(*bytes) : std::nullopt) metrics["estimatedSecondsToFinish"] = std::to_string(*seconds);
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
  add("numFilesTooOld", counts.too_old);
  add("numFilesForgotten", age_limit_.forgotten());
  add("numFilesUndone", undone_);
  add("numFilesReplaced", replaced_);
  add("numFilesRemoved", removed_);
  add("numFilesUnsettled", counts.unsettled);
  add("numDirectoriesShared", counts.directories_shared);
  add("numLooksShared", discovery_.looks_shared());
  add("numFilesDuplicate", counts.duplicates);
  if (retries_) {
    add("numFilesDeferred", retries_->waiting());
    add("numFilesFailed", retries_->failed());
  }
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
  if (definition_.whole_files != nullptr && stats_ != nullptr) {
    metrics["numFilesRegistered"] = std::to_string(definition_.whole_files->taken());
    const std::string refusals = definition_.whole_files->Refusals(stats_->files_read.load());
    if (!refusals.empty()) metrics["filesNotRegistered"] = refusals;
  }
  return metrics;
}

}  // namespace millstream
