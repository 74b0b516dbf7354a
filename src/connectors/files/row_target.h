#pragma once

// row_target.h   Rows of a stream's files that the table they go to cannot take (a null for a NOT NULL column, a number that is too large for a narrower one):
// found while they are read, so that they count as bad records of their file.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/bad_records.h"
#include "types/row_stream.h"

namespace millstream {

class RowRules;  // delta/row_rules.h

// Where the rows go, known before the stream starts. Unset: they are changed on their way, or go elsewhere than to a table.
struct RowTarget {
  std::vector<std::pair<std::string, std::string>> columns;  // of the source, and what each of them is called in the table
  std::string path;
  std::function<Result<std::optional<StructType>>()> schema;       // of the table as it is now; nullopt: there is none yet
  std::function<Result<std::shared_ptr<const RowRules>>()> rules;  // of that table; unset: they cannot be asked of the source's columns alone
};

// Of the batches of one read. Thread-safe.
class RowSieve {
 public:
  // `columns`: what the scan reads. Null: nothing is to be looked at.
  static Result<std::unique_ptr<RowSieve>> Create(const RowTarget& target, const StructType& columns);
  virtual ~RowSieve() = default;
  using Take = std::function<Status(const BadRecord& row)>;
  // The rows that fit; `take` gets the others.
  virtual Result<RecordBatchPtr> Sift(const RecordBatchPtr& batch, const Take& take) const = 0;
};

}  // namespace millstream
