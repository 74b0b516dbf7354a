#include "connectors/delta/rescued_values.h"

#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "formats/json_scanner.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr char kRest[] = "__millstream_rest";  // the parser's own rescued column
constexpr std::string_view kFilePath = "_file_path";

// Behind the string that begins at `at`; the text is valid JSON.
size_t BehindString(std::string_view text, size_t at) {
  for (++at; text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return at + 1;
}

size_t BehindValue(std::string_view text, size_t at) {
  int depth = 0;
  for (;;) {
    const char c = text[at];
    if (c == '"') {
      at = BehindString(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;  // of the object around it
      if (--depth == 0) return at + 1;
    }
    if (c == ',' && depth == 0) return at;
    ++at;
  }
}

size_t BehindSpace(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) ++at;
  return at;
}

std::string_view WithoutSpaceBehind(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\n\r").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}

bool IsNumberOrBoolean(const DataType& type) {
  return type.IsIntegral() || type.id() == TypeId::kFloat || type.id() == TypeId::kDouble || type.id() == TypeId::kBoolean;
}

// "5" is 5: in CSV everything is text. Other texts stay as they are, and do not fit.
std::string_view Unquoted(std::string_view value) {
  if (value.size() < 3 || value.front() != '"') return value;
  std::string_view inner = value.substr(1, value.size() - 2);
  if (inner.front() == '+') inner.remove_prefix(1);
  const bool is_scalar =
      std::all_of(inner.begin(), inner.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '+'; });
  std::string_view digits = inner;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  // As in CSV, zeros may come first: 007.
  while (digits.size() > 1 && digits[0] == '0' && std::isdigit(static_cast<unsigned char>(digits[1]))) digits.remove_prefix(1);
  return is_scalar && nlohmann::json::accept(digits) ? inner : value;
}

// What of the object stays, by member: nullopt when it is gone. "" without any but the file's path.
std::string Joined(const std::vector<JsonMember>& members, const std::vector<std::optional<std::string>>& kept) {
  std::string text;
  bool has_data = false;
  for (size_t i = 0; i < members.size(); ++i) {
    if (!kept[i]) continue;
    has_data = has_data || members[i].name != kFilePath;
    text += (text.empty() ? "{" : ",") + *kept[i];
  }
  return has_data ? text + "}" : "";
}

std::string_view TextAt(const arrow::Array& strings, int64_t row) { return static_cast<const arrow::StringArray&>(strings).GetView(row); }

// One row that has something to move.
struct Record {
  int64_t row = 0;
  std::vector<JsonMember> members;
  std::vector<std::optional<size_t>> wanted;  // of each column its member
};

}  // namespace

bool SplitJsonObject(std::string_view text, std::vector<JsonMember>* members) {
  members->clear();
  const size_t begin = BehindSpace(text, 0);
  if (begin == text.size() || text[begin] != '{' || !nlohmann::json::accept(text)) return false;
  for (size_t at = BehindSpace(text, begin + 1); text[at] != '}';) {
    const size_t name = at, name_end = BehindString(text, at);
    const size_t value = BehindSpace(text, BehindSpace(text, name_end) + 1);  // behind the colon
    at = BehindValue(text, value);
    const std::string_view value_text = WithoutSpaceBehind(text.substr(value, at - value));
    members->push_back(
        {nlohmann::json::parse(text.substr(name, name_end - name)).get<std::string>(), text.substr(name, value + value_text.size() - name), value_text});
    at = BehindSpace(text, at);
    if (text[at] == ',') at = BehindSpace(text, at + 1);
  }
  return true;
}

Result<RescuedValues> RescuedValues::Make(StructType columns, const std::string& time_zone) {
  OptionMap options{{"allowNumericLeadingZeros", "true"}};
  MS_ASSIGN_OR_RETURN(std::shared_ptr<const FileFormat> json, MakeFileFormat("json", options, {.time_zone = time_zone, .case_sensitive = true}));
  return RescuedValues(std::move(columns), std::move(json));
}

Result<RecordBatchPtr> RescuedValues::Parse(std::string lines, int64_t records) const {
  InputFile input{.path = "/", .size_bytes = static_cast<int64_t>(lines.size()), .content = std::make_shared<const std::string>(std::move(lines))};
  FileScan scan{.data_schema = columns_, .rescued_data_column = kRest};
  for (const StructField& column : columns_) scan.columns.push_back(column.name);
  scan.columns.emplace_back(kRest);
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, json_->Read({std::move(input)}, scan, nullptr));
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(*rows));
  auto joined = arrow::ConcatenateRecordBatches(batches);
  if (!joined.ok()) return FromArrowStatus(joined.status(), "while reading rescued values");
  MS_CHECK((*joined)->num_rows() == records);
  return *std::move(joined);
}

Result<RescuedValues::Moved> RescuedValues::Move(const arrow::Array& rescued, const std::vector<std::shared_ptr<arrow::Array>>& columns) const {
  Moved moved{.columns = columns, .rescued = arrow::MakeArray(rescued.data()), .has_moved = std::vector<bool>(static_cast<size_t>(rescued.length()))};
  std::vector<Record> records;
  std::string lines;
  for (int64_t row = 0; row < rescued.length(); ++row) {
    if (rescued.IsNull(row)) continue;
    Record record{.row = row, .members = {}, .wanted = std::vector<std::optional<size_t>>(columns_.size())};
    if (!SplitJsonObject(TextAt(rescued, row), &record.members)) continue;
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!columns[i]->IsNull(row)) continue;
      auto member = std::find_if(record.members.begin(), record.members.end(), [&](const JsonMember& known) { return known.name == columns_[i].name; });
      if (member == record.members.end()) continue;
      record.wanted[i] = static_cast<size_t>(member - record.members.begin());
      line += line.empty() ? "{" : ",";
      AppendJsonString(member->name, &line);
      line += ':';
      line += IsNumberOrBoolean(columns_[i].type) ? Unquoted(member->value) : member->value;
    }
    if (line.empty()) continue;
    // Between its tokens JSON may have line ends, within them it has none.
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::replace(line.begin(), line.end(), '\r', ' ');
    lines += line + "}\n";
    records.push_back(std::move(record));
  }
  if (records.empty()) return moved;
  MS_ASSIGN_OR_RETURN(RecordBatchPtr parsed, Parse(std::move(lines), static_cast<int64_t>(records.size())));

  // For each row and column the place of its value: in what was there, or behind it in what was parsed.
  std::vector<std::vector<int64_t>> places(columns_.size());
  for (auto& of_column : places) {
    of_column.resize(static_cast<size_t>(rescued.length()));
    for (int64_t row = 0; row < rescued.length(); ++row) of_column[static_cast<size_t>(row)] = row;
  }
  std::vector<std::pair<int64_t, std::string>> texts;  // by row, of those that change
  for (size_t at = 0; at < records.size(); ++at) {
    const Record& record = records[at];
    const auto parsed_row = static_cast<int64_t>(at);
    std::vector<JsonMember> rest;
    const arrow::Array& rests = *parsed->column(static_cast<int>(columns_.size()));
    if (!rests.IsNull(parsed_row)) SplitJsonObject(TextAt(rests, parsed_row), &rest);
    std::vector<std::optional<std::string>> kept;
    for (const JsonMember& member : record.members) kept.emplace_back(std::string(member.raw));
    bool has_moved = false;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!record.wanted[i]) continue;
      const bool is_null = parsed->column(static_cast<int>(i))->IsNull(parsed_row);
      if (is_null && record.members[*record.wanted[i]].value != "null") continue;
      auto left = std::find_if(rest.begin(), rest.end(), [&](const JsonMember& member) { return member.name == columns_[i].name; });
      std::optional<std::string>& member = kept[*record.wanted[i]];
      member = left == rest.end() ? std::nullopt : std::optional(std::string(left->raw));
      if (!is_null) places[i][static_cast<size_t>(record.row)] = rescued.length() + parsed_row;
      has_moved = true;
    }
    if (!has_moved) continue;
    moved.has_moved[static_cast<size_t>(record.row)] = true;
    ++moved.rows;
    texts.emplace_back(record.row, Joined(record.members, kept));
  }
  if (moved.rows == 0) return moved;

  for (size_t i = 0; i < columns_.size(); ++i) {
    arrow::Int64Builder indices;
    std::shared_ptr<arrow::Array> index_array;
    MS_RETURN_IF_ERROR(FromArrowStatus(indices.AppendValues(places[i]), "moving rescued values"));
    MS_RETURN_IF_ERROR(FromArrowStatus(indices.Finish(&index_array), "moving rescued values"));
    // Nested values may differ in what is said of nulls and of field ids.
    auto values = arrow::compute::Cast(*parsed->column(static_cast<int>(i)), columns[i]->type());
    if (!values.ok()) return FromArrowStatus(values.status(), "moving rescued values");
    auto both = arrow::Concatenate({columns[i], *values});
    if (!both.ok()) return FromArrowStatus(both.status(), "moving rescued values");
    auto taken = arrow::compute::Take(**both, *index_array, arrow::compute::TakeOptions::NoBoundsCheck());
    if (!taken.ok()) return FromArrowStatus(taken.status(), "moving rescued values");
    moved.columns[i] = *std::move(taken);
  }
  arrow::StringBuilder out;
  auto text = texts.begin();
  for (int64_t row = 0; row < rescued.length(); ++row) {
    arrow::Status appended;
    if (text != texts.end() && text->first == row) {
      appended = text->second.empty() ? out.AppendNull() : out.Append(text->second);
      ++text;
    } else {
      appended = rescued.IsNull(row) ? out.AppendNull() : out.Append(TextAt(rescued, row));
    }
    MS_RETURN_IF_ERROR(FromArrowStatus(appended, "moving rescued values"));
  }
  MS_RETURN_IF_ERROR(FromArrowStatus(out.Finish(&moved.rescued), "moving rescued values"));
  return moved;
}

}  // namespace millstream
