#include "compute/sql/function_table.h"

#include <charconv>

#include "compute/sql/sql_text.h"
#include "compute/sql/variant_sql.h"

namespace millstream::compute {
namespace {

const FunctionTable& Table() {
  static const FunctionTable table = [] {
    FunctionTable made;
    for (auto add : {AddOperators, AddNumberFunctions, AddStringFunctions, AddDateFunctions, AddCollectionFunctions, AddVariantFunctions}) add(made);
    return made;
  }();
  return table;
}

std::string JoinFrom(const std::vector<std::string>& args, size_t first) {
  std::string joined;
  for (size_t i = first; i < args.size(); ++i) joined += (i > first ? ", " : "") + args[i];
  return joined;
}

}  // namespace

std::string ExpandPattern(std::string_view pattern, const FunctionCall& call) {
  std::string text;
  for (size_t at = 0; at < pattern.size();) {
    const size_t open = pattern.find('{', at);
    if (open == std::string_view::npos) return text.append(pattern.substr(at));
    const size_t close = pattern.find('}', open);
    text.append(pattern.substr(at, open - at));
    const std::string_view slot = pattern.substr(open + 1, close - open - 1);
    at = close + 1;
    if (slot == "*") {
      text += JoinFrom(call.args, 0);
    } else if (slot == "m") {
      text += call.Mode();
    } else if (slot == "z") {
      text += call.sql.Zone();
    } else if (slot == "T") {
      text += TypeSql(call.type);
    } else {
      size_t argument = 0;
      auto [rest, error] = std::from_chars(slot.data(), slot.data() + slot.size(), argument);
      const std::string_view how(rest, slot.data() + slot.size() - rest);
      if (how == "*") {
        text += JoinFrom(call.args, argument);
      } else if (argument < call.args.size()) {
        text += how == "l" ? call.sql.Local(call.args[argument], call.types[argument]) : call.args[argument];
      }
    }
  }
  return text;
}

Result<std::string> ScalarSql(const FunctionCall& call) {
  const FunctionTable& table = Table();
  if (auto found = table.emitters.find(call.name); found != table.emitters.end()) return found->second(call);
  if (auto found = table.patterns.find(call.name); found != table.patterns.end()) {
    for (const FunctionPattern& pattern : found->second) {
      if (pattern.arity >= 0 && pattern.arity != static_cast<int>(call.args.size())) continue;
      return "CAST(" + ExpandPattern(pattern.pattern, call) + " AS " + TypeSql(call.type) + ")";
    }
    return Status::Unsupported("The function " + call.name + " with " + std::to_string(call.args.size()) + " arguments");
  }
  return Status::Unsupported("The function " + call.name);
}

}  // namespace millstream::compute
