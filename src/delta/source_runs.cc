#include "delta/source_runs.h"

#include <arrow/util/base64.h>

#include <algorithm>
#include <unordered_map>

#include "base/varint.h"
#include "formats/block_codec.h"

namespace millstream {
namespace {

constexpr uint64_t kRunsVersion = 1;
// A footer that says more is not one of ours.
constexpr int64_t kBytesMax = int64_t{1} << 30;

}  // namespace

std::string EncodeSourceRuns(const SourceRuns& runs) {
  if (std::all_of(runs.runs.begin(), runs.runs.end(), [](const SourceRun& run) { return run.file < 0; })) return "";
  std::string bytes;
  PutVarint(bytes, kRunsVersion);
  PutVarint(bytes, runs.paths.size());
  std::string_view previous;
  for (const std::string& path : runs.paths) {
    const size_t shared = SharedBytes(previous, path);
    PutVarint(bytes, shared);
    PutText(bytes, std::string_view(path).substr(shared));
    previous = path;
  }
  PutVarint(bytes, runs.runs.size());
  for (const SourceRun& run : runs.runs) {
    PutVarint(bytes, static_cast<uint64_t>(run.file + 1));
    PutVarint(bytes, static_cast<uint64_t>(run.rows));
  }
  std::string packed;
  if (!CompressBlock(BlockCodec::kZstd, bytes, &packed)) return "";
  return arrow::util::base64_encode(packed);
}

std::optional<SourceRuns> DecodeSourceRuns(std::string_view value, int64_t rows) {
  arrow::Result<std::string> packed = arrow::util::base64_decode(value);
  std::string bytes, reason;
  if (!packed.ok() || !DecompressBlock(BlockCodec::kZstd, *packed, kBytesMax, &bytes, &reason)) return std::nullopt;
  std::string_view rest = bytes;
  uint64_t version = 0, paths = 0, count = 0;
  if (!GetVarint(rest, &version) || version != kRunsVersion || !GetVarint(rest, &paths) || paths > rest.size()) return std::nullopt;
  SourceRuns runs;
  runs.paths.reserve(paths);
  for (uint64_t i = 0; i < paths; ++i) {
    uint64_t shared = 0;
    std::string_view more;
    if (!GetVarint(rest, &shared) || !GetText(rest, &more) || shared > (i == 0 ? 0 : runs.paths.back().size())) return std::nullopt;
    std::string path = i == 0 ? std::string() : runs.paths.back().substr(0, shared);
    runs.paths.push_back(std::move(path += more));
  }
  if (!GetVarint(rest, &count) || count > rest.size()) return std::nullopt;
  runs.runs.reserve(count);
  int64_t all = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t file = 0, length = 0;
    if (!GetVarint(rest, &file) || !GetVarint(rest, &length) || file > paths || length > static_cast<uint64_t>(rows - all)) return std::nullopt;
    runs.runs.push_back({static_cast<int32_t>(file) - 1, static_cast<int64_t>(length)});
    all += static_cast<int64_t>(length);
  }
  if (all != rows) return std::nullopt;
  return runs;
}

void SourceRunCounter::Add(const arrow::Int32Array& files) {
  const int32_t* values = files.raw_values();
  const bool has_nulls = files.null_count() > 0;
  for (int64_t row = 0; row < files.length();) {
    const int64_t begin = row;
    const int32_t file = has_nulls && files.IsNull(row) ? -1 : values[row];
    ++row;
    if (has_nulls) {
      while (row < files.length() && (files.IsNull(row) ? -1 : values[row]) == file) ++row;
    } else {
      while (row < files.length() && values[row] == file) ++row;
    }
    Add(file, row - begin);
  }
}

SourceRuns SourceRunCounter::Named(const std::vector<std::string>& names) const {
  SourceRuns named;
  std::unordered_map<int32_t, int32_t> places;
  for (const SourceRun& run : runs_) {
    if (run.file < 0) {
      named.runs.push_back(run);
      continue;
    }
    auto [place, is_new] = places.emplace(run.file, static_cast<int32_t>(named.paths.size()));
    if (is_new) named.paths.push_back(names[static_cast<size_t>(run.file)]);
    named.runs.push_back({place->second, run.rows});
  }
  return named;
}

}  // namespace millstream
