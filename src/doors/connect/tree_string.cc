#include "doors/connect/tree_string.h"

namespace millstream {

namespace {

// Spark prints the type's name without parameters, but for decimal and intervals.
std::string TypeName(const DataType& type) {
  switch (type.id()) {
    case TypeId::kArray:
      return "array";
    case TypeId::kMap:
      return "map";
    case TypeId::kStruct:
      return "struct";
    case TypeId::kByte:
      return "byte";
    case TypeId::kShort:
      return "short";
    case TypeId::kInteger:
      return "integer";
    case TypeId::kLong:
      return "long";
    default:
      return type.SimpleString();
  }
}

void Append(const std::string& prefix, const std::string& name, const DataType& type, const std::string& flag, bool value, int level, std::string* out);

void AppendChildren(const std::string& prefix, const DataType& type, int level, std::string* out) {
  if (level == 0) return;
  if (type.id() == TypeId::kArray) {
    Append(prefix, "element", type.element(), "containsNull", type.contains_null(), level, out);
  } else if (type.id() == TypeId::kMap) {
    *out += prefix + "-- key: " + TypeName(type.key()) + "\n";
    AppendChildren(prefix + "    |", type.key(), level - 1, out);
    Append(prefix, "value", type.value(), "valueContainsNull", type.contains_null(), level, out);
  } else if (type.id() == TypeId::kStruct) {
    for (const StructField& field : type.fields()) Append(prefix, field.name, field.type, "nullable", field.nullable, level, out);
  }
}

void Append(const std::string& prefix, const std::string& name, const DataType& type, const std::string& flag, bool value, int level, std::string* out) {
  *out += prefix + "-- " + name + ": " + TypeName(type) + " (" + flag + " = " + (value ? "true" : "false") + ")\n";
  AppendChildren(prefix + "    |", type, level - 1, out);
}

}  // namespace

std::string SchemaTreeString(const StructType& schema, int level) {
  std::string out = "root\n";
  AppendChildren(" |", DataType::Struct(schema), level < 1 ? 1 << 30 : level, &out);
  return out;
}

}  // namespace millstream
