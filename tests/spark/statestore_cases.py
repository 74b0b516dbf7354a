"""Stateful queries, and what is read of their checkpoints: run by record_statestore.py on Apache Spark and by connect/test_statestore.py here."""
import json
import os

from pyspark.sql import functions as F

SCHEMA = "k STRING, v BIGINT, t TIMESTAMP"
BATCHES = [
    [("a", 1, "2026-01-01T00:00:01Z"), ("b", 2, "2026-01-01T00:00:02Z"), ("a", 3, "2026-01-01T00:00:13Z"), (None, 4, "2026-01-01T00:00:14Z")],
    [("a", 5, "2026-01-01T00:00:21Z"), ("c", 6, "2026-01-01T00:00:22Z"), ("b", 2, "2026-01-01T00:00:33Z")],
    [("d", 7, "2026-01-01T00:00:34Z"), ("a", 8, "2026-01-01T00:00:35Z")],
]


def late(stream):
    return stream.withWatermark("t", "10 seconds")


QUERIES = {
    "count": ("update", lambda s: s.groupBy("k").agg(F.count("*").alias("n"), F.sum("v").alias("total"))),
    "minmax": ("complete", lambda s: s.groupBy("k").agg(F.min("v"), F.max("t"))),
    "window": ("append", lambda s: late(s).groupBy(F.window("t", "10 seconds"), "k").count()),
    "dedupe": ("append", lambda s: s.dropDuplicates(["k"])),
    "dedupe_two": ("append", lambda s: s.dropDuplicates(["v", "k"])),
    "within": ("append", lambda s: late(s).dropDuplicatesWithinWatermark(["k"])),
    "join": ("append", lambda s: late(s.selectExpr("k AS lk", "v AS lv", "t")).join(
        late(s.selectExpr("k AS rk", "v AS rv", "t")).withColumnRenamed("t", "u"), F.expr("lk = rk AND t BETWEEN u - INTERVAL 5 SECONDS AND u + INTERVAL 5 SECONDS"))),
    "chained": ("append", lambda s: late(s).dropDuplicates(["k", "t"]).groupBy(F.window("t", "10 seconds")).count()),
}

LATEST = {}
READS = {  # options beside the path
    "count": [LATEST, {"batchId": "0"}, {"batchId": "1", "operatorId": "0", "storeName": "default"},
              {"readChangeFeed": "true", "changeStartBatchId": "0"},
              {"readChangeFeed": "true", "changeStartBatchId": "1", "changeEndBatchId": "1"}],
    "minmax": [LATEST],
    "window": [LATEST, {"batchId": "0"}, {"readChangeFeed": "true", "changeStartBatchId": "0"}],
    "dedupe": [LATEST, {"batchId": "1"}],
    "dedupe_two": [LATEST],
    "within": [LATEST, {"batchId": "0"}],
    "join": [{"joinSide": "left"}, {"joinSide": "right"}, {"joinSide": "right", "batchId": "0"}],
    "chained": [LATEST, {"operatorId": "1"}],
}
ERRORS = [("count", options) for options in (
    {"batchId": "99"}, {"batchId": "-1"}, {"operatorId": "-1"}, {"operatorId": "7"}, {"storeName": ""}, {"storeName": "nope"}, {"joinSide": "up"},
    {"joinSide": "left"}, {"joinSide": "left", "storeName": "x"}, {"readChangeFeed": "true"}, {"readChangeFeed": "true", "changeStartBatchId": "-1"},
    {"readChangeFeed": "true", "changeStartBatchId": "2", "changeEndBatchId": "1"}, {"readChangeFeed": "true", "changeStartBatchId": "0", "batchId": "1"},
    {"readChangeFeed": "true", "changeStartBatchId": "0", "joinSide": "left"}, {"changeStartBatchId": "0"}, {"changeEndBatchId": "0"},
    {"snapshotStartBatchId": "0"}, {"snapshotPartitionId": "0"}, {"snapshotStartBatchId": "-1", "snapshotPartitionId": "0"},
    {"snapshotStartBatchId": "9", "snapshotPartitionId": "0"}, {"stateVarName": "x"}, {"batchId": "x"},
    {"readChangeFeed": "true", "changeStartBatchId": "0", "snapshotStartBatchId": "0"})]


def run(spark, name, root):
    """Runs the query over the batches, one file each; the checkpoint."""
    source, checkpoint = os.path.join(root, name, "in"), os.path.join(root, name, "checkpoint")
    os.makedirs(source)
    mode, query = QUERIES[name]
    for number, rows in enumerate(BATCHES):
        hidden = os.path.join(root, name, str(number))
        with open(hidden, "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"k": k, "v": v, "t": t}) + "\n" for k, v, t in rows)
        os.rename(hidden, os.path.join(source, f"{number}.json"))
        stream = spark.readStream.schema(SCHEMA).json(source)
        started = query(stream).writeStream.format("noop").outputMode(mode).option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
        started.awaitTermination()
    return checkpoint


def read(spark, checkpoint, options, what="statestore"):
    frame = spark.read.format(what).options(**options).load(checkpoint)
    schema = json.loads(frame.schema.json())
    try:
        rows = [json.loads(row[0]) for row in frame.select(F.to_json(F.struct("*"), {"ignoreNullFields": "false"})).collect()]
    except Exception as failure:
        if "ArrayIndexOutOfBoundsException" not in str(failure):
            raise
        rows = []  # Spark 4.2 cannot read all of what it has written
        schema = {"unreadable": True, **schema}
    return {"schema": schema, "rows": sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))}


def error(spark, checkpoint, options):
    try:
        read(spark, checkpoint, options)
    except Exception as failure:  # the client's exception types differ; what they say does not
        condition = getattr(failure, "getCondition", lambda: None)()
        return {"condition": condition, "message": str(failure).split("\n")[0].split(" SQLSTATE")[0]}
    return {}
