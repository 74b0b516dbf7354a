#include "connectors/files/known_elsewhere.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "connectors/files/compactible_log.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/sink_log.h"

namespace millstream {
namespace {

// About 100 MB of names.
constexpr size_t kKeysMax = 1'000'000;

}  // namespace

KnownElsewhere::~KnownElsewhere() {
  spilled_.reset();
  for (const std::string& run : runs_) [[maybe_unused]] Status removed = fs_.Remove(run);  // what stays costs space, and nothing else
}

Status KnownElsewhere::Add(const std::string& path) {
  keys_.push_back(ledger_run::KeyOf(path));
  ++added_;
  return keys_.size() < kKeysMax ? Status() : Spill();
}

Status KnownElsewhere::Add(TableLedgerPtr ledger) {
  tables_.push_back(ledger->NewCursor());
  ledgers_.push_back(std::move(ledger));
  ++added_;
  return Status();
}

Status KnownElsewhere::Spill() {
  if (runs_.empty()) {
    MS_RETURN_IF_ERROR(fs_.CreateDirectories(spill_directory_));
    MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> left, fs_.List(spill_directory_));
    for (const DirectoryEntry& entry : left) MS_RETURN_IF_ERROR(fs_.Remove(JoinPath(spill_directory_, entry.name)));
  }
  std::sort(keys_.begin(), keys_.end());
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  MS_ASSIGN_OR_RETURN(LedgerRunWriter writer, LedgerRunWriter::Create(fs_, spill_directory_));
  for (const std::string& key : keys_) MS_RETURN_IF_ERROR(writer.Add(key, LoadedFile{.state = LoadedFile::State::kExisting}));
  const auto number = static_cast<int64_t>(runs_.size()) + 1;
  const std::string path = JoinPath(spill_directory_, std::to_string(number) + ".known");
  MS_RETURN_IF_ERROR(writer.Publish(path, number, from_, {}));
  runs_.push_back(path);
  keys_.clear();
  return Status();
}

Status KnownElsewhere::Seal() {
  std::sort(keys_.begin(), keys_.end());
  if (runs_.empty()) return Status();
  std::vector<LedgerRunPtr> opened;
  for (const std::string& run : runs_) {
    MS_ASSIGN_OR_RETURN(LedgerRunPtr one, LedgerRun::Open(fs_, run));
    opened.push_back(std::move(one));
  }
  spilled_ = std::make_unique<TableLedger::Cursor>(opened);
  return Status();
}

Result<bool> KnownElsewhere::Contains(const std::string& path) {
  const std::string key = ledger_run::KeyOf(path);
  for (TableLedger::Cursor& table : tables_) {
    MS_RETURN_IF_ERROR(table.Seek(key));
    if (!table.valid() || table.key() != key) continue;
    // What it says of the file (forgotten, say) holds, whatever rows of it are left.
    MS_ASSIGN_OR_RETURN(LoadedFile file, table.file());
    return file.is_settled();
  }
  for (const std::unique_ptr<KnownFiles>& stream : streams_) {
    const std::string name(BaseName(path));
    MS_RETURN_IF_ERROR(stream->Seek(std::string(ParentPath(path)), name));
    if (!stream->valid() || stream->name() != name) continue;
    MS_ASSIGN_OR_RETURN(FileStanding file, stream->file());
    if (file.state != FileStanding::State::kWaiting) return true;
  }
  if (std::binary_search(keys_.begin(), keys_.end(), key)) return true;
  if (!spilled_) return false;
  MS_RETURN_IF_ERROR(spilled_->Seek(key));
  return spilled_->valid() && spilled_->key() == key;
}

namespace {

// The offsets that the newest committed batch of a checkpoint has reached, one text a source; empty: no batch is committed.
Result<std::vector<std::string>> CommittedOffsets(Fs& fs, const std::string& checkpoint) {
  std::optional<int64_t> newest;
  Result<std::vector<DirectoryEntry>> commits = fs.List(JoinPath(checkpoint, "commits"));
  if (!commits.ok()) return commits.status().Is(errors::kFileNotFound) ? Result<std::vector<std::string>>(std::vector<std::string>()) : commits.status();
  for (const DirectoryEntry& entry : *commits) {
    if (entry.name.empty() || entry.name.find_first_not_of("0123456789") != std::string::npos || entry.name.size() > 18) continue;
    newest = std::max(newest.value_or(0), static_cast<int64_t>(std::stoll(entry.name)));
  }
  std::vector<std::string> offsets;
  if (!newest) return offsets;
  MS_ASSIGN_OR_RETURN(std::string text, fs.ReadFile(JoinPath(checkpoint, "offsets/" + std::to_string(*newest))));
  // "v1", the metadata, then a line for each source.
  for (size_t begin = 0, line = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (line >= 2) offsets.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return offsets;
}

std::optional<int64_t> NumberAt(const std::string& json, const char* field) {
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains(field) || !parsed[field].is_number_integer()) return std::nullopt;
  return parsed[field].get<int64_t>();
}

}  // namespace

Status KnownElsewhere::AddCheckpoint(Clock& clock, const std::string& directory) {
  auto nothing = [&](const std::string& reason) { return Status::Error(errors::kKnownFromNothing, {{"from", from_}, {"reason", reason}}); };
  const std::string sources = JoinPath(directory, "sources");
  Result<std::vector<DirectoryEntry>> entries = fs_.List(sources);
  if (!entries.ok()) return entries.status().Is(errors::kFileNotFound) ? nothing("there is no directory sources in it") : entries.status();
  MS_ASSIGN_OR_RETURN(const std::vector<std::string> offsets, CommittedOffsets(fs_, directory));
  bool is_any = false;
  for (const DirectoryEntry& entry : *entries) {
    const std::string source = JoinPath(sources, entry.name), ledger = JoinPath(source, "rocksdb");
    if (entry.name.find_first_not_of("0123456789") != std::string::npos || entry.name.size() > 9) continue;
    MS_ASSIGN_OR_RETURN(bool is_cloud_files, fs_.Exists(ledger));
    if (is_cloud_files) {
      MS_ASSIGN_OR_RETURN(std::unique_ptr<KnownFiles> files, OpenKnownFiles(fs_, ledger));
      Add(std::move(files));
      is_any = true;
      continue;
    }
    CompactibleLog log(fs_, clock, source, "", {});
    MS_RETURN_IF_ERROR(log.OpenForRead());
    if (!log.latest()) continue;
    is_any = true;
    const auto number = static_cast<size_t>(std::stoul(entry.name));
    const std::optional<int64_t> through = number < offsets.size() ? NumberAt(offsets[number], "logOffset") : std::nullopt;
    if (!through) continue;  // no batch is committed: nothing has been loaded
    MS_ASSIGN_OR_RETURN(LogLines lines, log.All());
    for (const std::string& line : lines) {
      const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      const std::optional<int64_t> batch = NumberAt(line, "batchId");
      if (!batch || !json.contains("path") || !json["path"].is_string()) return nothing("a line of " + source + " is none of a file stream's log");
      if (*batch > *through) continue;
      MS_ASSIGN_OR_RETURN(std::string path, PathFromLogUri(json["path"].get<std::string>()));
      MS_RETURN_IF_ERROR(Add(path));
    }
  }
  return is_any ? Status() : nothing("none of its sources reads files");
}

}  // namespace millstream
