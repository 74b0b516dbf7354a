// crash_job   The main job (cloudFiles → Delta table, availableNow; or Spark's file stream, or a file sink; or COPY INTO) as a small process, for the crash
// tests to kill.
//
// Prints "batch N rows M" after each batch that it believes to be durable: what was printed before a crash must be there after it.

#include <arrow/array/array_primitive.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/at_once.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/schema_versions.h"
#include "plan/sql/parser.h"
#include "session/session.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

struct JobOptions {
  std::string warehouse, landing, table, checkpoint, schema, source = "cloudFiles", sink = "delta", format = "json", partition_by, external, state, clean;
  std::string max_file_age, undoes, quarantine, file_order, promote, bad_records, on_error, known_from, zero_copy;
  std::vector<std::string> requests;
  bool by_name = false, changes = false, goes_on = false, replaces = false, mirrors = false, continues = false, retries = false, archives = false;
  int max_files = 1000, retain = 100, deltas = 10;
};

// numOutputRows and batchId out of a progress event, without a JSON parser: the format is ours.
long NumberAfter(const std::string& json, const std::string& key) {
  size_t at = json.find("\"" + key + "\":");
  return at == std::string::npos ? -1 : std::strtol(json.c_str() + at + key.size() + 3, nullptr, 10);
}

Status RunSql(Session& session, const std::string& text) {
  MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(text));
  return session.ExecuteCommand(std::get<Command>(statement)).status();
}

// Rows changed in place: crash.changes has one row for each id, in which "twice" is twice "n" whatever happens, and none whose id 5 divides once a life
// has ended. With deletion vectors, so that their files are written too.
Status ChangeRows(Session& session, const std::string& table) {
  MS_RETURN_IF_ERROR(RunSql(session, "CREATE DATABASE IF NOT EXISTS crash"));
  MS_RETURN_IF_ERROR(RunSql(session,
                            "CREATE TABLE IF NOT EXISTS crash.changes (id BIGINT, n BIGINT, twice BIGINT) TBLPROPERTIES "
                            "('delta.enableDeletionVectors' = 'true', 'delta.enableChangeDataFeed' = 'true')"));
  MS_RETURN_IF_ERROR(RunSql(session, "MERGE INTO crash.changes c USING (SELECT DISTINCT id FROM " + table +
                                         ") s ON c.id = s.id WHEN MATCHED THEN UPDATE SET n = n + 1, twice = twice + 2 "
                                         "WHEN NOT MATCHED THEN INSERT (id, n, twice) VALUES (s.id, 1, 2)"));
  MS_RETURN_IF_ERROR(RunSql(session, "DELETE FROM crash.changes WHERE id % 5 = 0"));
  // crash.parts has the same three rows in each part, old or new, never some of both.
  MS_RETURN_IF_ERROR(RunSql(session, "CREATE TABLE IF NOT EXISTS crash.parts (part BIGINT, i BIGINT, n BIGINT)"));
  for (const char* part : {"0", "1"}) {
    MS_RETURN_IF_ERROR(RunSql(session, "INSERT INTO crash.parts REPLACE WHERE part = " + std::string(part) + " SELECT CAST(" + part +
                                           " AS BIGINT) AS part, r.id AS i, c.n FROM range(3) r CROSS JOIN (SELECT count(*) AS n FROM " + table + ") c"));
  }
  return Status();
}

// What is read: files, or the numbered rows of the rate source.
PlanPtr Input(const JobOptions& options) {
  UnresolvedDataSource source{.format = options.source, .schema = std::nullopt, .options = {}, .paths = {}, .is_streaming = true};
  if (options.source == "rate") {
    source.options = {{"rowsPerSecond", "50"}};
  } else if (options.source == "delta") {
    // From a time on, which is written down as a version when the stream starts.
    source.format = "delta";
    source.options = {{"maxFilesPerTrigger", std::to_string(options.max_files)}, {"startingTimestamp", "2020-01-01"}};
    source.paths = {options.landing};
  } else if (options.source == "files") {
    source.format = options.format;
    source.schema = StructType({{"id", DataType::Long()}, {"event", DataType::String()}, {"amount", DataType::Long()}});
    source.options = {{"maxFilesPerTrigger", std::to_string(options.max_files)}, {"recursiveFileLookup", "true"}, {"header", "true"}};
    if (!options.bad_records.empty()) source.options["badRecordsPath"] = options.bad_records;
    source.paths = {options.landing};
  } else {
    source.options = {{"cloudFiles.format", options.format},
                      {"cloudFiles.schemaLocation", options.schema},
                      {"cloudFiles.maxFilesPerTrigger", std::to_string(options.max_files)}};
    source.paths = {options.landing};
    if (!options.max_file_age.empty()) source.options["cloudFiles.maxFileAge"] = options.max_file_age;
    if (!options.file_order.empty()) source.options["cloudFiles.fileOrder"] = options.file_order;
    if (options.replaces) source.options["cloudFiles.changedFiles"] = "replaced";
    if (options.retries) source.options["cloudFiles.maxFileRetries"] = "1000";
    if (options.continues) source.options["cloudFiles.changedFiles"] = "continued";
    if (options.mirrors) {
      source.options["cloudFiles.deletedFiles"] = "removed";
      source.options["cloudFiles.deletedFiles.confirmAfter"] = "0 seconds";
      source.options["cloudFiles.deletedFiles.maxFraction"] = "1";
      source.options["ignoreMissingFiles"] = "true";  // a file may go before it is loaded
    }
    if (!options.quarantine.empty()) source.options["cloudFiles.quarantineTable"] = options.quarantine;
    if (!options.bad_records.empty()) source.options["badRecordsPath"] = options.bad_records;
    if (!options.on_error.empty()) source.options["cloudFiles.onError"] = options.on_error;
    if (!options.known_from.empty()) source.options["cloudFiles.knownFrom"] = options.known_from;
    if (!options.zero_copy.empty()) source.options["cloudFiles.zeroCopy"] = options.zero_copy;
    if (options.goes_on) source.options["cloudFiles.schemaEvolutionMode"] = "addNewColumnsWithoutRestart";
    if (!options.clean.empty()) {
      source.options["cloudFiles.cleanSource"] = "MOVE";
      source.options["cloudFiles.cleanSource.moveDestination"] = options.clean;
      source.options["cloudFiles.cleanSource.retentionDuration"] = "0 seconds";
      source.options["cloudFiles.cleanSource.waitForCompletion"] = "true";
    }
  }
  if (options.archives) source.options["archiveMembers"] = "true";
  return MakePlan(std::move(source));
}

// Rows of the input as something that a query with state reads: a second of event time for each id, and none comes late.
Status ViewWithWatermark(Session& session, const JobOptions& options, const std::string& name, const std::string& columns, const std::string& event_time) {
  JobOptions own = options;
  own.schema += "-" + name;  // of each source one
  MS_RETURN_IF_ERROR(session.CreateTempView(name + "_rows", Input(own), true, false));
  MS_ASSIGN_OR_RETURN(Statement rows, ParseStatement("SELECT " + columns + " FROM " + name + "_rows"));
  PlanPtr timed = MakePlan(WithWatermark{.column = event_time, .delay = "150 seconds", .child = std::get<PlanPtr>(rows)});
  return session.CreateTempView(name, timed, true, false);
}

// What each row becomes; with --state, by way of what the query remembers.
Result<PlanPtr> Query(Session& session, const JobOptions& options) {
  if (options.state.empty()) return Input(options);
  const std::string id = "CAST(id AS BIGINT)";
  if (options.state == "deduplicate") {
    // The ids of a group come in several files, batches and lives.
    MS_RETURN_IF_ERROR(ViewWithWatermark(session, options, "grouped", id + " DIV 4 AS g, timestamp_seconds(1000 + " + id + " DIV 4 * 4) AS at", "at"));
    MS_ASSIGN_OR_RETURN(Statement all, ParseStatement("SELECT * FROM grouped"));
    PlanPtr once = MakePlan(Deduplicate{.columns = {"g", "at"}, .child = std::get<PlanPtr>(all)});
    MS_RETURN_IF_ERROR(session.CreateTempView("once", once, true, false));
    MS_ASSIGN_OR_RETURN(Statement groups, ParseStatement("SELECT g FROM once"));
    return std::get<PlanPtr>(groups);
  }
  std::string text;
  if (options.state == "aggregate") {
    MS_RETURN_IF_ERROR(ViewWithWatermark(session, options, "timed", id + " AS id, timestamp_seconds(1000 + " + id + ") AS at", "at"));
    text = "SELECT unix_seconds(window.start) - 1000 AS first, count(*) AS n, sum(id) AS ids FROM timed GROUP BY window(at, '20 seconds')";
  } else if (options.state == "session") {
    // Ids come in sessions of twenty, of which a key has every third; no row of another session is near.
    MS_RETURN_IF_ERROR(ViewWithWatermark(
        session, options, "timed", id + " AS id, " + id + " % 3 AS k, timestamp_millis(1000000 + " + id + " * 500 + " + id + " DIV 20 * 12000) AS at", "at"));
    text =
        "SELECT unix_millis(session_window.start) - 1000000 AS begins, unix_millis(session_window.end) - 1000000 AS ends, k, count(*) AS n, sum(id) AS ids "
        "FROM timed GROUP BY session_window(at, '10 seconds'), k";
  } else {
    MS_RETURN_IF_ERROR(ViewWithWatermark(session, options, "l", id + " AS id, timestamp_seconds(1000 + " + id + ") AS at", "at"));
    MS_RETURN_IF_ERROR(ViewWithWatermark(session, options, "third", id + " AS rid, timestamp_seconds(1000 + " + id + ") AS rat", "rat"));
    text = "SELECT id, rid FROM l LEFT JOIN (SELECT * FROM third WHERE rid % 3 = 0) r ON id = rid AND rat >= at AND rat <= at + INTERVAL 10 SECONDS";
  }
  MS_ASSIGN_OR_RETURN(Statement query, ParseStatement(text));
  return std::get<PlanPtr>(query);
}

// Rows go and come back with their files, so that in the end all are there once, whatever a life before this one has left undone.
Status UndoAndRedo(Session& session, const std::string& table, const std::string& replay) {
  MS_RETURN_IF_ERROR(RunSql(session, "UNDO FILES IN " + table + " WHERE size % 2 = 0"));
  MS_RETURN_IF_ERROR(RunSql(session, "REDO FILES IN " + table + " WHERE true"));
  MS_RETURN_IF_ERROR(RunSql(session, "UNDO FILES IN " + table + " WHERE size % 3 = 0"));
  MS_RETURN_IF_ERROR(RunSql(session, replay));
  return RunSql(session, "REDO FILES IN " + table + " WHERE true");
}

// Bad records that lack nothing but their last brace get it where their id is even, and are loaded; the others stay.
Status RetryRecords(Session& session, const std::string& quarantine) {
  const std::string table = "delta.`" + quarantine + "`";
  MS_RETURN_IF_ERROR(RunSql(session, "UPDATE " + table +
                                         " SET raw = CAST(concat(CAST(raw AS STRING), '}') AS BINARY) WHERE CAST(raw AS STRING) NOT LIKE '%}' AND "
                                         "CAST(regexp_extract(CAST(raw AS STRING), '([0-9]+)', 1) AS BIGINT) % 2 = 0"));
  return RunSql(session, "RETRY QUARANTINE " + table);
}

// COPY INTO, by two loaders that are after the same files at a time.
Status RunCopies(Engine& engine, const JobOptions& options) {
  const std::string table = "delta.`" + options.table + "`";
  const std::string partitions = options.partition_by.empty() ? "" : " PARTITIONED BY (" + options.partition_by + ")";
  // Another process may be making it right now: then COPY INTO finds it.
  const std::string vectors = options.undoes == "vectors" ? " TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')" : "";
  [[maybe_unused]] Status made =
      RunSql(*engine.NewSession("crash"),
             "CREATE TABLE IF NOT EXISTS " + table + " (id BIGINT, event STRING, amount BIGINT, pad STRING) USING delta" + partitions + vectors);
  const std::string files = "COPY INTO " + table + " FROM '" + options.landing + "' FILEFORMAT = " + options.format +
                           " FORMAT_OPTIONS ('recursiveFileLookup' = 'true'" + (options.archives ? ", 'archiveMembers' = 'true'" : "") +
                            (options.bad_records.empty() ? "" : ", 'badRecordsPath' = '" + options.bad_records + "'") +
                           (options.format == "csv" ? ", 'header' = 'true', 'inferSchema' = 'true')" : ")");
  std::string wanted = ", 'zeroCopy' = '" + (options.zero_copy.empty() ? "off" : options.zero_copy) + "'";
  if (!options.quarantine.empty()) wanted += ", 'quarantineTable' = '" + options.quarantine + "'";
  if (!options.on_error.empty()) wanted += ", 'onError' = '" + options.on_error + "'";
  if (options.mirrors) {
    wanted += ", 'changedFiles' = 'replaced', 'deletedFiles' = 'removed', 'deletedFiles.maxFraction' = '1', 'deletedFiles.confirmAfter' = '0 seconds'";
  }
  const std::string copy = files + " COPY_OPTIONS ('force' = 'false'" + wanted + ")";
  MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(copy));
  MS_RETURN_IF_ERROR(DoAtOnce(2, 2, [&](size_t) -> Status {
    MS_ASSIGN_OR_RETURN(QueryResult result, engine.NewSession("crash")->ExecuteCommand(std::get<Command>(statement)));
    MS_ASSIGN_OR_RETURN(RecordBatchPtr counts, result.rows->Next());
    // Rows that may be out for a while are not promised to be there.
    if (!options.undoes.empty() || options.mirrors) return Status();
    std::printf("batch 0 rows %ld\n", static_cast<long>(static_cast<const arrow::Int64Array&>(*counts->column(0)).Value(0)));
    std::fflush(stdout);
    return Status();
  }));
  return options.undoes.empty() ? Status() : UndoAndRedo(*engine.NewSession("crash"), table, files + " COPY_OPTIONS ('replay' = 'true'" + wanted + ")");
}

Status RunJob(const JobOptions& options) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, Engine::Open({.warehouse = options.warehouse}));
  if (options.source == "copy") {
    Status copied = RunCopies(*engine, options);
    if (copied.ok() && options.format == "json" && !options.quarantine.empty()) {
      // A loader beside this one may be at it, or at the table: the next life goes on.
      Status retried = RetryRecords(*engine->NewSession("crash"), options.quarantine);
      if (retried.message().find("failpoint") != std::string::npos) copied = retried;
    }
    engine->Shutdown();
    return copied;
  }
  std::shared_ptr<Session> session = engine->NewSession("crash");
  MS_RETURN_IF_ERROR(session->SetConf("spark.sql.streaming.minBatchesToRetain", std::to_string(options.retain)));
  // Old entries of the logs of files go as soon as they may.
  MS_RETURN_IF_ERROR(session->SetConf("spark.sql.streaming.stateStore.minDeltasForSnapshot", std::to_string(options.deltas)));
  for (const char* key : {"spark.sql.streaming.fileSource.log.cleanupDelay", "spark.sql.streaming.fileSink.log.cleanupDelay"})
    MS_RETURN_IF_ERROR(session->SetConf(key, "0"));
  if (options.by_name) MS_RETURN_IF_ERROR(RunSql(*session, "CREATE DATABASE IF NOT EXISTS crash"));
  session->AddListener([](const StreamingQueryEvent& event) {
    if (event.kind != StreamingQueryEvent::Kind::kProgress) return;
    std::printf("batch %ld rows %ld\n", NumberAfter(event.json, "batchId"), NumberAfter(event.json, "numInputRows"));
    std::fflush(stdout);
  });
  for (const std::string& request : options.requests) {
    Status asked = RunSql(*session, request);
    // The first life has no stream yet that could be asked.
    const bool is_too_early = asked.Is(errors::kCloudFilesStateMissing) || asked.Is(errors::kPathNotFound) || asked.Is(errors::kNoSchemaLog);
    if (!asked.ok() && !is_too_early) return asked;
  }
  StartStream start;
  MS_ASSIGN_OR_RETURN(start.query, Query(*session, options));
  start.format = options.sink;
  if (options.by_name) {
    start.table = MultipartName{"crash", "bronze"};
  } else {
    start.path = options.table;
  }
  if (!options.partition_by.empty()) start.partition_by = {options.partition_by};
  start.options = {{"checkpointLocation", options.checkpoint}, {"mergeSchema", "true"}};
  if (options.sink == "csv") start.options["header"] = "true";
  start.trigger.kind = Trigger::Kind::kAvailableNow;
  MS_ASSIGN_OR_RETURN(StreamingQueryPtr query, session->StartStreamingQuery(start));
  Status ended = query->AwaitTermination(std::nullopt).status();
  if (ended.ok() && !options.external.empty())
    ended = RunSql(*session, "CREATE TABLE IF NOT EXISTS crash.outside (id BIGINT) USING delta LOCATION '" + options.external + "'");
  if (ended.ok() && !options.quarantine.empty()) ended = RetryRecords(*session, options.quarantine);
  if (ended.ok() && !options.promote.empty()) {
    ended = RunSql(*session, "PROMOTE RESCUED (" + options.promote + ") IN " + (options.by_name ? "crash.bronze" : "delta.`" + options.table + "`"));
  }
  if (ended.ok() && options.changes) ended = ChangeRows(*session, options.by_name ? "crash.bronze" : "delta.`" + options.table + "`");
  engine->Shutdown();
  return ended;
}

}  // namespace
}  // namespace millstream

int main(int argc, char** argv) {
  CLI::App app("Loads new files into a Delta table and ends; killed by the crash tests.");
  millstream::JobOptions options;
  bool list_failpoints = false;
  app.add_flag("--list-failpoints", list_failpoints, "Print the names of all failpoints");
  app.add_option("--warehouse", options.warehouse, "Catalog directory");
  app.add_option("--landing", options.landing, "Where new files arrive");
  app.add_option("--table", options.table, "The Delta table's directory");
  app.add_option("--checkpoint", options.checkpoint, "checkpointLocation");
  app.add_option("--schema", options.schema, "cloudFiles.schemaLocation");
  app.add_option("--format", options.format, "cloudFiles.format");
  app.add_option("--max-files", options.max_files, "cloudFiles.maxFilesPerTrigger");
  app.add_option("--source", options.source, "cloudFiles, files, delta, rate or copy (COPY INTO)");
  app.add_option("--sink", options.sink, "delta, json, csv or parquet");
  app.add_option("--retain", options.retain, "spark.sql.streaming.minBatchesToRetain");
  app.add_option("--state", options.state, "deduplicate, aggregate, session or join: the rows go through a query that remembers");
  app.add_option("--deltas", options.deltas, "spark.sql.streaming.stateStore.minDeltasForSnapshot");
  app.add_option("--undoes", options.undoes, "With --source copy: UNDO, REDO and replay at the end, by deletion vectors (vectors) or without (rewrites)");
  app.add_option("--partition-by", options.partition_by, "A column to partition by");
  app.add_flag("--by-name", options.by_name, "Write to the catalog's table crash.bronze instead of --table");
  app.add_option("--external", options.external, "With --by-name: register an external table here at the end");
  app.add_option("--clean", options.clean, "cloudFiles.cleanSource.moveDestination: loaded files are moved there at once");
  app.add_option("--max-file-age", options.max_file_age, "cloudFiles.maxFileAge");
  app.add_option("--file-order", options.file_order, "cloudFiles.fileOrder");
  app.add_flag("--replaces", options.replaces, "cloudFiles.changedFiles = replaced");
  app.add_flag("--retries", options.retries, "cloudFiles.maxFileRetries: some files cannot be read");
  app.add_flag("--continues", options.continues, "cloudFiles.changedFiles = continued: files grow");
  app.add_flag("--archives", options.archives, "archiveMembers: some files are archives");
  app.add_flag("--mirrors", options.mirrors, "deletedFiles = removed: rows leave with their files");
  app.add_option("--request", options.requests, "A statement that asks for files of the stream, before it starts (UNDO FILES IN STREAM …)");
  app.add_option("--quarantine", options.quarantine, "The directory of a quarantine table; bad records are retried at the end");
  app.add_option("--promote", options.promote, "At the end these columns are promoted out of the rescued data: a BIGINT, b BIGINT");
  app.add_option("--bad-records", options.bad_records, "badRecordsPath: a directory for bad records");
  app.add_option("--on-error", options.on_error, "onError of COPY INTO and of cloudFiles");
  app.add_option("--known-from", options.known_from, "cloudFiles.knownFrom");
  app.add_option("--zero-copy", options.zero_copy, "zeroCopy of COPY INTO and of cloudFiles: copy or link");
  app.add_flag("--goes-on", options.goes_on, "cloudFiles.schemaEvolutionMode = addNewColumnsWithoutRestart");
  app.add_flag("--changes", options.changes, "Merge the table's rows into crash.changes at the end, and delete some");
  CLI11_PARSE(app, argc, argv);
  if (list_failpoints) {
    for (std::string_view name : millstream::AllFailpoints()) std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
    return 0;
  }
  millstream::Status status = millstream::ArmFailpointsFromEnvironment();
  if (status.ok()) status = millstream::RunJob(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "crash_job: %s\n", status.message().c_str());
  return 1;
}
