#include "formats/json_record_parser.h"

#include <algorithm>
#include <limits>

#include "formats/formats_errors.h"
#include "formats/json_schema_inference.h"

namespace millstream {

namespace {

constexpr int kNoName = -2;
constexpr int kUnknown = -1;
constexpr size_t kRememberedFieldsMax = 4096;
constexpr size_t kReportedTextMax = 1000;
constexpr size_t kReportedValueMax = 100;

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

}  // namespace

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
    int field = kUnknown;
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
    lower_index[LowerCase(name)] = static_cast<int>(fields.size());
    fields.push_back({name, child, std::move(node)});
  }
  int Find(std::string_view name, bool ignore_case) const {
    if (auto found = index.find(name); found != index.end()) return found->second;
    if (ignore_case) {
      if (auto found = lower_index.find(LowerCase(name)); found != lower_index.end()) return found->second;
    }
    return kUnknown;
  }

  DataType type;
  std::vector<Field> fields;
  std::unordered_map<std::string, int, TextHash, std::equal_to<>> index, lower_index;
  std::vector<Seen> order;  // the fields in the order of the last objects
  std::unique_ptr<JsonNode> element;
};

namespace {

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

// The record as one value, whatever it is.
Status JsonRecordParser::WholeRecord(const char* begin) {
  const int64_t first_row = rows_.size();
  rescued_before_ = rescued_rows_;
  rescued_.clear();
  bool is_json = true;
  const Status built = variants_.Value(scanner_, 0, &is_json);
  if (!built.ok() || !is_json) {
    const std::string_view text(begin, static_cast<size_t>(scanner_.end() - begin));
    const std::string reason = !built.ok()          ? built.text()
                               : shape_.quarantines ? "not JSON at byte " + std::to_string(std::min(scanner_.position(), scanner_.end()) - begin)
                                                    : "";
    scanner_.set_position(scanner_.end());
    return HandleBad(first_row, text, false, reason);
  }
  if (variant_index_ >= 0) {
    ColumnBuilder& column = rows_.child(static_cast<size_t>(variant_index_));
    column.child(0).AppendBytes(variants_.builder().value());
    column.child(1).AppendBytes(variants_.builder().metadata());
    column.CloseStruct();
  }
  FillRow();
  return Status::Ok();
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
        return scanner_.Take(':') ? seen.field : kNoName;
      }
    }
  }
  scratch_.Truncate(0);
  if (!scanner_.FieldName(&scratch_)) return kNoName;
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
    if (field == kNoName) return Outcome::kSyntax;
    scanner_.SkipSpace();
    bool good = field == kUnknown                                   ? UnknownField(node, name, frame, depth + 1)
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
  if (shape_.fail_on_new_fields && !node.lower_index.contains(LowerCase(kept)) && !kept.empty() && JsonValueHasType(raw, options_)) {
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

JsonRecordParser::Outcome JsonRecordParser::Variant(ColumnBuilder& out, int depth) {
  bool syntax_ok = true;
  const char* begin = scanner_.position();
  const Status built = variants_.Value(scanner_, depth, &syntax_ok);
  if (!built.ok()) {
    scanner_.set_position(begin);
    return Mismatch(depth);
  }
  if (!syntax_ok) return Outcome::kSyntax;
  out.child(0).AppendBytes(variants_.builder().value());
  out.child(1).AppendBytes(variants_.builder().metadata());
  out.CloseStruct();
  return Outcome::kOk;
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

void JsonRecordParser::OpenRescued(Frame* frame) {
  if (frame == nullptr) {
    if (rescued_.empty()) rescued_ = "{";
    return;
  }
  if (frame->open) return;
  OpenRescued(frame->parent);
  if (rescued_.back() != '{') rescued_ += ',';
  AppendJsonString(frame->name, &rescued_);
  rescued_ += ":{";
  frame->open = true;
}

void JsonRecordParser::Rescue(Frame* frame, std::string_view name, std::string_view raw) {
  if (rescued_index_ < 0) return;
  if (lists_open_ > 0) {
    list_dirty_ = true;
    return;
  }
  OpenRescued(frame);
  if (rescued_.back() != '{') rescued_ += ',';
  AppendJsonString(name, &rescued_);
  rescued_ += ':';
  char c = raw.front();
  bool json = c == '"' || c == '{' || c == '[' || c == '-' || (c >= '0' && c <= '9') || raw == "true" || raw == "false" || raw == "null";
  if (c == '-' && (raw.size() < 2 || raw[1] == 'I')) json = false;
  if (json) {
    rescued_ += ValidUtf8(raw);
  } else {
    if (c == '\'' && raw.size() >= 2) raw = raw.substr(1, raw.size() - 2);
    AppendJsonString(ValidUtf8(raw), &rescued_);
  }
}

void JsonRecordParser::FinishRescued(std::string* text) {
  if (text->back() != '{') *text += ',';
  *text += "\"_file_path\":";
  AppendJsonString(ValidUtf8(file_path_), text);
  *text += '}';
}

}  // namespace millstream
