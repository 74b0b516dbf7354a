#include "session/session.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "plan/sql/parser.h"
#include "session/session_errors.h"
#include "storage/fs.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

using testing::HasSubstr;

// One engine over a fresh directory; statements as a user types them.
class SessionTest : public testing::Test {
 protected:
  SessionTest() : root_(JoinPath(testing::TempDir(), "session_" + NewUuid())) {
    EXPECT_TRUE(Fs::Local().CreateDirectories(root_).ok());
    Reopen();
  }
  ~SessionTest() override {
    session_.reset();
    engine_.reset();
    (void)Fs::Local().RemoveRecursively(root_).ok();
  }
  void Reopen() {
    session_.reset();
    engine_.reset();
    auto engine = Engine::Open({.warehouse = root_ + "/warehouse"});
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    engine_ = std::move(*engine);
    session_ = engine_->NewSession("ann");
  }
  Result<std::string> Run(const std::string& sql) {
    MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
    auto* command = std::get_if<Command>(&statement);
    MS_ASSIGN_OR_RETURN(QueryResult result, command ? session_->ExecuteCommand(*command) : session_->Execute(std::get<PlanPtr>(statement)));
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> rows, Drain(*result.rows));
    return ShowString(result.schema, rows, 100, 0, false, "UTC");
  }
  // The table that the statement prints.
  std::string Ok(const std::string& sql) {
    Result<std::string> text = Run(sql);
    EXPECT_TRUE(text.ok()) << sql << "\n" << text.status().message();
    return text.ok() ? *text : "";
  }
  std::string Error(const std::string& sql) {
    Result<std::string> text = Run(sql);
    EXPECT_FALSE(text.ok()) << sql;
    return text.ok() ? "" : text.status().message();
  }
  void WriteFile(const std::string& name, const std::string& text) {
    ASSERT_TRUE(Fs::Local().CreateDirectories(std::string(ParentPath(root_ + "/" + name))).ok());
    ASSERT_TRUE(Fs::Local().Replace(root_ + "/" + name, text).ok());
  }
  StartStream CloudFilesToTable(const std::string& table) {
    StartStream start;
    start.query = MakePlan(UnresolvedDataSource{.format = "cloudFiles",
                                                .schema = {},
                                                .options = {{"cloudFiles.format", "json"}, {"cloudFiles.schemaLocation", root_ + "/schema"}},
                                                .paths = {root_ + "/in"},
                                                .is_streaming = true});
    start.table = MultipartName{table};
    start.options = {{"checkpointLocation", root_ + "/checkpoint"}, {"mergeSchema", "true"}};
    start.trigger = {Trigger::Kind::kAvailableNow};
    return start;
  }
  void RunStream(const StartStream& start) {
    auto query = session_->StartStreamingQuery(start);
    ASSERT_TRUE(query.ok()) << query.status().message();
    auto ended = (*query)->AwaitTermination(30000);
    ASSERT_TRUE(ended.ok()) << ended.status().message();
    last_progress_ = (*query)->last_progress();
  }

  std::string root_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<Session> session_;
  std::optional<std::string> last_progress_;
};

TEST_F(SessionTest, LoadsNewFilesIntoADeltaTableExactlyOnce) {
  WriteFile("in/1.json", "{\"event\":\"a\",\"amount\":5}\n{\"event\":\"b\",\"amount\":50}\n");
  WriteFile("in/2.json", "{\"event\":\"a\",\"amount\":15}\n");
  RunStream(CloudFilesToTable("bronze"));
  EXPECT_EQ(Ok("SELECT count(*) AS n FROM bronze WHERE amount > 10"), "+---+\n|n  |\n+---+\n|2  |\n+---+\n");
  EXPECT_EQ(nlohmann::json::parse(*last_progress_)["numInputRows"], 3);

  WriteFile("in/3.json", "{\"event\":\"c\",\"amount\":100}\n");
  RunStream(CloudFilesToTable("bronze"));
  EXPECT_EQ(nlohmann::json::parse(*last_progress_)["numInputRows"], 1);
  EXPECT_EQ(Ok("SELECT event, count(*) AS n FROM bronze GROUP BY event ORDER BY event"),
            "+-----+---+\n|event|n  |\n+-----+---+\n|a    |2  |\n|b    |1  |\n|c    |1  |\n+-----+---+\n");

  // A restart of the server loses nothing.
  Reopen();
  EXPECT_EQ(Ok("SELECT count(*) AS n FROM bronze"), "+---+\n|n  |\n+---+\n|4  |\n+---+\n");
  RunStream(CloudFilesToTable("bronze"));
  EXPECT_EQ(Ok("SELECT count(*) AS n FROM bronze"), "+---+\n|n  |\n+---+\n|4  |\n+---+\n");
}

TEST_F(SessionTest, TablesAreCreatedDescribedFilledAndDropped) {
  Ok("CREATE TABLE t1 (id BIGINT NOT NULL COMMENT 'the key', name STRING, d DATE) USING delta PARTITIONED BY (d) COMMENT 'tbl'");
  EXPECT_EQ(Ok("DESCRIBE t1"),
            "+-----------------------+---------+-------+\n"
            "|col_name               |data_type|comment|\n"
            "+-----------------------+---------+-------+\n"
            "|id                     |bigint   |the key|\n"
            "|name                   |string   |NULL   |\n"
            "|d                      |date     |NULL   |\n"
            "|# Partition Information|         |       |\n"
            "|# col_name             |data_type|comment|\n"
            "|d                      |date     |NULL   |\n"
            "+-----------------------+---------+-------+\n");
  EXPECT_EQ(Ok("SHOW TABLES"),
            "+---------+---------+-----------+\n|namespace|tableName|isTemporary|\n+---------+---------+-----------+\n|default  |t1       |false      "
            "|\n+---------+---------+-----------+\n");
  Ok("INSERT INTO t1 VALUES (1, 'a', DATE'2026-01-01')");
  Ok("INSERT INTO t1 (name, id) VALUES ('b', 2)");
  EXPECT_EQ(Ok("SELECT id, name, d FROM t1 ORDER BY id"),
            "+---+----+----------+\n|id |name|d         |\n+---+----+----------+\n|1  |a   |2026-01-01|\n|2  |b   |NULL      |\n+---+----+----------+\n");
  EXPECT_THAT(Error("CREATE TABLE t1 (id INT)"), HasSubstr("[TABLE_OR_VIEW_ALREADY_EXISTS] Cannot create table or view `default`.`t1`"));
  Reopen();
  EXPECT_THAT(Ok("SELECT count(*) AS n FROM T1"), HasSubstr("|2  |"));
  Ok("DROP TABLE t1");
  EXPECT_THAT(Error("SELECT * FROM t1"), HasSubstr("[TABLE_OR_VIEW_NOT_FOUND] The table or view `t1` cannot be found."));
  EXPECT_THAT(Error("DROP TABLE t1"), HasSubstr("`spark_catalog`.`default`.`t1`"));
  Ok("DROP TABLE IF EXISTS t1");
}

TEST_F(SessionTest, DatabasesHoldTables) {
  Ok("CREATE DATABASE db1 COMMENT 'hello'");
  EXPECT_THAT(Error("CREATE DATABASE db1"), HasSubstr("[SCHEMA_ALREADY_EXISTS]"));
  Ok("CREATE TABLE db1.t2 AS SELECT 1 AS a, 'x' AS b");
  Ok("USE db1");
  EXPECT_THAT(Ok("SELECT a, b FROM t2"), HasSubstr("|1  |x  |"));
  EXPECT_THAT(Ok("SHOW DATABASES"), HasSubstr("|db1      |\n|default  |"));
  EXPECT_THAT(Error("DROP DATABASE db1"), HasSubstr("[SCHEMA_NOT_EMPTY] Cannot drop a schema `db1`"));
  EXPECT_THAT(Error("DROP DATABASE default"), HasSubstr("[UNSUPPORTED_FEATURE.DROP_DATABASE]"));
  EXPECT_THAT(Error("USE nope"), HasSubstr("[SCHEMA_NOT_FOUND] The schema `spark_catalog`.`nope`"));
  Ok("DROP DATABASE db1 CASCADE");
  EXPECT_THAT(Error("SELECT * FROM db1.t2"), HasSubstr("TABLE_OR_VIEW_NOT_FOUND"));
}

TEST_F(SessionTest, SettingsAreShownAndChecked) {
  EXPECT_THAT(Ok("SET spark.sql.shuffle.partitions"), HasSubstr("|spark.sql.shuffle.partitions|200  |"));
  EXPECT_THAT(Ok("SET nokey"), HasSubstr("|nokey|<undefined>|"));
  EXPECT_THAT(Error("SET spark.sql.ansi.enabled=maybe"), HasSubstr("[INVALID_CONF_VALUE.TYPE_MISMATCH]"));
}

TEST_F(SessionTest, TemporaryViewsBelongToTheSession) {
  Ok("CREATE TEMP VIEW v AS SELECT 1 AS a");
  EXPECT_THAT(Error("CREATE TEMP VIEW v AS SELECT 1 AS a"), HasSubstr("[TEMP_TABLE_OR_VIEW_ALREADY_EXISTS]"));
  EXPECT_THAT(Ok("SELECT a FROM V"), HasSubstr("|1  |"));
  auto other = engine_->NewSession("bob");
  EXPECT_FALSE(*other->TableExists({"v"}));
  Ok("DROP VIEW v");
  EXPECT_THAT(Error("SELECT * FROM v"), HasSubstr("TABLE_OR_VIEW_NOT_FOUND"));
}

TEST_F(SessionTest, ARateStreamFillsAMemoryTable) {
  StartStream start;
  start.query = MakePlan(UnresolvedDataSource{.format = "rate", .schema = {}, .options = {{"rowsPerSecond", "100"}}, .paths = {}, .is_streaming = true});
  start.format = "memory";
  start.query_name = "ticks";
  auto query = session_->StartStreamingQuery(start);
  ASSERT_TRUE(query.ok()) << query.status().message();
  EXPECT_THAT(session_->StartStreamingQuery(start).status().message(), HasSubstr("Cannot start query with name ticks"));
  EXPECT_EQ(session_->ActiveQueries().size(), 1u);
  for (int i = 0; i < 400 && Ok("SELECT count(*) >= 100 AS enough FROM ticks").find("true") == std::string::npos; ++i) usleep(10000);
  EXPECT_THAT(Ok("SELECT count(*) >= 100 AS enough FROM ticks"), HasSubstr("|true  |"));
  ASSERT_TRUE((*query)->Stop().ok());
  EXPECT_TRUE(session_->ActiveQueries().empty());
  EXPECT_EQ(session_->FindQuery((*query)->id()), *query);
  EXPECT_TRUE(*session_->AwaitAnyTermination(1000));
}

TEST_F(SessionTest, ChecksAStreamBeforeItStarts) {
  StartStream start;
  start.query = MakePlan(UnresolvedDataSource{.format = "rate", .schema = {}, .options = {}, .paths = {}, .is_streaming = true});
  auto error = [&] { return session_->StartStreamingQuery(start).status().message(); };
  start.table = MultipartName{"t"};
  EXPECT_THAT(error(), HasSubstr("checkpointLocation must be specified either through option(\"checkpointLocation\", ...)"));
  EXPECT_FALSE(*session_->TableExists({"t"}));
  start.table.reset();
  start.format = "memory";
  EXPECT_THAT(error(), HasSubstr("queryName must be specified for memory sink."));
  start.format = "bogus";
  EXPECT_THAT(error(), HasSubstr("[DATA_SOURCE_NOT_FOUND]"));
  start.format = "noop";
  start.output_mode = OutputMode::kComplete;
  EXPECT_THAT(error(), HasSubstr("[STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION] Invalid streaming output mode: complete. This output mode is not supported for "
                                 "no streaming aggregations"));
  auto batch = session_->Execute(start.query);
  ASSERT_FALSE(batch.ok());
  EXPECT_THAT(batch.status().message(), HasSubstr("Queries with streaming sources must be executed with writeStream.start()"));
  start.query = MakePlan(OneRow{});
  EXPECT_THAT(session_->StartStreamingQuery(start).status().message(), HasSubstr("[WRITE_STREAM_NOT_ALLOWED]"));
}

}  // namespace
}  // namespace millstream
