#include "streaming/offset_seq_log.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

constexpr int kOffsetLogVersion = 1;
constexpr std::string_view kNoOffset = "-";

Result<OffsetSeqMetadata> ParseMetadata(std::string_view line, const std::string& path) {
  auto malformed = [&] { return Status::Error(errors::kMalformedLogFile, {{"path", path}, {"problem", "its second line is not the batch's metadata"}}); };
  OffsetSeqMetadata metadata;
  // Spark before 2.2 left this line empty.
  if (line.empty()) return metadata;
  // Ordered, because what is read is written again by the next batch.
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(line, nullptr, false);
  if (!json.is_object()) return malformed();
  auto number = [&](const char* key, int64_t& out) {
    auto found = json.find(key);
    if (found == json.end()) return true;
    if (!found->is_number_integer()) return false;
    out = found->get<int64_t>();
    return true;
  };
  if (!number("batchWatermarkMs", metadata.batch_watermark_ms) || !number("batchTimestampMs", metadata.batch_timestamp_ms)) return malformed();
  if (auto conf = json.find("conf"); conf != json.end()) {
    if (!conf->is_object()) return malformed();
    for (auto& [key, value] : conf->items()) {
      if (!value.is_string()) return malformed();
      metadata.conf.emplace_back(key, value.get<std::string>());
    }
  }
  return metadata;
}

}  // namespace

const StreamConfList& DefaultLoggedConf() {
  static const StreamConfList conf = {
      {"spark.sql.streaming.stateStore.providerClass", "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"},
      {"spark.sql.streaming.stateStore.rocksdb.mergeOperatorVersion", "2"},
      {"spark.sql.streaming.stateStore.rocksdb.formatVersion", "5"},
      {"spark.sql.streaming.queryEvolution.enableSourceEvolution", "false"},
      {"spark.sql.streaming.stateStore.encodingFormat", "unsaferow"},
      {"spark.sql.streaming.statefulOperator.useStrictDistribution", "true"},
      {"spark.sql.streaming.flatMapGroupsWithState.stateFormatVersion", "2"},
      {"spark.sql.streaming.multipleWatermarkPolicy", "min"},
      {"spark.sql.streaming.stateStore.rowChecksum.enabled", "false"},
      {"spark.sql.streaming.aggregation.stateFormatVersion", "2"},
      {"spark.sql.function.protobufExtensions.enabled", "false"},
      {"spark.sql.shuffle.partitions", "200"},
      {"spark.sql.streaming.join.stateFormatVersion", "2"},
      {"spark.sql.streaming.stateStore.compression.codec", "lz4"},
      {"spark.sql.optimizer.pruneFiltersCanPruneStreamingSubplan", "false"},
  };
  return conf;
}

std::string SerializeOffsetSeq(const OffsetSeq& offsets) {
  std::string text = fmt::format("v{}\n{{\"batchWatermarkMs\":{},\"batchTimestampMs\":{},\"conf\":{{", kOffsetLogVersion, offsets.metadata.batch_watermark_ms,
                                 offsets.metadata.batch_timestamp_ms);
  bool first = true;
  for (const auto& [key, value] : offsets.metadata.conf) {
    if (!first) text += ',';
    first = false;
    text += nlohmann::json(key).dump();
    text += ':';
    text += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  text += "}}";
  for (const std::optional<StreamOffset>& offset : offsets.offsets) {
    text += '\n';
    if (offset) {
      MS_CHECK_MSG(offset->json.find('\n') == std::string::npos && !offset->json.empty(), offset->json);
      text += offset->json;
    } else {
      text += kNoOffset;
    }
  }
  return text;
}

Result<OffsetSeq> ParseOffsetSeq(std::string_view text, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::string_view rest, AfterVersionLine(text, kOffsetLogVersion, path));
  std::vector<std::string_view> lines;
  while (!rest.empty()) {
    size_t newline = rest.find('\n');
    lines.push_back(rest.substr(0, newline));
    rest = newline == std::string_view::npos ? std::string_view() : rest.substr(newline + 1);
  }
  if (lines.size() < 2) return Status::Error(errors::kMalformedLogFile, {{"path", path}, {"problem", "it ends before the first offset"}});
  OffsetSeq offsets;
  MS_ASSIGN_OR_RETURN(offsets.metadata, ParseMetadata(lines[0], path));
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i] == kNoOffset) {
      offsets.offsets.push_back(std::nullopt);
    } else {
      // A torn line must not become a place in a source.
      if (!nlohmann::json::accept(lines[i]))
        return Status::Error(errors::kMalformedLogFile, {{"path", path}, {"problem", fmt::format("the offset of source {} is not JSON", i - 1)}});
      offsets.offsets.push_back(StreamOffset{std::string(lines[i])});
    }
  }
  return offsets;
}

Result<std::optional<OffsetSeq>> OffsetSeqLog::GetOffsets(BatchId id) {
  MS_ASSIGN_OR_RETURN(std::optional<std::string> text, Get(id));
  if (!text) return std::optional<OffsetSeq>();
  MS_ASSIGN_OR_RETURN(OffsetSeq offsets, ParseOffsetSeq(*text, PathOf(id)));
  return std::optional<OffsetSeq>(std::move(offsets));
}

}  // namespace millstream
