"""Streams written in SQL, and plans that must be refused, each with its error class."""
from pyspark.sql import Window
from pyspark.sql import functions as F

from cases_windows import STEPS
from suite import EVENTS, Case

TWO = {"events": EVENTS, "more": EVENTS}
BOTH = [STEPS[0], ("more", STEPS[0][1]), STEPS[1]]


def sql(text, delay=None):
    def build(s):
        frame = s.stream()
        (frame.withWatermark("ts", delay) if delay else frame).createOrReplaceTempView("events")
        s.static([("a", "Anna"), ("b", "Bert")], "k STRING, name STRING").createOrReplaceTempView("names")
        return s.spark.sql(text)
    return build


SQL = {
    "window": ("SELECT window.start, window.end, k, count(*) AS n FROM events GROUP BY window(ts, '5 minutes'), k", "append", "3 minutes"),
    "window_update": ("SELECT window(ts, '10 minutes', '5 minutes') AS w, sum(v) AS s FROM events GROUP BY window(ts, '10 minutes', '5 minutes')", "update", "3 minutes"),
    "session": ("SELECT session_window.start, session_window.end, k, count(*) FROM events GROUP BY session_window(ts, '4 minutes'), k", "append", "3 minutes"),
    "window_time": ("SELECT window_time(window) AS t, count(*) AS n FROM events GROUP BY window(ts, '5 minutes')", "append", "3 minutes"),
    "having": ("SELECT k, sum(v) AS s FROM events GROUP BY k HAVING sum(v) > 4", "update", None),
    "distinct": ("SELECT DISTINCT k FROM events", "update", None),
    "distinct_append": ("SELECT DISTINCT k FROM events", "append", None),
    "group_by_all": ("SELECT k, max(v) AS m FROM events GROUP BY ALL", "complete", None),
    "grouping_sets": ("SELECT k, v % 2 AS o, count(*) AS n, grouping_id() AS g FROM events GROUP BY GROUPING SETS ((k), (v % 2))", "complete", None),
    "nested": ("WITH big AS (SELECT * FROM events WHERE v > 2) SELECT k, count(*) AS n FROM big GROUP BY k ORDER BY n DESC, k", "complete", None),
    "join_table": ("SELECT e.k, name, v FROM events e LEFT JOIN names n ON e.k = n.k", "append", None),
    "case": ("SELECT CASE WHEN v > 3 THEN 'big' ELSE 'small' END AS size, count(*) AS n FROM events GROUP BY 1", "update", None),
    "limit": ("SELECT k, v FROM events LIMIT 4", "append", None),
    "union_all": ("SELECT k FROM events UNION ALL SELECT upper(k) FROM events", "append", None),
    "union": ("SELECT k FROM events UNION SELECT upper(k) FROM events", "update", None),
    "order_by": ("SELECT k, v FROM events ORDER BY v", "append", None),
    "except": ("SELECT k FROM events EXCEPT SELECT k FROM names", "append", None),
    "intersect": ("SELECT k FROM events INTERSECT SELECT k FROM names", "append", None),
    "exists": ("SELECT k, v FROM events e WHERE EXISTS (SELECT 1 FROM names n WHERE n.k = e.k)", "append", None),
    "not_in": ("SELECT k, v FROM events WHERE k NOT IN (SELECT k FROM names)", "append", None),
    "scalar_subquery": ("SELECT k, v, (SELECT max(name) FROM names) AS m FROM events", "append", None),
    "over": ("SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v) AS r FROM events", "append", None),
    "over_time": ("SELECT k, sum(v) OVER (PARTITION BY k ORDER BY ts) AS r FROM events", "append", "3 minutes"),
    "lateral": ("SELECT k, x FROM events LATERAL VIEW explode(array(v, v + 1)) t AS x", "append", None),
    "watermark_in_sql": ("SELECT window.start, count(*) AS n FROM events WATERMARK ts DELAY OF INTERVAL 3 MINUTES GROUP BY window(ts, '5 minutes')", "append", None),
    "stream_of_view": ("SELECT k, v FROM STREAM(events)", "append", None),
}


def in_sql():
    for name, (text, mode, delay) in SQL.items():
        yield Case(f"sql/{name}", sql(text, delay), mode, STEPS[:5] if delay else STEPS[:3])


def refused():
    minute = lambda s: s.stream().withWatermark("ts", "1 minute")  # noqa: E731
    plans = {
        "rank": (lambda s: s.stream().withColumn("r", F.row_number().over(Window.partitionBy("k").orderBy("ts"))), "append"),
        "count_distinct": (lambda s: s.stream().groupBy("k").agg(F.count_distinct("v"), F.sum_distinct("v")), "update"),
        "append_without_watermark": (lambda s: s.stream().groupBy(F.window("ts", "5 minutes")).count(), "append"),
        "update_then_aggregate": (lambda s: minute(s).groupBy(F.window("ts", "5 minutes")).count().groupBy("count").count(), "update"),
        "complete_without_aggregate": (lambda s: s.stream().where("v > 1"), "complete"),
        "complete_after_join": (lambda s: s.stream().join(s.stream("more"), "k"), "complete"),
        "batch_union": (lambda s: s.stream().union(s.static([("a", 1, None)], EVENTS)), "append"),
        "except": (lambda s: s.stream().select("k").exceptAll(s.stream("more").select("k")), "append"),
        "intersect": (lambda s: s.stream().select("k").intersect(s.stream("more").select("k")), "append"),
        "subtract_batch": (lambda s: s.stream().select("k").subtract(s.static([("a",)], "k STRING")), "append"),
        "batch_subtract": (lambda s: s.static([("a",)], "k STRING").subtract(s.stream().select("k")), "append"),
        "sort_then_group": (lambda s: s.stream().orderBy("v").groupBy("k").count(), "complete"),
        "not_a_stream": (lambda s: s.static([("a",)], "k STRING"), "append"),
        "collect": (lambda s: s.stream().collect(), "append"),
        "count": (lambda s: s.stream().count(), "append"),
        "show": (lambda s: s.stream().show(), "append"),
        "write": (lambda s: s.stream().write.format("noop").mode("append").save(), "append"),
        "read_stream_as_batch": (lambda s: s.stream().groupBy("k").count().collect(), "append"),
        "unknown_column": (lambda s: s.stream().select("nope"), "append"),
        "unknown_function": (lambda s: s.stream().selectExpr("nope(k)"), "append"),
        "window_of_number": (lambda s: s.stream().groupBy(F.window("v", "5 minutes")).count(), "update"),
        "window_too_long_slide": (lambda s: s.stream().groupBy(F.window("ts", "5 minutes", "10 minutes")).count(), "update"),
        "window_of_nothing": (lambda s: s.stream().groupBy(F.window("ts", "0 minutes")).count(), "update"),
        "window_of_months": (lambda s: s.stream().groupBy(F.window("ts", "1 month")).count(), "update"),
        "session_update": (lambda s: minute(s).groupBy(F.session_window("ts", "5 minutes"), "k").count(), "update"),
        "session_without_key": (lambda s: minute(s).groupBy(F.session_window("ts", "5 minutes")).count(), "append"),
        "two_windows": (lambda s: minute(s).groupBy(F.window("ts", "5 minutes").alias("a"), F.window("ts", "10 minutes").alias("b")).count(), "append"),
        "monotonic_id": (lambda s: s.stream().withColumn("i", F.monotonically_increasing_id()).groupBy("i").count(), "update"),
        "random": (lambda s: s.stream().where(F.rand(1) < 2).select("k"), "append"),
        "now": (lambda s: s.stream().select("k", F.current_timestamp() > F.lit("2020-01-01").cast("timestamp")), "append"),
        "aggregate_in_where": (lambda s: s.stream().where(F.count("*") > 1), "append"),
        "bad_mode": (lambda s: s.stream(), "replace"),
        "no_schema": (lambda s: s.spark.readStream.json(s.directory("events")), "append"),
        "no_such_format": (lambda s: s.spark.readStream.format("nope").load(), "append"),
        "division_by_zero": (lambda s: s.stream().select((F.col("v") / (F.col("v") - 3)).alias("q")), "append"),
        "bad_cast": (lambda s: s.stream().select(F.col("k").cast("int")), "append"),
        "overflow": (lambda s: s.stream().groupBy("k").agg(F.sum(F.col("v") + F.lit(9223372036854775800))), "update"),
        "raise_error": (lambda s: s.stream().select(F.when(F.col("v") == 4, F.raise_error(F.lit("four"))).otherwise("fine").alias("x")), "append"),
    }
    for name, (build, mode) in plans.items():
        yield Case(f"plan/{name}/{mode}", build, mode, BOTH, schemas=TWO)


def cases():
    yield from in_sql()
    yield from refused()
