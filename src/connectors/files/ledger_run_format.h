#pragma once

// ledger_run_format.h   One run of a table's file ledger, byte by byte: docs/formats/copy_state.md. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millstream {

// What a table knows of one file.
struct LoadedFile {
  enum class State : uint8_t {
    kLoaded = 1,          // its rows were committed by the run that says so
    kSkippedCorrupt = 2,  // it could not be read; it is tried again
    kUndone = 3,          // its rows were taken back; it is not loaded again by itself
    kForgotten = 4,       // as if it had never been loaded
    kDuplicate = 5,       // its content was loaded under another name
    kRemoved = 6,         // it has gone from the source, and its rows from the table; a file that comes back is new
    kExisting = 9,        // it was known from elsewhere (knownFrom) when it was found, and was never loaded
  };
  State state = State::kLoaded;
  int64_t size_bytes = 0, modified_ns = 0;  // as it was when it was read
  int64_t epoch = 0;                        // the run that says so first: the txn of the commit
  int64_t loaded_ms = 0;
  int64_t rows = 0;       // read from it
  int64_t rejected = 0;   // of its records: left out (DROPMALFORMED)
  int64_t malformed = 0;  // of its rows: read as nulls (PERMISSIVE)
  std::string first_error;
  std::string content_hash;  // SHA-256, or empty: not taken
  // Rows that the table has been given of it, by all loads of it whose rows have not been taken out by now; -1: not known (it was loaded by a plan that combines
  // rows, or by an older version).
  int64_t written = -1;
  int64_t first_epoch = 0;  // the run of the first of these loads; 0: `epoch`

  // Such a file is not looked at again.
  bool is_settled() const { return state == State::kLoaded || state == State::kUndone || state == State::kDuplicate || state == State::kExisting; }
};

namespace ledger_run {

inline constexpr std::string_view kMagic = "MSFILES1";
inline constexpr size_t kTailBytes = 24;
inline constexpr size_t kBlockBytes = 64 << 10;         // aimed at
inline constexpr uint64_t kFooterBytesMax = 256 << 20;  // a run of a billion files has less
inline constexpr uint64_t kBlockBytesMax = 16 << 20;

// "/in/a/x.json" → NUL "in" NUL "a" NUL NUL "x.json". In byte order the files of a directory come first, by name, then what lies in its directories, by
// name: the order of FileLister.
std::string KeyOf(std::string_view path);
std::string PathOf(std::string_view key);
// Keys of all files below a directory begin with this.
std::string PrefixOf(std::string_view directory);

void AppendRecord(std::string& out, const LoadedFile& file);
// Fields that a later version has appended are passed over.
std::optional<LoadedFile> ParseRecord(std::string_view bytes);

// An entry of a block: its key's bytes beyond those shared with the one before.
void AppendEntry(std::string& out, std::string_view previous_key, std::string_view key, const LoadedFile& file);

struct BlockRef {
  std::string last_key;
  uint64_t offset = 0, bytes = 0;  // with the checksum behind it
};
struct RunRef {
  int64_t number = 0, entries = 0;
};
struct Footer {
  int64_t number = 0, entries = 0;
  std::string table_id;
  std::vector<RunRef> older;  // what is valid together with this run, oldest first
  std::vector<BlockRef> blocks;
};
std::string EncodeFooter(const Footer& footer);
std::optional<Footer> DecodeFooter(std::string_view bytes);

struct Tail {
  uint64_t footer_offset = 0;
  uint32_t footer_bytes = 0, footer_crc = 0;
};
std::string EncodeTail(const Tail& tail);
std::optional<Tail> DecodeTail(std::string_view bytes);

void AppendFixed32(std::string& out, uint32_t value);
uint32_t Fixed32(std::string_view bytes);

}  // namespace ledger_run
}  // namespace millstream
