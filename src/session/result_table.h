#pragma once

// result_table.h   The few rows that a command answers with (SHOW TABLES, DESCRIBE …).

#include <string>
#include <vector>

#include "base/status.h"
#include "session/session.h"
#include "types/chunk_rows.h"
#include "types/value.h"

namespace millstream {

class ResultTable {
 public:
  // Columns are strings, booleans and longs.
  explicit ResultTable(StructType schema) : schema_(std::move(schema)) {}
  void AddRow(std::vector<Value> row);
  Result<QueryResult> Finish() const;

 private:
  StructType schema_;
  std::vector<std::vector<Value>> rows_;
};

inline Value TextValue(std::string text) { return Value{.held = std::move(text)}; }
inline Value TextOrNull(const std::optional<std::string>& text) { return text ? TextValue(*text) : Value{}; }
inline Value BoolValue(bool value) { return Value{.held = value}; }

// No columns, no rows: what a statement without an answer returns.
QueryResult EmptyResult();
// Rows that live as long as what they come from: `owner` is kept until they are dropped.
template <typename Owner>
RowStreamPtr OwnedRows(RowStreamPtr rows, Owner owner) {
  class Rows : public RowStream, public DeliversChunks {
   public:
    Rows(RowStreamPtr inner, Owner held) : owner_(std::move(held)), rows_(std::move(inner)) {}
    const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
    Result<RecordBatchPtr> Next() override { return rows_->Next(); }
    Result<SomeRows> NextChunks(const ChunkWishes& wishes) override { return NextOf(*rows_, wishes); }

   private:
    Owner owner_;
    RowStreamPtr rows_;
  };
  return std::make_unique<Rows>(std::move(rows), std::move(owner));
}

}  // namespace millstream
