#include "plan/sql/sql_parser.h"

#include <algorithm>

#include "plan/sql/node_depth.h"
#include "types/types_errors.h"

namespace millstream {
namespace {

// Half of the smallest stack that a thread of ours has; frames of unoptimized builds are large.
constexpr ptrdiff_t kMaxStackBytes = 4 << 20;

}  // namespace

SqlParser::SqlParser(const SqlTokens& tokens, const SqlParameters* parameters)
    : cursor_(tokens), tokens_(tokens), parameters_(parameters), stack_base_(static_cast<const char*>(__builtin_frame_address(0))) {}

bool SqlParser::Level::TooDeep() const {
  ptrdiff_t used = parser_.stack_base_ - static_cast<const char*>(__builtin_frame_address(0));
  return parser_.level_ > kMaxPlanDepth || parser_.too_deep_ || used > kMaxStackBytes || -used > kMaxStackBytes;
}

Status SqlParser::TooComplex() const { return cursor_.ErrorAt(cursor_.Peek(), errors::kTooComplex, {}); }

int SqlParser::DepthOf(const void* node) const {
  if (node == nullptr) return 0;
  auto found = depth_of_.find(node);
  return found == depth_of_.end() ? 1 : found->second;
}

ExprPtr SqlParser::Limited(ExprPtr expr, int depth_below) {
  if (depth_below >= kMaxPlanDepth) {
    too_deep_ = true;
    return MakeExpr(Literal{});
  }
  if (depth_below > 0) {
    depth_of_[expr.get()] = depth_below + 1;
  } else if (!depth_of_.empty()) {
    depth_of_.erase(expr.get());  // left by a node that is gone
  }
  return expr;
}

PlanPtr SqlParser::Limited(PlanPtr plan, int depth_below) {
  if (depth_below >= kMaxPlanDepth) {
    too_deep_ = true;
    return MakePlan(OneRow{});
  }
  if (depth_below > 0) {
    depth_of_[plan.get()] = depth_below + 1;
  } else if (!depth_of_.empty()) {
    depth_of_.erase(plan.get());
  }
  return plan;
}

ExprPtr SqlParser::Function(std::string name, std::vector<ExprPtr> args) {
  return Node(UnresolvedFunction{.name = {std::move(name)}, .args = std::move(args)});
}
ExprPtr SqlParser::TextLiteral(std::string text) { return Node(Literal{Value{std::move(text)}, DataType::String()}); }
ExprPtr SqlParser::IntLiteral(int32_t value) { return Node(Literal{Value{int64_t{value}}, DataType::Integer()}); }

Status SqlParser::ExpectEnd(bool after_semicolon) {
  if (too_deep_) return TooComplex();
  if (cursor_.AtEnd()) return Status::Ok();
  // ANTLR tells a single word too many from text that makes no sense.
  bool one_too_many = after_semicolon || cursor_.Peek(1).kind == TokenKind::kEnd || cursor_.AtSymbol(";", 1);
  if (!one_too_many || cursor_.Peek().kind == TokenKind::kUnknown) return cursor_.SyntaxError();
  return cursor_.SyntaxError(": extra input '" + std::string(cursor_.Text(cursor_.Peek()).substr(0, 200)) + "'");
}

Result<MultipartName> SqlParser::ParseName() {
  MultipartName name;
  do {
    MS_ASSIGN_OR_RETURN(std::string part, cursor_.ExpectName());
    // "t-x" reads like a subtraction, which a name cannot be.
    if (cursor_.AtSymbol("-") && cursor_.Peek(1).kind == TokenKind::kWord) {
      const Token dash = cursor_.Peek();
      while (cursor_.AtSymbol("-") && cursor_.Peek(1).kind == TokenKind::kWord) {
        part += "-" + std::string(cursor_.Text(cursor_.Peek(1)));
        cursor_.Advance();
        cursor_.Advance();
      }
      return cursor_.ErrorAt(dash, errors::kInvalidIdentifier, {{"ident", part}});
    }
    name.push_back(std::move(part));
  } while (cursor_.TakeSymbol("."));
  return name;
}

Status SqlParser::Unsupported(std::string statement, std::string hint) { return Status::Unsupported(std::move(statement), std::move(hint)); }

}  // namespace millstream
