#include "compute/sql/plan_sql.h"

#include "compute/compute_errors.h"
#include "compute/sql/sql_text.h"
#include "types/arrow_types.h"

namespace millstream::compute {
namespace {

// A SELECT needs a column, also where no one looks at any.
constexpr char kNoColumns[] = "1 AS \"one\"";

std::string ColumnList(const std::vector<AttributeRef>& output, const std::set<ExprId>& needed) {
  std::string list;
  std::set<ExprId> seen;
  for (const AttributeRef& attribute : output) {
    if (!needed.contains(attribute.id) || !seen.insert(attribute.id).second) continue;
    list += (list.empty() ? "" : ", ") + ColumnOf(attribute.id);
  }
  return list.empty() ? kNoColumns : list;
}

std::set<ExprId> IdsOf(const std::vector<AttributeRef>& output) {
  std::set<ExprId> ids;
  for (const AttributeRef& attribute : output) ids.insert(attribute.id);
  return ids;
}

bool IsFixedWidth(const DataType& type) {
  return !type.IsNested() && type.id() != TypeId::kString && type.id() != TypeId::kBinary && type.id() != TypeId::kVariant;
}

// Where only the number of rows counts: the column that is cheapest to read.
size_t CheapestColumn(const std::vector<AttributeRef>& output) {
  for (size_t i = 0; i < output.size(); ++i) {
    if (IsFixedWidth(output[i].type)) return i;
  }
  return 0;
}

std::string From(const std::string& select) { return " FROM (" + select + ") AS t"; }

}  // namespace

Result<TranslatedPlan> TranslatePlan(const PlanNode& analyzed, const ComputeConf& conf) {
  PlanSql plans(conf);
  MS_ASSIGN_OR_RETURN(std::string sql, plans.EmitRoot(analyzed));
  TranslatedPlan translated = std::move(plans).Take();
  translated.sql = std::move(sql);
  return translated;
}

Result<std::string> PlanSql::EmitRoot(const PlanNode& plan) {
  const auto output = OutputOf(plan);
  MS_ASSIGN_OR_RETURN(std::string select, Emit(plan, IdsOf(output)));
  std::string columns;
  for (size_t i = 0; i < output.size(); ++i) {
    columns += (i ? ", " : "") + ("CAST(" + ColumnOf(output[i].id) + " AS " + TypeSql(output[i].type) + ") AS \"o" + std::to_string(i) + "\"");
  }
  return "SELECT " + (columns.empty() ? kNoColumns : columns) + From(select);
}

Result<std::string> PlanSql::EmitSubquery(const PlanNode& plan, bool as_row) {
  const auto output = OutputOf(plan);
  // A filter that was noted for the outer scan is none for the subquery's.
  std::vector<ExprPtr> outer_filters = std::move(scan_filters_);
  scan_filters_.clear();
  auto select = Emit(plan, IdsOf(output));
  scan_filters_ = std::move(outer_filters);
  if (!select.ok()) return select.status();
  std::string columns;
  for (const AttributeRef& attribute : output) columns += (columns.empty() ? "" : ", ") + ColumnOf(attribute.id);
  return "SELECT " + (as_row ? "row(" + columns + ")" : columns) + From(*select);
}

Result<std::string> PlanSql::Emit(const PlanNode& plan, const Needed& needed) {
  if (depth_ > kMaxPlanDepth) return Status::Error(errors::kPlanTooDeep, {{"limit", std::to_string(kMaxPlanDepth)}});
  ++depth_;
  auto select = EmitNode(plan, needed);
  --depth_;
  return select;
}

Result<std::string> PlanSql::EmitNode(const PlanNode& plan, const Needed& needed) {
  if (const auto* node = plan.As<Filter>()) return EmitFilter(plan, *node, needed);
  if (const auto* node = plan.As<ScanRelation>()) return EmitScan(*node, needed);
  if (const auto* node = plan.As<Repartition>()) return Emit(*node->child, needed);
  if (const auto* node = plan.As<WithWatermark>()) return Emit(*node->child, needed);
  if (const auto* node = plan.As<CollectMetrics>()) return Emit(*node->child, needed);
  if (const auto* node = plan.As<SubqueryAlias>()) return Emit(*node->child, needed);
  scan_filters_.clear();
  if (const auto* node = plan.As<Project>()) return EmitProject(*node, needed);
  if (const auto* node = plan.As<LocalRelation>()) return EmitLocal(*node, needed);
  if (const auto* node = plan.As<Range>()) return EmitRange(*node);
  if (plan.As<OneRow>()) return std::string("SELECT ") + kNoColumns;
  if (const auto* node = plan.As<Aggregate>()) return EmitAggregate(*node, needed);
  if (const auto* node = plan.As<Sort>()) return EmitSort(plan, *node, needed, "");
  if (const auto* node = plan.As<Limit>()) return EmitLimit(plan, *node, needed);
  if (const auto* node = plan.As<Tail>()) return EmitTail(plan, *node, needed);
  if (const auto* node = plan.As<Deduplicate>()) return EmitDeduplicate(plan, *node, needed);
  if (const auto* node = plan.As<Sample>()) return EmitSample(plan, *node, needed);
  if (const auto* node = plan.As<Generate>()) return EmitGenerate(plan, *node, needed);
  if (const auto* node = plan.As<Window>()) return EmitWindow(plan, *node, needed);
  if (const auto* node = plan.As<Join>()) return EmitJoin(plan, *node, needed);
  if (const auto* node = plan.As<SetOperation>()) return EmitSetOperation(plan, *node, needed);
  if (const auto* node = plan.As<Offset>()) {
    MS_ASSIGN_OR_RETURN(std::string count, ExpressionSql(*this, conf_).Emit(*node->count));
    return Pass(plan, node->child, needed, {}, " OFFSET " + count);
  }
  if (plan.As<PythonEval>() || plan.As<PythonMap>())
    return Status::Unsupported("A Python function in a subquery", "Join with the subquery's DataFrame instead.");
  return Status::Internal("a plan node that the analyzer should have replaced");
}

Result<std::string> PlanSql::Pass(const PlanNode& plan, const PlanPtr& child, const Needed& needed, const Needed& also, const std::string& rest) {
  Needed below = needed;
  below.insert(also.begin(), also.end());
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*child, below));
  return "SELECT " + ColumnList(OutputOf(plan), needed) + From(select) + rest;
}

InputSlot& PlanSql::AddSlot(std::shared_ptr<const LocalRelation> local) {
  translated_.slots.push_back(std::make_unique<InputSlot>());
  translated_.local_rows.push_back(std::move(local));
  return *translated_.slots.back();
}

Result<std::string> PlanSql::EmitScan(const ScanRelation& scan, const Needed& needed) {
  ScanNeeds needs;
  needs.filters = std::move(scan_filters_);
  scan_filters_.clear();
  InputSlot& slot = AddSlot(nullptr);
  auto read = [&](const AttributeRef& attribute) {
    needs.columns.push_back(attribute.name);
    slot.types.push_back(attribute.type);
    slot.names.push_back("c" + std::to_string(attribute.id.value()));
  };
  for (const AttributeRef& attribute : scan.output) {
    if (needed.contains(attribute.id)) read(attribute);
  }
  if (slot.types.empty()) {
    if (scan.output.empty()) return Status::Unsupported("Reading " + scan.source->name() + ", which has no columns");
    read(scan.output[CheapestColumn(scan.output)]);
  }
  translated_.scans.emplace_back(scan.source, std::move(needs));
  return "SELECT " + ColumnList(scan.output, needed) + " FROM " + InputScanSql(slot);
}

Result<std::string> PlanSql::EmitLocal(const LocalRelation& local, const Needed& needed) {
  if (local.output.empty()) {
    int64_t rows = 0;
    for (const RecordBatchPtr& batch : local.batches) rows += batch->num_rows();
    return "SELECT " + std::string(kNoColumns) + " FROM range(" + std::to_string(rows) + ")";
  }
  // Only what is looked at goes to DuckDB; a row needs some column.
  std::vector<int> columns;
  for (size_t i = 0; i < local.output.size(); ++i) {
    if (needed.contains(local.output[i].id)) columns.push_back(static_cast<int>(i));
  }
  if (columns.empty()) columns.push_back(static_cast<int>(CheapestColumn(local.output)));
  auto picked = std::make_shared<LocalRelation>();
  for (int column : columns) picked->schema.Add(local.schema[column]);
  for (const RecordBatchPtr& batch : local.batches) {
    auto some = batch->SelectColumns(columns);
    if (!some.ok()) return FromArrowStatus(some.status(), "picking columns of local rows");
    picked->batches.push_back(std::move(*some));
  }
  InputSlot& slot = AddSlot(std::move(picked));
  for (int column : columns) {
    slot.types.push_back(local.output[column].type);
    slot.names.push_back("c" + std::to_string(local.output[column].id.value()));
  }
  return "SELECT " + ColumnList(local.output, needed) + " FROM " + InputScanSql(slot);
}

Result<std::string> PlanSql::EmitRange(const Range& range) {
  if (range.output.empty()) return Status::Internal("a range without its column");
  auto number = [](int64_t value) { return "CAST('" + std::to_string(value) + "' AS BIGINT)"; };
  return "SELECT \"range\" AS " + ColumnOf(range.output[0].id) + " FROM range(" + number(range.start) + ", " + number(range.end) + ", " + number(range.step) +
         ")";
}

Result<std::string> PlanSql::EmitProject(const Project& project, const Needed& needed) {
  ExpressionSql sql(*this, conf_);
  Needed below, done;
  std::vector<std::pair<const Expr*, ExprId>> wanted;
  for (const ExprPtr& expr : project.expressions) {
    const auto* alias = expr->As<Alias>();
    const auto* attribute = expr->As<AttributeRef>();
    if (!alias && !attribute) return Status::Internal("a projection without a name: " + SqlOf(*expr));
    const ExprId id = alias ? alias->id : attribute->id;
    if (!needed.contains(id) || !done.insert(id).second) continue;
    CollectReferences(*expr, below);
    wanted.emplace_back(expr.get(), id);
  }
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*project.child, below));
  std::string columns;
  for (const auto& [expr, id] : wanted) {
    MS_ASSIGN_OR_RETURN(std::string text, sql.Emit(*expr));
    columns += (columns.empty() ? "" : ", ") + text + " AS " + ColumnOf(id);
  }
  return "SELECT " + (columns.empty() ? kNoColumns : columns) + From(select);
}

Result<std::string> PlanSql::EmitFilter(const PlanNode& plan, const Filter& filter, const Needed& needed) {
  auto conjuncts = SplitConjuncts(filter.condition);
  scan_filters_.insert(scan_filters_.end(), conjuncts.begin(), conjuncts.end());
  Needed used = needed;
  CollectReferences(*filter.condition, used);
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*filter.child, used));
  MS_ASSIGN_OR_RETURN(std::string condition, ExpressionSql(*this, conf_).Emit(*filter.condition));
  return "SELECT " + ColumnList(OutputOf(plan), needed) + From(select) + " WHERE " + condition;
}

Result<std::string> PlanSql::EmitSort(const PlanNode& plan, const Sort& sort, const Needed& needed, const std::string& limit) {
  Needed used;
  for (const ExprPtr& order : sort.order) CollectReferences(*order, used);
  MS_ASSIGN_OR_RETURN(std::string order, ExpressionSql(*this, conf_).EmitList(sort.order));
  return Pass(plan, sort.child, needed, used, (order.empty() ? "" : " ORDER BY " + order) + limit);
}

Result<std::string> PlanSql::EmitLimit(const PlanNode& plan, const Limit& limit, const Needed& needed) {
  MS_ASSIGN_OR_RETURN(std::string count, ExpressionSql(*this, conf_).Emit(*limit.count));
  // Beside its ORDER BY a LIMIT needs no full sort.
  if (const auto* sort = limit.child->As<Sort>()) return EmitSort(*limit.child, *sort, needed, " LIMIT " + count);
  return Pass(plan, limit.child, needed, {}, " LIMIT " + count);
}

Result<std::string> PlanSql::EmitTail(const PlanNode& plan, const Tail& tail, const Needed& needed) {
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*tail.child, needed));
  const std::string columns = ColumnList(OutputOf(plan), needed);
  return "SELECT " + columns + From("SELECT *, row_number() OVER () AS \"at\", count(*) OVER () AS \"of\"" + From(select)) + " WHERE \"at\" > \"of\" - " +
         std::to_string(tail.count) + " ORDER BY \"at\"";
}

Result<std::string> PlanSql::EmitDeduplicate(const PlanNode& plan, const Deduplicate& deduplicate, const Needed& needed) {
  Needed keys(deduplicate.keys.begin(), deduplicate.keys.end());
  if (deduplicate.all_columns && keys.empty()) keys = IdsOf(OutputOf(plan));
  std::string on;
  for (ExprId key : keys) on += (on.empty() ? "" : ", ") + ColumnOf(key);
  Needed below = needed;
  below.insert(keys.begin(), keys.end());
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*deduplicate.child, below));
  if (on.empty()) return "SELECT " + ColumnList(OutputOf(plan), needed) + From(select) + " LIMIT 1";
  std::string replaced;
  for (const AttributeRef& column : OutputOf(plan)) {
    if (!keys.contains(column.id) || !below.contains(column.id)) continue;
    const std::string name = ColumnOf(column.id), key = GroupKeySql(name, column.type);
    if (key != name) replaced += (replaced.empty() ? "" : ", ") + key + " AS " + name;
  }
  if (!replaced.empty()) select = "SELECT * REPLACE (" + replaced + ")" + From(select);
  return "SELECT DISTINCT ON (" + on + ") " + ColumnList(OutputOf(plan), needed) + From(select);
}

Result<std::string> PlanSql::EmitSample(const PlanNode& plan, const Sample& sample, const Needed& needed) {
  if (sample.with_replacement) return Status::Unsupported("sample with replacement", "Use sample(withReplacement=False, …).");
  auto number = [](double value) { return LiteralSql(Value{value}, DataType::Double()); };
  MS_ASSIGN_OR_RETURN(std::string lower, number(sample.lower));
  MS_ASSIGN_OR_RETURN(std::string upper, number(sample.upper));
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*sample.child, needed));
  const std::string random = sample.seed ? "ms_rand(CAST('" + std::to_string(*sample.seed) + "' AS BIGINT))" : "random()";
  return "SELECT " + ColumnList(OutputOf(plan), needed) + From("SELECT *, " + random + " AS \"draw\"" + From(select)) + " WHERE \"draw\" >= " + lower +
         " AND \"draw\" < " + upper;
}

Result<std::string> PlanSql::EmitWindow(const PlanNode& plan, const Window& window, const Needed& needed) {
  Needed below = needed;
  std::vector<const Alias*> wanted;
  for (const ExprPtr& expr : window.expressions) {
    const auto* alias = expr->As<Alias>();
    if (!alias) return Status::Internal("a window column without a name");
    if (!needed.contains(alias->id)) continue;
    below.erase(alias->id);
    CollectReferences(*alias->child, below);
    wanted.push_back(alias);
  }
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*window.child, below));
  std::string columns = ColumnList(OutputOf(*window.child), needed);
  ExpressionSql sql(*this, conf_);
  for (const Alias* alias : wanted) {
    MS_ASSIGN_OR_RETURN(std::string text, sql.Emit(*alias->child));
    columns += ", CAST(" + text + " AS " + TypeSql(TypeOf(*alias->child)) + ") AS " + ColumnOf(alias->id);
  }
  (void)plan;
  return "SELECT " + columns + From(select);
}

Result<std::string> PlanSql::EmitJoin(const PlanNode& plan, const Join& join, const Needed& needed) {
  Needed below = needed;
  if (join.condition) CollectReferences(*join.condition, below);
  // A lateral right side names columns of the left.
  if (join.is_lateral) {
    for (const AttributeRef& attribute : OutputOf(*join.left)) below.insert(attribute.id);
  }
  MS_ASSIGN_OR_RETURN(std::string left, Emit(*join.left, below));
  MS_ASSIGN_OR_RETURN(std::string right, Emit(*join.right, below));
  std::string condition = "true";
  if (join.condition) {
    MS_ASSIGN_OR_RETURN(condition, ExpressionSql(*this, conf_).Emit(*join.condition));
  }
  const char* kind = "INNER JOIN";
  switch (join.type) {
    case JoinType::kInner:
    case JoinType::kCross:
      break;
    case JoinType::kLeftOuter:
      kind = "LEFT JOIN";
      break;
    case JoinType::kRightOuter:
      kind = "RIGHT JOIN";
      break;
    case JoinType::kFullOuter:
      kind = "FULL JOIN";
      break;
    case JoinType::kLeftSemi:
      kind = "SEMI JOIN";
      break;
    case JoinType::kLeftAnti:
      kind = "ANTI JOIN";
      break;
  }
  return "SELECT " + ColumnList(OutputOf(plan), needed) + " FROM (" + left + ") AS l " + kind + (join.is_lateral ? " LATERAL (" : " (") + right + ") AS r ON " +
         condition;
}

Result<std::string> PlanSql::EmitSetOperation(const PlanNode& plan, const SetOperation& operation, const Needed& needed) {
  if (IsConstantRows(plan)) return EmitValues(plan, needed);
  // Without duplicates all columns matter; a plain union gives just those that are asked for.
  const bool keeps_rows = operation.kind == SetOperation::Kind::kUnion && operation.is_all;
  auto side = [&](const PlanNode& input) -> Result<std::string> {
    const auto output = OutputOf(input);
    if (output.size() != operation.output.size()) return Status::Internal("a set operation over different numbers of columns");
    Needed ids;
    std::string columns;
    for (size_t i = 0; i < output.size(); ++i) {
      if (keeps_rows && !needed.contains(operation.output[i].id)) continue;
      ids.insert(output[i].id);
      const DataType& type = operation.output[i].type;
      const std::string value = "CAST(" + ColumnOf(output[i].id) + " AS " + TypeSql(type) + ")";
      columns += (columns.empty() ? "" : ", ") + (operation.is_all ? value : GroupKeySql(value, type)) + " AS " + ColumnOf(operation.output[i].id);
    }
    MS_ASSIGN_OR_RETURN(std::string select, Emit(input, ids));
    return "SELECT " + (columns.empty() ? kNoColumns : columns) + From(select);
  };
  MS_ASSIGN_OR_RETURN(std::string left, side(*operation.left));
  MS_ASSIGN_OR_RETURN(std::string right, side(*operation.right));
  const char* kind = operation.kind == SetOperation::Kind::kUnion ? "UNION" : operation.kind == SetOperation::Kind::kIntersect ? "INTERSECT" : "EXCEPT";
  return "SELECT " + ColumnList(operation.output, needed) + From("(" + left + ") " + kind + (operation.is_all ? " ALL (" : " (") + right + ")");
}

}  // namespace millstream::compute
