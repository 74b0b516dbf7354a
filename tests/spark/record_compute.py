#!/usr/bin/env python3
"""Asks Apache Spark what the queries of compute_cases.sql answer: rows as strings, or the error's class. Writes data/compute.json.

    python tests/spark/record_compute.py        # with pyspark 4.2 and a JDK 17
"""
import json
import pathlib

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession, functions

HERE = pathlib.Path(__file__).parent
ZONES = ("UTC", "America/New_York")


def answer(spark, text, ansi, zone):
    spark.conf.set("spark.sql.ansi.enabled", str(ansi).lower())
    spark.conf.set("spark.sql.session.timeZone", zone)
    case = {"sql": text, "ansi": ansi, "zone": zone}
    try:
        frame = spark.sql(text)
        names = [f"o{i}" for i in range(len(frame.columns))]
        frame = frame.toDF(*names).select([functions.col(name).cast("string") for name in names])
        case["rows"] = [list(row) for row in frame.collect()]
    except PySparkException as error:
        case["error"] = error.getCondition()
    except Exception as error:  # what Py4J could not give a class
        case["error"] = "?"
        case["message"] = str(error)[:200]
    return case


def main():
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.sql.shuffle.partitions", "1").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    texts = [line for line in (HERE / "compute_cases.sql").read_text().splitlines() if line.strip() and not line.startswith("--")]
    cases = [answer(spark, text, True, "UTC") for text in texts]
    known = {case["sql"]: case for case in cases}
    # The other modes only where they answer otherwise.
    for text in texts:
        for ansi, zone in ((False, "UTC"), (True, ZONES[1])):
            case = answer(spark, text, ansi, zone)
            if {k: case.get(k) for k in ("rows", "error")} != {k: known[text].get(k) for k in ("rows", "error")}:
                cases.append(case)
    lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
    (HERE / "data" / "compute.json").write_text('{"spark": %s, "cases": [\n%s\n]}\n' % (json.dumps(spark.version), lines))
    print(len(cases), "cases,", sum("error" in case for case in cases), "of them errors")


if __name__ == "__main__":
    main()
