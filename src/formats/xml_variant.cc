#include "formats/xml_variant.h"

#include <algorithm>

#include "formats/json_scanner.h"
#include "formats/text_variant.h"

namespace millstream {
namespace {

using Kind = XmlEvent::Kind;

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

bool XmlVariantParser::ByName::operator()(const std::string& a, const std::string& b) const {
  if (!ignores_case) return a < b;
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return static_cast<unsigned char>(LowerAscii(x)) < static_cast<unsigned char>(LowerAscii(y));
  });
}

XmlVariantParser::Node XmlVariantParser::TextNode(std::string text) const {
  return {.is_text = true, .text = std::move(text), .fields = {}};
}

Result<std::optional<XmlEvent>> XmlVariantParser::Element(XmlReader& reader, const std::vector<XmlAttribute>& attributes, int64_t begin, int64_t bytes_max) {
  end_max_ = begin + bytes_max;
  Node root;
  MS_ASSIGN_OR_RETURN(std::optional<XmlEvent> malformed, Read(reader, attributes, &root));
  if (malformed) return malformed;
  builder_.Reset();
  MS_RETURN_IF_ERROR(Write(root, true));
  MS_RETURN_IF_ERROR(builder_.Finish());
  return std::optional<XmlEvent>();
}

Result<std::optional<XmlEvent>> XmlVariantParser::Read(XmlReader& reader, const std::vector<XmlAttribute>& attributes, Node* node) {
  node->fields = decltype(node->fields)(ByName{!options_.case_sensitive});
  if (!options_.exclude_attributes) {
    for (const XmlAttribute& attribute : attributes) {
      node->fields[options_.attribute_prefix + std::string(options_.NameOf(attribute.name))].push_back(TextNode(attribute.value));
    }
  }
  while (true) {
    if (reader.offset() > end_max_) {
      XmlEvent too_long;
      too_long.kind = Kind::kMalformed;
      too_long.text = "a record is too long";
      return std::optional(std::move(too_long));
    }
    MS_ASSIGN_OR_RETURN(XmlEvent event, reader.Take());
    switch (event.kind) {
      case Kind::kMalformed:
      case Kind::kEndDocument:
        return std::optional(std::move(event));
      case Kind::kEnd:
        return std::optional<XmlEvent>();
      case Kind::kText:
        if (!event.is_blank) node->fields[options_.value_tag].push_back(TextNode(std::move(event.text)));
        break;
      case Kind::kStart: {
        Node child;
        MS_ASSIGN_OR_RETURN(std::optional<XmlEvent> malformed, Read(reader, event.attributes, &child));
        if (malformed) return malformed;
        node->fields[std::string(options_.NameOf(event.name))].push_back(std::move(child));
        break;
      }
    }
  }
}

Status XmlVariantParser::Write(const Node& node, bool is_root) {
  if (node.is_text) {
    Scalar(node.text);
    return Status();
  }
  if (node.fields.empty()) {
    builder_.Null();
    return Status();
  }
  if (node.fields.size() == 1 && node.fields.begin()->first == options_.value_tag) return Write(node.fields.begin()->second[0], false);
  using Field = std::pair<const std::string, std::vector<Node>>;
  std::vector<const Field*> fields;
  for (const Field& field : node.fields) fields.push_back(&field);
  // Spark copies finished objects into those around them, which makes keys known in their order in the object.
  if (!is_root) std::sort(fields.begin(), fields.end(), [](const Field* a, const Field* b) { return a->first < b->first; });
  const VariantBuilder::Container object = builder_.OpenContainer();
  for (const Field* field : fields) {
    builder_.Key(ValidUtf8(field->first));
    if (field->second.size() == 1) {
      MS_RETURN_IF_ERROR(Write(field->second[0], false));
      continue;
    }
    const VariantBuilder::Container array = builder_.OpenContainer();
    for (const Node& element : field->second) {
      builder_.Element();
      MS_RETURN_IF_ERROR(Write(element, false));
    }
    builder_.CloseArray(array);
  }
  return builder_.CloseObject(object);
}

void XmlVariantParser::Scalar(std::string_view text) {
  if (options_.null_value && text == *options_.null_value) return builder_.Null();
  text = options_.Trimmed(text);
  if (!options_.types_variants) return builder_.String(ValidUtf8(text));
  if (AppendBooleanText(text, builder_)) return;
  if (text.empty() || (!AppendLongText(text, builder_) && !AppendDecimalText(text, builder_))) builder_.String(ValidUtf8(text));
}

}  // namespace millstream
