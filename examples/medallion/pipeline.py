"""Raw JSON and CSV -> bronze -> silver -> gold, in PySpark as it is: three streaming queries over Delta tables.

    pipeline.py once         load what is new, then stop         (the default; run it as often as you like)
    pipeline.py continuous   keep the three queries running      (until ctrl-C)
    pipeline.py backfill     a batch job: orders of earlier years into the same silver table
    pipeline.py rebuild      throw all tables away and make them again from the raw files

It finds its files under $MEDALLION (raw/ is read; checkpoints/ and schemas/ are written) and its server as every PySpark script does: with
`millstream run pipeline.py`, or SPARK_REMOTE. MEDALLION_FILES=plain reads the raw files with Spark's own json and csv streams
instead of cloudFiles: then it runs on Apache Spark with Delta Lake, too.
"""
import os
import shutil
import sys

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

ORDERS = "order_id STRING, product_id STRING, quantity INT, price DECIMAL(10,2), status STRING, updated_at TIMESTAMP"
TABLES = ["gold_sales", "silver_orders", "quarantine", "bronze_orders", "products"]
LAYERS = {"bronze": "bronze_orders", "silver": None, "gold": "gold_sales"}  # and the table that each writes; silver does that itself
STATUSES = ["new", "paid", "shipped", "cancelled"]


class Pipeline:
    def __init__(self, spark, directory, cloud_files=True):
        self.spark, self.directory, self.cloud_files = spark, directory, cloud_files

    def raw(self, *names):
        return os.path.join(self.directory, "raw", *names)

    # ---- the tables

    def create_tables(self):
        self.spark.sql(f"CREATE TABLE IF NOT EXISTS bronze_orders ({ORDERS}, _rescued_data STRING, source_file STRING) USING delta")
        self.spark.sql("CREATE TABLE IF NOT EXISTS silver_orders (order_id STRING, product_id STRING, category STRING, quantity INT, amount DECIMAL(12,2), "
                       "status STRING, updated_at TIMESTAMP) USING delta TBLPROPERTIES (delta.enableChangeDataFeed = true)")
        self.spark.sql("CREATE TABLE IF NOT EXISTS quarantine (problem STRING, order_id STRING, product_id STRING, quantity INT, price DECIMAL(10,2), "
                       "status STRING, updated_at TIMESTAMP, rescued STRING, source_file STRING) USING delta")
        if not self.spark.catalog.tableExists("products"):
            (self.spark.read.schema("product_id STRING, name STRING, category STRING").option("header", True).csv(self.raw("products.csv"))
             .write.saveAsTable("products", format="delta"))

    def drop_everything(self):
        for table in TABLES:
            self.spark.sql(f"DROP TABLE IF EXISTS {table}")
        for name in ("checkpoints", "schemas"):
            shutil.rmtree(os.path.join(self.directory, name), ignore_errors=True)

    # ---- bronze: what arrived, as it arrived, and from where

    def read_raw(self, kind, directory):
        """A stream of the orders in these files. What does not fit the schema is kept in _rescued_data."""
        if self.cloud_files:
            reader = (self.spark.readStream.format("cloudFiles").option("cloudFiles.format", kind)
                      .option("cloudFiles.schemaLocation", os.path.join(self.directory, "schemas", os.path.basename(directory)))
                      .option("cloudFiles.maxFilesPerTrigger", 20).option("rescuedDataColumn", "_rescued_data").schema(ORDERS))
        else:
            reader = (self.spark.readStream.format(kind).option("maxFilesPerTrigger", 20).option("recursiveFileLookup", True)
                      .option("columnNameOfCorruptRecord", "_rescued_data").schema(ORDERS + ", _rescued_data STRING"))
        if kind == "csv":
            reader = reader.option("header", True)
        return reader.load(directory).select("*", F.col("_metadata.file_path").alias("source_file"))

    def bronze(self):
        web, shops = self.read_raw("json", self.raw("web")), self.read_raw("csv", self.raw("shops"))
        return web.unionByName(shops).writeStream

    # ---- silver: one row an order, the newest, clean; what cannot be used is in quarantine with the reason

    def clean(self, orders):
        """The same for the stream and for the backfill."""
        tidy = orders.select(
            F.trim("order_id").alias("order_id"), F.upper(F.trim("product_id")).alias("product_id"), "quantity", "price",
            F.lower(F.trim("status")).alias("status"), "updated_at", F.col("_rescued_data").alias("rescued"), "source_file")
        problem = (F.when(F.coalesce(F.col("order_id"), F.lit("")) == "", "no order_id")
                   .when(F.col("updated_at").isNull(), "no time")
                   .when(F.col("quantity").isNull() | (F.col("quantity") <= 0), "no quantity")
                   .when(F.col("price").isNull() | (F.col("price") < 0), "no price")
                   .when(F.col("status").isNull() | ~F.col("status").isin(STATUSES), "unknown status")
                   .when(F.col("category").isNull(), "unknown product"))
        return tidy.join(self.spark.table("products").select("product_id", "category"), "product_id", "left").withColumn("problem", problem)

    def upsert(self, orders, batch_id=None):
        """foreachBatch: called again with the same batch after a crash, it changes nothing twice."""
        orders.where("problem IS NOT NULL").select(
            "problem", "order_id", "product_id", "quantity", "price", "status", "updated_at", "rescued", "source_file"
        ).write.format("delta").mode("append").saveAsTable("quarantine")
        newest_first = Window.partitionBy("order_id").orderBy(F.desc("updated_at"))
        (orders.where("problem IS NULL").withColumn("place", F.row_number().over(newest_first)).where("place = 1")
         .select("order_id", "product_id", "category", "quantity", (F.col("quantity") * F.col("price")).cast("decimal(12,2)").alias("amount"),
                 "status", "updated_at")
         .createOrReplaceTempView("changed_orders"))
        orders.sparkSession.sql("""
            MERGE INTO silver_orders s USING changed_orders c ON s.order_id = c.order_id
            WHEN MATCHED AND c.updated_at > s.updated_at THEN UPDATE SET *
            WHEN NOT MATCHED THEN INSERT *""")

    def silver(self):
        return self.clean(self.spark.readStream.table("bronze_orders")).writeStream.foreachBatch(self.upsert)

    # ---- gold: sales by category and day, from the changes of silver

    def gold(self):
        changes = self.spark.readStream.option("readChangeFeed", True).table("silver_orders").where("status <> 'cancelled'")
        sign = F.when(F.col("_change_type").isin("insert", "update_postimage"), 1).otherwise(-1)
        sales = (changes.groupBy("category", F.to_date("updated_at").alias("day"))
                 .agg(F.sum(sign).alias("orders"), F.sum(sign * F.col("amount")).cast("decimal(18,2)").alias("revenue")).where("orders > 0"))
        return sales.writeStream.outputMode("complete")

    # ---- running

    def start(self, layer, **trigger):
        writer = getattr(self, layer)().queryName(layer).option("checkpointLocation", os.path.join(self.directory, "checkpoints", layer)).trigger(**trigger)
        return writer.start() if LAYERS[layer] is None else writer.format("delta").toTable(LAYERS[layer])

    def once(self):
        """What is new, through all layers; how many rows each query has read."""
        self.create_tables()
        rows = {}
        for layer in LAYERS:
            query = self.start(layer, availableNow=True)
            query.awaitTermination()
            rows[layer] = sum(source["numInputRows"] for progress in query.recentProgress for source in progress["sources"])
        return rows

    def continuous(self, every="100 milliseconds"):
        self.create_tables()
        return [self.start(layer, processingTime=every) for layer in LAYERS]

    def backfill(self):
        self.create_tables()
        history = (self.spark.read.schema(ORDERS).option("header", True).csv(self.raw("history"))
                   .select("*", F.lit(None).cast("string").alias("_rescued_data"), F.col("_metadata.file_path").alias("source_file")))
        self.upsert(self.clean(history))

    def rebuild(self):
        self.drop_everything()
        rows = self.once()
        self.backfill()
        self.once()
        return rows


def main(command="once"):
    pipeline = Pipeline(SparkSession.builder.getOrCreate(), os.path.abspath(os.environ.get("MEDALLION", "medallion")),
                        cloud_files=os.environ.get("MEDALLION_FILES") != "plain")
    if command == "continuous":
        pipeline.continuous()
        print("bronze, silver and gold are running; ctrl-C stops this script", flush=True)
        pipeline.spark.streams.awaitAnyTermination()
    elif command == "backfill":
        pipeline.backfill()
    elif command in ("once", "rebuild"):
        rows = getattr(pipeline, command)()
        print("rows read:", ", ".join(f"{layer} {count}" for layer, count in rows.items()))
        pipeline.spark.table("gold_sales").orderBy("day", "category").show(8)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
