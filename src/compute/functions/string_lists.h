#pragma once

// string_lists.h   Functions that return a list of strings, or take one: what RowFunction's one value a row does not cover.

#include <duckdb.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace millstream::compute {

class FunctionRegistry;

// (text, pattern or delimiter, number) → list.
void DefineListOfStrings(FunctionRegistry& registry, const std::string& name,
                         std::function<std::vector<std::string>(std::string_view, std::string_view, int32_t)> function);
// (text, list) → text.
void DefineOfStringList(FunctionRegistry& registry, const std::string& name,
                        std::function<std::string(std::string_view, const std::vector<std::optional<std::string>>&)> function);

}  // namespace millstream::compute
