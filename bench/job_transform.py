"""transformWithState: job_transform.py make DIRECTORY, or job_transform.py ENGINE (transform_rows | transform_frames) DIRECTORY OUT.

Each file is a batch of ROWS / FILES rows of KEYS keys; a processor adds each group's rows to a count and a sum that it keeps, and gives both out. With
transform_frames it is given pandas' data frames. Prints one JSON object as job_state.py does: rows in, seconds, and what the table holds.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from job_ingest import session  # noqa: E402

FILES, ROWS, KEYS = 5, 500_000, 20_000
OUT = "key LONG, count LONG, total LONG"


def make(spark, directory):
    step = ROWS // FILES
    for file in range(FILES):
        rows = spark.range(file * step, (file + 1) * step, 1, 1).selectExpr(f"abs(xxhash64(id)) % {KEYS} key", "id % 1000 value")
        rows.write.mode("append").parquet(directory + "/events")


def summing(in_frames):
    from pyspark.sql import Row
    from pyspark.sql.streaming import StatefulProcessor

    class Summing(StatefulProcessor):
        def init(self, handle):
            self.sums = handle.getValueState("sums", "count LONG, total LONG")

        def handleInputRows(self, key, rows, timerValues):
            count, total = self.sums.get() or (0, 0)
            if in_frames:
                import pandas
                for frame in rows:
                    count, total = count + len(frame), total + int(frame.value.sum())
            else:
                for row in rows:
                    count, total = count + 1, total + row.value
            self.sums.update((count, total))
            yield pandas.DataFrame({"key": [key[0]], "count": [count], "total": [total]}) if in_frames else Row(key=key[0], count=count, total=total)

        def close(self):
            pass
    return Summing()


def main():
    engine, *rest = sys.argv[1:]
    spark = session("millstream" if engine == "make" else engine)
    if engine == "make":
        return make(spark, *rest)
    kind, directory, out = rest
    if engine == "spark":
        spark.conf.set("spark.sql.streaming.stateStore.providerClass", "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider")
    spark.sql("SELECT 1").collect()
    began = time.perf_counter()
    events = spark.readStream.format("parquet").schema("key LONG, value LONG").option("maxFilesPerTrigger", 1).load(directory + "/events")
    groups = events.groupBy("key")
    method = groups.transformWithStateInPandas if kind == "transform_frames" else groups.transformWithState
    frame = method(summing(kind == "transform_frames"), OUT, "append", "None")
    writer = frame.writeStream.format("delta").outputMode("append").option("checkpointLocation", out + "/checkpoint")
    query = writer.trigger(availableNow=True).start(out + "/table")
    query.awaitTermination()
    seconds = time.perf_counter() - began
    table = spark.read.format("delta").load(out + "/table")
    digest = table.selectExpr("count(*)", f"sum(xxhash64({', '.join(table.columns)}) % 1000000007)").collect()[0]
    batches = [{"batch": p["batchId"], "ms": p["durationMs"].get("triggerExecution", 0)} for p in query.recentProgress]
    print(json.dumps({"rows": ROWS, "seconds": seconds, "table": [int(value) for value in digest], "batches": batches}), flush=True)


if __name__ == "__main__":
    main()
