#pragma once

// disk.h   A disk in memory that keeps no more than POSIX promises: bytes of a file survive a power cut once it was synced, a name (of a file or a
// directory, come or gone) once its directory was. What was not synced survives in part: some names and not others, a file's first bytes, or its
// length with zeros for bytes.
//
// Every call is a step, counted from 1 in each life of the process. At a step the process can die, the power fail, or the call return an error; before
// the step has done its work or after it.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "planted_bug.h"
#include "random.h"
#include "storage/fs.h"

namespace millstream::simulation {

struct Fault {
  enum class Kind { kDeath, kPowerCut, kIoError, kDiskFull };
  int64_t step = 0;
  bool counts_writes = false;  // `step` counts only those that write, sync or name
  Kind kind = Kind::kDeath;
  bool after_work = false;
};
std::string_view NameOf(Fault::Kind kind);

// Thread-safe.
class Disk : public Fs {
 public:
  // `root` exists, durably. Lines go to `trace` unless it is null.
  Disk(std::string root, uint64_t seed, PlantedBug bug, std::vector<std::string>* trace);
  ~Disk() override;

  // A process starts.
  void Begin(std::vector<Fault> faults);
  // The process is gone; where the power was cut, the disk forgets. `strictly`: the power is cut now, and nothing survives that need not.
  void End(bool strictly = false);

  // The life in which the file of this name was written, from 1; 0: there was none. One that was removed counts, like below.
  int64_t LifeOf(const std::string& path) const;
  // What is, or was last, in the file of this name; no step of anybody.
  std::optional<std::string> BytesOf(const std::string& path) const;

  bool dead() const { return dead_; }
  // Faults that have come in this life.
  int faults_met() const { return faults_met_; }
  int64_t steps() const { return step_; }
  void Note(const std::string& line) {
    if (trace_ != nullptr) trace_->push_back(line);
  }
  // "sync offsets/# power cut": where faults have come, with digits as '#'.
  const std::set<std::string>& places() const { return places_; }

  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override;
  Result<std::string> ReadFile(const std::string& path, int64_t size_max) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> List(const std::string& directory) override;
  std::vector<ReadSlot> ReadFiles(std::span<const std::string* const> paths, int64_t size_max, std::string& buffer) override;
  Status CreateDirectories(const std::string& directory) override;
  Result<std::unique_ptr<PendingFile>> CreatePending(const std::string& directory) override;
  Status SyncDirectory(const std::string& directory) override;
  Status Remove(const std::string& path) override;
  Status Move(const std::string& from, const std::string& to) override;
  Status RemoveRecursively(const std::string& path) override;
  Status Replace(const std::string& path, std::string_view bytes) override;

 private:
  struct Inode {
    bool is_directory = false;
    bool synced = false;
    std::string bytes;
    uint64_t number = 0;
    int64_t life = 0;
    int64_t modified_ns = 0;
  };
  using InodePtr = std::shared_ptr<Inode>;
  using Names = std::map<std::string, InodePtr, std::less<>>;
  // Names that come and go (null) together.
  struct NameChange {
    std::string directory;
    std::vector<std::pair<std::string, InodePtr>> names;
  };
  // A publication that a planted bug holds back.
  struct Delayed {
    std::string path;
    InodePtr inode;
    bool synced = false;
  };
  class File;
  class Pending;

  // One step: does `work` (under the lock) unless a fault comes.
  template <typename Work>
  Status Step(std::string_view what, const std::string& path, bool writes, const Work& work);
  Status Meet(const Fault& fault, std::string_view what, const std::string& path, bool writes);
  Status SyncInode(const InodePtr& inode);
  InodePtr Find(std::string_view path) const;
  InodePtr FindOrRemember(const std::string& path) const;
  Status FindFile(const std::string& path, InodePtr* inode) const;
  static FileInfo InfoOf(const std::string& path, const Inode& inode);
  InodePtr NewInode(bool is_directory);
  void Change(NameChange change);
  Status Link(const std::string& path, const InodePtr& inode);
  Status SyncNames(const std::string& directory);
  void CutPower(bool strictly);
  std::string Short(std::string_view path) const;

  bool IsHeldBack(std::string_view path) const;
  void LetGo(std::string_view path);
  bool IgnoresSyncOf(std::string_view directory) const;

  const std::string root_;
  const PlantedBug bug_;
  std::vector<std::string>* const trace_;
  Random random_;

  std::mutex mutex_;
  Names names_, durable_;
  std::vector<NameChange> unsynced_;       // oldest first
  std::vector<InodePtr> unsynced_inodes_;  // with a name, oldest first
  std::vector<Delayed> delayed_;
  std::vector<Fault> faults_;
  std::map<std::string, InodePtr> removed_;  // files, the last one of each name
  std::set<std::string> places_;
  bool dead_ = false, power_fails_ = false;
  int faults_met_ = 0;
  int64_t life_ = 0, step_ = 0, write_ = 0;
  uint64_t next_inode_ = 1;
  int64_t time_ns_ = 1;
};

}  // namespace millstream::simulation
