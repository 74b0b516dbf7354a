// rows_taken_out.cc   How rows leave a table: the second half of source_rows.h.

#include <arrow/array.h>

#include <algorithm>

#include "connectors/delta/changed_table.h"
#include "connectors/delta/source_rows.h"
#include "connectors/delta/table_change.h"
#include "connectors/delta/traced_rows.h"
#include "delta/change_feed.h"
#include "delta/log_files.h"
#include "delta/row_chain.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Rows of the table's data files with _change_type behind their columns: null for rows that stay in the table.
ScanRequest RequestOf(const Snapshot& table, const MetadataPtr& metadata, bool with_change_type) {
  ScanRequest request{.table_path = table.table_path, .metadata = metadata};
  for (const StructField& field : metadata->schema) request.columns.push_back({.field = field});
  if (with_change_type) {
    request.columns.push_back({.field = {std::string(kChangeTypeColumn), DataType::String()}, .kind = ScanColumn::Kind::kConstant, .constant = 0});
  }
  return request;
}

StructType SchemaOf(const ScanRequest& request) {
  StructType schema;
  for (const ScanColumn& column : request.columns) schema.Add(column.field);
  return schema;
}

}  // namespace

void RowsTakenOut::AddTo(CommitRequest& request) const {
  CommitActions& actions = request.actions;
  actions.removes.insert(actions.removes.end(), made.removes.begin(), made.removes.end());
  actions.adds.insert(actions.adds.end(), made.adds.begin(), made.adds.end());
  actions.adds.insert(actions.adds.end(), written.files.begin(), written.files.end());
  actions.changes.insert(actions.changes.end(), written.changes.begin(), written.changes.end());
  request.read_keys.insert(read_keys.begin(), read_keys.end());
}

void RowsTakenOut::Discard(Fs& fs, const std::string& table_path) const {
  auto remove = [&](const std::string& file) {
    Result<std::string> path = DataFilePath(table_path, file);
    // What stays is left for VACUUM: no commit names it.
    if (path.ok()) [[maybe_unused]]
      Status removed = fs.Remove(*path);
  };
  for (const AddFilePtr& file : written.files) remove(file->path);
  for (const ChangeFilePtr& file : written.changes) remove(file->path);
}

Result<RowsTakenOut> TakeOutRows(DeltaLog& log, const Snapshot& table, const SourceRows& rows, int threads) {
  MS_RETURN_IF_ERROR(CheckRemovable(table));
  Fs& fs = log.fs();
  const bool has_vectors = table.metadata->IsTrue("delta.enableDeletionVectors");
  RowsTakenOut out;
  ChangedTable changed(fs, table.table_path, std::make_shared<const Snapshot>(table), table.metadata);
  std::vector<AddFilePtr> candidates;
  TouchedRows touched(rows.pieces.size());
  std::vector<TouchedRows::Places> places(rows.pieces.size());
  std::vector<ScanFile> staying, going;
  for (size_t i = 0; i < rows.pieces.size(); ++i) {
    const SourceRows::Piece& piece = rows.pieces[i];
    candidates.push_back(piece.file);
    out.read_keys.push_back(FileKey(piece.file->path, piece.file->deletion_vector));
    places[i].changed = *piece.rows;
    out.rows += static_cast<int64_t>(piece.rows->size());
    if (has_vectors) continue;
    MS_ASSIGN_OR_RETURN(int64_t live, LiveRowsOf(fs, table.table_path, *piece.file));
    ScanFile scan = ScanFile::Of(*piece.file);
    scan.constants = {Value{std::string("delete")}};
    scan.only = piece.rows;
    going.push_back(scan);
    if (live == static_cast<int64_t>(piece.rows->size())) continue;
    scan.constants = {Value{}};
    scan.only = nullptr;
    scan.without = piece.rows;
    staying.push_back(std::move(scan));
  }
  touched.Add(std::move(places), {.matched_deleted = out.rows});
  changed.SetCandidates(std::move(candidates));

  if (!staying.empty()) {
    // The feed of files that only go is read out of the log; where some are written anew it has to be said.
    const bool has_feed = HasChangeFeed(*table.metadata);
    auto names = std::make_shared<std::vector<std::string>>();
    ScanRequest stays = RequestOf(table, table.metadata, has_feed), goes = stays;
    const StructType schema = WithSourceFile(SchemaOf(stays));
    stays.files = std::move(staying);
    std::vector<OpenRows> parts;
    parts.push_back([&fs, &names, request = std::move(stays)]() { return ScanTraced(fs, request, *names); });
    if (has_feed) {
      goes.files = std::move(going);
      parts.push_back([&fs, request = std::move(goes)]() -> Result<RowStreamPtr> { return UntracedRows(ScanFiles(fs, request)); });
    }
    RowStreamPtr chained = ChainRows(ToArrowSchema(schema), std::move(parts));
    MS_ASSIGN_OR_RETURN(out.written, WriteDataFiles(fs, log.clock(), table.table_path, *table.metadata, schema, *chained,
                                                    {.threads = threads, .has_change_rows = has_feed, .source_files = names, .rows_are_stored = true}));
  }
  MS_RETURN_IF_ERROR(out.made.Take(fs, changed, touched, has_vectors, log.clock().WallMillis()));
  return out;
}

Result<std::vector<ChangeFilePtr>> WriteInsertedRows(DeltaLog& log, const Snapshot& table, const MetadataPtr& metadata, const std::vector<AddFilePtr>& added,
                                                     int threads) {
  ScanRequest request = RequestOf(table, metadata, true);
  const StructType schema = SchemaOf(request);
  for (const AddFilePtr& file : added) {
    request.files.push_back(ScanFile::Of(*file));
    request.files.back().constants = {Value{std::string("insert")}};
  }
  if (request.files.empty()) return std::vector<ChangeFilePtr>();
  RowStreamPtr rows = ScanFiles(log.fs(), std::move(request));
  MS_ASSIGN_OR_RETURN(DataWritten written,
                      WriteDataFiles(log.fs(), log.clock(), table.table_path, *metadata, schema, *rows, {.threads = threads, .has_change_rows = true, .rows_are_stored = true}));
  return std::move(written.changes);
}

}  // namespace millstream
