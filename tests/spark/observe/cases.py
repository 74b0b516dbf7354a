"""DataFrame.observe in batch queries: what an Observation holds after an action, and the errors."""
import tempfile

from pyspark.sql import Observation
from pyspark.sql import functions as F


def rows(spark):
    return spark.sql(
        "SELECT * FROM VALUES (1, 'a', 1.5D, DATE'2026-01-02', TIMESTAMP'2026-01-02 03:04:05.678', 1.25BD, array(1, 2), true), "
        "(2, 'b', -2.5D, DATE'2026-01-03', NULL, 3.50BD, array(3), false), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL) "
        "AS t(id, k, d, day, at, dec, list, flag)")


def two(spark, seen):
    return rows(spark).observe(seen, F.count(F.lit(1)).alias("rows"), F.max("id").alias("last"))


# name: (frame, action)
CASES = {
    "two metrics": (two, lambda frame: frame.collect()),
    "unnamed": (lambda spark, seen: rows(spark).observe(seen, F.count("k"), F.sum("d"), F.expr("max(id) + 1")), lambda frame: frame.collect()),
    "types": (lambda spark, seen: rows(spark).observe(
        seen, F.min("k").alias("text"), F.max("d").alias("real"), F.min("day").alias("day"), F.max("at").alias("at"), F.sum("dec").alias("decimal"),
        F.bool_and("flag").alias("flag"), F.max("list").alias("list"), F.first(F.struct("id", "k")).alias("record"), F.avg("id").alias("mean"),
        F.collect_list("id").alias("ids"), F.max(F.lit(None).cast("int")).alias("nothing"), F.lit(7).alias("seven")), lambda frame: frame.collect()),
    "below a filter": (lambda spark, seen: two(spark, seen).where("id > 1"), lambda frame: frame.collect()),
    "above a filter": (lambda spark, seen: rows(spark).where("id > 1").observe(seen, F.count(F.lit(1)).alias("rows")), lambda frame: frame.collect()),
    "no rows": (lambda spark, seen: rows(spark).where("id > 9").observe(seen, F.count(F.lit(1)).alias("rows"), F.max("id").alias("last")),
                lambda frame: frame.collect()),
    "below an aggregate": (lambda spark, seen: two(spark, seen).groupBy("flag").count(), lambda frame: frame.collect()),
    "one side of a join": (lambda spark, seen: two(spark, seen).join(rows(spark).select("id"), "id"), lambda frame: frame.collect()),
    "unused columns": (lambda spark, seen: rows(spark).observe(seen, F.sum("d").alias("d")).select("id"), lambda frame: frame.collect()),
    "computed column": (lambda spark, seen: rows(spark).withColumn("double", F.col("id") * 2).observe(seen, F.max("double").alias("most")),
                        lambda frame: frame.collect()),
    "of a frame's column": (lambda spark, seen: (lambda frame: frame.observe(seen, F.sum(frame["id"]).alias("total")))(rows(spark)), lambda frame: frame.collect()),
    "of an alias": (lambda spark, seen: rows(spark).alias("t").observe(seen, F.sum("t.id").alias("total")), lambda frame: frame.collect()),
    "count": (two, lambda frame: frame.count()),
    "show": (two, lambda frame: frame.show()),
    "toPandas": (lambda spark, seen: two(spark, seen).select("id"), lambda frame: frame.toPandas()),
    "written": (two, lambda frame: frame.write.mode("overwrite").parquet(tempfile.mkdtemp())),
    "twice": (lambda spark, seen: two(spark, seen).observe(Observation("other"), F.min("id").alias("first")), lambda frame: frame.collect()),
    "overflow": (lambda spark, seen: rows(spark).observe(seen, F.sum(F.expr("id * 4611686018427387904L")).alias("much")), lambda frame: frame.collect()),
    "no aggregate": (lambda spark, seen: rows(spark).observe(seen, F.col("id").alias("id")), lambda frame: frame.collect()),
    "random": (lambda spark, seen: rows(spark).observe(seen, F.rand().alias("r")), lambda frame: frame.collect()),
    "distinct": (lambda spark, seen: rows(spark).observe(seen, F.count_distinct("id").alias("n")), lambda frame: frame.collect()),
    "filtered": (lambda spark, seen: rows(spark).observe(seen, F.expr("count(*) FILTER (WHERE id > 1)").alias("n")), lambda frame: frame.collect()),
    "nested": (lambda spark, seen: rows(spark).observe(seen, F.max(F.count("id")).alias("n")), lambda frame: frame.collect()),
    "window": (lambda spark, seen: rows(spark).observe(seen, F.expr("max(id) OVER (ORDER BY id)").alias("n")), lambda frame: frame.collect()),
    "unknown column": (lambda spark, seen: rows(spark).observe(seen, F.max("nope").alias("n")), lambda frame: frame.collect()),
    "same name": (lambda spark, seen: rows(spark).observe(seen, F.max("id").alias("n")).union(rows(spark).where("id > 1").observe(seen, F.min("id").alias("m"))),
                  lambda frame: frame.collect()),
    "same name, same metrics": (lambda spark, seen: (lambda frame: frame.union(frame))(rows(spark).observe(seen, F.max("id").alias("n"))),
                                lambda frame: frame.count()),
}


def answer(spark, name):
    """{metric: text of its value}, or the error class with its first line."""
    frame, action = CASES[name]
    seen = Observation("seen")
    try:
        action(frame(spark, seen))
    except Exception as error:
        get = getattr(error, "getCondition", None)
        return {"error": get() if get else type(error).__name__, "message": str(error).strip().splitlines()[0].split(" SQLSTATE")[0]}
    return {key: repr(value) for key, value in seen.get.items()}
