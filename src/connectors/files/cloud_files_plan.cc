#include "connectors/files/cloud_files_plan.h"

#include <algorithm>
#include <charconv>

#include "connectors/files/batch_pace.h"
#include "connectors/files/file_gone.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/known_files.h"
#include "connectors/files/ledger_view.h"
#include "connectors/files/read_files.h"

namespace millstream {
namespace {

constexpr char kCheckpoint[] = "checkpoint";

// What is listed, and how batches are cut.
struct Plan {
  Fs& fs;
  ListerOptions lister;
  BatchLimits limits;
  std::optional<int64_t> batch_duration_max_ms;
  FileOrder order = FileOrder::kDiscovery;
  bool takes_changed = false, takes_empty = false;
  std::optional<int64_t> modified_after_ns, modified_before_ns;
  std::string ledger;  // empty: there is none
  bool takes_existing = true;
  int64_t first_batch = 0;
  bool is_first_committed = true;  // else the batch before first_batch is run again
};

class PlanRows : public ReportRows {
 public:
  explicit PlanRows(const Plan& plan) : plan_(plan), batch_(plan.limits), number_(plan.first_batch) {}

  Status Begin() {
    if (!plan_.ledger.empty()) {
      MS_ASSIGN_OR_RETURN(view_, LedgerView::Open(plan_.fs, plan_.ledger));
      MS_ASSIGN_OR_RETURN(known_, OpenKnownFiles(plan_.fs, plan_.ledger));
    }
    if (plan_.takes_existing || !plan_.ledger.empty()) lister_ = std::make_unique<FileLister>(plan_.fs, plan_.lister, nullptr);
    return Status();
  }

  Result<std::optional<ReportRow>> Next() override {
    while (view_ != nullptr) {
      MS_ASSIGN_OR_RETURN(std::optional<LedgerFile> found, view_->Next());
      if (!found || found->state != FileState::kAssigned) {
        view_.reset();
        break;
      }
      if (found->batch && found->batch->committed_ms > 0) {
        NotePace(*found);
        continue;
      }
      if (found->fate.skipped != FileFate::Skipped::kNo) continue;
      const NumberedFile& file = found->file;
      if (found->batch && !plan_.is_first_committed) return Row(plan_.first_batch - 1, file.path, file.size_bytes, file.modified_ns, "PROCESSING");
      return Row(Take(file.size_bytes), file.path, file.size_bytes, file.modified_ns, "WAITING");
    }
    return NextNew();
  }

  const ListerCounts& left_out() const { return lister_->counts(); }

 private:
  struct Candidate {
    std::string path;
    int64_t size_bytes = 0, modified_ns = 0;
    const char* state = "";
  };
  Result<std::optional<Candidate>> NextCandidate() {
    for (;;) {
      if (!directory_ || at_ == directory_->names.size()) {
        if (lister_ == nullptr) return std::optional<Candidate>();
        MS_ASSIGN_OR_RETURN(directory_, lister_->Next());
        at_ = 0;
        if (!directory_) return std::optional<Candidate>();
        if (known_ != nullptr && directory_->names.size() > 0) MS_RETURN_IF_ERROR(known_->Seek(directory_->path, directory_->names[0]));
        continue;
      }
      const std::string_view name = directory_->names[at_++];
      const std::string path = JoinPath(directory_->path, name);
      std::optional<FileStanding> known;
      if (known_ != nullptr) {
        while (known_->valid() && known_->name() < name) MS_RETURN_IF_ERROR(known_->Next());
        if (known_->valid() && known_->name() == name) {
          MS_ASSIGN_OR_RETURN(known, known_->file());
        }
      }
      // One that waits has come already; one that had no bytes has no number.
      const bool may_be_new = !known || (known->state == FileStanding::State::kWaiting && known->number == 0) ||
                              (known->state == FileStanding::State::kLoaded && plan_.takes_changed);
      if (!may_be_new) continue;
      Result<FileInfo> info = plan_.fs.Stat(path);
      if (!info.ok() && IsGone(info.status())) continue;
      MS_RETURN_IF_ERROR(info.status());
      if (!info->is_regular || (info->size_bytes == 0 && !plan_.takes_empty)) continue;
      if (plan_.modified_after_ns && info->modified_ns <= *plan_.modified_after_ns) continue;
      if (plan_.modified_before_ns && info->modified_ns >= *plan_.modified_before_ns) continue;
      if (known && known->number > 0 && known->size_bytes == info->size_bytes && known->modified_ns == info->modified_ns) continue;
      // One that was found and has no number waits in an order.
      const bool waits = known && known->state == FileStanding::State::kWaiting && known->size_bytes > 0;
      return std::optional(Candidate{path, info->size_bytes, info->modified_ns, waits ? "WAITING" : "NEW"});
    }
  }

  // Of files that go into batches in an order, all are looked at before the first is told of: about 200 bytes of memory each.
  Result<std::optional<ReportRow>> NextNew() {
    if (plan_.order == FileOrder::kDiscovery) {
      MS_ASSIGN_OR_RETURN(std::optional<Candidate> next, NextCandidate());
      return next ? RowOf(*next) : std::nullopt;
    }
    while (!is_sorted_) {
      MS_ASSIGN_OR_RETURN(std::optional<Candidate> next, NextCandidate());
      if (next) {
        sorted_.push_back(*std::move(next));
        continue;
      }
      std::sort(sorted_.begin(), sorted_.end(), [this](const Candidate& a, const Candidate& b) {
        return plan_.order == FileOrder::kModificationTime && a.modified_ns != b.modified_ns ? a.modified_ns < b.modified_ns : a.path < b.path;
      });
      is_sorted_ = true;
    }
    return next_sorted_ < sorted_.size() ? RowOf(sorted_[next_sorted_++]) : std::nullopt;
  }

  std::optional<ReportRow> RowOf(const Candidate& file) { return Row(Take(file.size_bytes), file.path, file.size_bytes, file.modified_ns, file.state); }

  int64_t Take(int64_t size_bytes) {
    if (!is_begun_) {
      // Batches that were committed come first: from here on all are cut by the pace that they had.
      EndPacedBatch();
      if (plan_.batch_duration_max_ms) plan_.limits.bytes_within = pace_.BytesWithin(*plan_.batch_duration_max_ms);
      batch_ = BatchPlan(plan_.limits);
      is_begun_ = true;
    }
    if (!batch_.Takes(size_bytes)) {
      batch_ = BatchPlan(plan_.limits);
      ++number_;
    }
    batch_.Take(size_bytes);
    return number_;
  }

  void NotePace(const LedgerFile& committed) {
    if (paced_batch_ && paced_batch_->after != committed.batch->after) EndPacedBatch();
    paced_batch_ = committed.batch;
    paced_bytes_ += committed.file.size_bytes;
  }
  void EndPacedBatch() {
    if (paced_batch_) pace_.Add(paced_bytes_, *paced_batch_);
    paced_batch_.reset();
    paced_bytes_ = 0;
  }

  static std::optional<ReportRow> Row(int64_t batch, const std::string& path, int64_t size_bytes, int64_t modified_ns, const char* state) {
    return ReportRow{batch, UriFromPath(path), size_bytes, modified_ns / 1000, state};
  }

  Plan plan_;
  std::unique_ptr<LedgerView> view_;  // null: passed
  std::unique_ptr<KnownFiles> known_;
  std::unique_ptr<FileLister> lister_;
  std::optional<ListedDirectory> directory_;
  size_t at_ = 0;
  std::vector<Candidate> sorted_;
  size_t next_sorted_ = 0;
  bool is_sorted_ = false;
  BatchPace pace_;
  std::optional<BatchRecord> paced_batch_;  // the committed batch whose files are passed
  int64_t paced_bytes_ = 0;
  bool is_begun_ = false;
  BatchPlan batch_;
  int64_t number_;
};

// The largest batch number in one of a checkpoint's logs; -1: none.
Result<int64_t> LastBatch(Fs& fs, const std::string& directory) {
  Result<std::vector<DirectoryEntry>> entries = fs.List(directory);
  if (!entries.ok() && entries.status().Is(errors::kFileNotFound)) return int64_t{-1};
  MS_RETURN_IF_ERROR(entries.status());
  int64_t last = -1;
  for (const DirectoryEntry& entry : *entries) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(entry.name.data(), entry.name.data() + entry.name.size(), number);
    if (error == std::errc() && end == entry.name.data() + entry.name.size()) last = std::max(last, number);
  }
  return last;
}

Status LookAtCheckpoint(Plan& plan, const std::string& uri) {
  MS_ASSIGN_OR_RETURN(std::string checkpoint, PathFromUri(uri));
  const std::string ledger = JoinPath(checkpoint, "sources/0/rocksdb");
  MS_ASSIGN_OR_RETURN(bool exists, plan.fs.Exists(JoinPath(ledger, "CURRENT")));
  // Before the first start of its query there is none yet.
  if (!exists) return Status();
  plan.ledger = ledger;
  MS_ASSIGN_OR_RETURN(int64_t planned, LastBatch(plan.fs, JoinPath(checkpoint, "offsets")));
  MS_ASSIGN_OR_RETURN(int64_t committed, LastBatch(plan.fs, JoinPath(checkpoint, "commits")));
  plan.first_batch = planned + 1;
  plan.is_first_committed = committed >= planned;
  return Status();
}

}  // namespace

const StructType& CloudFilesPlanSchema() {
  static const StructType schema({{"batch", DataType::Long(), false},
                                  {"path", DataType::String(), false},
                                  {"size", DataType::Long(), false},
                                  {"modification_time", DataType::Timestamp(), false},
                                  {"state", DataType::String(), false}});
  return schema;
}

Result<RelationSourcePtr> OpenCloudFilesPlan(const UnresolvedDataSource& call, const FilesContext& context) {
  OptionMap arguments = call.options;
  std::string checkpoint;
  if (auto found = arguments.find(kCheckpoint); found != arguments.end()) {
    checkpoint = found->second;
    arguments.erase(found);
  }
  OptionMap options = AutoLoaderOptions(arguments);
  // The files are not opened: what they hold does not matter.
  options.try_emplace("cloudFiles.format", "text");
  MS_RETURN_IF_ERROR(CheckArgumentNames(arguments, "cloud_files_plan", options["cloudFiles.format"]));
  MS_ASSIGN_OR_RETURN(CloudFilesOptions parsed, ParseCloudFilesOptions(options, &FileFormatOptions, context.format.time_zone));
  if (call.paths.size() != 1) return Status::IllegalArgument("cloud_files_plan lists one path: cloud_files_plan('/in', format => 'json', checkpoint => '/cp')");
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(call.paths[0]));
  MS_ASSIGN_OR_RETURN(PathGlob glob, PathGlob::Parse(path, parsed.globber));
  MS_RETURN_IF_ERROR(parsed.Resolve(glob));
  MS_ASSIGN_OR_RETURN(bool exists, context.fs.Exists(glob.base()));
  if (!exists) return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(glob.base())}});
  Plan plan{.fs = context.fs,
            .lister = {.glob = std::move(glob), .name_filter = parsed.name_filter, .start_after = parsed.start_after},
            .limits = parsed.limits,
            .batch_duration_max_ms = parsed.batch_duration_max_ms,
            .order = parsed.file_order,
            .takes_changed = parsed.changed_files != ChangedFiles::kIgnored,
            .takes_empty = parsed.format == "binaryfile",
            .modified_after_ns = parsed.modified_after_ns,
            .modified_before_ns = parsed.modified_before_ns,
            .takes_existing = parsed.include_existing_files};
  if (!checkpoint.empty()) MS_RETURN_IF_ERROR(LookAtCheckpoint(plan, checkpoint));
  return MakeFileReport("cloud_files_plan " + HadoopPathString(path), CloudFilesPlanSchema(),
                        [plan = std::move(plan)]() -> Result<std::unique_ptr<ReportRows>> {
                          auto rows = std::make_unique<PlanRows>(plan);
                          MS_RETURN_IF_ERROR(rows->Begin());
                          return std::unique_ptr<ReportRows>(std::move(rows));
                        });
}

Result<CloudFilesForecast> Forecast(const CloudFilesDefinition& definition) {
  const DiscoveryOptions discovery = definition.discovery_options();
  PlanRows rows({.fs = definition.fs,
                 .lister = discovery.lister,
                 .limits = definition.options.limits,
                 .batch_duration_max_ms = definition.options.batch_duration_max_ms,
                 .takes_empty = discovery.load_empty_files,
                 .modified_after_ns = discovery.modified_after_ns,
                 .modified_before_ns = discovery.modified_before_ns});
  MS_RETURN_IF_ERROR(rows.Begin());
  CloudFilesForecast forecast;
  for (;;) {
    MS_ASSIGN_OR_RETURN(std::optional<ReportRow> row, rows.Next());
    if (!row) break;
    ++forecast.files;
    forecast.bytes += (*row)[2].number;
    forecast.batches = (*row)[0].number + 1;
  }
  forecast.left_out = rows.left_out();
  return forecast;
}

}  // namespace millstream
