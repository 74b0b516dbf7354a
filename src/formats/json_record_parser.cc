#include "formats/json_record_parser.h"

#include <algorithm>

#include "formats/formats_errors.h"
#include "formats/json_node.h"
#include "formats/json_schema_inference.h"

namespace millstream {

namespace {

constexpr size_t kRememberedFieldsMax = 4096;
constexpr size_t kReportedTextMax = 1000;
constexpr size_t kReportedValueMax = 100;

DataType RowType(const JsonRowShape& shape) {
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

JsonRecordParser::JsonRecordParser(const JsonOptions& options, const JsonRowShape& shape)
    : options_(options), shape_(shape), scanner_(options), variants_(false), root_(std::make_unique<JsonNode>(DataType::Null())), rows_(RowType(shape)) {
  std::unordered_map<std::string, int> wanted;
  for (size_t i = 0; i < shape_.columns.size(); ++i) {
    const std::string& name = shape_.columns[i];
    if (!shape_.corrupt_record_column.empty() && name == shape_.corrupt_record_column) {
      corrupt_index_ = static_cast<int>(i);
    } else if (!shape_.rescued_data_column.empty() && name == shape_.rescued_data_column) {
      rescued_index_ = static_cast<int>(i);
    } else {
      auto index = shape_.data_schema.IndexOf(name, true);
      if (!index) index = shape_.data_schema.IndexOf(name, false);
      wanted[shape_.data_schema[*index].name] = static_cast<int>(i);
      if (shape_.is_single_variant) variant_index_ = static_cast<int>(i);
    }
  }
  for (const StructField& field : shape_.data_schema) {
    auto found = wanted.find(field.name);
    root_->Add(field.name, found == wanted.end() ? -1 : found->second, std::make_unique<JsonNode>(field.type));
  }
}

JsonRecordParser::~JsonRecordParser() = default;

Status JsonRecordParser::Record(const char* begin, const char* end) {
  scanner_.Reset(begin, end);
  if (end - begin >= 3 && std::memcmp(begin, "\xEF\xBB\xBF", 3) == 0) scanner_.Advance(3);
  scanner_.SkipSpace();
  if (scanner_.AtEnd()) return Status::Ok();
  return OneValue(begin);
}

Status JsonRecordParser::Document(const char* begin, const char* end) {
  scanner_.Reset(begin, end);
  if (end - begin >= 3 && std::memcmp(begin, "\xEF\xBB\xBF", 3) == 0) scanner_.Advance(3);
  for (const char* from = begin;; from = scanner_.position()) {
    scanner_.SkipSpace();
    if (scanner_.AtEnd()) return Status::Ok();
    MS_RETURN_IF_ERROR(OneValue(from));
  }
}

Status JsonRecordParser::Refuse(std::string_view start_of_record, std::string_view reason) {
  if (!shape_.quarantines) start_of_record = start_of_record.substr(0, kReportedTextMax);
  rescued_before_ = rescued_rows_;
  return HandleBad(rows_.size(), start_of_record, false, reason);
}

Status JsonRecordParser::OneValue(const char* begin) {
  if (shape_.is_single_variant) return WholeRecord(begin);
  int64_t first_row = rows_.size();
  rescued_before_ = rescued_rows_;
  record_bad_ = false;
  bool good = false;
  if (scanner_.Peek() == '{') {
    good = RootObject();
  } else if (scanner_.Peek() == '[') {
    scanner_.Advance(1);
    good = scanner_.Take(']');
    while (!good) {
      scanner_.SkipSpace();
      if (scanner_.Peek() != '{' || !RootObject()) break;
      if (scanner_.Take(',')) continue;
      good = scanner_.Take(']');
      if (!good) break;
    }
  }
  if (!new_fields_.empty()) {
    std::sort(new_fields_.begin(), new_fields_.end());
    new_fields_.erase(std::unique(new_fields_.begin(), new_fields_.end()), new_fields_.end());
    std::string names;
    for (const std::string& name : new_fields_) names += (names.empty() ? "" : ",") + name;
    new_fields_.clear();
    if (good) return Status::Error(errors::kNewFieldsInFile, {{"unknownFields", names}});
  }
  if (good && !record_bad_) return Status::Ok();
  std::string_view text(begin, static_cast<size_t>(scanner_.end() - begin));
  if (good && shape_.quarantines) text = text.substr(0, static_cast<size_t>(scanner_.position() - begin));
  const std::string reason = !good && shape_.quarantines ? SyntaxError(text) : "";
  // Behind a syntax error nothing can be told apart any more.
  if (!good) scanner_.set_position(scanner_.end());
  return HandleBad(first_row, text, good, reason);
}

bool JsonRecordParser::RootObject() {
  rescued_.clear();
  list_dirty_ = false;
  lists_open_ = 0;
  if (Object(*root_, rows_, nullptr, 0) != Outcome::kOk) return false;
  return FillRow();
}

// Nulls for what the record lacks, and the row is done.
bool JsonRecordParser::FillRow() {
  int64_t row = rows_.size();
  if (rescued_index_ >= 0 && !rescued_.empty()) {
    FinishRescued(&rescued_);
    rows_.child(static_cast<size_t>(rescued_index_)).AppendBytes(rescued_);
    ++rescued_rows_;
  }
  for (size_t i = 0; i < rows_.child_count(); ++i) {
    if (rows_.child(i).size() == row) rows_.child(i).AppendNull();
  }
  rows_.CloseStruct();
  return true;
}

Status JsonRecordParser::HandleBad(int64_t first_row, std::string_view text, bool keep_rows, std::string_view reason) {
  if (options_.mode == ParseMode::kFailFast) {
    return Status::Error(errors::kMalformedRecord, {{"badRecord", ValidUtf8(text.substr(0, kReportedTextMax))}});
  }
  rows_.DropOpenStruct();
  if (shape_.quarantines) {
    Quarantine(first_row, text, keep_rows, reason);
    return Status::Ok();
  }
  if (options_.mode == ParseMode::kDropMalformed || !keep_rows) rows_.Truncate(first_row);
  if (options_.mode == ParseMode::kDropMalformed) {
    ++rejected_;
    return Status::Ok();
  }
  if (rescued_index_ < 0 || corrupt_index_ >= 0) ++malformed_;
  if (!keep_rows) {
    rescued_.clear();
    if (shape_.rescue && rescued_index_ >= 0 && corrupt_index_ < 0) {
      rescued_ = "{";
      AppendJsonString("_corrupt_record", &rescued_);
      rescued_ += ':';
      AppendJsonString(ValidUtf8(text), &rescued_);
      if (!reason.empty()) {
        rescued_ += ",\"_error\":";
        AppendJsonString(reason, &rescued_);
      }
    }
    FillRow();
  }
  if (corrupt_index_ >= 0) {
    ColumnBuilder& corrupt = rows_.child(static_cast<size_t>(corrupt_index_));
    corrupt.Truncate(first_row);
    std::string valid = ValidUtf8(text);
    for (int64_t row = first_row; row < rows_.size(); ++row) corrupt.AppendBytes(valid);
  }
  return Status::Ok();
}

void JsonRecordParser::Quarantine(int64_t first_row, std::string_view text, bool is_whole, std::string_view reason) {
  rows_.Truncate(first_row);
  rescued_rows_ = rescued_before_;
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (is_whole) {
    bad_.push_back({text, std::move(bad_column_), bad_record::kJsonField, std::move(bad_reason_)});
  } else {
    bad_.push_back({text, "", bad_record::kMalformed, std::string(reason)});
  }
}

// Where it is, found by another look, which does not depend on the records before.
std::string JsonRecordParser::SyntaxError(std::string_view text) {
  const char* begin = text.data();
  scanner_.Reset(begin, begin + text.size());
  if (text.starts_with("\xEF\xBB\xBF")) scanner_.Advance(3);
  scanner_.SkipSpace();
  if (scanner_.Peek() != '{' && scanner_.Peek() != '[') return "not an object";
  const char* from = scanner_.position();
  if (scanner_.SkipValue(0)) return *from == '[' ? "an array of something else than objects" : "not JSON";
  return "not JSON at byte " + std::to_string(std::min(scanner_.position(), begin + text.size()) - begin);
}

int JsonRecordParser::NextField(JsonNode& node, size_t* at, std::string_view* name) {
  const char* p = scanner_.position();
  if (*p == '"') {
    // Files repeat themselves: the next field most likely is the one that stood here in the last object, or the one behind it.
    auto left = static_cast<size_t>(scanner_.end() - p - 1);
    for (size_t i = *at; i < node.order.size() && i < *at + 2; ++i) {
      const JsonNode::Seen& seen = node.order[i];
      if (seen.quoted.size() <= left && std::memcmp(p + 1, seen.quoted.data(), seen.quoted.size()) == 0) {
        scanner_.set_position(p + 1 + seen.quoted.size());
        *at = i + 1;
        *name = seen.name;
        return scanner_.Take(':') ? seen.field : json_node::kNoName;
      }
    }
  }
  scratch_.Truncate(0);
  if (!scanner_.FieldName(&scratch_)) return json_node::kNoName;
  name_scratch_.assign(reinterpret_cast<const char*>(scratch_.data()), static_cast<size_t>(scratch_.size()));
  *name = name_scratch_;
  int field = node.Find(*name, options_.ignore_case);
  if (*p == '"' && *at < kRememberedFieldsMax && std::memcmp(p + 1, name->data(), name->size()) == 0 && p[1 + name->size()] == '"') {
    if (*at == node.order.size()) node.order.emplace_back();
    JsonNode::Seen& seen = node.order[*at];
    seen.name = *name;
    seen.quoted = seen.name + '"';
    seen.field = field;
    ++*at;
  }
  return field;
}

JsonRecordParser::Outcome JsonRecordParser::Object(JsonNode& node, ColumnBuilder& out, Frame* frame, int depth) {
  if (depth >= kJsonDepthMax) return Outcome::kSyntax;
  scanner_.Advance(1);
  if (scanner_.Take('}')) return Outcome::kOk;
  size_t at = 0;
  std::string_view name;
  while (true) {
    scanner_.SkipSpace();
    int field = NextField(node, &at, &name);
    if (field == json_node::kNoName) return Outcome::kSyntax;
    scanner_.SkipSpace();
    bool good = field == json_node::kUnknown                        ? UnknownField(node, name, frame, depth + 1)
                : node.fields[static_cast<size_t>(field)].child < 0 ? scanner_.SkipValue(depth + 1)
                                                                    : Field(node, field, out, frame, depth + 1);
    if (!good) return Outcome::kSyntax;
    if (scanner_.Take(',')) continue;
    return scanner_.Take('}') ? Outcome::kOk : Outcome::kSyntax;
  }
}

bool JsonRecordParser::Field(JsonNode& node, int index, ColumnBuilder& out, Frame* frame, int depth) {
  JsonNode::Field& field = node.fields[static_cast<size_t>(index)];
  ColumnBuilder& column = out.child(static_cast<size_t>(field.child));
  const int64_t row = out.size();
  const char* begin = scanner_.position();
  const char* earlier = nullptr;
  if (column.size() > row) [[unlikely]] {
    // A field that comes twice: the later value counts, unless it cannot be read.
    earlier = field.first;
    column.Truncate(row);
  }
  Frame inner{frame, field.name};
  Outcome outcome = Value(*field.node, column, &inner, depth);
  if (inner.open) rescued_ += '}';
  if (outcome == Outcome::kSyntax) return false;
  field.first = begin;
  if (list_dirty_ && lists_open_ == 0) [[unlikely]] {
    list_dirty_ = false;
    if (outcome == Outcome::kOk) Rescue(frame, field.name, std::string_view(begin, static_cast<size_t>(scanner_.position() - begin)));
  }
  if (outcome == Outcome::kOk) [[likely]]
    return true;
  if (shape_.rescue) {
    Rescue(frame, field.name, std::string_view(begin, static_cast<size_t>(scanner_.position() - begin)));
  } else {
    if (shape_.quarantines && !record_bad_) {
      bad_column_ = field.name;
      for (Frame* outer = frame; outer != nullptr; outer = outer->parent) bad_column_ = std::string(outer->name) + "." + bad_column_;
      const std::string_view value(begin, std::min(static_cast<size_t>(scanner_.position() - begin), kReportedValueMax));
      bad_reason_ = ValidUtf8(value) + " is no " + field.node->type.Sql();
    }
    record_bad_ = true;
  }
  field.first = earlier;
  if (earlier != nullptr) {
    const char* after = scanner_.position();
    scanner_.set_position(earlier);
    outcome = Value(*field.node, column, &inner, depth);
    scanner_.set_position(after);
  }
  if (outcome != Outcome::kOk) column.AppendNull();
  return true;
}

bool JsonRecordParser::UnknownField(JsonNode& node, std::string_view name, Frame* frame, int depth) {
  const char* begin = scanner_.position();
  if (!shape_.rescue && !shape_.fail_on_new_fields) return scanner_.SkipValue(depth);
  std::string kept(name);
  if (!scanner_.SkipValue(depth)) return false;
  if (&node == root_.get() && (kept == shape_.corrupt_record_column || kept == shape_.rescued_data_column)) return true;
  std::string_view raw(begin, static_cast<size_t>(scanner_.position() - begin));
  // A name that differs in case only is no new column, and neither is one without any type: both could never be added.
  if (shape_.fail_on_new_fields && !node.lower_index.contains(json_node::LowerCase(kept)) && !kept.empty() && JsonValueHasType(raw, options_)) {
    std::string path = kept;
    for (Frame* outer = frame; outer != nullptr; outer = outer->parent) path = std::string(outer->name) + "." + path;
    new_fields_.push_back(std::move(path));
    return true;
  }
  Rescue(frame, kept, raw);
  return true;
}

JsonRecordParser::Outcome JsonRecordParser::Value(JsonNode& node, ColumnBuilder& out, Frame* frame, int depth) {
  const char first = scanner_.Peek();
  if (first == 'n' && node.type.id() != TypeId::kVariant) {
    if (!scanner_.Word("null")) return Outcome::kSyntax;
    out.AppendNull();
    return Outcome::kOk;
  }
  switch (node.type.id()) {
    case TypeId::kString:
      return Text(out, depth);
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
      return Integer(node, out, depth);
    case TypeId::kFloat:
    case TypeId::kDouble:
      return Floating(node, out, depth);
    case TypeId::kDecimal:
      return Decimal(node, out, depth);
    case TypeId::kBoolean:
      if (first != 't' && first != 'f') return Mismatch(depth);
      if (!scanner_.Word(first == 't' ? "true" : "false")) return Outcome::kSyntax;
      out.AppendFixed(static_cast<uint8_t>(first == 't'));
      return Outcome::kOk;
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return DateTime(node, out, depth);
    case TypeId::kBinary:
      return Binary(out, depth);
    case TypeId::kStruct: {
      if (first != '{') return Mismatch(depth);
      Outcome outcome = Object(node, out, frame, depth);
      if (outcome != Outcome::kOk) return outcome;
      for (size_t i = 0; i < out.child_count(); ++i) {
        if (out.child(i).size() == out.size()) out.child(i).AppendNull();
      }
      out.CloseStruct();
      return Outcome::kOk;
    }
    case TypeId::kArray:
      return first == '[' ? Array(node, out, frame, depth) : Mismatch(depth);
    case TypeId::kMap:
      return first == '{' ? Map(node, out, frame, depth) : Mismatch(depth);
    case TypeId::kNull:
      if (!scanner_.SkipValue(depth)) return Outcome::kSyntax;
      out.AppendNull();
      return Outcome::kOk;
    case TypeId::kVariant:
      return Variant(out, depth);
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
      break;
  }
  return Mismatch(depth);
}

JsonRecordParser::Outcome JsonRecordParser::Array(JsonNode& node, ColumnBuilder& out, Frame* frame, int depth) {
  const char* begin = scanner_.position();
  if (depth >= kJsonDepthMax) return Outcome::kSyntax;
  scanner_.Advance(1);
  ++lists_open_;
  Outcome outcome = Outcome::kOk;
  if (!scanner_.Take(']')) {
    while (outcome == Outcome::kOk) {
      scanner_.SkipSpace();
      outcome = Value(*node.element, out.child(0), frame, depth + 1);
      if (outcome != Outcome::kOk) break;
      if (scanner_.Take(',')) continue;
      if (scanner_.Take(']')) break;
      outcome = Outcome::kSyntax;
    }
  }
  --lists_open_;
  if (outcome == Outcome::kMismatch) {
    // One bad element makes all of the array unreadable.
    out.DropOpenList();
    scanner_.set_position(begin);
    return Mismatch(depth);
  }
  if (outcome == Outcome::kOk) out.CloseList();
  return outcome;
}

JsonRecordParser::Outcome JsonRecordParser::Map(JsonNode& node, ColumnBuilder& out, Frame* frame, int depth) {
  const char* begin = scanner_.position();
  if (depth >= kJsonDepthMax) return Outcome::kSyntax;
  scanner_.Advance(1);
  ++lists_open_;
  Outcome outcome = Outcome::kOk;
  if (!scanner_.Take('}')) {
    while (outcome == Outcome::kOk) {
      scanner_.SkipSpace();
      ColumnBuilder& keys = out.child(0);
      scratch_.Truncate(0);
      if (!scanner_.FieldName(&scratch_)) {
        outcome = Outcome::kSyntax;
        break;
      }
      keys.AppendBytes({reinterpret_cast<const char*>(scratch_.data()), static_cast<size_t>(scratch_.size())});
      scanner_.SkipSpace();
      outcome = Value(*node.element, out.child(1), frame, depth + 1);
      if (outcome != Outcome::kOk) break;
      if (scanner_.Take(',')) continue;
      if (scanner_.Take('}')) break;
      outcome = Outcome::kSyntax;
    }
  }
  --lists_open_;
  if (outcome == Outcome::kMismatch) {
    out.DropOpenList();
    scanner_.set_position(begin);
    return Mismatch(depth);
  }
  if (outcome == Outcome::kOk) out.CloseList();
  return outcome;
}

}  // namespace millstream
