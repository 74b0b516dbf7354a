#include <array>
#include <string>

#include "doors/connect/connect_errors.h"
#include "doors/connect/requests.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

struct Default {
  std::string_view key, value;
};

// Keys that exist for the protocol alone. The session knows those that change what a query means.
constexpr std::array kProtocolDefaults = {
    Default{"spark.connect.session.planCompression.threshold", "10485760"},
    Default{"spark.connect.session.planCompression.defaultAlgorithm", "ZSTD"},
    Default{"spark.sql.connect.serverStacktrace.enabled", "false"},
    Default{"spark.sql.pyspark.jvmStacktrace.enabled", "false"},
    Default{"spark.python.sql.dataFrameDebugging.enabled", "true"},
    Default{"spark.sql.repl.eagerEval.enabled", "false"},
    Default{"spark.sql.repl.eagerEval.maxNumRows", "20"},
    Default{"spark.sql.repl.eagerEval.truncate", "20"},
    Default{"spark.sql.execution.pyspark.binaryAsBytes", "true"},
    Default{"spark.sql.execution.pythonUDF.arrow.enabled", "true"},
    Default{"spark.sql.execution.arrow.useLargeVarTypes", "false"},
    Default{"spark.sql.execution.arrow.maxRecordsPerBatch", "10000"},
    Default{"spark.sql.execution.arrow.pyspark.enabled", "true"},
    Default{"spark.sql.execution.arrow.pyspark.fallback.enabled", "true"},
    Default{"spark.sql.execution.arrow.pyspark.selfDestruct.enabled", "false"},
    Default{"spark.sql.execution.pandas.convertToArrowArraySafely", "true"},
    Default{"spark.sql.execution.pandas.inferPandasDictAsMap", "false"},
    Default{"spark.sql.execution.pandas.structHandlingMode", "legacy"},
    Default{"spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false"},
    Default{"spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled", "false"},
    Default{"spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", "false"},
    Default{"spark.sql.pyspark.plotting.max_rows", "1000"},
    Default{"spark.sql.pyspark.worker.logging.enabled", "false"},
    Default{"spark.sql.timestampType", "TIMESTAMP_LTZ"},
    Default{"spark.sql.session.timeZone", "UTC"},
    Default{"spark.sql.session.localRelationCacheThreshold", "1048576"},
    Default{"spark.sql.session.localRelationSizeLimit", "3221225472"},
    Default{"spark.sql.session.localRelationChunkSizeRows", "10000"},
    Default{"spark.sql.session.localRelationChunkSizeBytes", "16777216"},
    Default{"spark.sql.session.localRelationBatchOfChunksSizeBytes", "1073741824"},
};

std::optional<std::string> Find(ConnectSession& session, const std::string& key) {
  if (std::optional<std::string> value = session.session().GetConf(key)) return value;
  for (const Default& known : kProtocolDefaults) {
    if (known.key == key) return std::string(known.value);
  }
  return std::nullopt;
}

Result<std::string> FindOrFail(ConnectSession& session, const std::string& key) {
  std::optional<std::string> value = Find(session, key);
  if (!value) return Status::Error(errors::kConfNotFound, {{"sqlConf", "\"" + key + "\""}});
  return *value;
}

}  // namespace

Status AnswerConfig(ConnectSession& session, const sc::ConfigRequest& request, sc::ConfigResponse* response) {
  const sc::ConfigRequest::Operation& operation = request.operation();
  auto add = [response](const std::string& key) {
    sc::KeyValue* pair = response->add_pairs();
    pair->set_key(key);
    return pair;
  };
  switch (operation.op_type_case()) {
    case sc::ConfigRequest::Operation::kSet:
      for (const sc::KeyValue& pair : operation.set().pairs()) {
        Status status = session.session().SetConf(pair.key(), pair.value());
        if (status.ok()) {
          add(pair.key())->set_value(pair.value());
        } else if (operation.set().silent()) {
          // A builder's options: those that cannot change here are told, not refused.
          response->add_warnings(status.message());
        } else {
          return status;
        }
      }
      return Status();
    case sc::ConfigRequest::Operation::kGet:
      for (const std::string& key : operation.get().keys()) {
        MS_ASSIGN_OR_RETURN(std::string value, FindOrFail(session, key));
        add(key)->set_value(std::move(value));
      }
      return Status();
    case sc::ConfigRequest::Operation::kGetWithDefault:
      for (const sc::KeyValue& wanted : operation.get_with_default().pairs()) {
        std::optional<std::string> value = Find(session, wanted.key());
        sc::KeyValue* pair = add(wanted.key());
        if (value) {
          pair->set_value(*value);
        } else if (wanted.has_value()) {
          pair->set_value(wanted.value());
        }
      }
      return Status();
    case sc::ConfigRequest::Operation::kGetOption:
      for (const std::string& key : operation.get_option().keys()) {
        sc::KeyValue* pair = add(key);
        if (std::optional<std::string> value = Find(session, key)) pair->set_value(*value);
      }
      return Status();
    case sc::ConfigRequest::Operation::kGetAll: {
      const std::string& prefix = operation.get_all().prefix();
      for (const auto& [key, value] : session.session().AllConf()) {
        if (key.starts_with(prefix)) add(key.substr(prefix.size()))->set_value(value);
      }
      return Status();
    }
    case sc::ConfigRequest::Operation::kUnset:
      for (const std::string& key : operation.unset().keys()) {
        session.session().UnsetConf(key);
        add(key);
      }
      return Status();
    case sc::ConfigRequest::Operation::kIsModifiable:
      for (const std::string& key : operation.is_modifiable().keys()) {
        add(key)->set_value(session.session().IsConfModifiable(key) ? "true" : "false");
      }
      return Status();
    case sc::ConfigRequest::Operation::OP_TYPE_NOT_SET:
      break;
  }
  return Status::Error(errors::kPlanFieldNotSet, {{"fullName", "spark.connect.ConfigRequest.Operation.op_type"}});
}

}  // namespace millstream
