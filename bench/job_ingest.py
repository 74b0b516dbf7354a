"""The job that every engine runs: new files of a directory into a Delta table. One script, three ways to say "stream of files".

    job_ingest.py ENGINE FORMAT LANDING TABLE CHECKPOINT [REPEAT]

ENGINE: millstream (cloudFiles), zeroCopy (the same with cloudFiles.zeroCopy = copy), spark (Structured Streaming's file source); sail, duckdb and polars, which have no file stream, read all files and append them
(the latter two write with delta-rs).
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


def load_with_duckdb(file_format, landing, table):
    import duckdb
    from deltalake import write_deltalake

    files = os.path.join(landing, "**", "*." + file_format)
    if file_format == "parquet":
        source = f"read_parquet('{files}', hive_partitioning=false)"
    else:
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in (field.split() for field in SCHEMA.split(", ")))
        extra = "header=true" if file_format == "csv" else "format='newline_delimited'"
        source = f"read_{file_format}('{files}', columns={{{columns}}}, hive_partitioning=false, {extra})"
    con = duckdb.connect()
    con.execute("SET threads=2")
    write_deltalake(table, con.sql(f"SELECT * FROM {source}").to_arrow_reader(100_000), mode="append")


def load_with_polars(file_format, landing, table):
    import polars

    types = {"BIGINT": polars.Int64, "STRING": polars.String, "DOUBLE": polars.Float64}
    schema = {name: types[kind] for name, kind in (field.split() for field in SCHEMA.split(", "))}
    files = os.path.join(landing, "**", "*." + file_format)
    if file_format == "parquet":
        frame = polars.scan_parquet(files, hive_partitioning=False)
    elif file_format == "csv":
        frame = polars.scan_csv(files, schema=schema)
    else:
        frame = polars.scan_ndjson(files, schema=schema)
    frame.collect(engine="streaming").write_delta(table, mode="append")


def run(spark, engine, file_format, landing, table, checkpoint):
    header = {"header": "true"} if file_format == "csv" else {}
    if engine == "sail":
        spark.read.format(file_format).schema(SCHEMA).options(**header).load(landing).write.format("delta").mode("append").save(table)
        return None
    if engine in ("millstream", "zeroCopy"):
        reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", file_format).option("cloudFiles.maxFilesPerTrigger", "1000000")
        reader = reader.option("cloudFiles.partitionColumns", "").option("cloudFiles.zeroCopy", "copy" if engine == "zeroCopy" else "off")
    else:
        reader = spark.readStream.format(file_format).option("recursiveFileLookup", "true")
    query = (reader.schema(SCHEMA).options(**header).load(landing).writeStream.format("delta").option("checkpointLocation", checkpoint)
             .trigger(availableNow=True).start(table))
    query.awaitTermination()
    return query.lastProgress


def main():
    engine, file_format, landing, table, checkpoint = sys.argv[1:6]
    repeat = int(sys.argv[6]) if len(sys.argv) > 6 else 1
    in_process = {"duckdb": load_with_duckdb, "polars": load_with_polars}.get(engine)
    spark = None
    if in_process is None:
        spark = session(engine)
        spark.sql("SELECT 1").collect()  # the session is up; what follows is the job
    for _ in range(repeat):
        began = time.perf_counter()
        if in_process:
            in_process(file_format, landing, table)
        else:
            run(spark, engine, file_format, landing, table, checkpoint)
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
    if spark:
        spark.stop()


if __name__ == "__main__":
    main()
