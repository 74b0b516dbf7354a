#include "connectors/files/bad_records_path.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <ctime>
#include <mutex>

#include "base/uuid.h"
#include "formats/json_scanner.h"
#include "storage/fs.h"

namespace millstream {
namespace {

constexpr const char* kKinds[] = {"bad_records", "bad_files"};

std::string DirectoryName(int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  return std::string(text, std::strftime(text, sizeof(text), "%Y%m%dT%H%M%S", &utc));
}

// One load has one name, so that a batch that runs again finds what it has left.
std::string FileName(const QuarantineLoad& load) {
  std::string loader = load.loader;
  std::replace(loader.begin(), loader.end(), '/', '-');
  std::replace(loader.begin(), loader.end(), ':', '-');
  return "part-" + std::to_string(load.load_id) + "-" + loader;
}

struct Lines {
  std::string records, files;
};

Result<Lines> LinesOf(const QuarantineLoad& load, const QuarantineRows& rows) {
  Lines lines;
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, rows.Rows(load));
  for (const RecordBatchPtr& batch : batches) {
    const auto& paths = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("file_path"));
    const auto& reasons = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("reason"));
    const auto& raw = static_cast<const arrow::BinaryArray&>(*batch->GetColumnByName("raw"));
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::string& text = raw.IsNull(row) ? lines.files : lines.records;
      text += "{\"path\":";
      AppendJsonString(ValidUtf8(HadoopPathString(std::string(paths.GetView(row)))), &text);
      if (!raw.IsNull(row)) {
        text += ",\"record\":";
        AppendJsonString(ValidUtf8(raw.GetView(row)), &text);
      }
      text += ",\"reason\":";
      AppendJsonString(reasons.GetView(row), &text);
      text += "}\n";
    }
  }
  return lines;
}

Status WriteLines(Fs& fs, const std::string& directory, const std::string& name, const QuarantineLoad& load, const QuarantineRows& rows) {
  if (rows.empty()) return Status();
  MS_ASSIGN_OR_RETURN(const Lines lines, LinesOf(load, rows));
  const std::string below = JoinPath(directory, DirectoryName(load.loaded_ms));
  for (const auto& [kind, text] : {std::pair(kKinds[0], &lines.records), {kKinds[1], &lines.files}}) {
    if (text->empty()) continue;
    const std::string place = JoinPath(below, kind);
    MS_RETURN_IF_ERROR(fs.CreateDirectories(place));
    MS_RETURN_IF_ERROR(Publish(fs, JoinPath(place, name), *text, "files.bad_records"));
  }
  return Status();
}

// Rows of a batch read, whose bad records are written behind the last of them.
class KeepingRows : public RowStream {
 public:
  KeepingRows(Fs& fs, Clock& clock, std::string directory, std::vector<InputFile> files)
      : fs_(fs), clock_(clock), directory_(std::move(directory)), files_(std::move(files)), bad_(std::make_shared<QuarantineRows>(files_)) {}

  Status Open(const FileFormat& format, FileScan scan) {
    stats_ = std::make_shared<FileScanStats>();
    scan.outcomes = stats_->outcomes = std::make_shared<FileOutcomes>(files_.size());
    scan.bad_records = bad_;
    MS_ASSIGN_OR_RETURN(rows_, format.Read(files_, scan, stats_));
    return Status();
  }
  const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
  Result<RecordBatchPtr> Next() override {
    {
      std::lock_guard lock(mutex_);
      ++reading_;
    }
    Result<RecordBatchPtr> batch = rows_->Next();
    std::lock_guard lock(mutex_);
    const bool is_last = --reading_ == 0;
    if (batch.ok() && *batch == nullptr && is_last && !is_kept_) {
      MS_RETURN_IF_ERROR(stats_->CheckCounts(bad_.get()));
      for (const FileOutcomes::Skipped& skipped : stats_->outcomes->skipped()) bad_->AddFile(files_[static_cast<size_t>(skipped.file)], skipped.reason);
      MS_RETURN_IF_ERROR(WriteLines(fs_, directory_, "part-00000-" + NewUuid(), {.loaded_ms = clock_.WallMillis()}, *bad_));
      is_kept_ = true;
    }
    return batch;
  }

 private:
  Fs& fs_;
  Clock& clock_;
  const std::string directory_;
  const std::vector<InputFile> files_;
  const std::shared_ptr<QuarantineRows> bad_;
  std::shared_ptr<FileScanStats> stats_;
  RowStreamPtr rows_;
  std::mutex mutex_;
  int reading_ = 0;       // GUARDED_BY(mutex_): calls of Next under way
  bool is_kept_ = false;  // GUARDED_BY(mutex_)
};

}  // namespace

Result<std::optional<std::string>> TakeBadRecordsPath(OptionMap& reader_options) {
  auto option = reader_options.find("badRecordsPath");
  if (option == reader_options.end()) return std::optional<std::string>();
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(option->second));
  reader_options.erase(option);
  MS_ASSIGN_OR_RETURN(reader_options, WithQuarantine(std::move(reader_options), "badRecordsPath"));
  for (const char* name : {"ignoreCorruptFiles", "ignoreMissingFiles"}) reader_options.try_emplace(name, "true");
  return std::optional(std::move(path));
}

// Only what this process or the one before it has begun last can be there: what is committed does not run again.
Status BadRecordsPath::RemoveEarlier(const std::string& name) {
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, fs_.List(directory_));
  for (const DirectoryEntry& entry : entries) {
    for (const char* kind : kKinds) {
      const std::string place = JoinPath(JoinPath(directory_, entry.name), kind), path = JoinPath(place, name);
      MS_ASSIGN_OR_RETURN(bool is_there, fs_.Exists(path));
      if (!is_there) continue;
      MS_RETURN_IF_ERROR(fs_.Remove(path));
      MS_RETURN_IF_ERROR(fs_.SyncDirectory(place));
    }
  }
  return Status();
}

Status BadRecordsPath::Keep(const QuarantineLoad& load, const QuarantineRows& rows) {
  const std::string name = FileName(load);
  if (last_name_.empty() || last_name_ == name) MS_RETURN_IF_ERROR(RemoveEarlier(name));
  last_name_ = name;
  return WriteLines(fs_, directory_, name, load, rows);
}

Result<RowStreamPtr> ReadKeepingBadRecords(Fs& fs, Clock& clock, const std::string& directory, const FileFormat& format, std::vector<InputFile> files,
                                           FileScan scan) {
  auto rows = std::make_unique<KeepingRows>(fs, clock, directory, std::move(files));
  MS_RETURN_IF_ERROR(rows->Open(format, std::move(scan)));
  return RowStreamPtr(std::move(rows));
}

}  // namespace millstream
