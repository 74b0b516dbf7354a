#include "connectors/delta/delta_connector.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/session_errors.h"

namespace millstream {

Result<QueryResult> LocalSession::Run(const AlterTableProperties& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(command.name, "ALTER TABLE"));
  MS_RETURN_IF_ERROR(AlterDeltaProperties(engine_->delta, table.location, command.set, command.unset));
  return EmptyResult();
}

Result<QueryResult> LocalSession::Run(const ShowTableProperties& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(command.table, "SHOW TBLPROPERTIES"));
  MS_ASSIGN_OR_RETURN(DeltaTableInfo info, DescribeDeltaTable(engine_->delta, table.location));
  ResultTable result(StructType({{"key", DataType::String(), false}, {"value", DataType::String(), false}}));
  if (command.key) {
    auto found = info.properties.find(*command.key);
    result.AddRow({TextValue(*command.key),
                   TextValue(found != info.properties.end() ? found->second : "Table " + table.name + " does not have property: " + *command.key)});
    return result.Finish();
  }
  for (const auto& [key, value] : info.properties) result.AddRow({TextValue(key), TextValue(value)});
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const DescribeDetail& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(command.name, "DESCRIBE DETAIL"));
  std::optional<std::string> name;
  if (table.entry) name = table.name;
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, DescribeDeltaDetail(engine_->delta, table.location, name));
  return QueryResult{DeltaDetailSchema(), std::move(rows)};
}

}  // namespace millstream
