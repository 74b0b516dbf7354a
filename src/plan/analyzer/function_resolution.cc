// Calls: from a name and arguments as written to a typed call, a constant, or another expression.

#include <fmt/format.h>

#include <cctype>
#include <set>

#include "plan/analyzer/expression_analyzer.h"
#include "plan/analyzer/expression_walk.h"
#include "plan/coercion.h"
#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

ExprPtr StringOf(std::string text) { return MakeExpr(Literal{Value{std::move(text)}, DataType::String()}); }

// int(x), string(x), date(x) …: casts written as functions.
std::optional<DataType> CastFunction(const std::string& name) {
  static const std::map<std::string, DataType> types = {
      {"boolean", DataType::Boolean()}, {"tinyint", DataType::Byte()},        {"smallint", DataType::Short()}, {"int", DataType::Integer()},
      {"bigint", DataType::Long()},     {"float", DataType::Float()},         {"double", DataType::Double()},  {"decimal", DataType::Decimal(10, 0)},
      {"date", DataType::Date()},       {"timestamp", DataType::Timestamp()}, {"binary", DataType::Binary()},  {"string", DataType::String()}};
  auto found = types.find(name);
  return found == types.end() ? std::nullopt : std::optional(found->second);
}

// Spark has it and we have not: its user did not mistype.
bool IsSparkFunction(const std::string& name) {
  static const std::set<std::string> names = {"aes_decrypt",
                                              "aes_encrypt",
                                              "array_insert",
                                              "assert_true",
                                              "bitmap_bit_position",
                                              "bitmap_bucket_number",
                                              "bitmap_construct_agg",
                                              "bitmap_count",
                                              "bitmap_or_agg",
                                              "collate",
                                              "collation",
                                              "count_min_sketch",
                                              "current_time",
                                              "from_avro",
                                              "from_csv",
                                              "from_protobuf",
                                              "from_xml",
                                              "histogram_numeric",
                                              "hll_sketch_agg",
                                              "hll_sketch_estimate",
                                              "hll_union",
                                              "hll_union_agg",
                                              "is_valid_utf8",
                                              "java_method",
                                              "json_tuple",
                                              "make_dt_interval",
                                              "make_interval",
                                              "make_time",
                                              "make_valid_utf8",
                                              "make_ym_interval",
                                              "map_zip_with",
                                              "mask",
                                              "parse_url",
                                              "percentile_cont",
                                              "percentile_disc",
                                              "quote",
                                              "randstr",
                                              "reflect",
                                              "schema_of_avro",
                                              "schema_of_csv",
                                              "schema_of_json",
                                              "schema_of_xml",
                                              "sentences",
                                              "str_to_map",
                                              "to_avro",
                                              "to_binary",
                                              "to_char",
                                              "to_csv",
                                              "to_number",
                                              "to_protobuf",
                                              "to_time",
                                              "to_varchar",
                                              "to_xml",
                                              "try_aes_decrypt",
                                              "try_make_interval",
                                              "try_make_timestamp",
                                              "try_parse_url",
                                              "try_reflect",
                                              "try_to_binary",
                                              "try_to_number",
                                              "try_url_decode",
                                              "uniform",
                                              "validate_utf8",
                                              "xpath",
                                              "xpath_boolean",
                                              "xpath_double",
                                              "xpath_float",
                                              "xpath_int",
                                              "xpath_long",
                                              "xpath_number",
                                              "xpath_short",
                                              "xpath_string"};
  return names.contains(name);
}

}  // namespace

ExprPtr ExpressionAnalyzer::CurrentValue(const std::string& name) const {
  const AnalyzerConf& conf = context_.conf();
  if (name == "current_timestamp" || name == "now") return MakeExpr(Literal{Value{conf.now_us}, DataType::Timestamp()});
  if (name == "localtimestamp") return MakeExpr(Cast{MakeExpr(Literal{Value{conf.now_us}, DataType::Timestamp()}), DataType::TimestampNtz(), ModeOf(conf)});
  // The session's zone decides which day it is: left to the computation, which knows zones.
  if (name == "current_date" || name == "curdate")
    return MakeExpr(Cast{MakeExpr(Literal{Value{conf.now_us}, DataType::Timestamp()}), DataType::Date(), ModeOf(conf)});
  if (name == "current_database" || name == "current_schema") return StringOf(conf.current_database);
  if (name == "current_catalog") return StringOf("spark_catalog");
  if (name == "current_user" || name == "user" || name == "session_user") return StringOf(conf.current_user);
  if (name == "current_timezone") return StringOf(conf.time_zone);
  if (name == "version") return StringOf("4.2.0");
  return nullptr;
}

Result<ExprPtr> ExpressionAnalyzer::SimpleCall(const std::string& name, std::vector<ExprPtr> args) {
  const FunctionDef* definition = FindFunction(name);
  MS_CHECK_MSG(definition != nullptr, name);
  MS_ASSIGN_OR_RETURN(TypedCall typed, definition->rule(*definition, std::move(args), context_.conf()));
  return MakeExpr(Call{definition, std::move(typed.args), typed.type, typed.nullable, ModeOf(context_.conf())});
}

Result<ExprPtr> ExpressionAnalyzer::ResolveSpecial(const std::string& name, const UnresolvedFunction& function) {
  const std::vector<ExprPtr>& args = function.args;
  if (args.empty()) {
    if (ExprPtr value = CurrentValue(name)) return value;
    if (name == "unix_timestamp") return MakeExpr(Literal{Value{context_.conf().now_us / 1000000}, DataType::Long()});
  }
  if ((name == "!=" || name == "<>") && args.size() == 2) {
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> sides, ResolveAll(args));
    MS_ASSIGN_OR_RETURN(ExprPtr equal, SimpleCall("==", std::move(sides)));
    return SimpleCall("not", {std::move(equal)});
  }
  if (name == "between" && args.size() == 3) {
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> three, ResolveAll(args));
    MS_ASSIGN_OR_RETURN(ExprPtr low, SimpleCall(">=", {three[0], three[1]}));
    MS_ASSIGN_OR_RETURN(ExprPtr high, SimpleCall("<=", {three[0], three[2]}));
    return SimpleCall("and", {std::move(low), std::move(high)});
  }
  if (name == "nvl2" && args.size() == 3) {
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> three, ResolveAll(args));
    MS_ASSIGN_OR_RETURN(ExprPtr present, SimpleCall("isnotnull", {three[0]}));
    return SimpleCall("when", {std::move(present), three[1], three[2]});
  }
  if ((name == "if" || name == "iff") && args.size() == 3) {
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> three, ResolveAll(args));
    return SimpleCall("when", std::move(three));
  }
  if (name == "struct") {
    std::vector<ExprPtr> pairs;
    int number = 0;
    MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> items, [&]() -> Result<std::vector<ExprPtr>> {
      std::vector<ExprPtr> items;
      for (const ExprPtr& arg : args) {
        if (const auto* star = arg->As<UnresolvedStar>()) {
          MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> columns, ExpandStar(*star));
          items.insert(items.end(), columns.begin(), columns.end());
        } else {
          MS_ASSIGN_OR_RETURN(ExprPtr item, Resolve(arg));
          items.push_back(std::move(item));
        }
      }
      return items;
    }());
    for (const ExprPtr& item : items) {
      ++number;
      std::string field = "col" + std::to_string(number);
      ExprPtr value = item;
      if (const auto* alias = item->As<Alias>()) field = alias->names.at(0), value = alias->child;
      if (const auto* attribute = item->As<AttributeRef>()) field = attribute->name;
      if (const auto* call = item->As<Call>(); call && call->function->name == "getfield") field = StringLiteral(*call->args[1]).value_or(field);
      pairs.push_back(StringOf(field));
      pairs.push_back(value);
    }
    return SimpleCall("named_struct", std::move(pairs));
  }
  if ((name == "zeroifnull" || name == "nullifzero") && args.size() == 1) {
    const std::string as = name == "zeroifnull" ? "coalesce" : "nullif";
    return Resolve(MakeExpr(UnresolvedFunction{.name = {as}, .args = {args[0], MakeExpr(Literal{Value{int64_t{0}}, DataType::Integer()})}}));
  }
  if (name == "array_sort" && args.size() > 1) return Status::Unsupported("array_sort with a comparator", "Use sort_array, or transform to a sortable key.");
  if (name == "input_file_name") return Status::Unsupported("The function input_file_name", "Select _metadata.file_path, which files have as a hidden column.");
  if (args.size() == 1) {
    if (std::optional<DataType> type = CastFunction(name)) return Resolve(MakeExpr(Cast{args[0], *type, std::nullopt}));
  }
  if (name == "extract" || name == "date_part" || name == "datepart") {
    if (args.size() == 2) {
      MS_ASSIGN_OR_RETURN(ExprPtr field, Resolve(args[0]));
      std::string part = Lower(StringLiteral(*field).value_or(""));
      static const std::map<std::string, std::string> parts = {{"year", "year"},
                                                               {"years", "year"},
                                                               {"yr", "year"},
                                                               {"quarter", "quarter"},
                                                               {"qtr", "quarter"},
                                                               {"month", "month"},
                                                               {"mon", "month"},
                                                               {"week", "weekofyear"},
                                                               {"weeks", "weekofyear"},
                                                               {"day", "day"},
                                                               {"d", "day"},
                                                               {"days", "day"},
                                                               {"dayofweek", "dayofweek"},
                                                               {"dow", "dayofweek"},
                                                               {"doy", "dayofyear"},
                                                               {"dayofweek_iso", "dayofweek_iso"},
                                                               {"dow_iso", "dayofweek_iso"},
                                                               {"yearofweek", "yearofweek"},
                                                               {"min", "minute"},
                                                               {"mins", "minute"},
                                                               {"hr", "hour"},
                                                               {"hrs", "hour"},
                                                               {"months", "month"},
                                                               {"mons", "month"},
                                                               {"w", "weekofyear"},
                                                               {"hour", "hour"},
                                                               {"h", "hour"},
                                                               {"hours", "hour"},
                                                               {"minute", "minute"},
                                                               {"minutes", "minute"},
                                                               {"m", "minute"}};
      MS_ASSIGN_OR_RETURN(ExprPtr of, Resolve(args[1]));
      if (part == "second" || part == "s" || part == "sec" || part == "seconds" || part == "secs") return SimpleCall("extract_seconds", {of});
      auto found = parts.find(part);
      if (found == parts.end()) return Status::Unsupported("EXTRACT of '" + part + "'");
      const TypeId from = TypeOf(*of).id();
      if (from == TypeId::kDayTimeInterval || from == TypeId::kYearMonthInterval) {
        static const std::set<std::string> fields = {"year", "month", "day", "hour", "minute"};
        if (!fields.contains(found->second)) return Status::Unsupported("EXTRACT of '" + part + "' from an interval");
        return SimpleCall("interval_" + found->second + "s", {of});
      }
      return SimpleCall(found->second, {of});
    }
  }
  return ExprPtr();
}

Result<ExprPtr> ExpressionAnalyzer::ResolveFunction(const UnresolvedFunction& function) {
  std::string name = Lower(function.name.back());
  // A function of the session hides one of Spark's.
  if (const std::shared_ptr<const PythonCall> python = context_.FindPythonFunction(name)) {
    PythonCall call = *python;
    MS_ASSIGN_OR_RETURN(call.args, ResolveList(function.args));
    for (ExprPtr& arg : call.args) {
      if (const auto* alias = arg->As<Alias>()) arg = alias->child;
    }
    if (!function.named_args.empty()) call.arg_names.resize(call.args.size());
    for (const auto& [place, of] : function.named_args) call.arg_names.at(place) = of;
    return MakeExpr(std::move(call));
  }
  MS_ASSIGN_OR_RETURN(ExprPtr special, ResolveSpecial(name, function));
  if (special) return special;
  const FunctionDef* definition = FindFunction(name);
  if (!definition) {
    if (IsSparkFunction(name)) return Status::Unsupported("The function " + name);
    return Status::Error(errors::kUnresolvedRoutine,
                         {{"routineName", QuotedName(function.name)},
                          {"searchPath", "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`" + context_.conf().current_database + "`]"}});
  }
  if (!function.named_args.empty()) return Status::Unsupported("Named arguments of " + name, "Pass the arguments by position.");
  if (definition->is_higher_order) return ResolveHigherOrder(*definition, function);
  std::vector<ExprPtr> args;
  for (const ExprPtr& arg : function.args) {
    if (const auto* star = arg->As<UnresolvedStar>()) {
      if (name == "count" && star->target.empty() && !function.is_distinct) {
        args.push_back(MakeExpr(Literal{Value{int64_t{1}}, DataType::Integer()}));
        continue;
      }
      MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> columns, ExpandStar(*star));
      args.insert(args.end(), columns.begin(), columns.end());
      continue;
    }
    MS_ASSIGN_OR_RETURN(ExprPtr resolved, Resolve(arg));
    if (const auto* alias = resolved->As<Alias>()) resolved = alias->child;
    args.push_back(std::move(resolved));
  }
  return MakeCall(*definition, std::move(args), function);
}

Result<ExprPtr> ExpressionAnalyzer::MakeCall(const FunctionDef& definition, std::vector<ExprPtr> args, const UnresolvedFunction& written) {
  int count = static_cast<int>(args.size());
  if (count < definition.args_min || (definition.args_max >= 0 && count > definition.args_max)) {
    std::string expected = std::to_string(definition.args_min);
    if (definition.args_max < 0) {
      expected = "> " + std::to_string(definition.args_min - 1);
    } else if (definition.args_max > definition.args_min) {
      expected = "[";
      for (int n = definition.args_min; n <= definition.args_max; ++n) expected += (n > definition.args_min ? ", " : "") + std::to_string(n);
      expected += "]";
    }
    return Status::Error(errors::kWrongNumArgs,
                         {{"functionName", "`" + Lower(written.name.back()) + "`"}, {"expectedNum", expected}, {"actualNum", std::to_string(count)}});
  }
  for (const ExprPtr& arg : args) {
    if (!IsGenerator(*arg)) continue;
    return Status::Error({"UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", "42K0E", ExceptionKind::kAnalysis,
                          "The generator is not supported: nested in expressions \"<expression>\"."},
                         {{"expression", NameOf(MakeExpr(written))}});
  }
  if (definition.kind == FunctionDef::Kind::kWindow && &written != window_function_) {
    return Status::Error({"WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "42601", ExceptionKind::kAnalysis, "Window function \"<funcName>\" requires an OVER clause."},
                         {{"funcName", NameOf(MakeExpr(written))}});
  }
  if (definition.kind == FunctionDef::Kind::kWindow && written.ignore_nulls)
    return Status::Unsupported("IGNORE NULLS of " + definition.name, "Use last(…, true) or first(…, true) over a frame.");
  MS_ASSIGN_OR_RETURN(TypedCall typed, definition.rule(definition, std::move(args), context_.conf()));
  EvalMode mode = definition.name.starts_with("try_") ? EvalMode::kTry : ModeOf(context_.conf());
  if (definition.kind != FunctionDef::Kind::kAggregate) return MakeExpr(Call{&definition, std::move(typed.args), typed.type, typed.nullable, mode});
  for (const ExprPtr& arg : typed.args) {
    // sum(sum(x)) OVER (…): the inner sum is of the groups, the outer one of the window.
    if (IsAggregate(*arg) && &written != window_function_ && !leaves_nested_aggregates) return Status::Error(errors::kNestedAggregate);
  }
  AggregateCall call{.function = &definition,
                     .args = std::move(typed.args),
                     .is_distinct = written.is_distinct,
                     .filter = nullptr,
                     .type = typed.type,
                     .nullable = typed.nullable,
                     .ignore_nulls = written.ignore_nulls,
                     .mode = mode};
  if (written.filter) {
    MS_ASSIGN_OR_RETURN(call.filter, Resolve(written.filter));
  }
  // first(x, true): the second argument says whether nulls are ignored.
  if ((definition.name == "first" || definition.name == "last" || definition.name == "any_value") && call.args.size() == 2) {
    const auto* flag = call.args[1]->As<Literal>();
    const bool* ignore = flag ? std::get_if<bool>(&flag->value.held) : nullptr;
    call.ignore_nulls = call.ignore_nulls || (ignore && *ignore);
    call.args.pop_back();
  }
  return MakeExpr(std::move(call));
}

Result<ExprPtr> ExpressionAnalyzer::ResolveHigherOrder(const FunctionDef& definition, const UnresolvedFunction& function) {
  std::vector<ExprPtr> args;
  for (const ExprPtr& arg : function.args) {
    if (arg->As<LambdaExpr>()) {
      args.push_back(arg);
    } else {
      MS_ASSIGN_OR_RETURN(ExprPtr resolved, Resolve(arg));
      args.push_back(std::move(resolved));
    }
  }
  if (args.size() < 2 || args[0]->As<LambdaExpr>()) return WrongType(definition, args.empty() ? function.args : args, 0, "\"ARRAY\"");
  DataType from = TypeOf(*args[0]);
  const std::string& name = definition.name;
  std::vector<std::pair<DataType, bool>> params;
  if (name.starts_with("map_") || name.starts_with("transform_")) {
    if (from.id() != TypeId::kMap) return WrongType(definition, args, 0, "\"MAP\"");
    params = {{from.key(), false}, {from.value(), from.contains_null()}};
  } else {
    if (from.id() != TypeId::kArray) return WrongType(definition, args, 0, "\"ARRAY\"");
    params = {{from.element(), from.contains_null()}, {DataType::Integer(), false}};
    if (name == "zip_with") params[1] = {TypeOf(*args[1]).id() == TypeId::kArray ? TypeOf(*args[1]).element() : DataType::Null(), true};
    if (name == "aggregate") params = {{TypeOf(*args[1]), true}, {from.element(), from.contains_null()}};
  }
  for (size_t i = 1; i < args.size(); ++i) {
    const auto* lambda = args[i]->As<LambdaExpr>();
    if (!lambda) continue;
    std::vector<std::pair<DataType, bool>> own = params;
    if (name == "aggregate" && i == 3) own = {{TypeOf(*args[1]), true}};
    MS_ASSIGN_OR_RETURN(args[i], ResolveLambda(*lambda, own));
    if (name == "aggregate" && i == 2) {
      // merge must give what zero is; Spark casts its result.
      LambdaExpr merge = *args[i]->As<LambdaExpr>();
      merge.body = CastTo(merge.body, TypeOf(*args[1]), ModeOf(context_.conf()));
      args[i] = MakeExpr(std::move(merge));
    }
  }
  return MakeCall(definition, std::move(args), function);
}

Result<ExprPtr> ExpressionAnalyzer::ResolveLambda(const LambdaExpr& lambda, const std::vector<std::pair<DataType, bool>>& params) {
  if (lambda.params.size() > params.size()) {
    return Status::Error({"INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH", "42K0D", ExceptionKind::kAnalysis,
                          "Invalid lambda function call. A higher order function expects <expectedNumArgs> arguments, but got <actualNumArgs>."},
                         {{"expectedNumArgs", std::to_string(params.size())}, {"actualNumArgs", std::to_string(lambda.params.size())}});
  }
  LambdaExpr resolved = lambda;
  resolved.param_ids.clear();
  resolved.param_types.clear();
  std::map<std::string, ExprPtr> names;
  for (size_t i = 0; i < lambda.params.size(); ++i) {
    ExprId id = context_.NewId();
    resolved.param_ids.push_back(id);
    resolved.param_types.push_back(params[i].first);
    names[lambda.params[i]] = MakeExpr(LambdaParam{lambda.params[i], params[i].first, params[i].second, id});
  }
  lambda_scopes_.push_back(std::move(names));
  Result<ExprPtr> body = Resolve(lambda.body);
  lambda_scopes_.pop_back();
  MS_RETURN_IF_ERROR(body.status());
  resolved.body = *std::move(body);
  return MakeExpr(std::move(resolved));
}

}  // namespace millstream
