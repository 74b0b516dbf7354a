#include <algorithm>

#include "connectors/delta/delta_connector.h"
#include "connectors/delta/table_change.h"
#include "connectors/delta/table_rule_changes.h"
#include "delta/action_json.h"
#include "delta/change_feed.h"
#include "delta/check_constraints.h"
#include "delta/delta_errors.h"
#include "delta/features.h"

namespace millstream {
namespace {

std::string PropertiesJson(const std::map<std::string, std::string>& properties) {
  std::string json = "{";
  for (const auto& [key, value] : properties) {
    if (json.size() > 1) json += ',';
    AppendJsonString(json, key);
    json += ':';
    AppendJsonString(json, value);
  }
  return json + "}";
}

}  // namespace

Status AlterDeltaProperties(DeltaTables& tables, const std::string& path, const std::map<std::string, std::string>& set,
                            const std::vector<std::string>& unset) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  MS_RETURN_IF_ERROR(CheckWritable(snapshot->protocol, *snapshot->metadata, path));
  for (const auto& [key, value] : set) {
    if (IsConstraint(key)) return Status::Error(errors::kDeltaAddConstraints);
  }
  CommitRequest request{.read = snapshot, .operation = set.empty() ? "UNSET TBLPROPERTIES" : "SET TBLPROPERTIES"};
  Metadata metadata = *snapshot->metadata;
  Protocol protocol = snapshot->protocol;
  MS_RETURN_IF_ERROR(ApplyProperties(set, protocol));
  for (const auto& [key, value] : set) {
    const bool is_of_protocol = key == "delta.minReaderVersion" || key == "delta.minWriterVersion" || key.starts_with("delta.feature.");
    if (!is_of_protocol) metadata.configuration[key] = value;
  }
  for (const std::string& key : unset) metadata.configuration.erase(key);
  if (HasChangeFeed(metadata)) MS_RETURN_IF_ERROR(ChangeFeedSchema(metadata.schema).status());
  if (set.empty()) {
    request.parameters = {{"properties", JsonList(unset)}, {"ifExists", "true"}};
  } else {
    request.parameters = {{"properties", PropertiesJson(set)}};
  }
  if (!(protocol == snapshot->protocol)) request.actions.protocol = std::move(protocol);
  request.actions.metadata = std::move(metadata);
  return log->Commit(std::move(request)).status();
}

}  // namespace millstream
