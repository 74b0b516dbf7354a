// Relations that run the user's Python.

#include "doors/connect/plan_decoder.h"
#include "doors/connect/message_parts.h"
#include "doors/connect/python_process.h"
#include "types/spark_ddl.h"
#include "types/spark_json.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

// A StructType's JSON, or DDL.
Result<StructType> OutputSchemaOf(const sc::DataType& type) {
  if (type.has_unparsed()) return SchemaOfText(type.unparsed().data_type_string());
  MS_ASSIGN_OR_RETURN(DataType output, DataTypeFromSparkProto(type));
  if (output.id() != TypeId::kStruct) return Status::IllegalArgument("the output of transformWithState is " + output.Sql() + ", not a struct");
  return output.fields();
}

Result<PythonGroups::Timeout> TimeoutOf(const std::string& name) {
  if (name == "NoTimeout") return PythonGroups::Timeout::kNone;
  if (name == "ProcessingTimeTimeout") return PythonGroups::Timeout::kProcessingTime;
  if (name == "EventTimeTimeout") return PythonGroups::Timeout::kEventTime;
  return Status::Internal("timeout " + name);
}

std::string LowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

Status UnknownMode(const std::string& mode) {
  return Status::Error({"STREAMING_OUTPUT_MODE.INVALID", "42KDE", ExceptionKind::kIllegalArgument,
                        "Invalid streaming output mode: <outputMode>. Accepted output modes are 'Append', 'Complete', 'Update'"},
                       {{"outputMode", mode}});
}

Result<TransformWithState::Mode> TransformModeOf(const std::string& name) {
  const std::string mode = LowerCase(name);
  if (mode == "append") return TransformWithState::Mode::kAppend;
  if (mode == "update") return TransformWithState::Mode::kUpdate;
  if (mode == "complete") return TransformWithState::Mode::kComplete;
  return UnknownMode(name);
}

Result<TransformWithState::TimeMode> TimeModeOf(const std::string& name) {
  const std::string mode = LowerCase(name);
  if (mode == "none") return TransformWithState::TimeMode::kNone;
  if (mode == "processingtime") return TransformWithState::TimeMode::kProcessingTime;
  if (mode == "eventtime") return TransformWithState::TimeMode::kEventTime;
  return Status::Error({"STATEFUL_PROCESSOR_UNKNOWN_TIME_MODE", "42802", ExceptionKind::kIllegalArgument,
                        "Unknown time mode <timeMode>. Accepted timeMode modes are 'none', 'processingTime', 'eventTime'"},
                       {{"timeMode", name}});
}

// PythonEvalType SQL_TRANSFORM_WITH_STATE_PANDAS_UDF and …_INIT_STATE_UDF; the two after them are of rows.
constexpr int kTransformPandas = 211, kTransformPandasInitial = 212, kTransformRowsInitial = 214;

}  // namespace

Result<PlanPtr> PlanDecoder::TransformGroups(const sc::GroupMap& map) {
  const int kind = map.func().python_udf().eval_type();
  if (kind < kTransformPandas || kind > kTransformRowsInitial)
    return Status::Unsupported("groupBy().applyInPandas or another function of groups (kind " + std::to_string(kind) + ")",
                               "Use mapInPandas, applyInPandasWithState or transformWithState.");
  TransformWithState groups;
  groups.in_pandas = kind <= kTransformPandasInitial;
  MS_ASSIGN_OR_RETURN(groups.child, Relation(map.input()));
  MS_ASSIGN_OR_RETURN(groups.grouping, Expressions(map.grouping_expressions()));
  MS_ASSIGN_OR_RETURN(groups.code, MakePythonCode(session_, map.func()));
  MS_ASSIGN_OR_RETURN(groups.output_schema, OutputSchemaOf(map.transform_with_state_info().output_schema()));
  MS_ASSIGN_OR_RETURN(groups.mode, TransformModeOf(map.output_mode()));
  MS_ASSIGN_OR_RETURN(groups.time_mode, TimeModeOf(map.transform_with_state_info().time_mode()));
  groups.event_time_column = map.transform_with_state_info().event_time_column_name();
  if (map.has_initial_input()) {
    MS_ASSIGN_OR_RETURN(groups.initial, Relation(map.initial_input()));
    MS_ASSIGN_OR_RETURN(groups.initial_grouping, Expressions(map.initial_grouping_expressions()));
  }
  return MakePlan(std::move(groups));
}

Result<PlanPtr> PlanDecoder::GroupsWithState(const sc::ApplyInPandasWithState& apply) {
  PythonGroups groups;
  MS_ASSIGN_OR_RETURN(groups.child, Relation(apply.input()));
  MS_ASSIGN_OR_RETURN(groups.grouping, Expressions(apply.grouping_expressions()));
  MS_ASSIGN_OR_RETURN(groups.code, MakePythonCode(session_, apply.func()));
  MS_ASSIGN_OR_RETURN(groups.output_schema, SchemaOfText(apply.output_schema()));
  MS_ASSIGN_OR_RETURN(groups.state_schema, SchemaOfText(apply.state_schema()));
  const std::string mode = LowerCase(apply.output_mode());
  if (mode != "append" && mode != "update") return UnknownMode(apply.output_mode());
  groups.updates = mode == "update";
  MS_ASSIGN_OR_RETURN(groups.timeout, TimeoutOf(apply.timeout_conf()));
  return MakePlan(std::move(groups));
}

}  // namespace millstream
