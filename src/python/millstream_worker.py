"""Runs a stream's Python functions for millstream: foreachBatch and foreach.

Started by the server with the user's Python, talking over file descriptor 3 in frames: u32 length (big-endian), one byte of kind, payload.
  server → worker   S  JSON settings   F  pickled function   B  JSON: a batch to run   P  JSON: rows follow   A  Arrow IPC stream   E  end of the rows   X  there will be no more rows
  worker → server   O  JSON: done      X  JSON: the exception
Works with every PySpark from 4.0: it uses the client's own pickle and session, and none of Spark's worker protocol, which changes with each minor version.
"""
import json
import os
import socket
import struct
import sys
import traceback


class ServerGone(Exception):
    pass


class Channel:
    def __init__(self):
        self.socket = socket.socket(fileno=3)

    def receive(self):
        size, kind = struct.unpack(">Ic", self._exactly(5))
        return kind, self._exactly(size)

    def send(self, kind, message):
        payload = json.dumps(message).encode()
        self.socket.sendall(struct.pack(">Ic", len(payload), kind) + payload)

    def _exactly(self, size):
        parts = []
        while size > 0:
            part = self.socket.recv(min(size, 1 << 20))
            if not part:
                raise ServerGone()
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class BatchRunner:
    """foreachBatch: the function gets the batch as a DataFrame of the user's own session."""

    def __init__(self, function, settings):
        from pyspark.sql.connect.session import SparkSession

        self.function = function
        self.session = SparkSession.builder.remote(settings["url"]).getOrCreate()

    def run(self, channel, kind, message):
        batch = json.loads(message)
        frame = self.session._create_remote_dataframe(batch["relation"])
        self.function(frame, batch["batch_id"])


class RowRunner:
    """foreach: the function gets an iterator over the rows of one partition."""

    def __init__(self, function, settings):
        # (function, deserializer, …), as DataStreamWriter.foreach pickles it
        self.function = function[0]

    def run(self, channel, kind, message):
        from pyspark.sql.types import StructType
        from pyspark.taskcontext import TaskContext

        header = json.loads(message)
        schema = StructType.fromJson(header["schema"])
        context = TaskContext._getOrCreate()
        context._partitionId = header["partition"]
        context._localProperties = {"streaming.sql.batchId": str(header["batch_id"])}
        rows = self._rows(channel, schema)
        try:
            for _ in self.function(header["partition"], rows):
                pass
        finally:
            for _ in rows:  # what the function did not want, so that the next frame is a new batch
                pass

    def _rows(self, channel, schema):
        import pyarrow
        try:
            from pyspark.sql.conversion import ArrowTableToRowsConversion
        except ImportError:
            from pyspark.sql.connect.conversion import ArrowTableToRowsConversion
        while True:
            kind, message = channel.receive()
            if kind == b"E":
                return
            if kind == b"X":
                raise RuntimeError("the stream has failed before the last row of the batch")
            with pyarrow.ipc.open_stream(message) as stream:
                yield from ArrowTableToRowsConversion.convert(stream.read_all(), schema)


RUNNERS = {"foreachBatch": BatchRunner, "foreach": RowRunner}


def describe(error):
    return {"type": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}


def start(channel):
    _, message = channel.receive()
    settings = json.loads(message)
    _, pickled = channel.receive()
    version = "%d.%d" % sys.version_info[:2]
    if version != settings["python_version"]:
        channel.send(b"X", {"type": "PythonVersionMismatch", "message": version, "traceback": ""})
        return None
    try:
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
        from pyspark.serializers import CPickleSerializer
        runner = RUNNERS[settings["mode"]](CPickleSerializer().loads(pickled), settings)
    except Exception as error:
        channel.send(b"X", describe(error))
        return None
    channel.send(b"O", {})
    return runner


def main():
    channel = Channel()
    try:
        runner = start(channel)
        while runner is not None:
            kind, message = channel.receive()
            try:
                runner.run(channel, kind, message)
            except ServerGone:
                raise
            except Exception as error:
                channel.send(b"X", describe(error))
            else:
                channel.send(b"O", {})
    except (ServerGone, BrokenPipeError, ConnectionResetError):
        pass
    # Exit hooks of the client would look for a server that may be gone.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


main()
