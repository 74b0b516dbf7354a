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

// A value that does not fit.
struct Misfit {
  std::string path;                      // "column", "column.field", "column[2].field", "column.value.field"
  const arrow::Array* values = nullptr;  // before the cast
  int64_t at = 0;
  DataType from, to;
};

std::optional<Misfit> Below(std::optional<Misfit> misfit, const std::string& step) {
  if (misfit) misfit->path.insert(0, step);
  return misfit;
}

// The first value of a row of a column that its cast has made null; its path begins below the column. Casts go by position, and make nulls of what does not
// fit alone.
std::optional<Misfit> FindLost(const arrow::Array& before, int64_t at, const arrow::Array& after, int64_t cast_at, const DataType& from, const DataType& to) {
  if (before.IsNull(at) || from.SameType(to)) return std::nullopt;
  if (after.IsNull(cast_at)) return Misfit{"", &before, at, from, to};
  if (from.id() == TypeId::kStruct) {
    const auto &group = static_cast<const arrow::StructArray&>(before), &cast = static_cast<const arrow::StructArray&>(after);
    for (size_t i = 0; i < from.fields().size(); ++i) {
      const StructField &was = from.fields()[i], &is = to.fields()[i];
      const int child = static_cast<int>(i);
      if (auto lost = FindLost(*group.field(child), at, *cast.field(child), cast_at, was.type, is.type)) return Below(std::move(lost), "." + was.name);
    }
    return std::nullopt;
  }
  if (from.id() != TypeId::kArray && from.id() != TypeId::kMap) return std::nullopt;
  const bool is_map = from.id() == TypeId::kMap;
  const auto &list = static_cast<const arrow::ListArray&>(before), &cast = static_cast<const arrow::ListArray&>(after);
  const arrow::Array& values = is_map ? *static_cast<const arrow::MapArray&>(before).items() : *list.values();
  const arrow::Array& cast_values = is_map ? *static_cast<const arrow::MapArray&>(after).items() : *cast.values();
  const DataType &was = is_map ? from.value() : from.element(), &is = is_map ? to.value() : to.element();
  for (int64_t i = 0; i < list.value_length(at); ++i) {
    auto lost = FindLost(values, list.value_offset(at) + i, cast_values, cast.value_offset(cast_at) + i, was, is);
    if (lost) return Below(std::move(lost), is_map ? ".value" : "[" + std::to_string(i) + "]");
  }
  return std::nullopt;
}

class Sifted : public RowStream {
 public:
  Sifted(RowStreamPtr rows, SiftPlan sift, TakeMisfit take, std::unique_ptr<RuleSieve> rules)
      : rows_(std::move(rows)), sift_(std::move(sift)), take_(std::move(take)), rules_(std::move(rules)), text_(sift_.raw_columns, {}) {
    columns_ = static_cast<int>(sift_.table_columns.size());
    for (size_t i = 0; i < sift_.table_columns.size(); ++i) {
      if (sift_.raw_columns[i].type.IsNested() && !sift_.raw_columns[i].type.SameType(sift_.table_columns[i].type)) nested_.push_back(i);
    }
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
      const bool all_fit = misfits.null_count() == batch->num_rows() && nested_.empty();
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
      std::optional<Misfit> misfit;
      if (!misfits.IsNull(row)) {
        const auto column = static_cast<size_t>(misfits.Value(row));
        misfit = Misfit{sift_.table_columns[column].name, raw[column].get(), row, sift_.raw_columns[column].type, sift_.table_columns[column].type};
      }
      for (size_t i = 0; i < nested_.size() && !misfit; ++i) {
        const size_t column = nested_[i];
        const StructField& to = sift_.table_columns[column];
        misfit = Below(FindLost(*raw[column], row, *batch.column(static_cast<int>(column)), row, sift_.raw_columns[column].type, to.type), to.name);
      }
      if (!misfit) {
        fitting.UnsafeAppend(row);
        continue;
      }
      text.clear();
      text_.AppendRow(raw, row, text);
      MS_RETURN_IF_ERROR(take_(Describe(*misfit, files.Value(row), text)));
    }
    if (fitting.length() == batch.num_rows() && !rules_) return all;
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

  BadRecord Describe(const Misfit& misfit, int32_t file, const std::string& text) const {
    const DataType &from = misfit.from, &to = misfit.to;
    Status why;
    if (misfit.values->IsNull(misfit.at)) {
      why = Status::Error(errors::kDeltaNotNullViolated, {{"columnName", misfit.path}});
    } else {
      const bool is_text = from.id() == TypeId::kString;
      std::string value;
      if (is_text) {
        value = "'" + static_cast<const arrow::StringArray&>(*misfit.values).GetString(misfit.at) + "'";
      } else {
        AppendScalarText(*misfit.values, misfit.at, from, TimeZone::Utc(), value);
      }
      why = Status::Error(is_text ? errors::kCastInvalidInput : errors::kCastOverflow,
                          {{is_text ? "expression" : "value", value}, {"sourceType", "\"" + from.Sql() + "\""}, {"targetType", "\"" + to.Sql() + "\""}});
    }
    return Described(why, misfit.path, file, text);
  }

  const RowStreamPtr rows_;
  const SiftPlan sift_;
  const TakeMisfit take_;
  const std::unique_ptr<RuleSieve> rules_;  // or null
  const JsonRowText text_;
  std::vector<size_t> nested_;  // columns of which values are cast
  int columns_ = 0;
  ArrowSchemaPtr schema_;
};

// `from` with the names that its cast has, by position: what is kept of a row is read again by them.
DataType WithNamesOf(const DataType& from, const DataType& cast) {
  if (from.id() != cast.id()) return from;
  if (from.id() == TypeId::kArray) return DataType::Array(WithNamesOf(from.element(), cast.element()), from.contains_null());
  if (from.id() == TypeId::kMap) return DataType::Map(from.key(), WithNamesOf(from.value(), cast.value()), from.contains_null());
  if (from.id() != TypeId::kStruct || from.fields().size() != cast.fields().size()) return from;
  std::vector<StructField> fields = from.fields().fields();
  for (size_t i = 0; i < fields.size(); ++i) {
    fields[i].name = cast.fields()[i].name;
    fields[i].type = WithNamesOf(fields[i].type, cast.fields()[i].type);
  }
  return DataType::Struct(StructType(std::move(fields)));
}

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
    sift.raw_columns.Add({name, WithNamesOf(output[i].type, targets[i].type)});
    sift.raw_at.push_back(static_cast<int>(i));
    if (!is_cast) continue;
    casts.expressions.push_back(before);
    sift.raw_at.back() = static_cast<int>(raw.size());
    raw.push_back(before);
  }
  const int columns = static_cast<int>(says.expressions.size());
  // Behind the misfit column.
  for (size_t i = 0; i < sift.raw_at.size(); ++i) {
    if (!output[i].type.SameType(targets[i].type)) sift.raw_at[i] += columns + 1;
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
