#include <re2/re2.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"
#include "compute/functions/string_lists.h"
#include "compute/functions/utf8.h"

namespace millstream::compute {
namespace {

// Java's regular expressions by RE2: linear time, but no look-around and no back references, which RE2 names in its error.
std::shared_ptr<const RE2> Compile(std::string_view pattern, const char* function) {
  thread_local std::map<std::string, std::shared_ptr<const RE2>, std::less<>> compiled;
  if (auto found = compiled.find(pattern); found != compiled.end()) return found->second;
  if (compiled.size() > 200) compiled.clear();
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(64 << 20);
  // Java's (?<name>…) is RE2's (?P<name>…).
  std::string text(pattern);
  for (size_t at = 0; (at = text.find("(?<", at)) != std::string::npos; at += 4) {
    if (at + 3 < text.size() && text[at + 3] != '=' && text[at + 3] != '!') text.insert(at + 2, "P");
  }
  auto regex = std::make_shared<const RE2>(text, options);
  if (!regex->ok()) {
    ThrowError(
        errors::kInvalidPattern,
        {{"parameter", "`regexp`"}, {"functionName", "`" + std::string(function) + "`"}, {"value", "'" + std::string(pattern) + "' (" + regex->error() + ")"}});
  }
  return compiled.emplace(std::string(pattern), std::move(regex)).first->second;
}

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

std::vector<re2::StringPiece> Groups(const RE2& regex) { return std::vector<re2::StringPiece>(regex.NumberOfCapturingGroups() + 1); }

void CheckGroup(const RE2& regex, int32_t group, const char* function) {
  if (group >= 0 && group <= regex.NumberOfCapturingGroups()) return;
  ThrowError(errors::kInvalidRegexGroup, {{"functionName", "`" + std::string(function) + "`"},
                                          {"groupCount", std::to_string(regex.NumberOfCapturingGroups())},
                                          {"groupIndex", std::to_string(group)}});
}

// Calls `seen` for each match, from the left, without overlap; stops when it returns false.
template <typename F>
void EachMatch(const RE2& regex, std::string_view text, size_t from, F seen) {
  auto groups = Groups(regex);
  for (size_t at = from; at <= text.size();) {
    if (!regex.Match(Piece(text), at, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()))) return;
    const size_t begin = static_cast<size_t>(groups[0].data() - text.data()), end = begin + groups[0].size();
    if (!seen(begin, end, groups)) return;
    at = end > begin ? end : end < text.size() ? end + CharacterSize(text, end) : end + 1;
  }
}

// Java's replacement text: $1, ${name}, and \ before a character that means itself.
std::string Expand(std::string_view replacement, const RE2& regex, const std::vector<re2::StringPiece>& groups) {
  std::string text;
  for (size_t at = 0; at < replacement.size(); ++at) {
    const char c = replacement[at];
    if (c == '\\' && at + 1 < replacement.size()) {
      text += replacement[++at];
    } else if (c == '$' && at + 1 < replacement.size() && replacement[at + 1] >= '0' && replacement[at + 1] <= '9') {
      size_t group = static_cast<size_t>(replacement[++at] - '0');
      while (at + 1 < replacement.size() && replacement[at + 1] >= '0' && replacement[at + 1] <= '9' &&
             group * 10 + (replacement[at + 1] - '0') < groups.size()) {
        group = group * 10 + static_cast<size_t>(replacement[++at] - '0');
      }
      if (group >= groups.size()) CheckGroup(regex, static_cast<int32_t>(group), "regexp_replace");
      text.append(groups[group].data() ? groups[group].data() : "", groups[group].size());
    } else if (c == '$' && at + 1 < replacement.size() && replacement[at + 1] == '{') {
      const size_t close = replacement.find('}', at);
      const auto& names = regex.NamedCapturingGroups();
      const auto found = close == std::string_view::npos ? names.end() : names.find(std::string(replacement.substr(at + 2, close - at - 2)));
      if (found != names.end()) text.append(groups[found->second].data() ? groups[found->second].data() : "", groups[found->second].size());
      at = close == std::string_view::npos ? replacement.size() : close;
    } else {
      text += c;
    }
  }
  return text;
}

// Java's String.split: limit > 0 at most that many parts, otherwise all, trailing empty ones kept (Spark passes -1). An empty match at the start
// makes no part.
std::vector<std::string> SplitByPattern(std::string_view text, std::string_view pattern, int32_t limit) {
  if (text.empty()) return {""};
  const auto regex = Compile(pattern, "split");
  std::vector<std::string> parts;
  size_t begin = 0;
  EachMatch(*regex, text, 0, [&](size_t from, size_t to, const auto&) {
    if (limit > 0 && static_cast<int32_t>(parts.size()) == limit - 1) return false;
    if (to == 0) return true;
    if (from == text.size() && from == to) return true;
    parts.emplace_back(text.substr(begin, from - begin));
    begin = to;
    return true;
  });
  parts.emplace_back(text.substr(begin));
  // Splitting by the empty pattern gives each character; Spark drops the empty rest.
  if (pattern.empty() && parts.size() > 1 && parts.back().empty()) parts.pop_back();
  return parts;
}

}  // namespace

void DefineRegex(FunctionRegistry& registry) {
  Define(registry, "ms_rlike", [](std::string_view text, std::string_view pattern) { return RE2::PartialMatch(Piece(text), *Compile(pattern, "rlike")); });
  Define(registry, "ms_regexp_extract", [](std::string_view text, std::string_view pattern, int32_t group) {
    const auto regex = Compile(pattern, "regexp_extract");
    CheckGroup(*regex, group, "regexp_extract");
    auto groups = Groups(*regex);
    if (!regex->Match(Piece(text), 0, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()))) return std::string();
    return std::string(groups[group].data() ? groups[group].data() : "", groups[group].size());
  });
  Define(registry, "ms_regexp_replace", [](std::string_view text, std::string_view pattern, std::string_view replacement, int32_t position) {
    const auto regex = Compile(pattern, "regexp_replace");
    const size_t from = position > 1 ? ByteAt(text, position - 1) : 0;
    std::string result(text.substr(0, from));
    size_t kept = from;
    EachMatch(*regex, text, from, [&](size_t begin, size_t end, const auto& groups) {
      result += text.substr(kept, begin - kept);
      result += Expand(replacement, *regex, groups);
      kept = end;
      return true;
    });
    result += text.substr(kept);
    return result;
  });
  Define(registry, "ms_regexp_count", [](std::string_view text, std::string_view pattern) {
    int32_t count = 0;
    EachMatch(*Compile(pattern, "regexp_count"), text, 0, [&](size_t, size_t, const auto&) {
      ++count;
      return true;
    });
    return count;
  });
  Define(registry, "ms_regexp_substr", [](std::string_view text, std::string_view pattern) -> std::optional<std::string> {
    std::optional<std::string> found;
    EachMatch(*Compile(pattern, "regexp_substr"), text, 0, [&](size_t begin, size_t end, const auto&) {
      if (end > begin) found = std::string(text.substr(begin, end - begin));
      return false;
    });
    return found;
  });
  Define(registry, "ms_regexp_instr", [](std::string_view text, std::string_view pattern) {
    int32_t place = 0;
    EachMatch(*Compile(pattern, "regexp_instr"), text, 0, [&](size_t begin, size_t, const auto&) {
      place = static_cast<int32_t>(CountCharacters(text.substr(0, begin))) + 1;
      return false;
    });
    return place;
  });
  DefineListOfStrings(registry, "ms_split", SplitByPattern);
  DefineListOfStrings(registry, "ms_regexp_extract_all", [](std::string_view text, std::string_view pattern, int32_t group) {
    const auto regex = Compile(pattern, "regexp_extract_all");
    CheckGroup(*regex, group, "regexp_extract_all");
    std::vector<std::string> matches;
    EachMatch(*regex, text, 0, [&](size_t, size_t, const auto& groups) {
      matches.emplace_back(groups[group].data() ? groups[group].data() : "", groups[group].size());
      return true;
    });
    return matches;
  });
}

}  // namespace millstream::compute
