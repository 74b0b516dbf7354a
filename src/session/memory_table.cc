#include "session/memory_table.h"

#include <arrow/record_batch.h>

#include "types/arrow_types.h"

namespace millstream {
namespace {

class MemorySink : public Sink {
 public:
  MemorySink(std::shared_ptr<MemoryTable> table, OutputMode mode) : table_(std::move(table)), mode_(mode) {}
  std::string description() const override { return "MemorySink"; }
  Result<BatchResult> AddBatch(BatchId batch_id, const StructType&, RowStream& rows) override {
    if (table_->LastBatch() && *table_->LastBatch() >= batch_id) return BatchResult{.rows_out = 0, .was_done_before = true};
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(rows));
    BatchResult result;
    for (const RecordBatchPtr& batch : batches) result.rows_out += batch->num_rows();
    table_->AddBatch(batch_id, std::move(batches), mode_ == OutputMode::kComplete);
    return result;
  }

 private:
  std::shared_ptr<MemoryTable> table_;
  const OutputMode mode_;
};

class MemoryRelation : public BatchRelationSource {
 public:
  MemoryRelation(std::string name, std::shared_ptr<MemoryTable> table) : name_(std::move(name)), table_(std::move(table)), rows_(table_->Rows()) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return table_->schema(); }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    std::vector<int> picked;
    StructType wanted;
    for (const std::string& column : needs.columns) {
      std::optional<size_t> at = schema().IndexOf(column, true);
      if (!at) return Status::Internal("no column " + column + " in " + name_);
      picked.push_back(static_cast<int>(*at));
      wanted.Add(schema()[*at]);
    }
    std::vector<RecordBatchPtr> batches;
    for (const RecordBatchPtr& batch : rows_) {
      auto selected = batch->SelectColumns(picked);
      if (!selected.ok()) return FromArrowStatus(selected.status(), "reading " + name_);
      batches.push_back(*selected);
    }
    return MakeRowStream(ToArrowSchema(wanted), std::move(batches));
  }

 private:
  std::string name_;
  std::shared_ptr<MemoryTable> table_;
  std::vector<RecordBatchPtr> rows_;
};

}  // namespace

void MemoryTable::AddBatch(BatchId id, std::vector<RecordBatchPtr> rows, bool replaces) {
  std::lock_guard lock(mutex_);
  if (replaces) batches_.clear();
  batches_.emplace(id.value(), std::move(rows));
}

std::vector<RecordBatchPtr> MemoryTable::Rows() const {
  std::lock_guard lock(mutex_);
  std::vector<RecordBatchPtr> rows;
  for (const auto& [id, batch] : batches_) rows.insert(rows.end(), batch.begin(), batch.end());
  return rows;
}

std::optional<BatchId> MemoryTable::LastBatch() const {
  std::lock_guard lock(mutex_);
  if (batches_.empty()) return std::nullopt;
  return BatchId(batches_.rbegin()->first);
}

std::shared_ptr<MemoryTable> MemoryTables::Create(const std::string& name, const StructType& schema) {
  auto table = std::make_shared<MemoryTable>(schema);
  std::lock_guard lock(mutex_);
  tables_[name] = table;
  return table;
}

std::shared_ptr<MemoryTable> MemoryTables::Find(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : found->second;
}

std::unique_ptr<Sink> MakeMemorySink(std::shared_ptr<MemoryTable> table, OutputMode mode) { return std::make_unique<MemorySink>(std::move(table), mode); }

RelationSourcePtr MakeMemoryRelation(std::string name, std::shared_ptr<MemoryTable> table) {
  return std::make_shared<MemoryRelation>(std::move(name), std::move(table));
}

}  // namespace millstream
