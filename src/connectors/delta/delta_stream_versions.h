#pragma once

// delta_stream_versions.h   What each version of a table means for a stream of it: the files that a commit adds, or (readChangeFeed) the changes that it makes.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delta/change_feed.h"
#include "delta/delta_log.h"

namespace re2 {
class RE2;
}

namespace millstream {

struct DeltaStreamOptions {
  std::optional<int64_t> files_max = 1000;  // maxFilesPerTrigger; nullopt: only bytes count
  std::optional<int64_t> bytes_max;         // maxBytesPerTrigger, soft
  bool ignore_deletes = false, ignore_changes = false, skip_change_commits = false;
  bool fail_on_data_loss = true;
  bool reads_changes = false;               // readChangeFeed
  std::shared_ptr<const re2::RE2> exclude;  // excludeRegex; null: none
  // Where a stream without a checkpoint begins; none: with the snapshot.
  std::optional<int64_t> starting_version;
  bool starts_at_latest = false;  // startingVersion = latest
  std::optional<int64_t> starting_ms;
};

// A file of rows, or of changes.
struct StreamFile {
  AddFilePtr add;                     // null: `change` is set
  std::optional<ChangePiece> change;  // only when changes are read
  const std::string& path() const { return add ? add->path : change->scan.path; }
  int64_t size_bytes() const { return add ? add->size_bytes : change->size_bytes; }
};

struct StreamVersion {
  int64_t version = 0;
  int64_t timestamp_ms = 0;
  std::vector<StreamFile> files;  // in the order in which offsets count them
  bool has_change_files = false;  // the commit names files of changes, and these are they
};
using StreamVersionPtr = std::shared_ptr<const StreamVersion>;

// Not thread-safe.
class DeltaStreamVersions {
 public:
  // `options` must outlive this.
  DeltaStreamVersions(std::shared_ptr<DeltaLog> log, MetadataPtr metadata, const DeltaStreamOptions& options);

  // The files of the snapshot in their order. Kept until Forget.
  Result<StreamVersionPtr> SnapshotAt(int64_t version);
  // What a commit has for a stream. kFileNotFound: the commit is gone. Errors: what a stream must not pass over (DELTA_SOURCE_…, schema changes).
  Result<StreamVersionPtr> CommitAt(int64_t version);
  // Everything up to `version` has been read; the snapshot too unless `keeps_snapshot`.
  void Forget(int64_t before_version, bool keeps_snapshot);

 private:
  Result<StreamVersion> Rows(const DeltaLog::CommitAt& commit, int64_t version) const;
  Result<StreamVersion> Changes(const DeltaLog::CommitAt& commit, int64_t version);
  Result<bool> IsFeedOnBefore(int64_t version);
  Status CheckSchema(const CommitActions& commit, int64_t version) const;

  const std::shared_ptr<DeltaLog> log_;
  const MetadataPtr metadata_;
  const DeltaStreamOptions& options_;
  std::map<std::pair<int64_t, bool>, StreamVersionPtr> known_;  // (version, not the initial snapshot)
  std::optional<std::pair<int64_t, bool>> feed_;                // whether the change feed was on after a version
};

}  // namespace millstream
