#!/usr/bin/env python3
"""Asks PySpark 4.2 (with delta-spark 4.4) for the progress and events of each case of cases.py: record.py, which writes ../data/progress.json."""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import CASES, CONF, answer, name_of  # noqa: E402

from pyspark.sql import SparkSession  # noqa: E402

builder = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "OFF")
           .config("spark.sql.warehouse.dir", tempfile.mkdtemp(prefix="progress-warehouse-"))
           .config("spark.jars.packages", "io.delta:delta-spark_4.2_2.13:4.4.0")
           .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
           .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
           .config("spark.databricks.delta.snapshotPartitions", "1").config("spark.sql.sources.default", "delta"))
for key, value in CONF.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
answers = {}
for case in CASES:
    answers[name_of(case)] = answer(spark, case)
    print(name_of(case), flush=True)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "progress.json"), "w", encoding="utf-8") as file:
    json.dump(answers, file, indent=1)
    file.write("\n")
spark.stop()
