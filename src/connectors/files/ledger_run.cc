#include "connectors/files/ledger_run.h"

#include "base/crc32c.h"
#include "base/varint.h"
#include "storage/failpoint.h"

namespace millstream {

// ---- reading

Status LedgerRun::Damaged(std::string reason) const { return Status::Error(errors::kTableLedgerDamaged, {{"path", path_}, {"reason", std::move(reason)}}); }

Result<std::shared_ptr<const LedgerRun>> LedgerRun::Open(Fs& fs, const std::string& path) {
  auto run = std::make_shared<LedgerRun>();
  run->path_ = path;
  Result<std::unique_ptr<ReadableFile>> file = fs.OpenForRead(path);
  if (!file.ok() && file.status().Is(errors::kFileNotFound)) return run->Damaged("it is missing");
  if (!file.ok()) return file.status();
  run->file_ = std::move(*file);
  MS_ASSIGN_OR_RETURN(FileInfo info, run->file_->Stat());
  run->modified_ms_ = info.modified_ns / 1'000'000;
  const auto tail_bytes = static_cast<int64_t>(ledger_run::kTailBytes);
  if (info.size_bytes < tail_bytes) return run->Damaged("it is cut off");
  std::string bytes(ledger_run::kTailBytes, '\0');
  MS_ASSIGN_OR_RETURN(int64_t got, run->file_->ReadAt(info.size_bytes - tail_bytes, tail_bytes, bytes.data()));
  std::optional<ledger_run::Tail> tail = got == tail_bytes ? ledger_run::DecodeTail(bytes) : std::nullopt;
  if (!tail || tail->footer_bytes > ledger_run::kFooterBytesMax ||
      tail->footer_offset + tail->footer_bytes + ledger_run::kTailBytes != static_cast<uint64_t>(info.size_bytes)) {
    return run->Damaged("it does not end as a file ledger does");
  }
  bytes.resize(tail->footer_bytes);
  MS_ASSIGN_OR_RETURN(got, run->file_->ReadAt(static_cast<int64_t>(tail->footer_offset), tail->footer_bytes, bytes.data()));
  if (got != tail->footer_bytes || Crc32c(bytes) != tail->footer_crc) return run->Damaged("its footer's checksum is wrong");
  std::optional<ledger_run::Footer> footer = ledger_run::DecodeFooter(bytes);
  if (!footer) return run->Damaged("its footer is of a version that this program does not know");
  run->footer_ = std::move(*footer);
  return std::shared_ptr<const LedgerRun>(std::move(run));
}

Result<std::string> LedgerRun::ReadBlock(size_t block) const {
  const ledger_run::BlockRef& ref = footer_.blocks[block];
  std::string bytes(ref.bytes, '\0');
  MS_ASSIGN_OR_RETURN(int64_t got, file_->ReadAt(static_cast<int64_t>(ref.offset), static_cast<int64_t>(ref.bytes), bytes.data()));
  if (got != static_cast<int64_t>(ref.bytes)) return Damaged("it is cut off");
  const uint32_t crc = ledger_run::Fixed32(std::string_view(bytes).substr(bytes.size() - 4));
  bytes.resize(bytes.size() - 4);
  if (Crc32c(bytes) != crc) return Damaged("the checksum of the block at byte " + std::to_string(ref.offset) + " is wrong");
  return bytes;
}

Status LedgerRunCursor::Load(size_t block) {
  valid_ = false;
  block_ = block;
  rest_ = {};
  key_.clear();
  if (block >= run_->footer().blocks.size()) return Status();
  MS_ASSIGN_OR_RETURN(bytes_, run_->ReadBlock(block));
  rest_ = bytes_;
  return Next();
}

Status LedgerRunCursor::Next() {
  valid_ = false;
  if (rest_.empty()) return block_ < run_->footer().blocks.size() ? Load(block_ + 1) : Status();
  uint64_t shared = 0;
  std::string_view suffix;
  if (!GetVarint(rest_, &shared) || shared > key_.size() || !GetText(rest_, &suffix) || !GetText(rest_, &record_)) {
    return run_->Damaged("a block has no end");
  }
  key_.resize(shared);
  key_ += suffix;
  valid_ = true;
  return Status();
}

Status LedgerRunCursor::Seek(std::string_view key) {
  const std::vector<ledger_run::BlockRef>& blocks = run_->footer().blocks;
  const bool is_ahead = valid_ && key_ <= key && block_ < blocks.size() && key <= blocks[block_].last_key;
  if (!is_ahead) {
    size_t low = 0, high = blocks.size();
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (blocks[middle].last_key < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    MS_RETURN_IF_ERROR(Load(low));
  }
  while (valid_ && key_ < key) MS_RETURN_IF_ERROR(Next());
  return Status();
}

Result<LoadedFile> LedgerRunCursor::file() const {
  std::optional<LoadedFile> file = ledger_run::ParseRecord(record_);
  if (!file) return run_->Damaged("the record of " + ledger_run::PathOf(key_) + " is not readable");
  return *file;
}

// ---- writing

Result<LedgerRunWriter> LedgerRunWriter::Create(Fs& fs, const std::string& directory) {
  LedgerRunWriter writer(fs);
  MS_ASSIGN_OR_RETURN(writer.file_, fs.CreatePending(directory));
  MS_RETURN_IF_ERROR(writer.file_->Append(ledger_run::kMagic));
  return writer;
}

Status LedgerRunWriter::Add(std::string_view key, const LoadedFile& file) {
  MS_CHECK(entries_ == 0 || key > last_key_);
  // The first key of a block stands in full: a block can be read alone.
  ledger_run::AppendEntry(block_, block_.empty() ? std::string_view() : std::string_view(last_key_), key, file);
  last_key_ = key;
  ++entries_;
  return block_.size() >= ledger_run::kBlockBytes ? EndBlock() : Status();
}

Status LedgerRunWriter::EndBlock() {
  if (block_.empty()) return Status();
  ledger_run::AppendFixed32(block_, Crc32c(block_));
  blocks_.push_back({last_key_, static_cast<uint64_t>(file_->size_bytes()), block_.size()});
  MS_RETURN_IF_ERROR(file_->Append(block_));
  block_.clear();
  return Status();
}

Status LedgerRunWriter::Publish(const std::string& path, int64_t number, const std::string& table_id, const std::vector<ledger_run::RunRef>& older) {
  MS_RETURN_IF_ERROR(EndBlock());
  const std::string footer =
      ledger_run::EncodeFooter({.number = number, .entries = entries_, .table_id = table_id, .older = older, .blocks = std::move(blocks_)});
  const std::string tail = ledger_run::EncodeTail(
      {.footer_offset = static_cast<uint64_t>(file_->size_bytes()), .footer_bytes = static_cast<uint32_t>(footer.size()), .footer_crc = Crc32c(footer)});
  MS_RETURN_IF_ERROR(file_->Append(footer + tail));
  MS_FAILPOINT("files.copy_state.before_sync");
  MS_RETURN_IF_ERROR(file_->Sync());
  MS_FAILPOINT("files.copy_state.before_link");
  MS_RETURN_IF_ERROR(file_->Publish(path));
  MS_FAILPOINT("files.copy_state.after_link");
  // The name is durable before a commit names it: a commit whose run is gone would be a table that cannot tell what it has loaded.
  MS_RETURN_IF_ERROR(fs_->SyncDirectory(std::string(ParentPath(path))));
  MS_FAILPOINT("files.copy_state.after_dirsync");
  return Status();
}

}  // namespace millstream
