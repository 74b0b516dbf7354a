#include "session/schema_changes.h"

#include "connectors/delta/change_rows.h"
#include "connectors/delta/promote_rescued.h"
#include "connectors/files/schema_hints.h"
#include "connectors/files/schema_versions.h"
#include "session/result_table.h"
#include "session/table_turns.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

Value Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return texts.empty() ? Value{} : TextValue(std::move(joined));
}

const char* NoteOf(const SchemaReverted& done, const SchemaRevert& revert) {
  if (!done.is_new) return "the schema is that of the version already";
  const bool changes = !done.removed.empty() || !done.changed_back.empty();
  if (changes && !revert.freezes && revert.frozen.empty()) {
    return "a running query takes it with its next batch; in the modes that add columns the next file that holds them adds them again: FREEZE keeps them out";
  }
  return "a running query takes it with its next batch; what files still hold of these columns is rescued";
}

}  // namespace

Result<QueryResult> RevertStreamSchema(EngineState& engine, const RevertToSchemaVersion& request) {
  SchemaRevert revert;
  revert.to = request.version;
  revert.freezes = request.freezes;
  revert.frozen = request.frozen;
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(request.location));
  MS_ASSIGN_OR_RETURN(SchemaReverted done, RevertSchema(engine.fs, engine.clock, path, revert));
  std::vector<std::string> frozen;
  for (const ColumnPath& column : done.frozen) frozen.push_back(ToText(column));
  ResultTable result(StructType({{"version", DataType::Long()},
                                 {"reverted_to", DataType::Long()},
                                 {"removed", DataType::String()},
                                 {"changed_back", DataType::String()},
                                 {"frozen", DataType::String()},
                                 {"note", DataType::String()}}));
  result.AddRow({Value{done.version}, Value{revert.to}, Joined(done.removed), Joined(done.changed_back), Joined(frozen), TextValue(NoteOf(done, revert))});
  return result.Finish();
}

Result<QueryResult> PromoteRescuedData(EngineState& engine, const PromoteRescuedColumns& request, const std::string& location, const std::string& name,
                                       const ComputeConf& conf) {
  PromoteRescued wish{.time_zone = conf.time_zone, .threads = conf.threads};
  wish.columns = request.columns;
  if (request.from) wish.rescued_column = *request.from;
  constexpr int kAttemptsMax = 10;
  for (int attempt = 1;; ++attempt) {
    TableTurns::Turn turn = engine.turns.Take(location, attempt);
    Result<PromoteResult> done = PromoteRescuedFields(engine.delta, location, name, wish);
    if (!done.ok() && attempt < kAttemptsMax && IsChangeConflict(done.status())) continue;
    MS_RETURN_IF_ERROR(done.status());
    ResultTable result(StructType({{"num_affected_files", DataType::Long()}, {"num_promoted_rows", DataType::Long()}}));
    result.AddRow({Value{done->files}, Value{done->rows}});
    return result.Finish();
  }
}

}  // namespace millstream
