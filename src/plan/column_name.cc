#include "plan/column_name.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace millstream {
namespace {

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

// Spark's classes that print themselves in capitals, unless the user took another of their names.
std::string ShownName(const std::string& name) {
  static const std::set<std::string> capitals = {"ceil",
                                                 "floor",
                                                 "sqrt",
                                                 "cbrt",
                                                 "exp",
                                                 "expm1",
                                                 "log10",
                                                 "log2",
                                                 "log1p",
                                                 "sin",
                                                 "cos",
                                                 "tan",
                                                 "cot",
                                                 "sec",
                                                 "csc",
                                                 "asin",
                                                 "acos",
                                                 "atan",
                                                 "atan2",
                                                 "sinh",
                                                 "cosh",
                                                 "tanh",
                                                 "asinh",
                                                 "acosh",
                                                 "atanh",
                                                 "degrees",
                                                 "radians",
                                                 "hypot",
                                                 "signum",
                                                 "power",
                                                 "pi",
                                                 "e",
                                                 "log",
                                                 "rank",
                                                 "dense_rank",
                                                 "percent_rank",
                                                 "spark_partition_id",
                                                 "rlike"};
  static const std::map<std::string, std::string> others = {
      {"current_database", "current_schema"}, {"regexp", "REGEXP"}, {"regexp_like", "REGEXP_LIKE"}, {"isin", "in"}, {"any", "any"}};
  if (auto found = others.find(name); found != others.end()) return found->second;
  if (!capitals.contains(name)) return name;
  std::string upper = name;
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return upper;
}

// What Spark adds for arguments that were left out: function → number of arguments written → their text.
const std::string* Defaults(const std::string& name, size_t written) {
  static const std::map<std::pair<std::string, size_t>, std::string> defaults = {
      {{"substring", 2}, ", 2147483647"},
      {{"substr", 2}, ", 2147483647"},
      {{"split", 2}, ", -1"},
      {{"regexp_replace", 3}, ", 1"},
      {{"regexp_extract", 2}, ", 1"},
      {{"regexp_extract_all", 2}, ", 1"},
      {{"locate", 2}, ", 1"},
      {{"position", 2}, ", 1"},
      {{"lpad", 2}, ",  "},
      {{"rpad", 2}, ",  "},
      {{"round", 1}, ", 0"},
      {{"bround", 1}, ", 0"},
      {{"unix_timestamp", 1}, ", yyyy-MM-dd HH:mm:ss"},
      {{"to_unix_timestamp", 1}, ", yyyy-MM-dd HH:mm:ss"},
      {{"from_unixtime", 1}, ", yyyy-MM-dd HH:mm:ss"},
      {{"months_between", 2}, ", true"},
      {{"sort_array", 1}, ", true"},
      {{"percentile", 2}, ", 1"},
      {{"percentile_approx", 2}, ", 10000"},
      {{"approx_percentile", 2}, ", 10000"},
      {{"lag", 1}, ", 1, NULL"},
      {{"lag", 2}, ", NULL"},
      {{"lead", 1}, ", 1, NULL"},
      {{"lead", 2}, ", NULL"},
      {{"ntile", 0}, "1"},
      {{"overlay", 3}, ", -1"},
      {{"str_to_map", 1}, ", ,, :"},
      {{"aggregate", 3}, ", lambdafunction(namedlambdavariable(), namedlambdavariable())"},
      {{"reduce", 3}, ", lambdafunction(namedlambdavariable(), namedlambdavariable())"},
  };
  auto found = defaults.find({name, written});
  return found == defaults.end() ? nullptr : &found->second;
}

class Writer {
 public:
  explicit Writer(const ColumnText& column_text) : column_text_(column_text) {}

  std::string Write(const Expr& e) const {
    if (auto text = column_text_ ? column_text_(e) : std::nullopt) return *text;
    if (const auto* node = e.As<UnresolvedAttribute>()) return fmt::format("{}", fmt::join(node->parts, "."));
    if (const auto* node = e.As<UnresolvedFunction>()) return WriteFunction(*node);
    if (const auto* node = e.As<UnresolvedExtractValue>()) return WriteExtract(*node);
    if (const auto* node = e.As<WindowCall>()) return WriteWindow(*node);
    if (const auto* node = e.As<Alias>()) return fmt::format("{} AS {}", Write(*node->child), fmt::join(node->names, ", "));
    if (const auto* node = e.As<Cast>()) {
      return fmt::format("{}({} AS {})", node->mode == EvalMode::kTry ? "TRY_CAST" : "CAST", Write(*node->child), node->to.Sql());
    }
    if (const auto* node = e.As<SortOrder>()) {
      return fmt::format("{} {} NULLS {}", Write(*node->child), node->ascending ? "ASC" : "DESC",
                         node->nulls_first.value_or(node->ascending) ? "FIRST" : "LAST");
    }
    if (e.As<LambdaVariable>() || e.As<LambdaParam>()) return "namedlambdavariable()";
    if (const auto* node = e.As<LambdaExpr>()) {
      std::string text = "lambdafunction(" + Write(*node->body);
      for (size_t i = 0; i < node->params.size(); ++i) text += ", namedlambdavariable()";
      return text + ")";
    }
    if (const auto* node = e.As<SubqueryExpr>(); node && node->kind == SubqueryExpr::Kind::kIn) {
      return fmt::format("({} IN (listquery()))", WriteAll(node->values));
    }
    return SqlOf(e);
  }

 private:
  std::string WriteAll(const std::vector<ExprPtr>& exprs, size_t first = 0) const {
    std::string text;
    for (size_t i = first; i < exprs.size(); ++i) text += (i > first ? ", " : "") + Write(*exprs[i]);
    return text;
  }

  std::string WriteExtract(const UnresolvedExtractValue& e) const {
    const auto* key = e.extraction->As<Literal>();
    const auto* name = key ? std::get_if<std::string>(&key->value.held) : nullptr;
    // people.name is written people.name; m['k'] is m[k]: only the analyzer knows which, and says so through column_text.
    return name ? fmt::format("{}[{}]", Write(*e.child), *name) : fmt::format("{}[{}]", Write(*e.child), Write(*e.extraction));
  }

  std::string WriteFunction(const UnresolvedFunction& call) const {
    const std::string name = Lower(call.name.empty() ? "" : call.name.back());
    const auto& args = call.args;
    auto arg = [&](size_t i) { return Write(*args[i]); };
    static const std::map<std::string, std::string> infix = {{"==", "="},    {"=", "="},     {"<=>", "<=>"}, {"<", "<"}, {"<=", "<="}, {">", ">"},
                                                             {">=", ">="},   {"+", "+"},     {"-", "-"},     {"*", "*"}, {"/", "/"},   {"%", "%"},
                                                             {"div", "div"}, {"and", "AND"}, {"or", "OR"},   {"&", "&"}, {"|", "|"},   {"^", "^"}};
    if (auto found = infix.find(name); found != infix.end() && args.size() == 2) return fmt::format("({} {} {})", arg(0), found->second, arg(1));
    if ((name == "!=" || name == "<>") && args.size() == 2) return fmt::format("(NOT ({} = {}))", arg(0), arg(1));
    if ((name == "not" || name == "!") && args.size() == 1) return fmt::format("(NOT {})", arg(0));
    if ((name == "negative" || name == "-") && args.size() == 1) return fmt::format("(- {})", arg(0));
    if ((name == "positive" || name == "+") && args.size() == 1) return fmt::format("(+ {})", arg(0));
    if (name == "~" && args.size() == 1) return "~" + arg(0);
    if (name == "isnull" && args.size() == 1) return fmt::format("({} IS NULL)", arg(0));
    if (name == "isnotnull" && args.size() == 1) return fmt::format("({} IS NOT NULL)", arg(0));
    if ((name == "in" || name == "isin") && !args.empty()) return fmt::format("({} IN ({}))", arg(0), WriteAll(args, 1));
    if (name == "like" && args.size() >= 2) return fmt::format("{} LIKE {}", arg(0), arg(1));
    if (name == "ilike" && args.size() >= 2) return fmt::format("ilike({}, {})", arg(0), arg(1));
    if (name == "if" && args.size() == 3) return fmt::format("(IF({}))", WriteAll(args));
    if (name == "||") return fmt::format("concat({})", WriteAll(args));
    if ((name == "getitem" || name == "[]") && args.size() == 2) return fmt::format("{}[{}]", arg(0), arg(1));
    if (name == "when" && args.size() >= 2) {
      std::string text = "CASE";
      size_t i = 0;
      for (; i + 1 < args.size(); i += 2) text += fmt::format(" WHEN {} THEN {}", arg(i), arg(i + 1));
      return text + (i < args.size() ? " ELSE " + arg(i) : "") + " END";
    }
    if (args.size() == 2 && (name == "trim" || name == "ltrim" || name == "rtrim")) {
      return fmt::format("TRIM({} {} FROM {})", name == "trim" ? "BOTH" : name == "ltrim" ? "LEADING" : "TRAILING", arg(0), arg(1));
    }
    if (name == "extract" && args.size() == 2) return fmt::format("extract({} FROM {})", arg(0), arg(1));
    if (name == "log" && args.size() == 1) return fmt::format("LOG(E(), {})", arg(0));
    if (name == "from_json" && args.size() >= 2) return fmt::format("from_json({})", arg(0));
    if (name == "count" && args.size() == 1 && args[0]->As<UnresolvedStar>() && args[0]->As<UnresolvedStar>()->target.empty() && !call.is_distinct)
      return Filtered(call, "count(1)");
    std::string text = WriteAll(args);
    if (const std::string* defaults = Defaults(name, args.size())) text += *defaults;
    return Filtered(call, fmt::format("{}({}{})", ShownName(name), call.is_distinct ? "DISTINCT " : "", text));
  }

  std::string Filtered(const UnresolvedFunction& call, std::string text) const {
    return call.filter ? fmt::format("{} FILTER (WHERE {})", text, Write(*call.filter)) : text;
  }

  std::string WriteBound(const WindowFrame::Bound& bound) const {
    using Kind = WindowFrame::Bound::Kind;
    switch (bound.kind) {
      case Kind::kUnboundedPreceding:
        return "UNBOUNDED PRECEDING";
      case Kind::kPreceding:
        return Write(*bound.offset) + " PRECEDING";
      case Kind::kCurrentRow:
        return "CURRENT ROW";
      case Kind::kFollowing:
        return Write(*bound.offset) + " FOLLOWING";
      case Kind::kUnboundedFollowing:
        return "UNBOUNDED FOLLOWING";
    }
    return "";
  }

  // The frame that a function has when the user gives none.
  std::string DefaultFrame(const WindowCall& call) const {
    const auto* function = call.function->As<UnresolvedFunction>();
    const std::string name = function && !function->name.empty() ? Lower(function->name.back()) : "";
    static const std::set<std::string> ranking = {"row_number", "rank", "dense_rank", "percent_rank", "ntile"};
    if (ranking.contains(name)) return "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
    if (name == "lag" || name == "lead") {
      std::string offset = function->args.size() > 1 ? Write(*function->args[1]) : "1";
      if (name == "lag") offset = offset.starts_with("-") ? offset.substr(1) : "-" + offset;
      return fmt::format("ROWS BETWEEN {0} FOLLOWING AND {0} FOLLOWING", offset);
    }
    if (call.order_by.empty() && name != "cume_dist") return "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING";
    return "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
  }

  std::string WriteWindow(const WindowCall& call) const {
    std::vector<std::string> parts;
    if (!call.partition_by.empty()) parts.push_back("PARTITION BY " + WriteAll(call.partition_by));
    if (!call.order_by.empty()) parts.push_back("ORDER BY " + WriteAll(call.order_by));
    parts.push_back(call.frame ? fmt::format("{} BETWEEN {} AND {}", call.frame->unit == WindowFrame::Unit::kRows ? "ROWS" : "RANGE",
                                             WriteBound(call.frame->lower), WriteBound(call.frame->upper))
                               : DefaultFrame(call));
    return fmt::format("{} OVER ({})", Write(*call.function), fmt::join(parts, " "));
  }

  const ColumnText& column_text_;
};

}  // namespace

std::string WrittenSql(const Expr& written, const ColumnText& column_text) { return Writer(column_text).Write(written); }

std::string ColumnNameOf(const Expr& written, const ColumnText& column_text) {
  if (const auto* attribute = written.As<UnresolvedAttribute>()) return attribute->parts.empty() ? "" : attribute->parts.back();
  // A cast column keeps its name.
  if (const auto* cast = written.As<Cast>(); cast && cast->child->As<UnresolvedAttribute>()) return ColumnNameOf(*cast->child, column_text);
  return WrittenSql(written, column_text);
}

}  // namespace millstream
