"""Runs a stream's Python functions for millstream: foreachBatch, foreach and those over groups.

Forked by millstream_host in the user's Python, talking over file descriptor 3 in frames: u32 length (big-endian), one byte of kind, payload.
  server → worker   S  JSON settings   F  pickled function   B  JSON: a batch to run   P  JSON: rows follow   A  Arrow IPC stream   E  end of the rows   X  there will be no more rows
                    C  a message of a talk
  worker → server   O  done: nothing, or a message      X  JSON: the exception
A message is u32 length, JSON, and for each of its tables u64 length, Arrow IPC stream.
Works with every PySpark from 4.0: it uses the client's own pickle and session, and none of Spark's worker protocol, which changes with each minor version.
"""
import json
import os
import select
import socket
import struct
import sys
import threading
import time
import traceback


class ServerGone(Exception):
    pass


class Channel:
    def __init__(self):
        self.socket = socket.socket(fileno=3)

    def receive(self):
        size, kind = struct.unpack(">Ic", self._exactly(5))
        return kind, self._exactly(size)

    def send(self, kind, payload=b""):
        self.socket.sendall(struct.pack(">Ic", len(payload), kind) + payload)

    def send_error(self, error):
        self.send(b"X", json.dumps(error).encode())

    @staticmethod
    def pack(header, batches):
        import pyarrow

        header = json.dumps(header).encode()
        parts = [struct.pack(">I", len(header)), header]
        for batch in batches:
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            table = sink.getvalue().to_pybytes()
            parts += [struct.pack(">Q", len(table)), table]
        return b"".join(parts)

    @staticmethod
    def unpack(message):
        import pyarrow

        (size,), at = struct.unpack_from(">I", message), 4
        header, at = json.loads(message[at:at + size]), at + size
        batches, whole = [], pyarrow.py_buffer(message)
        while at < len(message):
            (size,), at = struct.unpack_from(">Q", message, at), at + 8
            with pyarrow.ipc.open_stream(whole.slice(at, size)) as stream:
                batches.append(stream.read_next_batch())
            at += size
        return header, batches

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

    def __init__(self, load_function, settings):
        from pyspark.sql.connect.session import SparkSession

        # Before the function is loaded: a function that refers to its session, as methods of an object that holds one do, finds it by its id.
        self.session = SparkSession.builder.remote(settings["url"]).getOrCreate()
        self.function = load_function()

    def run(self, channel, kind, message):
        batch = json.loads(message)
        frame = self.session._create_remote_dataframe(batch["relation"])
        self.function(frame, batch["batch_id"])


class RowRunner:
    """foreach: the function gets an iterator over the rows of one partition."""

    def __init__(self, load_function, settings):
        # (function, deserializer, …), as DataStreamWriter.foreach pickles it
        self.function = load_function()[0]

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


def runner_of(mode):
    if mode == "groupsWithState":
        from millstream_groups import GroupsRunner
        return GroupsRunner
    if mode == "functions":
        from millstream_functions import FunctionRunner
        return FunctionRunner
    if mode == "transform":
        from millstream_transform import TransformRunner
        return TransformRunner
    return {"foreachBatch": BatchRunner, "foreach": RowRunner}[mode]


def describe(error):
    return {"type": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}


def start(channel):
    _, message = channel.receive()
    settings = json.loads(message)
    _, pickled = channel.receive()
    version = "%d.%d" % sys.version_info[:2]
    if version != settings["python_version"]:
        channel.send_error({"type": "PythonVersionMismatch", "message": version, "traceback": ""})
        return None
    try:
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
        from pyspark.serializers import CPickleSerializer
        runner = runner_of(settings["mode"])(lambda: CPickleSerializer().loads(pickled), settings)
    except Exception as error:
        channel.send_error(describe(error))
        return None
    channel.send(b"O")
    return runner


def leave_with_the_server():
    """The function may be in the middle of a call, which the client would repeat for ten minutes after a server that has died."""
    poll = select.poll()
    poll.register(3, select.POLLRDHUP)
    poll.poll()
    time.sleep(1)  # for a function that is done
    os._exit(1)


def main():
    channel = Channel()
    threading.Thread(target=leave_with_the_server, daemon=True).start()
    try:
        runner = start(channel)
        while runner is not None:
            kind, message = channel.receive()
            try:
                answer = runner.run(channel, kind, message)
            except ServerGone:
                raise
            except BaseException as error:  # sys.exit() too is told with where it stands
                channel.send_error(describe(error))
            else:
                channel.send(b"O", answer or b"")
    except (ServerGone, BrokenPipeError, ConnectionResetError):
        pass
    # Exit hooks of the client would look for a server that may be gone.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
