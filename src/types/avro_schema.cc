#include "types/avro_schema.h"

#include <algorithm>
#include <map>

#include "types/spark_ddl.h"

namespace millstream {
namespace {

using Kind = AvroType::Kind;
using Json = nlohmann::json;

constexpr size_t kSchemaBytesMax = 16 << 20;
constexpr int64_t kFixedBytesMax = 64 << 20;
constexpr int64_t kSparkTypesMax = 100'000;

Status Refuse(std::string reason) { return Status::Error(errors::kAvroSchema, {{"reason", std::move(reason)}}); }

std::optional<Kind> PrimitiveKind(std::string_view name) {
  static const std::map<std::string_view, Kind> kinds = {{"null", Kind::kNull},   {"boolean", Kind::kBoolean}, {"int", Kind::kInt},
                                                         {"long", Kind::kLong},   {"float", Kind::kFloat},     {"double", Kind::kDouble},
                                                         {"bytes", Kind::kBytes}, {"string", Kind::kString}};
  auto found = kinds.find(name);
  return found == kinds.end() ? std::nullopt : std::optional(found->second);
}

// How many decimal digits fit into so many bytes, with sign.
int MaxPrecision(int64_t bytes) {
  if (bytes >= 16) return 38;
  return static_cast<int>((static_cast<double>(bytes) * 8 - 1) * 0.30102999566398120);
}

std::string TextOf(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

class AvroSchemaParser {
 public:
  Result<std::shared_ptr<const AvroSchema>> Parse(const Json& json) {
    MS_ASSIGN_OR_RETURN(schema_->root_, Type(json, "", 0));
    return std::shared_ptr<const AvroSchema>(schema_);
  }

 private:
  AvroType* New(Kind kind) {
    schema_->types_.push_back(std::make_unique<AvroType>());
    schema_->types_.back()->kind = kind;
    return schema_->types_.back().get();
  }

  Result<const AvroType*> Type(const Json& json, const std::string& space, int depth) {
    if (depth > kMaxTypeDepth) return Refuse("it is nested deeper than " + std::to_string(kMaxTypeDepth) + " levels");
    if (json.is_string()) return Named(json.get<std::string>(), space);
    if (json.is_array()) return Union(json, space, depth);
    if (!json.is_object()) return Refuse("a type is neither a name, a union nor an object");
    auto type = json.find("type");
    if (type == json.end()) return Refuse("an object has no \"type\"");
    if (!type->is_string()) return Type(*type, space, depth + 1);
    const std::string kind = type->get<std::string>();
    if (kind == "record" || kind == "error") return Record(json, space, depth);
    if (kind == "enum") return Enum(json, space);
    if (kind == "fixed") return Fixed(json, space);
    if (kind == "array" || kind == "map") {
      const char* key = kind == "array" ? "items" : "values";
      if (!json.contains(key)) return Refuse(kind + " without \"" + key + "\"");
      AvroType* made = New(kind == "array" ? Kind::kArray : Kind::kMap);
      MS_ASSIGN_OR_RETURN(const AvroType* element, Type(json[key], space, depth + 1));
      made->branches.push_back(element);
      return made;
    }
    if (auto primitive = PrimitiveKind(kind)) {
      AvroType* made = New(*primitive);
      Annotate(json, made);
      return made;
    }
    return Named(kind, space);
  }

  Result<const AvroType*> Named(const std::string& name, const std::string& space) {
    if (auto primitive = PrimitiveKind(name)) return New(*primitive);
    auto found = named_.find(FullName(name, space));
    if (found == named_.end()) found = named_.find(name);
    if (found == named_.end()) return Refuse("the type \"" + name + "\" is not defined");
    return found->second;
  }

  Result<const AvroType*> Union(const Json& json, const std::string& space, int depth) {
    AvroType* made = New(Kind::kUnion);
    for (const Json& branch : json) {
      MS_ASSIGN_OR_RETURN(const AvroType* type, Type(branch, space, depth + 1));
      if (type->kind == Kind::kUnion) return Refuse("a union stands within a union");
      made->branches.push_back(type);
    }
    if (made->branches.empty()) return Refuse("a union is empty");
    return made;
  }

  Result<AvroType*> Define(Kind kind, const Json& json, const std::string& space, std::string* inner_space) {
    const std::string name = TextOf(json, "name");
    if (name.empty()) return Refuse("a named type has no name");
    AvroType* made = New(kind);
    made->name = FullName(name, json.contains("namespace") ? TextOf(json, "namespace") : space);
    const size_t dot = made->name.rfind('.');
    *inner_space = dot == std::string::npos ? "" : made->name.substr(0, dot);
    MS_ASSIGN_OR_RETURN(made->aliases, Aliases(json));
    for (std::string& alias : made->aliases) alias = FullName(alias, *inner_space);
    if (!named_.try_emplace(made->name, made).second) return Refuse("the type \"" + made->name + "\" is defined twice");
    return made;
  }

  Result<std::vector<std::string>> Aliases(const Json& json) {
    std::vector<std::string> aliases;
    auto found = json.find("aliases");
    if (found == json.end()) return aliases;
    if (!found->is_array()) return Refuse("\"aliases\" is no list");
    for (const Json& alias : *found) {
      if (!alias.is_string()) return Refuse("an alias is no name");
      aliases.push_back(alias.get<std::string>());
    }
    return aliases;
  }

  Result<const AvroType*> Record(const Json& json, const std::string& space, int depth) {
    std::string inner;
    MS_ASSIGN_OR_RETURN(AvroType * made, Define(Kind::kRecord, json, space, &inner));
    auto fields = json.find("fields");
    if (fields == json.end() || !fields->is_array()) return Refuse("the record " + made->name + " has no list of fields");
    for (const Json& each : *fields) {
      AvroField field;
      if (!each.is_object() || (field.name = TextOf(each, "name")).empty() || !each.contains("type")) {
        return Refuse("a field of " + made->name + " has no name or no type");
      }
      for (const AvroField& other : made->fields)
        if (other.name == field.name) return Refuse("the field " + field.name + " of " + made->name + " is there twice");
      MS_ASSIGN_OR_RETURN(field.aliases, Aliases(each));
      MS_ASSIGN_OR_RETURN(field.type, Type(each["type"], inner, depth + 1));
      if (auto value = each.find("default"); value != each.end()) field.default_value = *value;
      made->fields.push_back(std::move(field));
    }
    return made;
  }

  Result<const AvroType*> Enum(const Json& json, const std::string& space) {
    std::string inner;
    MS_ASSIGN_OR_RETURN(AvroType * made, Define(Kind::kEnum, json, space, &inner));
    auto symbols = json.find("symbols");
    if (symbols == json.end() || !symbols->is_array()) return Refuse("the enum " + made->name + " has no list of symbols");
    for (const Json& symbol : *symbols) {
      if (!symbol.is_string()) return Refuse("a symbol of " + made->name + " is no name");
      made->symbols.push_back(symbol.get<std::string>());
    }
    if (json.contains("default")) made->default_symbol = TextOf(json, "default");
    return made;
  }

  Result<const AvroType*> Fixed(const Json& json, const std::string& space) {
    std::string inner;
    MS_ASSIGN_OR_RETURN(AvroType * made, Define(Kind::kFixed, json, space, &inner));
    auto size = json.find("size");
    if (size == json.end() || !size->is_number_integer()) return Refuse("the fixed " + made->name + " has no size");
    made->size_bytes = size->get<int64_t>();
    if (made->size_bytes < 0 || made->size_bytes > kFixedBytesMax) return Refuse("the fixed " + made->name + " has a size of " + size->dump() + " bytes");
    Annotate(json, made);
    return made;
  }

  // A logical type that does not go with its type is left out, as the Avro library does.
  static void Annotate(const Json& json, AvroType* type) {
    type->catalyst_type = TextOf(json, "spark.sql.catalyst.type");
    const std::string logical = TextOf(json, "logicalType");
    if (logical == "decimal" && (type->kind == Kind::kBytes || type->kind == Kind::kFixed)) {
      auto precision = json.find("precision"), scale = json.find("scale");
      if (precision == json.end() || !precision->is_number_integer()) return;
      const int64_t digits = precision->get<int64_t>(), after = scale != json.end() && scale->is_number_integer() ? scale->get<int64_t>() : 0;
      if (digits < 1 || digits > 38 || after < 0 || after > digits) return;
      if (type->kind == Kind::kFixed && digits > MaxPrecision(type->size_bytes)) return;
      type->precision = static_cast<int>(digits);
      type->scale = static_cast<int>(after);
      type->logical_type = logical;
      return;
    }
    const bool of_int = logical == "date" || logical == "time-millis";
    const bool of_long = logical == "time-micros" || logical.starts_with("timestamp-") || logical.starts_with("local-timestamp-");
    if ((of_int && type->kind == Kind::kInt) || (of_long && type->kind == Kind::kLong) || (logical == "uuid" && type->kind == Kind::kString)) {
      type->logical_type = logical;
    }
  }

  static std::string FullName(const std::string& name, const std::string& space) {
    return space.empty() || name.find('.') != std::string::npos ? name : space + "." + name;
  }

  std::shared_ptr<AvroSchema> schema_ = std::make_shared<AvroSchema>();
  std::map<std::string, const AvroType*> named_;
};

Result<std::shared_ptr<const AvroSchema>> AvroSchema::Parse(std::string_view text) {
  if (text.size() > kSchemaBytesMax) return Refuse("it has more than 16 MiB");
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Refuse("it is no JSON");
  return AvroSchemaParser().Parse(json);
}

AvroUnion SplitAvroUnion(const AvroType& type) {
  AvroUnion out;
  if (type.kind != Kind::kUnion) {
    out.types.push_back(&type);
    return out;
  }
  for (const AvroType* branch : type.branches) {
    if (branch->kind == Kind::kNull) {
      out.has_null = true;
    } else {
      out.types.push_back(branch);
    }
  }
  if (out.types.size() == 2) {
    auto both = [&](Kind a, Kind b) { return (out.types[0]->kind == a && out.types[1]->kind == b) || (out.types[0]->kind == b && out.types[1]->kind == a); };
    if (both(Kind::kInt, Kind::kLong)) out.widened = DataType::Long();
    if (both(Kind::kFloat, Kind::kDouble)) out.widened = DataType::Double();
  }
  return out;
}

namespace {

std::string ShortName(const AvroType& type) {
  static constexpr const char* kNames[] = {"null",   "boolean", "int",  "long",  "float", "double", "bytes",
                                           "string", "record",  "enum", "array", "map",   "union",  "fixed"};
  if (type.name.empty()) return kNames[static_cast<int>(type.kind)];
  return type.name.substr(type.name.rfind('.') + 1);
}

class SparkTypes {
 public:
  SparkTypes(const AvroTypeOptions& options, const AvroType* within) : options_(options) {
    if (within != nullptr) open_[within->name] = 1;
  }

  Result<std::optional<DataType>> Of(const AvroType& type, bool* nullable, int depth) {
    *nullable = false;
    if (++types_ > kSparkTypesMax) return Refuse("it stands for more than " + std::to_string(kSparkTypesMax) + " columns and fields");
    if (depth > kMaxTypeDepth) return Refuse("it is nested deeper than " + std::to_string(kMaxTypeDepth) + " levels");
    switch (type.kind) {
      case Kind::kNull:
        *nullable = true;
        return std::optional(DataType::Null());
      case Kind::kBoolean:
        return std::optional(DataType::Boolean());
      case Kind::kInt:
        if (type.logical_type == "date") return std::optional(DataType::Date());
        return Marked(type, DataType::Integer());
      case Kind::kLong:
        if (type.logical_type == "timestamp-millis" || type.logical_type == "timestamp-micros") return std::optional(DataType::Timestamp());
        if (type.logical_type == "local-timestamp-millis" || type.logical_type == "local-timestamp-micros") return std::optional(DataType::TimestampNtz());
        return Marked(type, DataType::Long());
      case Kind::kFloat:
        return std::optional(DataType::Float());
      case Kind::kDouble:
        return std::optional(DataType::Double());
      case Kind::kBytes:
      case Kind::kFixed:
        return std::optional(type.logical_type == "decimal" ? DataType::Decimal(type.precision, type.scale) : DataType::Binary());
      case Kind::kString:
      case Kind::kEnum:
        return std::optional(DataType::String());
      case Kind::kRecord:
        return Record(type, depth);
      case Kind::kArray:
      case Kind::kMap: {
        bool contains_null = false;
        MS_ASSIGN_OR_RETURN(std::optional<DataType> element, Of(*type.branches[0], &contains_null, depth + 1));
        if (!element) return element;
        return std::optional(type.kind == Kind::kArray ? DataType::Array(*element, contains_null) : DataType::Map(DataType::String(), *element, contains_null));
      }
      case Kind::kUnion:
        return Union(type, nullable, depth);
    }
    return Refuse("a type is unknown");
  }

 private:
  // Intervals, which only Spark itself writes.
  static Result<std::optional<DataType>> Marked(const AvroType& type, DataType plain) {
    if (type.catalyst_type.empty()) return std::optional(plain);
    MS_ASSIGN_OR_RETURN(DataType marked, DataTypeFromDdl(type.catalyst_type));
    return std::optional(marked);
  }

  Result<std::optional<DataType>> Record(const AvroType& type, int depth) {
    int& open = open_[type.name];
    if (open > 0 && options_.recursion_max <= 0) {
      return Refuse("the record " + type.name + " holds itself; set recursiveFieldMaxDepth to a number from 1 to 15 to read it that deep");
    }
    if (open > 0 && open >= options_.recursion_max) return std::optional<DataType>();
    ++open;
    std::vector<StructField> fields;
    for (const AvroField& field : type.fields) {
      bool nullable = false;
      MS_ASSIGN_OR_RETURN(std::optional<DataType> found, Of(*field.type, &nullable, depth + 1));
      if (found) fields.push_back({field.name, *found, nullable});
    }
    --open_[type.name];
    return std::optional(DataType::Struct(StructType(std::move(fields))));
  }

  Result<std::optional<DataType>> Union(const AvroType& type, bool* nullable, int depth) {
    const AvroUnion parts = SplitAvroUnion(type);
    bool inner = false;
    *nullable = parts.has_null;
    if (parts.types.empty()) return std::optional(DataType::Null());
    if (parts.types.size() == 1) return Of(*parts.types[0], &inner, depth + 1);
    if (parts.widened) return parts.widened;
    std::vector<StructField> fields;
    for (size_t i = 0; i < parts.types.size(); ++i) {
      MS_ASSIGN_OR_RETURN(std::optional<DataType> found, Of(*parts.types[i], &inner, depth + 1));
      if (!found) continue;
      StructField field{AvroUnionFieldName(*parts.types[i], i, options_), *found, true};
      if (StructType(fields).IndexOf(field.name, false)) return Refuse("two types of a union would both be called " + field.name);
      fields.push_back(std::move(field));
    }
    return std::optional(DataType::Struct(StructType(std::move(fields))));
  }

  const AvroTypeOptions& options_;
  std::map<std::string, int> open_;
  int64_t types_ = 0;  // a short schema that names its records often can stand for a huge one
};

}  // namespace

std::string AvroUnionFieldName(const AvroType& branch, size_t index, const AvroTypeOptions& options) {
  return options.stable_union_names ? options.union_prefix + ShortName(branch) : "member" + std::to_string(index);
}

Result<std::optional<DataType>> AvroToSparkType(const AvroType& type, const AvroTypeOptions& options, const AvroType* within) {
  bool nullable = false;
  return SparkTypes(options, within).Of(type, &nullable, 1);
}

}  // namespace millstream
