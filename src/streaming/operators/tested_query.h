#pragma once

// tested_query.h   For the tests of the operators: a query in SQL over streams, batch by batch, with state that is closed and opened between any two of them;
// and keys of many types, some of which are equal though their bytes are not.

#include <arrow/array.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "streaming/operators/stream_plan.h"

namespace millstream {

// Values that a column may have, among them the ones that are hard to keep.
struct KeyDomain {
  std::string type;
  RecordBatchPtr values;          // one column
  std::vector<size_t> same_as;    // of each value, the one that stands for all that are equal to it
  std::vector<std::string> text;  // of each value

  size_t size() const { return text.size(); }
  bool IsNull(size_t value) const { return values->column(0)->IsNull(static_cast<int64_t>(value)); }
};
// Of SQL's types, without those that cannot be keys.
const std::vector<KeyDomain>& KeyDomains();

struct TestedRow {
  size_t key = 0;  // in the domain
  std::optional<int64_t> at_s;
  std::optional<int64_t> value;
};
using TestedRows = std::vector<TestedRow>;

class TestedQuery {
 public:
  struct Options {
    OutputMode mode = OutputMode::kAppend;
    std::vector<std::string> distinct;  // dropDuplicates by these columns, of the query's rows
    bool within_watermark = false;
    int64_t state_memory_bytes_max = int64_t{1} << 30;
  };

  // Streams t and u have the columns k, at: timestamp, v: bigint.
  TestedQuery(std::string sql, const KeyDomain& keys, Options options);
  TestedQuery(const TestedQuery&) = delete;
  ~TestedQuery();

  // As after the death of the process.
  void Restart();
  // Makes the next batch fail when all its rows have come out, before the state is committed: it must run again.
  void Abort();
  struct Batch {
    TestedRows t = {}, u = {};
    int64_t late_s = 0, eviction_s = 0;
  };
  // The rows that come out, values separated by |, sorted.
  std::vector<std::string> Run(const Batch& batch);
  // Of the operator that is the only one.
  StateOperatorProgress progress() const;

 private:
  RowStreamPtr RowsOf(const TestedRows& rows, const ScanNeeds& needs);
  Result<std::vector<std::string>> RunOnce(const Batch& batch);

  const std::string sql_;
  const KeyDomain& keys_;
  const Options options_;
  const std::string directory_;
  std::mt19937_64 random_{7};  // how rows come in pieces
  ComputeEngine engine_;
  std::vector<RelationSourcePtr> sources_;
  std::unique_ptr<StreamPlan> plan_;
  std::unique_ptr<StateStores> stores_;
  bool aborts_ = false;
};

// The same in each run, but for --gtest_shuffle --gtest_random_seed=N.
std::mt19937_64 RandomOfTest(uint64_t seed);
// Some rows, their times around `now_s`.
TestedRows RandomRows(std::mt19937_64& random, const KeyDomain& keys, int64_t now_s, int64_t rows_max);

}  // namespace millstream
