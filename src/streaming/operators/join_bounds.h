#pragma once

// join_bounds.h   Until when a stream-stream join must remember a row, out of its condition and the other side's watermark
// (org.apache.spark.sql.catalyst.analysis.StreamingJoinHelper).

#include <cstdint>
#include <optional>
#include <vector>

#include "streaming/operators/event_time.h"

namespace millstream {

// The event time up to which one side's rows can match nothing any more, as it follows from the query's watermark.
class StateBound {
 public:
  // None: rows are remembered for ever.
  StateBound() = default;
  // The watermark itself: it is on a join key.
  static StateBound OfWatermark();
  // The conjuncts that say something about `side` (`leftTime + c < rightTime` and the like) are solved for it. `other` has the watermark.
  static StateBound OfCondition(const std::vector<ExprPtr>& conjuncts, const std::vector<AttributeRef>& side, const std::vector<AttributeRef>& other,
                                const EventTimes& other_times);

  bool exists() const { return !lines_.empty(); }
  // Milliseconds; only when it exists.
  int64_t At(int64_t watermark_ms) const;

 private:
  // watermark × factor + offset, less a millisecond where the condition includes its border.
  struct Line {
    double factor = 1, offset_us = 0;
    int64_t less_ms = 0;
  };
  std::vector<Line> lines_;
};

// The parts of a condition between ANDs.
std::vector<ExprPtr> ConjunctsOf(const ExprPtr& condition);
// False when the expression has parts whose attributes cannot be listed (subqueries).
bool CollectAttributes(const Expr& expr, std::vector<AttributeRef>* found);

}  // namespace millstream
