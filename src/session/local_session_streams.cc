#include "base/ignore_case.h"
#include "base/uuid.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/files/files_connector.h"
#include "plan/sql/parser.h"
#include "session/foreach_sinks.h"
#include "session/late_rows_table.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/session_errors.h"
#include "session/source_file_plan.h"
#include "session/stream_sinks.h"
#include "session/time_dependence.h"
#include "streaming/distinct_rows.h"
#include "streaming/low_latency_triggers.h"
#include "streaming/streaming_errors.h"
#include "streaming/unsupported_operation_checker.h"

namespace millstream {
namespace {

const char* ModeName(OutputMode mode) {
  switch (mode) {
    case OutputMode::kAppend:
      return "Append";
    case OutputMode::kUpdate:
      return "Update";
    case OutputMode::kComplete:
      return "Complete";
  }
  return "Append";
}

constexpr char kCheckpointsConf[] = "spark.sql.streaming.checkpointLocation";

OptionMap Without(OptionMap options, std::initializer_list<std::string_view> names) {
  for (std::string_view name : names)
    if (auto found = options.find(name); found != options.end()) options.erase(found);
  return options;
}

std::string SinkName(const StartStream& start) {
  if (start.foreach_batch) return "foreachBatch";
  if (start.foreach) return "foreach";
  return start.table || start.format.empty() ? "delta" : LowerCase(start.format);
}

}  // namespace

Result<QueryResult> LocalSession::Run(const StartStream& command, const Execution&) {
  MS_ASSIGN_OR_RETURN([[maybe_unused]] StreamingQueryPtr query, StartStreamingQuery(command));
  return EmptyResult();
}

Result<StreamingQueryPtr> LocalSession::StartStreamingQuery(const StartStream& command) {
  StartStream start = command;
  std::optional<std::string> late_rows_table;
  if (auto option = start.options.find(kLateRowsTable); option != start.options.end()) {
    late_rows_table = option->second;
    start.options.erase(option);
  }
  // Named here, so that a table's commits say where it is.
  if (std::optional<std::string> root = conf_.Get(kCheckpointsConf); root && !start.options.contains("checkpointLocation")) {
    start.options["checkpointLocation"] = JoinPath(*root, start.query_name.empty() ? NewUuid() : start.query_name);
  }
  MS_ASSIGN_OR_RETURN(start.query, WithPivotValues(start.query));
  // The sources are opened once, here; the plan that binds them may be analyzed again for each batch's own time.
  auto catalog = std::make_shared<PinnedCatalog>(MakeCatalog());
  const AnalyzerConf conf = analyzer_conf();
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, Analyze(start.query, *catalog, conf));
  analyzed = DistinctAsAggregate(analyzed);
  if (!IsStreaming(*analyzed)) return Status::Error(errors::kWriteStreamNotAllowed);
  const std::string sink = SinkName(start);
  LowLatencyQuery low_latency{
      .plan = *analyzed, .output_mode = start.output_mode, .sink = sink, .checks_allowlist = conf_.GetBool("spark.sql.streaming.realTimeMode.allowlistCheck")};
  MS_RETURN_IF_ERROR(CheckRealTimeTrigger(start.trigger, low_latency));
  MS_RETURN_IF_ERROR(CheckStreamingOperations(*analyzed, start.output_mode));
  MS_RETURN_IF_ERROR(streams_->queries.CheckName(start.query_name));
  StreamRequest request;
  MS_ASSIGN_OR_RETURN(StreamTarget target, ResolveStreamTarget(start, SchemaOf(*analyzed), request.cancel));
  MS_ASSIGN_OR_RETURN(CheckpointOptions checkpoint, ResolveCheckpoint(start, target));

  MS_RETURN_IF_ERROR(KeepBadRecords(start, analyzed, target.table_path));
  request.name = start.query_name;
  request.checkpoint = checkpoint;
  request.trigger = start.trigger;
  request.conf = stream_conf();
  request.open_sink = target.open_sink;
  if (late_rows_table) MS_RETURN_IF_ERROR(KeepLateRows(*late_rows_table, &request));
  request.plan.streams = StreamsOf(*analyzed);
  // The same plan at two moments tells whether it asks for the time.
  AnalyzerConf later = conf;
  later.now_us += int64_t{400} * 86'400 * 1'000'000;
  catalog->Rewind();
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed_later, Analyze(start.query, *catalog, later));
  analyzed_later = DistinctAsAggregate(analyzed_later);
  request.plan.depends_on_time = !ComputesTheSame(*analyzed, *analyzed_later);
  low_latency.asks_for_time = request.plan.depends_on_time;
  MS_RETURN_IF_ERROR(CheckContinuousTrigger(start.trigger, low_latency));
  auto current = std::make_shared<PlanPtr>(analyzed);
  request.plan.evolve = [catalog, conf, current, query = start.query, mode = start.output_mode](
                            const RelationSourcePtr& relation, const RelationSourcePtr& evolved) -> Result<std::vector<RelationSourcePtr>> {
    catalog->Replace(relation, evolved);
    catalog->Rewind();
    MS_ASSIGN_OR_RETURN(PlanPtr plan, Analyze(query, *catalog, conf));
    *current = DistinctAsAggregate(plan);
    MS_RETURN_IF_ERROR(CheckStreamingOperations(**current, mode));
    return StreamsOf(**current);
  };
  request.plan.compile = [catalog, conf, current, query = start.query, engine = engine_, compute = compute_conf(), mode = start.output_mode,
                          depends_on_time = request.plan.depends_on_time, keeps_source_files = target.keeps_source_files && request.plan.streams.size() == 1,
                          propagates_watermarks = conf_.GetBool("spark.sql.streaming.statefulOperator.allowMultiple")](
                             int64_t batch_timestamp_ms) -> Result<std::unique_ptr<StreamPlan>> {
    PlanPtr plan = *current;
    if (depends_on_time) {
      AnalyzerConf at_batch = conf;
      at_batch.now_us = batch_timestamp_ms * 1000;
      catalog->Rewind();
      MS_ASSIGN_OR_RETURN(plan, Analyze(query, *catalog, at_batch));
      plan = DistinctAsAggregate(plan);
    }
    MS_ASSIGN_OR_RETURN(plan, ExceptAsAntiJoin(plan, mode));
    if (keeps_source_files) {
      if (PlanPtr with_files = WithSourceFileColumn(plan)) plan = std::move(with_files);
    }
    return StreamPlan::Compile(plan, engine->compute,
                               {.output_mode = mode, .compute = compute, .ansi = conf.ansi, .propagates_watermarks = propagates_watermarks});
  };
  request.explain = [analyzed](bool extended) {
    std::string text;
    if (extended) text = "== Analyzed Logical Plan ==\n" + TreeString(*analyzed) + "\n";
    return text + "== Physical Plan ==\n" + TreeString(*Optimize(analyzed));
  };
  request.listener = [streams = std::weak_ptr<SessionStreams>(streams_)](const StreamingQueryEvent& event) {
    if (auto held = streams.lock()) held->listeners.Call(event);
  };
  request.on_terminated = [streams = std::weak_ptr<SessionStreams>(streams_)](const StreamingQuery& query) {
    if (auto held = streams.lock()) held->queries.NoteTerminated(query);
  };

  std::lock_guard lock(engine_->streams.start_mutex());
  if (!checkpoint.is_temporary) {
    Result<std::optional<std::string>> id = ReadQueryId(engine_->fs, checkpoint.directory);
    // A damaged id is Checkpoint::Open's to judge.
    if (id.ok() && id->has_value()) {
      if (std::shared_ptr<StreamExecution> running = engine_->streams.Active(**id)) {
        if (!conf_.GetBool("spark.sql.streaming.stopActiveRunOnRestart"))
          return Status::Error(errors::kConcurrentStreamLogUpdate, {{"batchId", "query " + **id}})
              .While("starting a second run of it: stop the first one, or set spark.sql.streaming.stopActiveRunOnRestart to true to have it stopped");
        MS_RETURN_IF_ERROR(running->Stop());
      }
    }
  }
  if (target.prepare) MS_RETURN_IF_ERROR(target.prepare());
  MS_ASSIGN_OR_RETURN(std::shared_ptr<StreamExecution> query, StreamExecution::Start(std::move(request), engine_->fs, engine_->clock));
  engine_->streams.Add(query);
  streams_->queries.Add(query);
  return StreamingQueryPtr(query);
}

// The table is there before the first row is late, so that it can be looked at.
Status LocalSession::KeepLateRows(const std::string& table, StreamRequest* request) {
  MS_ASSIGN_OR_RETURN(MultipartName name, ParseMultipartName(table));
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(std::optional<ResolvedTable> existing, catalog.Resolve(name));
  auto query_id = std::make_shared<std::string>();
  LateRowsTarget target{.engine = engine_, .location = {}, .query_id = query_id, .analyzer = analyzer_conf(), .compute = compute_conf()};
  if (existing) {
    if (!IsDeltaFormat(existing->provider)) return Status::Unsupported("late rows in a " + existing->provider + " table", "Name a Delta table, or a new one.");
    target.location = existing->location;
    MS_RETURN_IF_ERROR(CheckRowsFit(engine_->delta, target.location, DeltaWrite{.mode = SaveMode::kAppend, .schema = LateRowsSchema()}));
  } else {
    MS_ASSIGN_OR_RETURN(TableName made, ResolveTableName(name, current_database()));
    MS_ASSIGN_OR_RETURN(DatabaseEntry database, catalog.RequireDatabase(made.database));
    target.location = Warehouse::ManagedLocation(database, made.table);
    MS_RETURN_IF_ERROR(CreateDeltaTable(engine_->delta, target.location, DeltaCreate{.schema = LateRowsSchema()}));
  }
  request->plan.keep_late_rows = KeepLateRowsIn(std::move(target));
  request->open_sink = [make = std::move(request->open_sink), query_id](const std::string& id, const std::string& run_id) {
    *query_id = id;
    return make(id, run_id);
  };
  return Status();
}

Result<LocalSession::StreamTarget> LocalSession::ResolveStreamTarget(const StartStream& start, const StructType& schema,
                                                                     const std::shared_ptr<CancelToken>& cancel) {
  StreamTarget target;
  if (start.foreach_batch || start.foreach) {
    if (!start.partition_by.empty()) return Status::Error(errors::kForeachPartitioning, {{"operation", start.foreach_batch ? "foreachBatch" : "foreach"}});
    target.may_be_temporary = true;
    target.open_sink = [function = start.foreach_batch, rows = start.foreach, cancel, bytes = engine_->options.memory_bytes_max](
                           const std::string& query_id, const std::string&) -> Result<std::unique_ptr<Sink>> {
      return function ? MakeForeachBatchSink(function, query_id, cancel, bytes) : MakeForeachSink(rows, cancel);
    };
    return target;
  }
  if (start.table) return ResolveTableTarget(start, schema);
  const std::string format = MakeCatalog().FormatOrDefault(start.format);
  if (EqualsIgnoreCase(format, "noop")) {
    target.may_be_temporary = true;
    target.open_sink = [](const std::string&, const std::string&) -> Result<std::unique_ptr<Sink>> { return MakeNoopSink(); };
    return target;
  }
  if (EqualsIgnoreCase(format, "console")) {
    target.may_be_temporary = true;
    target.open_sink = [options = start.options, zone = conf_.Get("spark.sql.session.timeZone").value_or("UTC")](const std::string&, const std::string&) {
      return MakeConsoleSink(options, zone);
    };
    return target;
  }
  if (EqualsIgnoreCase(format, "memory")) {
    if (start.query_name.empty()) return Status::Error(errors::kMemorySinkNeedsName);
    target.may_be_temporary = true;
    auto keeps = start.options.find(kTestingKeepsRows);
    const bool keeps_rows = engine_->options.testing && keeps != start.options.end() && EqualsIgnoreCase(keeps->second, "true");
    target.recovers = keeps_rows || start.output_mode == OutputMode::kComplete;  // which needs none of the rows before
    target.open_sink = [this, name = start.query_name, schema, mode = start.output_mode, engine = engine_, keeps_rows](
                           const std::string&, const std::string&) -> Result<std::unique_ptr<Sink>> {
      std::shared_ptr<MemoryTable> table = keeps_rows ? engine->memory_tables.Find(name) : nullptr;
      if (table == nullptr) table = engine->memory_tables.Create(name, schema);
      // The view reads the table by name, so that it shows the newest run.
      views_.Put(LowerCase(name), MakePlan(UnresolvedDataSource{.format = "memory", .schema = {}, .options = {}, .paths = {name}}), true);
      return MakeMemorySink(std::move(table), mode);
    };
    return target;
  }
  if (IsDeltaFormat(format)) {
    std::optional<std::string> written_path = start.path;
    if (auto option = start.options.find("path"); !written_path && option != start.options.end()) written_path = option->second;
    if (!written_path || written_path->empty()) return Status::Error(errors::kPathNotSpecified);
    if (start.output_mode == OutputMode::kUpdate)
      return Status::Error(errors::kDeltaOutputMode,
                           {{"dataSource", "org.apache.spark.sql.delta.sources.DeltaDataSource"}, {"mode", ModeName(start.output_mode)}});
    MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(*written_path));
    return DeltaTarget(start, std::move(path));
  }
  if (IsWritableFileFormat(format)) {
    if (start.output_mode != OutputMode::kAppend)
      return Status::Error(errors::kOutputModeUnsupportedDataSource, {{"outputMode", LowerCase(ModeName(start.output_mode))}, {"className", format}});
    return FileTarget(start, format);
  }
  for (std::string_view known : {"kafka", "foreach", "foreachBatch", "foreach_batch"})
    if (EqualsIgnoreCase(format, known)) return Status::Unsupported("writing a stream to format \"" + format + "\"");
  if (IsFileFormat(format) || EqualsIgnoreCase(format, "orc"))
    return Status::Unsupported("writing a stream to format \"" + format + "\"", "Write json, csv, text, parquet or delta.");
  return Status::Error(errors::kDataSourceNotFound, {{"provider", format}});
}

// start("/out"): files, and a log that says which of them count.
Result<LocalSession::StreamTarget> LocalSession::FileTarget(const StartStream& start, const std::string& format) {
  std::optional<std::string> written_path = start.path;
  if (auto option = start.options.find("path"); !written_path && option != start.options.end()) written_path = option->second;
  if (!written_path || written_path->empty()) return Status::IllegalArgument("'path' is not specified");
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(*written_path));
  SinkContext context{.query_id = {},
                      .run_id = {},
                      .output_mode = start.output_mode,
                      .partition_by = start.partition_by,
                      .options = Without(start.options, {"checkpointLocation", "path", "queryName"})};
  const FilesContext files = MakeCatalog().files_context();
  StreamTarget target;
  target.open_sink = [engine = engine_, context, files, format, path](const std::string& query_id, const std::string& run_id) {
    SinkContext opened = context;
    opened.query_id = query_id;
    opened.run_id = run_id;
    return OpenFileSink(files, format, path, opened, engine->options.threads);
  };
  target.check_fresh = [files, path] { return CheckNoFileSinkLog(files, path); };
  return target;
}

// toTable("t"): the table is made when there is none, so that it can be described before the first batch.
Result<LocalSession::StreamTarget> LocalSession::ResolveTableTarget(const StartStream& start, const StructType& schema) {
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(std::optional<ResolvedTable> existing, catalog.Resolve(*start.table));
  const std::string format = start.format.empty() && existing ? existing->provider : catalog.FormatOrDefault(start.format);
  if (!IsDeltaFormat(format) || (existing && !IsDeltaFormat(existing->provider)))
    return Status::Unsupported("toTable with format \"" + format + "\"", "Streams write Delta tables: leave the format away, or use format(\"delta\").");
  if (start.output_mode == OutputMode::kUpdate)
    return Status::Error(errors::kDeltaOutputMode, {{"dataSource", "Table"}, {"mode", ModeName(start.output_mode)}});
  if (existing) return DeltaTarget(start, existing->location);

  MS_ASSIGN_OR_RETURN(TableName name, ResolveTableName(*start.table, current_database()));
  MS_ASSIGN_OR_RETURN(DatabaseEntry database, catalog.RequireDatabase(name.database));
  TableEntry table{.database = name.database, .name = name.table, .location = Warehouse::ManagedLocation(database, name.table)};
  std::optional<std::string> written_path = start.path;
  if (auto option = start.options.find("path"); !written_path && option != start.options.end()) written_path = option->second;
  if (written_path) {
    MS_ASSIGN_OR_RETURN(table.location, PathFromUri(*written_path));
    table.is_managed = false;
  }
  StreamTarget target = DeltaTarget(start, table.location);
  std::map<std::string, std::string> properties;
  for (const auto& [name, value] : start.options)
    if (LowerCase(name).starts_with("delta.")) properties.emplace(name, value);
  target.prepare = [engine = engine_, table, schema, partition_by = start.partition_by, properties]() -> Status {
    MS_ASSIGN_OR_RETURN(bool exists, IsDeltaTable(engine->delta, table.location));
    if (!exists) {
      // Rows of a stream may lack any column: what Spark creates here is nullable throughout.
      StructType nullable;
      for (StructField field : schema) {
        field.nullable = true;
        nullable.Add(std::move(field));
      }
      MS_RETURN_IF_ERROR(
          CreateDeltaTable(engine->delta, table.location, DeltaCreate{.schema = nullable, .partition_columns = partition_by, .properties = properties}));
    }
    return table.is_managed ? Status() : engine->warehouse.RegisterTable(table);
  };
  return target;
}

LocalSession::StreamTarget LocalSession::DeltaTarget(const StartStream& start, std::string path) {
  StreamTarget target;
  target.keeps_source_files = start.output_mode == OutputMode::kAppend;
  SinkContext context{.query_id = {},
                      .run_id = {},
                      .output_mode = start.output_mode,
                      .partition_by = start.partition_by,
                      .options = Without(start.options, {"checkpointLocation", "path", "queryName"})};
  if (MergesSchemas(context.options)) context.options["mergeSchema"] = "true";
  // Commits say where the query's checkpoint is: cloud_files_state(TABLE(t)) finds it there.
  if (auto checkpoint = start.options.find("checkpointLocation"); checkpoint != start.options.end()) {
    if (Result<std::string> directory = PathFromUri(checkpoint->second); directory.ok()) context.options["checkpointLocation"] = *directory;
  }
  target.table_path = path;
  target.open_sink = [engine = engine_, context, path, rules = rule_conf()](const std::string& query_id, const std::string& run_id) {
    SinkContext opened = context;
    opened.query_id = query_id;
    opened.run_id = run_id;
    return OpenDeltaSink(engine->delta, path, opened, engine->options.threads, rules);
  };
  return target;
}

Result<CheckpointOptions> LocalSession::ResolveCheckpoint(const StartStream& start, const StreamTarget& target) {
  const auto location = start.options.find("checkpointLocation");
  if (location == start.options.end() || location->second.empty()) {
    if (!target.may_be_temporary) return Status::Error(errors::kCheckpointLocationMissing, {{"config", kCheckpointsConf}});
    return CheckpointOptions{.directory = JoinPath(engine_->warehouse.directory(), "_millstream/tmp/temporary-" + NewUuid()), .is_temporary = true};
  }
  MS_ASSIGN_OR_RETURN(std::string directory, PathFromUri(location->second));
  if (!target.recovers) {
    const std::string offsets = JoinPath(directory, "offsets");
    MS_ASSIGN_OR_RETURN(bool started_before, engine_->fs.Exists(offsets));
    if (started_before) return Status::Error(errors::kMemorySinkCannotRecover, {{"checkpointPath", HadoopPathString(offsets)}});
  }
  if (target.check_fresh) {
    MS_ASSIGN_OR_RETURN(bool started_before, engine_->fs.Exists(JoinPath(directory, "offsets")));
    if (!started_before) MS_RETURN_IF_ERROR(target.check_fresh());
  }
  return CheckpointOptions{.directory = std::move(directory)};
}

StreamConf LocalSession::stream_conf() const {
  StreamConf conf;
  conf.time_zone = compute_conf().time_zone;
  conf.min_batches_to_retain = std::max<int64_t>(conf_.GetInt("spark.sql.streaming.minBatchesToRetain"), 1);
  conf.no_data_batches = conf_.GetBool("spark.sql.streaming.noDataMicroBatches.enabled");
  conf.state_versions_per_snapshot = std::max<int64_t>(conf_.GetInt("spark.sql.streaming.stateStore.minDeltasForSnapshot"), 1);
  conf.progress_updates_kept = conf_.GetInt("spark.sql.streaming.numRecentProgressUpdates");
  conf.idle_progress_interval_ms = conf_.GetInt("spark.sql.streaming.noDataProgressEventInterval");
  conf.trigger.polling_delay_ms = std::max<int64_t>(conf_.GetInt("spark.sql.streaming.pollingDelay"), 1);
  conf.trigger.real_time_batch_min_ms = conf_.GetInt("spark.sql.streaming.realTimeMode.minBatchDuration");
  for (auto& [key, value] : conf.logged)
    if (std::optional<std::string> set = conf_.Get(key)) value = *set;
  return conf;
}

}  // namespace millstream
