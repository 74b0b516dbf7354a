#include "connectors/files/evolution_policy.h"

#include <algorithm>
#include <cctype>

#include "base/ignore_case.h"
#include "base/option_table.h"
#include "connectors/files/schema_hints.h"

namespace millstream {
namespace {

constexpr std::pair<const char*, EvolutionAction> kActions[] = {{"add", EvolutionAction::kAdd},
                                                                {"widen", EvolutionAction::kWiden},
                                                                {"rescue", EvolutionAction::kRescue},
                                                                {"freeze", EvolutionAction::kFreeze},
                                                                {"fail", EvolutionAction::kFail}};

bool Matches(const ColumnPath& rule, const ColumnPath& path) {
  if (rule.size() > path.size()) return false;
  for (size_t i = 0; i < rule.size(); ++i) {
    if (rule[i] != "*" && !EqualsIgnoreCase(rule[i], path[i])) return false;
  }
  return true;
}

size_t Stars(const ColumnPath& rule) { return static_cast<size_t>(std::count(rule.begin(), rule.end(), "*")); }

const EvolutionRule* RuleFor(const std::vector<EvolutionRule>& rules, const ColumnPath& path) {
  const EvolutionRule* best = nullptr;
  for (const EvolutionRule& rule : rules) {
    if (!Matches(rule.path, path)) continue;
    const bool is_closer =
        best == nullptr || rule.path.size() > best->path.size() || (rule.path.size() == best->path.size() && Stars(rule.path) < Stars(best->path));
    if (is_closer) best = &rule;
  }
  return best;
}

bool Adds(SchemaEvolutionMode mode) {
  return mode == SchemaEvolutionMode::kAddNewColumns || mode == SchemaEvolutionMode::kAddNewColumnsWithTypeWidening ||
         mode == SchemaEvolutionMode::kAddNewColumnsWithoutRestart;
}

bool Widens(SchemaEvolutionMode mode) { return mode == SchemaEvolutionMode::kAddNewColumnsWithTypeWidening; }

Status NoRule(std::string_view rule, std::string reason) {
  return Status::Error(errors::kInvalidOptionValue,
                       {{"option", "cloudFiles.schemaEvolutionPolicy"}, {"owner", "cloudFiles"}, {"value", std::string(rule)}, {"reason", std::move(reason)}});
}

}  // namespace

const char* NameOf(SchemaEvolutionMode mode) {
  switch (mode) {
    case SchemaEvolutionMode::kAddNewColumns:
      return "addNewColumns";
    case SchemaEvolutionMode::kAddNewColumnsWithTypeWidening:
      return "addNewColumnsWithTypeWidening";
    case SchemaEvolutionMode::kAddNewColumnsWithoutRestart:
      return "addNewColumnsWithoutRestart";
    case SchemaEvolutionMode::kRescue:
      return "rescue";
    case SchemaEvolutionMode::kFailOnNewColumns:
      return "failOnNewColumns";
    case SchemaEvolutionMode::kNone:
      return "none";
  }
  return "";
}

std::string ToText(const ColumnPath& path) {
  std::string text;
  for (const std::string& name : path) {
    if (!text.empty()) text += '.';
    const bool is_plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c >= 0x80; });
    if (is_plain) {
      text += name;
      continue;
    }
    text += '`';
    for (char c : name) text += c == '`' ? "``" : std::string(1, c);
    text += '`';
  }
  return text;
}

Result<std::vector<EvolutionRule>> ParseEvolutionRules(std::string_view text) {
  std::vector<EvolutionRule> rules;
  for (std::string_view written : SplitColumns(text)) {
    std::string_view word = written;
    EvolutionRule rule{.path = CutColumnPath(&word)};
    const bool is_named = std::none_of(rule.path.begin(), rule.path.end(), [](const std::string& name) { return name.empty(); });
    if (!is_named || word.empty()) return NoRule(written, "expected rules such as 'payload.*: add, id: freeze, amount: widen'");
    std::string lower(word);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto* action = std::find_if(std::begin(kActions), std::end(kActions), [&](const auto& known) { return lower == known.first; });
    if (action == std::end(kActions)) {
      std::vector<std::string> words;
      for (const auto& [name, known] : kActions) words.emplace_back(name);
      std::optional<std::string> meant = DidYouMean(lower, words);
      return NoRule(written, "'" + std::string(word) + "' is none of add, widen, rescue, freeze and fail" + (meant ? "; did you mean '" + *meant + "'?" : ""));
    }
    rule.action = action->second;
    const bool is_known = std::any_of(rules.begin(), rules.end(), [&](const EvolutionRule& other) { return ToText(other.path) == ToText(rule.path); });
    if (is_known) return NoRule(written, "there are two rules for " + ToText(rule.path));
    rules.push_back(std::move(rule));
  }
  return rules;
}

EvolutionPolicy EvolutionPolicy::WithFrozen(const std::vector<ColumnPath>& frozen) const {
  EvolutionPolicy policy = *this;
  for (const ColumnPath& path : frozen) policy.frozen_.push_back({path, EvolutionAction::kFreeze});
  return policy;
}

EvolutionPolicy::Change EvolutionPolicy::At(const ColumnPath& path) const {
  const EvolutionRule* rule = RuleFor(rules_, path);
  const EvolutionRule* frozen = RuleFor(frozen_, path);
  // Who names a frozen column wants it back; `*` means those that nobody thinks of.
  const bool is_lifted = rule != nullptr && Stars(rule->path) == 0;
  if (frozen != nullptr && !is_lifted) return {};
  if (rule == nullptr) return {.adds = Adds(mode_), .widens = Widens(mode_), .fails = mode_ == SchemaEvolutionMode::kFailOnNewColumns};
  switch (rule->action) {
    case EvolutionAction::kAdd:
      return {.adds = true, .widens = Widens(mode_)};
    case EvolutionAction::kWiden:
      return {.adds = true, .widens = true};
    case EvolutionAction::kRescue:
      return {.widens = Widens(mode_)};
    case EvolutionAction::kFreeze:
      return {};
    case EvolutionAction::kFail:
      return {.fails = true};
  }
  return {};
}

bool EvolutionPolicy::may_widen() const {
  return Widens(mode_) || std::any_of(rules_.begin(), rules_.end(), [](const EvolutionRule& rule) { return rule.action == EvolutionAction::kWiden; });
}

bool EvolutionPolicy::may_add() const {
  return Adds(mode_) || std::any_of(rules_.begin(), rules_.end(),
                                    [](const EvolutionRule& rule) { return rule.action == EvolutionAction::kAdd || rule.action == EvolutionAction::kWiden; });
}

}  // namespace millstream
