"""transformWithState beyond what is compared with Spark case by case (test_stateful_python.py): crashes at every step, batch queries, workers that die or hang, state
that is too large to be shipped."""
import os
import sys
import threading
import time

import harness
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from test_testing_kit import CRASHES, events, run_with_crashes

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "python"))
from millstream.testing import MemoryStream, StreamTest  # noqa: E402

SAID = "k STRING, said STRING"


def remembering():
    """Keeps each second in a value, a list and a map, and lets a timer tell what there was."""
    from pyspark.sql import Row
    from pyspark.sql.streaming import StatefulProcessor

    class Remembering(StatefulProcessor):
        def init(self, handle):
            self.handle = handle
            self.count = handle.getValueState("count", "n INT")
            self.seconds = handle.getListState("seconds", "second INT")
            self.seen = handle.getMapState("seen", "second INT", "n INT")

        def handleInputRows(self, key, rows, timerValues):
            n = (self.count.get() or (0,))[0]
            for one in rows:
                n += 1
                self.seconds.appendValue((one.second,))
                self.seen.updateValue((one.second,), ((self.seen.getValue((one.second,)) or (0,))[0] + 1,))
                self.handle.registerTimer((one.second + 10) * 1000)
            self.count.update((n,))
            yield Row(k=key[0], said=f"{n} {[one[0] for one in self.seconds.get()]}")

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo):
            second = expiredTimerInfo.getExpiryTimeInMs() // 1000 - 10
            yield Row(k=key[0], said=f"over {second} {self.seen.getValue((second,))[0]}")
            self.seen.removeKey((second,))

        def close(self):
            pass
    return Remembering()


def remembered(spark):
    stream, frame = events(spark)
    kept = frame.groupBy("k").transformWithState(remembering(), SAID, "append", "EventTime")
    return stream, kept, "append", [
        ([("a", 1), ("b", 2), ("a", 3)], [("a", "2 [1, 3]"), ("b", "1 [2]")]),
        ([("a", 30), ("c", 31)], [("a", "3 [1, 3, 30]"), ("c", "1 [31]"), ("a", "over 1 1"), ("b", "over 2 1"), ("a", "over 3 1")]),
        ([("a", 90)], [("a", "4 [1, 3, 30, 90]"), ("a", "over 30 1"), ("c", "over 31 1")])]


def started_with(spark):
    from pyspark.sql import Row
    from pyspark.sql.streaming import StatefulProcessor

    class Started(StatefulProcessor):
        def init(self, handle):
            self.count = handle.getValueState("count", "n LONG")

        def handleInitialState(self, key, initialState, timerValues):
            self.count.update((initialState.first,))

        def handleInputRows(self, key, rows, timerValues):
            n = (self.count.get() or (0,))[0] + sum(1 for _ in rows)
            self.count.update((n,))
            yield Row(k=key[0], n=n)

        def close(self):
            pass

    stream = MemoryStream(spark, "k STRING")
    begin = spark.createDataFrame([("a", 10), ("z", 5)], "k STRING, first LONG").groupBy("k")
    counts = stream.df().groupBy("k").transformWithState(Started(), "k STRING, n LONG", "update", "None", initialState=begin)
    return stream, counts, "update", [(["a", "b", "a"], [("a", 12), ("b", 1)]), (["z"], [("z", 6)]), (["a", "b"], [("a", 13), ("b", 2)])]


def test_state_and_timers_come_through_a_crash_at_every_step(spark):
    for operator in (remembered, started_with):
        run_with_crashes(spark, operator, None, None)
        for at in CRASHES:
            for batch in (0, 1) if operator is started_with else (1,):
                run_with_crashes(spark, operator, at, batch)


def test_a_batch_query_keeps_nothing(spark):
    rows = spark.createDataFrame([("a", 1), ("b", 2), ("a", 3)], "k STRING, second INT")
    for _ in range(2):
        got = rows.groupBy("k").transformWithState(remembering(), SAID, "append", "ProcessingTime").collect()
        assert sorted(map(tuple, got)) == [("a", "2 [1, 3]"), ("a", "over 1 1"), ("a", "over 3 1"), ("b", "1 [2]"), ("b", "over 2 1")], got
    counted = rows.groupBy("k").transformWithState(remembering(), SAID, "append", "EventTime").groupBy("k").count().orderBy("k").collect()
    assert [tuple(row) for row in counted] == [("a", 1), ("b", 1)], counted


def processor(on_rows, init=lambda self, handle: None):
    from pyspark.sql.streaming import StatefulProcessor

    class Made(StatefulProcessor):
        def init(self, handle):
            init(self, handle)

        def handleInputRows(self, key, rows, timerValues):
            return on_rows(self, key, rows)

        def close(self):
            pass
    return Made()


def test_a_worker_that_dies_is_an_error_and_the_next_run_goes_on(spark):
    def dying(self, key, rows):
        import os
        os._exit(3)

    stream = MemoryStream(spark, "k STRING")
    with StreamTest(spark, stream.df().groupBy("k").transformWithState(processor(dying), "k STRING", "update", "None"), "update") as test:
        stream.add("a")
        test.expect_failure("Python worker exited unexpectedly (crashed): exit code 3")
    frame = spark.createDataFrame([("a",)], "k STRING").groupBy("k")
    harness.raises(PySparkException, lambda: frame.transformWithState(processor(dying), "k STRING", "update", "None").collect(), "exit code 3")


def test_a_worker_that_hangs_can_be_stopped(spark):
    def hanging(self, key, rows):
        import time
        time.sleep(600)

    stream = MemoryStream(spark, "k STRING")
    frame = stream.df().groupBy("k").transformWithState(processor(hanging), "k STRING", "update", "None")
    query = frame.writeStream.format("noop").outputMode("update").start()
    stream.add("a")
    time.sleep(1)
    stopping = threading.Thread(target=query.stop)
    begin = time.monotonic()
    stopping.start()
    stopping.join(20)
    assert not stopping.is_alive() and time.monotonic() - begin < 20 and not query.isActive


def test_a_large_map_is_not_shipped_for_one_entry(spark):
    def large(self, key, rows):
        from pyspark.sql import Row
        count = sum(one.n for one in rows)
        for n in range(count):
            self.map.updateValue((n,), (n * 2,))
        if count == 0:
            yield Row(k=key[0], v=self.map.getValue((77_777,))[0])

    def declare(self, handle):
        self.map = handle.getMapState("m", "n LONG", "v LONG")

    stream = MemoryStream(spark, "k STRING, n INT")
    with StreamTest(spark, stream.df().groupBy("k").transformWithState(processor(large, declare), "k STRING, v LONG", "update", "None"), "update") as test:
        stream.add(("a", 100_000))
        test.check_new()
        begin = time.perf_counter()
        for _ in range(5):
            stream.add(("a", 0))
            test.check_new(("a", 155_554))
        each = (time.perf_counter() - begin) / 5
        print(f"     a batch that reads one of 100,000 entries: {1000 * each:.0f} ms")
        assert each < 1, each


def test_what_is_wrong_with_a_plan_is_said(spark):
    rows = spark.createDataFrame([("a", 1)], "k STRING, v INT")
    keep = processor(lambda self, key, rows: [])
    harness.raises(PySparkException, lambda: rows.groupBy("nope").transformWithState(keep, "k STRING", "update", "None").schema, "UNRESOLVED_COLUMN")
    harness.raises(PySparkException, lambda: rows.groupBy("k").transformWithState(keep, "k STRING", "update", "None", eventTimeColumnName="k").schema,
                   "CANNOT_ASSIGN_EVENT_TIME_COLUMN_WITHOUT_WATERMARK")
    harness.raises(PySparkException, lambda: rows.groupBy("k").transformWithState(keep, "k STRING", "update", "sometimes").schema, "STATEFUL_PROCESSOR_UNKNOWN_TIME_MODE")
    harness.raises(PySparkException, lambda: rows.groupBy("k").transformWithState(keep, "k STRING", "update", "None", initialState=rows.groupBy("v")).schema,
                   "keys of the same types")
    assert rows.groupBy(F.upper("k").alias("u")).transformWithState(keep, "k STRING, n INT", "update", "None").columns == ["k", "n"]


if __name__ == "__main__":
    harness.main(globals(), "--testing")
