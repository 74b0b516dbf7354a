#pragma once

// copy_catalog.h   What COPY INTO and its dry run share: the options, and names in a SELECT over the files.

#include <string>
#include <utility>
#include <vector>

#include "connectors/files/copy_source.h"
#include "session/session_catalog.h"

namespace millstream {

const OptionTable& CopyOptionTable();
// Features that the statement asks for and that do not go together, or are not here: COPY_INTO_FEATURE_INCOMPATIBLE_SETTING …
Status CheckCopyFeatures(const CopyInto& command);
CopySourceOptions CopyOptionsOf(const CopyInto& command, bool force, bool refuses_empty_source);
// Each row of the files is a row of the table: nothing in the plan filters or repeats them.
bool KeepsRows(const PlanNode& analyzed);

// The session's catalog, which knows the files of this COPY INTO too.
class CopyCatalog : public Catalog {
 public:
  CopyCatalog(SessionCatalog catalog, RelationSourcePtr source) : catalog_(std::move(catalog)), source_(std::move(source)) {}
  Result<PlanPtr> FindView(const std::vector<std::string>& name) override { return catalog_.FindView(name); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation& relation) override { return catalog_.FindTable(relation); }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource& source) override {
    if (source.format == kCopySourceFormat) return source_;
    return catalog_.OpenDataSource(source);
  }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return catalog_.Qualify(name); }

 private:
  SessionCatalog catalog_;
  const RelationSourcePtr source_;
};

}  // namespace millstream
