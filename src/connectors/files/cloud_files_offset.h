#pragma once

// cloud_files_offset.h   The offset of an Auto Loader stream, in the JSON that Databricks writes.

#include <cstdint>
#include <optional>

#include "connectors/api/source.h"

namespace millstream {

struct CloudFilesOffset {
  int64_t number = 0;   // the last file, by its number in the ledger, that belongs to the batch
  int64_t request = 0;  // the last request of a user that does (file_requests.h); 0, and left out of the JSON: none was ever made
};

StreamOffset EncodeCloudFilesOffset(const CloudFilesOffset& offset);
// Error: MILLSTREAM_SOURCE_OFFSET.
Result<CloudFilesOffset> DecodeCloudFilesOffset(const StreamOffset& offset);
// Of a start: nothing lies before the first batch.
Result<CloudFilesOffset> DecodeCloudFilesOffset(const std::optional<StreamOffset>& start);

}  // namespace millstream
