#pragma once

// local_rows.h   Small results that the door itself makes: show(), spark.catalog, SHOW TABLES sent back as a relation.

#include <optional>
#include <string>
#include <vector>

#include "plan/logical_plan.h"

namespace millstream {

// Builds a LocalRelation row by row. Columns are string, boolean or array<string>.
class LocalRows {
 public:
  using Cell = std::variant<std::monostate, std::string, bool, std::vector<std::string>>;
  explicit LocalRows(StructType schema) : schema_(std::move(schema)) {}
  void Add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  Result<PlanPtr> Build() const;

 private:
  StructType schema_;
  std::vector<std::vector<Cell>> rows_;
};

// An optional text as a cell.
LocalRows::Cell CellOf(const std::optional<std::string>& text);

}  // namespace millstream
