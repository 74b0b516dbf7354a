"""The main job: new files into a Delta table, exactly once."""
import json
import os
import shutil
import tempfile

import harness
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F


def write(directory, name, rows):
    os.makedirs(directory, exist_ok=True)
    temporary = os.path.join(directory, "." + name + ".tmp")
    with open(temporary, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")
    os.rename(temporary, os.path.join(directory, name))


def start(spark, base, table, **trigger):
    stream = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")
              .option("cloudFiles.schemaLocation", f"{base}/schema").load(f"{base}/landing")
              .writeStream.option("checkpointLocation", f"{base}/checkpoint").option("mergeSchema", "true"))
    if trigger:
        stream = stream.trigger(**trigger)
    return stream.toTable(table)


def in_scratch(function):
    base = tempfile.mkdtemp(prefix="millstream-job-")
    try:
        function(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def test_available_now_loads_each_file_once(spark):
    def job(base):
        write(f"{base}/landing", "1.json", [{"event": "click", "amount": 5}, {"event": "buy", "amount": 50}])
        for _ in range(2):
            query = start(spark, base, "bronze", availableNow=True)
            assert query.awaitTermination(60)
            assert query.exception() is None
            assert not query.isActive
        assert query.lastProgress is None or query.lastProgress["batchId"] >= 0
        assert spark.read.table("bronze").count() == 2
        write(f"{base}/landing", "2.json", [{"event": "buy", "amount": 7}])
        query = start(spark, base, "bronze", availableNow=True)
        assert query.awaitTermination(60)
        assert query.lastProgress["numInputRows"] == 1
        counts = spark.read.table("bronze").groupBy("event").count().orderBy("event").collect()
        assert [tuple(row) for row in counts] == [("buy", 2), ("click", 1)]
        assert spark.sql("SELECT count(*) FROM bronze WHERE amount > 10").first()[0] == 1
        spark.sql("DROP TABLE bronze")
    in_scratch(job)


def test_processing_time_and_stop(spark):
    def job(base):
        write(f"{base}/landing", "1.json", [{"event": "a", "amount": 1}])
        query = start(spark, base, "live", processingTime="100 milliseconds")
        query.processAllAvailable()
        assert query.isActive and query.id in [active.id for active in spark.streams.active]
        write(f"{base}/landing", "2.json", [{"event": "b", "amount": 2}])
        query.processAllAvailable()
        assert spark.table("live").count() == 2
        assert query.status["message"] and len(query.recentProgress) >= 1
        assert spark.streams.get(query.id).id == query.id
        assert query.awaitTermination(0.1) is False
        query.explain()
        query.stop()
        assert not query.isActive
        assert query.lastProgress is not None
        spark.sql("DROP TABLE live")
    in_scratch(job)


def test_two_queries_cannot_share_a_checkpoint(spark):
    def job(base):
        write(f"{base}/landing", "1.json", [{"event": "a", "amount": 1}])
        first = start(spark, base, "shared", processingTime="100 milliseconds")
        first.processAllAvailable()
        harness.raises(Exception, lambda: start(spark, base, "shared", processingTime="100 milliseconds"), "CONCURRENT_STREAM_LOG_UPDATE")
        assert first.isActive and first.exception() is None
        # Spark's own default, when it is asked for: the new run takes the place of the old one, whose handle goes on to work.
        spark.conf.set("spark.sql.streaming.stopActiveRunOnRestart", "true")
        second = start(spark, base, "shared", processingTime="100 milliseconds")
        assert second.id == first.id and second.runId != first.runId
        assert not first.isActive and second.isActive
        first.stop()
        assert second.isActive
        second.stop()
        assert spark.table("shared").count() == 1
        spark.sql("DROP TABLE shared")
    in_scratch(job)


def test_a_listener_hears_of_the_stream(spark):
    from pyspark.sql.streaming import StreamingQueryListener

    class Listener(StreamingQueryListener):
        heard = []

        def onQueryStarted(self, event):
            self.heard.append("started")

        def onQueryProgress(self, event):
            self.heard.append("progress")

        def onQueryIdle(self, event):
            pass

        def onQueryTerminated(self, event):
            self.heard.append("terminated")

    def job(base):
        listener = Listener()
        spark.streams.addListener(listener)
        write(f"{base}/landing", "1.json", [{"event": "a", "amount": 1}])
        query = start(spark, base, "heard", availableNow=True)
        query.awaitTermination(60)
        import time
        deadline = time.monotonic() + 10
        while "terminated" not in listener.heard and time.monotonic() < deadline:
            time.sleep(0.05)
        assert listener.heard[0] == "started" and "progress" in listener.heard and listener.heard[-1] == "terminated", listener.heard
        spark.streams.removeListener(listener)
        spark.sql("DROP TABLE heard")
    in_scratch(job)


def test_a_stream_is_not_run_as_a_batch(spark):
    def job(base):
        write(f"{base}/landing", "1.json", [{"event": "a"}])
        frame = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.schemaLocation", f"{base}/schema")
                 .load(f"{base}/landing"))
        assert frame.isStreaming
        harness.raises(AnalysisException, frame.collect, "writeStream.start()")
    in_scratch(job)


def test_a_missing_directory_is_named(spark):
    harness.raises(Exception, lambda: spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").load("/no/such/place").schema)


def test_a_misspelt_option_has_a_suggestion(spark):
    def job(base):
        write(f"{base}/landing", "1.json", [{"event": "a"}])
        reader = (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.maxFilesPerTriger", "1")
                  .option("cloudFiles.schemaLocation", f"{base}/schema"))
        harness.raises(Exception, lambda: reader.load(f"{base}/landing").schema, "maxFilesPerTrigger")
    in_scratch(job)


def test_awaiting_holds_up_no_other_call(spark):
    import threading

    def job(base):
        write(f"{base}/landing", "1.json", [{"event": "a", "amount": 1}])
        query = start(spark, base, "waited", processingTime="1 second")
        threads = [threading.Thread(target=query.awaitTermination, args=(3,)) for _ in range(30)]
        for thread in threads:
            thread.start()
        import time
        begin = time.monotonic()
        for _ in range(20):
            assert spark.range(3).count() == 3
        assert time.monotonic() - begin < 3
        for thread in threads:
            thread.join()
        query.stop()
        spark.sql("DROP TABLE IF EXISTS waited")
    in_scratch(job)


if __name__ == "__main__":
    harness.main(globals())
