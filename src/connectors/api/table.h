#pragma once

// table.h   What a batch query reads (and writes): the finite half of a connector.

#include <memory>
#include <string>
#include <vector>

#include "compute/compiled_plan.h"
#include "plan/logical_plan.h"

namespace millstream {

// A finite relation: what its snapshot held when the query was analyzed.
class BatchRelationSource : public RelationSource {
 public:
  bool is_streaming() const override { return false; }
  // The rows, with exactly the columns that `needs` names, in that order. Thread-safe.
  virtual Result<RowStreamPtr> Scan(const ScanNeeds& needs) const = 0;
};

}  // namespace millstream
