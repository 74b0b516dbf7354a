#pragma once

// millstream.h   The engine inside your own program: Spark's words, in C++.
//
//   using namespace millstream::sql;
//   SparkSession spark = SparkSession::builder().warehouse("lake").getOrCreate();
//   StreamingQuery query = spark.readStream().format("cloudFiles").option("cloudFiles.format", "json")
//                              .option("cloudFiles.schemaLocation", "lake/_schema").load("landing")
//                              .writeStream().option("checkpointLocation", "lake/_checkpoint")
//                              .trigger(Trigger::AvailableNow()).toTable("bronze");
//   query.awaitTermination();
//   spark.table("bronze").groupBy({"event"}).count().orderBy({"event"}).show();
//
// Everything that fails throws SparkException. Expressions are Spark SQL text ("amount * 2 AS twice"). All classes are cheap to copy and
// share what they stand for; a session may be used by several threads at a time.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace arrow {
class RecordBatch;
}
namespace millstream {
struct PlanNode;
class StreamingQuery;
}  // namespace millstream

namespace millstream::sql {

// Spark's error: what() is "[CLASS] text SQLSTATE: nnnnn".
class SparkException : public std::runtime_error {
 public:
  SparkException(std::string error_class, std::string sql_state, const std::string& message)
      : std::runtime_error(message), error_class_(std::move(error_class)), sql_state_(std::move(sql_state)) {}
  // "TABLE_OR_VIEW_NOT_FOUND"; empty where Spark has none.
  const std::string& getErrorClass() const { return error_class_; }
  const std::string& getSqlState() const { return sql_state_; }

 private:
  std::string error_class_, sql_state_;
};

// When a stream looks for new data (pyspark: trigger(processingTime=…, availableNow=True, once=True)).
class Trigger {
 public:
  static Trigger ProcessingTime(int64_t interval_ms) { return Trigger(Kind::kProcessingTime, interval_ms); }
  // Everything that is there at the start, in as many batches as the source's limits ask for, then the query ends.
  static Trigger AvailableNow() { return Trigger(Kind::kAvailableNow, 0); }
  // The same in one batch.
  static Trigger Once() { return Trigger(Kind::kOnce, 0); }

 private:
  friend class DataStreamWriter;
  enum class Kind { kProcessingTime, kOnce, kAvailableNow };
  Trigger(Kind kind, int64_t interval_ms) : kind_(kind), interval_ms_(interval_ms) {}
  Kind kind_;
  int64_t interval_ms_;
};

// A stream that has been started. Goes on when the last copy is gone; ends with its session's program.
class StreamingQuery {
 public:
  explicit StreamingQuery(std::shared_ptr<millstream::StreamingQuery> query) : query_(std::move(query)) {}
  std::string id() const;     // survives restarts from the checkpoint
  std::string runId() const;  // of this start
  std::string name() const;
  bool isActive() const;
  // Spark's progress JSON; nullopt before the first batch.
  std::optional<std::string> lastProgress() const;
  std::vector<std::string> recentProgress() const;
  // Returns when the query has ended; throws its error.
  void awaitTermination() const;
  // False: still running after `timeout_ms`.
  bool awaitTermination(int64_t timeout_ms) const;
  // Returns when all that was there at the call is committed.
  void processAllAvailable() const;
  void stop() const;

 private:
  std::shared_ptr<millstream::StreamingQuery> query_;
};

struct SessionState;
class DataFrame;
using Options = std::map<std::string, std::string>;

// spark.read() and spark.readStream()
class DataFrameReader {
 public:
  DataFrameReader(std::shared_ptr<SessionState> session, bool is_stream) : session_(std::move(session)), is_stream_(is_stream) {}
  DataFrameReader& format(std::string source);
  DataFrameReader& option(std::string key, std::string value);
  DataFrameReader& options(const Options& options);
  // DDL: "id BIGINT, event STRING". INVALID text throws when the frame is used.
  DataFrameReader& schema(std::string ddl);
  DataFrame load(const std::string& path = "") const;
  DataFrame table(const std::string& name) const;

 private:
  std::shared_ptr<SessionState> session_;
  bool is_stream_;
  std::string format_, schema_;
  Options options_;
};

// df.write()
class DataFrameWriter {
 public:
  DataFrameWriter(std::shared_ptr<SessionState> session, std::shared_ptr<const PlanNode> plan) : session_(std::move(session)), plan_(std::move(plan)) {}
  DataFrameWriter& format(std::string source);
  DataFrameWriter& option(std::string key, std::string value);
  // append, overwrite, ignore, error (the default)
  DataFrameWriter& mode(const std::string& save_mode);
  DataFrameWriter& partitionBy(std::vector<std::string> columns);
  void save(const std::string& path) const;
  void saveAsTable(const std::string& name) const;
  // By position; the table must exist.
  void insertInto(const std::string& name) const;

 private:
  void Write(const std::string& path, const std::string& table, bool insert_into) const;
  std::shared_ptr<SessionState> session_;
  std::shared_ptr<const PlanNode> plan_;
  std::string format_, mode_ = "error";
  Options options_;
  std::vector<std::string> partition_by_;
};

// df.writeStream()
class DataStreamWriter {
 public:
  DataStreamWriter(std::shared_ptr<SessionState> session, std::shared_ptr<const PlanNode> plan) : session_(std::move(session)), plan_(std::move(plan)) {}
  DataStreamWriter& format(std::string sink);
  DataStreamWriter& option(std::string key, std::string value);
  DataStreamWriter& queryName(std::string name);
  // append (the default), update, complete
  DataStreamWriter& outputMode(const std::string& mode);
  DataStreamWriter& partitionBy(std::vector<std::string> columns);
  DataStreamWriter& trigger(const Trigger& trigger);
  StreamingQuery toTable(const std::string& name) const;
  StreamingQuery start(const std::string& path = "") const;

 private:
  StreamingQuery Start(const std::string& path, const std::string& table) const;
  std::shared_ptr<SessionState> session_;
  std::shared_ptr<const PlanNode> plan_;
  std::string format_, name_, mode_ = "append";
  Options options_;
  std::vector<std::string> partition_by_;
  std::optional<Trigger> trigger_;
};

// df.groupBy(…)
class GroupedData {
 public:
  GroupedData(std::shared_ptr<SessionState> session, std::shared_ptr<const PlanNode> plan, std::vector<std::string> keys)
      : session_(std::move(session)), plan_(std::move(plan)), keys_(std::move(keys)) {}
  // agg({"count(*) AS n", "max(amount)"}): the keys, then these.
  DataFrame agg(const std::vector<std::string>& aggregates) const;
  DataFrame count() const;

 private:
  std::shared_ptr<SessionState> session_;
  std::shared_ptr<const PlanNode> plan_;
  std::vector<std::string> keys_;
};

// A query that has not run yet. Immutable.
class DataFrame {
 public:
  DataFrame(std::shared_ptr<SessionState> session, std::shared_ptr<const PlanNode> plan) : session_(std::move(session)), plan_(std::move(plan)) {}

  DataFrame select(const std::vector<std::string>& expressions) const;
  DataFrame withColumn(const std::string& name, const std::string& expression) const;
  DataFrame drop(const std::vector<std::string>& columns) const;
  DataFrame where(const std::string& condition) const;
  GroupedData groupBy(std::vector<std::string> keys) const { return GroupedData(session_, plan_, std::move(keys)); }
  // "amount DESC NULLS LAST"
  DataFrame orderBy(const std::vector<std::string>& order) const;
  DataFrame limit(int64_t rows) const;
  DataFrame distinct() const;
  // UNION ALL, by position
  DataFrame unionAll(const DataFrame& other) const;
  // how: inner, left, right, full, left_semi, left_anti
  DataFrame join(const DataFrame& other, const std::vector<std::string>& using_columns, const std::string& how = "inner") const;

  bool isStreaming() const;
  // "id BIGINT,event STRING"
  std::string schema() const;
  // All rows, as Arrow record batches; timestamps are labelled UTC.
  std::vector<std::shared_ptr<arrow::RecordBatch>> collect() const;
  int64_t count() const;
  // Prints what Spark's show() prints.
  void show(int rows = 20, int truncate = 20) const;
  std::string showString(int rows = 20, int truncate = 20) const;
  void createOrReplaceTempView(const std::string& name) const;

  DataFrameWriter write() const { return DataFrameWriter(session_, plan_); }
  DataStreamWriter writeStream() const { return DataStreamWriter(session_, plan_); }

 private:
  std::shared_ptr<SessionState> session_;
  std::shared_ptr<const PlanNode> plan_;
};

class SparkSession {
 public:
  class Builder {
   public:
    // Where tables live; created when missing. Default: spark-warehouse in the working directory.
    Builder& warehouse(std::string directory);
    Builder& config(std::string key, std::string value);
    // Default 2.
    Builder& threads(int threads);
    // For tests of streams: see testing.h.
    Builder& testing();
    SparkSession getOrCreate() const;

   private:
    std::string warehouse_ = "spark-warehouse";
    Options config_;
    int threads_ = 2;
    bool testing_ = false;
  };
  static Builder builder() { return Builder(); }

  DataFrameReader read() const { return DataFrameReader(session_, false); }
  DataFrameReader readStream() const { return DataFrameReader(session_, true); }
  DataFrame table(const std::string& name) const { return read().table(name); }
  // A query, or a statement, which runs at once.
  DataFrame sql(const std::string& text) const;
  void setConf(const std::string& key, const std::string& value) const;
  std::optional<std::string> getConf(const std::string& key) const;
  // Ends all streams of this session; the session cannot be used after it.
  void stop() const;

 private:
  explicit SparkSession(std::shared_ptr<SessionState> session) : session_(std::move(session)) {}
  std::shared_ptr<SessionState> session_;
};

}  // namespace millstream::sql
