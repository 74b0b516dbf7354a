// cloud_files_next_batch.cc   How far the next batch of a cloudFiles source reaches.

#include <algorithm>

#include "connectors/files/batch_pace.h"
#include "connectors/files/cloud_files_source.h"

namespace millstream {

// Looks until the next batch can be filled: the first batch of a million files need not wait for all of them.
Status CloudFilesSource::Discover(int64_t after, bool all) {
  if (waiting_.has_order()) {
    // Which file is the first is known when all have been looked at.
    MS_ASSIGN_OR_RETURN(is_listed_, discovery_.Advance(INT64_MAX));
    return Status();
  }
  for (;;) {
    MS_ASSIGN_OR_RETURN(int64_t end, PlanEnd(after, all));
    bool filled = !all && end < ledger_->last_number();
    if (filled) {
      is_listed_ = false;
      return Status();
    }
    int64_t chunk = all ? INT64_MAX : definition_.options.limits.files_max.value_or(1000);
    int64_t wanted = all ? INT64_MAX : ledger_->last_number() + chunk;
    MS_ASSIGN_OR_RETURN(bool ended, discovery_.Advance(wanted));
    is_listed_ = ended;
    if (ended) return Status();
  }
}

Result<int64_t> CloudFilesSource::PlanEnd(int64_t after, bool all) const {
  int64_t last = ledger_->last_number();
  if (frozen_at_) last = std::min(last, *frozen_at_);
  if (all || after >= last) return last;
  MS_ASSIGN_OR_RETURN(BatchPlan plan, PlanNumbered(after, last));
  return after + plan.files();
}

Result<BatchLimits> CloudFilesSource::LimitsNow(int64_t after) const {
  BatchLimits limits = definition_.options.limits;
  if (definition_.options.batch_duration_max_ms) {
    MS_ASSIGN_OR_RETURN(limits.bytes_within, BytesWithin(*ledger_, after, *definition_.options.batch_duration_max_ms));
  }
  return limits;
}

// With the files (after, last], as far as the limits allow.
Result<BatchPlan> CloudFilesSource::PlanNumbered(int64_t after, int64_t last) const {
  MS_ASSIGN_OR_RETURN(const BatchLimits limits, LimitsNow(after));
  BatchPlan plan(limits);
  if (!limits.bytes_max && !limits.bytes_within) {
    while (plan.files() < last - after && plan.WantsMore()) plan.Take(0);
    return plan;
  }
  for (int64_t at = after; at < last && plan.WantsMore();) {
    constexpr int64_t kChunk = 256;
    MS_ASSIGN_OR_RETURN(std::vector<NumberedFile> files, ledger_->Files(at, last, kChunk));
    if (files.empty()) break;
    for (const NumberedFile& file : files) {
      if (!plan.Takes(file.size_bytes)) return plan;
      plan.Take(file.size_bytes);
      at = file.number;
    }
  }
  return plan;
}

}  // namespace millstream
