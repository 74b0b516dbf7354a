#include "delta/log_maintenance.h"

#include <spdlog/spdlog.h>

#include <charconv>
#include <chrono>

#include "delta/action_json.h"
#include "delta/log_files.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

// A stream of small batches commits every few milliseconds; a checksum of each would double its syncs. The newest one is enough.
constexpr auto kChecksumPause = std::chrono::milliseconds(500);

int64_t CheckpointInterval(const Metadata& metadata) {
  std::string text = metadata.Property("delta.checkpointInterval").value_or("10");
  int64_t interval = 10;
  std::from_chars(text.data(), text.data() + text.size(), interval);
  return interval < 1 ? 10 : interval;
}

bool WantsCheckpoint(const Snapshot& snapshot, int64_t last_checkpoint) {
  int64_t interval = CheckpointInterval(*snapshot.metadata);
  if (snapshot.version == 0) return false;
  // Commits come faster than checkpoints: what was skipped is caught up with.
  return snapshot.version % interval == 0 || (last_checkpoint >= 0 && snapshot.version - last_checkpoint >= interval);
}

// A table that was dropped in the meantime needs neither checkpoint nor checksum.
bool TableIsGone(Fs& fs, const Snapshot& snapshot) {
  Result<bool> exists = fs.Exists(LogDirectory(snapshot.table_path));
  return exists.ok() && !*exists;
}

Status WriteChecksum(Fs& fs, const Snapshot& snapshot) {
  MS_FAILPOINT("delta.crc.before_publish");
  std::string path = ChecksumPath(snapshot.table_path, snapshot.version);
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(LogDirectory(snapshot.table_path)));
  MS_RETURN_IF_ERROR(file->Append(ChecksumJson(snapshot)));
  Status published = file->Publish(path);
  if (!published.ok() && !published.Is(errors::kFileAlreadyExists)) return published;
  MS_FAILPOINT("delta.crc.after_publish");
  return Status();
}

}  // namespace

LogMaintenance::LogMaintenance(Fs& fs, Clock& clock) : fs_(fs), clock_(clock) {}

LogMaintenance::~LogMaintenance() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LogMaintenance::AfterCommit(SnapshotPtr snapshot) {
  std::lock_guard lock(mutex_);
  Table& table = tables_[snapshot->table_path];
  if (WantsCheckpoint(*snapshot, table.last_checkpoint)) {
    table.for_checkpoint = snapshot;
    table.last_checkpoint = snapshot->version;
  }
  table.for_checksum = std::move(snapshot);
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  wake_.notify_one();
}

void LogMaintenance::Drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  wake_.notify_all();
  idle_.wait(lock, [this] {
    if (busy_) return false;
    for (const auto& [path, table] : tables_) {
      if (table.for_checkpoint || table.for_checksum) return false;
    }
    return true;
  });
  draining_ = false;
}

void LogMaintenance::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    auto any = [this](bool with_checksums) {
      if (stopping_) return true;
      for (const auto& [path, table] : tables_) {
        if (table.for_checkpoint || (with_checksums && table.for_checksum)) return true;
      }
      return false;
    };
    wake_.wait(lock, [&] { return any(true); });
    wake_.wait_for(lock, kChecksumPause, [&] { return any(draining_); });
    bool last_round = stopping_;
    for (auto& [path, table] : tables_) {
      SnapshotPtr checkpoint = std::move(table.for_checkpoint), checksum = std::move(table.for_checksum);
      table.for_checkpoint = nullptr;
      table.for_checksum = nullptr;
      if (!checkpoint && !checksum) continue;
      busy_ = true;
      lock.unlock();
      if (checkpoint) {
        Status written = WriteCheckpoint(fs_, *checkpoint, clock_.WallMillis());
        if (!written.ok() && !TableIsGone(fs_, *checkpoint))
          spdlog::warn("no checkpoint {} of {}: {}", checkpoint->version, checkpoint->table_path, written.message());
      }
      if (checksum) {
        Status written = WriteChecksum(fs_, *checksum);
        if (!written.ok() && !TableIsGone(fs_, *checksum)) spdlog::warn("no checksum {} of {}: {}", checksum->version, checksum->table_path, written.message());
      }
      checkpoint = nullptr;
      checksum = nullptr;
      lock.lock();
      busy_ = false;
    }
    idle_.notify_all();
    if (last_round) return;
  }
}

std::string ChecksumJson(const Snapshot& snapshot) {
  std::string json = "{\"tableSizeBytes\":" + std::to_string(snapshot.size_bytes) + ",\"numFiles\":" + std::to_string(snapshot.files.size()) +
                     ",\"numMetadata\":1,\"numProtocol\":1";
  if (snapshot.in_commit_timestamp_ms >= 0) json += ",\"inCommitTimestampOpt\":" + std::to_string(snapshot.in_commit_timestamp_ms);
  json += ",\"setTransactions\":[";
  bool first = true;
  for (const auto& [app_id, txn] : *snapshot.transactions) {
    if (!first) json += ',';
    first = false;
    json += ToJson(txn);
  }
  json += "],\"domainMetadata\":[";
  first = true;
  for (const auto& [name, domain] : *snapshot.domains) {
    if (!first) json += ',';
    first = false;
    json += ToJson(domain);
  }
  json += "],\"metadata\":" + ToJson(*snapshot.metadata) + ",\"protocol\":" + ToJson(snapshot.protocol) + "}";
  return json;
}

}  // namespace millstream
