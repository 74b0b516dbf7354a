#!/usr/bin/env python3
"""Asks Apache Spark what it shows of the state of queries (statestore_cases.py). Writes data/statestore.json.

    python tests/spark/record_statestore.py        # with pyspark 4.2 and a JDK 17
"""
import json
import pathlib
import tempfile

from pyspark.sql import SparkSession

import statestore_cases as cases

HERE = pathlib.Path(__file__).parent


def main():
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    answers = {"spark": spark.version, "reads": [], "metadata": {}, "errors": []}
    checkpoints = {}
    with tempfile.TemporaryDirectory() as root:
        for name in cases.QUERIES:
            checkpoints[name] = cases.run(spark, name, root)
            answers["metadata"][name] = cases.read(spark, checkpoints[name], {}, "state-metadata")
            for options in cases.READS[name]:
                answers["reads"].append({"query": name, "options": options, **cases.read(spark, checkpoints[name], options)})
        for name, options in cases.ERRORS:
            failed = cases.error(spark, checkpoints[name], options)
            failed["message"] = failed.get("message", "").replace(str(root), "ROOT")
            answers["errors"].append({"query": name, "options": options, **failed})
    (HERE / "data" / "statestore.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    print(len(answers["reads"]), "reads,", len(answers["errors"]), "errors")


main()
