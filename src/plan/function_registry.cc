#include "plan/function_registry.h"

#include <cctype>
#include <deque>
#include <unordered_map>

#include "plan/functions/signatures.h"

namespace millstream {
namespace {

struct Registry {
  std::deque<FunctionDef> definitions;  // stable addresses: analyzed plans point at them
  std::unordered_map<std::string, const FunctionDef*> by_name;

  Registry() {
    FunctionTable table;
    AddOperators(table);
    AddScalarFunctions(table);
    AddDateTimeFunctions(table);
    AddCollectionFunctions(table);
    AddJsonFunctions(table);
    AddVariantFunctions(table);
    AddAggregateFunctions(table);
    for (auto& [names, definition] : table) {
      definitions.push_back(std::move(definition));
      for (const std::string& name : names) by_name.emplace(name, &definitions.back());
    }
  }
};

const Registry& TheRegistry() {
  static const Registry registry;
  return registry;
}

}  // namespace

const FunctionDef* FindFunction(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  auto found = TheRegistry().by_name.find(lower);
  return found == TheRegistry().by_name.end() ? nullptr : found->second;
}

std::vector<std::string> FunctionNames() {
  std::vector<std::string> names;
  for (const auto& [name, definition] : TheRegistry().by_name) names.push_back(name);
  return names;
}

}  // namespace millstream
