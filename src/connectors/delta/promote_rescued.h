#pragma once

// promote_rescued.h   PROMOTE RESCUED (amount DOUBLE) IN t: fields leave the rescued-data column of a table and become columns, in one commit, or none when no
// file holds such a field and the columns are there. Only files that hold one are written anew; where their rows come from stays known, deleted rows stay
// deleted, and the change data feed has the rows as they were and are.

#include <cstdint>
#include <string>

#include "base/error_class.h"
#include "connectors/api/table.h"

namespace millstream {

class DeltaTables;  // delta/delta_log.h

namespace errors {
inline constexpr ErrorClass kNoRescuedColumn{
    "MILLSTREAM_NO_RESCUED_DATA_COLUMN", "42703", ExceptionKind::kAnalysis,
    "<table> has no STRING column <column> that could hold rescued data. Name the column: PROMOTE RESCUED (…) IN <table> FROM column."};
inline constexpr ErrorClass kPromotedColumn{"MILLSTREAM_CANNOT_PROMOTE_COLUMN", "42000", ExceptionKind::kAnalysis,
                                            "Rescued values cannot become the column <column> of <table>: <reason>."};
}  // namespace errors

struct PromoteRescued {
  StructType columns;
  std::string rescued_column = "_rescued_data";
  std::string time_zone;  // of timestamps without one
  int threads = 2;
};
struct PromoteResult {
  int64_t files = 0, rows = 0;
  int64_t version = -1;  // -1: nothing was committed
};

// `name`: for errors. MILLSTREAM_NO_RESCUED_DATA_COLUMN, MILLSTREAM_CANNOT_PROMOTE_COLUMN, DELTA_FAILED_TO_MERGE_FIELDS, DELTA_CANNOT_MODIFY_APPEND_ONLY,
// DELTA_PATH_DOES_NOT_EXIST, and those conflicts of conflict.h after which it may be run again (IsChangeConflict).
Result<PromoteResult> PromoteRescuedFields(DeltaTables& tables, const std::string& path, const std::string& name, const PromoteRescued& wish);

}  // namespace millstream
