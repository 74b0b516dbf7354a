// get_json_object and its relatives: one value out of a JSON text, as Spark's GetJsonObject evaluates paths.

#include <simdjson.h>

#include <charconv>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"
#include "compute/functions/json_text.h"
#include "compute/functions/string_lists.h"
#include "types/java_number.h"

namespace millstream::compute {
namespace {

namespace dom = simdjson::dom;

struct Step {
  enum class Kind { kField, kAnyField, kItem, kAllItems } kind;
  std::string name;
  int64_t index = 0;
};

// "$.a['b c'][0][*]"; nullopt: not a path.
std::optional<std::vector<Step>> ParsePath(std::string_view text) {
  if (!text.starts_with('$')) return std::nullopt;
  std::vector<Step> steps;
  for (size_t at = 1; at < text.size();) {
    if (text[at] == '.') {
      const size_t end = std::min(text.find_first_of(".[", at + 1), text.size());
      const std::string_view name = text.substr(at + 1, end - at - 1);
      if (name.empty()) return std::nullopt;
      steps.push_back(name == "*" ? Step{Step::Kind::kAnyField, ""} : Step{Step::Kind::kField, std::string(name)});
      at = end;
      continue;
    }
    if (text[at] != '[') return std::nullopt;
    if (text.substr(at + 1).starts_with('\'')) {
      const size_t end = text.find("']", at + 2);
      if (end == std::string_view::npos || end == at + 2) return std::nullopt;
      const std::string_view name = text.substr(at + 2, end - at - 2);
      steps.push_back(name == "*" ? Step{Step::Kind::kAnyField, ""} : Step{Step::Kind::kField, std::string(name)});
      at = end + 2;
      continue;
    }
    const size_t end = text.find(']', at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view inner = text.substr(at + 1, end - at - 1);
    if (inner == "*") {
      steps.push_back({Step::Kind::kAllItems, ""});
    } else {
      Step step{Step::Kind::kItem, ""};
      const auto parsed = std::from_chars(inner.data(), inner.data() + inner.size(), step.index);
      if (parsed.ec != std::errc() || parsed.ptr != inner.data() + inner.size() || step.index < 0) return std::nullopt;
      steps.push_back(std::move(step));
    }
    at = end + 1;
  }
  return steps;
}

void Append(const dom::element& value, std::string& out) {
  switch (value.type()) {
    case dom::element_type::ARRAY: {
      out += '[';
      bool first = true;
      for (const dom::element item : dom::array(value)) {
        if (!first) out += ',';
        first = false;
        Append(item, out);
      }
      out += ']';
      return;
    }
    case dom::element_type::OBJECT: {
      out += '{';
      bool first = true;
      for (const dom::key_value_pair field : dom::object(value)) {
        if (!first) out += ',';
        first = false;
        AppendJsonString(field.key, out);
        out += ':';
        Append(field.value, out);
      }
      out += '}';
      return;
    }
    case dom::element_type::STRING:
      AppendJsonString(std::string_view(value), out);
      return;
    case dom::element_type::DOUBLE:
      out += JavaDouble(double(value));
      return;
    case dom::element_type::INT64:
      out += std::to_string(int64_t(value));
      return;
    case dom::element_type::UINT64:
      out += std::to_string(uint64_t(value));
      return;
    case dom::element_type::BOOL:
      out += bool(value) ? "true" : "false";
      return;
    case dom::element_type::NULL_VALUE:
      out += "null";
      return;
  }
}

// How a match is written: as text, in quotes, or as the elements of the array that it is.
enum class Style { kRaw, kQuoted, kFlatten };

// The texts that the path leads to; none: no match. Deep documents end in simdjson's own limit, so that the recursion has one.
void Evaluate(const dom::element& value, std::span<const Step> steps, Style style, std::vector<std::string>& out) {
  if (steps.empty()) {
    std::string text;
    if (style == Style::kRaw && value.is_string()) {
      text = std::string_view(value);
    } else if (style == Style::kFlatten && value.is_array()) {
      for (const dom::element item : dom::array(value)) Evaluate(item, steps, style, out);
      return;
    } else {
      Append(value, text);
    }
    out.push_back(std::move(text));
    return;
  }
  const Step& step = steps.front();
  const auto rest = steps.subspan(1);
  auto bracketed = [](const std::vector<std::string>& items) {
    std::string text = "[";
    for (size_t i = 0; i < items.size(); ++i) text += (i ? "," : "") + items[i];
    return text + "]";
  };
  switch (step.kind) {
    case Step::Kind::kField:
    case Step::Kind::kAnyField: {
      if (!value.is_object()) return;
      const size_t before = out.size();
      for (const dom::key_value_pair field : dom::object(value)) {
        if (step.kind == Step::Kind::kField && field.key != step.name) continue;
        if (step.kind == Step::Kind::kField && field.value.is_null()) continue;
        Evaluate(field.value, rest, style, out);
        if (out.size() > before) return;
      }
      return;
    }
    case Step::Kind::kItem: {
      if (!value.is_array()) return;
      const Style inner = !rest.empty() && rest.front().kind == Step::Kind::kAllItems ? Style::kQuoted : style;
      int64_t at = 0;
      for (const dom::element item : dom::array(value)) {
        if (at++ == step.index) return Evaluate(item, rest, inner, out);
      }
      return;
    }
    case Step::Kind::kAllItems: {
      if (!value.is_array()) return;
      std::vector<std::string> items;
      const bool twice = !rest.empty() && rest.front().kind == Step::Kind::kAllItems;
      const Style inner = twice || style == Style::kFlatten ? Style::kFlatten : Style::kQuoted;
      for (const dom::element item : dom::array(value)) Evaluate(item, twice ? rest.subspan(1) : rest, inner, items);
      if (items.empty()) return;
      out.push_back(!twice && style != Style::kQuoted && items.size() == 1 ? items[0] : bracketed(items));
      return;
    }
  }
}

// The document, valid until the next call on this thread; nullopt: not JSON.
std::optional<dom::element> Parse(std::string_view text) {
  thread_local dom::parser parser;
  auto parsed = parser.parse(text.data(), text.size());
  if (parsed.error()) return std::nullopt;
  return parsed.value_unsafe();
}

std::optional<std::string> GetJsonObject(std::string_view text, std::string_view path) {
  // A path is nearly always the same for all rows.
  thread_local std::string last_path;
  thread_local std::optional<std::vector<Step>> steps;
  if (path != last_path || !steps) {
    last_path = path;
    steps = ParsePath(path);
  }
  if (!steps) return std::nullopt;
  const auto document = Parse(text);
  if (!document) return std::nullopt;
  std::vector<std::string> found;
  Evaluate(*document, *steps, Style::kRaw, found);
  if (found.empty()) return std::nullopt;
  std::string joined;
  for (const std::string& piece : found) joined += piece;
  return joined;
}

std::optional<std::string> JsonObjectKeys(std::string_view text) {
  const auto document = Parse(text);
  if (!document || !document->is_object()) return std::nullopt;
  std::string keys = "[";
  for (const dom::key_value_pair field : dom::object(*document)) {
    if (keys.size() > 1) keys += ',';
    AppendJsonString(field.key, keys);
  }
  return keys + "]";
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
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
          static constexpr char kHex[] = "0123456789ABCDEF";
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void DefineJsonPaths(FunctionRegistry& registry) {
  Define(registry, "ms_get_json_object", [](std::string_view text, std::string_view path) { return GetJsonObject(text, path); });
  Define(registry, "ms_json_array_length", [](std::string_view text) -> std::optional<int32_t> {
    const auto document = Parse(text);
    if (!document || !document->is_array()) return std::nullopt;
    int32_t count = 0;
    for ([[maybe_unused]] const dom::element item : dom::array(*document)) ++count;
    return count;
  });
  // As a JSON array: DuckDB's own cast makes it a list.
  Define(registry, "ms_json_object_keys", [](std::string_view text) { return JsonObjectKeys(text); });
}

}  // namespace millstream::compute
