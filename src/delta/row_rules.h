#pragma once

// row_rules.h   What a table demands of its rows beyond their types: CHECK constraints (delta.constraints.*), column invariants (delta.invariants), NOT NULL
// within structs; and what it computes of them: generated columns (delta.generationExpression). The expressions are SQL, which this room does not know:
// connectors/delta/table_rules.h makes what is asked for here.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "delta/actions.h"
#include "types/generated_column.h"
#include "types/row_stream.h"

namespace millstream {

// Sees one thread's batches. Not thread-safe.
class RowRuler {
 public:
  virtual ~RowRuler() = default;
  // `rows` with all columns of the table, those of generated columns that do not come with the rows as nulls → the same with these computed, when all rows
  // are as the table wants them. DELTA_VIOLATE_CONSTRAINT_WITH_VALUES, DELTA_NOT_NULL_CONSTRAINT_VIOLATED; and what the expressions themselves end in.
  virtual Result<RecordBatchPtr> Apply(const RecordBatchPtr& rows) = 0;
  // A row that the table refuses.
  struct Violation {
    int64_t row = 0;
    Status why;
  };
  // All of them, in the order of the rows. An expression that fails for a row is a violation, too.
  virtual Result<std::vector<Violation>> Find(const RecordBatchPtr& rows) = 0;
};

// Immutable, thread-safe.
class RowRules {
 public:
  virtual ~RowRules() = default;
  // For rows that come with the columns of `given` (by name); other generated columns are computed.
  virtual Result<std::unique_ptr<RowRuler>> Start(const StructType& given) const = 0;
};
using RowRulesPtr = std::shared_ptr<const RowRules>;

// What a writer's session says of the meaning of expressions.
struct RuleConf {
  std::string time_zone = "UTC";
  bool ansi = true;
};

// Makes the rules of tables. Thread-safe.
class RowRulesMaker {
 public:
  virtual ~RowRulesMaker() = default;
  // Expressions that cannot be understood are refused by name: MILLSTREAM_UNSUPPORTED, and what the analysis says.
  virtual Result<RowRulesPtr> Make(const Metadata& table, const RuleConf& conf) const = 0;
};

// SQL of the column's invariant; nullopt: it has none. One that says anything else is MILLSTREAM_UNSUPPORTED.
Result<std::optional<std::string>> InvariantOf(const StructField& column);

// Empty, or why rows of the table must be looked at one by one: "the table has CHECK constraints".
std::string WhyRowsAreLookedAt(const Metadata& table);

// The table's columns as rows may come: a generated column that `given` lacks may be null until it is computed.
StructType BeforeRules(const StructType& table, const StructType& given);

}  // namespace millstream
