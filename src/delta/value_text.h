#pragma once

// value_text.h   Values as the log writes them: partition values, directory names, file statistics.

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "formats/parquet_writer.h"
#include "types/data_type.h"
#include "types/value.h"

namespace arrow {
class Array;
}

namespace millstream {

// One element as a partition value; nullopt: null (an empty string is null too). Timestamps are ISO-8601 in UTC.
Result<std::optional<std::string>> PartitionText(const arrow::Array& array, int64_t row, const DataType& type);
// Reverse of PartitionText, also for what Spark and others write ("2026-01-02 03:04:05.6").
Result<Value> ParsePartitionText(const std::string& text, const DataType& type);

// "a=b" of a Hive-style directory, escaped as Spark's ExternalCatalogUtils does; nullopt: __HIVE_DEFAULT_PARTITION__.
std::string PartitionDirectory(std::string_view column, const std::optional<std::string>& value);

// {"numRecords":…,"minValues":{…},"maxValues":{…},"nullCount":{…}}. Bounds are never tighter than the values.
std::string StatsJson(int64_t rows, const std::vector<ColumnStats>& columns);

// days → "2026-01-02"; nullopt: outside of years 1 to 9999.
std::optional<std::string> LogDateText(int64_t days);
std::string LogDecimalText(__int128 unscaled, int scale);

}  // namespace millstream
