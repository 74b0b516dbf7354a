"""The job that every engine runs: new files of a directory into a Delta table. One script, three ways to say "stream of files".

    job_ingest.py ENGINE FORMAT LANDING TABLE CHECKPOINT [REPEAT]

ENGINE: millstream (cloudFiles), spark (Structured Streaming's file source), sail (batch read and append; it has no file stream).
Prints one JSON line a run: seconds from the first call to the end of the job.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from generate import SCHEMA  # noqa: E402


def session(engine):
    from pyspark.sql import SparkSession

    if engine != "spark":
        return SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
    return (SparkSession.builder.master("local[2]")
            .config("spark.jars.packages", "io.delta:delta-spark_4.2_2.13:4.4.0")
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.ui.enabled", "false").config("spark.driver.memory", "6g").config("spark.sql.shuffle.partitions", "2")
            .config("spark.log.level", "ERROR").getOrCreate())


def run(spark, engine, file_format, landing, table, checkpoint):
    header = {"header": "true"} if file_format == "csv" else {}
    if engine == "sail":
        spark.read.format(file_format).schema(SCHEMA).options(**header).load(landing).write.format("delta").mode("append").save(table)
        return None
    if engine == "millstream":
        reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", file_format).option("cloudFiles.maxFilesPerTrigger", "1000000")
        reader = reader.option("cloudFiles.partitionColumns", "")
    else:
        reader = spark.readStream.format(file_format).option("recursiveFileLookup", "true")
    query = (reader.schema(SCHEMA).options(**header).load(landing).writeStream.format("delta").option("checkpointLocation", checkpoint)
             .trigger(availableNow=True).start(table))
    query.awaitTermination()
    return query.lastProgress


def main():
    engine, file_format, landing, table, checkpoint = sys.argv[1:6]
    repeat = int(sys.argv[6]) if len(sys.argv) > 6 else 1
    spark = session(engine)
    spark.sql("SELECT 1").collect()  # the session is up; what follows is the job
    for _ in range(repeat):
        began = time.perf_counter()
        run(spark, engine, file_format, landing, table, checkpoint)
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
