#pragma once

// sql_parser.h   The recursive descent behind parser.h, of SqlBaseParser.g4's shape. One object parses one text; its parts lie in
// statement_parser.cc, copy_parser.cc, query_parser.cc, relation_parser.cc, expression_parser.cc, primary_parser.cc, function_parser.cc and
// literal_parser.cc.

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plan/command.h"
#include "plan/sql/parser.h"
#include "types/sql_tokens.h"

namespace millstream {

class SqlParser {
 public:
  // Both must outlive the parser; `parameters` may be null.
  SqlParser(const SqlTokens& tokens, const SqlParameters* parameters);

  Result<Statement> ParseStatement();
  Result<PlanPtr> ParseQuery();
  // "a + 1", "a + 1 AS b", "*".
  Result<ExprPtr> ParseNamedExpression();
  Result<ExprPtr> ParseExpression();
  Result<MultipartName> ParseName();

  TokenCursor& cursor() { return cursor_; }
  // Nothing may follow: PARSE_SYNTAX_ERROR in ANTLR's words. Also reports a tree that came out too deep.
  Status ExpectEnd(bool after_semicolon = false);

 private:
  // ---- depth: every recursive production holds one of these, so that no text can exhaust the stack
  class Level {
   public:
    explicit Level(SqlParser& parser) : parser_(parser) { ++parser_.level_; }
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    bool TooDeep() const;

   private:
    SqlParser& parser_;
  };
  Status TooComplex() const;
  // Nodes are made here, because a loop (a + a + a …) makes a tree deep without any recursion.
  template <typename T>
  ExprPtr Node(T node) {
    int depth = DepthBelow(node);
    return Limited(MakeExpr(std::move(node)), depth);
  }
  template <typename T>
  PlanPtr Plan(T node) {
    int depth = DepthBelow(node);
    return Limited(MakePlan(std::move(node)), depth);
  }
  ExprPtr Limited(ExprPtr expr, int depth_below);
  PlanPtr Limited(PlanPtr plan, int depth_below);
  int DepthOf(const void* node) const;
  template <typename T>
  int DepthBelow(const T& node) const;
  ExprPtr Function(std::string name, std::vector<ExprPtr> args);
  ExprPtr TextLiteral(std::string text);
  ExprPtr IntLiteral(int32_t value);

  // ---- statements
  Result<Statement> ParseCreate();
  Result<Statement> ParseCreateDatabase();
  Result<Statement> ParseCreateTable(bool or_replace);
  Result<Statement> ParseCreateView(bool or_replace, bool temporary, bool global);
  Result<Statement> ParseDrop();
  Result<Statement> ParseShow();
  Result<Statement> ParseShowTables();
  Result<Statement> ParseShowColumns();
  Result<Statement> ParseDescribe();
  Result<Statement> ParseUse();
  Result<Statement> ParseSet();
  Result<Statement> ParseReset();
  Result<Statement> ParseExplain();
  Result<Statement> ParseInsert();
  Status ParsePartitionSpec(WriteData& write);
  // changes_parser.cc
  Result<Statement> ParseDelete();
  Result<Statement> ParseUpdate();
  Result<Statement> ParseMerge();
  Result<ChangeTarget> ParseChangeTarget();
  Result<std::vector<Assignment>> ParseAssignments();
  Result<ExprPtr> ParseAssignedValue();
  Status ParseWhen(MergeInto& merge, const Token& start);
  Result<Statement> ParseAlter();
  // stream_files_parser.cc
  bool StreamFilesAhead() const;
  Result<Statement> ParseStreamFiles();
  // schema_parser.cc
  Result<Statement> ParseRevertSchema();
  Result<Statement> ParsePromoteRescued();
  // table_files_parser.cc
  bool TableFilesAhead() const;
  Result<Statement> ParseTableFiles();
  // copy_parser.cc
  Result<Statement> ParseCopyInto();
  Result<Statement> ParseRetryQuarantine();  // retry_parser.cc
  Status ParseCopySource(CopyInto& copy);
  // verify_parser.cc
  Result<Statement> ParseVerifyFiles();
  Status ParseCopyClause(CopyInto& copy, std::vector<std::string>& seen);
  Status ParseCopyValidation(CopyInto& copy);
  Status ParseTableClauses(CreateTable& table);
  Status ParsePartitionedBy(CreateTable& table);
  Result<std::map<std::string, std::string>> ParseProperties();
  Result<std::string> ParsePropertyKey();
  Result<std::string> ParsePropertyValue();
  Result<std::optional<std::string>> ParsePattern();
  Status Unsupported(std::string statement, std::string hint = "");
  bool TakeIfNotExists();
  bool TakeIfExists();
  std::string RestOfStatement();

  // ---- queries
  Result<PlanPtr> ParseSetOperations();
  Result<PlanPtr> ParseIntersections();
  Result<bool> ParseSetQuantifier();
  Result<PlanPtr> ParseQueryTerm();
  Result<PlanPtr> ParseSelect(PlanPtr from);  // `from`: of FROM … SELECT, or null
  Result<PlanPtr> ParseQueryOrganization(PlanPtr plan);
  Result<PlanPtr> ParseAggregation(std::vector<ExprPtr> select_list, PlanPtr child);
  struct GroupingElement;
  Result<GroupingElement> ParseGroupingElement();
  Result<std::vector<std::vector<ExprPtr>>> ParseGroupingSets();
  Status ParseWindowClause();
  Result<std::vector<std::pair<std::string, PlanPtr>>> ParseCtes();
  Result<PlanPtr> ParseProjection(PlanPtr child, std::vector<ExprPtr> select_list, bool distinct);
  Result<std::vector<ExprPtr>> ParseSelectList(std::optional<std::vector<ExprPtr>>& dropped);
  PlanPtr UnionOf(std::vector<PlanPtr> plans);
  Result<PlanPtr> ParseValues();
  Result<PlanPtr> ParseFromFirst();
  Result<ExprPtr> ParseSortItem();
  Result<std::vector<ExprPtr>> ParseSortItems();
  Result<std::vector<ExprPtr>> ParseExpressionList();
  bool QueryAhead(size_t from = 0) const;
  size_t MatchingParenthesis(size_t open) const;  // positions of tokens; of an unmatched one: the last token
  void MatchParentheses() const;
  void SkipHints();

  // ---- relations
  Result<PlanPtr> ParseFrom();
  Result<PlanPtr> ParseRelation();
  Result<PlanPtr> ParseJoins(PlanPtr left);
  Result<PlanPtr> ParseRelationPrimary();
  Result<PlanPtr> ParseParenthesizedRelation();
  Result<PlanPtr> ParseNamedRelation();
  Result<PlanPtr> ParseTableFunction(MultipartName name, bool stream, bool stream_call);
  Result<PlanPtr> ParseSample(PlanPtr plan);
  Result<PlanPtr> ParseWatermark(PlanPtr plan);
  Result<PlanPtr> ParseTableAlias(PlanPtr plan);
  Result<PlanPtr> ParseLateralViews(PlanPtr plan);
  Status ParseTimeTravel(OptionMap& options);
  Result<std::vector<std::string>> ParseNameList();
  bool TableAliasAhead() const;
  bool JoinAhead() const;

  // ---- expressions
  Result<ExprPtr> ParseConjunction();
  Result<ExprPtr> ParseNegation();
  Result<ExprPtr> ParsePredicate(ExprPtr left);
  Result<ExprPtr> ParseIn(ExprPtr left);
  Result<ExprPtr> ParseLike(ExprPtr left, const std::string& function);
  Result<ExprPtr> ParseIs(ExprPtr left);
  Result<ExprPtr> ParseValue(int min_precedence);
  Result<ExprPtr> ParseUnary();
  Result<ExprPtr> ParsePostfix();
  Result<ExprPtr> ParsePrimary();
  Result<ExprPtr> ParseWordPrimary();
  Result<ExprPtr> ParseParenthesized();
  Result<ExprPtr> ParseCase();
  Result<ExprPtr> ParseCast(std::optional<EvalMode> mode);
  Result<ExprPtr> ParseColumnOrFunction();
  Result<std::optional<ExprPtr>> ParseSpecialForm();  // EXTRACT, TRIM, SUBSTRING, POSITION, OVERLAY with keywords inside
  Result<ExprPtr> ParseFunction(MultipartName name, std::vector<ExprPtr> first);
  Result<ExprPtr> ParseWindow(ExprPtr function);
  Result<WindowCall> ParseWindowSpec();
  Result<WindowFrame> ParseWindowFrame();
  Result<WindowFrame::Bound> ParseFrameBound();
  Result<const WindowCall*> FindNamedWindow(const std::string& name);
  Result<ExprPtr> ParseLambda();
  Result<ExprPtr> ParseParameter();
  Result<ExprPtr> ParseStar(std::vector<std::string> target);
  bool LambdaAhead() const;
  ExprPtr Balanced(const std::string& function, std::vector<ExprPtr> operands);
  ExprPtr ColumnOrLambdaVariable(std::vector<std::string> parts);
  Result<ExprPtr> ParseAlias(ExprPtr expr);
  bool AliasAhead() const;

  // ---- literals
  Result<ExprPtr> ParseNumber(bool negative);
  Result<ExprPtr> ParseTypedLiteral(const std::string& type);
  Result<ExprPtr> ParseInterval();
  Result<ExprPtr> IntervalFromText(const std::string& text, const Token& token);

  // Definitions of a SELECT's WINDOW clause, which stands behind the list that uses them.
  struct SelectScope {
    size_t start = 0;
    bool windows_read = false;
    std::map<std::string, WindowCall> windows;
  };

  TokenCursor cursor_;
  const SqlTokens& tokens_;
  const SqlParameters* parameters_;
  size_t next_positional_ = 0;
  int level_ = 0;
  const char* stack_base_ = nullptr;
  bool too_deep_ = false;
  std::unordered_map<const void*, int> depth_of_;
  SelectScope* select_ = nullptr;
  CopyInto* copy_ = nullptr;  // of whose SELECT the parser is in
  // By position of a token, filled on first use, so that deep nesting does not scan the text at each level: of "(" its ")", and what
  // follows a run of "(".
  mutable std::vector<uint32_t> closing_, past_opening_;
  std::vector<std::vector<std::string>> lambda_parameters_;
};

}  // namespace millstream
