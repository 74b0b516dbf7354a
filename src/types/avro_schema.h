#pragma once

// avro_schema.h   An Avro schema, parsed and checked, and the Spark type of each of its types (spark-avro's SchemaConverters).

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/data_type.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kAvroSchema{"MILLSTREAM_INVALID_AVRO_SCHEMA", "22023", ExceptionKind::kSpark, "The Avro schema cannot be used: <reason>."};
}  // namespace errors

struct AvroField;

// One type. Named types are shared, so a record may hold itself.
struct AvroType {
  enum class Kind { kNull, kBoolean, kInt, kLong, kFloat, kDouble, kBytes, kString, kRecord, kEnum, kArray, kMap, kUnion, kFixed };

  Kind kind = Kind::kNull;
  std::string name;                  // full name of a named type
  std::vector<std::string> aliases;  // full names
  std::string logical_type;          // empty: none, or one that this type cannot have
  int precision = 0, scale = 0;      // of the logical type decimal
  std::string catalyst_type;         // Spark's own mark on intervals
  int64_t size_bytes = 0;            // of kFixed
  std::vector<std::string> symbols;  // of kEnum
  std::optional<std::string> default_symbol;
  std::vector<AvroField> fields;          // of kRecord
  std::vector<const AvroType*> branches;  // of kUnion; of kArray and kMap one: the elements
};

struct AvroField {
  std::string name;
  std::vector<std::string> aliases;
  const AvroType* type = nullptr;
  std::optional<nlohmann::json> default_value;
};

// How unions of several types and records within themselves become Spark types.
struct AvroTypeOptions {
  bool stable_union_names = false;       // enableStableIdentifiersForUnionType: member_int, not member0
  std::string union_prefix = "member_";  // stableIdentifierPrefixForUnionType
  int recursion_max = -1;                // recursiveFieldMaxDepth
};

// Immutable.
class AvroSchema {
 public:
  // Error: kAvroSchema.
  static Result<std::shared_ptr<const AvroSchema>> Parse(std::string_view json);
  const AvroType& root() const { return *root_; }

 private:
  friend class AvroSchemaParser;
  std::vector<std::unique_ptr<AvroType>> types_;
  const AvroType* root_ = nullptr;
};

// The union without its null; the type itself when only one is left.
struct AvroUnion {
  std::vector<const AvroType*> types;  // not null
  bool has_null = false;
  // The one type that a union of int and long, or of float and double, is read as.
  std::optional<DataType> widened = {};
};
AvroUnion SplitAvroUnion(const AvroType& type);
// Names of the struct that a union of several types becomes.
std::string AvroUnionFieldName(const AvroType& branch, size_t index, const AvroTypeOptions& options);

// nullopt: left out, because it is deeper within itself than the options allow. `within`: the record whose field the type is, if any. Error: kAvroSchema.
Result<std::optional<DataType>> AvroToSparkType(const AvroType& type, const AvroTypeOptions& options, const AvroType* within = nullptr);

}  // namespace millstream
