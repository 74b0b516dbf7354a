"""Streaming queries whose progress and events are compared with Spark's, field for field."""
import json
import os
import re
import tempfile
import threading
import time

from pyspark.sql import functions as F
from pyspark.sql.streaming.listener import StreamingQueryListener

CONF = {"spark.sql.shuffle.partitions": "1", "spark.sql.session.timeZone": "UTC", "spark.sql.streaming.noDataProgressEventInterval": "300"}
EVENTS = "id long, at timestamp"


def json_files(*files):
    """A directory of JSON files, the oldest first; each argument holds the rows of one."""
    directory = tempfile.mkdtemp(prefix="progress-in-")
    for number, rows in enumerate(files):
        path = os.path.join(directory, f"{number}.json")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        os.utime(path, (1700000000 + number, 1700000000 + number))
    return directory


def events(spark, *files):
    directory = json_files(*([{"id": number, "at": f"2024-01-01T00:{minute:02}:00Z"} for number, minute in rows] for rows in files))
    return spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(directory)


def _files(spark):
    return events(spark, [(1, 0), (2, 1)], [(3, 2)])


def _delta(spark):
    directory = tempfile.mkdtemp(prefix="progress-delta-")
    for part in range(2):
        spark.range(part * 3, part * 3 + 3, 1, 1).write.format("delta").mode("append").save(directory)
    return spark.readStream.format("delta").option("maxFilesPerTrigger", 1).load(directory)


def _late(spark):
    return events(spark, [(1, 10), (1, 11)], [(2, 30)], [(3, 5), (4, 31)]).withWatermark("at", "5 minutes")


def _join(spark):
    left = events(spark, [(1, 10)], [(2, 30)]).withWatermark("at", "5 minutes")
    right = events(spark, [(1, 11)], [(2, 31)]).withWatermark("at", "5 minutes").withColumnsRenamed({"id": "id2", "at": "at2"})
    return left.join(right, F.expr("id = id2 AND at2 BETWEEN at AND at + INTERVAL 10 MINUTES"), "leftOuter")


FRAMES = {
    "rate-micro-batch": lambda spark: spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 5).option("startTimestamp", 0).option("numPartitions", 2).load(),
    "files": _files,
    "no files": lambda spark: spark.readStream.schema(EVENTS).json(json_files()),
    "text": lambda spark: spark.readStream.text(json_files([{"a": 1}])),
    "delta": _delta,
    "two sources": lambda spark: _files(spark).select("id").union(_delta(spark)),
    "aggregate": lambda spark: _late(spark).groupBy(F.window("at", "10 minutes")).count(),
    "aggregate without watermark": lambda spark: _files(spark).groupBy("id").count(),
    "deduplicate": lambda spark: _late(spark).dropDuplicatesWithinWatermark(["id"]),
    "deduplicate without watermark": lambda spark: _files(spark).dropDuplicates(["id"]),
    "join": _join,
    "limit": lambda spark: _files(spark).limit(2),
    "observed": lambda spark: _files(spark).observe("seen", F.count(F.lit(1)).alias("rows"), F.max("id").alias("last")),
    "failing": lambda spark: _files(spark).select(F.expr("if(id = 3, raise_error('a bad row'), id) AS id")),
}

# (frame, sink, output mode)
CASES = [(frame, "memory", "append") for frame in FRAMES if frame not in ("aggregate without watermark", "rate-micro-batch")]
CASES += [("rate-micro-batch", "noop", "append"), ("aggregate", "memory", "update"), ("aggregate without watermark", "memory", "complete"),
          ("aggregate without watermark", "noop", "update")]
CASES += [("files", sink, "append") for sink in ("noop", "console", "json", "delta", "table", "foreachBatch", "foreach")]


def name_of(case):
    return " -> ".join(case[:2]) + ", " + case[2]


# What no two runs have in common.
NUMBERS = {"inputRowsPerSecond", "processedRowsPerSecond", "batchDuration", "memoryUsedBytes", "allUpdatesTimeMs", "allRemovalsTimeMs", "commitTimeMs"}
TEXTS = {"id", "runId", "timestamp"}
# The maker's own: which provider keeps the state, and how it does.
OWN = {"customMetrics", "numShufflePartitions", "numStateStoreInstances"}


def plain(value, key="", parent=""):
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)  # offsets
        except ValueError:
            pass
    if isinstance(value, dict):
        if key == "durationMs":
            return sorted(value)
        return {name: plain(child, name, key) for name, child in value.items() if name not in OWN}
    if isinstance(value, list):
        return [plain(child, key, parent) for child in value]
    if key in NUMBERS or parent == "metrics":
        return "<number>" if value is not None else None
    if key in TEXTS or key == "reservoirId":
        return f"<{key}>" if value is not None else None
    if isinstance(value, str):
        value = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", value)
        value = re.sub(r"(file:)?/[^\s\]]*/progress_table_\d+", "<table>", value)
        value = re.sub(r"(file:)?/[^\s\]]*/progress-[a-z]+-[^/\s\]]*", "<path>", value)
        value = re.sub(r"^ForeachWriterTable\(.*", "ForeachWriterTable", value)
        return re.sub(r"@[0-9a-f]{5,}", "", value)  # of a Java object
    return value


class Recorder(StreamingQueryListener):
    def __init__(self):
        self.seen, self.terminated = [], threading.Event()

    def onQueryStarted(self, event):
        self.seen.append({"event": "started", "name": event.name, "id": bool(event.id), "runId": bool(event.runId), "timestamp": len(event.timestamp)})

    def onQueryProgress(self, event):
        self.seen.append({"event": "progress", "batchId": event.progress.batchId, "numInputRows": event.progress.numInputRows})

    def onQueryIdle(self, event):
        self.seen.append({"event": "idle", "id": bool(event.id), "runId": bool(event.runId), "timestamp": len(event.timestamp)})

    def onQueryTerminated(self, event):
        text = event.exception
        self.seen.append({"event": "terminated", "exception": text and first_line(text), "errorClassOnException": event.errorClassOnException})
        self.terminated.set()


def first_line(text):
    return plain(text.strip().splitlines()[0].split(" SQLSTATE:")[0])


def answer(spark, case, number=[0]):
    """The progress of every batch, the events and how the query ended."""
    frame, sink, mode = case
    number[0] += 1
    listener = Recorder()
    spark.streams.addListener(listener)
    writer = FRAMES[frame](spark).writeStream.outputMode(mode).option("checkpointLocation", tempfile.mkdtemp(prefix="progress-checkpoint-"))
    if sink == "foreachBatch":
        writer = writer.foreachBatch(lambda batch, number: batch.count())
    elif sink == "foreach":
        writer = writer.foreach(lambda row: None)
    elif sink != "table":
        writer = writer.format(sink)
    if sink == "memory":
        writer = writer.queryName(f"progress_{number[0]}")
    bounded = frame != "rate-micro-batch" and frame != "no files"
    if bounded:
        writer = writer.trigger(availableNow=True)
    try:
        if sink == "table":
            query = writer.toTable(f"progress_table_{number[0]}")
        else:
            query = writer.start(*([tempfile.mkdtemp(prefix="progress-out-")] if sink in ("json", "delta") else []))
        ended = None
        if bounded:
            try:
                query.awaitTermination(60)
            except Exception as error:
                ended = first_line(str(error))
        else:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and not any(event["event"] == ("idle" if frame == "no files" else "progress") for event in listener.seen):
                time.sleep(0.05)
            query.stop()
        listener.terminated.wait(20)
    finally:
        spark.streams.removeListener(listener)
    progress = [plain(json.loads(entry.json)) for entry in query.recentProgress]
    seen = listener.seen
    if not bounded:
        progress, seen = progress[:1], seen[:2] + seen[-1:]
    for event in seen:
        if event.get("name"):
            event["name"] = "<name>"
    for entry in progress:
        if entry.get("name"):
            entry["name"] = "<name>"
    status = query.status
    return {"progress": progress, "events": seen, "ended": ended, "status": plain(status) if bounded else None}
