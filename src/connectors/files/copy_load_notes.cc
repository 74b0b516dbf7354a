#include "connectors/files/copy_load_notes.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "connectors/files/files_errors.h"
#include "storage/fs.h"

namespace millstream {
namespace {

constexpr char kLoadNotesDirectory[] = "_loads";  // no reader takes it for data, and no VACUUM for leftovers
constexpr char kNoteFailpoint[] = "files.bad_records";
constexpr int kNoteVersion = 1;

Result<CopyLoadNote> ParseNote(std::string_view text, const std::string& path, int64_t load_id) {
  CopyLoadNote note{.load_id = load_id, .directory = {}, .replaced = {}};
  auto broken = [&](const char* what) {
    return Status::Error(errors::kBadRecordsPath,
                         {{"path", HadoopPathString(path)}, {"reason", what}, {"hint", "Restore it, or name another place for bad records"}});
  };
  bool is_header = true;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const nlohmann::json line = nlohmann::json::parse(text.substr(at, end - at), nullptr, /*allow_exceptions=*/false);
    at = end + 1;
    if (!line.is_object()) return broken("it has a line that is no JSON");
    if (is_header) {
      if (line.value("version", 0) != kNoteVersion) return broken("it is of another version");
      note.directory = line.value("directory", std::string());
      is_header = false;
      continue;
    }
    note.replaced.push_back({.path = DecodeUriPath(line.value("path", std::string())),
                             .first_load = line.value("first", int64_t{0}),
                             .last_load = line.value("last", int64_t{0}),
                             .loaded_ms = line.value("loadedMs", int64_t{0})});
  }
  if (is_header) return broken("it is empty");
  return note;
}

}  // namespace

std::string LoaderInNames(std::string loader) {
  std::replace(loader.begin(), loader.end(), '/', '-');
  std::replace(loader.begin(), loader.end(), ':', '-');
  return loader;
}

CopyLoadNotes::CopyLoadNotes(Fs& fs, const std::string& place, const std::string& loader)
    : fs_(fs), directory_(JoinPath(place, kLoadNotesDirectory)), name_end_("-" + LoaderInNames(loader)) {}

std::string CopyLoadNotes::PathOf(int64_t load_id) const { return JoinPath(directory_, std::to_string(load_id) + name_end_); }

Result<std::vector<CopyLoadNote>> CopyLoadNotes::All() const {
  std::vector<CopyLoadNote> notes;
  Result<std::vector<DirectoryEntry>> names = fs_.List(directory_);
  if (names.status().Is(errors::kFileNotFound)) return notes;
  MS_RETURN_IF_ERROR(names.status());
  for (const DirectoryEntry& name : *names) {
    int64_t load_id = 0;
    const char* end = name.name.data() + name.name.size();
    auto [at, error] = std::from_chars(name.name.data(), end, load_id);
    if (error != std::errc() || std::string_view(at, static_cast<size_t>(end - at)) != name_end_) continue;
    const std::string path = JoinPath(directory_, name.name);
    MS_ASSIGN_OR_RETURN(const std::string text, fs_.ReadFile(path));
    MS_ASSIGN_OR_RETURN(CopyLoadNote note, ParseNote(text, path, load_id));
    notes.push_back(std::move(note));
  }
  std::sort(notes.begin(), notes.end(), [](const CopyLoadNote& a, const CopyLoadNote& b) { return a.load_id < b.load_id; });
  return notes;
}

Status CopyLoadNotes::Add(const CopyLoadNote& note) const {
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
  std::string text = nlohmann::ordered_json({{"version", kNoteVersion}, {"directory", note.directory}}).dump() + "\n";
  for (const ReplacedFile& file : note.replaced) {
    // Encoded, for names that are no UTF-8.
    text += nlohmann::ordered_json({{"path", EncodeUriPath(file.path)}, {"first", file.first_load}, {"last", file.last_load}, {"loadedMs", file.loaded_ms}})
                .dump() +
            "\n";
  }
  return ::millstream::Publish(fs_, PathOf(note.load_id), text, kNoteFailpoint);
}

Status CopyLoadNotes::Remove(int64_t load_id) const {
  MS_RETURN_IF_ERROR(fs_.Remove(PathOf(load_id)));
  return fs_.SyncDirectory(directory_);
}

}  // namespace millstream
