"""Rows that do not fit the table, and how many bad records a file and a load may have: quarantineTable, onError, maxBadRecords."""
import json
import os
import tempfile

import harness
from pyspark.errors import PySparkException
from test_quarantine import fresh, write


def bad(spark, table):
    return sorted((os.path.basename(row.file_path), row.column or "", row.error_class, bytes(row.raw).decode())
                  for row in spark.table(table).collect() if row.raw is not None)


def fails(spark, sql):
    try:
        spark.sql(sql)
    except PySparkException as error:
        return str(error)
    raise AssertionError(f"no error: {sql}")


def test_values_that_do_not_fit_are_kept_apart(spark):
    source = fresh()
    write(source, "a.csv", "id,day,v\n1,2026-01-02,x\ntwo,2026-01-03,y\n3,yesterday,z\n,2026-01-04,w\n5,2026-01-05,\n")
    write(source, "b.csv", "id,day,v\n6,2026-01-06,q\n")
    spark.sql("CREATE TABLE fitted (id INT NOT NULL, day DATE, v STRING)")
    copy = f"COPY INTO fitted FROM '{source}' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')"
    assert "CAST_INVALID_INPUT" in fails(spark, copy)
    assert spark.table("fitted").count() == 0
    copy += " COPY_OPTIONS ('quarantineTable' = 'fitted_bad')"
    assert spark.sql(copy).first().num_inserted_rows == 3
    assert sorted(row.id for row in spark.table("fitted").collect()) == [1, 5, 6]
    assert bad(spark, "fitted_bad") == [
        ("a.csv", "day", "CAST_INVALID_INPUT", '{"id":"3","day":"yesterday","v":"z"}'),
        ("a.csv", "id", "CAST_INVALID_INPUT", '{"id":"two","day":"2026-01-03","v":"y"}'),
        ("a.csv", "id", "DELTA_NOT_NULL_CONSTRAINT_VIOLATED", '{"day":"2026-01-04","v":"w"}')], bad(spark, "fitted_bad")
    first = spark.table("fitted_bad").where("column = 'day'").first()
    assert first.byte_offset is None and first.line is None and first.format == "json" and first.target.endswith("/fitted"), first
    assert "'yesterday'" in first.reason and '"DATE"' in first.reason, first.reason
    state = {os.path.basename(row.path): row for row in spark.sql("SELECT * FROM copy_into_state('fitted')").collect()}
    assert state["a.csv"].rows == 2 and state["a.csv"].rejected_rows == 3 and state["b.csv"].rows == 1, state
    assert spark.sql(copy).first().num_inserted_rows == 0 and spark.table("fitted_bad").count() == 3
    # Mended rows come in; the others stay, with their reason.
    spark.sql("""UPDATE fitted_bad SET raw = CAST('{"id": 2, "day": "2026-01-03", "v": "y"}' AS BINARY) WHERE CAST(raw AS STRING) LIKE '%two%'""")
    assert spark.sql("RETRY QUARANTINE fitted_bad").first()[:] == (3, 1, 2)
    assert sorted(row.id for row in spark.table("fitted").collect()) == [1, 2, 5, 6]
    assert str(spark.sql("SELECT day FROM fitted WHERE id = 2").first().day) == "2026-01-03"
    assert {row.error_class for row in spark.table("fitted_bad").collect()} == {"CAST_INVALID_INPUT", "DELTA_NOT_NULL_CONSTRAINT_VIOLATED"}


def test_rows_of_a_select_and_by_position(spark):
    source = fresh()
    write(source, "a.json", '{"id": "1", "n": 5}\n{"id": "x", "n": 7}\n{"id": "3", "n": 3000000000}\nnonsense\n')
    spark.sql("CREATE TABLE picked (key INT, n INT, file STRING)")
    spark.sql(f"COPY INTO picked FROM (SELECT id AS key, n, _metadata.file_name AS file FROM '{source}' WHERE n <> 6) FILEFORMAT = JSON "
              "COPY_OPTIONS ('quarantineTable' = 'picked_bad')")
    assert [row[:] for row in spark.table("picked").collect()] == [(1, 5, "a.json")]
    assert bad(spark, "picked_bad") == [
        ("a.json", "", "MALFORMED_RECORD_IN_PARSING", "nonsense"),
        ("a.json", "key", "CAST_INVALID_INPUT", '{"key":"x","n":7,"file":"a.json"}'),
        ("a.json", "n", "CAST_OVERFLOW", '{"key":"3","n":3000000000,"file":"a.json"}')], bad(spark, "picked_bad")
    # Rows have a target whatever the query is; records that were not parsed have none.
    spark.sql("UPDATE picked_bad SET raw = CAST('{\"key\": 2, \"n\": \"7\", \"file\": \"a.json\"}' AS BINARY) WHERE column = 'key'")
    assert spark.sql("RETRY QUARANTINE picked_bad WHERE column = 'key'").first()[:] == (1, 1, 0)
    assert sorted(row.key for row in spark.table("picked").collect()) == [1, 2]

    write(source, "p.csv", "1;7\n2;many\n")
    spark.sql("CREATE TABLE placed (id INT, n INT)")
    spark.sql(f"COPY INTO placed BY POSITION FROM '{source}' FILEFORMAT = CSV FILES = ('p.csv') FORMAT_OPTIONS ('sep' = ';') "
              "COPY_OPTIONS ('quarantineTable' = 'placed_bad')")
    assert [row[:] for row in spark.table("placed").collect()] == [(1, 7)]
    assert bad(spark, "placed_bad") == [("p.csv", "n", "CAST_INVALID_INPUT", '{"id":"2","n":"many"}')]


def test_rows_of_columnar_files(spark):
    """The row as JSON can be retried whatever it was read from."""
    source = fresh() + "/in"
    spark.sql("SELECT id, CAST(id * 100 AS BIGINT) AS n, TIMESTAMP'2026-01-02 03:04:05' AS at, CAST('ab' AS BINARY) AS b, named_struct('x', id) AS s "
              "FROM range(5)").coalesce(1).write.format("parquet").save(source)
    spark.sql("CREATE TABLE narrow (id BIGINT, n TINYINT, at TIMESTAMP, b BINARY, s STRUCT<x: BIGINT>)")
    spark.sql(f"COPY INTO narrow FROM '{source}' FILEFORMAT = PARQUET COPY_OPTIONS ('quarantineTable' = 'narrow_bad')")
    assert sorted(row.n for row in spark.table("narrow").collect()) == [0, 100]
    rows = [json.loads(bytes(row.raw)) for row in spark.table("narrow_bad").collect()]
    assert sorted(row["n"] for row in rows) == [200, 300, 400]
    assert rows[0]["s"] == {"x": rows[0]["id"]} and rows[0]["b"] == "YWI=", rows
    spark.sql("UPDATE narrow_bad SET raw = CAST(replace(CAST(raw AS STRING), '00,', ',') AS BINARY)")
    assert spark.sql("RETRY QUARANTINE narrow_bad").first()[:] == (3, 3, 0)
    assert spark.sql("SELECT count(*), count(DISTINCT at), max(s.x), max(CAST(b AS STRING)) FROM narrow").first()[:] == (5, 1, 4, "ab")


def budget(spark, name, options, files, columns="id INT, v STRING", format="JSON"):
    """What COPY INTO with these options makes of the files: (ids, skipped files) or the error."""
    source = fresh()
    for file, text in files.items():
        write(source, file, text)
    spark.sql(f"CREATE TABLE {name} ({columns})")
    sql = f"COPY INTO {name} FROM '{source}' FILEFORMAT = {format} COPY_OPTIONS ({options})"
    try:
        row = spark.sql(sql).first()
    except PySparkException as error:
        return str(error), source, sql
    return (sorted(r.id for r in spark.table(name).collect()), row.num_skipped_corrupt_files), source, sql


FILES = {"a.json": '{"id": "1"}\n{"id": "2"}\n', "b.json": '{"id": "3"}\n{"id": "x"}\n{"id": "5"}\nnonsense\n', "c.json": '{"id": "6"}\n{"id": "y"}\n'}


def test_values_within_structs_and_lists(spark):
    source = fresh()
    write(source, "a.json", "\n".join([
        '{"id": 1, "s": {"n": 5, "deep": {"day": "2026-01-02"}}, "list": [{"n": 1}, {"n": 2}]}',
        '{"id": 2, "s": {"n": 3000000000, "deep": {"day": "2026-01-02"}}, "list": []}',
        '{"id": 3, "s": {"n": 5, "deep": {"day": "yesterday"}}, "list": [{"n": 1}]}',
        '{"id": 4, "s": {"n": 5}, "list": [{"n": 1}, {"n": 4000000000}]}',
        '{"id": 5, "s": {"n": null, "deep": null}, "list": [null, {"n": null}]}',
        '{"id": 6}', ""]))
    spark.sql("CREATE TABLE nested_fit (id BIGINT, s STRUCT<deep: STRUCT<day: DATE>, N: INT>, list ARRAY<STRUCT<n: INT>>)")
    copy = f"COPY INTO nested_fit FROM '{source}' FILEFORMAT = JSON"
    assert "CAST_" in fails(spark, copy)
    assert spark.table("nested_fit").count() == 0
    assert spark.sql(copy + " COPY_OPTIONS ('quarantineTable' = 'nested_bad')").first().num_inserted_rows == 3
    rows = {row.id: row for row in spark.table("nested_fit").collect()}
    assert sorted(rows) == [1, 5, 6] and rows[1].s.N == 5 and str(rows[1].s.deep.day) == "2026-01-02" and [item.n for item in rows[1].list] == [1, 2], rows
    assert rows[5].s.N is None and rows[5].s.deep is None and [item and item.n for item in rows[5].list] == [None, None] and rows[6].s is None, rows
    found = [(name, column, error) for name, column, error, _ in bad(spark, "nested_bad")]
    assert found == [("a.json", "list[1].n", "CAST_OVERFLOW"), ("a.json", "s.N", "CAST_OVERFLOW"), ("a.json", "s.deep.day", "CAST_INVALID_INPUT")], found
    by_column = {row.column: row for row in spark.table("nested_bad").collect()}
    assert json.loads(bytes(by_column["list[1].n"].raw))["list"][1]["n"] == 4000000000 and "'yesterday'" in by_column["s.deep.day"].reason, by_column
    assert spark.sql("SELECT rows, rejected_rows FROM copy_into_state('nested_fit')").first()[:] == (3, 3)
    assert json.loads(bytes(by_column["s.N"].raw))["s"]["N"] == 3000000000, by_column
    spark.sql("""UPDATE nested_bad SET raw = CAST('{"id": 3, "s": {"N": 5, "deep": {"day": "2026-01-03"}}}' AS BINARY) WHERE column = 's.deep.day'""")
    assert spark.sql("RETRY QUARANTINE nested_bad").first()[:] == (3, 1, 2)
    row = spark.sql("SELECT s.deep.day, s.N FROM nested_fit WHERE id = 3").first()
    assert str(row[0]) == "2026-01-03" and row[1] == 5, row


def test_on_error(spark):
    assert budget(spark, "e1", "'onError' = 'continue'", FILES)[0] == ([1, 2, 3, 5, 6], 0)
    assert budget(spark, "e2", "'onError' = 'SKIP_FILE'", FILES)[0] == ([1, 2], 2)
    assert budget(spark, "e3", "'onError' = 'SKIP_FILE_2'", FILES)[0] == ([1, 2, 6], 1)
    assert budget(spark, "e4", "'onError' = 'SKIP_FILE_3'", FILES)[0] == ([1, 2, 3, 5, 6], 0)
    assert budget(spark, "e5", "'onError' = 'SKIP_FILE_50%'", FILES)[0] == ([1, 2, 3, 5, 6], 0)
    assert budget(spark, "e6", "'onError' = 'SKIP_FILE_49.9%'", FILES)[0] == ([1, 2], 2)
    assert "CAST_INVALID_INPUT" in budget(spark, "e7", "'onError' = 'ABORT_STATEMENT'", {"a.json": '{"id": "x"}\n'})[0]
    assert budget(spark, "e8", "'onError' = 'SKIP_FILE'", {"a.json": "nonsense\n"})[0] == ([], 1)
    state = {os.path.basename(row.path): row for row in spark.sql("SELECT * FROM copy_into_state('e1')").collect()}
    assert state["b.json"].ingestion_state == "LOADED" and (state["b.json"].rows, state["b.json"].rejected_rows) == (2, 2), state
    assert "cannot be cast" in state["c.json"].first_error, state


def test_a_file_that_is_left_out_comes_when_it_is_mended(spark):
    (ids, skipped), source, sql = budget(spark, "mended", "'onError' = 'SKIP_FILE', 'quarantineTable' = 'mended_bad'", FILES)
    assert (ids, skipped) == ([1, 2], 2)
    state = {os.path.basename(row.path): row for row in spark.sql("SELECT * FROM copy_into_state('mended')").collect()}
    assert state["b.json"].ingestion_state == "SKIPPED_CORRUPTED" and "2 of 4 records are bad" in state["b.json"].first_error, state
    # Whole files are one row each: retrying their records would load them without the others.
    assert sorted(os.path.basename(row.file_path) for row in spark.table("mended_bad").where("raw IS NULL").collect()) == ["b.json", "c.json"]
    assert bad(spark, "mended_bad") == []
    versions = spark.sql("DESCRIBE HISTORY mended").count()
    row = spark.sql(sql).first()
    assert (row.num_inserted_rows, row.num_skipped_corrupt_files) == (0, 2)
    assert spark.sql("DESCRIBE HISTORY mended").count() == versions
    write(source, "b.json", '{"id": "3"}\n{"id": "4"}\n')
    row = spark.sql(sql).first()
    assert (row.num_inserted_rows, row.num_skipped_corrupt_files) == (2, 1)
    assert sorted(r.id for r in spark.table("mended").collect()) == [1, 2, 3, 4]


def test_a_budget_of_the_whole_load(spark):
    assert budget(spark, "m1", "'maxBadRecords' = '3'", FILES)[0] == ([1, 2, 3, 5, 6], 0)
    error, source, sql = budget(spark, "m2", "'maxBadRecords' = '2'", FILES)
    assert "MILLSTREAM_TOO_MANY_BAD_RECORDS" in error and "3 of 8 records" in error and "b.json" in error and "nonsense" in error, error
    assert spark.table("m2").count() == 0 and spark.sql("SELECT * FROM copy_into_state('m2')").count() == 0
    assert budget(spark, "m3", "'maxBadRecords' = '37.5%'", FILES)[0] == ([1, 2, 3, 5, 6], 0)
    assert "TOO_MANY" in budget(spark, "m4", "'maxBadRecords' = '37%'", FILES)[0]
    # Files that are left out whole bring no bad records.
    assert budget(spark, "m5", "'onError' = 'SKIP_FILE_2', 'maxBadRecords' = '1'", FILES)[0] == ([1, 2, 6], 1)
    assert budget(spark, "m6", "'quarantineTable' = 'm6_bad', 'maxBadRecords' = '3'", FILES)[0] == ([1, 2, 3, 5, 6], 0)
    assert spark.table("m6_bad").count() == 3


def stream(spark, source, table, base, format="json", **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", format).option("cloudFiles.schemaLocation", base)
    for key, value in options.items():
        reader = reader.option("cloudFiles." + key, value)
    query = reader.load(source).writeStream.option("checkpointLocation", base).option("mergeSchema", True).trigger(availableNow=True).toTable(table)
    query.awaitTermination()
    return query


def test_streams_leave_files_out(spark):
    source, base = fresh(), fresh()
    for file, text in {"a.json": '{"id": 1}\n{"id": 2}\n', "b.json": '{"id": 3}\nnonsense\n', "c.json": 'more\nnonsense\n{"id": 6}\n{"id": 7}\n'}.items():
        write(source, file, text)
    stream(spark, source, "s_left", base, onError="SKIP_FILE_2", inferColumnTypes="true")
    assert sorted(row.id for row in spark.table("s_left").collect()) == [1, 2, 3]
    state = {os.path.basename(row.path): row for row in spark.sql(f"SELECT * FROM cloud_files_state('{base}')").collect()}
    assert state["c.json"].ingestion_state == "SKIPPED_CORRUPTED" and "2 of 4 records are bad" in state["c.json"].reason, state["c.json"]
    assert state["b.json"].ingestion_state == "INGESTED" and (state["b.json"].rows, state["b.json"].rejected_rows) == (1, 1), state["b.json"]
    # Mended, it is loaded by REPLAY.
    write(source, "c.json", '{"id": 6}\n{"id": 7}\n')
    spark.sql(f"REPLAY FILES IN STREAM '{base}' WHERE ingestion_state = 'SKIPPED_CORRUPTED'")
    stream(spark, source, "s_left", base, onError="SKIP_FILE_2", inferColumnTypes="true")
    assert sorted(row.id for row in spark.table("s_left").collect()) == [1, 2, 3, 6, 7]


def test_the_budget_of_a_batch(spark):
    source, base = fresh(), fresh()
    write(source, "a.json", '{"id": 1}\nnonsense\nmore\n')
    error = harness.raises(PySparkException, lambda: stream(spark, source, "s_budget", base, maxBadRecords="1"), "MILLSTREAM_TOO_MANY_BAD_RECORDS")
    assert "2 of 3 records" in str(error) and "a.json" in str(error), error
    assert spark.table("s_budget").count() == 0
    stream(spark, source, "s_budget", base, maxBadRecords="2")
    assert spark.table("s_budget").count() == 1


def test_rows_of_streams_that_do_not_fit(spark):
    source, base = fresh(), fresh()
    write(source, "a.json", '{"id": 1, "n": 2}\n{"n": 3}\n{"id": 3, "n": 3000000000}\nnonsense\n')
    spark.sql("CREATE TABLE s_fitted (id BIGINT NOT NULL, n INT) ")
    stream(spark, source, "s_fitted", base, quarantineTable="s_fitted_bad", schemaHints="id BIGINT, n BIGINT")
    assert [(row.id, row.n) for row in spark.table("s_fitted").collect()] == [(1, 2)]
    rows = bad(spark, "s_fitted_bad")
    assert [(row[1], row[2]) for row in rows] == [("", "MALFORMED_RECORD_IN_PARSING"), ("id", "DELTA_NOT_NULL_CONSTRAINT_VIOLATED"),
                                                  ("n", "CAST_OVERFLOW_IN_TABLE_INSERT")], rows
    state = spark.sql(f"SELECT rows, rejected_rows FROM cloud_files_state('{base}')").first()
    assert state[:] == (1, 3), state
    spark.sql("UPDATE s_fitted_bad SET raw = CAST('{\"id\": 2, \"n\": 3}' AS BINARY) WHERE column = 'id'")
    assert spark.sql("RETRY QUARANTINE s_fitted_bad WHERE column IS NOT NULL").first()[:] == (2, 1, 1)
    assert sorted((row.id, row.n) for row in spark.table("s_fitted").collect()) == [(1, 2), (2, 3)]


def test_what_is_refused(spark):
    source = fresh()
    write(source, "a.json", '{"id": 1}\n')
    spark.sql("CREATE TABLE refused (id INT)")
    for options, said in [("'onError' = 'SKIP'", "SKIP_FILE_<number>"), ("'onError' = 'SKIP_FILE_0'", "SKIP_FILE_<number>"),
                          ("'onError' = 'SKIP_FILE_101%'", "SKIP_FILE"), ("'maxBadRecords' = 'many'", "0.5%"),
                          ("'onError' = 'ABORT_STATEMENT', 'quarantineTable' = 'x'", "leave one of the two out"),
                          ("'onError' = 'ABORT', 'maxBadRecords' = '1'", "leave one of the two out"), ("'onErrors' = 'CONTINUE'", "onError")]:
        error = fails(spark, f"COPY INTO refused FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ({options})")
        assert said in error, error


if __name__ == "__main__":
    harness.main(globals())
