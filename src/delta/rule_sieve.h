#pragma once

// rule_sieve.h   Which rows break a rule of their table, for who sets such rows apart before they are written.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "delta/row_conform.h"
#include "delta/row_rules.h"

namespace millstream {

// Thread-safe.
class RuleSieve {
 public:
  // `rows`: columns of batches, by the table's names; what the table lacks of them is not looked at. `rules` of the table.
  RuleSieve(RowRulesPtr rules, const StructType& table, const StructType& rows)
      : rules_(std::move(rules)), rows_(rows), conform_(rows, BeforeRules(table, rows)) {}
  // In the order of the rows. Values that are no values of the table's types are an error: they are to be set apart before.
  Result<std::vector<RowRuler::Violation>> Find(const RecordBatchPtr& batch) const;

 private:
  const RowRulesPtr rules_;
  const StructType rows_;
  const RowConform conform_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<RowRuler>> idle_;  // GUARDED_BY(mutex_)
};

// What a violation speaks of, for columns that name one: the constraint, or the column that is null.
std::string ColumnOfViolation(const Status& why);

}  // namespace millstream
