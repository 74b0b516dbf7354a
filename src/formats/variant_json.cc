#include "formats/variant_json.h"

#include <cmath>

#include "formats/cell_text_writer.h"
#include "formats/input_chunks.h"
#include "formats/spark_text.h"
#include "types/java_number.h"
#include "types/variant_errors.h"
#include "types/variant_value.h"

namespace millstream {
namespace {

using variant_layout::kDecimal16Digits;

// Jackson's StreamReadConstraints.
constexpr int64_t kKeyLengthMax = 50'000;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

const JsonOptions& StrictJson() {
  static const JsonOptions strict = [] {
    Result<JsonOptions> made = JsonOptions::From({{"allowNonNumericNumbers", "false"}, {"allowSingleQuotes", "false"}}, {});
    MS_CHECK(made.ok());
    return *std::move(made);
  }();
  return strict;
}

}  // namespace

Status VariantJsonParser::Text(const char* begin, const char* end, bool* syntax_ok) {
  JsonScanner scanner(StrictJson());
  scanner.Reset(begin, end);
  scanner.SkipSpace();
  MS_RETURN_IF_ERROR(Value(scanner, 0, syntax_ok));
  // A number that is all of the text must end where it ends.
  const bool is_number = IsDigit(scanner.position()[-1]);
  if (*syntax_ok && is_number && !scanner.AtEnd() && !IsSpace(scanner.Peek())) *syntax_ok = false;
  return Status::Ok();
}

Status VariantJsonParser::Value(JsonScanner& scanner, int depth, bool* syntax_ok) {
  builder_.Reset();
  const bool met_half_pair = scanner.met_half_pair();
  syntax_ok_ = !scanner.AtEnd();
  if (syntax_ok_) MS_RETURN_IF_ERROR(Append(scanner, depth));
  // Strings must have a UTF-8 form, all of them.
  syntax_ok_ = syntax_ok_ && met_half_pair == scanner.met_half_pair();
  *syntax_ok = syntax_ok_;
  return syntax_ok_ ? builder_.Finish() : Status::Ok();
}

// Depth is limited as Jackson limits it.
Status VariantJsonParser::Append(JsonScanner& scanner, int depth) {
  switch (scanner.Peek()) {
    case '{':
      return Object(scanner, depth);
    case '[':
      return Array(scanner, depth);
    case 't':
      if ((syntax_ok_ = scanner.Word("true"))) builder_.Boolean(true);
      return Status::Ok();
    case 'f':
      if ((syntax_ok_ = scanner.Word("false"))) builder_.Boolean(false);
      return Status::Ok();
    case 'n':
      if ((syntax_ok_ = scanner.Word("null"))) builder_.Null();
      return Status::Ok();
    default:
      if (!scanner.AtString()) {
        syntax_ok_ = Number(scanner);
        return Status::Ok();
      }
      scratch_.Truncate(0);
      if ((syntax_ok_ = scanner.String(&scratch_))) builder_.String({reinterpret_cast<const char*>(scratch_.data()), static_cast<size_t>(scratch_.size())});
      return Status::Ok();
  }
}

Status VariantJsonParser::Object(JsonScanner& scanner, int depth) {
  syntax_ok_ = depth < kJsonDepthMax;
  if (!syntax_ok_) return Status::Ok();
  scanner.Advance(1);
  const VariantBuilder::Container object = builder_.OpenContainer();
  if (!scanner.Take('}')) {
    while (true) {
      scanner.SkipSpace();
      scratch_.Truncate(0);
      syntax_ok_ = scanner.FieldName(&scratch_) && KeyIsShort();
      if (!syntax_ok_) return Status::Ok();
      builder_.Key({reinterpret_cast<const char*>(scratch_.data()), static_cast<size_t>(scratch_.size())});
      scanner.SkipSpace();
      MS_RETURN_IF_ERROR(Append(scanner, depth + 1));
      if (!syntax_ok_) return Status::Ok();
      if (scanner.Take(',')) continue;
      syntax_ok_ = scanner.Take('}');
      if (!syntax_ok_) return Status::Ok();
      break;
    }
  }
  return builder_.CloseObject(object);
}

// In UTF-16, as Java counts; no key of so many bytes is one of fewer units than a third.
bool VariantJsonParser::KeyIsShort() const {
  if (scratch_.size() <= kKeyLengthMax) return true;
  int64_t units = 0;
  for (int64_t i = 0; i < scratch_.size(); ++i) units += ((scratch_[i] & 0xC0) != 0x80) + (scratch_[i] >= 0xF0);
  return units <= kKeyLengthMax;
}

Status VariantJsonParser::Array(JsonScanner& scanner, int depth) {
  syntax_ok_ = depth < kJsonDepthMax;
  if (!syntax_ok_) return Status::Ok();
  scanner.Advance(1);
  const VariantBuilder::Container array = builder_.OpenContainer();
  if (!scanner.Take(']')) {
    while (true) {
      scanner.SkipSpace();
      builder_.Element();
      MS_RETURN_IF_ERROR(Append(scanner, depth + 1));
      if (!syntax_ok_) return Status::Ok();
      if (scanner.Take(',')) continue;
      syntax_ok_ = scanner.Take(']');
      if (!syntax_ok_) return Status::Ok();
      break;
    }
  }
  builder_.CloseArray(array);
  return Status::Ok();
}

// Whole numbers of 64 bits are integers; what is written with at most 38 digits and without an exponent is a decimal; all else is a double.
bool VariantJsonParser::Number(JsonScanner& scanner) {
  JsonScanner::Number number;
  if (scanner.AtEnd() || !scanner.ReadNumber(&number)) return false;
  if (number.is_special) {
    builder_.Double(number.text == "NaN" ? std::nan("") : number.text[0] == '-' ? -HUGE_VAL : HUGE_VAL);
    return true;
  }
  const std::string_view text = number.text;
  const bool negative = text[0] == '-';
  int64_t small = 0;
  int digits = 0, scale = 0;
  bool has_point = false, is_plain = true;
  for (const char c : text.substr(negative)) {
    if (c == '.') {
      has_point = true;
    } else if (!IsDigit(c)) {
      is_plain = false;
      break;
    } else {
      if (digits < 18) small = small * 10 + (c - '0');
      digits += digits > 0 || c != '0';
      scale += has_point;
    }
  }
  if (is_plain && digits <= 18 && scale <= kDecimal16Digits) {
    if (negative) small = -small;
    if (number.is_float) {
      builder_.Decimal(small, digits, scale);
    } else {
      builder_.Integer(small);
    }
    return true;
  }
  if (!number.is_float) {
    if (static_cast<int64_t>(text.size()) - negative > kJsonNumberDigitsMax) return false;
    if (const auto parsed = ParseLong(text)) {
      builder_.Integer(*parsed);
      return true;
    }
  }
  if (is_plain && digits <= kDecimal16Digits && scale <= kDecimal16Digits) {
    __int128 unscaled = 0;
    for (const char c : text) {
      if (IsDigit(c)) unscaled = unscaled * 10 + (c - '0');
    }
    builder_.Decimal(negative ? -unscaled : unscaled, digits, scale);
    return true;
  }
  const auto parsed = ParseJsonDouble(text);
  if (parsed) builder_.Double(*parsed);
  return parsed.has_value();
}

}  // namespace millstream
