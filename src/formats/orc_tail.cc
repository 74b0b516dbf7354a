#include "formats/orc_tail.h"

#include <cstdint>

namespace millstream {
namespace {

// The fields of a message, one after another.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : left_(bytes) {}

  // False at the end, or when what follows is no field: then ok() says which.
  bool Next() {
    if (left_.empty() || !ok_) return false;
    uint64_t key = 0;
    ok_ = Varint(&key);
    number = key >> 3;
    uint64_t size = 0;
    switch (key & 7) {
      case 0:
        ok_ = ok_ && Varint(&value);
        break;
      case 1:
        size = 8;
        break;
      case 2:
        ok_ = ok_ && Varint(&size);
        break;
      case 5:
        size = 4;
        break;
      default:
        ok_ = false;
    }
    ok_ = ok_ && size <= left_.size();
    if (!ok_) return false;
    bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }
  bool ok() const { return ok_; }
  bool Varint(uint64_t* to) {
    *to = 0;
    for (int shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(left_.front());
      left_.remove_prefix(1);
      *to |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  uint64_t number = 0, value = 0;
  std::string_view bytes;

 private:
  std::string_view left_;
  bool ok_ = true;
};

enum FileTailField { kFooter = 2 };
enum FooterField { kTypes = 4, kStatistics = 7, kCalendar = 11 };
enum TypeField { kSubtypes = 2 };
enum StatisticsField { kTimestamps = 9 };
constexpr uint64_t kProlepticGregorian = 2;

// ColumnStatistics whose TimestampStatistics (minimum, maximum and both in UTC, milliseconds, zigzag) leave the range of 64 bits of nanoseconds.
bool BeyondNanoseconds(std::string_view statistics) {
  constexpr int64_t kMillisMax = INT64_MAX / 1'000'000;
  for (Fields fields(statistics); fields.Next();) {
    if (fields.number != kTimestamps) continue;
    for (Fields times(fields.bytes); times.Next();) {
      if (times.number < 1 || times.number > 4) continue;
      const int64_t millis = static_cast<int64_t>(times.value >> 1) ^ -static_cast<int64_t>(times.value & 1);
      if (millis > kMillisMax - 1 || millis < -kMillisMax + 1) return true;
    }
  }
  return false;
}

// The types below the root, by their place among all types.
std::vector<uint64_t> Subtypes(std::string_view type) {
  std::vector<uint64_t> out;
  for (Fields fields(type); fields.Next();) {
    if (fields.number != kSubtypes) continue;
    if (fields.bytes.empty()) {
      out.push_back(fields.value);
      continue;
    }
    Fields packed(fields.bytes);
    for (uint64_t each = 0; packed.Varint(&each);) out.push_back(each);
  }
  return out;
}

}  // namespace

bool ParseOrcTail(std::string_view tail, OrcTail* out) {
  std::string_view footer;
  Fields fields(tail);
  while (fields.Next())
    if (fields.number == kFooter) footer = fields.bytes;
  if (!fields.ok()) return false;
  std::vector<uint64_t> columns;
  std::vector<bool> beyond;
  bool is_root = true;
  Fields parts(footer);
  while (parts.Next()) {
    if (parts.number == kCalendar) out->is_hybrid_calendar = parts.value != kProlepticGregorian;
    if (parts.number == kStatistics) beyond.push_back(BeyondNanoseconds(parts.bytes));
    if (parts.number == kTypes && is_root) {
      columns = Subtypes(parts.bytes);
      is_root = false;
    }
  }
  if (!parts.ok()) return false;
  // A column's types are those from its own to the next column's.
  out->beyond_nanoseconds.assign(columns.size(), false);
  for (size_t column = 0; column < columns.size(); ++column) {
    const uint64_t end = column + 1 < columns.size() ? columns[column + 1] : beyond.size();
    for (uint64_t type = columns[column]; type < end && type < beyond.size(); ++type)
      if (beyond[type]) out->beyond_nanoseconds[column] = true;
  }
  return true;
}

}  // namespace millstream
