#include "streaming/operators/stream_join_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "plan/function_registry.h"

namespace millstream {
namespace {

// Spark's QueryCompilationErrors.streamJoinStreamWithoutEqualityPredicateUnsupportedError.
constexpr ErrorClass kNoEquality{"", "", ExceptionKind::kAnalysis, "Stream-stream join without equality predicate is not supported.;"};

// The pairs that a condition is asked about.
class PairsRelation : public RelationSource {
 public:
  explicit PairsRelation(StructType schema) : schema_(std::move(schema)) {}
  std::string name() const override { return "pairs of a join"; }
  const StructType& schema() const override { return schema_; }
  bool is_streaming() const override { return false; }

 private:
  const StructType schema_;
};

enum class Refers { kNeither, kLeft, kRight, kBoth };

struct Sides {
  std::vector<AttributeRef> left, right;

  static std::optional<size_t> Find(const std::vector<AttributeRef>& attributes, ExprId id) {
    for (size_t i = 0; i < attributes.size(); ++i) {
      if (attributes[i].id == id) return i;
    }
    return std::nullopt;
  }
  // Left columns, then right ones.
  std::optional<size_t> Position(ExprId id) const {
    if (std::optional<size_t> at = Find(left, id)) return at;
    if (std::optional<size_t> at = Find(right, id)) return left.size() + *at;
    return std::nullopt;
  }
  Refers Of(const Expr& expr) const {
    std::vector<AttributeRef> found;
    if (!CollectAttributes(expr, &found)) return Refers::kBoth;
    bool of_left = false, of_right = false;
    for (const AttributeRef& attribute : found) {
      if (Find(left, attribute.id)) of_left = true;
      if (Find(right, attribute.id)) of_right = true;
    }
    return of_left && of_right ? Refers::kBoth : of_left ? Refers::kLeft : of_right ? Refers::kRight : Refers::kNeither;
  }
};

struct Keys {
  std::vector<ExprPtr> left, right;
  std::vector<bool> null_safe;
};

const Call* ComparisonOf(const Expr& expr) {
  const auto* call = expr.As<Call>();
  if (call == nullptr || call->args.size() != 2) return nullptr;
  for (const char* name : {"==", "<", "<=", ">", ">="}) {
    if (call->function->name == name) return call;
  }
  return nullptr;
}

bool TakeKey(const Expr& conjunct, const Sides& sides, Keys* keys) {
  const auto* call = conjunct.As<Call>();
  if (call == nullptr || call->args.size() != 2 || (call->function->name != "==" && call->function->name != "<=>")) return false;
  Refers first = sides.Of(*call->args[0]), second = sides.Of(*call->args[1]);
  bool straight = first == Refers::kLeft && second == Refers::kRight, turned = first == Refers::kRight && second == Refers::kLeft;
  if (!straight && !turned) return false;
  keys->left.push_back(call->args[straight ? 0 : 1]);
  keys->right.push_back(call->args[straight ? 1 : 0]);
  keys->null_safe.push_back(call->function->name == "<=>");
  return true;
}

ExprPtr AllOf(const std::vector<ExprPtr>& conjuncts) {
  ExprPtr all;
  for (const ExprPtr& conjunct : conjuncts) {
    bool nullable = IsNullable(*conjunct) || (all != nullptr && IsNullable(*all));
    all =
        all == nullptr ? conjunct : MakeExpr(Call{.function = FindFunction("and"), .args = {all, conjunct}, .type = DataType::Boolean(), .nullable = nullable});
  }
  return all;
}

StructType ColumnsOf(const std::vector<AttributeRef>& attributes, const std::string& prefix) {
  std::vector<StructField> fields;
  for (const AttributeRef& attribute : attributes) {
    fields.push_back(
        {.name = fmt::format("{}{}", prefix, fields.size()), .type = attribute.type, .nullable = attribute.nullable, .metadata = attribute.metadata});
  }
  return StructType(std::move(fields));
}

// What a side's rows are made into, and what the operator is told of them.
struct SideParts {
  const PlanPtr& child;
  const std::vector<AttributeRef>& attributes;
  const EventTimes& times;
  const std::vector<ExprPtr>& keys;
  const std::vector<ExprPtr>& own;  // conjuncts over this side alone
  bool filters;                     // a row for which they are not true leaves no trace
};

PlanPtr MakeInput(const SideParts& parts, const std::string& prefix, const std::function<ExprId()>& new_id, StreamJoinSide* side) {
  side->columns = ColumnsOf(parts.attributes, prefix);
  for (const AttributeRef& attribute : parts.attributes) side->names.push_back(attribute.name);
  std::vector<ExprPtr> output;
  std::vector<StructField> fields = side->columns.fields();
  for (size_t i = 0; i < parts.attributes.size(); ++i) {
    output.push_back(
        MakeExpr(Alias{.child = MakeExpr(AttributeRef(parts.attributes[i])), .names = {fields[i].name}, .metadata = std::nullopt, .id = new_id()}));
    if (!side->event_time && parts.times.contains(parts.attributes[i].id)) side->event_time = i;
  }
  auto add = [&](const ExprPtr& expr, const std::string& name) {
    output.push_back(MakeExpr(Alias{.child = expr, .names = {name}, .metadata = std::nullopt, .id = new_id()}));
    fields.push_back({.name = name, .type = TypeOf(*expr), .nullable = IsNullable(*expr)});
  };
  for (size_t i = 0; i < parts.keys.size(); ++i) add(parts.keys[i], fmt::format("{}_key{}", prefix, i));
  side->keys = parts.keys.size();
  PlanPtr child = parts.child;
  if (!parts.own.empty() && parts.filters) child = MakePlan(Filter{.condition = AllOf(parts.own), .child = child});
  if (!parts.own.empty() && !parts.filters) {
    add(AllOf(parts.own), prefix + "_own");
    side->has_condition = true;
  }
  side->input = StructType(std::move(fields));
  return MakePlan(Project{.expressions = std::move(output), .child = child});
}

Status PlanCondition(const std::vector<ExprPtr>& conjuncts, const Sides& sides, ComputeEngine& engine, const ComputeConf& conf,
                     const std::function<ExprId()>& new_id, StreamJoinSpec* spec) {
  if (conjuncts.empty()) return Status();
  std::vector<AttributeRef> used, columns;
  for (const ExprPtr& conjunct : conjuncts) {
    if (!CollectAttributes(*conjunct, &used)) return Status::Unsupported("a subquery in the condition of a join of two streams");
  }
  for (AttributeRef& attribute : used) {
    std::optional<size_t> position = sides.Position(attribute.id);
    if (!position || Sides::Find(columns, attribute.id)) continue;
    attribute.name = fmt::format("c{}", columns.size());
    spec->condition_columns.push_back(*position);
    columns.push_back(attribute);
  }
  columns.push_back({.name = "pair", .type = DataType::Long(), .nullable = false, .id = new_id()});
  std::vector<StructField> fields;
  for (const AttributeRef& column : columns) fields.push_back({.name = column.name, .type = column.type, .nullable = column.nullable});
  ExprPtr pair = MakeExpr(AttributeRef(columns.back()));
  PlanPtr scan = MakePlan(ScanRelation{.source = std::make_shared<PairsRelation>(StructType(std::move(fields))), .output = std::move(columns)});
  PlanPtr plan = MakePlan(Project{.expressions = {pair}, .child = MakePlan(Filter{.condition = AllOf(conjuncts), .child = scan})});
  MS_ASSIGN_OR_RETURN(spec->condition, CompiledPlan::Compile(plan, engine, conf));
  return Status();
}

// Rows with a null there cannot match: the optimizer of Spark filters them before they are counted or kept.
void FilterNulls(const Keys& keys, const std::vector<ExprPtr>& compared, const std::vector<AttributeRef>& attributes, StreamJoinSide* side) {
  for (size_t i = 0; i < keys.null_safe.size(); ++i) {
    if (!keys.null_safe[i]) side->not_null.push_back(attributes.size() + i);
  }
  for (const ExprPtr& conjunct : compared) {
    if (ComparisonOf(*conjunct) == nullptr) continue;
    std::vector<AttributeRef> found;
    std::vector<const Expr*> open{conjunct.get()};
    while (!open.empty()) {
      const Expr* next = open.back();
      open.pop_back();
      if (const auto* attribute = next->As<AttributeRef>()) found.push_back(*attribute);
      if (const auto* cast = next->As<Cast>()) open.push_back(cast->child.get());
      // Of these a null comes out when one goes in.
      const auto* call = next->As<Call>();
      if (call != nullptr && (ComparisonOf(*next) != nullptr || call->function->name == "+" || call->function->name == "-" || call->function->name == "*")) {
        for (const ExprPtr& arg : call->args) open.push_back(arg.get());
      }
    }
    for (const AttributeRef& attribute : found) {
      if (std::optional<size_t> at = Sides::Find(attributes, attribute.id)) side->not_null.push_back(*at);
    }
  }
}

}  // namespace

Result<StreamJoinPlan> PlanStreamJoin(const Join& join, const EventTimes& left_times, const EventTimes& right_times, ComputeEngine& engine,
                                      const ComputeConf& conf, const std::function<ExprId()>& new_id) {
  if (join.type == JoinType::kLeftAnti) return Status::Unsupported("a left anti join of two streams", "Use a left outer join and a filter for nulls.");
  const Sides sides{OutputOf(*join.left), OutputOf(*join.right)};
  Keys keys;
  std::vector<ExprPtr> of_left, of_right, of_both;
  for (const ExprPtr& conjunct : ConjunctsOf(join.condition)) {
    if (TakeKey(*conjunct, sides, &keys)) continue;
    Refers refers = sides.Of(*conjunct);
    (refers == Refers::kLeft ? of_left : refers == Refers::kRight ? of_right : of_both).push_back(conjunct);
  }
  if (keys.left.empty()) return Status::Error(kNoEquality);

  StreamJoinSpec spec;
  spec.type = join.type == JoinType::kCross ? JoinType::kInner : join.type;
  // A side whose rows never come out alone may be filtered before the join.
  const bool left_filters = spec.type != JoinType::kLeftOuter && spec.type != JoinType::kFullOuter;
  const bool right_filters = spec.type != JoinType::kRightOuter && spec.type != JoinType::kFullOuter;
  StreamJoinPlan plan;
  plan.left = MakeInput({join.left, sides.left, left_times, keys.left, of_left, left_filters}, "l", new_id, &spec.left);
  plan.right = MakeInput({join.right, sides.right, right_times, keys.right, of_right, right_filters}, "r", new_id, &spec.right);
  if (left_filters) FilterNulls(keys, of_both, sides.left, &spec.left);
  if (right_filters) FilterNulls(keys, of_both, sides.right, &spec.right);
  MS_RETURN_IF_ERROR(PlanCondition(of_both, sides, engine, conf, new_id, &spec));

  // A watermark on a key bounds both sides; else the condition may, each side by the other's watermark.
  std::optional<size_t> watermark_key;
  auto look = [&](const std::vector<ExprPtr>& list, const EventTimes& times) {
    for (size_t i = 0; i < list.size() && !watermark_key; ++i) {
      const auto* attribute = list[i]->As<AttributeRef>();
      if (attribute != nullptr && times.contains(attribute->id)) watermark_key = i;
    }
  };
  look(keys.left, left_times);
  look(keys.right, right_times);
  auto bound = [&](StreamJoinSide& side, const std::vector<AttributeRef>& own, const std::vector<AttributeRef>& others, const EventTimes& other_times) {
    if (watermark_key) {
      side.bound = StateBound::OfWatermark();
      side.expiry = own.size() + *watermark_key;
    } else if (side.event_time) {
      side.bound = StateBound::OfCondition(ConjunctsOf(join.condition), own, others, other_times);
      if (side.bound.exists()) side.expiry = side.event_time;
    }
  };
  bound(spec.left, sides.left, sides.right, right_times);
  bound(spec.right, sides.right, sides.left, left_times);

  auto add_output = [&](const std::vector<AttributeRef>& attributes, bool nullable) {
    for (AttributeRef attribute : attributes) {
      attribute.nullable = attribute.nullable || nullable;
      plan.output.push_back(std::move(attribute));
    }
  };
  add_output(sides.left, spec.type == JoinType::kRightOuter || spec.type == JoinType::kFullOuter);
  if (spec.type != JoinType::kLeftSemi) add_output(sides.right, spec.type == JoinType::kLeftOuter || spec.type == JoinType::kFullOuter);
  spec.output = ColumnsOf(plan.output, "c");
  plan.join = std::make_unique<StreamJoinOperator>(std::move(spec));
  return plan;
}

bool UnmatchedRowsEnd(const Join& join, const EventTimes& left_times, const EventTimes& right_times) {
  const Sides sides{OutputOf(*join.left), OutputOf(*join.right)};
  Keys keys;
  const std::vector<ExprPtr> conjuncts = ConjunctsOf(join.condition);
  for (const ExprPtr& conjunct : conjuncts) TakeKey(*conjunct, sides, &keys);
  auto is_time = [](const ExprPtr& key, const EventTimes& times) {
    const auto* attribute = key->As<AttributeRef>();
    return attribute != nullptr && times.contains(attribute->id);
  };
  for (size_t i = 0; i < keys.left.size(); ++i) {
    if (is_time(keys.left[i], left_times) || is_time(keys.right[i], right_times)) return true;
  }
  const bool of_left = StateBound::OfCondition(conjuncts, sides.left, sides.right, right_times).exists();
  const bool of_right = StateBound::OfCondition(conjuncts, sides.right, sides.left, left_times).exists();
  return join.type == JoinType::kRightOuter ? of_right : join.type == JoinType::kFullOuter ? of_left || of_right : of_left;
}

}  // namespace millstream
