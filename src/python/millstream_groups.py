"""applyInPandasWithState: a function that is called with each group's key, rows and state.

One message has many groups. Its tables: the rows, in the order of groups; where each group's rows are and whether it has a state; the keys; the states that there
are. The answer's: rows; for each group that is done what becomes of its state, whether it has a value, and when it times out; the values.
"""
import json

import pyarrow

from millstream_frames import Columns, FrameWriter, ValueWriter, rows_of

KEEP, PUT, REMOVE = 0, 1, 2
NO_TIMESTAMP = -1
ROWS_PER_ANSWER = 10000


class Chunk:
    def __init__(self, message, tables, settings):
        rows, groups, keys, states = tables
        zone = settings["time_zone"]
        self.batch_time, self.watermark = message["batch_time"], message["watermark"]
        self.timed_out, self.continues, self.more = message["timed_out"], message["continues"], message["more"]
        self.columns = Columns(rows, settings["column_names"], settings["columns"], zone)
        self.starts, self.rows, self.exists = (groups.column(place).to_pylist() for place in range(3))
        self.keys = Columns(keys, settings["keys"].names, settings["keys"], zone).tuples()
        found = iter(rows_of(states, settings["state"]))
        self.states = [next(found) if exists else None for exists in self.exists]


class GroupsRunner:
    def __init__(self, load_function, settings):
        from pyspark.sql.types import StructType

        self.function = load_function()[0]  # (function, return type)
        self.settings = dict(settings["more"])
        for name in ("columns", "keys", "output", "state"):
            self.settings[name] = StructType.fromJson(self.settings[name])
        output = self.settings["output"]
        for field, name in zip(output.fields, self.settings["output_names"]):
            field.name = name
        output.names = list(self.settings["output_names"])
        self.frames = FrameWriter(output, self.settings)
        self.values = ValueWriter(self.settings["state"])
        self._forget()

    def run(self, channel, kind, message):
        self.channel = channel
        self._take(message)
        while self.place < len(self.chunk.keys):
            self._call()
            while self._next_part():
                pass
            self.place += 1
        return self._answer(pending=False)

    def _forget(self):
        self.results, self.result_rows = [], 0
        self.actions, self.exists, self.timeouts, self.kept = [], [], [], []

    def _take(self, message):
        header, tables = self.channel.unpack(message)
        self.chunk = Chunk(header, tables, self.settings)
        self.place = 0

    def _frame(self):
        return self.chunk.columns.frame(self.chunk.starts[self.place], self.chunk.rows[self.place])

    def _next_part(self):
        """The next rows of a group that goes on in the next message."""
        if not self.chunk.more or self.place != len(self.chunk.keys) - 1:
            return False
        self.channel.send(b"O", self._answer(pending=False))
        self._take(self.channel.receive()[1])
        return True

    def _parts(self):
        yield self._frame()
        while self._next_part():
            yield self._frame()

    def _call(self):
        import pandas
        from pyspark.errors import PySparkTypeError
        from pyspark.sql.streaming.state import GroupState

        chunk, place = self.chunk, self.place
        state = GroupState(optionalValue=chunk.states[place], batchProcessingTimeMs=chunk.batch_time, eventTimeWatermarkMs=chunk.watermark,
                           timeoutConf=self.settings["timeout"], hasTimedOut=chunk.timed_out, watermarkPresent=self.settings["has_watermark"],
                           defined=chunk.exists[place], updated=False, removed=False, timeoutTimestamp=NO_TIMESTAMP, keyAsUnsafe=b"",
                           valueSchema=self.settings["state"])
        rows = [pandas.DataFrame(columns=chunk.columns.whole.columns)] if chunk.timed_out else self._parts()
        results = self.function(chunk.keys[place], rows, state)
        if isinstance(results, pandas.DataFrame):
            raise PySparkTypeError(errorClass="UDF_RETURN_TYPE", messageParameters={"expected": "iterable of pandas.DataFrame", "actual": type(results).__name__})
        try:
            results = iter(results)
        except TypeError:
            raise PySparkTypeError(errorClass="UDF_RETURN_TYPE", messageParameters={"expected": "iterable", "actual": type(results).__name__})
        for frame in results:
            self._keep(frame)
        self._note(state)

    def _keep(self, frame):
        import pandas
        from pyspark.errors import PySparkRuntimeError, PySparkTypeError

        if not isinstance(frame, pandas.DataFrame):
            raise PySparkTypeError(errorClass="UDF_RETURN_TYPE",
                                   messageParameters={"expected": "iterator of pandas.DataFrame", "actual": f"iterator of {type(frame).__name__}"})
        columns = len(self.settings["output"])
        if len(frame.columns) != columns and not (len(frame.columns) == 0 and frame.empty):
            raise PySparkRuntimeError(errorClass="RESULT_COLUMN_SCHEMA_MISMATCH", messageParameters={"expected": str(columns), "actual": str(len(frame.columns))})
        if len(frame) == 0:
            return
        self.results.append(frame)
        self.result_rows += len(frame)
        if self.result_rows >= ROWS_PER_ANSWER:
            self.channel.send(b"O", self._answer(pending=True))
            self.channel.receive()  # go on

    def _note(self, state):
        timeout = int(state._timeout_timestamp)
        if state._removed and timeout == NO_TIMESTAMP:
            action = REMOVE
        elif state._updated or state._removed or timeout != state.oldTimeoutTimestamp:
            action = PUT
        else:
            action = KEEP
        self.actions.append(action)
        self.exists.append(bool(state.exists))
        self.timeouts.append(timeout)
        if action == PUT and state.exists:
            self.kept.append(self.values.internal(state._value))

    def _answer(self, pending):
        done = pyarrow.RecordBatch.from_arrays([pyarrow.array(self.actions, pyarrow.int8()), pyarrow.array(self.exists, pyarrow.bool_()),
                                                pyarrow.array(self.timeouts, pyarrow.int64())], ["action", "exists", "timeout"])
        answer = self.channel.pack({"pending": pending}, [self.frames.batch(self.results), done, self.values.batch(self.kept)])
        self._forget()
        return answer
