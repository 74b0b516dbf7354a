#!/usr/bin/env python3
"""Parquet files whose column chunks go into the table as they are: the same rows as by decoding, for every reader, and whatever is asked of the table afterwards."""
import datetime
import decimal
import glob
import os
import random
import tempfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from harness import main, raises
from pyspark.errors import PySparkException

try:
    from deltalake import DeltaTable, QueryBuilder
except ImportError:
    DeltaTable = None

ROWS = 12000
SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string()), ("raw", pa.binary()), ("price", pa.decimal128(9, 2)), ("big", pa.decimal128(30, 3)), ("x", pa.float64()),
                    ("day", pa.date32()), ("at", pa.timestamp("us", "UTC")), ("tags", pa.list_(pa.string())), ("pair", pa.struct([("a", pa.int32()), ("b", pa.string())]))])


def rows(first, count=ROWS):
    """Rows of a hundred bytes that no codec makes smaller: a row group of these is more than a megabyte."""
    rng = random.Random(first)
    made = []
    for i in range(first, first + count):
        made.append({"id": i, "name": None if i % 11 == 0 else rng.randbytes(20).hex(), "raw": rng.randbytes(40), "price": decimal.Decimal(i % 5000) / 100,
                     "big": decimal.Decimal(i * 7919), "x": float("nan") if i % 997 == 3 else rng.random(), "day": datetime.date(2026, 1, 1) + datetime.timedelta(i % 400),
                     "at": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=i), "tags": [f"t{i % 7}"] * (i % 3),
                     "pair": None if i % 13 == 0 else {"a": i % 100, "b": f"b{i % 5}"}})
    return pa.Table.from_pylist(made, SCHEMA)


def directory():
    return tempfile.mkdtemp(prefix="chunks-")


def stream(spark, landing, base, table, **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "parquet").option("cloudFiles.schemaLocation", base + "/schema")
    query = (reader.options(**options).load(landing).writeStream.option("checkpointLocation", base + "/checkpoint").option("mergeSchema", True)
             .trigger(availableNow=True).toTable(table))
    query.awaitTermination()
    return query


def location(spark, table):
    return spark.sql(f"DESCRIBE DETAIL {table}").collect()[0].location.removeprefix("file:")


def checked(path):
    """The footer of a file whose pages are as their checksums say."""
    file = pq.ParquetFile(path, page_checksum_verification=True)
    file.read()
    return file.metadata


def assert_same(spark, table, wanted, order="id"):
    """By this server, and by the file readers of Arrow; by delta-rs where it is there."""
    names = [name for name in wanted.schema.names]
    found = spark.table(table).select(*names).toArrow().sort_by(order)
    wanted = wanted.sort_by(order)
    assert found.num_rows == wanted.num_rows, (found.num_rows, wanted.num_rows)
    for name in names:
        expected, got = wanted[name].combine_chunks(), found[name].combine_chunks().cast(wanted.schema.field(name).type)
        if pa.types.is_floating(expected.type):
            expected, got = expected.fill_null(-1).to_pylist(), got.fill_null(-1).to_pylist()
            assert all(a == b or (a != a and b != b) for a, b in zip(expected, got)), name
        else:
            assert expected.to_pylist() == got.to_pylist(), name
    if DeltaTable is not None:
        counted = pa.table(QueryBuilder().register("t", DeltaTable(location(spark, table))).execute("SELECT count(*) AS n, min(id) AS low, max(id) AS high FROM t").read_all())
        assert counted.to_pylist() == [{"n": wanted.num_rows, "low": pc.min(wanted["id"]).as_py(), "high": pc.max(wanted["id"]).as_py()}], counted


def test_every_type_and_codec_comes_through_auto_loader(spark):
    landing, base = directory(), directory()
    tables = []
    for number, (codec, version, checksum) in enumerate([("snappy", "1.0", False), ("zstd", "2.0", True), ("snappy", "2.0", True), ("gzip", "1.0", False), ("none", "1.0", False)]):
        tables.append(rows(number * ROWS))
        pq.write_table(tables[-1], f"{landing}/{number}.parquet", compression=codec, data_page_version=version, write_page_checksum=checksum, store_decimal_as_integer=True)
    query = stream(spark, landing, base, "copied_types")
    assert query.lastProgress["sink"]["numOutputRows"] == 5 * ROWS and query.lastProgress["numInputRows"] == 5 * ROWS
    assert_same(spark, "copied_types", pa.concat_tables(tables))
    assert spark.table("copied_types").where("_rescued_data IS NOT NULL").count() == 0
    state = spark.sql(f"SELECT path, rows FROM cloud_files_state('{base}/checkpoint')").collect()
    assert len(state) == 5 and all(row.rows == ROWS for row in state)
    # The table does not ask for zstd: that file was copied. What is in a codec that not all readers know, or in none though one would pay, is written anew.
    files = {path: checked(path) for path in glob.glob(location(spark, "copied_types") + "/*.parquet")}
    codecs = {meta.row_group(group).column(2).compression for meta in files.values() for group in range(meta.num_row_groups)}
    assert "ZSTD" in codecs and "SNAPPY" in codecs and "GZIP" not in codecs, codecs
    # Statistics are those of the values: bounds skip files, and nothing is skipped wrongly.
    assert spark.table("copied_types").where("id = 30007").count() == 1 and spark.table("copied_types").where("name IS NULL").count() == len(range(0, 5 * ROWS, 11))
    assert spark.table("copied_types").where("x = double('NaN')").count() == sum(1 for i in range(5 * ROWS) if i % 997 == 3)


def test_new_columns_missing_columns_and_partition_columns(spark):
    landing, base = directory(), directory()
    os.makedirs(landing + "/day=1")
    small = rows(0).select(["id", "name", "raw"])
    pq.write_table(small, landing + "/day=1/a.parquet")
    stream(spark, landing, base, "copied_columns")
    os.makedirs(landing + "/day=2")
    wider = rows(ROWS).select(["id", "name", "raw", "x"])
    pq.write_table(wider, landing + "/day=2/b.parquet")
    try:
        stream(spark, landing, base, "copied_columns")
        raise AssertionError("new columns end the query")
    except PySparkException as error:
        assert "UNKNOWN_FIELD_EXCEPTION" in str(error), error
    stream(spark, landing, base, "copied_columns")
    narrower = rows(2 * ROWS).select(["raw", "id"])
    pq.write_table(narrower, landing + "/day=2/c.parquet")
    stream(spark, landing, base, "copied_columns")
    assert_same(spark, "copied_columns", pa.concat_tables([small, wider, narrower], promote_options="default").select(["id", "name", "raw", "x"]))
    assert {str(row.day): row["count"] for row in spark.table("copied_columns").groupBy("day").count().collect()} == {"1": ROWS, "2": 2 * ROWS}


def test_other_types_are_rescued_or_cast_as_ever(spark):
    landing, base = directory(), directory()
    pq.write_table(rows(0).select(["id", "name", "raw"]), landing + "/a.parquet")
    stream(spark, landing, base, "copied_rescued")
    other = rows(ROWS).select(["id", "name", "raw"]).set_column(1, "name", pa.array(range(ROWS), pa.int64()))
    pq.write_table(other, landing + "/b.parquet")
    stream(spark, landing, base, "copied_rescued")
    assert spark.table("copied_rescued").where("_rescued_data IS NOT NULL").count() == ROWS
    # COPY INTO widens; a stream's columns come under other names.
    spark.sql("CREATE TABLE copied_wide (id DOUBLE, name STRING, raw BINARY)")
    spark.sql(f"COPY INTO copied_wide FROM '{landing}/a.parquet' FILEFORMAT = PARQUET")
    assert spark.table("copied_wide").agg({"id": "sum"}).collect()[0][0] == sum(range(ROWS))
    query = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "parquet").schema("id BIGINT, name STRING, raw BINARY").load(landing + "/a.parquet")
             .selectExpr("name AS label", "id", "id AS again", "7 AS seven", "raw").writeStream.option("checkpointLocation", base + "/renamed").trigger(availableNow=True).toTable("copied_renamed"))
    query.awaitTermination()
    row = spark.table("copied_renamed").where("id = 5000").collect()[0]
    assert (row.again, row.seven, row.label) == (5000, 7, rows(0)["name"][5000].as_py()), row


def test_copy_into_undo_delete_and_not_null(spark):
    landing = directory()
    pq.write_table(rows(0), landing + "/a.parquet")
    pq.write_table(rows(ROWS), landing + "/b.parquet", row_group_size=ROWS // 2)
    spark.sql("CREATE TABLE copied_into TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = 'true')")
    copy = f"COPY INTO copied_into FROM '{landing}' FILEFORMAT = PARQUET COPY_OPTIONS ('mergeSchema' = 'true')"
    assert spark.sql(copy).collect()[0].num_inserted_rows == 2 * ROWS
    assert spark.sql(copy).collect()[0].num_inserted_rows == 0
    assert_same(spark, "copied_into", pa.concat_tables([rows(0), rows(ROWS)]))
    assert {row.rows for row in spark.sql("SELECT * FROM copy_into_state('copied_into')").collect()} == {ROWS}
    spark.sql("DELETE FROM copied_into WHERE id % 100 = 0")
    assert spark.sql("UNDO FILES IN copied_into WHERE path LIKE '%/b.parquet'").collect()[0].num_affected_rows == ROWS - ROWS // 100
    assert_same(spark, "copied_into", pa.Table.from_pylist([row for row in rows(0).to_pylist() if row["id"] % 100], SCHEMA))
    assert spark.sql("REDO FILES IN copied_into WHERE true").collect()[0].num_affected_rows == ROWS - ROWS // 100
    spark.sql("CREATE TABLE copied_strict (id BIGINT, name STRING NOT NULL, raw BINARY)")
    raises(PySparkException, lambda: spark.sql(
        f"COPY INTO copied_strict FROM (SELECT id, name, raw FROM '{landing}/a.parquet') FILEFORMAT = PARQUET").collect(), "DELTA_NOT_NULL_CONSTRAINT_VIOLATED")
    assert spark.table("copied_strict").count() == 0


def test_the_codec_that_a_table_insists_on_and_partitions(spark):
    landing = directory()
    pq.write_table(rows(0).select(["id", "name", "raw"]), landing + "/a.parquet")
    for name, clause in (("copied_zstd", "TBLPROPERTIES ('delta.parquet.compression.codec' = 'zstd')"), ("copied_parts", "PARTITIONED BY (part)")):
        spark.sql(f"CREATE TABLE {name} (id BIGINT, name STRING, raw BINARY, part BIGINT) {clause}")
        spark.sql(f"COPY INTO {name} FROM (SELECT id, name, raw, id % 2 AS part FROM '{landing}') FILEFORMAT = PARQUET")
        assert_same(spark, name, rows(0).select(["id", "name", "raw"]))
    (file,) = glob.glob(location(spark, "copied_zstd") + "/*.parquet")
    assert pq.ParquetFile(file).metadata.row_group(0).column(0).compression in ("ZSTD", "UNCOMPRESSED")


def test_broken_pages_are_found_before_they_are_copied(spark):
    landing, base = directory(), directory()
    pq.write_table(rows(0).select(["id", "name", "raw"]), landing + "/good.parquet", write_page_checksum=True)
    with open(landing + "/good.parquet", "rb") as file:
        content = bytearray(file.read())
    content[len(content) // 2] ^= 1
    with open(landing + "/bad.parquet", "wb") as file:
        file.write(content)
    with open(landing + "/cut.parquet", "wb") as file:
        file.write(content[:len(content) // 2] + content[-2000:])
    try:
        stream(spark, landing, base, "copied_broken")
        raise AssertionError("a broken file ends the query")
    except PySparkException as error:
        assert "FAILED_READ_FILE" in str(error), error
    stream(spark, landing, base, "copied_broken", ignoreCorruptFiles=True)
    assert_same(spark, "copied_broken", rows(0).select(["id", "name", "raw"]))
    state = {os.path.basename(row.path): row.ingestion_state for row in spark.sql(f"SELECT * FROM cloud_files_state('{base}/checkpoint')").collect()}
    assert state == {"good.parquet": "INGESTED", "bad.parquet": "SKIPPED_CORRUPTED", "cut.parquet": "SKIPPED_CORRUPTED"}, state


def test_metadata_is_a_column_when_asked_for_and_numbers_rows(spark):
    """As real Spark 4.2 answers: row_index is Parquet's alone."""
    landing, base = directory(), directory()
    pq.write_table(pa.table({"id": list(range(100, 110))}), landing + "/a b.parquet", row_group_size=4)
    frame = spark.read.parquet(landing)
    fields = ["file_path", "file_name", "file_size", "file_block_start", "file_block_length", "file_modification_time"]
    assert frame.select("_metadata").schema["_metadata"].dataType.fieldNames() == fields + ["row_index"]
    assert [tuple(row) for row in frame.where("id > 105").selectExpr("id", "_metadata.row_index").collect()] == [(106, 6), (107, 7), (108, 8), (109, 9)]
    assert [row.id for row in frame.where("_metadata.row_index = 7").select("id").collect()] == [107]
    assert frame.columns == ["id"] and frame.select("*", "_metadata").columns == ["id", "_metadata"]
    query = (spark.readStream.schema("id BIGINT").parquet(landing).selectExpr("id", "_metadata.row_index AS i", "_metadata.file_name AS name").writeStream
             .option("checkpointLocation", base + "/checkpoint").trigger(availableNow=True).toTable("metadata_rows"))
    query.awaitTermination()
    assert sorted(tuple(row) for row in spark.table("metadata_rows").collect()) == [(100 + i, i, "a%20b.parquet") for i in range(10)]
    spark.range(3).write.json(base + "/json")
    assert spark.read.json(base + "/json").select("_metadata").schema["_metadata"].dataType.fieldNames() == fields
    raises(PySparkException, lambda: spark.read.json(base + "/json").select("_metadata.row_index").collect(), "FIELD_NOT_FOUND")


if __name__ == "__main__":
    main(globals())
