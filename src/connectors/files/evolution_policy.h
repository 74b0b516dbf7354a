#pragma once

// evolution_policy.h   What may change at which path of an inferred schema: cloudFiles.schemaEvolutionMode, the rules of cloudFiles.schemaEvolutionPolicy on
// top of it ("payload.*: add, id: freeze, amount: widen"), and columns that REVERT SCHEMA has frozen.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace millstream {

enum class SchemaEvolutionMode { kAddNewColumns, kAddNewColumnsWithTypeWidening, kAddNewColumnsWithoutRestart, kRescue, kFailOnNewColumns, kNone };
const char* NameOf(SchemaEvolutionMode mode);  // "addNewColumns" …

// "user.tags.element": into structs by field, arrays by `element`, maps by `key` and `value`, as in schema hints.
using ColumnPath = std::vector<std::string>;
std::string ToText(const ColumnPath& path);  // with backticks where a name needs them

enum class EvolutionAction {
  kAdd,     // what is new is added; types as the mode has it
  kWiden,   // what is new is added, and types become wider
  kRescue,  // what is new is rescued; types as the mode has it
  kFreeze,  // nothing changes
  kFail,    // what is new ends the query, and the schema stays
};

struct EvolutionRule {
  ColumnPath path;  // of a column and all below it; a part `*` is any name
  EvolutionAction action = EvolutionAction::kAdd;
};

// MILLSTREAM_INVALID_OPTION_VALUE, with "did you mean", for what is no rule.
Result<std::vector<EvolutionRule>> ParseEvolutionRules(std::string_view text);

class EvolutionPolicy {
 public:
  EvolutionPolicy() = default;
  EvolutionPolicy(SchemaEvolutionMode mode, std::vector<EvolutionRule> rules) : mode_(mode), rules_(std::move(rules)) {}
  // The same, with columns that stay as they are unless a rule names them, or something above them, by the name.
  EvolutionPolicy WithFrozen(const std::vector<ColumnPath>& frozen) const;

  struct Change {
    bool adds = false, widens = false, fails = false;
  };
  // The rule with the most parts counts, of two of them the one with fewer `*`, then the first. Without a rule: the mode.
  Change At(const ColumnPath& path) const;

  SchemaEvolutionMode mode() const { return mode_; }
  bool is_uniform() const { return rules_.empty() && frozen_.empty(); }  // the mode says all
  bool may_widen() const;
  bool may_add() const;

 private:
  SchemaEvolutionMode mode_ = SchemaEvolutionMode::kNone;
  std::vector<EvolutionRule> rules_, frozen_;
};

}  // namespace millstream
