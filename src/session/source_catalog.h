#pragma once

// source_catalog.h   The session's catalog, which knows one more source, under the format kCopySourceFormat: what a statement is about that has no name.

#include "plan/command.h"
#include "session/session_catalog.h"

namespace millstream {

class SourceCatalog : public Catalog {
 public:
  SourceCatalog(SessionCatalog catalog, RelationSourcePtr source) : catalog_(std::move(catalog)), source_(std::move(source)) {}
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
