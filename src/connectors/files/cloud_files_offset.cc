#include "connectors/files/cloud_files_offset.h"

#include <nlohmann/json.hpp>

#include "connectors/files/files_errors.h"

namespace millstream {

StreamOffset EncodeCloudFilesOffset(const CloudFilesOffset& offset) {
  const std::string request = offset.request == 0 ? "" : ",\"requestNum\":" + std::to_string(offset.request);
  return {"{\"seqNum\":" + std::to_string(offset.number) + ",\"sourceVersion\":1,\"lastBackfillStartTimeMs\":0,\"lastBackfillFinishTimeMs\":0" + request + "}"};
}

Result<CloudFilesOffset> DecodeCloudFilesOffset(const std::optional<StreamOffset>& start) {
  if (!start) return CloudFilesOffset();
  return DecodeCloudFilesOffset(*start);
}

Result<CloudFilesOffset> DecodeCloudFilesOffset(const StreamOffset& offset) {
  auto bad = [&](std::string reason) {
    return Status::Error(errors::kOffsetUnreadable, {{"json", offset.json}, {"source", "cloudFiles"}, {"reason", std::move(reason)}});
  };
  nlohmann::json json = nlohmann::json::parse(offset.json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("seqNum") || !json["seqNum"].is_number_integer()) return bad("it has no seqNum");
  if (json.contains("sourceVersion") && json["sourceVersion"] != 1) return bad("its sourceVersion is not 1");
  CloudFilesOffset decoded{.number = json["seqNum"].get<int64_t>()};
  if (json.contains("requestNum") && !json["requestNum"].is_number_integer()) return bad("its requestNum is no number");
  decoded.request = json.value("requestNum", int64_t{0});
  if (decoded.number < 0 || decoded.request < 0) return bad("its seqNum or requestNum is negative");
  return decoded;
}

}  // namespace millstream
