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

TEST(ComputeSpark, AnswersAsSparkDoes) {
  const char* source = std::getenv("MILLSTREAM_SOURCE");
  ASSERT_NE(source, nullptr) << "MILLSTREAM_SOURCE is the repository";
  std::ifstream file(std::string(source) + "/tests/spark/data/compute.json");
  const auto recorded = nlohmann::json::parse(file);
  const char* only = std::getenv("MILLSTREAM_ONLY");
  ComputeEngine engine{ComputeConf{}};
  int wrong = 0, all = 0;
  for (const auto& item : recorded["cases"]) {
    const std::string sql = item["sql"];
    if (only && sql.find(only) == std::string::npos) continue;
    ++all;
    auto answer = Answer(engine, sql, item["ansi"], item["zone"]);
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
  std::cout << all - wrong << " of " << all << " as Spark\n";
}

}  // namespace
}  // namespace millstream
