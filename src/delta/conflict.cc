#include "delta/conflict.h"

#include "delta/delta_errors.h"

namespace millstream {

Status CheckConflict(const TransactionFacts& ours, const CommitActions& winner, int64_t winner_version) {
  auto conflict = [&](const ErrorClass& error_class) { return Status::Error(error_class, {{"version", std::to_string(winner_version)}}); };
  // Spark goes on after some upgrades of the protocol; whoever does must know that what it writes fits the new one.
  if (winner.protocol) return conflict(errors::kDeltaProtocolChanged);
  if (winner.metadata) return conflict(errors::kDeltaMetadataChanged);
  for (const DomainMetadata& domain : winner.domains) {
    if (ours.domains.count(domain.domain)) return conflict(errors::kDeltaConcurrentTransaction);
  }
  for (const SetTransaction& txn : winner.transactions) {
    if (ours.app_ids.count(txn.app_id)) return conflict(errors::kDeltaConcurrentTransaction);
  }
  if (ours.reads_whole_table && !winner.adds.empty()) return conflict(errors::kDeltaConcurrentAppend);
  for (const RemoveFilePtr& remove : winner.removes) {
    if (ours.removed_keys.count(FileKey(remove->path, remove->deletion_vector))) return conflict(errors::kDeltaConcurrentDeleteDelete);
  }
  if (ours.reads_whole_table && !winner.removes.empty()) return conflict(errors::kDeltaConcurrentDeleteRead);
  return Status();
}

}  // namespace millstream
