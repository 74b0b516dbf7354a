#!/usr/bin/env python3
"""Asks Apache Spark what the queries of analyzer_cases.sql mean: the schema of each, or its error. Writes data/analyzer.json.

    python tests/spark/record_analyzer.py        # with pyspark 4.2 and a JDK 17
"""
import json
import pathlib

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

HERE = pathlib.Path(__file__).parent
TABLES = {
    "t": "a INT NOT NULL, b BIGINT, s STRING, d DOUBLE, x DECIMAL(10,2), dt DATE, ts TIMESTAMP, ok BOOLEAN",
    "u": "a INT, c STRING, n TINYINT, f FLOAT, y DECIMAL(38,10), ntz TIMESTAMP_NTZ, bin BINARY",
    "nested": "id BIGINT NOT NULL, st STRUCT<p: INT, q: STRUCT<r: STRING>>, arr ARRAY<INT>, m MAP<STRING, INT>, "
              "people ARRAY<STRUCT<name: STRING, age: INT>>, js STRING",
    "events": "event STRING, amount DOUBLE, at TIMESTAMP NOT NULL, `odd name` INT",
}


def queries(path):
    """One a paragraph; "-- ansi=false" above a query turns ANSI off for it."""
    for paragraph in path.read_text().split(";\n"):
        lines = [line for line in paragraph.strip().splitlines() if line.strip()]
        ansi = "-- ansi=false" not in lines
        text = "\n".join(line for line in lines if not line.startswith("--"))
        if text:
            yield ansi, text


def answer(spark, ansi, text):
    spark.conf.set("spark.sql.ansi.enabled", str(ansi).lower())
    case = {"sql": text, "ansi": ansi}
    try:
        case["schema"] = [[f.name, f.dataType.simpleString(), f.nullable] for f in spark.sql(text).schema.fields]
    except PySparkException as error:
        case["error"] = error.getCondition()
        case["state"] = error.getSqlState()
        case["message"] = error._desc.split("; line ")[0].split("\n\n")[0] if hasattr(error, "_desc") else str(error)
    return case


def main():
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    tables = {}
    for name, ddl in TABLES.items():
        frame = spark.createDataFrame([], ddl)
        frame.createOrReplaceTempView(name)
        tables[name] = json.loads(frame.schema.json())
    cases = [answer(spark, ansi, text) for ansi, text in queries(HERE / "analyzer_cases.sql")]
    lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
    text = '{"spark": %s, "tables": %s, "cases": [\n%s\n]}\n' % (
        json.dumps(spark.version), json.dumps(tables), lines)
    (HERE / "data" / "analyzer.json").write_text(text)
    print(len(cases), "cases,", sum("error" in case for case in cases), "of them errors")


if __name__ == "__main__":
    main()
