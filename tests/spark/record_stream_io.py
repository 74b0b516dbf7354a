#!/usr/bin/env python3
"""Asks Apache Spark (pyspark 4.2 with delta-spark 4.4) what its file and Delta sources and sinks leave behind, and when they refuse.

    python tests/spark/record_stream_io.py        # writes tests/spark/data/stream_io

  handover/        checkpoints and tables of a file -> Delta and a Delta -> Delta query, stopped between batches: unit tests take them over.
                   All of it lies in /tmp/millstream_handover while Spark writes it; tests put their own directory in that place.
  file_sink/       what a partitioned JSON sink leaves: data and _spark_metadata
  text/            df.write.json, csv and text of one row of each type
  answers.json     options and tables that a Delta or file stream refuses: condition and message; offsets and rows of the others
"""
import json
import os
import pathlib
import shutil
import time

from pyspark.sql import SparkSession

OUT = pathlib.Path(__file__).parent / "data" / "stream_io"
ROOT = "/tmp/millstream_handover"
answers = {}

spark = (SparkSession.builder.master("local[1]").config("spark.jars.packages", "io.delta:delta-spark_4.2_2.13:4.4.0")
         .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
         .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
         .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1")
         .config("spark.databricks.delta.snapshotPartitions", "1")
         .config("spark.ui.enabled", "false").getOrCreate())
spark.sparkContext.setLogLevel("OFF")
shutil.rmtree(ROOT, ignore_errors=True)
shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(ROOT + "/in")
os.makedirs(OUT)


def run(frame, target, checkpoint, **options):
    query = (frame.writeStream.format("delta").options(**options).option("checkpointLocation", f"{ROOT}/{checkpoint}")
             .trigger(availableNow=True).start(f"{ROOT}/{target}"))
    query.awaitTermination()


def refused(name, action):
    try:
        answers[name] = {"result": action()}
    except Exception as error:
        cause = error
        text = str(error).split("\n\nJVM stacktrace")[0].split("=== Streaming Query ===")[0]
        answers[name] = {"class": type(cause).__name__, "condition": getattr(cause, "getCondition", lambda: None)(), "message": text[:1500]}
    print(name, answers[name], flush=True)


def stream_rows(**options):
    def action():
        path = options.pop("table")
        noop = f"{ROOT}/cp_{time.time_ns()}"
        query = (spark.readStream.format("delta").options(**options).load(f"{ROOT}/{path}").writeStream.format("memory")
                 .queryName(f"q{time.time_ns()}").option("checkpointLocation", noop).trigger(availableNow=True).start())
        query.awaitTermination()
        rows = sorted(json.dumps(row.asDict(), default=str) for row in spark.table(query.name).collect())
        batches = sorted(int(n) for n in os.listdir(noop + "/offsets") if n.isdigit())
        ends = [open(f"{noop}/offsets/{n}").read().split("\n")[2] for n in batches]
        return {"rows": rows, "offsets": ends}
    return action


# 1. file -> Delta, eleven batches, so that sources/0 has a compacted entry.
for i in range(11):
    with open(f"{ROOT}/in/{i:02}.json", "w") as f:
        f.write('{"id": %d, "name": "n%d"}\n' % (i, i))
    os.utime(f"{ROOT}/in/{i:02}.json", (1700000000 + i, 1700000000 + i))
files = spark.readStream.schema("id bigint, name string").option("maxFilesPerTrigger", 1).json(ROOT + "/in")
run(files, "bronze", "cp_files")

# 2. Delta -> Delta: stopped in the middle of the initial snapshot's files, and later in the middle of the log.
for i in range(3):
    spark.range(i * 10, i * 10 + 10, 1, 2).write.format("delta").mode("append").save(ROOT + "/source")
changes = spark.readStream.format("delta").option("maxFilesPerTrigger", 2).load(ROOT + "/source")
run(changes, "copy", "cp_delta")
shutil.copytree(f"{ROOT}/cp_delta", f"{ROOT}/cp_delta_snapshot", ignore=shutil.ignore_patterns("*.crc"))
shutil.copytree(f"{ROOT}/copy", f"{ROOT}/copy_snapshot", ignore=shutil.ignore_patterns("*.crc"))
spark.range(100, 130, 1, 3).write.format("delta").mode("append").save(ROOT + "/source")
spark.range(200, 210, 1, 1).write.format("delta").mode("append").save(ROOT + "/source")
run(changes, "copy", "cp_delta")
shutil.copytree(ROOT, OUT / "handover", ignore=shutil.ignore_patterns("*.crc", "_staged_commits"))

# 3. What a file sink leaves.
query = (files.withColumnRenamed("name", "p").selectExpr("id", "id % 2 AS p").writeStream.format("json").partitionBy("p")
         .option("checkpointLocation", ROOT + "/cp_sink").trigger(availableNow=True).start(ROOT + "/sink"))
query.awaitTermination()
shutil.copytree(ROOT + "/sink", OUT / "file_sink", ignore=shutil.ignore_patterns("*.crc"))

# 4. Values as text.
types = """SELECT CAST(1 AS TINYINT) t, CAST(2 AS SMALLINT) s, 3 i, 4L l, CAST(1.5 AS FLOAT) f, CAST(1e20 AS DOUBLE) d, CAST(0.1 AS DOUBLE) d2, CAST('NaN' AS DOUBLE) nan,
 CAST(12.30 AS DECIMAL(10,2)) n, true b, 'a "q", \\\\ \n é' str, DATE'2026-01-02' dt, TIMESTAMP'2026-01-02 03:04:05.678901' ts, TIMESTAMP_NTZ'2026-01-02 03:04:05.6' ntz,
 CAST(null AS STRING) nul, '' empty"""
spark.sql(types).coalesce(1).write.json(ROOT + "/text_json")
spark.sql(types).coalesce(1).write.option("header", True).csv(ROOT + "/text_csv")
spark.sql("SELECT ' lead' a, 'x,y' b, 'tab\t' c, '#h' d, array(1,2) e").select("a", "b", "c", "d").coalesce(1).write.csv(ROOT + "/text_csv2")
spark.sql("SELECT array(1,null) a, map('k', 1, 'z', null) m, named_struct('x', 1, 'y', CAST(null AS INT)) st, X'00FF41' bin, array(named_struct('q', TIMESTAMP'2026-01-02 03:04:05')) arr, struct() e0").drop("e0").coalesce(1).write.json(ROOT + "/nested_json")
spark.sql("SELECT col FROM VALUES ('one'), ('two'), (null) AS (col)").coalesce(1).write.text(ROOT + "/text_text")
for name in ("text_json", "text_csv", "text_csv2", "nested_json", "text_text"):
    (OUT / "text").mkdir(exist_ok=True)
    parts = [n for n in os.listdir(f"{ROOT}/{name}") if n.startswith("part-")]
    answers["names of " + name] = sorted(os.listdir(f"{ROOT}/{name}"))
    shutil.copy(f"{ROOT}/{name}/{parts[0]}", OUT / "text" / (name + ".txt"))

# 5. Refusals, and what options do.
spark.range(0, 5, 1, 1).write.format("delta").save(ROOT + "/dml")
spark.range(5, 10, 1, 1).write.format("delta").mode("append").save(ROOT + "/dml")
spark.sql(f"DELETE FROM delta.`{ROOT}/dml` WHERE id = 7")
spark.range(10, 12, 1, 1).write.format("delta").mode("append").save(ROOT + "/dml")
spark.sql(f"DELETE FROM delta.`{ROOT}/dml` WHERE id < 5")
for name, options in {
    "snapshot": {}, "startingVersion 0": {"startingVersion": 0}, "startingVersion 1": {"startingVersion": 1}, "startingVersion 3": {"startingVersion": 3},
    "startingVersion 5": {"startingVersion": 5}, "startingVersion 6": {"startingVersion": 6}, "startingVersion latest": {"startingVersion": "latest"},
    "startingVersion x": {"startingVersion": "x"}, "startingVersion -1": {"startingVersion": -1},
    "both": {"startingVersion": 1, "startingTimestamp": "2020-01-01"}, "timestamp past": {"startingTimestamp": "2020-01-01"},
    "timestamp future": {"startingTimestamp": "2090-01-01"}, "timestamp bad": {"startingTimestamp": "soon"},
    "ignoreDeletes": {"startingVersion": 0, "ignoreDeletes": True}, "ignoreChanges": {"startingVersion": 0, "ignoreChanges": True},
    "ignoreDeletes 4": {"startingVersion": 4, "ignoreDeletes": True}, "starting 4": {"startingVersion": 4},
    "skipChangeCommits": {"startingVersion": 0, "skipChangeCommits": True}, "excludeRegex": {"excludeRegex": "part-0"},
    "excludeRegex bad": {"excludeRegex": "("}, "maxFiles 1": {"maxFilesPerTrigger": 1}, "maxFiles 0": {"maxFilesPerTrigger": 0},
    "maxFiles x": {"maxFilesPerTrigger": "x"}, "maxBytes 1": {"maxBytesPerTrigger": "1b"}, "maxBytes 0": {"maxBytesPerTrigger": 0},
    "both max": {"maxBytesPerTrigger": "1b", "maxFilesPerTrigger": 5}, "cdf off": {"readChangeFeed": True}, "versionAsOf": {"versionAsOf": 1},
    "unknown option": {"nonsense": 1}, "maxFiles from 0": {"startingVersion": 0, "skipChangeCommits": True, "maxFilesPerTrigger": 1},
}.items():
    refused("dml: " + name, stream_rows(table="dml", **options))

spark.range(0, 5, 1, 1).write.format("delta").option("delta.enableChangeDataFeed", True).save(ROOT + "/cdf")
spark.sql(f"DELETE FROM delta.`{ROOT}/cdf` WHERE id = 3")
spark.sql(f"UPDATE delta.`{ROOT}/cdf` SET id = 40 WHERE id = 4")
spark.range(10, 12, 1, 1).write.format("delta").mode("append").save(ROOT + "/cdf")
for name, options in {"snapshot": {}, "from 0": {"startingVersion": 0}, "from 1": {"startingVersion": 1}, "latest": {"startingVersion": "latest"},
                      "max 1": {"maxFilesPerTrigger": 1}, "max 1 from 0": {"startingVersion": 0, "maxFilesPerTrigger": 1}}.items():
    refused("cdf: " + name, stream_rows(table="cdf", readChangeFeed=True, **options))
shutil.copytree(ROOT + "/cdf", OUT / "cdf", ignore=shutil.ignore_patterns("*.crc", "_staged_commits"))

# A schema that changes under a running stream, and another table in the place of the first.
spark.range(0, 5, 1, 1).write.format("delta").save(ROOT + "/evolving")


def evolving(change, name):
    def action():
        query = (spark.readStream.format("delta").load(ROOT + "/evolving").writeStream.format("noop")
                 .option("checkpointLocation", f"{ROOT}/cp_evolving_{name}").start())
        query.processAllAvailable()
        change()
        try:
            query.processAllAvailable()
            return [open(f"{ROOT}/cp_evolving_{name}/offsets/{n}").read().split("\n")[2] for n in sorted(os.listdir(f"{ROOT}/cp_evolving_{name}/offsets")) if n.isdigit()]
        finally:
            query.stop()
    return action


refused("schema: column added", evolving(lambda: spark.range(5, 6).selectExpr("id", "1 AS extra").write.format("delta").mode("append").option("mergeSchema", True).save(ROOT + "/evolving"), "added"))
refused("schema: property set", evolving(lambda: spark.sql(f"ALTER TABLE delta.`{ROOT}/evolving` SET TBLPROPERTIES ('a.b' = 'c')"), "property"))
refused("schema: overwritten", evolving(lambda: spark.range(1).selectExpr("cast(id as string) id").write.format("delta").mode("overwrite").option("overwriteSchema", True).save(ROOT + "/evolving"), "over"))


def other_table():
    frame = spark.readStream.format("delta").load(ROOT + "/dml")
    checkpoint = ROOT + "/cp_other"
    query = frame.writeStream.format("noop").option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()
    spark.range(0, 5, 1, 1).write.format("delta").save(ROOT + "/dml2")
    query = (spark.readStream.format("delta").load(ROOT + "/dml2").writeStream.format("noop").option("checkpointLocation", checkpoint)
             .trigger(availableNow=True).start())
    query.awaitTermination()


refused("another table", other_table)
refused("no table", lambda: spark.readStream.format("delta").load(ROOT + "/nothing").isStreaming)
refused("delta with schema", lambda: spark.readStream.format("delta").schema("id string").load(ROOT + "/dml").isStreaming)


def file_stream(fmt, path, schema=None, **options):
    def action():
        reader = spark.readStream.format(fmt).options(**options)
        if schema:
            reader = reader.schema(schema)
        frame = reader.load(path)
        checkpoint = f"{ROOT}/cp_{time.time_ns()}"
        query = frame.writeStream.format("memory").queryName(f"q{time.time_ns()}").option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
        query.awaitTermination()
        rows = [json.dumps(row.asDict(), default=str) for row in spark.table(query.name).collect()]
        batches = sorted(int(n) for n in os.listdir(checkpoint + "/offsets") if n.isdigit())
        progress = query.lastProgress
        return {"schema": frame.schema.simpleString(), "rows": rows, "batches": len(batches), "source": progress.sources[0].description if progress else None}
    return action


for name, args, options in [
    ("no schema", ("json", ROOT + "/in"), {}), ("text", ("text", ROOT + "/in"), {}), ("text wholetext", ("text", ROOT + "/in"), {"wholetext": True}),
    ("latestFirst", ("json", ROOT + "/in", "id bigint"), {"latestFirst": True, "maxFilesPerTrigger": 4}),
    ("missing path", ("json", ROOT + "/nothing", "id bigint"), {}), ("glob", ("json", ROOT + "/in/0*.json", "id bigint"), {}),
    ("maxFileAge", ("json", ROOT + "/in", "id bigint"), {"maxFileAge": "5s"}), ("maxFileAge ms", ("json", ROOT + "/in", "id bigint"), {"maxFileAge": "2500ms"}),
    ("both limits", ("json", ROOT + "/in", "id bigint"), {"maxFilesPerTrigger": 1, "maxBytesPerTrigger": 10}),
    ("bytes", ("json", ROOT + "/in", "id bigint"), {"maxBytesPerTrigger": 50}),
    ("maxFiles 0", ("json", ROOT + "/in", "id bigint"), {"maxFilesPerTrigger": 0}), ("maxFiles x", ("json", ROOT + "/in", "id bigint"), {"maxFilesPerTrigger": "x"}),
    ("cleanSource x", ("json", ROOT + "/in", "id bigint"), {"cleanSource": "x"}), ("archive without dir", ("json", ROOT + "/in", "id bigint"), {"cleanSource": "archive"}),
    ("archive inside", ("json", ROOT + "/in", "id bigint"), {"cleanSource": "archive", "sourceArchiveDir": ROOT + "/in"}),
    ("modifiedAfter", ("json", ROOT + "/in", "id bigint"), {"modifiedAfter": "2020-01-01T00:00:00"}),
    ("pathGlobFilter", ("json", ROOT + "/in", "id bigint"), {"pathGlobFilter": "*1.json"}),
    ("reads a sink", ("json", ROOT + "/sink", "id bigint, p int"), {}), ("partitions", ("json", ROOT + "/sink", "id bigint, p int"), {"maxFilesPerTrigger": 3}),
    ("socket without host", ("socket", None), {}), ("socket without port", ("socket", None), {"host": "localhost"}),
    ("socket bad timestamp", ("socket", None), {"host": "localhost", "port": 1, "includeTimestamp": "x"}),
    ("rate-micro-batch", ("rate-micro-batch", None), {}), ("rate-micro-batch 0", ("rate-micro-batch", None), {"rowsPerBatch": 0}),
    ("rate-micro-batch start", ("rate-micro-batch", None), {"rowsPerBatch": 2, "startTimestamp": -1}),
    ("rate-micro-batch advance", ("rate-micro-batch", None), {"rowsPerBatch": 2, "advanceMillisPerBatch": -1}),
    ("rate-micro-batch ok", ("rate-micro-batch", None), {"rowsPerBatch": 3, "startTimestamp": 5, "numPartitions": 1}),
]:
    refused("file: " + name, file_stream(*args, **options))


def sink(fmt, mode, frame=None, **options):
    def action():
        query = ((files if frame is None else frame).writeStream.format(fmt).outputMode(mode).options(**options)
                 .option("checkpointLocation", f"{ROOT}/cp_{time.time_ns()}").trigger(availableNow=True).start(f"{ROOT}/sink_{time.time_ns()}"))
        query.awaitTermination()
        return query.lastProgress.sink.description if query.lastProgress else None
    return action


for name, args, options in [
    ("json complete", ("json", "complete", files.groupBy("name").count()), {}), ("json update", ("json", "update"), {}), ("text two columns", ("text", "append"), {}),
    ("csv ok", ("csv", "append"), {}), ("parquet ok", ("parquet", "append"), {}), ("text ok", ("text", "append", files.select("name")), {}),
    ("csv nested", ("csv", "append", files.selectExpr("array(id) a")), {}), ("text long", ("text", "append", files.select("id")), {}),
    ("delta update", ("delta", "update"), {}), ("delta complete", ("delta", "complete", files.groupBy("name").count()), {}),
]:
    refused("sink: " + name, sink(*args, **options))

(OUT / "answers.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
spark.stop()
shutil.rmtree(ROOT)
