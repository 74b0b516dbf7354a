#!/usr/bin/env python3
"""Files written by batches and by streams, through stock clients: modes, partitions, options, and the log that says which files count."""
import json
import os
import tempfile

from harness import main, raises


def part_files(directory):
    return sorted(os.path.relpath(os.path.join(base, name), directory) for base, _, names in os.walk(directory) for name in names
                  if name.startswith("part-"))


def content(directory):
    return "".join(open(os.path.join(directory, name)).read() for name in part_files(directory))


def test_batch_writes_in_every_mode(spark):
    path = tempfile.mkdtemp() + "/out"
    spark.range(3).write.json(path)
    assert content(path) == '{"id":0}\n{"id":1}\n{"id":2}\n'
    assert os.path.exists(path + "/_SUCCESS")
    raises(Exception, lambda: spark.range(1).write.json(path), "PATH_ALREADY_EXISTS")
    spark.range(1).write.mode("ignore").json(path)
    assert spark.read.json(path).count() == 3
    spark.range(10, 12).write.mode("append").json(path)
    assert sorted(row.id for row in spark.read.json(path).collect()) == [0, 1, 2, 10, 11]
    spark.range(7, 8).write.mode("overwrite").json(path)
    assert [row.id for row in spark.read.json(path).collect()] == [7]


def test_every_format_is_read_back(spark):
    base = tempfile.mkdtemp()
    frame = spark.sql("SELECT 1 AS a, 'x, \"y\"' AS b, DATE'2026-01-02' AS c UNION ALL SELECT 2, NULL, NULL")
    frame.write.option("header", True).option("sep", "|").csv(base + "/csv")
    assert content(base + "/csv").splitlines()[0] == "a|b|c"
    read = spark.read.option("header", True).option("sep", "|").schema("a int, b string, c date").csv(base + "/csv")
    assert sorted(read.collect()) == sorted(frame.collect())
    for kind, options in (("json", {"compression": "gzip"}), ("parquet", {}), ("parquet", {"compression": "zstd"}), ("json", {"ignoreNullFields": False})):
        frame.write.format(kind).mode("overwrite").options(**options).save(base + "/out")
        assert sorted(spark.read.format(kind).schema("a int, b string, c date").load(base + "/out").collect()) == sorted(frame.collect()), kind
    frame.selectExpr("b").write.text(base + "/text")
    assert content(base + "/text") == 'x, "y"\n\n'
    raises(Exception, lambda: frame.write.text(base + "/bad"), "Text datasource doesn't support the column `a`")
    raises(Exception, lambda: spark.sql("SELECT array(1) AS a").write.csv(base + "/bad"), "CSV datasource doesn't support the column `a`")
    raises(Exception, lambda: frame.write.orc(base + "/bad"), "orc")
    assert not os.path.exists(base + "/bad")


def test_partitions_and_their_overwriting(spark):
    path = tempfile.mkdtemp() + "/out"
    frame = spark.sql("SELECT id, id % 2 AS p, CASE WHEN id = 3 THEN NULL ELSE 'a/b' END AS q FROM range(4)")
    frame.write.partitionBy("p", "q").json(path)
    assert sorted({os.path.dirname(name) for name in part_files(path)}) == ["p=0/q=a%2Fb", "p=1/q=__HIVE_DEFAULT_PARTITION__", "p=1/q=a%2Fb"]
    assert sorted((row.id, row.p, row.q) for row in spark.read.json(path).collect() if row.q) == [(0, 0, "a/b"), (1, 1, "a/b"), (2, 0, "a/b")]
    spark.sql("SELECT 50L AS id, 0L AS p, 'a/b' AS q").write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy("p", "q").json(path)
    assert sorted(row.id for row in spark.read.json(path).collect()) == [1, 3, 50]
    spark.sql("SELECT 51L AS id, 0L AS p, 'c' AS q").write.mode("overwrite").partitionBy("p", "q").json(path)
    assert sorted(row.id for row in spark.read.json(path).collect()) == [51]
    assert os.listdir(path + "/p=0") == ["q=c"]
    raises(Exception, lambda: frame.write.partitionBy("id", "p", "q").json(path + "2"), "ALL_PARTITION_COLUMNS_NOT_ALLOWED")
    raises(Exception, lambda: frame.write.partitionBy("z").json(path + "2"), "PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA")


def stream(spark, base, kind="json", partition=None, checkpoint="/cp", out="/out", **options):
    frame = spark.readStream.schema("id bigint, name string").option("maxFilesPerTrigger", 1).json(base + "/in")
    writer = frame.writeStream.format(kind).options(**options).option("checkpointLocation", base + checkpoint).trigger(availableNow=True)
    if partition:
        writer = writer.partitionBy(partition)
    query = writer.start(base + out)
    query.awaitTermination()
    return query


def add(base, *numbers):
    os.makedirs(base + "/in", exist_ok=True)
    for i in numbers:
        with open(f"{base}/in/{i:03}.json", "w") as f:
            f.write('{"id": %d, "name": "n%d"}\n' % (i, i % 2))


def test_a_stream_writes_files_and_sparks_log(spark):
    base = tempfile.mkdtemp()
    add(base, *range(11))
    query = stream(spark, base, partition="name")
    assert query.lastProgress["sink"]["description"] == f"FileSink[file:{base}/out]", query.lastProgress["sink"]
    log = base + "/out/_spark_metadata"
    assert sorted(os.listdir(log)) == sorted([str(i) for i in range(9)] + ["9.compact", "10"])
    entry = open(log + "/10").read().split("\n")
    assert entry[0] == "v1" and len(entry) == 2, entry
    line = json.loads(entry[1])
    assert sorted(line) == ["action", "blockReplication", "blockSize", "isDir", "modificationTime", "path", "size"]
    assert line["path"].startswith(f"file://{base}/out/name=n0/part-00000-") and line["path"].endswith(".c000.json"), line
    assert line["size"] == os.path.getsize(line["path"][7:]) and line["action"] == "add"
    assert len(open(log + "/9.compact").read().split("\n")) == 11
    # Only what the log names is part of the table.
    with open(base + "/out/name=n0/part-00000-leftover.c000.json", "w") as f:
        f.write('{"id": 1000}\n')
    assert sorted(row.id for row in spark.read.json(base + "/out").collect()) == list(range(11))
    assert sorted(row.id for row in spark.readStream.schema("id bigint").json(base + "/out").writeStream.format("memory").queryName("from_sink")
                  .trigger(availableNow=True).start().awaitTermination() or spark.table("from_sink").collect()) == list(range(11))
    # It goes on where it was, and another query's batches are not taken for its own.
    add(base, 20, 21)
    stream(spark, base, partition="name")
    assert spark.read.json(base + "/out").count() == 13
    raises(Exception, lambda: stream(spark, base, checkpoint="/cp2"), "MILLSTREAM_SINK_OF_ANOTHER_QUERY")
    raises(Exception, lambda: spark.range(1).write.mode("append").json(base + "/out"), "_spark_metadata")


def test_every_format_is_a_sink(spark):
    base = tempfile.mkdtemp()
    add(base, 1, 2, 3)
    for kind in ("csv", "parquet", "json"):
        stream(spark, base, kind=kind, checkpoint="/cp_" + kind, out="/out_" + kind)
        rows = spark.read.format(kind).schema("id bigint, name string").load(base + "/out_" + kind).collect()
        assert sorted((row.id, row.name) for row in rows) == [(1, "n1"), (2, "n0"), (3, "n1")], (kind, rows)
    raises(Exception, lambda: stream(spark, base, kind="text", checkpoint="/cp_text", out="/out_text"), "Text datasource doesn't support the column `id`")
    raises(Exception, lambda: stream(spark, base, kind="orc", checkpoint="/cp_orc", out="/out_orc"), "orc")


def test_a_file_sink_appends_only(spark):
    base = tempfile.mkdtemp()
    add(base, 1)
    frame = spark.readStream.schema("id bigint").json(base + "/in")
    raises(Exception, lambda: frame.writeStream.format("json").outputMode("update").option("checkpointLocation", base + "/cp").start(base + "/out"),
           "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE")


if __name__ == "__main__":
    main(globals())
