// DELETE, UPDATE, MERGE and the change data feed, as a user types them.

#include <gmock/gmock.h>

#include "base/uuid.h"
#include "plan/sql/parser.h"
#include "session/session.h"
#include "storage/fs.h"

namespace millstream {
namespace {

using testing::HasSubstr;
using testing::Not;

class RowChangesTest : public testing::Test {
 protected:
  RowChangesTest() : root_(JoinPath(testing::TempDir(), "changes_" + NewUuid())) {
    auto engine = Engine::Open({.warehouse = root_});
    EXPECT_TRUE(engine.ok()) << engine.status().message();
    engine_ = std::move(*engine);
    session_ = engine_->NewSession("ann");
  }
  ~RowChangesTest() override {
    session_.reset();
    engine_.reset();
    (void)Fs::Local().RemoveRecursively(root_).ok();
  }
  Result<std::string> Run(const std::string& sql) {
    MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
    auto* command = std::get_if<Command>(&statement);
    MS_ASSIGN_OR_RETURN(QueryResult result, command ? session_->ExecuteCommand(*command) : session_->Execute(std::get<PlanPtr>(statement)));
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> rows, Drain(*result.rows));
    return ShowString(result.schema, rows, 100, 0, false, "UTC");
  }
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
  // "1,a 2,b": the values of the rows of a query.
  std::string Rows(const std::string& sql) {
    std::string shown = Ok(sql), text;
    for (size_t line = 0, at = 0; at < shown.size(); ++line) {
      const size_t end = std::min(shown.find('\n', at), shown.size());
      std::string row = shown.substr(at, end - at);
      at = end + 1;
      if (line < 3 || row.empty() || row[0] != '|') continue;
      std::erase(row, ' ');
      for (char& c : row) c = c == '|' ? ',' : c;
      text += (text.empty() ? "" : " ") + row.substr(1, row.size() - 2);
    }
    return text;
  }
  size_t FilesOf(const std::string& directory, const std::string& ending) {
    Result<std::vector<DirectoryEntry>> names = Fs::Local().List(root_ + "/" + directory);
    size_t count = 0;
    if (names.ok()) {
      for (const DirectoryEntry& entry : *names) count += entry.name.ends_with(ending);
    }
    return count;
  }

  const std::string root_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<Session> session_;
};

// Both ways to take rows out of a file must give the same rows.
class RowChangesOnBoth : public RowChangesTest, public testing::WithParamInterface<bool> {
 protected:
  RowChangesOnBoth() {
    Ok("CREATE TABLE t (id BIGINT, v STRING, n INT) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = '" +
       std::string(GetParam() ? "true" : "false") + "')");
    Ok("INSERT INTO t SELECT id, 'a' || id, cast(id AS INT) FROM range(6)");
    Ok("CREATE TABLE s (id BIGINT, v STRING, n INT)");
    Ok("INSERT INTO s VALUES (1, 's1', 11), (2, 's2', 12), (50, 's50', 50)");
  }
};
INSTANTIATE_TEST_SUITE_P(Vectors, RowChangesOnBoth, testing::Bool(), [](const auto& info) { return info.param ? "DeletionVectors" : "CopyOnWrite"; });

TEST_P(RowChangesOnBoth, DeleteTakesTheRowsThatMatchAndNoOthers) {
  EXPECT_EQ(Rows("DELETE FROM t WHERE id % 2 = 0"), "3");
  EXPECT_EQ(Rows("SELECT id FROM t ORDER BY id"), "1 3 5");
  EXPECT_EQ(Rows("DELETE FROM t WHERE n > 3"), "1");
  EXPECT_EQ(Rows("DELETE FROM t WHERE n > 3"), "0");
  EXPECT_EQ(Rows("SELECT * FROM t ORDER BY id"), "1,a1,1 3,a3,3");
  EXPECT_EQ(Rows("SELECT id, _change_type, _commit_version FROM table_changes('t', 2) ORDER BY _commit_version, id"),
            "0,delete,2 2,delete,2 4,delete,2 5,delete,3");
  EXPECT_EQ(FilesOf("t", ".bin"), GetParam() ? 2u : 0u);
}

TEST_P(RowChangesOnBoth, UpdateChangesRowsByTheirOldValues) {
  EXPECT_EQ(Rows("UPDATE t AS x SET v = x.v || '!', n = n + id WHERE x.id >= 4"), "2");
  EXPECT_EQ(Rows("SELECT * FROM t WHERE id > 2 ORDER BY id"), "3,a3,3 4,a4!,8 5,a5!,10");
  EXPECT_EQ(Rows("SELECT id, v, _change_type FROM table_changes('t', 2) ORDER BY id, _change_type"),
            "4,a4!,update_postimage 4,a4,update_preimage 5,a5!,update_postimage 5,a5,update_preimage");
  EXPECT_THAT(Error("UPDATE t SET n = id + 3000000000"), HasSubstr("[DELTA_CAST_OVERFLOW_IN_TABLE_WRITE]"));
  EXPECT_EQ(Rows("SELECT count(*), sum(n) FROM t"), "6,24");
}

TEST_P(RowChangesOnBoth, MergeTakesTheFirstClauseThatApplies) {
  EXPECT_EQ(Rows("MERGE INTO t USING s ON t.id = s.id WHEN MATCHED AND s.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET * "
                 "WHEN NOT MATCHED AND s.id < 0 THEN INSERT (id) VALUES (0) WHEN NOT MATCHED THEN INSERT * "
                 "WHEN NOT MATCHED BY SOURCE AND t.id = 3 THEN DELETE WHEN NOT MATCHED BY SOURCE AND t.id > 4 THEN UPDATE SET n = -1"),
            "5,2,2,1");
  EXPECT_EQ(Rows("SELECT * FROM t ORDER BY id"), "0,a0,0 2,s2,12 4,a4,4 5,a5,-1 50,s50,50");
  EXPECT_EQ(Rows("SELECT id, n, _change_type FROM table_changes('t', 2) ORDER BY id, _change_type"),
            "1,1,delete 2,12,update_postimage 2,2,update_preimage 3,3,delete 5,-1,update_postimage 5,5,update_preimage 50,50,insert");
}

TEST_P(RowChangesOnBoth, MergeRefusesARowThatTwoSourceRowsMatch) {
  Ok("INSERT INTO s VALUES (1, 'again', 0)");
  const std::string before = Rows("SELECT * FROM t ORDER BY id");
  for (const char* clause : {"WHEN MATCHED THEN UPDATE SET *", "WHEN MATCHED AND s.v = 'again' THEN UPDATE SET v = 'x'",
                             "WHEN MATCHED AND s.v = 'again' THEN DELETE", "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT *"}) {
    EXPECT_THAT(Error("MERGE INTO t USING s ON t.id = s.id " + std::string(clause)), HasSubstr("[DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE]"));
  }
  EXPECT_EQ(Rows("SELECT * FROM t ORDER BY id"), before);
  EXPECT_EQ(Rows("MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE"), "2,0,2,0");
  EXPECT_EQ(Rows("SELECT id FROM t ORDER BY id"), "0 3 4 5");
}

TEST_P(RowChangesOnBoth, WhatDoesNotChangeIsNotCommitted) {
  EXPECT_EQ(Rows("UPDATE t SET n = 0 WHERE id = 99"), "0");
  EXPECT_EQ(Rows("MERGE INTO t USING (SELECT * FROM s WHERE false) s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT *"), "0,0,0,0");
  EXPECT_EQ(Rows("SELECT max(_commit_version) FROM table_changes('t', 0)"), "1");
}

TEST_P(RowChangesOnBoth, MergeMayAddColumns) {
  EXPECT_THAT(Error("MERGE INTO t USING (SELECT id, 7 AS extra FROM s) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET *"),
              HasSubstr("[DELTA_MERGE_UNRESOLVED_EXPRESSION] Cannot resolve v in UPDATE clause given columns s.id, s.extra"));
  EXPECT_EQ(Rows("MERGE WITH SCHEMA EVOLUTION INTO t USING (SELECT id, 7 AS extra FROM s) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * "
                 "WHEN NOT MATCHED THEN INSERT *"),
            "3,2,0,1");
  EXPECT_EQ(Rows("SELECT * FROM t WHERE id > 0 ORDER BY id"), "1,a1,1,7 2,a2,2,7 3,a3,3,NULL 4,a4,4,NULL 5,a5,5,NULL 50,NULL,NULL,7");
}

TEST_P(RowChangesOnBoth, ReplaceWhereTakesOutWhatItSaysAndPutsInWhatFits) {
  Ok("INSERT INTO t REPLACE WHERE id >= 4 SELECT id + 3, v, n FROM t WHERE id IN (1, 2)");
  EXPECT_EQ(Rows("SELECT id, v FROM t ORDER BY id"), "0,a0 1,a1 2,a2 3,a3 4,a1 5,a2");
  EXPECT_EQ(Rows("SELECT id, v, _change_type FROM table_changes('t', 2) ORDER BY id, _change_type"), "4,a4,delete 4,a1,insert 5,a5,delete 5,a2,insert");
  EXPECT_THAT(Error("INSERT INTO t REPLACE WHERE id >= 4 VALUES (9, 'x', 1), (3, 'y', 1)"), HasSubstr("[DELTA_REPLACE_WHERE_MISMATCH]"));
  EXPECT_THAT(Error("INSERT INTO t REPLACE WHERE id >= 4 SELECT 1"), HasSubstr("[INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS]"));
  Ok("INSERT INTO t REPLACE WHERE id < 100 BY NAME SELECT 7 AS n, 8 AS id");
  EXPECT_EQ(Rows("SELECT * FROM t"), "8,NULL,7");
  EXPECT_THAT(Ok("DESCRIBE HISTORY t LIMIT 1"), HasSubstr("predicate -> id < 100"));
  EXPECT_EQ(Rows("SELECT sum(if(_change_type = 'delete', 1, 0)), sum(if(_change_type = 'insert', 1, 0)) FROM table_changes('t', 3)"), "6,1");
}

TEST_P(RowChangesOnBoth, ReplaceWhereOfNoRowOnlyInserts) {
  Ok("INSERT INTO t REPLACE WHERE id > 50 VALUES (60, 'n', 1)");
  EXPECT_EQ(Rows("SELECT count(*), max(id) FROM t"), "7,60");
  EXPECT_EQ(Rows("SELECT id, _change_type FROM table_changes('t', 2)"), "60,insert");
}

TEST_F(RowChangesTest, AStaticPartitionIsOverwrittenAlone) {
  Ok("CREATE TABLE p (id BIGINT, k STRING, v INT) PARTITIONED BY (k)");
  Ok("INSERT INTO p VALUES (1, 'a', 1), (2, 'a', 2), (3, 'b', 3), (4, NULL, 4)");
  Ok("INSERT OVERWRITE p PARTITION (k = 'a') SELECT 5, 50");
  EXPECT_EQ(Rows("SELECT * FROM p ORDER BY id"), "3,b,3 4,NULL,4 5,a,50");
  Ok("INSERT OVERWRITE p PARTITION (k = NULL) VALUES (6, 60)");
  EXPECT_EQ(Rows("SELECT * FROM p ORDER BY id"), "3,b,3 5,a,50 6,NULL,60");
  Ok("INSERT INTO p PARTITION (k = 'b') VALUES (7, 70)");
  EXPECT_EQ(Rows("SELECT * FROM p ORDER BY id"), "3,b,3 5,a,50 6,NULL,60 7,b,70");
  EXPECT_THAT(Error("INSERT INTO p PARTITION (v = 1) VALUES (7, 'a')"), HasSubstr("[NON_PARTITION_COLUMN]"));
  EXPECT_THAT(Error("INSERT OVERWRITE p PARTITION (k = 'b') VALUES (7, 'b', 70)"), HasSubstr("[INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS]"));
  EXPECT_EQ(Rows("SELECT count(*) FROM p"), "4");
  Ok("INSERT OVERWRITE p PARTITION (k) VALUES (8, 'z', 80)");
  EXPECT_EQ(Rows("SELECT * FROM p"), "8,z,80");
}

TEST_F(RowChangesTest, AWholePartitionGoesWithoutBeingRead) {
  Ok("CREATE TABLE p (id BIGINT, k STRING) PARTITIONED BY (k)");
  Ok("INSERT INTO p VALUES (1, 'a'), (2, 'a'), (3, 'b'), (4, NULL)");
  EXPECT_EQ(Rows("DELETE FROM p WHERE k IN ('a', 'x')"), "2");
  EXPECT_THAT(Ok("DESCRIBE HISTORY p LIMIT 1"), HasSubstr("numAddedFiles -> 0"));
  EXPECT_EQ(Rows("DELETE FROM p WHERE k IS NULL"), "1");
  EXPECT_EQ(Rows("SELECT * FROM p"), "3,b");
  EXPECT_EQ(Rows("UPDATE p SET k = 'c' WHERE k = 'b'"), "1");
  EXPECT_EQ(Rows("DELETE FROM p"), "1");
  EXPECT_EQ(Rows("SELECT count(*) FROM p"), "0");
}

TEST_F(RowChangesTest, StructsAreAssignedFieldByField) {
  Ok("CREATE TABLE n (id INT, s STRUCT<a: INT, b: STRUCT<c: STRING, d: BIGINT>>)");
  Ok("INSERT INTO n SELECT 1, named_struct('a', 1, 'b', named_struct('c', 'x', 'd', 2L))");
  EXPECT_EQ(Rows("UPDATE n SET s.a = 5, s.b.d = 6"), "1");
  EXPECT_EQ(Rows("SELECT s.a, s.b.c, s.b.d FROM n"), "5,x,6");
  EXPECT_THAT(Error("UPDATE n SET s.a = 5, s = NULL"), HasSubstr("[DELTA_CONFLICT_SET_COLUMN]"));
  EXPECT_EQ(Rows("MERGE INTO n USING (SELECT 1 AS id, named_struct('b', named_struct('d', 9), 'a', 8) AS s) q ON n.id = q.id WHEN MATCHED THEN UPDATE SET *"),
            "1,1,0,0");
  EXPECT_EQ(Rows("SELECT s.a, s.b.c, s.b.d FROM n"), "8,NULL,9");
}

TEST_F(RowChangesTest, TheFeedSaysWhatIsMissing) {
  Ok("CREATE TABLE t (id BIGINT)");
  Ok("INSERT INTO t VALUES (1)");
  EXPECT_THAT(Error("SELECT * FROM table_changes('t', 0)"), HasSubstr("[DELTA_MISSING_CHANGE_DATA]"));
  Ok("ALTER TABLE t SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')");
  Ok("INSERT INTO t VALUES (2)");
  EXPECT_EQ(Rows("SELECT id, _change_type, _commit_version FROM table_changes('t', 2)"), "2,insert,3");
  EXPECT_THAT(Error("SELECT * FROM table_changes('t', 1)"), HasSubstr("not\nrecorded for version [1]"));
  EXPECT_THAT(Error("SELECT * FROM table_changes('t', 9)"), HasSubstr("[DELTA_CDC_START_VERSION_AFTER_LATEST]"));
  EXPECT_THAT(Error("SELECT * FROM table_changes('t', 3, 2)"), HasSubstr("[DELTA_INVALID_CDC_RANGE]"));
}

}  // namespace
}  // namespace millstream
