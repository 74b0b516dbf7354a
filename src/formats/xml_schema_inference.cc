#include "formats/xml_schema_inference.h"

#include <algorithm>

#include "formats/formats_errors.h"
#include "formats/spark_text.h"

namespace millstream {
namespace {

using Kind = XmlEvent::Kind;

// Deeper elements are strings of XML: a schema may not be nested deeper than kMaxTypeDepth.
constexpr int kInferredDepthMax = kMaxTypeDepth - 20;

DataType Sorted(std::vector<StructField> fields) {
  std::sort(fields.begin(), fields.end(), [](const StructField& a, const StructField& b) { return a.name < b.name; });
  return DataType::Struct(StructType(std::move(fields)));
}

std::optional<DataType> Canonical(const DataType& type) {
  if (type.id() == TypeId::kNull) return DataType::String();
  if (type.id() == TypeId::kArray) {
    auto element = Canonical(type.element());
    if (!element) return std::nullopt;
    return DataType::Array(*element);
  }
  if (type.id() != TypeId::kStruct) return type;
  std::vector<StructField> fields;
  for (const StructField& field : type.fields()) {
    if (field.name.empty()) continue;
    if (auto inner = Canonical(field.type)) fields.push_back({field.name, *inner});
  }
  if (fields.empty()) return std::nullopt;
  return DataType::Struct(StructType(std::move(fields)));
}

bool IsDateTime(const DataType& type) { return type.id() == TypeId::kDate || type.id() == TypeId::kTimestamp || type.id() == TypeId::kTimestampNtz; }

// Long and decimals as the decimal that holds both.
DataType WiderDecimal(const DataType& a, const DataType& b) {
  const DataType x = a.id() == TypeId::kLong ? DataType::Decimal(20, 0) : a, y = b.id() == TypeId::kLong ? DataType::Decimal(20, 0) : b;
  const int scale = std::max(x.scale(), y.scale()), range = std::max(x.precision() - x.scale(), y.precision() - y.scale());
  return range + scale > 38 ? DataType::Double() : DataType::Decimal(range + scale, scale);
}

}  // namespace

DataType XmlSchemaInference::CompatibleStructs(const DataType& a, const DataType& b) const {
  std::vector<StructField> fields = a.fields().fields();
  for (const StructField& field : b.fields()) {
    auto found = std::find_if(fields.begin(), fields.end(),
                              [&](const StructField& known) { return StructType({known}).IndexOf(field.name, options_.case_sensitive).has_value(); });
    if (found == fields.end()) {
      fields.push_back(field);
    } else {
      found->type = Compatible(found->type, field.type);
    }
  }
  return Sorted(std::move(fields));
}

DataType XmlSchemaInference::Compatible(const DataType& a, const DataType& b) const {
  if (a.id() == TypeId::kStruct && b.id() == TypeId::kStruct) return CompatibleStructs(a, b);
  if (a.id() == TypeId::kNull) return b;
  if (b.id() == TypeId::kNull || a == b) return a;
  if (a.id() == TypeId::kArray || b.id() == TypeId::kArray) {
    return DataType::Array(Compatible(a.id() == TypeId::kArray ? a.element() : a, b.id() == TypeId::kArray ? b.element() : b));
  }
  if (a.IsNumeric() && b.IsNumeric()) {
    if (a.id() == TypeId::kDouble || b.id() == TypeId::kDouble) return DataType::Double();
    return WiderDecimal(a, b);
  }
  if (IsDateTime(a) && IsDateTime(b)) return DataType::Timestamp();
  // A struct takes a value under the value tag when it has one.
  for (bool first : {true, false}) {
    const DataType &nested = first ? a : b, &other = first ? b : a;
    if (nested.id() != TypeId::kStruct) continue;
    auto index = nested.fields().IndexOf(options_.value_tag, true);
    if (!index) continue;
    std::vector<StructField> fields = nested.fields().fields();
    fields[*index].type = first ? Compatible(fields[*index].type, other) : Compatible(other, fields[*index].type);
    return DataType::Struct(StructType(std::move(fields)));
  }
  return DataType::String();
}

DataType XmlSchemaInference::Scalar(std::string_view text) const {
  text = options_.Trimmed(text);
  if (!options_.infer_schema) return DataType::String();
  if (text.empty()) return DataType::Null();
  const std::string_view unsigned_text = text[0] == '+' || text[0] == '-' ? text.substr(1) : text;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!unsigned_text.empty() && digit(unsigned_text[0]) && ParseLong(unsigned_text)) return DataType::Long();
  if (!unsigned_text.empty() && (digit(unsigned_text[0]) || unsigned_text[0] == '.') &&
      std::string_view("dDfF").find(unsigned_text.back()) == std::string_view::npos) {
    if (options_.prefers_decimal) {
      std::string plain(text);
      std::erase(plain, ',');
      if (auto number = ParseBigDecimal(plain); number && number->scale >= 0 && number->scale <= 38 && number->precision() <= 38) {
        return DataType::Decimal(std::max(number->precision(), static_cast<int>(number->scale)), static_cast<int>(number->scale));
      }
    }
    if (ParseJavaDouble(unsigned_text)) return DataType::Double();
  }
  if (options_.datetime.Date(text)) return DataType::Date();
  if (options_.datetime.Timestamp(text)) return DataType::Timestamp();
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == "true" || lower == "false" ? DataType::Boolean() : DataType::String();
}

// A name that comes again makes its field an array.
void XmlSchemaInference::Add(std::vector<StructField>* fields, const std::string& name, const DataType& type) const {
  for (StructField& field : *fields) {
    if (!StructType({field}).IndexOf(name, options_.case_sensitive)) continue;
    const DataType both = Compatible(field.type, type);
    field.type = field.type.id() == TypeId::kArray ? both : DataType::Array(both);
    return;
  }
  fields->push_back({name, type});
}

std::vector<StructField> XmlSchemaInference::AttributeFields(const std::vector<XmlAttribute>& attributes) const {
  std::vector<StructField> fields;
  if (options_.exclude_attributes) return fields;
  for (const XmlAttribute& attribute : attributes) {
    const std::string name = options_.attribute_prefix + std::string(options_.NameOf(attribute.name));
    const bool is_null = options_.null_value && options_.Trimmed(attribute.value) == *options_.null_value;
    fields.push_back({name, is_null ? DataType::Null() : Scalar(attribute.value)});
  }
  return fields;
}

Result<XmlSchemaInference::Found> XmlSchemaInference::Field(XmlReader& reader, int depth) {
  MS_ASSIGN_OR_RETURN(const XmlEvent* next, reader.Peek());
  switch (next->kind) {
    case Kind::kEnd:
      MS_RETURN_IF_ERROR(reader.Take().status());
      return Found(DataType::Null());
    case Kind::kStart:
      return Object(reader, {}, depth + 1);
    case Kind::kText: {
      MS_ASSIGN_OR_RETURN(Found found, Object(reader, {}, depth + 1));
      if (!found || found->id() != TypeId::kStruct) return found;
      const StructType& fields = found->fields();
      if (fields.empty()) return Found(DataType::Null());
      if (fields.size() == 1 && !fields[0].type.IsNested() && fields.IndexOf(options_.value_tag, options_.case_sensitive)) return Found(fields[0].type);
      return found;
    }
    case Kind::kEndDocument:
    case Kind::kMalformed:
      break;
  }
  return Found();
}

Result<bool> XmlSchemaInference::Child(XmlReader& reader, const XmlEvent& start, int depth, std::vector<StructField>* fields) {
  MS_ASSIGN_OR_RETURN(Found found, Field(reader, depth));
  if (!found) return false;
  std::vector<StructField> attributes = AttributeFields(start.attributes);
  if (!attributes.empty()) {
    std::vector<StructField> merged;
    if (found->id() == TypeId::kStruct) {
      merged = found->fields().fields();
    } else if (found->id() != TypeId::kNull) {
      merged.push_back({options_.value_tag, *found});
    }
    for (StructField& attribute : attributes) {
      auto same = std::find_if(merged.begin(), merged.end(), [&](const StructField& field) { return field.name == attribute.name; });
      if (same == merged.end()) {
        merged.push_back(std::move(attribute));
      } else {
        same->type = Compatible(same->type, attribute.type);
      }
    }
    found = Sorted(std::move(merged));
  }
  Add(fields, std::string(options_.NameOf(start.name)), *found);
  return true;
}

Result<XmlSchemaInference::Found> XmlSchemaInference::Object(XmlReader& reader, const std::vector<XmlAttribute>& attributes, int depth) {
  std::vector<StructField> fields;
  for (const StructField& attribute : AttributeFields(attributes)) Add(&fields, attribute.name, attribute.type);
  int skipped = 0;  // elements that are too deep and open
  while (true) {
    MS_ASSIGN_OR_RETURN(XmlEvent event, reader.Take());
    if (event.kind == Kind::kMalformed) return Found();
    if (event.kind == Kind::kEndDocument) break;
    if (event.kind == Kind::kEnd && skipped-- <= 0) break;
    if (event.kind == Kind::kStart && (skipped > 0 || depth >= kInferredDepthMax)) {
      ++skipped;
    } else if (event.kind == Kind::kStart) {
      MS_ASSIGN_OR_RETURN(bool good, Child(reader, event, depth, &fields));
      if (!good) return Found();
    } else if (event.kind == Kind::kText && !event.is_blank && skipped == 0) {
      Add(&fields, options_.value_tag, Scalar(event.text));
    }
  }
  if (depth >= kInferredDepthMax) return Found(DataType::String());
  return Found(Sorted(std::move(fields)));
}

Result<bool> XmlSchemaInference::Record(XmlReader& reader) {
  MS_ASSIGN_OR_RETURN(XmlEvent start, reader.Take());
  MS_ASSIGN_OR_RETURN(Found found, Object(reader, start.attributes, 0));
  if (found) {
    root_ = Compatible(root_, *found);
    return true;
  }
  MS_RETURN_IF_ERROR(Malformed());
  return false;
}

Status XmlSchemaInference::Malformed() {
  if (options_.mode == ParseMode::kFailFast) return Status::Error(errors::kMalformedInInference, {{"reason", "Failed to parse an XML record"}});
  if (options_.mode == ParseMode::kPermissive) {
    root_ = Compatible(root_, DataType::Struct(StructType({{options_.corrupt_record_column, DataType::String()}})));
  }
  return Status();
}

StructType XmlSchemaInference::Finish() const {
  auto schema = Canonical(root_);
  return schema ? schema->fields() : StructType();
}

}  // namespace millstream
