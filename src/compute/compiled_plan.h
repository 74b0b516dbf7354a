#pragma once

// compiled_plan.h   An analyzed plan, ready to run as often as there are batches: Arrow in, Arrow out, Spark's semantics.
//
// The only room that knows DuckDB. A plan that only picks, renames or casts-to-the-same-type columns never reaches it.

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "plan/logical_plan.h"
#include "types/row_stream.h"

namespace millstream {

struct ComputeConf {
  std::string time_zone = "UTC";
  int threads = 2;
  int64_t memory_bytes_max = int64_t{4} << 30;
};

// One DuckDB in process, opened on first use (an idle server does not pay for it). Thread-safe. Locked down: no external access,
// no extension, no configuration change.
class ComputeEngine {
 public:
  explicit ComputeEngine(ComputeConf conf);
  ~ComputeEngine();

  class Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// What to read for a leaf: the columns (by name, in order) of its output that the plan uses.
struct ScanNeeds {
  std::vector<std::string> columns;
  // Conjuncts over the scan's attributes that hold for every row that the plan wants; a scan may use them to skip, never must.
  std::vector<ExprPtr> filters;
};

// Cancels a running query from another thread.
class CancelToken {
 public:
  void Cancel() { cancelled_.store(true); }
  bool cancelled() const { return cancelled_.load(); }

 private:
  std::atomic<bool> cancelled_{false};
};

// Not thread-safe: one query owns one CompiledPlan.
class CompiledPlan {
 public:
  virtual ~CompiledPlan() = default;
  static Result<std::unique_ptr<CompiledPlan>> Compile(PlanPtr analyzed, ComputeEngine& engine, const ComputeConf& conf);

  virtual const StructType& schema() const = 0;
  // The plan's ScanRelation leaves, in plan order, with what each must deliver.
  virtual const std::vector<std::pair<RelationSourcePtr, ScanNeeds>>& scans() const = 0;
  // Runs once over these inputs: one stream a leaf, in the order of scans(), each with the columns that its ScanNeeds names. The result's Arrow schema is
  // ToArrowSchema(schema()). Rows come in the plan's order when it has one (sort), else in any.
  // Errors while running (DIVIDE_BY_ZERO, CAST_INVALID_INPUT, …) come out of the stream's Next.
  virtual Result<RowStreamPtr> Run(std::vector<RowStreamPtr> inputs, std::shared_ptr<CancelToken> cancel = nullptr) = 0;
};

}  // namespace millstream
