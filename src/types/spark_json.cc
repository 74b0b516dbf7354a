#include "types/spark_json.h"

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>

#include "types/types_errors.h"

namespace millstream {
namespace {

// ---- writing

std::string_view JsonName(TypeId id) {
  switch (id) {
    case TypeId::kNull:
      return "void";
    case TypeId::kBoolean:
      return "boolean";
    case TypeId::kByte:
      return "byte";
    case TypeId::kShort:
      return "short";
    case TypeId::kInteger:
      return "integer";
    case TypeId::kLong:
      return "long";
    case TypeId::kFloat:
      return "float";
    case TypeId::kDouble:
      return "double";
    case TypeId::kDecimal:
      return "decimal";
    case TypeId::kString:
      return "string";
    case TypeId::kBinary:
      return "binary";
    case TypeId::kDate:
      return "date";
    case TypeId::kTimestamp:
      return "timestamp";
    case TypeId::kTimestampNtz:
      return "timestamp_ntz";
    case TypeId::kDayTimeInterval:
      return "interval day to second";
    case TypeId::kYearMonthInterval:
      return "interval year to month";
    case TypeId::kArray:
      return "array";
    case TypeId::kMap:
      return "map";
    case TypeId::kStruct:
      return "struct";
    case TypeId::kVariant:
      return "variant";
  }
  return "";
}

// As Jackson writes it: control characters escaped, everything else as it is.
void AppendQuoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void AppendStruct(std::string& out, const StructType& schema);

void AppendType(std::string& out, const DataType& type) {
  auto flag = [](bool value) { return value ? "true" : "false"; };
  switch (type.id()) {
    case TypeId::kDecimal:
      out += "\"decimal(" + std::to_string(type.precision()) + "," + std::to_string(type.scale()) + ")\"";
      return;
    case TypeId::kArray:
      out += "{\"type\":\"array\",\"elementType\":";
      AppendType(out, type.element());
      out += std::string(",\"containsNull\":") + flag(type.contains_null()) + "}";
      return;
    case TypeId::kMap:
      out += "{\"type\":\"map\",\"keyType\":";
      AppendType(out, type.key());
      out += ",\"valueType\":";
      AppendType(out, type.value());
      out += std::string(",\"valueContainsNull\":") + flag(type.contains_null()) + "}";
      return;
    case TypeId::kStruct:
      AppendStruct(out, type.fields());
      return;
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kVariant:
      out += '"';
      out += JsonName(type.id());
      out += '"';
      return;
  }
}

void AppendStruct(std::string& out, const StructType& schema) {
  out += "{\"type\":\"struct\",\"fields\":[";
  bool first = true;
  for (const StructField& field : schema) {
    out += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    AppendQuoted(out, field.name);
    out += ",\"type\":";
    AppendType(out, field.type);
    out += field.nullable ? ",\"nullable\":true" : ",\"nullable\":false";
    out += ",\"metadata\":" + (field.metadata.empty() ? "{}" : field.metadata) + "}";
  }
  out += "]}";
}

// ---- reading

Status Invalid(std::string_view what) { return Status::Error(errors::kInvalidJsonDataType, {{"invalidType", std::string(what.substr(0, 200))}}); }

std::optional<DataType> AtomicFromJsonName(std::string_view name) {
  static const std::map<std::string_view, DataType> kNames = {
      {"void", DataType::Null()},
      {"null", DataType::Null()},
      {"boolean", DataType::Boolean()},
      {"byte", DataType::Byte()},
      {"short", DataType::Short()},
      {"integer", DataType::Integer()},
      {"long", DataType::Long()},
      {"float", DataType::Float()},
      {"double", DataType::Double()},
      {"string", DataType::String()},
      {"binary", DataType::Binary()},
      {"date", DataType::Date()},
      {"timestamp", DataType::Timestamp()},
      {"timestamp_ltz", DataType::Timestamp()},
      {"timestamp_ntz", DataType::TimestampNtz()},
      {"variant", DataType::Variant()},
      {"decimal", DataType::Decimal(10, 0)},
      // Spark keeps an interval's first and last unit; the value is the same count of microseconds or months.
      {"interval day", DataType::DayTimeInterval()},
      {"interval day to hour", DataType::DayTimeInterval()},
      {"interval day to minute", DataType::DayTimeInterval()},
      {"interval day to second", DataType::DayTimeInterval()},
      {"interval hour", DataType::DayTimeInterval()},
      {"interval hour to minute", DataType::DayTimeInterval()},
      {"interval hour to second", DataType::DayTimeInterval()},
      {"interval minute", DataType::DayTimeInterval()},
      {"interval minute to second", DataType::DayTimeInterval()},
      {"interval second", DataType::DayTimeInterval()},
      {"interval year", DataType::YearMonthInterval()},
      {"interval year to month", DataType::YearMonthInterval()},
      {"interval month", DataType::YearMonthInterval()},
  };
  auto found = kNames.find(name);
  if (found == kNames.end()) return std::nullopt;
  return found->second;
}

// "decimal(10,2)", "decimal( 10 , -2 )": precision and scale; nullopt: not a decimal's name.
std::optional<std::pair<int, int>> DecimalParts(std::string_view name) {
  if (!name.starts_with("decimal(") || !name.ends_with(")")) return std::nullopt;
  std::string digits;
  for (char c : name.substr(8, name.size() - 9)) {
    if (c != ' ') digits += c;
  }
  int precision = 0, scale = 0;
  const char* end = digits.data() + digits.size();
  auto first = std::from_chars(digits.data(), end, precision);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ',') return std::nullopt;
  auto second = std::from_chars(first.ptr + 1, end, scale);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return std::pair(precision, scale);
}

Result<DataType> AtomicType(std::string_view name) {
  if (std::optional<DataType> type = AtomicFromJsonName(name)) return *type;
  if (auto parts = DecimalParts(name)) {
    auto [precision, scale] = *parts;
    if (precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision) return DataType::Decimal(precision, scale);
  }
  // Lengths of char and varchar are a column's metadata in tables; here a value is a string.
  if ((name.starts_with("varchar(") || name.starts_with("char(")) && name.ends_with(")")) return DataType::String();
  return Invalid(name);
}

void AppendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 63));
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

// Reads a schema in one pass, straight into types. Written by hand because a field's metadata must come out byte for byte (big
// numbers, key order, spacing), which a JSON tree does not keep. A type's depth is counted on the way down, metadata's without recursion.
class SchemaReader {
 public:
  explicit SchemaReader(std::string_view json) : json_(json) {}

  Result<DataType> ReadAll() {
    MS_ASSIGN_OR_RETURN(DataType type, ReadType(1));
    SkipSpace();
    if (at_ != json_.size()) return Broken();
    return type;
  }

 private:
  Result<DataType> ReadType(int depth) {
    if (depth > kMaxTypeDepth) return Status::Error(errors::kTypeTooDeep, {{"limit", std::to_string(kMaxTypeDepth)}});
    SkipSpace();
    if (Peek() == '"') {
      MS_ASSIGN_OR_RETURN(std::string name, ReadString());
      return AtomicType(name);
    }
    return ReadNested(depth);
  }

  Result<DataType> ReadNested(int depth) {
    size_t start = at_;
    std::string kind;
    std::optional<DataType> element, key, value;
    std::optional<StructType> fields;
    bool contains_null = true;
    MS_RETURN_IF_ERROR(ReadObject([&](const std::string& name) -> Status {
      if (name == "type") return Store(ReadString(), kind);
      if (name == "elementType") return Store(ReadType(depth + 1), element);
      if (name == "keyType") return Store(ReadType(depth + 1), key);
      if (name == "valueType") return Store(ReadType(depth + 1), value);
      if (name == "containsNull" || name == "valueContainsNull") return Store(ReadBool(), contains_null);
      if (name == "fields") return Store(ReadFields(depth), fields);
      return SkipValue();
    }));
    if (kind == "array" && element) return DataType::Array(*std::move(element), contains_null);
    if (kind == "map" && key && value) return DataType::Map(*std::move(key), *std::move(value), contains_null);
    if (kind == "struct" && fields) return DataType::Struct(*std::move(fields));
    return Invalid(json_.substr(start, at_ - start));
  }

  Result<StructType> ReadFields(int depth) {
    StructType fields;
    SkipSpace();
    if (!Take('[')) return Broken();
    SkipSpace();
    if (Take(']')) return fields;
    while (true) {
      MS_ASSIGN_OR_RETURN(StructField field, ReadField(depth));
      fields.Add(std::move(field));
      SkipSpace();
      if (Take(']')) return fields;
      if (!Take(',')) return Broken();
    }
  }

  Result<StructField> ReadField(int depth) {
    SkipSpace();
    size_t start = at_;
    StructField field;
    std::optional<std::string> field_name;
    std::optional<DataType> type;
    MS_RETURN_IF_ERROR(ReadObject([&](const std::string& name) -> Status {
      if (name == "name") return Store(ReadString(), field_name);
      if (name == "type") return Store(ReadType(depth + 1), type);
      if (name == "nullable") return Store(ReadBool(), field.nullable);
      if (name == "metadata") {
        SkipSpace();
        size_t begin = at_;
        bool is_object = Peek() == '{';
        MS_RETURN_IF_ERROR(SkipValue());
        if (is_object) field.metadata = json_.substr(begin, at_ - begin);
        return Status::Ok();
      }
      return SkipValue();
    }));
    if (!field_name || !type) return Invalid(json_.substr(start, at_ - start));
    field.name = *std::move(field_name);
    field.type = *std::move(type);
    return field;
  }

  template <typename OnKey>
  Status ReadObject(OnKey on_key) {
    SkipSpace();
    if (!Take('{')) return Broken();
    SkipSpace();
    if (Take('}')) return Status::Ok();
    while (true) {
      SkipSpace();
      MS_ASSIGN_OR_RETURN(std::string name, ReadString());
      SkipSpace();
      if (!Take(':')) return Broken();
      MS_RETURN_IF_ERROR(on_key(name));
      SkipSpace();
      if (Take('}')) return Status::Ok();
      if (!Take(',')) return Broken();
    }
  }

  template <typename T, typename Slot>
  static Status Store(Result<T> result, Slot& slot) {
    if (!result.ok()) return result.status();
    slot = std::move(result).value();
    return Status::Ok();
  }

  Result<bool> ReadBool() {
    SkipSpace();
    if (TakeWord("true")) return true;
    if (TakeWord("false")) return false;
    return Broken();
  }

  Result<std::string> ReadString() {
    SkipSpace();
    if (!Take('"')) return Broken();
    std::string out;
    while (at_ < json_.size()) {
      char c = json_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) return Broken();
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ == json_.size()) break;
      static constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
      char escape = json_[at_++];
      if (size_t index = kEscapes.find(escape); index != std::string_view::npos) {
        out += kMeanings[index];
      } else if (escape == 'u') {
        std::optional<uint32_t> code = ReadHex4();
        if (!code) return Broken();
        if (*code >= 0xD800 && *code < 0xDC00 && TakeWord("\\u")) {
          std::optional<uint32_t> low = ReadHex4();
          if (!low || *low < 0xDC00 || *low > 0xDFFF) return Broken();
          code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        }
        AppendUtf8(out, *code >= 0xD800 && *code < 0xE000 ? 0xFFFD : *code);
      } else {
        return Broken();
      }
    }
    return Broken();
  }

  std::optional<uint32_t> ReadHex4() {
    uint32_t code = 0;
    if (json_.size() - at_ < 4) return std::nullopt;
    auto parsed = std::from_chars(json_.data() + at_, json_.data() + at_ + 4, code, 16);
    if (parsed.ec != std::errc() || parsed.ptr != json_.data() + at_ + 4) return std::nullopt;
    at_ += 4;
    return code;
  }

  // Any JSON value; a stack of open brackets instead of recursion.
  Status SkipValue() {
    std::string open;
    do {
      SkipSpace();
      char c = Peek();
      if (c == '{' || c == '[') {
        ++at_;
        SkipSpace();
        char close = c == '{' ? '}' : ']';
        if (!Take(close)) {
          open += close;
          if (c == '{') MS_RETURN_IF_ERROR(SkipKey());
          continue;
        }
      } else if (c == '"') {
        MS_RETURN_IF_ERROR(ReadString().status());
      } else {
        MS_RETURN_IF_ERROR(SkipScalar());
      }
      while (!open.empty()) {
        SkipSpace();
        if (Take(open.back())) {
          open.pop_back();
          continue;
        }
        if (!Take(',')) return Broken();
        if (open.back() == '}') MS_RETURN_IF_ERROR(SkipKey());
        break;
      }
    } while (!open.empty());
    return Status::Ok();
  }

  Status SkipKey() {
    MS_RETURN_IF_ERROR(ReadString().status());
    SkipSpace();
    return Take(':') ? Status::Ok() : Broken();
  }

  Status SkipScalar() {
    if (TakeWord("true") || TakeWord("false") || TakeWord("null")) return Status::Ok();
    double number = 0;
    bool starts_well = Peek() == '-' || (Peek() >= '0' && Peek() <= '9');
    auto parsed = std::from_chars(json_.data() + at_, json_.data() + json_.size(), number);
    if (!starts_well || parsed.ec == std::errc::invalid_argument) return Broken();
    at_ = static_cast<size_t>(parsed.ptr - json_.data());
    return Status::Ok();
  }

  void SkipSpace() {
    while (at_ < json_.size() && (json_[at_] == ' ' || json_[at_] == '\n' || json_[at_] == '\r' || json_[at_] == '\t')) ++at_;
  }
  char Peek() const { return at_ < json_.size() ? json_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c || at_ == json_.size()) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!json_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  Status Broken() const { return Invalid(json_); }

  std::string_view json_;
  size_t at_ = 0;
};

}  // namespace

std::string ToSparkJson(const DataType& type) {
  std::string out;
  AppendType(out, type);
  return out;
}

std::string ToSparkJson(const StructType& schema) {
  std::string out;
  AppendStruct(out, schema);
  return out;
}

Result<DataType> DataTypeFromSparkJson(std::string_view json) { return SchemaReader(json).ReadAll(); }

Result<StructType> SchemaFromSparkJson(std::string_view json) {
  MS_ASSIGN_OR_RETURN(DataType type, DataTypeFromSparkJson(json));
  if (type.id() != TypeId::kStruct) return Invalid(json);
  return type.fields();
}

}  // namespace millstream
