#include "connectors/delta/change_feed_source.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/predicates.h"
#include "delta/delta_errors.h"
#include "delta/delta_log.h"
#include "delta/scan.h"

namespace millstream {
namespace {

class DeltaTableSource : public BatchRelationSource {
 public:
  DeltaTableSource(Fs& fs, std::string name, SnapshotPtr snapshot) : fs_(fs), name_(std::move(name)), snapshot_(std::move(snapshot)) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return snapshot_->schema(); }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override { return ScanSnapshot(fs_, snapshot_, needs.columns, PredicatesOf(needs.filters)); }

 private:
  Fs& fs_;
  std::string name_;
  SnapshotPtr snapshot_;
};

// A version as the user writes it: "3", or in time travel by path "@v3".
Result<SnapshotPtr> Travel(DeltaLog& log, const OptionValues& options, const std::string& time_zone) {
  std::optional<int64_t> version = options.Int("versionAsOf");
  std::optional<std::string> timestamp = options.String("timestampAsOf");
  if (version && timestamp) return Status::IllegalArgument("Cannot specify both version and timestamp when time travelling the table.");
  if (version) return log.At(*version);
  if (!timestamp) return log.Update();
  MS_ASSIGN_OR_RETURN(int64_t wall_ms, WallMillisOf(*timestamp, time_zone));
  MS_ASSIGN_OR_RETURN(int64_t found, log.VersionAt(wall_ms));
  return log.At(found);
}

}  // namespace

Result<bool> IsDeltaTable(DeltaTables& tables, const std::string& path) {
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, tables.Log(path)->Update());
  return snapshot != nullptr;
}

Result<std::shared_ptr<const BatchRelationSource>> OpenDeltaTable(DeltaTables& tables, const std::string& path, const DeltaOpenOptions& open) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(OptionValues options, DeltaReadOptions().ParseKnown(open.options));
  if (options.Bool("readChangeFeed") || options.Bool("readChangeData")) return OpenChangeFeed(tables, path, open, options);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, Travel(*log, options, open.time_zone));
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  if (snapshot->schema().empty()) return Status::Error(errors::kDeltaTableWithoutColumns, {{"tableName", "`delta`.`" + HadoopPathString(path) + "`"}});
  std::string name = open.name.empty() ? "delta.`" + path + "`" : open.name;
  return std::shared_ptr<const BatchRelationSource>(std::make_shared<DeltaTableSource>(tables.fs(), std::move(name), std::move(snapshot)));
}

}  // namespace millstream
