#pragma once

// expression.h   Expressions, as the user wrote them and as the analyzer has typed them. Immutable; shared freely between plans and threads.
//
// A door or the SQL parser builds the "as written" kinds. The analyzer replaces them: after it, only Literal, Alias, Cast, SortOrder,
// AttributeRef, Call, AggregateCall, WindowCall, LambdaExpr and SubqueryExpr (with a resolved plan) are left.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "types/data_type.h"
#include "types/value.h"

namespace millstream {

struct Expr;
struct PlanNode;
struct FunctionDef;  // plan/function_registry.h
class PythonCode;    // plan/python_code.h
using ExprPtr = std::shared_ptr<const Expr>;
using PlanPtr = std::shared_ptr<const PlanNode>;

// spark.sql.ansi.enabled decides between the first two where the user wrote neither try_ nor an explicit mode.
enum class EvalMode { kAnsi, kLegacy, kTry };

// ---- as written

struct UnresolvedAttribute {
  std::vector<std::string> parts;   // a.b.c
  std::optional<int64_t> plan_id;   // DataFrame column df["c"]: the node of the plan that it belongs to
  bool is_metadata_column = false;  // df.metadataColumn("_metadata")
};
struct UnresolvedStar {
  std::vector<std::string> target;  // t.* or struct.*; empty: *
  std::optional<int64_t> plan_id;
};
struct UnresolvedRegex {
  std::string pattern;  // df.colRegex("`a.*`")
  std::optional<int64_t> plan_id;
};
// All operators are functions too, under Spark's names: "==", "+", "and", "not", "in", "like", "between", "isnull", "when", "[]".
struct UnresolvedFunction {
  std::vector<std::string> name;
  std::vector<ExprPtr> args;
  bool is_distinct = false;
  ExprPtr filter;  // FILTER (WHERE …), or null
  bool ignore_nulls = false;
  std::vector<std::pair<size_t, std::string>> named_args;  // position in args → name
};
struct UnresolvedExtractValue {  // child[extraction], child.field
  ExprPtr child;
  ExprPtr extraction;
};
struct LambdaExpr {  // x -> x + 1; params are LambdaVariable names, resolved by the analyzer to ids
  ExprPtr body;
  std::vector<std::string> params;
  std::vector<ExprId> param_ids;      // after analysis
  std::vector<DataType> param_types;  // after analysis
};
struct LambdaVariable {
  std::string name;
};
struct WindowFrame {
  enum class Unit { kRows, kRange } unit = Unit::kRange;
  struct Bound {
    enum class Kind { kUnboundedPreceding, kPreceding, kCurrentRow, kFollowing, kUnboundedFollowing } kind;
    ExprPtr offset;  // of kPreceding and kFollowing
  };
  Bound lower{Bound::Kind::kUnboundedPreceding, nullptr};
  Bound upper{Bound::Kind::kCurrentRow, nullptr};
};
// function OVER (…). Before analysis `function` is an UnresolvedFunction, after it a Call or AggregateCall.
struct WindowCall {
  ExprPtr function;
  std::vector<ExprPtr> partition_by;
  std::vector<ExprPtr> order_by;  // SortOrder
  std::optional<WindowFrame> frame;
};
struct SubqueryExpr {
  enum class Kind { kScalar, kExists, kIn } kind;
  PlanPtr plan;
  std::vector<ExprPtr> values;  // of kIn: the left side
  // A plan reference instead of a plan (Spark Connect's SubqueryExpression): resolved by the door through with_relations.
};

// ---- before and after analysis

// A user's Python function over columns. The analyzer leaves it in PythonEval nodes only.
struct PythonCall {
  // What the function is given and gives: values of a row (by PySpark's rules for pickled or for Arrow-optimized functions), pandas.Series, pyarrow.Array.
  enum class Kind { kRow, kArrowRow, kSeries, kSeriesIterator, kArray, kArrayIterator } kind = Kind::kRow;
  std::shared_ptr<const PythonCode> code;
  std::string name;
  std::vector<ExprPtr> args;
  std::vector<std::string> arg_names;  // of each of `args`; empty: by position
  DataType type;
  bool is_deterministic = true;
};
struct Literal {
  Value value;
  DataType type;
};
struct Alias {
  ExprPtr child;
  std::vector<std::string> names;  // several only for generators
  std::optional<std::string> metadata;
  ExprId id{};  // given by the analyzer
};
struct Cast {
  ExprPtr child;
  DataType to;
  std::optional<EvalMode> mode;  // unset: by session; the analyzer fills it in
  bool is_implicit = false;      // put in by type coercion: not part of a column's name
};
struct SortOrder {
  ExprPtr child;
  bool ascending = true;
  std::optional<bool> nulls_first;  // unset: first when ascending, last when descending; the analyzer fills it in
};

// ---- after analysis

struct AttributeRef {
  std::string name;
  DataType type;
  bool nullable = true;
  ExprId id{};
  std::vector<std::string> qualifier;  // spark_catalog, default, t
  std::string metadata = "{}";
};
// A scalar function; arguments have been coerced to exactly what the function takes.
struct Call {
  const FunctionDef* function;
  std::vector<ExprPtr> args;
  DataType type;
  bool nullable = true;
  EvalMode mode = EvalMode::kAnsi;
};
struct AggregateCall {
  const FunctionDef* function;
  std::vector<ExprPtr> args;
  bool is_distinct = false;
  ExprPtr filter;
  DataType type;
  bool nullable = true;
  bool ignore_nulls = false;
  EvalMode mode = EvalMode::kAnsi;
};
// A lambda's parameter, after analysis.
struct LambdaParam {
  std::string name;
  DataType type;
  bool nullable = true;
  ExprId id{};
};

struct Expr {
  std::variant<UnresolvedAttribute, UnresolvedStar, UnresolvedRegex, UnresolvedFunction, UnresolvedExtractValue, LambdaExpr, LambdaVariable, WindowCall,
               SubqueryExpr, PythonCall, Literal, Alias, Cast, SortOrder, AttributeRef, Call, AggregateCall, LambdaParam>
      node;

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};

template <typename T>
ExprPtr MakeExpr(T node) {
  return std::make_shared<const Expr>(Expr{std::move(node)});
}

// Type and nullability of an analyzed expression.
DataType TypeOf(const Expr& expr);
bool IsNullable(const Expr& expr);
// The column name that Spark gives an unnamed expression: "(a + 1)", "count(1)", "CAST(a AS BIGINT)".
std::string SqlOf(const Expr& expr);

}  // namespace millstream
