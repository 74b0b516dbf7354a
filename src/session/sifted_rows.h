#pragma once

// sifted_rows.h   Rows of files that do not fit the table they are meant for (a value that cannot be cast, a null for a NOT NULL column), set apart in place of
// stopping the load. The plan says of each row what is wrong with it, in one column; who does not ask for it has the plan of before.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "delta/rule_sieve.h"
#include "formats/bad_records.h"
#include "plan/logical_plan.h"
#include "types/row_stream.h"

namespace millstream {

struct SiftPlan {
  // Columns: the rows as the table takes them; which column does not fit (INT, from 0; null: all do); the values of cast columns before their casts.
  PlanPtr plan;
  StructType table_columns;  // the first of them
  StructType raw_columns;    // the row as it was, with the names that it has in the table
  std::vector<int> raw_at;   // where in the plan's columns each of these is
};
// As CastToTargets, for rows that are sifted. Of nested columns that are cast, their values are looked at as well. A kSourceFileColumn behind the columns that
// have targets comes through, last.
SiftPlan SiftToTargets(const PlanPtr& analyzed, const std::vector<StructField>& targets, bool rename);

// Takes a row that does not fit; `raw` is the row as JSON. Thread-safe.
using TakeMisfit = std::function<Status(const BadRecord& row)>;
// `rows`: of sift.plan, and behind them kSourceFileColumn. The result has sift.table_columns and kSourceFileColumn. `take` is called before the rows that
// stay are given on. With `rules`, rows that break a rule of the table are such rows, too.
RowStreamPtr SiftedRows(RowStreamPtr rows, SiftPlan sift, TakeMisfit take, std::unique_ptr<RuleSieve> rules = nullptr);

}  // namespace millstream
