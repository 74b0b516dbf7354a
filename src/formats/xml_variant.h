#pragma once

// xml_variant.h   XML elements → VARIANT, as Spark's StaxXmlParser.convertVariant makes them: an element with nothing but text is a value, else an object of its
// attributes, its elements, and its text under the value tag; what comes more than once is an array.

#include <map>
#include <string>
#include <vector>

#include "formats/xml_options.h"
#include "formats/xml_reader.h"
#include "types/variant_builder.h"

namespace millstream {

// Not thread-safe.
class XmlVariantParser {
 public:
  explicit XmlVariantParser(const XmlOptions& options) : options_(options) {}

  // The element whose start tag has been taken, to its end, becomes builder()'s variant. What is malformed in it instead; nullopt: nothing. More than
  // `bytes_max` bytes behind `begin` are. Errors: the file cannot be read, VARIANT_SIZE_LIMIT.
  Result<std::optional<XmlEvent>> Element(XmlReader& reader, const std::vector<XmlAttribute>& attributes, int64_t begin, int64_t bytes_max);
  const VariantBuilder& builder() const { return builder_; }

 private:
  struct ByName {
    bool ignores_case = false;
    bool operator()(const std::string& a, const std::string& b) const;
  };
  struct Node {
    bool is_text = false;
    std::string text;
    std::map<std::string, std::vector<Node>, ByName> fields;
  };

  Node TextNode(std::string text) const;
  Result<std::optional<XmlEvent>> Read(XmlReader& reader, const std::vector<XmlAttribute>& attributes, Node* node);
  Status Write(const Node& node, bool is_root);
  void Scalar(std::string_view text);

  const XmlOptions& options_;
  VariantBuilder builder_;
  int64_t end_max_ = 0;  // where the element has to have ended
};

}  // namespace millstream
