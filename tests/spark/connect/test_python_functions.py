#!/usr/bin/env python3
"""udf, pandas_udf and spark.udf.register, as PySpark 4.2 answered (tests/spark/python_functions/record.py), and in streams."""
import json
import os
import signal
import sys
import time

import pyspark
from harness import main

SPARK = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SPARK, "python_functions"))
import cases  # noqa: E402

# By the rules of the client before 4.2, whose worker has others for Arrow.
NEW_IN_42 = pyspark.__version__.startswith("4.1")


def test_each_case_is_as_in_spark(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    with open(os.path.join(SPARK, "data", "python_functions.json"), encoding="utf-8") as file:
        expected = json.load(file)
    assert set(expected) == set(cases.CASES)
    differs = []
    for name in cases.CASES:
        if NEW_IN_42 and name.endswith(", arrow"):
            continue
        ours = cases.answer(spark, name)
        if ours != expected[name]:
            differs.append(f"{name}: {ours} instead of {expected[name]}")
    assert not differs, "\n".join(differs)


def test_a_stream_calls_functions_batch_after_batch(spark):
    from pyspark.sql import functions as F

    squares = F.udf(lambda value: value * value, "long")
    rows = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).load().select("value", squares("value").alias("square"))
    counted = rows.where(squares("value") % 2 == 0).groupBy((F.col("square") % 10).alias("digit")).count()
    query = counted.writeStream.format("memory").queryName("squares").outputMode("complete").start()
    deadline = time.monotonic() + 30
    while (query.lastProgress or {"batchId": 0})["batchId"] < 5:
        assert query.exception() is None and time.monotonic() < deadline, query.exception()
        time.sleep(0.02)
    query.stop()
    found = {row.digit: row["count"] for row in spark.table("squares").collect()}
    batches = query.lastProgress["batchId"] + 1
    assert found == {0: batches, 4: 2 * batches, 6: 2 * batches}, (found, batches)


def hosts_of(server):
    """The processes that the server forks its workers from."""
    mine, found = [], []
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        with open(f"/proc/{server.process.pid}/task/{task}/children", encoding="ascii") as children:
            mine += children.read().split()
    for pid in set(mine):
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            if b"millstream_host" in command.read():
                found.append(int(pid))
    return found


def test_workers_are_forked_from_a_host_that_may_die(server, spark):
    from pyspark.sql import functions as F

    def drawn(_):
        import random

        import numpy
        return f"{os.getpid()} {os.getppid()} {random.random()} {numpy.random.random()}"

    def call():
        return spark.range(1).select(F.udf(drawn, "string")("id")).first()[0].split()

    first, second = call(), call()
    assert first[1] == second[1], "two hosts"
    assert all(a != b for a, b in zip(first[::2] + first[3:], second[::2] + second[3:])), (first, second)
    (host,) = hosts_of(server)
    assert host == int(first[1])
    os.kill(host, signal.SIGKILL)
    assert call()[1] != first[1]
    assert len(hosts_of(server)) == 1


def test_an_exception_and_a_dead_worker_end_the_query(spark):
    import os as system

    from pyspark.errors import StreamingQueryException
    from pyspark.sql import functions as F

    for function, text in ((lambda value: 1 // (value - 3), "ZeroDivisionError"), (lambda value: system._exit(3), "Python worker exited unexpectedly")):
        rows = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).load().select(F.udf(function, "long")("value"))
        query = rows.writeStream.format("noop").start()
        try:
            query.awaitTermination(20)
            raise AssertionError("it goes on")
        except StreamingQueryException as error:
            assert text in str(error), error
        query.stop()


def test_a_query_that_hangs_in_python_is_interrupted(spark):
    from pyspark.sql import functions as F

    def sleep(value):
        import time

        time.sleep(600)
        return value

    query = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load().select(F.udf(sleep, "long")("value")).writeStream.format("noop").start()
    time.sleep(1)
    began = time.monotonic()
    query.stop()
    assert time.monotonic() - began < 5


if __name__ == "__main__":
    main(globals())
