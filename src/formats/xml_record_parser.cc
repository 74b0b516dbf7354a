#include "formats/xml_record_parser.h"

#include <algorithm>

#include "formats/input_chunks.h"

namespace millstream {
namespace {

using Kind = XmlEvent::Kind;
// The element's name is on the path while this lives.
class PathStep {
 public:
  PathStep(std::vector<std::string>& path, std::string name) : path_(path) { path_.push_back(std::move(name)); }
  ~PathStep() { path_.pop_back(); }

 private:
  std::vector<std::string>& path_;
};

}  // namespace

XmlRecordParser::Step XmlRecordParser::Bad(std::string reason) {
  if (reason_.empty()) reason_ = std::move(reason);
  return Step::kBad;
}

XmlRecordParser::Step XmlRecordParser::Malformed(const XmlEvent& event) {
  if (reason_.empty()) reason_ = event.kind == Kind::kMalformed ? event.text : "the text ends within a record";
  return event.goes_on ? Step::kBad : Step::kMalformed;
}

void XmlRecordParser::Rescue(const std::string& name, std::string text) {
  nlohmann::ordered_json* at = &rescued_;
  for (const std::string& each : path_) {
    nlohmann::ordered_json& next = (*at)[each];
    if (!next.is_object()) next = nlohmann::ordered_json::object();
    at = &next;
  }
  (*at)[name] = std::move(text);
}

bool XmlRecordParser::Scalar(std::string_view text, const DataType& type, XmlValue* value) {
  if (XmlScalar(text, type, options_, value)) return true;
  *value = XmlValue();
  return Bad("\"" + std::string(text.substr(0, 100)) + "\" is no " + type.Sql()), false;
}

std::optional<size_t> XmlRecordParser::IndexOf(const StructType& schema, std::string_view name) const {
  if (shape_.rescue) return schema.IndexOf(name, !options_.ignore_case_of_names);
  // Of fields that differ in case only the last is found, and an exact one before all.
  if (auto exact = schema.IndexOf(name, true)) return exact;
  return options_.case_sensitive ? std::nullopt : schema.IndexOf(name, false);
}

bool XmlRecordParser::Attributes(const std::vector<XmlAttribute>& attributes, const StructType& schema, std::vector<XmlValue>* row) {
  if (options_.exclude_attributes) return true;
  for (const XmlAttribute& attribute : attributes) {
    const std::string name = options_.attribute_prefix + std::string(options_.NameOf(attribute.name));
    auto index = IndexOf(schema, name);
    if (!index) {
      if (shape_.collect_new_fields) new_fields_.push_back(name);
      if (shape_.rescue) Rescue(name, attribute.value);
      continue;
    }
    if (Scalar(attribute.value, schema[*index].type, &(*row)[*index])) continue;
    if (!shape_.rescue) return false;
    Rescue(name, attribute.value);
  }
  return true;
}

bool XmlRecordParser::ValueTag(const std::string& text, const StructType& schema, std::vector<XmlValue>* row) {
  auto index = schema.IndexOf(options_.value_tag, true);
  if (!index) {
    if (shape_.rescue) Rescue(options_.value_tag, std::string(options_.Trimmed(text)));
    return true;
  }
  XmlValue& place = (*row)[*index];
  const DataType& type = schema[*index].type;
  XmlValue value;
  const bool fits = Scalar(text, type.id() == TypeId::kArray ? type.element() : type, &value);
  if (!fits && !shape_.rescue) return false;
  if (!fits) Rescue(options_.value_tag, text);
  if (type.id() != TypeId::kArray) {
    place = std::move(value);
    return true;
  }
  if (place.is_null()) place = XmlValue::Many();
  place.many.push_back(std::move(value));
  return true;
}

Result<XmlRecordParser::Step> XmlRecordParser::SkipEnd(XmlReader& reader, const std::string& name) {
  while (true) {
    MS_ASSIGN_OR_RETURN(XmlEvent event, reader.Take());
    if (event.kind == Kind::kText && event.is_blank) continue;
    if (event.kind == Kind::kMalformed || event.kind == Kind::kEndDocument) return Malformed(event);
    if (event.kind != Kind::kEnd || options_.NameOf(event.name) != name) return Bad("the end of <" + name + "> was expected");
    return Step::kOk;
  }
}

Result<XmlRecordParser::Step> XmlRecordParser::SkipChildren(XmlReader& reader, const std::string& name) {
  for (int depth = 1; depth > 0;) {
    MS_ASSIGN_OR_RETURN(XmlEvent event, reader.Take());
    if (event.kind == Kind::kMalformed || event.kind == Kind::kEndDocument) return Malformed(event);
    if (event.kind == Kind::kStart) ++depth;
    if (event.kind != Kind::kEnd || --depth > 0) continue;
    if (options_.NameOf(event.name) != name) return Bad("the end of <" + name + "> was expected");
  }
  return Step::kOk;
}

// What stands in the element, as XML again.
Result<XmlRecordParser::Step> XmlRecordParser::Structure(XmlReader& reader, const std::string& name, std::string* text) {
  for (int depth = 0;;) {
    MS_ASSIGN_OR_RETURN(XmlEvent event, reader.Take());
    if (event.kind == Kind::kMalformed || event.kind == Kind::kEndDocument) return Malformed(event);
    if (event.kind == Kind::kStart) {
      *text += "<" + event.name;
      for (const XmlAttribute& attribute : event.attributes) *text += " " + attribute.name + "=\"" + attribute.value + "\"";
      *text += ">";
      ++depth;
    } else if (event.kind == Kind::kEnd) {
      *text += "</" + event.name + ">";
      --depth;
    } else {
      *text += event.text;
    }
    MS_ASSIGN_OR_RETURN(const XmlEvent* next, reader.Peek());
    if (next->kind == Kind::kEnd && depth <= 0) return SkipEnd(reader, name);
  }
}

Result<XmlRecordParser::Step> XmlRecordParser::Map(XmlReader& reader, const DataType& value_type, const std::vector<XmlAttribute>& attributes,
                                                   XmlValue* value) {
  *value = XmlValue::Many();
  auto put = [&](std::string key, XmlValue entry) {
    auto found = std::find(value->keys.begin(), value->keys.end(), key);
    if (found != value->keys.end()) {
      value->many[static_cast<size_t>(found - value->keys.begin())] = std::move(entry);
      return;
    }
    value->keys.push_back(std::move(key));
    value->many.push_back(std::move(entry));
  };
  for (const XmlAttribute& attribute : attributes) {
    XmlValue entry;
    if (!Scalar(attribute.value, value_type, &entry)) return Step::kBad;
    put(options_.attribute_prefix + attribute.name, std::move(entry));
  }
  while (true) {
    MS_ASSIGN_OR_RETURN(XmlEvent event, reader.Take());
    XmlValue entry;
    if (event.kind == Kind::kMalformed) return Malformed(event);
    if (event.kind == Kind::kEnd || event.kind == Kind::kEndDocument) return Step::kOk;
    if (event.kind == Kind::kStart) {
      const std::string key(options_.NameOf(event.name));
      MS_ASSIGN_OR_RETURN(Step step, Field(reader, value_type, key, {}, &entry));
      if (step != Step::kOk) return step;
      put(key, std::move(entry));
    } else if (!event.is_blank) {
      if (!Scalar(event.text, value_type, &entry)) return Step::kBad;
      put(options_.value_tag, std::move(entry));
    }
  }
}

Result<XmlRecordParser::Step> XmlRecordParser::Variant(XmlReader& reader, const std::vector<XmlAttribute>& attributes, XmlValue* value) {
  MS_ASSIGN_OR_RETURN(const std::optional<XmlEvent> malformed, variants_.Element(reader, attributes, record_begin_, kRecordBytesMax));
  if (malformed) {
    Malformed(*malformed);
    return Step::kMalformed;
  }
  *value = XmlValue::Many(2);
  value->many[0].kind = value->many[1].kind = XmlValue::Kind::kBytes;
  value->many[0].bytes = variants_.builder().value();
  value->many[1].bytes = variants_.builder().metadata();
  return Step::kOk;
}

// The content of an element whose start tag has been taken.
Result<XmlRecordParser::Step> XmlRecordParser::Field(XmlReader& reader, const DataType& type, const std::string& name,
                                                     const std::vector<XmlAttribute>& attributes, XmlValue* value) {
  *value = XmlValue();
  if (type.id() == TypeId::kVariant) return Variant(reader, attributes, value);
  MS_ASSIGN_OR_RETURN(const XmlEvent* next, reader.Peek());
  if (next->kind == Kind::kMalformed || next->kind == Kind::kEndDocument) {
    MS_ASSIGN_OR_RETURN(XmlEvent event, reader.Take());
    return Malformed(event);
  }
  const TypeId id = type.id();
  if (next->kind == Kind::kEnd) {
    MS_ASSIGN_OR_RETURN(Step step, SkipEnd(reader, name));
    if (step == Step::kOk && id == TypeId::kString && options_.null_value != std::optional<std::string>("")) value->kind = XmlValue::Kind::kBytes;
    return step;
  }
  const bool is_text = next->kind == Kind::kText;
  if (id == TypeId::kStruct) {
    *value = XmlValue::Many(type.fields().size());
    return Object(reader, type.fields(), &value->many, false);
  }
  if (id == TypeId::kString) {
    std::string text;
    MS_ASSIGN_OR_RETURN(Step step, Structure(reader, name, &text));
    if (step == Step::kOk && !Scalar(text, type, value)) return Step::kBad;
    return step;
  }
  if (!is_text) {
    if (id == TypeId::kMap) return Map(reader, type.value(), attributes, value);
    if (id == TypeId::kArray) return Field(reader, type.element(), name, {}, value);
    return Bad("an element stands where a " + type.Sql() + " was expected");
  }
  const std::string text = next->text;
  if (id == TypeId::kArray) {
    MS_RETURN_IF_ERROR(reader.Take().status());
    if (!Scalar(text, type.element(), value)) return Step::kBad;
    return SkipEnd(reader, name);
  }
  if (next->is_blank) {
    MS_RETURN_IF_ERROR(reader.Take().status());
    return Field(reader, type, name, attributes, value);
  }
  // Spark leaves the text where it is when it does not fit: the object around it goes on from there.
  if (!Scalar(text, type, value)) return Step::kBad;
  MS_RETURN_IF_ERROR(reader.Take().status());
  return SkipEnd(reader, name);
}

Result<XmlRecordParser::Step> XmlRecordParser::ObjectWithAttributes(XmlReader& reader, const StructType& schema, const std::string& name,
                                                                    const std::vector<XmlAttribute>& attributes, XmlValue* value) {
  std::vector<XmlValue> of_attributes(schema.size());
  if (!Attributes(attributes, schema, &of_attributes)) return Step::kBad;
  MS_ASSIGN_OR_RETURN(Step step, Field(reader, DataType::Struct(schema), name, {}, value));
  if (step != Step::kOk) return step;
  if (value->is_null()) *value = XmlValue::Many(schema.size());
  if (options_.exclude_attributes) return step;
  for (const XmlAttribute& attribute : attributes) {
    auto index = IndexOf(schema, options_.attribute_prefix + std::string(options_.NameOf(attribute.name)));
    if (index) value->many[*index] = of_attributes[*index];
  }
  return step;
}

// One element within an object.
Result<XmlRecordParser::Step> XmlRecordParser::Child(XmlReader& reader, const StructType& schema, const XmlEvent& start, std::vector<XmlValue>* row) {
  const std::string name(options_.NameOf(start.name));
  const auto index = IndexOf(schema, name);
  if (!index) {
    if (shape_.collect_new_fields) new_fields_.push_back(name);
    const auto wildcard = schema.IndexOf(options_.wildcard_column, true);
    if (!wildcard && !shape_.rescue) return SkipChildren(reader, name);
    XmlValue value;
    MS_ASSIGN_OR_RETURN(Step step, Field(reader, DataType::String(), name, {}, &value));
    if (step != Step::kOk) return step;
    if (!wildcard) {
      Rescue(name, value.bytes);
      return step;
    }
    XmlValue& place = (*row)[*wildcard];
    if (schema[*wildcard].type.id() == TypeId::kString) {
      place = std::move(value);
    } else if (schema[*wildcard].type.id() == TypeId::kArray && schema[*wildcard].type.element().id() == TypeId::kString) {
      if (place.is_null()) place = XmlValue::Many();
      place.many.push_back(std::move(value));
    } else {
      return Bad("the column " + options_.wildcard_column + " is neither a string nor an array of strings");
    }
    return step;
  }
  PathStep on_path(path_, name);
  const DataType& type = schema[*index].type;
  const bool is_list = type.id() == TypeId::kArray;
  const DataType& inner = is_list ? type.element() : type;
  XmlValue value;
  Step step = Step::kOk;
  if (inner.id() == TypeId::kStruct) {
    MS_ASSIGN_OR_RETURN(step, ObjectWithAttributes(reader, inner.fields(), name, start.attributes, &value));
  } else if (shape_.rescue && !inner.IsNested() && inner.id() != TypeId::kString && inner.id() != TypeId::kVariant) {
    // With rescue the element is taken as a whole first, so that nothing of it is lost.
    std::string text;
    MS_ASSIGN_OR_RETURN(const XmlEvent* next, reader.Peek());
    if (next->kind == Kind::kEnd) {
      MS_ASSIGN_OR_RETURN(step, SkipEnd(reader, name));
    } else {
      MS_ASSIGN_OR_RETURN(step, Structure(reader, name, &text));
      const bool is_blank = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
      if (step == Step::kOk && !is_blank && !XmlScalar(text, inner, options_, &value)) {
        value = XmlValue();
        path_.pop_back();
        Rescue(name, text);
        path_.push_back(name);
      }
    }
  } else {
    MS_ASSIGN_OR_RETURN(step, Field(reader, inner, name, is_list && inner.id() != TypeId::kVariant ? std::vector<XmlAttribute>() : start.attributes, &value));
  }
  if (step != Step::kOk) return step;
  XmlValue& place = (*row)[*index];
  if (!is_list) {
    place = std::move(value);
    return step;
  }
  if (place.is_null()) place = XmlValue::Many();
  place.many.push_back(std::move(value));
  return step;
}

// Until the element's end. Elements that do not fit are left out and make the object bad, once it has ended.
Result<XmlRecordParser::Step> XmlRecordParser::Object(XmlReader& reader, const StructType& schema, std::vector<XmlValue>* row, bool is_root) {
  Step state = Step::kOk;
  while (true) {
    if (reader.offset() - record_begin_ > kRecordBytesMax) {
      reason_ = "a record of more than " + std::to_string(kRecordBytesMax) + " bytes";
      return Step::kMalformed;
    }
    MS_ASSIGN_OR_RETURN(XmlEvent event, reader.Take());
    if (event.kind == Kind::kMalformed) return Malformed(event) == Step::kBad && !is_root ? Step::kBad : Step::kMalformed;
    if (event.kind == Kind::kEnd || event.kind == Kind::kEndDocument) return state;
    if (event.kind == Kind::kStart) {
      MS_ASSIGN_OR_RETURN(Step step, Child(reader, schema, event, row));
      if (step == Step::kMalformed) return step;
      if (step == Step::kBad) state = Step::kBad;
    } else if (!event.is_blank && !ValueTag(event.text, schema, row)) {
      // Spark throws from within its loop: at the root that is the end of the file.
      return is_root ? Step::kMalformed : Step::kBad;
    }
  }
}

Result<XmlRecordParser::Outcome> XmlRecordParser::Record(XmlReader& reader) {
  reason_.clear();
  rescued_ = nlohmann::ordered_json();
  path_.clear();
  new_fields_.clear();
  values_.assign(shape_.schema.size(), XmlValue());
  record_begin_ = reader.offset();
  MS_ASSIGN_OR_RETURN(XmlEvent start, reader.Take());
  if (start.kind != Kind::kStart) {
    reason_ = start.text;
    return Outcome::kBroken;
  }
  if (shape_.is_single_variant) {
    XmlValue whole;
    MS_ASSIGN_OR_RETURN(const Step step, Variant(reader, start.attributes, &whole));
    if (step != Step::kOk) return Outcome::kBroken;
    if (shape_.variant_field) values_[*shape_.variant_field] = std::move(whole);
    return Outcome::kRow;
  }
  if (!Attributes(start.attributes, shape_.schema, &values_)) return Outcome::kBroken;
  MS_ASSIGN_OR_RETURN(Step step, Object(reader, shape_.schema, &values_, true));
  return step == Step::kOk ? Outcome::kRow : step == Step::kBad ? Outcome::kPartial : Outcome::kBroken;
}

}  // namespace millstream
