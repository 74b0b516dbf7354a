"""COPY INTO of a directory, then again, in the client, with the server of SPARK_REMOTE. Prints JSON.

    job_copy.py LANDING TABLE [REPEAT]
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from generate import SCHEMA  # noqa: E402

from pyspark.sql import SparkSession  # noqa: E402

landing, table = sys.argv[1:3]
spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
spark.sql(f"CREATE TABLE delta.`{table}` ({SCHEMA}) USING delta").collect()
statement = f"COPY INTO delta.`{table}` FROM '{landing}' FILEFORMAT = JSON FORMAT_OPTIONS ('recursiveFileLookup' = 'true')"
seconds, counts = [], []
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 2):
    began = time.perf_counter()
    counts.append(spark.sql(statement).collect()[0].num_inserted_rows)
    seconds.append(time.perf_counter() - began)
print(json.dumps({"seconds": seconds, "counts": counts}))
