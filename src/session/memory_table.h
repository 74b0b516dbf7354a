#pragma once

// memory_table.h   Tables in memory: what writeStream.format("memory").queryName("t") fills and a query on `t` reads.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/api/table.h"

namespace millstream {

// Thread-safe.
class MemoryTable {
 public:
  explicit MemoryTable(StructType schema) : schema_(std::move(schema)) {}
  const StructType& schema() const { return schema_; }
  // Takes each batch id once. `replaces`: the rows stand in place of all before (output mode complete).
  void AddBatch(BatchId id, std::vector<RecordBatchPtr> rows, bool replaces = false);
  std::vector<RecordBatchPtr> Rows() const;
  std::optional<BatchId> LastBatch() const;

 private:
  const StructType schema_;
  mutable std::mutex mutex_;
  std::map<int64_t, std::vector<RecordBatchPtr>> batches_;  // GUARDED_BY(mutex_)
};

// Thread-safe.
class MemoryTables {
 public:
  // Replaces the table of an earlier query of that name.
  std::shared_ptr<MemoryTable> Create(const std::string& name, const StructType& schema);
  std::shared_ptr<MemoryTable> Find(const std::string& name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<MemoryTable>> tables_;  // GUARDED_BY(mutex_)
};

// Append and update add rows, complete replaces them.
std::unique_ptr<Sink> MakeMemorySink(std::shared_ptr<MemoryTable> table, OutputMode mode);
RelationSourcePtr MakeMemoryRelation(std::string name, std::shared_ptr<MemoryTable> table);

}  // namespace millstream
