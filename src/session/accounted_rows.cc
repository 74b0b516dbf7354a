#include "session/accounted_rows.h"

#include "connectors/delta/delta_connector.h"

namespace millstream {

Result<SourceRows> FindAccountedRows(DeltaTables& tables, DeltaAppend& append, const std::vector<KnownFile>& files) {
  const Snapshot& table = append.table();
  std::vector<std::string> paths;
  for (const KnownFile& file : files) {
    if (file.file.written < 0) {
      return Status::Error(errors::kSourceRowsLost,
                           {{"path", HadoopPathString(file.path)},
                            {"table", HadoopPathString(table.table_path)},
                            {"reason", "they were loaded by a statement that combines rows, or by a version of millstream that did not write down where rows come "
                                       "from"}});
    }
    paths.push_back(file.path);
  }
  MS_ASSIGN_OR_RETURN(SourceRows found, FindSourceRows(tables.fs(), table, paths));
  if (found.is_complete) return found;
  std::vector<MissingRows> missing;
  std::map<int64_t, int64_t> versions;
  for (size_t i = 0; i < files.size(); ++i) {
    const LoadedFile& file = files[i].file;
    if (found.live[i] >= file.written) continue;
    if (versions.empty()) {
      MS_ASSIGN_OR_RETURN(versions, DeltaCommitsOf(tables, table.table_path, kFileLedgerAppId));
    }
    auto since = versions.find(file.first_epoch != 0 ? file.first_epoch : file.epoch);
    missing.push_back({paths[i], since == versions.end() ? std::nullopt : std::optional<int64_t>(since->second)});
  }
  MS_RETURN_IF_ERROR(CheckRowsWereDeleted(append.log(), table, missing));
  return found;
}

}  // namespace millstream
