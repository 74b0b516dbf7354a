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
    assert [tuple(row) for row in frame.where("id > 105").selectExpr("id", "_metadata.row_index").orderBy("id").collect()] == [(106, 6), (107, 7), (108, 8), (109, 9)]
    assert [row.id for row in frame.where("_metadata.row_index = 7").select("id").collect()] == [107]
    assert frame.columns == ["id"] and frame.select("*", "_metadata").columns == ["id", "_metadata"]
    query = (spark.readStream.schema("id BIGINT").parquet(landing).selectExpr("id", "_metadata.row_index AS i", "_metadata.file_name AS name").writeStream
             .option("checkpointLocation", base + "/checkpoint").trigger(availableNow=True).toTable("metadata_rows"))
    query.awaitTermination()
    assert sorted(tuple(row) for row in spark.table("metadata_rows").collect()) == [(100 + i, i, "a%20b.parquet") for i in range(10)]
    spark.range(3).write.json(base + "/json")
    assert spark.read.json(base + "/json").select("_metadata").schema["_metadata"].dataType.fieldNames() == fields
    raises(PySparkException, lambda: spark.read.json(base + "/json").select("_metadata.row_index").collect(), "FIELD_NOT_FOUND")


def test_fields_of_metadata_and_of_structs_beside_copied_columns(spark):
    landing, base = directory(), directory()
    pq.write_table(rows(0, 2 * ROWS), landing + "/a b.parquet", row_group_size=ROWS)
    pq.write_table(rows(2 * ROWS), landing + "/c%.parquet")
    source = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "parquet").option("cloudFiles.schemaLocation", base + "/schema").load(landing))
    whole = ["id", "name", "raw", "x", "day", "at", "tags", "pair"]  # pyarrow's decimals are encoded anew
    queries = {"beside": [*whole, "_metadata.file_path AS path", "_metadata.row_index AS i", "'x' AS x2", "current_timestamp() AS now"],
               "parts": ["id", "pair.b AS b", "pair.a AS a", "_metadata.file_name AS path", "_metadata.row_index AS i"],
               "whole_and_parts": ["id", "pair", "pair.b AS b", "_metadata", "_metadata.file_name AS path", "_metadata.row_index AS i"],
               "whole": ["id", "name", "_metadata"]}
    spark.sql("CREATE TABLE fields_beside (path STRING NOT NULL, i INT, id BIGINT)")  # a row index is cast
    for name, columns in queries.items():
        query = (source.selectExpr(*columns).writeStream.option("checkpointLocation", f"{base}/{name}").option("mergeSchema", True).trigger(availableNow=True)
                 .toTable(f"fields_{name}"))
        query.awaitTermination()
    uris = {"a b.parquet": f"file://{landing}/a%20b.parquet", "c%.parquet": f"file://{landing}/c%25.parquet"}
    everything = {row["id"]: row for row in rows(0, 2 * ROWS).to_pylist() + rows(2 * ROWS).to_pylist()}
    assert_same(spark, "fields_beside", pa.concat_tables([rows(0, 2 * ROWS), rows(2 * ROWS)]).select(whole))
    for row in spark.table("fields_beside").select("id", "path", "i", "x2", "now").toArrow().to_pylist():
        first = row["id"] < 2 * ROWS
        assert row["path"] == uris["a b.parquet" if first else "c%.parquet"] and row["i"] == (row["id"] if first else row["id"] - 2 * ROWS) and row["x2"] == "x" and row["now"], row
    for name in ("parts", "whole_and_parts"):
        found = spark.table(f"fields_{name}").toArrow().to_pylist()
        assert len(found) == len(everything) == len({row["id"] for row in found})
        for row in found:
            pair, first = everything[row["id"]]["pair"] or {"a": None, "b": None}, row["id"] < 2 * ROWS
            assert row["b"] == pair["b"] and row.get("a", pair["a"]) == pair["a"] and row["path"] == ("a%20b.parquet" if first else "c%25.parquet"), row
            assert row["i"] == (row["id"] if first else row["id"] - 2 * ROWS), row
            if name == "whole_and_parts":
                assert row["pair"] == everything[row["id"]]["pair"] and row["_metadata"]["file_name"] == row["path"] and row["_metadata"]["row_index"] == row["i"], row
    assert [tuple(row) for row in spark.sql("SELECT _metadata.file_path, count(*), min(_metadata.row_index), max(_metadata.row_index) FROM fields_whole GROUP BY 1 ORDER BY 1").collect()] == \
        [(uris["a b.parquet"], 2 * ROWS, 0, 2 * ROWS - 1), (uris["c%.parquet"], ROWS, 0, ROWS - 1)]
    # Copied, and the field beside it is a dictionary of one value.
    files = [pq.ParquetFile(path) for path in glob.glob(location(spark, "fields_beside") + "/*.parquet")]
    groups = [(file.metadata.row_group(g), {file.metadata.row_group(g).column(c).path_in_schema: c for c in range(file.metadata.num_columns)}) for file in files for g in range(file.num_row_groups)]
    assert sorted(group.num_rows for group, _ in groups) == [ROWS] * 3, [group.num_rows for group, _ in groups]
    for group, at in groups:
        assert "RLE_DICTIONARY" in group.column(at["path"]).encodings and group.column(at["path"]).total_compressed_size < 500 and group.column(at["path"]).statistics.null_count == 0
    if DeltaTable is not None:
        read = pa.table(QueryBuilder().register("t", DeltaTable(location(spark, "fields_beside"))).execute("SELECT path, count(*) AS n, min(i) AS low, max(i) AS high FROM t GROUP BY path ORDER BY path").read_all())
        assert read.to_pylist() == [{"path": uris["a b.parquet"], "n": 2 * ROWS, "low": 0, "high": 2 * ROWS - 1}, {"path": uris["c%.parquet"], "n": ROWS, "low": 0, "high": ROWS - 1}], read
    spark.sql("CREATE TABLE fields_copied (id BIGINT, path STRING, b STRING)")
    spark.sql(f"COPY INTO fields_copied FROM (SELECT id, _metadata.file_name AS path, pair.b AS b FROM '{landing}') FILEFORMAT = PARQUET")
    assert {tuple(row) for row in spark.table("fields_copied").collect()} == {(i, "a%20b.parquet" if i < 2 * ROWS else "c%25.parquet", (row["pair"] or {"b": None})["b"]) for i, row in everything.items()}


def test_fields_of_structs_of_other_formats(spark):
    landing, base = directory(), directory()
    with open(landing + "/1.json", "w") as out:
        out.write('{"id": 1, "a": {"b": {"c": 5, "d": "x"}}}\n{"id": 2, "a": {"b": null}}\n{"id": 3, "a": null}\n{"id": 4, "a": {"b": {"d": "y"}}}\n')
    schema = "id INT, a STRUCT<b: STRUCT<c: INT, d: STRING>>"
    picked = ["id", "a.b.c AS c", "a.b.d AS d", "a.b AS b", "_metadata.file_name AS name"]
    wanted = [(1, 5, "x", (5, "x"), "1.json"), (2, None, None, None, "1.json"), (3, None, None, None, "1.json"), (4, None, "y", (None, "y"), "1.json")]
    assert [tuple(row) for row in spark.read.schema(schema).json(landing).selectExpr(*picked).orderBy("id").collect()] == wanted
    assert sorted(tuple(row) for row in spark.read.schema(schema).json(landing).selectExpr(*picked).collect()) == wanted
    query = (spark.readStream.schema(schema).json(landing).selectExpr("a.b AS b", "id", "_metadata AS m").selectExpr("id", "b.c AS c", "b.d AS d", "b", "m.file_name AS name")
             .writeStream.option("checkpointLocation", base + "/checkpoint").trigger(availableNow=True).toTable("fields_of_json"))
    query.awaitTermination()
    assert sorted(tuple(row) for row in spark.table("fields_of_json").collect()) == wanted


def test_int96_is_an_instant_at_any_depth(spark):
    """As Spark 4.2 infers it: timestamps without a zone of other writers, too, once they are INT96."""
    landing, base = directory(), directory()
    instant, naive = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), datetime.datetime(2026, 1, 1)
    at, local = pa.timestamp("us", "UTC"), pa.timestamp("us")
    pq.write_table(pa.table({"id": [1], "s": pa.array([{"a": instant, "b": 1}], pa.struct([("a", at), ("b", pa.int32())])), "top": pa.array([instant], at),
                             "l": pa.array([[instant, None]], pa.list_(at)), "m": pa.array([[("k", instant)]], pa.map_(pa.string(), at)), "naive": pa.array([naive], local),
                             "ls": pa.array([[{"x": instant}]], pa.list_(pa.struct([("x", at)])))}), landing + "/x.parquet", use_deprecated_int96_timestamps=True)
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    schema = "id:bigint,s:struct<a:timestamp,b:int>,top:timestamp,l:array<timestamp>,m:map<string,timestamp>,naive:timestamp,ls:array<struct<x:timestamp>>"
    assert spark.read.parquet(landing).schema.simpleString() == f"struct<{schema}>"
    sums = "s.a + INTERVAL 1 HOUR, top, l[0], m['k'], naive, ls[0].x, l[1]"
    wanted = [datetime.datetime(2026, 1, 1, 1)] + [naive] * 5 + [None]
    assert list(spark.read.parquet(landing).selectExpr(*sums.split(", ")).first()) == wanted
    assert spark.read.schema("id BIGINT, top TIMESTAMP_NTZ").parquet(landing).first()[:] == (1, naive)
    stream(spark, landing, base, "int96_streamed")
    spark.sql("CREATE TABLE int96_copied (id BIGINT, s STRUCT<a: TIMESTAMP, b: INT>, top TIMESTAMP, l ARRAY<TIMESTAMP>, m MAP<STRING, TIMESTAMP>, naive TIMESTAMP, "
              "ls ARRAY<STRUCT<x: TIMESTAMP>>)")
    spark.sql(f"COPY INTO int96_copied FROM '{landing}' FILEFORMAT = PARQUET")
    for table in ("int96_streamed", "int96_copied"):
        assert spark.table(table).drop("_rescued_data").schema.simpleString() == f"struct<{schema}>"
        assert list(spark.table(table).selectExpr(*sums.split(", ")).first()) == wanted, table


if __name__ == "__main__":
    main(globals())
