// function_parser.cc   Calls: arguments, DISTINCT, FILTER, IGNORE NULLS, OVER, and the functions that have keywords between their
// arguments.

#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"

namespace millstream {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

}  // namespace

// Behind the opening parenthesis; `first` are arguments that have been read already.
Result<ExprPtr> SqlParser::ParseFunction(MultipartName name, std::vector<ExprPtr> first) {
  UnresolvedFunction call;
  call.args = std::move(first);
  bool single = name.size() == 1;
  std::string lower = single ? Lower(name[0]) : "";
  call.name = std::move(name);
  if (call.args.empty() && cursor_.AtWord("DISTINCT") && !cursor_.AtSymbol(")", 1) && !cursor_.AtSymbol(",", 1)) {
    cursor_.Advance();
    call.is_distinct = true;
  } else if (cursor_.AtWord("ALL") && !cursor_.AtSymbol(")", 1) && !cursor_.AtSymbol(",", 1)) {
    cursor_.Advance();
  }
  // timestampadd(DAY, 1, ts): the unit is a word, not a column.
  bool takes_unit =
      lower == "timestampadd" || lower == "timestampdiff" || lower == "dateadd" || lower == "datediff" || lower == "date_add" || lower == "date_diff";
  bool three_args = false;
  if (takes_unit && cursor_.Peek().kind == TokenKind::kWord && cursor_.AtSymbol(",", 1)) {
    static constexpr std::string_view kUnits[] = {"YEAR", "QUARTER", "MONTH",  "WEEK",        "DAY",        "DAYOFYEAR",
                                                  "HOUR", "MINUTE",  "SECOND", "MILLISECOND", "MICROSECOND"};
    for (std::string_view unit : kUnits) three_args |= cursor_.AtWord(unit);
  }
  if (three_args) {
    call.name = {lower.ends_with("diff") ? "timestampdiff" : "timestampadd"};
    call.args.push_back(TextLiteral(std::string(cursor_.Text(cursor_.Peek()))));
    cursor_.Advance();
    cursor_.Advance();
  }
  if (lower == "count" && cursor_.AtSymbol("*") && cursor_.AtSymbol(")", 1)) {
    cursor_.Advance();
    call.args.push_back(IntLiteral(1));
  } else if (call.args.size() == (three_args ? 1 : 0) ? !cursor_.AtSymbol(")") : cursor_.TakeSymbol(",")) {
    do {
      if (cursor_.AtSymbol("=>", 1)) {
        MS_ASSIGN_OR_RETURN(std::string argument, cursor_.ExpectName());
        cursor_.Advance();
        call.named_args.emplace_back(call.args.size(), std::move(argument));
      }
      // Only struct(a AS b) looks at the names of its arguments.
      MS_ASSIGN_OR_RETURN(ExprPtr arg, lower == "struct" ? ParseNamedExpression() : ParseExpression());
      call.args.push_back(std::move(arg));
    } while (cursor_.TakeSymbol(","));
  }
  // first(a IGNORE NULLS) and first(a) IGNORE NULLS are the same.
  auto nulls = [&] {
    if (cursor_.TakeWords("IGNORE", "NULLS")) call.ignore_nulls = true;
    cursor_.TakeWords("RESPECT", "NULLS");
  };
  nulls();
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  if (cursor_.AtWords("WITHIN", "GROUP")) return Status::Unsupported("WITHIN GROUP (ORDER BY …)");
  if (cursor_.AtWord("FILTER") && cursor_.AtSymbol("(", 1) && cursor_.AtWord("WHERE", 2)) {
    for (int i = 0; i < 3; ++i) cursor_.Advance();
    MS_ASSIGN_OR_RETURN(call.filter, ParseExpression());
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  }
  nulls();
  ExprPtr function = Node(std::move(call));
  bool window =
      cursor_.AtWord("OVER") && (cursor_.AtSymbol("(", 1) || cursor_.Peek(1).kind == TokenKind::kWord || cursor_.Peek(1).kind == TokenKind::kQuotedName);
  if (window) return ParseWindow(std::move(function));
  return function;
}

// EXTRACT(f FROM x), TRIM(BOTH x FROM y), SUBSTRING(x FROM a FOR b), POSITION(a IN b), OVERLAY(x PLACING y FROM a FOR b). Their first
// argument is read once, whether or not a keyword follows: reading nested calls twice would double the work at each level.
Result<std::optional<ExprPtr>> SqlParser::ParseSpecialForm() {
  std::string name = Lower(cursor_.Text(cursor_.Peek()));
  auto done = [&](std::string function, std::vector<ExprPtr> args) -> Result<std::optional<ExprPtr>> {
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    return std::optional<ExprPtr>(Function(std::move(function), std::move(args)));
  };
  if (name == "extract" && cursor_.AtWord("FROM", 3)) {
    cursor_.Advance();
    cursor_.Advance();
    std::string_view text = cursor_.Text(cursor_.Peek());
    std::string field = cursor_.Peek().kind == TokenKind::kString ? UnescapeString(text) : std::string(text);
    cursor_.Advance();
    cursor_.Advance();
    MS_ASSIGN_OR_RETURN(ExprPtr source, ParseExpression());
    return done("extract", {TextLiteral(std::move(field)), std::move(source)});
  }
  bool keyworded = name == "trim" || name == "substring" || name == "substr" || name == "position" || name == "overlay";
  if (!keyworded || cursor_.AtSymbol(")", 2) || cursor_.AtSymbol("=>", 3)) return std::optional<ExprPtr>();
  std::string written(cursor_.Text(cursor_.Peek()));
  cursor_.Advance();
  cursor_.Advance();
  if (name == "trim") {
    std::string function = cursor_.AtWord("LEADING") ? "ltrim" : cursor_.AtWord("TRAILING") ? "rtrim" : "trim";
    bool sided = (function != "trim" || cursor_.AtWord("BOTH")) && !cursor_.AtSymbol(")", 1) && !cursor_.AtSymbol(",", 1);
    if (sided) {
      cursor_.Advance();
      std::vector<ExprPtr> args;
      if (!cursor_.AtWord("FROM")) {
        MS_ASSIGN_OR_RETURN(ExprPtr characters, ParseExpression());
        args.push_back(std::move(characters));
      }
      MS_RETURN_IF_ERROR(cursor_.ExpectWord("FROM"));
      MS_ASSIGN_OR_RETURN(ExprPtr source, ParseExpression());
      args.push_back(std::move(source));
      return done(std::move(function), std::move(args));
    }
  }
  MS_ASSIGN_OR_RETURN(ExprPtr first, name == "position" ? ParseValue(1) : ParseExpression());
  if (name == "position" && cursor_.TakeWord("IN")) {
    MS_ASSIGN_OR_RETURN(ExprPtr source, ParseValue(1));
    return done("locate", {std::move(first), std::move(source)});
  }
  if (name == "trim" && cursor_.TakeWord("FROM")) {
    MS_ASSIGN_OR_RETURN(ExprPtr source, ParseExpression());
    return done("trim", {std::move(first), std::move(source)});
  }
  std::vector<ExprPtr> args = {std::move(first)};
  bool placing = name == "overlay" && cursor_.AtWord("PLACING");
  if (!placing && !(name.starts_with("substr") && cursor_.AtWord("FROM"))) {
    MS_ASSIGN_OR_RETURN(ExprPtr call, ParseFunction({std::move(written)}, std::move(args)));
    return std::optional<ExprPtr>(std::move(call));
  }
  if (placing) {
    cursor_.Advance();
    MS_ASSIGN_OR_RETURN(ExprPtr replacement, ParseExpression());
    args.push_back(std::move(replacement));
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("FROM"));
  MS_ASSIGN_OR_RETURN(ExprPtr position, ParseExpression());
  args.push_back(std::move(position));
  if (cursor_.TakeWord("FOR")) {
    MS_ASSIGN_OR_RETURN(ExprPtr length, ParseExpression());
    args.push_back(std::move(length));
  }
  return done(placing ? "overlay" : "substring", std::move(args));
}

Result<ExprPtr> SqlParser::ParseWindow(ExprPtr function) {
  cursor_.Advance();  // OVER
  WindowCall call;
  if (!cursor_.AtSymbol("(")) {
    MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
    MS_ASSIGN_OR_RETURN(const WindowCall* window, FindNamedWindow(name));
    call = *window;
  } else {
    MS_ASSIGN_OR_RETURN(call, ParseWindowSpec());
  }
  call.function = std::move(function);
  return Node(std::move(call));
}

Result<WindowCall> SqlParser::ParseWindowSpec() {
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  WindowCall spec;
  bool base_name = cursor_.Peek().kind == TokenKind::kWord && cursor_.AtSymbol(")", 1);
  if (base_name) {
    MS_ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName());
    MS_ASSIGN_OR_RETURN(const WindowCall* window, FindNamedWindow(name));
    spec = *window;
  }
  if (cursor_.TakeWords("PARTITION", "BY") || cursor_.TakeWords("DISTRIBUTE", "BY")) {
    MS_ASSIGN_OR_RETURN(spec.partition_by, ParseExpressionList());
  }
  if (cursor_.TakeWords("ORDER", "BY") || cursor_.TakeWords("SORT", "BY")) {
    MS_ASSIGN_OR_RETURN(spec.order_by, ParseSortItems());
  }
  if (cursor_.AtWord("ROWS") || cursor_.AtWord("RANGE")) {
    MS_ASSIGN_OR_RETURN(spec.frame, ParseWindowFrame());
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  return spec;
}

Result<WindowFrame> SqlParser::ParseWindowFrame() {
  WindowFrame frame;
  frame.unit = cursor_.AtWord("ROWS") ? WindowFrame::Unit::kRows : WindowFrame::Unit::kRange;
  cursor_.Advance();
  if (cursor_.TakeWord("BETWEEN")) {
    MS_ASSIGN_OR_RETURN(frame.lower, ParseFrameBound());
    MS_RETURN_IF_ERROR(cursor_.ExpectWord("AND"));
    MS_ASSIGN_OR_RETURN(frame.upper, ParseFrameBound());
  } else {
    MS_ASSIGN_OR_RETURN(frame.lower, ParseFrameBound());
    frame.upper = {WindowFrame::Bound::Kind::kCurrentRow, nullptr};
  }
  return frame;
}

Result<WindowFrame::Bound> SqlParser::ParseFrameBound() {
  using Kind = WindowFrame::Bound::Kind;
  if (cursor_.TakeWords("CURRENT", "ROW")) return WindowFrame::Bound{Kind::kCurrentRow, nullptr};
  if (cursor_.TakeWords("UNBOUNDED", "PRECEDING")) return WindowFrame::Bound{Kind::kUnboundedPreceding, nullptr};
  if (cursor_.TakeWords("UNBOUNDED", "FOLLOWING")) return WindowFrame::Bound{Kind::kUnboundedFollowing, nullptr};
  MS_ASSIGN_OR_RETURN(ExprPtr offset, ParseExpression());
  if (cursor_.TakeWord("PRECEDING")) return WindowFrame::Bound{Kind::kPreceding, std::move(offset)};
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("FOLLOWING"));
  return WindowFrame::Bound{Kind::kFollowing, std::move(offset)};
}

// The WINDOW clause stands behind the list that uses it: it is looked for, from the SELECT on, when the first name asks for it.
Result<const WindowCall*> SqlParser::FindNamedWindow(const std::string& name) {
  auto missing = [&] { return Status::Error(errors::kMissingWindow, {{"windowName", name}}); };
  if (select_ == nullptr) return missing();
  std::string wanted = Lower(name);
  if (!select_->windows_read) {
    select_->windows_read = true;
    size_t here = cursor_.position();
    cursor_.Rewind(select_->start);
    int open = 0;
    for (; !cursor_.AtEnd() && open >= 0; cursor_.Advance()) {
      if (cursor_.AtSymbol("(")) ++open;
      if (cursor_.AtSymbol(")")) --open;
      if (open == 0 && (cursor_.AtSymbol(";") || cursor_.AtWord("UNION") || cursor_.AtWord("INTERSECT"))) break;
      if (open != 0 || !cursor_.AtWord("WINDOW") || !cursor_.AtWord("AS", 2)) continue;
      cursor_.Advance();
      do {
        MS_ASSIGN_OR_RETURN(std::string defined, cursor_.ExpectName());
        MS_RETURN_IF_ERROR(cursor_.ExpectWord("AS"));
        if (!cursor_.AtSymbol("(")) {  // w2 AS w1
          MS_ASSIGN_OR_RETURN(std::string other, cursor_.ExpectName());
          auto found = select_->windows.find(Lower(other));
          if (found == select_->windows.end()) return Status::Error(errors::kMissingWindow, {{"windowName", other}});
          select_->windows[Lower(defined)] = WindowCall(found->second);
          continue;
        }
        MS_ASSIGN_OR_RETURN(WindowCall spec, ParseWindowSpec());
        select_->windows[Lower(defined)] = std::move(spec);
      } while (cursor_.TakeSymbol(","));
      break;
    }
    cursor_.Rewind(here);
  }
  auto found = select_->windows.find(wanted);
  if (found == select_->windows.end()) return missing();
  return &found->second;
}

}  // namespace millstream
