#include "session/session_conf.h"

#include <algorithm>
#include <charconv>

#include "base/option_table.h"
#include "formats/time_zone.h"
#include "session/session_errors.h"

namespace millstream {
namespace {

constexpr std::string_view kTimeZoneKey = "spark.sql.session.timeZone";

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  text = Trim(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// JavaUtils.timeStringAsMs: "10s", "500ms", "100" (ms).
std::optional<int64_t> ParseTimeMs(std::string_view text) {
  text = Trim(text);
  size_t digits = 0;
  while (digits < text.size() && ((text[digits] >= '0' && text[digits] <= '9') || (digits == 0 && text[digits] == '-'))) ++digits;
  std::optional<int64_t> number = ParseInteger(text.substr(0, digits));
  if (!number) return std::nullopt;
  const std::string_view unit = text.substr(digits);
  static const std::map<std::string_view, int64_t> units = {{"", 1},         {"ms", 1},        {"s", 1000},      {"m", 60'000},
                                                            {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  auto found = units.find(unit);
  return found == units.end() ? std::nullopt : std::optional<int64_t>(*number * found->second);
}

const char* TypeName(ConfType type) {
  switch (type) {
    case ConfType::kString:
      return "string";
    case ConfType::kBool:
      return "boolean";
    case ConfType::kInt:
      return "int";
    case ConfType::kLong:
      return "long";
    case ConfType::kTimeMs:
      return "time";
    case ConfType::kBytes:
      return "bytes";
  }
  return "string";
}

bool IsValid(ConfType type, const std::string& value) {
  switch (type) {
    case ConfType::kString:
      return true;
    case ConfType::kBool: {
      std::string lower(Trim(value));
      std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
      return lower == "true" || lower == "false";
    }
    case ConfType::kInt: {
      std::optional<int64_t> number = ParseInteger(value);
      return number && *number >= INT32_MIN && *number <= INT32_MAX;
    }
    case ConfType::kLong:
      return ParseInteger(value).has_value();
    case ConfType::kTimeMs:
      return ParseTimeMs(value).has_value();
    case ConfType::kBytes:
      return ParseByteSize(value).has_value() || ParseInteger(value).has_value();
  }
  return true;
}

}  // namespace

const std::vector<ConfEntry>& KnownConf() {
  using enum ConfType;
  static const std::vector<ConfEntry> entries = [] {
    std::vector<ConfEntry> all = {
        {"spark.app.name", kString, "millstream"},
        {"spark.connect.session.planCompression.defaultAlgorithm", kString, "NONE"},
        {"spark.connect.session.planCompression.threshold", kInt, "-1"},
        {"spark.databricks.delta.schema.autoMerge.enabled", kBool, "false"},
        {"spark.python.sql.dataFrameDebugging.enabled", kBool, "true"},
        {"spark.sql.adaptive.enabled", kBool, "true"},
        {"spark.sql.ansi.enabled", kBool, "true"},
        {"spark.sql.autoBroadcastJoinThreshold", kBytes, "10485760"},
        {"spark.sql.caseSensitive", kBool, "false"},
        {"spark.sql.catalog.spark_catalog", kString, "org.apache.spark.sql.delta.catalog.DeltaCatalog"},
        {"spark.sql.catalog.spark_catalog.defaultDatabase", kString, "default", true},
        {"spark.sql.columnNameOfCorruptRecord", kString, "_corrupt_record"},
        {"spark.sql.connect.serverStacktrace.enabled", kBool, "false"},
        {"spark.sql.crossJoin.enabled", kBool, "true"},
        {"spark.sql.debug.maxToStringFields", kInt, "25"},
        {"spark.sql.defaultCatalog", kString, "spark_catalog"},
        {"spark.sql.execution.arrow.enabled", kBool, "true"},
        {"spark.sql.execution.arrow.maxBytesPerBatch", kBytes, "9223372036854775807"},
        {"spark.sql.execution.arrow.maxRecordsPerBatch", kInt, "10000"},
        {"spark.sql.execution.arrow.pyspark.enabled", kBool, "true"},
        {"spark.sql.execution.arrow.pyspark.fallback.enabled", kBool, "true"},
        {"spark.sql.execution.arrow.pyspark.selfDestruct.enabled", kBool, "false"},
        {"spark.sql.execution.arrow.useLargeVarTypes", kBool, "false"},
        {"spark.sql.execution.pandas.convertToArrowArraySafely", kBool, "true"},
        {"spark.sql.execution.pandas.inferPandasDictAsMap", kBool, "false"},
        {"spark.sql.execution.pandas.structHandlingMode", kString, "legacy"},
        {"spark.sql.execution.pyspark.binaryAsBytes", kBool, "true"},
        {"spark.sql.execution.pythonUDF.arrow.enabled", kBool, "true"},
        {"spark.sql.extensions", kString, "io.delta.sql.DeltaSparkSessionExtension", true},
        {"spark.sql.files.ignoreCorruptFiles", kBool, "false"},
        {"spark.sql.files.ignoreMissingFiles", kBool, "false"},
        {"spark.sql.files.maxPartitionBytes", kBytes, "134217728"},
        {"spark.sql.globalTempDatabase", kString, "global_temp", true},
        {"spark.sql.inMemoryColumnarStorage.batchSize", kInt, "10000"},
        {"spark.sql.legacy.timeParserPolicy", kString, "CORRECTED"},
        {"spark.sql.maxPlanStringLength", kInt, "2147483632"},
        {"spark.sql.optimizer.pruneFiltersCanPruneStreamingSubplan", kBool, "false"},
        {"spark.sql.parquet.compression.codec", kString, "snappy"},
        {"spark.sql.pivotMaxValues", kInt, "10000"},
        {"spark.sql.pyspark.inferNestedDictAsStruct.enabled", kBool, "false"},
        {"spark.sql.pyspark.jvmStacktrace.enabled", kBool, "false"},
        {"spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled", kBool, "false"},
        {"spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", kBool, "false"},
        {"spark.sql.repl.eagerEval.enabled", kBool, "false"},
        {"spark.sql.repl.eagerEval.maxNumRows", kInt, "20"},
        {"spark.sql.repl.eagerEval.truncate", kInt, "20"},
        {"spark.sql.session.localRelationBatchOfChunksSizeBytes", kLong, "1073741824"},
        {"spark.sql.session.localRelationCacheThreshold", kInt, "1048576"},
        {"spark.sql.session.localRelationChunkSizeBytes", kLong, "16777216"},
        {"spark.sql.session.localRelationChunkSizeRows", kInt, "10000"},
        {"spark.sql.session.localRelationSizeLimit", kLong, "3221225472"},
        {kTimeZoneKey, kString, "UTC"},
        {"spark.sql.shuffle.partitions", kInt, "200"},
        {"spark.sql.sources.default", kString, "delta"},
        {"spark.sql.sources.partitionOverwriteMode", kString, "STATIC"},
        {"spark.sql.storeAssignmentPolicy", kString, "ANSI"},
        {"spark.sql.streaming.aggregation.stateFormatVersion", kInt, "2"},
        {"spark.sql.streaming.checkpointLocation", kString, ""},
        {"spark.sql.streaming.fileSink.log.cleanupDelay", kInt, "600000"},
        {"spark.sql.streaming.fileSink.log.compactInterval", kInt, "10"},
        {"spark.sql.streaming.fileSink.log.deletion", kBool, "true"},
        {"spark.sql.streaming.fileSource.log.cleanupDelay", kInt, "600000"},
        {"spark.sql.streaming.fileSource.log.compactInterval", kInt, "10"},
        {"spark.sql.streaming.fileSource.log.deletion", kBool, "true"},
        {"spark.sql.streaming.fileStreamSink.ignoreMetadata", kBool, "false"},
        {"spark.sql.streaming.flatMapGroupsWithState.stateFormatVersion", kInt, "2"},
        {"spark.sql.streaming.forceDeleteTempCheckpointLocation", kBool, "false"},
        {"spark.sql.streaming.join.stateFormatVersion", kInt, "2"},
        {"spark.sql.streaming.metricsEnabled", kBool, "false"},
        {"spark.sql.streaming.minBatchesToRetain", kInt, "100"},
        {"spark.sql.streaming.multipleWatermarkPolicy", kString, "min"},
        {"spark.sql.streaming.noDataMicroBatches.enabled", kBool, "true"},
        {"spark.sql.streaming.noDataProgressEventInterval", kTimeMs, "10000"},
        {"spark.sql.streaming.numRecentProgressUpdates", kInt, "100"},
        {"spark.sql.streaming.offsetLog.formatVersion", kInt, "1"},
        {"spark.sql.streaming.pollingDelay", kTimeMs, "10"},
        {"spark.sql.streaming.queryEvolution.enableSourceEvolution", kBool, "false"},
        {"spark.sql.streaming.realTimeMode.allowlistCheck", kBool, "true"},
        {"spark.sql.streaming.realTimeMode.minBatchDuration", kTimeMs, "5000"},
        {"spark.sql.streaming.schemaInference", kBool, "false"},
        {"spark.sql.streaming.statefulOperator.allowMultiple", kBool, "true"},
        {"spark.sql.streaming.stateStore.checkpointFormatVersion", kInt, "1"},
        {"spark.sql.streaming.stateStore.compression.codec", kString, "lz4"},
        {"spark.sql.streaming.stateStore.minDeltasForSnapshot", kInt, "10"},
        {"spark.sql.streaming.stateStore.providerClass", kString, "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"},
        {"spark.sql.streaming.statefulOperator.useStrictDistribution", kBool, "true"},
        {"spark.sql.streaming.stopActiveRunOnRestart", kBool, "false"},  // see docs/decisions/0003
        {"spark.sql.streaming.stopTimeout", kTimeMs, "0"},
        {"spark.sql.timestampType", kString, "TIMESTAMP_LTZ"},
        {"spark.sql.warehouse.dir", kString, "", true},
    };
    std::sort(all.begin(), all.end(), [](const ConfEntry& a, const ConfEntry& b) { return a.key < b.key; });
    return all;
  }();
  return entries;
}

const ConfEntry* FindKnownConf(std::string_view key) {
  const std::vector<ConfEntry>& entries = KnownConf();
  auto found = std::lower_bound(entries.begin(), entries.end(), key, [](const ConfEntry& entry, std::string_view wanted) { return entry.key < wanted; });
  return found != entries.end() && found->key == key ? &*found : nullptr;
}

SessionConf::SessionConf(std::map<std::string, std::string> overrides) : overrides_(std::move(overrides)) {}

Status SessionConf::Set(const std::string& key, const std::string& value) {
  if (const ConfEntry* entry = FindKnownConf(key)) {
    if (entry->is_static) return Status::Error(errors::kCannotModifyStaticConfig, {{"key", "\"" + key + "\""}});
    if (!IsValid(entry->type, value))
      return Status::Error(errors::kInvalidConfType, {{"confValue", value}, {"confName", key}, {"confType", TypeName(entry->type)}});
  }
  if (key == kTimeZoneKey && TimeZone::Find(value) == nullptr) return Status::Error(errors::kInvalidConfTimeZone, {{"confValue", value}, {"confName", key}});
  std::lock_guard lock(mutex_);
  set_[key] = value;
  return Status();
}

std::optional<std::string> SessionConf::Get(const std::string& key) const {
  {
    std::lock_guard lock(mutex_);
    if (auto found = set_.find(key); found != set_.end()) return found->second;
  }
  if (auto found = overrides_.find(key); found != overrides_.end()) return found->second;
  // An entry without a default is unset: spark.sql.streaming.checkpointLocation.
  if (const ConfEntry* entry = FindKnownConf(key); entry != nullptr && !entry->default_value.empty()) return std::string(entry->default_value);
  return std::nullopt;
}

bool SessionConf::GetBool(const std::string& key) const { return ParseBool(Get(key).value_or("false")).value_or(false); }

int64_t SessionConf::GetInt(const std::string& key) const { return ParseTimeMs(Get(key).value_or("0")).value_or(0); }

void SessionConf::Unset(const std::string& key) {
  std::lock_guard lock(mutex_);
  set_.erase(key);
}

void SessionConf::UnsetAll() {
  std::lock_guard lock(mutex_);
  set_.clear();
}

std::vector<std::pair<std::string, std::string>> SessionConf::All() const {
  std::map<std::string, std::string> all = overrides_;
  std::lock_guard lock(mutex_);
  for (const auto& [key, value] : set_) all[key] = value;
  return {all.begin(), all.end()};
}

bool SessionConf::IsModifiable(const std::string& key) {
  const ConfEntry* entry = FindKnownConf(key);
  return entry != nullptr && !entry->is_static;
}

}  // namespace millstream
