#pragma once

// json_node.h   What json_record_parser remembers of a type of the schema. For its own files.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "types/data_type.h"

namespace millstream {

namespace json_node {
inline constexpr int kNoName = -2;
inline constexpr int kUnknown = -1;

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

inline std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}
}  // namespace json_node

// A type of the schema with what is known about the fields that files have there.
struct JsonNode {
  struct Field {
    std::string name;
    int child = -1;  // of the builder; -1: known, but not wanted
    std::unique_ptr<JsonNode> node;
    const char* first = nullptr;  // this record's value, for the case that a second one cannot be read
  };
  struct Seen {
    std::string quoted;  // the name and its closing quote, as it stands in the files
    std::string name;
    int field = json_node::kUnknown;
  };

  explicit JsonNode(const DataType& node_type) : type(node_type) {
    if (type.id() == TypeId::kStruct) {
      for (const StructField& field : type.fields()) Add(field.name, static_cast<int>(fields.size()), std::make_unique<JsonNode>(field.type));
    } else if (type.id() == TypeId::kArray) {
      element = std::make_unique<JsonNode>(type.element());
    } else if (type.id() == TypeId::kMap) {
      element = std::make_unique<JsonNode>(type.value());
    }
  }
  void Add(const std::string& name, int child, std::unique_ptr<JsonNode> node) {
    // Of equal names the last one counts, as in Spark's index of fields.
    index[name] = static_cast<int>(fields.size());
    lower_index[json_node::LowerCase(name)] = static_cast<int>(fields.size());
    fields.push_back({name, child, std::move(node)});
  }
  int Find(std::string_view name, bool ignore_case) const {
    if (auto found = index.find(name); found != index.end()) return found->second;
    if (ignore_case) {
      if (auto found = lower_index.find(json_node::LowerCase(name)); found != lower_index.end()) return found->second;
    }
    return json_node::kUnknown;
  }

  DataType type;
  std::vector<Field> fields;
  std::unordered_map<std::string, int, json_node::TextHash, std::equal_to<>> index, lower_index;
  std::vector<Seen> order;  // the fields in the order of the last objects
  std::unique_ptr<JsonNode> element;
};

}  // namespace millstream
