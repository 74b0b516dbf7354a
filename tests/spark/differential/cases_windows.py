"""Aggregates over windows of event time: each kind of window × watermark × output mode, with late rows; and aggregates without windows."""
from pyspark.sql import functions as F

from suite import Case


def at(minute, second=0, hour=10):
    return f"2024-01-01 {hour:02}:{minute:02}:{second:02}"


def event(k, v, minute, second=0, hour=10):
    return {"k": k, "v": v, "ts": at(minute, second, hour)}


# In order, then out of order within the watermark, then far ahead, then too late, with nulls, then far ahead again.
STEPS = [
    ("events", [event("a", 1, 1), event("b", 2, 2, 30), event("a", 3, 4, 59)]),
    ("events", [event("a", 4, 7), event("c", 5, 3, 10), event("b", 6, 11)]),
    ("events", [event("a", 7, 25), event("b", 8, 10, 30), event("b", 9, 24)]),
    ("events", [event("a", 10, 1, 5), event("c", 11, 26), event("b", 12, 15), {"k": None, "v": 13, "ts": at(26)}, {"k": "n", "v": 14}]),
    ("events", [event("d", 15, 0, 0, 12), event("a", 16, 27)]),
    ("events", [event("d", 17, 1, 0, 12)]),
]

WINDOWS = {
    "tumbling5": lambda: F.window("ts", "5 minutes"),
    "tumbling10offset2": lambda: F.window("ts", "10 minutes", startTime="2 minutes"),
    "sliding10by5": lambda: F.window("ts", "10 minutes", "5 minutes"),
    "sliding6by4": lambda: F.window("ts", "6 minutes", "4 minutes"),
    "session4": lambda: F.session_window("ts", "4 minutes"),
    "sessiondynamic": lambda: F.session_window("ts", F.when(F.col("k") == "a", "2 minutes").otherwise("6 minutes")),
    "bytime": lambda: F.col("ts"),
}
WATERMARKS = {"none": None, "0s": "0 seconds", "3m": "3 minutes", "10m": "10 minutes"}


def watermarked(frame, delay, column="ts"):
    return frame.withWatermark(column, delay) if delay else frame


def windowed(window, delay, keyed):
    def build(s):
        keys = [WINDOWS[window]()] + (["k"] if keyed else [])
        return watermarked(s.stream(), delay).groupBy(*keys).agg(F.count("*").alias("n"), F.sum("v").alias("s"))
    return build


def grid():
    number = 0
    for window in WINDOWS:
        for watermark, delay in WATERMARKS.items():
            for mode in ("append", "update", "complete"):
                if watermark == "none" and mode != "update" and window not in ("tumbling5", "session4"):
                    continue  # append is refused everywhere, and complete does not look at the watermark
                number += 1
                keyed = number % 2 == 0 if not window.startswith("session") else True
                yield Case(f"window/{window}/{watermark}/{mode}", windowed(window, delay, keyed), mode, STEPS, live=number % 3 == 0)


AGGREGATES = {
    "count": lambda: [F.count("v"), F.count("*"), F.count_if(F.col("v") > 5)],
    "sum_avg": lambda: [F.sum("v"), F.avg("v")],
    "sum_double": lambda: [F.sum(F.col("v") * 0.5), F.avg(F.col("v") * 0.5)],
    "sum_decimal": lambda: [F.sum(F.col("v").cast("decimal(10,2)")), F.avg(F.col("v").cast("decimal(10,2)"))],
    "min_max": lambda: [F.min("v"), F.max("v"), F.min("ts"), F.max("k")],
    "collect": lambda: [F.sort_array(F.collect_list("v")), F.sort_array(F.collect_set(F.col("v") % 3))],
    "deviation": lambda: [F.stddev("v"), F.variance("v"), F.stddev_pop("v"), F.skewness("v"), F.kurtosis("v")],
    "two_columns": lambda: [F.corr("v", F.col("v") * 2), F.covar_pop("v", F.minute("ts"))],
    "bool": lambda: [F.bool_and(F.col("v") > 3), F.bool_or(F.col("v") > 3)],
    "extreme_by": lambda: [F.max_by("k", "v"), F.min_by("ts", "v")],
    "approx_distinct": lambda: [F.approx_count_distinct("v")],
    "bits": lambda: [F.bit_and("v"), F.bit_or("v"), F.bit_xor("v")],
    "filtered": lambda: [F.expr("count(*) FILTER (WHERE v > 5)"), F.expr("sum(v) FILTER (WHERE k = 'a')")],
    "of_expression": lambda: [(F.sum("v") + F.count("*") * 10).alias("x"), F.concat(F.lit("n"), F.count("*").cast("string"))],
    "first_last": lambda: [F.first("v"), F.last("v"), F.any_value("k")],
    "percentile": lambda: [F.percentile_approx("v", 0.5), F.percentile("v", 0.5), F.median("v")],
    "distinct": lambda: [F.count_distinct("v")],
    "mode_histogram": lambda: [F.mode(F.col("v") % 2)],
}


def aggregates():
    for name, functions in AGGREGATES.items():
        build = lambda s, functions=functions: s.stream().groupBy("k").agg(*functions())  # noqa: E731
        yield Case(f"aggregate/{name}/update", build, "update", STEPS[:4])
    yield Case("aggregate/count/complete", lambda s: s.stream().groupBy("k").count(), "complete", STEPS[:4], live=True)
    yield Case("aggregate/count/append", lambda s: s.stream().groupBy("k").count(), "append", STEPS[:4])
    yield Case("aggregate/sum_avg/complete", lambda s: s.stream().groupBy("k").agg(F.sum("v"), F.avg("v")), "complete", STEPS[:4])
    by_expression = lambda s: s.stream().groupBy((F.col("v") % 2).alias("odd"), F.upper("k")).agg(F.sum("v"))  # noqa: E731
    yield Case("aggregate/by_expression/update", by_expression, "update", STEPS[:4])
    yield Case("aggregate/by_struct/update", lambda s: s.stream().groupBy(F.struct("k", (F.col("v") % 2).alias("o")).alias("key")).count(), "update", STEPS[:4])
    yield Case("aggregate/by_double/update", lambda s: s.stream().groupBy((F.col("v") / 2).alias("h")).count(), "update", STEPS[:4])
    yield Case("aggregate/rollup/update", lambda s: s.stream().rollup("k").count(), "update", STEPS[:3])
    yield Case("aggregate/cube/complete", lambda s: s.stream().cube("k", (F.col("v") % 2).alias("o")).count(), "complete", STEPS[:3])
    yield Case("aggregate/pivot/complete", lambda s: s.stream().groupBy("k").pivot("v", [1, 2]).count(), "complete", STEPS[:2])
    for mode in ("append", "update", "complete"):
        yield Case(f"aggregate/global/{mode}", lambda s: s.stream().groupBy().agg(F.count("*").alias("n"), F.sum("v").alias("s")), mode, STEPS[:4], live=True)
        yield Case(f"aggregate/global_watermark/{mode}", lambda s: s.stream().withWatermark("ts", "3 minutes").agg(F.max("v").alias("m")), mode, STEPS)
    yield Case("aggregate/global_empty/update", lambda s: s.stream().where("v > 100").agg(F.count("*").alias("n")), "update", STEPS[:2])
    having = lambda s: s.stream().groupBy("k").count().where("count > 1").select(F.upper("k").alias("u"), "count")  # noqa: E731
    yield Case("aggregate/having/update", having, "update", STEPS[:4])
    yield Case("aggregate/having/complete", having, "complete", STEPS[:4])
    for mode in ("append", "update"):
        plain_key = lambda s: s.stream().withWatermark("ts", "3 minutes").groupBy("k").count()  # noqa: E731
        yield Case(f"aggregate/watermark_but_no_time_in_key/{mode}", plain_key, mode, STEPS[:3])
    late = lambda s: s.stream().withWatermark("ts", "3 minutes").groupBy(F.window("ts", "5 minutes")).agg(F.collect_list("v"))  # noqa: E731
    yield Case("aggregate/state_of_lists/append", late, "append", STEPS)


def cases():
    yield from grid()
    yield from aggregates()
