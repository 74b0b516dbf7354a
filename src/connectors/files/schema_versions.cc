#include "connectors/files/schema_versions.h"

#include <algorithm>

#include "connectors/files/cloud_files_state.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/ledger_view.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

std::vector<std::string> Texts(const std::vector<ColumnPath>& paths) {
  std::vector<std::string> texts;
  for (const ColumnPath& path : paths) texts.push_back(ToText(path));
  return texts;
}

StructType WholeSchema(const SchemaVersion& version) {
  StructType schema = version.data;
  for (const StructField& column : version.partition) schema.Add(column);
  return schema;
}

class SchemaRows : public ReportRows {
 public:
  SchemaRows(SchemaLog log, std::vector<int64_t> numbers) : log_(std::move(log)), numbers_(std::move(numbers)) {}

  Result<std::optional<ReportRow>> Next() override {
    if (next_ == numbers_.size()) return std::optional<ReportRow>();
    MS_ASSIGN_OR_RETURN(SchemaVersion version, log_.Read(numbers_[next_++]));
    const SchemaCause& cause = version.cause;
    std::string mode = cause.mode;
    if (cause.reverted_to) mode += " to " + std::to_string(*cause.reverted_to);
    return std::optional<ReportRow>({version.number, MillisCell(cause.time_ms), TextCell(cause.file.empty() ? "" : UriFromPath(cause.file)), TextCell(mode),
                                     cause.batch ? ReportCell(*cause.batch) : ReportCell(), TextCell(Joined(cause.added)), TextCell(Joined(cause.widened)),
                                     TextCell(Joined(cause.removed)), TextCell(Joined(Texts(version.frozen))), ToDdl(WholeSchema(version))});
  }

 private:
  const SchemaLog log_;
  const std::vector<int64_t> numbers_;
  size_t next_ = 0;
};

}  // namespace

Result<std::string> FindSchemaLocation(Fs& fs, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> numbers, SchemaLog(fs, path).Numbers());
  if (!numbers.empty()) return path;
  Result<std::vector<CloudFilesLedger>> ledgers = FindCloudFilesLedgers(fs, path);
  if (!ledgers.ok() && !ledgers.status().Is(errors::kCloudFilesStateMissing)) return ledgers.status();
  std::vector<std::string> locations;
  for (const CloudFilesLedger& ledger : ledgers.ok() ? *ledgers : std::vector<CloudFilesLedger>()) {
    MS_ASSIGN_OR_RETURN(std::string location, ReadLedgerNote(fs, JoinPath(ledger.source_directory, "rocksdb"), kSchemaLocationNote));
    if (!location.empty() && std::find(locations.begin(), locations.end(), location) == locations.end()) locations.push_back(std::move(location));
  }
  if (locations.empty()) return Status::Error(errors::kNoSchemaLog, {{"path", HadoopPathString(path)}});
  if (locations.size() > 1) return Status::Error(errors::kSeveralSchemaLogs, {{"path", HadoopPathString(path)}, {"locations", Joined(locations)}});
  return locations.front();
}

const StructType& CloudFilesSchemasSchema() {
  static const StructType schema({{"version", DataType::Long(), false},
                                  {"time", DataType::Timestamp()},
                                  {"cause_file", DataType::String()},
                                  {"mode", DataType::String()},
                                  {"batch_id", DataType::Long()},
                                  {"added", DataType::String()},
                                  {"widened", DataType::String()},
                                  {"removed", DataType::String()},
                                  {"frozen", DataType::String()},
                                  {"schema", DataType::String(), false}});
  return schema;
}

Result<RelationSourcePtr> OpenCloudFilesSchemas(Fs& fs, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::string location, FindSchemaLocation(fs, path));
  return MakeFileReport("cloud_files_schemas " + HadoopPathString(path), CloudFilesSchemasSchema(), [&fs, location]() -> Result<std::unique_ptr<ReportRows>> {
    SchemaLog log(fs, location);
    MS_ASSIGN_OR_RETURN(std::vector<int64_t> numbers, log.Numbers());
    return std::unique_ptr<ReportRows>(std::make_unique<SchemaRows>(std::move(log), std::move(numbers)));
  });
}

Result<SchemaReverted> RevertSchema(Fs& fs, Clock& clock, const std::string& path, const SchemaRevert& revert) {
  MS_ASSIGN_OR_RETURN(std::string location, FindSchemaLocation(fs, path));
  SchemaLog log(fs, location);
  constexpr int kRacesMax = 100;
  for (int race = 0; race < kRacesMax; ++race) {
    MS_ASSIGN_OR_RETURN(std::vector<int64_t> numbers, log.Numbers());
    if (!std::binary_search(numbers.begin(), numbers.end(), revert.to)) {
      return Status::Error(errors::kNoSchemaVersion, {{"path", HadoopPathString(log.directory())}, {"version", std::to_string(revert.to)}});
    }
    MS_ASSIGN_OR_RETURN(const SchemaVersion earlier, log.Read(revert.to));
    MS_ASSIGN_OR_RETURN(const SchemaVersion latest, log.Read(numbers.back()));
    const StructType before = WholeSchema(latest), after = WholeSchema(earlier);
    const SchemaChanges forth = ChangesBetween(after, before), back = ChangesBetween(before, after);
    SchemaReverted done{.version = latest.number, .removed = Texts(back.removed), .changed_back = back.widened, .frozen = earlier.frozen};
    auto freeze = [&](const std::vector<ColumnPath>& paths) {
      for (const ColumnPath& column : paths) {
        if (std::find(done.frozen.begin(), done.frozen.end(), column) == done.frozen.end()) done.frozen.push_back(column);
      }
    };
    // What is frozen stays so, for the same statement to mean the same when it is run again; only a REVERT without FREEZE sets free.
    if (revert.freezes || !revert.frozen.empty()) freeze(latest.frozen);
    freeze(revert.frozen);
    if (revert.freezes) freeze(forth.changed);
    if (earlier.data == latest.data && earlier.partition == latest.partition && done.frozen == latest.frozen) return done;
    SchemaVersion next{.number = latest.number + 1, .data = earlier.data, .partition = earlier.partition, .frozen = done.frozen};
    next.cause = {
        .time_ms = clock.WallMillis(), .mode = kRevertedCause, .reverted_to = revert.to, .added = back.added, .widened = back.widened, .removed = done.removed};
    MS_ASSIGN_OR_RETURN(bool added, log.Add(next, "files.schema_revert"));
    if (!added) continue;
    done.version = next.number;
    done.is_new = true;
    return done;
  }
  return Status::Internal("the schema log " + log.directory() + " changes all the time");
}

}  // namespace millstream
