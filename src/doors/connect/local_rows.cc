#include "doors/connect/local_rows.h"

#include <arrow/array/builder_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>

#include "types/arrow_types.h"

namespace millstream {

LocalRows::Cell CellOf(const std::optional<std::string>& text) { return text ? LocalRows::Cell(*text) : LocalRows::Cell(); }

Result<PlanPtr> LocalRows::Build() const {
  ArrowSchemaPtr schema = ToArrowSchema(schema_);
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (size_t c = 0; c < schema_.size(); ++c) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    arrow::Status status = arrow::MakeBuilder(arrow::default_memory_pool(), schema->field(static_cast<int>(c))->type(), &builder);
    for (const std::vector<Cell>& row : rows_) {
      if (!status.ok()) break;
      const Cell& cell = row[c];
      if (const std::string* text = std::get_if<std::string>(&cell)) {
        status = static_cast<arrow::StringBuilder&>(*builder).Append(*text);
      } else if (const bool* flag = std::get_if<bool>(&cell)) {
        status = static_cast<arrow::BooleanBuilder&>(*builder).Append(*flag);
      } else if (const auto* texts = std::get_if<std::vector<std::string>>(&cell)) {
        auto& list = static_cast<arrow::ListBuilder&>(*builder);
        status = list.Append();
        for (const std::string& text : *texts) {
          if (status.ok()) status = static_cast<arrow::StringBuilder&>(*list.value_builder()).Append(text);
        }
      } else {
        status = builder->AppendNull();
      }
    }
    std::shared_ptr<arrow::Array> array;
    if (status.ok()) status = builder->Finish(&array);
    if (!status.ok()) return FromArrowStatus(status, "making a small result");
    columns.push_back(std::move(array));
  }
  LocalRelation local{schema_, {}, {}};
  local.batches.push_back(arrow::RecordBatch::Make(schema, static_cast<int64_t>(rows_.size()), std::move(columns)));
  return MakePlan(std::move(local));
}

}  // namespace millstream
