// to_json: a value as the JSON text that Spark's JacksonGenerator writes.

#include <cmath>
#include <cstdio>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <nlohmann/json.hpp>

#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/civil_time.h"
#include "compute/functions/functions.h"
#include "compute/functions/json_text.h"
#include "formats/variant_json.h"
#include "types/java_number.h"
#include "types/spark_json.h"

namespace millstream::compute {
namespace {

struct ToJsonData : duckdb::FunctionData {
  DataType type;
  std::string zone;
  bool keep_nulls = false;  // option ignoreNullFields=false

  duckdb::unique_ptr<FunctionData> Copy() const override {
    auto copy = duckdb::make_uniq<ToJsonData>();
    *copy = *this;
    return copy;
  }
  bool Equals(const FunctionData& other) const override {
    const auto& data = other.Cast<ToJsonData>();
    return type == data.type && zone == data.zone && keep_nulls == data.keep_nulls;
  }
};

std::string TimeText(int64_t micros, const std::string& zone, bool is_instant) {
  int64_t wall = micros;
  std::string offset;
  if (is_instant) {
    wall = InstantToWall(micros, zone).value_or(micros);
    const int64_t seconds = OffsetSeconds(micros, zone).value_or(0);
    char text[16] = "Z";
    if (seconds != 0) {
      const int64_t size = seconds < 0 ? -seconds : seconds;
      std::snprintf(text, sizeof text, "%c%02d:%02d", seconds < 0 ? '-' : '+', static_cast<int>(size / 3600), static_cast<int>(size / 60 % 60));
    }
    offset = text;
  }
  const int64_t days = FloorDiv(wall, 86400000000), rest = wall - days * 86400000000;
  char time[32];
  std::snprintf(time, sizeof time, "T%02d:%02d:%02d.%03d", static_cast<int>(rest / 3600000000), static_cast<int>(rest / 60000000 % 60),
                static_cast<int>(rest / 1000000 % 60), static_cast<int>(rest / 1000 % 1000));
  return DateText(static_cast<int32_t>(days)) + time + offset;
}

std::string Base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

// Recursion ends where the type does.
void Append(const duckdb::Value& value, const DataType& type, const ToJsonData& how, std::string& out) {
  if (value.IsNull()) {
    out += "null";
    return;
  }
  auto real = [&](double number, std::string text) {
    if (std::isfinite(number)) {
      out += text;
    } else {
      AppendJsonString(text, out);
    }
  };
  switch (type.id()) {
    case TypeId::kNull:
      out += "null";
      return;
    case TypeId::kBoolean:
      out += value.GetValue<bool>() ? "true" : "false";
      return;
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
      out += std::to_string(value.GetValue<int64_t>());
      return;
    case TypeId::kFloat:
      return real(value.GetValue<float>(), JavaFloat(value.GetValue<float>()));
    case TypeId::kDouble:
      return real(value.GetValue<double>(), JavaDouble(value.GetValue<double>()));
    case TypeId::kDecimal: {
      // Where there are no digits before the point DuckDB writes none.
      std::string digits = value.ToString();
      if (const size_t at = digits.starts_with('-') ? 1 : 0; digits[at] == '.') digits.insert(at, "0");
      out += digits;
      return;
    }
    case TypeId::kString:
      AppendJsonString(duckdb::StringValue::Get(value), out);
      return;
    case TypeId::kBinary:
      out += '"' + Base64(duckdb::StringValue::Get(value)) + '"';
      return;
    case TypeId::kDate:
      out += '"' + DateText(duckdb::DateValue::Get(value).days) + '"';
      return;
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      out += '"' + TimeText(duckdb::TimestampValue::Get(value).value, how.zone, type.id() == TypeId::kTimestamp) + '"';
      return;
    case TypeId::kArray: {
      out += '[';
      const auto& items = duckdb::ListValue::GetChildren(value);
      for (size_t i = 0; i < items.size(); ++i) {
        if (i) out += ',';
        Append(items[i], type.element(), how, out);
      }
      out += ']';
      return;
    }
    case TypeId::kMap: {
      out += '{';
      const auto& entries = duckdb::MapValue::GetChildren(value);
      for (size_t i = 0; i < entries.size(); ++i) {
        const auto& entry = duckdb::StructValue::GetChildren(entries[i]);
        if (i) out += ',';
        std::string key;
        if (type.key().id() == TypeId::kString) {
          AppendJsonString(duckdb::StringValue::Get(entry[0]), out);
        } else {
          Append(entry[0], type.key(), how, key);
          out += key.starts_with('"') ? key : '"' + key + '"';
        }
        out += ':';
        Append(entry[1], type.value(), how, out);
      }
      out += '}';
      return;
    }
    case TypeId::kStruct: {
      out += '{';
      const auto& fields = duckdb::StructValue::GetChildren(value);
      bool first = true;
      for (size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].IsNull() && !how.keep_nulls) continue;
        if (!first) out += ',';
        first = false;
        AppendJsonString(type.fields()[i].name, out);
        out += ':';
        Append(fields[i], type.fields()[i].type, how, out);
      }
      out += '}';
      return;
    }
    case TypeId::kVariant: {
      const auto& parts = duckdb::StructValue::GetChildren(value);
      const TimeZone* zone = TimeZone::Find(how.zone);
      const Status status = AppendVariantJson({duckdb::StringValue::Get(parts[0]), duckdb::StringValue::Get(parts[1])}, zone ? *zone : TimeZone::Utc(), out);
      if (!status.ok()) ThrowStatus(status);
      return;
    }
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
      ThrowStatus(Status::Unsupported("to_json of " + type.SimpleString()));
  }
}

duckdb::unique_ptr<duckdb::FunctionData> BindToJson(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                              duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  auto constant = [&](size_t i) { return duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[i]).ToString(); };
  auto data = duckdb::make_uniq<ToJsonData>();
  auto type = DataTypeFromSparkJson(constant(1));
  if (!type.ok()) ThrowStatus(type.status());
  data->type = *type;
  data->zone = constant(2);
  const auto options = nlohmann::json::parse(constant(3));
  for (const auto& [key, value] : options.items()) {
    if (key == "ignoreNullFields") {
      data->keep_nulls = value == "false";
    } else {
      ThrowStatus(Status::Unsupported("The option " + key + " of to_json"));
    }
  }
  function.arguments[0] = arguments[0]->return_type;
  return data;
}

void RunToJson(duckdb::DataChunk& arguments, duckdb::ExpressionState& expression, duckdb::Vector& result) {
  const auto& data = expression.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<ToJsonData>();
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<duckdb::string_t>(result);
  std::string text;
  for (duckdb::idx_t row = 0; row < arguments.size(); ++row) {
    const auto value = arguments.data[0].GetValue(row);
    if (value.IsNull()) {
      duckdb::FlatVector::SetNull(result, row, true);
      continue;
    }
    text.clear();
    Append(value, data.type, data, text);
    out[row] = duckdb::StringVector::AddString(result, text);
  }
}

}  // namespace

// ms_to_json(value, type as Spark's JSON, zone, options as a JSON object): all but the value are constants.
void DefineToJson(FunctionRegistry& registry) {
  using duckdb::LogicalType;
  duckdb::ScalarFunction function("ms_to_json", {LogicalType::ANY, LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::VARCHAR}, LogicalType::VARCHAR, RunToJson,
                                  BindToJson);
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  registry.Add(std::move(function));
}

}  // namespace millstream::compute
