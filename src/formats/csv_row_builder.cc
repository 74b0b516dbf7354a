#include "formats/csv_row_builder.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/ignore_case.h"
#include "formats/formats_errors.h"
#include "formats/json_scanner.h"
#include "formats/spark_text.h"

namespace millstream {
namespace {

constexpr int kNotWanted = -1;
constexpr int kUnknown = -2;
constexpr size_t kReportedTextMax = 1000;
constexpr size_t kReportedValueMax = 100;

bool IsAscii(std::string_view text) {
  unsigned char all = 0;
  for (char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

constexpr int64_t kCopiedAtOnce = 16;

// In steps of kCopiedAtOnce, so that up to 15 bytes behind `text` are read, and as many written. False: it is not ASCII, or what stands behind it is not.
bool CopyAscii(std::string_view text, uint8_t* to) {
  uint64_t all = 0;
  for (size_t at = 0; at < text.size(); at += kCopiedAtOnce) {
    uint64_t bytes[2];
    std::memcpy(bytes, text.data() + at, sizeof bytes);
    std::memcpy(to + at, bytes, sizeof bytes);
    all |= bytes[0] | bytes[1];
  }
  return (all & 0x8080808080808080) == 0;
}

DataType RowType(const CsvRowShape& shape) {
  StructType fields;
  for (const std::string& name : shape.columns) {
    bool text = name == shape.corrupt_record_column || name == shape.rescued_data_column;
    auto index = shape.data_schema.IndexOf(name, true);
    if (!index) index = shape.data_schema.IndexOf(name, false);
    MS_CHECK_MSG(text || index, name);
    fields.Add({name, text ? DataType::String() : shape.data_schema[*index].type});
  }
  return DataType::Struct(std::move(fields));
}

}  // namespace

CsvRowBuilder::CsvRowBuilder(const CsvOptions& options, const CsvRowShape& shape) : options_(options), shape_(shape), rows_(RowType(shape)) {
  schema_children_.assign(shape_.data_schema.size(), kNotWanted);
  for (size_t i = 0; i < shape_.columns.size(); ++i) {
    const std::string& name = shape_.columns[i];
    if (!shape_.corrupt_record_column.empty() && name == shape_.corrupt_record_column) {
      corrupt_index_ = static_cast<int>(i);
    } else if (!shape_.rescued_data_column.empty() && name == shape_.rescued_data_column) {
      rescued_index_ = static_cast<int>(i);
    } else {
      auto index = shape_.data_schema.IndexOf(name, true);
      if (!index) index = shape_.data_schema.IndexOf(name, false);
      schema_children_[*index] = static_cast<int>(i);
    }
  }
  by_position_ = schema_children_;
}

Status CsvRowBuilder::SetFile(std::string_view path, const std::vector<std::string>* header) {
  file_path_ = path;
  variant_columns_.clear();
  block_columns_ = 0;
  if (shape_.is_single_variant) {
    has_keys_ = header != nullptr;
    file_columns_ = has_keys_ ? *header : std::vector<std::string>();
    return Status::Ok();
  }
  by_name_ = (shape_.rescue || shape_.by_name) && header != nullptr;
  if (!by_name_) {
    by_position_ = schema_children_;
    block_columns_ = BlockColumns();
    return Status::Ok();
  }
  file_columns_ = *header;
  by_position_.assign(header->size(), kUnknown);
  std::string unknown;
  for (size_t i = 0; i < header->size(); ++i) {
    if (auto index = shape_.data_schema.IndexOf((*header)[i], !options_.ignore_case)) {
      by_position_[i] = schema_children_[*index];
    } else if (!shape_.data_schema.IndexOf((*header)[i], false)) {
      unknown += (unknown.empty() ? "" : ",") + (*header)[i];
    }
  }
  if (shape_.fail_on_new_fields && !unknown.empty()) return Status::Error(errors::kNewFieldsInFile, {{"unknownFields", unknown}});
  block_columns_ = BlockColumns();
  return Status::Ok();
}

std::optional<std::string_view> CsvRowBuilder::TextOf(const CsvValue& value) const {
  std::string_view text = value.text();
  switch (value.kind) {
    case CsvValue::Kind::kText:
      break;
    case CsvValue::Kind::kEmpty:
    case CsvValue::Kind::kSkipped:
      return std::nullopt;
    case CsvValue::Kind::kEmptyQuoted:
      text = options_.empty_value;
      break;
  }
  return text == options_.null_value ? std::nullopt : std::optional(text);
}

bool CsvRowBuilder::Append(const CsvValue& value, ColumnBuilder& out, size_t position) {
  const std::optional<std::string_view> text = TextOf(value);
  if (out.type().id() == TypeId::kVariant) [[unlikely]] {
    if (variant_columns_.size() <= position) variant_columns_.resize(position + 1);
    variant_.Reset();
    text ? variant_columns_[position].Append(*text, options_, variant_) : variant_.Null();
    return AppendVariant(out).ok();
  }
  if (!text) {
    out.AppendNull();
    return true;
  }
  return AppendText(*text, out);
}

Status CsvRowBuilder::AppendVariant(ColumnBuilder& out) {
  MS_RETURN_IF_ERROR(variant_.Finish());
  out.child(0).AppendBytes(variant_.value());
  out.child(1).AppendBytes(variant_.metadata());
  out.CloseStruct();
  return Status::Ok();
}

// What no variant can be made of (a header that names a column twice) makes the record bad, as in Spark.
Status CsvRowBuilder::WholeRecord(const std::vector<CsvValue>& values, std::string_view text) {
  const size_t count = has_keys_ ? std::min(values.size(), file_columns_.size()) : values.size();
  if (variant_columns_.size() < count) variant_columns_.resize(count);
  bool bad = has_keys_ && values.size() != file_columns_.size(), is_object = true;
  if (bad && shape_.quarantines) bad_reason_ = std::to_string(values.size()) + " values instead of " + std::to_string(file_columns_.size());
  variant_.Reset();
  const VariantBuilder::Container object = variant_.OpenContainer();
  for (size_t i = 0; i < count; ++i) {
    variant_.Key(has_keys_ ? file_columns_[i] : "_c" + std::to_string(i));
    const std::optional<std::string_view> value = TextOf(values[i]);
    value ? variant_columns_[i].Append(*value, options_, variant_) : variant_.Null();
  }
  const Status closed = variant_.CloseObject(object);
  if (!closed.ok()) is_object = false, bad_reason_ = closed.text();
  for (const int child : schema_children_) {
    if (child < 0) continue;
    Status made = is_object ? AppendVariant(rows_.child(static_cast<size_t>(child))) : Status::Ok();
    if (made.ok()) continue;
    is_object = false;
    bad_reason_ = made.text();
  }
  return Finish(bad || !is_object, text, "");
}

bool CsvRowBuilder::AppendText(std::string_view text, ColumnBuilder& out) {
  const DataType& type = out.type();
  auto take = [&](auto value) {
    if (!value) return false;
    out.AppendFixed(*value);
    return true;
  };
  switch (type.id()) {
    case TypeId::kString:
      if (IsAscii(text)) [[likely]] {
        out.AppendBytes(text);
      } else {
        out.AppendBytes(ValidUtf8(text));
      }
      return true;
    case TypeId::kBinary:
      out.AppendBytes(text);
      return true;
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong: {
      std::optional<int64_t> value = ParseLong(text);
      int bits = type.id() == TypeId::kByte ? 8 : type.id() == TypeId::kShort ? 16 : type.id() == TypeId::kInteger ? 32 : 64;
      if (!value || (bits < 64 && (*value >= int64_t{1} << (bits - 1) || *value < -(int64_t{1} << (bits - 1))))) return false;
      out.AppendInteger(*value);
      return true;
    }
    case TypeId::kFloat:
      if (text == options_.nan_value) return take(std::optional(std::numeric_limits<float>::quiet_NaN()));
      if (text == options_.negative_infinity) return take(std::optional(-std::numeric_limits<float>::infinity()));
      if (text == options_.positive_infinity) return take(std::optional(std::numeric_limits<float>::infinity()));
      return take(ParseJavaFloat(text));
    case TypeId::kDouble:
      if (text == options_.nan_value) return take(std::optional(std::numeric_limits<double>::quiet_NaN()));
      if (text == options_.negative_infinity) return take(std::optional(-std::numeric_limits<double>::infinity()));
      if (text == options_.positive_infinity) return take(std::optional(std::numeric_limits<double>::infinity()));
      return take(ParseJavaDouble(text));
    case TypeId::kBoolean: {
      bool yes = EqualsIgnoreCase(text, "true");
      if (!yes && !EqualsIgnoreCase(text, "false")) return false;
      out.AppendFixed(static_cast<uint8_t>(yes));
      return true;
    }
    case TypeId::kDecimal: {
      if (text.find(',') == std::string_view::npos) return take(ParseDecimal(text, type.precision(), type.scale()));
      std::string plain(text);
      std::erase(plain, ',');
      return take(ParseDecimal(plain, type.precision(), type.scale()));
    }
    case TypeId::kDate:
      return take(options_.datetime.Date(text));
    case TypeId::kTimestamp:
      return take(options_.datetime.Timestamp(text));
    case TypeId::kTimestampNtz:
      return take(options_.datetime.TimestampNtz(text));
    case TypeId::kNull:
      out.AppendNull();
      return true;
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return false;
  }
  return false;
}

// Not for a column that is to be rescued, that the file names twice, or that has a memory.
size_t CsvRowBuilder::BlockColumns() const {
  std::vector<int> seen;
  for (const int child : by_position_) {
    if (child == kUnknown && rescued_index_ >= 0) return 0;
    if (child < 0) continue;
    if (std::find(seen.begin(), seen.end(), child) != seen.end() || shape_.columns.size() <= static_cast<size_t>(child)) return 0;
    seen.push_back(child);
  }
  for (const StructField& field : rows_.type().fields()) {
    if (field.type.id() == TypeId::kVariant) return 0;
  }
  return by_position_.size();
}

bool CsvRowBuilder::Block(const CsvBlock& block) {
  const int64_t rows = rows_.size() + block.rows();
  for (size_t i = 0; i < by_position_.size(); ++i) {
    if (by_position_[i] < 0 || AppendColumn(block, i, rows_.child(static_cast<size_t>(by_position_[i])))) continue;
    rows_.DropOpenStruct();
    return false;
  }
  for (size_t i = 0; i < rows_.child_count(); ++i) rows_.child(i).AppendNulls(rows - rows_.child(i).size());
  rows_.CloseStructs(block.rows());
  return true;
}

bool CsvRowBuilder::AppendColumn(const CsvBlock& block, size_t position, ColumnBuilder& out) {
  const int64_t rows = block.rows();
  auto is_null = [null = std::string_view(options_.null_value)](std::string_view text) { return text.empty() || text == null; };
  auto each = [&](auto append) {
    for (int64_t row = 0; row < rows; ++row) {
      const std::string_view text = block.value(row, position);
      if (is_null(text)) {
        out.AppendNull();
      } else if (!append(text)) {
        return false;
      }
    }
    return true;
  };
  if (out.type().id() != TypeId::kString) {
    return each([&](std::string_view text) { return AppendText(text, out); });
  }
  return each([&](std::string_view text) {
    Growing<uint8_t>& bytes = out.var();
    bytes.Reserve(static_cast<int64_t>(text.size()) + kCopiedAtOnce);
    if (CopyAscii(text, bytes.UncheckedEnd())) [[likely]] {
      bytes.AdvanceBy(static_cast<int64_t>(text.size()));
      out.CloseBytes();
    } else {
      out.AppendBytes(ValidUtf8(text));
    }
    return true;
  });
}

void CsvRowBuilder::Rescue(std::string_view column, std::string_view text) {
  if (rescued_index_ < 0) return;
  rescued_ += rescued_.empty() ? "{" : ",";
  AppendJsonString(ValidUtf8(column), &rescued_);
  rescued_ += ':';
  AppendJsonString(ValidUtf8(text), &rescued_);
}

Status CsvRowBuilder::Record(const std::vector<CsvValue>& values, bool well_formed, std::string_view text) {
  rescued_.clear();
  if (!well_formed) {
    if (shape_.quarantines) bad_column_.clear(), bad_reason_ = "more than maxColumns values, one longer than maxCharsPerColumn, or an unescaped quote";
    return Finish(true, text, "");
  }
  if (shape_.is_single_variant) {
    bad_column_.clear();
    return WholeRecord(values, text);
  }
  const int64_t row = rows_.size();
  bool bad = false;
  const size_t known = std::min(values.size(), by_position_.size());
  for (size_t i = 0; i < known; ++i) {
    const int child = by_position_[i];
    if (child < 0) {
      if (child == kUnknown && values[i].kind == CsvValue::Kind::kText) Rescue(file_columns_[i], values[i].text());
      continue;
    }
    ColumnBuilder& column = rows_.child(static_cast<size_t>(child));
    if (column.size() > row) [[unlikely]]
      continue;  // a header that names a column twice: the first counts
    if (Append(values[i], column, i)) [[likely]]
      continue;
    column.AppendNull();
    if (shape_.rescue) {
      Rescue(by_name_ ? file_columns_[i] : shape_.columns[static_cast<size_t>(child)], values[i].text());
    } else {
      if (shape_.quarantines && !bad) {
        bad_column_ = shape_.columns[static_cast<size_t>(child)];
        bad_reason_ = ValidUtf8(values[i].text().substr(0, kReportedValueMax)) + " is no " + column.type().Sql();
      }
      bad = true;
    }
  }
  if (values.size() != by_position_.size()) [[unlikely]] {
    if (!shape_.rescue && shape_.quarantines && !bad) {
      bad_column_.clear();
      bad_reason_ = std::to_string(values.size()) + " values instead of " + std::to_string(by_position_.size());
    }
    if (!shape_.rescue) bad = true;
    for (size_t i = known; shape_.rescue && i < values.size(); ++i) Rescue("_c" + std::to_string(i), values[i].text());
  }
  if (bad) return Finish(true, text, "");
  return Finish(false, text, "");
}

Status CsvRowBuilder::Refuse(std::string_view start_of_record, std::string_view reason) {
  rescued_.clear();
  bad_column_.clear();
  bad_reason_ = reason;
  return Finish(true, shape_.quarantines ? start_of_record : start_of_record.substr(0, kReportedTextMax), reason);
}

// Nulls for what the record lacks, and the row is done.
Status CsvRowBuilder::Finish(bool bad, std::string_view text, std::string_view reason) {
  const int64_t row = rows_.size();
  if (bad) {
    if (options_.mode == ParseMode::kFailFast) {
      return Status::Error(errors::kMalformedRecord, {{"badRecord", ValidUtf8(text.substr(0, kReportedTextMax))}});
    }
    if (shape_.quarantines) {
      rows_.DropOpenStruct();
      bad_.push_back({text, bad_column_, bad_record::kCsvRecord, bad_reason_});
      return Status::Ok();
    }
    if (options_.mode == ParseMode::kDropMalformed) {
      rows_.DropOpenStruct();
      ++rejected_;
      return Status::Ok();
    }
    if (rescued_index_ < 0 || corrupt_index_ >= 0) ++malformed_;
    if (corrupt_index_ >= 0) {
      rows_.child(static_cast<size_t>(corrupt_index_)).AppendBytes(ValidUtf8(text));
    } else if (shape_.rescue && rescued_index_ >= 0) {
      rescued_ = "{\"_corrupt_record\":";
      AppendJsonString(ValidUtf8(text), &rescued_);
      if (!reason.empty()) {
        rescued_ += ",\"_error\":";
        AppendJsonString(reason, &rescued_);
      }
    }
  }
  if (rescued_index_ >= 0 && !rescued_.empty()) {
    rescued_ += ",\"_file_path\":";
    AppendJsonString(ValidUtf8(file_path_), &rescued_);
    rescued_ += '}';
    rows_.child(static_cast<size_t>(rescued_index_)).AppendBytes(rescued_);
    ++rescued_rows_;
  }
  for (size_t i = 0; i < rows_.child_count(); ++i) {
    if (rows_.child(i).size() == row) rows_.child(i).AppendNull();
  }
  rows_.CloseStruct();
  return Status::Ok();
}

}  // namespace millstream
