#include "connectors/delta/change_actions.h"

#include <nlohmann/json.hpp>

#include "connectors/delta/table_change.h"
#include "delta/action_json.h"
#include "delta/log_files.h"
#include "formats/parquet_reader.h"

namespace millstream {
namespace {

std::optional<int64_t> RecordsIn(const std::string& stats) {
  nlohmann::json parsed = nlohmann::json::parse(stats, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  auto records = parsed.find("numRecords");
  if (records == parsed.end() || !records->is_number_integer()) return std::nullopt;
  return records->get<int64_t>();
}

Result<int64_t> RecordsOf(Fs& fs, const std::string& table_path, const AddFile& file) {
  if (std::optional<int64_t> records = RecordsIn(file.stats)) return *records;
  MS_ASSIGN_OR_RETURN(std::string path, DataFilePath(table_path, file.path));
  MS_ASSIGN_OR_RETURN(std::shared_ptr<const ParquetFile> opened, ParquetFile::Open(fs, path));
  return opened->rows();
}

// The statistics of a file some of whose rows are deleted: bounds hold, but may be wider than the rows that are left. The text is kept, since numbers in it
// may be more exact than a double.
std::string WithWideBounds(const std::string& stats, int64_t records) {
  constexpr std::string_view tight = "\"tightBounds\":true";
  if (!RecordsIn(stats)) return "{\"numRecords\":" + std::to_string(records) + ",\"tightBounds\":false}";
  std::string wide = stats;
  if (size_t at = wide.find(tight); at != std::string::npos) {
    wide.replace(at, tight.size(), "\"tightBounds\":false");
  } else if (wide.find("\"tightBounds\"") == std::string::npos) {
    wide.insert(wide.rfind('}'), ",\"tightBounds\":false");
  }
  return wide;
}

std::string Quoted(const std::string& text) {
  std::string json;
  AppendJsonString(json, text);
  return json;
}

std::string ClausesJson(const RowChanges& changes, RowChanges::When when) {
  std::string json = "[";
  for (const RowChanges::Clause& clause : changes.clauses) {
    if (clause.when != when) continue;
    if (json.size() > 1) json += ',';
    json += "{";
    if (clause.condition) json += "\"predicate\":" + Quoted(SqlOf(*clause.condition)) + ",";
    const char* action = clause.action == MergeClause::Kind::kUpdate ? "update" : clause.action == MergeClause::Kind::kDelete ? "delete" : "insert";
    json += "\"actionType\":\"" + std::string(action) + "\"}";
  }
  return json + "]";
}

}  // namespace

void ChangeActions::RemoveWhole(const AddFile& file, int64_t now_ms) {
  removes.push_back(RemoveOf(file, now_ms));
  ++files_removed;
  bytes_removed += file.size_bytes;
  if (file.deletion_vector) ++vectors_removed;
}

Status ChangeActions::Take(Fs& fs, const ChangedTable& table, TouchedRows& touched, bool has_vectors, int64_t now_ms) {
  MS_RETURN_IF_ERROR(touched.Finish());
  const std::string& table_path = table.snapshot()->table_path;
  std::vector<std::shared_ptr<AddFile>> kept;
  std::vector<DeletedRows> vectors;
  for (size_t i = 0; i < touched.files(); ++i) {
    DeletedRows changed = touched.ChangedOf(i);
    if (!changed) continue;
    const AddFile& file = *table.candidates()[i];
    MS_ASSIGN_OR_RETURN(int64_t live, LiveRowsOf(fs, table_path, file));
    if (!has_vectors || live == static_cast<int64_t>(changed->size())) {
      RemoveWhole(file, now_ms);
      continue;
    }
    removes.push_back(RemoveOf(file, now_ms));
    auto again = std::make_shared<AddFile>(file);
    again->data_change = true;
    MS_ASSIGN_OR_RETURN(int64_t records, RecordsOf(fs, table_path, file));
    again->stats = WithWideBounds(file.stats, records);
    if (file.deletion_vector) {
      MS_ASSIGN_OR_RETURN(DeletedRows before, LoadDeletionVector(fs, table_path, *file.deletion_vector));
      changed = UnionOf(*before, *changed);
      ++vectors_removed;
      ++vectors_updated;
    }
    ++vectors_added;
    vectors.push_back(std::move(changed));
    kept.push_back(std::move(again));
  }
  if (vectors.empty()) return Status();
  MS_ASSIGN_OR_RETURN(std::vector<DeletionVectorDescriptor> written, WriteDeletionVectors(fs, table_path, vectors));
  for (size_t i = 0; i < kept.size(); ++i) {
    kept[i]->deletion_vector = written[i];
    adds.push_back(std::move(kept[i]));
  }
  return Status();
}

Result<int64_t> LiveRowsOf(Fs& fs, const std::string& table_path, const AddFile& file) {
  MS_ASSIGN_OR_RETURN(int64_t records, RecordsOf(fs, table_path, file));
  return records - (file.deletion_vector ? file.deletion_vector->cardinality : 0);
}

Pairs ChangeParameters(const RowChanges& changes) {
  Pairs parameters = {{"predicate", "[" + Quoted(changes.condition ? SqlOf(*changes.condition) : "true") + "]"}};
  if (!changes.source) return parameters;
  parameters.emplace_back("matchedPredicates", ClausesJson(changes, RowChanges::When::kMatched));
  parameters.emplace_back("notMatchedPredicates", ClausesJson(changes, RowChanges::When::kNotMatched));
  parameters.emplace_back("notMatchedBySourcePredicates", ClausesJson(changes, RowChanges::When::kNotMatchedBySource));
  return parameters;
}

Pairs ReplaceParameters(const Metadata& table, const std::string& condition) {
  return {{"mode", "Overwrite"}, {"partitionBy", JsonList(table.partition_columns)}, {"predicate", condition}};
}

Pairs ReplaceMetrics(const ChangeActions& made, const DataWritten& written, const TouchedRows::Counts& counts) {
  auto text = [](auto number) { return std::to_string(number); };
  return {{"numFiles", text(written.files.size())},
          {"numOutputRows", text(written.rows)},
          {"numOutputBytes", text(written.bytes)},
          {"numDeletedRows", text(counts.deleted())},
          {"numDeletionVectorsAdded", text(made.vectors_added)},
          {"numDeletionVectorsRemoved", text(made.vectors_removed)},
          {"numDeletionVectorsUpdated", text(made.vectors_updated)},
          {"numAddedChangeFiles", text(written.changes.size())},
          {"numRemovedFiles", text(made.files_removed)},
          {"numRemovedBytes", text(made.bytes_removed)}};
}

Pairs ChangeMetrics(const ChangeActions& made, const DataWritten& written, const TouchedRows::Counts& counts, bool is_update, const std::string& millis) {
  auto text = [](auto number) { return std::to_string(number); };
  return {{"numRemovedFiles", text(made.files_removed)},
          {"numRemovedBytes", text(made.bytes_removed)},
          {"numCopiedRows", text(written.rows - counts.updated())},
          {"numDeletionVectorsAdded", text(made.vectors_added)},
          {"numDeletionVectorsRemoved", text(made.vectors_removed)},
          {"numDeletionVectorsUpdated", text(made.vectors_updated)},
          {"numAddedFiles", text(written.files.size())},
          {"numAddedBytes", text(written.bytes)},
          {"numAddedChangeFiles", text(written.changes.size())},
          is_update ? std::pair("numUpdatedRows", text(counts.updated())) : std::pair("numDeletedRows", text(counts.deleted())),
          {"executionTimeMs", millis},
          {"scanTimeMs", millis},
          {"rewriteTimeMs", "0"}};
}

Pairs MergeMetrics(const ChangeActions& made, const DataWritten& written, const TouchedRows::Counts& counts, int64_t source_rows, const std::string& millis) {
  auto text = [](auto number) { return std::to_string(number); };
  return {{"numSourceRows", text(source_rows)},
          {"numOutputRows", text(written.rows)},
          {"numTargetRowsInserted", text(counts.inserted)},
          {"numTargetRowsUpdated", text(counts.updated())},
          {"numTargetRowsDeleted", text(counts.deleted())},
          {"numTargetRowsCopied", text(written.rows - counts.updated() - counts.inserted)},
          {"numTargetRowsMatchedUpdated", text(counts.matched_updated)},
          {"numTargetRowsMatchedDeleted", text(counts.matched_deleted)},
          {"numTargetRowsNotMatchedBySourceUpdated", text(counts.by_source_updated)},
          {"numTargetRowsNotMatchedBySourceDeleted", text(counts.by_source_deleted)},
          {"numTargetFilesAdded", text(written.files.size())},
          {"numTargetFilesRemoved", text(made.files_removed)},
          {"numTargetBytesAdded", text(written.bytes)},
          {"numTargetBytesRemoved", text(made.bytes_removed)},
          {"numTargetChangeFilesAdded", text(written.changes.size())},
          {"numTargetDeletionVectorsAdded", text(made.vectors_added)},
          {"numTargetDeletionVectorsRemoved", text(made.vectors_removed)},
          {"numTargetDeletionVectorsUpdated", text(made.vectors_updated)},
          {"executionTimeMs", millis},
          {"materializeSourceTimeMs", "0"},
          {"scanTimeMs", millis},
          {"rewriteTimeMs", "0"}};
}

}  // namespace millstream
