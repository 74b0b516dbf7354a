#include "streaming/commit_log.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "streaming/streaming_errors.h"

namespace millstream {

std::string SerializeCommit(const CommitMetadata& commit) { return fmt::format("v1\n{{\"nextBatchWatermarkMs\":{}}}", commit.next_batch_watermark_ms); }

Result<CommitMetadata> ParseCommit(std::string_view text, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::string_view body, AfterVersionLine(text, 3, path));
  nlohmann::json json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return Status::Error(errors::kMalformedLogFile, {{"path", path}, {"problem", "its second line is not a JSON object"}});
  CommitMetadata commit;
  if (auto found = json.find("nextBatchWatermarkMs"); found != json.end() && found->is_number_integer()) commit.next_batch_watermark_ms = found->get<int64_t>();
  return commit;
}

Result<std::optional<CommitMetadata>> CommitLog::GetCommit(BatchId id) {
  MS_ASSIGN_OR_RETURN(std::optional<std::string> text, Get(id));
  if (!text) return std::optional<CommitMetadata>();
  MS_ASSIGN_OR_RETURN(CommitMetadata commit, ParseCommit(*text, PathOf(id)));
  return std::optional<CommitMetadata>(commit);
}

}  // namespace millstream
