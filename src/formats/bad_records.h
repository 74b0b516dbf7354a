#pragma once

// bad_records.h   Records that no row can be made of, for who keeps them (a quarantine table).
//
// Property: the slice of the file's text at byte_offset, byte_length long, parsed alone with the same options and schema, is bad in the same way.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file_format.h"

namespace millstream {

struct BadRecord {
  int32_t file = 0;  // index among the files
  // In the file's text: its bytes, decompressed, and as UTF-8 when the encoding is another one.
  int64_t byte_offset = 0, byte_length = 0;
  std::optional<int64_t> line;  // of its first byte, from 1; not known behind the first chunk of a compressed file
  std::string column;           // the first one whose value does not fit; empty: it is the record as a whole
  std::string error_class, reason;
  std::string_view raw;          // byte_length bytes, or the first of them; valid during the call
  std::string_view header = {};  // of CSV with one: the line that names the record's values
  std::string path = {};         // of the archive's member that it is in; empty: the file's own
};

// Thread-safe.
class BadRecords {
 public:
  virtual ~BadRecords() = default;
  Status Add(const BadRecord& record) {
    ++count_;
    return Take(record);
  }
  int64_t count() const { return count_; }

 private:
  virtual Status Take(const BadRecord& record) = 0;
  std::atomic<int64_t> count_{0};
};

// What a parser tells of a bad record; `text` lies in its input.
struct BadText {
  std::string_view text;
  std::string column, error_class, reason;
};

namespace bad_record {
// Spark's names of what is wrong.
inline constexpr char kMalformed[] = "MALFORMED_RECORD_IN_PARSING";
inline constexpr char kJsonField[] = "CANNOT_PARSE_JSON_FIELD";
inline constexpr char kCsvRecord[] = "MALFORMED_CSV_RECORD";
}  // namespace bad_record

// The lines that begin before `p`, from `begin` on; \n, \r\n and \r end one.
int64_t LinesBetween(const char* begin, const char* p);

// Which line of a plain file a byte is in. Counts each part of a file once when asked in order. Thread-safe.
class LineNumbers {
 public:
  explicit LineNumbers(Fs& fs) : fs_(fs) {}
  // nullopt: the file is compressed, or cannot be read any more.
  std::optional<int64_t> LineAt(int32_t file, const std::string& path, int64_t offset);

 private:
  Fs& fs_;
  std::mutex mutex_;
  std::map<int32_t, std::map<int64_t, int64_t>> known_;  // GUARDED_BY(mutex_): by file and offset, the lines before
};

// The bad records of a piece of a file, whose bytes begin at `begin`; how many they are.
struct ChunkPiece;
Result<int64_t> GiveBadRecords(BadRecords& to, const std::vector<BadText>& found, const ChunkPiece& piece, const InputFile& file, const char* begin,
                               LineNumbers& lines, std::string_view header = {});

}  // namespace millstream
