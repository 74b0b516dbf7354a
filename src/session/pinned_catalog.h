#pragma once

// pinned_catalog.h   A catalog whose answers stay: a stream's plan is analyzed again for each batch that needs the batch's own time, and must then
// meet the very same sources.

#include <deque>

#include "session/session_catalog.h"

namespace millstream {

// Answers by the order of the questions, which is the same for the same plan. Not thread-safe.
class PinnedCatalog : public Catalog {
 public:
  explicit PinnedCatalog(SessionCatalog catalog) : catalog_(std::move(catalog)) {}
  // The next question is the first again.
  void Rewind() { next_relation_ = next_view_ = 0; }
  // From now on the answer is another one.
  void Replace(const RelationSourcePtr& relation, const RelationSourcePtr& by) {
    for (Result<RelationSourcePtr>& answer : relations_)
      if (answer.ok() && *answer == relation) answer = by;
  }

  Result<PlanPtr> FindView(const std::vector<std::string>& name) override {
    if (next_view_ == views_.size()) views_.push_back(catalog_.FindView(name));
    return views_[next_view_++];
  }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation& relation) override {
    if (next_relation_ == relations_.size()) relations_.push_back(catalog_.FindTable(relation));
    return relations_[next_relation_++];
  }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource& source) override {
    if (next_relation_ == relations_.size()) relations_.push_back(catalog_.OpenDataSource(source));
    return relations_[next_relation_++];
  }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return catalog_.Qualify(name); }
  std::shared_ptr<const PythonCall> FindPythonFunction(const std::string& name) override { return catalog_.FindPythonFunction(name); }

 private:
  SessionCatalog catalog_;
  std::deque<Result<PlanPtr>> views_;
  std::deque<Result<RelationSourcePtr>> relations_;
  size_t next_view_ = 0, next_relation_ = 0;
};

}  // namespace millstream
