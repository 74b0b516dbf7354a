"""groupBy().pivot(): rows and schema, or the error."""
from pyspark.sql import functions as F


def rows(spark):
    return spark.sql("SELECT * FROM VALUES ('x', 1, 'a', 1.5D, DATE'2026-01-01'), ('x', 2, 'b', 2.5D, DATE'2026-01-02'), ('x', 1, 'c', NULL, NULL), ('y', 2, NULL, 4.0D, DATE'2026-01-01'), "
                     "('y', NULL, 'e', 5.0D, NULL), (NULL, 3, 'f', 6.0D, DATE'2026-01-03') AS t(g, p, k, d, day)")


CASES = {
    "values": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2]).sum("d"),
    "values looked up": lambda spark: rows(spark).groupBy("g").pivot("p").sum("d"),
    "count": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2, 9]).count(),
    "two aggregates": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2]).agg(F.sum("d"), F.max("d").alias("most")),
    "one with a name": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2]).agg(F.sum("d").alias("total")),
    "first of text": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2]).agg(F.first("k")),
    "lists": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2]).agg(F.sort_array(F.collect_list("k"))),
    "count and text": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 9]).agg(F.count("k"), F.max("k")),
    "dates": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2]).agg(F.max("day")),
    "by text": lambda spark: rows(spark).groupBy("p").pivot("g", ["x", "z z"]).agg(F.avg("d")),
    "by date": lambda spark: rows(spark).groupBy("g").pivot("day").agg(F.sum("p")),
    "by double": lambda spark: rows(spark).groupBy("g").pivot("d", [1.5, 4.0]).agg(F.sum("p")),
    "by an expression": lambda spark: rows(spark).groupBy("g").pivot(F.col("p") % 2, [0, 1]).agg(F.sum("d")),
    "of nothing": lambda spark: rows(spark).groupBy().pivot("p", [1, 2]).agg(F.sum("d")),
    "of two columns": lambda spark: rows(spark).groupBy("g", F.upper("k").alias("u")).pivot("p", [1]).agg(F.sum("d")),
    "an expression of aggregates": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2]).agg((F.sum("d") / F.count("k")).alias("q")),
    "of an expression": lambda spark: rows(spark).groupBy("g").pivot("p", [1, 2]).agg(F.sum(F.col("d") * 2)),
    "no rows": lambda spark: rows(spark).where("p > 99").groupBy("g").pivot("p").sum("d"),
    "value of another type": lambda spark: rows(spark).groupBy("g").pivot("p", ["1", "2"]).sum("d"),
    "value of a wrong type": lambda spark: rows(spark).groupBy("g").pivot("p", [True]).sum("d"),
    "unknown column": lambda spark: rows(spark).groupBy("g").pivot("nope", [1]).sum("d"),
    "twice": lambda spark: rows(spark).groupBy("g").pivot("p", [1]).sum("d").groupBy("g").pivot("g", ["x"]).agg(F.max("1")),
    "too many values": lambda spark: (spark.conf.set("spark.sql.pivotMaxValues", "2"), rows(spark).groupBy("g").pivot("p").sum("d"))[1],
    "a view of one": lambda spark: (spark.conf.set("spark.sql.pivotMaxValues", "100"), rows(spark).groupBy("g").pivot("p").sum("d").createOrReplaceTempView("pivoted"),
                                    spark.table("pivoted").where("g = 'x'"))[2],
}


def answer(spark, name):
    try:
        frame = CASES[name](spark)
        return {"schema": frame.schema.simpleString(), "rows": sorted(repr(tuple(row)) for row in frame.collect())}
    except Exception as error:
        get = getattr(error, "getCondition", None)
        return {"error": (get() if get else None) or type(error).__name__, "message": str(error).strip().splitlines()[0].split(" SQLSTATE")[0]}
