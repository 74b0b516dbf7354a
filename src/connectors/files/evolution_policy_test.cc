#include "connectors/files/evolution_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/option_table.h"

namespace millstream {
namespace {

using testing::HasSubstr;

// "add", "widen", "add+widen" …, for one path.
std::string At(const EvolutionPolicy& policy, const ColumnPath& path) {
  const EvolutionPolicy::Change change = policy.At(path);
  std::string text;
  for (const auto& [is_set, name] : {std::pair{change.adds, "add"}, {change.widens, "widen"}, {change.fails, "fail"}})
    if (is_set) text += std::string(text.empty() ? "" : "+") + name;
  return text.empty() ? "rescue" : text;
}

TEST(EvolutionPolicy, WithoutRulesIsTheMode) {
  const ColumnPath path = {"a", "b"};
  EXPECT_EQ(At({SchemaEvolutionMode::kAddNewColumns, {}}, path), "add");
  EXPECT_EQ(At({SchemaEvolutionMode::kAddNewColumnsWithoutRestart, {}}, path), "add");
  EXPECT_EQ(At({SchemaEvolutionMode::kAddNewColumnsWithTypeWidening, {}}, path), "add+widen");
  EXPECT_EQ(At({SchemaEvolutionMode::kRescue, {}}, path), "rescue");
  EXPECT_EQ(At({SchemaEvolutionMode::kFailOnNewColumns, {}}, path), "fail");
  EXPECT_EQ(At({SchemaEvolutionMode::kNone, {}}, path), "rescue");
}

TEST(EvolutionPolicy, TheClosestRuleCounts) {
  auto rules = *ParseEvolutionRules("payload.*: add, payload.raw: FREEZE, `a.b`: widen, *: rescue, id: freeze, *.id: fail");
  const EvolutionPolicy policy(SchemaEvolutionMode::kFailOnNewColumns, rules);
  EXPECT_EQ(At(policy, {"payload", "x"}), "add");
  EXPECT_EQ(At(policy, {"payload", "x", "y"}), "add");
  EXPECT_EQ(At(policy, {"PAYLOAD", "Raw", "y"}), "rescue");
  EXPECT_EQ(At(policy, {"payload"}), "rescue");  // only what is below it may come
  EXPECT_EQ(At(policy, {"a.b"}), "add+widen");
  EXPECT_EQ(At(policy, {"a", "b"}), "rescue");
  EXPECT_EQ(At(policy, {"user", "id"}), "fail");
  EXPECT_EQ(At(policy, {"payload", "id"}), "add");  // as many parts, as many stars: the first
}

TEST(EvolutionPolicy, ARuleThatAddsLeavesWideningToTheMode) {
  auto rules = *ParseEvolutionRules("a: add, b: rescue, c: freeze");
  const EvolutionPolicy widening(SchemaEvolutionMode::kAddNewColumnsWithTypeWidening, rules);
  EXPECT_EQ(At(widening, {"a"}), "add+widen");
  EXPECT_EQ(At(widening, {"b"}), "widen");
  EXPECT_EQ(At(widening, {"c"}), "rescue");
  EXPECT_TRUE(widening.may_widen());
  EXPECT_FALSE(EvolutionPolicy(SchemaEvolutionMode::kRescue, rules).may_widen());
  EXPECT_TRUE(EvolutionPolicy(SchemaEvolutionMode::kRescue, rules).may_add());
}

TEST(EvolutionPolicy, FrozenColumnsStayUnlessARuleNamesThem) {
  const std::vector<ColumnPath> frozen = {{"a"}, {"b", "c"}};
  const EvolutionPolicy plain = EvolutionPolicy(SchemaEvolutionMode::kAddNewColumns, {}).WithFrozen(frozen);
  EXPECT_EQ(At(plain, {"a"}), "rescue");
  EXPECT_EQ(At(plain, {"b", "c", "d"}), "rescue");
  EXPECT_EQ(At(plain, {"b", "x"}), "add");
  EXPECT_FALSE(plain.is_uniform());
  const EvolutionPolicy lifted = EvolutionPolicy(SchemaEvolutionMode::kRescue, *ParseEvolutionRules("*: add, a: widen")).WithFrozen(frozen);
  EXPECT_EQ(At(lifted, {"a"}), "add+widen");
  EXPECT_EQ(At(lifted, {"b", "c"}), "rescue");
}

TEST(EvolutionPolicy, ToldWhatIsNoRule) {
  auto error = [](const char* text) {
    auto rules = ParseEvolutionRules(text);
    EXPECT_TRUE(rules.status().Is(errors::kInvalidOptionValue)) << text;
    return rules.status().message();
  };
  EXPECT_THAT(error("a: wident"), HasSubstr("did you mean 'widen'?"));
  EXPECT_THAT(error("a"), HasSubstr("'payload.*: add, id: freeze, amount: widen'"));
  EXPECT_THAT(error("a: add, , b: add"), HasSubstr("expected rules"));
  EXPECT_THAT(error("a.: add"), HasSubstr("expected rules"));
  EXPECT_THAT(error("a: add, A: add, a: fail"), HasSubstr("two rules for a"));
}

}  // namespace
}  // namespace millstream
