#pragma once

// copy_bad_records.h   Who keeps the bad records of COPY INTO, in a table or in files. What is kept is durable before the target's commit, and counts once that
// commit says txn{ConfirmationId(), load_id}. A load that was killed in between leaves records that do not count; the next load of the same loader takes them
// out. Loads hold a lock (flock) from the one to the other, so that nobody takes out what another is about to commit.

#include <optional>
#include <string>
#include <vector>

#include "connectors/files/quarantine.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kBadRecordsPath{"MILLSTREAM_BAD_RECORDS_PATH", "58030", ExceptionKind::kSpark,
                                            "Bad records cannot be kept in <path>: <reason>. <hint>."};
}  // namespace errors

// A file whose rows leave the target in the commit of a load, for those that the load has of it: what earlier loads of the same loader have kept of it leaves
// too.
struct ReplacedFile {
  std::string path;  // raw
  // The loads that have brought what there is of it, and when the last of them was.
  int64_t first_load = 0, last_load = 0;
  int64_t loaded_ms = 0;
};

class CopyBadRecords {
 public:
  virtual ~CopyBadRecords() = default;
  // Makes the place when there is none.
  virtual Status Prepare() = 0;
  virtual std::string lock_path() const = 0;
  // The application id under which a target's log says which load counts.
  virtual Result<std::string> ConfirmationId() const = 0;
  // Under the lock: takes out what the loads of load.loader behind `confirmed` have left, as the target's log has it now (nullopt: nothing is), and what those
  // up to it have replaced; and keeps `rows` (null: none). With rows, or files that are `replaced`, the commit is to confirm the load; the call after it takes
  // out what is replaced.
  virtual Status KeepCopy(const QuarantineLoad& load, const QuarantineRows* rows, std::optional<int64_t> confirmed,
                          const std::vector<ReplacedFile>& replaced) const = 0;
};

}  // namespace millstream
