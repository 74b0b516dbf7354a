#include "compute/sql/sql_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace millstream::compute {
namespace {

std::string Quote(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (char c : text) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  return quoted + quote;
}

std::string TypedNull(const DataType& type) { return "CAST(NULL AS " + TypeSql(type) + ")"; }

std::string FloatText(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  std::array<char, 64> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return std::string(buffer.data(), end);
}

std::string DecimalText(__int128 unscaled, int scale) {
  const bool negative = unscaled < 0;
  unsigned __int128 rest = negative ? -static_cast<unsigned __int128>(unscaled) : static_cast<unsigned __int128>(unscaled);
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest > 0);
  while (static_cast<int>(digits.size()) <= scale) digits.insert(digits.begin(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, ".");
  return negative ? "-" + digits : digits;
}

std::string HexText(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string hex;
  for (unsigned char byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

// A text with a NUL does not pass DuckDB's parser; its bytes do.
std::string StringSql(std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return QuoteString(text);
  return "decode(unhex('" + HexText(text) + "'))";
}

Result<std::string> ListSql(const std::vector<Value>& values, size_t first, size_t step, const DataType& element) {
  std::string items;
  for (size_t i = first; i < values.size(); i += step) {
    MS_ASSIGN_OR_RETURN(std::string item, LiteralSql(values[i], element));
    items += (items.empty() ? "" : ", ") + item;
  }
  return "[" + items + "]";
}

Result<std::string> NestedSql(const Value& value, const DataType& type) {
  const auto* held = std::get_if<std::shared_ptr<const std::vector<Value>>>(&value.held);
  if (!held || !*held) return Status::Internal("a literal of type " + type.SimpleString() + " without elements");
  const std::vector<Value>& values = **held;
  if (type.id() == TypeId::kArray) {
    MS_ASSIGN_OR_RETURN(std::string list, ListSql(values, 0, 1, type.element()));
    return "CAST(" + list + " AS " + TypeSql(type) + ")";
  }
  if (type.id() == TypeId::kMap) {
    MS_ASSIGN_OR_RETURN(std::string keys, ListSql(values, 0, 2, type.key()));
    MS_ASSIGN_OR_RETURN(std::string items, ListSql(values, 1, 2, type.value()));
    return "CAST(map(" + keys + ", " + items + ") AS " + TypeSql(type) + ")";
  }
  if (values.size() != type.fields().size()) return Status::Internal("a struct literal with other fields than its type");
  std::string fields;
  for (size_t i = 0; i < values.size(); ++i) {
    MS_ASSIGN_OR_RETURN(std::string field, LiteralSql(values[i], type.fields()[i].type));
    fields += (i ? ", f" : "f") + std::to_string(i) + " := " + field;
  }
  return "struct_pack(" + fields + ")";
}

}  // namespace

std::string GroupKeySql(const std::string& text, const DataType& type) {
  if (type.id() == TypeId::kFloat || type.id() == TypeId::kDouble) return "(" + text + " + CAST(0 AS " + TypeSql(type) + "))";
  if (type.id() == TypeId::kArray) {
    const std::string element = GroupKeySql("e", type.element());
    return element == "e" ? text : "list_transform(" + text + ", lambda e: " + element + ")";
  }
  if (type.id() != TypeId::kStruct) return text;
  std::string fields;
  bool changes = false;
  for (size_t i = 0; i < type.fields().size(); ++i) {
    const std::string name = "f" + std::to_string(i), field = "struct_extract(" + text + ", '" + name + "')", key = GroupKeySql(field, type.fields()[i].type);
    changes |= key != field;
    fields += (i ? ", " : "") + name + " := " + key;
  }
  return changes ? "CASE WHEN (" + text + ") IS NOT NULL THEN struct_pack(" + fields + ") END" : text;
}

std::string QuoteName(std::string_view name) { return Quote(name, '"'); }
std::string QuoteString(std::string_view text) { return Quote(text, '\''); }
std::string ColumnOf(ExprId id) { return "\"c" + std::to_string(id.value()) + "\""; }

std::string TypeSql(const DataType& type) {
  switch (type.id()) {
    case TypeId::kNull:
    case TypeId::kInteger:
    case TypeId::kYearMonthInterval:
      return "INTEGER";
    case TypeId::kBoolean:
      return "BOOLEAN";
    case TypeId::kByte:
      return "TINYINT";
    case TypeId::kShort:
      return "SMALLINT";
    case TypeId::kLong:
    case TypeId::kDayTimeInterval:
      return "BIGINT";
    case TypeId::kFloat:
      return "FLOAT";
    case TypeId::kDouble:
      return "DOUBLE";
    case TypeId::kDecimal:
      return "DECIMAL(" + std::to_string(type.precision()) + "," + std::to_string(type.scale()) + ")";
    case TypeId::kString:
      return "VARCHAR";
    case TypeId::kBinary:
      return "BLOB";
    case TypeId::kDate:
      return "DATE";
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return "TIMESTAMP";
    case TypeId::kArray:
      return TypeSql(type.element()) + "[]";
    case TypeId::kMap:
      return "MAP(" + TypeSql(type.key()) + ", " + TypeSql(type.value()) + ")";
    case TypeId::kStruct: {
      std::string fields;
      for (size_t i = 0; i < type.fields().size(); ++i) {
        fields += (i ? ", f" : "f") + std::to_string(i) + " " + TypeSql(type.fields()[i].type);
      }
      return "STRUCT(" + fields + ")";
    }
    case TypeId::kVariant:
      return "STRUCT(f0 BLOB, f1 BLOB)";
  }
  return "INTEGER";
}

Result<std::string> LiteralSql(const Value& value, const DataType& type) {
  if (value.is_null() || type.id() == TypeId::kNull) return TypedNull(type);
  if (type.IsNested()) return NestedSql(value, type);
  const std::string cast_end = " AS " + TypeSql(type) + ")";
  if (const auto* boolean = std::get_if<bool>(&value.held)) return std::string(*boolean ? "true" : "false");
  if (const auto* real = std::get_if<double>(&value.held)) return "CAST('" + FloatText(*real) + "'" + cast_end;
  if (const auto* decimal = std::get_if<DecimalValue>(&value.held)) return "CAST('" + DecimalText(decimal->unscaled, type.scale()) + "'" + cast_end;
  if (const auto* text = std::get_if<std::string>(&value.held)) {
    return type.id() == TypeId::kBinary ? "unhex('" + HexText(*text) + "')" : StringSql(*text);
  }
  if (const auto* integer = std::get_if<int64_t>(&value.held)) {
    const std::string number = std::to_string(*integer);
    if (type.id() == TypeId::kDate) return "ms_date(CAST(" + number + " AS INTEGER))";
    if (type.id() == TypeId::kTimestamp || type.id() == TypeId::kTimestampNtz) return "ms_timestamp(CAST('" + number + "' AS BIGINT))";
    return "CAST('" + number + "'" + cast_end;
  }
  return Status::Internal("a literal of type " + type.SimpleString() + " holds something else");
}

}  // namespace millstream::compute
