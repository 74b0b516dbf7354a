// What became of the files of a COPY INTO, and what its commit says of them in the table's ledger.

#include <algorithm>
#include <set>

#include "connectors/files/files_errors.h"
#include "connectors/files/listed_copy_source.h"
#include "formats/json_scanner.h"

namespace millstream {
namespace {

constexpr size_t kErrorBytesMax = 1000;
constexpr size_t kToldMax = 5;  // bad records that an error tells of

}  // namespace

int64_t CopyOutcome::rows() const {
  int64_t rows = 0;
  for (const auto& [key, file] : changes) rows += file.state == LoadedFile::State::kLoaded ? file.rows : 0;
  return rows;
}

std::string ListedCopySource::WhyLeftOut(size_t i, int64_t bad, int64_t read) const {
  if (!errors_.LeavesOut(bad, read)) return "";
  std::string why = "onError: " + std::to_string(bad) + " of " + std::to_string(read) + " records are bad";
  for (const std::string& first : bad_->First(1, static_cast<int32_t>(i))) why += ", the first of them in " + first;
  return why;
}

Result<CopyOutcome> ListedCopySource::Outcome(int64_t now_ms, const std::vector<int64_t>& written, bool keeps_rows) {
  CopyOutcome outcome;
  const std::shared_ptr<FileScanStats> stats = scan_ ? scan_->stats() : nullptr;
  bad_ = scan_ ? scan_->bad() : quarantines_ ? std::make_shared<QuarantineRows>(files_) : nullptr;
  int64_t bad_records = 0, records = 0;  // of the files that are loaded
  std::map<int32_t, FileOutcomes::Skipped> skipped;
  if (stats) {
    MS_RETURN_IF_ERROR(stats->CheckCounts(bad_.get()));
    std::vector<FileOutcomes::Skipped> told = stats->outcomes->skipped();
    // A reader that does not say which files it has left out would make them loaded.
    if (static_cast<int64_t>(told.size()) < stats->files_skipped)
      return Status::Unsupported("COPY INTO with ignoreCorruptFiles for " + format_->name(), "Name the good files with FILES.");
    for (FileOutcomes::Skipped& file : told) skipped.emplace(file.file, std::move(file));
  }
  auto skip_corrupt = [&](const std::string& path, LoadedFile file) {
    ++outcome.skipped_corrupt;
    auto before = corrupt_before_.find(path);
    const bool is_new = before == corrupt_before_.end() || before->second.size_bytes != file.size_bytes || before->second.modified_ns != file.modified_ns;
    outcome.is_new |= is_new;
    outcome.changes.emplace_back(ledger_run::KeyOf(path), std::move(file));
    return is_new;
  };
  for (const auto& [path, file] : broken_midway_) {
    if (skip_corrupt(path, file) && bad_) bad_->AddFile({.path = path, .size_bytes = file.size_bytes, .modified_ns = file.modified_ns}, file.first_error);
  }
  for (auto [path, file] : existing_) {
    file.loaded_ms = now_ms;
    outcome.is_new = true;
    outcome.changes.emplace_back(ledger_run::KeyOf(path), std::move(file));
  }
  MS_ASSIGN_OR_RETURN(TableLedger::Changes removed, removals_.Changes(fs_, now_ms));
  outcome.is_new |= !removed.empty();
  std::move(removed.begin(), removed.end(), std::back_inserter(outcome.changes));
  std::set<std::string> missing;
  for (size_t i = 0; i < files_.size(); ++i) {
    const InputFile& input = files_[i];
    LoadedFile file{.size_bytes = input.size_bytes, .modified_ns = input.modified_ns, .loaded_ms = now_ms};
    if (i < written.size()) file.written = written[i];
    if (auto hash = hashes_.find(input.path); hash != hashes_.end()) file.content_hash = hash->second;
    if (stats) {
      const FileOutcomes::Counts& counts = stats->outcomes->of(static_cast<int32_t>(i));
      file.rows = counts.rows;
      file.rejected = counts.rejected + counts.quarantined;
      file.malformed = counts.malformed;
    }
    if (auto found = skipped.find(static_cast<int32_t>(i)); found != skipped.end()) {
      if (found->second.is_missing && file.rows == 0) {
        missing.insert(input.path);
        continue;
      }
      file.state = LoadedFile::State::kSkippedCorrupt;
      file.written = 0;
      file.first_error = found->second.reason.substr(0, kErrorBytesMax);
      if (file.rows > 0) {
        file.rows = 0;
        broken_midway_[input.path] = std::move(file);
        outcome.must_run_again = true;
      } else {
        const std::string reason = file.first_error;
        const bool is_new = skip_corrupt(input.path, std::move(file));
        if (bad_ && is_new) bad_->AddFile(input, reason);
      }
      continue;
    }
    const int64_t bad = bad_ ? file.rejected : 0, read = file.rows + file.rejected;
    if (std::string why = WhyLeftOut(i, bad, read); !why.empty()) {
      file.state = LoadedFile::State::kSkippedCorrupt;
      file.rows = file.written = 0;
      file.first_error = ValidUtf8(why.substr(0, kErrorBytesMax));
      broken_midway_[input.path] = std::move(file);
      outcome.must_run_again = true;
      continue;
    }
    if (keeps_rows && i < written.size() && written[i] != file.rows) {
      return Status::Internal("of " + std::to_string(file.rows) + " rows of " + input.path + " " + std::to_string(written[i]) + " were written");
    }
    // Where no table keeps them, the ledger says at least what is wrong with the first.
    if (bad > 0 && !quarantines_) {
      for (const std::string& first : bad_->First(1, static_cast<int32_t>(i))) file.first_error = ValidUtf8(first.substr(0, kErrorBytesMax));
    }
    bad_records += bad, records += read;
    Result<FileInfo> now = fs_.Stat(input.path);
    if (now.ok() && (now->size_bytes != input.size_bytes || now->modified_ns != input.modified_ns)) {
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(input.path)}, {"detail", "its size or time differs"}}).Retryable();
    }
    ++outcome.loaded;
    outcome.is_new = true;
    outcome.changes.emplace_back(ledger_run::KeyOf(input.path), std::move(file));
  }
  for (auto [path, file] : duplicates_) {
    // Bytes that were gone before they were read: the next statement loads them by this name.
    if (missing.contains(duplicate_of_[path])) continue;
    file.loaded_ms = now_ms;
    ++outcome.duplicates;
    outcome.is_new = true;
    outcome.changes.emplace_back(ledger_run::KeyOf(path), std::move(file));
  }
  std::erase_if(files_, [&](const InputFile& file) { return broken_midway_.contains(file.path); });
  // What was set apart of files that are left out whole does not count.
  if (outcome.must_run_again && files_.empty()) scan_ = nullptr;
  if (!outcome.must_run_again && bad_) MS_RETURN_IF_ERROR(errors_.Check(bad_records, records, bad_->First(kToldMax), "this statement"));
  std::sort(outcome.changes.begin(), outcome.changes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return outcome;
}

Result<std::optional<CopySource::LedgerChanges>> ListedCopySource::ChangesOn(const TableLedger& ledger, const CopyOutcome& outcome) const {
  using State = LoadedFile::State;
  LedgerChanges changes;
  TableLedger::Cursor cursor = ledger.NewCursor();
  for (const auto& [key, change] : outcome.changes) {
    MS_RETURN_IF_ERROR(cursor.Seek(key));
    std::optional<LoadedFile> known;
    if (cursor.valid() && cursor.key() == key) {
      MS_ASSIGN_OR_RETURN(known, cursor.file());
    }
    const bool is_settled = known && known->is_settled();
    const bool is_loaded = change.state == State::kLoaded;
    const std::string path = ledger_run::PathOf(key);
    if (change.state == State::kRemoved) {
      // One that others have done something to is left to the next statement.
      if (!known || !removals_.HoldsFor(path, *known)) continue;
      if (known->written != 0) changes.removed.push_back({path, *known});
      changes.changes.emplace_back(key, change);
      continue;
    }
    if (is_settled && is_loaded && !force_) {
      // Loaded again on purpose, unless others have done something to it meanwhile.
      auto before = settled_before_.find(path);
      if (before == settled_before_.end() || before->second.epoch != known->epoch) return std::optional<LedgerChanges>();
    }
    // A file that was loaded once, and cannot be read now, stays loaded.
    if (is_settled && !is_loaded) continue;
    LoadedFile file = change;
    const bool has_rows = known && known->written != 0;
    if (is_loaded && has_rows && known->state == State::kLoaded && (replay_ || changed_ == Changed::kReplaced) && !force_) {
      changes.replaced.push_back({path, *known});
      changes.renewed.push_back({path, *known});
    } else if (has_rows) {
      file.written = known->written < 0 || file.written < 0 ? -1 : known->written + file.written;
      file.first_epoch = known->first_epoch != 0 ? known->first_epoch : known->epoch;
    }
    if (is_loaded && known && !force_ && (known->state == State::kUndone || known->state == State::kRemoved)) changes.renewed.push_back({path, *known});
    changes.changes.emplace_back(key, std::move(file));
  }
  return std::optional<LedgerChanges>(std::move(changes));
}

}  // namespace millstream
