#pragma once

// state_files.h   The files of <checkpoint>/state, their names and how their bytes are guarded. docs/formats/state.md has the layouts.
//
//   17.changes    what version 17 has changed since version 16
//   17.snapshot   version 17 as a list of runs
//   5.run         sorted entries of one store; named by snapshots

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "storage/fs.h"
#include "streaming/state/state_store.h"

namespace millstream::state_store {

inline constexpr std::string_view kChangesMagic = "MSSTCHG1";
inline constexpr std::string_view kSnapshotMagic = "MSSTSNP1";
inline constexpr std::string_view kRunMagic = "MSSTRUN1";
inline constexpr int64_t kFrameBytesMax = int64_t{1} << 31;

std::string ChangesPath(const std::string& directory, int64_t version);
std::string SnapshotPath(const std::string& directory, int64_t version);
std::string RunPath(const std::string& directory, int64_t number);
// The number before ".changes" and the like; nullopt for other names.
std::optional<int64_t> NumberOf(std::string_view name, std::string_view suffix);

// MILLSTREAM_STATE_STORE_DAMAGED.
Status Damaged(const std::string& path, std::string problem);

// [length, 4 bytes][crc32c, 4 bytes][payload].
void AppendFrame(std::string_view payload, std::string* out);
uint32_t Crc(std::string_view bytes);

void PutBytes(std::string_view bytes, std::string* out);
bool TakeBytes(std::string_view* from, std::string_view* bytes);
void PutStoreId(const StateStoreId& id, std::string* out);
bool TakeStoreId(std::string_view* from, StateStoreId* id);

// One change: [key size * 2 + is put][key] and for a put [value size][value].
void PutChange(std::string_view key, const std::string_view* value, std::string* out);
// `value` is empty-data (nullptr) for a removal. False when the bytes are no change.
bool TakeChange(std::string_view* from, std::string_view* key, std::string_view* value, bool* removed);

// What a version is beside its entries.
struct VersionFooter {
  int64_t version = 0;
  std::string note;
  std::map<StateStoreId, int64_t> rows;
};

// The file of a version while it is made. Nothing is visible before Publish. Thread-safe.
class ChangesWriter {
 public:
  static Result<std::unique_ptr<ChangesWriter>> Create(Fs& fs, const std::string& directory);
  // Changes of one store, one after another as PutChange writes them; a later one of the same key wins.
  Status Append(const StateStoreId& id, std::string_view changes);
  // Durable when it returns. Bytes of the file. kFileAlreadyExists: somebody else has committed this version.
  Result<int64_t> Publish(const VersionFooter& footer);

 private:
  ChangesWriter(Fs& fs, std::string directory, std::unique_ptr<PendingFile> file) : fs_(fs), directory_(std::move(directory)), file_(std::move(file)) {}
  Fs& fs_;
  std::string directory_;
  std::mutex mutex_;
  std::unique_ptr<PendingFile> file_;  // GUARDED_BY(mutex_)
};

// Calls `visit` for each piece that was appended, in order; checks everything.
Result<VersionFooter> ReadChanges(Fs& fs, const std::string& directory, int64_t version,
                                  const std::function<Status(const StateStoreId&, std::string_view changes)>& visit);
// Only what stands at its end.
Result<VersionFooter> ReadFooter(Fs& fs, const std::string& directory, int64_t version);

struct SnapshotRun {
  int64_t number = 0;
  int64_t entries = 0;
  int64_t bytes = 0;
};
struct Snapshot {
  VersionFooter footer;
  std::map<StateStoreId, std::vector<SnapshotRun>> runs;  // oldest first: later runs win
};
Status PublishSnapshot(Fs& fs, const std::string& directory, const Snapshot& snapshot);
Result<Snapshot> ReadSnapshot(Fs& fs, const std::string& directory, int64_t version);

}  // namespace millstream::state_store
