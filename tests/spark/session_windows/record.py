#!/usr/bin/env python3
"""Asks PySpark 4.2 for its answers to cases.py: record.py, which writes ../data/session_windows.json."""
import json
import os
import sys

os.environ["TZ"] = "UTC"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import answers  # noqa: E402

from pyspark.sql import SparkSession  # noqa: E402

spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "OFF")
         .config("spark.sql.session.timeZone", "UTC").getOrCreate())
given = answers(spark)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "session_windows.json"), "w", encoding="utf-8") as file:
    json.dump(given, file, indent=1)
    file.write("\n")
spark.stop()
