#!/usr/bin/env python3
"""zeroCopy: Parquet files are the table's as they are. The same rows as by decoding, for every reader, whatever is done to the table afterwards; and files
that do not fit are loaded as ever, with the reason."""
import datetime
import decimal
import glob
import json
import os
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
from harness import main, raises
from pyspark.errors import PySparkException

try:
    from deltalake import DeltaTable, QueryBuilder
except ImportError:
    DeltaTable = None

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string()), ("price", pa.decimal128(9, 2)), ("x", pa.float64()), ("day", pa.date32()), ("at", pa.timestamp("us", "UTC")),
                    ("tags", pa.list_(pa.string())), ("pair", pa.struct([("a", pa.int32()), ("b", pa.string())]))])


def rows(first, count=50):
    return pa.Table.from_pylist([
        {"id": i, "name": None if i % 11 == 0 else f"n{i}", "price": decimal.Decimal(i) / 100, "x": float("nan") if i % 17 == 3 else i / 2, "day": datetime.date(2026, 1, 1) + datetime.timedelta(i),
         "at": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=i), "tags": [f"t{i % 7}"] * (i % 3), "pair": None if i % 13 == 0 else {"a": i, "b": f"b{i % 5}"}}
        for i in range(first, first + count)], SCHEMA)


def write(table, path, **options):
    pq.write_table(table, path, store_decimal_as_integer=True, **options)


def directory(**where):
    return tempfile.mkdtemp(prefix="zero-", **where)


def location(spark, table):
    return spark.sql(f"DESCRIBE DETAIL {table}").collect()[0].location.removeprefix("file:")


def registered(spark, table):
    return sorted(glob.glob(location(spark, table) + "/registered-*.parquet"))


def adds(spark, table):
    found = {}
    for path in sorted(glob.glob(location(spark, table) + "/_delta_log/*.json")):
        with open(path, encoding="utf-8") as file:
            for line in file:
                action = json.loads(line)
                if "add" in action:
                    found[action["add"]["path"]] = action["add"]
    return found


def content(path):
    with open(path, "rb") as file:
        return file.read()


def copy(spark, table, landing, options="'zeroCopy' = 'copy'", select=None):
    source = f"'{landing}'" if select is None else f"(SELECT {select} FROM '{landing}')"
    return spark.sql(f"COPY INTO {table} FROM {source} FILEFORMAT = PARQUET COPY_OPTIONS ({options})").collect()[0]


def stream(spark, landing, base, table, **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "parquet").option("cloudFiles.schemaLocation", base + "/schema")
    query = (reader.options(**options).load(landing).writeStream.option("checkpointLocation", base + "/checkpoint").option("mergeSchema", True)
             .trigger(availableNow=True).toTable(table))
    query.awaitTermination()
    return query


def assert_ids(spark, table, ids):
    ids = sorted(ids)
    assert [row.id for row in spark.table(table).select("id").orderBy("id").collect()] == ids
    if DeltaTable is not None:
        found = pa.table(QueryBuilder().register("t", DeltaTable(location(spark, table))).execute("SELECT id FROM t ORDER BY id").read_all())
        assert found["id"].to_pylist() == ids


def test_copy_into_registers_files_and_every_reader_sees_their_rows(spark):
    landing = directory()
    write(rows(0), landing + "/a.parquet")
    write(rows(50).select(["price", "id", "at", "name", "tags", "pair", "day", "x"]), landing + "/b.parquet", compression="zstd", row_group_size=20)
    write(rows(100).select(["id", "name"]), landing + "/c.parquet", compression="gzip")
    spark.sql("CREATE TABLE zero_into (id BIGINT, name STRING, price DECIMAL(9,2), x DOUBLE, day DATE, at TIMESTAMP, tags ARRAY<STRING>, pair STRUCT<a: INT, b: STRING>)")
    counts = copy(spark, "zero_into", landing)
    assert (counts.num_inserted_rows, counts.num_registered_files, counts.not_registered) == (150, 3, None), counts
    again = copy(spark, "zero_into", landing)
    assert (again.num_inserted_rows, again.num_registered_files) == (0, 0), again
    files = registered(spark, "zero_into")
    assert sorted(map(content, files)) == sorted(content(f"{landing}/{name}.parquet") for name in "abc")
    assert all(os.stat(path).st_nlink == 1 for path in files)
    assert_ids(spark, "zero_into", range(150))
    found = spark.table("zero_into").toArrow().sort_by("id")
    for name in ("name", "price", "day", "at", "tags", "pair"):
        wanted = pa.concat_tables([rows(0), rows(50)])[name].to_pylist() + [None] * 50 if name != "name" else pa.concat_tables([rows(0), rows(50), rows(100)])[name].to_pylist()
        assert found[name].to_pylist() == wanted, name
    # What the footers say is in the log; bounds of floats, and counts of what the footer does not count, are not guessed.
    by_source = {os.path.basename(add["tags"]["millstream.source_file"]): json.loads(add["stats"]) for add in adds(spark, "zero_into").values()}
    stats = by_source["b.parquet"]
    assert stats["numRecords"] == 50 and stats["minValues"]["id"] == 50 and stats["maxValues"]["id"] == 99 and stats["nullCount"]["name"] == 5, stats
    assert "x" not in stats["minValues"] and "x" not in stats["maxValues"] and stats["nullCount"]["x"] == 0 and "tags" not in stats["nullCount"], stats
    assert stats["maxValues"]["day"] == "2026-04-10" and stats["minValues"]["pair"]["a"] >= 50 and "price" not in by_source["c.parquet"]["nullCount"], stats
    assert spark.table("zero_into").where("id = 77").count() == 1 and spark.table("zero_into").where("x > 1000000").count() == sum(1 for i in range(100) if i % 17 == 3)
    assert spark.table("zero_into").where("price IS NULL").count() == 50
    metrics = spark.sql("DESCRIBE HISTORY zero_into").collect()[0].operationMetrics
    assert metrics["numRegisteredFiles"] == "3" and metrics["numOutputRows"] == "150", metrics
    assert {row.rows for row in spark.sql("SELECT * FROM copy_into_state('zero_into')").collect()} == {50}


def test_auto_loader_links_files_that_vacuum_leaves_alone(spark):
    landing, base = directory(), directory()
    write(rows(0), landing + "/a.parquet")
    write(rows(50), landing + "/old.parquet")
    os.utime(landing + "/old.parquet", (1700000000, 1700000000))
    query = stream(spark, landing, base, "zero_linked", **{"cloudFiles.zeroCopy": "link"})
    metrics = query.lastProgress["sources"][0]["metrics"]
    assert metrics["numFilesRegistered"] == "2" and "filesNotRegistered" not in metrics, metrics
    assert query.lastProgress["numInputRows"] == 100 and query.lastProgress["sink"]["numOutputRows"] == 100
    inodes = {os.stat(path).st_ino for path in registered(spark, "zero_linked")}
    # VACUUM goes by times of change: what has not changed for long is copied.
    assert os.stat(landing + "/a.parquet").st_ino in inodes and os.stat(landing + "/old.parquet").st_ino not in inodes
    assert_ids(spark, "zero_linked", range(100))
    assert spark.table("zero_linked").where("_rescued_data IS NOT NULL").count() == 0
    os.remove(landing + "/a.parquet")
    assert_ids(spark, "zero_linked", range(100))
    assert {row.rows for row in spark.sql(f"SELECT rows FROM cloud_files_state('{base}/checkpoint')").collect()} == {50}


def test_what_does_not_fit_is_loaded_as_ever_with_the_reason(spark):
    plain = rows(0).select(["id", "name"])
    cases = {
        "partitioned": ("id BIGINT, name STRING", "PARTITIONED BY (name)", plain, {}, None, "the table is partitioned"),
        "constant": ("id BIGINT, name STRING, n INT", "", plain, {}, "id, name, 7 AS n", "constant"),
        "computed": ("id BIGINT, name STRING", "", plain, {}, "id + 0 AS id, name", "computes"),
        "selected": ("id BIGINT, name STRING", "", plain, {}, "id, name", None),
        "metadata": ("id BIGINT, name STRING, f STRING", "", plain, {}, "id, name, _metadata.file_name AS f", "_metadata in parts"),
        "left_out": ("id BIGINT", "", plain, {}, "id", "columns that the query does not take"),
        "renamed": ("id BIGINT, label STRING", "", plain, {}, "id, name AS label", "stored otherwise"),
        "letters": ("ID BIGINT, name STRING", "", plain, {}, None, "stored otherwise"),
        "wider": ("id DOUBLE, name STRING", "", plain, {}, None, "co"),
        "nanoseconds": ("at TIMESTAMP, id BIGINT", "", pa.table({"id": plain["id"], "at": pa.array([1000] * 50, pa.timestamp("ns", "UTC"))}), {}, None, "at"),
        "int96": ("at TIMESTAMP, id BIGINT", "", pa.table({"id": plain["id"], "at": pa.array([1] * 50, pa.timestamp("us", "UTC"))}),
                  {"use_deprecated_int96_timestamps": True}, None, "stored otherwise"),
        "may_be_null": ("id BIGINT NOT NULL, name STRING", "", plain, {"write_statistics": False}, None, "may be null"),
        "not_null": ("id BIGINT NOT NULL, name STRING", "", plain, {}, None, None),
        "codec": ("id BIGINT, name STRING", "TBLPROPERTIES ('delta.parquet.compression.codec' = 'zstd')", plain, {}, None, "compression"),
        "field_ids": ("id BIGINT, name STRING", "", pa.Table.from_arrays([plain["id"], plain["name"]], schema=pa.schema(
            [pa.field("id", pa.int64(), metadata={"PARQUET:field_id": "7"}), pa.field("name", pa.string(), metadata={"PARQUET:field_id": "8"})])), {}, None, "field ids"),
        "lineage": ("id BIGINT, name STRING", "", plain.replace_schema_metadata({"millstream.source_files": "x"}), {}, None, "another table"),
        "calendar": ("id BIGINT, name STRING", "", plain.replace_schema_metadata({"org.apache.spark.version": "2.4.0"}), {}, None, "calendar"),
    }
    for name, (columns, clause, table, options, select, reason) in cases.items():
        landing = directory()
        write(table, landing + "/a.parquet", **options)
        spark.sql(f"CREATE TABLE zero_{name} ({columns}) {clause}")
        counts = copy(spark, f"zero_{name}", landing, select=select)
        assert counts.num_inserted_rows == 50 and spark.table(f"zero_{name}").count() == 50, (name, counts)
        assert (counts.num_registered_files == 1) == (reason is None), (name, counts)
        assert (counts.not_registered is None) if reason is None else (counts.not_registered.startswith("1: ") and reason in counts.not_registered), (name, counts)


def test_directories_that_are_columns_and_new_columns(spark):
    landing, base = directory(), directory()
    os.makedirs(landing + "/part=1")
    write(rows(0).select(["id", "name"]), landing + "/part=1/a.parquet")
    query = stream(spark, landing, base, "zero_parts", **{"cloudFiles.zeroCopy": "copy"})
    assert "comes from its path" in query.lastProgress["sources"][0]["metrics"]["filesNotRegistered"], query.lastProgress["sources"][0]["metrics"]
    assert_ids(spark, "zero_parts", range(50))
    landing, base = directory(), directory()
    write(rows(0).select(["id"]), landing + "/a.parquet")
    stream(spark, landing, base, "zero_grown", **{"cloudFiles.zeroCopy": "copy"})
    write(rows(50).select(["id", "name"]), landing + "/b.parquet")
    raises(PySparkException, lambda: stream(spark, landing, base, "zero_grown", **{"cloudFiles.zeroCopy": "copy"}), "UNKNOWN_FIELD_EXCEPTION")
    stream(spark, landing, base, "zero_grown", **{"cloudFiles.zeroCopy": "copy"})
    assert len(registered(spark, "zero_grown")) == 2
    assert_ids(spark, "zero_grown", range(100))


def test_rows_leave_and_come_with_registered_files(spark):
    for number, properties in enumerate(["", "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'delta.enableChangeDataFeed' = 'true')"]):
        landing, name = directory(), f"zero_undo{number}"
        for i, letter in enumerate("abc"):
            write(rows(50 * i), f"{landing}/{letter}.parquet")
        spark.sql(f"CREATE TABLE {name} {properties}")
        copy(spark, name, landing, "'zeroCopy' = 'link', 'mergeSchema' = 'true'")
        assert len(registered(spark, name)) == 3
        spark.sql(f"DELETE FROM {name} WHERE id % 10 = 0")
        assert spark.sql(f"UNDO FILES IN {name} WHERE path LIKE '%/b.parquet'").collect()[0].num_affected_rows == 45
        assert_ids(spark, name, [i for i in range(150) if i % 10 and not 50 <= i < 100])
        assert spark.sql(f"REDO FILES IN {name} WHERE true").collect()[0].num_affected_rows == 45
        assert_ids(spark, name, [i for i in range(150) if i % 10])
        write(rows(200), landing + "/new.parquet.tmp")
        os.rename(landing + "/new.parquet.tmp", landing + "/a.parquet")
        assert copy(spark, name, landing, "'zeroCopy' = 'copy', 'changedFiles' = 'replaced'").num_registered_files == 1
        assert_ids(spark, name, [i for i in range(250) if (50 <= i < 150 and i % 10) or i >= 200])
        os.remove(landing + "/c.parquet")
        copy(spark, name, landing, "'zeroCopy' = 'copy', 'deletedFiles' = 'removed', 'deletedFiles.confirmAfter' = '0 seconds'")
        assert_ids(spark, name, [i for i in range(250) if (50 <= i < 100 and i % 10) or i >= 200])
        assert copy(spark, name, landing, "'zeroCopy' = 'copy', 'replay' = 'true'").num_inserted_rows == 100
        assert_ids(spark, name, list(range(50, 100)) + list(range(200, 250)))


def test_a_stream_undoes_and_replays_registered_files(spark):
    landing, base = directory(), directory()
    write(rows(0), landing + "/a.parquet")
    write(rows(50), landing + "/b.parquet")
    stream(spark, landing, base, "zero_stream", **{"cloudFiles.zeroCopy": "link"})
    spark.sql(f"UNDO FILES IN STREAM '{base}/checkpoint' WHERE path LIKE '%/a.parquet'")
    spark.sql(f"REPLAY FILES IN STREAM '{base}/checkpoint' WHERE path LIKE '%/b.parquet'")
    stream(spark, landing, base, "zero_stream", **{"cloudFiles.zeroCopy": "link"})
    assert_ids(spark, "zero_stream", range(50, 100))


def test_files_that_others_rewrite_are_not_traced_wrongly(spark):
    if DeltaTable is None:
        return
    landing = directory()
    for i, letter in enumerate("ab"):
        write(rows(50 * i), f"{landing}/{letter}.parquet")
    spark.sql("CREATE TABLE zero_rewritten")
    copy(spark, "zero_rewritten", landing, "'zeroCopy' = 'copy', 'mergeSchema' = 'true'")
    DeltaTable(location(spark, "zero_rewritten")).create_checkpoint()
    assert_ids(spark, "zero_rewritten", range(100))
    DeltaTable(location(spark, "zero_rewritten")).optimize.compact()
    assert_ids(spark, "zero_rewritten", range(100))
    raises(PySparkException, lambda: spark.sql("UNDO FILES IN zero_rewritten WHERE path LIKE '%/a.parquet'").collect(), "MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE")
    assert_ids(spark, "zero_rewritten", range(100))


def test_known_from_names_registered_files(spark):
    landing, base = directory(), directory()
    write(rows(0), landing + "/a.parquet")
    stream(spark, landing, base, "zero_known", **{"cloudFiles.zeroCopy": "copy"})
    spark.sql("CREATE TABLE zero_knows")
    write(rows(50), landing + "/b.parquet")
    counts = copy(spark, "zero_knows", landing, f"'zeroCopy' = 'copy', 'mergeSchema' = 'true', 'knownFrom' = '{location(spark, 'zero_known')}'")
    assert counts.num_inserted_rows == 50 and counts.num_registered_files == 1, counts
    assert_ids(spark, "zero_knows", range(50, 100))


def test_options_explain_and_what_cannot_be_linked(spark):
    landing = directory()
    write(rows(0), landing + "/a.parquet")
    spark.sql("CREATE TABLE zero_options")
    raises(PySparkException, lambda: copy(spark, "zero_options", landing, "'zeroCopy' = 'perhaps'"), "MILLSTREAM_INVALID_OPTION_VALUE", "expected off, copy or link")
    raises(PySparkException, lambda: spark.sql(f"COPY INTO zero_options FROM '{landing}' FILEFORMAT = JSON COPY_OPTIONS ('zeroCopy' = 'copy')").collect(), "only Parquet files")
    raises(PySparkException, lambda: spark.readStream.format("cloudFiles").option("cloudFiles.format", "csv").option("cloudFiles.zeroCopy", "copy").schema("a INT").load(landing).schema,
           "cloudFiles.zeroCopy")
    explained = {row.property: row.value for row in spark.sql(
        f"EXPLAIN COPY INTO zero_options FROM '{landing}' FILEFORMAT = PARQUET COPY_OPTIONS ('zeroCopy' = 'true', 'mergeSchema' = 'true')").collect()}
    assert explained["registered_files_sampled"] == "1" and "not_registered" not in explained and explained["rows"] == "50", explained
    shown = spark.sql(f"COPY INTO zero_options FROM '{landing}' FILEFORMAT = PARQUET VALIDATE 5 ROWS COPY_OPTIONS ('zeroCopy' = 'copy', 'mergeSchema' = 'true')").collect()
    assert len(shown) == 5 and registered(spark, "zero_options") == []
    if os.path.isdir("/dev/shm") and os.stat("/dev/shm").st_dev != os.stat(location(spark, "zero_options")).st_dev:
        elsewhere = directory(dir="/dev/shm")
        write(rows(0), elsewhere + "/a.parquet")
        raises(PySparkException, lambda: copy(spark, "zero_options", elsewhere, "'zeroCopy' = 'link', 'mergeSchema' = 'true'"), "MILLSTREAM_CANNOT_LINK_FILE", "different file systems")
        assert copy(spark, "zero_options", elsewhere, "'zeroCopy' = 'copy', 'mergeSchema' = 'true'").num_registered_files == 1
        assert_ids(spark, "zero_options", range(50))


if __name__ == "__main__":
    main(globals())
