#!/usr/bin/env python3
"""UNDO, REDO, REPLAY and FORGET FILES IN STREAM, cloudFiles.changedFiles = replaced and maxFileAge, as a user sees them."""
import json
import os
import tempfile
import time

from harness import main, raises
from pyspark.errors import PySparkException


def write(path, *rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    os.rename(path + ".part", path)


def stream(spark, base, **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.schemaLocation", base + "/schema")
    for name, value in {"inferColumnTypes": True, **options}.items():
        reader = reader.option("cloudFiles." + name, value)
    return reader.load(base + "/in")


def run(frame, base, available_now=True, **options):
    writer = frame.writeStream.option("checkpointLocation", base + "/cp").option("mergeSchema", True)
    writer = writer.trigger(availableNow=True) if available_now else writer.trigger(processingTime="0 seconds")
    query = writer.start(base + "/table", format="delta", **options)
    if available_now:
        query.awaitTermination()
    return query


def ids(spark, base):
    return sorted(row.id for row in spark.read.format("delta").load(base + "/table").collect())


def states(spark, base):
    rows = spark.sql(f"SELECT path, ingestion_state, pending FROM cloud_files_state('{base}/cp')").collect()
    return sorted((os.path.basename(row.path), row.ingestion_state, row.pending) for row in rows)


def ask(spark, base, verb, condition):
    row = spark.sql(f"{verb} FILES IN STREAM '{base}/cp' WHERE {condition}").first()
    assert row.asDict().keys() == {"num_requested_files", "note"}, row
    return row.num_requested_files


def prepared(spark, **options):
    base = tempfile.mkdtemp()
    for i in range(4):
        write(f"{base}/in/{i}.json", {"id": 10 * i}, {"id": 10 * i + 1})
    run(stream(spark, base, **options).selectExpr("id"), base)
    assert len(ids(spark, base)) == 8
    return base


def test_undone_files_leave_the_table_and_come_back_with_redo(spark):
    base = prepared(spark)
    versions = spark.sql(f"DESCRIBE HISTORY delta.`{base}/table`").count()
    assert ask(spark, base, "UNDO", "path LIKE '%/1.json' OR path LIKE '%/2.json'") == 2
    assert ("1.json", "INGESTED", "UNDO") in states(spark, base)
    assert len(ids(spark, base)) == 8  # until the stream runs
    query = run(stream(spark, base).selectExpr("id"), base)
    assert ids(spark, base) == [0, 1, 30, 31]
    assert spark.sql(f"DESCRIBE HISTORY delta.`{base}/table`").count() == versions + 1
    assert query.recentProgress[0]["sources"][0]["metrics"]["numFilesUndone"] == "2", query.recentProgress
    assert ("1.json", "UNDONE", None) in states(spark, base)
    assert ask(spark, base, "UNDO", "true") == 2  # the others
    assert ask(spark, base, "REDO", "ingestion_state = 'UNDONE'") == 2
    run(stream(spark, base).selectExpr("id"), base)
    assert ids(spark, base) == [10, 11, 20, 21]
    run(stream(spark, base).selectExpr("id"), base)
    assert ids(spark, base) == [10, 11, 20, 21]


def test_requests_reach_a_running_query(spark):
    base = prepared(spark)
    query = run(stream(spark, base).selectExpr("id"), base, available_now=False)
    try:
        time.sleep(0.5)  # idle
        assert ask(spark, base, "UNDO", "path LIKE '%/0.json'") == 1
        deadline = time.monotonic() + 20
        while ids(spark, base) != [10, 11, 20, 21, 30, 31]:
            assert time.monotonic() < deadline and query.isActive, (ids(spark, base), query.exception())
            time.sleep(0.1)
        write(f"{base}/in/4.json", {"id": 40})
        query.processAllAvailable()
        assert ids(spark, base) == [10, 11, 20, 21, 30, 31, 40]
    finally:
        query.stop()


def test_replay_reads_with_the_schema_of_today(spark):
    base = tempfile.mkdtemp()
    write(f"{base}/in/0.json", {"id": 1, "name": "x"})
    write(f"{base}/in/1.json", {"id": 2, "name": "y"})
    frame = stream(spark, base)
    run(frame.selectExpr("id"), base)
    assert ask(spark, base, "REPLAY", "path LIKE '%/0.json'") == 1
    run(frame.selectExpr("id", "name"), base)
    rows = sorted((row.id, row.name) for row in spark.read.format("delta").load(base + "/table").collect())
    assert rows == [(1, "x"), (2, None)], rows


def test_forgotten_files_are_loaded_once_more(spark):
    base = prepared(spark)
    assert ask(spark, base, "FORGET", "path LIKE '%/3.json'") == 1
    run(stream(spark, base).selectExpr("id"), base)
    assert ids(spark, base) == [0, 1, 10, 11, 20, 21, 30, 30, 31, 31]


def test_changed_files_take_the_place_of_their_rows(spark):
    base = prepared(spark, changedFiles="replaced")
    write(f"{base}/in/1.json", {"id": 100}, {"id": 101}, {"id": 102})
    run(stream(spark, base, changedFiles="replaced").selectExpr("id"), base)
    assert ids(spark, base) == [0, 1, 20, 21, 30, 31, 100, 101, 102]
    assert ("1.json", "REPLACED", None) in states(spark, base)


def test_queries_that_cannot_take_rows_back_say_so(spark):
    base = prepared(spark)
    other = tempfile.mkdtemp()
    write(f"{other}/in/a.json", {"id": 1})
    counted = stream(spark, other, changedFiles="replaced").groupBy("id").count()
    needles = ("MILLSTREAM_ROWS_CANNOT_BE_TAKEN_BACK", "Delta table")

    def start(writer):
        query = writer.option("checkpointLocation", tempfile.mkdtemp()).trigger(availableNow=True).start()
        query.awaitTermination()

    raises(Exception, lambda: start(counted.writeStream.format("delta").outputMode("complete").option("path", other + "/t")), *needles)
    raises(Exception, lambda: start(stream(spark, other, changedFiles="replaced").writeStream.format("parquet").option("path", other + "/p")), *needles)
    assert not os.path.exists(other + "/t/_delta_log"), os.listdir(other + "/t")
    assert os.listdir(other + "/p") == ["_spark_metadata"] and not os.listdir(other + "/p/_spark_metadata")  # which Spark too makes at the start
    # A request waits until a query comes that can do it.
    ask(spark, base, "UNDO", "path LIKE '%/0.json'")
    each = stream(spark, base).selectExpr("id").writeStream.option("checkpointLocation", base + "/cp").trigger(availableNow=True)
    raises(Exception, lambda: each.foreachBatch(lambda batch, number: None).start().awaitTermination(), "MILLSTREAM_ROWS_CANNOT_BE_TAKEN_BACK", "requests/1.json")
    assert ("0.json", "INGESTED", "UNDO") in states(spark, base)
    run(stream(spark, base).selectExpr("id"), base)
    assert len(ids(spark, base)) == 6


def test_statements_say_what_is_wrong(spark):
    base = prepared(spark)
    for statement, *needles in [
            (f"UNDO FILES IN STREAM '{base}/cp'", "WHERE"),
            (f"UNDO FILES IN STREAM '{base}/cp' WHERE nothing = 1", "nothing", "`path`"),
            (f"UNDO FILES IN STREAM '{base}/cp' WHERE path", "BOOLEAN"),
            (f"UNDO FILES IN STREAM '{base}/in' WHERE true", "MILLSTREAM_NO_CLOUD_FILES_STATE"),
            (f"UNDO FILES IN STREAM '{base}/nowhere' WHERE true", "PATH_NOT_FOUND"),
            (f"UNDO FILES IN STREAM 's3://b/cp' WHERE true", "s3")]:
        raises(Exception, lambda statement=statement: spark.sql(statement).collect(), *needles)
    row = spark.sql(f"UNDO FILES IN STREAM '{base}/cp/sources/0' WHERE false").first()
    assert row.num_requested_files == 0 and "ingestion_state" in row.note, row
    assert not os.path.exists(f"{base}/cp/sources/0/requests")


def test_two_processes_on_one_checkpoint_do_not_double(spark):
    base = prepared(spark)
    query = run(stream(spark, base).selectExpr("id"), base, available_now=False)
    write(f"{base}/in/4.json", {"id": 40})
    query.processAllAvailable()
    try:
        from harness import Server
        other = Server()
        try:
            second = other.session()
            def start():
                run(stream(second, base).selectExpr("id"), base)
            raises(Exception, start, "CONCURRENT_STREAM_LOG_UPDATE")
        finally:
            other.close()
        assert query.isActive
    finally:
        query.stop()
    run(stream(spark, base).selectExpr("id"), base)
    assert ids(spark, base) == [0, 1, 10, 11, 20, 21, 30, 31, 40]


def test_old_files_are_left_alone(spark):
    base = prepared(spark)
    old = f"{base}/in/old.json"
    write(old, {"id": 1000})
    os.utime(old, (1700000000, 1700000000))
    write(f"{base}/in/new.json", {"id": 50})
    query = run(stream(spark, base, maxFileAge="20 days").selectExpr("id"), base)
    assert 50 in ids(spark, base) and 1000 not in ids(spark, base)
    assert query.recentProgress[0]["sources"][0]["metrics"]["numFilesTooOld"] == "1", query.recentProgress
    # What was too old once stays too old.
    run(stream(spark, base).selectExpr("id"), base)
    assert 1000 not in ids(spark, base)
    os.utime(old)
    run(stream(spark, base, maxFileAge="20 days").selectExpr("id"), base)
    assert 1000 in ids(spark, base)


def test_rows_without_a_trace_stay_and_the_query_goes_on(spark):
    """Somebody has written the rows anew: UNDO ends the query once, and is set aside."""
    base = prepared(spark)
    try:
        from deltalake import DeltaTable, write_deltalake
    except ImportError:
        return  # the client of 4.1 comes without delta-rs
    write_deltalake(base + "/table", DeltaTable(base + "/table").to_pyarrow_table(), mode="overwrite")
    assert ask(spark, base, "UNDO", "path LIKE '%/1.json'") == 1
    write(f"{base}/in/new.json", {"id": 1000})
    raises(PySparkException, lambda: run(stream(spark, base).selectExpr("id"), base), "MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE", "is set aside")
    assert len(ids(spark, base)) == 8
    run(stream(spark, base).selectExpr("id"), base)
    assert ids(spark, base) == [0, 1, 10, 11, 20, 21, 30, 31, 1000]
    (row,) = spark.sql(f"SELECT ingestion_state, reason, pending FROM cloud_files_state('{base}/cp') WHERE path LIKE '%/1.json'").collect()
    assert row.ingestion_state == "INGESTED" and "cannot all be found" in row.reason and row.pending is None, row
    assert os.listdir(base + "/cp/sources/0/requests") == ["lock"]


if __name__ == "__main__":
    main(globals())
