// query_parser.cc   WITH, SELECT, set operations, and what follows them: ORDER BY, LIMIT …

#include <algorithm>

#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"
#include "types/types_errors.h"

namespace millstream {

// True when a query stands at the cursor (`from` tokens ahead), not an expression or a relation: what "(" opens.
bool SqlParser::QueryAhead(size_t from) const {
  size_t ahead = from;
  size_t outer = SIZE_MAX;  // the first parenthesis
  if (cursor_.AtSymbol("(", ahead)) {
    outer = ahead;
    MatchParentheses();
    ahead = past_opening_[cursor_.position() + outer] - cursor_.position();
  }
  const TokenKind next = cursor_.Peek(ahead + 1).kind;
  bool name_next = next == TokenKind::kWord || next == TokenKind::kQuotedName;
  bool query = cursor_.AtWord("SELECT", ahead) && next != TokenKind::kEnd && !cursor_.AtSymbol(")", ahead + 1);
  query |= cursor_.AtWord("WITH", ahead) && name_next;
  query |= (cursor_.AtWord("FROM", ahead) || cursor_.AtWord("TABLE", ahead)) && name_next;
  query |= cursor_.AtWord("VALUES", ahead) && (cursor_.AtSymbol("(", ahead + 1) || (next >= TokenKind::kString && next <= TokenKind::kBigDecimal));
  if (!query || outer == SIZE_MAX) return query;
  // "((SELECT 1) UNION …": a query; "((SELECT 1) + 1": an expression.
  size_t after = MatchingParenthesis(cursor_.position() + outer) + 1 - cursor_.position();
  for (std::string_view word : {"UNION", "EXCEPT", "MINUS", "INTERSECT", "ORDER", "LIMIT", "OFFSET", "SORT", "CLUSTER", "DISTRIBUTE"}) {
    if (cursor_.AtWord(word, after)) return true;
  }
  return false;
}

void SqlParser::MatchParentheses() const {
  if (!closing_.empty()) return;
  const std::vector<Token>& tokens = tokens_.tokens();
  uint32_t last = static_cast<uint32_t>(tokens.size() - 1);
  closing_.assign(tokens.size(), last);
  past_opening_.assign(tokens.size(), last);
  std::vector<uint32_t> stack;
  auto is = [&](uint32_t i, std::string_view symbol) { return tokens[i].kind == TokenKind::kSymbol && cursor_.Text(tokens[i]) == symbol; };
  for (uint32_t i = 0; i <= last; ++i) {
    if (is(i, "(")) {
      stack.push_back(i);
    } else if (is(i, ")") && !stack.empty()) {
      closing_[stack.back()] = i;
      stack.pop_back();
    }
  }
  for (uint32_t i = last; i-- > 0;) {
    if (is(i, "(")) past_opening_[i] = is(i + 1, "(") ? past_opening_[i + 1] : i + 1;
  }
}

size_t SqlParser::MatchingParenthesis(size_t open) const {
  MatchParentheses();
  return closing_[open];
}

Result<PlanPtr> SqlParser::ParseQuery() {
  Level level(*this);
  if (level.TooDeep()) return TooComplex();
  SelectScope* outer = select_;
  select_ = nullptr;
  std::vector<std::pair<std::string, PlanPtr>> ctes;
  if (cursor_.AtWord("WITH")) {
    MS_ASSIGN_OR_RETURN(ctes, ParseCtes());
  }
  MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseSetOperations());
  MS_ASSIGN_OR_RETURN(plan, ParseQueryOrganization(std::move(plan)));
  if (cursor_.AtSymbol("|>")) return Status::Unsupported("the pipe operator |>", "Write the query with SELECT.");
  select_ = outer;
  if (ctes.empty()) return plan;
  return Plan(WithCte{std::move(ctes), std::move(plan)});
}

Result<std::vector<std::pair<std::string, PlanPtr>>> SqlParser::ParseCtes() {
  cursor_.Advance();  // WITH
  if (cursor_.AtWord("RECURSIVE") && !cursor_.AtWord("AS", 1) && !cursor_.AtSymbol("(", 1)) return Status::Unsupported("WITH RECURSIVE");
  std::vector<std::pair<std::string, PlanPtr>> ctes;
  do {
    MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
    std::vector<std::string> columns;
    if (cursor_.AtSymbol("(") && !QueryAhead(1)) {
      MS_ASSIGN_OR_RETURN(columns, ParseNameList());
    }
    cursor_.TakeWord("AS");
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
    MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseQuery());
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    if (!columns.empty()) plan = Plan(SubqueryAlias{{name}, std::move(columns), std::move(plan)});
    ctes.emplace_back(std::move(name), std::move(plan));
  } while (cursor_.TakeSymbol(","));
  return ctes;
}

Result<bool> SqlParser::ParseSetQuantifier() {
  if (cursor_.TakeWord("ALL")) return true;
  cursor_.TakeWord("DISTINCT");
  return false;
}

// UNION ALL of thousands of parts stays shallow: grouping does not change it.
PlanPtr SqlParser::UnionOf(std::vector<PlanPtr> plans) {
  while (plans.size() > 1) {
    std::vector<PlanPtr> half;
    for (size_t i = 0; i + 1 < plans.size(); i += 2) {
      half.push_back(Plan(SetOperation{.kind = SetOperation::Kind::kUnion, .is_all = true, .left = plans[i], .right = plans[i + 1]}));
    }
    if (plans.size() % 2) half.push_back(plans.back());
    plans = std::move(half);
  }
  return plans[0];
}

Result<PlanPtr> SqlParser::ParseSetOperations() {
  MS_ASSIGN_OR_RETURN(PlanPtr left, ParseIntersections());
  while (!too_deep_) {
    if (cursor_.AtWords("UNION", "ALL")) {
      std::vector<PlanPtr> parts = {std::move(left)};
      while (cursor_.TakeWords("UNION", "ALL")) {
        MS_ASSIGN_OR_RETURN(PlanPtr part, ParseIntersections());
        parts.push_back(std::move(part));
      }
      left = UnionOf(std::move(parts));
      continue;
    }
    bool is_union = cursor_.AtWord("UNION");
    if (!is_union && !cursor_.AtWord("EXCEPT") && !cursor_.AtWord("MINUS")) return left;
    cursor_.Advance();
    MS_ASSIGN_OR_RETURN(bool is_all, ParseSetQuantifier());
    MS_ASSIGN_OR_RETURN(PlanPtr right, ParseIntersections());
    left = Plan(SetOperation{
        .kind = is_union ? SetOperation::Kind::kUnion : SetOperation::Kind::kExcept, .is_all = is_all, .left = std::move(left), .right = std::move(right)});
  }
  return TooComplex();
}

Result<PlanPtr> SqlParser::ParseIntersections() {
  MS_ASSIGN_OR_RETURN(PlanPtr left, ParseQueryTerm());
  while (cursor_.TakeWord("INTERSECT")) {
    MS_ASSIGN_OR_RETURN(bool is_all, ParseSetQuantifier());
    MS_ASSIGN_OR_RETURN(PlanPtr right, ParseQueryTerm());
    left = Plan(SetOperation{.kind = SetOperation::Kind::kIntersect, .is_all = is_all, .left = std::move(left), .right = std::move(right)});
    if (too_deep_) return TooComplex();
  }
  return left;
}

Result<PlanPtr> SqlParser::ParseQueryTerm() {
  if (cursor_.AtWord("SELECT")) return ParseSelect(nullptr);
  if (cursor_.AtWord("FROM")) return ParseFromFirst();
  if (cursor_.TakeWord("VALUES")) {
    MS_ASSIGN_OR_RETURN(PlanPtr values, ParseValues());
    return ParseTableAlias(std::move(values));
  }
  if (cursor_.TakeWord("TABLE")) {
    MS_ASSIGN_OR_RETURN(MultipartName name, ParseName());
    return Plan(UnresolvedRelation{.name = std::move(name)});
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseQuery());
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  return plan;
}

// "FROM t SELECT a WHERE …"; "FROM t" alone is the relation.
Result<PlanPtr> SqlParser::ParseFromFirst() {
  MS_ASSIGN_OR_RETURN(PlanPtr from, ParseFrom());
  if (cursor_.AtWord("INSERT")) return Status::Unsupported("FROM … INSERT", "Use INSERT INTO … SELECT.");
  if (!cursor_.AtWord("SELECT")) return from;
  return ParseSelect(std::move(from));
}

void SqlParser::SkipHints() {
  while (cursor_.Peek().kind == TokenKind::kHint) cursor_.Advance();
}

Result<PlanPtr> SqlParser::ParseSelect(PlanPtr from) {
  SelectScope scope;
  scope.start = cursor_.position();
  SelectScope* outer = select_;
  select_ = &scope;
  struct Restore {
    SelectScope*& slot;
    SelectScope* value;
    ~Restore() { slot = value; }
  } restore{select_, outer};

  cursor_.Advance();  // SELECT
  SkipHints();        // how to run a query, never what it means
  if (cursor_.AtWord("TRANSFORM") && cursor_.AtSymbol("(", 1)) {
    size_t close = MatchingParenthesis(cursor_.position() + 1) - cursor_.position();
    if (cursor_.AtWord("USING", close + 1)) return Status::Unsupported("SELECT TRANSFORM … USING");
  }
  bool word_is_column = cursor_.AtSymbol(",", 1) || cursor_.Peek(1).kind == TokenKind::kEnd || cursor_.AtSymbol(".", 1);
  bool distinct = !word_is_column && cursor_.TakeWord("DISTINCT");
  if (!distinct && !word_is_column) cursor_.TakeWord("ALL");
  std::optional<std::vector<ExprPtr>> dropped;
  MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> select_list, ParseSelectList(dropped));
  PlanPtr child = std::move(from);
  if (child == nullptr) {
    if (cursor_.AtWord("FROM")) {
      MS_ASSIGN_OR_RETURN(child, ParseFrom());
    } else {
      child = Plan(OneRow{});
    }
  } else {
    MS_ASSIGN_OR_RETURN(child, ParseLateralViews(std::move(child)));
  }
  if (cursor_.TakeWord("WHERE")) {
    MS_ASSIGN_OR_RETURN(ExprPtr condition, ParseExpression());
    child = Plan(Filter{std::move(condition), std::move(child)});
  }
  // SELECT * EXCEPT (a): the columns go once WHERE has seen them, and before DISTINCT does.
  if (dropped) child = Plan(DropColumns{.columns = *std::move(dropped), .child = std::move(child)});
  return ParseProjection(std::move(child), std::move(select_list), distinct);
}

Result<std::vector<ExprPtr>> SqlParser::ParseSelectList(std::optional<std::vector<ExprPtr>>& dropped) {
  std::vector<ExprPtr> list;
  if (cursor_.AtSymbol("*") && cursor_.AtWord("EXCEPT", 1) && cursor_.AtSymbol("(", 2) && !QueryAhead(3)) {
    for (int i = 0; i < 3; ++i) cursor_.Advance();
    dropped.emplace();
    do {
      MS_ASSIGN_OR_RETURN(MultipartName column, ParseName());
      dropped->push_back(Node(UnresolvedAttribute{.parts = std::move(column)}));
    } while (cursor_.TakeSymbol(","));
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    list.push_back(Node(UnresolvedStar{}));
    if (cursor_.AtSymbol(",")) return Status::Unsupported("* EXCEPT (…) beside other columns", "Name the columns, or use SELECT * EXCEPT (…) alone.");
    return list;
  }
  do {
    MS_ASSIGN_OR_RETURN(ExprPtr item, ParseNamedExpression());
    list.push_back(std::move(item));
  } while (cursor_.TakeSymbol(","));
  return list;
}

// GROUP BY, HAVING, WINDOW, DISTINCT: from the rows of WHERE to those of SELECT.
Result<PlanPtr> SqlParser::ParseProjection(PlanPtr child, std::vector<ExprPtr> select_list, bool distinct) {
  PlanPtr plan;
  if (cursor_.TakeWords("GROUP", "BY")) {
    MS_ASSIGN_OR_RETURN(plan, ParseAggregation(std::move(select_list), std::move(child)));
  } else if (cursor_.AtWord("HAVING")) {
    plan = Plan(Aggregate{.aggregates = std::move(select_list), .child = std::move(child)});
  } else {
    plan = Plan(Project{std::move(select_list), std::move(child)});
  }
  if (cursor_.TakeWord("HAVING")) {
    MS_ASSIGN_OR_RETURN(ExprPtr condition, ParseExpression());
    plan = Plan(Filter{std::move(condition), std::move(plan)});
  }
  if (cursor_.AtWord("QUALIFY")) return Status::Unsupported("QUALIFY", "Use a subquery and WHERE.");
  MS_RETURN_IF_ERROR(ParseWindowClause());
  if (distinct) plan = Plan(Deduplicate{.all_columns = true, .is_select_distinct = true, .child = std::move(plan)});
  return plan;
}

// Its definitions have been read where OVER asked for them; here they are checked and passed.
Status SqlParser::ParseWindowClause() {
  if (!cursor_.AtWord("WINDOW") || !cursor_.AtWord("AS", 2)) return Status::Ok();
  cursor_.Advance();
  do {
    MS_RETURN_IF_ERROR(cursor_.ExpectName().status());
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("AS"));
    if (!cursor_.AtSymbol("(")) {
      MS_RETURN_IF_ERROR(cursor_.ExpectName().status());
    } else if (select_ != nullptr && select_->windows_read) {
      cursor_.Rewind(MatchingParenthesis(cursor_.position()));
      cursor_.Advance();
    } else {
      MS_RETURN_IF_ERROR(ParseWindowSpec().status());
    }
  } while (cursor_.TakeSymbol(","));
  return Status::Ok();
}

Result<PlanPtr> SqlParser::ParseQueryOrganization(PlanPtr plan) {
  if (cursor_.TakeWords("ORDER", "BY")) {
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> order, ParseSortItems());
    plan = Plan(Sort{std::move(order), true, std::move(plan)});
  }
  bool cluster = cursor_.AtWords("CLUSTER", "BY");
  if (cluster || cursor_.AtWords("DISTRIBUTE", "BY")) {
    cursor_.Advance();
    cursor_.Advance();
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> keys, ParseExpressionList());
    plan = Plan(Repartition{std::move(plan)});
    for (ExprPtr& key : keys) key = Node(SortOrder{.child = std::move(key)});
    if (cluster) plan = Plan(Sort{std::move(keys), false, std::move(plan)});
  }
  if (cursor_.TakeWords("SORT", "BY")) {
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> order, ParseSortItems());
    plan = Plan(Sort{std::move(order), false, std::move(plan)});
  }
  MS_RETURN_IF_ERROR(ParseWindowClause());
  ExprPtr limit;
  if (cursor_.TakeWord("LIMIT") && !cursor_.TakeWord("ALL")) {
    MS_ASSIGN_OR_RETURN(limit, ParseExpression());
  }
  if (cursor_.TakeWord("OFFSET")) {
    MS_ASSIGN_OR_RETURN(ExprPtr count, ParseExpression());
    plan = Plan(Offset{std::move(count), std::move(plan)});
  }
  if (limit) plan = Plan(Limit{std::move(limit), std::move(plan)});
  return plan;
}

Result<ExprPtr> SqlParser::ParseSortItem() {
  SortOrder order;
  MS_ASSIGN_OR_RETURN(order.child, ParseExpression());
  if (cursor_.TakeWord("DESC")) {
    order.ascending = false;
  } else {
    cursor_.TakeWord("ASC");
  }
  if (cursor_.TakeWords("NULLS", "FIRST")) {
    order.nulls_first = true;
  } else if (cursor_.TakeWords("NULLS", "LAST")) {
    order.nulls_first = false;
  }
  return Node(std::move(order));
}

Result<std::vector<ExprPtr>> SqlParser::ParseSortItems() {
  std::vector<ExprPtr> items;
  do {
    MS_ASSIGN_OR_RETURN(ExprPtr item, ParseSortItem());
    items.push_back(std::move(item));
  } while (cursor_.TakeSymbol(","));
  return items;
}

// VALUES (1, 'a'), (2, 'b'): a union of one-row projections, so that types widen as in any union. Columns are col1, col2 …
Result<PlanPtr> SqlParser::ParseValues() {
  std::vector<PlanPtr> rows;
  size_t width = 0;
  do {
    MS_ASSIGN_OR_RETURN(ExprPtr value, ParseExpression());
    const UnresolvedFunction* row = value->As<UnresolvedFunction>();
    bool is_row = row && (row->name == std::vector<std::string>{"struct"});
    std::vector<ExprPtr> columns = is_row ? row->args : std::vector<ExprPtr>{value};
    if (rows.empty()) width = columns.size();
    if (columns.size() != width) {
      return Status::Error(
          errors::kInvalidInlineTable,
          {{"expectedNumCols", std::to_string(width)}, {"actualNumCols", std::to_string(columns.size())}, {"rowIndex", std::to_string(rows.size())}});
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      const Alias* named = columns[i]->As<Alias>();
      columns[i] = Node(Alias{.child = named ? named->child : columns[i], .names = {"col" + std::to_string(i + 1)}});
    }
    rows.push_back(Plan(Project{std::move(columns), Plan(OneRow{})}));
    if (rows.size() > static_cast<size_t>(kMaxPlanNodes)) return TooComplex();
  } while (cursor_.TakeSymbol(","));
  return UnionOf(std::move(rows));
}

}  // namespace millstream
