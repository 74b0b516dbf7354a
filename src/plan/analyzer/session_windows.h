#pragma once

// session_windows.h   Aggregates grouped by session_window(…): each row comes with a session of its own, and sessions of a group that meet are one.

#include <optional>
#include <vector>

#include "plan/expression.h"
#include "plan/logical_plan.h"

namespace millstream {

// What Spark leaves in the metadata of the columns (TimeWindow.marker, SessionWindow.marker).
inline constexpr const char* kTimeWindowMetadata = R"({"spark.timeWindow":true})";
inline constexpr const char* kSessionWindowMetadata = R"({"spark.sessionWindow":true})";

bool IsSessionWindow(const Expr& expr);
// Which of the grouping expressions is the session, if one is.
std::optional<size_t> SessionKeyOf(const std::vector<ExprPtr>& group_by);
// "start" or "end" of a window.
ExprPtr BoundOfWindow(const ExprPtr& window, const char* bound);

// Such aggregates of a table as windows over its rows, in the order of time, and an aggregate by the number of the session (Spark's MergingSessionsExec).
PlanPtr MergeSessions(const PlanPtr& plan);

}  // namespace millstream
