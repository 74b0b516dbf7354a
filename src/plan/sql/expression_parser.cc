// expression_parser.cc   Operators: OR, AND, NOT, predicates, comparisons and arithmetic, with SqlBaseParser.g4's precedence.

#include <array>

#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"

namespace millstream {
namespace {

struct Operator {
  std::string_view symbol;
  int precedence;
  std::string_view function;  // "!=": not(==)
};
constexpr int kUnaryPrecedence = 8;
constexpr Operator kSymbolOperators[] = {
    {"=", 1, "=="},  {"==", 1, "=="}, {"<=>", 1, "<=>"},   {"<>", 1, "!="}, {"!=", 1, "!="}, {"<", 1, "<"}, {"<=", 1, "<="},
    {"!>", 1, "<="}, {">", 1, ">"},   {">=", 1, ">="},     {"!<", 1, ">="}, {"|", 2, "|"},   {"^", 3, "^"}, {"&", 4, "&"},
    {"+", 6, "+"},   {"-", 6, "-"},   {"||", 6, "concat"}, {"*", 7, "*"},   {"/", 7, "/"},   {"%", 7, "%"},
};
constexpr int kShiftPrecedence = 5;

struct FoundOperator {
  int precedence;
  std::string_view function;
  size_t tokens;  // how many it takes
};

bool Touch(const Token& left, const Token& right) { return left.end == right.begin; }

std::optional<FoundOperator> OperatorAt(const TokenCursor& cursor) {
  if (cursor.AtWord("DIV")) return FoundOperator{7, "div", 1};
  if (cursor.Peek().kind != TokenKind::kSymbol) return std::nullopt;
  if (cursor.AtSymbol("<<")) return FoundOperator{kShiftPrecedence, "shiftleft", 1};
  if (cursor.AtSymbol(">") && cursor.AtSymbol(">", 1) && Touch(cursor.Peek(), cursor.Peek(1))) {
    if (cursor.AtSymbol(">", 2) && Touch(cursor.Peek(1), cursor.Peek(2))) return FoundOperator{kShiftPrecedence, "shiftrightunsigned", 3};
    return FoundOperator{kShiftPrecedence, "shiftright", 2};
  }
  std::string_view symbol = cursor.Text(cursor.Peek());
  for (const Operator& op : kSymbolOperators) {
    if (op.symbol == symbol) return FoundOperator{op.precedence, op.function, 1};
  }
  return std::nullopt;
}

bool EndsExpression(const TokenCursor& cursor, size_t ahead) {
  const Token& token = cursor.Peek(ahead);
  return token.kind == TokenKind::kEnd || cursor.AtSymbol(")", ahead) || cursor.AtSymbol(",", ahead) || cursor.AtSymbol(";", ahead);
}

}  // namespace

// Spark builds chains of AND and OR as balanced trees; a WHERE of thousands of terms stays shallow.
ExprPtr SqlParser::Balanced(const std::string& function, std::vector<ExprPtr> operands) {
  auto build = [&](auto& self, size_t low, size_t high) -> ExprPtr {
    if (low == high) return operands[low];
    size_t middle = high - low == 1 ? low : low + (high - low) / 2;
    ExprPtr left = self(self, low, middle);
    ExprPtr right = self(self, middle + 1, high);
    return Function(function, {std::move(left), std::move(right)});
  };
  return build(build, 0, operands.size() - 1);
}

Result<ExprPtr> SqlParser::ParseExpression() {
  Level level(*this);
  if (level.TooDeep()) return TooComplex();
  if (LambdaAhead()) return ParseLambda();
  MS_ASSIGN_OR_RETURN(ExprPtr first, ParseConjunction());
  if (!cursor_.AtWord("OR") || EndsExpression(cursor_, 1)) return first;
  std::vector<ExprPtr> operands = {std::move(first)};
  while (cursor_.TakeWord("OR")) {
    MS_ASSIGN_OR_RETURN(ExprPtr operand, ParseConjunction());
    operands.push_back(std::move(operand));
  }
  return Balanced("or", std::move(operands));
}

Result<ExprPtr> SqlParser::ParseConjunction() {
  MS_ASSIGN_OR_RETURN(ExprPtr first, ParseNegation());
  if (!cursor_.AtWord("AND") || EndsExpression(cursor_, 1)) return first;
  std::vector<ExprPtr> operands = {std::move(first)};
  while (cursor_.TakeWord("AND")) {
    MS_ASSIGN_OR_RETURN(ExprPtr operand, ParseNegation());
    operands.push_back(std::move(operand));
  }
  return Balanced("and", std::move(operands));
}

Result<ExprPtr> SqlParser::ParseNegation() {
  bool is_not = (cursor_.AtWord("NOT") && !EndsExpression(cursor_, 1) && !cursor_.AtSymbol(".", 1)) || cursor_.AtSymbol("!");
  if (is_not) {
    Level level(*this);
    if (level.TooDeep()) return TooComplex();
    cursor_.Advance();
    MS_ASSIGN_OR_RETURN(ExprPtr operand, ParseNegation());
    return Function("not", {std::move(operand)});
  }
  MS_ASSIGN_OR_RETURN(ExprPtr left, ParseValue(1));
  return ParsePredicate(std::move(left));
}

// What may stand once behind a value: BETWEEN, IN, LIKE, RLIKE, IS.
Result<ExprPtr> SqlParser::ParsePredicate(ExprPtr left) {
  if (cursor_.Peek().kind != TokenKind::kWord) return left;
  size_t start = cursor_.position();
  bool negated = cursor_.TakeWord("NOT");
  auto finish = [&](Result<ExprPtr> predicate) -> Result<ExprPtr> {
    if (!predicate.ok() || !negated) return predicate;
    return Function("not", {*std::move(predicate)});
  };
  if (!EndsExpression(cursor_, 1)) {
    if (cursor_.TakeWord("BETWEEN")) {
      MS_ASSIGN_OR_RETURN(ExprPtr low, ParseValue(1));
      MS_RETURN_IF_ERROR(cursor_.ExpectWord("AND"));
      MS_ASSIGN_OR_RETURN(ExprPtr high, ParseValue(1));
      return finish(Function("between", {std::move(left), std::move(low), std::move(high)}));
    }
    if (cursor_.AtWord("IN") && cursor_.AtSymbol("(", 1)) {
      cursor_.Advance();
      return finish(ParseIn(std::move(left)));
    }
    if (cursor_.TakeWord("RLIKE") || cursor_.TakeWord("REGEXP")) {
      MS_ASSIGN_OR_RETURN(ExprPtr pattern, ParseValue(1));
      return finish(Function("rlike", {std::move(left), std::move(pattern)}));
    }
    for (auto [word, function] : {std::pair("LIKE", "like"), std::pair("ILIKE", "ilike")}) {
      if (!cursor_.TakeWord(word)) continue;
      bool any = (cursor_.AtWord("ANY") || cursor_.AtWord("SOME")) && cursor_.AtSymbol("(", 1);
      if (!any && !(cursor_.AtWord("ALL") && cursor_.AtSymbol("(", 1))) return finish(ParseLike(std::move(left), function));
      cursor_.Advance();
      cursor_.Advance();
      MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> patterns, ParseExpressionList());
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
      for (ExprPtr& pattern : patterns) {
        pattern = Function(function, {left, std::move(pattern)});
        if (negated) pattern = Function("not", {std::move(pattern)});
      }
      return Balanced(any ? "or" : "and", std::move(patterns));
    }
    if (!negated && cursor_.AtWord("IS")) return ParseIs(std::move(left));
  }
  cursor_.Rewind(start);  // an alias, as in "SELECT a not"
  return left;
}

Result<ExprPtr> SqlParser::ParseIn(ExprPtr left) {
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  if (cursor_.AtSymbol(")")) {
    return cursor_.ErrorAt(cursor_.Peek(), errors::kEmptyInPredicate, {});
  }
  if (QueryAhead()) {
    MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseQuery());
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    const UnresolvedFunction* row = left->As<UnresolvedFunction>();
    std::vector<ExprPtr> values = row && row->name == std::vector<std::string>{"struct"} ? row->args : std::vector<ExprPtr>{left};
    return Node(SubqueryExpr{SubqueryExpr::Kind::kIn, std::move(plan), std::move(values)});
  }
  MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> items, ParseExpressionList());
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  items.insert(items.begin(), std::move(left));
  return Function("in", std::move(items));
}

Result<ExprPtr> SqlParser::ParseLike(ExprPtr left, const std::string& function) {
  MS_ASSIGN_OR_RETURN(ExprPtr pattern, ParseValue(1));
  std::vector<ExprPtr> args = {std::move(left), std::move(pattern)};
  if (cursor_.TakeWord("ESCAPE")) {
    MS_ASSIGN_OR_RETURN(std::string escape, cursor_.ExpectString());
    args.push_back(TextLiteral(std::move(escape)));
  }
  return Function(function, std::move(args));
}

Result<ExprPtr> SqlParser::ParseIs(ExprPtr left) {
  size_t start = cursor_.position();
  cursor_.Advance();
  bool negated = cursor_.TakeWord("NOT");
  auto finish = [&](ExprPtr test) { return negated ? Function("not", {std::move(test)}) : std::move(test); };
  if (cursor_.TakeWord("NULL")) return Function(negated ? "isnotnull" : "isnull", {std::move(left)});
  if (cursor_.TakeWord("UNKNOWN")) return Function(negated ? "isnotnull" : "isnull", {std::move(left)});
  bool truth = cursor_.AtWord("TRUE");
  if (cursor_.TakeWord("TRUE") || cursor_.TakeWord("FALSE")) {
    return finish(Function("<=>", {std::move(left), Node(Literal{Value{truth}, DataType::Boolean()})}));
  }
  if (cursor_.TakeWords("DISTINCT", "FROM")) {
    MS_ASSIGN_OR_RETURN(ExprPtr right, ParseValue(1));
    negated = !negated;
    return finish(Function("<=>", {std::move(left), std::move(right)}));
  }
  cursor_.Rewind(start);
  return left;
}

// Comparisons and arithmetic, left to right. The loop makes left-deep trees; Node() keeps them within bounds.
Result<ExprPtr> SqlParser::ParseValue(int min_precedence) {
  MS_ASSIGN_OR_RETURN(ExprPtr left, ParseUnary());
  while (!too_deep_) {
    std::optional<FoundOperator> op = OperatorAt(cursor_);
    if (!op || op->precedence < min_precedence || (op->function == "div" && EndsExpression(cursor_, 1))) return left;
    for (size_t i = 0; i < op->tokens; ++i) cursor_.Advance();
    MS_ASSIGN_OR_RETURN(ExprPtr right, ParseValue(op->precedence + 1));
    if (op->function == "!=") {
      left = Function("not", {Function("==", {std::move(left), std::move(right)})});
    } else {
      left = Function(std::string(op->function), {std::move(left), std::move(right)});
    }
  }
  return TooComplex();
}

Result<ExprPtr> SqlParser::ParseUnary() {
  bool minus = cursor_.AtSymbol("-");
  if (!minus && !cursor_.AtSymbol("+") && !cursor_.AtSymbol("~")) return ParsePostfix();
  Level level(*this);
  if (level.TooDeep()) return TooComplex();
  TokenKind next = cursor_.Peek(1).kind;
  // A sign right before a number belongs to it: the smallest bigint has no positive twin.
  if (minus && next >= TokenKind::kInteger && next <= TokenKind::kBigDecimal) return ParsePostfix();
  std::string function = minus ? "negative" : cursor_.AtSymbol("+") ? "positive" : "~";
  cursor_.Advance();
  MS_ASSIGN_OR_RETURN(ExprPtr operand, ParseUnary());
  return Function(std::move(function), {std::move(operand)});
}

Result<std::vector<ExprPtr>> SqlParser::ParseExpressionList() {
  std::vector<ExprPtr> list;
  do {
    MS_ASSIGN_OR_RETURN(ExprPtr item, ParseExpression());
    list.push_back(std::move(item));
  } while (cursor_.TakeSymbol(","));
  return list;
}

Result<ExprPtr> SqlParser::ParseNamedExpression() {
  MS_ASSIGN_OR_RETURN(ExprPtr expr, ParseExpression());
  return ParseAlias(std::move(expr));
}

// "AS b", "b", "AS (k, v)".
Result<ExprPtr> SqlParser::ParseAlias(ExprPtr expr) {
  if (cursor_.AtWord("AS") && !EndsExpression(cursor_, 1)) {
    cursor_.Advance();
    if (cursor_.AtSymbol("(")) {
      MS_ASSIGN_OR_RETURN(std::vector<std::string> names, ParseNameList());
      return Node(Alias{.child = std::move(expr), .names = std::move(names)});
    }
  } else if (!AliasAhead()) {
    return expr;
  }
  MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
  return Node(Alias{.child = std::move(expr), .names = {std::move(name)}});
}

// In Spark every keyword may be an alias where it cannot begin a clause: "SELECT 1 FROM" is a column named FROM.
bool SqlParser::AliasAhead() const {
  if (cursor_.Peek().kind == TokenKind::kQuotedName) return true;
  if (cursor_.Peek().kind != TokenKind::kWord) return false;
  for (std::string_view word : {"GROUP", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE"}) {
    if (cursor_.AtWord(word)) return !cursor_.AtWord("BY", 1);
  }
  if (cursor_.AtWord("LATERAL")) return !cursor_.AtWord("VIEW", 1);
  if (cursor_.AtWord("WINDOW")) return !cursor_.AtWord("AS", 2);
  for (std::string_view word : {"FROM", "WHERE", "HAVING", "LIMIT", "OFFSET", "QUALIFY", "UNION", "EXCEPT", "MINUS", "INTERSECT", "SELECT"}) {
    if (cursor_.AtWord(word)) return EndsExpression(cursor_, 1);
  }
  return true;
}

}  // namespace millstream
