#!/usr/bin/env python3
"""session_window: batch queries as PySpark 4.2 answers them (tests/spark/session_windows/record.py), and streams as the batch query over all of their rows."""
import json
import os
import random
import sys

os.environ["TZ"] = "UTC"
from harness import main  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

SPARK = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SPARK, "session_windows"))
import cases  # noqa: E402


def test_batch_queries_are_as_in_spark(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    with open(os.path.join(SPARK, "data", "session_windows.json"), encoding="utf-8") as file:
        expected = json.load(file)
    given = cases.answers(spark)
    assert set(given) == set(expected)
    differs = {name: (given[name], expected[name]) for name in given if given[name] != expected[name]}
    assert not differs, json.dumps(differs, indent=1)


def _sessions(frame):
    return (frame.groupBy("k", F.session_window("at", F.expr("concat(gap, ' seconds')")))
            .agg(F.count("*").alias("n"), F.sum("v").alias("s"), F.sort_array(F.collect_list("v")).alias("l")))


def test_a_stream_ends_with_the_sessions_of_all_rows(spark, server):
    """Random rows, out of order within the watermark; every tenth file is followed by a new start of the query."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    chance = random.Random(7)
    directory = os.path.join(server.directory, "sessions")
    os.makedirs(directory)
    schema = "k int, at timestamp, gap int, v int"
    number, checkpoints = 0, {mode: os.path.join(server.directory, "sessions_" + mode) for mode in ("append", "complete")}
    for file in range(30):
        with open(os.path.join(directory, f"{file:03}.json"), "w", encoding="utf-8") as out:
            for _ in range(chance.choice([1, 7, 200])):
                second = file * 60 + chance.randrange(-50, 60)
                row = {"k": chance.choice([None, 1, 2, 3, 4, 5]), "at": f"2024-01-01T{10 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z",
                       "gap": chance.choice([0, 1, 2, 5, 20]), "v": number}
                number += 1
                out.write(json.dumps(row) + "\n")
        if file % 10 == 9:
            for mode, checkpoint in checkpoints.items():
                rows = spark.readStream.schema(schema).option("maxFilesPerTrigger", 3).json(directory).withWatermark("at", "200 seconds")
                writer = _sessions(rows).writeStream.outputMode(mode).option("checkpointLocation", checkpoint).trigger(availableNow=True)
                if mode == "complete":
                    writer = writer.foreachBatch(lambda batch, _: batch.write.format("delta").mode("overwrite").saveAsTable("complete_sessions"))
                    query = writer.start()
                else:
                    query = writer.toTable("appended_sessions")
                query.awaitTermination()
    expected = sorted(map(str, _sessions(spark.read.schema(schema).json(directory)).collect()))
    assert sorted(map(str, spark.table("complete_sessions").collect())) == expected
    # The last of the append mode are still open.
    appended = sorted(map(str, spark.table("appended_sessions").collect()))
    assert len(appended) == len(set(appended)) > len(expected) // 2
    assert set(appended) <= set(expected)


if __name__ == "__main__":
    main(globals())
