#include "delta/type_widening.h"

#include <nlohmann/json.hpp>

#include "types/spark_json.h"

namespace millstream {
namespace {

int DigitsOf(TypeId id) { return id == TypeId::kByte ? 3 : id == TypeId::kShort ? 5 : id == TypeId::kInteger ? 10 : 20; }

// "integer", "decimal(10,2)", as the schema has it.
nlohmann::json NameOf(const DataType& type) { return nlohmann::json::parse(ToSparkJson(type)); }

struct TypeChange {
  std::string path;  // below the field: "", "element", "key.element"
  DataType from, to;
};

void Collect(const std::string& path, const DataType& from, const DataType& to, std::vector<TypeChange>& changes) {
  auto below = [&](const char* name) { return path.empty() ? std::string(name) : path + "." + name; };
  if (from.id() == TypeId::kArray && to.id() == TypeId::kArray) {
    Collect(below("element"), from.element(), to.element(), changes);
  } else if (from.id() == TypeId::kMap && to.id() == TypeId::kMap) {
    Collect(below("key"), from.key(), to.key(), changes);
    Collect(below("value"), from.value(), to.value(), changes);
  } else if (!from.IsNested() && !to.IsNested() && !from.SameType(to) && CanWiden(from, to)) {
    changes.push_back({path, from, to});
  }
}

DataType Inside(const DataType& from, const DataType& to) {
  if (from.id() == TypeId::kStruct && to.id() == TypeId::kStruct) return DataType::Struct(WithTypeChanges(from.fields(), to.fields()));
  if (from.id() == TypeId::kArray && to.id() == TypeId::kArray) return DataType::Array(Inside(from.element(), to.element()), to.contains_null());
  if (from.id() == TypeId::kMap && to.id() == TypeId::kMap)
    return DataType::Map(Inside(from.key(), to.key()), Inside(from.value(), to.value()), to.contains_null());
  return to;
}

}  // namespace

bool CanWiden(const DataType& from, const DataType& to) {
  if (from.IsIntegral() && to.IsIntegral()) return from.id() < to.id();
  if (from.IsIntegral() && to.id() == TypeId::kDecimal) return to.precision() - to.scale() >= DigitsOf(from.id());
  if (from.IsIntegral() && to.id() == TypeId::kDouble) return from.id() != TypeId::kLong;
  if (from.id() == TypeId::kFloat) return to.id() == TypeId::kDouble;
  if (from.id() == TypeId::kDecimal && to.id() == TypeId::kDecimal) {
    return to.scale() >= from.scale() && to.precision() - to.scale() >= from.precision() - from.scale() && to.precision() > from.precision();
  }
  return from.id() == TypeId::kDate && to.id() == TypeId::kTimestampNtz;
}

StructType WithTypeChanges(const StructType& before, const StructType& after) {
  StructType recorded;
  for (StructField field : after) {
    if (std::optional<size_t> at = before.IndexOf(field.name)) {
      const DataType& from = before[*at].type;
      std::vector<TypeChange> changes;
      Collect("", from, field.type, changes);
      field.type = Inside(from, field.type);
      if (!changes.empty()) {
        nlohmann::json metadata = nlohmann::json::parse(field.metadata, nullptr, /*allow_exceptions=*/false);
        if (!metadata.is_object()) metadata = nlohmann::json::object();
        for (const TypeChange& change : changes) {
          nlohmann::json entry = {{"fromType", NameOf(change.from)}, {"toType", NameOf(change.to)}};
          if (!change.path.empty()) entry["fieldPath"] = change.path;
          metadata["delta.typeChanges"].push_back(std::move(entry));
        }
        field.metadata = metadata.dump();
      }
    }
    recorded.Add(std::move(field));
  }
  return recorded;
}

}  // namespace millstream
