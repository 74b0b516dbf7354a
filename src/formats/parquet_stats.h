#pragma once

// parquet_stats.h   The statistics of a Parquet footer as values of Spark's types.

#include <parquet/metadata.h>

#include <set>
#include <vector>

#include "formats/parquet_writer.h"

namespace millstream {

// Of the first `columns_max` leaves of `schema` (-1: all) in a file that ParquetWriter wrote with it. `null_counts` are those of
// the top-level columns; leaves in `with_nan` get no minimum and maximum, as NaN is Spark's largest number but not Parquet's.
std::vector<ColumnStats> CollectStats(const parquet::FileMetaData& file, const StructType& schema, const std::vector<int64_t>& null_counts,
                                      const std::set<int>& with_nan, int columns_max);

// The same of a file that others have written with columns of this schema, in any order: what its footer does not have is left out, and so are the bounds
// of floats, as it does not say whether there are NaNs.
std::vector<ColumnStats> CollectFooterStats(const parquet::FileMetaData& file, const StructType& schema, int columns_max);

}  // namespace millstream
