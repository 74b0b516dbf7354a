#!/usr/bin/env python3
"""Delta tables between us and the others: what we write they must read, what Spark writes we must read.

Usage:
  check_delta_interop.py spark-tables OUT      Spark writes its sample tables into OUT, and OUT/<table>.count
  check_delta_interop.py stream-tables OUT     a server ($MILLSTREAM) writes tables by streams into OUT: partitioned, with columns that came later, after
                                               100 commits with checkpoints and checksums; OUT/<table>.rows has the rows that were loaded
  check_delta_interop.py read-ours DIR [--spark]  reads every table of DIR with deltalake and duckdb's delta extension, where it is (and Spark);
                                               each has beside it <table>.expected, one line "rows sum(id)", and perhaps <table>.rows, all its rows

Our side is the server, and `connectors_delta_test`: MILLSTREAM_DELTA_OUT=DIR makes it write its tables, MILLSTREAM_DELTA_IN=OUT read Spark's.
Needs pyspark 4.2.0, delta-spark 4.4.0, deltalake 1.6.6 and duckdb of the interpreter that runs it.
"""
import json
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
        .config("spark.ui.showConsoleProgress", "false")
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
    rows.selectExpr("id", "if(id % 3 = 0, null, parse_json(concat('{\"id\":', id, ',\"l\":[1.50,\"x\",null]}'))) v",
                    "named_struct('v', parse_json('1')) s").write.format("delta").save(f"{out}/variants")
    for name in sorted(os.listdir(out)):
        if os.path.isdir(f"{out}/{name}"):
            found = spark.read.format("delta").load(f"{out}/{name}").selectExpr("count(*)", "sum(id)").first()
            with open(f"{out}/{name}.expected", "w", encoding="utf-8") as to:
                to.write(f"{found[0]} {found[1]}\n")
    spark.stop()


def stream_tables(out):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "connect"))
    import harness

    os.makedirs(out, exist_ok=True)
    server = harness.Server()
    spark = server.session()
    odd = ["plain", "a b", "c=d", "e%f", "g/h", "ü#?", "'\"", "{x}[y]^", "a:b", "%20", None]

    def load(name, rows, files, partition_by=(), **options):
        """Adds rows in so many files and runs the stream. A new column ends it once, as in Auto Loader."""
        landing, expected = f"{out}/.{name}.landing", f"{out}/{name}.rows"
        os.makedirs(landing, exist_ok=True)
        known = json.load(open(expected, encoding="utf-8")) if os.path.exists(expected) else []
        for i in range(files):
            with open(f"{landing}/{len(known)}-{i:04d}.json", "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows[i::files])
        for attempt in range(3):
            stream = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.inferColumnTypes", "true")
                      .option("cloudFiles.schemaLocation", f"{out}/.{name}.schema").options(**options).load(landing)
                      .writeStream.option("checkpointLocation", f"{out}/.{name}.checkpoint").option("mergeSchema", "true").partitionBy(*partition_by))
            query = stream.trigger(availableNow=True).format("delta").start(f"{out}/{name}")
            try:
                query.awaitTermination(120)
                break
            except Exception as error:
                if "UNKNOWN_FIELD_EXCEPTION" not in str(error) or attempt == 2:
                    raise
        known += rows
        with open(expected, "w", encoding="utf-8") as file:
            json.dump(known, file)
        with open(f"{out}/{name}.expected", "w", encoding="utf-8") as file:
            file.write(f"{len(known)} {sum(row['id'] for row in known)}\n")

    def rows(begin, end, **columns):
        return [{"id": i, "s": odd[i % len(odd)], **{name: make(i) for name, make in columns.items()}} for i in range(begin, end)]

    load("streamed", rows(0, 1000), 7)
    load("stream_partitioned", rows(0, 500, day=lambda i: f"2026-01-0{i % 3 + 1}"), 5, partition_by=["s", "day"])
    load("stream_merged", rows(0, 50), 2)
    load("stream_merged", rows(50, 90, extra=lambda i: i * 0.5), 2)
    load("stream_merged", rows(90, 120, extra=lambda i: i * 0.5, nested=lambda i: {"x": i, "y": [str(i)]}), 2)
    load("stream_partitioned_merged", rows(0, 50), 2, partition_by=["s"])
    load("stream_partitioned_merged", rows(50, 80, extra=lambda i: i % 2 == 0), 2, partition_by=["s"])
    load("stream_many_commits", rows(0, 315), 105, **{"cloudFiles.maxFilesPerTrigger": "1"})
    spark.stop()
    server.stop()  # writes the checksums that are due
    log = os.listdir(f"{out}/stream_many_commits/_delta_log")
    assert sum(name.endswith(".checkpoint.parquet") for name in log) >= 2 and any(name.endswith(".crc") for name in log), sorted(log)
    # What a reader of the checkpoint sees, without the commits before it.
    for name in log:
        if name.endswith(".json") and int(name[:20]) < 90:
            os.remove(f"{out}/stream_many_commits/_delta_log/{name}")


def plain(value):
    """A row's value as JSON has it, without the fields that are null."""
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items() if child is not None and key != "_rescued_data"}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return value if isinstance(value, (bool, int, float)) else str(value)


def same_rows(found, expected):
    def texts(rows):
        return sorted(json.dumps(plain(row), sort_keys=True) for row in rows)
    return texts(found) == texts(expected)


def duckdb_with_delta():
    import duckdb

    connection = duckdb.connect()
    try:
        if extension := os.environ.get("DUCKDB_DELTA_EXTENSION"):
            connection.execute(f"LOAD '{extension}'")
        else:
            connection.execute("INSTALL delta; LOAD delta")
        return connection
    except duckdb.Error as error:
        print(f"duckdb is left out: no delta extension here ({str(error).splitlines()[0]})")
        return None


def read_ours(folder, with_spark):
    import deltalake

    spark = session() if with_spark else None
    duck = duckdb_with_delta()
    wrong = 0
    for name in sorted(os.listdir(folder)):
        path = f"{folder}/{name}"
        if not os.path.isdir(path) or name.startswith("."):
            continue
        with open(f"{path}.expected", encoding="utf-8") as file:
            rows, total = (int(word) for word in file.read().split())
        answers = {"deltalake": deltalake.DeltaTable(path).to_pyarrow_table().to_pylist()}
        if duck:
            answers["duckdb"] = duck.execute(f"SELECT * FROM delta_scan('{path}')").to_arrow_table().to_pylist()
        if spark:
            answers["spark"] = [row.asDict(recursive=True) for row in spark.read.format("delta").load(path).collect()]
            if name != "stream_many_commits":  # its old commits are gone
                spark.sql(f"DESCRIBE HISTORY delta.`{path}`").collect()
            # An append by Spark makes it check our .crc, checkpoint and protocol.
            one = spark.read.format("delta").load(path).limit(1)
            one.write.format("delta").mode("append").save(path)
            assert spark.read.format("delta").load(path).count() == rows + min(rows, 1), path
        expected = json.load(open(f"{path}.rows", encoding="utf-8")) if os.path.exists(f"{path}.rows") else None
        for reader, answer in answers.items():
            found = (len(answer), sum(row["id"] for row in answer))
            right = found == (rows, total) and (expected is None or same_rows(answer, expected))
            wrong += not right
            print(f"{'ok' if right else 'WRONG'}  {name} by {reader}: {found}, expected {(rows, total)}{'' if expected is None else ', all rows compared'}", flush=True)
    if spark:
        spark.stop()
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) >= 3 and sys.argv[1] == "spark-tables":
        spark_tables(sys.argv[2])
    elif len(sys.argv) >= 3 and sys.argv[1] == "stream-tables":
        stream_tables(sys.argv[2])
    elif len(sys.argv) >= 3 and sys.argv[1] == "read-ours":
        sys.exit(read_ours(sys.argv[2], "--spark" in sys.argv))
    else:
        sys.exit(__doc__)
