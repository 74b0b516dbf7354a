#pragma once

// checked_rows.h   Rows that replace others, which must fulfil the condition that chose those.

#include <string>

#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

// `rows`: the columns of `schema` without _change_type, and behind them a BOOLEAN that says whether the row fulfils `condition`, which is taken off.
// DELTA_REPLACE_WHERE_MISMATCH for the first row that does not. `with_feed`: `schema` ends in _change_type, and every batch comes twice: as rows of
// the table and as "insert" of the change data feed.
RowStreamPtr CheckedRows(RowStreamPtr rows, const StructType& schema, std::string condition, bool with_feed);

}  // namespace millstream
