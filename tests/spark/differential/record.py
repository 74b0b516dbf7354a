"""Records what Apache Spark does with every case of the differential suite.

    TZ=UTC python tests/spark/differential/record.py tests/spark/data/streams.json [a prefix of names …]

Needs pyspark 4.2 and a JVM; takes some minutes. With prefixes, only those cases are recorded anew.
"""
import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from all_cases import all_cases  # noqa: E402
from suite import run_case  # noqa: E402

assert os.environ.get("TZ") == "UTC", "times are collected in the zone of the process: set TZ=UTC"
out = os.path.abspath(sys.argv[1])
prefixes = tuple(sys.argv[2:])
recorded = {}
if os.path.exists(out):
    with open(out) as data:
        recorded = json.load(data)

from pyspark.sql import SparkSession  # noqa: E402

work = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
spark = (SparkSession.builder.master("local[2]").appName("record").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
         .config("spark.sql.shuffle.partitions", "1").config("spark.sql.warehouse.dir", work + "/warehouse").config("spark.driver.memory", "2g")
         .config("spark.sql.streaming.stateStore.maintenanceInterval", "600s").config("spark.sql.codegen.wholeStage", "false")
         .config("spark.sql.codegen.factoryMode", "NO_CODEGEN").config("spark.sql.adaptive.enabled", "false").config("spark.ui.retainedJobs", "10")
         .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC").config("spark.sql.ui.retainedExecutions", "10")
         .config("spark.sql.streaming.checkpointFileManagerClass",
                 "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager").config("spark.local.dir", work + "/local").getOrCreate())
spark.sparkContext.setLogLevel("OFF")
cases = all_cases()
begin = time.monotonic()


def save():
    ordered = {name: recorded[name] for name in cases if name in recorded}
    with open(out, "w") as data:
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
    if number % 20 == 19:
        save()
    error = recorded[name].get("error")
    print(f"{time.monotonic() - started:5.1f} s  {name}  {len(recorded[name]['batches'])} batches  {error or ''}", flush=True)
save()
print(f"{len(recorded)} cases, {time.monotonic() - begin:.0f} s")
shutil.rmtree(work, ignore_errors=True)
