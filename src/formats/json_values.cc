// json_values.cc   Values of JSON records that are neither objects nor lists, as json_record_parser.h says.

#include <limits>

#include "formats/json_node.h"
#include "formats/json_record_parser.h"

namespace millstream {

// A string column takes any value: what is no string comes as its text in the file.
JsonRecordParser::Outcome JsonRecordParser::Text(ColumnBuilder& out, int depth) {
  if (scanner_.AtString()) {
    if (!scanner_.String(&out.var())) return Outcome::kSyntax;
    out.CloseBytes();
    return Outcome::kOk;
  }
  const char* begin = scanner_.position();
  if (*begin == '-' || (*begin >= '0' && *begin <= '9')) {
    JsonScanner::Number number;
    if (!scanner_.ReadNumber(&number)) return Outcome::kSyntax;
    if (number.too_long) return Outcome::kMismatch;
    out.AppendBytes(number.text);
    return Outcome::kOk;
  }
  if (!scanner_.SkipValue(depth)) return Outcome::kSyntax;
  std::string_view raw(begin, static_cast<size_t>(scanner_.position() - begin));
  if (*begin == '{' || *begin == '[') {
    out.AppendBytes(ValidUtf8(raw));
  } else {
    out.AppendBytes(raw);
  }
  return Outcome::kOk;
}

JsonRecordParser::Outcome JsonRecordParser::Integer(JsonNode& node, ColumnBuilder& out, int depth) {
  const char* p = scanner_.position();
  const bool negative = *p == '-';
  if (negative) ++p;
  if (static_cast<unsigned char>(*p - '0') > 9) return Mismatch(depth);
  JsonScanner::Number number;
  if (!scanner_.ReadNumber(&number)) return Outcome::kSyntax;
  if (number.is_float) return Outcome::kMismatch;
  int64_t value = 0;
  if (number.text.size() <= 18) {
    for (const char* end = scanner_.position(); p < end; ++p) value = value * 10 + (*p - '0');
    if (negative) value = -value;
  } else {
    std::optional<int64_t> parsed = ParseLong(number.text);
    if (!parsed) return Outcome::kMismatch;
    value = *parsed;
  }
  switch (node.type.id()) {
    case TypeId::kByte:
      // Jackson takes a byte's unsigned range too, and wraps it.
      if (value < -128 || value > 255) return Outcome::kMismatch;
      break;
    case TypeId::kShort:
      if (value < INT16_MIN || value > INT16_MAX) return Outcome::kMismatch;
      break;
    case TypeId::kInteger:
      if (value < INT32_MIN || value > INT32_MAX) return Outcome::kMismatch;
      break;
    default:
      break;
  }
  out.AppendInteger(value);
  return Outcome::kOk;
}

bool JsonRecordParser::ScratchString(std::string_view* text) {
  scratch_.Truncate(0);
  if (!scanner_.String(&scratch_)) return false;
  *text = {reinterpret_cast<const char*>(scratch_.data()), static_cast<size_t>(scratch_.size())};
  return true;
}

JsonRecordParser::Outcome JsonRecordParser::Floating(JsonNode& node, ColumnBuilder& out, int depth) {
  bool single = node.type.id() == TypeId::kFloat;
  auto append = [&](double value) {
    if (single) {
      out.AppendFixed(static_cast<float>(value));
    } else {
      out.AppendFixed(value);
    }
    return Outcome::kOk;
  };
  auto special = [&](std::string_view text) {
    if (text == "NaN") return append(std::numeric_limits<double>::quiet_NaN());
    if (text == "+INF" || text == "+Infinity" || text == "Infinity") return append(std::numeric_limits<double>::infinity());
    if (text == "-INF" || text == "-Infinity") return append(-std::numeric_limits<double>::infinity());
    return Outcome::kMismatch;
  };
  std::string_view text;
  if (scanner_.AtString()) {
    if (!ScratchString(&text)) return Outcome::kSyntax;
    return options_.allow_non_numeric_numbers ? special(text) : Outcome::kMismatch;
  }
  char c = scanner_.Peek();
  if (c == '{' || c == '[' || c == 't' || c == 'f') return Mismatch(depth);
  JsonScanner::Number number;
  if (scanner_.AtEnd() || !scanner_.ReadNumber(&number)) return Outcome::kSyntax;
  if (number.is_special) return special(number.text);
  if (number.too_long) return Outcome::kMismatch;
  if (single) {
    std::optional<float> value = ParseJsonFloat(number.text == "-0" ? "0" : number.text);
    if (!value) return Outcome::kMismatch;
    out.AppendFixed(*value);
    return Outcome::kOk;
  }
  if (number.text == "-0") return append(0.0);  // read as an integer first, and those have one zero
  std::optional<double> value = ParseJsonDouble(number.text);
  return value ? append(*value) : Outcome::kMismatch;
}

JsonRecordParser::Outcome JsonRecordParser::Decimal(JsonNode& node, ColumnBuilder& out, int depth) {
  std::string_view text;
  std::string without_commas;
  if (scanner_.AtString()) {
    if (!ScratchString(&text)) return Outcome::kSyntax;
    if (text.find(',') != std::string_view::npos) {
      for (char c : text) {
        if (c != ',') without_commas += c;
      }
      text = without_commas;
    }
  } else {
    char c = scanner_.Peek();
    if (c == '{' || c == '[' || c == 't' || c == 'f') return Mismatch(depth);
    JsonScanner::Number number;
    if (scanner_.AtEnd() || !scanner_.ReadNumber(&number)) return Outcome::kSyntax;
    if (number.is_special || number.too_long) return Outcome::kMismatch;
    text = number.text;
  }
  std::optional<__int128> value = ParseDecimal(text, node.type.precision(), node.type.scale());
  if (!value) return Outcome::kMismatch;
  out.AppendFixed(*value);
  return Outcome::kOk;
}

JsonRecordParser::Outcome JsonRecordParser::DateTime(JsonNode& node, ColumnBuilder& out, int depth) {
  TypeId id = node.type.id();
  if (!scanner_.AtString()) {
    char c = scanner_.Peek();
    if (id != TypeId::kTimestamp || (c != '-' && (c < '0' || c > '9'))) return Mismatch(depth);
    JsonScanner::Number number;
    if (!scanner_.ReadNumber(&number)) return Outcome::kSyntax;
    std::optional<int64_t> seconds = number.is_float ? std::nullopt : ParseLong(number.text);
    if (!seconds) return Outcome::kMismatch;
    // Wraps like Spark's multiplication.
    out.AppendFixed(static_cast<int64_t>(static_cast<uint64_t>(*seconds) * 1'000'000u));
    return Outcome::kOk;
  }
  std::string_view text;
  if (!ScratchString(&text)) return Outcome::kSyntax;
  if (text.empty()) return Outcome::kMismatch;
  if (id == TypeId::kDate) {
    std::optional<int32_t> days = options_.datetime.Date(text);
    // Spark 1.5 wrote dates as days since the epoch, and its readers still take them.
    if (!days && !options_.datetime.has_date_pattern()) {
      if (auto number = ParseLong(text); number && *number >= INT32_MIN && *number <= INT32_MAX) days = static_cast<int32_t>(*number);
    }
    if (!days) return Outcome::kMismatch;
    out.AppendFixed(*days);
    return Outcome::kOk;
  }
  std::optional<int64_t> micros = id == TypeId::kTimestamp ? options_.datetime.Timestamp(text) : options_.datetime.TimestampNtz(text);
  if (!micros) return Outcome::kMismatch;
  out.AppendFixed(*micros);
  return Outcome::kOk;
}

JsonRecordParser::Outcome JsonRecordParser::Binary(ColumnBuilder& out, int depth) {
  if (!scanner_.AtString()) return Mismatch(depth);
  std::string_view text;
  if (!ScratchString(&text)) return Outcome::kSyntax;
  // Base64 as Jackson's MIME_NO_LINEFEEDS: white space between groups of four, padding required.
  uint32_t bits = 0;
  int have = 0, padding = 0;
  std::string bytes;
  for (char c : text) {
    if (have == 0 && padding == 0 && static_cast<unsigned char>(c) <= ' ') continue;
    int value = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
    if (c == '=' && have + padding >= 2) {
      value = 0;
      ++padding;
    } else if (value < 0 || padding > 0) {
      return Outcome::kMismatch;
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (c != '=') ++have;
    if (have + padding == 4) {
      for (int i = 0; i < 3 - padding; ++i) bytes.push_back(static_cast<char>(bits >> (16 - 8 * i)));
      bits = 0;
      have = 0;
      if (padding > 0) have = 4;  // nothing may follow
    } else if (have + padding > 4) {
      return Outcome::kMismatch;
    }
  }
  if (have != 0 && !(have == 4 && padding > 0)) return Outcome::kMismatch;
  out.AppendBytes(bytes);
  return Outcome::kOk;
}

}  // namespace millstream
