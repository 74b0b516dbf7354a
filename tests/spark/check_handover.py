#!/usr/bin/env python3
"""One checkpoint, two engines in turn: Apache Spark and millstream go on where the other stopped, and nothing is lost or doubled.

    MILLSTREAM=build/debug/millstream check_handover.py        ends with "tests: N passed, N failed"; takes about a minute

Each pipeline is run seven times by changing hands, with new data before each run, in batches of one file; between some runs the newest entry of commits/ is
taken away, as a crash between sink and commit log leaves it. After each run the target must hold each row once, read by both engines.
Needs pyspark 4.2.0 with its Connect client, and delta-spark 4.4.0 (by Ivy), in the interpreter that runs it.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "connect"))

HANDS = ["spark", "ours", "spark", "ours", "ours", "spark", "ours"]
CRASHES = {1, 3, 5}  # after these runs the last batch looks as if it had not been committed


def file_source(spark, base):
    return spark.readStream.schema("id bigint, name string").option("maxFilesPerTrigger", 1).json(base + "/in")


def delta_source(spark, base):
    return spark.readStream.format("delta").option("maxFilesPerTrigger", 1).load(base + "/source")


PIPELINES = {
    "file to delta": (file_source, "delta"),
    "delta to delta": (delta_source, "delta"),
    "file to files": (file_source, "json"),
    "delta to files": (delta_source, "parquet"),
}


def run(spark, pipeline, base):
    """The query, in whatever engine `spark` is."""
    source, sink = PIPELINES[pipeline]
    frame = source(spark, base).where("id % 10 <> 9").selectExpr("id", "upper(name) AS name", "id % 3 AS p")
    query = (frame.writeStream.format(sink).partitionBy("p").option("checkpointLocation", base + "/checkpoint").trigger(availableNow=True)
             .start(base + "/target"))
    query.awaitTermination()


def read(spark, pipeline, base):
    frame = spark.read.format(PIPELINES[pipeline][1])
    if PIPELINES[pipeline][1] == "json":
        frame = frame.schema("id bigint, name string, p bigint")
    return sorted((row.id, row.name, int(row.p)) for row in frame.load(base + "/target").collect())


def in_our_server(action, pipeline, base):
    """A process of its own: an interpreter cannot be a client and hold a JVM."""
    done = subprocess.run([sys.executable, os.path.abspath(__file__), action, pipeline, base], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"millstream: {done.stdout[-1500:]}{done.stderr[-3000:]}")
    return [tuple(row) for row in json.loads(done.stdout.splitlines()[-1])] if action == "read" else None


def as_client(action, pipeline, base):
    from harness import Server

    server = Server()
    spark = server.session()
    try:
        if action == "run":
            run(spark, pipeline, base)
        else:
            print(json.dumps(read(spark, pipeline, base)), flush=True)
    finally:
        server.close()


def add_data(spark, pipeline, base, step, next_id):
    rows = [(next_id + i, f"n{next_id + i}") for i in range(9)]
    os.makedirs(base + "/in", exist_ok=True)
    for part in range(3):
        path = f"{base}/in/{step:02}_{part}.json"
        with open(path, "w") as file:
            file.writelines(json.dumps({"id": number, "name": name}) + "\n" for number, name in rows[part * 3:part * 3 + 3])
        os.utime(path, (1700000000 + step * 10 + part,) * 2)
    if PIPELINES[pipeline][0] is delta_source:
        spark.createDataFrame(rows, "id bigint, name string").repartition(3).write.format("delta").mode("append").save(base + "/source")
    return rows


def forget_commit(base):
    commits = base + "/checkpoint/commits"
    newest = max(int(name) for name in os.listdir(commits) if name.isdigit())
    for name in (str(newest), f".{newest}.crc"):
        if os.path.exists(f"{commits}/{name}"):
            os.remove(f"{commits}/{name}")


def check(spark, pipeline):
    base = tempfile.mkdtemp(prefix="millstream-handover-")
    expected, next_id = [], 0
    try:
        for step, hand in enumerate(HANDS):
            rows = add_data(spark, pipeline, base, step, next_id)
            next_id += len(rows)
            expected += [(number, name.upper(), number % 3) for number, name in rows if number % 10 != 9]
            run(spark, pipeline, base) if hand == "spark" else in_our_server("run", pipeline, base)
            for reader, found in (("spark", read(spark, pipeline, base)), ("ours", in_our_server("read", pipeline, base))):
                lost, doubled = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
                assert not lost and not doubled, f"after run {step} by {hand}, read by {reader}: lost {sorted(lost)[:5]}, too much {sorted(doubled)[:5]}"
            if step in CRASHES:
                forget_commit(base)
        shutil.rmtree(base)
    except Exception:
        print(f"left behind: {base}")
        raise


def main():
    import traceback

    from check_delta_interop import session

    os.environ.setdefault("MILLSTREAM", os.path.join(os.path.dirname(__file__), "../../build/release/millstream"))
    spark = session()
    spark.sparkContext.setLogLevel("OFF")
    spark.conf.set("spark.databricks.delta.snapshotPartitions", "1")
    passed = failed = 0
    for pipeline in PIPELINES:
        if len(sys.argv) > 1 and pipeline not in sys.argv[1:]:
            continue
        try:
            check(spark, pipeline)
            passed += 1
            print("ok  ", pipeline, flush=True)
        except Exception:
            failed += 1
            print("FAIL", pipeline)
            traceback.print_exc(file=sys.stdout)
    spark.stop()
    print(f"tests: {passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in ("run", "read"):
        as_client(*sys.argv[1:])
        os._exit(0)
    sys.exit(main())
