// Types and names of analyzed expressions.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "plan/coercion.h"
#include "plan/expression.h"
#include "plan/function_registry.h"
#include "plan/value_text.h"

namespace millstream {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

std::string JoinSql(const std::vector<ExprPtr>& exprs, size_t first = 0) {
  std::string joined;
  for (size_t i = first; i < exprs.size(); ++i) joined += (i > first ? ", " : "") + SqlOf(*exprs[i]);
  return joined;
}

bool IsInfix(const std::string& name) {
  static const std::vector<std::string> names = {"==", "<=>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "div", "and", "or", "&", "|", "^"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string CallSql(const std::string& name, const std::vector<ExprPtr>& args) {
  if (IsInfix(name) && args.size() == 2) {
    std::string symbol = name == "==" ? "=" : name == "and" ? "AND" : name == "or" ? "OR" : name;
    return fmt::format("({} {} {})", SqlOf(*args[0]), symbol, SqlOf(*args[1]));
  }
  if (name == "not" && args.size() == 1) return fmt::format("(NOT {})", SqlOf(*args[0]));
  if (name == "negative" && args.size() == 1) return fmt::format("(- {})", SqlOf(*args[0]));
  if (name == "~" && args.size() == 1) return "~" + SqlOf(*args[0]);
  if (name == "isnull" && args.size() == 1) return fmt::format("({} IS NULL)", SqlOf(*args[0]));
  if (name == "isnotnull" && args.size() == 1) return fmt::format("({} IS NOT NULL)", SqlOf(*args[0]));
  if (name == "in" && !args.empty()) return fmt::format("({} IN ({}))", SqlOf(*args[0]), JoinSql(args, 1));
  if ((name == "like" || name == "ilike") && args.size() >= 2)
    return fmt::format("{} {} {}", SqlOf(*args[0]), name == "like" ? "LIKE" : "ILIKE", SqlOf(*args[1]));
  if (name == "rlike" && args.size() == 2) return fmt::format("RLIKE({}, {})", SqlOf(*args[0]), SqlOf(*args[1]));
  if (name == "getitem" && args.size() == 2) return fmt::format("{}[{}]", SqlOf(*args[0]), SqlOf(*args[1]));
  if (name == "getfield" && args.size() == 2) {
    const auto* field = args[1]->As<Literal>();
    const std::string* text = field ? std::get_if<std::string>(&field->value.held) : nullptr;
    return SqlOf(*args[0]) + "." + (text ? *text : SqlOf(*args[1]));
  }
  if (name == "when") {
    std::string text = "CASE";
    size_t i = 0;
    for (; i + 1 < args.size(); i += 2) text += " WHEN " + SqlOf(*args[i]) + " THEN " + SqlOf(*args[i + 1]);
    if (i < args.size()) text += " ELSE " + SqlOf(*args[i]);
    return text + " END";
  }
  return name + "(" + JoinSql(args) + ")";
}

std::string FrameBound(const WindowFrame::Bound& bound) {
  using Kind = WindowFrame::Bound::Kind;
  switch (bound.kind) {
    case Kind::kUnboundedPreceding:
      return "UNBOUNDED PRECEDING";
    case Kind::kPreceding:
      return SqlOf(*bound.offset) + " PRECEDING";
    case Kind::kCurrentRow:
      return "CURRENT ROW";
    case Kind::kFollowing:
      return SqlOf(*bound.offset) + " FOLLOWING";
    case Kind::kUnboundedFollowing:
      return "UNBOUNDED FOLLOWING";
  }
  return "";
}

std::string WindowSql(const WindowCall& call) {
  std::string over;
  if (!call.partition_by.empty()) over += "PARTITION BY " + JoinSql(call.partition_by);
  if (!call.order_by.empty()) over += (over.empty() ? "ORDER BY " : " ORDER BY ") + JoinSql(call.order_by);
  WindowFrame frame = call.frame.value_or(WindowFrame{});
  if (!call.frame && call.order_by.empty()) frame.unit = WindowFrame::Unit::kRows, frame.upper.kind = WindowFrame::Bound::Kind::kUnboundedFollowing;
  over += fmt::format("{}{} BETWEEN {} AND {}", over.empty() ? "" : " ", frame.unit == WindowFrame::Unit::kRows ? "ROWS" : "RANGE", FrameBound(frame.lower),
                      FrameBound(frame.upper));
  return fmt::format("{} OVER ({})", SqlOf(*call.function), over);
}

// Whether Spark calls this cast of a value that is not null nullable; by ANSI too, where it fails instead (Cast.forceNullable).
bool MayCastToNull(const DataType& from, const DataType& to) {
  TypeId a = from.id(), b = to.id();
  if (a == TypeId::kNull || from.SameType(to)) return false;
  if (a == TypeId::kVariant) return true;
  if (a == TypeId::kString) return b != TypeId::kBinary && b != TypeId::kString;
  if (b == TypeId::kString) return false;
  if (a == TypeId::kTimestamp) return b == TypeId::kByte || b == TypeId::kShort || b == TypeId::kInteger;
  if (b == TypeId::kDate) return a != TypeId::kTimestampNtz;
  if (a == TypeId::kDate) return b != TypeId::kTimestamp && b != TypeId::kTimestampNtz;
  const bool fraction = a == TypeId::kFloat || a == TypeId::kDouble;
  if (fraction && (b == TypeId::kTimestamp || to.IsIntegral() || b == TypeId::kDecimal)) return true;
  if (b == TypeId::kDecimal && from.IsNumeric()) {
    DataType wide = DecimalFor(from);
    return to.precision() - to.scale() < wide.precision() - wide.scale() || to.scale() < wide.scale();
  }
  return a == TypeId::kDecimal && to.IsIntegral();
}

}  // namespace

DataType TypeOf(const Expr& expr) {
  return std::visit(
      Overloaded{[](const Literal& e) { return e.type; }, [](const Alias& e) { return TypeOf(*e.child); }, [](const Cast& e) { return e.to; },
                 [](const SortOrder& e) { return TypeOf(*e.child); }, [](const AttributeRef& e) { return e.type; }, [](const Call& e) { return e.type; },
                 [](const AggregateCall& e) { return e.type; }, [](const WindowCall& e) { return TypeOf(*e.function); },
                 [](const LambdaExpr& e) { return TypeOf(*e.body); }, [](const LambdaParam& e) { return e.type; }, [](const PythonCall& e) { return e.type; },
                 [](const SubqueryExpr& e) { return e.kind == SubqueryExpr::Kind::kScalar ? OutputOf(*e.plan).at(0).type : DataType::Boolean(); },
                 [&](const auto&) -> DataType { MS_CHECK_MSG(false, "TypeOf needs an analyzed expression: " + SqlOf(expr)); }},
      expr.node);
}

bool IsNullable(const Expr& expr) {
  return std::visit(Overloaded{[](const Literal& e) { return e.value.is_null(); }, [](const Alias& e) { return IsNullable(*e.child); },
                               [](const Cast& e) {
                                 if (IsNullable(*e.child)) return true;
                                 DataType from = TypeOf(*e.child);
                                 return MayCastToNull(from, e.to) || (e.mode == EvalMode::kTry && !from.SameType(e.to));
                               },
                               [](const SortOrder& e) { return IsNullable(*e.child); }, [](const AttributeRef& e) { return e.nullable; },
                               [](const Call& e) { return e.nullable; }, [](const AggregateCall& e) { return e.nullable; },
                               [](const WindowCall& e) { return IsNullable(*e.function); }, [](const LambdaExpr& e) { return IsNullable(*e.body); },
                               [](const LambdaParam& e) { return e.nullable; }, [](const SubqueryExpr& e) { return e.kind != SubqueryExpr::Kind::kExists; },
                               [](const auto&) { return true; }},
                    expr.node);
}

std::string SqlOf(const Expr& expr) {
  return std::visit(Overloaded{[](const UnresolvedAttribute& e) { return fmt::format("{}", fmt::join(e.parts, ".")); },
                               [](const UnresolvedStar&) { return std::string("*"); }, [](const UnresolvedRegex& e) { return e.pattern; },
                               [](const UnresolvedFunction& e) {
                                 if (e.is_distinct) return fmt::format("{}(DISTINCT {})", e.name.back(), JoinSql(e.args));
                                 return CallSql(e.name.back(), e.args);
                               },
                               [](const UnresolvedExtractValue& e) { return fmt::format("{}[{}]", SqlOf(*e.child), SqlOf(*e.extraction)); },
                               [](const LambdaExpr& e) {
                                 std::string params;
                                 for (size_t i = 0; i < e.params.size(); ++i) params += i ? ", namedlambdavariable()" : "namedlambdavariable()";
                                 return fmt::format("lambdafunction({}, {})", SqlOf(*e.body), params);
                               },
                               [](const LambdaVariable& e) { return e.name; }, [](const LambdaParam&) { return std::string("namedlambdavariable()"); },
                               [](const WindowCall& e) { return WindowSql(e); },
                               [](const SubqueryExpr& e) {
                                 return std::string(e.kind == SubqueryExpr::Kind::kScalar   ? "scalarsubquery()"
                                                    : e.kind == SubqueryExpr::Kind::kExists ? "exists()"
                                                                                            : "insubquery()");
                               },
                               [](const PythonCall& e) { return CallSql(e.name, e.args); }, [](const Literal& e) { return LiteralSql(e.value, e.type); },
                               [](const Alias& e) { return fmt::format("{} AS {}", SqlOf(*e.child), fmt::join(e.names, ", ")); },
                               [](const Cast& e) {
                                 if (e.is_implicit) return SqlOf(*e.child);
                                 return fmt::format("{}({} AS {})", e.mode == EvalMode::kTry ? "TRY_CAST" : "CAST", SqlOf(*e.child), e.to.Sql());
                               },
                               [](const SortOrder& e) {
                                 bool first = e.nulls_first.value_or(e.ascending);
                                 return fmt::format("{} {} NULLS {}", SqlOf(*e.child), e.ascending ? "ASC" : "DESC", first ? "FIRST" : "LAST");
                               },
                               [](const AttributeRef& e) { return e.name; }, [](const Call& e) { return CallSql(e.function->name, e.args); },
                               [](const AggregateCall& e) {
                                 std::string text =
                                     e.is_distinct ? fmt::format("{}(DISTINCT {})", e.function->name, JoinSql(e.args)) : CallSql(e.function->name, e.args);
                                 return e.filter ? fmt::format("{} FILTER (WHERE {})", text, SqlOf(*e.filter)) : text;
                               }},
                    expr.node);
}

}  // namespace millstream
