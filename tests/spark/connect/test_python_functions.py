#!/usr/bin/env python3
"""udf, pandas_udf and spark.udf.register, as PySpark 4.2 answered (tests/spark/python_functions/record.py), and in streams."""
import json
import os
import signal
import sys
import time

import pyspark
from harness import Server, main, raises

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


def test_a_function_that_exits_is_named(spark):
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as F

    raises(PySparkException, lambda: spark.range(1).select(F.udf(lambda _: sys.exit("enough"), "long")("id")).collect(), "SystemExit: enough")
    assert spark.range(3).select(F.udf(lambda value: value, "long")("id")).count() == 3


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


def leave_a_child_and(end):
    """A function whose worker forks a process that ignores signals and keeps the worker's files open."""
    def function(value):
        import signal
        import time

        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(300)
            os._exit(0)
        return end(value)
    return function


def processes_of(host):
    """What has been forked from `host`, and what from that, by the program's text and the mark of this test."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as command, open(f"/proc/{pid}/environ", "rb") as environment, open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                if b"millstream_host" in command.read() and int(pid) != host and f"MILLSTREAM_TEST={os.getpid()}".encode() in environment.read() and ") Z" not in stat.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def left_of(host, seconds):
    deadline = time.monotonic() + seconds
    while processes_of(host) and time.monotonic() < deadline:
        time.sleep(0.1)
    return processes_of(host)


# The last one: functions ask the session that was made last, and its server is killed here.
def test_what_a_function_forks_ends_with_its_worker():
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as F

    os.environ["MILLSTREAM_TEST"] = str(os.getpid())
    own = Server()
    try:
        spark = own.session()
        assert spark.range(2).select(F.udf(leave_a_child_and(lambda value: value), "long")("id")).count() == 2
        (host,) = hosts_of(own)
        assert left_of(host, 10) == []
        began = time.monotonic()
        raises(PySparkException, lambda: spark.range(1).select(F.udf(leave_a_child_and(lambda _: os._exit(3)), "long")("id")).collect(), "exit code 3")
        assert time.monotonic() - began < 20 and left_of(host, 10) == []
        # A server that is killed: its workers may not stay, whatever they do.
        query = (spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
                 .select(F.udf(leave_a_child_and(lambda _: time.sleep(300)), "long")("value")).writeStream.format("noop").start())
        deadline = time.monotonic() + 20
        while len(processes_of(host)) < 2:
            assert time.monotonic() < deadline and query.exception() is None, processes_of(host)
            time.sleep(0.1)
        own.process.kill()
        own.process.wait()
        assert left_of(0, 15) == []
    finally:
        del os.environ["MILLSTREAM_TEST"]
        own.close()


if __name__ == "__main__":
    main(globals())
