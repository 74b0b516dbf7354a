"""What a commit of state costs: job_commit.py ENGINE OUT. ENGINE: millstream (server of SPARK_REMOTE) or spark.

A count a key (update mode, into noop) is given KEYS keys in its first batch, then batches that change 1, 100, 10,000 and 100,000 of them, three times each.
Prints one JSON object: for each number of changed keys the fastest commitTimeMs and what the state on disk grew by, in bytes, at its smallest.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job_ingest import session  # noqa: E402

KEYS = 1_000_000
CHANGED = [1, 100, 10_000, 100_000]
TIMES = 3


def size_below(directory):
    return sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(directory) for name in names)


def main():
    engine, out = sys.argv[1:3]
    spark = session(engine)
    if engine == "spark":
        spark.conf.set("spark.sql.shuffle.partitions", "2")
    source = out + "/source"
    spark.range(KEYS).selectExpr("id AS key").write.parquet(source)
    frame = spark.readStream.schema("key BIGINT").parquet(source).groupBy("key").count()
    query = frame.writeStream.format("noop").outputMode("update").option("checkpointLocation", out + "/checkpoint").start()
    query.processAllAvailable()
    found = {}
    for changed in CHANGED:
        costs = []
        for time in range(TIMES):
            before = size_below(out + "/checkpoint/state")
            spark.range(0, changed, 1, 1).selectExpr(f"(id * 7919 + {time}) % {KEYS} AS key").write.mode("append").parquet(source)
            query.processAllAvailable()
            operator = query.lastProgress["stateOperators"][0]
            assert operator["numRowsTotal"] == KEYS and operator["numRowsUpdated"] == changed, operator
            costs.append((operator["commitTimeMs"], size_below(out + "/checkpoint/state") - before))
        found[changed] = {"ms": min(ms for ms, _ in costs), "bytes": min(size for _, size in costs)}
    query.stop()
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
