#include "plan/functions/signatures.h"

#include <fmt/format.h>

#include "plan/coercion.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

// "first", "second", "3rd": Spark's ordinalNumber, counted from 0.
std::string Ordinal(size_t index) {
  static constexpr const char* kNames[] = {"first", "second", "third", "fourth", "fifth", "sixth"};
  return index < 6 ? kNames[index] : fmt::format("{}th", index + 1);
}

struct Wanted {
  const char* name;
  DataType type;
};

Wanted Want(char letter) {
  switch (letter) {
    case 's':
      return {"\"STRING\"", DataType::String()};
    case 'i':
      return {"\"INT\"", DataType::Integer()};
    case 'l':
      return {"\"BIGINT\"", DataType::Long()};
    case 'd':
      return {"\"DOUBLE\"", DataType::Double()};
    case 'n':
      return {"\"NUMERIC\"", DataType::Double()};
    case 'b':
      return {"\"BOOLEAN\"", DataType::Boolean()};
    case 'D':
      return {"\"DATE\"", DataType::Date()};
    case 'T':
      return {"\"TIMESTAMP\"", DataType::Timestamp()};
    case 'V':
      return {"\"VARIANT\"", DataType::Variant()};
    case 'x':
      return {"(\"STRING\" or \"BINARY\")", DataType::String()};
    case 'a':
      return {"\"ARRAY\"", DataType::Null()};
    case 'm':
      return {"\"MAP\"", DataType::Null()};
    case 'r':
      return {"\"STRUCT\"", DataType::Null()};
    default:
      return {"", DataType::Null()};
  }
}

bool Fits(const DataType& type, char letter) {
  switch (letter) {
    case 'n':
      return type.IsNumeric();
    case 'x':
      return type.id() == TypeId::kString || type.id() == TypeId::kBinary;
    case 'a':
      return type.id() == TypeId::kArray;
    case 'm':
      return type.id() == TypeId::kMap;
    case 'r':
      return type.id() == TypeId::kStruct;
    case 'T':
      return type.id() == TypeId::kTimestamp || type.id() == TypeId::kTimestampNtz;
    case '?':
    case 'c':
      return true;
    default:
      return type.SameType(Want(letter).type);
  }
}

bool CanImplicitly(const DataType& from, char letter, bool ansi) {
  bool time = from.id() == TypeId::kDate || from.id() == TypeId::kTimestamp || from.id() == TypeId::kTimestampNtz;
  switch (letter) {
    case 's':
    case 'x':
      return !from.IsNested() && from.id() != TypeId::kBinary;
    case 'i':
    case 'l':
      return from.IsIntegral() || from.id() == TypeId::kString || (!ansi && from.IsNumeric());
    case 'd':
    case 'n':
      return from.IsNumeric() || from.id() == TypeId::kString;
    case 'b':
      return from.id() == TypeId::kString;
    case 'D':
    case 'T':
      return time || from.id() == TypeId::kString;
    default:
      return false;
  }
}

DataType ResultType(std::string_view result, const std::vector<ExprPtr>& args, const DataType& common) {
  char letter = result[0];
  switch (letter) {
    case 'N':
      return DataType::TimestampNtz();
    case 't':
      return DataType::Byte();
    case 'B':
      return DataType::Binary();
    case 'c':
      return common;
    case 'e':
      return TypeOf(*args[0]).element();
    case 'k':
      return TypeOf(*args[0]).key();
    case 'v':
      return TypeOf(*args[0]).value();
    case '[': {
      DataType element = ResultType(result.substr(1), args, common);
      return DataType::Array(element, true);
    }
    default:
      break;
  }
  if (letter >= '0' && letter <= '9') return TypeOf(*args[static_cast<size_t>(letter - '0')]);
  return Want(letter).type;
}

}  // namespace

std::string CallText(const FunctionDef& function, const std::vector<ExprPtr>& args) {
  return SqlOf(
      *MakeExpr(UnresolvedFunction{.name = {function.name}, .args = args, .is_distinct = false, .filter = nullptr, .ignore_nulls = false, .named_args = {}}));
}

std::optional<int64_t> IntLiteral(const Expr& expr) {
  const auto* literal = expr.As<Literal>();
  const int64_t* value = literal && literal->type.IsIntegral() ? std::get_if<int64_t>(&literal->value.held) : nullptr;
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::string> StringLiteral(const Expr& expr) {
  const auto* literal = expr.As<Literal>();
  const std::string* value = literal && literal->type.id() == TypeId::kString ? std::get_if<std::string>(&literal->value.held) : nullptr;
  return value ? std::optional(*value) : std::nullopt;
}

bool AnyNullable(const std::vector<ExprPtr>& args) {
  for (const ExprPtr& arg : args) {
    if (IsNullable(*arg)) return true;
  }
  return false;
}

Status WrongType(const FunctionDef& function, const std::vector<ExprPtr>& args, size_t index, const std::string& required) {
  return Status::Error(errors::kUnexpectedInputType, {{"sqlExpr", CallText(function, args)},
                                                      {"paramIndex", Ordinal(index)},
                                                      {"requiredType", required},
                                                      {"inputSql", SqlOf(*args[index])},
                                                      {"inputType", TypeOf(*args[index]).Sql()}});
}

Result<ExprPtr> Implicit(const FunctionDef& function, const std::vector<ExprPtr>& args, size_t index, char wanted, const AnalyzerConf& conf) {
  const ExprPtr& arg = args[index];
  if (arg->As<LambdaExpr>()) return arg;
  DataType from = TypeOf(*arg);
  if (Fits(from, wanted)) return arg;
  Wanted want = Want(wanted);
  if (from.id() == TypeId::kNull && !want.type.IsNested() && want.type.id() != TypeId::kNull) return CastTo(arg, want.type, ModeOf(conf));
  if (!CanImplicitly(from, wanted, conf.ansi)) return WrongType(function, args, index, want.name);
  return CastTo(arg, want.type, ModeOf(conf));
}

FunctionDef::Rule Signature(std::string_view params, std::string_view result) {
  return [params = std::string(params), result = std::string(result)](const FunctionDef& function, std::vector<ExprPtr> args,
                                                                      const AnalyzerConf& conf) -> Result<TypedCall> {
    auto letter_of = [&](size_t index) {
      bool repeats = params.ends_with('*');
      size_t fixed = repeats ? params.size() - 1 : params.size();
      return index < fixed ? params[index] : params[fixed - 1];
    };
    std::vector<ExprPtr> commons;
    for (size_t i = 0; i < args.size(); ++i) {
      if (letter_of(i) == 'c') commons.push_back(args[i]);
    }
    DataType common;
    if (!commons.empty()) {
      std::optional<DataType> found = CommonType(commons, conf);
      if (!found) {
        std::string types;
        for (const ExprPtr& arg : commons) types += fmt::format("{}\"{}\"", types.empty() ? "" : ", ", TypeOf(*arg).Sql());
        return Status::Error(errors::kDataDiffTypes,
                             {{"sqlExpr", CallText(function, args)}, {"functionName", "`" + function.name + "`"}, {"dataType", "[" + types + "]"}});
      }
      common = *found;
    }
    TypedCall typed;
    for (size_t i = 0; i < args.size(); ++i) {
      if (letter_of(i) == 'c') {
        typed.args.push_back(CastTo(args[i], common, ModeOf(conf)));
      } else {
        MS_ASSIGN_OR_RETURN(ExprPtr arg, Implicit(function, args, i, letter_of(i), conf));
        typed.args.push_back(std::move(arg));
      }
    }
    typed.type = ResultType(result, typed.args, common);
    typed.nullable = result.ends_with('?') || (!result.ends_with('!') && AnyNullable(typed.args));
    return typed;
  };
}

}  // namespace millstream
