"""Queries that wait, and one that comes back: job_idle.py ENGINE (idle | restart) OUT. ENGINE: millstream (server of SPARK_REMOTE) or spark.

idle     50 queries from a Delta table each into a Delta table, with the default trigger and nothing new; says when they have settled, and holds them until
         its input ends: whoever started this measures the server meanwhile.
restart  rate-micro-batch into noop until 10,000 batches stand in the checkpoint; then how long from start() to the first new batch.
Prints one JSON object a line.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job_ingest import session  # noqa: E402

QUERIES = 50
BATCHES = {"millstream": 10_000, "spark": 100}  # Spark takes 100 ms for each


def idle(spark, _, out):
    queries = []
    for i in range(QUERIES):
        spark.range(i).write.format("delta").save(f"{out}/source-{i}")
        frame = spark.readStream.format("delta").load(f"{out}/source-{i}")
        queries.append(frame.writeStream.format("delta").option("checkpointLocation", f"{out}/checkpoint-{i}").start(f"{out}/target-{i}"))
    for i, query in enumerate(queries):
        query.processAllAvailable()
        assert spark.read.format("delta").load(f"{out}/target-{i}").count() == i
    print(json.dumps({"queries": len(queries)}), flush=True)
    sys.stdin.read()
    for query in queries:
        query.stop()


def restart(spark, engine, out):
    def start():
        frame = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
        return frame.writeStream.format("noop").option("checkpointLocation", out + "/checkpoint").start()

    def last(query):
        return -1 if query.lastProgress is None else query.lastProgress["batchId"]

    query = start()
    while last(query) < BATCHES[engine]:
        time.sleep(0.05)
    query.stop()
    past = last(query)
    began = time.perf_counter()
    query = start()
    while last(query) <= past:
        time.sleep(0.005)
    print(json.dumps({"batches": past, "seconds": time.perf_counter() - began, "kept": len(os.listdir(out + "/checkpoint/offsets"))}), flush=True)
    query.stop()


def main():
    engine, job, out = sys.argv[1:4]
    spark = session(engine)
    if engine == "spark":
        spark.conf.set("spark.databricks.delta.snapshotPartitions", "2")
    spark.sql("SELECT 1").collect()
    {"idle": idle, "restart": restart}[job](spark, engine, out)


if __name__ == "__main__":
    main()
