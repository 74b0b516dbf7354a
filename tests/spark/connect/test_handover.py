#!/usr/bin/env python3
"""Checkpoints that Spark 4.2 has written (tests/spark/record_stream_io.py) are taken over: nothing is lost, nothing is loaded again.

tests/spark/check_handover.py does it with Spark itself, both ways."""
import os
import shutil
import tempfile

from harness import main

RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/stream_io/handover")


def recorded():
    base = os.path.join(tempfile.mkdtemp(), "handover")
    shutil.copytree(RECORDED, base)
    log = base + "/cp_files/sources/0"
    for name in os.listdir(log):
        with open(f"{log}/{name}") as file:
            text = file.read()
        with open(f"{log}/{name}", "w") as file:
            file.write(text.replace("/tmp/millstream_handover", base))
    return base


def run(frame, base, checkpoint, target):
    query = frame.writeStream.format("delta").option("checkpointLocation", f"{base}/{checkpoint}").trigger(availableNow=True).start(f"{base}/{target}")
    query.awaitTermination()
    return query


def ids(spark, path):
    return sorted(row.id for row in spark.read.format("delta").load(path).collect())


def test_a_file_stream_of_sparks_goes_on(spark):
    base = recorded()
    frame = spark.readStream.schema("id bigint, name string").option("maxFilesPerTrigger", 1).json(base + "/in")
    assert ids(spark, base + "/bronze") == list(range(11))
    run(frame, base, "cp_files", "bronze")
    assert ids(spark, base + "/bronze") == list(range(11))
    with open(base + "/in/11.json", "w") as file:
        file.write('{"id": 11, "name": "n11"}\n')
    query = run(frame, base, "cp_files", "bronze")
    assert ids(spark, base + "/bronze") == list(range(12))
    assert str(query.id) == "81ac09ed-0b02-4058-8f85-870248813086", query.id
    assert query.lastProgress["batchId"] == 11 and os.path.exists(base + "/cp_files/sources/0/11")


def test_a_batch_that_spark_has_written_and_not_committed_is_not_written_again(spark):
    base = recorded()
    os.remove(base + "/cp_files/commits/10")
    with open(base + "/in/11.json", "w") as file:
        file.write('{"id": 11, "name": "n11"}\n')
    frame = spark.readStream.schema("id bigint, name string").option("maxFilesPerTrigger", 1).json(base + "/in")
    run(frame, base, "cp_files", "bronze")
    assert ids(spark, base + "/bronze") == list(range(12))


def test_a_delta_stream_of_sparks_goes_on_behind_the_snapshot_and_in_the_log(spark):
    base = recorded()
    source = ids(spark, base + "/source")
    frame = spark.readStream.format("delta").option("maxFilesPerTrigger", 2).load(base + "/source")
    for checkpoint, target in (("cp_delta_snapshot", "copy_snapshot"), ("cp_delta", "copy")):
        run(frame, base, checkpoint, target)
        assert ids(spark, f"{base}/{target}") == source
    spark.range(500, 503).write.format("delta").mode("append").save(base + "/source")
    run(frame, base, "cp_delta", "copy")
    assert ids(spark, base + "/copy") == source + [500, 501, 502]


def test_a_delta_stream_of_sparks_goes_on_within_the_snapshot(spark):
    base = recorded()
    # After the first batch: two of the snapshot's files are in the target, the other four are not.
    for batch in (1, 2):
        os.remove(f"{base}/cp_delta_snapshot/offsets/{batch}")
        os.remove(f"{base}/cp_delta_snapshot/commits/{batch}")
    for version in (1, 2):
        os.remove(f"{base}/copy_snapshot/_delta_log/{version:020}.json")
    frame = spark.readStream.format("delta").option("maxFilesPerTrigger", 2).load(base + "/source")
    run(frame, base, "cp_delta_snapshot", "copy_snapshot")
    assert ids(spark, base + "/copy_snapshot") == ids(spark, base + "/source")


if __name__ == "__main__":
    main(globals())
