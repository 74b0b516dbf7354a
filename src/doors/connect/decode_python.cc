// Relations that run the user's Python.

#include "doors/connect/plan_decoder.h"
#include "doors/connect/python_process.h"
#include "types/spark_ddl.h"
#include "types/spark_json.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

// A StructType's JSON, or DDL.
Result<StructType> SchemaOfText(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\n");
  return first != std::string::npos && text[first] == '{' ? SchemaFromSparkJson(text) : SchemaFromDdl(text);
}

Result<PythonGroups::Timeout> TimeoutOf(const std::string& name) {
  if (name == "NoTimeout") return PythonGroups::Timeout::kNone;
  if (name == "ProcessingTimeTimeout") return PythonGroups::Timeout::kProcessingTime;
  if (name == "EventTimeTimeout") return PythonGroups::Timeout::kEventTime;
  return Status::Internal("timeout " + name);
}

}  // namespace

Result<PlanPtr> PlanDecoder::GroupsWithState(const sc::ApplyInPandasWithState& apply) {
  PythonGroups groups;
  MS_ASSIGN_OR_RETURN(groups.child, Relation(apply.input()));
  MS_ASSIGN_OR_RETURN(groups.grouping, Expressions(apply.grouping_expressions()));
  MS_ASSIGN_OR_RETURN(groups.code, MakePythonCode(session_, apply.func()));
  MS_ASSIGN_OR_RETURN(groups.output_schema, SchemaOfText(apply.output_schema()));
  MS_ASSIGN_OR_RETURN(groups.state_schema, SchemaOfText(apply.state_schema()));
  std::string mode = apply.output_mode();
  for (char& c : mode) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (mode != "append" && mode != "update")
    return Status::Error({"STREAMING_OUTPUT_MODE.INVALID", "42KDE", ExceptionKind::kIllegalArgument,
                          "Invalid streaming output mode: <outputMode>. Accepted output modes are 'Append', 'Complete', 'Update'"},
                         {{"outputMode", apply.output_mode()}});
  groups.updates = mode == "update";
  MS_ASSIGN_OR_RETURN(groups.timeout, TimeoutOf(apply.timeout_conf()));
  return MakePlan(std::move(groups));
}

}  // namespace millstream
