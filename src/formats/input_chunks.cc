#include "formats/input_chunks.h"

#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "formats/formats_errors.h"
#include "formats/input_bytes.h"

namespace millstream {
namespace {

constexpr int64_t kPieceBytes = 8 << 20;  // a larger file is cut into pieces of this size
constexpr int64_t kReadAheadBytes = 64 << 10;
constexpr int64_t kFilesPerChunkMax = 8192;
constexpr int64_t kFileStartBytes = 1 << 20;

}  // namespace

InputChunk::~InputChunk() { std::free(data); }

void InputChunk::Reserve(int64_t capacity_wanted) {
  if (capacity_wanted + kChunkPadding <= capacity) return;
  int64_t grown = std::max(capacity_wanted + kChunkPadding, capacity + capacity / 2);
  data = static_cast<char*>(std::realloc(data, static_cast<size_t>(grown)));
  MS_CHECK_MSG(data != nullptr, "out of memory");
  capacity = grown;
}

InputChunks::InputChunks(Fs& fs, std::vector<InputFile> files, ChunkOptions options, std::shared_ptr<FileScanStats> stats)
    : fs_(fs), files_(std::move(files)), options_(std::move(options)), stats_(std::move(stats)) {
  for (size_t i = 0; i < files_.size(); ++i) {
    bool streamed = !options_.whole_files && !files_[i].content && (files_[i].member || CodecOfPath(files_[i].path) != Codec::kNone);
    (streamed ? compressed_ : plain_).push_back(static_cast<int32_t>(i));
  }
}

bool InputChunks::NextTask(Task* task) {
  std::lock_guard lock(mutex_);
  if (next_plain_ == plain_.size()) return false;
  const InputFile& first = files_[static_cast<size_t>(plain_[next_plain_])];
  if (!options_.whole_files && !first.content && first.size_bytes > kPieceBytes + kPieceBytes / 2) {
    task->piece = true;
    task->file = plain_[next_plain_];
    task->begin = next_offset_;
    task->end = std::min(next_offset_ + kPieceBytes, first.size_bytes);
    // No crumb at the end.
    if (first.size_bytes - task->end < kPieceBytes / 2) task->end = first.size_bytes;
    next_offset_ = task->end;
    if (task->end == first.size_bytes) {
      ++next_plain_;
      next_offset_ = 0;
    }
    return true;
  }
  task->piece = false;
  task->file = static_cast<int32_t>(next_plain_);
  int64_t bytes = 0, count = 0;
  while (next_plain_ < plain_.size() && count < kFilesPerChunkMax) {
    int64_t size = files_[static_cast<size_t>(plain_[next_plain_])].size_bytes;
    if (count > 0 && (bytes + size > options_.chunk_bytes || (!options_.whole_files && size > kPieceBytes))) break;
    bytes += size + 1;
    ++count;
    ++next_plain_;
  }
  task->file_end = static_cast<int32_t>(next_plain_);
  return true;
}

Result<bool> InputChunks::Next(InputChunk* chunk) {
  Task task;
  while (true) {
    chunk->pieces.clear();
    chunk->size = 0;
    if (NextTask(&task)) {
      MS_RETURN_IF_ERROR(task.piece ? ReadPiece(task, chunk) : ReadSmall(task, chunk));
    } else {
      MS_ASSIGN_OR_RETURN(bool more, ReadCompressed(chunk));
      if (!more) return false;
    }
    if (!chunk->pieces.empty()) return true;
  }
}

void InputChunks::Close(int32_t file, int64_t begin, int64_t file_offset, InputChunk* chunk) {
  chunk->pieces.push_back({file, begin, chunk->size, file_offset});
  chunk->Reserve(chunk->size + 1);
  chunk->data[chunk->size++] = '\n';
  std::memset(chunk->data + chunk->size, 0, kChunkPadding);
}

Status InputChunks::Forgive(const Status& status, int32_t file) {
  const std::string& path = files_[static_cast<size_t>(file)].path;
  bool missing = status.Is(errors::kFileNotFound) || status.error_number() == ENOENT;
  bool damaged = status.Is(errors::kFailedReadFile);
  if ((missing && options_.ignore_missing_files) || (damaged && options_.ignore_corrupt_files)) {
    if (stats_) stats_->Skip(file, missing, status);
    return Status::Ok();
  }
  if (missing) return Status::Error(errors::kSourceFileMissing, {{"path", UriFromPath(path)}});
  return status;
}

Status InputChunks::ReadSmall(const Task& task, InputChunk* chunk) {
  int64_t expected = 0;
  for (int32_t i = task.file; i < task.file_end; ++i) expected += files_[static_cast<size_t>(plain_[static_cast<size_t>(i)])].size_bytes + 1;
  chunk->Reserve(expected + 1);
  for (int32_t i = task.file; i < task.file_end; ++i) {
    int32_t file = plain_[static_cast<size_t>(i)];
    int64_t begin = chunk->size;
    if (Status status = ReadWhole(file, chunk); !status.ok()) {
      chunk->size = begin;
      MS_RETURN_IF_ERROR(Forgive(status, file));
      continue;
    }
    Close(file, begin, 0, chunk);
  }
  return Status::Ok();
}

Status InputChunks::ReadWhole(int32_t index, InputChunk* chunk) {
  const InputFile& file = files_[static_cast<size_t>(index)];
  int64_t begin = chunk->size;
  if (file.content) {
    chunk->Reserve(begin + static_cast<int64_t>(file.content->size()) + 1);
    std::memcpy(chunk->data + begin, file.content->data(), file.content->size());
    chunk->size += static_cast<int64_t>(file.content->size());
    if (stats_) ++stats_->files_read;
    return Status::Ok();
  }
  Codec codec = CodecOfPath(file.path);
  if (file.size_bytes > kWholeFileBytesMax) {
    return Status::Unsupported("A file of more than 1 GiB that is read as a whole (" + file.path + ")", "Use one record a line, without multiLine.");
  }
  if (codec == Codec::kNone && !file.member) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> opened, fs_.OpenForRead(file.path));
    chunk->Reserve(begin + file.size_bytes + 2);
    // One byte more than there should be shows that the file has grown, without asking for its size.
    MS_ASSIGN_OR_RETURN(int64_t got, opened->ReadAt(0, file.size_bytes + 1, chunk->data + begin));
    if (got != file.size_bytes) {
      std::string detail = got > file.size_bytes ? "longer than " + std::to_string(file.size_bytes) + " bytes now"
                                                 : std::to_string(got) + " bytes instead of " + std::to_string(file.size_bytes);
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", detail}}).Retryable();
    }
    chunk->size += got;
  } else {
    MS_ASSIGN_OR_RETURN(auto stream, OpenDecompressed(fs_, file));
    while (true) {
      chunk->Reserve(chunk->size + kReadAheadBytes);
      MS_ASSIGN_OR_RETURN(int64_t got, stream->Read(chunk->data + chunk->size, chunk->capacity - kChunkPadding - chunk->size));
      if (got == 0) break;
      chunk->size += got;
      if (chunk->size - begin > kWholeFileBytesMax) {
        return Status::Unsupported("A file of more than 1 GiB that is read as a whole (" + file.path + ")", "Use one record a line, without multiLine.");
      }
    }
  }
  if (stats_) {
    ++stats_->files_read;
    stats_->bytes_read += file.size_bytes;
  }
  return options_.encoding == "UTF-8" ? Status::Ok() : Convert(begin, chunk);
}

Status InputChunks::Convert(int64_t begin, InputChunk* chunk) {
  iconv_t converter = iconv_open("UTF-8", options_.encoding.c_str());
  if (converter == reinterpret_cast<iconv_t>(-1)) return Status::Unsupported("The encoding " + options_.encoding, "Convert the files to UTF-8.");
  std::string out(static_cast<size_t>((chunk->size - begin) * 3 + 16), '\0');
  char *in = chunk->data + begin, *to = out.data();
  size_t in_left = static_cast<size_t>(chunk->size - begin), to_left = out.size();
  while (in_left > 0 && iconv(converter, &in, &in_left, &to, &to_left) == static_cast<size_t>(-1)) {
    if (errno == E2BIG || to_left < 3) break;
    // Java's decoders put U+FFFD where bytes make no character.
    std::memcpy(to, "\xEF\xBF\xBD", 3);
    to += 3;
    to_left -= 3;
    ++in;
    --in_left;
  }
  iconv_close(converter);
  int64_t size = to - out.data();
  chunk->Reserve(begin + size + 1);
  std::memcpy(chunk->data + begin, out.data(), static_cast<size_t>(size));
  chunk->size = begin + size;
  return Status::Ok();
}

// A piece owns the lines that start in [begin, end): it looks one byte back for the first and beyond its end for the last one's rest.
Status InputChunks::ReadPiece(const Task& task, InputChunk* chunk) {
  const InputFile& file = files_[static_cast<size_t>(task.file)];
  Result<std::unique_ptr<ReadableFile>> opened = fs_.OpenForRead(file.path);
  // A file that vanishes between two of its pieces cannot be left out quietly: some of its rows are out already.
  if (!opened.ok()) return task.begin == 0 ? Forgive(opened.status(), task.file) : opened.status();
  int64_t from = std::max<int64_t>(task.begin - 1, 0), limit = task.end + kRecordBytesMax + 2;
  auto read_to = [&](int64_t offset) -> Result<bool> {
    offset = std::min(offset, file.size_bytes);
    int64_t have = from + chunk->size;
    if (offset <= have) return false;
    chunk->Reserve(offset - from + 1);
    MS_ASSIGN_OR_RETURN(int64_t got, (*opened)->ReadAt(have, offset - have, chunk->data + chunk->size));
    chunk->size += got;
    if (got < offset - have) {
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "shorter than before"}}).Retryable();
    }
    return true;
  };
  MS_RETURN_IF_ERROR(read_to(task.end + kReadAheadBytes).status());
  int64_t begin = 0;
  if (task.begin > 0) {
    const char* line_end = FindLineEnd(chunk->data, chunk->data + chunk->size);
    begin = line_end - chunk->data;
    if (begin < chunk->size) begin += chunk->data[begin] == '\r' && begin + 1 < chunk->size && chunk->data[begin + 1] == '\n' ? 2 : 1;
  }
  if (from + begin >= task.end) {
    // One line covers this piece; it belongs to the piece where it starts.
    chunk->size = 0;
  } else {
    int64_t looked = task.end - 1 - from;
    const char* line_end = nullptr;
    for (int64_t step = kReadAheadBytes;; step *= 2) {
      line_end = FindLineEnd(chunk->data + looked, chunk->data + chunk->size);
      if (line_end < chunk->data + chunk->size || from + chunk->size >= limit) break;
      looked = chunk->size;
      MS_ASSIGN_OR_RETURN(bool more, read_to(std::min(from + chunk->size + step, limit)));
      if (!more) break;
    }
    const int64_t read_end = chunk->size;
    chunk->size = line_end - chunk->data;
    const bool cut = chunk->size < read_end;
    Close(task.file, begin, from + begin, chunk);
    chunk->pieces.back().cut_line_end = cut;
  }
  if (stats_) stats_->bytes_read += task.end - task.begin;
  if (task.end == file.size_bytes) {
    MS_ASSIGN_OR_RETURN(FileInfo now, (*opened)->Stat());
    if (now.size_bytes != file.size_bytes || (file.modified_ns != 0 && now.modified_ns != file.modified_ns)) {
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "its size or time differs"}}).Retryable();
    }
    if (stats_) ++stats_->files_read;
  }
  return Status::Ok();
}

Result<bool> InputChunks::ReadCompressed(InputChunk* chunk) {
  std::lock_guard lock(compressed_mutex_);
  chunk->Reserve(options_.chunk_bytes + kReadAheadBytes);
  bool any = false;
  while (chunk->size < options_.chunk_bytes && (open_ || next_compressed_ < compressed_.size())) {
    any = true;
    int32_t index = compressed_[open_ ? next_compressed_ - 1 : next_compressed_];
    const InputFile& file = files_[static_cast<size_t>(index)];
    if (!open_) {
      ++next_compressed_;
      auto opened = OpenDecompressed(fs_, file);
      if (!opened.ok()) {
        MS_RETURN_IF_ERROR(Forgive(opened.status(), index));
        continue;
      }
      open_ = *std::move(opened);
      open_offset_ = 0;
      open_start_ = nullptr;
      carry_.clear();
    }
    int64_t begin = chunk->size;
    chunk->Reserve(begin + static_cast<int64_t>(carry_.size()) + options_.chunk_bytes);
    if (!carry_.empty()) std::memcpy(chunk->data + begin, carry_.data(), carry_.size());
    chunk->size += static_cast<int64_t>(carry_.size());
    bool at_end = false, failed = false, is_cut = false;
    int64_t thrown_away = 0;
    // As much as fits; a record that is longer than a chunk is read on to its end or its cap.
    for (int64_t wanted = std::max<int64_t>(options_.chunk_bytes - begin, kReadAheadBytes);;) {
      chunk->Reserve(chunk->size + wanted);
      Result<int64_t> got = open_->Read(chunk->data + chunk->size, wanted);
      if (!got.ok()) {
        chunk->size = begin;
        MS_RETURN_IF_ERROR(Forgive(got.status(), index));
        failed = true;
        break;
      }
      chunk->size += *got;
      if (*got < wanted) {
        at_end = true;
        break;
      }
      bool complete = memchr(chunk->data + begin, '\n', static_cast<size_t>(chunk->size - begin)) != nullptr ||
                      memchr(chunk->data + begin, '\r', static_cast<size_t>(chunk->size - begin)) != nullptr;
      if (complete) break;
      if (chunk->size - begin > kRecordBytesMax) {
        // The rest of this record is thrown away: its refusal needs no more than its start.
        std::string scratch(static_cast<size_t>(kReadAheadBytes), '\0');
        for (bool found = false; !found && !at_end;) {
          MS_ASSIGN_OR_RETURN(int64_t more, open_->Read(scratch.data(), kReadAheadBytes));
          at_end = more == 0;
          const char* line_end = FindLineEnd(scratch.data(), scratch.data() + more);
          if (line_end < scratch.data() + more) {
            found = true;
            carry_.assign(line_end, static_cast<size_t>(scratch.data() + more - line_end));
          }
          thrown_away += line_end - scratch.data();
        }
        is_cut = true;
        break;
      }
    }
    if (failed) {
      open_.reset();
      continue;
    }
    int64_t end = chunk->size;
    if (is_cut) {
      if (at_end) carry_.clear();
    } else if (!at_end) {
      while (end > begin && chunk->data[end - 1] != '\n' && chunk->data[end - 1] != '\r') --end;
      // A '\r' at the very end may be the first half of a line end.
      if (end == chunk->size && end > begin + 1 && chunk->data[end - 1] == '\r') {
        do --end;
        while (end > begin && chunk->data[end - 1] != '\n' && chunk->data[end - 1] != '\r');
      }
      carry_.assign(chunk->data + end, static_cast<size_t>(chunk->size - end));
    }
    chunk->size = end;
    int64_t offset = open_offset_;
    open_offset_ += end - begin + thrown_away;
    if (end > begin) {
      Close(index, begin, offset, chunk);
      chunk->pieces.back().file_start = open_start_;
      const int64_t known = open_start_ ? static_cast<int64_t>(open_start_->size()) : 0;
      if (!at_end && known < kFileStartBytes) {
        const std::string_view more(chunk->data + begin, static_cast<size_t>(std::min(end - begin, kFileStartBytes - known)));
        open_start_ = std::make_shared<const std::string>((open_start_ ? *open_start_ : std::string()) + std::string(more));
      }
    }
    if (at_end) {
      open_.reset();
      if (stats_) {
        ++stats_->files_read;
        stats_->bytes_read += file.size_bytes;
      }
    }
  }
  return any;
}

const char* FindLineEnd(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i newline = _mm_set1_epi8('\n'), carriage = _mm_set1_epi8('\r');
  for (; end - p >= 16; p += 16) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    int mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, newline), _mm_cmpeq_epi8(bytes, carriage)));
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (p < end && *p != '\n' && *p != '\r') ++p;
  return p;
}

}  // namespace millstream
