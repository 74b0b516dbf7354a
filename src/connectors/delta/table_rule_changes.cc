#include "connectors/delta/table_rule_changes.h"

#include <algorithm>

#include "connectors/delta/table_rules.h"
#include "delta/check_constraints.h"
#include "delta/delta_errors.h"
#include "delta/features.h"
#include "plan/analyzer/expression_walk.h"
#include "plan/coercion.h"
#include "plan/function_registry.h"
#include "plan/sql/parser.h"

namespace millstream {
namespace {

std::string KeyOfConstraint(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::string(kConstraintPrefix) + name;
}

Result<SnapshotPtr> WritableTable(DeltaLog& log, const std::string& path) {
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log.Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  MS_RETURN_IF_ERROR(CheckWritable(snapshot->protocol, *snapshot->metadata, path));
  return snapshot;
}

Status NoGeneratedColumn(const StructField& column, const std::string& sql, const std::string& reason) {
  return Status::Error(errors::kGeneratedUnsupported, {{"fieldName", column.name}, {"expressionStr", sql}, {"reason", reason}});
}

Status CheckGeneratedColumn(const StructType& schema, const StructField& column, const std::string& sql, const AnalyzerConf& conf) {
  MS_ASSIGN_OR_RETURN(const ExprPtr written, ParseExpression(sql));
  std::string moment;
  Contains(*written, [&](const Expr& part) {
    const auto* function = part.As<UnresolvedFunction>();
    for (const char* name : {"current_timestamp", "now", "current_date", "curdate", "localtimestamp", "current_user", "user", "session_user",
                             "current_database", "current_schema", "current_catalog", "current_timezone"}) {
      if (function && function->name.back() == name) moment = name + std::string("()");
    }
    return !moment.empty();
  });
  if (!moment.empty()) return Status::Error(errors::kDeltaGeneratedUnsupported, {{"expression", moment}});
  std::string refused;
  Contains(*written, [&](const Expr& part) {
    if (part.As<SubqueryExpr>()) refused = "subquery expressions are not allowed for generated columns";
    const auto* named = part.As<UnresolvedAttribute>();
    const std::optional<size_t> at = named ? schema.IndexOf(named->parts[0]) : std::nullopt;
    if (at && schema[*at].name == column.name) {
      refused = "generation expression cannot reference itself";
    } else if (at && GenerationExpressionOf(schema[*at])) {
      refused = "generation expression cannot reference another generated column";
    }
    const auto* function = part.As<UnresolvedFunction>();
    if (function && function->name.size() == 1 && FindFunction(function->name[0]) == nullptr) {
      refused = "failed to resolve `" + function->name[0] + "` to a built-in function";
    }
    return !refused.empty();
  });
  if (!refused.empty()) return NoGeneratedColumn(column, sql, refused);
  StructType others;
  for (const StructField& field : schema) {
    if (!GenerationExpressionOf(field)) others.Add(field);
  }
  MS_ASSIGN_OR_RETURN(const TableExpression value, AnalyzeTableExpression(sql, others, conf));
  if (!value.is_deterministic) return NoGeneratedColumn(column, sql, "generation expression is not deterministic");
  const DataType type = TypeOf(*value.expr);
  if (type.SameType(column.type)) return Status();
  const bool can_store = type.id() == TypeId::kNull || CanCast(type, column.type, EvalMode::kAnsi);
  const bool narrows = type.IsNumeric() && column.type.IsNumeric() && type.id() > column.type.id();
  if (!can_store || narrows) {
    return NoGeneratedColumn(column, sql,
                             "generation expression data type " + type.SimpleString() + " is incompatible with column data type " + column.type.SimpleString());
  }
  return Status::Error(errors::kGeneratedTypeMismatch, {{"columnName", column.name}, {"expressionType", type.Sql()}, {"columnType", column.type.Sql()}});
}

}  // namespace

Result<NewRule> PlanConstraint(DeltaTables& tables, const std::string& path, const std::string& name, const std::string& sql, const AnalyzerConf& conf) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, WritableTable(*log, path));
  const std::string key = KeyOfConstraint(name);
  if (std::optional<std::string> old = snapshot->metadata->Property(key)) {
    return Status::Error(errors::kDeltaConstraintExists, {{"constraintName", name}, {"oldConstraint", *old}});
  }
  MS_ASSIGN_OR_RETURN(TableExpression condition, AnalyzeTableExpression(sql, snapshot->schema(), conf));
  if (TypeOf(*condition.expr).id() != TypeId::kBoolean) {
    const bool has_parentheses = condition.sql.starts_with('(') && condition.sql.ends_with(')');
    const std::string shown = has_parentheses ? condition.sql.substr(1, condition.sql.size() - 2) : condition.sql;
    return Status::Error(errors::kDeltaNonBooleanCheck, {{"name", name}, {"expr", shown}});
  }
  NewRule rule{.version = snapshot->version, .schema = snapshot->schema(), .holds = HoldsOf(condition)};
  rule.commit = [log, snapshot, key, sql, name]() -> Status {
    CommitRequest request{.read = snapshot, .reads_whole_table = true, .operation = "ADD CONSTRAINT", .parameters = {{"name", name}, {"expr", sql}}};
    Metadata metadata = *snapshot->metadata;
    metadata.configuration[key] = sql;
    Protocol protocol = ProtocolWithConstraints(snapshot->protocol);
    if (!(protocol == snapshot->protocol)) request.actions.protocol = std::move(protocol);
    request.actions.metadata = std::move(metadata);
    return log->Commit(std::move(request)).status();
  };
  return rule;
}

Result<bool> DropDeltaConstraint(DeltaTables& tables, const std::string& path, const std::string& name) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, WritableTable(*log, path));
  const std::string key = KeyOfConstraint(name);
  const std::optional<std::string> old = snapshot->metadata->Property(key);
  if (!old) return false;
  CommitRequest request{.read = snapshot, .operation = "DROP CONSTRAINT", .parameters = {{"name", name}, {"expr", *old}, {"existed", "true"}}};
  Metadata metadata = *snapshot->metadata;
  metadata.configuration.erase(key);
  request.actions.metadata = std::move(metadata);
  MS_RETURN_IF_ERROR(log->Commit(std::move(request)).status());
  return true;
}

Status CheckGeneratedColumns(const StructType& schema, const AnalyzerConf& conf) {
  for (const StructField& column : schema) {
    if (const std::optional<std::string> sql = GenerationExpressionOf(column)) MS_RETURN_IF_ERROR(CheckGeneratedColumn(schema, column, *sql, conf));
  }
  return Status();
}

}  // namespace millstream
