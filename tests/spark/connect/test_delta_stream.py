"""Delta tables read as streams: the snapshot, then what commits add; batch and stream on one table."""
import ast
import json
import os
import time

import harness
from pyspark.errors import StreamingQueryException


def offset(shown):
    """An offset of a progress: JSON in 4.2's client, a dict's text in 4.1's."""
    return json.loads(shown) if '"' in shown else ast.literal_eval(shown)


def run(spark, server, name, source, target, **options):
    """One availableNow run from `source` to `target`; the offsets of its batches."""
    query = (source.writeStream.option("checkpointLocation", os.path.join(server.directory, name)).options(**options)
             .trigger(availableNow=True).toTable(target))
    query.awaitTermination(60)
    return [offset(p["sources"][0]["endOffset"]) for p in query.recentProgress if p["numInputRows"]]


def keys(spark, table):
    return sorted(row.k for row in spark.table(table).collect())


def add(spark, table, *numbers):
    spark.createDataFrame([(n,) for n in numbers], "k int").write.mode("append").saveAsTable(table)


def test_a_stream_reads_the_snapshot_and_then_each_commit_once(server, spark):
    add(spark, "unbounded", 1, 2)
    add(spark, "unbounded", 3)
    offsets = run(spark, server, "tail", spark.readStream.table("unbounded"), "tail_out")
    assert keys(spark, "tail_out") == [1, 2, 3]
    assert offsets[-1] == {"sourceVersion": 1, "reservoirId": offsets[-1]["reservoirId"], "reservoirVersion": 2, "index": -1, "isStartingVersion": False}
    add(spark, "unbounded", 4)
    add(spark, "unbounded", 5, 6)
    run(spark, server, "tail", spark.readStream.table("unbounded"), "tail_out")
    assert keys(spark, "tail_out") == [1, 2, 3, 4, 5, 6]
    assert run(spark, server, "tail", spark.readStream.table("unbounded"), "tail_out") == []


def test_limits_cut_batches_between_files(server, spark):
    for number in range(7):
        add(spark, "many_files", number)
    source = spark.readStream.option("maxFilesPerTrigger", 2).table("many_files")
    offsets = run(spark, server, "limits", source, "limits_out")
    assert len(offsets) == 4 and keys(spark, "limits_out") == list(range(7))
    assert [(o["reservoirVersion"], o["index"], o["isStartingVersion"]) for o in offsets] == [(6, 1, True), (6, 3, True), (6, 5, True), (7, -1, False)]
    offsets = run(spark, server, "bytes", spark.readStream.option("maxBytesPerTrigger", "1b").table("many_files"), "bytes_out")
    assert len(offsets) == 7 and keys(spark, "bytes_out") == list(range(7))


def test_a_start_can_be_chosen(server, spark):
    for number in range(4):
        add(spark, "chosen", number)
    run(spark, server, "from_2", spark.readStream.option("startingVersion", 2).table("chosen"), "from_2_out")
    assert keys(spark, "from_2_out") == [2, 3]
    latest = spark.readStream.option("startingVersion", "latest").table("chosen")
    run(spark, server, "from_latest", latest, "from_latest_out")
    add(spark, "chosen", 10)
    run(spark, server, "from_latest", latest, "from_latest_out")
    assert keys(spark, "from_latest_out") == [10]
    harness.raises(Exception, lambda: run(spark, server, "both", spark.readStream.option("startingVersion", 1).option("startingTimestamp", "2026-01-01")
                                          .table("chosen"), "both_out"), "DELTA_STARTING_VERSION_AND_TIMESTAMP_BOTH_SET")


def test_an_overwrite_in_the_source_is_refused_or_skipped(server, spark):
    add(spark, "overwritten", 1)
    run(spark, server, "strict", spark.readStream.table("overwritten"), "strict_out")
    spark.createDataFrame([(9,)], "k int").write.mode("overwrite").saveAsTable("overwritten")
    harness.raises(StreamingQueryException, lambda: run(spark, server, "strict", spark.readStream.table("overwritten"), "strict_out"),
                   "DELTA_SOURCE_TABLE_IGNORE_CHANGES")
    add(spark, "overwritten", 2)
    run(spark, server, "strict", spark.readStream.option("skipChangeCommits", "true").table("overwritten"), "strict_out")
    assert keys(spark, "strict_out") == [1, 2]


def test_another_table_under_the_same_name_is_refused(server, spark):
    add(spark, "replaced", 1)
    run(spark, server, "replaced", spark.readStream.table("replaced"), "replaced_out")
    spark.sql("DROP TABLE replaced")
    add(spark, "replaced", 2)
    harness.raises(StreamingQueryException, lambda: run(spark, server, "replaced", spark.readStream.table("replaced"), "replaced_out"),
                   "DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE")


def test_a_new_column_ends_the_query_and_the_next_start_has_it(server, spark):
    add(spark, "widened", 1)
    query = (spark.readStream.table("widened").writeStream.option("checkpointLocation", os.path.join(server.directory, "widened"))
             .option("mergeSchema", "true").toTable("widened_out"))
    query.processAllAvailable()
    spark.createDataFrame([(2, "b")], "k int, v string").write.mode("append").option("mergeSchema", "true").saveAsTable("widened")
    harness.raises(StreamingQueryException, lambda: query.awaitTermination(30), "DELTA_SCHEMA_CHANGED_WITH_VERSION")
    run(spark, server, "widened", spark.readStream.table("widened"), "widened_out", mergeSchema="true")
    assert sorted((row.k, row.v) for row in spark.table("widened_out").collect()) == [(1, None), (2, "b")]


def test_two_hops_run_while_a_batch_writes(server, spark):
    add(spark, "hop_0", -1)
    hops = []
    for hop in (1, 2):
        if hop == 2:
            hops[0].processAllAvailable()
        hops.append(spark.readStream.table(f"hop_{hop - 1}").where("k % 2 = 1 OR k < 0").selectExpr("k").writeStream
                    .option("checkpointLocation", os.path.join(server.directory, f"hop_{hop}")).toTable(f"hop_{hop}"))
    for number in range(20):
        add(spark, "hop_0", number)
    deadline = time.monotonic() + 30
    while len(keys(spark, "hop_2")) < 11 and time.monotonic() < deadline:
        time.sleep(0.05)
    for query in hops:
        query.stop()
    assert keys(spark, "hop_2") == [-1] + list(range(1, 20, 2))


if __name__ == "__main__":
    harness.main(globals())
