"""Small queries over Connect, timed in the client, with the server of SPARK_REMOTE. Prints JSON."""
import json, os, time
from pyspark.sql import SparkSession
began = time.perf_counter()
spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
rows = spark.range(3).collect()
first = time.perf_counter() - began
times = []
for _ in range(300):
    at = time.perf_counter(); spark.sql("SELECT 1 AS one").collect(); times.append(time.perf_counter() - at)
simple = sorted(times)[len(times) // 2]
frame = spark.range(1000).filter("id > 10")
times = []
for _ in range(300):
    at = time.perf_counter(); frame.limit(5).collect(); times.append(time.perf_counter() - at)
print(json.dumps({"first": first, "sql_ms": simple * 1000, "dataframe_ms": sorted(times)[len(times) // 2] * 1000}))
