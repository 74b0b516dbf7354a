#include "connectors/delta/delta_stream_offset.h"

#include <nlohmann/json.hpp>

#include "connectors/delta/delta_stream_errors.h"

namespace millstream {
namespace {

constexpr int64_t kOffsetFormat = 1;

}  // namespace

StreamOffset EncodeDeltaStreamOffset(const DeltaStreamOffset& offset) {
  nlohmann::ordered_json json;
  json["sourceVersion"] = kOffsetFormat;
  json["reservoirId"] = offset.table_id;
  json["reservoirVersion"] = offset.version;
  json["index"] = offset.index;
  json["isStartingVersion"] = offset.is_initial_snapshot;
  return StreamOffset{json.dump()};
}

Result<DeltaStreamOffset> DecodeDeltaStreamOffset(const StreamOffset& offset) {
  const nlohmann::json json = nlohmann::json::parse(offset.json, nullptr, false);
  auto is_number = [&](const char* name) { return json.contains(name) && json[name].is_number_integer(); };
  if (!json.is_object() || !is_number("sourceVersion") || !is_number("reservoirVersion") || !is_number("index") || !json.contains("reservoirId") ||
      !json["reservoirId"].is_string() || !json.contains("isStartingVersion") || !json["isStartingVersion"].is_boolean())
    return Status::Error(errors::kDeltaSourceOffsetFormat).While("reading the offset " + offset.json);
  const int64_t format = json["sourceVersion"].get<int64_t>();
  // 3 marks a place at a change of schema, which this source does not step over.
  if (format != kOffsetFormat) return Status::Error(errors::kDeltaSourceVersion, {{"version", std::to_string(format)}});
  DeltaStreamOffset place{.table_id = json["reservoirId"].get<std::string>(),
                          .version = json["reservoirVersion"].get<int64_t>(),
                          .index = json["index"].get<int64_t>(),
                          .is_initial_snapshot = json["isStartingVersion"].get<bool>()};
  if (place.version < 0 || place.index < -1) return Status::Error(errors::kDeltaSourceOffsetFormat).While("reading the offset " + offset.json);
  return place;
}

}  // namespace millstream
