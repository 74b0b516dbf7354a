"""Files of one row, one a batch, with the server of SPARK_REMOTE: job_batches.py LANDING OUT. Prints each batch's durationMs as JSON."""
import json, os, sys, time
from pyspark.sql import SparkSession
landing, out = sys.argv[1:3]
spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
q = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.maxFilesPerTrigger", "1")
     .schema("id BIGINT").load(landing).writeStream.format("delta").option("checkpointLocation", out + "/c").trigger(availableNow=True).start(out + "/t"))
q.awaitTermination()
print(json.dumps([p["durationMs"] for p in q.recentProgress]))
