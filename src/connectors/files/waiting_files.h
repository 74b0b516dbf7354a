#pragma once

// waiting_files.h   Files that are found and have no number yet, in the order in which batches take them (cloudFiles.fileOrder).
//
// They lie sorted in the ledger (docs/formats/file_ledger.md, `w`), so that memory does not grow with them. A file gets its number only when a batch has room
// for it: what is found later and comes before it in the order goes first. From then on it is as any other file.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/files/file_ledger.h"
#include "connectors/files/file_order.h"

namespace millstream {

// Not thread-safe.
class WaitingFiles {
 public:
  // What waits in another order is brought into this one; with kDiscovery, it gets its numbers. Killed midway, the next start goes on.
  static Result<WaitingFiles> Open(Fs& fs, std::shared_ptr<FileLedger> ledger, FileOrder order);

  bool has_order() const { return order_ != FileOrder::kDiscovery; }
  int64_t count() const { return count_; }
  int64_t bytes() const { return bytes_; }

  // A file that waits from now on; buffered as FileLedger::Add is. `known`: what the ledger has of it, null: nothing. `replaced`: the number whose rows it
  // takes the place of, 0: none. `content` as in FileLedger::Add.
  Status Add(std::string_view directory, std::string_view name, FileRecord record, const FileRecord* known, int64_t replaced, const std::string& content);
  // One that waits no more. Buffered.
  Status Drop(const std::string& path, const FileRecord& known);
  // Gives the first of them their numbers, until `takes` refuses one by its size. Written on return. A file that has gone meanwhile waits no more, and is new
  // when it comes back; but for one that is known by its content, of which others may be duplicates.
  Status NumberWhile(const std::function<bool(int64_t size_bytes)>& takes);
  Status NumberAll();
  // The directories of those that have gone, since the last call.
  std::vector<std::string> TakeGone() { return std::exchange(gone_, {}); }

 private:
  WaitingFiles(Fs& fs, std::shared_ptr<FileLedger> ledger, FileOrder order) : fs_(&fs), ledger_(std::move(ledger)), order_(order) {}
  Status TakeOver();
  Status LeaveOut(const std::string& key, const std::string& path, const FileRecord& waiting);

  Fs* fs_;
  std::shared_ptr<FileLedger> ledger_;
  FileOrder order_;
  int64_t count_ = 0, bytes_ = 0;
  std::vector<std::string> gone_;
};

// One file that waits gets its number now; nothing happens to one that does not. Written on return.
Status NumberNow(FileLedger& ledger, const std::string& path);

}  // namespace millstream
