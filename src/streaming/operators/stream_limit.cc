#include "streaming/operators/stream_limit.h"

#include <algorithm>
#include <charconv>
#include <mutex>

#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr std::string_view kKey = "rows";

}  // namespace

class StreamLimitOperator::Rows : public RowStream {
 public:
  Rows(StreamLimitOperator& owner, RowStreamPtr input, StateStore* store, int64_t rows_before)
      : owner_(owner), input_(std::move(input)), store_(store), schema_(ToArrowSchema(owner.columns_)), before_(rows_before), rows_(rows_before) {}
  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    while (!done_) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, input_->Next());
      if (rows == nullptr) {
        done_ = true;
        MS_RETURN_IF_ERROR(store_->Put(kKey, std::to_string(rows_)));
        owner_.progress_ = {
            .name = owner_.name(), .rows_total = store_->rows(), .rows_updated = rows_ > before_ ? 1 : 0, .memory_bytes = store_->memory_bytes()};
        break;
      }
      // What is below has to see all rows, also those that nobody wants.
      const int64_t taken = std::min(rows->num_rows(), owner_.rows_max_ - rows_);
      if (taken <= 0) continue;
      rows_ += taken;
      return rows->Slice(0, taken);
    }
    return RecordBatchPtr();
  }

 private:
  StreamLimitOperator& owner_;
  const RowStreamPtr input_;
  StateStore* const store_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  const int64_t before_;
  int64_t rows_;  // let out in all batches
  bool done_ = false;
};

Result<RowStreamPtr> StreamLimitOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  progress_ = {};
  MS_ASSIGN_OR_RETURN(StateStore * store, batch.stores->Store({.operator_id = operator_id}));
  std::string text;
  MS_ASSIGN_OR_RETURN(bool found, store->Get(kKey, &text));
  int64_t before = 0;
  if (found) std::from_chars(text.data(), text.data() + text.size(), before);
  return RowStreamPtr(std::make_unique<Rows>(*this, std::move(inputs.at(0)), store, before));
}

}  // namespace millstream
