#!/usr/bin/env python3
"""The sources for tests and for trying things out, rate-micro-batch and socket, through stock clients."""
import json
import os
import socket
import tempfile
import threading
import time

from harness import main, raises


def test_rate_micro_batch(spark):
    checkpoint = tempfile.mkdtemp()
    frame = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).option("startTimestamp", 5).load()
    assert frame.schema.simpleString() == "struct<timestamp:timestamp,value:bigint>"
    table = tempfile.mkdtemp() + "/t"
    for expected in (3, 6):
        query = frame.writeStream.format("delta").option("checkpointLocation", checkpoint).trigger(availableNow=True).start(table)
        query.awaitTermination()
        assert sorted(row.value for row in spark.read.format("delta").load(table).collect()) == list(range(expected))
    assert query.lastProgress["sources"][0]["description"] == "RatePerMicroBatchStream[rowsPerBatch=3, numPartitions=1, startTimestamp=5, advanceMsPerBatch=1000]"
    raises(Exception, lambda: spark.readStream.format("rate-micro-batch").load().isStreaming, "The option 'rowsPerBatch' must be positive")


def test_a_socket_is_read_line_by_line(spark):
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    go_on = threading.Event()

    def serve():
        connection, _ = server.accept()
        connection.sendall("one\r\ntwo\nthr".encode())
        go_on.wait(30)
        connection.sendall("ée\n\nlast".encode())
        connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    frame = spark.readStream.format("socket").option("host", "127.0.0.1").option("port", port).option("includeTimestamp", True).load()
    assert frame.schema.simpleString() == "struct<value:string,timestamp:timestamp>"
    query = frame.writeStream.format("memory").queryName("lines").start()

    def wait_for(count):
        deadline = time.monotonic() + 30
        while spark.table("lines").count() < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return [row.value for row in spark.table("lines").collect()]

    assert wait_for(2) == ["one", "two"]
    go_on.set()
    assert wait_for(5) == ["one", "two", "thrée", "", "last"]
    assert query.lastProgress["sources"][0]["description"] == f"TextSocketV2[host: 127.0.0.1, port: {port}]"
    query.stop()
    thread.join()


def test_memory_holds_the_last_result_in_complete_mode_and_every_one_in_update_mode(spark):
    source = tempfile.mkdtemp()
    shown = {}
    for mode in ("complete", "update"):
        frame = spark.readStream.schema("k STRING").option("maxFilesPerTrigger", 1).json(source).groupBy("k").count()
        shown[mode] = frame.writeStream.format("memory").queryName(f"counts_{mode}").outputMode(mode).start()
    for batch in (["a", "a", "b"], ["b", "c"]):
        with open(f"{source}/.new", "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"k": k}) + "\n" for k in batch)
        os.rename(f"{source}/.new", f"{source}/{len(os.listdir(source))}.json")
        for query in shown.values():
            query.processAllAvailable()
    rows = {mode: sorted((row["k"], row["count"]) for row in spark.table(f"counts_{mode}").collect()) for mode in shown}
    for query in shown.values():
        query.stop()
    assert rows == {"complete": [("a", 2), ("b", 2), ("c", 1)], "update": [("a", 2), ("b", 1), ("b", 2), ("c", 1)]}, rows


def test_a_socket_needs_a_host_and_a_port(spark):
    raises(Exception, lambda: spark.readStream.format("socket").load().isStreaming, "Set a host to read from")
    raises(Exception, lambda: spark.readStream.format("socket").option("host", "localhost").load().isStreaming, "Set a port to read from")
    raises(Exception, lambda: spark.readStream.format("socket").option("host", "localhost").option("port", 1).option("includeTimestamp", "x").load().isStreaming,
           "IncludeTimestamp must be set to either")
    query = spark.readStream.format("socket").option("host", "127.0.0.1").option("port", 1).load().writeStream.format("memory").queryName("none").start()
    raises(Exception, lambda: query.awaitTermination(30), "cannot connect to 127.0.0.1:1")


if __name__ == "__main__":
    main(globals())
