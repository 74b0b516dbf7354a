#include "delta/change_feed.h"

#include <map>
#include <nlohmann/json.hpp>

#include "delta/data_writer.h"
#include "delta/delta_errors.h"
#include "delta/row_chain.h"

namespace millstream {
namespace {

constexpr std::string_view kCommitVersionColumn = "_commit_version";
constexpr std::string_view kCommitTimestampColumn = "_commit_timestamp";

// Places of ScanFile::constants.
enum Constant : size_t { kType, kVersion, kTimestamp };

// A MERGE that has found nothing to do may have rewritten files: their rows are the same as before.
bool ChangedNoRows(const CommitActions& commit) {
  if (!commit.commit_info) return false;
  nlohmann::json info = nlohmann::json::parse(commit.commit_info->json, nullptr, false);
  if (!info.is_object() || info.value("operation", nlohmann::json()) != "MERGE") return false;
  auto metrics = info.find("operationMetrics");
  if (metrics == info.end() || !metrics->is_object()) return false;
  for (const char* name : {"numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"}) {
    auto found = metrics->find(name);
    if (found == metrics->end() || *found != "0") return false;
  }
  return true;
}

Result<DeletedRows> Load(Fs& fs, const std::string& table_path, const std::optional<DeletionVectorDescriptor>& vector) {
  if (!vector) return std::make_shared<const std::vector<uint64_t>>();
  return LoadDeletionVector(fs, table_path, *vector);
}

}  // namespace

Result<VersionChanges> ChangesOf(Fs& fs, const std::string& table_path, const CommitActions& commit, int64_t version, int64_t timestamp_ms) {
  VersionChanges changes{.version = version, .timestamp_ms = timestamp_ms};
  if (!commit.changes.empty()) {
    for (const ChangeFilePtr& file : commit.changes) {
      changes.pieces.push_back({.scan = {.path = file->path, .partition_values = file->partition_values}, .size_bytes = file->size_bytes});
    }
    return changes;
  }
  if (ChangedNoRows(commit)) return changes;
  std::map<std::string, RemoveFilePtr> removes;
  for (const RemoveFilePtr& remove : commit.removes) {
    if (remove->data_change) removes[remove->path] = remove;
  }
  for (const AddFilePtr& add : commit.adds) {
    if (!add->data_change) continue;
    auto removed = removes.find(add->path);
    if (removed == removes.end()) {
      changes.pieces.push_back({ScanFile::Of(*add), "insert", add->size_bytes});
      continue;
    }
    MS_ASSIGN_OR_RETURN(DeletedRows before, Load(fs, table_path, removed->second->deletion_vector));
    MS_ASSIGN_OR_RETURN(DeletedRows after, Load(fs, table_path, add->deletion_vector));
    removes.erase(removed);
    ScanFile scan{.path = add->path, .partition_values = add->partition_values};
    scan.only = DifferenceOf(*after, *before);
    if (!scan.only->empty()) changes.pieces.push_back({scan, "delete", add->size_bytes});
    scan.only = DifferenceOf(*before, *after);
    if (!scan.only->empty()) changes.pieces.push_back({scan, "insert", add->size_bytes});
  }
  for (const RemoveFilePtr& remove : commit.removes) {
    if (removes.count(remove->path) == 0 || !remove->data_change) continue;
    if (!remove->extended && remove->partition_values.empty()) {
      return Status::Unsupported("The change data feed of a commit that removes " + remove->path + " without its partition values");
    }
    changes.pieces.push_back({{.path = remove->path, .partition_values = remove->partition_values, .deletion_vector = remove->deletion_vector},
                              "delete",
                              remove->size_bytes.value_or(0)});
  }
  return changes;
}

bool HasChangeFeed(const Metadata& metadata) { return metadata.IsTrue("delta.enableChangeDataFeed"); }

Result<StructType> ChangeFeedSchema(const StructType& table) {
  StructType schema = table;
  const std::vector<StructField> added = {{std::string(kChangeTypeColumn), DataType::String()},
                                          {std::string(kCommitVersionColumn), DataType::Long()},
                                          {std::string(kCommitTimestampColumn), DataType::Timestamp()}};
  for (const StructField& field : added) {
    if (table.IndexOf(field.name)) return Status::Error(errors::kDeltaHasChangeColumns, {{"columnList", "[" + field.name + "]"}});
    schema.Add(field);
  }
  return schema;
}

Result<RowStreamPtr> ReadChanges(Fs& fs, const std::string& table_path, const MetadataPtr& metadata, const std::vector<VersionChanges>& changes,
                                 const std::vector<std::string>& columns, const std::vector<ColumnPredicate>& predicates) {
  MS_ASSIGN_OR_RETURN(StructType schema, ChangeFeedSchema(metadata->schema));
  // Files that say the type themselves are read apart: there it is a column of the data.
  ScanRequest typed{.table_path = table_path, .metadata = metadata}, untyped = typed;
  for (const std::string& column : columns) {
    std::optional<size_t> index = schema.IndexOf(column, true);
    if (!index) index = schema.IndexOf(column);
    if (!index) return Status::Internal("the change feed of " + table_path + " has no column " + column);
    ScanColumn wanted{.field = schema[*index]};
    if (*index >= metadata->schema.size()) {
      wanted.constant = *index - metadata->schema.size();
      wanted.kind = ScanColumn::Kind::kConstant;
    }
    untyped.columns.push_back(wanted);
    if (wanted.kind == ScanColumn::Kind::kConstant && wanted.constant == kType) wanted.kind = ScanColumn::Kind::kData;
    typed.columns.push_back(std::move(wanted));
  }
  for (const VersionChanges& version : changes) {
    for (const ChangePiece& piece : version.pieces) {
      // Without statistics, only partition values are judged.
      if (!predicates.empty() && !MayMatch(AddFile{.path = piece.scan.path, .partition_values = piece.scan.partition_values}, *metadata, predicates)) continue;
      ScanFile file = piece.scan;
      file.constants = {Value{.held = piece.change_type}, Value{.held = version.version}, Value{.held = version.timestamp_ms * 1000}};
      (piece.change_type.empty() ? typed : untyped).files.push_back(std::move(file));
    }
  }
  RowStreamPtr rows = ScanFiles(fs, std::move(untyped));
  if (typed.files.empty()) return rows;
  ArrowSchemaPtr arrow_schema = rows->schema();
  std::vector<OpenRows> parts;
  parts.push_back([held = std::make_shared<RowStreamPtr>(std::move(rows))]() -> Result<RowStreamPtr> { return std::move(*held); });
  parts.push_back([&fs, typed = std::move(typed)]() -> Result<RowStreamPtr> { return ScanFiles(fs, typed); });
  return ChainRows(std::move(arrow_schema), std::move(parts));
}

}  // namespace millstream
