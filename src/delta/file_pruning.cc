#include <nlohmann/json.hpp>

#include "delta/column_resolver.h"
#include "delta/scan.h"
#include "delta/value_text.h"

namespace millstream {
namespace {

using Kind = ColumnPredicate::Kind;
using Json = nlohmann::json;

// -1, 0, 1; nullopt: not comparable, so nothing is skipped.
std::optional<int> Compare(const Value& a, const Value& b) {
  auto order = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (a.held.index() != b.held.index()) return std::nullopt;
  if (const auto* x = std::get_if<bool>(&a.held)) return order(*x, std::get<bool>(b.held));
  if (const auto* x = std::get_if<int64_t>(&a.held)) return order(*x, std::get<int64_t>(b.held));
  if (const auto* x = std::get_if<std::string>(&a.held)) return order(*x, std::get<std::string>(b.held));
  if (const auto* x = std::get_if<double>(&a.held)) {
    double y = std::get<double>(b.held);
    if (*x != *x || y != y) return std::nullopt;
    return order(*x, y);
  }
  return std::nullopt;
}

bool ValueMatches(const Value& found, const ColumnPredicate& predicate) {
  if (predicate.kind == Kind::kIsNull) return found.is_null();
  if (predicate.kind == Kind::kIsNotNull) return !found.is_null();
  if (found.is_null()) return false;  // a comparison with null is never true
  std::optional<int> order = Compare(found, predicate.value);
  if (!order) return true;
  switch (predicate.kind) {
    case Kind::kEqual:
      return *order == 0;
    case Kind::kLess:
      return *order < 0;
    case Kind::kLessOrEqual:
      return *order <= 0;
    case Kind::kGreater:
      return *order > 0;
    case Kind::kGreaterOrEqual:
      return *order >= 0;
    default:
      return true;
  }
}

const Json* Child(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

// A bound out of the statistics; nullopt: none, or of a type that statistics do not order as Spark does.
std::optional<Value> Bound(const Json& stats, std::string_view side, const std::string& name, const DataType& type) {
  const Json* bounds = Child(stats, side);
  const Json* found = bounds ? Child(*bounds, name) : nullptr;
  if (!found) return std::nullopt;
  switch (type.id()) {
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
      return found->is_number_integer() ? std::optional(Value{found->get<int64_t>()}) : std::nullopt;
    case TypeId::kString:
      return found->is_string() ? std::optional(Value{found->get<std::string>()}) : std::nullopt;
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz: {
      if (!found->is_string()) return std::nullopt;
      Result<Value> parsed = ParsePartitionText(found->get<std::string>(), type);
      if (!parsed.ok()) return std::nullopt;
      // Other writers cut timestamps to milliseconds: the true maximum may be up to one later.
      if (type.id() != TypeId::kDate && side == "maxValues") return Value{std::get<int64_t>(parsed->held) + 1000};
      return *parsed;
    }
    default:
      return std::nullopt;
  }
}

bool StatsMayMatch(const Json& stats, const std::string& name, const DataType& type, const ColumnPredicate& predicate) {
  if (predicate.kind == Kind::kIsNull || predicate.kind == Kind::kIsNotNull) {
    const Json* counts = Child(stats, "nullCount");
    const Json* nulls = counts ? Child(*counts, name) : nullptr;
    if (!nulls || !nulls->is_number_integer()) return true;
    if (predicate.kind == Kind::kIsNull) return nulls->get<int64_t>() != 0;
    const Json* rows = Child(stats, "numRecords");
    return !rows || !rows->is_number_integer() || nulls->get<int64_t>() < rows->get<int64_t>();
  }
  auto beyond = [&](std::string_view side, bool above, bool or_equal) {
    std::optional<Value> bound = Bound(stats, side, name, type);
    if (!bound) return true;
    std::optional<int> order = Compare(*bound, predicate.value);
    return !order || (above ? *order > 0 : *order < 0) || (or_equal && *order == 0);
  };
  switch (predicate.kind) {
    case Kind::kEqual:
      return beyond("minValues", false, true) && beyond("maxValues", true, true);
    case Kind::kLess:
      return beyond("minValues", false, false);
    case Kind::kLessOrEqual:
      return beyond("minValues", false, true);
    case Kind::kGreater:
      return beyond("maxValues", true, false);
    case Kind::kGreaterOrEqual:
      return beyond("maxValues", true, true);
    default:
      return true;
  }
}

}  // namespace

bool MayMatch(const AddFile& file, const Metadata& metadata, const std::vector<ColumnPredicate>& predicates) {
  if (predicates.empty()) return true;
  const ColumnMappingMode mode = MappingModeOf(metadata);
  Json stats;
  bool is_parsed = false;
  for (const ColumnPredicate& predicate : predicates) {
    std::optional<size_t> index = metadata.schema.IndexOf(predicate.column);
    if (!index) continue;
    const StructField& field = metadata.schema[*index];
    std::string name = PhysicalName(field, mode);
    if (auto partition = file.partition_values.find(name); partition != file.partition_values.end()) {
      Result<Value> value = partition->second ? ParsePartitionText(*partition->second, field.type) : Result<Value>(Value{});
      if (value.ok() && !ValueMatches(*value, predicate)) return false;
      continue;
    }
    if (!is_parsed) {
      is_parsed = true;
      stats = Json::parse(file.stats, nullptr, false);
    }
    if (stats.is_object() && !StatsMayMatch(stats, name, field.type, predicate)) return false;
  }
  return true;
}

}  // namespace millstream
