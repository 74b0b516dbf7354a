#!/usr/bin/env python3
"""Delta tables between us and the others: what we write they must read, what Spark writes we must read.

Usage:
  check_delta_interop.py spark-tables OUT      Spark writes its sample tables into OUT, and OUT/<table>.count
  check_delta_interop.py read-ours DIR [--spark]  reads every table of DIR with deltalake and duckdb (and Spark); each has a
                                               <table>.expected beside it: one line, "rows sum(id)"

Our side is `connectors_delta_test`: MILLSTREAM_DELTA_OUT=DIR makes it write its tables, MILLSTREAM_DELTA_IN=OUT read Spark's.
Needs pyspark 4.2.0, delta-spark 4.4.0, deltalake 1.6.6 and duckdb of the interpreter that runs it.
"""
import os
import sys


def session():
    from pyspark.sql import SparkSession

    return (
        SparkSession.builder.master("local[1]")
        .config("spark.jars.packages", "io.delta:delta-spark_4.2_2.13:4.4.0")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )


def spark_tables(out):
    spark = session()
    os.makedirs(out, exist_ok=True)
    rows = spark.range(0, 20, 1, 1)

    def sql(text, name):
        spark.sql(text.replace("$T", f"delta.`{out}/{name}`"))

    rows.selectExpr("id", "cast(id as string) s").write.format("delta").save(f"{out}/plain")
    odd = "element_at(array('a b', 'c=d', 'e%f', 'g/h', 'ü#?', '', null), cast(id % 7 as int) + 1)"
    rows.selectExpr("id", f"{odd} p", "date'2026-01-02' d").write.format("delta").partitionBy("p", "d").save(f"{out}/partitioned")
    rows.write.format("delta").option("delta.enableDeletionVectors", "true").save(f"{out}/vectors")
    sql("DELETE FROM $T WHERE id % 3 = 0", "vectors")
    sql("CREATE TABLE $T (id BIGINT, a INT, s STRUCT<x: INT, y: STRING>) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name')", "mapped")
    sql("INSERT INTO $T SELECT id, 1, struct(2, 'y') FROM range(20)", "mapped")
    sql("ALTER TABLE $T RENAME COLUMN a TO b", "mapped")
    sql("INSERT INTO $T SELECT id, 1, struct(2, 'y') FROM range(20, 25)", "mapped")
    sql("CREATE TABLE $T (id BIGINT, a INT) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'id')", "mapped_by_id")
    sql("INSERT INTO $T SELECT id, 1 FROM range(20)", "mapped_by_id")
    sql("CREATE TABLE $T (id BIGINT, t TIMESTAMP_NTZ) USING delta TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2')", "v2")
    for i in range(5):
        sql(f"INSERT INTO $T SELECT id + {i * 4}, timestamp_ntz'2026-01-02 03:04:05' FROM range(4)", "v2")
    sql("CREATE TABLE $T (id BIGINT, n INT) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true')", "widened")
    sql("INSERT INTO $T SELECT id, 7 FROM range(10)", "widened")
    sql("ALTER TABLE $T ALTER COLUMN n TYPE BIGINT", "widened")
    sql("INSERT INTO $T SELECT id + 10, 5000000000 FROM range(10)", "widened")
    rows.selectExpr(
        "id", "id % 2 = 0 bool", "cast(id as tinyint) i8", "cast(id as smallint) i16", "cast(id as int) i32", "cast(id as float) f32",
        "cast(id as double) f64", "cast(id as decimal(5,2)) d5", "cast(id as decimal(15,3)) d15", "cast(id as decimal(38,10)) d38",
        "cast('x' as binary) bin", "timestamp'2026-01-02 03:04:05.678' ts", "timestamp_ntz'2026-01-02 03:04:05.678' ntz",
        "array(id, null) arr", "map('k', id) m", "struct(id a, array(struct('z' q)) b) st", "cast(null as void) v",
    ).write.format("delta").save(f"{out}/types")
    for name in sorted(os.listdir(out)):
        if os.path.isdir(f"{out}/{name}"):
            found = spark.read.format("delta").load(f"{out}/{name}").selectExpr("count(*)", "sum(id)").first()
            with open(f"{out}/{name}.expected", "w", encoding="utf-8") as to:
                to.write(f"{found[0]} {found[1]}\n")
    spark.stop()


def read_ours(folder, with_spark):
    import deltalake
    import pyarrow.compute as pc

    spark = session() if with_spark else None
    wrong = 0
    for name in sorted(os.listdir(folder)):
        path = f"{folder}/{name}"
        if not os.path.isdir(path):
            continue
        with open(f"{path}.expected", encoding="utf-8") as expected:
            rows, total = (int(word) for word in expected.read().split())
        answers = {}
        table = deltalake.DeltaTable(path)
        arrow = table.to_pyarrow_table()
        answers["deltalake"] = (arrow.num_rows, pc.sum(arrow["id"]).as_py())
        if spark:
            found = spark.read.format("delta").load(path).selectExpr("count(*)", "sum(id)").first()
            answers["spark"] = (found[0], found[1])
            spark.sql(f"DESCRIBE HISTORY delta.`{path}`").collect()
            # An append by Spark makes it check our .crc, checkpoint and protocol.
            one = spark.read.format("delta").load(path).limit(1)
            one.write.format("delta").mode("append").save(path)
            assert spark.read.format("delta").load(path).count() == rows + min(rows, 1), path
        for reader, answer in answers.items():
            right = answer == (rows, total)
            wrong += not right
            print(f"{'ok' if right else 'WRONG'}  {name} by {reader}: {answer}, expected {(rows, total)}")
    if spark:
        spark.stop()
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) >= 3 and sys.argv[1] == "spark-tables":
        spark_tables(sys.argv[2])
    elif len(sys.argv) >= 3 and sys.argv[1] == "read-ours":
        sys.exit(read_ours(sys.argv[2], "--spark" in sys.argv))
    else:
        sys.exit(__doc__)
