"""Records what Apache Spark with Delta does with every case of cases.py.

    TZ=UTC python tests/spark/constraints/record.py tests/spark/data/constraints.json

Needs pyspark 4.2, delta-spark 4.4 and a JVM; takes some minutes.
"""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import CASES, run_case  # noqa: E402

from pyspark.sql import SparkSession  # noqa: E402

out = os.path.abspath(sys.argv[1])
work = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
os.chdir(work)
spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
         .config("spark.jars.packages", "io.delta:delta-spark_4.2_2.13:4.4.0").config("spark.sql.shuffle.partitions", "1")
         .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension").config("spark.sql.warehouse.dir", work + "/warehouse")
         .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog").config("spark.sql.adaptive.enabled", "false")
         .config("spark.databricks.delta.snapshotPartitions", "1").config("spark.sql.codegen.wholeStage", "false")
         .config("spark.driver.extraJavaOptions", f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dderby.system.home={work}").getOrCreate())
spark.sparkContext.setLogLevel("OFF")
recorded = {}
prefixes = tuple(sys.argv[2:])
if prefixes:
    with open(out) as data:
        recorded = json.load(data)
for name in CASES:
    if prefixes and not name.startswith(prefixes):
        continue
    spark.sql("DROP TABLE IF EXISTS t")
    recorded[name] = result = run_case(spark, name)
    print(name, [one.get("error") or one["rows"] for one in result["results"]], flush=True)
    with open(out, "w") as data:
        data.write("{\n" + ",\n".join(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in recorded.items()) + "\n}\n")
shutil.rmtree(work, ignore_errors=True)
