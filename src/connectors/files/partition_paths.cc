#include "connectors/files/partition_paths.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/ignore_case.h"
#include "storage/fs.h"

namespace millstream {
namespace {

constexpr std::string_view kNull = "__HIVE_DEFAULT_PARTITION__";

bool Digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !Digits(text.substr(0, 4)) || !Digits(text.substr(5, 2)) || !Digits(text.substr(8, 2))) {
    return false;
  }
  auto number = [&](size_t at, size_t size) { return std::stoi(std::string(text.substr(at, size))); };
  int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (month < 1 || month > 12 || day < 1) return false;
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool IsTimestamp(std::string_view text) {
  if (text.size() < 19 || !IsDate(text.substr(0, 10)) || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':') return false;
  auto below = [&](size_t at, int limit) { return Digits(text.substr(at, 2)) && std::stoi(std::string(text.substr(at, 2))) < limit; };
  if (!below(11, 24) || !below(14, 60) || !below(17, 60)) return false;
  std::string_view rest = text.substr(19);
  return rest.empty() || (rest.size() <= 7 && rest[0] == '.' && Digits(rest.substr(1)));
}

// Spark's PartitioningUtils.inferPartitionColumnValue.
DataType InferType(std::string_view text) {
  auto whole = [&](auto value) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (whole(int32_t{})) return DataType::Integer();
  if (whole(int64_t{})) return DataType::Long();
  bool numeric = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) || std::string_view("+-.eE").find(c) != std::string_view::npos;
  });
  if (numeric && whole(double{})) return DataType::Double();
  if (IsDate(text)) return DataType::Date();
  if (IsTimestamp(text)) return DataType::Timestamp();
  return DataType::String();
}

DataType Wider(const DataType& a, const DataType& b) {
  if (a.id() == b.id()) return a;
  if (a.id() == TypeId::kNull) return b;
  if (b.id() == TypeId::kNull) return a;
  auto rank = [](const DataType& type) { return type.id() == TypeId::kInteger ? 1 : type.id() == TypeId::kLong ? 2 : type.id() == TypeId::kDouble ? 3 : 0; };
  if (rank(a) > 0 && rank(b) > 0) return rank(a) > rank(b) ? a : b;
  auto temporal = [](const DataType& type) { return type.id() == TypeId::kDate || type.id() == TypeId::kTimestamp; };
  if (temporal(a) && temporal(b)) return DataType::Timestamp();
  return DataType::String();
}

}  // namespace

PartitionValues PartitionsOf(std::string_view base, std::string_view file_path) {
  PartitionValues values;
  if (!file_path.starts_with(base)) return values;
  std::string_view directories = ParentPath(file_path);
  directories.remove_prefix(std::min(base.size(), directories.size()));
  for (size_t at = 0; at < directories.size();) {
    size_t end = std::min(directories.find('/', at), directories.size());
    std::string_view name = directories.substr(at, end - at);
    at = end + 1;
    size_t equals = name.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    std::string value = DecodeUriPath(name.substr(equals + 1));
    std::string key = DecodeUriPath(name.substr(0, equals));
    bool null = value == kNull;
    values.emplace_back(std::move(key), null ? std::nullopt : std::optional(std::move(value)));
  }
  return values;
}

std::map<std::string, std::optional<std::string>> PartitionValuesFor(const StructType& columns, const PartitionValues& values) {
  std::map<std::string, std::optional<std::string>> found;
  for (const StructField& column : columns) {
    std::optional<std::string>& value = found[column.name];
    for (const auto& [key, text] : values) {
      if (EqualsIgnoreCase(key, column.name)) value = text;
    }
  }
  return found;
}

void PartitionInference::Add(const PartitionValues& values) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : values) {
    keys.push_back(key);
    DataType type = !value ? DataType::Null() : infer_types_ ? InferType(*value) : DataType::String();
    auto [at, inserted] = types_.try_emplace(key, type);
    if (inserted) all_keys_.push_back(key);
    if (!inserted) at->second = Wider(at->second, type);
  }
  if (!any_) {
    keys_ = keys;
  } else if (keys != keys_) {
    conflict_ = true;
  }
  any_ = true;
}

std::optional<std::string> PartitionInference::KeyOf(std::string_view name) const {
  auto found = std::find_if(all_keys_.begin(), all_keys_.end(), [&](const std::string& key) { return EqualsIgnoreCase(key, name); });
  return found == all_keys_.end() ? std::nullopt : std::optional(*found);
}

DataType PartitionInference::TypeOf(const std::string& key) const {
  auto found = types_.find(key);
  return found == types_.end() || found->second.id() == TypeId::kNull ? DataType::String() : found->second;
}

StructType PartitionInference::Columns() const {
  StructType columns;
  if (conflict_) return columns;
  for (const std::string& key : keys_) {
    if (!columns.IndexOf(key)) columns.Add({key, TypeOf(key)});
  }
  return columns;
}

}  // namespace millstream
