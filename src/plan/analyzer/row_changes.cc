// Names and types of DELETE, UPDATE and MERGE. The plan that runs them is made in change_plan.cc.

#include "plan/row_changes.h"

#include <algorithm>
#include <set>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/plan_analyzer.h"
#include "plan/analyzer/stored_value.h"
#include "plan/coercion.h"
#include "plan/plan_errors.h"
#include "plan/table_expressions.h"
#include "types/generated_column.h"

namespace millstream {
namespace {

using When = RowChanges::When;
using Kind = MergeClause::Kind;

const char* NameOf(Kind kind) { return kind == Kind::kUpdate ? "UPDATE" : kind == Kind::kDelete ? "DELETE" : "INSERT"; }

// Analyzes the parts of one statement; all ids are of one PlanAnalyzer.
class ChangeAnalyzer {
 public:
  ChangeAnalyzer(Catalog& catalog, const AnalyzerConf& conf) : conf_(conf), plans_(catalog, conf) {}

  Status OpenTarget(const RelationSourcePtr& table, const std::vector<std::string>& name, const std::string& alias) {
    PlanPtr scan = MakePlan(SubqueryAlias{alias.empty() ? name : std::vector<std::string>{alias}, {}, MakePlan(ScanRelation{table, {}})});
    MS_ASSIGN_OR_RETURN(changes_.target, plans_.AnalyzeWithHidden(scan));
    for (const AttributeRef& column : OutputOf(*changes_.target)) {
      if (column.name == kRowFileColumn && plans_.IsHidden(column.id)) {
        changes_.file = column;
      } else if (column.name == kRowIndexColumn && plans_.IsHidden(column.id)) {
        changes_.row = column;
      } else {
        changes_.columns.push_back(column);
      }
    }
    return Status();
  }

  Status OpenSource(const PlanPtr& source) {
    MS_ASSIGN_OR_RETURN(changes_.source, plans_.AnalyzeQuery(source));
    source_columns_ = OutputOf(*changes_.source);
    return Status();
  }

  const std::vector<AttributeRef>& source_columns() const { return source_columns_; }

  Scope ScopeFor(std::optional<When> when) const {
    Scope scope;
    if (when != When::kNotMatchedBySource) scope.columns = source_columns_;
    if (when != When::kNotMatched) scope.columns.insert(scope.columns.end(), changes_.columns.begin(), changes_.columns.end());
    return scope;
  }

  // `clause` is null outside of MERGE.
  Result<ExprPtr> Resolve(const ExprPtr& expr, const Scope& scope, const char* clause) {
    if (DepthOf(*expr) > kMaxPlanDepth) {
      return Status::Error(errors::kPlanTooDeep, {{"what", "an expression of more than " + std::to_string(kMaxPlanDepth) + " levels"}});
    }
    ExpressionAnalyzer expressions(plans_, scope);
    Result<ExprPtr> resolved = expressions.Resolve(expr);
    if (!resolved.ok()) return clause ? InMerge(resolved.status(), scope, clause) : resolved.status();
    ExprPtr value = *resolved;
    if (const auto* alias = value->As<Alias>()) value = alias->child;
    if (IsAggregate(*value) || HasWindow(*value) || IsGenerator(*value)) {
      std::string refused;
      Contains(*value, [&](const Expr& part) {
        const bool is_refused = part.As<AggregateCall>() || part.As<WindowCall>() || IsGenerator(part);
        if (is_refused) refused = SqlOf(part);
        return is_refused;
      });
      return Status::Error(errors::kUnsupportedExprForOperator, {{"invalidExprSqls", "\"" + refused + "\""}});
    }
    return value;
  }

  // `operation` as in "Subqueries are not supported in the <operation>".
  Result<ExprPtr> Condition(const ExprPtr& expr, const Scope& scope, const std::string& operation, const char* clause) {
    if (!expr) return ExprPtr();
    MS_ASSIGN_OR_RETURN(ExprPtr condition, Resolve(expr, scope, clause));
    if (Contains(*condition, [](const Expr& part) { return part.As<SubqueryExpr>() != nullptr; })) {
      return Status::Error(errors::kDeltaUnsupportedSubquery, {{"operation", operation}, {"cond", SqlOf(*condition)}});
    }
    if (!IsDeterministic(*condition)) {
      if (clause) return Status::Error(errors::kDeltaNonDeterministic, {{"operation", operation}, {"expression", "(condition = " + SqlOf(*condition) + ")"}});
      return Status::Error(errors::kNonDeterministicExpression, {{"sqlExprs", "\"" + SqlOf(*condition) + "\""}});
    }
    const DataType type = TypeOf(*condition);
    // Only MERGE's conditions and UPDATE's are cast, as Delta's own analysis does.
    if (type.id() != TypeId::kBoolean && operation != "DELETE" && CanCast(type, DataType::Boolean(), ModeOf(conf_)))
      condition = CastTo(condition, DataType::Boolean(), ModeOf(conf_));
    if (TypeOf(*condition).id() != TypeId::kBoolean) {
      return Status::Error(errors::kFilterNotBoolean, {{"sqlExpr", SqlOf(*condition)}, {"filter", SqlOf(*condition)}, {"type", type.Sql()}});
    }
    return condition;
  }

  // One value a column of the table; a column without an assignment keeps `otherwise` (null: NULL).
  Result<std::vector<ExprPtr>> Values(const std::vector<Assignment>& assignments, const Scope& values_scope, bool is_insert, const char* clause) {
    Scope target{changes_.columns};
    std::vector<AssignedPath> paths;
    std::string written;
    for (const Assignment& assignment : assignments) {
      MS_ASSIGN_OR_RETURN(AssignedPath path, PathOf(assignment, target, clause));
      if (is_insert && !path.fields.empty()) {
        return Status::Error(errors::kDeltaNestedFieldUnsupported, {{"operation", "INSERT clause of MERGE operation"}, {"fieldName", DottedPath(assignment)}});
      }
      if (assignment.value) {
        MS_ASSIGN_OR_RETURN(path.value, Resolve(assignment.value, values_scope, clause));
      } else {
        path.value = MakeExpr(Literal{Value{}, DataType::Null()});
      }
      if (!clause) MS_RETURN_IF_ERROR(CheckAllFieldsThere(*path.value, TypeAt(changes_.columns[path.column].type, path.fields)));
      written += (written.empty() ? "`" : ", `") + DottedPath(assignment) + "`";
      for (const AssignedPath& other : paths) {
        const size_t shared = std::min(other.fields.size(), path.fields.size());
        if (other.column != path.column || !std::equal(other.fields.begin(), other.fields.begin() + static_cast<ptrdiff_t>(shared), path.fields.begin()))
          continue;
        if (is_insert) return Status::Error(errors::kDeltaDuplicateColumnsOnInsert);
        return Status::Error(errors::kDeltaConflictSetColumn, {{"columnList", "[" + WrittenColumns(assignments) + "]"}});
      }
      paths.push_back(std::move(path));
    }
    std::vector<ExprPtr> values;
    std::vector<bool> is_given;
    for (size_t i = 0; i < changes_.columns.size(); ++i) {
      ExprPtr old = is_insert ? MakeExpr(Literal{Value{}, changes_.columns[i].type}) : MakeExpr(changes_.columns[i]);
      std::vector<AssignedPath> here;
      for (const AssignedPath& path : paths) {
        if (path.column == i) here.push_back(path);
      }
      MS_ASSIGN_OR_RETURN(ExprPtr value, AssignedValue(old, changes_.columns[i].type, here, 0, changes_.columns[i].name, conf_));
      values.push_back(std::move(value));
      is_given.push_back(!here.empty());
    }
    MS_RETURN_IF_ERROR(Generate(is_given, values));
    return values;
  }

  // SET *, INSERT *: by name, out of the source alone.
  Result<std::vector<ExprPtr>> StarValues(bool is_insert, bool evolves, const char* clause) {
    Scope source{source_columns_};
    std::vector<ExprPtr> values;
    std::vector<bool> is_given;
    for (const AttributeRef& column : changes_.columns) {
      MS_ASSIGN_OR_RETURN(ExprPtr value, source.Find({column.name}, conf_));
      if (!value && !evolves) return Unresolved(column.name, source, clause);
      is_given.push_back(value != nullptr);
      if (value) {
        MS_ASSIGN_OR_RETURN(value, StoredValue(value, column.type, column.name, conf_));
      } else {
        value = is_insert ? MakeExpr(Literal{Value{}, column.type}) : MakeExpr(column);
      }
      values.push_back(std::move(value));
    }
    MS_RETURN_IF_ERROR(Generate(is_given, values));
    return values;
  }

  RowChanges& changes() { return changes_; }

 private:
  // Generated columns that are given no value follow from the row's other values.
  Status Generate(const std::vector<bool>& is_given, std::vector<ExprPtr>& values) const {
    StructType table;
    for (const AttributeRef& column : changes_.columns) table.Add({column.name, column.type, column.nullable, column.metadata});
    std::vector<ExprPtr> stored;  // of the columns' types
    for (size_t i = 0; i < values.size(); ++i) stored.push_back(CastTo(values[i], table[i].type, EvalMode::kAnsi));
    for (size_t i = 0; i < values.size(); ++i) {
      if (is_given[i]) continue;
      const std::optional<std::string> sql = GenerationExpressionOf(table[i]);
      if (!sql) continue;
      MS_ASSIGN_OR_RETURN(const TableExpression expression, AnalyzeTableExpression(*sql, table, conf_));
      values[i] = CastTo(OnValues(expression, stored), table[i].type, EvalMode::kAnsi);
    }
    return Status();
  }

  static std::string DottedPath(const Assignment& assignment) {
    std::string text;
    for (const std::string& part : assignment.column) text += (text.empty() ? "" : ".") + part;
    return text;
  }

  static std::string WrittenColumns(const std::vector<Assignment>& assignments) {
    std::string text;
    for (const Assignment& assignment : assignments) text += (text.empty() ? "`" : ", `") + DottedPath(assignment) + "`";
    return text;
  }

  DataType TypeAt(DataType type, const std::vector<std::string>& fields) const {
    for (const std::string& field : fields) {
      const std::optional<size_t> index = type.fields().IndexOf(field);
      if (!index) return type;
      type = DataType(type.fields()[*index].type);
    }
    return type;
  }

  // UPDATE wants a struct with every field of the column's; MERGE fills up what a source does not have.
  static Status CheckAllFieldsThere(const Expr& value, const DataType& to) {
    const DataType from = TypeOf(value);
    return HasFieldsOf(from, to) ? Status()
                                 : Status::Error(errors::kDeltaUpdateSchemaMismatch, {{"fromCatalog", from.SimpleString()}, {"toCatalog", to.SimpleString()}});
  }

  static bool HasFieldsOf(const DataType& from, const DataType& to) {
    if (from.id() != TypeId::kStruct || to.id() != TypeId::kStruct) return true;
    return std::all_of(to.fields().begin(), to.fields().end(), [&](const StructField& field) {
      const std::optional<size_t> index = from.fields().IndexOf(field.name);
      return index && HasFieldsOf(from.fields()[*index].type, field.type);
    });
  }

  Result<AssignedPath> PathOf(const Assignment& assignment, const Scope& target, const char* clause) const {
    Result<ExprPtr> found = target.Find(assignment.column, conf_);
    if (!found.ok()) return clause ? InMerge(found.status(), target, clause) : found.status();
    if (!*found) return clause ? Unresolved(DottedPath(assignment), target, clause) : target.NotFound(assignment.column);
    AssignedPath path;
    ExprPtr expr = *found;
    while (const auto* call = expr->As<Call>()) {
      const auto* name = call->args.size() == 2 ? call->args[1]->As<Literal>() : nullptr;
      if (call->function->name != "getfield" || !name || TypeOf(*call->args[0]).id() != TypeId::kStruct) {
        return Status::Error(errors::kDeltaNestedFieldUnsupported, {{"operation", clause ? "MERGE" : "UPDATE"}, {"fieldName", DottedPath(assignment)}});
      }
      path.fields.insert(path.fields.begin(), std::get<std::string>(name->value.held));
      expr = call->args[0];
    }
    const auto* column = expr->As<AttributeRef>();
    if (!column) return Status::Internal("an assignment to " + SqlOf(*expr));
    for (size_t i = 0; i < changes_.columns.size(); ++i) {
      if (changes_.columns[i].id == column->id) path.column = i;
    }
    return path;
  }

  Status Unresolved(const std::string& name, const Scope& scope, const char* clause) const {
    std::string columns;
    for (const AttributeRef& column : scope.columns) {
      columns += columns.empty() ? "" : ", ";
      for (const std::string& part : column.qualifier) columns += part + ".";
      columns += column.name;
    }
    return Status::Error(errors::kDeltaMergeUnresolved, {{"sqlExpr", name}, {"clause", clause}, {"cols", columns}});
  }

  Status InMerge(Status status, const Scope& scope, const char* clause) const {
    if (!status.Is(errors::kUnresolvedColumn) && !status.Is(errors::kUnresolvedColumnBare)) return status;
    auto name = status.params().find("objectName");
    std::string plain = name == status.params().end() ? "" : name->second;
    std::erase(plain, '`');
    return Unresolved(plain, scope, clause);
  }

  const AnalyzerConf& conf_;
  PlanAnalyzer plans_;
  RowChanges changes_;
  std::vector<AttributeRef> source_columns_;
};

Status AddClauses(ChangeAnalyzer& analyzer, const std::vector<MergeClause>& clauses, When when, bool evolves) {
  const Scope scope = analyzer.ScopeFor(when);
  for (const MergeClause& written : clauses) {
    RowChanges::Clause clause{.when = when, .action = written.kind};
    const std::string name = NameOf(written.kind);
    MS_ASSIGN_OR_RETURN(clause.condition, analyzer.Condition(written.condition, scope, name + " condition of MERGE operation", (name + " condition").c_str()));
    const std::string clause_name = name + " clause";
    if (written.kind != Kind::kDelete && written.is_star) {
      MS_ASSIGN_OR_RETURN(clause.values, analyzer.StarValues(written.kind == Kind::kInsert, evolves, clause_name.c_str()));
    } else if (written.kind != Kind::kDelete) {
      MS_ASSIGN_OR_RETURN(clause.values, analyzer.Values(written.assignments, scope, written.kind == Kind::kInsert, clause_name.c_str()));
    }
    analyzer.changes().clauses.push_back(std::move(clause));
  }
  return Status();
}

}  // namespace

bool RowChanges::Has(When when) const {
  return std::any_of(clauses.begin(), clauses.end(), [&](const Clause& clause) { return clause.when == when; });
}

bool RowChanges::IsOnlyDelete() const {
  return clauses.size() == 1 && clauses[0].when == When::kMatched && clauses[0].action == Kind::kDelete && !clauses[0].condition;
}

Result<RowChanges> AnalyzeDelete(const DeleteFrom& statement, const RelationSourcePtr& table, const std::vector<std::string>& name, Catalog& catalog,
                                 const AnalyzerConf& conf) {
  ChangeAnalyzer analyzer(catalog, conf);
  MS_RETURN_IF_ERROR(analyzer.OpenTarget(table, name, statement.target.alias));
  MS_ASSIGN_OR_RETURN(analyzer.changes().condition, analyzer.Condition(statement.condition, analyzer.ScopeFor(When::kMatched), "DELETE", nullptr));
  analyzer.changes().clauses.push_back({.action = Kind::kDelete});
  return std::move(analyzer.changes());
}

Result<RowChanges> AnalyzeUpdate(const UpdateTable& statement, const RelationSourcePtr& table, const std::vector<std::string>& name, Catalog& catalog,
                                 const AnalyzerConf& conf) {
  ChangeAnalyzer analyzer(catalog, conf);
  MS_RETURN_IF_ERROR(analyzer.OpenTarget(table, name, statement.target.alias));
  const Scope scope = analyzer.ScopeFor(When::kMatched);
  RowChanges::Clause clause{.action = Kind::kUpdate};
  MS_ASSIGN_OR_RETURN(clause.values, analyzer.Values(statement.assignments, scope, false, nullptr));
  if (!std::all_of(clause.values.begin(), clause.values.end(), [](const ExprPtr& value) { return IsDeterministic(*value); })) {
    std::string values;
    for (const ExprPtr& value : clause.values) values += (values.empty() ? "\"" : ", \"") + SqlOf(*value) + "\"";
    return Status::Error(errors::kNonDeterministicExpression, {{"sqlExprs", values}});
  }
  MS_ASSIGN_OR_RETURN(analyzer.changes().condition, analyzer.Condition(statement.condition, scope, "UPDATE", nullptr));
  analyzer.changes().clauses.push_back(std::move(clause));
  return std::move(analyzer.changes());
}

Result<RowChanges> AnalyzeMerge(const MergeInto& statement, const RelationSourcePtr& table, const std::vector<std::string>& name, bool evolves,
                                Catalog& catalog, const AnalyzerConf& conf) {
  ChangeAnalyzer analyzer(catalog, conf);
  MS_RETURN_IF_ERROR(analyzer.OpenTarget(table, name, statement.target.alias));
  MS_RETURN_IF_ERROR(analyzer.OpenSource(statement.source));
  MS_ASSIGN_OR_RETURN(analyzer.changes().condition,
                      analyzer.Condition(statement.condition, analyzer.ScopeFor(std::nullopt), "search condition of MERGE operation", "search condition"));
  MS_RETURN_IF_ERROR(AddClauses(analyzer, statement.matched, When::kMatched, evolves));
  MS_RETURN_IF_ERROR(AddClauses(analyzer, statement.not_matched, When::kNotMatched, evolves));
  MS_RETURN_IF_ERROR(AddClauses(analyzer, statement.not_matched_by_source, When::kNotMatchedBySource, evolves));
  return std::move(analyzer.changes());
}

}  // namespace millstream
