#include "delta/deletion_vector.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/uuid.h"
#include "delta/delta_errors.h"
#include "delta/log_files.h"

namespace millstream {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr char kFormatVersion = 1;
constexpr uint32_t kMagic = 1681511377;
constexpr size_t kUuidChars = 20;
constexpr int64_t kVectorBytesMax = int64_t{1} << 30;

Status CorruptVector(const std::string& where, const std::string& reason) {
  return Status::Error(errors::kDeltaLogCorrupt, {{"path", "The deletion vector " + where}, {"reason", reason}});
}

uint32_t BigEndian(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// The CRC-32 of zip and Java.
uint32_t Crc32(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value & 1 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
      made[i] = value;
    }
    return made;
  }();
  uint32_t crc = 0xFFFFFFFFu;
  for (char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ (crc >> 8);
  return crc ^ 0xFFFFFFFFu;
}

void AppendBigEndian(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

template <typename Number>
void AppendLittleEndian(std::string& out, Number value) {
  char bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  out.append(bytes, sizeof(value));
}

// The format that ParseBitmap reads.
std::string SerializeBitmap(const std::vector<uint64_t>& rows) {
  std::string body;
  uint64_t count = 0;
  for (size_t begin = 0; begin < rows.size();) {
    const auto key = static_cast<uint32_t>(rows[begin] >> 32);
    std::unique_ptr<roaring_bitmap_t, void (*)(const roaring_bitmap_t*)> bitmap(roaring_bitmap_create(), roaring_bitmap_free);
    for (; begin < rows.size() && rows[begin] >> 32 == key; ++begin) roaring_bitmap_add(bitmap.get(), static_cast<uint32_t>(rows[begin]));
    roaring_bitmap_run_optimize(bitmap.get());
    AppendLittleEndian(body, key);
    std::string portable(roaring_bitmap_portable_size_in_bytes(bitmap.get()), '\0');
    roaring_bitmap_portable_serialize(bitmap.get(), portable.data());
    body += portable;
    ++count;
  }
  std::string bytes;
  AppendLittleEndian(bytes, kMagic);
  AppendLittleEndian(bytes, count);
  return bytes + body;
}

// The portable format of 64-bit Roaring bitmaps: a count, then (high 32 bits, 32-bit bitmap) pairs with ascending keys.
Result<DeletedRows> ParseBitmap(std::string_view bytes, const DeletionVectorDescriptor& vector, const std::string& where) {
  uint32_t magic = 0;
  uint64_t count = 0;
  if (bytes.size() < 12) return CorruptVector(where, "it is too short");
  std::memcpy(&magic, bytes.data(), 4);
  std::memcpy(&count, bytes.data() + 4, 8);
  if (magic != kMagic) return CorruptVector(where, "it has an unknown format");
  bytes.remove_prefix(12);
  auto rows = std::make_shared<std::vector<uint64_t>>();
  if (vector.cardinality > 0 && vector.cardinality < (int64_t{1} << 28)) rows->reserve(static_cast<size_t>(vector.cardinality));
  std::optional<uint32_t> before;
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t key = 0;
    if (bytes.size() < 4) return CorruptVector(where, "it ends early");
    std::memcpy(&key, bytes.data(), 4);
    bytes.remove_prefix(4);
    if (before && key <= *before) return CorruptVector(where, "its keys are not in order");
    before = key;
    size_t size = roaring_bitmap_portable_deserialize_size(bytes.data(), bytes.size());
    if (size == 0 || size > bytes.size()) return CorruptVector(where, "a bitmap in it is broken");
    std::unique_ptr<roaring_bitmap_t, void (*)(const roaring_bitmap_t*)> bitmap(roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size()),
                                                                                roaring_bitmap_free);
    if (!bitmap) return CorruptVector(where, "a bitmap in it is broken");
    bytes.remove_prefix(size);
    uint64_t cardinality = roaring_bitmap_get_cardinality(bitmap.get());
    if (rows->size() + cardinality > static_cast<uint64_t>(std::max<int64_t>(vector.cardinality, 0)))
      return CorruptVector(where, "it has more rows than the log says");
    std::vector<uint32_t> low(cardinality);
    roaring_bitmap_to_uint32_array(bitmap.get(), low.data());
    for (uint32_t row : low) rows->push_back(static_cast<uint64_t>(key) << 32 | row);
  }
  if (static_cast<int64_t>(rows->size()) != vector.cardinality) return CorruptVector(where, "it has fewer rows than the log says");
  return DeletedRows(std::move(rows));
}

Result<std::string> StoredPath(const std::string& table_path, const DeletionVectorDescriptor& vector) {
  if (vector.storage_type == "p") return DataFilePath(table_path, vector.path_or_inline_dv);
  const std::string& name = vector.path_or_inline_dv;
  std::optional<std::string> uuid = name.size() >= kUuidChars ? DecodeZ85(std::string_view(name).substr(name.size() - kUuidChars)) : std::nullopt;
  if (!uuid || uuid->size() != 16) return CorruptVector(name, "its name is not a UUID");
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[static_cast<unsigned char>((*uuid)[i]) >> 4];
    text += kHex[static_cast<unsigned char>((*uuid)[i]) & 15];
  }
  std::string folder = table_path;
  std::string prefix = name.substr(0, name.size() - kUuidChars);
  if (prefix.find('/') != std::string::npos || prefix == "..") return CorruptVector(name, "its prefix is not a directory name");
  if (!prefix.empty()) folder = JoinPath(folder, prefix);
  return JoinPath(folder, "deletion_vector_" + text + ".bin");
}

}  // namespace

std::optional<std::string> DecodeZ85(std::string_view text) {
  if (text.size() % 5 != 0) return std::nullopt;
  std::string bytes;
  for (size_t at = 0; at < text.size(); at += 5) {
    uint64_t value = 0;
    for (size_t i = 0; i < 5; ++i) {
      size_t digit = kAlphabet.find(text[at + i]);
      if (digit == std::string_view::npos) return std::nullopt;
      value = value * 85 + digit;
    }
    if (value > 0xFFFFFFFFu) return std::nullopt;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  }
  return bytes;
}

std::string EncodeZ85(std::string_view bytes) {
  std::string text;
  for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    uint32_t value = BigEndian(bytes.data() + at);
    char digits[5];
    for (int i = 4; i >= 0; --i) {
      digits[i] = kAlphabet[value % 85];
      value /= 85;
    }
    text.append(digits, 5);
  }
  return text;
}

DeletedRows UnionOf(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  auto both = std::make_shared<std::vector<uint64_t>>();
  both->reserve(a.size() + b.size());
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(*both));
  return both;
}

DeletedRows DifferenceOf(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  auto rest = std::make_shared<std::vector<uint64_t>>();
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(*rest));
  return rest;
}

Result<std::vector<DeletionVectorDescriptor>> WriteDeletionVectors(Fs& fs, const std::string& table_path, const std::vector<DeletedRows>& vectors) {
  const std::string uuid = NewUuid();
  std::string uuid_bytes;
  for (size_t i = 0; i + 1 < uuid.size(); ++i) {
    if (uuid[i] == '-') continue;
    uuid_bytes += static_cast<char>(std::stoi(uuid.substr(i++, 2), nullptr, 16));
  }
  std::string bytes(1, kFormatVersion);
  std::vector<DeletionVectorDescriptor> descriptors;
  for (const DeletedRows& rows : vectors) {
    std::string bitmap = SerializeBitmap(*rows);
    descriptors.push_back({.storage_type = "u",
                           .path_or_inline_dv = EncodeZ85(uuid_bytes),
                           .offset = static_cast<int64_t>(bytes.size()),
                           .size_bytes = static_cast<int64_t>(bitmap.size()),
                           .cardinality = static_cast<int64_t>(rows->size())});
    if (descriptors.back().size_bytes > kVectorBytesMax || bytes.size() > static_cast<size_t>(kVectorBytesMax)) {
      return Status::Unsupported("Deletion vectors of more than 1 GiB in one commit", "Delete fewer rows at a time.");
    }
    AppendBigEndian(bytes, static_cast<uint32_t>(bitmap.size()));
    bytes += bitmap;
    AppendBigEndian(bytes, Crc32(bitmap));
  }
  MS_RETURN_IF_ERROR(Publish(fs, JoinPath(table_path, "deletion_vector_" + uuid + ".bin"), bytes, "delta.vector"));
  return descriptors;
}

Result<DeletedRows> LoadDeletionVector(Fs& fs, const std::string& table_path, const DeletionVectorDescriptor& vector) {
  if (vector.size_bytes < 0 || vector.size_bytes > kVectorBytesMax) return CorruptVector(vector.path_or_inline_dv, "its size is out of range");
  if (vector.storage_type == "i") {
    std::optional<std::string> bytes = DecodeZ85(vector.path_or_inline_dv);
    if (!bytes || static_cast<int64_t>(bytes->size()) < vector.size_bytes) return CorruptVector("in the log", "it is not base 85 of the size that the log says");
    return ParseBitmap(std::string_view(*bytes).substr(0, static_cast<size_t>(vector.size_bytes)), vector, "in the log");
  }
  if (vector.storage_type != "u" && vector.storage_type != "p")
    return CorruptVector(vector.path_or_inline_dv, "its storage type " + vector.storage_type + " is unknown");
  MS_ASSIGN_OR_RETURN(std::string path, StoredPath(table_path, vector));
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForRead(path));
  // size (big-endian), the bitmap, its CRC-32 (big-endian)
  std::string bytes(static_cast<size_t>(vector.size_bytes) + 8, '\0');
  MS_ASSIGN_OR_RETURN(int64_t read, file->ReadAt(vector.offset.value_or(1), static_cast<int64_t>(bytes.size()), bytes.data()));
  if (read != static_cast<int64_t>(bytes.size())) return CorruptVector(path, "it ends early");
  if (BigEndian(bytes.data()) != vector.size_bytes) return CorruptVector(path, "its size is not what the log says");
  std::string_view bitmap = std::string_view(bytes).substr(4, static_cast<size_t>(vector.size_bytes));
  if (Crc32(bitmap) != BigEndian(bytes.data() + 4 + bitmap.size())) return CorruptVector(path, "its checksum is wrong");
  return ParseBitmap(bitmap, vector, path);
}

}  // namespace millstream
