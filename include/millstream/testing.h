#pragma once

// testing.h   Tests of streams in a few lines: see docs/testing.md. For sessions made with SparkSession::builder().testing().
//
// Everything throws: SparkException what the engine says, TestFailure what a check has found.

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "millstream/millstream.h"

namespace millstream::sql::testing {

class TestFailure : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The engine's clock stands at this moment until it is advanced: triggers, current_timestamp() and timeouts go by it.
void HoldClock(const SparkSession& spark, int64_t wall_ms);
// Returns when the session's queries have done what is due by then.
void AdvanceClock(const SparkSession& spark, int64_t ms);
void ReleaseClock(const SparkSession& spark);

// A stream that the test fills.
class MemoryStream {
 public:
  // `schema`: DDL, "word STRING, n INT".
  MemoryStream(SparkSession spark, std::string schema);
  DataFrame df() const;
  // Rows as after VALUES: "('a', 1), ('b', 2)". What is added in one call is in one batch.
  void add(const std::string& values) const;

 private:
  SparkSession spark_;
  std::string schema_, name_;
};

// A query over memory streams into a table in memory, and what came out of it. Rows are compared as Spark's text of a struct: "{a, 2}", "{null}".
class StreamTest {
 public:
  StreamTest(SparkSession spark, DataFrame frame, std::string output_mode = "append", std::optional<Trigger> trigger = std::nullopt);
  ~StreamTest();
  StreamTest(const StreamTest&) = delete;
  StreamTest& operator=(const StreamTest&) = delete;

  // From the checkpoint.
  void restart();
  void stop();
  // The query ends at failpoint `at` in the batch that `during` brings about, and nothing behind it is done. One test of the process at a time.
  void crash(const std::function<void()>& during, const std::string& at = "stream.after_sink");
  // All rows that have come out, in any order; in complete mode the last answer.
  void checkAnswer(std::vector<std::string> wanted);
  // The rows that have come out since the last check.
  void checkNew(std::vector<std::string> wanted);
  const StreamingQuery& query() const { return *query_; }

 private:
  std::vector<std::string> Rows() const;
  SparkSession spark_;
  DataFrame frame_;
  std::string output_mode_, name_, checkpoint_;
  std::optional<Trigger> trigger_;
  std::optional<StreamingQuery> query_;
  std::vector<std::string> seen_;
};

}  // namespace millstream::sql::testing
