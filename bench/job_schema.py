"""Schema inference of a directory of JSON files, eleven times.

    job_schema.py ENGINE LANDING DIRECTORY

ENGINE: millstream (cloudFiles, with a schema location of its own each time), spark, sail (spark.read), duckdb, polars. Prints one JSON line.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job_ingest import session  # noqa: E402


def infer(spark, engine, landing, directory, number):
    files = os.path.join(landing, "**", "*.json")
    if engine == "duckdb":
        import duckdb

        return len(duckdb.sql(f"DESCRIBE SELECT * FROM read_json('{files}', maximum_sample_files=1000, hive_partitioning=false)").fetchall())
    if engine == "polars":
        import polars

        return len(polars.scan_ndjson(files, infer_schema_length=None).collect_schema())
    if engine == "millstream":
        reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.inferColumnTypes", "true")
        reader = reader.option("cloudFiles.partitionColumns", "").option("cloudFiles.schemaLocation", os.path.join(directory, f"schema{number}"))
        return len(reader.load(landing).schema) - 1  # without _rescued_data
    return len(spark.read.option("recursiveFileLookup", "true").json(landing).schema)


def main():
    engine, landing, directory = sys.argv[1:4]
    spark = None if engine in ("duckdb", "polars") else session(engine)
    if spark:
        spark.sql("SELECT 1").collect()
    seconds = []
    for number in range(11):
        began = time.perf_counter()
        columns = infer(spark, engine, landing, directory, number)
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "columns": columns}), flush=True)


if __name__ == "__main__":
    main()
