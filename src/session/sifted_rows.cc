#include "session/sifted_rows.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include <algorithm>

#include "compute/compute_errors.h"
#include "connectors/files/quarantine.h"
#include "delta/delta_errors.h"
#include "formats/cell_text_writer.h"
#include "formats/source_file_column.h"
#include "plan/function_registry.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Beyond the ids of the analyzer and of CastToTargets; the ids only have to differ within this plan.
constexpr int64_t kFirstId = int64_t{1} << 41;
constexpr int64_t kMisfitId = kFirstId - 1;
constexpr char kMisfitColumn[] = "__millstream_misfit";

ExprPtr Is(const char* function, std::vector<ExprPtr> args) {
  return MakeExpr(Call{.function = FindFunction(function), .args = std::move(args), .type = DataType::Boolean(), .nullable = false});
}

ExprPtr Int(int32_t value) { return MakeExpr(Literal{Value{int64_t{value}}, DataType::Integer()}); }

class Sifted : public RowStream {
 public:
  Sifted(RowStreamPtr rows, SiftPlan sift, TakeMisfit take, std::unique_ptr<RuleSieve> rules)
      : rows_(std::move(rows)), sift_(std::move(sift)), take_(std::move(take)), rules_(std::move(rules)), text_(sift_.raw_columns, {}) {
    columns_ = static_cast<int>(sift_.table_columns.size());
    StructType schema = sift_.table_columns;
    schema.Add({std::string(kSourceFileColumn), DataType::Integer()});
    schema_ = ToArrowSchema(schema);
  }
  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows_->Next());
      if (!batch) return batch;
      const auto& misfits = static_cast<const arrow::Int32Array&>(*batch->column(columns_));
      const bool all_fit = misfits.null_count() == batch->num_rows();
      RecordBatchPtr kept = TableColumns(*batch);
      if (all_fit && !rules_) return kept;
      MS_ASSIGN_OR_RETURN(kept, Keep(*batch, misfits, kept));
      if (kept->num_rows() > 0) return kept;
    }
  }

 private:
  RecordBatchPtr TableColumns(const arrow::RecordBatch& batch) const {
    std::vector<std::shared_ptr<arrow::Array>> arrays(batch.columns().begin(), batch.columns().begin() + columns_);
    arrays.push_back(batch.columns().back());
    return arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(arrays));
  }

  Result<RecordBatchPtr> Keep(const arrow::RecordBatch& batch, const arrow::Int32Array& misfits, const RecordBatchPtr& all) const {
    std::vector<std::shared_ptr<arrow::Array>> raw;
    for (int at : sift_.raw_at) raw.push_back(batch.column(at));
    const auto& files = static_cast<const arrow::Int32Array&>(*batch.columns().back());
    arrow::Int64Builder fitting;
    arrow::Status built = fitting.Reserve(batch.num_rows());
    if (!built.ok()) return FromArrowStatus(built, "while rows are sifted");
    std::string text;
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      if (misfits.IsNull(row)) {
        fitting.UnsafeAppend(row);
        continue;
      }
      text.clear();
      text_.AppendRow(raw, row, text);
      const auto column = static_cast<size_t>(misfits.Value(row));
      MS_RETURN_IF_ERROR(take_(Describe(column, *raw[column], row, files.Value(row), text)));
    }
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> indices, Finished(fitting));
    MS_ASSIGN_OR_RETURN(RecordBatchPtr kept, Chosen(all, indices));
    if (!rules_) return kept;
    MS_ASSIGN_OR_RETURN(const std::vector<RowRuler::Violation> broken, rules_->Find(kept));
    if (broken.empty()) return kept;
    arrow::Int64Builder holding;
    auto next = broken.begin();
    for (int64_t at = 0; at < kept->num_rows(); ++at) {
      if (next == broken.end() || next->row != at) {
        if (arrow::Status added = holding.Append(at); !added.ok()) return FromArrowStatus(added, "while rows are sifted");
        continue;
      }
      const int64_t row = static_cast<const arrow::Int64Array&>(*indices).Value(at);
      text.clear();
      text_.AppendRow(raw, row, text);
      MS_RETURN_IF_ERROR(take_(Described(next->why, ColumnOfViolation(next->why), files.Value(row), text)));
      ++next;
    }
    MS_ASSIGN_OR_RETURN(indices, Finished(holding));
    return Chosen(kept, indices);
  }

  static Result<std::shared_ptr<arrow::Array>> Finished(arrow::Int64Builder& builder) {
    auto indices = builder.Finish();
    if (!indices.ok()) return FromArrowStatus(indices.status(), "while rows are sifted");
    return *indices;
  }

  static Result<RecordBatchPtr> Chosen(const RecordBatchPtr& rows, const std::shared_ptr<arrow::Array>& indices) {
    auto chosen = arrow::compute::Take(arrow::Datum(rows), arrow::Datum(indices), arrow::compute::TakeOptions::NoBoundsCheck());
    if (!chosen.ok()) return FromArrowStatus(chosen.status(), "while rows are sifted");
    return chosen->record_batch();
  }

  static BadRecord Described(const Status& why, const std::string& column, int32_t file, const std::string& text) {
    return {.file = file,
            .byte_offset = quarantine::kNoOffset,
            .byte_length = static_cast<int64_t>(text.size()),
            .line = std::nullopt,
            .column = column,
            .error_class = std::string(why.error_class().name),
            .reason = why.text(),
            .raw = text};
  }

  BadRecord Describe(size_t column, const arrow::Array& values, int64_t row, int32_t file, const std::string& text) const {
    const StructField &from = sift_.raw_columns[column], &to = sift_.table_columns[column];
    Status why;
    if (values.IsNull(row)) {
      why = Status::Error(errors::kDeltaNotNullViolated, {{"columnName", to.name}});
    } else {
      const bool is_text = from.type.id() == TypeId::kString;
      std::string value;
      if (is_text) {
        value = "'" + static_cast<const arrow::StringArray&>(values).GetString(row) + "'";
      } else {
        AppendScalarText(values, row, from.type, TimeZone::Utc(), value);
      }
      why = Status::Error(
          is_text ? errors::kCastInvalidInput : errors::kCastOverflow,
          {{is_text ? "expression" : "value", value}, {"sourceType", "\"" + from.type.Sql() + "\""}, {"targetType", "\"" + to.type.Sql() + "\""}});
    }
    return Described(why, to.name, file, text);
  }

  const RowStreamPtr rows_;
  const SiftPlan sift_;
  const TakeMisfit take_;
  const std::unique_ptr<RuleSieve> rules_;  // or null
  const JsonRowText text_;
  int columns_ = 0;
  ArrowSchemaPtr schema_;
};

}  // namespace

SiftPlan SiftToTargets(const PlanPtr& analyzed, const std::vector<StructField>& targets, bool rename) {
  const std::vector<AttributeRef> output = OutputOf(*analyzed);
  SiftPlan sift;
  Project casts, says;
  std::vector<ExprPtr> cases, raw;
  for (size_t i = 0; i < output.size() && i < targets.size(); ++i) {
    const std::string& name = rename ? targets[i].name : output[i].name;
    const ExprPtr before = MakeExpr(output[i]);
    const bool is_cast = !output[i].type.SameType(targets[i].type);
    const AttributeRef after{.name = name, .type = targets[i].type, .nullable = true, .id = ExprId(kFirstId + static_cast<int64_t>(i))};
    casts.expressions.push_back(MakeExpr(Alias{is_cast ? MakeExpr(Cast{before, targets[i].type, EvalMode::kTry}) : before, {name}, std::nullopt, after.id}));
    says.expressions.push_back(MakeExpr(after));
    ExprPtr is_wrong;
    if (!targets[i].nullable) {
      is_wrong = Is("isnull", {MakeExpr(after)});
    } else if (is_cast) {
      is_wrong = Is("and", {Is("isnull", {MakeExpr(after)}), Is("isnotnull", {before})});
    }
    if (is_wrong) {
      cases.push_back(is_wrong);
      cases.push_back(Int(static_cast<int32_t>(i)));
    }
    sift.table_columns.Add({name, targets[i].type});
    sift.raw_columns.Add({name, output[i].type});
    sift.raw_at.push_back(static_cast<int>(i));
    if (!is_cast) continue;
    casts.expressions.push_back(before);
    sift.raw_at.back() = static_cast<int>(raw.size());
    raw.push_back(before);
  }
  const int columns = static_cast<int>(says.expressions.size());
  // Behind the misfit column.
  for (size_t i = 0; i < sift.raw_at.size(); ++i) {
    if (!sift.raw_columns[i].type.SameType(sift.table_columns[i].type)) sift.raw_at[i] += columns + 1;
  }
  ExprPtr misfit = cases.empty() ? MakeExpr(Literal{Value{}, DataType::Integer()})
                                 : MakeExpr(Call{.function = FindFunction("when"), .args = cases, .type = DataType::Integer(), .nullable = true});
  says.expressions.push_back(MakeExpr(Alias{misfit, {kMisfitColumn}, std::nullopt, ExprId(kMisfitId)}));
  says.expressions.insert(says.expressions.end(), raw.begin(), raw.end());
  // A relation that has it as a column like others.
  if (output.size() == targets.size() + 1 && output.back().name == kSourceFileColumn) {
    casts.expressions.push_back(MakeExpr(output.back()));
    says.expressions.push_back(MakeExpr(output.back()));
  }
  casts.child = analyzed;
  says.child = MakePlan(std::move(casts));
  sift.plan = MakePlan(std::move(says));
  return sift;
}

RowStreamPtr SiftedRows(RowStreamPtr rows, SiftPlan sift, TakeMisfit take, std::unique_ptr<RuleSieve> rules) {
  return std::make_unique<Sifted>(std::move(rows), std::move(sift), std::move(take), std::move(rules));
}

}  // namespace millstream
