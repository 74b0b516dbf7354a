// relation_parser.cc   FROM: tables, subqueries, joins, LATERAL VIEW, samples, time travel.

#include <algorithm>
#include <charconv>

#include "base/ignore_case.h"
#include "plan/sql/file_functions.h"
#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"
#include "plan/stream_functions.h"

namespace millstream {
namespace {

// strictNonReserved of SqlBaseParser.g4: never a table's alias without AS.
constexpr std::string_view kNeverTableAlias[] = {"ANTI", "CROSS",   "EXCEPT", "FULL",  "INNER", "INTERSECT", "JOIN",  "LATERAL",
                                                 "LEFT", "NATURAL", "ON",     "RIGHT", "SEMI",  "MINUS",     "UNION", "USING"};

bool IsName(const Token& token) { return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName; }

}  // namespace

Result<PlanPtr> SqlParser::ParseFrom() {
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("FROM"));
  MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseRelation());
  while (cursor_.TakeSymbol(",")) {
    bool lateral = cursor_.AtWord("LATERAL") && !cursor_.AtWord("VIEW", 1);
    MS_ASSIGN_OR_RETURN(PlanPtr right, ParseRelation());
    plan = Plan(Join{.is_lateral = lateral, .left = std::move(plan), .right = std::move(right)});
    if (too_deep_) return TooComplex();
  }
  if ((cursor_.AtWord("PIVOT") || cursor_.AtWord("UNPIVOT")) && cursor_.AtSymbol("(", 1)) {
    return Status::Unsupported(cursor_.AtWord("PIVOT") ? "PIVOT" : "UNPIVOT");
  }
  return ParseLateralViews(std::move(plan));
}

Result<PlanPtr> SqlParser::ParseLateralViews(PlanPtr plan) {
  while (cursor_.TakeWords("LATERAL", "VIEW")) {
    Generate generate{.outer = cursor_.TakeWord("OUTER"), .child = std::move(plan)};
    MS_ASSIGN_OR_RETURN(MultipartName function, ParseName());
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
    std::vector<ExprPtr> args;
    if (!cursor_.AtSymbol(")")) {
      MS_ASSIGN_OR_RETURN(args, ParseExpressionList());
    }
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    generate.generator = Node(UnresolvedFunction{.name = std::move(function), .args = std::move(args)});
    if (IsName(cursor_.Peek()) && !cursor_.AtWord("AS") && AliasAhead()) {
      MS_ASSIGN_OR_RETURN(generate.alias, cursor_.ExpectName());
    }
    bool as = cursor_.TakeWord("AS");
    if (as || (IsName(cursor_.Peek()) && AliasAhead())) {
      do {
        MS_ASSIGN_OR_RETURN(std::string column, cursor_.ExpectName());
        generate.column_aliases.push_back(std::move(column));
      } while (cursor_.TakeSymbol(","));
    }
    plan = Plan(std::move(generate));
    if (too_deep_) return TooComplex();
  }
  return plan;
}

Result<PlanPtr> SqlParser::ParseRelation() {
  Level level(*this);
  if (level.TooDeep()) return TooComplex();
  cursor_.TakeWord("LATERAL");
  MS_ASSIGN_OR_RETURN(PlanPtr left, ParseRelationPrimary());
  return ParseJoins(std::move(left));
}

bool SqlParser::JoinAhead() const {
  for (std::string_view word : {"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "SEMI", "ANTI"}) {
    if (cursor_.AtWord(word)) return true;
  }
  return false;
}

Result<PlanPtr> SqlParser::ParseJoins(PlanPtr left) {
  while (JoinAhead() && !too_deep_) {
    Join join{.left = std::move(left)};
    join.is_natural = cursor_.TakeWord("NATURAL");
    if (cursor_.TakeWord("CROSS")) {
      join.type = JoinType::kCross;
    } else if (cursor_.TakeWord("SEMI")) {
      join.type = JoinType::kLeftSemi;
    } else if (cursor_.TakeWord("ANTI")) {
      join.type = JoinType::kLeftAnti;
    } else if (cursor_.TakeWord("LEFT")) {
      join.type = cursor_.TakeWord("SEMI") ? JoinType::kLeftSemi : cursor_.TakeWord("ANTI") ? JoinType::kLeftAnti : JoinType::kLeftOuter;
      if (join.type == JoinType::kLeftOuter) cursor_.TakeWord("OUTER");
    } else if (cursor_.AtWord("RIGHT") || cursor_.AtWord("FULL")) {
      join.type = cursor_.AtWord("RIGHT") ? JoinType::kRightOuter : JoinType::kFullOuter;
      cursor_.Advance();
      cursor_.TakeWord("OUTER");
    } else {
      cursor_.TakeWord("INNER");
    }
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("JOIN"));
    join.is_lateral = cursor_.TakeWord("LATERAL");
    MS_ASSIGN_OR_RETURN(join.right, ParseRelationPrimary());
    if (!join.is_natural && cursor_.TakeWord("ON")) {
      MS_ASSIGN_OR_RETURN(join.condition, ParseExpression());
    } else if (!join.is_natural && cursor_.TakeWord("USING")) {
      MS_ASSIGN_OR_RETURN(join.using_columns, ParseNameList());
    }
    left = Plan(std::move(join));
  }
  if (too_deep_) return TooComplex();
  return left;
}

Result<std::vector<std::string>> SqlParser::ParseNameList() {
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  std::vector<std::string> names;
  do {
    MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
    names.push_back(std::move(name));
  } while (cursor_.TakeSymbol(","));
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  return names;
}

Result<PlanPtr> SqlParser::ParseRelationPrimary() {
  if (cursor_.AtSymbol("(")) return ParseParenthesizedRelation();
  const TokenKind next = cursor_.Peek(1).kind;
  if (cursor_.AtWord("VALUES") && (cursor_.AtSymbol("(", 1) || (next >= TokenKind::kString && next <= TokenKind::kBigDecimal))) {
    cursor_.Advance();
    MS_ASSIGN_OR_RETURN(PlanPtr values, ParseValues());
    return ParseTableAlias(std::move(values));
  }
  if (copy_ != nullptr && cursor_.Peek().kind == TokenKind::kString && copy_->source.empty()) {
    MS_RETURN_IF_ERROR(ParseCopySource(*copy_));
    return ParseTableAlias(Plan(UnresolvedDataSource{.format = kCopySourceFormat, .paths = {copy_->source}}));
  }
  return ParseNamedRelation();
}

// "(SELECT …)", "(a JOIN b …)", "(t)".
Result<PlanPtr> SqlParser::ParseParenthesizedRelation() {
  Level level(*this);
  if (level.TooDeep()) return TooComplex();
  cursor_.Advance();
  PlanPtr plan;
  if (QueryAhead()) {
    MS_ASSIGN_OR_RETURN(plan, ParseQuery());
  } else {
    MS_ASSIGN_OR_RETURN(plan, ParseRelation());
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  MS_ASSIGN_OR_RETURN(plan, ParseSample(std::move(plan)));
  MS_ASSIGN_OR_RETURN(plan, ParseWatermark(std::move(plan)));
  return ParseTableAlias(std::move(plan));
}

// WATERMARK ts DELAY OF INTERVAL 3 MINUTES, WATERMARK to_timestamp(t) AS ts DELAY OF …: on any other word, WATERMARK is an alias.
Result<PlanPtr> SqlParser::ParseWatermark(PlanPtr plan) {
  if (!cursor_.AtWord("WATERMARK")) return plan;
  const size_t start = cursor_.position();
  cursor_.Advance();
  // An alias needs AS here: DELAY would be taken for one.
  Result<ExprPtr> column = ParseExpression();
  if (column.ok() && cursor_.TakeWord("AS")) {
    MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
    column = Node(Alias{.child = *std::move(column), .names = {std::move(name)}});
  }
  if (!column.ok() || !cursor_.TakeWords("DELAY", "OF")) {
    cursor_.Rewind(start);
    return plan;
  }
  WithWatermark watermark;
  if (const auto* attribute = (*column)->As<UnresolvedAttribute>()) {
    watermark.column = attribute->parts.back();
  } else if (const auto* alias = (*column)->As<Alias>(); alias && alias->names.size() == 1) {
    watermark.column = alias->names[0];
    plan = Plan(Project{{Node(UnresolvedStar{}), *column}, std::move(plan)});
  } else {
    return Status::Error(errors::kWatermarkWithoutAlias, {{"sqlExpr", "\"" + SqlOf(**column) + "\""}});
  }
  MS_ASSIGN_OR_RETURN(ExprPtr delay, ParseExpression());
  const auto* interval = delay->As<Literal>();
  const auto* count = interval ? std::get_if<int64_t>(&interval->value.held) : nullptr;
  if (!count || interval->type.id() != TypeId::kDayTimeInterval) return Status::Unsupported("a WATERMARK whose delay is no interval of days and time");
  watermark.delay = std::to_string(*count) + " microseconds";
  watermark.child = std::move(plan);
  return Plan(std::move(watermark));
}

Result<PlanPtr> SqlParser::ParseNamedRelation() {
  bool next_is_name = IsName(cursor_.Peek(1)) && !cursor_.AtWord("AS", 1);
  bool stream_call = cursor_.AtWord("STREAM") && cursor_.AtSymbol("(", 1) && IsName(cursor_.Peek(2));
  bool stream = stream_call;
  if (cursor_.AtWord("STREAM") && next_is_name) {
    size_t here = cursor_.position();
    cursor_.Advance();
    stream = TableAliasAhead();  // "STREAM t", but not "stream WHERE …"
    cursor_.Rewind(here);
  }
  if (stream) cursor_.Advance();
  if (stream_call) cursor_.Advance();
  MS_ASSIGN_OR_RETURN(MultipartName name, ParseName());
  if (cursor_.TakeSymbol("(")) return ParseTableFunction(std::move(name), stream, stream_call);
  UnresolvedRelation relation{.name = std::move(name), .is_streaming = stream};
  if (stream_call) MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  MS_RETURN_IF_ERROR(ParseTimeTravel(relation.options));
  MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseSample(Plan(std::move(relation))));
  MS_ASSIGN_OR_RETURN(plan, ParseWatermark(std::move(plan)));
  return ParseTableAlias(std::move(plan));
}

// range(10), STREAM read_files('/in', format => 'json'), STREAM(read_files(…)): a named argument is an Alias.
Result<PlanPtr> SqlParser::ParseTableFunction(MultipartName name, bool stream, bool stream_call) {
  UnresolvedTableFunction function{.name = std::move(name), .args = {}};
  if (!cursor_.AtSymbol(")")) {
    do {
      std::string argument;
      if (cursor_.AtSymbol("=>", 1)) {
        MS_ASSIGN_OR_RETURN(argument, cursor_.ExpectName());
        cursor_.Advance();
      }
      if (cursor_.AtWord("TABLE") && cursor_.AtSymbol("(", 1)) {
        const std::string& called = function.name.back();
        const bool is_known =
            std::any_of(std::begin(kFunctionsOfTables), std::end(kFunctionsOfTables), [&](const char* known) { return EqualsIgnoreCase(called, known); });
        if (!is_known) return Status::Unsupported("TABLE(…) as an argument of " + called, "Name what is read by its path.");
        cursor_.Advance();
        cursor_.Advance();
        MS_ASSIGN_OR_RETURN(MultipartName table, ParseName());
        MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
        function.args.push_back(Node(Alias{.child = Node(UnresolvedAttribute{.parts = std::move(table), .plan_id = {}}), .names = {kTableArgument}}));
        continue;
      }
      MS_ASSIGN_OR_RETURN(ExprPtr arg, ParseExpression());
      if (!argument.empty()) arg = Node(Alias{.child = std::move(arg), .names = {std::move(argument)}});
      function.args.push_back(std::move(arg));
    } while (cursor_.TakeSymbol(","));
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  if (stream_call) MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  MS_ASSIGN_OR_RETURN(std::optional<UnresolvedDataSource> files, FileFunction(function.name.back(), function.args, stream));
  MS_ASSIGN_OR_RETURN(PlanPtr plan, ParseWatermark(files ? Plan(*std::move(files)) : Plan(std::move(function))));
  return ParseTableAlias(std::move(plan));
}

// VERSION AS OF 3, TIMESTAMP AS OF '2024-01-01': the table's options.
Status SqlParser::ParseTimeTravel(OptionMap& options) {
  size_t start = cursor_.position();
  cursor_.TakeWord("FOR");
  bool version = cursor_.AtWord("VERSION") || cursor_.AtWord("SYSTEM_VERSION");
  bool timestamp = cursor_.AtWord("TIMESTAMP") || cursor_.AtWord("SYSTEM_TIME");
  if ((!version && !timestamp) || !cursor_.AtWord("AS", 1) || !cursor_.AtWord("OF", 2)) {
    cursor_.Rewind(start);
    return Status::Ok();
  }
  for (int i = 0; i < 3; ++i) cursor_.Advance();
  if (version && cursor_.Peek().kind == TokenKind::kInteger) {
    options["versionAsOf"] = cursor_.Text(cursor_.Peek());
    cursor_.Advance();
    return Status::Ok();
  }
  if (timestamp && (cursor_.AtWord("TIMESTAMP") || cursor_.AtWord("DATE")) && cursor_.Peek(1).kind == TokenKind::kString) cursor_.Advance();
  if (timestamp && cursor_.Peek().kind != TokenKind::kString) {
    return Status::Unsupported("TIMESTAMP AS OF an expression", "Write the time as a string: TIMESTAMP AS OF '2024-01-31 12:00:00'.");
  }
  MS_ASSIGN_OR_RETURN(std::string value, cursor_.ExpectString());
  options[version ? "versionAsOf" : "timestampAsOf"] = std::move(value);
  return Status::Ok();
}

// TABLESAMPLE (10 PERCENT), (5 ROWS), (BUCKET 1 OUT OF 4), with REPEATABLE (seed).
Result<PlanPtr> SqlParser::ParseSample(PlanPtr plan) {
  if (!cursor_.AtWord("TABLESAMPLE")) return plan;
  cursor_.Advance();
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  Sample sample;
  if (cursor_.TakeWord("BUCKET")) {
    MS_ASSIGN_OR_RETURN(int64_t numerator, cursor_.ExpectInteger());
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("OUT"));
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("OF"));
    MS_ASSIGN_OR_RETURN(int64_t denominator, cursor_.ExpectInteger());
    if (denominator <= 0 || numerator > denominator) return Status::IllegalArgument("TABLESAMPLE needs a bucket from 1 to the number of buckets.");
    sample.upper = static_cast<double>(numerator) / static_cast<double>(denominator);
  } else {
    const Token number = cursor_.Peek();
    if (cursor_.AtWord("ROWS", 1)) {
      MS_ASSIGN_OR_RETURN(ExprPtr count, ParseExpression());
      MS_RETURN_IF_ERROR(cursor_.ExpectWord("ROWS"));
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
      return Plan(Limit{std::move(count), std::move(plan)});
    }
    if (number.kind != TokenKind::kInteger && number.kind != TokenKind::kDecimal) return cursor_.SyntaxError();
    std::string_view text = cursor_.Text(number);
    double percent = 0;
    std::from_chars(text.data(), text.data() + text.size(), percent);
    cursor_.Advance();
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("PERCENT"));
    if (percent > 100) return Status::IllegalArgument("Sampling fraction (" + std::to_string(percent / 100) + ") must be on interval [0, 1]");
    sample.upper = percent / 100;
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  if (cursor_.TakeWord("REPEATABLE")) {
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
    MS_ASSIGN_OR_RETURN(sample.seed, cursor_.ExpectInteger());
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  }
  sample.child = std::move(plan);
  return Plan(std::move(sample));
}

bool SqlParser::TableAliasAhead() const {
  if (!AliasAhead()) return false;
  if (cursor_.Peek().kind == TokenKind::kQuotedName) return true;
  for (std::string_view word : kNeverTableAlias) {
    if (cursor_.AtWord(word)) return false;
  }
  bool clause = (cursor_.AtWord("PIVOT") || cursor_.AtWord("UNPIVOT") || cursor_.AtWord("TABLESAMPLE")) && cursor_.AtSymbol("(", 1);
  bool insert = cursor_.AtWord("INSERT") && (cursor_.AtWord("INTO", 1) || cursor_.AtWord("OVERWRITE", 1));
  return !clause && !insert;
}

// "AS t", "t (a, b)".
Result<PlanPtr> SqlParser::ParseTableAlias(PlanPtr plan) {
  bool as = cursor_.AtWord("AS") && IsName(cursor_.Peek(1));
  if (as) cursor_.Advance();
  if (!as && !TableAliasAhead()) return plan;
  for (std::string_view word : kNeverTableAlias) {
    if (cursor_.AtWord(word)) return cursor_.SyntaxError();
  }
  SubqueryAlias alias{.child = std::move(plan)};
  MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
  alias.name = {std::move(name)};
  if (cursor_.AtSymbol("(")) {
    MS_ASSIGN_OR_RETURN(alias.column_aliases, ParseNameList());
  }
  MS_ASSIGN_OR_RETURN(PlanPtr sampled, ParseSample(Plan(std::move(alias))));
  return sampled;
}

}  // namespace millstream
