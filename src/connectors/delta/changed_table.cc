#include "connectors/delta/changed_table.h"

#include <arrow/array/concatenate.h>
#include <arrow/compute/api_aggregate.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <map>
#include <set>

#include "connectors/delta/predicates.h"
#include "delta/column_resolver.h"
#include "delta/value_text.h"
#include "plan/function_registry.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kFirstId = int64_t{1} << 42;

// What a scalar says, for types whose statistics are ordered; nullopt: of another type, or null.
std::optional<Value> ValueOf(const arrow::Scalar& scalar) {
  if (!scalar.is_valid) return std::nullopt;
  switch (scalar.type->id()) {
    case arrow::Type::INT8:
      return Value{int64_t{static_cast<const arrow::Int8Scalar&>(scalar).value}};
    case arrow::Type::INT16:
      return Value{int64_t{static_cast<const arrow::Int16Scalar&>(scalar).value}};
    case arrow::Type::INT32:
      return Value{int64_t{static_cast<const arrow::Int32Scalar&>(scalar).value}};
    case arrow::Type::INT64:
      return Value{static_cast<const arrow::Int64Scalar&>(scalar).value};
    case arrow::Type::DATE32:
      return Value{int64_t{static_cast<const arrow::Date32Scalar&>(scalar).value}};
    case arrow::Type::TIMESTAMP:
      return Value{static_cast<const arrow::TimestampScalar&>(scalar).value};
    case arrow::Type::STRING:
      return Value{static_cast<const arrow::StringScalar&>(scalar).value->ToString()};
    default:
      return std::nullopt;
  }
}

bool IsBelow(const Value& a, const Value& b) {
  if (const auto* x = std::get_if<int64_t>(&a.held)) return *x < std::get<int64_t>(b.held);
  return std::get<std::string>(a.held) < std::get<std::string>(b.held);
}

// The least and the greatest value of a column; nullopt: it has none that can be compared.
std::optional<std::pair<Value, Value>> RangeOf(const std::vector<RecordBatchPtr>& rows, int column) {
  std::optional<std::pair<Value, Value>> range;
  for (const RecordBatchPtr& batch : rows) {
    if (batch->column(column)->null_count() == batch->num_rows()) continue;
    auto found = arrow::compute::MinMax(arrow::Datum(batch->column(column)));
    if (!found.ok()) return std::nullopt;
    const auto& both = found->scalar_as<arrow::StructScalar>();
    std::optional<Value> low = ValueOf(*both.value[0]), high = ValueOf(*both.value[1]);
    if (!low || !high) return std::nullopt;
    if (!range) {
      range.emplace(*low, *high);
    } else {
      if (IsBelow(*low, range->first)) range->first = *low;
      if (IsBelow(range->second, *high)) range->second = *high;
    }
  }
  return range;
}

bool SpeaksOnlyOf(const Expr& root, const std::set<ExprId>& ids) {
  std::vector<const Expr*> pending = {&root};
  while (!pending.empty()) {
    const Expr* expr = pending.back();
    pending.pop_back();
    if (const auto* column = expr->As<AttributeRef>()) {
      if (!ids.contains(column->id)) return false;
    } else if (const auto* call = expr->As<Call>()) {
      for (const ExprPtr& arg : call->args) pending.push_back(arg.get());
    } else if (const auto* cast = expr->As<Cast>()) {
      pending.push_back(cast->child.get());
    } else if (!expr->As<Literal>()) {
      return false;
    }
  }
  return true;
}

}  // namespace

const StructType& ChangedTable::metadata_schema() const {
  static const StructType schema({{kRowFileColumn, DataType::Integer()}, {kRowIndexColumn, DataType::Long()}});
  return schema;
}

Result<RowStreamPtr> ChangedTable::Scan(const ScanNeeds& needs) const {
  ScanRequest request{.table_path = snapshot_->table_path, .metadata = metadata_};
  for (const std::string& column : needs.columns) {
    if (column == kRowFileColumn) {
      request.columns.push_back({.field = metadata_schema()[0], .kind = ScanColumn::Kind::kConstant, .constant = 0});
    } else if (column == kRowIndexColumn) {
      request.columns.push_back({.field = metadata_schema()[1], .kind = ScanColumn::Kind::kRowIndex});
    } else {
      std::optional<size_t> index = metadata_->schema.IndexOf(column, true);
      if (!index) index = metadata_->schema.IndexOf(column);
      if (!index) return Status::Internal("the table " + name_ + " has no column " + column);
      request.columns.push_back({.field = metadata_->schema[*index]});
    }
  }
  for (size_t i = 0; i < candidates_.size(); ++i) {
    request.files.push_back(ScanFile::Of(*candidates_[i]));
    request.files.back().constants = {Value{static_cast<int64_t>(i)}};
  }
  return ScanFiles(fs_, std::move(request));
}

std::vector<ColumnPredicate> PredicatesOf(const RowChanges& changes, const std::vector<RecordBatchPtr>& source_rows) {
  if (changes.Has(RowChanges::When::kNotMatchedBySource)) return {};
  std::vector<ColumnPredicate> predicates = PredicatesOf(TargetConjuncts(changes));
  if (!changes.source || source_rows.empty()) return predicates;
  const std::vector<AttributeRef> source = OutputOf(*changes.source);
  for (const auto& [table, other] : EqualColumns(changes)) {
    if (!table.type.SameType(other.type)) continue;
    for (size_t i = 0; i < source.size(); ++i) {
      if (source[i].id != other.id) continue;
      std::optional<std::pair<Value, Value>> range = RangeOf(source_rows, static_cast<int>(i));
      if (!range) break;
      predicates.push_back({table.name, ColumnPredicate::Kind::kGreaterOrEqual, range->first});
      predicates.push_back({table.name, ColumnPredicate::Kind::kLessOrEqual, range->second});
      break;
    }
  }
  return predicates;
}

Result<PartitionChoice> ChoosePartitions(std::vector<AddFilePtr> files, const Metadata& metadata, const std::vector<AttributeRef>& columns,
                                         const std::vector<ExprPtr>& conjuncts, ComputeEngine& compute, const ComputeConf& conf) {
  std::vector<AttributeRef> partition_columns;
  std::set<ExprId> ids;
  for (const std::string& name : metadata.partition_columns) {
    const std::optional<size_t> index = metadata.schema.IndexOf(name);
    if (!index || *index >= columns.size()) continue;
    partition_columns.push_back(columns[*index]);
    ids.insert(columns[*index].id);
  }
  std::vector<ExprPtr> judged;
  for (const ExprPtr& conjunct : conjuncts) {
    if (SpeaksOnlyOf(*conjunct, ids)) judged.push_back(conjunct);
  }
  PartitionChoice choice{.is_exact = judged.size() == conjuncts.size()};
  if (judged.empty() || files.empty()) {
    choice.files = std::move(files);
    return choice;
  }
  std::map<PartitionValues, int32_t> partitions;
  for (const AddFilePtr& file : files) partitions.emplace(file->partition_values, static_cast<int32_t>(partitions.size()));

  LocalRelation local;
  std::vector<std::vector<std::shared_ptr<arrow::Array>>> pieces(partition_columns.size() + 1);
  const AttributeRef number{.name = "__partition", .type = DataType::Integer(), .nullable = false, .id = ExprId(kFirstId)};
  for (const auto& [values, place] : partitions) {
    MS_ASSIGN_OR_RETURN(auto index, Repeat(Value{int64_t{place}}, DataType::Integer(), 1));
    pieces[0].push_back(std::move(index));
    for (size_t i = 0; i < partition_columns.size(); ++i) {
      const StructField& field = metadata.schema[*metadata.schema.IndexOf(metadata.partition_columns[i])];
      auto found = values.find(PhysicalName(field, MappingModeOf(metadata)));
      Value value;
      if (found != values.end() && found->second) {
        MS_ASSIGN_OR_RETURN(value, ParsePartitionText(*found->second, field.type));
      }
      MS_ASSIGN_OR_RETURN(auto array, Repeat(value, field.type, 1));
      pieces[i + 1].push_back(std::move(array));
    }
  }
  local.output.push_back(number);
  local.output.insert(local.output.end(), partition_columns.begin(), partition_columns.end());
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (size_t i = 0; i < pieces.size(); ++i) {
    auto joined = arrow::Concatenate(pieces[i]);
    if (!joined.ok()) return FromArrowStatus(joined.status(), "while reading partition values");
    arrays.push_back(*joined);
    local.schema.Add({local.output[i].name, local.output[i].type, local.output[i].nullable});
  }
  local.batches.push_back(arrow::RecordBatch::Make(ToArrowSchema(local.schema), static_cast<int64_t>(partitions.size()), std::move(arrays)));
  PlanPtr plan = MakePlan(std::move(local));
  for (ExprPtr& conjunct : judged) plan = MakePlan(Filter{std::move(conjunct), plan});
  plan = MakePlan(Project{{MakeExpr(number)}, plan});
  MS_ASSIGN_OR_RETURN(std::unique_ptr<CompiledPlan> compiled, CompiledPlan::Compile(plan, compute, conf));
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, compiled->Run({}));
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> found, Drain(*rows));
  std::set<int32_t> wanted;
  for (const RecordBatchPtr& batch : found) {
    const auto& numbers = static_cast<const arrow::Int32Array&>(*batch->column(0));
    for (int64_t i = 0; i < numbers.length(); ++i) wanted.insert(numbers.Value(i));
  }
  for (AddFilePtr& file : files) {
    if (wanted.contains(partitions.at(file->partition_values))) choice.files.push_back(std::move(file));
  }
  return choice;
}

}  // namespace millstream
