#include "connectors/files/batch_numbers.h"

#include <charconv>

#include "connectors/files/cloud_files_offset.h"

namespace millstream {
namespace {

std::optional<int64_t> NumberOf(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// A file of offsets/: "v1", what is the batch's, then a line for each source.
std::optional<int64_t> LastFileOf(std::string_view log, int64_t source) {
  if (!log.starts_with("v1\n")) return std::nullopt;
  for (int64_t skipped = 0; skipped < source + 2; ++skipped) {
    const size_t end = log.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    log.remove_prefix(end + 1);
  }
  Result<CloudFilesOffset> offset = DecodeCloudFilesOffset(StreamOffset{std::string(log.substr(0, log.find('\n')))});
  return offset.ok() ? std::optional(offset->number) : std::nullopt;
}

}  // namespace

Result<BatchNumbers> BatchNumbers::Read(Fs& fs, const std::string& checkpoint, const std::string& source) {
  BatchNumbers numbers;
  const std::string directory = JoinPath(checkpoint, "offsets");
  const std::optional<int64_t> place = NumberOf(source);
  Result<std::vector<DirectoryEntry>> entries = fs.List(directory);
  if (!place || (!entries.ok() && entries.status().Is(errors::kFileNotFound))) return numbers;
  MS_RETURN_IF_ERROR(entries.status());
  std::map<int64_t, std::string> names;
  for (const DirectoryEntry& entry : *entries) {
    if (std::optional<int64_t> batch = NumberOf(entry.name)) names[*batch] = entry.name;
  }
  for (const auto& [batch, name] : names) {
    Result<std::string> log = fs.ReadFile(JoinPath(directory, name));
    if (!log.ok() && log.status().Is(errors::kFileNotFound)) continue;  // purged just now
    MS_RETURN_IF_ERROR(log.status());
    const std::optional<int64_t> last = LastFileOf(*log, *place);
    if (!last) continue;
    // Of several batches with the same end the first has the files, and the others none. Where the oldest begins nobody says.
    if (numbers.batches_.empty() && batch > 0) numbers.known_after_ = *last;
    numbers.batches_.emplace(*last, batch);
  }
  return numbers;
}

std::optional<int64_t> BatchNumbers::BatchOf(int64_t number) const {
  if (number <= known_after_) return std::nullopt;
  auto batch = batches_.lower_bound(number);
  return batch == batches_.end() ? std::nullopt : std::optional(batch->second);
}

}  // namespace millstream
