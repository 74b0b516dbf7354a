"""Streams of small batches: job_streams.py ENGINE (hop | rate) OUT. ENGINE: millstream (server of SPARK_REMOTE) or spark.

hop   a Delta table of COMMITS commits of one row, read one commit a batch into another Delta table: what a durable hop costs.
rate  rate-micro-batch into noop, as fast as it goes: what a batch costs that does nothing.
Prints one JSON object: batches, seconds, and durationMs of the batches that are still known.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job_ingest import session  # noqa: E402

COMMITS = {"millstream": 100, "spark": 20}  # Spark takes a second for each
RATE_SECONDS = 5


def hop(spark, engine, out):
    commits = COMMITS[engine]
    spark.range(0, 1, 1, 1).write.format("delta").save(out + "/source")
    for i in range(1, commits):
        spark.range(i, i + 1, 1, 1).write.format("delta").mode("append").save(out + "/source")

    def run():
        frame = spark.readStream.format("delta").option("startingVersion", 0).option("maxFilesPerTrigger", 1).load(out + "/source")
        query = frame.writeStream.format("delta").option("checkpointLocation", out + "/checkpoint").trigger(availableNow=True).start(out + "/target")
        query.awaitTermination()
        return query

    began = time.perf_counter()
    query = run()
    seconds = time.perf_counter() - began
    assert spark.read.format("delta").load(out + "/target").count() == commits
    return commits, seconds, query


def rate(spark, _, out):
    frame = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 100).load()
    query = frame.writeStream.format("noop").option("checkpointLocation", out + "/checkpoint").start()
    while query.lastProgress is None:
        time.sleep(0.05)
    first, began = query.lastProgress["batchId"], time.perf_counter()
    time.sleep(RATE_SECONDS)
    last, seconds = query.lastProgress["batchId"], time.perf_counter() - began
    query.stop()
    return last - first, seconds, query


def main():
    engine, job, out = sys.argv[1:4]
    spark = session(engine)
    if engine == "spark":
        spark.conf.set("spark.databricks.delta.snapshotPartitions", "2")  # 50 by default, for tables of another size
    spark.sql("SELECT 1").collect()
    batches, seconds, query = {"hop": hop, "rate": rate}[job](spark, engine, out)
    durations = [dict(progress["durationMs"]) for progress in query.recentProgress]
    print(json.dumps({"batches": batches, "seconds": seconds, "durations": durations}), flush=True)


if __name__ == "__main__":
    main()
