#include "connectors/delta/stream_checkpoints.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "delta/delta_log.h"

namespace millstream {

Result<std::vector<std::string>> StreamCheckpointsOf(DeltaTables& tables, const std::string& table_path) {
  MS_ASSIGN_OR_RETURN(std::vector<HistoryEntry> commits, tables.Log(table_path)->History(std::nullopt));
  std::vector<std::string> checkpoints;
  for (const HistoryEntry& commit : commits) {
    const nlohmann::json info = nlohmann::json::parse(commit.commit_info_json, nullptr, /*allow_exceptions=*/false);
    if (!info.is_object() || !info.contains("operationParameters") || !info["operationParameters"].is_object()) continue;
    const nlohmann::json& parameters = info["operationParameters"];
    if (!parameters.contains(kCheckpointParameter) || !parameters[kCheckpointParameter].is_string()) continue;
    std::string checkpoint = parameters[kCheckpointParameter].get<std::string>();
    if (std::find(checkpoints.begin(), checkpoints.end(), checkpoint) == checkpoints.end()) checkpoints.push_back(std::move(checkpoint));
  }
  return checkpoints;
}

}  // namespace millstream
