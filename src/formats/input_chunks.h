#pragma once

// input_chunks.h   Many files → a few large buffers. Small files share one, large ones are cut at line ends.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "formats/decompressor.h"
#include "formats/file_format.h"
#include "storage/fs.h"

namespace millstream {

// A record that does not end within this is refused, not buffered.
inline constexpr int64_t kRecordBytesMax = int64_t{64} << 20;
// What is read as a whole (multiLine, wholeText, other encodings) may not be larger.
inline constexpr int64_t kWholeFileBytesMax = int64_t{1} << 30;
// Bytes behind a chunk's data that may be read, and are not part of it.
inline constexpr int64_t kChunkPadding = 64;

// Bytes of one file in a chunk: whole lines, or the whole file. Behind the last byte stands a '\n' that is not the file's.
struct ChunkPiece {
  int32_t file = 0;   // index among the files
  int64_t begin = 0;  // in the chunk's buffer
  int64_t end = 0;
  int64_t file_offset = 0;    // of `begin`; of the decompressed bytes when compressed
  bool cut_line_end = false;  // the last line's end is not in [begin, end)
  // Of a file that is read as a stream, in pieces behind its first: how it begins, up to a MiB.
  std::shared_ptr<const std::string> file_start = nullptr;
};

struct InputChunk {
  char* data = nullptr;  // may be written to
  std::vector<ChunkPiece> pieces;
  int64_t capacity = 0;
  int64_t size = 0;

  InputChunk() = default;
  InputChunk(const InputChunk&) = delete;
  InputChunk& operator=(const InputChunk&) = delete;
  ~InputChunk();
  void Reserve(int64_t capacity_wanted);
};

struct ChunkOptions {
  bool whole_files = false;        // never cut a file
  int64_t chunk_bytes = 4 << 20;   // aimed at
  std::string encoding = "UTF-8";  // other encodings are converted, file by file
  bool ignore_missing_files = false;
  bool ignore_corrupt_files = false;
};

// Thread-safe: each Next fills the caller's chunk with other bytes.
class InputChunks {
 public:
  // `fs` outlives this. `stats` may be null.
  InputChunks(Fs& fs, std::vector<InputFile> files, ChunkOptions options, std::shared_ptr<FileScanStats> stats);
  // False when there is nothing left.
  Result<bool> Next(InputChunk* chunk);
  const std::vector<InputFile>& files() const { return files_; }

 private:
  struct Task {
    int32_t file = 0, file_end = 0;  // small files [file, file_end), or one piece of `file`
    bool piece = false;
    int64_t begin = 0, end = 0;
  };
  struct OpenCompressed;

  bool NextTask(Task* task);
  Status ReadSmall(const Task& task, InputChunk* chunk);
  Status ReadWhole(int32_t file, InputChunk* chunk);
  Status ReadPiece(const Task& task, InputChunk* chunk);
  Result<bool> ReadCompressed(InputChunk* chunk);
  Status Convert(int64_t begin, InputChunk* chunk);
  // Turns a failure into a skipped file where the options say so.
  Status Forgive(const Status& status, int32_t file);
  void Close(int32_t file, int64_t begin, int64_t file_offset, InputChunk* chunk);

  Fs& fs_;
  const std::vector<InputFile> files_;
  const ChunkOptions options_;
  const std::shared_ptr<FileScanStats> stats_;
  std::vector<int32_t> compressed_;  // indexes of the files that are read as a stream: compressed ones, members of archives
  std::vector<int32_t> plain_;
  std::mutex mutex_;  // guards what follows
  size_t next_plain_ = 0;
  int64_t next_offset_ = 0;
  std::mutex compressed_mutex_;  // guards what follows; held while decompressing
  size_t next_compressed_ = 0;
  std::unique_ptr<Decompressor> open_;
  int64_t open_offset_ = 0;
  std::string carry_;  // the start of a line whose end is not decompressed yet
  std::shared_ptr<const std::string> open_start_;
};

// A text's next line end ('\n', '\r', or both) at or after `p`; `end` when there is none.
const char* FindLineEnd(const char* p, const char* end);

}  // namespace millstream
