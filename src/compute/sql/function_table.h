#pragma once

// function_table.h   Scalar functions by Spark's name, one table a family.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compute/sql/expression_sql.h"

namespace millstream::compute {

// A function that a template says: see ExpandPattern.
struct FunctionPattern {
  std::string_view name;
  int arity;  // -1: any
  std::string_view pattern;
};
// A function whose SQL depends on more than the number of its arguments.
using FunctionEmitter = Result<std::string> (*)(const FunctionCall& call);

struct FunctionTable {
  std::unordered_map<std::string_view, std::vector<FunctionPattern>> patterns;
  std::unordered_map<std::string_view, FunctionEmitter> emitters;
};

void AddOperators(FunctionTable& table);
void AddNumberFunctions(FunctionTable& table);
void AddStringFunctions(FunctionTable& table);
void AddDateFunctions(FunctionTable& table);
void AddCollectionFunctions(FunctionTable& table);

}  // namespace millstream::compute
