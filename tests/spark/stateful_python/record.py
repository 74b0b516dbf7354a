"""Records what Apache Spark does with every case of stateful Python.

    TZ=UTC PYSPARK_PYTHON=python python tests/spark/stateful_python/record.py tests/spark/data/stateful_python.json [a prefix of names …]

Needs pyspark 4.2, pandas before 3 and a JVM; takes some minutes. With prefixes, only those cases are recorded anew.
"""
import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stateful_cases import all_cases  # noqa: E402
from suite import run_case  # noqa: E402

assert os.environ.get("TZ") == "UTC", "times are collected in the zone of the process: set TZ=UTC"
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
out = os.path.abspath(sys.argv[1])
prefixes = tuple(sys.argv[2:])
recorded = {}
if os.path.exists(out):
    with open(out, encoding="utf-8") as data:
        recorded = json.load(data)

from pyspark.sql import SparkSession  # noqa: E402

work = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
spark = (SparkSession.builder.master("local[2]").appName("record").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
         .config("spark.sql.shuffle.partitions", "1").config("spark.sql.warehouse.dir", work + "/warehouse").config("spark.driver.memory", "2g")
         .config("spark.sql.streaming.stateStore.providerClass", "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider")
         .config("spark.sql.streaming.stateStore.maintenanceInterval", "600s").config("spark.sql.adaptive.enabled", "false")
         .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
         .config("spark.sql.streaming.checkpointFileManagerClass",
                 "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager").config("spark.local.dir", work + "/local").getOrCreate())
spark.sparkContext.setLogLevel("OFF")
cases = all_cases()
begin = time.monotonic()


def save():
    ordered = {name: recorded[name] for name in cases if name in recorded}
    with open(out, "w", encoding="utf-8") as data:
        data.write("{\n" + ",\n".join(f"{json.dumps(name)}:{json.dumps(result, separators=(',', ':'), sort_keys=True)}" for name, result in ordered.items())
                   + "\n}\n")


for number, (name, case) in enumerate(cases.items()):
    if prefixes and not name.startswith(prefixes) or not prefixes and name in recorded:
        continue
    started = time.monotonic()
    recorded[name] = run_case(spark, case, f"{work}/{number}")
    for query in spark.streams.active:
        query.stop()
    shutil.rmtree(f"{work}/{number}", ignore_errors=True)
    save()
    error = recorded[name].get("error")
    print(f"{time.monotonic() - started:5.1f} s  {name}  {len(recorded[name]['batches'])} batches  {error or ''}", flush=True)
save()
print(f"{len(recorded)} cases, {time.monotonic() - begin:.0f} s")
shutil.rmtree(work, ignore_errors=True)
