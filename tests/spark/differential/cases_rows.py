"""Streams without joins: rows as they are, duplicates dropped, limits, sorting, several watermarks, chains of stateful operators, restarts."""
from pyspark.sql import functions as F

from cases_windows import STEPS, event, watermarked, windowed
from suite import EVENTS, Case

TWICE = [
    ("events", [event("a", 1, 1), event("a", 1, 1), event("b", 2, 2), event("a", 3, 3)]),
    ("events", [event("a", 1, 1), event("b", 2, 12), event("c", 4, 2)]),
    ("events", [event("a", 1, 30), event("d", 5, 3), {"k": None, "v": 6, "ts": None}, {"k": None, "v": 6, "ts": None}]),
    ("events", [event("a", 1, 31), event("a", 1, 1), event("b", 2, 29), event("e", 7, 32)]),
    ("events", [event("a", 1, 0, 0, 12)]),
    ("events", [event("a", 1, 1, 0, 12), event("f", 8, 1, 0, 12)]),
]


def stateless():
    yield Case("rows/as_they_are/append", lambda s: s.stream(), "append", STEPS[:4], live=True)
    yield Case("rows/as_they_are/update", lambda s: s.stream(), "update", STEPS[:2])
    yield Case("rows/as_they_are/complete", lambda s: s.stream(), "complete", STEPS[:2])
    mapped = lambda s: s.stream().where("v % 2 = 0").select(F.upper("k").alias("u"), (F.col("v") * 2).alias("w"), F.date_format("ts", "HH:mm").alias("t"))  # noqa: E731
    yield Case("rows/mapped/append", mapped, "append", STEPS)
    yield Case("rows/watermark_only/append", lambda s: s.stream().withWatermark("ts", "3 minutes"), "append", STEPS)
    yield Case("rows/exploded/append", lambda s: s.stream().select("k", F.explode(F.sequence(F.lit(1), F.col("v") % 3 + 1)).alias("e")), "append", STEPS[:3])
    yield Case("rows/window_column/append", lambda s: s.stream().select("k", F.window("ts", "5 minutes").alias("w")), "append", STEPS[:4])
    yield Case("rows/sliding_column/append", lambda s: s.stream().select("k", F.window("ts", "10 minutes", "5 minutes").alias("w")), "append", STEPS[:2])
    yield Case("rows/union/append", lambda s: s.stream().select("k", "v").union(s.stream("more").select("k", "v")), "append",
               [STEPS[0], ("more", [event("m", 1, 1)]), STEPS[1]], schemas={"events": EVENTS, "more": EVENTS}, live=True)
    yield Case("rows/union_of_itself/append", lambda s: s.stream().union(s.stream()), "append", STEPS[:2])
    yield Case("rows/sampled/append", lambda s: s.stream().sample(1.0, 3), "append", STEPS[:2])
    yield Case("rows/na/append", lambda s: s.stream().na.fill("?", ["k"]).na.drop(subset=["ts"]), "append", STEPS[3:4])
    yield Case("rows/repartitioned/append", lambda s: s.stream().repartition(2, "k").coalesce(1), "append", STEPS[:2])


def duplicates():
    columns = {"k": ["k"], "k_ts": ["k", "ts"], "all": None}
    for name, by in columns.items():
        for watermark, delay in {"none": None, "0s": "0 seconds", "5m": "5 minutes"}.items():
            for mode in ("append", "update"):
                if mode == "update" and watermark == "5m":
                    continue
                build = lambda s, by=by, delay=delay: watermarked(s.stream(), delay).dropDuplicates(by)  # noqa: E731
                yield Case(f"duplicates/{name}/{watermark}/{mode}", build, mode, TWICE, live=name == "k_ts")
    for name, by in columns.items():
        for delay in ("0 seconds", "5 minutes", "40 minutes"):
            build = lambda s, by=by, delay=delay: s.stream().withWatermark("ts", delay).dropDuplicatesWithinWatermark(by)  # noqa: E731
            yield Case(f"duplicates/within/{name}/{delay.replace(' ', '')}/append", build, "append", TWICE, live=delay == "5 minutes")
    yield Case("duplicates/within/k/5minutes/update", lambda s: s.stream().withWatermark("ts", "5 minutes").dropDuplicatesWithinWatermark(["k"]), "update", TWICE)
    yield Case("duplicates/within/no_watermark/append", lambda s: s.stream().dropDuplicatesWithinWatermark(["k"]), "append", TWICE)
    yield Case("duplicates/k/none/complete", lambda s: s.stream().dropDuplicates(["k"]), "complete", TWICE)
    yield Case("duplicates/distinct/append", lambda s: s.stream().select("k").distinct(), "append", TWICE)
    yield Case("duplicates/distinct_aggregate/append", lambda s: s.stream().withWatermark("ts", "5 minutes").select("ts").distinct(), "append", TWICE)
    yield Case("duplicates/unknown_column/append", lambda s: s.stream().dropDuplicates(["nope"]), "append", TWICE)


def limits():
    yield Case("limit/append", lambda s: s.stream().limit(5), "append", STEPS[:4], live=True)
    yield Case("limit/zero/append", lambda s: s.stream().limit(0), "append", STEPS[:2])
    yield Case("limit/update", lambda s: s.stream().limit(5), "update", STEPS[:2])
    yield Case("limit/after_filter/append", lambda s: s.stream().where("v > 2").limit(3).where("v > 3"), "append", STEPS[:3])
    yield Case("limit/of_aggregate/complete", lambda s: s.stream().groupBy("k").count().orderBy(F.desc("count"), "k").limit(2), "complete", STEPS[:4])
    yield Case("limit/of_aggregate/update", lambda s: s.stream().groupBy("k").count().limit(2), "update", STEPS[:2])
    yield Case("limit/before_aggregate/complete", lambda s: s.stream().limit(2).groupBy("k").count(), "complete", STEPS[:3])
    yield Case("limit/twice/append", lambda s: s.stream().limit(6).limit(4), "append", STEPS[:3])
    yield Case("limit/of_duplicates/append", lambda s: s.stream().dropDuplicates(["k"]).limit(2), "append", TWICE[:3])
    yield Case("limit/offset/append", lambda s: s.stream().offset(2), "append", STEPS[:2])
    yield Case("sort/complete", lambda s: s.stream().groupBy("k").agg(F.sum("v").alias("s")).orderBy("s"), "complete", STEPS[:3])
    yield Case("sort/update", lambda s: s.stream().groupBy("k").agg(F.sum("v").alias("s")).orderBy("s"), "update", STEPS[:3])
    yield Case("sort/append", lambda s: s.stream().orderBy("v"), "append", STEPS[:2])
    yield Case("sort/within_partitions/append", lambda s: s.stream().sortWithinPartitions("v"), "append", STEPS[:2])


TWO = {"events": EVENTS, "more": EVENTS}
ALTERNATING = [
    ("events", [event("a", 1, 1), event("b", 2, 20)]),
    ("more", [event("a", 3, 5), event("c", 4, 8)]),
    ("events", [event("a", 5, 2), event("b", 6, 40)]),
    ("more", [event("a", 7, 7), event("c", 8, 50)]),
    ("events", [event("a", 9, 3), event("b", 10, 55)]),
    ("more", [event("c", 11, 59)]),
]


def watermarks():
    def both(s):
        left, right = s.stream().withWatermark("ts", "10 minutes"), s.stream("more").withWatermark("ts", "2 minutes")
        return left.union(right).groupBy(F.window("ts", "5 minutes")).count()
    for policy in ("min", "max"):
        for live in (True, False):
            yield Case(f"watermarks/union/{policy}/{'live' if live else 'at_once'}", both, "append", ALTERNATING, live=live, schemas=TWO,
                       conf={"spark.sql.streaming.multipleWatermarkPolicy": policy})
    yield Case("watermarks/one_side_only", lambda s: s.stream().withWatermark("ts", "2 minutes").union(s.stream("more")).groupBy(F.window("ts", "5 minutes")).count(),
               "append", ALTERNATING, live=True, schemas=TWO)
    yield Case("watermarks/redefined", lambda s: s.stream().withWatermark("ts", "10 minutes").withWatermark("ts", "1 minute").groupBy(F.window("ts", "5 minutes")).count(),
               "append", STEPS)
    renamed = lambda s: s.stream().withWatermark("ts", "3 minutes").select(F.col("ts").alias("t"), "v").groupBy(F.window("t", "5 minutes")).sum("v")  # noqa: E731
    yield Case("watermarks/renamed_column", renamed, "append", STEPS)
    shifted = lambda s: s.stream().withWatermark("ts", "3 minutes").select((F.col("ts") + F.expr("INTERVAL 1 HOUR")).alias("t")).groupBy("t").count()  # noqa: E731
    yield Case("watermarks/lost_by_expression", shifted, "append", STEPS[:2])
    yield Case("watermarks/no_data_batches_off", windowed("tumbling5", "3 minutes", True), "append", STEPS, live=True,
               conf={"spark.sql.streaming.noDataMicroBatches.enabled": "false"})
    yield Case("watermarks/negative_delay", lambda s: s.stream().withWatermark("ts", "-1 minutes"), "append", STEPS[:1])
    yield Case("watermarks/months", lambda s: s.stream().withWatermark("ts", "1 month").groupBy(F.window("ts", "5 minutes")).count(), "append", STEPS)
    yield Case("watermarks/bad_delay", lambda s: s.stream().withWatermark("ts", "soon"), "append", STEPS[:1])
    yield Case("watermarks/not_a_time", lambda s: s.stream().withWatermark("v", "1 minute"), "append", STEPS[:1])
    yield Case("watermarks/unknown_column", lambda s: s.stream().withWatermark("nope", "1 minute"), "append", STEPS[:1])


def chains():
    minute = lambda s: s.stream().withWatermark("ts", "1 minute")  # noqa: E731
    twice = lambda s: minute(s).groupBy(F.window("ts", "5 minutes"), "k").count().groupBy(F.window(F.window_time("window"), "10 minutes")).agg(F.sum("count"))  # noqa: E731
    nested = lambda s: minute(s).groupBy(F.window("ts", "5 minutes"), "k").count().groupBy(F.window("window", "10 minutes")).agg(F.sum("count"), F.count("*"))  # noqa: E731
    for mode in ("append", "update", "complete"):
        yield Case(f"chain/window_of_window_time/{mode}", twice, mode, STEPS, live=mode == "append")
    yield Case("chain/window_of_window/append", nested, "append", STEPS)
    yield Case("chain/duplicates_then_window/append", lambda s: minute(s).dropDuplicates(["k", "ts"]).groupBy(F.window("ts", "5 minutes")).count(), "append", TWICE)
    yield Case("chain/duplicates_then_window/update", lambda s: minute(s).dropDuplicates(["k", "ts"]).groupBy(F.window("ts", "5 minutes")).count(), "update", TWICE)
    yield Case("chain/within_then_window/append", lambda s: minute(s).dropDuplicatesWithinWatermark(["k"]).groupBy(F.window("ts", "5 minutes")).count(), "append", TWICE)
    yield Case("chain/window_then_duplicates/append", lambda s: minute(s).groupBy(F.window("ts", "5 minutes"), "k").count().dropDuplicates(["window"]), "append", STEPS)
    yield Case("chain/group_of_group/complete", lambda s: s.stream().groupBy("k").count().groupBy("count").agg(F.count("*").alias("n")), "complete", STEPS[:3])
    yield Case("chain/group_of_group/update", lambda s: s.stream().groupBy("k").count().groupBy("count").agg(F.count("*").alias("n")), "update", STEPS[:3])
    yield Case("chain/session_then_window/append", lambda s: minute(s).groupBy(F.session_window("ts", "4 minutes"), "k").count()
               .groupBy(F.window(F.window_time("session_window"), "10 minutes")).agg(F.sum("count")), "append", STEPS)
    yield Case("chain/duplicates_twice/append", lambda s: minute(s).dropDuplicates(["k", "ts"]).dropDuplicates(["v", "ts"]), "append", TWICE)
    yield Case("chain/allowed_off/append", twice, "append", STEPS[:3], conf={"spark.sql.streaming.statefulOperator.allowMultiple": "false"})


def restarts():
    def cut(steps, *places):
        return [part for number, step in enumerate(steps) for part in ((["restart"] if number in places else []) + [step])]
    for live in (True, False):
        suffix = "live" if live else "at_once"
        for window in ("tumbling5", "sliding10by5", "session4"):
            for mode in ("append", "update"):
                if window == "session4" and mode == "update":
                    continue
                yield Case(f"restart/window/{window}/{mode}/{suffix}", windowed(window, "3 minutes", True), mode, cut(STEPS, 1, 3, 5), live=live)
        yield Case(f"restart/complete/{suffix}", lambda s: s.stream().groupBy("k").sum("v"), "complete", cut(STEPS[:4], 2), live=live)
        yield Case(f"restart/duplicates/{suffix}", lambda s: s.stream().withWatermark("ts", "5 minutes").dropDuplicates(["k", "ts"]), "append", cut(TWICE, 1, 2, 4), live=live)
        yield Case(f"restart/within/{suffix}", lambda s: s.stream().withWatermark("ts", "5 minutes").dropDuplicatesWithinWatermark(["k"]), "append", cut(TWICE, 2, 4), live=live)
        yield Case(f"restart/limit/{suffix}", lambda s: s.stream().limit(5), "append", cut(STEPS[:4], 1, 2), live=live)
    by_k = lambda s: s.stream().groupBy("k").agg(F.sum("v").alias("s"))  # noqa: E731
    steps = cut(STEPS[:3], 1)
    changed = {
        "other_key": lambda s: s.stream().groupBy("v").agg(F.sum("v").alias("s")),
        "more_keys": lambda s: s.stream().groupBy("k", "v").agg(F.sum("v").alias("s")),
        "other_function": lambda s: s.stream().groupBy("k").agg(F.avg("v").alias("s")),
        "more_functions": lambda s: s.stream().groupBy("k").agg(F.sum("v").alias("s"), F.max("v")),
        "other_name": lambda s: s.stream().groupBy("k").agg(F.sum("v").alias("total")),
        "filter_before": lambda s: s.stream().where("v > 4").groupBy("k").agg(F.sum("v").alias("s")),
        "filter_after": lambda s: s.stream().groupBy("k").agg(F.sum("v").alias("s")).where("s > 4"),
        "no_state": lambda s: s.stream().select("k", "v"),
        "duplicates_instead": lambda s: s.stream().dropDuplicates(["k"]),
    }
    for name, rebuild in changed.items():
        yield Case(f"restart/changed/{name}", by_k, "update", steps, rebuild=rebuild)


def cases():
    for part in (stateless, duplicates, limits, watermarks, chains, restarts):
        yield from part()
