#include "formats/csv_schema_inference.h"

#include <algorithm>
#include <map>

#include "formats/json_scanner.h"
#include "formats/spark_text.h"

namespace millstream {
namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

// Integral types as the decimal that holds them.
DataType AsDecimal(const DataType& type) {
  if (type.id() == TypeId::kInteger) return DataType::Decimal(10, 0);
  if (type.id() == TypeId::kLong) return DataType::Decimal(20, 0);
  return type;
}

DataType Compatible(const DataType& a, const DataType& b) {
  if (a == b || b.id() == TypeId::kNull) return a;
  if (a.id() == TypeId::kNull) return b;
  if (a.IsNumeric() && b.IsNumeric()) {
    if (a.id() == TypeId::kDouble || b.id() == TypeId::kDouble) return DataType::Double();
    if (a.id() != TypeId::kDecimal && b.id() != TypeId::kDecimal) return DataType::Long();
    DataType x = AsDecimal(a), y = AsDecimal(b);
    int scale = std::max(x.scale(), y.scale()), range = std::max(x.precision() - x.scale(), y.precision() - y.scale());
    return range + scale > 38 ? DataType::Double() : DataType::Decimal(range + scale, scale);
  }
  auto timestamp = [](const DataType& t) { return t.id() == TypeId::kTimestamp || t.id() == TypeId::kTimestampNtz; };
  if (timestamp(a) && timestamp(b)) return DataType::Timestamp();
  return DataType::String();
}

}  // namespace

bool LooksLikeDate(std::string_view text, const CsvOptions& options) {
  return options.datetime.has_date_pattern() || (text.size() == 10 && text.find_first_not_of("0123456789-") == std::string_view::npos);
}

std::vector<std::string> CsvHeaderNames(const std::vector<CsvValue>& values, bool header, const CsvOptions& options) {
  std::vector<std::string> names;
  if (!header) {
    for (size_t i = 0; i < values.size(); ++i) names.push_back("_c" + std::to_string(i));
    return names;
  }
  std::map<std::string, int> seen;
  for (const CsvValue& value : values) ++seen[LowerCase(value.text())];
  for (size_t i = 0; i < values.size(); ++i) {
    std::string name = ValidUtf8(values[i].text());
    if (name.empty() || name == options.null_value) {
      names.push_back("_c" + std::to_string(i));
    } else if (seen[LowerCase(values[i].text())] > 1) {
      names.push_back(name + std::to_string(i));
    } else {
      names.push_back(std::move(name));
    }
  }
  return names;
}

void CsvSchemaInference::FirstRecord(const std::vector<CsvValue>& values, bool header) {
  file_columns_ = CsvHeaderNames(values, header, options_);
  file_positions_.clear();
  for (const std::string& name : file_columns_) {
    auto same = [&](const Column& column) { return LowerCase(column.name) == LowerCase(name); };
    auto found = std::find_if(columns_.begin(), columns_.end(), same);
    file_positions_.push_back(static_cast<size_t>(found - columns_.begin()));
    if (found == columns_.end()) columns_.push_back({name});
  }
}

void CsvSchemaInference::Record(const std::vector<CsvValue>& values) {
  if (!options_.infer_types) return;
  for (size_t i = 0; i < std::min(values.size(), file_positions_.size()); ++i) {
    if (values[i].kind != CsvValue::Kind::kText) continue;
    std::string_view text = values[i].text();
    if (text.empty() || text == options_.null_value) continue;
    DataType& type = columns_[file_positions_[i]].type;
    if (type.id() == TypeId::kString) continue;
    DataType found = TypeOf(type, text);
    // Dates among timestamps are timestamps, unless a pattern says how these must look.
    bool mixed = (type.id() == TypeId::kDate && found.id() == TypeId::kTimestamp) || (type.id() == TypeId::kTimestamp && found.id() == TypeId::kDate);
    type = mixed && !options_.datetime.has_timestamp_pattern() ? DataType::Timestamp() : Compatible(type, found);
  }
}

// The narrowest type of `text` that is not narrower than what the column has already.
DataType CsvSchemaInference::TypeOf(const DataType& so_far, std::string_view text) const {
  enum Step { kInteger, kLong, kDecimal, kDouble, kDate, kNtz, kTimestamp, kBoolean };
  Step from = kInteger;
  switch (so_far.id()) {
    case TypeId::kLong:
      from = kLong;
      break;
    case TypeId::kDecimal:
      from = kDecimal;
      break;
    case TypeId::kDouble:
      from = kDouble;
      break;
    case TypeId::kDate:
      from = kDate;
      break;
    case TypeId::kTimestamp:
      from = kTimestamp;
      break;
    case TypeId::kBoolean:
      from = kBoolean;
      break;
    default:
      break;
  }
  if (from <= kLong) {
    if (auto value = ParseLong(text)) {
      return from == kInteger && *value >= INT32_MIN && *value <= INT32_MAX ? DataType::Integer() : DataType::Long();
    }
  }
  if (from <= kDecimal) {
    if (auto value = ParseBigDecimal(text); value && value->scale == 0 && value->precision() <= 38) {
      return DataType::Decimal(value->precision(), 0);
    }
  }
  if (from <= kDouble) {
    if (ParseJavaDouble(text) || text == options_.nan_value || text == options_.negative_infinity || text == options_.positive_infinity) {
      return DataType::Double();
    }
  }
  if (from <= kDate && options_.prefer_date && LooksLikeDate(text, options_) && options_.datetime.Date(text)) return DataType::Date();
  if (from <= kTimestamp && options_.datetime.Timestamp(text)) return DataType::Timestamp();
  std::string lower = LowerCase(text);
  if (lower == "true" || lower == "false") return DataType::Boolean();
  return DataType::String();
}

StructType CsvSchemaInference::Finish() const {
  StructType schema;
  for (const Column& column : columns_) schema.Add({column.name, column.type.id() == TypeId::kNull ? DataType::String() : column.type});
  return schema;
}

}  // namespace millstream
