"""Streams with state: job_state.py make DIRECTORY, or job_state.py ENGINE (yahoo | windows | join) DIRECTORY OUT.

make     writes the inputs (by millstream, the server of SPARK_REMOTE): ROWS rows in FILES files each.
yahoo    the Yahoo streaming benchmark: JSON ad events -> views only -> joined with the campaigns of the ads -> counted in windows of 10 seconds
windows  a count a key and hour, of a million keys
join     impressions and clicks that come at most ten minutes later, of all of them
Each reads one file a batch, is `append` into Delta with a watermark, and ends with rows that let everything before them go.
Prints one JSON object: rows in, seconds, and what the table holds (rows and a sum over hashes, computed by the engine).
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job_ingest import session  # noqa: E402

FILES = 5
ROWS = {"yahoo": 5_000_000, "windows": 10_000_000, "join": 5_000_000}  # of join on each side
KEYS = 1_000_000
EVENTS = "user_id STRING, page_id STRING, ad_id STRING, ad_type STRING, event_type STRING, event_time TIMESTAMP, ip_address STRING"
# One second of event time for so many rows.
PACE = {"yahoo": 10_000, "windows": 1_000, "join": 10_000}


def inputs(kind):
    """name -> list of SQL: the columns of a file of rows `id`."""
    at = f"timestamp_micros(1767225600000000 + id * {1_000_000 // PACE[kind]})"
    if kind == "yahoo":
        mixed = "abs(xxhash64(id))"
        return {"events": [f"concat('user-', lpad(string({mixed} % 100000), 30, '0')) user_id", f"concat('page-', lpad(string({mixed} % 97), 30, '0')) page_id",
                           f"concat('ad-', lpad(string({mixed} % 1000), 30, '0')) ad_id", "elt(int(id % 5) + 1, 'banner', 'modal', 'sponsored-search', 'mail', 'mobile') ad_type",
                           f"elt(int({mixed} % 3) + 1, 'view', 'click', 'purchase') event_type", f"{at} event_time", "'1.2.3.4' ip_address"]}
    if kind == "windows":
        return {"rows": [f"abs(xxhash64(id)) % {KEYS} key", f"{at} time"]}
    return {"impressions": ["id ad", f"{at} shown"],
            "clicks": ["id * 2 + id % 2 clicked", f"timestamp_micros(1767225600000000 + id * 2 * {1_000_000 // PACE[kind]} + (id % 1000) * 700000) happened"]}


def make(spark, directory):
    for kind, rows in ROWS.items():
        for name, columns in inputs(kind).items():
            count = rows if name != "clicks" else rows // 2
            step = count // FILES
            for file in range(FILES + 1):
                # The last file moves the watermark past all.
                first, last = (file * step, (file + 1) * step) if file < FILES else (count * 20, count * 20 + 1)
                made = spark.range(first, last, 1, 1).selectExpr(*columns)
                made.write.mode("append").format("json" if kind == "yahoo" else "parquet").save(f"{directory}/{kind}/{name}")
    spark.sql("SELECT concat('ad-', lpad(string(id), 30, '0')) c_ad_id, concat('campaign-', id % 100) campaign_id FROM range(1000)").write.parquet(directory + "/campaigns")


def read(spark, kind, name, directory):
    from pyspark.sql.types import StructType

    schema = StructType.fromDDL(EVENTS) if kind == "yahoo" else spark.read.parquet(f"{directory}/{kind}/{name}").schema
    return spark.readStream.format("json" if kind == "yahoo" else "parquet").schema(schema).option("maxFilesPerTrigger", 1).load(f"{directory}/{kind}/{name}")


def frame(spark, kind, directory):
    from pyspark.sql import functions as F

    if kind == "yahoo":
        events = read(spark, kind, "events", directory).where("event_type = 'view'").select("ad_id", "event_time")
        joined = events.join(spark.read.parquet(directory + "/campaigns"), F.col("ad_id") == F.col("c_ad_id")).withWatermark("event_time", "10 seconds")
        return joined.groupBy("campaign_id", F.window("event_time", "10 seconds")).count().select("campaign_id", F.col("window.start").alias("at"), "count")
    if kind == "windows":
        rows = read(spark, kind, "rows", directory).withWatermark("time", "0 seconds")
        return rows.groupBy("key", F.window("time", "1 hour")).count().select("key", F.col("window.start").alias("at"), "count")
    shown = read(spark, kind, "impressions", directory).withWatermark("shown", "0 seconds")
    clicks = read(spark, kind, "clicks", directory).withWatermark("happened", "0 seconds")
    return shown.join(clicks, F.expr("ad = clicked AND happened >= shown AND happened <= shown + interval 10 minutes"))


def main():
    engine, *rest = sys.argv[1:]
    spark = session("millstream" if engine == "make" else engine)
    if engine == "make":
        return make(spark, *rest)
    kind, directory, out = rest
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.sql("SELECT 1").collect()
    began = time.perf_counter()
    writer = frame(spark, kind, directory).writeStream.format("delta").outputMode("append").option("checkpointLocation", out + "/checkpoint")
    query = writer.trigger(availableNow=True).start(out + "/table")
    query.awaitTermination()
    seconds = time.perf_counter() - began
    table = spark.read.format("delta").load(out + "/table")
    digest = table.selectExpr("count(*)", f"sum(xxhash64({', '.join(table.columns)}) % 1000000007)").collect()[0]
    batches = [{"batch": p["batchId"], "ms": p["durationMs"].get("triggerExecution", 0)} for p in query.recentProgress]
    # Not numInputRows: Spark leaves out what its JSON reader has filtered.
    rows = ROWS[kind] * 3 // 2 if kind == "join" else ROWS[kind]
    print(json.dumps({"rows": rows, "seconds": seconds, "table": [int(value) for value in digest], "batches": batches}), flush=True)


if __name__ == "__main__":
    main()
