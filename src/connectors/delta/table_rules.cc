#include "connectors/delta/table_rules.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>

#include <algorithm>

#include "connectors/delta/named_values.h"
#include "delta/check_constraints.h"
#include "delta/delta_errors.h"
#include "plan/analyzer/stored_value.h"
#include "plan/coercion.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr char kRowColumn[] = "__millstream_row";
// Apart from ColumnOf's.
constexpr int64_t kFirstRuleId = int64_t{1} << 45;
constexpr ExprId kRowId{kFirstRuleId - 1};

ExprPtr True(ExprPtr condition) {
  return CallOf("coalesce", {std::move(condition), MakeExpr(Literal{Value{false}, DataType::Boolean()})}, DataType::Boolean(), false);
}

Status ReadInvariants(const StructType& fields, const StructType& table, const AnalyzerConf& conf, std::vector<RowCheck>& checks) {
  for (const StructField& field : fields) {
    MS_ASSIGN_OR_RETURN(std::optional<std::string> text, InvariantOf(field));
    if (text) {
      Result<TableExpression> condition = AnalyzeTableExpression(*text, table, conf, {.missing_is_null = true});
      if (!condition.ok()) return condition.status().While("reading the invariant of column " + field.name + ", " + *text);
      checks.push_back({.name = "EXPRESSION(" + condition->tree + ")", .condition = *condition, .holds = HoldsOf(*condition)});
    }
    if (field.type.id() == TypeId::kStruct) MS_RETURN_IF_ERROR(ReadInvariants(field.type.fields(), table, conf, checks));
  }
  return Status();
}

// A batch's rows for a plan that numbers them.
class NumberedRows : public RelationSource {
 public:
  explicit NumberedRows(const StructType& table) : schema_(table) { schema_.Add({kRowColumn, DataType::Long(), false}); }
  std::string name() const override { return "rows that are written"; }
  const StructType& schema() const override { return schema_; }
  bool is_streaming() const override { return false; }

 private:
  StructType schema_;
};

AttributeRef RowNumber() { return {.name = kRowColumn, .type = DataType::Long(), .nullable = false, .id = kRowId}; }

// Computes columns out of batches of the table's columns.
class RowProgram {
 public:
  // `filter` over the expressions: kFirstRuleId + i; null: none.
  static Result<std::unique_ptr<RowProgram>> Compile(const StructType& table, const std::vector<ExprPtr>& expressions, const ExprPtr& filter,
                                                     ComputeEngine& engine, const ComputeConf& conf) {
    ScanRelation scan{.source = std::make_shared<NumberedRows>(table), .output = {}};
    for (size_t i = 0; i < table.size(); ++i) scan.output.push_back(ColumnOf(table, i));
    scan.output.push_back(RowNumber());
    Project project{.expressions = {MakeExpr(RowNumber())}, .child = MakePlan(std::move(scan))};
    for (size_t i = 0; i < expressions.size(); ++i) {
      project.expressions.push_back(
          MakeExpr(Alias{expressions[i], {"value_" + std::to_string(i)}, std::nullopt, ExprId(kFirstRuleId + static_cast<int64_t>(i))}));
    }
    PlanPtr plan = MakePlan(std::move(project));
    if (filter) plan = MakePlan(Filter{filter, plan});
    auto program = std::unique_ptr<RowProgram>(new RowProgram());
    MS_ASSIGN_OR_RETURN(program->compiled_, CompiledPlan::Compile(Optimize(plan), engine, conf));
    program->table_ = table;
    return program;
  }

  // Columns: the number of the row in the batch, then the expressions. In any order.
  Result<std::vector<RecordBatchPtr>> Run(const arrow::RecordBatch& rows) {
    std::vector<RowStreamPtr> inputs;
    for (const auto& [relation, needs] : compiled_->scans()) {
      StructType schema;
      std::vector<std::shared_ptr<arrow::Array>> columns;
      for (const std::string& name : needs.columns) {
        const std::optional<size_t> at = table_.IndexOf(name, /*case_sensitive=*/true);
        schema.Add(at ? StructField{name, table_[*at].type} : StructField{name, DataType::Long(), false});
        if (at) {
          columns.push_back(rows.column(static_cast<int>(*at)));
          continue;
        }
        arrow::Int64Builder numbers;
        arrow::Status built = numbers.Reserve(rows.num_rows());
        for (int64_t row = 0; built.ok() && row < rows.num_rows(); ++row) numbers.UnsafeAppend(row);
        std::shared_ptr<arrow::Array> array;
        if (built.ok()) built = numbers.Finish(&array);
        if (!built.ok()) return FromArrowStatus(built, "while rows are looked at");
        columns.push_back(std::move(array));
      }
      ArrowSchemaPtr arrow_schema = ToArrowSchema(schema);
      inputs.push_back(MakeRowStream(arrow_schema, {arrow::RecordBatch::Make(arrow_schema, rows.num_rows(), std::move(columns))}));
    }
    MS_ASSIGN_OR_RETURN(RowStreamPtr stream, compiled_->Run(std::move(inputs)));
    return Drain(*stream);
  }

 private:
  RowProgram() = default;
  std::unique_ptr<CompiledPlan> compiled_;
  StructType table_;
};

struct ComputedTable {
  StructType schema;
  TableRules rules;
  ComputeEngine& engine;
  ComputeConf conf;
};

// The first field within structs that is NOT NULL and null in some row; a struct that is null has no such field either.
void FindNullFields(const arrow::Array& array, const DataType& type, const std::string& name, std::vector<RowRuler::Violation>& found) {
  const auto& structs = static_cast<const arrow::StructArray&>(array);
  for (size_t i = 0; i < type.fields().size(); ++i) {
    const StructField& field = type.fields()[i];
    const std::shared_ptr<arrow::Array> child = structs.field(static_cast<int>(i));
    const std::string path = name + "." + field.name;
    for (int64_t row = 0; !field.nullable && row < array.length(); ++row) {
      if (array.IsNull(row) || child->IsNull(row)) found.push_back({row, Status::Error(errors::kDeltaNotNullViolated, {{"columnName", path}})});
    }
    if (field.type.id() == TypeId::kStruct) FindNullFields(*child, field.type, path, found);
  }
}

class Ruler : public RowRuler {
 public:
  static Result<std::unique_ptr<RowRuler>> Start(std::shared_ptr<const ComputedTable> table, const StructType& given) {
    auto ruler = std::unique_ptr<Ruler>(new Ruler(std::move(table)));
    const ComputedTable& of = *ruler->table_;
    std::vector<ExprPtr> computed, checked;
    for (const GeneratedColumn& column : of.rules.generated) {
      const StructField& field = of.schema[column.column];
      if (!given.IndexOf(field.name)) {
        ruler->computed_.push_back(column.column);
        computed.push_back(column.expr);
        continue;
      }
      RowCheck check{.name = "Generated Column", .condition = column.value, .holds = nullptr};
      check.holds = CallOf("<=>", {MakeExpr(ColumnOf(of.schema, column.column)), column.expr}, DataType::Boolean(), false);
      check.condition.sql = "(" + field.name + " <=> " + column.value.sql + ")";
      check.condition.columns.push_back({field.name});
      std::sort(check.condition.columns.begin(), check.condition.columns.end());
      ruler->checks_.push_back(std::move(check));
    }
    ruler->checks_.insert(ruler->checks_.end(), of.rules.checks.begin(), of.rules.checks.end());
    if (!computed.empty()) {
      MS_ASSIGN_OR_RETURN(ruler->compute_, RowProgram::Compile(of.schema, computed, nullptr, of.engine, of.conf));
    }
    if (ruler->checks_.empty()) return std::unique_ptr<RowRuler>(std::move(ruler));
    ExprPtr all;
    for (size_t i = 0; i < ruler->checks_.size(); ++i) {
      checked.push_back(ruler->checks_[i].holds);
      ExprPtr one = MakeExpr(AttributeRef{
          .name = "value_" + std::to_string(i), .type = DataType::Boolean(), .nullable = false, .id = ExprId(kFirstRuleId + static_cast<int64_t>(i))});
      all = all ? CallOf("and", {all, std::move(one)}, DataType::Boolean(), false) : std::move(one);
    }
    MS_ASSIGN_OR_RETURN(ruler->check_, RowProgram::Compile(of.schema, checked, CallOf("not", {all}, DataType::Boolean(), false), of.engine, of.conf));
    return std::unique_ptr<RowRuler>(std::move(ruler));
  }

  Result<RecordBatchPtr> Apply(const RecordBatchPtr& rows) override {
    if (rows->num_rows() == 0) return rows;
    MS_ASSIGN_OR_RETURN(RecordBatchPtr complete, Compute(rows));
    MS_ASSIGN_OR_RETURN(std::vector<Violation> found, ViolationsOf(*complete));
    if (!found.empty()) return found.front().why;
    return complete;
  }

  Result<std::vector<Violation>> Find(const RecordBatchPtr& rows) override {
    std::vector<Violation> found;
    MS_RETURN_IF_ERROR(FindFrom(rows, 0, found));
    return found;
  }

 private:
  explicit Ruler(std::shared_ptr<const ComputedTable> table) : table_(std::move(table)) {}

  // An expression that ends in an error is looked for by halves.
  Status FindFrom(const RecordBatchPtr& rows, int64_t first, std::vector<Violation>& found) {
    if (rows->num_rows() == 0) return Status();
    Result<RecordBatchPtr> complete = Compute(rows);
    Result<std::vector<Violation>> here = complete.ok() ? ViolationsOf(**complete) : Result<std::vector<Violation>>(complete.status());
    if (here.ok()) {
      for (Violation& one : *here) {
        // One row, one reason.
        if (!found.empty() && found.back().row == first + one.row) continue;
        found.push_back({first + one.row, std::move(one.why)});
      }
      return Status();
    }
    if (rows->num_rows() == 1) {
      found.push_back({first, here.status()});
      return Status();
    }
    const int64_t half = rows->num_rows() / 2;
    MS_RETURN_IF_ERROR(FindFrom(rows->Slice(0, half), first, found));
    return FindFrom(rows->Slice(half), first + half, found);
  }

  Result<RecordBatchPtr> Compute(const RecordBatchPtr& rows) {
    if (!compute_) return rows;
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> made, compute_->Run(*rows));
    auto table = arrow::Table::FromRecordBatches(made);
    if (!table.ok()) return FromArrowStatus(table.status(), "while columns are generated");
    auto combined = (*table)->CombineChunksToBatch();
    if (!combined.ok()) return FromArrowStatus(combined.status(), "while columns are generated");
    const auto& numbers = static_cast<const arrow::Int64Array&>(*(*combined)->column(0));
    if (numbers.length() != rows->num_rows())
      return Status::Internal("a generated column has " + std::to_string(numbers.length()) + " values for " + std::to_string(rows->num_rows()) + " rows");
    arrow::Int64Builder order;
    std::vector<int64_t> place(static_cast<size_t>(numbers.length()));
    for (int64_t i = 0; i < numbers.length(); ++i) place[static_cast<size_t>(numbers.Value(i))] = i;
    const bool in_order = std::is_sorted(place.begin(), place.end());
    std::shared_ptr<arrow::Array> indices;
    arrow::Status built = order.AppendValues(place);
    if (built.ok()) built = order.Finish(&indices);
    if (!built.ok()) return FromArrowStatus(built, "while columns are generated");
    RecordBatchPtr complete = rows;
    for (size_t i = 0; i < computed_.size(); ++i) {
      const auto at = static_cast<int>(computed_[i]);
      std::shared_ptr<arrow::Array> values = (*combined)->column(static_cast<int>(i) + 1);
      if (!in_order) {
        auto taken = arrow::compute::Take(*values, *indices, arrow::compute::TakeOptions::NoBoundsCheck());
        if (!taken.ok()) return FromArrowStatus(taken.status(), "while columns are generated");
        values = *taken;
      }
      auto replaced = complete->SetColumn(at, complete->schema()->field(at), std::move(values));
      if (!replaced.ok()) return FromArrowStatus(replaced.status(), "while columns are generated");
      complete = *replaced;
    }
    return complete;
  }

  // In the order of the rows.
  Result<std::vector<Violation>> ViolationsOf(const arrow::RecordBatch& rows) {
    std::vector<Violation> found;
    if (check_) {
      MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> broken, check_->Run(rows));
      for (const RecordBatchPtr& batch : broken) {
        const auto& numbers = static_cast<const arrow::Int64Array&>(*batch->column(0));
        for (int64_t i = 0; i < batch->num_rows(); ++i) {
          size_t which = 0;
          while (static_cast<const arrow::BooleanArray&>(*batch->column(static_cast<int>(which) + 1)).Value(i)) ++which;
          found.push_back({numbers.Value(i), Broken(checks_[which], rows, numbers.Value(i))});
        }
      }
    }
    for (size_t at : computed_) {
      if (table_->schema[at].nullable || rows.column(static_cast<int>(at))->null_count() == 0) continue;
      for (int64_t row = 0; row < rows.num_rows(); ++row) {
        if (rows.column(static_cast<int>(at))->IsNull(row)) {
          found.push_back({row, Status::Error(errors::kDeltaNotNullViolated, {{"columnName", table_->schema[at].name}})});
        }
      }
    }
    for (size_t i = 0; i < table_->schema.size(); ++i) {
      if (table_->schema[i].type.id() != TypeId::kStruct) continue;
      FindNullFields(*rows.column(static_cast<int>(i)), table_->schema[i].type, table_->schema[i].name, found);
    }
    std::stable_sort(found.begin(), found.end(), [](const Violation& a, const Violation& b) { return a.row < b.row; });
    return found;
  }

  Status Broken(const RowCheck& check, const arrow::RecordBatch& rows, int64_t row) const {
    std::string values;
    for (const std::vector<std::string>& column : check.condition.columns) {
      values += (values.empty() ? " - " : "\n - ") + NamedValue(table_->schema, rows, row, column);
    }
    return Status::Error(errors::kDeltaConstraintViolated,
                         {{"constraintName", check.name}, {"expression", check.condition.sql}, {"values", std::move(values)}});
  }

  const std::shared_ptr<const ComputedTable> table_;
  std::vector<size_t> computed_;  // columns of the table
  std::unique_ptr<RowProgram> compute_, check_;
  std::vector<RowCheck> checks_;
};

class Rules : public RowRules {
 public:
  explicit Rules(std::shared_ptr<const ComputedTable> table) : table_(std::move(table)) {}
  Result<std::unique_ptr<RowRuler>> Start(const StructType& given) const override { return Ruler::Start(table_, given); }

 private:
  const std::shared_ptr<const ComputedTable> table_;
};

}  // namespace

ExprPtr HoldsOf(const TableExpression& condition) { return True(CastTo(condition.expr, DataType::Boolean(), EvalMode::kAnsi)); }

Result<TableRules> ReadTableRules(const Metadata& table, const AnalyzerConf& conf) {
  TableRules rules;
  for (const auto& [key, text] : table.configuration) {
    if (!IsConstraint(key)) continue;
    const std::string name = key.substr(kConstraintPrefix.size());
    Result<TableExpression> condition = AnalyzeTableExpression(text, table.schema, conf, {.missing_is_null = true});
    if (!condition.ok()) return condition.status().While("reading the CHECK constraint " + name + ", " + text);
    rules.checks.push_back({.name = name, .condition = *condition, .holds = HoldsOf(*condition)});
  }
  MS_RETURN_IF_ERROR(ReadInvariants(table.schema, table.schema, conf, rules.checks));
  for (size_t i = 0; i < table.schema.size(); ++i) {
    const std::optional<std::string> text = GenerationExpressionOf(table.schema[i]);
    if (!text) continue;
    Result<TableExpression> value = AnalyzeTableExpression(*text, table.schema, conf);
    if (!value.ok()) return value.status().While("reading how column " + table.schema[i].name + " is generated, " + *text);
    rules.generated.push_back({.column = i, .value = *value, .expr = CastTo(value->expr, table.schema[i].type, EvalMode::kAnsi)});
  }
  return rules;
}

Result<RowRulesPtr> ComputedRules::Make(const Metadata& table, const RuleConf& conf) const {
  AnalyzerConf analyzer{.ansi = conf.ansi, .time_zone = conf.time_zone, .now_us = clock_.WallMillis() * 1000};
  MS_ASSIGN_OR_RETURN(TableRules rules, ReadTableRules(table, analyzer));
  auto computed = std::make_shared<ComputedTable>(
      ComputedTable{.schema = table.schema, .rules = std::move(rules), .engine = engine_, .conf = {.time_zone = conf.time_zone, .threads = 1}});
  // What cannot be computed is found before anything is written.
  MS_RETURN_IF_ERROR(Ruler::Start(computed, StructType()).status());
  return RowRulesPtr(std::make_shared<const Rules>(std::move(computed)));
}

}  // namespace millstream
