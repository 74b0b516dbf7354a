#include "streaming/progress_reporter.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace millstream {
namespace {

using Json = nlohmann::ordered_json;

Json NameOrNull(const std::string& name) { return name.empty() ? Json(nullptr) : Json(name); }

// Spark shows an offset as the JSON that it is, and as a string where it is none.
Json OffsetOrNull(const std::optional<std::string>& offset) {
  if (!offset) return nullptr;
  Json json = Json::parse(*offset, nullptr, false);
  return json.is_discarded() ? Json(*offset) : json;
}

double PerSecond(int64_t rows, int64_t us) { return us <= 0 ? 0.0 : static_cast<double>(rows) * 1e6 / static_cast<double>(us); }

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string ProgressJson(const QueryIdentity& query, const TriggerProgress& progress, std::optional<int64_t> previous_started_us) {
  const int64_t since_previous_us = previous_started_us ? progress.started_us() - *previous_started_us : 0;
  const int64_t elapsed_us = std::max<int64_t>(progress.elapsed_us(), 1);
  int64_t rows = 0;
  for (const SourceProgress& source : progress.sources) rows += source.rows;

  Json json;
  json["id"] = query.id;
  json["runId"] = query.run_id;
  json["name"] = NameOrNull(query.name);
  json["timestamp"] = FormatIso8601Millis(progress.started_wall_ms());
  json["batchId"] = progress.batch_id;
  json["batchDuration"] = progress.elapsed_us() / 1000;
  json["numInputRows"] = rows;
  json["inputRowsPerSecond"] = PerSecond(rows, since_previous_us);
  json["processedRowsPerSecond"] = PerSecond(rows, elapsed_us);
  Json durations = Json::object();
  std::map<std::string_view, int64_t> phases = progress.phase_us();
  phases["triggerExecution"] = progress.elapsed_us();
  for (auto& [name, us] : phases) durations[std::string(name)] = us / 1000;
  json["durationMs"] = std::move(durations);
  if (!progress.event_time.empty()) json["eventTime"] = progress.event_time;
  json["stateOperators"] = Json::array();
  for (const StateOperatorProgress& state : progress.state_operators) {
    Json one;
    one["operatorName"] = state.name;
    one["numRowsTotal"] = state.rows_total;
    one["numRowsUpdated"] = state.rows_updated;
    one["allUpdatesTimeMs"] = state.updates_us / 1000;
    one["numRowsRemoved"] = state.rows_removed;
    one["allRemovalsTimeMs"] = state.removals_us / 1000;
    one["commitTimeMs"] = state.commit_us / 1000;
    one["memoryUsedBytes"] = state.memory_bytes;
    one["numRowsDroppedByWatermark"] = state.rows_dropped_by_watermark;
    one["numShufflePartitions"] = state.instances;
    one["numStateStoreInstances"] = state.instances;
    one["customMetrics"] = state.custom_metrics;
    json["stateOperators"].push_back(std::move(one));
  }
  Json sources = Json::array();
  for (const SourceProgress& source : progress.sources) {
    Json one;
    one["description"] = source.description;
    one["startOffset"] = OffsetOrNull(source.start_offset);
    one["endOffset"] = OffsetOrNull(source.end_offset);
    one["latestOffset"] = nullptr;  // what a source could read beyond its limit: none of ours reports it, nor does Spark's file or Delta source
    one["numInputRows"] = source.rows;
    one["inputRowsPerSecond"] = PerSecond(source.rows, since_previous_us);
    one["processedRowsPerSecond"] = PerSecond(source.rows, elapsed_us);
    for (const auto& [key, value] : source.metrics) one["metrics"][key] = value;
    sources.push_back(std::move(one));
  }
  json["sources"] = std::move(sources);
  json["sink"]["description"] = progress.sink_description;
  json["sink"]["numOutputRows"] = progress.sink_rows;
  if (!progress.observed.empty()) {
    for (const auto& [name, metrics] : progress.observed) json["observedMetrics"][name] = Json::parse(metrics);
  }
  return Dump(json);
}

std::string StartedEventJson(const QueryIdentity& query, int64_t wall_ms) {
  Json json;
  json["id"] = query.id;
  json["runId"] = query.run_id;
  json["name"] = NameOrNull(query.name);
  json["timestamp"] = FormatIso8601Millis(wall_ms);
  json["jobTags"] = Json::array();
  return Dump(json);
}

std::string ProgressEventJson(const std::string& progress_json) { return "{\"progress\":" + progress_json + "}"; }

std::string IdleEventJson(const QueryIdentity& query, int64_t wall_ms) {
  Json json;
  json["id"] = query.id;
  json["runId"] = query.run_id;
  json["timestamp"] = FormatIso8601Millis(wall_ms);
  return Dump(json);
}

std::string TerminatedEventJson(const QueryIdentity& query, const std::optional<std::string>& exception, const std::optional<std::string>& error_class) {
  Json json;
  json["id"] = query.id;
  json["runId"] = query.run_id;
  json["exception"] = exception ? Json(*exception) : Json(nullptr);
  json["errorClassOnException"] = error_class ? Json(*error_class) : Json(nullptr);
  return Dump(json);
}

void RecentProgress::Add(std::string json) {
  std::lock_guard lock(mutex_);
  kept_.push_back(std::move(json));
  while (kept_.size() > kept_max_) kept_.pop_front();
}

std::vector<std::string> RecentProgress::All() const {
  std::lock_guard lock(mutex_);
  return {kept_.begin(), kept_.end()};
}

std::optional<std::string> RecentProgress::Last() const {
  std::lock_guard lock(mutex_);
  if (kept_.empty()) return std::nullopt;
  return kept_.back();
}

}  // namespace millstream
