#pragma once

// row_changes.h   DELETE, UPDATE and MERGE, analyzed: which rows of a table change, and into what. All three have one shape, that of MERGE; DELETE and
// UPDATE have no source.
//
// The table is read through a RelationSource with two metadata columns that tell a row's place: kRowFileColumn (INT) and kRowIndexColumn (LONG).

#include <optional>
#include <string>
#include <vector>

#include "plan/analyzer.h"
#include "plan/command.h"

namespace millstream {

inline constexpr char kRowFileColumn[] = "__millstream_file";
inline constexpr char kRowIndexColumn[] = "__millstream_row";

struct RowChanges {
  enum class When { kMatched, kNotMatched, kNotMatchedBySource };
  struct Clause {
    When when = When::kMatched;
    MergeClause::Kind action = MergeClause::Kind::kUpdate;
    ExprPtr condition;            // or null
    std::vector<ExprPtr> values;  // of update and insert: one a column of the table, of its type or an integer type that is wider
  };
  PlanPtr target;
  std::vector<AttributeRef> columns;  // of the table
  AttributeRef file, row;             // a row's place
  PlanPtr source;                     // null for DELETE and UPDATE
  ExprPtr condition;                  // ON, or WHERE; null: every row
  std::vector<Clause> clauses;

  bool Has(When when) const;
  // A row that several rows of the source match is no error: it is deleted, whichever of them says so.
  bool IsOnlyDelete() const;
};

// Under `name` (spark_catalog.default.t) the table's columns are known, unless the statement gives it an alias.
// Errors beside those of any query: DELTA_MERGE_UNRESOLVED_EXPRESSION, DELTA_UNSUPPORTED_SUBQUERY, DELTA_CONFLICT_SET_COLUMN,
// DELTA_DUPLICATE_COLUMNS_ON_INSERT, UNSUPPORTED_EXPR_FOR_OPERATOR, INVALID_NON_DETERMINISTIC_EXPRESSIONS.
Result<RowChanges> AnalyzeDelete(const DeleteFrom& statement, const RelationSourcePtr& table, const std::vector<std::string>& name, Catalog& catalog,
                                 const AnalyzerConf& conf);
Result<RowChanges> AnalyzeUpdate(const UpdateTable& statement, const RelationSourcePtr& table, const std::vector<std::string>& name, Catalog& catalog,
                                 const AnalyzerConf& conf);
// With `evolves`, the table's schema has the source's new columns already: a star leaves alone what the source does not have.
Result<RowChanges> AnalyzeMerge(const MergeInto& statement, const RelationSourcePtr& table, const std::vector<std::string>& name, bool evolves,
                                Catalog& catalog, const AnalyzerConf& conf);

// The plan that says it row by row. Its columns: the number of the clause (INT; -1: source and target match, and no clause applies), the row's place (INT,
// LONG; null for an insert), the new values when `with_new` (one a column of the table), the old values when `with_old`. `source_rows` stands in place of
// the source and has its columns; null: the source itself.
PlanPtr ChangePlan(const RowChanges& changes, const PlanPtr& source_rows, bool with_new, bool with_old);

// The condition, asked of other rows: `columns` stand in place of the table's. Never null; false where it is unknown.
ExprPtr ConditionOn(const RowChanges& changes, const std::vector<AttributeRef>& columns);

// The conjuncts of the condition that speak of the table alone.
std::vector<ExprPtr> TargetConjuncts(const RowChanges& changes);
// Columns of source and table that the condition wants equal (`table` = `source`), beside other things.
std::vector<std::pair<AttributeRef, AttributeRef>> EqualColumns(const RowChanges& changes);

}  // namespace millstream
