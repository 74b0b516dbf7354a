#include "delta/snapshot.h"

#include "delta/delta_errors.h"

namespace millstream {

FileSet FileSet::Plus(std::vector<AddFilePtr> added) const {
  FileSet result = *this;
  if (added.empty()) return result;
  result.size_ += added.size();
  result.runs_.push_back(std::make_shared<const std::vector<AddFilePtr>>(std::move(added)));
  while (result.runs_.size() >= 2) {
    const Run& last = result.runs_.back();
    const Run& before = result.runs_[result.runs_.size() - 2];
    if (before->size() > last->size() * 2) break;
    std::vector<AddFilePtr> merged;
    merged.reserve(before->size() + last->size());
    merged.insert(merged.end(), before->begin(), before->end());
    merged.insert(merged.end(), last->begin(), last->end());
    result.runs_.pop_back();
    result.runs_.back() = std::make_shared<const std::vector<AddFilePtr>>(std::move(merged));
  }
  return result;
}

std::optional<int64_t> Snapshot::TransactionVersion(const std::string& app_id) const {
  auto found = transactions->find(app_id);
  if (found == transactions->end()) return std::nullopt;
  return found->second.version;
}

SnapshotBuilder::SnapshotBuilder(std::string table_path) { built_.table_path = std::move(table_path); }

SnapshotBuilder::SnapshotBuilder(const Snapshot& base) : built_(base), transactions_(*base.transactions), domains_(*base.domains), has_protocol_(true) {
  live_.reserve(base.files.size());
  index_.reserve(base.files.size());
  base.files.ForEach([&](const AddFilePtr& file) { AddLive(file); });
  for (const RemoveFilePtr& remove : *base.tombstones) tombstones_[FileKey(remove->path, remove->deletion_vector)] = remove;
}

void SnapshotBuilder::AddLive(AddFilePtr file) {
  auto [place, is_new] = index_.try_emplace(FileKey(file->path, file->deletion_vector), live_.size());
  if (is_new) {
    live_.push_back(std::move(file));
  } else {
    live_[place->second] = std::move(file);
  }
}

void SnapshotBuilder::Apply(CommitActions& actions) {
  if (actions.protocol) {
    built_.protocol = std::move(*actions.protocol);
    has_protocol_ = true;
  }
  if (actions.metadata) built_.metadata = std::make_shared<const Metadata>(std::move(*actions.metadata));
  for (SetTransaction& txn : actions.transactions) transactions_[txn.app_id] = txn;
  for (DomainMetadata& domain : actions.domains) {
    if (domain.removed) {
      domains_.erase(domain.domain);
    } else {
      domains_[domain.domain] = domain;
    }
  }
  // No commit adds and removes the same key, so the order of the two is free.
  for (RemoveFilePtr& remove : actions.removes) {
    std::string key = FileKey(remove->path, remove->deletion_vector);
    if (auto found = index_.find(key); found != index_.end()) {
      live_[found->second] = nullptr;
      index_.erase(found);
    }
    tombstones_[std::move(key)] = std::move(remove);
  }
  for (AddFilePtr& add : actions.adds) {
    tombstones_.erase(FileKey(add->path, add->deletion_vector));
    AddLive(std::move(add));
  }
}

void SnapshotBuilder::ApplyCheckpoint(CommitActions actions, int64_t version) {
  Apply(actions);
  built_.version = version;
}

void SnapshotBuilder::ApplyCommit(CommitActions actions, int64_t version) {
  built_.in_commit_timestamp_ms = actions.commit_info && actions.commit_info->in_commit_timestamp_ms ? *actions.commit_info->in_commit_timestamp_ms : -1;
  Apply(actions);
  built_.version = version;
}

Result<SnapshotPtr> SnapshotBuilder::Finish(int64_t timestamp_ms) {
  if (!has_protocol_ || !built_.metadata) {
    return Status::Error(errors::kDeltaStateRecover, {{"operation", has_protocol_ ? "metadata" : "protocol"}, {"version", std::to_string(built_.version)}})
        .While("reading the log of " + built_.table_path);
  }
  std::vector<AddFilePtr> live;
  live.reserve(index_.size());
  built_.size_bytes = 0;
  for (AddFilePtr& file : live_) {
    if (!file) continue;
    built_.size_bytes += file->size_bytes;
    live.push_back(std::move(file));
  }
  built_.files = FileSet().Plus(std::move(live));
  std::vector<RemoveFilePtr> tombstones;
  for (auto& [key, remove] : tombstones_) tombstones.push_back(std::move(remove));
  built_.tombstones = std::make_shared<const std::vector<RemoveFilePtr>>(std::move(tombstones));
  built_.transactions = std::make_shared<const std::map<std::string, SetTransaction>>(std::move(transactions_));
  built_.domains = std::make_shared<const std::map<std::string, DomainMetadata>>(std::move(domains_));
  built_.timestamp_ms = built_.in_commit_timestamp_ms >= 0 ? built_.in_commit_timestamp_ms : timestamp_ms;
  return std::make_shared<const Snapshot>(std::move(built_));
}

SnapshotPtr AfterOwnCommit(const Snapshot& base, CommitActions actions, int64_t version, int64_t timestamp_ms) {
  auto next = std::make_shared<Snapshot>(base);
  next->version = version;
  next->in_commit_timestamp_ms = actions.commit_info && actions.commit_info->in_commit_timestamp_ms ? *actions.commit_info->in_commit_timestamp_ms : -1;
  next->timestamp_ms = next->in_commit_timestamp_ms >= 0 ? next->in_commit_timestamp_ms : timestamp_ms;
  if (actions.protocol) next->protocol = std::move(*actions.protocol);
  if (actions.metadata) next->metadata = std::make_shared<const Metadata>(std::move(*actions.metadata));
  if (!actions.transactions.empty()) {
    auto transactions = std::make_shared<std::map<std::string, SetTransaction>>(*base.transactions);
    for (SetTransaction& txn : actions.transactions) (*transactions)[txn.app_id] = txn;
    next->transactions = std::move(transactions);
  }
  if (!actions.removes.empty()) {
    auto tombstones = std::make_shared<std::vector<RemoveFilePtr>>(*base.tombstones);
    tombstones->insert(tombstones->end(), actions.removes.begin(), actions.removes.end());
    next->tombstones = std::move(tombstones);
    next->files = FileSet();
    next->size_bytes = 0;
  }
  for (const AddFilePtr& add : actions.adds) next->size_bytes += add->size_bytes;
  next->files = next->files.Plus(std::move(actions.adds));
  return next;
}

}  // namespace millstream
