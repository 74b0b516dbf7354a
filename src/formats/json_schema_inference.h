#pragma once

// json_schema_inference.h   The schema that holds all records, as Spark's JsonInferSchema finds it.

#include <memory>
#include <string>
#include <string_view>

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
  // Fields sorted by name.
  StructType Finish() const;

 private:
  bool OneValue(class JsonScanner& scanner);
  Status Malformed(std::string_view text);

  const JsonOptions& options_;
  const bool ignore_case_;
  std::unique_ptr<InferredType> root_;
  bool corrupt_seen_ = false;
};

// False for a value that inference would leave out: {}, [{}], and null with dropFieldIfAllNull.
bool JsonValueHasType(std::string_view json, const JsonOptions& options);

// Fields of `found` that `known` lacks, at the end and inside of structs. Names compare without regard to case unless `case_sensitive`.
StructType MergeNewFieldsInto(const StructType& known, const StructType& found, bool case_sensitive);

}  // namespace millstream
