#include "connectors/files/table_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace millstream {
namespace {

// Hidden from readers of the table, and from VACUUM of Delta and delta-rs, which leave alone what begins with an underscore.
constexpr std::string_view kDirectory = "_file_ledger";
constexpr std::string_view kSuffix = ".run";
constexpr int kRacesMax = 1000;

// nullopt: not a run's name.
std::optional<int64_t> NumberOf(std::string_view name) {
  if (name.size() != 20 + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  int64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + 20, number);
  if (error != std::errc() || end != name.data() + 20) return std::nullopt;
  return number;
}

}  // namespace

Result<TableLedgerPtr> TableLedger::Open(Fs& fs, const std::string& table_path, const std::string& table_id, int64_t epoch) {
  std::shared_ptr<TableLedger> ledger(new TableLedger(fs, JoinPath(table_path, kDirectory), table_id, epoch));
  if (epoch == 0) return TableLedgerPtr(std::move(ledger));
  MS_ASSIGN_OR_RETURN(LedgerRunPtr newest, LedgerRun::Open(fs, ledger->PathOf(epoch)));
  if (newest->footer().number != epoch || newest->footer().table_id != table_id) return newest->Damaged("it belongs to another table");
  for (const ledger_run::RunRef& run : newest->footer().older) {
    MS_ASSIGN_OR_RETURN(LedgerRunPtr opened, LedgerRun::Open(fs, ledger->PathOf(run.number)));
    if (opened->footer().number != run.number || opened->footer().entries != run.entries) return opened->Damaged("it is not the one that newer ones name");
    ledger->runs_.push_back(std::move(opened));
  }
  ledger->runs_.push_back(std::move(newest));
  return TableLedgerPtr(std::move(ledger));
}

std::string TableLedger::PathOf(int64_t number) const { return JoinPath(directory_, fmt::format("{:020}{}", number, kSuffix)); }

Result<LedgerRunPtr> TableLedger::OpenRun(Fs& fs, const std::string& table_path, int64_t number) {
  return LedgerRun::Open(fs, TableLedger(fs, JoinPath(table_path, kDirectory), "", number).PathOf(number));
}

// ---- reading

TableLedger::Cursor::Cursor(const std::vector<LedgerRunPtr>& runs) {
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) runs_.emplace_back(*run);
}

void TableLedger::Cursor::FindNewest() {
  newest_ = SIZE_MAX;
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (runs_[i].valid() && (newest_ == SIZE_MAX || runs_[i].key() < runs_[newest_].key())) newest_ = i;
  }
}

Status TableLedger::Cursor::Seek(std::string_view key) {
  const bool is_forward = target_ && key >= *target_;
  for (LedgerRunCursor& run : runs_) {
    if (is_forward && (!run.valid() || run.key() >= key)) continue;
    MS_RETURN_IF_ERROR(run.Seek(key));
  }
  target_ = key;
  FindNewest();
  return Status();
}

Status TableLedger::Cursor::Next() {
  const std::string passed = key();
  for (LedgerRunCursor& run : runs_) {
    if (run.valid() && run.key() == passed) MS_RETURN_IF_ERROR(run.Next());
  }
  target_ = passed + '\0';
  FindNewest();
  return Status();
}

Result<std::optional<LoadedFile>> TableLedger::Find(std::string_view path) const {
  const std::string key = ledger_run::KeyOf(path);
  Cursor cursor = NewCursor();
  MS_RETURN_IF_ERROR(cursor.Seek(key));
  if (!cursor.valid() || cursor.key() != key) return std::optional<LoadedFile>();
  MS_ASSIGN_OR_RETURN(LoadedFile file, cursor.file());
  return std::optional<LoadedFile>(std::move(file));
}

// ---- writing

Result<int64_t> TableLedger::LargestNumber() const {
  Result<std::vector<DirectoryEntry>> entries = fs_.List(directory_);
  if (!entries.ok()) {
    if (entries.status().Is(errors::kFileNotFound)) return epoch_;
    return entries.status();
  }
  int64_t largest = epoch_;
  for (const DirectoryEntry& entry : *entries) largest = std::max(largest, NumberOf(entry.name).value_or(0));
  return largest;
}

size_t TableLedger::KeptRuns(int64_t changes) const {
  size_t kept = runs_.size();
  for (int64_t entries = changes; kept > 0 && runs_[kept - 1]->footer().entries <= entries * 2; --kept) entries += runs_[kept - 1]->footer().entries;
  return kept;
}

Result<int64_t> TableLedger::WriteNext(const Changes& changed) const {
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
  MS_ASSIGN_OR_RETURN(int64_t number, LargestNumber());
  for (int race = 0; race < kRacesMax; ++race) {
    Result<int64_t> written = WriteAs(++number, changed);
    if (written.ok() || !written.status().Is(errors::kFileAlreadyExists)) return written;
  }
  return Status::Internal("no free number for a run in " + directory_);
}

Result<int64_t> TableLedger::WriteAs(int64_t number, const Changes& changed) const {
  const size_t kept = KeptRuns(static_cast<int64_t>(changed.size()));
  MS_ASSIGN_OR_RETURN(LedgerRunWriter writer, LedgerRunWriter::Create(fs_, directory_));
  Cursor merged(std::vector<LedgerRunPtr>(runs_.begin() + static_cast<ptrdiff_t>(kept), runs_.end()));
  MS_RETURN_IF_ERROR(merged.Seek(""));
  // That a file is forgotten need not be said where no older run knows it, and where none of its rows is in the table.
  auto is_said = [&](const LoadedFile& file) { return kept > 0 || file.state != LoadedFile::State::kForgotten || file.written != 0; };
  auto change = changed.begin();
  while (change != changed.end() || merged.valid()) {
    const bool takes_change = change != changed.end() && (!merged.valid() || change->first <= merged.key());
    if (!takes_change) {
      MS_ASSIGN_OR_RETURN(LoadedFile file, merged.file());
      if (is_said(file)) MS_RETURN_IF_ERROR(writer.Add(merged.key(), file));
      MS_RETURN_IF_ERROR(merged.Next());
      continue;
    }
    if (merged.valid() && merged.key() == change->first) MS_RETURN_IF_ERROR(merged.Next());
    LoadedFile file = change->second;
    if (file.epoch == 0) file.epoch = number;
    if (is_said(file)) MS_RETURN_IF_ERROR(writer.Add(change->first, file));
    ++change;
  }
  std::vector<ledger_run::RunRef> older;
  for (size_t i = 0; i < kept; ++i) older.push_back({runs_[i]->footer().number, runs_[i]->footer().entries});
  MS_RETURN_IF_ERROR(writer.Publish(PathOf(number), number, table_id_, older));
  return number;
}

Status TableLedger::RemoveUnused(int64_t now_ms, int64_t kept_ms) const {
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, fs_.List(directory_));
  for (const DirectoryEntry& entry : entries) {
    std::optional<int64_t> number = NumberOf(entry.name);
    if (!number) continue;
    // The first run in use from its number on: it is the run itself, or holds what was in it, and has done so since it was written.
    auto holder = std::find_if(runs_.begin(), runs_.end(), [&](const LedgerRunPtr& run) { return run->footer().number >= *number; });
    if (holder == runs_.end() || (*holder)->footer().number == *number || now_ms - (*holder)->modified_ms() < kept_ms) continue;
    MS_RETURN_IF_ERROR(fs_.Remove(JoinPath(directory_, entry.name)));
  }
  return Status();
}

}  // namespace millstream
