#!/usr/bin/env python3
"""Asks PySpark 4.2 what it makes of files with two columns of one name, and writes the answers to data/column_names.json for column_names_test.

Usage: record_column_names.py      needs pyspark==4.2.0, a JDK, and org.apache.spark:spark-avro_2.13:4.2.0 from Maven
A case has format, case_sensitive, content (base64), schema (empty: inferred) and rows or error; exception: how we answer otherwise, on purpose.
"""
import base64
import glob
import json
import os
import re
import tempfile

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
from pyspark.sql import SparkSession

NAMES = {"case": ["a", "A", "b"], "same": ["a", "a", "b"]}
SCHEMAS = ["", "a bigint, b bigint", "b bigint", "A bigint"]


def table(names, nested):
    columns = [pa.array([i + 1], pa.int64()) for i in range(len(names))]
    if not nested:
        return pa.Table.from_arrays(columns, names=names)
    return pa.table({"k": pa.array([7], pa.int64()), "s": pa.StructArray.from_arrays(columns, names=names)})


def write(spark, base, format, names, nested):
    """The only file of a new directory; None: the format has no such file."""
    directory = tempfile.mkdtemp(dir=base)
    if format == "parquet":
        pa.parquet.write_table(table(names, nested), directory + "/f.parquet")
    elif format == "orc":
        pa.orc.write_table(table(names, nested), directory + "/f.orc")
    elif len(set(names)) < len(names):
        return None
    else:
        spark.conf.set("spark.sql.caseSensitive", "true")
        source = write(spark, base, "parquet", names, nested)
        spark.read.parquet(source).coalesce(1).write.mode("overwrite").format("avro").save(directory)
    return directory


def answer(spark, format, directory, schema):
    try:
        reader = spark.read.format(format)
        return {"rows": [[str(value) for value in row] for row in (reader.schema(schema) if schema else reader).load(directory).collect()]}
    except Exception as error:
        return {"error": re.search(r"\[([A-Z_]+(?:\.[A-Z_]+)?)\]", str(error)).group(1)}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.jars.packages", "org.apache.spark:spark-avro_2.13:4.2.0").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    cases = []
    with tempfile.TemporaryDirectory() as base:
        for format in ("parquet", "orc", "avro"):
            for kind, nested in (("case", False), ("same", False), ("case", True), ("same", True)):
                directory = write(spark, base, format, NAMES[kind], nested)
                if directory is None:
                    continue
                with open(glob.glob(directory + "/*." + format)[0], "rb") as file:
                    content = base64.b64encode(file.read()).decode()
                for case_sensitive in (False, True):
                    spark.conf.set("spark.sql.caseSensitive", str(case_sensitive).lower())
                    for schema in SCHEMAS[:1] if nested else SCHEMAS:
                        one = {"format": format, "options": {}, "case_sensitive": case_sensitive, "schema": schema, **answer(spark, format, directory, schema)}
                        if case_sensitive and kind == "same" and "a bigint" in schema:
                            one["exception"] = "FAILED_READ_FILE"  # Spark takes one of the two: Parquet the first, ORC the last
                        cases.append({**one, "content": content})
    with open(os.path.join(here, "data", "column_names.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]\n")
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
