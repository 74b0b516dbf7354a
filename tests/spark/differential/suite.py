"""What a case of the differential suite is, and how one is run: the same code on Apache Spark and on millstream.

A case reads files that are written one by one (each is one batch, maxFilesPerTrigger=1), and notes batch by batch what the query emits, where its
watermark stands and what each stateful operator counts; or which error the query is refused with.
"""
import datetime
import decimal
import json
import os
import re
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

EVENTS = "k STRING, v INT, ts TIMESTAMP"


@dataclass
class Case:
    name: str
    # (Sources) -> DataFrame
    build: Callable
    mode: str = "append"
    # What happens, in order: ("stream", [rows]) is a file, "restart" stops the query and starts it again on its checkpoint.
    steps: list = field(default_factory=list)
    # True: the query runs while files come. False: the files between two restarts are all there when it starts, and it runs until they are read.
    live: bool = False
    schemas: dict = field(default_factory=lambda: {"events": EVENTS})
    conf: dict = field(default_factory=dict)
    # After a restart, instead of `build`.
    rebuild: Optional[Callable] = None


class Sources:
    def __init__(self, spark, case, root):
        self.spark, self._case, self._root = spark, case, root

    def stream(self, name="events"):
        os.makedirs(self.directory(name), exist_ok=True)
        reader = self.spark.readStream.schema(self._case.schemas[name])
        if os.environ.get("SUITE_SOURCE") == "cloudFiles":
            return reader.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.maxFilesPerTrigger", 1).load(self.directory(name))
        return reader.option("maxFilesPerTrigger", 1).json(self.directory(name))

    def static(self, rows, schema):
        return self.spark.createDataFrame(rows, schema)

    def directory(self, name):
        return os.path.join(self._root, "in", name)


def plain(value):
    """As JSON has it, and the same from both sides."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return repr(value) if value != value or value in (float("inf"), float("-inf")) else float(f"{value:.9g}")
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S") + (f".{value.microsecond:06}" if value.microsecond else "")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if hasattr(value, "asDict"):
        return {name: plain(value[name]) for name in value.asDict()}
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return str(value)


def error_of(error):
    """{"class": …, "text": …}; of STREAM_FAILED also the class of its cause. Python's name where Spark has no class."""
    text = re.sub(r"^.*?terminated with exception: ", "", str(error), flags=re.S) if "[STREAM_FAILED]" in str(error) else str(error)
    said = {"text": text.split("\n")[0][:200]}
    for name in ("getCondition", "getErrorClass"):
        condition = getattr(error, name, None)
        condition = condition() if condition else None
        if condition:
            return {"class": condition, **said, **({"cause": cause_of(str(error))} if condition == "STREAM_FAILED" else {})}
    return {"class": None, "type": type(error).__name__, **said}


# What wraps the error of a plan that runs inside foreachBatch, in one process or in two.
WRAPPERS = ("STREAM_FAILED", "FOREACH_BATCH_USER_FUNCTION_ERROR", "PYTHON_EXCEPTION", "FOREACH_USER_FUNCTION_ERROR")


def cause_of(text):
    """The first error class in the message of STREAM_FAILED that says what was wrong."""
    return next((name for name in re.findall(r"\[([A-Z][A-Z0-9_]*_[A-Z0-9_.]+)\]", text) if name not in WRAPPERS), None)


def collector(directory):
    """The function of foreachBatch. Nothing of this module is named in it: over Connect it runs in a process that does not have it."""
    def note(frame, batch):
        import os
        import pickle
        rows = frame.collect()
        columns = frame.columns
        with open(os.path.join(directory, f"{batch}.tmp"), "wb") as out:
            pickle.dump((columns, [tuple(row) for row in rows]), out)
        os.replace(os.path.join(directory, f"{batch}.tmp"), os.path.join(directory, f"{batch}.rows"))
    return note


STATE = {"numRowsTotal": "total", "numRowsUpdated": "updated", "numRowsRemoved": "removed", "numRowsDroppedByWatermark": "dropped"}


def counted(operator):
    """What transformWithState counts of variables, timers and values that are over."""
    if not operator["operatorName"].startswith("transformWithState"):
        return {}
    return {"counted": {name: int(value) for name, value in operator["customMetrics"].items() if name.startswith("num") and int(value)}}


class Run:
    def __init__(self, spark, case, root):
        self.spark, self.case, self.root = spark, case, root
        self.out = os.path.join(root, "out")
        os.makedirs(self.out)
        self.sources = Sources(spark, case, root)
        self.batches = {}
        self.files = 0
        self.query = None
        # The file source sorts by time of change; all files of a case differ by seconds, and none is of the future.
        self.first_time = time.time() - 5000

    def start(self, build):
        frame = build(self.sources)
        writer = (frame.writeStream.outputMode(self.case.mode).foreachBatch(collector(self.out))
                  .option("checkpointLocation", os.path.join(self.root, "checkpoint")))
        self.query = (writer if self.case.live else writer.trigger(availableNow=True)).start()

    def add(self, source, rows):
        directory = self.sources.directory(source)
        os.makedirs(directory, exist_ok=True)
        # Sources do not see a name that begins with a point.
        unseen, path = (os.path.join(directory, f"{point}f{self.files:04}.json") for point in (".", ""))
        with open(unseen, "w") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        os.utime(unseen, (self.first_time + self.files, self.first_time + self.files))
        os.rename(unseen, path)
        self.files += 1

    def settle(self):
        if self.case.live:
            self.query.processAllAvailable()
        elif not self.query.awaitTermination(60):
            raise AssertionError("the query does not end")

    def note_progress(self):
        for progress in self.query.recentProgress:
            report = json.loads(progress.json) if hasattr(progress, "json") else dict(progress)
            if "addBatch" not in report.get("durationMs", {}):
                continue
            batch = {"input": report["numInputRows"]}
            if report.get("eventTime", {}).get("watermark"):
                batch["watermark"] = report["eventTime"]["watermark"]
            state = [{"op": one["operatorName"], **{short: one[name] for name, short in STATE.items()}, **counted(one)} for one in report["stateOperators"]]
            if state:
                batch["state"] = state
            self.batches[report["batchId"]] = batch

    def stop(self):
        self.note_progress()
        self.query.stop()

    def run(self):
        result, where, failed = {}, "start", None
        try:
            live = self.case.live
            if live:
                self.start(self.case.build)
            pending = False
            for step in self.case.steps + ([] if live else ["restart"]):
                if step == "restart":
                    if live:
                        self.stop()
                        where = "restart"
                        self.start(self.case.rebuild or self.case.build)
                        where = "run"
                        self.settle()
                    elif pending:
                        self.start(self.case.build if where == "start" else self.case.rebuild or self.case.build)
                        where = "run"
                        self.settle()
                        self.stop()
                        where, pending = "restart", False
                    continue
                source, rows = step
                self.add(source, rows)
                pending = True
                if live:
                    where = "run"
                    self.settle()
            if live:
                self.stop()
        except Exception as error:  # noqa: BLE001: whatever it is, it is compared
            failed = error
        if failed is not None:
            result["error"] = {"at": where, **error_of(failed)}
            if self.query is not None:
                try:
                    self.stop()
                except Exception:  # noqa: BLE001
                    pass
        result["batches"] = self.with_rows()
        return result

    def with_rows(self):
        import pickle
        batches = []
        for name in os.listdir(self.out):
            if name.endswith(".rows"):
                self.batches.setdefault(int(name[:-5]), {})
        for number, batch in sorted(self.batches.items()):
            path = os.path.join(self.out, f"{number}.rows")
            rows = None
            if os.path.exists(path):
                with open(path, "rb") as data:
                    columns, rows = pickle.load(data)
                rows = sorted(([plain(value) for value in row] for row in rows), key=json.dumps)
            batches.append({"batch": number, **batch, "rows": rows})
        return batches


def run_case(spark, case, root):
    os.makedirs(root)
    for key, value in case.conf.items():
        spark.conf.set(key, value)
    try:
        return Run(spark, case, root).run()
    finally:
        for key in case.conf:
            spark.conf.unset(key)
