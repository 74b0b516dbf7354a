"""foreachBatch and foreach: the user's Python, run by the server."""
import json
import os

import harness
from pyspark.errors import AnalysisException, StreamingQueryException



def landing(server, name, *files):
    directory = os.path.join(server.directory, name)
    os.makedirs(directory, exist_ok=True)
    for number, rows in enumerate(files):
        with open(os.path.join(directory, f"{number}.json"), "w") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
    return directory


def stream(spark, directory, files_per_trigger=1000):
    return (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")
            .option("cloudFiles.maxFilesPerTrigger", files_per_trigger).schema("k int, v string").load(directory))


def run(writer):
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination(60)
    return query


TWO = [{"k": 1, "v": "x"}, {"k": 2, "v": None}]


def test_foreach_batch_gets_each_batch_with_its_number(server, spark):
    directory = landing(server, "numbered", TWO[:1], TWO[1:])
    seen = os.path.join(server.directory, "seen")

    def note(frame, batch):
        with open(seen, "a") as out:
            out.write(f"{batch} {frame.columns} {[tuple(row) for row in frame.collect()]} {frame.count()}\n")

    query = run(stream(spark, directory, 1).writeStream.foreachBatch(note))
    assert open(seen).read().splitlines() == ["0 ['k', 'v'] [(1, 'x')] 1", "1 ['k', 'v'] [(2, None)] 1"]
    assert query.lastProgress["sink"]["description"] == "ForeachBatchSink"
    assert query.lastProgress["sink"]["numOutputRows"] == -1


def test_foreach_batch_writes_tables_and_views_of_the_same_session(server, spark):
    directory = landing(server, "tables", TWO)

    def write(frame, batch):
        frame.write.mode("append").saveAsTable("from_batches")
        frame.createOrReplaceTempView("seen")
        frame.sparkSession.sql("SELECT count(*) AS c FROM seen").createOrReplaceTempView("counted")
        frame.sparkSession.sql("INSERT INTO from_batches SELECT k + 10, v FROM seen")

    run(stream(spark, directory).writeStream.foreachBatch(write))
    assert sorted(row.k for row in spark.table("from_batches").collect()) == [1, 2, 11, 12]
    assert spark.table("counted").collect()[0].c == 2
    spark.sql("DROP TABLE from_batches")


def test_writes_of_a_batch_that_runs_again_are_made_once(server, spark):
    directory = landing(server, "again", TWO)
    checkpoint, failed = os.path.join(server.directory, "again_checkpoint"), os.path.join(server.directory, "again_failed")

    def write(frame, batch):
        frame.write.mode("append").saveAsTable("once_a")
        if not os.path.exists(failed):
            open(failed, "w").close()
            raise RuntimeError("between two writes")
        frame.write.mode("append").saveAsTable("once_b")
        frame.write.mode("append").saveAsTable("once_b")  # a second write of the same batch is a write of its own

    writer = stream(spark, directory).writeStream.option("checkpointLocation", checkpoint).foreachBatch(write)
    harness.raises(StreamingQueryException, lambda: run(writer), "between two writes")
    assert spark.table("once_a").count() == 2
    run(writer)
    assert spark.table("once_a").count() == 2 and spark.table("once_b").count() == 4
    for table in ("once_a", "once_b"):
        spark.sql(f"DROP TABLE {table}")


def test_an_exception_in_foreach_batch_ends_the_query(server, spark):
    directory = landing(server, "raises", TWO)

    def divide(frame, batch):
        return 1 / 0

    error = harness.raises(StreamingQueryException, lambda: run(stream(spark, directory).writeStream.foreachBatch(divide)),
                           "[STREAM_FAILED]", "[PYTHON_EXCEPTION]", "Found error inside foreachBatch Python process", "ZeroDivisionError")
    assert error.getErrorClass() == "STREAM_FAILED"


def test_a_worker_that_dies_ends_the_query(server, spark):
    directory = landing(server, "dies", TWO)

    def die(frame, batch):
        os._exit(7)

    harness.raises(StreamingQueryException, lambda: run(stream(spark, directory).writeStream.foreachBatch(die)),
                   "Python worker exited unexpectedly", "exit code 7")


def test_stop_ends_a_function_that_runs_on(server, spark):
    directory = landing(server, "endless", TWO)
    began = os.path.join(server.directory, "endless_began")

    def endless(frame, batch):
        import time
        open(began, "w").close()
        time.sleep(300)

    import time
    query = stream(spark, directory).writeStream.foreachBatch(endless).start()
    for _ in range(200):
        if os.path.exists(began):
            break
        time.sleep(0.05)
    begin = time.monotonic()
    query.stop()
    assert time.monotonic() - begin < 10 and not query.isActive


def test_foreach_calls_a_function_with_each_row(server, spark):
    directory = landing(server, "rows", TWO)
    seen = os.path.join(server.directory, "rows_seen")

    def note(row):
        with open(seen, "a") as out:
            out.write(f"{row!r}\n")

    query = run(stream(spark, directory).writeStream.foreach(note))
    assert open(seen).read().splitlines() == ["Row(k=1, v='x')", "Row(k=2, v=None)"]
    assert query.lastProgress["sink"]["numOutputRows"] == 2


def test_foreach_opens_and_closes_a_writer(server, spark):
    directory = landing(server, "writer", TWO)
    seen = os.path.join(server.directory, "writer_seen")

    class Writer:
        def note(self, text):
            with open(seen, "a") as out:
                out.write(text + "\n")

        def open(self, partition, epoch):
            self.note(f"open {partition} {epoch}")
            return True

        def process(self, row):
            self.note(f"row {row.k}")

        def close(self, error):
            self.note(f"close {error}")

    run(stream(spark, directory).writeStream.foreach(Writer()))
    assert open(seen).read().splitlines() == ["open 0 0", "row 1", "row 2", "close None"]


def test_an_exception_in_foreach_ends_the_query(server, spark):
    directory = landing(server, "rows_raise", TWO)

    def fail(row):
        raise ValueError("this should fail")

    harness.raises(StreamingQueryException, lambda: run(stream(spark, directory).writeStream.foreach(fail)),
                   "[PYTHON_EXCEPTION] An exception was thrown from the Python worker", "ValueError: this should fail")


def test_foreach_batch_has_no_partitions(server, spark):
    directory = landing(server, "partitions", TWO)
    harness.raises(AnalysisException, lambda: run(stream(spark, directory).writeStream.partitionBy("k").foreachBatch(lambda frame, batch: None)),
                   "'foreachBatch' does not support partitioning.")


if __name__ == "__main__":
    harness.main(globals())
