"""writeStream.option("lateRowsTable", "t"): what a watermark keeps out of a query is kept in a table, each row once."""
import json
import os
import sys

import harness
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "python"))
from millstream.testing import MemoryStream, StreamTest  # noqa: E402
from test_testing_kit import CRASHES  # noqa: E402


def events(spark, schema="k STRING, v INT"):
    stream = MemoryStream(spark, schema + ", second INT")
    return stream, stream.df().withColumn("time", F.timestamp_seconds(F.col("second"))).withWatermark("time", "10 seconds")


def counted(frame):
    return frame.groupBy(F.window("time", "10 seconds"), "k").agg(F.count("*").alias("c"), F.sum("v").alias("s"))


def late(spark, table):
    rows = [(row.batch_id, row.operator, row.watermark.timestamp(), json.loads(row.row)) for row in spark.table(table).collect()]
    return sorted(rows, key=str)


def test_rows_that_come_too_late_are_in_the_table_as_many_as_are_counted(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    stream, frame = events(spark)
    with StreamTest(spark, frame.dropDuplicates(["k", "time"]).select("k", "v"), lateRowsTable="late_dedupe") as test:
        assert spark.table("late_dedupe").count() == 0 and spark.table("late_dedupe").columns == ["query_id", "batch_id", "operator", "watermark", "row"]
        stream.add(("a", 1, 100), ("b", 2, 100))
        test.check_new(("a", 1), ("b", 2))
        stream.add(("a", 3, 5), ("c", None, 90), ("c", 4, 91))
        test.check_new(("c", 4))
        assert test.progress["stateOperators"][0]["numRowsDroppedByWatermark"] == 2
    at = spark.table("late_dedupe").first().watermark
    row = {"second": 5, "time": "1970-01-01T00:00:05.000Z"}
    assert late(spark, "late_dedupe") == [(2, "dedupe", at.timestamp(), {"k": "a", "v": 3, **row}),
                                          (2, "dedupe", at.timestamp(), {"k": "c", "second": 90, "time": "1970-01-01T00:01:30.000Z"})], late(spark, "late_dedupe")
    assert {row.query_id for row in spark.table("late_dedupe").collect()} == {test.query.id}


def test_of_an_aggregation_the_groups_are_kept_that_the_late_rows_make(spark):
    stream, frame = events(spark)
    with StreamTest(spark, counted(frame), lateRowsTable="late_groups") as test:
        stream.add(("a", 1, 100))
        test.process()
        stream.add(("a", 3, 5), ("a", 4, 6), ("b", 5, 7), ("a", 6, 120))
        test.process()
        assert [progress["stateOperators"][0]["numRowsDroppedByWatermark"] for progress in test.query.recentProgress if progress["numInputRows"]] == [0, 2]
    rows = [row[3] for row in late(spark, "late_groups")]
    assert sorted(row["k"] for row in rows) == ["a", "b"] and sorted(row["sum(v)"] for row in rows) == [5, 7], rows
    assert rows[0]["window"] == {"start": "1970-01-01T00:00:00.000Z", "end": "1970-01-01T00:00:10.000Z"} and [row["count"] for row in rows] in ([1, 2], [2, 1]), rows


def test_both_sides_of_a_join_keep_their_late_rows(spark):
    left, frame = events(spark)
    right, other = events(spark, "j STRING, w INT")
    other = other.withColumnRenamed("time", "other").drop("second")
    with StreamTest(spark, frame.join(other, F.expr("k = j AND other BETWEEN time AND time + INTERVAL 5 SECONDS")).select("k", "v", "w"), lateRowsTable="late_join") as test:
        left.add(("a", 1, 100))
        right.add(("a", 2, 101))
        test.check_new(("a", 1, 2))
        left.add(("a", 3, 1))
        right.add(("b", 4, 2))
        test.check_new()
    assert sorted(row[3].get("v", row[3].get("w", 0)) for row in late(spark, "late_join")) == [3, 4], late(spark, "late_join")


def test_a_crash_at_any_step_neither_loses_a_late_row_nor_doubles_it(spark):
    for number, at in enumerate(CRASHES + ["delta.data.before_publish", "delta.commit.before_link", "delta.commit.after_link"]):
        stream, frame = events(spark)
        table = f"late_{number}"
        with StreamTest(spark, counted(frame).selectExpr("int(window.start) AS start", "k", "c"), lateRowsTable=table) as test:
            stream.add(("a", 1, 100), ("b", 1, 101))
            test.process()
            test.crash(lambda: stream.add(("a", 3, 5), ("b", 4, 6), ("c", 5, 200)), at=at)
            test.restart()
            stream.add(("z", 1, 3), ("c", 6, 300))
            test.check_answer((100, "a", 1), (100, "b", 1), (200, "c", 1))
        assert sorted(row[3].get("k", "?") for row in late(spark, table)) == ["a", "b", "z"], (at, late(spark, table))


def test_the_table_must_be_one_that_takes_the_rows(spark):
    stream, frame = events(spark)
    spark.sql("CREATE TABLE not_late (a INT) USING delta")
    harness.raises(PySparkException, lambda: StreamTest(spark, counted(frame), lateRowsTable="not_late"))
    harness.raises(PySparkException, lambda: StreamTest(spark, counted(frame), lateRowsTable="no_database.late"), "no_database")


if __name__ == "__main__":
    harness.main(globals(), "--testing")
