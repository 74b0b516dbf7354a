// literal_parser.cc   Numbers with their suffixes and typed literals: DATE'…', TIMESTAMP'…', X'…'.

#include <charconv>
#include <cmath>
#include <limits>

#include "plan/sql/datetime_text.h"
#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"
#include "types/types_errors.h"

namespace millstream {
namespace {

struct IntegralLimits {
  std::string_view name;
  int64_t min, max;
  DataType type;
};

// Digits without point and exponent, and how many of them stand behind the point.
struct DecimalText {
  std::string digits;
  int scale = 0;
};

DecimalText SplitDecimal(std::string_view text) {
  DecimalText split;
  int exponent = 0;
  size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    text = text.substr(0, e);
  }
  size_t dot = text.find('.');
  split.digits = std::string(text.substr(0, dot));
  if (dot != std::string_view::npos) {
    split.digits += text.substr(dot + 1);
    split.scale = static_cast<int>(text.size() - dot - 1);
  }
  split.scale -= exponent;
  size_t zeros = split.digits.find_first_not_of('0');
  split.digits.erase(0, zeros == std::string::npos ? split.digits.size() : zeros);
  return split;
}

// DecimalType.fromLiteral: as many digits as are written.
std::optional<Literal> DecimalLiteral(std::string_view text, bool negative) {
  DecimalText split = SplitDecimal(text);
  if (split.scale < 0) {
    if (split.scale < -38) return std::nullopt;
    if (!split.digits.empty()) split.digits.append(static_cast<size_t>(-split.scale), '0');
    split.scale = 0;
  }
  int precision = std::max({static_cast<int>(std::min<size_t>(split.digits.size(), 1000)), split.scale, 1});
  if (precision > 38) return std::nullopt;
  __int128 unscaled = 0;
  for (char c : split.digits) unscaled = unscaled * 10 + (c - '0');
  return Literal{Value{DecimalValue{negative ? -unscaled : unscaled}}, DataType::Decimal(precision, split.scale)};
}

}  // namespace

Result<ExprPtr> SqlParser::ParseNumber(bool negative) {
  const Token token = cursor_.Peek();
  std::string_view text = cursor_.Text(token);
  std::string sign = negative ? "-" : "";
  cursor_.Advance();
  auto out_of_range = [&](std::string_view raw, std::string_view type, std::string min, std::string max) {
    return cursor_.ErrorWithin(token, token, errors::kInvalidNumericLiteralRange,
                               {{"rawStrippedQualifier", sign + std::string(raw)}, {"typeName", std::string(type)}, {"minValue", min}, {"maxValue", max}});
  };
  auto integral = [&](std::string_view digits, const IntegralLimits& limits) -> Result<ExprPtr> {
    std::string signed_digits = sign + std::string(digits);
    int64_t value = 0;
    auto parsed = std::from_chars(signed_digits.data(), signed_digits.data() + signed_digits.size(), value);
    if (parsed.ec != std::errc() || value < limits.min || value > limits.max) {
      return out_of_range(digits, limits.name, std::to_string(limits.min), std::to_string(limits.max));
    }
    return Node(Literal{Value{value}, limits.type});
  };
  auto decimal = [&](std::string_view digits) -> Result<ExprPtr> {
    std::optional<Literal> literal = DecimalLiteral(digits, negative);
    if (!literal) {
      return cursor_.ErrorWithin(token, token, errors::kDecimalPrecision,
                                 {{"precision", std::to_string(std::min<size_t>(digits.size(), 1000))}, {"maxPrecision", "38"}});
    }
    return Node(*std::move(literal));
  };
  auto floating = [&](std::string_view digits, bool is_float) -> Result<ExprPtr> {
    double value = 0;
    auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    bool underflow = parsed.ec == std::errc::result_out_of_range && SplitDecimal(digits).scale > 0;
    if (underflow) value = 0;
    double max = is_float ? static_cast<double>(std::numeric_limits<float>::max()) : std::numeric_limits<double>::max();
    if ((parsed.ec == std::errc::result_out_of_range && !underflow) || std::abs(value) > max) {
      return out_of_range(digits, is_float ? "float" : "double", is_float ? "-3.4028234663852886E+38" : "-1.7976931348623157E+308",
                          is_float ? "3.4028234663852886E+38" : "1.7976931348623157E+308");
    }
    if (is_float) value = static_cast<double>(static_cast<float>(value));
    return Node(Literal{Value{negative ? -value : value}, is_float ? DataType::Float() : DataType::Double()});
  };
  std::string_view stripped = text.substr(0, text.size() - 1);
  switch (token.kind) {
    case TokenKind::kInteger: {
      // The smallest of int, bigint and decimal that holds it.
      std::string signed_digits = sign + std::string(text);
      int64_t value = 0;
      auto parsed = std::from_chars(signed_digits.data(), signed_digits.data() + signed_digits.size(), value);
      if (parsed.ec != std::errc()) return decimal(text);
      bool is_int = value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max();
      return Node(Literal{Value{value}, is_int ? DataType::Integer() : DataType::Long()});
    }
    case TokenKind::kBigInt:
      return integral(stripped, {"bigint", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), DataType::Long()});
    case TokenKind::kSmallInt:
      return integral(stripped, {"smallint", -32768, 32767, DataType::Short()});
    case TokenKind::kTinyInt:
      return integral(stripped, {"tinyint", -128, 127, DataType::Byte()});
    case TokenKind::kExponent:
      return floating(text, false);
    case TokenKind::kFloat:
      return floating(stripped, true);
    case TokenKind::kDouble:
      return floating(stripped, false);
    case TokenKind::kBigDecimal:
      return decimal(text.substr(0, text.size() - 2));
    case TokenKind::kDecimal:
      return decimal(text);
    case TokenKind::kEnd:
    case TokenKind::kWord:
    case TokenKind::kQuotedName:
    case TokenKind::kString:
    case TokenKind::kHint:
    case TokenKind::kSymbol:
    case TokenKind::kUnknown:
      break;
  }
  return cursor_.SyntaxError();
}

Result<ExprPtr> SqlParser::ParseTypedLiteral(const std::string& type) {
  const Token token = cursor_.Peek();
  cursor_.Advance();
  const Token last = cursor_.Peek();
  MS_ASSIGN_OR_RETURN(std::string text, cursor_.ExpectString());
  auto invalid = [&] {
    return cursor_.ErrorWithin(token, last, errors::kInvalidTypedLiteral, {{"valueType", "\"" + type + "\""}, {"value", "'" + text + "'"}});
  };
  if (type == "X") {
    std::optional<std::string> bytes = BytesFromHex(text);
    if (!bytes) return invalid();
    return Node(Literal{Value{*std::move(bytes)}, DataType::Binary()});
  }
  if (type == "DATE") {
    std::optional<int64_t> days = DateFromText(text);
    if (!days) return invalid();
    return Node(Literal{Value{*days}, DataType::Date()});
  }
  if (type == "TIMESTAMP" || type == "TIMESTAMP_LTZ" || type == "TIMESTAMP_NTZ") {
    std::optional<TimestampText> timestamp = TimestampFromText(text);
    if (!timestamp) return invalid();
    if (type == "TIMESTAMP_NTZ") {
      if (timestamp->has_zone) return invalid();
      return Node(Literal{Value{timestamp->local_us}, DataType::TimestampNtz()});
    }
    if (timestamp->offset_us) return Node(Literal{Value{timestamp->local_us - *timestamp->offset_us}, DataType::Timestamp()});
    // The instant depends on the session's time zone, or on one that has a name: the cast knows.
    return Node(Cast{TextLiteral(std::move(text)), DataType::Timestamp(), EvalMode::kAnsi});
  }
  return Status::Unsupported("the typed literal " + type + " '…'");
}

}  // namespace millstream
