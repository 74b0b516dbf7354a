#include "streaming/state/state_files.h"

#include <fmt/format.h>

#include <charconv>

#include "base/crc32c.h"
#include "storage/failpoint.h"
#include "streaming/state/byte_order.h"
#include "streaming/state/state_errors.h"

namespace millstream::state_store {

using state_codec::PutFixed;
using state_codec::PutVarint;
using state_codec::TakeFixed;
using state_codec::TakeVarint;

std::string ChangesPath(const std::string& directory, int64_t version) { return JoinPath(directory, std::to_string(version) + ".changes"); }
std::string SnapshotPath(const std::string& directory, int64_t version) { return JoinPath(directory, std::to_string(version) + ".snapshot"); }
std::string RunPath(const std::string& directory, int64_t number) { return JoinPath(directory, std::to_string(number) + ".run"); }

std::optional<int64_t> NumberOf(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  int64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0 || std::to_string(number) != name) return std::nullopt;
  return number;
}

Status Damaged(const std::string& path, std::string problem) { return Status::Error(errors::kStateDamaged, {{"path", path}, {"problem", std::move(problem)}}); }

uint32_t Crc(std::string_view bytes) { return Crc32c(bytes); }

void AppendFrame(std::string_view payload, std::string* out) {
  PutFixed(static_cast<uint32_t>(payload.size()), out);
  PutFixed(Crc(payload), out);
  out->append(payload);
}

void PutBytes(std::string_view bytes, std::string* out) {
  PutVarint(bytes.size(), out);
  out->append(bytes);
}

bool TakeBytes(std::string_view* from, std::string_view* bytes) {
  uint64_t size = 0;
  if (!TakeVarint(from, &size) || size > from->size()) return false;
  *bytes = from->substr(0, size);
  from->remove_prefix(size);
  return true;
}

void PutStoreId(const StateStoreId& id, std::string* out) {
  PutVarint(static_cast<uint64_t>(id.operator_id), out);
  PutVarint(static_cast<uint32_t>(id.partition), out);
  PutBytes(id.name, out);
}

bool TakeStoreId(std::string_view* from, StateStoreId* id) {
  uint64_t operator_id = 0, partition = 0;
  std::string_view name;
  if (!TakeVarint(from, &operator_id) || !TakeVarint(from, &partition) || !TakeBytes(from, &name)) return false;
  *id = {.operator_id = static_cast<int64_t>(operator_id), .partition = static_cast<int32_t>(partition), .name = std::string(name)};
  return true;
}

void PutChange(std::string_view key, const std::string_view* value, std::string* out) {
  PutVarint(key.size() * 2 + (value != nullptr), out);
  out->append(key);
  if (value != nullptr) PutBytes(*value, out);
}

bool TakeChange(std::string_view* from, std::string_view* key, std::string_view* value, bool* removed) {
  uint64_t head = 0;
  if (!TakeVarint(from, &head) || head / 2 > from->size()) return false;
  *key = from->substr(0, head / 2);
  from->remove_prefix(head / 2);
  *removed = head % 2 == 0;
  return *removed || TakeBytes(from, value);
}

namespace {

constexpr char kPiece = 'P', kFooter = 'F';

std::string EncodeFooter(const VersionFooter& footer) {
  std::string out(1, kFooter);
  PutVarint(static_cast<uint64_t>(footer.version), &out);
  PutBytes(footer.note, &out);
  PutVarint(footer.rows.size(), &out);
  for (const auto& [id, rows] : footer.rows) {
    PutStoreId(id, &out);
    PutVarint(static_cast<uint64_t>(rows), &out);
  }
  return out;
}

// After the type byte.
bool TakeFooter(std::string_view* from, VersionFooter* footer) {
  uint64_t version = 0, stores = 0;
  std::string_view note;
  if (!TakeVarint(from, &version) || !TakeBytes(from, &note) || !TakeVarint(from, &stores)) return false;
  footer->version = static_cast<int64_t>(version);
  footer->note = std::string(note);
  for (; stores > 0; --stores) {
    StateStoreId id;
    uint64_t rows = 0;
    if (!TakeStoreId(from, &id) || !TakeVarint(from, &rows)) return false;
    footer->rows[id] = static_cast<int64_t>(rows);
  }
  return true;
}

// The payload of the frame at `offset`, which moves past it.
Result<std::string> ReadFrame(ReadableFile& file, const std::string& path, int64_t size, int64_t* offset) {
  constexpr int64_t kHead = 8;
  char head[kHead];
  if (*offset + kHead > size) return Damaged(path, fmt::format("it ends in the middle of a frame at byte {}", *offset));
  MS_ASSIGN_OR_RETURN(int64_t got, file.ReadAt(*offset, kHead, head));
  uint32_t length = 0, crc = 0;
  std::memcpy(&length, head, 4);
  std::memcpy(&crc, head + 4, 4);
  if (got != kHead || *offset + kHead + length > size) return Damaged(path, fmt::format("it ends in the middle of a frame at byte {}", *offset));
  std::string payload(length, '\0');
  MS_ASSIGN_OR_RETURN(got, file.ReadAt(*offset + kHead, length, payload.data()));
  if (got != length || Crc(payload) != crc) return Damaged(path, fmt::format("the checksum of the frame at byte {} is wrong", *offset));
  *offset += kHead + length;
  return payload;
}

Result<std::unique_ptr<ReadableFile>> OpenChecked(Fs& fs, const std::string& path, std::string_view magic, int64_t* size) {
  Result<std::unique_ptr<ReadableFile>> file = fs.OpenForRead(path);
  if (!file.ok()) {
    return file.status().Is(errors::kFileNotFound) || file.status().error_number() == ENOENT ? Damaged(path, "it is missing") : file.status();
  }
  MS_ASSIGN_OR_RETURN(FileInfo info, (*file)->Stat());
  *size = info.size_bytes;
  char head[8];
  MS_ASSIGN_OR_RETURN(int64_t got, (*file)->ReadAt(0, 8, head));
  if (std::string_view(head, static_cast<size_t>(got)) != magic) return Damaged(path, "it does not begin as such a file does");
  return std::move(file).value();
}

}  // namespace

Result<std::unique_ptr<ChangesWriter>> ChangesWriter::Create(Fs& fs, const std::string& directory) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(directory));
  MS_RETURN_IF_ERROR(file->Append(kChangesMagic));
  return std::unique_ptr<ChangesWriter>(new ChangesWriter(fs, directory, std::move(file)));
}

Status ChangesWriter::Append(const StateStoreId& id, std::string_view changes) {
  std::string payload(1, kPiece);
  PutStoreId(id, &payload);
  payload.append(changes);
  if (static_cast<int64_t>(payload.size()) > kFrameBytesMax) return Status::Unsupported("a row of state of more than 2 GB");
  std::string frame;
  frame.reserve(payload.size() + 8);
  AppendFrame(payload, &frame);
  std::lock_guard lock(mutex_);
  return file_->Append(frame);
}

Result<int64_t> ChangesWriter::Publish(const VersionFooter& footer) {
  std::lock_guard lock(mutex_);
  std::string frame;
  AppendFrame(EncodeFooter(footer), &frame);
  // Where the footer begins, so that a note is found without reading the changes.
  auto size = static_cast<uint32_t>(frame.size());
  PutFixed(size, &frame);
  MS_RETURN_IF_ERROR(file_->Append(frame));
  MS_FAILPOINT("state.changes.before_sync");
  MS_RETURN_IF_ERROR(file_->Sync());
  MS_FAILPOINT("state.changes.before_link");
  MS_RETURN_IF_ERROR(file_->Publish(ChangesPath(directory_, footer.version)));
  MS_FAILPOINT("state.changes.after_link");
  MS_RETURN_IF_ERROR(fs_.SyncDirectory(directory_));
  MS_FAILPOINT("state.changes.after_dirsync");
  return file_->size_bytes();
}

Result<VersionFooter> ReadChanges(Fs& fs, const std::string& directory, int64_t version,
                                  const std::function<Status(const StateStoreId&, std::string_view changes)>& visit) {
  const std::string path = ChangesPath(directory, version);
  int64_t size = 0;
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, OpenChecked(fs, path, kChangesMagic, &size));
  for (int64_t offset = 8;;) {
    MS_ASSIGN_OR_RETURN(std::string payload, ReadFrame(*file, path, size, &offset));
    std::string_view rest = payload;
    char type = rest.empty() ? '\0' : rest.front();
    if (type == kPiece) {
      rest.remove_prefix(1);
      StateStoreId id;
      if (!TakeStoreId(&rest, &id)) return Damaged(path, "a piece of it names no store");
      MS_RETURN_IF_ERROR(visit(id, rest));
      continue;
    }
    VersionFooter footer;
    if (type == kFooter) rest.remove_prefix(1);
    if (type != kFooter || !TakeFooter(&rest, &footer) || offset + 4 != size) return Damaged(path, "its last frame is no footer");
    if (footer.version != version) return Damaged(path, fmt::format("it is version {} inside", footer.version));
    return footer;
  }
}

Result<VersionFooter> ReadFooter(Fs& fs, const std::string& directory, int64_t version) {
  const std::string path = ChangesPath(directory, version);
  int64_t size = 0;
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, OpenChecked(fs, path, kChangesMagic, &size));
  uint32_t frame_size = 0;
  MS_ASSIGN_OR_RETURN(int64_t got, file->ReadAt(size - 4, 4, &frame_size));
  int64_t offset = size - 4 - frame_size;
  if (got != 4 || offset < 8) return Damaged(path, "its end is wrong");
  MS_ASSIGN_OR_RETURN(std::string payload, ReadFrame(*file, path, size, &offset));
  std::string_view rest = payload;
  VersionFooter footer;
  if (rest.empty() || rest.front() != kFooter) return Damaged(path, "its last frame is no footer");
  rest.remove_prefix(1);
  if (!TakeFooter(&rest, &footer) || footer.version != version) return Damaged(path, "its last frame is no footer of this version");
  return footer;
}

Status PublishSnapshot(Fs& fs, const std::string& directory, const Snapshot& snapshot) {
  std::string payload = EncodeFooter(snapshot.footer);
  PutVarint(snapshot.runs.size(), &payload);
  for (const auto& [id, runs] : snapshot.runs) {
    PutStoreId(id, &payload);
    PutVarint(runs.size(), &payload);
    for (const SnapshotRun& run : runs) {
      for (int64_t number : {run.number, run.entries, run.bytes}) PutVarint(static_cast<uint64_t>(number), &payload);
    }
  }
  std::string bytes(kSnapshotMagic);
  AppendFrame(payload, &bytes);
  return Publish(fs, SnapshotPath(directory, snapshot.footer.version), bytes, "state.snapshot");
}

Result<Snapshot> ReadSnapshot(Fs& fs, const std::string& directory, int64_t version) {
  const std::string path = SnapshotPath(directory, version);
  int64_t size = 0, offset = 8;
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, OpenChecked(fs, path, kSnapshotMagic, &size));
  MS_ASSIGN_OR_RETURN(std::string payload, ReadFrame(*file, path, size, &offset));
  std::string_view rest = payload;
  Snapshot snapshot;
  uint64_t stores = 0;
  bool good = !rest.empty() && rest.front() == kFooter;
  if (good) rest.remove_prefix(1);
  good = good && TakeFooter(&rest, &snapshot.footer) && snapshot.footer.version == version && TakeVarint(&rest, &stores);
  for (; good && stores > 0; --stores) {
    StateStoreId id;
    uint64_t runs = 0;
    good = TakeStoreId(&rest, &id) && TakeVarint(&rest, &runs);
    for (; good && runs > 0; --runs) {
      uint64_t number = 0, entries = 0, bytes = 0;
      good = TakeVarint(&rest, &number) && TakeVarint(&rest, &entries) && TakeVarint(&rest, &bytes);
      snapshot.runs[id].push_back({static_cast<int64_t>(number), static_cast<int64_t>(entries), static_cast<int64_t>(bytes)});
    }
  }
  if (!good) return Damaged(path, "its content is not that of a snapshot");
  return snapshot;
}

}  // namespace millstream::state_store
