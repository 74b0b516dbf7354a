#pragma once

// functions.h   The scalar functions that DuckDB lacks or computes otherwise than Spark, as ms_… in its SQL. One file a family.
//
// Where Spark's answer depends on ANSI mode, the last argument is the mode: 0 ANSI (raise), 1 legacy (Spark 2's answer), 2 try (null).

#include <duckdb.hpp>

namespace millstream::compute {

class FunctionRegistry;

inline constexpr int kAnsiMode = 0, kLegacyMode = 1, kTryMode = 2;

void RegisterFunctions(duckdb::Connection& connection);

void DefineArithmetic(FunctionRegistry& registry);
void DefineDecimals(FunctionRegistry& registry);
void DefineMath(FunctionRegistry& registry);
void DefineNumberCasts(FunctionRegistry& registry);
void DefineTextCasts(FunctionRegistry& registry);
void DefineStrings(FunctionRegistry& registry);
void DefineRegex(FunctionRegistry& registry);
void DefineDates(FunctionRegistry& registry);
void DefineDateFormats(FunctionRegistry& registry);
void DefineTimeZones(FunctionRegistry& registry);
void DefineHashes(FunctionRegistry& registry);
void DefineCollections(FunctionRegistry& registry);
void DefineRandom(FunctionRegistry& registry);
void DefineFormatString(FunctionRegistry& registry);
void DefineJsonPaths(FunctionRegistry& registry);
void DefineFromJson(FunctionRegistry& registry);
void DefineToJson(FunctionRegistry& registry);

// Aggregates of ours (functions/moments.cc).
void RegisterMoments(duckdb::ClientContext& context, duckdb::Catalog& catalog);

}  // namespace millstream::compute
