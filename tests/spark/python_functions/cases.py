"""Python functions over columns (udf, pandas_udf, arrow_udf, spark.udf.register), in batch queries and streams: rows and schema, or the error."""
import datetime
import decimal
import sys

from pyspark import cloudpickle
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DecimalType, DoubleType, IntegerType, LongType, MapType, StringType, StructField, StructType


def rows(spark):
    return spark.sql(
        "SELECT * FROM VALUES (1, 'a', 1.5D, DATE'2026-01-02', TIMESTAMP'2026-01-02 03:04:05.678', 1.25BD, array(1, 2), true, map('x', 1), named_struct('p', 1, 'q', 'z')), "
        "(2, 'b', -2.5D, DATE'2026-01-03', NULL, 3.50BD, array(3), false, map(), named_struct('p', 2, 'q', NULL)), "
        "(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS t(id, k, d, day, at, dec, list, flag, m, s)").coalesce(1)


def types_seen(*values):
    return ", ".join(f"{type(value).__name__}={value!r}" for value in values)


def with_udf(function, returns, *columns, arrow=None):
    return lambda spark: rows(spark).select("id", F.udf(function, returns, useArrow=arrow)(*columns).alias("r"))


def pandas_of(returns, columns):
    def wrap(function):
        return lambda spark: rows(spark).select("id", F.pandas_udf(function, returns)(*columns).alias("r"))
    return wrap


def fail(value):
    raise ValueError(f"no {value}")


def iterate(batches):
    for series in batches:
        yield series * 10


def registered(spark):
    spark.udf.register("twice", lambda value: None if value is None else value * 2, LongType())
    return spark.sql("SELECT id, twice(id) + 1 AS r FROM VALUES (1L), (5L), (NULL) t(id) WHERE twice(id) IS NULL OR twice(id) < 9")


def plus(a, b):
    return F.udf(lambda a, b: a + b, IntegerType())(a, b)


def named(k):
    return F.udf(lambda k: "none" if k is None else k.upper(), StringType())(k)


cloudpickle.register_pickle_by_value(sys.modules[__name__])

CASES = {
    "default type": lambda spark: rows(spark).select("id", F.udf(lambda k: k)("k").alias("r")),
    "unnamed": lambda spark: rows(spark).select(F.udf(lambda k: k, "string")("k"), named("k")),
    "as decorator": lambda spark: rows(spark).withColumn("r", F.udf("int")(lambda v: v + 1)("id")).select("id", "r"),
    "two arguments": lambda spark: rows(spark).select(plus("id", F.length("k")).alias("r")).where("r is not null"),
    "no arguments": with_udf(lambda: 7, "int"),
    "named arguments": lambda spark: rows(spark).select(F.udf(lambda a, b: a * 10 + b, "int")(b=F.col("id"), a=F.lit(4)).alias("r")),
    "nested": lambda spark: rows(spark).select(plus(plus("id", F.lit(1)), plus("id", F.lit(2))).alias("r")),
    "twice the same": lambda spark: rows(spark).select(named("k").alias("a"), F.concat(named("k"), F.lit("!")).alias("b")),
    "in filter": lambda spark: rows(spark).where(named("k") != "A").select("id", "k"),
    "in group by": lambda spark: rows(spark).groupBy(named("k").alias("n")).agg(F.sum(plus("id", F.lit(1))).alias("s")),
    "above an aggregate": lambda spark: rows(spark).groupBy("k").count().select(named("k").alias("n"), plus(F.col("count").cast("int"), F.lit(1)).alias("c")),
    "in order by": lambda spark: rows(spark).orderBy(F.udf(lambda v: -v, "int")("id")).limit(1).select("id"),
    "in a join": lambda spark: rows(spark).select("id").join(rows(spark).selectExpr("id AS other"), plus("id", "other") == 4),
    "in an outer join": lambda spark: rows(spark).select("id").join(rows(spark).selectExpr("id AS other"), plus("id", "other") == 4, "left"),
    "exploded": lambda spark: rows(spark).select("id", F.explode(F.udf(lambda n: list(range(n)), ArrayType(IntegerType()))("id")).alias("r")),
    "many": lambda spark: spark.range(25000).select(F.udf(lambda v: v % 7, "long")("id").alias("r")).groupBy("r").count(),
    "registered": registered,
    "types, arrow": with_udf(types_seen, "string", "id", "k", "d", "day", "at", "dec", "list", "flag", "m", "s", arrow=True),
    "types, pickled": with_udf(types_seen, "string", "id", "k", "d", "day", "at", "dec", "list", "flag", "m", "s", arrow=False),
    "exception": with_udf(fail, "int", "id"),
    "stop iteration": with_udf(lambda v: next(iter([])), "int", "id"),
    "too few arguments": with_udf(lambda a: a, "int", "id", "k"),
    "pandas": pandas_of("long", ["id"])(lambda v: v + 1),
    "pandas of two": pandas_of("double", ["id", "d"])(lambda a, b: a + b.fillna(0)),
    "pandas of text": pandas_of("string", ["k"])(lambda k: k.str.upper()),
    "pandas of structs": pandas_of("string", ["s"])(lambda s: s["q"]),
    "pandas to structs": pandas_of("a int, b string", ["id"])(lambda v: __import__("pandas").DataFrame({"a": v, "b": v.astype(str)})),
    "pandas, too short": pandas_of("long", ["id"])(lambda v: v[:1]),
    "pandas, no series": pandas_of("long", ["id"])(lambda v: 5),
    "pandas of times": pandas_of("timestamp", ["at"])(lambda t: t + __import__("pandas").Timedelta(hours=1)),
}


def doubled(frames):
    for frame in frames:
        yield frame.assign(twice=frame["id"] * 2)[["id", "twice"]]


def counted(batches):
    import pyarrow

    rows = sum(batch.num_rows for batch in batches)
    yield pyarrow.RecordBatch.from_pydict({"rows": pyarrow.array([rows], pyarrow.int64()), "text": ["all"]})


CASES |= {
    "map in pandas": lambda spark: rows(spark).mapInPandas(doubled, "id int, twice bigint"),
    "map in pandas, then": lambda spark: rows(spark).mapInPandas(doubled, "id int, twice bigint").where("twice > 2").groupBy().sum("twice"),
    "map in pandas, nothing": lambda spark: rows(spark).mapInPandas(lambda frames: iter([]), "id int"),
    "map in pandas, no iterator": lambda spark: rows(spark).mapInPandas(lambda frames: 5, "id int"),
    "map in pandas, another column": lambda spark: rows(spark).mapInPandas(doubled, "id int, thrice bigint"),
    "map in arrow": lambda spark: rows(spark).select("id").mapInArrow(counted, "rows bigint, text string"),
}
SCALARS = [
    ("int of text", "int", lambda v: "12"), ("int of float", "int", lambda v: 1.0), ("int of fraction", "int", lambda v: 1.5), ("int of bool", "int", lambda v: True),
    ("int too large", "int", lambda v: 1 << 40), ("text of int", "string", lambda v: 5), ("text of bool", "string", lambda v: True), ("text of list", "string", lambda v: [1]),
    ("double of int", "double", lambda v: 3), ("bool of int", "boolean", lambda v: 1), ("date", "date", lambda v: datetime.date(2026, 1, v)),
    ("date of time", "date", lambda v: datetime.datetime(2026, 1, v, 5)), ("time", "timestamp", lambda v: datetime.datetime(2026, 1, v, 5, 6, 7, 89)),
    ("decimal", DecimalType(10, 2), lambda v: decimal.Decimal("1.255") * v), ("decimal of int", DecimalType(10, 2), lambda v: v), ("bytes", BinaryType(), lambda v: b"ab" * v),
    ("bytes of text", BinaryType(), lambda v: "ab"), ("list", ArrayType(DoubleType()), lambda v: [1.5] * v), ("list of ints", ArrayType(DoubleType()), lambda v: [v]),
    ("map", MapType(StringType(), IntegerType()), lambda v: {"a": v}), ("struct of tuple", StructType([StructField("a", IntegerType()), StructField("b", StringType())]), lambda v: (v, "x")),
    ("struct of dict", StructType([StructField("a", IntegerType()), StructField("b", StringType())]), lambda v: {"b": "x", "a": v}), ("none", "int", lambda v: None),
]
for _name, _type, _function in SCALARS:
    for _arrow in (True, False):
        CASES[f"{_name}, {'arrow' if _arrow else 'pickled'}"] = with_udf(_function, _type, "id", arrow=_arrow)


def answer(spark, name):
    try:
        frame = CASES[name](spark)
        return {"schema": frame.schema.simpleString(), "rows": sorted(repr(tuple(row)) for row in frame.collect())}
    except Exception as error:
        get = getattr(error, "getCondition", None)
        lines = [line for line in str(error).strip().splitlines() if line and not line.startswith(" ")]
        return {"error": (get() if get else None) or type(error).__name__, "last": lines[-1] if "Traceback" in str(error) else lines[0].split(" SQLSTATE")[0]}
