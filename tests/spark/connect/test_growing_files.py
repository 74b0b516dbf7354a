#!/usr/bin/env python3
"""cloudFiles.changedFiles = continued: files of lines that grow are read from where they had ended, each line once."""
import os
import tempfile
import time

from harness import main, raises
from pyspark.errors import PySparkException


def append(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a") as file:
        file.write(text)


def frame(spark, base, file_format="json", schema="id BIGINT", **options):
    reader = spark.readStream.format("cloudFiles").schema(schema).option("cloudFiles.format", file_format).option("cloudFiles.changedFiles", "continued")
    for name, value in options.items():
        reader = reader.option(name, value)
    return reader.load(base + "/in")


def run(rows, base, available_now=True):
    writer = rows.writeStream.option("checkpointLocation", base + "/cp")
    writer = writer.trigger(availableNow=True) if available_now else writer.trigger(processingTime="0 seconds")
    query = writer.start(base + "/table", format="delta")
    if available_now:
        query.awaitTermination()
    return query


def rows_of(spark, base, columns="id"):
    return sorted(tuple(row) for row in spark.read.format("delta").load(base + "/table").selectExpr(*columns.split(",")).collect())


def states(spark, base):
    return spark.sql(f"SELECT path, ingestion_state, reason, rows FROM cloud_files_state('{base}/cp')").collect()


def test_lines_come_once_and_half_lines_wait(spark):
    base = tempfile.mkdtemp()
    append(base + "/in/a.json", '{"id":1}\n{"id":2}\n{"id":')
    run(frame(spark, base), base)
    assert rows_of(spark, base) == [(1,), (2,)]
    run(frame(spark, base), base)
    assert rows_of(spark, base) == [(1,), (2,)]
    append(base + "/in/a.json", '3}\n{"id":4}')
    run(frame(spark, base), base)
    assert rows_of(spark, base) == [(1,), (2,), (3,)]
    append(base + "/in/a.json", "\n")
    run(frame(spark, base), base)
    assert rows_of(spark, base) == [(1,), (2,), (3,), (4,)]
    # Counts of the parts add up, and UNDO takes all of them.
    assert sum(row.rows for row in states(spark, base)) == 4
    spark.sql(f"UNDO FILES IN STREAM '{base}/cp' WHERE path LIKE '%/a.json'").collect()
    run(frame(spark, base), base)
    assert rows_of(spark, base) == []


def test_csv_headers_are_read_once(spark):
    base = tempfile.mkdtemp()
    options = {"header": True}
    append(base + "/in/a.csv", "name,id\nx,1\ny,2\n")
    run(frame(spark, base, "csv", "name STRING, id BIGINT", **options), base)
    append(base + "/in/a.csv", "z,3\n")
    append(base + "/in/b.csv", "name,id\nu,4\n")
    run(frame(spark, base, "csv", "name STRING, id BIGINT", **options), base)
    assert rows_of(spark, base, "name,id") == [("u", 4), ("x", 1), ("y", 2), ("z", 3)]


def test_text_and_a_running_query(spark):
    base = tempfile.mkdtemp()
    append(base + "/in/app.log", "one\n")
    query = run(frame(spark, base, "text", "value STRING"), base, available_now=False)
    try:
        query.processAllAvailable()
        for i in range(5):
            append(base + "/in/app.log", f"line {i}\nhal")
            append(base + "/in/app.log", f"f {i}\n")
        end = time.monotonic() + 30
        while len(rows_of(spark, base, "value")) != 11 and time.monotonic() < end:
            time.sleep(0.2)
        assert rows_of(spark, base, "value") == sorted([("one",)] + [(f"line {i}",) for i in range(5)] + [(f"half {i}",) for i in range(5)])
    finally:
        query.stop()


def test_truncated_and_replaced_files_are_loaded_whole(spark):
    base = tempfile.mkdtemp()
    append(base + "/in/a.json", '{"id":1}\n{"id":2}\n')
    run(frame(spark, base), base)
    open(base + "/in/a.json", "w").close()
    append(base + "/in/a.json", '{"id":10}\n')
    run(frame(spark, base), base)
    assert rows_of(spark, base) == [(1,), (2,), (10,)]
    append(base + "/in/.new", '{"id":10}\n{"id":20}\n')
    os.rename(base + "/in/.new", base + "/in/a.json")
    run(frame(spark, base), base)
    assert rows_of(spark, base) == [(1,), (2,), (10,), (10,), (20,)]
    assert sum("loaded from its beginning" in (row.reason or "") for row in states(spark, base)) == 2, states(spark, base)


def test_what_cannot_be_continued_is_refused(spark):
    base = tempfile.mkdtemp()
    append(base + "/in/a.json", '{"id":1}\n')
    for options, needle in (({"multiLine": True}, "multiLine reads files as a whole"), ({"cloudFiles.fileIdentity": "content"}, "fileIdentity"),
                            ({"cloudFiles.cleanSource": "DELETE"}, "not loaded yet"), ({"encoding": "UTF-16"}, "leave encoding out"),
                            ({"cloudFiles.quarantineTable": "q"}, "quarantineTable")):
        raises(PySparkException, lambda o=options: run(frame(spark, base, **o), base), needle)
    raises(PySparkException, lambda: run(frame(spark, base, "parquet"), base), "only lines of json, csv and text")
    spark.sql("CREATE OR REPLACE TABLE grows (id BIGINT)")
    raises(PySparkException, lambda: spark.sql(f"COPY INTO grows FROM '{base}/in' FILEFORMAT = JSON COPY_OPTIONS ('changedFiles' = 'continued')"), "Load files that grow by a stream")


if __name__ == "__main__":
    main(globals())
