"""Tests of streams in a few lines, with a stock PySpark client and a millstream server that was started with --testing.

    with TestServer("build/release/millstream") as server, server.session() as spark:
        words = MemoryStream(spark, "word STRING")
        test = StreamTest(spark, words.df().groupBy("word").count(), "complete")
        words.add("a", "b", "a")
        test.check_answer(("a", 2), ("b", 1))
        test.crash(lambda: words.add("b"))            # the engine fails in the middle of that batch
        test.restart()
        test.check_answer(("a", 2), ("b", 2))

Who knows Spark's StreamTest: AddData is add, CheckAnswer check_answer, CheckNewAnswer check_new, AdvanceManualClock advance_clock, StopStream stop,
StartStream restart, ExpectFailure expect_failure. More in docs/testing.md.
"""
import datetime
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager

from pyspark.errors import StreamingQueryException
from pyspark.sql import Row, SparkSession

CLOCK = "millstream.testing.clock"
FAILPOINTS = "millstream.testing.failpoints"
UNITS = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class TestServer:
    """A server of its own for the tests: `with TestServer("millstream") as server:`. `program`: the binary; without it $MILLSTREAM, or `millstream` of the PATH."""
    __test__ = False

    def __init__(self, program=None):
        self.directory = tempfile.mkdtemp(prefix="millstream-testing-")
        program = program or os.environ.get("MILLSTREAM", "millstream")
        command = [os.path.abspath(program) if os.sep in program else program, "serve", "--testing", "--port", "0", "--ui-port", "0", "--log-level", "off",
                   "--warehouse", os.path.join(self.directory, "warehouse")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=self.directory)
        ready = self.process.stdout.readline().split()
        if len(ready) < 4:
            raise RuntimeError(f"{command[0]} has not started")
        self.remote = ready[3]

    @contextmanager
    def session(self):
        spark = SparkSession.builder.remote(self.remote).create()
        try:
            yield spark
        finally:
            spark.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(15)
        shutil.rmtree(self.directory, ignore_errors=True)


def milliseconds(duration):
    """10, timedelta(seconds=10), "10 seconds", "1 minute 30 seconds" """
    if isinstance(duration, datetime.timedelta):
        return round(duration.total_seconds() * 1000)
    if isinstance(duration, int):
        return duration
    parts = re.findall(r"(\d+)\s*([a-z]+?)s?\b", duration.lower())
    if not parts or any(unit not in UNITS for _, unit in parts):
        raise ValueError(f"{duration!r} is not a duration, such as '10 seconds'")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def hold_clock(spark, moment="2026-01-01 00:00:00"):
    """The server's clock stands at this moment (UTC) until a test moves it: triggers, current_timestamp() and timeouts go by it."""
    if isinstance(moment, str):
        moment = datetime.datetime.fromisoformat(moment)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    spark.conf.set(CLOCK, str(round(moment.timestamp() * 1000)))


def advance_clock(spark, duration):
    """Returns when all queries of this session have done what is due by then."""
    spark.conf.set(CLOCK, f"+{milliseconds(duration)}")


def release_clock(spark):
    spark.conf.set(CLOCK, "system")


class MemoryStream:
    """A stream that the test fills. What is added in one call is in one batch."""

    def __init__(self, spark, schema):
        self.spark, self.schema, self.name = spark, schema, "stream_" + uuid.uuid4().hex[:12]
        self.columns = None

    def df(self):
        """The stream, as spark.readStream gives one."""
        return self.spark.readStream.format("memory").schema(self.schema).load(self.name)

    def add(self, *rows):
        """Rows are tuples, dicts, Rows, or, of a stream of one column, its values."""
        rows = [row if isinstance(row, (tuple, list, dict)) else (row,) for row in rows]
        self.spark.createDataFrame(rows, self.schema).write.format("memory").mode("append").save(self.name)
        return self


class StreamTest:
    """A query over memory streams into a table in memory, and what came out of it."""
    __test__ = False

    def __init__(self, spark, frame, output_mode="append", trigger=None, start=True, **options):
        self.spark, self.frame, self.output_mode, self.trigger = spark, frame, output_mode, trigger
        self.name = "test_" + uuid.uuid4().hex[:12]
        # Where files cost no disk, a batch takes a few milliseconds.
        self.checkpoint = tempfile.mkdtemp(prefix="checkpoint-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.options = {"millstream.testing.keepsRows": "true", "checkpointLocation": self.checkpoint, **options}
        self.seen, self.query = 0, None
        spark.conf.set("spark.sql.streaming.pollingDelay", "1ms")
        if start:
            self.restart()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.checkpoint, ignore_errors=True)

    # ---- the query

    def restart(self, frame=None):
        """Starts it from its checkpoint; with another `frame`, as a changed program would."""
        self.frame = self.frame if frame is None else frame
        writer = self.frame.writeStream.format("memory").queryName(self.name).outputMode(self.output_mode).options(**self.options)
        if self.trigger is not None:
            writer = writer.trigger(**self.trigger)
        self.query = writer.start()
        return self

    def stop(self):
        if self.query is not None:
            self.query.stop()
        return self

    def crash(self, during=None, at="stream.after_sink", timeout=30):
        """The query ends at failpoint `at` (millstream serve --list-failpoints) in the batch that `during()` brings about; nothing after it is done,
        as if the process had been killed there. Failpoints belong to the whole server: nothing else may stream through them meanwhile."""
        if during is None:
            return self.stop()
        if self.trigger is None:
            self.process()
        self.spark.conf.set(FAILPOINTS, f"{at}=error:5")
        try:
            during()
            ended = self.query.awaitTermination(timeout)
        except StreamingQueryException as error:
            if "failpoint" not in str(error):
                raise
        else:
            raise AssertionError(f"the query {'ended and ' if ended else ''}has not come to {at}")
        finally:
            self.spark.conf.set(FAILPOINTS, "")
        return self

    def process(self):
        """Everything that has been added is in the answer when this returns."""
        self.query.processAllAvailable()
        return self

    def advance_clock(self, duration):
        """For a query with a trigger: what is due by then is done when this returns."""
        advance_clock(self.spark, duration)
        return self

    # ---- its answer

    def rows(self):
        if self.trigger is None:
            self.process()
        return [tuple(row) for row in self.spark.table(self.name).collect()]

    def check_answer(self, *wanted):
        """All rows that have come out, in any order; in complete mode the last answer."""
        rows = self.rows()
        self.seen = len(rows)
        self._compare(rows, wanted)
        return self

    def check_new(self, *wanted):
        """The rows that have come out since the last check, in any order."""
        rows = self.rows()
        new, self.seen = rows if self.output_mode == "complete" else rows[self.seen:], len(rows)
        self._compare(new, wanted)
        return self

    def expect_failure(self, *needles):
        """The query ends with an error that says this."""
        try:
            self.process()
        except StreamingQueryException as error:
            for needle in needles:
                assert needle in str(error), f"{needle!r} is not in {error}"
            return self
        raise AssertionError("the query has not failed")

    @property
    def progress(self):
        return self.query.lastProgress

    def watermark(self):
        return self.progress["eventTime"].get("watermark")

    @staticmethod
    def _compare(rows, wanted):
        wanted = [tuple(row) if isinstance(row, (tuple, list, Row)) else (row,) for row in wanted]
        missing, extra = list(wanted), []
        for row in rows:
            missing.remove(row) if row in missing else extra.append(row)
        assert not missing and not extra, f"\n  missing: {missing}\n  not expected: {extra}"
