#include "connectors/delta/named_values.h"

#include <arrow/array.h>

#include "formats/cell_text_writer.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// A long text would hide the others.
constexpr size_t kTextBytesMax = 1000;

std::string TextOf(const arrow::Array& array, const DataType& type, int64_t row) {
  std::string text;
  switch (type.id()) {
    case TypeId::kDate:
      return std::to_string(static_cast<const arrow::Date32Array&>(array).Value(row));
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return std::to_string(static_cast<const arrow::TimestampArray&>(array).Value(row));
    case TypeId::kString:
      text = static_cast<const arrow::StringArray&>(array).GetString(row);
      break;
    case TypeId::kStruct:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kBinary:
    case TypeId::kVariant: {
      const JsonRowText json(StructType({{"v", type}}), {.keep_nulls = true});
      json.AppendRow({array.Slice(row, 1)}, 0, text);
      text = text.substr(5, text.size() - 6);  // within {"v":…}
      break;
    }
    default:
      AppendScalarText(array, row, type, TimeZone::Utc(), text);
  }
  if (text.size() > kTextBytesMax) text = text.substr(0, kTextBytesMax) + "…";
  return text;
}

}  // namespace

std::string NamedValue(const StructType& table, const arrow::RecordBatch& rows, int64_t row, const std::vector<std::string>& path) {
  std::string name;
  for (const std::string& part : path) name += (name.empty() ? "" : ".") + part;
  const StructType* fields = &table;
  std::shared_ptr<arrow::Array> array;
  DataType type;
  for (const std::string& part : path) {
    if (array != nullptr && (type.id() != TypeId::kStruct || array->IsNull(row))) return name + " : null";
    const std::optional<size_t> at = fields->IndexOf(part);
    if (!at) return name + " : null";
    array = array == nullptr ? rows.column(static_cast<int>(*at)) : static_cast<const arrow::StructArray&>(*array).field(static_cast<int>(*at));
    type = DataType((*fields)[*at].type);
    if (type.id() == TypeId::kStruct) fields = &type.fields();
  }
  return name + " : " + (array->IsNull(row) ? "null" : TextOf(*array, type, row));
}

}  // namespace millstream
