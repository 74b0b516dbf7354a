#pragma once

// copy_bad_records.h   Who keeps the bad records of COPY INTO, in a table or in files. What is kept is durable before the target's commit, and counts once that
// commit says txn{ConfirmationId(), load_id}. A load that was killed in between leaves records that do not count; the next load of the same loader takes them
// out. Loads hold a lock (flock) from the one to the other, so that nobody takes out what another is about to commit.

#include <optional>
#include <string>

#include "connectors/files/quarantine.h"

namespace millstream {

class CopyBadRecords {
 public:
  virtual ~CopyBadRecords() = default;
  // Makes the place when there is none.
  virtual Status Prepare() = 0;
  virtual std::string lock_path() const = 0;
  // The application id under which a target's log says which load counts.
  virtual Result<std::string> ConfirmationId() const = 0;
  // Under the lock: takes out what the loads of load.loader behind `confirmed` have left, as the target's log has it now (nullopt: nothing is), and keeps `rows`
  // (null: none).
  virtual Status KeepCopy(const QuarantineLoad& load, const QuarantineRows* rows, std::optional<int64_t> confirmed) const = 0;
};

}  // namespace millstream
