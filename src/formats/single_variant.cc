#include "formats/single_variant.h"

#include <algorithm>

namespace millstream {
namespace {

constexpr ErrorClass kInvalidSingleVariantColumn{
    "INVALID_SINGLE_VARIANT_COLUMN", "42613", ExceptionKind::kAnalysis,
    "User specified schema <schema> is invalid when the `singleVariantColumn` option is enabled. The schema must either be a variant field, or a variant field "
    "plus a corrupt column field."};

}  // namespace

Status CheckSingleVariantSchema(const FileScan& scan, const std::string& variant_column, const std::string& corrupt_record_column) {
  int variants = 0, others = 0;
  for (const StructField& field : scan.data_schema) {
    if (field.name == corrupt_record_column || (!scan.rescued_data_column.empty() && field.name == scan.rescued_data_column)) continue;
    ++(field.type.id() == TypeId::kVariant && field.name == variant_column ? variants : others);
  }
  if (variants == 1 && others == 0) return Status::Ok();
  return Status::Error(kInvalidSingleVariantColumn, {{"schema", "\"" + DataType::Struct(scan.data_schema).Sql() + "\""}});
}

std::string SingleVariantColumn(const OptionMap& options) {
  const auto column = options.find("singleVariantColumn");
  return column == options.end() ? "" : column->second;
}

}  // namespace millstream
