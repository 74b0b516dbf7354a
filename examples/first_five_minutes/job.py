"""New JSON files -> Delta table, exactly once. Stock PySpark; run it again after adding files and only the new ones are loaded."""
import os

from pyspark.sql import SparkSession

here = os.environ.get("DEMO", os.path.abspath("demo"))
spark = SparkSession.builder.remote(os.environ.get("SPARK_REMOTE", "sc://localhost:15002")).getOrCreate()

query = (spark.readStream.format("cloudFiles")
         .option("cloudFiles.format", "json")
         .option("cloudFiles.inferColumnTypes", "true")
         .option("cloudFiles.schemaLocation", f"{here}/schema")
         .load(f"{here}/landing")
         .writeStream.option("checkpointLocation", f"{here}/checkpoint")
         .option("mergeSchema", "true")
         .trigger(availableNow=True)
         .toTable("bronze"))
query.awaitTermination()
progress = query.lastProgress
print(f"loaded {progress['numInputRows'] if progress else 0} rows")

spark.read.table("bronze").groupBy("event").count().orderBy("event").show()
spark.sql("SELECT count(*) AS large FROM bronze WHERE amount > 400").show()
