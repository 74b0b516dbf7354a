#include "connectors/files/copy_removals.h"

#include <chrono>
#include <thread>

namespace millstream {

Result<CopyRemovals> CopyRemovals::Find(Fs& fs, Clock& clock, const std::string& source, const DeletedFilesOptions& options, const TableLedger& ledger) {
  CopyRemovals removals;
  if (!options.removes_rows || ledger.empty()) return removals;
  MS_ASSIGN_OR_RETURN(PathGlob glob, PathGlob::Parse(source, PathGlob::Mode::kStrict));
  GoneFileFinder finder(fs, clock, std::move(glob), options, "deletedFiles.maxFraction");
  const std::unique_ptr<LoadedFiles> loaded = LoadedFilesOf(ledger);
  MS_ASSIGN_OR_RETURN(GoneFiles gone, finder.Find(*loaded));
  if (gone.paths.empty()) return removals;
  std::this_thread::sleep_for(std::chrono::milliseconds(options.confirm_after_ms));
  MS_ASSIGN_OR_RETURN(std::vector<std::string> confirmed, finder.Confirm(gone));
  for (std::string& path : confirmed) {
    MS_ASSIGN_OR_RETURN(std::optional<LoadedFile> known, ledger.Find(path));
    if (known) removals.known_.emplace(std::move(path), *std::move(known));
  }
  return removals;
}

Result<TableLedger::Changes> CopyRemovals::Changes(Fs& fs, int64_t now_ms) const {
  TableLedger::Changes changes;
  for (const auto& [path, known] : known_) {
    // Reading the new files may have taken hours.
    MS_ASSIGN_OR_RETURN(bool is_back, fs.Exists(path));
    if (is_back) continue;
    LoadedFile file = known;
    file.state = LoadedFile::State::kRemoved;
    file.epoch = 0;
    file.loaded_ms = now_ms;
    file.written = 0;
    file.first_epoch = 0;
    changes.emplace_back(ledger_run::KeyOf(path), std::move(file));
  }
  return changes;
}

bool CopyRemovals::HoldsFor(const std::string& path, const LoadedFile& known) const {
  auto found = known_.find(path);
  return found != known_.end() && known.state == LoadedFile::State::kLoaded && known.epoch == found->second.epoch;
}

}  // namespace millstream
