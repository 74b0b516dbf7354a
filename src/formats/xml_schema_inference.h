#pragma once

// xml_schema_inference.h   The schema that holds all records, as Spark's XmlInferSchema finds it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/xml_options.h"
#include "formats/xml_reader.h"
#include "types/data_type.h"

namespace millstream {

// Not thread-safe.
class XmlSchemaInference {
 public:
  explicit XmlSchemaInference(const XmlOptions& options) : options_(options) {}
  // The record whose start tag comes next. False: it is malformed, and so is what follows. Errors: the file cannot be read; FAILFAST and malformed.
  Result<bool> Record(XmlReader& reader);
  // What is malformed counts as a record. Error: FAILFAST.
  Status Malformed();
  StructType Finish() const;

 private:
  // A malformed element has no type.
  using Found = std::optional<DataType>;
  Result<Found> Object(XmlReader& reader, const std::vector<XmlAttribute>& attributes, int depth);
  Result<Found> Field(XmlReader& reader, int depth);
  Result<bool> Child(XmlReader& reader, const XmlEvent& start, int depth, std::vector<StructField>* fields);
  void Add(std::vector<StructField>* fields, const std::string& name, const DataType& type) const;
  DataType Scalar(std::string_view text) const;
  DataType Compatible(const DataType& a, const DataType& b) const;
  DataType CompatibleStructs(const DataType& a, const DataType& b) const;
  std::vector<StructField> AttributeFields(const std::vector<XmlAttribute>& attributes) const;

  const XmlOptions& options_;
  DataType root_ = DataType::Struct(StructType());
};

}  // namespace millstream
