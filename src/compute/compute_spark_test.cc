// Our answers against those that Apache Spark 4.2 gave (tests/spark/record_compute.py).

#include <arrow/array.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "compute/compiled_plan.h"
#include "plan/analyzer.h"
#include "plan/sql/parser.h"

namespace millstream {
namespace {

class NoCatalog : public Catalog {
 public:
  Result<PlanPtr> FindView(const std::vector<std::string>&) override { return PlanPtr(); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation&) override { return Status::Unsupported("tables"); }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource&) override { return Status::Unsupported("sources"); }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return name; }
};

using Rows = std::vector<std::vector<std::string>>;

// Each column as Spark's CAST(… AS STRING).
PlanPtr AsStrings(const PlanPtr& plan, EvalMode mode) {
  Project project{{}, plan};
  int64_t id = 1'000'000;
  for (const AttributeRef& attribute : OutputOf(*plan)) {
    ExprPtr text = MakeExpr(attribute);
    if (attribute.type.id() != TypeId::kString) text = MakeExpr(Cast{text, DataType::String(), mode});
    project.expressions.push_back(MakeExpr(Alias{text, {"o"}, std::nullopt, ExprId(id++)}));
  }
  return MakePlan(std::move(project));
}

Result<Rows> Answer(ComputeEngine& engine, const std::string& sql, bool ansi, const std::string& zone) {
  MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
  const auto* query = std::get_if<PlanPtr>(&statement);
  if (!query) return Status::Internal("no query");
  NoCatalog catalog;
  AnalyzerConf conf;
  conf.ansi = ansi;
  conf.time_zone = zone;
  conf.now_us = 1700000000000000;
  MS_ASSIGN_OR_RETURN(PlanPtr plan, Analyze(*query, catalog, conf));
  ComputeConf compute;
  compute.time_zone = zone;
  MS_ASSIGN_OR_RETURN(auto compiled, CompiledPlan::Compile(AsStrings(plan, ansi ? EvalMode::kAnsi : EvalMode::kLegacy), engine, compute));
  MS_ASSIGN_OR_RETURN(RowStreamPtr stream, compiled->Run({}));
  MS_ASSIGN_OR_RETURN(auto batches, Drain(*stream));
  Rows rows;
  for (const RecordBatchPtr& batch : batches) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::vector<std::string> cells;
      for (int column = 0; column < batch->num_columns(); ++column) {
        const auto& texts = static_cast<const arrow::StringArray&>(*batch->column(column));
        cells.push_back(texts.IsNull(row) ? "<null>" : texts.GetString(row));
      }
      rows.push_back(std::move(cells));
    }
  }
  return rows;
}

std::string Show(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (const std::string& cell : row) text += cell + " | ";
    text += "\n";
  }
  return text;
}

// Where we know that we answer otherwise than Spark, and why. A line leaves this list when its reason is gone.
struct Difference {
  const char* query;  // how it begins
  const char* why;
};
constexpr Difference kKnownDifferences[] = {
    {"SELECT date_add(DATE'2024-02-28', 2)", "an interval's type has no fields of its own: INTERVAL '2' DAY shows as DAY TO SECOND"},
    {"SELECT INTERVAL '1 02:03:04.5' DAY TO SECOND", "the same"},
    {"SELECT DATE'2024-01-01' + INTERVAL 2 DAYS", "the same"},
    {"SELECT INTERVAL '1' DAY + INTERVAL '2' HOUR", "the same, and no minus and abs of intervals"},
    {"SELECT sum(a), avg(a), max(a) FROM VALUES (INTERVAL '1' DAY)", "the same"},
    {"SELECT sinh(0.5D), cosh(0D)", "the last digit of asinh(1)"},
    {"SELECT corr(x, y), covar_pop(x, y)", "the last digit of corr"},
    {"SELECT CAST('2024-01-01 1:2:3' AS TIMESTAMP)", "a timestamp of a day and an hour without minutes is refused"},
    {"SELECT 1 = '1', '1.0' = 1", "another error class for 1 = true"},
    {"SELECT make_date(2024, 7, 22), make_timestamp", "another error class for an hour with a fraction"},
    {"SELECT array_contains(NULL, 1)", "another error class for an array that is NULL"},
    {"SELECT sequence(DATE'2024-01-01'", "a sequence of dates is refused"},
    {"SELECT sum(CAST(a AS TINYINT))", "product is a function of SQL too"},
    {"SELECT k, sum(v) AS s FROM VALUES", "an aggregate in ORDER BY after HAVING is computed"},
    {"SELECT CAST(array('1', '2') AS ARRAY<INT>)", "a cast of strings within a nested type is let through without ANSI"},
};

TEST(ComputeSpark, AnswersAsSparkDoes) {
  const char* source = std::getenv("MILLSTREAM_SOURCE");
  ASSERT_NE(source, nullptr) << "MILLSTREAM_SOURCE is the repository";
  std::ifstream file(std::string(source) + "/tests/spark/data/compute.json");
  const auto recorded = nlohmann::json::parse(file);
  const char* only = std::getenv("MILLSTREAM_ONLY");
  ComputeEngine engine{ComputeConf{}};
  int wrong = 0, all = 0, refused = 0, known = 0;
  for (const auto& item : recorded["cases"]) {
    const std::string sql = item["sql"];
    if (only && sql.find(only) == std::string::npos) continue;
    ++all;
    auto answer = Answer(engine, sql, item["ansi"], item["zone"]);
    // What is refused by its name is no wrong answer.
    if (!answer.ok() && answer.status().error_class().name == std::string_view("MILLSTREAM_UNSUPPORTED")) {
      ++refused;
      continue;
    }
    if (std::any_of(std::begin(kKnownDifferences), std::end(kKnownDifferences), [&](const Difference& known) { return sql.starts_with(known.query); })) {
      ++known;
      continue;
    }
    const std::string where = sql + (item["ansi"] ? "" : "  [ansi=false]") + "  [" + item["zone"].get<std::string>() + "]";
    if (item.contains("error")) {
      const std::string expected = item["error"].is_null() ? "" : item["error"].get<std::string>();
      const std::string ours = answer.ok() ? Show(*answer) : std::string(answer.status().error_class().name);
      // "?": it failed, and Py4J did not pass its class on.
      if (ours == expected || (expected == "?" && !answer.ok())) continue;
      ++wrong;
      ADD_FAILURE() << where << "\n  Spark: " << expected << "\n  ours:  " << (answer.ok() ? ours : answer.status().message());
      continue;
    }
    Rows expected;
    for (const auto& row : item["rows"]) {
      std::vector<std::string> cells;
      for (const auto& cell : row) cells.push_back(cell.is_null() ? "<null>" : cell.get<std::string>());
      expected.push_back(std::move(cells));
    }
    if (!answer.ok()) {
      ++wrong;
      ADD_FAILURE() << where << "\n  Spark:\n" << Show(expected) << "  ours: " << answer.status().message();
      continue;
    }
    Rows ours = *answer;
    if (sql.find("ORDER BY") == std::string::npos || sql.find("OVER") != std::string::npos) {
      std::sort(ours.begin(), ours.end());
      std::sort(expected.begin(), expected.end());
    }
    if (ours == expected) continue;
    ++wrong;
    ADD_FAILURE() << where << "\n  Spark:\n" << Show(expected) << "  ours:\n" << Show(ours);
  }
  std::cout << all - wrong - refused - known << " of " << all << " as Spark, " << refused << " refused as unsupported, " << known << " known to differ\n";
  EXPECT_LE(refused, 25);
}

}  // namespace
}  // namespace millstream
