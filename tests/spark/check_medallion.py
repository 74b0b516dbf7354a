"""examples/medallion/pipeline.py as it is on Apache Spark with Delta Lake (without cloudFiles): the tables are those that are wanted of millstream.

Run with a Python that has pyspark and delta-spark; needs a JDK. `check_medallion.py [classic|connect]`
"""
import os
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [os.path.join(TOP, "examples", "medallion"), os.path.join(TOP, "tests", "spark")]
os.environ["PYTHONPATH"] = os.path.join(TOP, "examples", "medallion")

import make_raw  # noqa: E402
import medallion_expected  # noqa: E402
import pipeline  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402


def main(mode="classic"):
    directory = tempfile.mkdtemp(prefix="medallion-")
    os.chdir(directory)
    builder = SparkSession.builder
    for key, value in {"spark.jars.packages": "io.delta:delta-spark_4.2_2.13:4.4.0", "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
                       "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog", "spark.ui.enabled": "false",
                       "spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC", "spark.driver.memory": "1g",
                       "spark.sql.warehouse.dir": os.path.join(directory, "warehouse")}.items():
        builder = builder.config(key, value)
    spark = (builder.remote("local[2]") if mode == "connect" else builder.master("local[2]")).getOrCreate()
    make_raw.make(directory, orders=120)
    job = pipeline.Pipeline(spark, directory, cloud_files=False)
    failures = []
    for name, step, history in (("once", job.once, False), ("again", job.once, False), ("backfill", lambda: (job.backfill(), job.once()), True)):
        print(name, step(), flush=True)
        failures += [f"{name}: {line}" for line in medallion_expected.differences(medallion_expected.expected(directory, history),
                                                                                  medallion_expected.found(spark))]
    print("\n".join(failures) or "the tables are as computed")
    print(f"tests: {3 - len(failures)} passed, {len(failures)} failed", flush=True)
    os._exit(1 if failures else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
