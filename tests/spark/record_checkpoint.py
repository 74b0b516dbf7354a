"""Records the checkpoint files that Apache Spark writes, for the byte-for-byte tests of src/streaming.

    python tests/spark/record_checkpoint.py tests/spark/data/checkpoint

Needs pyspark 4.2 and a JVM. Paths, ids and times differ from run to run; the layout and the key order do not.
"""
import os
import shutil
import sys
import tempfile

from pyspark.sql import SparkSession

out = os.path.abspath(sys.argv[1])
work = tempfile.mkdtemp()
spark = (SparkSession.builder.master("local[2]").appName("record")
         .config("spark.sql.warehouse.dir", work + "/warehouse").config("spark.ui.enabled", "false")
         .config("spark.sql.session.timeZone", "UTC").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")


def keep(checkpoint, name):
    for part in ("metadata", "offsets", "commits", "sources"):
        source = os.path.join(checkpoint, part)
        target = os.path.join(out, name, part)
        if os.path.isdir(source):
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.crc"))
        elif os.path.exists(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)


# One file source, three batches.
landing = work + "/in"
os.makedirs(landing)
for batch in range(3):
    with open(f"{landing}/{batch}.json", "w") as f:
        f.write('{"id": %d}\n' % batch)
    query = (spark.readStream.schema("id bigint").json(landing).writeStream.format("parquet")
             .option("checkpointLocation", work + "/file_checkpoint").trigger(availableNow=True).start(work + "/file_out"))
    query.awaitTermination()
keep(work + "/file_checkpoint", "one_file_source")

# Two sources in one query, the second without data in the first batch.
left = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).load()
os.makedirs(work + "/late")
right = spark.readStream.schema("timestamp timestamp, value bigint").json(work + "/late")
query = (left.select("timestamp", "value").union(right).writeStream.format("noop").option("checkpointLocation", work + "/union_checkpoint")
         .trigger(once=True).start())
query.awaitTermination()
keep(work + "/union_checkpoint", "two_sources")

# A watermark moves.
query = (spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).option("startTimestamp", 1700000000000).load()
         .withWatermark("timestamp", "1 second").groupBy("timestamp").count()
         .writeStream.format("noop").outputMode("append").option("checkpointLocation", work + "/watermark_checkpoint")
         .trigger(once=True).start())
query.awaitTermination()
keep(work + "/watermark_checkpoint", "watermark")
spark.stop()
shutil.rmtree(work)
