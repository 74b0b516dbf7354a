// Operators: arithmetic, comparison, logic, CASE, IN.

#include <fmt/format.h>

#include "plan/coercion.h"
#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

using Args = std::vector<ExprPtr>;

Status DifferentTypes(const FunctionDef& function, const Args& args) {
  return Status::Error(errors::kBinaryOpDiffTypes,
                       {{"sqlExpr", CallText(function, args)}, {"left", TypeOf(*args[0]).Sql()}, {"right", TypeOf(*args[1]).Sql()}});
}
Status WrongOperand(const FunctionDef& function, const Args& args, const std::string& wanted, const DataType& actual) {
  return Status::Error(errors::kBinaryOpWrongType, {{"sqlExpr", CallText(function, args)}, {"inputType", wanted}, {"actualDataType", actual.Sql()}});
}

bool IsInterval(const DataType& type) { return type.id() == TypeId::kDayTimeInterval || type.id() == TypeId::kYearMonthInterval; }
bool IsTime(const DataType& type) { return type.id() == TypeId::kDate || type.id() == TypeId::kTimestamp || type.id() == TypeId::kTimestampNtz; }

TypedCall Typed(Args args, DataType type, bool nullable) { return {std::move(args), std::move(type), nullable}; }

// date/time ± interval, date ± days, time - time; nullopt: plain numbers.
std::optional<TypedCall> DateArithmetic(const std::string& op, Args args, const AnalyzerConf& conf) {
  DataType left = TypeOf(*args[0]), right = TypeOf(*args[1]);
  bool nullable = AnyNullable(args);
  if (op == "+" && (IsInterval(left) ? IsTime(right) : left.IsIntegral() && right.id() == TypeId::kDate)) {
    std::swap(args[0], args[1]);
    std::swap(left, right);
  }
  if (left.id() == TypeId::kDate && right.id() == TypeId::kDayTimeInterval) {
    // date ± INTERVAL n DAY stays a date.
    const auto* literal = args[1]->As<Literal>();
    const int64_t* micros = literal ? std::get_if<int64_t>(&literal->value.held) : nullptr;
    constexpr int64_t kDay = int64_t{86400} * 1000000;
    if (micros && *micros % kDay == 0) {
      args[1] = MakeExpr(Literal{Value{*micros / kDay}, DataType::Integer()});
      return Typed(std::move(args), left, nullable);
    }
  }
  if (IsTime(left) && IsInterval(right)) {
    DataType type = left.id() == TypeId::kDate && right.id() == TypeId::kDayTimeInterval ? DataType::Timestamp() : left;
    args[0] = CastTo(args[0], type, ModeOf(conf));
    return Typed(std::move(args), type, nullable);
  }
  if (left.id() == TypeId::kDate && right.IsIntegral()) {
    args[1] = CastTo(args[1], DataType::Integer(), ModeOf(conf));
    return Typed(std::move(args), left, nullable);
  }
  if (op == "-" && IsTime(left) && IsTime(right)) {
    if (left.id() != TypeId::kDate || right.id() != TypeId::kDate) {
      DataType common = *CommonType(left, right, conf);
      for (ExprPtr& arg : args) arg = CastTo(arg, common, ModeOf(conf));
    }
    return Typed(std::move(args), DataType::DayTimeInterval(), nullable);
  }
  if (IsInterval(left) && left.SameType(right)) return Typed(std::move(args), left, nullable);
  return std::nullopt;
}

Result<TypedCall> Arithmetic(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  const std::string& op = function.name;
  const bool is_division = op == "/" || op == "%" || op == "div" || op == "pmod";
  if (op == "+" || op == "-") {
    if (auto typed = DateArithmetic(op, args, conf)) return *std::move(typed);
  }
  DataType left = TypeOf(*args[0]), right = TypeOf(*args[1]);
  if ((op == "*" || op == "/") && IsInterval(left) && right.IsNumeric()) return Typed(args, left, true);
  EvalMode mode = ModeOf(conf);
  // A string operand takes the other side's type (ANSI: bigint for integers, double for fractions; else double).
  for (size_t i = 0; i < 2; ++i) {
    const DataType &mine = i ? right : left, &other = i ? left : right;
    if (mine.id() != TypeId::kString) continue;
    DataType to = conf.ansi && other.IsIntegral() ? DataType::Long() : DataType::Double();
    if (!other.IsNumeric() && other.id() != TypeId::kString && other.id() != TypeId::kNull) return DifferentTypes(function, args);
    args[i] = CastTo(args[i], to, mode);
  }
  left = TypeOf(*args[0]);
  right = TypeOf(*args[1]);
  if (left.id() == TypeId::kNull) args[0] = CastTo(args[0], right.id() == TypeId::kNull ? DataType::Double() : right, mode), left = TypeOf(*args[0]);
  if (right.id() == TypeId::kNull) args[1] = CastTo(args[1], left, mode), right = TypeOf(*args[1]);
  if (!left.IsNumeric() && !right.IsNumeric()) {
    if (left.SameType(right))
      return WrongOperand(function, args, "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")", left);
    return DifferentTypes(function, args);
  }
  if (!left.IsNumeric() || !right.IsNumeric()) return DifferentTypes(function, args);
  bool nullable = is_division || AnyNullable(args);  // Spark calls every division nullable, by ANSI too
  bool fractional = left.id() == TypeId::kFloat || left.id() == TypeId::kDouble || right.id() == TypeId::kFloat || right.id() == TypeId::kDouble;
  bool decimal = (left.id() == TypeId::kDecimal || right.id() == TypeId::kDecimal) && !fractional;
  if (decimal) {
    // A literal integer takes only the digits that it has (DecimalPrecision's rule for literals).
    auto as_decimal = [&](const ExprPtr& arg) {
      DataType type = TypeOf(*arg);
      if (auto value = IntLiteral(*arg)) return DataType::Decimal(static_cast<int>(std::to_string(std::abs(*value)).size()), 0);
      return DecimalFor(type);
    };
    DataType l = as_decimal(args[0]), r = as_decimal(args[1]);
    args[0] = CastTo(args[0], l, mode);
    args[1] = CastTo(args[1], r, mode);
    if (op == "div") return Typed(std::move(args), DataType::Long(), true);
    return Typed(std::move(args), DecimalResult(op, l, r), nullable || !conf.ansi);
  }
  DataType common = *CommonType(left, right, conf);
  if (op == "/") common = DataType::Double();
  if (op == "div") common = DataType::Long();
  for (ExprPtr& arg : args) arg = CastTo(arg, common, mode);
  return Typed(std::move(args), common, nullable);
}

Result<TypedCall> Comparison(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  DataType left = TypeOf(*args[0]), right = TypeOf(*args[1]);
  std::optional<DataType> common = CommonType(left, right, conf);
  if (!conf.ansi && common && (left.id() == TypeId::kString) != (right.id() == TypeId::kString)) {
    const DataType& other = left.id() == TypeId::kString ? right : left;  // outside ANSI a comparison casts the string, not the other side
    common = other.IsIntegral() ? other : other.IsNumeric() ? DataType::Double() : other;
  }
  // A boolean meets a number as 1 or 0 only outside ANSI.
  if (!common && !conf.ansi && (left.id() == TypeId::kBoolean || right.id() == TypeId::kBoolean)) common = left.id() == TypeId::kBoolean ? right : left;
  if (!common) return DifferentTypes(function, args);
  if (common->id() == TypeId::kMap) return WrongOperand(function, args, "\"ORDERABLE\"", *common);
  for (ExprPtr& arg : args) arg = CastTo(arg, *common, ModeOf(conf));
  bool nullable = function.name != "<=>" && AnyNullable(args);
  return Typed(std::move(args), DataType::Boolean(), nullable);
}

// and, or: strings become booleans, nothing else does.
Result<TypedCall> Logic(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  for (ExprPtr& arg : args) {
    TypeId id = TypeOf(*arg).id();
    if (id == TypeId::kString || id == TypeId::kNull) arg = CastTo(arg, DataType::Boolean(), ModeOf(conf));
  }
  DataType left = TypeOf(*args[0]), right = TypeOf(*args[1]);
  if (!left.SameType(right)) return DifferentTypes(function, args);
  if (left.id() != TypeId::kBoolean) return WrongOperand(function, args, "\"BOOLEAN\"", left);
  bool nullable = AnyNullable(args);
  return Typed(std::move(args), DataType::Boolean(), nullable);
}

Result<TypedCall> In(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  std::optional<DataType> common = CommonType(args, conf);
  if (!common) {
    std::string types;
    for (const ExprPtr& arg : args) types += fmt::format("{}\"{}\"", types.empty() ? "" : ", ", TypeOf(*arg).Sql());
    return Status::Error(errors::kDataDiffTypes, {{"sqlExpr", CallText(function, args)}, {"functionName", "`in`"}, {"dataType", "[" + types + "]"}});
  }
  for (ExprPtr& arg : args) arg = CastTo(arg, *common, ModeOf(conf));
  bool nullable = AnyNullable(args);
  return Typed(std::move(args), DataType::Boolean(), nullable);
}

// when(c1, v1, …[, else]): conditions are boolean, values meet in a common type.
Result<TypedCall> When(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  Args values;
  bool has_else = args.size() % 2 == 1;
  for (size_t i = 0; i < args.size(); ++i) {
    bool is_value = i % 2 == 1 || i + 1 == args.size();
    if (is_value) {
      values.push_back(args[i]);
    } else {
      MS_ASSIGN_OR_RETURN(args[i], Implicit(function, args, i, 'b', conf));
    }
  }
  std::optional<DataType> common = CommonType(values, conf);
  if (!common) {
    std::string types;
    for (const ExprPtr& value : values) types += fmt::format("{}\"{}\"", types.empty() ? "" : ", ", TypeOf(*value).Sql());
    return Status::Error(errors::kDataDiffTypes, {{"sqlExpr", CallText(function, args)}, {"functionName", "`casewhen`"}, {"dataType", "[" + types + "]"}});
  }
  bool nullable = !has_else || AnyNullable(values);
  for (size_t i = 0; i < args.size(); ++i) {
    if (i % 2 == 1 || i + 1 == args.size()) args[i] = CastTo(args[i], *common, ModeOf(conf));
  }
  return Typed(std::move(args), *common, nullable);
}

Result<TypedCall> Bitwise(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  DataType common = *CommonType(TypeOf(*args[0]), TypeOf(*args.back()), conf);
  if (!common.IsIntegral()) return WrongOperand(function, args, "\"INTEGRAL\"", common);
  for (ExprPtr& arg : args) arg = CastTo(arg, common, ModeOf(conf));
  bool nullable = AnyNullable(args);
  return Typed(std::move(args), common, nullable);
}

FunctionDef Scalar(const std::string& name, int min, int max, FunctionDef::Rule rule) {
  return {.name = name, .kind = FunctionDef::Kind::kScalar, .args_min = min, .args_max = max, .rule = std::move(rule)};
}

}  // namespace

void AddOperators(FunctionTable& table) {
  for (const char* op : {"+", "*", "/", "%", "div", "pmod"}) {
    std::vector<std::string> names = {op};
    if (names[0] == "%") names.push_back("mod");
    table.push_back({names, Scalar(op, 2, 2, Arithmetic)});
  }
  table.push_back({{"-"}, Scalar("-", 2, 2, Arithmetic)});
  table.push_back({{"negative"}, Scalar("negative", 1, 1, Signature("n", "0"))});
  table.push_back({{"positive"}, Scalar("positive", 1, 1, Signature("n", "0"))});
  for (const char* op : {"==", "<=>", "<", "<=", ">", ">="}) {
    std::vector<std::string> names = {op};
    if (names[0] == "==") names.push_back("=");
    table.push_back({names, Scalar(op, 2, 2, Comparison)});
  }
  table.push_back({{"and"}, Scalar("and", 2, 2, Logic)});
  table.push_back({{"or"}, Scalar("or", 2, 2, Logic)});
  table.push_back({{"not", "!"}, Scalar("not", 1, 1, Signature("b", "b"))});
  table.push_back({{"in"}, Scalar("in", 1, -1, In)});
  table.push_back({{"when"}, Scalar("when", 2, -1, When)});
  for (const char* op : {"&", "|", "^"}) table.push_back({{op}, Scalar(op, 2, 2, Bitwise)});
  table.push_back({{"~"}, Scalar("~", 1, 1, Bitwise)});
  for (const char* op : {"shiftleft", "shiftright", "shiftrightunsigned"}) table.push_back({{op}, Scalar(op, 2, 2, Signature("?i", "0"))});
  table.push_back({{"isnull"}, Scalar("isnull", 1, 1, Signature("?", "b!"))});
  table.push_back({{"isnotnull"}, Scalar("isnotnull", 1, 1, Signature("?", "b!"))});
  table.push_back({{"isnan"}, Scalar("isnan", 1, 1, Signature("d", "b!"))});
  for (const char* op : {"like", "ilike"}) table.push_back({{op}, Scalar(op, 2, 3, Signature("sss", "b"))});
  table.push_back({{"rlike", "regexp", "regexp_like"}, Scalar("rlike", 2, 2, Signature("ss", "b"))});
}

}  // namespace millstream
