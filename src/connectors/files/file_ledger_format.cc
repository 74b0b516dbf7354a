#include "connectors/files/file_ledger_format.h"

#include <algorithm>

#include "base/varint.h"

namespace millstream::ledger_format {
namespace {

// Behind kWaitingPrefix. They are sorted apart.
constexpr char kByTime = 'm', kByPath = 'p';

constexpr int64_t FileCounts::*kCountColumns[] = {&FileCounts::rows, &FileCounts::rejected, &FileCounts::malformed, &FileCounts::rescued};

}  // namespace

bool KnowsVersion(std::string_view version) {
  return version == kVersion || std::find(std::begin(kVersionsBefore), std::end(kVersionsBefore), version) != std::end(kVersionsBefore);
}

std::string DirectoryKey(std::string_view directory) {
  std::string key(1, kFilePrefix);
  key += directory;
  key += '\0';
  return key;
}

std::string FileKey(std::string_view directory, std::string_view name) { return DirectoryKey(directory) += name; }

std::string NumberedKey(char prefix, int64_t number) {
  std::string key(1, prefix);
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(static_cast<uint64_t>(number) >> shift);
  return key;
}

std::string NumberKey(int64_t number) { return NumberedKey(kNumberPrefix, number); }
std::string BatchKey(int64_t through) { return NumberedKey(kBatchPrefix, through); }
std::string FateKey(int64_t number) { return NumberedKey(kFatePrefix, number); }
std::string ReplacementKey(int64_t number) { return NumberedKey(kReplacementPrefix, number); }

std::string CountsKey(int64_t through) { return NumberedKey(kCountsPrefix, through); }
std::string RetryKey(int64_t number) { return NumberedKey(kRetryPrefix, number); }
std::string PartKey(int64_t number) { return NumberedKey(kPartPrefix, number); }

std::string ContentKey(std::string_view hash) { return std::string(1, kContentPrefix) += hash; }

std::string NoteKey(std::string_view name) { return std::string(1, kNotePrefix) += name; }

std::optional<int64_t> DecodeNumberKey(std::string_view key, char prefix) {
  if (key.size() != 9 || key[0] != prefix) return std::nullopt;
  uint64_t number = 0;
  for (char c : key.substr(1)) number = number << 8 | static_cast<unsigned char>(c);
  return static_cast<int64_t>(number);
}

std::string EncodeRecord(const FileRecord& record) {
  std::string out(1, static_cast<char>(record.state));
  PutSigned(out, record.number);
  PutSigned(out, record.size_bytes);
  PutSigned(out, record.modified_ns);
  PutSigned(out, record.discovered_ms);
  return out;
}

std::optional<FileRecord> DecodeRecord(std::string_view bytes) {
  if (bytes.empty() || bytes[0] < 1 || bytes[0] > static_cast<char>(FileState::kGone)) return std::nullopt;
  FileRecord record{.state = static_cast<FileState>(bytes[0])};
  bytes.remove_prefix(1);
  if (!GetSigned(bytes, &record.number) || !GetSigned(bytes, &record.size_bytes) || !GetSigned(bytes, &record.modified_ns) ||
      !GetSigned(bytes, &record.discovered_ms) || !bytes.empty()) {
    return std::nullopt;
  }
  return record;
}

std::string EncodeNumber(const NumberEntry& entry) {
  std::string out;
  PutSigned(out, entry.file.size_bytes);
  PutSigned(out, entry.file.modified_ns);
  PutSigned(out, entry.file.discovered_ms);
  PutSigned(out, entry.bytes_before);
  out += entry.file.path;
  return out;
}

std::optional<NumberEntry> DecodeNumber(std::string_view bytes) {
  NumberEntry entry;
  if (!GetSigned(bytes, &entry.file.size_bytes) || !GetSigned(bytes, &entry.file.modified_ns) || !GetSigned(bytes, &entry.file.discovered_ms) ||
      !GetSigned(bytes, &entry.bytes_before) || bytes.empty()) {
    return std::nullopt;
  }
  entry.file.path = bytes;
  return entry;
}

std::string WaitingKey(FileOrder order, std::string_view path, int64_t modified_ns) {
  std::string key(1, kWaitingPrefix);
  key += order == FileOrder::kPath ? kByPath : kByTime;
  if (order == FileOrder::kModificationTime) key += NumberedKey(kByTime, modified_ns ^ INT64_MIN).substr(1);
  return key += path;
}

std::string EncodeWaiting(const FileRecord& record, const std::string& content) {
  std::string out;
  PutText(out, EncodeRecord(record));
  return out += content;
}

std::optional<WaitingEntry> DecodeWaiting(std::string_view key, std::string_view bytes) {
  std::string_view encoded;
  if (key.size() < 2 || key[0] != kWaitingPrefix || !GetText(bytes, &encoded)) return std::nullopt;
  std::optional<FileRecord> record = DecodeRecord(encoded);
  const size_t path_at = key[1] == kByTime ? 10 : 2;
  if (!record || record->state != FileState::kWaiting || key.size() <= path_at) return std::nullopt;
  return WaitingEntry{.path = std::string(key.substr(path_at)), .record = *record, .content = std::string(bytes)};
}

std::string EncodeReplaced(int64_t replaced) {
  std::string out;
  PutSigned(out, replaced);
  return out;
}

std::optional<int64_t> DecodeReplaced(std::string_view bytes) {
  int64_t replaced = 0;
  if (!GetSigned(bytes, &replaced) || !bytes.empty()) return std::nullopt;
  return replaced;
}

std::string EncodePart(const FilePart& part) {
  std::string out;
  PutSigned(out, part.start);
  PutSigned(out, part.end);
  PutVarint(out, part.inode);
  return out + part.hash;
}

std::optional<FilePart> DecodePart(std::string_view bytes) {
  FilePart part;
  if (!GetSigned(bytes, &part.start) || !GetSigned(bytes, &part.end) || !GetVarint(bytes, &part.inode)) return std::nullopt;
  part.hash = bytes;
  return part;
}

std::string EncodeRetry(const FileRetry& retry) {
  std::string out;
  PutSigned(out, retry.attempts);
  PutSigned(out, retry.due_ms);
  return out;
}

std::optional<FileRetry> DecodeRetry(std::string_view bytes) {
  FileRetry retry;
  if (!GetSigned(bytes, &retry.attempts) || !GetSigned(bytes, &retry.due_ms) || !bytes.empty()) return std::nullopt;
  return retry;
}

std::string EncodeBatch(const BatchRecord& record) {
  std::string out;
  PutSigned(out, record.after);
  PutSigned(out, record.processed_ms);
  PutSigned(out, record.committed_ms);
  return out;
}

std::optional<BatchRecord> DecodeBatch(std::string_view bytes) {
  BatchRecord record;
  if (!GetSigned(bytes, &record.after) || !GetSigned(bytes, &record.processed_ms) || !GetSigned(bytes, &record.committed_ms) || !bytes.empty()) {
    return std::nullopt;
  }
  return record;
}

// Column by column; one whose numbers are all the same, as most are, takes two bytes whatever the number of files.
std::string EncodeCounts(std::span<const FileCounts> counts) {
  std::string out;
  PutVarint(out, counts.size());
  for (int64_t FileCounts::*column : kCountColumns) {
    const bool is_same = std::all_of(counts.begin(), counts.end(), [&](const FileCounts& file) { return file.*column == counts.front().*column; });
    out += static_cast<char>(is_same);
    for (const FileCounts& file : is_same ? counts.first(std::min<size_t>(counts.size(), 1)) : counts) PutVarint(out, static_cast<uint64_t>(file.*column));
  }
  return out;
}

std::optional<std::vector<FileCounts>> DecodeCounts(std::string_view bytes) {
  uint64_t files = 0;
  if (!GetVarint(bytes, &files) || files == 0 || files > kCountsAtOnce) return std::nullopt;
  std::vector<FileCounts> counts(files);
  for (int64_t FileCounts::*column : kCountColumns) {
    if (bytes.empty()) return std::nullopt;
    const bool is_same = bytes.front() != 0;
    bytes.remove_prefix(1);
    uint64_t value = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      if ((i == 0 || !is_same) && !GetVarint(bytes, &value)) return std::nullopt;
      counts[i].*column = static_cast<int64_t>(value);
    }
  }
  return bytes.empty() ? std::optional(std::move(counts)) : std::nullopt;
}

std::string EncodeFate(const FileFate& fate) {
  // Two facts in one byte: of most files there is only the first.
  std::string out{static_cast<char>(static_cast<int>(fate.skipped) | static_cast<int>(fate.retracted) << 4), static_cast<char>(fate.cleaned)};
  PutSigned(out, fate.cleaned_ms);
  PutVarint(out, fate.reason.size());
  out += fate.reason;
  out += fate.moved_to;
  return out;
}

std::optional<FileFate> DecodeFate(std::string_view bytes) {
  if (bytes.size() < 2 || bytes[0] < 0 || (bytes[0] & 15) > 4 || bytes[0] >> 4 > 6 || bytes[1] < 0 || bytes[1] > 4) return std::nullopt;
  FileFate fate{.skipped = static_cast<FileFate::Skipped>(bytes[0] & 15),
                .retracted = static_cast<FileFate::Retracted>(bytes[0] >> 4),
                .cleaned = static_cast<FileFate::Cleaned>(bytes[1])};
  bytes.remove_prefix(2);
  uint64_t size = 0;
  if (!GetSigned(bytes, &fate.cleaned_ms) || !GetVarint(bytes, &size) || size > bytes.size()) return std::nullopt;
  fate.reason = bytes.substr(0, size);
  fate.moved_to = bytes.substr(size);
  return fate;
}

}  // namespace millstream::ledger_format
