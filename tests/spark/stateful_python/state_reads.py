"""What is read of the state of transformWithState: run by this script on Apache Spark, and by connect/test_transform_state.py here.

    TZ=UTC PYSPARK_PYTHON=python python tests/spark/stateful_python/state_reads.py      writes tests/spark/data/transform_state.json; with pyspark 4.2 and a JDK 17
"""
import json
import os
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import statestore_cases as cases  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402


def keeping(ttl, timers):
    from pyspark.sql import Row
    from pyspark.sql.streaming import StatefulProcessor

    class Keeping(StatefulProcessor):
        def init(self, handle):
            self.handle = handle
            self.value = handle.getValueState("last", "v LONG, t TIMESTAMP", ttl)
            self.list = handle.getListState("all", "v LONG", ttl)
            self.map = handle.getMapState("of", "v LONG", "n INT, k STRING", ttl)
            self.empty = handle.getValueState("empty", "n INT")

        def handleInputRows(self, key, rows, timerValues):
            for one in rows:
                self.value.update((one.v, one.t))
                self.list.appendValue((one.v,))
                self.map.updateValue((one.v,), (len(key[0] or ""), key[0]))
                if timers:
                    self.handle.registerTimer(int(one.t.timestamp()) * 1000 + 5000)
            yield Row(k=key[0])

        def close(self):
            pass
    return Keeping()


QUERIES = {
    "plain": ("update", lambda s: s.groupBy("k").transformWithState(keeping(None, False), "k STRING", "update", "None")),
    "timed": ("update", lambda s: cases.late(s).groupBy("k").transformWithState(keeping(None, True), "k STRING", "update", "EventTime")),
    "living": ("update", lambda s: s.groupBy("k").transformWithState(keeping(36_000_000, False), "k STRING", "update", "ProcessingTime")),
}
VARIABLES = ("last", "all", "of", "empty")
READS = {name: [{"stateVarName": variable, **more} for variable in VARIABLES for more in ({}, {"flattenCollectionTypes": "false"}, {"batchId": "0"})] for name in QUERIES}
READS["timed"] += [{"readRegisteredTimers": "true"}, {"readRegisteredTimers": "true", "batchId": "0"}]
READS["plain"] += [{"stateVarName": variable, "readChangeFeed": "true", "changeStartBatchId": "0"} for variable in ("last", "of")]
ERRORS = [("plain", {}), ("plain", {"stateVarName": "nope"}), ("plain", {"stateVarName": ""}), ("plain", {"readRegisteredTimers": "true"}),
          ("timed", {"readRegisteredTimers": "true", "stateVarName": "last"}), ("plain", {"stateVarName": "last", "joinSide": "left"}),
          ("plain", {"stateVarName": "last", "operatorId": "1"}), ("plain", {"stateVarName": "last", "flattenCollectionTypes": "maybe"}),
          ("plain", {"stateVarName": "last", "storeName": "x"}), ("plain", {"stateVarName": "all", "readChangeFeed": "true", "changeStartBatchId": "0"})]


def run(spark, name, root):
    cases.QUERIES[name] = QUERIES[name]
    return cases.run(spark, name, root)


def read(spark, checkpoint, options, what="statestore"):
    frame = spark.read.format(what).options(**options).load(checkpoint)
    if "map_value" not in frame.columns:
        got = cases.read(spark, checkpoint, options, what)
    else:
        # Its keys are rows, which are no keys in JSON.
        values = frame.withColumn("map_value", F.map_values("map_value")).select(F.to_json(F.struct("*"), {"ignoreNullFields": "false"}))
        got = {"schema": json.loads(frame.schema.json()), "rows": [json.loads(row[0]) for row in values.collect()]}
    # When a value is over depends on when it was put.
    return json.loads(re.sub(r'("ttlExpirationMs": ?)\d{13}', r'\1"later"', json.dumps(got)))


def main():
    from pyspark.sql import SparkSession

    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
             .config("spark.sql.shuffle.partitions", "1").config("spark.sql.streaming.noDataMicroBatches.enabled", "false")
             .config("spark.sql.streaming.stateStore.providerClass", "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    answers = {"spark": spark.version, "reads": [], "metadata": {}, "errors": []}
    with tempfile.TemporaryDirectory() as root:
        checkpoints = {}
        for name in QUERIES:
            checkpoints[name] = run(spark, name, root)
            answers["metadata"][name] = read(spark, checkpoints[name], {}, "state-metadata")
            for options in READS[name]:
                try:
                    answers["reads"].append({"query": name, "options": options, **read(spark, checkpoints[name], options)})
                except Exception as failure:  # noqa: BLE001
                    print("not read:", name, options, str(failure)[:200])
        for name, options in ERRORS:
            failed = cases.error(spark, checkpoints[name], options)
            failed["message"] = failed.get("message", "").replace(str(root), "ROOT")
            answers["errors"].append({"query": name, "options": options, **failed})
    path = pathlib.Path(__file__).parent.parent / "data" / "transform_state.json"
    path.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    print(len(answers["reads"]), "reads,", len(answers["errors"]), "errors")


if __name__ == "__main__":
    main()
