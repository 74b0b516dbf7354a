#include "types/row_stream.h"

#include <atomic>

namespace millstream {
namespace {

class MemoryRowStream : public RowStream {
 public:
  MemoryRowStream(ArrowSchemaPtr schema, std::vector<RecordBatchPtr> batches) : schema_(std::move(schema)), batches_(std::move(batches)) {}
  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    for (;;) {
      size_t index = next_.fetch_add(1);
      if (index >= batches_.size()) return RecordBatchPtr();
      if (batches_[index]->num_rows() > 0) return batches_[index];
    }
  }

 private:
  ArrowSchemaPtr schema_;
  std::vector<RecordBatchPtr> batches_;
  std::atomic<size_t> next_{0};
};

}  // namespace

RowStreamPtr MakeRowStream(ArrowSchemaPtr schema, std::vector<RecordBatchPtr> batches) {
  return std::make_unique<MemoryRowStream>(std::move(schema), std::move(batches));
}

Result<std::vector<RecordBatchPtr>> Drain(RowStream& rows) {
  std::vector<RecordBatchPtr> batches;
  for (;;) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.Next());
    if (!batch) return batches;
    batches.push_back(std::move(batch));
  }
}

}  // namespace millstream
