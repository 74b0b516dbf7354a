#include "connectors/files/cloud_files_offset.h"

#include <nlohmann/json.hpp>

#include "connectors/files/files_errors.h"

namespace millstream {

StreamOffset EncodeCloudFilesOffset(int64_t number) {
  return {"{\"seqNum\":" + std::to_string(number) + ",\"sourceVersion\":1,\"lastBackfillStartTimeMs\":0,\"lastBackfillFinishTimeMs\":0}"};
}

Result<int64_t> DecodeCloudFilesOffset(const StreamOffset& offset) {
  auto bad = [&](std::string reason) {
    return Status::Error(errors::kOffsetUnreadable, {{"json", offset.json}, {"source", "cloudFiles"}, {"reason", std::move(reason)}});
  };
  nlohmann::json json = nlohmann::json::parse(offset.json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("seqNum") || !json["seqNum"].is_number_integer()) return bad("it has no seqNum");
  if (json.contains("sourceVersion") && json["sourceVersion"] != 1) return bad("its sourceVersion is not 1");
  auto number = json["seqNum"].get<int64_t>();
  if (number < 0) return bad("its seqNum is negative");
  return number;
}

}  // namespace millstream
