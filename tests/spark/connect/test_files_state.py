#!/usr/bin/env python3
"""What is known of source files: state and history, the dry run, the proof, the backlog, and `millstream files`."""
import csv
import gzip
import io
import json
import os
import subprocess
import tempfile

from harness import main, raises


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (1700000000, 1700000000))


def landing():
    return tempfile.mkdtemp() + "/in"


def name(path):
    return path.rsplit("/", 1)[1]


def load(spark, base, table, **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.schemaLocation", base + "/schema")
    for key, value in options.items():
        reader = reader.option("cloudFiles." + key, value)
    query = (reader.load(base + "/in").writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True).toTable(table))
    query.awaitTermination()
    return query


def copy(spark, table, source, more=""):
    return spark.sql(f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON {more}").first()


def findings(spark, statement):
    *found, last = spark.sql(statement).collect()
    assert last.finding == "VERIFIED", last
    return [(row.finding, name(row.path)) for row in found], json.loads(last.detail)


def properties(spark, statement):
    return {row.property: row.value for row in spark.sql(statement).collect()}


def test_tables_by_name(spark):
    source = tempfile.mkdtemp()
    with open(source + "/a.json", "w") as file:
        file.write('{"id": 1}\n')
    spark.sql("CREATE TABLE by_name_of_table (id BIGINT)")
    spark.sql(f"COPY INTO by_name_of_table FROM '{source}' FILEFORMAT = JSON")
    for table in ("TABLE(by_name_of_table)", "TABLE(default.`by_name_of_table`)", "'by_name_of_table'"):
        assert [row.rows for row in spark.sql(f"SELECT * FROM copy_into_state({table})").collect()] == [1]
        assert [row.event for row in spark.sql(f"SELECT * FROM copy_into_history({table})").collect()] == ["LOADED"]
    assert spark.sql("SELECT * FROM copy_into_state(TABLE(by_name_of_table), version => 0)").count() == 0
    assert spark.sql("VERIFY FILES IN TABLE by_name_of_table").columns == spark.sql("VERIFY FILES IN by_name_of_table").columns
    assert spark.sql("UNDO FILES IN TABLE by_name_of_table WHERE true").first().num_affected_files == 1
    assert spark.sql("REDO FILES IN by_name_of_table WHERE true").first().num_affected_files == 1


def test_a_stream_knows_the_rows_of_each_file(spark):
    source = landing()
    base = os.path.dirname(source)
    put(source + "/a.json", '{"id": 1}\n{"id": 2}\n')
    put(source + "/b.json", '{"id": 3}\nbroken\n{"id": 4}\n')
    put(source + "/c.json", "")
    load(spark, base, "counted", maxFilesPerTrigger=1)
    put(source + "/d.json", '{"id": 5, "more": 1}\n')
    load(spark, base, "counted", schemaEvolutionMode="rescue")
    rows = spark.sql(f"SELECT path, rows, rejected_rows, malformed_rows, rescued_rows, first_error FROM cloud_files_state('{base}/cp') ORDER BY path").collect()
    assert [(name(row.path), *tuple(row)[1:]) for row in rows] == [
        ("a.json", 2, 0, 0, 0, None), ("b.json", 3, 0, 0, 1, None), ("c.json", None, None, None, None, None), ("d.json", 1, 0, 0, 1, None)], rows
    batches = spark.sql(f"SELECT path, batch_id FROM cloud_files_state('{base}/cp') ORDER BY path").collect()
    assert [row.batch_id for row in batches] == [0, 1, None, 2], batches
    assert spark.table("counted").count() == sum(row.rows or 0 for row in rows)
    history = spark.sql(f"SELECT * FROM cloud_files_history('{base}/cp')").collect()
    assert [(name(row.path), row.event, row.rows) for row in history] == [
        ("a.json", "FOUND", None), ("a.json", "LOADED", 2), ("b.json", "FOUND", None), ("b.json", "LOADED", 3), ("d.json", "FOUND", None), ("d.json", "LOADED", 1),
        ("c.json", "FOUND", None)], history
    assert all(row.time is not None for row in history) and "no bytes" in history[-1].error, history
    raises(Exception, lambda: spark.sql("SELECT * FROM cloud_files_history()").collect(), "WRONG_NUM_ARGS")


def test_the_state_of_a_table_travels_in_time(spark):
    source = landing()
    spark.sql("CREATE TABLE travelled (id BIGINT)")
    put(source + "/a.json", '{"id": 1}\n')
    copy(spark, "travelled", source)
    put(source + "/b.json", '{"id": 2}\n{"id": 3}\n')
    put(source + "/c.json.gz", b"no gzip")
    copy(spark, "travelled", source, "FORMAT_OPTIONS ('ignoreCorruptFiles' = 'true')")
    put(source + "/c.json.gz", gzip.compress(b'{"id": 4}\n'))
    copy(spark, "travelled", source)
    copy(spark, "travelled", source, "COPY_OPTIONS ('force' = 'true')")

    def at(version):
        return sorted((name(row.path), row.ingestion_state) for row in spark.sql(f"SELECT * FROM copy_into_state('travelled', version => {version})").collect())
    assert at(0) == [] and at(1) == [("a.json", "LOADED")], (at(0), at(1))
    assert at(2) == [("a.json", "LOADED"), ("b.json", "LOADED"), ("c.json.gz", "SKIPPED_CORRUPTED")], at(2)
    assert at(3) == [("a.json", "LOADED"), ("b.json", "LOADED"), ("c.json.gz", "LOADED")], at(3)
    stamp = spark.sql("SELECT time FROM copy_into_history('travelled') WHERE version = 1").first().time
    assert spark.sql(f"SELECT count(*) AS n FROM copy_into_state('travelled', timestamp => '{stamp}')").first().n == 1
    history = [(row.version, row.event, name(row.path), row.rows, row.operation) for row in spark.sql("SELECT * FROM copy_into_history('travelled')").collect()]
    assert history == [
        (1, "LOADED", "a.json", 1, "COPY INTO"), (2, "LOADED", "b.json", 2, "COPY INTO"), (2, "SKIPPED_CORRUPTED", "c.json.gz", 0, "COPY INTO"),
        (3, "LOADED", "c.json.gz", 1, "COPY INTO"),
        (4, "RELOADED", "a.json", 1, "COPY INTO"), (4, "RELOADED", "b.json", 2, "COPY INTO"), (4, "RELOADED", "c.json.gz", 1, "COPY INTO")], history
    raises(Exception, lambda: spark.sql("SELECT * FROM copy_into_state('travelled', version => 99)").collect(), "99")
    raises(Exception, lambda: spark.sql("SELECT * FROM copy_into_state('travelled', when => 1)").collect(), "WRONG_NUM_ARGS")


def test_verify_tells_what_differs_from_what_was_loaded(spark):
    source = landing()
    spark.sql("CREATE TABLE proven (id BIGINT)")
    for letter in "abc":
        put(f"{source}/{letter}.json", '{"id": 1}\n{"id": 2}\n')
    copy(spark, "proven", source)
    spark.sql(f"COPY INTO proven FROM (SELECT id FROM '{source}' WHERE id > 1) FILEFORMAT = JSON COPY_OPTIONS ('force' = 'true')").collect()
    put(source + "/day=1/d.json", '{"id": 3}\n')
    copy(spark, "proven", source + "/day=1")
    found, counts = findings(spark, "VERIFY FILES IN proven")
    assert found == [] and counts["files_matched"] == 4 and counts["rows_in_ledger"] == 7, (found, counts)
    # The load with a WHERE proves nothing, and the first one's files are those of the second now.
    assert counts["loads_proven"] == 2 and counts["rows_proven"] == 7, counts
    put(source + "/a.json", '{"id": 9}\n')
    put(source + "/day=2/e.json", '{"id": 4}\n')
    os.remove(source + "/b.json")
    found, counts = findings(spark, f"VERIFY FILES IN proven FROM '{source}'")
    assert found == [("CHANGED", "a.json"), ("GONE", "b.json"), ("MISSING", "e.json")], found
    assert counts["findings"] == 3 and counts["files_listed"] == 4, counts
    assert findings(spark, f"VERIFY FILES IN proven FROM '{source}' PATTERN 'day=*/*.json'")[0][0] == ("MISSING", "e.json")
    raises(Exception, lambda: spark.sql("VERIFY FILES IN nosuch").collect(), "TABLE_OR_VIEW_NOT_FOUND")
    raises(Exception, lambda: spark.sql("VERIFY FILES IN proven FROM '/nowhere/at/all'").collect(), "PATH_NOT_FOUND")
    raises(Exception, lambda: spark.sql("VERIFY FILES proven"), "PARSE_SYNTAX_ERROR")


def test_verify_of_a_stream_knows_its_directory(spark):
    source = landing()
    base = os.path.dirname(source)
    put(source + "/x/a.json", '{"id": 1}\n')
    put(source + "/b.json", '{"id": 2}\n{"id": 3}\n')
    load(spark, base, "proven_stream")
    found, counts = findings(spark, f"VERIFY FILES IN STREAM '{base}/cp'")
    assert found == [] and counts["files_matched"] == 2 and counts["rows_in_ledger"] == 3 and "loads_proven" not in counts, (found, counts)
    put(source + "/y/c.json", '{"id": 4}\n')
    os.remove(source + "/x/a.json")
    os.rmdir(source + "/x")
    assert findings(spark, f"VERIFY FILES IN STREAM '{base}/cp'")[0] == [("MISSING", "c.json"), ("GONE", "a.json")]
    assert findings(spark, f"VERIFY FILES IN STREAM '{base}/cp/sources/0' FROM '{source}/y'")[0] == [("MISSING", "c.json")]
    raises(Exception, lambda: spark.sql(f"VERIFY FILES IN STREAM '{source}'").collect(), "MILLSTREAM_NO_CLOUD_FILES_STATE")


def test_explain_copy_into_writes_nothing(spark):
    source = landing()
    spark.sql("CREATE TABLE planned (id BIGINT)")
    put(source + "/a.json", '{"id": 1}\n')
    copy(spark, "planned", source)
    put(source + "/b.json", '{"id": 2, "extra": "x"}\n{"id": 3}\n')
    put(source + "/c.json", "")
    put(source + "/d.json.part", "{")
    put(source + "/_hidden", "{")
    versions = spark.sql("DESCRIBE HISTORY planned").count()
    report = properties(spark, f"EXPLAIN COPY INTO planned FROM '{source}' FILEFORMAT = JSON")
    assert {key: report[key] for key in ("files_to_load", "files_known", "files_empty", "files_hidden", "files_unfinished")} == {
        "files_to_load": "1", "files_known": "1", "files_empty": "1", "files_hidden": "1", "files_unfinished": "1"}, report
    assert report["file_schema"] == "extra STRING, id BIGINT" and "+ extra STRING (not in the table)" in report["schema_change"], report
    assert "COPY_INTO_SCHEMA_MISMATCH" in report["first_error"] or "schema mismatch" in report["first_error"], report
    assert "mergeSchema" in report["next"], report
    report = properties(spark, f"EXPLAIN COPY INTO planned FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('mergeSchema' = 'true')")
    assert report["rows"] == "2" and "first_error" not in report and "mergeSchema adds it" in report["schema_change"], report
    put(source + "/e.json", '{"id": 4}\nbroken\n')
    report = properties(spark, f"EXPLAIN COPY INTO planned FROM (SELECT id FROM '{source}') FILEFORMAT = JSON FORMAT_OPTIONS ('mode' = 'DROPMALFORMED')")
    assert report["rows"] == "3" and report["rejected_rows_sampled"] == "1" and "e.json" in report["first_error"], report
    put(source + "/f.json", '{"id": "many"}\n')
    report = properties(spark, f"EXPLAIN COPY INTO planned FROM (SELECT id FROM '{source}') FILEFORMAT = JSON")
    assert "CAST_INVALID_INPUT" in report["first_error"] or "cast" in report["first_error"].lower(), report
    assert "would fail" in report["next"], report
    assert spark.sql("DESCRIBE HISTORY planned").count() == versions and spark.table("planned").count() == 1
    assert properties(spark, f"EXPLAIN COPY INTO planned FROM '{source}' FILEFORMAT = JSON FILES = ('a.json')")["files_to_load"] == "0"


def test_the_plan_of_a_stream_lists_its_next_batches(spark):
    source = landing()
    base = os.path.dirname(source)
    for letter in "abcde":
        put(f"{source}/{letter}.json", '{"id": 1}\n')
    plan = f"cloud_files_plan('{source}', format => 'json', checkpoint => '{base}/cp', maxFilesPerTrigger => 2)"
    rows = spark.sql(f"SELECT * FROM {plan}").collect()
    assert [(row.batch, name(row.path), row.state) for row in rows] == [(0, "a.json", "NEW"), (0, "b.json", "NEW"), (1, "c.json", "NEW"), (1, "d.json", "NEW"), (2, "e.json", "NEW")], rows
    load(spark, base, "planned_stream", maxFilesPerTrigger=2)
    assert spark.sql(f"SELECT * FROM {plan}").count() == 0
    put(source + "/f.json", '{"id": 1}\n')
    rows = spark.sql(f"SELECT * FROM {plan}").collect()
    assert [(row.batch, name(row.path), row.state) for row in rows] == [(3, "f.json", "NEW")], rows
    text = spark.sql(f"EXPLAIN SELECT * FROM STREAM read_files('{source}', format => 'json', schemaLocation => '{base}/s')").first().plan
    assert "6 files" in text and "1 batches" in text, text
    raises(Exception, lambda: spark.sql(f"SELECT * FROM cloud_files_plan('{source}', formt => 'json')").collect(), "Did you mean")


def test_a_schema_is_inferred_from_a_sample_of_the_size_that_is_set(spark):
    source = landing()
    put(source + "/a.json", '{"a": 1}\n')
    put(source + "/b.json", '{"b": 1}\n')
    prefix = "spark.databricks.cloudFiles.schemaInference.sampleSize."
    columns = lambda: spark.sql(f"SELECT * FROM read_files('{source}', format => 'json')").columns
    for key, value, expected in [("numFiles", "1", ["a", "_rescued_data"]), ("numBytes", "5b", ["a", "_rescued_data"]), ("numFiles", "2", ["a", "b", "_rescued_data"])]:
        spark.conf.set(prefix + key, value)
        assert columns() == expected, (key, value, columns())
        spark.conf.unset(prefix + key)
    spark.conf.set(prefix + "numFiles", "few")
    raises(Exception, columns, "sampleSize.numFiles")
    spark.conf.unset(prefix + "numFiles")


def test_progress_tells_how_long_the_backlog_takes(spark):
    source = landing()
    base = os.path.dirname(source)
    for n in range(6):
        put(f"{source}/{n}.json", '{"id": 1}\n' * 100)
    query = load(spark, base, "backlogged", maxFilesPerTrigger=2)
    metrics = [json.loads(progress.json)["sources"][0]["metrics"] if hasattr(progress, "json") else progress["sources"][0]["metrics"] for progress in query.recentProgress]
    assert metrics[0]["numFilesOutstanding"] == "4" and metrics[0]["backlogIsComplete"] == "true", metrics
    assert int(metrics[1]["backlogBytesPerSecond"]) > 0 and int(metrics[1]["estimatedSecondsToFinish"]) >= 1, metrics
    assert metrics[-1]["estimatedSecondsToFinish"] == "0", metrics


def test_the_files_command_shows_and_proves(server, spark):
    source = landing()
    base = os.path.dirname(source)

    def run(*words, code=0):
        done = subprocess.run([os.environ["MILLSTREAM"], "files", *words, "--warehouse", server.warehouse], capture_output=True, text=True, timeout=120)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stdout if code != 2 else done.stderr

    spark.sql(f"CREATE TABLE commanded (id BIGINT) USING delta LOCATION '{base}/t'")
    put(source + "/a.json", '{"id": 1}\n')
    assert "files_to_load" in run("plan", "--table", "commanded", "--from", source, "--file-format", "json")
    copy(spark, "commanded", source)
    (row,) = [json.loads(line) for line in run("list", "--table", "commanded", "--format", "json").splitlines()]
    assert name(row["path"]) == "a.json" and row["rows"] == 1 and row["first_error"] is None, row
    assert run("list", "--table", f"{base}/t", "--where", "rows > 5", "--format", "json") == ""
    (row,) = csv.DictReader(io.StringIO(run("history", "--table", "commanded", "--format", "csv")))
    assert row["event"] == "LOADED" and row["rows"] == "1", row
    assert "VERIFIED" in run("verify", "--table", "commanded")
    put(source + "/b.json", '{"id": 1}\n')
    assert "MISSING" in run("verify", "--table", "commanded", "--from", source, code=1)
    load(spark, base, "commanded_stream")
    assert "INGESTED" in run("list", "--stream", base + "/cp")
    assert "LOADED" in run("history", "--stream", base + "/cp", "--where", "event = 'LOADED'")
    assert "VERIFIED" in run("verify", "--stream", base + "/cp")
    assert "batch" in run("plan", "--stream", base + "/cp", "--from", source, "--file-format", "json", "--option", "maxFilesPerTrigger=2")
    assert "Did you mean 'verify'" in run("verfy", "--table", "t", code=2)
    assert "Did you mean '--table'" in run("list", "--tabel", "t", code=2)
    assert "--table" in run("list", code=2) and "--where" in run("forget", "--table", "t", code=2) and "--quarantine" in run("retry", code=2)
    assert "not both" in run("list", "--table", "t", "--stream", "/cp", code=2)


main(globals())
