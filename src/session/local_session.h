#pragma once

// local_session.h   The Session of this process: settings, views and streams of one user, over the shared engine.
//
// The .cc files: local_session (settings, views, names), local_session_queries, local_session_ddl, local_session_show, local_session_writes,
// local_session_streams, local_session_changes (DELETE, UPDATE, MERGE), local_session_copy (COPY INTO), local_session_quarantine (bad records, RETRY
// QUARANTINE), local_session_tables (what is said of tables, beside their rows).

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "session/engine_state.h"
#include "session/pinned_catalog.h"
#include "session/session.h"
#include "session/session_catalog.h"
#include "session/session_conf.h"
#include "streaming/streaming_query_manager.h"

namespace millstream {

struct NewRule;  // connectors/delta/table_rule_changes.h

// Calls its listeners in the order in which they came. Thread-safe.
class Listeners {
 public:
  int64_t Add(std::function<void(const StreamingQueryEvent&)> listener);
  void Remove(int64_t handle);
  void Call(const StreamingQueryEvent& event);

 private:
  std::mutex mutex_;
  int64_t next_handle_ = 1;
  std::map<int64_t, std::shared_ptr<std::function<void(const StreamingQueryEvent&)>>> listeners_;  // GUARDED_BY(mutex_)
};

// What outlives the session handle while its streams run.
struct SessionStreams {
  explicit SessionStreams(Clock& clock) : queries(clock) {}
  StreamingQueryManager queries;
  Listeners listeners;
};

class LocalSession : public Session {
 public:
  LocalSession(std::shared_ptr<EngineState> engine, std::string user);
  ~LocalSession() override;

  Status SetConf(const std::string& key, const std::string& value) override;
  std::optional<std::string> GetConf(const std::string& key) const override;
  void UnsetConf(const std::string& key) override { conf_.Unset(key); }
  std::vector<std::pair<std::string, std::string>> AllConf() const override { return conf_.All(); }
  bool IsConfModifiable(const std::string& key) const override { return SessionConf::IsModifiable(key); }
  AnalyzerConf analyzer_conf() const override;

  Result<PlanPtr> AnalyzePlan(const PlanPtr& plan) override;
  Result<QueryResult> Execute(const PlanPtr& plan, const Execution& under) override;
  Result<QueryResult> ExecuteCommand(const Command& command, const Execution& under) override;
  Status CreateTempView(const std::string& name, const PlanPtr& plan, bool replace, bool global) override;
  void RegisterFunction(const std::string& name, std::shared_ptr<const PythonCall> function) override;

  Result<StreamingQueryPtr> StartStreamingQuery(const StartStream& start) override;
  std::vector<StreamingQueryPtr> ActiveQueries() override { return streams_->queries.Active(); }
  std::vector<StreamingQueryPtr> RecentQueries() override { return streams_->queries.Recent(); }
  StreamingQueryPtr FindQuery(const std::string& id, const std::string& run_id) override { return streams_->queries.Find(id, run_id); }
  Result<bool> AwaitAnyTermination(std::optional<int64_t> timeout_ms) override { return streams_->queries.AwaitAny(timeout_ms); }
  void ResetTerminated() override { streams_->queries.ResetTerminated(); }
  int64_t AddListener(std::function<void(const StreamingQueryEvent&)> listener) override { return streams_->listeners.Add(std::move(listener)); }
  void RemoveListener(int64_t handle) override { streams_->listeners.Remove(handle); }
  void StopAllQueries() override { streams_->queries.StopAll(); }

  std::string current_database() const override;
  Status SetCurrentDatabase(const std::string& name) override;
  Result<std::vector<TableInfo>> ListTables(const std::optional<std::string>& database, const std::optional<std::string>& pattern) override;
  Result<std::vector<DatabaseInfo>> ListDatabases(const std::optional<std::string>& pattern) override;
  Result<bool> TableExists(const MultipartName& name) override;
  Result<bool> DropTempView(const std::string& name, bool global) override;

 private:
  SessionCatalog MakeCatalog() const;
  // One of millstream.testing.*
  Status ControlTest(const std::string& key, const std::string& value);
  ComputeConf compute_conf() const;
  Result<RowRulesPtr> RulesOf(const std::string& path) const;  // null: the table demands nothing of its rows
  RuleConf rule_conf() const;  // of expressions that tables store
  Result<QueryResult> ExecuteAnalyzed(const PlanPtr& analyzed, const Execution& under);
  // A plan with CollectMetrics in it.
  Result<QueryResult> ExecuteObserved(const PlanPtr& analyzed, const Execution& under);
  // The analyzed plan of a batch query; Spark's error when it has a stream in it.
  Result<PlanPtr> AnalyzeBatch(const PlanPtr& plan);
  // The same with the values of its pivots that have none, looked up by queries of their own (pivot_values.cc).
  Result<PlanPtr> WithPivotValues(const PlanPtr& plan);

  // One for each statement of plan/command.h.
  Result<QueryResult> Run(const CreateDatabase& command, const Execution&);
  Result<QueryResult> Run(const DropDatabase& command, const Execution&);
  Result<QueryResult> Run(const UseDatabase& command, const Execution&);
  Result<QueryResult> Run(const CreateTable& command, const Execution&);
  Result<QueryResult> Run(const DropTable& command, const Execution&);
  Result<QueryResult> Run(const ShowTables& command, const Execution&);
  Result<QueryResult> Run(const ShowDatabases& command, const Execution&);
  Result<QueryResult> Run(const ShowColumns& command, const Execution&);
  Result<QueryResult> Run(const DescribeTable& command, const Execution&);
  Result<QueryResult> Run(const DescribeDatabase& command, const Execution&);
  Result<QueryResult> Run(const DescribeHistory& command, const Execution&);
  Result<QueryResult> Run(const CreateView& command, const Execution&);
  Result<QueryResult> Run(const millstream::SetConf& command, const Execution&);
  Result<QueryResult> Run(const ResetConf& command, const Execution&);
  Result<QueryResult> Run(const Explain& command, const Execution&);
  Result<QueryResult> Run(const WriteData& command, const Execution&);
  Result<QueryResult> Run(const StartStream& command, const Execution&);
  Result<QueryResult> Run(const DeleteFrom& command, const Execution&);
  Result<QueryResult> Run(const UpdateTable& command, const Execution&);
  Result<QueryResult> Run(const MergeInto& command, const Execution&);
  Result<QueryResult> Run(const AlterTableProperties& command, const Execution&);
  Result<QueryResult> Run(const AddConstraint& command, const Execution&);
  Result<int64_t> CountViolations(const ResolvedTable& table, const NewRule& rule, const Execution& under);
  Result<QueryResult> Run(const DropConstraint& command, const Execution&);
  Result<QueryResult> Run(const ShowTableProperties& command, const Execution&);
  Result<QueryResult> Run(const DescribeDetail& command, const Execution&);
  Result<QueryResult> Run(const CopyInto& command, const Execution&);
  Result<QueryResult> Run(const ChangeTableFiles& command, const Execution&);
  Result<QueryResult> Run(const RequestStreamFiles& command, const Execution&);
  Result<QueryResult> Run(const RevertToSchemaVersion& command, const Execution&);
  Result<QueryResult> Run(const PromoteRescuedColumns& command, const Execution&);
  Result<QueryResult> Run(const RetryQuarantine& command, const Execution&);

  Result<QueryResult> RunOnce(const WriteData& command, const Execution& under);
  Status CreateDelta(const CreateTable& command, const std::string& location, const Execution& under);
  Result<QueryResult> CreateByPath(const CreateTable& command, const Execution& under);
  Status CreateFileTable(const CreateTable& command, const TableName& name);
  Result<QueryResult> WriteToPath(const WriteData& command, const PlanPtr& analyzed, const Execution& under);
  Result<QueryResult> AddToMemoryStream(const WriteData& command, const PlanPtr& analyzed, const Execution& under);
  Result<QueryResult> WriteToFiles(const WriteData& command, const std::string& format, const PlanPtr& analyzed, const Execution& under);
  Result<QueryResult> InsertInto(const WriteData& command, const PlanPtr& analyzed, const Execution& under);
  Result<QueryResult> SaveAsTable(const WriteData& command, const PlanPtr& analyzed, const Execution& under);
  // The options of a write to this table, with the transaction id that makes it exactly once when it comes from foreachBatch.
  // The session says that writes which do not say anything about it merge schemas (DELTA_SCHEMA_AUTO_MIGRATE).
  bool MergesSchemas(const OptionMap& options) const;
  static OptionMap WithTransaction(OptionMap options, const std::string& location, const Execution& under);
  // An earlier run of the batch has made this write.
  Result<bool> IsWritten(const std::string& location, const OptionMap& options);
  Status WriteRows(const std::string& path, struct DeltaWrite& write, const PlanPtr& analyzed, const Execution& under);

  // A statement that loses a race against another writer of the table is run again, from a fresh look at the table, as if it had come later.
  static constexpr int kAttemptsMax = 10;
  static Status SetTransaction(const OptionMap& transaction, struct RowChangeOptions& options);

  // local_session_replace.cc
  // The query with the values of PARTITION (p = 1, …) put where the table has these columns; as it is when there are none.
  Result<PlanPtr> WithPartitionValues(const WriteData& command, const PlanPtr& analyzed, const struct DeltaTableInfo& table);
  // What the write overwrites, when that is not the whole table: REPLACE WHERE, the option replaceWhere, static partitions.
  struct Replaced {
    ExprPtr condition;  // null: the write replaces all, or nothing
    std::string text;
  };
  static Result<Replaced> ReplacedBy(const WriteData& command);
  // `rows`: analyzed, with the names of the table's columns.
  Status ReplaceRows(const Replaced& replaced, const ResolvedTable& table, const PlanPtr& rows, const OptionMap& options, const Execution& under);

  // local_session_changes.cc
  Result<ResolvedTable> RequireDeltaTable(const MultipartName& name, const char* statement);
  template <typename Statement>
  Result<struct RowChangeResult> ChangeRowsOnce(const Statement& statement, const ResolvedTable& table, const std::vector<std::string>& name,
                                                const OptionMap& transaction, const Execution& under);
  template <typename Statement>
  Result<struct RowChangeResult> ChangeRowsOf(const Statement& statement, const Execution& under);

  // local_session_quarantine.cc
  Status KeepBadRecords(const StartStream& start, const PlanPtr& analyzed, const std::optional<std::string>& table_path);

  // local_session_copy.cc
  Result<ResolvedTable> RequireCopyTarget(const MultipartName& name);
  Result<QueryResult> CopyOnce(const CopyInto& command, const ResolvedTable& table, const OptionMap& transaction, const Execution& under);
  // local_session_copy_explain.cc
  Result<QueryResult> ExplainCopy(const CopyInto& command, const ResolvedTable& table, const Execution& under);

  // local_session_files.cc
  // The files that the ledger knows and that fulfil a condition over the columns of copy_into_state, in the ledger's order.
  Result<std::vector<struct KnownFile>> FilesWhere(const ExprPtr& condition, const std::shared_ptr<const class TableLedger>& ledger, const ResolvedTable& table,
                                                   const Execution& under);
  Result<QueryResult> ChangeFilesOnce(const ChangeTableFiles& command, const ResolvedTable& table, const Execution& under);

  struct StreamTarget {
    std::function<Result<std::unique_ptr<Sink>>(const std::string& query_id, const std::string& run_id)> open_sink;
    bool may_be_temporary = false;        // memory, console, noop: a checkpoint is not asked for
    std::optional<std::string> table_path;  // a Delta table's
    bool recovers = true;                 // memory: cannot be started again from a checkpoint
    bool keeps_source_files = false;      // the sink is a KeepsSourceFiles
    std::function<Status()> prepare;      // creates the table; called once all checks have passed
    std::function<Status()> check_fresh;  // the query starts with a new checkpoint: what the sink holds is another's
  };
  Status KeepLateRows(const std::string& table, StreamRequest* request);
  Result<StreamTarget> ResolveStreamTarget(const StartStream& start, const StructType& schema, const std::shared_ptr<CancelToken>& cancel);
  Result<StreamTarget> ResolveTableTarget(const StartStream& start, const StructType& schema);
  Result<StreamTarget> FileTarget(const StartStream& start, const std::string& format);
  StreamTarget DeltaTarget(const StartStream& start, std::string path);
  Result<CheckpointOptions> ResolveCheckpoint(const StartStream& start, const StreamTarget& target);
  StreamConf stream_conf() const;

  const std::shared_ptr<EngineState> engine_;
  const std::string user_;
  SessionConf conf_;
  ViewMap views_;
  const std::shared_ptr<SessionStreams> streams_;
  mutable std::mutex mutex_;
  std::string current_database_ = "default";  // GUARDED_BY(mutex_)
  FunctionMap functions_;                     // GUARDED_BY(mutex_)
};

}  // namespace millstream
