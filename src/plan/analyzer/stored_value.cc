#include "plan/analyzer/stored_value.h"

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/scope.h"
#include "plan/coercion.h"
#include "plan/function_registry.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

ExprPtr TextOf(const std::string& text) { return MakeExpr(Literal{Value{text}, DataType::String()}); }

// named_struct(name, value, …)
ExprPtr StructOf(const StructType& fields, std::vector<ExprPtr> values) {
  std::vector<ExprPtr> args;
  for (size_t i = 0; i < fields.size(); ++i) {
    args.push_back(TextOf(fields[i].name));
    args.push_back(std::move(values[i]));
  }
  return CallOf("named_struct", std::move(args), DataType::Struct(fields), false);
}

// Fields are matched by name; those that the value does not have are null.
Result<ExprPtr> StoredStruct(const ExprPtr& value, const DataType& to, const std::string& column, const AnalyzerConf& conf) {
  const DataType from = TypeOf(*value);
  for (const StructField& field : from.fields()) {
    if (to.fields().IndexOf(field.name)) continue;
    return Status::Error(errors::kDeltaUpdateSchemaMismatch, {{"fromCatalog", from.Sql()}, {"toCatalog", to.Sql()}});
  }
  std::vector<ExprPtr> values;
  for (const StructField& field : to.fields()) {
    std::optional<size_t> index = from.fields().IndexOf(field.name);
    ExprPtr part = MakeExpr(Literal{Value{}, field.type});
    if (index) {
      MS_ASSIGN_OR_RETURN(part, GetFieldOf(value, from.fields()[*index].name, conf));
      MS_ASSIGN_OR_RETURN(part, StoredValue(part, field.type, column + "." + field.name, conf));
      part = CastTo(part, field.type, EvalMode::kAnsi);
    }
    values.push_back(std::move(part));
  }
  ExprPtr made = StructOf(to.fields(), std::move(values));
  if (!IsNullable(*value)) return made;
  ExprPtr is_null = CallOf("isnull", {value}, DataType::Boolean(), false);
  return CallOf("when", {is_null, MakeExpr(Literal{Value{}, to}), made}, to, true);
}

}  // namespace

ExprPtr CallOf(const char* function, std::vector<ExprPtr> args, DataType type, bool nullable) {
  return MakeExpr(Call{FindFunction(function), std::move(args), std::move(type), nullable, EvalMode::kAnsi});
}

bool IsDeterministic(const Expr& expr) {
  return !Contains(expr, [](const Expr& part) {
    if (const auto* python = part.As<PythonCall>()) return !python->is_deterministic;
    const auto* call = part.As<Call>();
    if (!call) return false;
    const std::string& name = call->function->name;
    return name == "rand" || name == "randn" || name == "uuid" || name == "shuffle" || name == "monotonically_increasing_id" || name == "randstr" ||
           name == "uniform";
  });
}

Result<ExprPtr> StoredValue(const ExprPtr& value, const DataType& to, const std::string& column, const AnalyzerConf& conf) {
  const DataType from = TypeOf(*value);
  if (from.SameType(to)) return value;
  if (from.id() == TypeId::kNull) return CastTo(value, to, EvalMode::kAnsi);
  if (from.IsIntegral() && to.IsIntegral()) return from.id() < to.id() ? CastTo(value, to, EvalMode::kAnsi) : value;
  if (from.id() == TypeId::kStruct && to.id() == TypeId::kStruct) return StoredStruct(value, to, column, conf);
  if (!CanCast(from, to, EvalMode::kAnsi)) {
    return Status::Error(errors::kCastWithoutSuggestion,
                         {{"sqlExpr", "CAST(" + SqlOf(*value) + " AS " + to.Sql() + ")"}, {"srcType", from.Sql()}, {"targetType", to.Sql()}});
  }
  return MakeExpr(Cast{value, to, EvalMode::kAnsi, true});
}

Result<ExprPtr> AssignedValue(const ExprPtr& old, const DataType& type, const std::vector<AssignedPath>& paths, size_t depth, const std::string& column,
                              const AnalyzerConf& conf) {
  if (paths.empty()) return old;
  if (paths[0].fields.size() == depth) return StoredValue(paths[0].value, type, column, conf);
  std::vector<ExprPtr> values;
  for (const StructField& field : type.fields()) {
    std::vector<AssignedPath> below;
    for (const AssignedPath& path : paths) {
      if (SameName(path.fields[depth], field.name, conf.case_sensitive)) below.push_back(path);
    }
    MS_ASSIGN_OR_RETURN(ExprPtr part, GetFieldOf(old, field.name, conf));
    MS_ASSIGN_OR_RETURN(part, AssignedValue(part, field.type, below, depth + 1, column + "." + field.name, conf));
    values.push_back(CastTo(part, field.type, EvalMode::kAnsi));
  }
  return StructOf(type.fields(), std::move(values));
}

}  // namespace millstream
