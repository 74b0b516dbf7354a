#pragma once

// session_catalog.h   What names mean in one session: temporary views, then tables of the warehouse, then format.`path`.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "connectors/files/files_connector.h"
#include "plan/catalog.h"
#include "plan/command.h"
#include "session/engine_state.h"
#include "session/names.h"
#include "session/session_conf.h"

namespace millstream {

// A table that a name or path means, before anything of it is read.
struct ResolvedTable {
  std::string provider;             // "delta", "json" …
  std::string location;             // raw path
  std::string name;                 // for plans: spark_catalog.default.t, or delta.`/path`
  std::optional<TableEntry> entry;  // absent: by path
};

// Python functions of a session, by their names in lower case.
using FunctionMap = std::map<std::string, std::shared_ptr<const PythonCall>>;

// Thread-safe. Lives for one statement: it sees the current database and the settings as they are when it is made.
class SessionCatalog : public Catalog {
 public:
  SessionCatalog(EngineState& engine, const SessionConf& conf, const ViewMap& views, std::string current_database, FunctionMap functions)
      : engine_(engine), conf_(conf), views_(views), current_database_(std::move(current_database)), functions_(std::move(functions)) {}

  Result<PlanPtr> FindView(const std::vector<std::string>& name) override;
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation& relation) override;
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource& source) override;
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override;
  std::shared_ptr<const PythonCall> FindPythonFunction(const std::string& name) override;

  // nullopt: no such table. A database that is not there is no table either.
  Result<std::optional<ResolvedTable>> Resolve(const MultipartName& name);
  // As Resolve, but TABLE_OR_VIEW_NOT_FOUND.
  Result<ResolvedTable> Require(const MultipartName& name);
  Status NotFound(const MultipartName& name, bool fully_qualified = false) const;
  // SCHEMA_NOT_FOUND.
  Result<DatabaseEntry> RequireDatabase(const std::string& name);
  // The format that an empty one means.
  std::string FormatOrDefault(const std::string& format) const;
  // With the session's settings. Refers to the engine.
  FilesContext files_context() const;

 private:
  Result<RelationSourcePtr> OpenTable(const ResolvedTable& table, const OptionMap& options, bool is_streaming);
  Result<RelationSourcePtr> OpenDelta(const std::string& path, const std::string& name, const OptionMap& options, bool is_streaming);

  EngineState& engine_;
  const SessionConf& conf_;
  const ViewMap& views_;
  const std::string current_database_;
  const FunctionMap functions_;
};

// One of the formats that are read and written by path.
bool IsDeltaFormat(std::string_view format);

}  // namespace millstream
