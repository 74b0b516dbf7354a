#pragma once

// cloud_files_offset.h   The offset of an Auto Loader stream, in the JSON that Databricks writes.

#include <cstdint>

#include "connectors/api/source.h"

namespace millstream {

// `number`: the last file, by its number in the ledger, that belongs to the batch.
StreamOffset EncodeCloudFilesOffset(int64_t number);
// Error: MILLSTREAM_SOURCE_OFFSET.
Result<int64_t> DecodeCloudFilesOffset(const StreamOffset& offset);

}  // namespace millstream
