#include "connectors/files/ledger_run_format.h"

#include <algorithm>

#include "base/varint.h"

namespace millstream::ledger_run {
namespace {

constexpr uint64_t kVersion = 1;

void AppendFixed64(std::string& out, uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}

uint64_t Fixed(std::string_view bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

}  // namespace

void AppendFixed32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}

uint32_t Fixed32(std::string_view bytes) { return static_cast<uint32_t>(Fixed(bytes, 4)); }

std::string PrefixOf(std::string_view directory) {
  std::string prefix(directory == "/" ? "" : directory);
  std::replace(prefix.begin(), prefix.end(), '/', '\0');
  return prefix += '\0';
}

std::string KeyOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  std::string key = PrefixOf(path.substr(0, slash));
  key += '\0';
  return key += path.substr(slash + 1);
}

std::string PathOf(std::string_view key) {
  const size_t name = key.find(std::string_view("\0\0", 2));
  std::string path(key.substr(0, name));
  std::replace(path.begin(), path.end(), '\0', '/');
  path += '/';
  return path += key.substr(name + 2);
}

void AppendRecord(std::string& out, const LoadedFile& file) {
  out += static_cast<char>(file.state);
  for (int64_t number : {file.size_bytes, file.modified_ns, file.epoch, file.loaded_ms, file.rows, file.rejected, file.malformed}) PutSigned(out, number);
  PutText(out, file.first_error);
  PutText(out, file.content_hash);
  PutSigned(out, file.written);
  PutSigned(out, file.first_epoch);
}

std::optional<LoadedFile> ParseRecord(std::string_view bytes) {
  const bool is_known = !bytes.empty() && ((bytes[0] >= 1 && bytes[0] <= 6) || bytes[0] == 9);
  if (!is_known) return std::nullopt;
  LoadedFile file{.state = static_cast<LoadedFile::State>(bytes[0])};
  bytes.remove_prefix(1);
  for (int64_t* number : {&file.size_bytes, &file.modified_ns, &file.epoch, &file.loaded_ms, &file.rows, &file.rejected, &file.malformed}) {
    if (!GetSigned(bytes, number)) return std::nullopt;
  }
  std::string_view error, hash;
  if (!GetText(bytes, &error) || !GetText(bytes, &hash)) return std::nullopt;
  file.first_error = error;
  file.content_hash = hash;
  // Older records end here.
  if (bytes.empty() && file.state != LoadedFile::State::kLoaded) file.written = 0;
  if (!bytes.empty() && (!GetSigned(bytes, &file.written) || !GetSigned(bytes, &file.first_epoch))) return std::nullopt;
  return file;
}

void AppendEntry(std::string& out, std::string_view previous_key, std::string_view key, const LoadedFile& file) {
  const size_t shared = SharedBytes(previous_key, key);
  PutVarint(out, shared);
  PutText(out, key.substr(shared));
  std::string record;
  AppendRecord(record, file);
  PutText(out, record);
}

std::string EncodeFooter(const Footer& footer) {
  std::string out;
  PutVarint(out, kVersion);
  PutSigned(out, footer.number);
  PutSigned(out, footer.entries);
  PutText(out, footer.table_id);
  PutVarint(out, footer.older.size());
  for (const RunRef& run : footer.older) {
    PutSigned(out, run.number);
    PutSigned(out, run.entries);
  }
  PutVarint(out, footer.blocks.size());
  std::string_view previous;
  for (const BlockRef& block : footer.blocks) {
    const size_t shared = SharedBytes(previous, block.last_key);
    PutVarint(out, shared);
    PutText(out, std::string_view(block.last_key).substr(shared));
    PutVarint(out, block.offset);
    PutVarint(out, block.bytes);
    previous = block.last_key;
  }
  return out;
}

std::optional<Footer> DecodeFooter(std::string_view bytes) {
  Footer footer;
  uint64_t version = 0, runs = 0, blocks = 0;
  std::string_view table_id;
  if (!GetVarint(bytes, &version) || version != kVersion || !GetSigned(bytes, &footer.number) || !GetSigned(bytes, &footer.entries) ||
      !GetText(bytes, &table_id) || !GetVarint(bytes, &runs) || runs > bytes.size()) {
    return std::nullopt;
  }
  footer.table_id = table_id;
  for (uint64_t i = 0; i < runs; ++i) {
    RunRef run;
    if (!GetSigned(bytes, &run.number) || !GetSigned(bytes, &run.entries)) return std::nullopt;
    footer.older.push_back(run);
  }
  if (!GetVarint(bytes, &blocks) || blocks > bytes.size()) return std::nullopt;
  for (uint64_t i = 0; i < blocks; ++i) {
    BlockRef block;
    uint64_t shared = 0;
    std::string_view rest;
    if (!GetVarint(bytes, &shared) || !GetText(bytes, &rest) || !GetVarint(bytes, &block.offset) || !GetVarint(bytes, &block.bytes)) return std::nullopt;
    if (shared > (footer.blocks.empty() ? 0 : footer.blocks.back().last_key.size()) || block.bytes < 4 || block.bytes > kBlockBytesMax) return std::nullopt;
    if (shared > 0) block.last_key = footer.blocks.back().last_key.substr(0, shared);
    block.last_key += rest;
    footer.blocks.push_back(std::move(block));
  }
  return footer;
}

std::string EncodeTail(const Tail& tail) {
  std::string out;
  AppendFixed64(out, tail.footer_offset);
  AppendFixed32(out, tail.footer_bytes);
  AppendFixed32(out, tail.footer_crc);
  return out += kMagic;
}

std::optional<Tail> DecodeTail(std::string_view bytes) {
  if (bytes.size() != kTailBytes || !bytes.ends_with(kMagic)) return std::nullopt;
  return Tail{.footer_offset = Fixed(bytes, 8), .footer_bytes = Fixed32(bytes.substr(8)), .footer_crc = Fixed32(bytes.substr(12))};
}

}  // namespace millstream::ledger_run
