#include "formats/json_schema_inference.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "formats/formats_errors.h"
#include "formats/json_scanner.h"
#include "formats/spark_text.h"

namespace millstream {
namespace {

// Deeper values stay JSON text in a string column: a schema may not be nested deeper than kMaxTypeDepth.
constexpr int kInferredDepthMax = kMaxTypeDepth - 10;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

}  // namespace

// The type of all values seen so far at one place; grows only.
struct InferredType {
  enum class Kind { kNull, kBoolean, kLong, kDouble, kDecimal, kTimestamp, kTimestampNtz, kString, kStruct, kArray };
  using Place = std::pair<int32_t, int64_t>;
  struct Field {
    std::string name;
    std::unique_ptr<InferredType> type;
    Place place;  // where it was seen first
  };
  Kind kind = Kind::kNull;
  int precision = 0, scale = 0;
  std::vector<Field> fields;
  std::unordered_map<std::string, size_t> index;  // by name, or by lower-case name
  std::unique_ptr<InferredType> element;

  void BeString() {
    kind = Kind::kString;
    fields.clear();
    index.clear();
    element.reset();
  }
  // Of a scalar.
  void Merge(Kind other, int other_precision = 0, int other_scale = 0) {
    using enum Kind;
    if (other == kNull || kind == kString) return;
    if (kind == kNull) {
      kind = other;
      precision = other_precision;
      scale = other_scale;
      return;
    }
    auto number = [](Kind k) { return k == kLong || k == kDouble || k == kDecimal; };
    auto time = [](Kind k) { return k == kTimestamp || k == kTimestampNtz; };
    if (kind == other && kind != kDecimal) return;
    if (number(kind) && number(other)) {
      if (kind == kDouble || other == kDouble) {
        kind = kDouble;
        return;
      }
      // A long is a decimal(20,0).
      int my_precision = kind == kLong ? 20 : precision, my_scale = kind == kLong ? 0 : scale;
      if (other == kLong) {
        other_precision = 20;
        other_scale = 0;
      }
      scale = std::max(my_scale, other_scale);
      precision = std::max(my_precision - my_scale, other_precision - other_scale) + scale;
      kind = precision > 38 ? kDouble : kDecimal;
    } else if (time(kind) && time(other)) {
      kind = kTimestamp;
    } else {
      BeString();
    }
  }
  InferredType& FieldNamed(std::string_view name, bool ignore_case, Place place) {
    std::string key = ignore_case ? LowerCase(name) : std::string(name);
    auto [at, inserted] = index.try_emplace(std::move(key), fields.size());
    if (inserted) fields.push_back({std::string(name), std::make_unique<InferredType>(), place});
    Field& field = fields[at->second];
    if (!inserted && place < field.place) {
      field.place = place;
      field.name = name;
    }
    return *field.type;
  }
  // Of any type: as if the values of both had been seen.
  void MergeAll(const InferredType& other, bool ignore_case) {
    if (other.kind == Kind::kNull || kind == Kind::kString) return;
    if (other.kind != Kind::kStruct && other.kind != Kind::kArray) {
      const bool is_nested = kind == Kind::kStruct || kind == Kind::kArray;
      return is_nested ? BeString() : Merge(other.kind, other.precision, other.scale);
    }
    if (kind == Kind::kNull) kind = other.kind;
    if (kind != other.kind) return BeString();
    if (kind == Kind::kArray) {
      if (!element) element = std::make_unique<InferredType>();
      return element->MergeAll(*other.element, ignore_case);
    }
    for (const Field& field : other.fields) FieldNamed(field.name, ignore_case, field.place).MergeAll(*field.type, ignore_case);
  }
};

namespace {

using Kind = InferredType::Kind;

class ValueInference {
 public:
  ValueInference(const JsonOptions& options, bool ignore_case, InferredType::Place place, JsonScanner& scanner)
      : options_(options), ignore_case_(ignore_case), place_(place), scanner_(scanner) {}

  // Merges the value at the scanner into `type`; false on a syntax error.
  bool Value(InferredType& type, int depth) {
    char c = scanner_.Peek();
    if (type.kind == Kind::kString || (depth > kInferredDepthMax && (c == '{' || c == '['))) {
      if (type.kind != Kind::kString) type.BeString();
      return scanner_.SkipValue(depth);
    }
    switch (c) {
      case '{':
        return Object(type, depth);
      case '[':
        return Array(type, depth);
      case 'n':
        return scanner_.Word("null");
      case 't':
      case 'f':
        type.Merge(StringLeaves() ? Kind::kString : Kind::kBoolean);
        return scanner_.Word(c == 't' ? "true" : "false");
      default:
        if (scanner_.AtString()) return String(type);
        return Number(type);
    }
  }

 private:
  bool StringLeaves() const { return options_.primitives_as_string || options_.leaves_as_strings; }

  bool Object(InferredType& type, int depth) {
    if (depth >= kJsonDepthMax) return false;
    if (type.kind == Kind::kNull) type.kind = Kind::kStruct;
    if (type.kind != Kind::kStruct) {
      type.BeString();
      return scanner_.SkipValue(depth);
    }
    scanner_.Advance(1);
    if (scanner_.Take('}')) return true;
    Growing<uint8_t> name;
    while (true) {
      scanner_.SkipSpace();
      name.Truncate(0);
      if (!scanner_.FieldName(&name)) return false;
      scanner_.SkipSpace();
      InferredType& field = type.FieldNamed({reinterpret_cast<const char*>(name.data()), static_cast<size_t>(name.size())}, ignore_case_, place_);
      if (!Value(field, depth + 1)) return false;
      if (scanner_.Take(',')) continue;
      return scanner_.Take('}');
    }
  }

  bool Array(InferredType& type, int depth) {
    if (depth >= kJsonDepthMax) return false;
    if (type.kind == Kind::kNull) {
      type.kind = Kind::kArray;
      type.element = std::make_unique<InferredType>();
    }
    if (type.kind != Kind::kArray) {
      type.BeString();
      return scanner_.SkipValue(depth);
    }
    scanner_.Advance(1);
    if (scanner_.Take(']')) return true;
    while (true) {
      scanner_.SkipSpace();
      if (!Value(*type.element, depth + 1)) return false;
      if (scanner_.Take(',')) continue;
      return scanner_.Take(']');
    }
  }

  bool String(InferredType& type) {
    text_.Truncate(0);
    if (!scanner_.String(&text_)) return false;
    std::string_view text(reinterpret_cast<const char*>(text_.data()), static_cast<size_t>(text_.size()));
    if (text.empty()) return true;  // like null
    if (options_.prefers_decimal && !options_.leaves_as_strings) {
      std::string plain(text);
      std::erase(plain, ',');
      if (auto number = ParseBigDecimal(plain); number && number->scale >= 0 && number->scale <= 38 && number->precision() <= 38) {
        type.Merge(Kind::kDecimal, std::max(number->precision(), static_cast<int>(number->scale)), static_cast<int>(number->scale));
        return true;
      }
    }
    if (options_.infer_timestamp && !options_.leaves_as_strings && options_.datetime.Timestamp(text)) {
      type.Merge(Kind::kTimestamp);
      return true;
    }
    type.Merge(Kind::kString);
    return true;
  }

  bool Number(InferredType& type) {
    JsonScanner::Number number;
    if (scanner_.AtEnd() || !scanner_.ReadNumber(&number)) return false;
    if (StringLeaves()) {
      type.Merge(Kind::kString);
    } else if (number.is_special) {
      if (options_.prefers_decimal) return false;
      type.Merge(Kind::kDouble);
    } else if (!number.is_float && (number.text.size() <= 18 || ParseLong(number.text))) {
      type.Merge(Kind::kLong);
    } else if (number.is_float && !options_.prefers_decimal) {
      type.Merge(Kind::kDouble);
    } else {
      auto exact = ParseBigDecimal(number.text);
      int64_t scale = exact ? exact->scale : 0, precision = exact ? exact->precision() : 39;
      if (scale < 0) {
        precision -= scale;
        scale = 0;
      }
      precision = std::max(precision, scale);
      if (precision <= 38) {
        type.Merge(Kind::kDecimal, static_cast<int>(precision), static_cast<int>(scale));
      } else {
        type.Merge(Kind::kDouble);
      }
    }
    return true;
  }

  const JsonOptions& options_;
  const bool ignore_case_;
  const InferredType::Place place_;
  JsonScanner& scanner_;
  Growing<uint8_t> text_;
};

// Without empty structs and nameless fields; all-null leaves are strings, or nothing with dropFieldIfAllNull.
std::optional<DataType> Canonical(const InferredType& type, const JsonOptions& options) {
  switch (type.kind) {
    case Kind::kNull:
      if (options.drop_field_if_all_null) return std::nullopt;
      return DataType::String();
    case Kind::kBoolean:
      return DataType::Boolean();
    case Kind::kLong:
      return DataType::Long();
    case Kind::kDouble:
      return DataType::Double();
    case Kind::kDecimal:
      return DataType::Decimal(type.precision, type.scale);
    case Kind::kTimestamp:
      return DataType::Timestamp();
    case Kind::kTimestampNtz:
      return DataType::TimestampNtz();
    case Kind::kString:
      return DataType::String();
    case Kind::kArray: {
      auto element = Canonical(*type.element, options);
      if (!element) return std::nullopt;
      return DataType::Array(*element);
    }
    case Kind::kStruct: {
      std::vector<StructField> fields;
      for (const auto& field : type.fields) {
        if (field.name.empty()) continue;
        if (auto inner = Canonical(*field.type, options)) fields.push_back({field.name, *inner});
      }
      if (fields.empty()) return std::nullopt;
      std::sort(fields.begin(), fields.end(), [](const StructField& a, const StructField& b) { return a.name < b.name; });
      return DataType::Struct(StructType(std::move(fields)));
    }
  }
  return std::nullopt;
}

DataType MergeType(const DataType& known, const DataType& found, bool case_sensitive) {
  if (known.id() == TypeId::kStruct && found.id() == TypeId::kStruct) {
    return DataType::Struct(MergeNewFieldsInto(known.fields(), found.fields(), case_sensitive));
  }
  if (known.id() == TypeId::kArray && found.id() == TypeId::kArray) {
    return DataType::Array(MergeType(known.element(), found.element(), case_sensitive), known.contains_null());
  }
  return known;
}

}  // namespace

JsonSchemaInference::JsonSchemaInference(const JsonOptions& options, bool ignore_case)
    : options_(options), ignore_case_(ignore_case), root_(std::make_unique<InferredType>()) {
  root_->kind = Kind::kStruct;
}
JsonSchemaInference::~JsonSchemaInference() = default;

Status JsonSchemaInference::Malformed(std::string_view text) {
  if (options_.mode == ParseMode::kFailFast) {
    return Status::Error(errors::kMalformedInInference, {{"reason", "Failed to parse " + ValidUtf8(text.substr(0, 200))}});
  }
  if (options_.mode == ParseMode::kPermissive) corrupt_seen_ = true;
  return Status::Ok();
}

bool JsonSchemaInference::OneValue(JsonScanner& scanner) {
  // What a bad record says before its error does not count: it is looked through first.
  const char* begin = scanner.position();
  if (!scanner.SkipValue(0)) return false;
  const char* after = scanner.position();
  scanner.set_position(begin);
  ValueInference inference(options_, ignore_case_, place_, scanner);
  char c = scanner.Peek();
  bool good = true;
  if (c == '{') {
    good = inference.Value(*root_, 0);
  } else if (c == '[') {
    scanner.Advance(1);
    if (!scanner.Take(']')) {
      while (true) {
        scanner.SkipSpace();
        char e = scanner.Peek();
        if (e == '{') {
          if (!inference.Value(*root_, 1)) return false;
        } else if (e == 'n') {
          if (!scanner.Word("null")) return false;
        } else {
          good = false;
          if (!scanner.SkipValue(1)) return false;
        }
        if (!scanner.Take(',')) break;
      }
    }
  } else {
    good = c == 'n';
  }
  scanner.set_position(after);
  return good;
}

Status JsonSchemaInference::Record(const char* begin, const char* end) {
  JsonScanner scanner(options_);
  scanner.Reset(begin, end);
  if (end - begin >= 3 && std::memcmp(begin, "\xEF\xBB\xBF", 3) == 0) scanner.Advance(3);
  scanner.SkipSpace();
  if (scanner.AtEnd() || OneValue(scanner)) return Status::Ok();
  return Malformed({begin, static_cast<size_t>(end - begin)});
}

Status JsonSchemaInference::Document(const char* begin, const char* end) {
  JsonScanner scanner(options_);
  scanner.Reset(begin, end);
  if (end - begin >= 3 && std::memcmp(begin, "\xEF\xBB\xBF", 3) == 0) scanner.Advance(3);
  for (scanner.SkipSpace(); !scanner.AtEnd(); scanner.SkipSpace()) {
    const char* from = scanner.position();
    if (!OneValue(scanner)) {
      MS_RETURN_IF_ERROR(Malformed({begin, static_cast<size_t>(end - begin)}));
      if (scanner.position() == from || !scanner.AtEnd()) break;
    }
  }
  return Status::Ok();
}

void JsonSchemaInference::Merge(const JsonSchemaInference& other) {
  root_->MergeAll(*other.root_, ignore_case_);
  corrupt_seen_ = corrupt_seen_ || other.corrupt_seen_;
}

StructType JsonSchemaInference::Finish() const {
  StructType schema;
  if (auto type = Canonical(*root_, options_)) schema = type->fields();
  if (corrupt_seen_ && !options_.leaves_as_strings && !schema.IndexOf(options_.corrupt_record_column, true)) {
    std::vector<StructField> fields = schema.fields();
    fields.push_back({options_.corrupt_record_column, DataType::String()});
    std::sort(fields.begin(), fields.end(), [](const StructField& a, const StructField& b) { return a.name < b.name; });
    schema = StructType(std::move(fields));
  }
  return schema;
}

bool JsonValueHasType(std::string_view json, const JsonOptions& options) {
  if (json.empty() || (json[0] != '{' && json[0] != '[' && json[0] != 'n')) return true;
  std::string copy(json);
  copy.append(64, '\0');
  JsonScanner scanner(options);
  scanner.Reset(copy.data(), copy.data() + json.size());
  InferredType type;
  return ValueInference(options, true, {}, scanner).Value(type, 1) && Canonical(type, options).has_value();
}

StructType MergeNewFieldsInto(const StructType& known, const StructType& found, bool case_sensitive) {
  std::vector<StructField> fields;
  for (const StructField& field : known) {
    StructField merged = field;
    if (auto at = found.IndexOf(field.name, case_sensitive)) merged.type = MergeType(field.type, found[*at].type, case_sensitive);
    fields.push_back(std::move(merged));
  }
  for (const StructField& field : found) {
    if (!known.IndexOf(field.name, case_sensitive)) fields.push_back(field);
  }
  return StructType(std::move(fields));
}

}  // namespace millstream
