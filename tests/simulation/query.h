#pragma once

// query.h   The queries that are simulated, and one run of one of them: the engine's own checkpoint, plan, operators and state, between a simulated source and
// a simulated disk.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/compiled_plan.h"
#include "plan/command.h"
#include "planted_bug.h"
#include "streaming/micro_batch_execution.h"
#include "world.h"

namespace millstream::simulation {

enum class Shape {
  kCopy,
  kDeduplicate,
  kCopyToDelta,
  kDeduplicateToDelta,
  kWithinWatermark,
  kCountAppend,
  kCountUpdate,
  kSessions,
  kInnerJoin,
  kLeftJoin,
  kFullJoin,
  kSemiJoin,
  kCountOfCounts,
  kCountOfJoin,
};

struct ShapeFacts {
  std::string_view name;
  int permille;  // of the histories
  size_t sources = 1;
  bool is_stateful = false;
  bool writes_delta = false;
  // With a watermark. What it should have written cannot be said in a line: a run without faults over the same batches says it (reference.h).
  const char* sql = nullptr;
  OutputMode mode = OutputMode::kAppend;
  bool has_reference() const { return sql != nullptr; }
};
inline constexpr ShapeFacts kShapes[] = {
    {.name = "copy", .permille = 393},
    {.name = "deduplicate", .permille = 400, .is_stateful = true},
    {.name = "copy-to-delta", .permille = 8, .writes_delta = true},
    {.name = "deduplicate-to-delta", .permille = 12, .is_stateful = true, .writes_delta = true},
    {.name = "within-watermark", .permille = 160, .is_stateful = true, .sql = "SELECT value, at FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS"},
    {.name = "count-append",
     .permille = 3,
     .is_stateful = true,
     .sql = "SELECT window.start, value % 3 AS k, count(*) AS n, max(value) AS last FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS "
            "GROUP BY window(at, '20 seconds', '10 seconds'), k"},
    {.name = "count-update",
     .permille = 3,
     .is_stateful = true,
     .sql = "SELECT window.start, value % 3 AS k, count(*) AS n, sum(value) AS total FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS "
            "GROUP BY window(at, '20 seconds'), k",
     .mode = OutputMode::kUpdate},
    {.name = "sessions",
     .permille = 3,
     .is_stateful = true,
     .sql = "SELECT session_window.start, session_window.end, value % 3 AS k, count(*) AS n FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS "
            "GROUP BY session_window(at, '15 seconds'), k"},
    {.name = "inner-join",
     .permille = 3,
     .sources = 2,
     .is_stateful = true,
     .sql = "SELECT l.value, l.at, r.value AS other, r.at AS then FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS AS l INNER JOIN "
            "right WATERMARK at DELAY OF INTERVAL 10 SECONDS AS r ON l.value = r.value AND r.at BETWEEN l.at AND l.at + INTERVAL 20 SECONDS"},
    {.name = "left-join",
     .permille = 3,
     .sources = 2,
     .is_stateful = true,
     .sql = "SELECT l.value, l.at, r.value AS other, r.at AS then FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS AS l LEFT OUTER JOIN "
            "right WATERMARK at DELAY OF INTERVAL 10 SECONDS AS r ON l.value = r.value AND r.at BETWEEN l.at AND l.at + INTERVAL 20 SECONDS"},
    {.name = "full-join",
     .permille = 3,
     .sources = 2,
     .is_stateful = true,
     .sql = "SELECT l.value, l.at, r.value AS other, r.at AS then FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS AS l FULL OUTER JOIN "
            "right WATERMARK at DELAY OF INTERVAL 10 SECONDS AS r ON l.value = r.value AND r.at BETWEEN l.at AND l.at + INTERVAL 20 SECONDS"},
    {.name = "semi-join",
     .permille = 3,
     .sources = 2,
     .is_stateful = true,
     .sql = "SELECT l.value, l.at FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS AS l LEFT SEMI JOIN "
            "right WATERMARK at DELAY OF INTERVAL 10 SECONDS AS r ON l.value = r.value AND r.at BETWEEN l.at AND l.at + INTERVAL 20 SECONDS"},
    {.name = "count-of-counts",
     .permille = 3,
     .is_stateful = true,
     .sql = "SELECT window.start, count(*) AS n, sum(c) AS rows FROM (SELECT window_time(window) AS at, c FROM (SELECT window, value % 3 AS k, count(*) AS c "
            "FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS GROUP BY window(at, '10 seconds'), k)) GROUP BY window(at, '20 seconds')"},
    {.name = "count-of-join",
     .permille = 3,
     .sources = 2,
     .is_stateful = true,
     .sql = "SELECT window.start, count(*) AS n, sum(other) AS total FROM (SELECT l.value, l.at, r.value AS other "
            "FROM left WATERMARK at DELAY OF INTERVAL 10 SECONDS AS l LEFT OUTER JOIN right WATERMARK at DELAY OF INTERVAL 10 SECONDS AS r "
            "ON l.value = r.value AND r.at BETWEEN l.at AND l.at + INTERVAL 20 SECONDS) GROUP BY window(at, '20 seconds')"},
};
inline const ShapeFacts& FactsOf(Shape shape) { return kShapes[static_cast<size_t>(shape)]; }

struct QuerySpec {
  Shape shape = Shape::kCopy;
  std::string directory;  // checkpoint/ and sink/ are below
  StreamConf conf;
  PlantedBug bug = PlantedBug::kNone;
  std::string checkpoint() const { return JoinPath(directory, "checkpoint"); }
  std::string sink() const { return JoinPath(directory, "sink"); }
};

class Query {
 public:
  // `numbers`: one a source. All outlive the query.
  static Result<std::unique_ptr<Query>> Start(Fs& fs, Clock& clock, ComputeEngine& engine, const QuerySpec& spec, std::vector<Numbers>& numbers,
                                              std::shared_ptr<CancelToken> cancel);
  virtual ~Query() = default;
  // True: a batch was run.
  virtual Result<bool> RunTrigger() = 0;
};

}  // namespace millstream::simulation
