#pragma once

// request_taker.h   What becomes of the ledger when a stream takes a user's request (file_requests.h), and what its batch must do then.
//
// A request is taken between two batches: everything up to the last batch is loaded, nothing beyond it is. Its changes go into the ledger piece by piece, each
// piece together with a note of how far it goes, so that a request is taken once however often the process dies. The offset of the next batch says up to which
// number requests are taken (`requestNum`); the batch of an UNDO finds the paths in the request's file, which is removed when that batch is committed.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/files/file_ledger.h"
#include "connectors/files/file_requests.h"

namespace millstream {

struct RequestTakerOptions {
  bool identity_by_content = false;
  bool load_empty_files = false;
  bool keeps_versions = false;  // a path may have rows of several numbers (cloudFiles.changedFiles = appended)
};

// Not thread-safe.
class RequestTaker {
 public:
  static Result<RequestTaker> Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::string source_directory, RequestTakerOptions options);

  // All requests up to this number are in the ledger.
  int64_t taken() const { return taken_; }
  // The number of the last request that waits; taken() when there is none.
  Result<int64_t> Newest() const;
  // Takes what waits, up to `through`. Files up to number `loaded` are loaded. `possible`: why the query cannot take rows back, if it cannot; a request that
  // asks for it is an error then, and stays where it is. True: files were forgotten, and a new listing may find them.
  Result<bool> Take(int64_t loaded, int64_t through, const Status& possible);
  // Paths whose rows leave with the requests (after, through].
  struct Leaving {
    std::vector<std::string> paths;
    int64_t undone = 0, removed = 0;  // how many of them by UNDO, and by being gone from the source
  };
  Result<Leaving> LeavingPaths(int64_t after, int64_t through) const;
  // The rows of LeavingPaths stay: there are none any more, and the files are what they were, with this reason. With what is staged in the ledger, durable on
  // return; idempotent.
  Status SetAside(int64_t after, int64_t through, const std::string& reason);
  // Their batch is committed: removes requests up to `through`.
  Status Remove(int64_t through);

 private:
  RequestTaker(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::string source_directory, RequestTakerOptions options)
      : fs_(fs), clock_(clock), ledger_(std::move(ledger)), source_directory_(std::move(source_directory)), options_(options) {}
  Result<bool> HasChanged();
  Status TakeOne(int64_t number, int64_t loaded, const Status& possible, bool* has_forgotten);
  Status Undo(const std::string& path);
  Status Forget(const std::string& path);
  Status TakeAway(const std::string& path, int64_t loaded);
  Status Replay(const std::string& path, int64_t loaded);
  Result<bool> MayHaveRows(const std::string& path) const;
  Status TakeUndoBack(const std::string& path, const std::string& reason);
  Status TakeRemovalsBack(std::set<std::string> paths, const std::string& reason);
  Status Explain(int64_t number, std::string reason);

  Fs& fs_;
  Clock& clock_;
  std::shared_ptr<FileLedger> ledger_;
  std::string source_directory_;
  RequestTakerOptions options_;
  int64_t taken_ = 0;
  int64_t listed_changed_ns_ = 0;  // the directory's ctime when nothing new was in it; 0: not known
  bool has_directory_ = true;      // there may be requests to remove
};

}  // namespace millstream
