#pragma once

// signatures.h   The type rules that most functions share, written as two short strings.
//
// Parameters, one letter each, "*" repeats the last: s string · i int · l bigint · d double · n number · b boolean · D date · T timestamp · x string or binary
// · V variant · a array · m map · r struct · c the common type of all c · ? anything.
// Result: s i l d b D T t(tinyint) N(timestamp_ntz) B(binary) V · 0, 1 … the type of that argument · c the common type · e the element of argument 0 · k, v its
// key, value · [r] an array of r. Then ? always nullable, ! never; else nullable when an argument is.

#include <string>
#include <string_view>
#include <vector>

#include "plan/function_registry.h"

namespace millstream {

FunctionDef::Rule Signature(std::string_view params, std::string_view result);

// `expr` as the type that parameter `index` (from 0) wants, by an implicit cast, or DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE.
Result<ExprPtr> Implicit(const FunctionDef& function, const std::vector<ExprPtr>& args, size_t index, char wanted, const AnalyzerConf& conf);
Status WrongType(const FunctionDef& function, const std::vector<ExprPtr>& args, size_t index, const std::string& required);
bool AnyNullable(const std::vector<ExprPtr>& args);
// DATATYPE_MISMATCH.* need the call as SQL.
std::string CallText(const FunctionDef& function, const std::vector<ExprPtr>& args);
// The value of a whole-number or string literal argument.
std::optional<int64_t> IntLiteral(const Expr& expr);
std::optional<std::string> StringLiteral(const Expr& expr);

// The tables, one a family; each adds its functions.
using FunctionTable = std::vector<std::pair<std::vector<std::string>, FunctionDef>>;  // names, the canonical one first
void AddOperators(FunctionTable& table);
void AddScalarFunctions(FunctionTable& table);
void AddDateTimeFunctions(FunctionTable& table);
void AddCollectionFunctions(FunctionTable& table);
void AddJsonFunctions(FunctionTable& table);
void AddVariantFunctions(FunctionTable& table);
void AddAggregateFunctions(FunctionTable& table);

}  // namespace millstream
