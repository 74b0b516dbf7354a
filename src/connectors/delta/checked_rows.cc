#include "connectors/delta/checked_rows.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include "connectors/delta/expanded_rows.h"
#include "delta/delta_errors.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

class Checked : public ExpandedRows {
 public:
  Checked(RowStreamPtr rows, const StructType& schema, std::string condition, bool with_feed)
      : ExpandedRows(std::move(rows), ToArrowSchema(schema)), condition_(std::move(condition)), with_feed_(with_feed) {}

 private:
  Result<std::vector<RecordBatchPtr>> Expand(const arrow::RecordBatch& batch) override {
    MS_RETURN_IF_ERROR(Check(batch));
    std::vector<RecordBatchPtr> made(1);
    MS_ASSIGN_OR_RETURN(made[0], TableRows(batch, nullptr));
    if (!with_feed_) return made;
    MS_ASSIGN_OR_RETURN(RecordBatchPtr inserted, TableRows(batch, "insert"));
    made.push_back(std::move(inserted));
    return made;
  }

  Status Check(const arrow::RecordBatch& batch) const {
    const auto& holds = static_cast<const arrow::BooleanArray&>(*batch.column(batch.num_columns() - 1));
    const int64_t wrong = batch.num_rows() - holds.true_count();
    if (wrong == 0) return Status();
    return Status::Error(errors::kDeltaReplaceWhereMismatch,
                         {{"replaceWhere", condition_}, {"message", std::to_string(wrong) + " of " + std::to_string(batch.num_rows()) + " rows do not."}});
  }

  Result<RecordBatchPtr> TableRows(const arrow::RecordBatch& batch, const char* change_type) const {
    std::vector<std::shared_ptr<arrow::Array>> arrays(batch.columns().begin(), batch.columns().end() - 1);
    std::vector<std::shared_ptr<arrow::Field>> fields;
    for (size_t i = 0; i < arrays.size(); ++i) fields.push_back(arrow::field(schema()->field(static_cast<int>(i))->name(), arrays[i]->type()));
    if (with_feed_) {
      auto types = change_type ? arrow::MakeArrayFromScalar(arrow::StringScalar(change_type), batch.num_rows())
                               : arrow::MakeArrayOfNull(arrow::utf8(), batch.num_rows());
      if (!types.ok()) return FromArrowStatus(types.status(), "while rows are replaced");
      arrays.push_back(*types);
      fields.push_back(arrow::field(schema()->field(schema()->num_fields() - 1)->name(), arrow::utf8()));
    }
    return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.num_rows(), std::move(arrays));
  }

  const std::string condition_;
  const bool with_feed_;
};

}  // namespace

RowStreamPtr CheckedRows(RowStreamPtr rows, const StructType& schema, std::string condition, bool with_feed) {
  return std::make_unique<Checked>(std::move(rows), schema, std::move(condition), with_feed);
}

}  // namespace millstream
