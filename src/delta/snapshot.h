#pragma once

// snapshot.h   What a table is at one version: protocol, metadata, live files, transaction ids. Immutable, shared by many threads.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "delta/actions.h"

namespace millstream {

// Live files as a few shared runs: a commit that only adds files copies pointers to runs, not to files. Runs are merged when they
// are of a size, so that there are never more than a logarithm of them.
class FileSet {
 public:
  using Run = std::shared_ptr<const std::vector<AddFilePtr>>;
  size_t size() const { return size_; }
  const std::vector<Run>& runs() const { return runs_; }
  // `added` must be new: no path of them is in the set.
  FileSet Plus(std::vector<AddFilePtr> added) const;
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    for (const Run& run : runs_) {
      for (const AddFilePtr& file : *run) visit(file);
    }
  }

 private:
  std::vector<Run> runs_;
  size_t size_ = 0;
};

struct Snapshot {
  std::string table_path;
  int64_t version = -1;
  int64_t timestamp_ms = 0;             // of the last commit, as time travel sees it
  int64_t in_commit_timestamp_ms = -1;  // of the last commit; -1: none
  Protocol protocol;
  MetadataPtr metadata;
  FileSet files;
  int64_t size_bytes = 0;  // of the live files
  std::shared_ptr<const std::map<std::string, SetTransaction>> transactions;
  std::shared_ptr<const std::map<std::string, DomainMetadata>> domains;
  std::shared_ptr<const std::vector<RemoveFilePtr>> tombstones;

  // The last version that a stream has written; nullopt: never.
  std::optional<int64_t> TransactionVersion(const std::string& app_id) const;
  const StructType& schema() const { return metadata->schema; }
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// Replays actions, oldest first, on nothing or on an older snapshot.
class SnapshotBuilder {
 public:
  explicit SnapshotBuilder(std::string table_path);
  explicit SnapshotBuilder(const Snapshot& base);
  // A checkpoint holds each live file once; it comes before all commits.
  void ApplyCheckpoint(CommitActions actions, int64_t version);
  void ApplyCommit(CommitActions actions, int64_t version);
  // DELTA_STATE_RECOVER_ERROR without a protocol or metadata.
  Result<SnapshotPtr> Finish(int64_t timestamp_ms);

 private:
  void Apply(CommitActions& actions);
  void AddLive(AddFilePtr file);

  Snapshot built_;
  std::map<std::string, SetTransaction> transactions_;
  std::map<std::string, DomainMetadata> domains_;
  std::vector<AddFilePtr> live_;  // null: removed
  std::unordered_map<std::string, size_t> index_;
  std::unordered_map<std::string, RemoveFilePtr> tombstones_;
  bool has_protocol_ = false;
};

// The snapshot after a commit of our own on top of `base`, which adds new files only or (`removes`) all are gone: no replay.
SnapshotPtr AfterOwnCommit(const Snapshot& base, CommitActions actions, int64_t version, int64_t timestamp_ms);

}  // namespace millstream
