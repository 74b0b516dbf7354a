#include "delta/rule_sieve.h"

namespace millstream {

Result<std::vector<RowRuler::Violation>> RuleSieve::Find(const RecordBatchPtr& batch) const {
  MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, conform_.Apply(batch));
  std::unique_ptr<RowRuler> ruler;
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      ruler = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!ruler) {
    MS_ASSIGN_OR_RETURN(ruler, rules_->Start(rows_));
  }
  Result<std::vector<RowRuler::Violation>> found = ruler->Find(rows);
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(ruler));
  return found;
}

std::string ColumnOfViolation(const Status& why) {
  for (const char* key : {"constraintName", "columnName"}) {
    if (auto name = why.params().find(key); name != why.params().end()) return name->second;
  }
  return "";
}

}  // namespace millstream
