#pragma once

// quarantine_table.h   Bad records in a Delta table. Why each is there once, whatever is killed and when:
//
//   1. The rows of a load are written here, under (loader, load_id), before the load's own commit; the same commit sets txn{loader, load_id}.
//   2. The target's commit says that the load counts: a stream's by txn{query id, batch}, that of COPY INTO by txn{"millstream.quarantine.<id of this table>",
//      load_id}. Nothing is left to do then.
//
// Killed between the two, the rows here belong to a load that is not in the target. A stream runs the same batch again, and its rows are replaced. COPY INTO
// comes with another load, and takes out what the last one left when the target does not know that one; loaders queue for a lock (flock) from 1 to 2, so that
// nobody takes out what another is about to commit. What is replaced (replay, changedFiles = replaced) leaves after the commit, as connectors/files/
// copy_load_notes.h says. docs/quarantine.md

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/files/copy_bad_records.h"
#include "connectors/files/copy_load_notes.h"
#include "connectors/files/quarantine.h"
#include "plan/expression.h"
#include "session/session_catalog.h"

namespace millstream {

// A text as a literal of SQL, for conditions on the table.
std::string SqlText(const std::string& text);

class DeltaQuarantine : public QuarantineTable, public CopyBadRecords {
 public:
  // `name`: of a table, or a path. It need not be there. Errors: of the name; MILLSTREAM_UNSUPPORTED when it is no Delta table.
  static Result<std::shared_ptr<DeltaQuarantine>> Resolve(EngineState& engine, SessionCatalog& catalog, const std::string& current_database,
                                                          const std::string& name);
  DeltaQuarantine(EngineState& engine, std::string path) : engine_(engine), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  Status Prepare() override;
  Status Keep(const QuarantineLoad& load, const QuarantineRows& rows) override;

  std::string lock_path() const override;
  Result<std::string> ConfirmationId() const override;
  Status KeepCopy(const QuarantineLoad& load, const QuarantineRows* rows, std::optional<int64_t> confirmed,
                  const std::vector<ReplacedFile>& replaced) const override;

  // DELETE WHERE …, again as often as others come in between.
  Status Delete(const std::string& condition) const;

 private:
  Status TakeOutReplaced(const std::string& loader, const CopyLoadNote& note) const;
  Status Append(const QuarantineLoad& load, const QuarantineRows& rows, bool with_txn) const;

  EngineState& engine_;
  const std::string path_;
};

// Waits for the lock of what keeps bad records. MILLSTREAM_QUARANTINE_BUSY.
Result<std::unique_ptr<FileLock>> LockBadRecords(const CopyBadRecords& keeper, const std::shared_ptr<CancelToken>& cancel);

// True when the plan gives the rows of its one source as they are, in their order of columns.
bool IsPlainScan(const PlanPtr& analyzed);

}  // namespace millstream
