#!/usr/bin/env python3
"""trigger(continuous=…) and trigger(realTime=…), compared with what PySpark 4.2 said (tests/spark/triggers/record.py)."""
import inspect
import json
import os
import sys
import time

from harness import main
from pyspark.sql.connect.streaming.readwriter import DataStreamWriter

SPARK = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SPARK, "triggers"))
import cases  # noqa: E402


def test_each_case_is_as_in_spark(spark):
    with open(os.path.join(SPARK, "data", "triggers.json"), encoding="utf-8") as file:
        expected = json.load(file)
    assert set(expected) == {cases.name_of(case) for case in cases.CASES}
    differs = {}
    for case in cases.CASES:
        if "realTime" in case[3] and "realTime" not in inspect.signature(DataStreamWriter.trigger).parameters:
            continue  # the clients before 4.2
        answer = cases.answer(spark, case)
        if answer != expected[cases.name_of(case)]:
            differs[cases.name_of(case)] = (answer, expected[cases.name_of(case)])
    assert not differs, json.dumps(differs, indent=1)


def test_a_continuous_query_gives_every_row_once(spark):
    frame = spark.readStream.format("rate").option("rowsPerSecond", 100).load().select("value")
    query = frame.writeStream.format("memory").queryName("continuous").trigger(continuous="1 second").start()
    deadline = time.monotonic() + 20
    while spark.table("continuous").count() < 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    query.stop()
    values = sorted(row.value for row in spark.table("continuous").collect())
    assert values == list(range(len(values))) and len(values) >= 200


if __name__ == "__main__":
    main(globals())
