// primary_parser.cc   What operators stand between: columns, literals, CASE, CAST, subqueries, lambdas, parameters.

#include <algorithm>

#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"
#include "types/type_parser.h"
#include "types/types_errors.h"

namespace millstream {
namespace {

bool SameName(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

void AppendKey(const std::string& key, std::string& path) {
  if (key.find_first_of(".[]'\"") == std::string::npos) {
    path += "." + key;
  } else {
    const char quote = key.find('\'') == std::string::npos ? '\'' : '"';
    path += std::string("[") + quote + key + quote + "]";
  }
}

bool AtName(const TokenCursor& cursor, size_t ahead = 0) {
  const TokenKind kind = cursor.Peek(ahead).kind;
  return kind == TokenKind::kWord || kind == TokenKind::kQuotedName;
}

// What follows the colon of "v:a.b[0]['c']", as variant_get wants it.
Result<std::string> ParseVariantPath(TokenCursor& cursor) {
  std::string path = "$";
  if (!cursor.AtSymbol("[")) {
    MS_ASSIGN_OR_RETURN(const std::string key, cursor.ExpectName());
    AppendKey(key, path);
  }
  while (true) {
    if (cursor.AtSymbol(".") && AtName(cursor, 1)) {
      cursor.Advance();
      MS_ASSIGN_OR_RETURN(const std::string key, cursor.ExpectName());
      AppendKey(key, path);
    } else if (cursor.TakeSymbol("[")) {
      if (cursor.Peek().kind == TokenKind::kString) {
        MS_ASSIGN_OR_RETURN(const std::string key, cursor.ExpectString());
        AppendKey(key, path);
      } else {
        MS_ASSIGN_OR_RETURN(const int64_t index, cursor.ExpectInteger());
        path += "[" + std::to_string(index) + "]";
      }
      MS_RETURN_IF_ERROR(cursor.ExpectSymbol("]"));
    } else {
      return path;
    }
  }
}

}  // namespace

// Indexing, field access, paths into variants and "::", left to right.
Result<ExprPtr> SqlParser::ParsePostfix() {
  MS_ASSIGN_OR_RETURN(ExprPtr expr, ParsePrimary());
  while (!too_deep_) {
    if (cursor_.TakeSymbol("[")) {
      MS_ASSIGN_OR_RETURN(ExprPtr index, ParseExpression());
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("]"));
      expr = Node(UnresolvedExtractValue{std::move(expr), std::move(index)});
    } else if (cursor_.AtSymbol(".") && (cursor_.Peek(1).kind == TokenKind::kWord || cursor_.Peek(1).kind == TokenKind::kQuotedName)) {
      cursor_.Advance();
      MS_ASSIGN_OR_RETURN(std::string field, cursor_.ExpectName());
      expr = Node(UnresolvedExtractValue{std::move(expr), TextLiteral(std::move(field))});
    } else if (cursor_.AtSymbol(":") && (AtName(cursor_, 1) || cursor_.AtSymbol("[", 1))) {
      cursor_.Advance();
      MS_ASSIGN_OR_RETURN(std::string path, ParseVariantPath(cursor_));
      expr = Function("variant_get", {std::move(expr), TextLiteral(std::move(path))});
    } else if (cursor_.TakeSymbol("::")) {
      MS_ASSIGN_OR_RETURN(DataType type, ParseDataType(cursor_));
      expr = Node(Cast{std::move(expr), std::move(type), std::nullopt});
    } else {
      return expr;
    }
  }
  return TooComplex();
}

Result<ExprPtr> SqlParser::ParsePrimary() {
  const Token& token = cursor_.Peek();
  switch (token.kind) {
    case TokenKind::kString: {
      MS_ASSIGN_OR_RETURN(std::string text, cursor_.ExpectString());
      return TextLiteral(std::move(text));
    }
    case TokenKind::kInteger:
    case TokenKind::kDecimal:
    case TokenKind::kExponent:
    case TokenKind::kBigInt:
    case TokenKind::kSmallInt:
    case TokenKind::kTinyInt:
    case TokenKind::kFloat:
    case TokenKind::kDouble:
    case TokenKind::kBigDecimal:
      return ParseNumber(/*negative=*/false);
    case TokenKind::kWord:
      return ParseWordPrimary();
    case TokenKind::kQuotedName:
      return ParseColumnOrFunction();
    case TokenKind::kSymbol:
      if (cursor_.TakeSymbol("-")) return ParseNumber(/*negative=*/true);  // ParseUnary has looked ahead
      if (cursor_.AtSymbol("(")) return ParseParenthesized();
      if (cursor_.AtSymbol(":") || cursor_.AtSymbol("?")) return ParseParameter();
      if (cursor_.TakeSymbol("*")) return ParseStar({});
      return cursor_.SyntaxError();
    case TokenKind::kEnd:
    case TokenKind::kHint:
    case TokenKind::kUnknown:
      return cursor_.SyntaxError();
  }
  return cursor_.SyntaxError();
}

Result<ExprPtr> SqlParser::ParseWordPrimary() {
  const TokenKind next = cursor_.Peek(1).kind;
  bool call = cursor_.AtSymbol("(", 1);
  if (!cursor_.AtSymbol(".", 1)) {
    if (!call) {
      if (cursor_.TakeWord("NULL")) return Node(Literal{Value{}, DataType::Null()});
      if (cursor_.TakeWord("TRUE")) return Node(Literal{Value{true}, DataType::Boolean()});
      if (cursor_.TakeWord("FALSE")) return Node(Literal{Value{false}, DataType::Boolean()});
      // Functions without parentheses. USER is left a column, the more common meaning by far.
      for (std::string_view name :
           {"current_date", "current_timestamp", "current_user", "session_user", "localtimestamp", "current_catalog", "current_database", "current_schema"}) {
        if (SameName(cursor_.Text(cursor_.Peek()), name)) {
          cursor_.Advance();
          return Function(std::string(name), {});
        }
      }
    }
    if (next == TokenKind::kString) {
      for (std::string_view type : {"DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "X", "BINARY", "TIME"}) {
        if (cursor_.AtWord(type)) return ParseTypedLiteral(std::string(type));
      }
    }
    bool number_next = next >= TokenKind::kString && next <= TokenKind::kBigDecimal;
    bool sign_next = (cursor_.AtSymbol("-", 1) || cursor_.AtSymbol("+", 1)) && cursor_.Peek(2).kind >= TokenKind::kString &&
                     cursor_.Peek(2).kind <= TokenKind::kBigDecimal && cursor_.Peek(3).kind == TokenKind::kWord;
    if (cursor_.AtWord("INTERVAL") && (number_next || sign_next)) return ParseInterval();
    bool word_ends = next == TokenKind::kEnd || cursor_.AtSymbol(",", 1) || cursor_.AtSymbol(")", 1) || cursor_.AtWord("AS", 1) || cursor_.AtWord("END", 1) ||
                     cursor_.AtWord("FROM", 1);
    if (cursor_.AtWord("CASE") && !word_ends) return ParseCase();
    if (call) {
      if (cursor_.TakeWord("CAST")) return ParseCast(std::nullopt);
      if (cursor_.TakeWord("TRY_CAST")) return ParseCast(EvalMode::kTry);
      if (cursor_.AtWord("EXISTS") && QueryAhead(2)) {
        cursor_.Advance();
        cursor_.Advance();
        MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseQuery());
        MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
        return Node(SubqueryExpr{SubqueryExpr::Kind::kExists, std::move(plan), {}});
      }
      MS_ASSIGN_OR_RETURN(std::optional<ExprPtr> special, ParseSpecialForm());
      if (special) return *std::move(special);
    }
  }
  return ParseColumnOrFunction();
}

Result<ExprPtr> SqlParser::ParseColumnOrFunction() {
  std::vector<std::string> parts;
  do {
    if (!parts.empty() && cursor_.TakeSymbol("*")) return ParseStar(std::move(parts));
    MS_ASSIGN_OR_RETURN(std::string part, cursor_.ExpectName());
    parts.push_back(std::move(part));
  } while (cursor_.TakeSymbol("."));
  if (cursor_.TakeSymbol("(")) return ParseFunction(std::move(parts), {});
  return ColumnOrLambdaVariable(std::move(parts));
}

ExprPtr SqlParser::ColumnOrLambdaVariable(std::vector<std::string> parts) {
  for (auto scope = lambda_parameters_.rbegin(); scope != lambda_parameters_.rend(); ++scope) {
    for (const std::string& parameter : *scope) {
      if (!SameName(parameter, parts[0])) continue;
      ExprPtr expr = Node(LambdaVariable{parameter});
      for (size_t i = 1; i < parts.size(); ++i) expr = Node(UnresolvedExtractValue{std::move(expr), TextLiteral(parts[i])});
      return expr;
    }
  }
  return Node(UnresolvedAttribute{.parts = std::move(parts)});
}

Result<ExprPtr> SqlParser::ParseStar(std::vector<std::string> target) {
  if (cursor_.AtWord("EXCEPT") && cursor_.AtSymbol("(", 1) && !QueryAhead(2)) {
    return Status::Unsupported("* EXCEPT (…) beside other columns", "Name the columns, or use SELECT * EXCEPT (…) alone.");
  }
  return Node(UnresolvedStar{.target = std::move(target)});
}

// "(a + 1)", "(a, b)", "(SELECT 1)", "()".
Result<ExprPtr> SqlParser::ParseParenthesized() {
  cursor_.Advance();
  if (QueryAhead()) {
    MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseQuery());
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    return Node(SubqueryExpr{SubqueryExpr::Kind::kScalar, std::move(plan), {}});
  }
  MS_ASSIGN_OR_RETURN(ExprPtr first, ParseNamedExpression());
  if (cursor_.TakeSymbol(")")) return first;
  std::vector<ExprPtr> fields = {std::move(first)};
  while (cursor_.TakeSymbol(",")) {
    MS_ASSIGN_OR_RETURN(ExprPtr field, ParseNamedExpression());
    fields.push_back(std::move(field));
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  return Function("struct", std::move(fields));
}

Result<ExprPtr> SqlParser::ParseCase() {
  cursor_.Advance();
  ExprPtr subject;
  if (!cursor_.AtWord("WHEN")) {
    MS_ASSIGN_OR_RETURN(subject, ParseExpression());
  }
  std::vector<ExprPtr> args;
  while (cursor_.TakeWord("WHEN")) {
    MS_ASSIGN_OR_RETURN(ExprPtr condition, ParseExpression());
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("THEN"));
    MS_ASSIGN_OR_RETURN(ExprPtr value, ParseExpression());
    args.push_back(subject ? Function("==", {subject, std::move(condition)}) : std::move(condition));
    args.push_back(std::move(value));
  }
  if (args.empty()) return cursor_.SyntaxError();
  if (cursor_.TakeWord("ELSE")) {
    MS_ASSIGN_OR_RETURN(ExprPtr otherwise, ParseExpression());
    args.push_back(std::move(otherwise));
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("END"));
  return Function("when", std::move(args));
}

Result<ExprPtr> SqlParser::ParseCast(std::optional<EvalMode> mode) {
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  MS_ASSIGN_OR_RETURN(ExprPtr child, ParseExpression());
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("AS"));
  MS_ASSIGN_OR_RETURN(DataType type, ParseDataType(cursor_));
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  return Node(Cast{std::move(child), std::move(type), mode});
}

bool SqlParser::LambdaAhead() const {
  auto name_at = [&](size_t ahead) { return cursor_.Peek(ahead).kind == TokenKind::kWord || cursor_.Peek(ahead).kind == TokenKind::kQuotedName; };
  if (name_at(0)) return cursor_.AtSymbol("->", 1);
  if (!cursor_.AtSymbol("(")) return false;
  size_t ahead = 1;
  while (name_at(ahead) && cursor_.AtSymbol(",", ahead + 1)) ahead += 2;
  return name_at(ahead) && cursor_.AtSymbol(")", ahead + 1) && cursor_.AtSymbol("->", ahead + 2);
}

Result<ExprPtr> SqlParser::ParseLambda() {
  std::vector<std::string> names;
  if (cursor_.AtSymbol("(")) {
    MS_ASSIGN_OR_RETURN(names, ParseNameList());
  } else {
    MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
    names.push_back(std::move(name));
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("->"));
  lambda_parameters_.push_back(names);
  Result<ExprPtr> body = ParseExpression();
  lambda_parameters_.pop_back();
  if (!body.ok()) return body;
  return Node(LambdaExpr{.body = *std::move(body), .params = std::move(names)});
}

// :name and ?, replaced by what spark.sql(args=…) gave.
Result<ExprPtr> SqlParser::ParseParameter() {
  auto unbound = [](std::string name) { return Status::Error(errors::kUnboundParameter, {{"name", std::move(name)}}); };
  const Token token = cursor_.Peek();
  if (cursor_.TakeSymbol("?")) {
    if (parameters_ == nullptr || next_positional_ >= parameters_->positional.size()) return unbound("_" + std::to_string(token.begin));
    return parameters_->positional[next_positional_++];
  }
  cursor_.Advance();
  MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
  if (parameters_ != nullptr) {
    if (auto found = parameters_->named.find(name); found != parameters_->named.end()) return found->second;
  }
  return unbound(name);
}

}  // namespace millstream
