#pragma once

// log_maintenance.h   What makes a log quick to open, off the commit path: checkpoints, `_last_checkpoint`, `.crc` files.

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "delta/snapshot.h"
#include "storage/fs.h"

namespace millstream {

// Thread-safe. Errors are logged: a table without its newest checkpoint is slower, not wrong.
class LogMaintenance {
 public:
  LogMaintenance(Fs& fs, Clock& clock);
  ~LogMaintenance();
  // A commit has been made. Of several snapshots of a table that wait, only the newest is looked at.
  void AfterCommit(SnapshotPtr snapshot);
  void Drain();

 private:
  struct Table {
    SnapshotPtr for_checksum;    // waiting
    SnapshotPtr for_checkpoint;  // waiting
    int64_t last_checkpoint = -1;
  };
  void Run();

  Fs& fs_;
  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::map<std::string, Table> tables_;  // GUARDED_BY(mutex_)
  bool stopping_ = false, busy_ = false, draining_ = false;
  std::thread thread_;  // started with the first commit
};

// The `.crc` of a snapshot: one JSON object.
std::string ChecksumJson(const Snapshot& snapshot);
// Writes the classic checkpoint of a snapshot and points `_last_checkpoint` at it. One that is there already is left alone.
Status WriteCheckpoint(Fs& fs, const Snapshot& snapshot, int64_t now_ms);

}  // namespace millstream
