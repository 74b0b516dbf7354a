#include "connectors/files/schema_revert_watch.h"

namespace millstream {
namespace {

// A directory that has changed so recently may change again without a new time: kernels stamp with a clock that ticks every 1 to 10 ms.
constexpr int64_t kSchemaLogSettledNs = 100'000'000;

}  // namespace

Result<std::optional<int64_t>> SchemaRevertWatch::Look(Fs& fs, Clock& clock, const std::string& schema_location, int64_t running) {
  SchemaLog log(fs, schema_location);
  const int64_t now_ms = clock.WallMillis();
  Result<FileInfo> directory = fs.Stat(log.directory());
  if (!directory.ok() && !directory.status().Is(errors::kFileNotFound)) return directory.status();
  const bool is_unchanged = directory.ok() && directory->changed_ns != 0 && directory->changed_ns == changed_ns_ && directory->inode == inode_;
  if (is_unchanged && running == running_) return std::optional<int64_t>();
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> numbers, log.Numbers());
  for (auto number = numbers.rbegin(); number != numbers.rend() && *number > running; ++number) {
    MS_ASSIGN_OR_RETURN(SchemaVersion version, log.Read(*number));
    if (version.cause.mode == kRevertedCause) return std::optional(numbers.back());
  }
  const bool is_settled = directory.ok() && now_ms * 1'000'000 - directory->changed_ns > kSchemaLogSettledNs;
  changed_ns_ = is_settled ? directory->changed_ns : 0;
  inode_ = directory.ok() ? directory->inode : 0;
  running_ = running;
  return std::optional<int64_t>();
}

}  // namespace millstream
