#pragma once

// logical_plan.h   One tree for all doors: DataFrame calls and SQL both end here. Immutable.
//
// Before analysis a plan holds UnresolvedRelation, UnresolvedDataSource and unresolved expressions; after it, leaves are ScanRelation, LocalRelation,
// Range and OneRow, every expression is typed, and OutputOf tells each node's columns.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/option_table.h"
#include "plan/expression.h"
#include "plan/python_code.h"
#include "types/row_stream.h"

namespace millstream {

// Something outside that can be read: a table, a directory, a stream. What it can do beyond this is the business of connectors/api,
// which derives from it.
class RelationSource {
 public:
  virtual ~RelationSource() = default;
  // For plans and errors: "spark_catalog.default.bronze", "json file:/in".
  virtual std::string name() const = 0;
  virtual const StructType& schema() const = 0;
  // Hidden columns that a query may ask for by name (_metadata); empty: none.
  virtual const StructType& metadata_schema() const;
  virtual bool is_streaming() const = 0;
};
using RelationSourcePtr = std::shared_ptr<const RelationSource>;

// ---- leaves

struct UnresolvedRelation {
  std::vector<std::string> name;  // [catalog.][database.]table or view; "delta.`/path`" is two parts
  OptionMap options;
  bool is_streaming = false;
};
// spark.read / spark.readStream .format(…).load(…)
struct UnresolvedDataSource {
  std::string format;  // empty: spark.sql.sources.default
  std::optional<StructType> schema;
  OptionMap options;
  std::vector<std::string> paths;
  bool is_streaming = false;
};
struct UnresolvedTableFunction {
  std::vector<std::string> name;
  std::vector<ExprPtr> args;
};
struct LocalRelation {
  StructType schema;
  std::vector<RecordBatchPtr> batches;
  std::vector<AttributeRef> output;  // after analysis
};
struct Range {
  int64_t start = 0, end = 0, step = 1;
  std::vector<AttributeRef> output;  // after analysis: id
};
struct OneRow {};  // SELECT 1
struct ScanRelation {
  RelationSourcePtr source;
  std::vector<AttributeRef> output;  // the schema's columns, then those metadata columns that the query uses
};

// ---- one child

struct Project {
  std::vector<ExprPtr> expressions;
  PlanPtr child;
};
struct Filter {
  ExprPtr condition;
  PlanPtr child;
};
struct Aggregate {
  enum class Kind { kGroupBy, kRollup, kCube, kGroupingSets } kind = Kind::kGroupBy;
  std::vector<ExprPtr> group_by;    // ordinals and aliases are resolved by the analyzer
  std::vector<ExprPtr> aggregates;  // the output columns; DataFrames' groupBy().agg(): grouping columns first
  PlanPtr child;
  std::vector<std::vector<ExprPtr>> grouping_sets;  // of kGroupingSets; after analysis of kRollup and kCube too
  // groupBy(…).pivot(column, values).agg(…). Gone after analysis.
  struct Pivot {
    ExprPtr column;
    std::optional<std::vector<ExprPtr>> values;  // unset: those that are there, which the session looks up before the analysis
    std::vector<ExprPtr> aggregates;             // without the grouping columns
  };
  std::optional<Pivot> pivot;
};
struct Sort {
  std::vector<ExprPtr> order;  // SortOrder
  bool is_global = true;
  PlanPtr child;
};
struct Limit {
  ExprPtr count;  // an integer literal after analysis
  PlanPtr child;
};
struct Offset {
  ExprPtr count;
  PlanPtr child;
};
struct Tail {
  int64_t count;
  PlanPtr child;
};
struct Deduplicate {
  std::vector<std::string> columns;  // as written
  bool all_columns = false;          // DISTINCT
  bool is_select_distinct = false;   // of SQL, not of a DataFrame: in a stream another operator
  bool within_watermark = false;
  PlanPtr child;
  std::vector<ExprId> keys;  // after analysis
};
struct SubqueryAlias {
  std::vector<std::string> name;
  std::vector<std::string> column_aliases;  // t(a, b)
  PlanPtr child;
};
struct ToDf {  // df.toDF("a", "b")
  std::vector<std::string> names;
  PlanPtr child;
};
struct WithColumns {
  std::vector<ExprPtr> aliases;  // Alias each
  PlanPtr child;
};
struct WithColumnsRenamed {
  std::vector<std::pair<std::string, std::string>> renames;
  PlanPtr child;
};
struct DropColumns {
  std::vector<ExprPtr> columns;
  std::vector<std::string> names;
  PlanPtr child;
};
struct ToSchema {  // df.to(schema)
  StructType schema;
  PlanPtr child;
};
struct Sample {
  double lower = 0, upper = 1;
  bool with_replacement = false;
  std::optional<int64_t> seed;
  PlanPtr child;
};
// repartition, coalesce, sortWithinPartitions' partitioning and hints: rows stay as they are.
struct Repartition {
  PlanPtr child;
};
// A Python function that is called with each group of rows.
struct PythonGroups {
  enum class Kind { kApplyInPandasWithState };
  enum class Timeout { kNone, kProcessingTime, kEventTime };
  Kind kind = Kind::kApplyInPandasWithState;
  std::vector<ExprPtr> grouping;
  std::shared_ptr<const PythonCode> code;
  StructType output_schema, state_schema;
  bool updates = false;  // output mode of the function: update, not append
  Timeout timeout = Timeout::kNone;
  PlanPtr child;
  std::vector<AttributeRef> output;  // after analysis
};
// Python functions over the rows of `child`: its columns, and then one for each function.
struct PythonEval {
  std::vector<ExprPtr> calls;  // Alias of PythonCall, whose arguments call no Python
  PlanPtr child;
};
// mapInPandas and mapInArrow: a Python function that is given batches of rows and gives batches of others.
struct PythonMap {
  enum class Kind { kPandas, kArrow } kind = Kind::kPandas;
  std::shared_ptr<const PythonCode> code;
  StructType output_schema;
  PlanPtr child;
  std::vector<AttributeRef> output;  // after analysis
};
// A Python object that is called with each group of rows, and keeps variables and timers for each.
struct TransformWithState {
  enum class TimeMode { kNone, kProcessingTime, kEventTime };
  enum class Mode { kAppend, kUpdate, kComplete };
  std::vector<ExprPtr> grouping;
  std::shared_ptr<const PythonCode> code;
  StructType output_schema;
  bool in_pandas = false;  // its rows are data frames
  Mode mode = Mode::kAppend;
  TimeMode time_mode = TimeMode::kNone;
  std::string event_time_column;  // of the output; empty: none
  PlanPtr child;
  PlanPtr initial;  // what its variables begin with, or null
  std::vector<ExprPtr> initial_grouping;
  // After analysis:
  std::vector<AttributeRef> output;
  std::optional<ExprId> event_time;  // of the output
  int64_t delay_ms = 0;              // of the event time
};
struct WithWatermark {
  std::string column;
  std::string delay;  // "10 minutes"
  PlanPtr child;
  ExprId event_time{};   // after analysis
  int64_t delay_ms = 0;  // after analysis
};
// DataFrame.observe: the rows as they are, with aggregates of them on the side.
struct CollectMetrics {
  std::string name;
  std::vector<ExprPtr> metrics;  // named, after analysis
  PlanPtr child;
};
struct FillNa {
  std::vector<std::string> columns;
  std::vector<ExprPtr> values;  // Literal; one, or one a column
  PlanPtr child;
};
struct DropNa {
  std::vector<std::string> columns;
  std::optional<int64_t> min_non_nulls;
  PlanPtr child;
};
struct ReplaceNa {
  std::vector<std::string> columns;
  std::vector<std::pair<ExprPtr, ExprPtr>> replacements;  // Literal → Literal
  PlanPtr child;
};
struct Unpivot {
  std::vector<ExprPtr> ids;
  std::optional<std::vector<ExprPtr>> values;
  std::string variable_name, value_name;
  PlanPtr child;
};
struct Generate {  // LATERAL VIEW explode(…), SELECT explode(…)
  ExprPtr generator;
  bool outer = false;
  std::string alias;
  std::vector<std::string> column_aliases;
  PlanPtr child;
  std::vector<AttributeRef> output;  // the generated columns, after analysis
};
struct Window {                      // made by the analyzer out of window calls in a Project
  std::vector<ExprPtr> expressions;  // Alias of WindowCall
  PlanPtr child;
};
// CTEs: `WITH name AS (plan)`; visible in `child` and in later entries. Gone after analysis.
struct WithCte {
  std::vector<std::pair<std::string, PlanPtr>> definitions;
  PlanPtr child;
};

// ---- several children

enum class JoinType { kInner, kLeftOuter, kRightOuter, kFullOuter, kLeftSemi, kLeftAnti, kCross };
struct Join {
  JoinType type = JoinType::kInner;
  ExprPtr condition;                       // or null
  std::vector<std::string> using_columns;  // gone after analysis
  bool is_natural = false;
  bool is_lateral = false;
  PlanPtr left, right;
};
struct SetOperation {
  enum class Kind { kUnion, kIntersect, kExcept } kind;
  bool is_all = false;
  bool by_name = false;
  bool allow_missing_columns = false;
  PlanPtr left, right;
  std::vector<AttributeRef> output;  // after analysis
};

struct PlanNode {
  std::variant<UnresolvedRelation, UnresolvedDataSource, UnresolvedTableFunction, LocalRelation, Range, OneRow, ScanRelation, Project, Filter, Aggregate, Sort,
               Limit, Offset, Tail, Deduplicate, SubqueryAlias, ToDf, WithColumns, WithColumnsRenamed, DropColumns, ToSchema, Sample, Repartition,
               WithWatermark, CollectMetrics, PythonGroups, TransformWithState, PythonEval, PythonMap, FillNa, DropNa, ReplaceNa, Unpivot, Generate,
               Window, WithCte, Join, SetOperation>
      node;
  std::optional<int64_t> plan_id;  // Spark Connect's RelationCommon.plan_id

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};

template <typename T>
PlanPtr MakePlan(T node, std::optional<int64_t> plan_id = std::nullopt) {
  return std::make_shared<const PlanNode>(PlanNode{std::move(node), plan_id});
}

// Inputs of a node, left to right.
std::vector<PlanPtr> ChildrenOf(const PlanNode& plan);
// The same node over other inputs, in the order of ChildrenOf. Not for WithCte, which analysis removes.
PlanPtr WithChildren(const PlanNode& plan, std::vector<PlanPtr> children);
// Columns of an analyzed plan.
std::vector<AttributeRef> OutputOf(const PlanNode& plan);
StructType SchemaOf(const PlanNode& plan);
// True when some leaf is a stream.
bool IsStreaming(const PlanNode& plan);
// Whether there is a CollectMetrics somewhere in it.
bool CollectsMetrics(const PlanNode& plan);
// Whether there is a PythonEval, a PythonMap or a TransformWithState somewhere in it.
bool RunsPython(const PlanNode& plan);
// Whether a stream is aggregated somewhere in it.
bool HasStreamingAggregate(const PlanNode& plan);
// Spark's limit on what a client may send, so that no walk over a plan runs out of stack or memory.
inline constexpr int kMaxPlanDepth = 1000;
inline constexpr int kMaxPlanNodes = 100000;

}  // namespace millstream
