#include "connectors/files/bad_records_path.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <map>
#include <mutex>
#include <set>

#include "base/uuid.h"
#include "connectors/files/directory_reading.h"
#include "connectors/files/files_errors.h"
#include "formats/json_scanner.h"
#include "storage/fs.h"

namespace millstream {
namespace {

constexpr const char* kKinds[] = {"bad_records", "bad_files"};
constexpr char kFailpoint[] = "files.bad_records";
// Of the directory, where COPY INTO uses it. What begins with an underscore no reader takes for data.
constexpr char kIdFile[] = "_bad_records_id";
constexpr char kPathAppId[] = "millstream.badRecords.";

std::string DirectoryName(int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  return std::string(text, std::strftime(text, sizeof(text), "%Y%m%dT%H%M%S", &utc));
}

// One load has one name, so that a batch that runs again finds what it has left.
constexpr std::string_view kNamePrefix = "part-";
std::string NameEnd(const QuarantineLoad& load) { return "-" + LoaderInNames(load.loader); }
std::string FileName(const QuarantineLoad& load) { return std::string(kNamePrefix) + std::to_string(load.load_id) + NameEnd(load); }

// Which load of the same loader a file is of; nullopt: it is another's.
std::optional<int64_t> LoadIdOf(std::string_view name, const QuarantineLoad& load) {
  const std::string end = NameEnd(load);
  if (!name.starts_with(kNamePrefix) || !name.ends_with(end) || name.size() <= kNamePrefix.size() + end.size()) return std::nullopt;
  const char* last = name.data() + name.size() - end.size();
  int64_t id = 0;
  auto [parsed, error] = std::from_chars(name.data() + kNamePrefix.size(), last, id);
  return error == std::errc() && parsed == last ? std::optional(id) : std::nullopt;
}

// Files of one load of the loader, in the directory of one time.
Status RemoveLoad(Fs& fs, const std::string& below, const std::string& name) {
  for (const char* kind : kKinds) {
    const std::string place = JoinPath(below, kind), path = JoinPath(place, name);
    MS_ASSIGN_OR_RETURN(bool is_there, fs.Exists(path));
    if (!is_there) continue;
    MS_RETURN_IF_ERROR(fs.Remove(path));
    MS_RETURN_IF_ERROR(fs.SyncDirectory(place));
  }
  return Status();
}

bool IsTime(const DirectoryEntry& entry) { return entry.kind != DirectoryEntry::Kind::kFile && !entry.name.starts_with('_'); }

// The same, whenever it was.
Status RemoveLoadAnywhere(Fs& fs, const std::string& directory, const std::string& name) {
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> times, fs.List(directory));
  for (const DirectoryEntry& time : times) {
    if (IsTime(time)) MS_RETURN_IF_ERROR(RemoveLoad(fs, JoinPath(directory, time.name), name));
  }
  return Status();
}

Status MakeDirectory(Fs& fs, const std::string& directory) {
  Status made = fs.CreateDirectories(directory);
  if (made.ok()) return made;
  return Status::Error(errors::kBadRecordsPath,
                       {{"path", HadoopPathString(directory)},
                        {"reason", "the directory cannot be made (" + (made.error_number() != 0 ? made.message() : "its parent does not allow it") + ")"},
                        {"hint", "Name a place where this process may make directories"}});
}

// How the lines of a file begin, as in LinesOf, up to the end of its path.
std::string LineStart(const std::string& path) {
  std::string text = "{\"path\":";
  AppendJsonString(ValidUtf8(HadoopPathString(path)), &text);
  text.pop_back();
  return text;
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
    MS_RETURN_IF_ERROR(MakeDirectory(fs, place));
    MS_RETURN_IF_ERROR(Publish(fs, JoinPath(place, name), *text, kFailpoint));
  }
  return Status();
}

// Takes the lines of files out, and of their members: `starts` are those of their lines.
Status TakeOutLines(Fs& fs, const std::string& place, const std::string& name, const std::set<std::string, std::less<>>& starts) {
  const std::string path = JoinPath(place, name);
  MS_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(path));
  std::string kept;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1);
    const std::string_view line = std::string_view(text).substr(at, end + 1 - at);
    const std::string_view start = line.substr(0, line.find("\",\"record\":"));
    bool is_out = starts.contains(start);
    for (size_t member = start.find("!/"); !is_out && member != std::string_view::npos; member = start.find("!/", member + 1)) {
      is_out = starts.contains(start.substr(0, member));
    }
    if (!is_out) kept += line;
    at = end + 1;
  }
  if (kept.size() == text.size()) return Status();
  if (!kept.empty()) return fs.Replace(path, kept);
  MS_RETURN_IF_ERROR(fs.Remove(path));
  return fs.SyncDirectory(place);
}

// Rows whose bad records are kept behind the last of them.
class KeepingRows : public RowStream {
 public:
  KeepingRows(std::vector<InputFile> files, std::shared_ptr<FileScanStats> stats, KeepLeftOut keep)
      : files_(std::move(files)), bad_(std::make_shared<QuarantineRows>(files_)), stats_(std::move(stats)), keep_(std::move(keep)) {}

  Status Open(const FileFormat& format, FileScan scan) {
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
      MS_RETURN_IF_ERROR(keep_(*bad_));
      is_kept_ = true;
    }
    return batch;
  }

 private:
  const std::vector<InputFile> files_;
  const std::shared_ptr<QuarantineRows> bad_;
  const std::shared_ptr<FileScanStats> stats_;
  const KeepLeftOut keep_;
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

Status RefuseBadRecordsAmongFiles(const std::string& directory, const PathGlob& source, const std::optional<NameGlob>& name_filter, const char* owner) {
  const std::string path = NormalizePath(directory), base = source.base() == "/" ? "" : source.base();
  if (path != base && !path.starts_with(base + "/")) return Status();
  for (size_t at = base.size(); at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    if (IsHiddenName(std::string_view(path).substr(at + 1, end - at - 1))) return Status();
    at = end;
  }
  if (!source.MatchesFile(path + "/20260101T000000/bad_records/part-0") || (name_filter && !name_filter->Matches("part-0"))) return Status();
  return Status::Error(errors::kInvalidOptionValue,
                       {{"option", "badRecordsPath"},
                        {"owner", owner},
                        {"value", directory},
                        {"reason", "it lies below the load path " + source.base() +
                                       ", from where its files would be loaded; give it another place, or a name with _ in front"}});
}

Status RefuseBadRecordsInTable(const std::string& directory, const std::string& table_path) {
  const std::string path = NormalizePath(directory), table = NormalizePath(table_path);
  if (path != table && !path.starts_with(table + "/")) return Status();
  return Status::Error(errors::kBadRecordsPath, {{"path", HadoopPathString(directory)},
                                                 {"reason", "it lies in the directory of the table " + HadoopPathString(table) + " that is written to"},
                                                 {"hint", "Give badRecordsPath a place beside the table"}});
}

Status BadRecordsPath::Prepare() { return MakeDirectory(fs_, directory_); }

Status BadRecordsPath::Keep(const QuarantineLoad& load, const QuarantineRows& rows) {
  const std::string name = FileName(load);
  // Only what this process or the one before it has begun last can be there: what is committed does not run again.
  if (last_name_.empty() || last_name_ == name) {
    MS_RETURN_IF_ERROR(RemoveLoadAnywhere(fs_, directory_, name));
  }
  last_name_ = name;
  return WriteLines(fs_, directory_, name, load, rows);
}

Status CopyBadRecordsPath::Prepare() {
  MS_RETURN_IF_ERROR(MakeDirectory(fs_, directory_));
  MS_ASSIGN_OR_RETURN(bool has_id, fs_.Exists(JoinPath(directory_, kIdFile)));
  if (has_id) return Status();
  Status made = Publish(fs_, JoinPath(directory_, kIdFile), NewUuid(), kFailpoint);
  return made.Is(errors::kFileAlreadyExists) ? Status() : made;
}

std::string CopyBadRecordsPath::lock_path() const { return JoinPath(directory_, "_bad_records.lock"); }

Result<std::string> CopyBadRecordsPath::ConfirmationId() const {
  MS_ASSIGN_OR_RETURN(std::string id, fs_.ReadFile(JoinPath(directory_, kIdFile)));
  return kPathAppId + id;
}

Status CopyBadRecordsPath::TakeOutReplaced(const QuarantineLoad& load, const CopyLoadNote& note) const {
  // Which of the directories have lines of a file: that of its last load, when there was no other, and it has left some there.
  std::map<std::string, std::set<std::string, std::less<>>> starts;  // by directory
  std::set<std::string, std::less<>> anywhere;
  for (const ReplacedFile& file : note.replaced) {
    QuarantineLoad last = load;
    last.load_id = file.last_load;
    const std::string time = DirectoryName(file.loaded_ms);
    bool is_there = false;
    if (file.first_load == file.last_load) {
      MS_ASSIGN_OR_RETURN(is_there, fs_.Exists(JoinPath(JoinPath(JoinPath(directory_, time), kKinds[0]), FileName(last))));
    }
    (is_there ? starts[time] : anywhere).insert(LineStart(file.path));
  }
  if (!anywhere.empty()) {
    MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> times, fs_.List(directory_));
    for (const DirectoryEntry& time : times) {
      if (IsTime(time)) starts[time.name].insert(anywhere.begin(), anywhere.end());
    }
  }
  for (const auto& [time, lines] : starts) {
    const std::string place = JoinPath(JoinPath(directory_, time), kKinds[0]);
    Result<std::vector<DirectoryEntry>> names = fs_.List(place);
    if (names.status().Is(errors::kFileNotFound)) continue;
    MS_RETURN_IF_ERROR(names.status());
    for (const DirectoryEntry& name : *names) {
      const std::optional<int64_t> id = LoadIdOf(name.name, load);
      if (id && *id < note.load_id) MS_RETURN_IF_ERROR(TakeOutLines(fs_, place, name.name, lines));
    }
  }
  return Status();
}

Status CopyBadRecordsPath::KeepCopy(const QuarantineLoad& load, const QuarantineRows* rows, std::optional<int64_t> confirmed,
                                    const std::vector<ReplacedFile>& replaced) const {
  const CopyLoadNotes notes(fs_, directory_, load.loader);
  MS_ASSIGN_OR_RETURN(const std::vector<CopyLoadNote> begun, notes.All());
  for (const CopyLoadNote& note : begun) {
    if (note.load_id > confirmed.value_or(-1)) {
      QuarantineLoad left = load;
      left.load_id = note.load_id;
      MS_RETURN_IF_ERROR(RemoveLoad(fs_, JoinPath(directory_, note.directory), FileName(left)));
    } else {
      MS_RETURN_IF_ERROR(TakeOutReplaced(load, note));
    }
    MS_RETURN_IF_ERROR(notes.Remove(note.load_id));
  }
  const bool keeps = rows != nullptr && !rows->empty();
  if (!keeps && replaced.empty()) return Status();
  // Before the records: what nobody knows of would stay for ever.
  MS_RETURN_IF_ERROR(notes.Add({.load_id = load.load_id, .directory = DirectoryName(load.loaded_ms), .replaced = replaced}));
  return keeps ? WriteLines(fs_, directory_, FileName(load), load, *rows) : Status();
}

Result<RowStreamPtr> ReadKeepingBadRecords(const FileFormat& format, std::vector<InputFile> files, FileScan scan, std::shared_ptr<FileScanStats> stats,
                                           KeepLeftOut keep) {
  auto rows = std::make_unique<KeepingRows>(std::move(files), std::move(stats), std::move(keep));
  MS_RETURN_IF_ERROR(rows->Open(format, std::move(scan)));
  return RowStreamPtr(std::move(rows));
}

Result<RowStreamPtr> ReadKeepingBadRecords(Fs& fs, Clock& clock, const std::string& directory, const FileFormat& format, std::vector<InputFile> files,
                                           FileScan scan) {
  return ReadKeepingBadRecords(format, std::move(files), std::move(scan), std::make_shared<FileScanStats>(), [&fs, &clock, directory](const QuarantineRows& left_out) {
    return WriteLines(fs, directory, std::string(kNamePrefix) + "00000-" + NewUuid(), {.loaded_ms = clock.WallMillis()}, left_out);
  });
}

}  // namespace millstream
