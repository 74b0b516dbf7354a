#include "formats/datetime_columns.h"

#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include "types/data_type.h"

namespace millstream {
namespace {

using ArrayDataPtr = std::shared_ptr<arrow::ArrayData>;

template <typename T>
Result<ArrayDataPtr> MapValues(const ArrayDataPtr& data, const std::function<Result<T>(T)>& map) {
  if (data->offset != 0) {
    auto whole = arrow::Concatenate({arrow::MakeArray(data)});
    MS_CHECK_MSG(whole.ok(), whole.status().ToString());
    return MapValues<T>((*whole)->data(), map);
  }
  auto made = arrow::AllocateBuffer(data->length * static_cast<int64_t>(sizeof(T)));
  MS_CHECK_MSG(made.ok(), made.status().ToString());
  const T* in = data->GetValues<T>(1);
  T* out = reinterpret_cast<T*>((*made)->mutable_data());
  for (int64_t row = 0; row < data->length; ++row) {
    out[row] = 0;
    if (data->IsNull(row)) continue;
    MS_ASSIGN_OR_RETURN(out[row], map(in[row]));
  }
  ArrayDataPtr mapped = data->Copy();
  mapped->buffers[1] = std::move(*made);
  return mapped;
}

Result<ArrayDataPtr> Mapped(const ArrayDataPtr& data, const DatetimeMap& map, int depth) {
  if (map.days && data->type->id() == arrow::Type::DATE32) return MapValues<int32_t>(data, map.days);
  if (map.micros && data->type->Equals(*map.from)) {
    MS_ASSIGN_OR_RETURN(ArrayDataPtr mapped, MapValues<int64_t>(data, map.micros));
    mapped->type = map.to;
    return mapped;
  }
  if (data->child_data.empty() || depth > kMaxTypeDepth) return data;
  ArrayDataPtr out = data->Copy();
  for (ArrayDataPtr& child : out->child_data) {
    MS_ASSIGN_OR_RETURN(child, Mapped(child, map, depth + 1));
  }
  // The type names the types of its children.
  switch (data->type->id()) {
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields = data->type->fields();
      for (size_t i = 0; i < fields.size(); ++i) fields[i] = fields[i]->WithType(out->child_data[i]->type);
      out->type = arrow::struct_(std::move(fields));
      break;
    }
    case arrow::Type::LIST:
      out->type = arrow::list(data->type->field(0)->WithType(out->child_data[0]->type));
      break;
    case arrow::Type::MAP: {
      const auto& pairs = *out->child_data[0]->type;
      out->type = std::make_shared<arrow::MapType>(pairs.field(0), pairs.field(1));
      break;
    }
    default:
      break;
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> MapDatetimes(const std::shared_ptr<arrow::Array>& array, const DatetimeMap& map) {
  MS_ASSIGN_OR_RETURN(ArrayDataPtr data, Mapped(array->data(), map, 0));
  return data == array->data() ? array : arrow::MakeArray(std::move(data));
}

}  // namespace millstream
