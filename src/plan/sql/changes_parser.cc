// changes_parser.cc   DELETE, UPDATE, MERGE, and ALTER TABLE's properties and constraints.

#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"

namespace millstream {
namespace {

bool IsName(const Token& token) { return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName; }

}  // namespace

// "t", "t AS a", "delta.`/path` a".
Result<ChangeTarget> SqlParser::ParseChangeTarget() {
  ChangeTarget target;
  MS_ASSIGN_OR_RETURN(target.table, ParseName());
  bool as = cursor_.TakeWord("AS");
  bool at_clause = cursor_.AtWord("WHERE") || cursor_.AtWord("SET") || cursor_.AtWord("USING");
  if (as || (IsName(cursor_.Peek()) && !at_clause)) {
    MS_ASSIGN_OR_RETURN(target.alias, cursor_.ExpectName());
  }
  return target;
}

Result<Statement> SqlParser::ParseDelete() {
  cursor_.Advance();
  cursor_.Advance();
  DeleteFrom statement;
  MS_ASSIGN_OR_RETURN(statement.target, ParseChangeTarget());
  if (cursor_.TakeWord("WHERE")) {
    MS_ASSIGN_OR_RETURN(statement.condition, ParseExpression());
  }
  return Statement(Command{std::move(statement)});
}

// An expression, or DEFAULT.
Result<ExprPtr> SqlParser::ParseAssignedValue() {
  if (cursor_.AtWord("DEFAULT") && !cursor_.AtSymbol(".", 1) && !cursor_.AtSymbol("(", 1)) {
    cursor_.Advance();
    return ExprPtr();
  }
  return ParseExpression();
}

Result<std::vector<Assignment>> SqlParser::ParseAssignments() {
  std::vector<Assignment> assignments;
  do {
    Assignment assignment;
    MS_ASSIGN_OR_RETURN(assignment.column, ParseName());
    if (!cursor_.TakeSymbol("==")) MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("="));
    MS_ASSIGN_OR_RETURN(assignment.value, ParseAssignedValue());
    assignments.push_back(std::move(assignment));
  } while (cursor_.TakeSymbol(","));
  return assignments;
}

Result<Statement> SqlParser::ParseUpdate() {
  cursor_.Advance();
  UpdateTable statement;
  MS_ASSIGN_OR_RETURN(statement.target, ParseChangeTarget());
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("SET"));
  MS_ASSIGN_OR_RETURN(statement.assignments, ParseAssignments());
  if (cursor_.TakeWord("WHERE")) {
    MS_ASSIGN_OR_RETURN(statement.condition, ParseExpression());
  }
  return Statement(Command{std::move(statement)});
}

Result<Statement> SqlParser::ParseMerge() {
  const Token start = cursor_.Peek();
  cursor_.Advance();
  MergeInto merge;
  if (cursor_.AtWords("WITH", "SCHEMA") && cursor_.AtWord("EVOLUTION", 2)) {
    for (int i = 0; i < 3; ++i) cursor_.Advance();
    merge.with_schema_evolution = true;
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("INTO"));
  MS_ASSIGN_OR_RETURN(merge.target, ParseChangeTarget());
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("USING"));
  MS_ASSIGN_OR_RETURN(merge.source, ParseRelationPrimary());
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("ON"));
  MS_ASSIGN_OR_RETURN(merge.condition, ParseExpression());
  Token last = start;
  for (size_t at = cursor_.position(); cursor_.AtWord("WHEN"); at = cursor_.position()) {
    MS_RETURN_IF_ERROR(ParseWhen(merge, start));
    last = tokens_.tokens()[cursor_.position() > at ? cursor_.position() - 1 : at];
  }
  if (merge.matched.empty() && merge.not_matched.empty() && merge.not_matched_by_source.empty()) {
    if (!cursor_.AtEnd() && !cursor_.AtSymbol(";")) return cursor_.SyntaxError();
    return cursor_.ErrorWithin(start, tokens_.tokens()[cursor_.position() - 1], errors::kMergeWithoutWhen, {});
  }
  for (auto [clauses, error_class] :
       {std::pair(&merge.matched, &errors::kMatchedWithoutCondition), std::pair(&merge.not_matched, &errors::kNotMatchedWithoutCondition),
        std::pair(&merge.not_matched_by_source, &errors::kNotMatchedBySourceWithoutCondition)}) {
    for (size_t i = 0; i + 1 < clauses->size(); ++i) {
      if (!(*clauses)[i].condition) return cursor_.ErrorWithin(start, last, *error_class, {});
    }
  }
  return Statement(Command{std::move(merge)});
}

// "WHEN [NOT] MATCHED [BY SOURCE | BY TARGET] [AND …] THEN …".
Status SqlParser::ParseWhen(MergeInto& merge, const Token& start) {
  cursor_.Advance();
  const bool is_not = cursor_.TakeWord("NOT");
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("MATCHED"));
  bool by_source = false;
  if (is_not && cursor_.TakeWord("BY")) {
    by_source = cursor_.TakeWord("SOURCE");
    if (!by_source) MS_RETURN_IF_ERROR(cursor_.ExpectWord("TARGET"));
  }
  MergeClause clause;
  if (cursor_.TakeWord("AND")) {
    MS_ASSIGN_OR_RETURN(clause.condition, ParseExpression());
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("THEN"));
  if (is_not && !by_source) {
    clause.kind = MergeClause::Kind::kInsert;
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("INSERT"));
    clause.is_star = cursor_.TakeSymbol("*");
    if (!clause.is_star) {
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
      do {
        Assignment assignment;
        MS_ASSIGN_OR_RETURN(assignment.column, ParseName());
        clause.assignments.push_back(std::move(assignment));
      } while (cursor_.TakeSymbol(","));
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
      MS_RETURN_IF_ERROR(cursor_.ExpectWord("VALUES"));
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
      size_t count = 0;
      do {
        MS_ASSIGN_OR_RETURN(ExprPtr value, ParseAssignedValue());
        if (count < clause.assignments.size()) clause.assignments[count].value = std::move(value);
        ++count;
      } while (cursor_.TakeSymbol(","));
      const Token last = cursor_.Peek();
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
      if (count != clause.assignments.size()) {
        return cursor_.ErrorWithin(start, last, errors::kMergeInsertCount,
                                   {{"actualCount", std::to_string(count)}, {"expectedCount", std::to_string(clause.assignments.size())}});
      }
    }
    merge.not_matched.push_back(std::move(clause));
    return Status();
  }
  if (cursor_.TakeWord("DELETE")) {
    clause.kind = MergeClause::Kind::kDelete;
  } else {
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("UPDATE"));
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("SET"));
    clause.is_star = !by_source && cursor_.TakeSymbol("*");
    if (!clause.is_star) {
      MS_ASSIGN_OR_RETURN(clause.assignments, ParseAssignments());
    }
  }
  (by_source ? merge.not_matched_by_source : merge.matched).push_back(std::move(clause));
  return Status();
}

Result<Statement> SqlParser::ParseAlter() {
  cursor_.Advance();
  if (!cursor_.AtWord("TABLE")) return Unsupported("the statement ALTER " + std::string(cursor_.Text(cursor_.Peek())));
  cursor_.Advance();
  MS_ASSIGN_OR_RETURN(MultipartName table, ParseName());
  if (cursor_.TakeWords("SET", "TBLPROPERTIES")) {
    AlterTableProperties alter{.name = std::move(table)};
    MS_ASSIGN_OR_RETURN(alter.set, ParseProperties());
    return Statement(Command{std::move(alter)});
  }
  if (cursor_.TakeWords("UNSET", "TBLPROPERTIES")) {
    AlterTableProperties alter{.name = std::move(table)};
    TakeIfExists();  // Spark takes a property that is not set as unset, with and without the words
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
    do {
      MS_ASSIGN_OR_RETURN(std::string key, ParsePropertyKey());
      alter.unset.push_back(std::move(key));
    } while (cursor_.TakeSymbol(","));
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    return Statement(Command{std::move(alter)});
  }
  if (cursor_.TakeWords("ADD", "CONSTRAINT")) {
    AddConstraint add{.table = std::move(table)};
    MS_ASSIGN_OR_RETURN(add.name, cursor_.ExpectName());
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("CHECK"));
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
    const size_t first = cursor_.position();
    MS_RETURN_IF_ERROR(ParseExpression().status());
    const size_t last = cursor_.position();
    for (cursor_.Rewind(first); cursor_.position() < last; cursor_.Advance()) {
      add.expression += (add.expression.empty() ? "" : " ") + std::string(cursor_.Text(cursor_.Peek()));
    }
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    return Statement(Command{std::move(add)});
  }
  if (cursor_.TakeWords("DROP", "CONSTRAINT")) {
    DropConstraint drop{.table = std::move(table), .if_exists = TakeIfExists()};
    MS_ASSIGN_OR_RETURN(drop.name, cursor_.ExpectName());
    return Statement(Command{std::move(drop)});
  }
  return Unsupported("the statement ALTER TABLE … " + std::string(cursor_.Text(cursor_.Peek())) + " " + std::string(cursor_.Text(cursor_.Peek(1))));
}

}  // namespace millstream
