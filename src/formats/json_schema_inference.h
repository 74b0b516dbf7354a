#pragma once

// json_schema_inference.h   The schema that holds all records, as Spark's JsonInferSchema finds it.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "formats/json_options.h"
#include "types/data_type.h"

namespace millstream {

struct InferredType;

// Not thread-safe.
class JsonSchemaInference {
 public:
  // `ignore_case`: fields whose names differ in case only are one column, named as it was seen first.
  JsonSchemaInference(const JsonOptions& options, bool ignore_case);
  ~JsonSchemaInference();
  // One record; `end` as in JsonScanner. Error: FAILFAST and malformed.
  Status Record(const char* begin, const char* end);
  // Several values one after another.
  Status Document(const char* begin, const char* end);
  // Where what follows stands among all records: of two spellings of a name, the first one is the column's.
  void SetPlace(int32_t file, int64_t offset) { place_ = {file, offset}; }
  // Adds what another one has found, whatever each has seen first.
  void Merge(const JsonSchemaInference& other);
  // Fields sorted by name.
  StructType Finish() const;

 private:
  bool OneValue(class JsonScanner& scanner);
  Status Malformed(std::string_view text);

  const JsonOptions& options_;
  const bool ignore_case_;
  std::unique_ptr<InferredType> root_;
  std::pair<int32_t, int64_t> place_;
  bool corrupt_seen_ = false;
};

// False for a value that inference would leave out: {}, [{}], and null with dropFieldIfAllNull.
bool JsonValueHasType(std::string_view json, const JsonOptions& options);

// Fields of `found` that `known` lacks, at the end and inside of structs. Names compare without regard to case unless `case_sensitive`.
StructType MergeNewFieldsInto(const StructType& known, const StructType& found, bool case_sensitive);

}  // namespace millstream
