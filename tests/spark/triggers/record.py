#!/usr/bin/env python3
"""Asks PySpark 4.2 for its answer to each case of cases.py: record.py, which writes ../data/triggers.json."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import CASES, answer, name_of  # noqa: E402

from pyspark.sql import SparkSession  # noqa: E402

spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "OFF").getOrCreate()
answers = {name_of(case): answer(spark, case) for case in CASES}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "triggers.json"), "w", encoding="utf-8") as file:
    json.dump(answers, file, indent=1)
    file.write("\n")
spark.stop()
