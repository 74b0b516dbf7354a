#include "connectors/files/waiting_files.h"

#include <optional>
#include <vector>

#include "connectors/files/file_gone.h"
#include "connectors/files/file_ledger_format.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

using ledger_format::WaitingEntry;

constexpr int64_t kFilesAtOnce = 1000;

Result<WaitingEntry> Decode(const FileLedger& ledger, const WaitingRecord& waiting) {
  std::optional<WaitingEntry> entry = ledger_format::DecodeWaiting(waiting.key, waiting.value);
  if (entry) return *std::move(entry);
  return Status::Error(errors::kLedgerForeign, {{"path", ledger.directory()}, {"detail", "the record of a file that waits is broken"}});
}

Status Number(FileLedger& ledger, const std::string& key, const WaitingEntry& entry) {
  MS_RETURN_IF_ERROR(ledger.DropWaiting(key));
  FileRecord record = entry.record;
  record.state = FileState::kAssigned;
  const std::string_view directory = ParentPath(entry.path), name = BaseName(entry.path);
  return record.number > 0 ? ledger.Replace(directory, name, record, record.number, entry.content) : ledger.Add(directory, name, record, entry.content);
}

}  // namespace

Result<WaitingFiles> WaitingFiles::Open(Fs& fs, std::shared_ptr<FileLedger> ledger, FileOrder order) {
  WaitingFiles waiting(fs, std::move(ledger), order);
  MS_RETURN_IF_ERROR(waiting.TakeOver());
  return waiting;
}

Status WaitingFiles::TakeOver() {
  for (std::string after;;) {
    MS_ASSIGN_OR_RETURN(std::vector<WaitingRecord> some, ledger_->Waiting(after, kFilesAtOnce));
    if (some.empty()) break;
    after = some.back().key;
    for (const WaitingRecord& one : some) {
      MS_ASSIGN_OR_RETURN(WaitingEntry entry, Decode(*ledger_, one));
      if (!has_order()) {
        MS_RETURN_IF_ERROR(Number(*ledger_, one.key, entry));
        continue;
      }
      const std::string key = ledger_format::WaitingKey(order_, entry.path, entry.record.modified_ns);
      if (key == one.key) continue;
      MS_RETURN_IF_ERROR(ledger_->DropWaiting(one.key));
      MS_RETURN_IF_ERROR(ledger_->StageWaiting(key, one.value));
    }
    MS_RETURN_IF_ERROR(ledger_->Write());
  }
  // Only now: in another order a file may have come to lie before or behind those that have been looked at.
  for (std::string after;;) {
    MS_ASSIGN_OR_RETURN(std::vector<WaitingRecord> some, ledger_->Waiting(after, kFilesAtOnce));
    if (some.empty()) return Status();
    after = some.back().key;
    for (const WaitingRecord& one : some) {
      MS_ASSIGN_OR_RETURN(WaitingEntry entry, Decode(*ledger_, one));
      ++count_;
      bytes_ += entry.record.size_bytes;
    }
  }
}

Status WaitingFiles::Add(std::string_view directory, std::string_view name, FileRecord record, const FileRecord* known, int64_t replaced,
                         const std::string& content) {
  const std::string path = JoinPath(directory, name);
  if (known != nullptr) MS_RETURN_IF_ERROR(Drop(path, *known));
  record.state = FileState::kWaiting;
  record.number = replaced;
  ++count_;
  bytes_ += record.size_bytes;
  MS_RETURN_IF_ERROR(ledger_->StageWaiting(ledger_format::WaitingKey(order_, path, record.modified_ns), ledger_format::EncodeWaiting(record, content)));
  return ledger_->Add(directory, name, record, content);
}

Status WaitingFiles::Drop(const std::string& path, const FileRecord& known) {
  if (known.state != FileState::kWaiting) return Status();
  --count_;
  bytes_ -= known.size_bytes;
  return ledger_->DropWaiting(ledger_format::WaitingKey(order_, path, known.modified_ns));
}

Status WaitingFiles::NumberWhile(const std::function<bool(int64_t size_bytes)>& takes) {
  MS_RETURN_IF_ERROR(ledger_->Write());
  for (std::string after; count_ > 0;) {
    MS_ASSIGN_OR_RETURN(std::vector<WaitingRecord> some, ledger_->Waiting(after, kFilesAtOnce));
    if (some.empty()) break;
    for (const WaitingRecord& one : some) {
      MS_ASSIGN_OR_RETURN(WaitingEntry entry, Decode(*ledger_, one));
      if (entry.content.empty() && IsGone(fs_->Stat(entry.path).status())) {
        MS_RETURN_IF_ERROR(LeaveOut(one.key, entry.path, entry.record));
      } else {
        if (!takes(entry.record.size_bytes)) return ledger_->Write();
        MS_RETURN_IF_ERROR(Number(*ledger_, one.key, entry));
      }
      --count_;
      bytes_ -= entry.record.size_bytes;
      after = one.key;
    }
    MS_RETURN_IF_ERROR(ledger_->Write());
  }
  return ledger_->Write();
}

Status WaitingFiles::LeaveOut(const std::string& key, const std::string& path, const FileRecord& waiting) {
  MS_RETURN_IF_ERROR(ledger_->DropWaiting(key));
  gone_.emplace_back(ParentPath(path));
  FileRecord record{.state = FileState::kGone, .size_bytes = waiting.size_bytes, .modified_ns = waiting.modified_ns, .discovered_ms = waiting.discovered_ms};
  if (waiting.number == 0) return ledger_->Add(ParentPath(path), BaseName(path), record);
  // What was loaded of it before stays; whatever comes under its name has changed since.
  record = {.state = FileState::kAssigned, .number = waiting.number, .discovered_ms = waiting.discovered_ms};
  return ledger_->Put(ParentPath(path), BaseName(path), record);
}

Status WaitingFiles::NumberAll() {
  return NumberWhile([](int64_t) { return true; });
}

Status NumberNow(FileLedger& ledger, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::optional<FileRecord> record, ledger.Find(ParentPath(path), BaseName(path)));
  if (!record || record->state != FileState::kWaiting) return Status();
  for (FileOrder order : {FileOrder::kPath, FileOrder::kModificationTime}) {
    const std::string key = ledger_format::WaitingKey(order, path, record->modified_ns);
    MS_ASSIGN_OR_RETURN(std::optional<std::string> value, ledger.FindWaiting(key));
    if (!value) continue;
    MS_ASSIGN_OR_RETURN(WaitingEntry entry, Decode(ledger, {key, *value}));
    MS_RETURN_IF_ERROR(Number(ledger, key, entry));
    return ledger.Write();
  }
  return Status::Error(errors::kLedgerForeign, {{"path", ledger.directory()}, {"detail", "a file waits in no order: " + HadoopPathString(path)}});
}

}  // namespace millstream
