#pragma once

// partition_paths.h   Hive-style directories: "/in/date=2026-01-02/city=a%2Fb/f.json" has the partition values date and city.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/option_table.h"
#include "types/data_type.h"

namespace millstream {

using PartitionValues = std::vector<std::pair<std::string, std::optional<std::string>>>;  // nullopt: null

// The key=value directories of a file's path between `base` and its name, in order, with %XX decoded.
PartitionValues PartitionsOf(std::string_view base, std::string_view file_path);
// The values of `columns`; null where the path has none.
std::map<std::string, std::optional<std::string>> PartitionValuesFor(const StructType& columns, const PartitionValues& values);

// What the paths of several files say together. Not an error: `conflict` when they do not have the same keys in the same order.
class PartitionInference {
 public:
  explicit PartitionInference(bool infer_types) : infer_types_(infer_types) {}
  void Add(const PartitionValues& values);
  bool conflict() const { return conflict_; }
  // Columns in path order; empty when there are none or on conflict. Types as Spark infers them from the values, or STRING.
  StructType Columns() const;
  // All keys, by when they were first seen, conflict or not; and the one that is `name` but for its case.
  const std::vector<std::string>& keys() const { return all_keys_; }
  std::optional<std::string> KeyOf(std::string_view name) const;
  // Type of one key over all files that have it, conflict or not.
  DataType TypeOf(const std::string& key) const;

 private:
  bool infer_types_;
  bool any_ = false, conflict_ = false;
  std::vector<std::string> keys_;  // of the first path
  std::vector<std::string> all_keys_;
  std::map<std::string, DataType> types_;  // kNull: only nulls so far
};

}  // namespace millstream
