#!/usr/bin/env python3
"""COPY INTO as Databricks documents it: the whole grammar, each file once for each table, also when several run at a time."""
import gzip
import json
import os
import random
import shutil
import tempfile
import threading

import pyarrow as pa
import pyarrow.parquet as pq
from harness import main, raises
from pyspark.errors import PySparkException

try:
    from deltalake import DeltaTable, write_deltalake
except ImportError:
    DeltaTable = None


def landing():
    return tempfile.mkdtemp(prefix="copy-") + "/in"


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def copied(spark, statement):
    (row,) = spark.sql(statement).collect()
    assert row.num_affected_rows == row.num_inserted_rows, row
    return row.num_inserted_rows


def rows(frame):
    return sorted((tuple(row) for row in frame.collect()), key=str)


def fails(spark, statement, *needles):
    return raises(PySparkException, lambda: spark.sql(statement).collect(), *needles)


def test_each_file_is_loaded_once(spark):
    source = landing()
    put(source + "/a.json", '{"id": 1, "v": "x"}\n{"id": 2}\n')
    spark.sql("CREATE TABLE once (id INT, v STRING)")
    statement = f"COPY INTO once FROM '{source}' FILEFORMAT = JSON"
    result = spark.sql(statement)
    assert result.columns == ["num_affected_rows", "num_inserted_rows", "num_skipped_corrupt_files"], result.columns
    assert [tuple(row) for row in result.collect()] == [(2, 2, 0)]
    assert copied(spark, statement) == 0
    put(source + "/sub-dir/b.json", '{"id": 3}\n')  # neither a partition nor asked for
    put(source + "/b.json", '{"id": 4}\n')
    put(source + "/_hidden.json", '{"id": 5}\n')
    put(source + "/c.json._COPYING_", '{"id": 6}\n')
    put(source + "/d.json.tmp", '{"id": 7}\n')
    assert copied(spark, statement) == 1
    assert copied(spark, statement + " FORMAT_OPTIONS ('recursiveFileLookup' = 'true')") == 1
    # A changed file is not loaded again, and force appends, never replaces.
    put(source + "/a.json", '{"id": 100}\n')
    assert copied(spark, statement) == 0
    assert rows(spark.sql("SELECT id FROM once")) == [(1,), (2,), (3,), (4,)]
    assert copied(spark, statement + " COPY_OPTIONS ('force' = 'true')") == 2
    assert copied(spark, statement) == 0
    assert rows(spark.sql("SELECT id FROM once")) == [(1,), (100,), (2,), (3,), (4,), (4,)]
    # Rows that go do not bring their files back; another table has a memory of its own.
    spark.sql("DELETE FROM once")
    assert copied(spark, statement) == 0
    spark.sql("CREATE TABLE twice (id INT, v STRING)")
    assert copied(spark, f"COPY INTO twice FROM '{source}' FILEFORMAT = JSON") == 2
    spark.sql("CREATE OR REPLACE TABLE once (id INT, v STRING)")
    assert copied(spark, statement) == 2


def test_history_has_the_operation_and_its_metrics(spark):
    source = landing()
    put(source + "/a.csv", "1\n2\n")
    spark.sql("CREATE TABLE historic (id INT)")
    copied(spark, f"COPY INTO historic BY POSITION FROM '{source}' FILEFORMAT = CSV")
    copied(spark, f"COPY INTO historic BY POSITION FROM '{source}' FILEFORMAT = CSV")
    entries = spark.sql("DESCRIBE HISTORY historic").collect()
    assert [row.operation for row in entries] == ["COPY INTO", "CREATE TABLE"], entries  # nothing new, no commit
    metrics = entries[0].operationMetrics
    assert (metrics["numFiles"], metrics["numOutputRows"], metrics["numSkippedCorruptFiles"]) == ("1", "2", "0"), metrics
    assert int(metrics["numOutputBytes"]) > 0
    assert entries[0].isBlindAppend


def test_the_documented_statement_on_a_table_without_columns(spark):
    source = landing()
    put(source + "/a.csv", "id|name\n1|x\n2|y\n")
    put(source + "/b.csv", "name|id|extra\nz|3|e\n")
    spark.sql("CREATE TABLE schemaless")
    plain = f"COPY INTO schemaless FROM '{source}' FILEFORMAT = CSV FORMAT_OPTIONS ('delimiter' = '|', header='true', 'inferSchema' = 'true')"
    fails(spark, plain, "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE", "42KDG", "mergeSchema")
    assert copied(spark, plain.replace("'inferSchema'", "'mergeSchema' = 'true', 'inferSchema'") + " COPY_OPTIONS ('mergeSchema' = 'true')") == 3
    assert spark.table("schemaless").dtypes == [("id", "int"), ("name", "string"), ("extra", "string")], spark.table("schemaless").dtypes
    assert rows(spark.table("schemaless")) == [(1, "x", None), (2, "y", None), (3, "z", "e")]
    put(source + "/c.csv", "id|later\n4|2026-01-02\n")
    fails(spark, plain, "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE", "later")
    assert copied(spark, plain + " COPY_OPTIONS (mergeSchema = true)") == 1
    assert rows(spark.sql("SELECT id, later FROM schemaless WHERE id = 4")) == rows(spark.sql("SELECT 4, DATE'2026-01-02'"))


def test_columns_by_position_and_by_list(spark):
    source = landing()
    put(source + "/a.csv", "1,x,2026-01-02\n2,y,2026-01-03\n")
    spark.sql("CREATE TABLE positional (id BIGINT, v STRING, d DATE)")
    statement = f"COPY INTO positional %s FROM '{source}' FILEFORMAT = CSV"
    fails(spark, statement % "", "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE", "_c0")
    fails(spark, statement % "(id, v)", "COPY_INTO_COLUMN_ARITY_MISMATCH", "too many data columns", "21S01")
    fails(spark, statement % "(id, nosuch, d)", "UNRESOLVED_COLUMN", "nosuch")
    fails(spark, statement % "BY POSITION" + " FORMAT_OPTIONS ('header' = 'true')", "COPY_INTO_FEATURE_INCOMPATIBLE_SETTING", "header")
    fails(spark, (statement % "BY POSITION").replace("CSV", "JSON"), "COPY_INTO_FEATURE_INCOMPATIBLE_SETTING", "JSON")
    assert copied(spark, statement % "BY POSITION") == 2
    put(source + "/b.csv", "2026-05-06,3,z\n")
    assert copied(spark, statement % "(d, id, v)") == 1
    assert rows(spark.sql("SELECT id, v, CAST(d AS STRING) FROM positional")) == [(1, "x", "2026-01-02"), (2, "y", "2026-01-03"), (3, "z", "2026-05-06")]
    put(source + "/c.csv", "4\n")
    fails(spark, statement % "BY POSITION", "COPY_INTO_COLUMN_ARITY_MISMATCH", "not enough data columns")
    # A value that is none of the column's type stops the statement; nothing of it is loaded.
    put(source + "/c.csv", "many,a,2026-01-01\n")
    fails(spark, statement % "BY POSITION", "CAST_INVALID_INPUT", "many")
    put(source + "/c.csv", "5,a,2026-01-01\n")
    assert copied(spark, statement % "BY POSITION") == 1


def test_a_select_over_the_files(spark):
    source = landing()
    put(source + "/day=2026-01-02/a.json", '{"id": "7", "amount": "1.50", "tags": ["a", "b"]}\n{"id": "8", "amount": "x", "tags": []}\n')
    spark.sql("CREATE TABLE selected (id INT, amount DECIMAL(10,2), tags INT, day DATE, file STRING)")
    statement = (f"COPY INTO selected FROM (SELECT CAST(s.id AS INT) id, try_cast(amount AS DECIMAL(10,2)) AS amount, size(tags) AS tags, day, "
                 f"_metadata.file_name AS file FROM '{source}' AS s WHERE id > 0) FILEFORMAT = JSON")
    assert copied(spark, statement) == 2
    assert [tuple(map(str, row)) for row in rows(spark.table("selected"))] == [("7", "1.50", "2", "2026-01-02", "a.json"), ("8", "None", "0", "2026-01-02", "a.json")]
    assert copied(spark, statement) == 0
    # Global aggregates and windows.
    spark.sql("CREATE TABLE totals (n BIGINT, largest STRING)")
    assert copied(spark, f"COPY INTO totals FROM (SELECT count(*) AS n, max(id) AS largest FROM '{source}') FILEFORMAT = JSON") == 1
    assert rows(spark.table("totals")) == [(2, "8")]
    spark.sql("CREATE TABLE numbered (id STRING, n INT)")
    assert copied(spark, f"COPY INTO numbered FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM '{source}') FILEFORMAT = JSON") == 2
    assert rows(spark.table("numbered")) == [("7", 2), ("8", 1)]
    fails(spark, f"COPY INTO numbered FROM (SELECT nosuch FROM '{source}') FILEFORMAT = JSON COPY_OPTIONS ('force' = 'true')", "UNRESOLVED_COLUMN")
    fails(spark, "COPY INTO numbered FROM (SELECT 1) FILEFORMAT = JSON", "PARSE_SYNTAX_ERROR")


def test_files_pattern_and_other_selections(spark):
    source = landing()
    for name in ("f1", "f2", "f[3]", "g1", "x y", "%20"):
        put(f"{source}/{name}.txt", name + "\n")
    put(source + "/sub/file_b.txt", "b\n")
    put(source + "/sub/file_z.txt", "z\n")
    put(source + "/f9.txt", "")  # no bytes yet
    spark.sql("CREATE TABLE chosen (value STRING)")
    statement = f"COPY INTO chosen FROM '{source}/' FILEFORMAT = TEXT "
    assert copied(spark, statement + "FILES = ('f1.txt', 'f[3].txt', 'f1.txt', '%20.txt')") == 3
    fails(spark, statement + "FILES = ('nosuch.txt')", "PATH_NOT_FOUND", "nosuch.txt")
    assert copied(spark, statement + "FILES = ('nosuch.txt', 'f1.txt') FORMAT_OPTIONS ('ignoreMissingFiles' = 'true')") == 0
    fails(spark, statement + "FILES = ('../other.txt')", "below the source")
    fails(spark, statement + "FILES = ('f1.txt') PATTERN = 'f*'", "FILES, PATTERN")
    assert copied(spark, statement + "PATTERN = 'f*.txt'") == 1
    assert copied(spark, statement + "PATTERN = 'sub/file_[a-g].txt'") == 1
    fails(spark, statement + "PATTERN = 'nosuch*'", "COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED")
    assert copied(spark, statement + "FORMAT_OPTIONS ('pathGlobFilter' = 'x*')") == 1
    assert copied(spark, statement + "FORMAT_OPTIONS ('modifiedBefore' = '2001-01-01T00:00:00')") == 0
    assert rows(spark.table("chosen")) == [("%20",), ("b",), ("f1",), ("f2",), ("f[3]",), ("x y",)]
    put(source + "/f9.txt", "now it has\n")
    assert copied(spark, statement) == 2
    assert copied(spark, f"COPY INTO chosen FROM '{source}/sub/file_z.txt' FILEFORMAT = TEXT") == 1


def test_every_format(spark):
    source = landing()
    os.makedirs(source + "/parquet")
    pq.write_table(pa.table({"id": [1, 2], "s": [{"a": 1}, {"a": 2}]}), source + "/parquet/a.parquet")
    spark.sql("CREATE TABLE from_parquet (id BIGINT, s STRUCT<a: INT>)")
    assert copied(spark, f"COPY INTO from_parquet FROM '{source}/parquet' FILEFORMAT = parquet") == 2
    assert rows(spark.sql("SELECT id, s.a FROM from_parquet")) == [(1, 1), (2, 2)]
    pq.write_table(pa.table({"id": [3], "s": [{"a": 3, "b": "new"}]}), source + "/parquet/b.parquet")
    fails(spark, f"COPY INTO from_parquet FROM '{source}/parquet' FILEFORMAT = PARQUET", "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE")
    assert copied(spark, f"COPY INTO from_parquet FROM '{source}/parquet' FILEFORMAT = PARQUET COPY_OPTIONS ('mergeSchema' = 'true')") == 1
    assert rows(spark.sql("SELECT id, s.b FROM from_parquet")) == [(1, None), (2, None), (3, "new")]
    put(source + "/binary/x.bin", b"\x00\x01")
    put(source + "/binary/empty.bin", b"")
    spark.sql("CREATE TABLE from_binary")
    assert copied(spark, f"COPY INTO from_binary FROM '{source}/binary' FILEFORMAT = BINARYFILE COPY_OPTIONS ('mergeSchema' = 'true')") == 2
    assert rows(spark.sql("SELECT length, hex(content) FROM from_binary")) == [(0, ""), (2, "0001")]
    for bad, needle in (("DELTA", "COPY_INTO_SOURCE_FILE_FORMAT_NOT_SUPPORTED"), ("nosuch", "COPY_INTO_SOURCE_FILE_FORMAT_NOT_SUPPORTED")):
        fails(spark, f"COPY INTO from_binary FROM '{source}/binary' FILEFORMAT = {bad}", needle)


def test_validate_writes_nothing(spark):
    source = landing()
    put(source + "/a.json", "".join(json.dumps({"id": n, "new": "x"}) + "\n" for n in range(80)))
    spark.sql("CREATE TABLE validated (id INT NOT NULL)")
    statement = f"COPY INTO validated FROM '{source}' FILEFORMAT = JSON VALIDATE%s COPY_OPTIONS ('mergeSchema' = '%s')"
    fails(spark, statement % ("", "false"), "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE")
    preview = spark.sql(statement % (" 15 ROWS", "true"))
    assert preview.columns == ["id", "new"] and preview.count() == 15
    assert spark.sql(statement % (" ALL", "true")).count() == 50
    put(source + "/b.json", '{"new": "no id"}\n')
    fails(spark, statement % (" ALL", "true"), "DELTA_NOT_NULL_CONSTRAINT_VIOLATED")
    fails(spark, f"COPY INTO validated FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('mergeSchema' = 'true')", "DELTA_NOT_NULL_CONSTRAINT_VIOLATED")
    for bad in ("0", "-3", "1.5"):
        fails(spark, statement % (f" {bad} ROWS", "true"), "COPY_INTO_SYNTAX_ERROR.VALIDATE_INVALID_ROWS")
    assert spark.table("validated").count() == 0
    assert spark.sql("DESCRIBE HISTORY validated").count() == 1
    put(source + "/b.json", '{"id": 80}\n')
    assert copied(spark, f"COPY INTO validated FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('mergeSchema' = 'true')") == 81
    assert spark.sql(statement % ("", "true")).count() == 0


def test_corrupt_files_are_skipped_and_come_again(spark):
    source = landing()
    whole = gzip.compress("".join(json.dumps({"id": n, "pad": str(random.random())}) + "\n" for n in range(200000)).encode())
    put(source + "/good.json", '{"id": -1, "pad": ""}\n')
    put(source + "/cut.json.gz", whole[: len(whole) // 2])  # thousands of rows are out before it breaks
    put(source + "/no.json.gz", b"this is no gzip")
    spark.sql("CREATE TABLE corrupt (id INT, pad STRING)")
    statement = f"COPY INTO corrupt FROM '{source}' FILEFORMAT = JSON"
    fails(spark, statement, "json.gz")
    assert spark.table("corrupt").count() == 0
    statement += " FORMAT_OPTIONS ('ignoreCorruptFiles' = 'true')"
    assert [tuple(row) for row in spark.sql(statement).collect()] == [(1, 1, 2)]
    assert [tuple(row) for row in spark.sql(statement).collect()] == [(0, 0, 2)]
    assert spark.sql("DESCRIBE HISTORY corrupt").count() == 2  # nothing new was learned of them
    put(source + "/cut.json.gz", whole)
    assert [tuple(row) for row in spark.sql(statement).collect()] == [(200000, 200000, 1)]
    assert spark.sql("SELECT count(DISTINCT id), count(*) FROM corrupt").collect()[0] == (200001, 200001)


def test_odd_files_keep_their_rows(spark):
    source = landing()
    # Names that differ in case are one column, also between files.
    put(source + "/csv/a.csv", "ID,V\n")
    put(source + "/csv/b.csv", "v,Id\nx,1\n")
    spark.sql("CREATE TABLE odd_csv (id INT, v STRING)")
    assert copied(spark, f"COPY INTO odd_csv FROM '{source}/csv' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = true)") == 1
    assert rows(spark.table("odd_csv")) == [(1, "x")]
    put(source + "/json/a.json", '{"id": 1, "V": "a"}\n')
    put(source + "/json/b.json", '{"ID": 2, "v": "b"}\n')
    spark.sql("CREATE TABLE odd_json (Id INT, v STRING)")
    assert copied(spark, f"COPY INTO odd_json FROM '{source}/json' FILEFORMAT = JSON") == 2
    assert rows(spark.table("odd_json")) == [(1, "a"), (2, "b")]
    # Records without a field are rows of nulls, alone as beside others.
    put(source + "/json/c.json", "{}\n{}\n")
    assert copied(spark, f"COPY INTO odd_json FROM '{source}/json' FILEFORMAT = JSON") == 2
    put(source + "/json/d.json", '{"id": 3}\n{}\n')
    assert copied(spark, f"COPY INTO odd_json FROM '{source}/json' FILEFORMAT = JSON") == 2
    assert spark.table("odd_json").where("id IS NULL AND v IS NULL").count() == 3
    # Names are bytes, never patterns; what is no file is never opened.
    for name in (b"a\nb", b"q'\"", b"\xff\xfe", b"a:b", b"{x}", b"*", b"a\\b"):
        with open(os.path.join((source + "/json").encode(), name + b".json"), "w") as file:
            file.write('{"id": 7}\n')
    os.mkfifo(source + "/json/fifo.json")
    os.symlink(source + "/none", source + "/json/dangling.json")
    os.symlink(source + "/json", source + "/json/loop")
    statement = f"COPY INTO odd_json FROM '{source}/json' FILEFORMAT = JSON FORMAT_OPTIONS ('recursiveFileLookup' = 'true')"
    assert copied(spark, statement.replace(f"{source}/json", f"file://{source}/./json//")) == 7
    assert copied(spark, f"COPY INTO odd_json FROM '{source}/json' FILEFORMAT = JSON") == 0
    # A page of a Parquet file that is broken behind good ones.
    os.makedirs(source + "/parquet")
    pq.write_table(pa.table({"id": range(200000)}), source + "/parquet/a.parquet", row_group_size=20000, use_dictionary=False, compression="snappy",
                   write_page_checksum=True)
    with open(source + "/parquet/a.parquet", "r+b") as file:
        file.seek(os.path.getsize(source + "/parquet/a.parquet") * 3 // 4)
        file.write(b"\xff" * 500)
    pq.write_table(pa.table({"id": [7]}), source + "/parquet/b.parquet")
    spark.sql("CREATE TABLE odd_parquet (id BIGINT)")
    statement = f"COPY INTO odd_parquet FROM '{source}/parquet' FILEFORMAT = PARQUET"
    fails(spark, statement, "a.parquet")
    assert [tuple(row) for row in spark.sql(statement + " FORMAT_OPTIONS ('ignoreCorruptFiles' = 'true')").collect()] == [(1, 1, 1)]
    assert rows(spark.table("odd_parquet")) == [(7,)]


def test_what_is_refused(spark):
    source = landing()
    put(source + "/a.csv", "1\n")
    spark.sql("CREATE TABLE target (id INT)")
    spark.sql(f"CREATE TABLE no_delta USING csv LOCATION '{source}'")
    spark.range(1).createOrReplaceTempView("a_view")
    of = f"FROM '{source}' FILEFORMAT = CSV"
    fails(spark, f"COPY INTO nosuch {of}", "DELTA_MISSING_DELTA_TABLE_COPY_INTO", "42P01", "nosuch")
    fails(spark, f"COPY INTO delta.`{source}/none` {of}", "DELTA_MISSING_DELTA_TABLE_COPY_INTO")
    fails(spark, f"COPY INTO no_delta {of}", "DELTA_COPY_INTO_TARGET_FORMAT", "0AKDD")
    fails(spark, f"COPY INTO a_view {of}", "DELTA_COPY_INTO_TARGET_FORMAT")
    fails(spark, f"COPY INTO target FROM '{source}/nosuch' FILEFORMAT = CSV", "PATH_NOT_FOUND")
    os.makedirs(source + "/empty")
    fails(spark, f"COPY INTO target FROM '{source}/empty' FILEFORMAT = CSV", "COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED", "42KD9", "CSV")
    spark.conf.set("spark.databricks.delta.copyInto.emptySourceCheck.enabled", "false")
    assert copied(spark, f"COPY INTO target FROM '{source}/empty' FILEFORMAT = CSV") == 0
    fails(spark, f"COPY INTO target {of} FORMAT_OPTIONS ('haeder' = 'true')", "MILLSTREAM_UNKNOWN_OPTION", "`header`")
    fails(spark, f"COPY INTO target {of} COPY_OPTIONS ('forse' = 'true')", "MILLSTREAM_UNKNOWN_OPTION", "`force`")
    fails(spark, f"COPY INTO target {of} COPY_OPTIONS ('force' = 'maybe')", "MILLSTREAM_INVALID_OPTION_VALUE")
    fails(spark, f"COPY INTO target {of} FORMAT_OPTIONS ('badRecordsPath' = '/x', 'mode' = 'FAILFAST')", "FAILFAST")
    fails(spark, f"COPY INTO target {of} FORMAT_OPTIONS ('badRecordsPath' = '/x') COPY_OPTIONS ('quarantineTable' = 'q')", "Leave one of the two out")
    fails(spark, f"COPY INTO target FROM 's3://bucket/in' FILEFORMAT = CSV", "s3")
    fails(spark, f"COPY INTO target FROM '{source}' WITH (CREDENTIAL (AWS_ACCESS_KEY = 'a', AWS_SECRET_KEY = 'b')) FILEFORMAT = CSV",
          "COPY_INTO_CREDENTIALS_NOT_ALLOWED_ON", "file")
    fails(spark, f"COPY INTO target FROM '{source}' WITH (CREDENTIAL mine) FILEFORMAT = CSV", "COPY_INTO_CREDENTIALS_NOT_ALLOWED_ON")
    fails(spark, f"COPY INTO target FROM '{source}' WITH (ENCRYPTION (TYPE = 'AWS_SSE_C', MASTER_KEY = 'k')) FILEFORMAT = CSV",
          "COPY_INTO_ENCRYPTION_NOT_ALLOWED_ON")
    # A credential of the table, as Databricks has it for external ones.
    fails(spark, f"COPY INTO target WITH (CREDENTIAL mine) {of}", "MILLSTREAM_UNSUPPORTED", "leave the clause out")
    fails(spark, f"COPY INTO target {of} CREDENTIAL (AWS_ACCESS_KEY = 'a')", "COPY_INTO_SYNTAX_ERROR.CREDENTIAL_SYNTAX")
    fails(spark, f"COPY INTO target {of} ENCRYPTION (TYPE = 'AWS_SSE_C')", "COPY_INTO_SYNTAX_ERROR.ENCRYPTION_SYNTAX")
    for broken in ("COPY INTO", "COPY INTO target", "COPY INTO target FROM", f"COPY INTO target FROM '{source}'", f"COPY INTO target {of} FILES = ()",
                   f"COPY INTO target {of} FORMAT_OPTIONS", f"COPY INTO target {of} more", f"COPY INTO target VERSION AS OF 1 {of}",
                   f"COPY INTO target FROM (SELECT * FROM '{source}' FILEFORMAT = CSV", f"COPY INTO target FROM (SELECT * FROM '{source}', '{source}') FILEFORMAT = CSV"):
        fails(spark, broken, "PARSE_SYNTAX_ERROR")
    fails(spark, f"COPY INTO target {of} PATTERN = 'a' PATTERN = 'b'", "DUPLICATE_CLAUSES")


def test_loaders_of_one_table_at_a_time(server, spark):
    source = landing()
    spark.sql("CREATE TABLE crowded (id INT)")
    sessions = [server.session() for _ in range(4)]
    expected, failed, loaded = 0, [], []

    def load(session, statement):
        try:
            loaded.append(copied(session, statement))
        except Exception as error:
            failed.append(str(error))

    def at_once(statements):
        threads = [threading.Thread(target=load, args=pair) for pair in zip(sessions, statements)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for turn in range(5):
        for part in range(4):
            for number in range(8):
                put(f"{source}/p{part}/f{turn}-{number}.json", f'{{"id": {expected}}}\n')
                expected += 1
        if turn % 2:  # disjoint files
            at_once([f"COPY INTO crowded FROM '{source}/p{part}' FILEFORMAT = JSON" for part in range(4)])
        else:  # the same files
            at_once([f"COPY INTO crowded FROM '{source}' FILEFORMAT = JSON FORMAT_OPTIONS ('recursiveFileLookup' = 'true')"] * 4)
        assert not failed, failed
        assert sum(loaded) == expected, (loaded, expected)
        assert rows(spark.table("crowded")) == rows(spark.sql(f"SELECT CAST(id AS INT) FROM range({expected})"))


def test_any_order_of_the_files_gives_the_same_table(spark):
    rng = random.Random(5)
    files = {f"f{n}.csv": "id,v\n" + "".join(f"{rng.randint(0, 99)},v{rng.randint(0, 9)}\n" for _ in range(rng.randint(0, 20))) for n in range(12)}
    seen = []
    for turn in range(3):
        source, name = landing(), f"ordered_{turn}"
        spark.sql(f"CREATE TABLE {name} (id INT, v STRING)")
        order = sorted(files)
        rng.shuffle(order)
        statement = f"COPY INTO {name} FROM '{source}' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')"
        while order:
            batch = [order.pop() for _ in range(min(len(order), rng.randint(1, 5)))]
            for file in batch:
                put(f"{source}/{file}", files[file])
            copied(spark, statement if rng.random() < 0.5 else statement.replace("FORMAT_OPTIONS", f"FILES = ({', '.join(map(repr, batch))}) FORMAT_OPTIONS"))
        assert copied(spark, statement) == 0
        seen.append(rows(spark.table(name)))
    assert seen[0] == seen[1] == seen[2] and len(seen[0]) == sum(text.count("\n") - 1 for text in files.values())


def test_the_state_lives_with_the_table(spark):
    source, table = landing(), tempfile.mkdtemp(prefix="copy-") + "/table"
    spark.sql(f"CREATE TABLE delta.`{table}` (id BIGINT)")
    of = f"FROM '{source}' FILEFORMAT = JSON"

    def ids(path):
        if DeltaTable is None:  # the client of 4.1 comes without delta-rs
            return sorted(row.id for row in spark.read.format("delta").load(path).collect())
        return sorted(DeltaTable(path).to_pyarrow_table()["id"].to_pylist())

    for n in range(25):
        put(f"{source}/f{n}.json", f'{{"id": {n}}}\n')
        assert copied(spark, f"COPY INTO delta.`{table}` {of}") == 1
    assert ids(table) == list(range(25))
    expected = list(range(25))
    if DeltaTable is not None:
        # delta-rs writes to the table, makes a checkpoint, vacuums: the memory stays.
        write_deltalake(table, pa.table({"id": pa.array([100], pa.int64())}), mode="append")
        other = DeltaTable(table)
        other.create_checkpoint()
        other.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        other.cleanup_metadata()
        expected.append(100)
    assert copied(spark, f"COPY INTO delta.`{table}` {of}") == 0
    put(source + "/new.json", '{"id": 200}\n')
    copy = table + "_copy"
    shutil.copytree(table, copy)
    for target in (table, copy):
        assert copied(spark, f"COPY INTO delta.`{target}` {of}") == 1
        assert copied(spark, f"COPY INTO delta.`{target}` {of}") == 0
        assert ids(target) == [*expected, 200]
    # A memory that is lost is said, never taken for an empty one.
    shutil.rmtree(copy + "/_file_ledger")
    fails(spark, f"COPY INTO delta.`{copy}` {of}", "MILLSTREAM_COPY_STATE_DAMAGED", "missing")
    assert spark.read.format("delta").load(copy).count() == len(expected) + 1


def test_the_state_is_a_table(spark):
    source = landing()
    put(source + "/a.csv", "1,x\n2\n3,z\n")
    put(source + "/b.csv.gz", b"no gzip")
    spark.sql("CREATE TABLE with_state (id INT, v STRING)")
    assert spark.sql("SELECT * FROM copy_into_state('with_state')").count() == 0
    spark.sql(f"COPY INTO with_state BY POSITION FROM '{source}' FILEFORMAT = CSV FORMAT_OPTIONS ('ignoreCorruptFiles' = 'true')").collect()
    spark.sql("INSERT INTO with_state VALUES (9, 'i')")
    state = spark.sql("SELECT regexp_extract(path, '[^/]*$', 0) AS name, size, ingestion_state, commit_version, rows, malformed_rows, first_error "
                      "FROM copy_into_state('spark_catalog.default.with_state') ORDER BY name").collect()
    assert tuple(state[0]) == ("a.csv", 10, "LOADED", 1, 3, 1, None), state
    assert tuple(state[1])[:6] == ("b.csv.gz", 7, "SKIPPED_CORRUPTED", 1, 0, 0) and "gzip" in state[1].first_error, state
    put(source + "/c.csv", "4,y\n")
    spark.sql(f"COPY INTO with_state BY POSITION FROM '{source}' FILEFORMAT = CSV FORMAT_OPTIONS ('ignoreCorruptFiles' = 'true')").collect()
    assert [row.commit_version for row in spark.sql("SELECT commit_version FROM copy_into_state('with_state') WHERE ingestion_state = 'LOADED'").collect()] == [1, 3]
    fails(spark, "SELECT * FROM copy_into_state('nosuch')", "TABLE_OR_VIEW_NOT_FOUND")
    fails(spark, "SELECT * FROM copy_into_state()", "WRONG_NUM_ARGS")


def test_a_file_that_was_removed_from_the_source_stays_loaded(spark):
    source = landing()
    put(source + "/a.json", '{"id": 1}\n')
    spark.sql("CREATE TABLE gone (id INT)")
    statement = f"COPY INTO gone FROM '{source}' FILEFORMAT = JSON"
    assert copied(spark, statement) == 1
    os.remove(source + "/a.json")
    put(source + "/b.json", '{"id": 2}\n')
    assert copied(spark, statement) == 1
    put(source + "/a.json", '{"id": 1}\n')
    assert copied(spark, statement) == 0


if __name__ == "__main__":
    main(globals())
