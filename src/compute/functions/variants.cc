#include "compute/functions/variants.h"

#include <duckdb/planner/expression/bound_function_expression.hpp>

#include "compute/engine/arrow_vector.h"
#include "compute/engine/constant_argument.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/variant_cast.h"
#include "compute/functions/variant_of_value.h"
#include "compute/functions/variant_schema.h"
#include "compute/functions/variant_vector.h"
#include "formats/formats_errors.h"
#include "formats/input_chunks.h"
#include "formats/variant_json.h"
#include "types/spark_json.h"
#include "types/variant_errors.h"

namespace millstream::compute {
namespace {

using duckdb::LogicalType;

void Check(Status status) {
  if (!status.ok()) ThrowStatus(status);
}

// What the constants among a function's arguments say. `type`, `zone` and `fails` mean what each function below says of them.
struct VariantData : duckdb::FunctionData {
  DataType type;
  std::string zone;
  bool fails = true;
  ArrowVector column;

  duckdb::unique_ptr<FunctionData> Copy() const override { return duckdb::make_uniq<VariantData>(*this); }
  bool Equals(const FunctionData& other) const override {
    const auto& data = other.Cast<VariantData>();
    return type == data.type && zone == data.zone && fails == data.fails;
  }
};

const VariantData& DataOf(duckdb::ExpressionState& expression) {
  return expression.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<VariantData>();
}

void Add(FunctionRegistry& registry, duckdb::ScalarFunction function) {
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  registry.Add(std::move(function));
}

// A variant → a value of `Out`, null for null.
template <typename Out, typename F>
auto PerVariant(F function) {
  return [function](duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
    const VariantColumn variants(arguments.data[0], arguments.size());
    result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    auto* out = duckdb::FlatVector::GetData<typename SqlType<Out>::Held>(result);
    for (duckdb::idx_t row = 0; row < arguments.size(); ++row) {
      if (variants.IsNull(row)) {
        duckdb::FlatVector::SetNull(result, row, true);
      } else {
        out[row] = SqlType<Out>::To(function(variants.At(row), arguments, row), result);
      }
    }
  };
}

// ms_variant_members(variant): key (null in arrays) and value of each member of an object, each element of an array, in their order; of all else none.
void Members(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  const VariantColumn variants(arguments.data[0], arguments.size());
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* lists = duckdb::FlatVector::GetData<duckdb::list_entry_t>(result);
  struct Member {
    std::optional<std::string_view> key;
    VariantRef value;
  };
  std::vector<Member> members;
  for (duckdb::idx_t row = 0; row < arguments.size(); ++row) {
    lists[row] = {members.size(), 0};
    if (variants.IsNull(row)) continue;
    const VariantValue value = Must(VariantValue::Of(variants.At(row)));
    if (!value.is_container()) continue;
    for (size_t i = 0; i < value.count(); ++i) {
      VariantRef member = Must(value.At(i));
      member.value = member.value.substr(0, Must(VariantValueSize(member.value)));
      members.push_back({value.kind() == VariantKind::kObject ? std::optional(Must(value.KeyAt(i))) : std::nullopt, member});
    }
    lists[row].length = members.size() - lists[row].offset;
  }
  duckdb::ListVector::Reserve(result, members.size());
  duckdb::ListVector::SetListSize(result, members.size());
  auto& children = duckdb::StructVector::GetEntries(duckdb::ListVector::GetEntry(result));
  duckdb::Vector& keys = *children[0];
  VariantOutput values(*children[1]);
  for (duckdb::idx_t i = 0; i < members.size(); ++i) {
    values.Set(i, members[i].value);
    if (members[i].key) {
      duckdb::FlatVector::GetData<duckdb::string_t>(keys)[i] = duckdb::StringVector::AddString(keys, members[i].key->data(), members[i].key->size());
    } else {
      duckdb::FlatVector::SetNull(keys, i, true);
    }
  }
}

// ms_schema_of_variants(list): the type that all of them fit in; nulls, also for the list, say nothing.
void SchemaOfAll(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::Vector& lists = arguments.data[0];
  duckdb::UnifiedVectorFormat format;
  lists.ToUnifiedFormat(arguments.size(), format);
  const VariantColumn variants(duckdb::ListVector::GetEntry(lists), duckdb::ListVector::GetListSize(lists));
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  for (duckdb::idx_t row = 0; row < arguments.size(); ++row) {
    VariantSchema schema;
    const auto at = format.sel->get_index(row);
    if (format.validity.RowIsValid(at)) {
      const auto& list = duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(format)[at];
      for (duckdb::idx_t i = list.offset; i < list.offset + list.length; ++i) {
        if (!variants.IsNull(i)) Check(schema.Add(variants.At(i)));
      }
    }
    duckdb::FlatVector::GetData<duckdb::string_t>(result)[row] = duckdb::StringVector::AddString(result, schema.Sql());
  }
}

// ms_parse_json(text, fails). Of what is no JSON, and of what makes no variant, an error or null.
void ParseJson(duckdb::DataChunk& arguments, duckdb::ExpressionState& expression, duckdb::Vector& result) {
  const VariantData& data = DataOf(expression);
  duckdb::UnifiedVectorFormat texts;
  arguments.data[0].ToUnifiedFormat(arguments.size(), texts);
  VariantOutput out(result);
  VariantJsonParser parser(/*allow_duplicate_keys=*/false);
  std::string padded;
  for (duckdb::idx_t row = 0; row < arguments.size(); ++row) {
    const auto at = texts.sel->get_index(row);
    if (!texts.validity.RowIsValid(at)) {
      out.SetNull(row);
      continue;
    }
    const auto& text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(texts)[at];
    padded.assign(text.GetData(), text.GetSize());
    padded.append(static_cast<size_t>(kChunkPadding) + 1, '\n');
    bool syntax_ok = true;
    Status status = parser.Text(padded.data(), padded.data() + text.GetSize(), &syntax_ok);
    if ((status.ok() && !syntax_ok) || status.Is(errors::kVariantDuplicateKey))
      status = Status::Error(errors::kMalformedRecord, {{"badRecord", text.GetString()}});
    if (status.Is(errors::kVariantTooLarge)) {
      status = Status::Error(errors::kVariantTooLarge, {{"sizeLimit", "128.0 MiB"}, {"functionName", data.fails ? "`parse_json`" : "`try_parse_json`"}});
    }
    if (status.ok()) {
      out.Set(row, parser.builder().variant());
    } else if (data.fails) {
      ThrowStatus(status);
    } else {
      out.SetNull(row);
    }
  }
}

duckdb::unique_ptr<duckdb::FunctionData> BindParse(duckdb::ClientContext& context, duckdb::ScalarFunction&,
                                                   duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  auto data = duckdb::make_uniq<VariantData>();
  data->fails = ConstantText(context, *arguments[1]) == "true";
  return data;
}

// ms_variant_get(variant, path, type as Spark's JSON, zone, fails): what cannot be cast is an error or null.
duckdb::unique_ptr<duckdb::FunctionData> BindGet(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                                 duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  auto data = duckdb::make_uniq<VariantData>();
  data->type = Must(DataTypeFromSparkJson(ConstantText(context, *arguments[2])));
  data->zone = ConstantText(context, *arguments[3]);
  data->fails = ConstantText(context, *arguments[4]) == "true";
  data->column = ArrowVector(context, data->type);
  function.return_type = data->column.logical_type();
  return data;
}

void Get(duckdb::DataChunk& arguments, duckdb::ExpressionState& expression, duckdb::Vector& result) {
  const VariantData& data = DataOf(expression);
  const duckdb::idx_t count = arguments.size();
  const VariantColumn variants(arguments.data[0], count);
  duckdb::UnifiedVectorFormat paths;
  arguments.data[1].ToUnifiedFormat(count, paths);
  VariantCaster caster(data.zone, data.fails);
  ColumnBuilder rows(data.type);
  std::optional<VariantPath> path;
  std::string path_text;
  for (duckdb::idx_t row = 0; row < count; ++row) {
    const auto at = paths.sel->get_index(row);
    if (variants.IsNull(row) || !paths.validity.RowIsValid(at)) {
      rows.AppendNull();
      continue;
    }
    const auto& text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(paths)[at];
    if (!path || path_text != std::string_view(text.GetData(), text.GetSize())) {
      path_text = text.GetString();
      path = VariantPath::Parse(path_text);
      if (!path) ThrowError(errors::kInvalidVariantPath, {{"path", path_text}, {"functionName", data.fails ? "`variant_get`" : "`try_variant_get`"}});
    }
    const auto found = Must(path->Walk(variants.At(row)));
    if (found) {
      Check(caster.Append(*found, rows));
    } else {
      rows.AppendNull();
    }
  }
  data.column.Give(expression.GetContext(), *rows.Finish(), result);
}

// ms_to_variant(value, type as Spark's JSON).
duckdb::unique_ptr<duckdb::FunctionData> BindTo(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                                duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  auto data = duckdb::make_uniq<VariantData>();
  data->type = Must(DataTypeFromSparkJson(ConstantText(context, *arguments[1])));
  function.arguments[0] = arguments[0]->return_type;
  return data;
}

void To(duckdb::DataChunk& arguments, duckdb::ExpressionState& expression, duckdb::Vector& result) {
  const VariantData& data = DataOf(expression);
  VariantOutput out(result);
  VariantBuilder builder;
  for (duckdb::idx_t row = 0; row < arguments.size(); ++row) {
    const duckdb::Value value = arguments.data[0].GetValue(row);
    if (value.IsNull()) {
      out.SetNull(row);
      continue;
    }
    builder.Reset();
    Check(AppendValue(value, data.type, builder));
    Check(builder.Finish());
    out.Set(row, builder.variant());
  }
}

}  // namespace

void DefineVariants(FunctionRegistry& registry) {
  const LogicalType variant = VariantLogicalType();
  Add(registry, duckdb::ScalarFunction("ms_parse_json", {LogicalType::VARCHAR, LogicalType::BOOLEAN}, variant, ParseJson, BindParse));
  Add(registry, duckdb::ScalarFunction("ms_variant_get", {variant, LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::BOOLEAN},
                                       LogicalType::ANY, Get, BindGet));
  Add(registry, duckdb::ScalarFunction("ms_variant_members", {variant},
                                       LogicalType::LIST(LogicalType::STRUCT({{"key", LogicalType::VARCHAR}, {"value", variant}})), Members));
  Add(registry, duckdb::ScalarFunction("ms_schema_of_variants", {LogicalType::LIST(variant)}, LogicalType::VARCHAR, SchemaOfAll));
  Add(registry, duckdb::ScalarFunction("ms_to_variant", {LogicalType::ANY, LogicalType::VARCHAR}, variant, To, BindTo));
  Add(registry, duckdb::ScalarFunction("ms_is_variant_null", {variant}, LogicalType::BOOLEAN, PerVariant<bool>([](const VariantRef& value, auto&, auto) {
                                         return Must(VariantValue::Of(value)).kind() == VariantKind::kNull;
                                       })));
  Add(registry, duckdb::ScalarFunction("ms_is_valid_variant", {variant}, LogicalType::BOOLEAN,
                                       PerVariant<bool>([](const VariantRef& value, auto&, auto) { return VariantSchema().Add(value).ok(); })));
  Add(registry,
      duckdb::ScalarFunction("ms_schema_of_variant", {variant}, LogicalType::VARCHAR, PerVariant<std::string>([](const VariantRef& value, auto&, auto) {
                               VariantSchema schema;
                               Check(schema.Add(value));
                               return schema.Sql();
                             })));
}

}  // namespace millstream::compute
