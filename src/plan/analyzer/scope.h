#pragma once

// scope.h   The columns that a name may mean at one place of a query.

#include <optional>
#include <string>
#include <vector>

#include "plan/analyzer.h"
#include "plan/expression.h"

namespace millstream {

struct Scope {
  std::vector<AttributeRef> columns;
  const Scope* outer = nullptr;  // of the query around a subquery

  // The column (with getfield calls for the parts after it) that a dotted name means; nullptr: none.
  // AMBIGUOUS_REFERENCE when several could be meant. Does not look outside.
  Result<ExprPtr> Find(const std::vector<std::string>& parts, const AnalyzerConf& conf) const;
  // UNRESOLVED_COLUMN with the nearest names.
  Status NotFound(const std::vector<std::string>& parts) const;
};

bool SameName(const std::string& a, const std::string& b, bool case_sensitive);
// child.field, typed.
Result<ExprPtr> GetFieldOf(ExprPtr child, const std::string& field, const AnalyzerConf& conf);
// `a`.`b`
std::string QuotedName(const std::vector<std::string>& parts);

}  // namespace millstream
