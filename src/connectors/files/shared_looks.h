#pragma once

// shared_looks.h   What one stream's looks at its directories spare the other streams that look at the same ones, and theirs spare it.
//
// Only looks that are a second line of defence: full rounds, where the times of directories are looked at anyway, and looks at all times, where the kernel tells
// of changes. A stream whose files may change without a trace in their directory takes and tells nothing.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "connectors/files/file_lister.h"
#include "connectors/files/shared_directories.h"

namespace millstream {

// What a round has found.
struct RoundSeen {
  bool is_look = false;   // at all directories
  bool is_full = false;   // and all were listed
  bool is_quiet = true;   // all hold the names that they held
  bool is_still = true;   // and have the times that they had
  bool is_whole = true;   // none need be listed again until it changes
  uint64_t began = 0;     // a moment (quiet_times.h)
  int64_t began_us = 0;
};

// Not thread-safe.
class SharedLooks {
 public:
  // `directories`, which outlives this: with whom listings are shared; null: with nobody.
  SharedLooks(SharedDirectories* directories, const ListerOptions& lister);

  // For a round that begins now.
  SharedListing Listing(const NamesWanted& wanted) const;
  // For a full round, or a look, that is due: when another stream began one that does instead, not longer ago than `pause_us`.
  std::optional<int64_t> TakeListing(int64_t now_us, int64_t pause_us);
  std::optional<int64_t> TakeLook(int64_t now_us, int64_t pause_us);
  void EndRound(const RoundSeen& seen);
  // Directories are to be listed again, or a round has failed.
  void Forget() { looked_from_ = listed_from_ = 0; }

  int64_t taken() const { return taken_; }

 private:
  std::optional<int64_t> Take(const std::string& tree, uint64_t& from, int64_t now_us, int64_t pause_us);

  SharedDirectories* const directories_;
  std::unique_ptr<SharedDirectories::Member> member_;  // null: nobody
  std::string tree_, listed_tree_;                     // which directories are looked at; and whose names count
  // Moments. Since these every directory has been looked at, or listed, and none need be until it changes; 0: that is not so.
  uint64_t looked_from_ = 0, listed_from_ = 0;
  uint64_t changed_at_ = 0, moved_at_ = 0;  // the end of the last round that found other names, or other times
  std::optional<int64_t> own_full_us_;      // when the last full round began that was not spared
  int64_t taken_ = 0;
};

}  // namespace millstream
