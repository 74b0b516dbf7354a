"""Streaming queries with trigger(continuous=…) and trigger(realTime=…): what runs, and what is refused how."""
import itertools
import tempfile
import time

CONTINUOUS, REAL_TIME = {"continuous": "1 second"}, {"realTime": "5 seconds"}
_numbers = itertools.count()


def _rate(spark):
    return spark.readStream.format("rate").option("rowsPerSecond", 5).load()


FRAMES = {
    "rate": _rate,
    "rate-micro-batch": lambda spark: spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 5).load(),
    "json": lambda spark: spark.readStream.schema("id long").json(tempfile.mkdtemp()),
    "aggregate": lambda spark: _rate(spark).groupBy("value").count(),
    "filter": lambda spark: _rate(spark).where("value % 2 = 0").selectExpr("value + 1 AS next"),
    "deduplicate": lambda spark: _rate(spark).dropDuplicates(["value"]),
    "limit": lambda spark: _rate(spark).limit(3),
    "watermark": lambda spark: _rate(spark).withWatermark("timestamp", "1 second"),
    "join": lambda spark: _rate(spark).join(spark.range(3).withColumnRenamed("id", "value"), "value"),
    "union": lambda spark: _rate(spark).union(_rate(spark)),
    "time": lambda spark: _rate(spark).selectExpr("current_timestamp() AS now"),
    "explode": lambda spark: _rate(spark).selectExpr("explode(array(value, value)) AS v"),
}

# (frame, sink, output mode, trigger)
CASES = [(frame, "noop", mode, trigger) for frame in FRAMES for mode, trigger in
         (("update" if frame == "aggregate" else "append", CONTINUOUS), ("update", REAL_TIME))]
CASES += [("rate", sink, mode, trigger) for sink in ("memory", "console", "json", "foreachBatch") for mode, trigger in (("append", CONTINUOUS), ("append", REAL_TIME))]
CASES += [("rate", "console", "update", REAL_TIME), ("rate", "noop", "complete", CONTINUOUS), ("rate", "noop", "update", CONTINUOUS),
          ("rate", "noop", "update", {"continuous": "-1 second"}), ("rate", "noop", "update", {"continuous": "0 seconds"}), ("rate", "noop", "update", {"realTime": "0 seconds"})]


def name_of(case):
    frame, sink, mode, trigger = case
    return f"{frame} -> {sink}, {mode}, {trigger}"


def answer(spark, case):
    """"runs", or the first line of what the user is told (by start() or by the query when it ends)."""
    frame, sink, mode, trigger = case
    writer = FRAMES[frame](spark).writeStream.outputMode(mode).option("checkpointLocation", tempfile.mkdtemp())
    writer = writer.foreachBatch(lambda batch, number: None) if sink == "foreachBatch" else writer.format(sink)
    if sink == "memory":
        writer = writer.queryName(f"query_{next(_numbers)}")
    try:
        query = writer.trigger(**trigger).start(*([tempfile.mkdtemp()] if sink == "json" else []))
        deadline = time.monotonic() + 1.5
        while query.isActive and time.monotonic() < deadline:
            time.sleep(0.05)
        if query.isActive:
            query.stop()
            return "runs"
        text = str(query.exception())
    except Exception as error:
        text = str(error)
    # Without the name that Spark Connect's client puts before it, the plan after it, and the SQLSTATE.
    text = text.strip().splitlines()[0].split(" SQLSTATE:")[0].split(";")[0].strip()
    return text.split("Exception) ")[-1]
