#pragma once

// parquet_whole.h   Parquet files of others as data files of a table, unread: what their footers must say for that, and the statistics that can be believed.

#include <parquet/metadata.h>

#include <optional>
#include <string>
#include <vector>

#include "formats/parquet_writer.h"

namespace millstream {

// A top-level column of a file, and the column of a table that it is to be.
struct ParquetWholeColumn {
  std::vector<int> leaves;
  StructField as;
};

// Why a file cannot be a data file of a table for all readers of it; empty: it can. `columns` are all of its columns, `codec` that on which the table insists.
// Looks at the footer alone: that all chunks lie within the file, and are of kinds that every reader knows. May throw what the Parquet library throws.
std::string WhyNotWhole(const parquet::FileMetaData& file, int64_t size_bytes, const std::vector<ParquetWholeColumn>& columns,
                        const std::optional<std::string>& codec);

// Rows and statistics of such a file for a table's columns. Bounds of floats are left out, as the footer does not say whether there are NaNs; so are null
// counts of arrays and maps, which it does not have. FAILED_READ_FILE.
Result<WrittenFile> MeasureWhole(Fs& fs, const std::string& path, const StructType& schema, int stats_columns_max);

}  // namespace millstream
