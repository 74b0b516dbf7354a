#pragma once

// analyzer.h   Names and types: from the plan as written to the plan that computes, with Spark's errors.

#include <cstdint>
#include <string>

#include "plan/catalog.h"
#include "plan/logical_plan.h"

namespace millstream {

// The settings that change what a query means.
struct AnalyzerConf {
  bool ansi = true;               // spark.sql.ansi.enabled
  bool case_sensitive = false;    // spark.sql.caseSensitive
  std::string time_zone = "UTC";  // spark.sql.session.timeZone
  int64_t now_us = 0;             // current_timestamp(), fixed for the whole query (a batch's batchTimestampMs in streams)
  std::string current_database = "default";
  std::string current_user;
};

// The typed plan. Errors: UNRESOLVED_COLUMN.WITH_SUGGESTION, AMBIGUOUS_REFERENCE, TABLE_OR_VIEW_NOT_FOUND, UNRESOLVED_ROUTINE,
// DATATYPE_MISMATCH.*, MISSING_AGGREGATION, WRONG_NUM_ARGS … all AnalysisException with Spark's SQLSTATE.
Result<PlanPtr> Analyze(const PlanPtr& plan, Catalog& catalog, const AnalyzerConf& conf);

// Smaller and cheaper, same answer: filters and column lists pushed towards the scans. Takes and returns an analyzed plan.
PlanPtr Optimize(const PlanPtr& plan);

// explain(): a tree in text, one node a line.
std::string TreeString(const PlanNode& plan);

}  // namespace millstream
