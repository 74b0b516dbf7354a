#include "formats/parquet_variants.h"

#include <arrow/extension/parquet_variant.h>
#include <arrow/extension_type.h>
#include <arrow/util/bitmap_ops.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>

#include "types/arrow_types.h"

namespace millstream {
namespace {

using ArrowTypePtr = std::shared_ptr<arrow::DataType>;

const ArrowTypePtr& VariantType() {
  static const ArrowTypePtr type = ToArrowType(DataType::Variant());
  return type;
}

bool HoldsVariants(const arrow::DataType& type) {
  if (IsVariantType(type)) return true;
  return std::any_of(type.fields().begin(), type.fields().end(), [](const auto& field) { return HoldsVariants(*field->type()); });
}

// The type with other children.
ArrowTypePtr Rebuilt(const arrow::DataType& type, arrow::FieldVector children) {
  switch (type.id()) {
    case arrow::Type::STRUCT:
      return arrow::struct_(std::move(children));
    case arrow::Type::LIST:
      return arrow::list(children[0]);
    case arrow::Type::MAP:
      return std::make_shared<arrow::MapType>(children[0]);
    default:  // Arrow's types: our own nested ones are these.
      MS_CHECK_MSG(false, type.ToString());
  }
  return nullptr;
}

Status Shredded(const std::string& column) {
  return Status::Unsupported("Reading the shredded VARIANT column " + column, "Write it without shredding (spark.sql.variant.writeShredding.enabled = false).");
}

Result<std::shared_ptr<arrow::Field>> Mark(const std::shared_ptr<arrow::Field>& field, const parquet::schema::Node& node, const std::string& path) {
  if (!node.is_group() || field->type()->id() != arrow::Type::STRUCT) return field;
  const auto& group = static_cast<const parquet::schema::GroupNode&>(node);
  if (node.logical_type() && node.logical_type()->is_variant()) {
    if (group.FieldIndex("typed_value") >= 0) return Shredded(path);
    if (group.field_count() == 2 && group.FieldIndex("value") >= 0 && group.FieldIndex("metadata") >= 0) return field->WithType(VariantType());
    return field;
  }
  if (group.field_count() != field->type()->num_fields()) return field;
  arrow::FieldVector children;
  bool changed = false;
  for (int i = 0; i < group.field_count(); ++i) {
    const auto& child = field->type()->field(i);
    MS_ASSIGN_OR_RETURN(auto marked, Mark(child, *group.field(i), path + "." + child->name()));
    changed = changed || marked != child;
    children.push_back(std::move(marked));
  }
  return changed ? field->WithType(arrow::struct_(std::move(children))) : field;
}

// Children as StructArray::field slices them, so the validity must start where they do.
Result<std::shared_ptr<arrow::Buffer>> ValidityOf(const arrow::Array& array) {
  if (array.null_count() == 0) return std::shared_ptr<arrow::Buffer>();
  auto copied = arrow::internal::CopyBitmap(arrow::default_memory_pool(), array.null_bitmap_data(), array.offset(), array.length());
  if (!copied.ok()) return FromArrowStatus(copied.status(), "reading a VARIANT column");
  return *copied;
}

}  // namespace

bool IsVariantType(const arrow::DataType& type) { return type.id() == arrow::Type::STRUCT && type.Equals(*VariantType(), /*check_metadata=*/true); }

ArrowTypePtr WithVariantAnnotation(const ArrowTypePtr& type) {
  if (!HoldsVariants(*type)) return type;
  if (IsVariantType(*type)) {
    // The library writes the parts in this order, whatever that of the storage is.
    return std::make_shared<arrow::extension::VariantExtensionType>(
        arrow::struct_({arrow::field("metadata", arrow::binary(), false), arrow::field("value", arrow::binary(), false)}));
  }
  arrow::FieldVector children;
  for (const auto& child : type->fields()) children.push_back(child->WithType(WithVariantAnnotation(child->type())));
  return Rebuilt(*type, std::move(children));
}

std::shared_ptr<arrow::Array> AnnotateVariants(const std::shared_ptr<arrow::Array>& array, const ArrowTypePtr& type) {
  if (array->type()->Equals(*type)) return array;
  const auto relabel = [](const auto& self, const std::shared_ptr<arrow::ArrayData>& data, const ArrowTypePtr& to) -> std::shared_ptr<arrow::ArrayData> {
    auto copy = data->Copy();
    copy->type = to;
    if (to->id() == arrow::Type::EXTENSION) {
      std::swap(copy->child_data[0], copy->child_data[1]);
      // The two parts are required: where there is no variant they are empty.
      for (auto& part : copy->child_data) {
        part = part->Copy();
        part->buffers[0] = nullptr;
        part->null_count = 0;
      }
      return copy;
    }
    for (size_t i = 0; i < copy->child_data.size(); ++i) copy->child_data[i] = self(self, copy->child_data[i], to->field(static_cast<int>(i))->type());
    return copy;
  };
  return arrow::MakeArray(relabel(relabel, array->data(), type));
}

Result<ArrowSchemaPtr> MarkVariants(const ArrowSchemaPtr& schema, const parquet::FileMetaData& file) {
  const parquet::schema::GroupNode& root = *file.schema()->group_node();
  if (root.field_count() != schema->num_fields()) return schema;
  arrow::FieldVector fields;
  for (int i = 0; i < root.field_count(); ++i) {
    MS_ASSIGN_OR_RETURN(auto field, Mark(schema->field(i), *root.field(i), schema->field(i)->name()));
    fields.push_back(std::move(field));
  }
  return arrow::schema(std::move(fields), schema->metadata());
}

Result<std::shared_ptr<arrow::Array>> ToVariants(const std::shared_ptr<arrow::Array>& array, const ArrowTypePtr& type, const std::string& column) {
  if (array->type()->Equals(*type, /*check_metadata=*/true) || !HoldsVariants(*type)) return array;
  if (array->type_id() == arrow::Type::EXTENSION) return ToVariants(static_cast<const arrow::ExtensionArray&>(*array).storage(), type, column);
  if (array->type_id() != arrow::Type::STRUCT || type->id() != arrow::Type::STRUCT) return array;
  const auto& group = static_cast<const arrow::StructArray&>(*array);
  std::vector<std::shared_ptr<arrow::Array>> children;
  if (IsVariantType(*type) && group.struct_type()->GetFieldIndex("typed_value") >= 0) return Shredded(column);
  for (const auto& field : type->fields()) {
    const int index = group.struct_type()->GetFieldIndex(field->name());
    if (index < 0) return array;
    MS_ASSIGN_OR_RETURN(auto child, ToVariants(group.field(index), field->type(), column + "." + field->name()));
    if (IsVariantType(*type) && child->type_id() != arrow::Type::BINARY) return array;
    children.push_back(std::move(child));
  }
  MS_ASSIGN_OR_RETURN(auto validity, ValidityOf(group));
  return std::make_shared<arrow::StructArray>(type, group.length(), std::move(children), std::move(validity), group.null_count());
}

}  // namespace millstream
