#pragma once

// crash_fs.h   A file system for tests that dies at a chosen step and then forgets what no sync has made durable, as strictly as POSIX allows: a name
// survives a power cut only when its directory was synced after it came (ext4 is kinder: any sync keeps all names before it).
//
// CrashDisk is the disk: it remembers how to undo each change of a name that is not durable yet. CrashFs is one life on it: from step `dies_at` on
// (counted from 1, reads are free) every call fails. Killed is a life that ended; cut is CrashDisk::CutPower after it.
// Replace and RemoveRecursively count as durable when they return: nothing that must not be lost goes through them.

#include <cerrno>
#include <filesystem>
#include <functional>
#include <mutex>
#include <vector>

#include "base/uuid.h"
#include "storage/fs.h"

namespace millstream::testing_storage {

class CrashDisk {
 public:
  // `directory`: where the disk keeps what was removed and may come back.
  explicit CrashDisk(const std::string& directory) : trash_(JoinPath(directory, "trash")) { std::filesystem::create_directories(trash_); }

  void Changed(const std::string& directory, std::function<void()> undo) {
    std::lock_guard lock(mutex_);
    unsynced_.push_back({directory, std::move(undo)});
  }
  void Synced(const std::string& directory) {
    std::lock_guard lock(mutex_);
    std::erase_if(unsynced_, [&](const Change& change) { return change.directory == directory; });
  }
  void CutPower() {
    std::lock_guard lock(mutex_);
    for (auto change = unsynced_.rbegin(); change != unsynced_.rend(); ++change) change->undo();
    unsynced_.clear();
  }
  std::string NewTrash() const { return JoinPath(trash_, NewUuid()); }

 private:
  struct Change {
    std::string directory;
    std::function<void()> undo;
  };
  std::string trash_;
  std::mutex mutex_;
  std::vector<Change> unsynced_;  // GUARDED_BY(mutex_), oldest first
};

class CrashFs : public Fs {
 public:
  explicit CrashFs(CrashDisk& disk, int dies_at = 0) : disk_(disk), dies_at_(dies_at) {}

  int steps() const { return steps_; }
  bool dead() const { return dead_; }

  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    return WhileAlive([&] { return real_.OpenForRead(path); });
  }
  Result<std::string> ReadFile(const std::string& path, int64_t size_max) override {
    return WhileAlive([&] { return real_.ReadFile(path, size_max); });
  }
  Result<FileInfo> Stat(const std::string& path) override {
    return WhileAlive([&] { return real_.Stat(path); });
  }
  Result<bool> Exists(const std::string& path) override {
    return WhileAlive([&] { return real_.Exists(path); });
  }
  Result<std::vector<DirectoryEntry>> List(const std::string& path) override {
    return WhileAlive([&] { return real_.List(path); });
  }
  std::vector<ReadSlot> ReadFiles(std::span<const std::string* const> paths, int64_t size_max, std::string& buffer) override {
    return real_.ReadFiles(paths, size_max, buffer);
  }

  Status CreateDirectories(const std::string& directory) override {
    MS_RETURN_IF_ERROR(Step());
    return real_.CreateDirectories(directory);
  }
  Result<std::unique_ptr<PendingFile>> CreatePending(const std::string& directory) override {
    MS_RETURN_IF_ERROR(Step());
    MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, real_.CreatePending(directory));
    return std::unique_ptr<PendingFile>(std::make_unique<Pending>(*this, std::move(file)));
  }
  Status SyncDirectory(const std::string& directory) override {
    MS_RETURN_IF_ERROR(Step());
    MS_RETURN_IF_ERROR(real_.SyncDirectory(directory));
    disk_.Synced(directory);
    return Status();
  }
  Status Remove(const std::string& path) override {
    MS_RETURN_IF_ERROR(Step());
    if (std::filesystem::exists(path)) {
      std::string kept = disk_.NewTrash();
      std::filesystem::create_hard_link(path, kept);
      disk_.Changed(std::string(ParentPath(path)), [kept, path] { std::filesystem::rename(kept, path); });
    }
    return real_.Remove(path);
  }
  Status RemoveRecursively(const std::string& path) override {
    MS_RETURN_IF_ERROR(Step());
    return real_.RemoveRecursively(path);
  }
  Status Replace(const std::string& path, std::string_view bytes) override {
    MS_RETURN_IF_ERROR(Step());
    return real_.Replace(path, bytes);
  }

 private:
  class Pending : public PendingFile {
   public:
    Pending(CrashFs& fs, std::unique_ptr<PendingFile> file) : fs_(fs), file_(std::move(file)) {}
    Status Append(std::string_view bytes) override { return file_->Append(bytes); }
    int64_t size_bytes() const override { return file_->size_bytes(); }
    Status Sync() override {
      MS_RETURN_IF_ERROR(fs_.Step());
      return file_->Sync();
    }
    Status Publish(const std::string& path) override {
      MS_RETURN_IF_ERROR(fs_.Step());
      MS_RETURN_IF_ERROR(file_->Publish(path));
      fs_.disk_.Changed(std::string(ParentPath(path)), [path] { std::filesystem::remove(path); });
      return Status();
    }

   private:
    CrashFs& fs_;
    std::unique_ptr<PendingFile> file_;
  };

  Status Step() {
    std::lock_guard lock(mutex_);
    if (dead_ || ++steps_ == dies_at_) {
      dead_ = true;
      return Status::Errno("crash", "the machine", EIO);
    }
    return Status();
  }
  template <typename Call>
  auto WhileAlive(Call call) -> decltype(call()) {
    {
      std::lock_guard lock(mutex_);
      if (dead_) return Status::Errno("crash", "the machine", EIO);
    }
    return call();
  }

  CrashDisk& disk_;
  Fs& real_ = Fs::Local();
  const int dies_at_;
  std::mutex mutex_;
  int steps_ = 0;      // GUARDED_BY(mutex_)
  bool dead_ = false;  // GUARDED_BY(mutex_)
};

}  // namespace millstream::testing_storage
