#include "session/local_session.h"

#include <algorithm>

#include "connectors/delta/delta_connector.h"
#include "session/session_errors.h"
#include "storage/failpoint.h"

namespace millstream {

int64_t Listeners::Add(std::function<void(const StreamingQueryEvent&)> listener) {
  std::lock_guard lock(mutex_);
  listeners_[next_handle_] = std::make_shared<std::function<void(const StreamingQueryEvent&)>>(std::move(listener));
  return next_handle_++;
}

void Listeners::Remove(int64_t handle) {
  std::lock_guard lock(mutex_);
  listeners_.erase(handle);
}

void Listeners::Call(const StreamingQueryEvent& event) {
  std::vector<std::shared_ptr<std::function<void(const StreamingQueryEvent&)>>> called;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [handle, listener] : listeners_) called.push_back(listener);
  }
  // Not under the lock: a listener may remove itself.
  for (const auto& listener : called) (*listener)(event);
}

LocalSession::LocalSession(std::shared_ptr<EngineState> engine, std::string user)
    : engine_(std::move(engine)),
      user_(std::move(user)),
      conf_({{"spark.sql.warehouse.dir", HadoopPathString(engine_->warehouse.directory())}}),
      streams_(std::make_shared<SessionStreams>(engine_->clock)) {}

LocalSession::~LocalSession() { streams_->queries.StopAll(); }

Status LocalSession::SetConf(const std::string& key, const std::string& value) {
  return key.starts_with(kTestingPrefix) ? ControlTest(key, value) : conf_.Set(key, value);
}

std::optional<std::string> LocalSession::GetConf(const std::string& key) const {
  if (key == kTestingClock && engine_->options.testing) return std::to_string(engine_->clock.WallMillis());
  return conf_.Get(key);
}

Status LocalSession::ControlTest(const std::string& key, const std::string& value) {
  if (!engine_->options.testing) return Status::Unsupported(key + " outside of tests", "Start the server with: millstream serve --testing");
  if (key == kTestingFailpoints) return ArmFailpoints(value);
  if (key != kTestingClock) return Status::Error(errors::kSqlConfNotFound, {{"sqlConf", "\"" + key + "\""}});
  MS_RETURN_IF_ERROR(engine_->held_clock.Set(value));
  // What the new time asks of the queries is done when this returns.
  for (const StreamingQueryPtr& query : ActiveQueries()) query->AwaitClock();
  return Status();
}

AnalyzerConf LocalSession::analyzer_conf() const {
  AnalyzerConf conf;
  conf.ansi = conf_.GetBool("spark.sql.ansi.enabled");
  conf.case_sensitive = conf_.GetBool("spark.sql.caseSensitive");
  conf.time_zone = conf_.Get("spark.sql.session.timeZone").value_or("UTC");
  conf.now_us = engine_->clock.WallMillis() * 1000;
  conf.current_database = current_database();
  conf.current_user = user_;
  return conf;
}

ComputeConf LocalSession::compute_conf() const {
  return ComputeConf{.time_zone = conf_.Get("spark.sql.session.timeZone").value_or("UTC"),
                     .threads = engine_->options.threads,
                     .memory_bytes_max = engine_->options.memory_bytes_max};
}

RuleConf LocalSession::rule_conf() const {
  return {.time_zone = conf_.Get("spark.sql.session.timeZone").value_or("UTC"), .ansi = conf_.GetBool("spark.sql.ansi.enabled")};
}

SessionCatalog LocalSession::MakeCatalog() const {
  std::lock_guard lock(mutex_);
  return SessionCatalog(*engine_, conf_, views_, current_database_, functions_);
}

void LocalSession::RegisterFunction(const std::string& name, std::shared_ptr<const PythonCall> function) {
  std::lock_guard lock(mutex_);
  functions_[LowerCase(name)] = std::move(function);
}

std::string LocalSession::current_database() const {
  std::lock_guard lock(mutex_);
  return current_database_;
}

Status LocalSession::SetCurrentDatabase(const std::string& name) {
  MS_ASSIGN_OR_RETURN(std::string normalized, NormalizeName(name));
  MS_RETURN_IF_ERROR(MakeCatalog().RequireDatabase(normalized).status());
  std::lock_guard lock(mutex_);
  current_database_ = normalized;
  return Status();
}

Status LocalSession::CreateTempView(const std::string& name, const PlanPtr& plan, bool replace, bool global) {
  // Its errors belong to the one who makes the view, not to the one who reads it.
  MS_ASSIGN_OR_RETURN(PlanPtr whole, WithPivotValues(plan));
  MS_RETURN_IF_ERROR(AnalyzePlan(whole).status());
  ViewMap& views = global ? engine_->global_views : views_;
  if (!views.Put(LowerCase(name), whole, replace)) {
    const MultipartName shown = global ? MultipartName{std::string(kGlobalTempDatabase), name} : MultipartName{name};
    return Status::Error(errors::kTempTableOrViewAlreadyExists, {{"relationName", QuoteName(shown)}});
  }
  return Status();
}

Result<bool> LocalSession::DropTempView(const std::string& name, bool global) { return (global ? engine_->global_views : views_).Drop(LowerCase(name)); }

Result<std::vector<Session::TableInfo>> LocalSession::ListTables(const std::optional<std::string>& database, const std::optional<std::string>& pattern) {
  std::vector<TableInfo> tables;
  auto wanted = [&](const std::string& name) { return !pattern || MatchesPattern(name, *pattern); };
  const std::string name = database ? LowerCase(*database) : current_database();
  if (name == kGlobalTempDatabase) {
    for (const std::string& view : engine_->global_views.Names())
      if (wanted(view)) tables.push_back({.name = view, .database = name, .table_type = "TEMPORARY", .description = {}, .is_temporary = true});
  } else {
    MS_ASSIGN_OR_RETURN(DatabaseEntry entry, MakeCatalog().RequireDatabase(name));
    MS_ASSIGN_OR_RETURN(std::vector<std::string> names, engine_->warehouse.ListTables(entry));
    for (const std::string& table_name : names) {
      if (!wanted(table_name)) continue;
      MS_ASSIGN_OR_RETURN(std::optional<TableEntry> table, engine_->warehouse.FindTable(entry, table_name));
      // It may have been dropped since the listing.
      if (!table) continue;
      tables.push_back({.name = table_name, .database = name, .table_type = table->is_managed ? "MANAGED" : "EXTERNAL", .description = table->comment});
    }
  }
  for (const std::string& view : views_.Names())
    if (wanted(view)) tables.push_back({.name = view, .database = "", .table_type = "TEMPORARY", .description = {}, .is_temporary = true});
  return tables;
}

Result<std::vector<Session::DatabaseInfo>> LocalSession::ListDatabases(const std::optional<std::string>& pattern) {
  MS_ASSIGN_OR_RETURN(std::vector<std::string> names, engine_->warehouse.ListDatabases());
  std::vector<DatabaseInfo> databases;
  for (const std::string& name : names) {
    if (pattern && !MatchesPattern(name, *pattern)) continue;
    MS_ASSIGN_OR_RETURN(std::optional<DatabaseEntry> entry, engine_->warehouse.FindDatabase(name));
    if (entry) databases.push_back({.name = name, .description = entry->comment.value_or(""), .location_uri = HadoopPathString(entry->location)});
  }
  return databases;
}

Result<bool> LocalSession::TableExists(const MultipartName& name) {
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(PlanPtr view, catalog.FindView(name));
  if (view != nullptr) return true;
  MS_ASSIGN_OR_RETURN(std::optional<ResolvedTable> table, catalog.Resolve(name));
  return table.has_value();
}

}  // namespace millstream
