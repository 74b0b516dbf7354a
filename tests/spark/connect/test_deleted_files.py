#!/usr/bin/env python3
"""deletedFiles = removed: the rows of files that have gone from the source leave the table, with Auto Loader and COPY INTO."""
import json
import os
import shutil
import tempfile
import time

from harness import main, raises
from pyspark.errors import PySparkException

MIRROR = {"deletedFiles": "removed", "deletedFiles.confirmAfter": "0 seconds"}


def write(path, *rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    os.rename(path + ".part", path)


def prepared(files=4):
    base = tempfile.mkdtemp()
    for i in range(files):
        write(f"{base}/in/d{i % 2}/{i}.json", {"id": 10 * i}, {"id": 10 * i + 1})
    return base


def frame(spark, base, **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.schemaLocation", base + "/schema")
    for name, value in {"inferColumnTypes": True, **options}.items():
        reader = reader.option("cloudFiles." + name, value)
    return reader.load(base + "/in")


def run(rows, base, available_now=True):
    writer = rows.writeStream.option("checkpointLocation", base + "/cp").option("mergeSchema", True)
    writer = writer.trigger(availableNow=True) if available_now else writer.trigger(processingTime="0 seconds")
    query = writer.start(base + "/table", format="delta")
    if available_now:
        query.awaitTermination()
    return query


def ids(spark, table):
    return sorted(row.id for row in spark.sql(f"SELECT id FROM {table}").collect())


def states(spark, base):
    rows = spark.sql(f"SELECT path, ingestion_state, reason FROM cloud_files_state('{base}/cp')").collect()
    return sorted((os.path.basename(row.path), row.ingestion_state) for row in rows)


def test_rows_leave_a_stream_s_table_with_their_files(spark):
    base = prepared()
    table = f"delta.`{base}/table`"
    run(frame(spark, base, **MIRROR).selectExpr("id"), base)
    assert len(ids(spark, table)) == 8
    os.remove(base + "/in/d0/0.json")
    versions = spark.sql(f"DESCRIBE HISTORY {table}").count()
    query = run(frame(spark, base, **MIRROR).selectExpr("id"), base)
    assert ids(spark, table) == [10, 11, 20, 21, 30, 31]
    assert spark.sql(f"DESCRIBE HISTORY {table}").count() == versions + 1
    assert query.recentProgress[0]["sources"][0]["metrics"]["numFilesRemoved"] == "1", query.recentProgress
    assert states(spark, base)[0] == ("0.json", "REMOVED")
    (reason,) = [row.reason for row in spark.sql(f"SELECT reason FROM cloud_files_state('{base}/cp') WHERE ingestion_state = 'REMOVED'").collect()]
    assert "gone from the source at 20" in reason, reason
    (event,) = spark.sql(f"SELECT time FROM cloud_files_history('{base}/cp') WHERE event = 'REMOVED'").collect()
    assert event.time is not None
    # A file that comes back is new.
    write(base + "/in/d0/0.json", {"id": 7})
    run(frame(spark, base, **MIRROR).selectExpr("id"), base)
    assert ids(spark, table) == [7, 10, 11, 20, 21, 30, 31]
    # Renamed: its rows leave and come.
    os.rename(base + "/in/d0/0.json", base + "/in/d1/z.json")
    run(frame(spark, base, **MIRROR).selectExpr("id"), base)
    assert ids(spark, table) == [7, 10, 11, 20, 21, 30, 31]
    assert ("z.json", "INGESTED") in states(spark, base)


def test_a_running_stream_follows_its_directory(spark):
    base = prepared()
    table = f"delta.`{base}/table`"
    query = run(frame(spark, base, **{**MIRROR, "deletedFiles.confirmAfter": "1 second"}).selectExpr("id"), base, available_now=False)
    try:
        query.processAllAvailable()
        os.remove(base + "/in/d1/1.json")
        end = time.monotonic() + 30
        while len(ids(spark, table)) != 6 and time.monotonic() < end:
            time.sleep(0.2)
        assert ids(spark, table) == [0, 1, 20, 21, 30, 31]
        write(base + "/in/d1/1.json", {"id": 99})
        query.processAllAvailable()
        assert 99 in ids(spark, table)
    finally:
        query.stop()


def test_nothing_leaves_by_mistake(spark):
    base = prepared()
    table = f"delta.`{base}/table`"
    run(frame(spark, base, **MIRROR).selectExpr("id"), base)
    # The whole source is gone, or empty.
    os.rename(base + "/in", base + "/away")
    raises(PySparkException, lambda: run(frame(spark, base, **MIRROR).selectExpr("id"), base), "PATH_NOT_FOUND")
    os.makedirs(base + "/in")
    error = raises(PySparkException, lambda: run(frame(spark, base, **MIRROR).selectExpr("id"), base), "MILLSTREAM_TOO_MANY_FILES_GONE", "4 of 4 loaded files")
    assert "cloudFiles.deletedFiles.maxFraction = 0.5" in str(error)
    shutil.rmtree(base + "/in")
    os.rename(base + "/away", base + "/in")
    run(frame(spark, base, **MIRROR).selectExpr("id"), base)
    assert len(ids(spark, table)) == 8
    # On purpose.
    shutil.rmtree(base + "/in/d1")
    os.remove(base + "/in/d0/0.json")
    run(frame(spark, base, **MIRROR, **{"deletedFiles.maxFraction": "1"}).selectExpr("id"), base)
    assert ids(spark, table) == [20, 21]


def test_what_does_not_go_together_is_refused(spark):
    base = prepared()
    for options, needle in (({"fileIdentity": "content"}, "fileIdentity = content"),
                            ({"cleanSource": "MOVE", "cleanSource.moveDestination": base + "/old"}, "cleanSource takes files away"),
                            ({"deletedFiles.maxFraction": "2"}, "above 0, and up to 1"), ({"deletedFiles": "deleted"}, "removed")):
        raises(PySparkException, lambda o=options: run(frame(spark, base, **{**MIRROR, **o}).selectExpr("id"), base), needle)
    counted = frame(spark, base, **MIRROR).groupBy("id").count()
    writer = counted.writeStream.option("checkpointLocation", base + "/cp").outputMode("complete")
    raises(PySparkException, lambda: writer.start(base + "/table", format="delta").awaitTermination(), "MILLSTREAM_ROWS_CANNOT_BE_TAKEN_BACK")


def copied(spark, table, source, **options):
    options = {"deletedFiles": "removed", "deletedFiles.confirmAfter": "0 seconds", **options}
    text = ", ".join(f"'{name}' = '{value}'" for name, value in options.items())
    return spark.sql(f"COPY INTO {table} FROM '{source}' FILEFORMAT = JSON FORMAT_OPTIONS ('recursiveFileLookup' = 'true') COPY_OPTIONS ({text})").first()


def copy_states(spark, table):
    return sorted((os.path.basename(row.path), row.ingestion_state) for row in spark.sql(f"SELECT path, ingestion_state FROM copy_into_state('{table}')").collect())


def test_copy_into_removes_loads_and_remembers_in_one_commit(spark):
    for vectors in ("true", "false"):
        base = prepared()
        table = f"removed_{vectors}"
        spark.sql(f"CREATE OR REPLACE TABLE {table} (id BIGINT) TBLPROPERTIES ('delta.enableDeletionVectors' = '{vectors}')")
        copied(spark, table, base + "/in")
        assert len(ids(spark, table)) == 8
        os.remove(base + "/in/d1/1.json")
        write(base + "/in/d1/new.json", {"id": 5})
        versions = spark.sql(f"DESCRIBE HISTORY {table}").count()
        copied(spark, table, base + "/in")
        assert ids(spark, table) == [0, 1, 5, 20, 21, 30, 31]
        history = spark.sql(f"DESCRIBE HISTORY {table}").collect()
        assert len(history) == versions + 1
        assert history[0].operationMetrics["numRemovedSourceFiles"] == "1" and history[0].operationMetrics["numDeletedRows"] == "2", history[0]
        assert ("1.json", "REMOVED") in copy_states(spark, table)
        # Without a new file, and nothing to do.
        os.remove(base + "/in/d1/new.json")
        copied(spark, table, base + "/in")
        copied(spark, table, base + "/in")
        assert spark.sql(f"DESCRIBE HISTORY {table}").count() == versions + 2
        assert ids(spark, table) == [0, 1, 20, 21, 30, 31]
        write(base + "/in/d1/1.json", {"id": 11})
        copied(spark, table, base + "/in")
        assert ids(spark, table) == [0, 1, 11, 20, 21, 30, 31]
        assert ("1.json", "LOADED") in copy_states(spark, table)
        events = [row.event for row in spark.sql(f"SELECT event FROM copy_into_history('{table}') WHERE path LIKE '%/1.json' ORDER BY version").collect()]
        assert events == ["LOADED", "REMOVED", "LOADED"], events
        spark.sql(f"DROP TABLE {table}")


def test_copy_into_stops_when_too_much_is_gone(spark):
    base = prepared()
    spark.sql("CREATE OR REPLACE TABLE mostly_gone (id BIGINT)")
    copied(spark, "mostly_gone", base + "/in")
    shutil.rmtree(base + "/in/d0")
    os.remove(base + "/in/d1/1.json")
    raises(PySparkException, lambda: copied(spark, "mostly_gone", base + "/in"), "MILLSTREAM_TOO_MANY_FILES_GONE", "3 of 4 loaded files", "deletedFiles.maxFraction = 0.5")
    assert len(ids(spark, "mostly_gone")) == 8
    explained = {row.property: row.value for row in spark.sql(
        f"EXPLAIN COPY INTO mostly_gone FROM '{base}/in' FILEFORMAT = JSON FORMAT_OPTIONS ('recursiveFileLookup' = 'true') "
        "COPY_OPTIONS ('deletedFiles' = 'removed', 'deletedFiles.maxFraction' = '1')").collect()}
    assert explained["files_gone"] == "3" and "removes the rows" in explained["next"], explained
    copied(spark, "mostly_gone", base + "/in", **{"deletedFiles.maxFraction": "1"})
    assert ids(spark, "mostly_gone") == [30, 31]
    raises(PySparkException, lambda: copied(spark, "mostly_gone", base + "/in", fileIdentity="content"), "fileIdentity = content")
    raises(PySparkException, lambda: spark.sql(f"COPY INTO mostly_gone FROM '{base}/in' FILEFORMAT = JSON PATTERN = '*' COPY_OPTIONS ('deletedFiles' = 'removed')"),
           "speaks of the whole source")


if __name__ == "__main__":
    main(globals())
