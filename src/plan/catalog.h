#pragma once

// catalog.h   What the analyzer asks the world: which relation a name or a reader means. The session answers.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/logical_plan.h"

namespace millstream {

// An option of a relation: not the table's rows are asked for, but what its file ledger holds.
inline constexpr char kCopyStateOption[] = "copyIntoState";

class Catalog {
 public:
  virtual ~Catalog() = default;
  // The unanalyzed plan of a temporary view (checked first, as in Spark); nullptr: no such view.
  virtual Result<PlanPtr> FindView(const std::vector<std::string>& name) = 0;
  // A table by name; also "delta.`/path`". Error: TABLE_OR_VIEW_NOT_FOUND (42P01).
  virtual Result<RelationSourcePtr> FindTable(const UnresolvedRelation& relation) = 0;
  // A reader: checks its options, infers its schema. Errors are the connector's.
  virtual Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource& source) = 0;
  // A Python function that the session has registered (spark.udf.register); nullptr: there is none. Its arguments are empty.
  virtual std::shared_ptr<const PythonCall> FindPythonFunction(const std::string& /*name*/) { return nullptr; }
  // Fully qualified name of a table as FindTable would take it: ["spark_catalog", "default", "t"].
  virtual std::vector<std::string> Qualify(const std::vector<std::string>& name) = 0;
};

}  // namespace millstream
