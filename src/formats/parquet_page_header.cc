#include "formats/parquet_page_header.h"

namespace millstream {
namespace {

// Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
enum WireType {
  kStop = 0,
  kTrue = 1,
  kFalse = 2,
  kByte = 3,
  kI16 = 4,
  kI32 = 5,
  kI64 = 6,
  kDouble = 7,
  kBinary = 8,
  kList = 9,
  kSet = 10,
  kMap = 11,
  kStruct = 12
};

constexpr int kDepthMax = 8;      // a header has two levels
constexpr int kShortDelta = 0xf;  // the largest step of a field's number that its type's byte can hold

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }

  bool Byte(uint8_t* out) {
    if (at_ >= bytes_.size()) return false;
    *out = static_cast<uint8_t>(bytes_[at_++]);
    return true;
  }

  bool Varint(uint64_t* out) {
    *out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t byte = 0;
      if (!Byte(&byte)) return false;
      *out |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }

  bool Int(int64_t* out) {
    uint64_t zigzag = 0;
    if (!Varint(&zigzag)) return false;
    *out = static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
    return true;
  }

  // The next field's number and type; type kStop at the end of the struct.
  bool Field(int* id, int* type) {
    uint8_t byte = 0;
    if (!Byte(&byte)) return false;
    *type = byte & 0x0f;
    if (*type == kStop) return true;
    if (const int delta = byte >> 4; delta != 0) {
      *id += delta;
      return true;
    }
    int64_t number = 0;
    if (!Int(&number) || number < 0 || number > 0x7fff) return false;
    *id = static_cast<int>(number);
    return true;
  }

  bool Skip(int type, int depth) {
    int64_t number = 0;
    uint64_t size = 0;
    uint8_t byte = 0;
    switch (type) {
      case kTrue:
      case kFalse:
        return true;
      case kByte:
        return Byte(&byte);
      case kI16:
      case kI32:
      case kI64:
        return Int(&number);
      case kDouble:
        return Jump(8);
      case kBinary:
        return Varint(&size) && Jump(size);
      case kStruct: {
        if (depth >= kDepthMax) return false;
        for (int id = 0, inner = 0;;) {
          if (!Field(&id, &inner)) return false;
          if (inner == kStop) return true;
          if (!Skip(inner, depth + 1)) return false;
        }
      }
      default:  // Lists, sets and maps: no page header has them.
        return false;
    }
  }

 private:
  bool Jump(uint64_t size) {
    if (size > bytes_.size() - at_) return false;
    at_ += size;
    return true;
  }

  std::string_view bytes_;
  size_t at_ = 0;
};

// The encoding in a DataPageHeader (its field 2), DictionaryPageHeader (2) or DataPageHeaderV2 (4).
bool ReadEncoding(Cursor& cursor, int field, int* encoding) {
  for (int id = 0, type = 0;;) {
    if (!cursor.Field(&id, &type)) return false;
    if (type == kStop) return true;
    int64_t number = 0;
    if (id == field && type == kI32) {
      if (!cursor.Int(&number) || number < 0 || number > 0xff) return false;
      *encoding = static_cast<int>(number);
    } else if (!cursor.Skip(type, 1)) {
      return false;
    }
  }
}

}  // namespace

std::optional<ParquetPageHeader> ParsePageHeader(std::string_view bytes) {
  ParquetPageHeader header;
  Cursor cursor(bytes);
  int64_t type_number = -1, uncompressed = -1, compressed = -1;
  for (int id = 0, type = 0;;) {
    const size_t field_at = cursor.at();
    const int before = id;
    if (!cursor.Field(&id, &type)) return std::nullopt;
    if (type == kStop) break;
    // Field 4 is the CRC: it goes between 3 and what comes behind it, whose step then is one less.
    if (before == 3 && id > 4 && id - before <= kShortDelta && cursor.at() == field_at + 1) header.crc_place = field_at;
    int64_t number = 0;
    const bool is_i32 = type == kI32;
    if (is_i32 && id >= 1 && id <= 4) {
      if (!cursor.Int(&number) || number < INT32_MIN || number > INT32_MAX) return std::nullopt;
      if (id == 1) type_number = number;
      if (id == 2) uncompressed = number;
      if (id == 3) compressed = number;
      if (id == 4) header.crc = static_cast<int32_t>(number);
    } else if (type == kStruct && (id == 5 || id == 7 || id == 8)) {
      if (!ReadEncoding(cursor, id == 8 ? 4 : 2, &header.encoding)) return std::nullopt;
    } else if (!cursor.Skip(type, 0)) {
      return std::nullopt;
    }
  }
  if (type_number < 0 || uncompressed < 0 || compressed < 0) return std::nullopt;
  header.type = static_cast<int>(type_number);
  header.uncompressed_bytes = static_cast<int32_t>(uncompressed);
  header.compressed_bytes = static_cast<int32_t>(compressed);
  header.header_bytes = cursor.at();
  return header;
}

std::string WithCrc(std::string_view header, const ParquetPageHeader& parsed, uint32_t crc) {
  std::string out(header.substr(0, parsed.crc_place));
  out += static_cast<char>(1 << 4 | kI32);
  const auto value = static_cast<int32_t>(crc);
  uint32_t zigzag = (static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31);
  while (zigzag >= 0x80) {
    out += static_cast<char>(zigzag | 0x80);
    zigzag >>= 7;
  }
  out += static_cast<char>(zigzag);
  out += static_cast<char>(static_cast<uint8_t>(header[parsed.crc_place]) - (1 << 4));
  out += header.substr(parsed.crc_place + 1);
  return out;
}

}  // namespace millstream
