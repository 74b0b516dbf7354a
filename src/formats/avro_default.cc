#include "formats/avro_default.h"

#include <algorithm>

namespace millstream {
namespace {

using Kind = AvroType::Kind;
using Json = nlohmann::json;

void AppendLong(int64_t value, std::string& out) {
  uint64_t bits = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; bits >= 0x80; bits >>= 7) out.push_back(static_cast<char>(bits | 0x80));
  out.push_back(static_cast<char>(bits));
}

template <typename T>
void AppendRaw(T value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Bytes stand in JSON as characters up to U+00FF.
bool Latin1(const std::string& utf8, std::string* bytes) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<uint8_t>(utf8[i]);
    if (c < 0x80) {
      bytes->push_back(static_cast<char>(c));
    } else if ((c == 0xC2 || c == 0xC3) && i + 1 < utf8.size()) {
      bytes->push_back(static_cast<char>((c & 3) << 6 | (static_cast<uint8_t>(utf8[++i]) & 0x3F)));
    } else {
      return false;
    }
  }
  return true;
}

bool Append(const AvroType& type, const Json& value, int depth, std::string& out) {
  if (depth > kMaxTypeDepth) return false;
  switch (type.kind) {
    case Kind::kNull:
      return value.is_null();
    case Kind::kBoolean:
      out.push_back(value.is_boolean() && value.get<bool>() ? 1 : 0);
      return value.is_boolean();
    case Kind::kInt:
    case Kind::kLong:
      if (!value.is_number_integer()) return false;
      AppendLong(value.get<int64_t>(), out);
      return true;
    case Kind::kFloat:
      if (!value.is_number()) return false;
      AppendRaw(value.get<float>(), out);
      return true;
    case Kind::kDouble:
      if (!value.is_number()) return false;
      AppendRaw(value.get<double>(), out);
      return true;
    case Kind::kString: {
      if (!value.is_string()) return false;
      const auto text = value.get<std::string>();
      AppendLong(static_cast<int64_t>(text.size()), out);
      out += text;
      return true;
    }
    case Kind::kBytes:
    case Kind::kFixed: {
      std::string bytes;
      if (!value.is_string() || !Latin1(value.get<std::string>(), &bytes)) return false;
      if (type.kind == Kind::kFixed && static_cast<int64_t>(bytes.size()) != type.size_bytes) return false;
      if (type.kind == Kind::kBytes) AppendLong(static_cast<int64_t>(bytes.size()), out);
      out += bytes;
      return true;
    }
    case Kind::kEnum: {
      if (!value.is_string()) return false;
      auto found = std::find(type.symbols.begin(), type.symbols.end(), value.get<std::string>());
      AppendLong(found - type.symbols.begin(), out);
      return found != type.symbols.end();
    }
    case Kind::kArray:
      if (!value.is_array()) return false;
      if (!value.empty()) AppendLong(static_cast<int64_t>(value.size()), out);
      for (const Json& each : value)
        if (!Append(*type.branches[0], each, depth + 1, out)) return false;
      AppendLong(0, out);
      return true;
    case Kind::kMap:
      if (!value.is_object()) return false;
      if (!value.empty()) AppendLong(static_cast<int64_t>(value.size()), out);
      for (const auto& [key, each] : value.items()) {
        AppendLong(static_cast<int64_t>(key.size()), out);
        out += key;
        if (!Append(*type.branches[0], each, depth + 1, out)) return false;
      }
      AppendLong(0, out);
      return true;
    case Kind::kRecord:
      if (!value.is_object()) return false;
      for (const AvroField& field : type.fields) {
        auto given = value.find(field.name);
        if (given == value.end() && !field.default_value) return false;
        if (!Append(*field.type, given == value.end() ? *field.default_value : *given, depth + 1, out)) return false;
      }
      return true;
    case Kind::kUnion:
      for (size_t i = 0; i < type.branches.size(); ++i) {
        const size_t before = out.size();
        AppendLong(static_cast<int64_t>(i), out);
        if (Append(*type.branches[i], value, depth + 1, out)) return true;
        out.resize(before);
      }
      return false;
  }
  return false;
}

}  // namespace

Result<std::string> EncodeAvroDefault(const AvroType& type, const Json& value) {
  std::string out;
  if (Append(type, value, 0, out)) return out;
  return Status::Error(errors::kAvroSchema, {{"reason", "the default " + value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 100) +
                                                            " is no value of its field's type"}});
}

}  // namespace millstream
