#!/usr/bin/env python3
"""cloudFiles.maxFileRetries: files that cannot be read are left out, tried again alone, and FAILED in the end; and cleanSource = TAG with its consumers."""
import gzip
import json
import os
import tempfile
import time

from harness import main, raises
from pyspark.errors import PySparkException


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    os.rename(path + ".part", path)


def lines(*ids):
    return "".join(json.dumps({"id": i}) + "\n" for i in ids)


def frame(spark, base, **options):
    reader = spark.readStream.format("cloudFiles").schema("id BIGINT").option("cloudFiles.format", "json")
    for name, value in options.items():
        reader = reader.option("cloudFiles." + name, value)
    return reader.load(base + "/in")


def run(rows, base, checkpoint="cp", available_now=True):
    writer = rows.writeStream.option("checkpointLocation", f"{base}/{checkpoint}")
    writer = writer.trigger(availableNow=True) if available_now else writer.trigger(processingTime="0 seconds")
    query = writer.start(f"{base}/table-{checkpoint}", format="delta")
    if available_now:
        query.awaitTermination()
    return query


def ids(spark, base, checkpoint="cp"):
    return sorted(row.id for row in spark.read.format("delta").load(f"{base}/table-{checkpoint}").collect())


def states(spark, base, checkpoint="cp"):
    rows = spark.sql(f"SELECT path, ingestion_state, reason, first_error, archive_mode FROM cloud_files_state('{base}/{checkpoint}')").collect()
    return {os.path.basename(row.path): row for row in rows}


BROKEN = b"\x1f\x8b\x08\x00 this is no gzip"


def test_a_broken_file_does_not_hold_up_the_others(spark):
    base = tempfile.mkdtemp()
    for i in range(6):
        write(f"{base}/in/{i}.json", lines(i))
    write(f"{base}/in/broken.json.gz", BROKEN)
    write(f"{base}/in/also.json.gz", BROKEN)
    raises(PySparkException, lambda: run(frame(spark, base), base, "strict"), "FAILED_READ_FILE")
    query = run(frame(spark, base, maxFileRetries=3), base)
    assert ids(spark, base) == [0, 1, 2, 3, 4, 5]
    known = states(spark, base)
    assert known["broken.json.gz"].ingestion_state is None and "attempt 1 of 4 has failed" in known["broken.json.gz"].reason, known
    assert query.recentProgress[0]["sources"][0]["metrics"]["numFilesDeferred"] == "2", query.recentProgress
    # Mended: the next run after the pause has it, and what is new.
    write(f"{base}/in/broken.json.gz", gzip.compress(lines(100).encode()))
    write(f"{base}/in/7.json", lines(7))
    time.sleep(1.2)
    run(frame(spark, base, maxFileRetries=3), base)
    assert ids(spark, base) == [0, 1, 2, 3, 4, 5, 7, 100]
    known = states(spark, base)
    assert known["broken.json.gz"].ingestion_state == "INGESTED", known
    assert "attempt 2 of 4" in known["also.json.gz"].reason, known


def test_after_its_retries_a_file_is_failed_and_can_be_replayed(spark):
    base = tempfile.mkdtemp()
    write(f"{base}/in/a.json", lines(1))
    write(f"{base}/in/broken.json.gz", BROKEN)
    query = run(frame(spark, base, maxFileRetries=1), base, available_now=False)
    try:
        query.processAllAvailable()
        end = time.monotonic() + 30
        while states(spark, base).get("broken.json.gz") is None or states(spark, base)["broken.json.gz"].ingestion_state != "FAILED":
            assert time.monotonic() < end, states(spark, base)
            time.sleep(0.2)
        assert query.isActive
    finally:
        query.stop()
    failed = states(spark, base)["broken.json.gz"]
    assert "FAILED_READ_FILE" in failed.first_error, failed
    events = [row.event for row in spark.sql(f"SELECT event FROM cloud_files_history('{base}/cp') WHERE path LIKE '%broken%'").collect()]
    assert "FAILED" in events, events
    run(frame(spark, base, maxFileRetries=1), base)
    assert ids(spark, base) == [1]
    write(f"{base}/in/broken.json.gz", gzip.compress(lines(2).encode()))
    row = spark.sql(f"REPLAY FILES IN STREAM '{base}/cp' WHERE ingestion_state = 'FAILED'").first()
    assert row.num_requested_files == 1
    run(frame(spark, base, maxFileRetries=1), base)
    assert ids(spark, base) == [1, 2]


def test_cleaning_leaves_what_could_not_be_read(spark):
    base = tempfile.mkdtemp()
    write(f"{base}/in/a.json", lines(1))
    write(f"{base}/in/broken.json.gz", BROKEN)
    options = {"maxFileRetries": 1, "cleanSource": "MOVE", "cleanSource.moveDestination": base + "/old", "cleanSource.retentionDuration": "0 seconds"}
    for _ in range(3):
        run(frame(spark, base, **options), base)
        time.sleep(1.1)
    assert states(spark, base)["broken.json.gz"].ingestion_state == "FAILED"
    assert os.listdir(base + "/in") == ["broken.json.gz"]


def test_loaded_files_are_tagged(spark):
    base = tempfile.mkdtemp()
    write(f"{base}/in/a.json", lines(1))
    options = {"cleanSource": "TAG", "cleanSource.retentionDuration": "0 seconds", "cleanSource.waitForCompletion": True}
    run(frame(spark, base, **options), base)
    assert os.getxattr(f"{base}/in/a.json", "user.millstream.loaded").decode().startswith("20")
    assert states(spark, base)["a.json"].archive_mode == "TAG"
    run(frame(spark, base, **options), base)
    assert ids(spark, base) == [1]


def test_a_file_is_cleaned_when_all_consumers_have_it(spark):
    base = tempfile.mkdtemp()
    write(f"{base}/in/a.json", lines(1))
    cleaning = {"cleanSource": "MOVE", "cleanSource.moveDestination": base + "/old", "cleanSource.retentionDuration": "0 seconds", "cleanSource.waitForCompletion": True}
    raises(PySparkException, lambda: run(frame(spark, base, **cleaning, **{"cleanSource.consumers": base + "/other"}), base), "neither the checkpoint")
    run(frame(spark, base), base, "other")
    spark.sql("CREATE OR REPLACE TABLE consumer (id BIGINT)")
    spark.sql(f"COPY INTO consumer FROM '{base}/in' FILEFORMAT = JSON").collect()
    table = spark.sql("DESCRIBE DETAIL consumer").first().location.replace("file:", "").replace("//", "")
    both = {**cleaning, "cleanSource.consumers": f"{base}/other, {table}"}
    write(f"{base}/in/b.json", lines(2))
    run(frame(spark, base, **both), base)
    assert sorted(os.listdir(base + "/in")) == ["b.json"]
    assert ids(spark, base) == [1, 2], (ids(spark, base), states(spark, base))
    run(frame(spark, base), base, "other")
    run(frame(spark, base, **both), base)
    assert sorted(os.listdir(base + "/in")) == ["b.json"]
    spark.sql(f"COPY INTO consumer FROM '{base}/in' FILEFORMAT = JSON").collect()
    run(frame(spark, base, **both), base)
    assert os.listdir(base + "/in") == []
    assert ids(spark, base, "other") == [1, 2] and ids(spark, base) == [1, 2]


def test_nanoseconds_that_no_timestamp_can_hold_are_told_of_the_file(spark):
    import pyarrow
    import pyarrow.parquet

    base = tempfile.mkdtemp()
    for name, ns in (("whole", 1600000000000001000), ("torn", 1600000000000000001)):
        pyarrow.parquet.write_table(pyarrow.table({"at": pyarrow.array([ns], pyarrow.timestamp("ns", tz="UTC"))}), f"{base}/{name}.parquet")
    raises(PySparkException, lambda: spark.read.parquet(base).collect(), "FAILED_READ_FILE", "torn.parquet", "column at", "microseconds")
    assert spark.read.option("ignoreCorruptFiles", True).parquet(base).count() == 1


def test_by_content_a_renamed_file_is_loaded_by_its_new_name(spark):
    base = tempfile.mkdtemp()
    for name, id in (("a", 1), ("b", 2), ("c", 2)):
        write(f"{base}/in/{name}.json", lines(id))
    options = {"fileIdentity": "content", "maxBytesPerTrigger": 1}
    source = spark.readStream.format("cloudFiles").schema("id BIGINT").option("cloudFiles.format", "json").option("ignoreMissingFiles", True)
    for name, value in options.items():
        source = source.option("cloudFiles." + name, value)
    query = source.load(base + "/in").writeStream.option("checkpointLocation", base + "/cp").trigger(processingTime="1 hour").start(base + "/table-cp", format="delta")
    deadline = time.monotonic() + 60
    while not os.path.exists(base + "/cp/commits/0") and time.monotonic() < deadline:
        time.sleep(0.05)
    query.stop()
    # Found, and gone before it was read: its bytes are there under the other name alone.
    assert states(spark, base)["c.json"].ingestion_state == "SKIPPED_DUPLICATE"
    os.remove(base + "/in/b.json")
    for _ in range(2):
        run(source.load(base + "/in"), base)
    known = states(spark, base)
    assert ids(spark, base) == [1, 2], known
    assert known["b.json"].ingestion_state == "SKIPPED_MISSING" and known["c.json"].ingestion_state == "INGESTED", known
    write(base + "/in/again.json", lines(2))
    run(source.load(base + "/in"), base)
    assert ids(spark, base) == [1, 2]


def test_by_content_a_file_that_was_mended_is_known_by_its_bytes(spark):
    base = tempfile.mkdtemp()
    whole = gzip.compress(lines(5, 6).encode())
    write(base + "/in/a.json.gz", whole[:-8])
    write(base + "/in/b.json", lines(1))
    rows = lambda: frame(spark, base, fileIdentity="content", maxFileRetries=3)
    run(rows(), base)
    assert ids(spark, base) == [1]
    write(base + "/in/a.json.gz", whole)
    time.sleep(1.2)
    run(rows(), base)
    write(base + "/in/copy.json.gz", whole)
    run(rows(), base)
    assert ids(spark, base) == [1, 5, 6], states(spark, base)
    assert states(spark, base)["copy.json.gz"].ingestion_state == "SKIPPED_DUPLICATE"


if __name__ == "__main__":
    main(globals())
