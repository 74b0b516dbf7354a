#!/usr/bin/env python3
"""Spark's own file stream source, and text and binary files, through stock clients."""
import os
import tempfile

from harness import main, raises


def write(directory, name, text, seconds):
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.utime(path, (seconds, seconds))


def numbers(directory, count):
    for i in range(count):
        write(directory, f"{i:02}.json", '{"id": %d, "name": "n%d"}\n' % (i, i), 1700000000 + i)


def run(frame, name, checkpoint):
    query = (frame.writeStream.format("memory").queryName(name).option("checkpointLocation", checkpoint).trigger(availableNow=True).start())
    query.awaitTermination()
    return query


def batches(checkpoint):
    return len(os.listdir(checkpoint + "/offsets"))


def test_files_are_read_by_time_and_in_limited_batches(spark):
    base = tempfile.mkdtemp()
    numbers(base + "/in", 11)
    frame = spark.readStream.schema("id bigint, name string").option("maxFilesPerTrigger", 4).json(base + "/in")
    assert frame.isStreaming
    query = run(frame, "limited", base + "/cp")
    assert [row.id for row in spark.table("limited").collect()] == list(range(11))
    assert batches(base + "/cp") == 3
    source = query.lastProgress["sources"][0]
    assert source["description"] == f"FileStreamSource[file:{base}/in]", source
    assert "logOffset" in source["endOffset"] and "2" in source["endOffset"], source
    log = open(base + "/cp/sources/0/0").read()
    assert log.startswith('v1\n{"path":"file://' + base + '/in/00.json","timestamp":1700000000000,"batchId":0}\n'), log


def test_a_stream_goes_on_where_it_was(spark):
    base = tempfile.mkdtemp()
    numbers(base + "/in", 3)
    frame = spark.readStream.schema("id bigint").json(base + "/in")
    for expected in (3, 4):
        query = (frame.writeStream.format("delta").option("checkpointLocation", base + "/cp").trigger(availableNow=True).start(base + "/table"))
        query.awaitTermination()
        assert spark.read.format("delta").load(base + "/table").count() == expected
        write(base + "/in", "more.json", '{"id": 100}\n', 1700000100)


def test_partition_directories_and_metadata(spark):
    base = tempfile.mkdtemp()
    write(base, "in/p=1/a.csv", "1,x\n", 1700000001)
    write(base, "in/p=2/b.csv", "2,y\n", 1700000002)
    frame = spark.readStream.schema("id int, s string").csv(base + "/in").select("id", "s", "p", "_metadata.file_name")
    run(frame, "parts", base + "/cp")
    assert sorted(tuple(row) for row in spark.table("parts").collect()) == [(1, "x", 1, "a.csv"), (2, "y", 2, "b.csv")]


def test_a_schema_is_wanted_except_for_text(spark):
    base = tempfile.mkdtemp()
    numbers(base + "/in", 2)
    raises(Exception, lambda: spark.readStream.json(base + "/in").isStreaming, "Schema must be specified when creating a streaming source DataFrame.")
    run(spark.readStream.text(base + "/in"), "lines", base + "/cp")
    assert sorted(row.value for row in spark.table("lines").collect()) == ['{"id": 0, "name": "n0"}', '{"id": 1, "name": "n1"}']
    spark.conf.set("spark.sql.streaming.schemaInference", "true")
    assert spark.readStream.json(base + "/in").schema.simpleString() == "struct<id:bigint,name:string>"
    raises(Exception, lambda: spark.readStream.schema("id bigint").json(base + "/nothing").isStreaming, "PATH_NOT_FOUND")
    raises(Exception, lambda: spark.readStream.schema("id bigint").format("jdbc").load(base + "/in").isStreaming, "jdbc")


def test_parquet_is_a_stream_too(spark):
    base = tempfile.mkdtemp()
    spark.range(10).write.format("delta").save(base + "/table")
    run(spark.readStream.schema("id bigint").parquet(base + "/table"), "parquets", base + "/cp")
    assert spark.table("parquets").count() == 10


def test_wrong_options_end_the_query_in_sparks_words(spark):
    base = tempfile.mkdtemp()
    numbers(base + "/in", 1)

    def start(**options):
        frame = spark.readStream.schema("id bigint").options(**options).json(base + "/in")
        return lambda: run(frame, "wrong", tempfile.mkdtemp())

    raises(Exception, start(maxFilesPerTrigger=0), "Invalid value '0' for option 'maxFilesPerTrigger', must be a positive integer")
    raises(Exception, start(maxFilesPerTrigger=1, maxBytesPerTrigger=10), "can't be both set at the same time")
    raises(Exception, start(cleanSource="archive"), "Archive mode must be used with 'sourceArchiveDir' option.")
    raises(Exception, start(modifiedAfter="2020-01-01T00:00:00"), "option 'modifiedafter' is not allowed in file stream sources")


def test_processed_files_are_deleted_when_asked(spark):
    base = tempfile.mkdtemp()
    numbers(base + "/in", 3)
    run(spark.readStream.schema("id bigint").option("cleanSource", "delete").json(base + "/in"), "cleaned", base + "/cp")
    assert spark.table("cleaned").count() == 3
    assert os.listdir(base + "/in") == []


def test_text_and_binary_files_in_batch(spark):
    base = tempfile.mkdtemp()
    write(base, "in/a.txt", "one\n\ntwo", 1700000001)
    assert [row.value for row in spark.read.text(base + "/in").collect()] == ["one", "", "two"]
    assert [row.value for row in spark.read.text(base + "/in", wholetext=True).collect()] == ["one\n\ntwo"]
    row = spark.read.format("binaryFile").load(base + "/in").collect()[0]
    assert (row.path, row.length, bytes(row.content)) == (f"file:{base}/in/a.txt", 8, b"one\n\ntwo"), row
    assert spark.read.format("binaryFile").load(base + "/in").schema.simpleString() == "struct<path:string,modificationTime:timestamp,length:bigint,content:binary>"


def test_cloud_files_of_text_and_binary(spark):
    base = tempfile.mkdtemp()
    write(base, "in/a.txt", "one\ntwo\n", 1700000001)
    for name, kind, expected in (("cloudtext", "text", ["one", "two"]), ("cloudbinary", "binaryFile", [8])):
        run(spark.readStream.format("cloudFiles").option("cloudFiles.format", kind).load(base + "/in"), name, base + "/cp_" + name)
        rows = spark.table(name).collect()
        assert sorted(row.value if kind == "text" else row.length for row in rows) == expected, rows


if __name__ == "__main__":
    main(globals())
