// grouping_parser.cc   GROUP BY: expressions, ALL, ROLLUP, CUBE, GROUPING SETS and their combinations.

#include <algorithm>

#include "plan/sql/node_depth.h"

namespace millstream {

// One item of a GROUP BY list. The sets of kRollup and kCube are their parts: ROLLUP (a, (b, c)) has two.
struct SqlParser::GroupingElement {
  Aggregate::Kind kind = Aggregate::Kind::kGroupBy;
  std::vector<std::vector<ExprPtr>> sets;
};

namespace {

using GroupingSets = std::vector<std::vector<ExprPtr>>;

// Beyond this a CUBE computes more groups than anyone reads.
constexpr size_t kMaxCubeParts = 12;
constexpr size_t kMaxSets = 4096;

// The sets that one element stands for: ROLLUP (a, b) is (a, b), (a), ().
GroupingSets Expand(Aggregate::Kind kind, const GroupingSets& parts) {
  if (kind == Aggregate::Kind::kGroupBy || kind == Aggregate::Kind::kGroupingSets) return parts;
  GroupingSets sets;
  bool rollup = kind == Aggregate::Kind::kRollup;
  size_t count = rollup ? parts.size() + 1 : size_t{1} << parts.size();
  for (size_t i = 0; i < count; ++i) {
    std::vector<ExprPtr> set;
    for (size_t part = 0; part < parts.size(); ++part) {
      bool taken = rollup ? part < parts.size() - i : !(i >> (parts.size() - 1 - part) & 1);
      if (taken) set.insert(set.end(), parts[part].begin(), parts[part].end());
    }
    sets.push_back(std::move(set));
  }
  return sets;
}

bool SameColumn(const ExprPtr& a, const ExprPtr& b) {
  const auto *left = a->As<UnresolvedAttribute>(), *right = b->As<UnresolvedAttribute>();
  return a == b || (left && right && left->parts == right->parts);
}

void AddOnce(std::vector<ExprPtr>& list, const ExprPtr& expr) {
  if (std::none_of(list.begin(), list.end(), [&](const ExprPtr& known) { return SameColumn(known, expr); })) list.push_back(expr);
}

}  // namespace

// "((a, b), a, ())".
Result<std::vector<std::vector<ExprPtr>>> SqlParser::ParseGroupingSets() {
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  std::vector<std::vector<ExprPtr>> sets;
  do {
    if (cursor_.AtSymbol("(") && cursor_.AtSymbol(")", 1)) {
      cursor_.Advance();
      cursor_.Advance();
      sets.emplace_back();
      continue;
    }
    // "(a, b)" reads as a row.
    MS_ASSIGN_OR_RETURN(ExprPtr set, ParseExpression());
    const UnresolvedFunction* row = set->As<UnresolvedFunction>();
    sets.push_back(row && row->name == std::vector<std::string>{"struct"} ? row->args : std::vector<ExprPtr>{set});
  } while (cursor_.TakeSymbol(","));
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  return sets;
}

Result<SqlParser::GroupingElement> SqlParser::ParseGroupingElement() {
  GroupingElement element;
  if (cursor_.AtWords("GROUPING", "SETS") && cursor_.AtSymbol("(", 2)) {
    cursor_.Advance();
    cursor_.Advance();
    element.kind = Aggregate::Kind::kGroupingSets;
  } else if ((cursor_.AtWord("ROLLUP") || cursor_.AtWord("CUBE")) && cursor_.AtSymbol("(", 1)) {
    element.kind = cursor_.AtWord("CUBE") ? Aggregate::Kind::kCube : Aggregate::Kind::kRollup;
    cursor_.Advance();
  } else {
    MS_ASSIGN_OR_RETURN(ExprPtr expr, ParseExpression());
    element.sets = {{std::move(expr)}};
    return element;
  }
  MS_ASSIGN_OR_RETURN(element.sets, ParseGroupingSets());
  if (element.kind == Aggregate::Kind::kCube && element.sets.size() > kMaxCubeParts) {
    return Status::Unsupported("CUBE of more than " + std::to_string(kMaxCubeParts) + " columns", "Use GROUPING SETS.");
  }
  return element;
}

Result<PlanPtr> SqlParser::ParseAggregation(std::vector<ExprPtr> select_list, PlanPtr child) {
  std::vector<GroupingElement> elements;
  do {
    MS_ASSIGN_OR_RETURN(GroupingElement element, ParseGroupingElement());
    elements.push_back(std::move(element));
  } while (cursor_.TakeSymbol(","));

  Aggregate aggregate{.aggregates = std::move(select_list), .child = std::move(child)};
  bool plain = std::all_of(elements.begin(), elements.end(), [](const auto& element) { return element.kind == Aggregate::Kind::kGroupBy; });
  if (plain) {
    for (const GroupingElement& element : elements) aggregate.group_by.push_back(element.sets[0][0]);
    if (cursor_.TakeWords("WITH", "ROLLUP")) {
      aggregate.kind = Aggregate::Kind::kRollup;
    } else if (cursor_.TakeWords("WITH", "CUBE")) {
      if (aggregate.group_by.size() > kMaxCubeParts) return Status::Unsupported("CUBE of more than 12 columns", "Use GROUPING SETS.");
      aggregate.kind = Aggregate::Kind::kCube;
    } else if (cursor_.TakeWords("GROUPING", "SETS")) {
      aggregate.kind = Aggregate::Kind::kGroupingSets;
      MS_ASSIGN_OR_RETURN(aggregate.grouping_sets, ParseGroupingSets());
    }
    return Plan(std::move(aggregate));
  }

  const GroupingElement& only = elements[0];
  bool simple = elements.size() == 1 && std::all_of(only.sets.begin(), only.sets.end(), [](const auto& set) { return set.size() == 1; });
  if (simple && only.kind != Aggregate::Kind::kGroupingSets) {
    aggregate.kind = only.kind;
    for (const auto& set : only.sets) aggregate.group_by.push_back(set[0]);
    return Plan(std::move(aggregate));
  }

  // GROUP BY a, ROLLUP (b): every combination of one set of each element.
  GroupingSets combined = {{}};
  for (const GroupingElement& element : elements) {
    GroupingSets sets = Expand(element.kind, element.sets), next;
    if (combined.size() * sets.size() > kMaxSets) return Status::Unsupported("GROUP BY with more than 4096 grouping sets");
    for (const auto& left : combined) {
      for (const auto& right : sets) {
        std::vector<ExprPtr> set = left;
        for (const ExprPtr& expr : right) AddOnce(set, expr);
        next.push_back(std::move(set));
      }
    }
    combined = std::move(next);
    for (const auto& set : element.sets) {
      for (const ExprPtr& expr : set) AddOnce(aggregate.group_by, expr);
    }
  }
  aggregate.kind = Aggregate::Kind::kGroupingSets;
  aggregate.grouping_sets = std::move(combined);
  return Plan(std::move(aggregate));
}

}  // namespace millstream
