#include "plan/analyzer/scope.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/option_table.h"
#include "plan/function_registry.h"
#include "plan/plan_errors.h"

namespace millstream {

bool SameName(const std::string& a, const std::string& b, bool case_sensitive) {
  if (case_sensitive || a.size() != b.size()) return a == b;
  return std::equal(a.begin(), a.end(), b.begin(),
                    [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y)); });
}

std::string QuotedName(const std::vector<std::string>& parts) {
  std::string quoted;
  for (const std::string& part : parts) {
    quoted += quoted.empty() ? "`" : ".`";
    for (char c : part) quoted += c == '`' ? std::string("``") : std::string(1, c);
    quoted += "`";
  }
  return quoted;
}

Result<ExprPtr> GetFieldOf(ExprPtr child, const std::string& field, const AnalyzerConf& conf) {
  const FunctionDef* function = FindFunction("getfield");
  MS_ASSIGN_OR_RETURN(TypedCall typed, function->rule(*function, {std::move(child), MakeExpr(Literal{Value{field}, DataType::String()})}, conf));
  return MakeExpr(Call{function, std::move(typed.args), typed.type, typed.nullable, conf.ansi ? EvalMode::kAnsi : EvalMode::kLegacy});
}

Result<ExprPtr> Scope::Find(const std::vector<std::string>& parts, const AnalyzerConf& conf) const {
  // A longer qualifier is tried first: in "t.a.b" t may be a table, or a struct column.
  for (size_t name_at = std::min<size_t>(parts.size() - 1, 3) + 1; name_at-- > 0;) {
    std::vector<const AttributeRef*> found;
    for (const AttributeRef& column : columns) {
      if (!SameName(column.name, parts[name_at], conf.case_sensitive) || column.qualifier.size() < name_at) continue;
      bool qualified = true;
      for (size_t i = 0; i < name_at; ++i) {
        qualified = qualified && SameName(column.qualifier[column.qualifier.size() - name_at + i], parts[i], conf.case_sensitive);
      }
      if (qualified) found.push_back(&column);
    }
    if (found.empty()) continue;
    std::set<ExprId> ids;
    for (const AttributeRef* column : found) ids.insert(column->id);
    if (ids.size() > 1) {
      std::string could_be;
      for (const AttributeRef* column : found) {
        std::vector<std::string> full = column->qualifier;
        full.push_back(column->name);
        could_be += (could_be.empty() ? "" : ", ") + QuotedName(full);
      }
      return Status::Error(errors::kAmbiguousReference, {{"name", QuotedName(parts)}, {"referenceNames", "[" + could_be + "]"}});
    }
    AttributeRef column = *found.front();
    column.name = parts[name_at];  // Spark names a column as the query writes it
    ExprPtr expr = MakeExpr(std::move(column));
    for (size_t i = name_at + 1; i < parts.size(); ++i) {
      MS_ASSIGN_OR_RETURN(expr, GetFieldOf(std::move(expr), parts[i], conf));
    }
    return expr;
  }
  return ExprPtr();
}

Status Scope::NotFound(const std::vector<std::string>& parts) const {
  std::vector<std::pair<size_t, std::string>> ranked;
  auto distance = [](const std::string& a, const std::string& b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= b.size(); ++j) {
        size_t above = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
        diagonal = above;
      }
    }
    return row[b.size()];
  };
  const std::string& wanted = parts.back();
  for (const AttributeRef& column : columns) {
    if (ranked.size() >= 2000 || wanted.size() > 1000 || column.name.size() > 1000) break;
    ranked.emplace_back(distance(wanted, column.name), column.name);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (ranked.empty()) return Status::Error(errors::kUnresolvedColumnBare, {{"objectName", QuotedName(parts)}});
  std::string proposal;
  for (size_t i = 0; i < ranked.size() && i < 5; ++i) proposal += (i ? ", " : "") + QuotedName({ranked[i].second});
  return Status::Error(errors::kUnresolvedColumn, {{"objectName", QuotedName(parts)}, {"proposal", proposal}});
}

}  // namespace millstream
