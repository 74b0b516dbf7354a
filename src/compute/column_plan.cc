#include "compute/column_plan.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <set>
#include <variant>

#include "plan/function_registry.h"
#include "types/arrow_types.h"
#include "types/chunk_rows.h"

namespace millstream::compute {
namespace {

using ScalarPtr = std::shared_ptr<arrow::Scalar>;
using ArrayPtr = std::shared_ptr<arrow::Array>;
// A column of the input; with a path, a field of it, or of a field of it and so on.
struct Place {
  size_t column = 0;
  std::vector<int> path;
};
// Where an output column comes from: the input, or a constant.
using ColumnFrom = std::variant<Place, ScalarPtr>;

struct Picked {
  std::vector<ColumnFrom> columns;
  int64_t rows_max = std::numeric_limits<int64_t>::max();
};

class ColumnRows : public RowStream, public DeliversChunks {
 public:
  ColumnRows(ArrowSchemaPtr schema, std::shared_ptr<const Picked> picked, RowStreamPtr input, std::shared_ptr<CancelToken> cancel)
      : schema_(std::move(schema)), picked_(std::move(picked)), input_(std::move(input)), cancel_(std::move(cancel)), rows_left_(picked_->rows_max) {}

  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    if (cancel_ && cancel_->cancelled()) return Status::Error(errors::kCancelled);
    if (rows_left_.load() <= 0) return RecordBatchPtr();
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, input_->Next());
    return Pick(std::move(batch));
  }

  Result<SomeRows> NextChunks(const ChunkWishes& wishes) override {
    // Encoded rows are not cut, and encoded structs have no fields.
    if (picked_->rows_max != std::numeric_limits<int64_t>::max() || TakesWholeAndField()) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, Next());
      return SomeRows{.batch = std::move(batch), .chunks = std::nullopt};
    }
    if (cancel_ && cancel_->cancelled()) return Status::Error(errors::kCancelled);
    MS_ASSIGN_OR_RETURN(SomeRows rows, NextOf(*input_, OfInput(wishes)));
    if (rows.file) return rows;
    if (!rows.chunks) {
      MS_ASSIGN_OR_RETURN(rows.batch, Pick(std::move(rows.batch)));
      return rows;
    }
    ChunkRows picked{.rows = rows.chunks->rows, .columns = {}};
    for (const ColumnFrom& from : picked_->columns) {
      const auto* place = std::get_if<Place>(&from);
      if (place == nullptr) {
        MS_ASSIGN_OR_RETURN(auto constant, Repeated(*std::get<ScalarPtr>(from), picked.rows));
        picked.columns.emplace_back(std::move(constant));
      } else if (const auto* values = std::get_if<ArrayPtr>(&rows.chunks->columns.at(place->column))) {
        MS_ASSIGN_OR_RETURN(auto field, FieldOf(*values, place->path));
        picked.columns.emplace_back(std::move(field));
      } else {
        picked.columns.push_back(rows.chunks->columns[place->column]);
      }
    }
    rows.chunks = std::move(picked);
    return rows;
  }

 private:
  // A column of the input that becomes two of the output, under two names, cannot be encoded.
  ChunkWishes OfInput(const ChunkWishes& wishes) const {
    ChunkWishes of_input{.columns = std::vector<std::optional<StructField>>(static_cast<size_t>(input_->schema()->num_fields())),
                         .codec = wishes.codec,
                         .no_files_because = wishes.no_files_because};
    std::vector<int> uses(of_input.columns.size());
    for (size_t i = 0; i < picked_->columns.size() && i < wishes.columns.size(); ++i) {
      const auto* place = std::get_if<Place>(&picked_->columns[i]);
      if (place == nullptr && !IsNullIn(wishes.columns[i], *std::get<ScalarPtr>(picked_->columns[i]))) {
        of_input.no_files_because = "the query has a column with a constant";
      }
      if (place == nullptr || place->column >= uses.size()) continue;
      if (!place->path.empty()) {
        of_input.no_files_because = "the query takes " + input_->schema()->field(static_cast<int>(place->column))->name() + " in parts";
        continue;
      }
      if (uses[place->column] > 0) of_input.no_files_because = "the query takes a column twice";
      of_input.columns[place->column] = uses[place->column]++ == 0 ? wishes.columns[i] : std::nullopt;
    }
    return of_input;
  }

  bool TakesWholeAndField() const {
    std::set<size_t> whole, in_parts;
    for (const ColumnFrom& from : picked_->columns) {
      if (const auto* place = std::get_if<Place>(&from)) (place->path.empty() ? whole : in_parts).insert(place->column);
    }
    return std::any_of(whole.begin(), whole.end(), [&](size_t column) { return in_parts.contains(column); });
  }

  // A field of a struct that is null is null.
  static Result<ArrayPtr> FieldOf(ArrayPtr array, const std::vector<int>& path) {
    for (const int field : path) {
      const auto& structs = static_cast<const arrow::StructArray&>(*array);
      if (structs.null_count() == 0) {
        array = structs.field(field);
        continue;
      }
      arrow::Result<ArrayPtr> flattened = structs.GetFlattenedField(field);
      if (!flattened.ok()) return FromArrowStatus(flattened.status(), "taking a field of a struct");
      array = *std::move(flattened);
    }
    return array;
  }

  // A file that lacks a column of the table says the same as a null.
  static bool IsNullIn(const std::optional<StructField>& column, const arrow::Scalar& constant) { return !constant.is_valid && column && column->nullable; }

  static Result<std::shared_ptr<arrow::Array>> Repeated(const arrow::Scalar& constant, int64_t rows) {
    auto repeated = arrow::MakeArrayFromScalar(constant, rows);
    if (!repeated.ok()) return FromArrowStatus(repeated.status(), "repeating a constant");
    return *std::move(repeated);
  }

  Result<RecordBatchPtr> Pick(RecordBatchPtr batch) {
    if (!batch) return batch;
    if (picked_->rows_max != std::numeric_limits<int64_t>::max()) {
      const int64_t left = rows_left_.fetch_sub(batch->num_rows());
      if (left <= 0) return RecordBatchPtr();
      if (batch->num_rows() > left) batch = batch->Slice(0, left);
    }
    std::vector<std::shared_ptr<arrow::Array>> columns;
    columns.reserve(picked_->columns.size());
    for (const ColumnFrom& from : picked_->columns) {
      if (const auto* place = std::get_if<Place>(&from)) {
        if (static_cast<int>(place->column) >= batch->num_columns()) return Status::Internal("an input delivers fewer columns than the plan reads");
        MS_ASSIGN_OR_RETURN(ArrayPtr column, FieldOf(batch->column(static_cast<int>(place->column)), place->path));
        columns.push_back(std::move(column));
        continue;
      }
      MS_ASSIGN_OR_RETURN(auto constant, Repeated(*std::get<ScalarPtr>(from), batch->num_rows()));
      columns.push_back(std::move(constant));
    }
    for (int i = 0; i < schema_->num_fields(); ++i) {
      if (!columns[i]->type()->Equals(*schema_->field(i)->type())) {
        return Status::Internal("the input's column " + schema_->field(i)->name() + " is " + columns[i]->type()->ToString() + ", not " +
                                schema_->field(i)->type()->ToString());
      }
    }
    return RecordBatchPtr(arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(columns)));
  }

  const ArrowSchemaPtr schema_;
  const std::shared_ptr<const Picked> picked_;
  const RowStreamPtr input_;
  const std::shared_ptr<CancelToken> cancel_;
  std::atomic<int64_t> rows_left_;
};

class ColumnPlan : public CompiledPlan {
 public:
  ColumnPlan(StructType schema, Picked picked, std::vector<std::pair<RelationSourcePtr, ScanNeeds>> scans, std::shared_ptr<const LocalRelation> local)
      : schema_(std::move(schema)),
        arrow_schema_(ToArrowSchema(schema_)),
        picked_(std::make_shared<const Picked>(std::move(picked))),
        scans_(std::move(scans)),
        local_(std::move(local)) {}

  const StructType& schema() const override { return schema_; }
  const std::vector<std::pair<RelationSourcePtr, ScanNeeds>>& scans() const override { return scans_; }

  Result<RowStreamPtr> Run(std::vector<RowStreamPtr> inputs, std::shared_ptr<CancelToken> cancel) override {
    if (inputs.size() != scans_.size()) return Status::Internal("a run with other inputs than the plan's scans");
    RowStreamPtr input = local_ ? MakeRowStream(ToArrowSchema(local_->schema), local_->batches) : std::move(inputs[0]);
    return RowStreamPtr(std::make_unique<ColumnRows>(arrow_schema_, picked_, std::move(input), std::move(cancel)));
  }

 private:
  const StructType schema_;
  const ArrowSchemaPtr arrow_schema_;
  const std::shared_ptr<const Picked> picked_;
  const std::vector<std::pair<RelationSourcePtr, ScanNeeds>> scans_;
  const std::shared_ptr<const LocalRelation> local_;
};

// The simple constants; others are left to DuckDB.
ScalarPtr ScalarOf(const Literal& literal) {
  const auto type = ToArrowType(literal.type);
  if (literal.value.is_null()) return arrow::MakeNullScalar(type);
  if (const auto* text = std::get_if<std::string>(&literal.value.held)) {
    if (literal.type.id() == TypeId::kString) return std::make_shared<arrow::StringScalar>(*text);
    return nullptr;
  }
  if (const auto* boolean = std::get_if<bool>(&literal.value.held)) return std::make_shared<arrow::BooleanScalar>(*boolean);
  if (const auto* integer = std::get_if<int64_t>(&literal.value.held)) {
    switch (literal.type.id()) {
      case TypeId::kByte:
        return std::make_shared<arrow::Int8Scalar>(static_cast<int8_t>(*integer));
      case TypeId::kShort:
        return std::make_shared<arrow::Int16Scalar>(static_cast<int16_t>(*integer));
      case TypeId::kInteger:
        return std::make_shared<arrow::Int32Scalar>(static_cast<int32_t>(*integer));
      case TypeId::kLong:
        return std::make_shared<arrow::Int64Scalar>(*integer);
      case TypeId::kDate:
        return std::make_shared<arrow::Date32Scalar>(static_cast<int32_t>(*integer));
      case TypeId::kTimestamp:
      case TypeId::kTimestampNtz:
        return std::make_shared<arrow::TimestampScalar>(*integer, type);
      default:  // Intervals: rare, and DuckDB's path has them.
        return nullptr;
    }
  }
  if (const auto* real = std::get_if<double>(&literal.value.held); real && literal.type.id() == TypeId::kDouble) {
    return std::make_shared<arrow::DoubleScalar>(*real);
  }
  return nullptr;
}

const Literal* LiteralOf(const Expr& expr) {
  const Expr* inner = &expr;
  while (const auto* alias = inner->As<Alias>()) inner = alias->child.get();
  return inner->As<Literal>();
}

// What is under the projections: their columns by id, in terms of the leaf's attributes or constants.
struct Origin {
  ExprId id{};
  std::vector<int> path;
};
using Defined = std::map<ExprId, std::variant<Origin, ScalarPtr>>;

// What an expression that is no literal is in those terms; nullopt: it is computed.
std::optional<std::variant<Origin, ScalarPtr>> OriginOf(const Expr& expr, const Defined& defined) {
  if (const auto* alias = expr.As<Alias>()) return OriginOf(*alias->child, defined);
  if (const auto* attribute = expr.As<AttributeRef>()) {
    const auto found = defined.find(attribute->id);
    return found == defined.end() ? std::nullopt : std::optional(found->second);
  }
  const auto* call = expr.As<Call>();
  if (call == nullptr || call->function->name != "getfield" || call->args.size() != 2) return std::nullopt;
  const DataType of = TypeOf(*call->args[0]);
  const auto* literal = call->args[1]->As<Literal>();
  const auto* name = literal == nullptr ? nullptr : std::get_if<std::string>(&literal->value.held);
  if (of.id() != TypeId::kStruct || name == nullptr) return std::nullopt;
  const std::optional<size_t> field = of.fields().IndexOf(*name, /*case_sensitive=*/true);
  std::optional<std::variant<Origin, ScalarPtr>> origin = OriginOf(*call->args[0], defined);
  if (!field || !origin || !std::holds_alternative<Origin>(*origin)) return std::nullopt;
  std::get<Origin>(*origin).path.push_back(static_cast<int>(*field));
  return origin;
}

}  // namespace

Result<std::unique_ptr<CompiledPlan>> TryCompileColumns(const PlanNode& analyzed) {
  std::vector<const Project*> projects;
  Picked picked;
  const PlanNode* leaf = &analyzed;
  for (;;) {
    if (const auto* node = leaf->As<Project>()) {
      projects.push_back(node);
      leaf = node->child.get();
    } else if (const auto* node = leaf->As<Limit>()) {
      const Literal* count = LiteralOf(*node->count);
      const auto* rows = count ? std::get_if<int64_t>(&count->value.held) : nullptr;
      if (!rows) return std::unique_ptr<CompiledPlan>();
      picked.rows_max = std::min(picked.rows_max, *rows);
      leaf = node->child.get();
    } else if (const auto* node = leaf->As<Repartition>()) {
      leaf = node->child.get();
    } else if (const auto* node = leaf->As<WithWatermark>()) {
      leaf = node->child.get();
    } else if (const auto* node = leaf->As<CollectMetrics>()) {
      leaf = node->child.get();
    } else if (const auto* node = leaf->As<SubqueryAlias>()) {
      leaf = node->child.get();
    } else {
      break;
    }
  }
  const auto* scan = leaf->As<ScanRelation>();
  const auto* local = leaf->As<LocalRelation>();
  // SELECT 1: one row without columns.
  LocalRelation one_row;
  if (leaf->As<OneRow>()) {
    one_row.batches.push_back(arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector()), 1, std::vector<std::shared_ptr<arrow::Array>>()));
    local = &one_row;
  }
  if (!scan && !local) return std::unique_ptr<CompiledPlan>();
  const std::vector<AttributeRef>& leaf_output = scan ? scan->output : local->output;
  if (leaf_output.empty() && local != &one_row) return std::unique_ptr<CompiledPlan>();

  Defined defined;
  for (const AttributeRef& attribute : leaf_output) defined[attribute.id] = Origin{attribute.id, {}};
  for (auto project = projects.rbegin(); project != projects.rend(); ++project) {
    Defined next;
    for (const ExprPtr& expr : (*project)->expressions) {
      const auto* alias = expr->As<Alias>();
      const auto* attribute = expr->As<AttributeRef>();
      const Literal* literal = LiteralOf(*expr);
      if (!alias && !attribute) return std::unique_ptr<CompiledPlan>();
      const ExprId id = alias ? alias->id : attribute->id;
      if (literal) {
        ScalarPtr scalar = ScalarOf(*literal);
        if (!scalar) return std::unique_ptr<CompiledPlan>();
        next[id] = std::move(scalar);
      } else if (auto origin = OriginOf(*expr, defined)) {
        next[id] = *std::move(origin);
      } else {
        return std::unique_ptr<CompiledPlan>();
      }
    }
    defined = std::move(next);
  }

  // What is read of the leaf, in its order: a scan delivers just that, local rows have all.
  const auto output = OutputOf(analyzed);
  std::map<ExprId, size_t> read;
  ScanNeeds needs;
  for (size_t i = 0; i < leaf_output.size(); ++i) {
    bool used = local != nullptr;
    for (const AttributeRef& column : output) {
      const auto found = defined.find(column.id);
      if (found == defined.end()) return std::unique_ptr<CompiledPlan>();
      const auto* origin = std::get_if<Origin>(&found->second);
      used = used || (origin && origin->id == leaf_output[i].id);
    }
    if (!used || read.contains(leaf_output[i].id)) continue;
    read.emplace(leaf_output[i].id, needs.columns.size());
    needs.columns.push_back(leaf_output[i].name);
  }
  if (needs.columns.empty() && scan) needs.columns.push_back(leaf_output[0].name);
  for (const AttributeRef& column : output) {
    const auto& from = defined.at(column.id);
    if (const auto* origin = std::get_if<Origin>(&from)) {
      picked.columns.emplace_back(Place{read.at(origin->id), origin->path});
    } else {
      picked.columns.emplace_back(std::get<ScalarPtr>(from));
    }
  }
  std::vector<std::pair<RelationSourcePtr, ScanNeeds>> scans;
  if (scan) scans.emplace_back(scan->source, std::move(needs));
  return std::make_unique<ColumnPlan>(SchemaOf(analyzed), std::move(picked), std::move(scans), local ? std::make_shared<LocalRelation>(*local) : nullptr);
}

}  // namespace millstream::compute
