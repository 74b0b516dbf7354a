#pragma once

// used_columns.h   Which columns of a plan somebody asks for.

#include <cstdint>
#include <set>
#include <vector>

#include "plan/logical_plan.h"

namespace millstream {

// Columns that a cut plan is given besides: larger than what the analyzer gives.
inline constexpr int64_t kFirstCutId = int64_t{1} << 40;

// The id of a column of a Project.
ExprId IdOfColumn(const Expr& column);

// The attributes that somebody asks for, from the top down: what nobody does is not read, and not kept in state.
class UsedColumns {
 public:
  explicit UsedColumns(const PlanNode& plan);
  bool Has(ExprId id) const { return all_ || id.value() >= kFirstCutId || ids_.contains(id); }

 private:
  void AddOutput(const PlanNode& plan);
  void Add(const ExprPtr& expr);
  void Add(const std::vector<ExprPtr>& exprs);
  void Visit(const PlanNode& plan);

  std::set<ExprId> ids_;
  bool all_ = false;
};

}  // namespace millstream
