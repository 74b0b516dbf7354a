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
  // The isolation level is Serializable, the only one that Delta's open source takes: blind appends count too.
  if (ours.reads_whole_table && !winner.adds.empty()) return conflict(errors::kDeltaConcurrentAppend);
  for (const AddFilePtr& add : winner.adds) {
    if (ours.would_read && ours.would_read(*add)) return conflict(errors::kDeltaConcurrentAppend);
  }
  for (const RemoveFilePtr& remove : winner.removes) {
    const std::string key = FileKey(remove->path, remove->deletion_vector);
    // Spark names what is read before what is deleted; a file that is deleted was read too, unless nothing was read by rows.
    if (ours.read_keys.count(key)) return conflict(errors::kDeltaConcurrentDeleteRead);
    if (ours.removed_keys.count(key)) return conflict(errors::kDeltaConcurrentDeleteDelete);
  }
  if (ours.reads_whole_table && !winner.removes.empty()) return conflict(errors::kDeltaConcurrentDeleteRead);
  return Status();
}

}  // namespace millstream
