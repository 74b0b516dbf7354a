"""DataFrames and SQL as the client sees them: schemas, rows, show."""
import contextlib
import datetime
import decimal
import io

import harness
from pyspark.errors import PySparkException
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.window import Window


def shown(frame, *args, **kwargs):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        frame.show(*args, **kwargs)
    return out.getvalue()


def test_range(spark):
    assert [row.id for row in spark.range(3).collect()] == [0, 1, 2]
    assert [row.id for row in spark.range(10, 0, -3).collect()] == [10, 7, 4, 1]


def test_an_empty_result_has_its_schema(spark):
    frame = spark.range(0).select("id", F.lit("x").alias("s"))
    assert frame.collect() == []
    assert frame.toPandas().shape == (0, 2)
    assert frame.schema.fieldNames() == ["id", "s"]


def test_create_dataframe(spark):
    rows = [(1, "a", 1.5, True, None), (2, "b", 2.5, False, datetime.date(2026, 1, 2))]
    frame = spark.createDataFrame(rows, "i int, s string, d double, b boolean, day date")
    assert [tuple(row) for row in frame.collect()] == rows
    assert frame.dtypes == [("i", "int"), ("s", "string"), ("d", "double"), ("b", "boolean"), ("day", "date")]


def test_create_dataframe_with_nested_values(spark):
    schema = T.StructType([T.StructField("a", T.ArrayType(T.LongType())), T.StructField("m", T.MapType(T.StringType(), T.IntegerType())),
                           T.StructField("s", T.StructType([T.StructField("x", T.DecimalType(10, 2)), T.StructField("t", T.TimestampType())]))])
    row = ([1, None, 3], {"k": 1}, Row(x=decimal.Decimal("1.25"), t=datetime.datetime(2026, 1, 2, 3, 4, 5)))
    frame = spark.createDataFrame([row, (None, None, None)], schema)
    assert frame.collect()[0].s.x == decimal.Decimal("1.25")
    assert frame.collect()[0].a == [1, None, 3]
    assert frame.collect()[0].s.t == datetime.datetime(2026, 1, 2, 3, 4, 5)
    assert frame.collect()[1].m is None


def test_create_dataframe_of_more_than_a_mebibyte(spark):
    rows = [(i, "x" * 100 + str(i)) for i in range(30000)]
    frame = spark.createDataFrame(rows, "i long, s string")
    assert frame.count() == 30000
    assert frame.filter("i = 29999").collect()[0].s.endswith("29999")


def test_a_result_of_many_rows_comes_whole_and_in_order(spark):
    rows = spark.range(300000).orderBy("id").collect()
    assert len(rows) == 300000
    assert rows[123456].id == 123456


def test_pandas(spark):
    frame = spark.range(4).withColumn("half", F.col("id") / 2).toPandas()
    assert list(frame["half"]) == [0.0, 0.5, 1.0, 1.5]


def test_show(spark):
    frame = spark.createDataFrame([(1, "one"), (2, None)], "n int, name string")
    assert shown(frame) == "+---+----+\n|  n|name|\n+---+----+\n|  1| one|\n|  2|NULL|\n+---+----+\n\n"
    assert shown(spark.range(3), 2) == "+---+\n| id|\n+---+\n|  0|\n|  1|\n+---+\nonly showing top 2 rows\n\n" or \
        "only showing top 2 rows" in shown(spark.range(3), 2)
    assert "-RECORD 0" in shown(frame, vertical=True)


def test_print_schema(spark):
    frame = spark.createDataFrame([], "id bigint not null, tags array<string>, m map<string,int>, s struct<a:int,b:decimal(5,1)>")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        frame.printSchema()
    assert out.getvalue() == (
        "root\n |-- id: long (nullable = false)\n |-- tags: array (nullable = true)\n |    |-- element: string (containsNull = true)\n"
        " |-- m: map (nullable = true)\n |    |-- key: string\n |    |-- value: integer (valueContainsNull = true)\n"
        " |-- s: struct (nullable = true)\n |    |-- a: integer (nullable = true)\n |    |-- b: decimal(5,1) (nullable = true)\n\n"), out.getvalue()


def test_decimals_of_python_are_as_wide_as_they_need(spark):
    """The types that Apache Spark 4.2 gave over Connect: the client says decimal(10,0) of any of them."""
    types = {"14.99": "decimal(10,2)", "0.001": "decimal(10,3)", "-12.340": "decimal(10,3)", "1E+3": "decimal(10,0)", "0.00": "decimal(10,2)", "1E-30": "decimal(30,30)",
             "12345678901234567890.123456789": "decimal(29,9)", "9" * 38: "decimal(38,0)"}
    for text, name in types.items():
        frame = spark.range(1).select(F.lit(decimal.Decimal(text)).alias("x"))
        assert frame.schema["x"].dataType.simpleString() == name, (text, frame.schema)
        assert frame.first().x == decimal.Decimal(text)
    harness.raises(PySparkException, lambda: spark.range(1).select(F.lit(decimal.Decimal("1E-40"))).collect(), "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION")
    prices = spark.createDataFrame([(decimal.Decimal("14.99"),), (decimal.Decimal("15.00"),)], "price DECIMAL(9, 2)")
    assert prices.where(F.col("price") == decimal.Decimal("14.99")).count() == 1
    assert prices.where(F.col("price") > decimal.Decimal("14.995")).count() == 1


def test_group_and_sort(spark):
    frame = spark.range(10).withColumn("k", F.col("id") % 3).groupBy("k").agg(F.count("*").alias("n"), F.sum("id").alias("s")).orderBy(F.desc("n"), "k")
    assert [tuple(row) for row in frame.collect()] == [(0, 4, 18), (1, 3, 12), (2, 3, 15)]


def test_join_with_columns_of_either_side(spark):
    left = spark.createDataFrame([(1, "a"), (2, "b")], "id int, l string")
    right = spark.createDataFrame([(1, "x"), (3, "y")], "id int, r string")
    assert left.join(right, left.id == right.id).select(left.id, "l", "r").collect() == [Row(id=1, l="a", r="x")]
    assert left.join(right, "id", "left").orderBy("id").collect() == [Row(id=1, l="a", r="x"), Row(id=2, l="b", r=None)]
    assert left.join(right, "id", "left_anti").collect() == [Row(id=2, l="b")]


def test_window(spark):
    frame = spark.createDataFrame([("a", 1), ("a", 2), ("b", 5)], "k string, v int")
    window = Window.partitionBy("k").orderBy("v")
    got = frame.select("k", "v", F.row_number().over(window).alias("n"), F.sum("v").over(window).alias("s")).orderBy("k", "v").collect()
    assert [tuple(row) for row in got] == [("a", 1, 1, 1), ("a", 2, 2, 3), ("b", 5, 1, 5)]


def test_set_operations(spark):
    one, two = spark.range(3), spark.range(1, 4)
    assert one.union(two).count() == 6
    assert sorted(row.id for row in one.intersect(two).collect()) == [1, 2]
    assert [row.id for row in one.exceptAll(two).collect()] == [0]
    assert one.union(two).distinct().count() == 4
    assert one.union(two).dropDuplicates(["id"]).count() == 4


def test_columns(spark):
    frame = spark.range(1).withColumns({"a": F.lit(1), "b": F.lit("x")}).withColumnRenamed("b", "c").drop("id")
    assert frame.columns == ["a", "c"]
    assert frame.toDF("p", "q").first() == Row(p=1, q="x")
    assert frame.select("*", (F.col("a") + 1).cast("string").alias("t")).first() == Row(a=1, c="x", t="2")
    assert frame.selectExpr("a + 1 AS n").first().n == 2


def test_missing_values(spark):
    frame = spark.createDataFrame([(1, None), (None, "b")], "n int, s string")
    assert frame.na.fill({"n": 0, "s": "-"}).orderBy("n").collect() == [Row(n=0, s="b"), Row(n=1, s="-")]
    assert frame.na.drop().count() == 0
    assert frame.na.replace("b", "c").filter("s = 'c'").count() == 1


def test_sql(spark):
    assert spark.sql("SELECT 1 AS one, 'x' AS s").collect() == [Row(one=1, s="x")]
    spark.range(5).createOrReplaceTempView("numbers")
    assert spark.sql("SELECT count(*) AS n FROM numbers WHERE id > :low", {"low": 2}).first().n == 2
    assert spark.sql("SELECT id FROM numbers WHERE id = ?", [3]).first().id == 3
    assert spark.sql("SELECT sum(id) AS s FROM {frame}", frame=spark.range(4)).first().s == 6
    assert spark.catalog.dropTempView("numbers") is True


def test_tables(spark):
    spark.sql("CREATE DATABASE IF NOT EXISTS shop")
    spark.sql("DROP TABLE IF EXISTS shop.items")
    spark.createDataFrame([(1, "a"), (2, "b")], "id int, name string").write.saveAsTable("shop.items")
    spark.createDataFrame([(3, "c")], "id int, name string").write.mode("append").saveAsTable("shop.items")
    assert [row.id for row in spark.table("shop.items").orderBy("id").collect()] == [1, 2, 3]
    assert [table.name for table in spark.catalog.listTables("shop")] == ["items"]
    assert [column.name for column in spark.catalog.listColumns("shop.items")] == ["id", "name"]
    assert spark.catalog.tableExists("shop.items") and not spark.catalog.tableExists("shop.nothing")
    assert spark.catalog.databaseExists("shop") and not spark.catalog.databaseExists("nowhere")
    assert "shop" in [database.name for database in spark.catalog.listDatabases()]
    spark.catalog.setCurrentDatabase("shop")
    assert spark.catalog.currentDatabase() == "shop"
    assert spark.table("items").count() == 3
    spark.sql("DROP TABLE shop.items")
    assert not spark.catalog.tableExists("shop.items")
    spark.catalog.setCurrentDatabase("default")
    spark.sql("DROP DATABASE shop")


def test_time_zone_of_the_session(spark):
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    frame = spark.sql("SELECT TIMESTAMP'2026-07-01 12:00:00' AS t")
    assert "2026-07-01 12:00:00" in shown(frame)
    assert frame.select(F.col("t").cast("long").alias("s")).first().s == 1782921600


def test_explain(spark):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        spark.range(3).filter("id > 1").explain()
        spark.range(3).explain(True)
    assert "== Physical Plan ==" in out.getvalue() and "== Analyzed Logical Plan ==" in out.getvalue()


def test_same_semantics(spark):
    frame = spark.range(3)
    assert frame.filter("id > 1").sameSemantics(frame.filter("id > 1"))
    assert not frame.filter("id > 1").sameSemantics(frame.filter("id > 2"))
    assert frame.isLocal() in (True, False) and frame.isStreaming is False
    assert frame.cache().count() == 3 and frame.unpersist().count() == 3


def test_a_large_plan_is_sent_compressed(spark):
    frame = spark.range(1).select(*[F.lit("x" * 1000 + str(i)).alias(f"c{i}") for i in range(2000)])
    spark.conf.set("spark.connect.session.planCompression.threshold", "1000")
    assert len(frame.collect()[0]) == 2000


if __name__ == "__main__":
    harness.main(globals())
