"""DELETE, UPDATE, MERGE and writes that replace a part of a table, as a client of Spark sends them."""
import os
import threading

import harness
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F


def rows(frame):
    return sorted((tuple(row) for row in frame.collect()), key=str)


def test_statements_say_how_many_rows(server, spark):
    spark.sql("CREATE TABLE counted (id BIGINT, v STRING)")
    spark.sql("INSERT INTO counted VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    assert spark.sql("UPDATE counted SET v = 'x' WHERE id > :least", {"least": 1}).collect()[0].num_affected_rows == 2
    assert spark.sql("DELETE FROM counted WHERE v = 'a'").collect()[0].num_affected_rows == 1
    spark.range(2, 5).createOrReplaceTempView("new")
    merged = spark.sql("MERGE INTO counted c USING new n ON c.id = n.id WHEN MATCHED THEN UPDATE SET v = 'm' WHEN NOT MATCHED THEN INSERT (id) VALUES (n.id)")
    assert rows(merged) == [(3, 2, 0, 1)]
    assert rows(spark.table("counted")) == [(2, "m"), (3, "m"), (4, None)]
    harness.raises(PySparkException, lambda: spark.sql("DELETE FROM new"), "DELETE on a view")


def test_writers_of_one_table_do_not_lose_each_others_work(server, spark):
    for vectors in ("true", "false"):
        name = f"contended_{vectors}"
        spark.sql(f"CREATE TABLE {name} (id INT, n INT) TBLPROPERTIES ('delta.enableDeletionVectors' = '{vectors}')")
        spark.sql(f"INSERT INTO {name} VALUES (1, 0), (2, 0)")
        failed = []

        def work(session, number):
            for turn in range(8):
                try:
                    session.sql(f"UPDATE {name} SET n = n + 1 WHERE id = 1")
                    session.sql(f"INSERT INTO {name} VALUES ({100 * number + turn}, 1)")
                    session.sql(f"MERGE INTO {name} t USING (SELECT 2 AS id) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = n + 1")
                except PySparkException as error:
                    failed.append(str(error))

        threads = [threading.Thread(target=work, args=(server.session(), number)) for number in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed, failed
        assert rows(spark.table(name).where("id < 10")) == [(1, 24), (2, 24)]
        assert spark.table(name).where("id >= 10").count() == 24


def test_the_change_feed_is_a_stream(server, spark):
    for vectors in ("true", "false"):
        name, checkpoint = f"fed_{vectors}", os.path.join(server.directory, f"feed_{vectors}")
        spark.sql(f"CREATE TABLE {name} (id BIGINT, v STRING) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = '{vectors}')")
        spark.sql(f"INSERT INTO {name} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        spark.sql(f"UPDATE {name} SET v = 'B' WHERE id = 2")

        def feed(**options):
            stream = spark.readStream.option("readChangeFeed", "true").options(**options).table(name)
            query = stream.writeStream.option("checkpointLocation", checkpoint + str(options)).trigger(availableNow=True).toTable(name + "_feed")
            assert query.awaitTermination(60)
            return [progress["batchId"] for progress in query.recentProgress if progress["numInputRows"]]

        # What is there when the stream begins is inserted by the version that it finds.
        feed()
        seen = spark.table(name + "_feed").select("id", "v", "_change_type", "_commit_version")
        first = [(1, "a", "insert", 2), (2, "B", "insert", 2), (3, "c", "insert", 2)]
        assert rows(seen) == first, rows(seen)
        spark.sql(f"DELETE FROM {name} WHERE id = 1")
        spark.sql(f"MERGE INTO {name} t USING (SELECT 3 AS id UNION ALL SELECT 4) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = 'C' "
                  "WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)")
        feed()
        later = [(1, "a", "delete", 3), (3, "c", "update_preimage", 4), (3, "C", "update_postimage", 4), (4, None, "insert", 4)]
        assert rows(seen) == sorted(first + later, key=str), rows(seen)
        feed()
        assert rows(seen) == sorted(first + later, key=str)
        # From a version on, a commit a batch.
        spark.sql(f"DROP TABLE {name}_feed")
        assert len(feed(startingVersion="1", maxFilesPerTrigger="1")) == 4
        assert spark.table(name + "_feed").where("_commit_version IN (1, 2)").count() == 5
    spark.sql("CREATE TABLE unfed (id BIGINT)")
    spark.sql("INSERT INTO unfed VALUES (1)")
    query = (spark.readStream.option("readChangeFeed", "true").option("startingVersion", 0).table("unfed").writeStream.format("noop")
             .option("checkpointLocation", os.path.join(server.directory, "unfed")).trigger(availableNow=True).start())
    harness.raises(PySparkException, lambda: query.awaitTermination(60), "[DELTA_MISSING_CHANGE_DATA]")


def test_merge_into_of_a_data_frame(server, spark):
    spark.sql("CREATE TABLE frames (id BIGINT, v STRING)")
    spark.sql("INSERT INTO frames VALUES (1, 'a'), (2, 'b')")
    source = spark.createDataFrame([(2, "B"), (3, "C")], "id BIGINT, v STRING")
    (source.mergeInto("frames", source["id"] == F.col("frames.id")).whenMatched().update({"v": source["v"]})
     .whenNotMatched().insertAll().whenNotMatchedBySource(F.col("frames.id") == 1).delete().merge())
    assert rows(spark.table("frames")) == [(2, "B"), (3, "C")]


def test_parts_of_tables_are_replaced(server, spark):
    spark.sql("CREATE TABLE parts (id BIGINT, k STRING) PARTITIONED BY (k)")
    spark.sql("INSERT INTO parts VALUES (1, 'a'), (2, 'b')")
    new = spark.createDataFrame([(5, "a"), (6, "a")], "id BIGINT, k STRING")
    new.write.format("delta").mode("overwrite").option("replaceWhere", "k = 'a'").saveAsTable("parts")
    assert rows(spark.table("parts")) == [(2, "b"), (5, "a"), (6, "a")]
    harness.raises(AnalysisException, lambda: new.write.format("delta").mode("overwrite").option("replaceWhere", "k = 'b'").saveAsTable("parts"),
                   "[DELTA_REPLACE_WHERE_MISMATCH]")
    spark.sql("INSERT INTO parts REPLACE WHERE id = 5 SELECT 5L AS id, 'z' AS k")
    assert rows(spark.table("parts")) == [(2, "b"), (5, "z"), (6, "a")]


if __name__ == "__main__":
    harness.main(globals())
