"""transformWithState: an object that is called with each group's key and rows, and keeps variables and timers for each group.

A message says what to do:
  declare   which variables there are: init() of an object that is then thrown away (Spark does that on its driver)
  initial   groups of the initial state; rows: groups of the batch; timers: those that have come; each with what is kept of the groups, as far as it was shipped
  end       the batch has no more
Tables: the rows in the order of groups, or the timers; where each group's rows are; the keys; then how many entries of each shipped variable a group has, and these.
The answer's: rows; then the notes of each variable that has changed (millstream_variables.py), then those of timers. An answer with "ask" is a question, and the next
message answers it. Each batch has an object of its own, as in Spark.
"""
import itertools
import json

import pyarrow

from pyspark.sql import types as spark_types

from millstream_frames import FrameWriter, rows_of, series_of
from millstream_variables import CELLS, MAP, Handle, RowWriter, Timers, Variable, comparable

ROWS_PER_ANSWER = 10000
FRAME_ROWS = 10000
LAST_GROUP = 1 << 62
COUNTS = ("updated", "removed", "numRegisteredTimers", "numDeletedTimers")


def frame_of(batch, names, schema, zone):
    """As PySpark's worker makes it: of the rows as tuples, so that pandas decides the types anew and names that are none are replaced."""
    import pandas

    if batch.num_rows == 0 or batch.num_columns == 0:
        return pandas.DataFrame(index=range(batch.num_rows)), []
    series = [series_of(batch.column(place), names[place], field.dataType, zone) for place, field in enumerate(schema)]
    rows = list(pandas.concat(series, axis=1).itertuples(index=False))
    return pandas.DataFrame(rows), rows


def null_counts(columns):
    """Of the rows before each row."""
    import numpy

    if not columns:
        return None
    return numpy.concatenate([[0], numpy.cumsum(sum(column.is_null().to_numpy(zero_copy_only=False).astype(int) for column in columns))])


class Frames:
    """The rows of a message as data frames, group by group."""

    def __init__(self, batch, names, schema, zone):
        self.whole, self.rows = frame_of(batch, names, schema, zone)
        # What pandas makes of a column with nulls, numbers aside, depends on the other values of the group.
        changing = [place for place, field in enumerate(schema) if not isinstance(field.dataType, spark_types.NumericType) and batch.column(place).null_count > 0]
        self.nulls_before = null_counts([batch.column(place) for place in changing])
        self.mixed = [place for place in changing if isinstance(schema[place].dataType, spark_types.BooleanType)]

    def of(self, start, rows):
        if self.nulls_before is not None and self.nulls_before[start + rows] > self.nulls_before[start]:
            return type(self.whole)(self.rows[start:start + rows])
        frame = self.whole.iloc[start:start + rows].reset_index(drop=True)
        for place in self.mixed:
            frame.isetitem(place, frame.iloc[:, place].infer_objects())
        return frame


class Rows:
    """The rows of a message as pyspark.sql.Row, group by group."""

    def __init__(self, batch, names, schema, zone):
        self.row = spark_types.Row(*names)
        self.rows = list(zip(*[column.to_pylist() for column in batch.columns])) if batch.num_columns else [()] * batch.num_rows

    def of(self, start, rows):
        return [self.row(*values) for values in self.rows[start:start + rows]]


class Held:
    """What was shipped of a variable: how many entries each group has (-1: unknown), and these."""

    def __init__(self, variable, counts, tables):
        self.variable, self.counts, self.tables = variable, counts, tables
        self.ends = list(itertools.accumulate(max(count, 0) for count in counts))
        self.decoded = None

    def of(self, group):
        """nullopt, or the entries: values, or pairs of a map."""
        count = self.counts[group]
        if count < 0:
            return None
        if self.decoded is None:
            decoded = [columns.rows(table) for columns, table in zip((self.variable.columns, self.variable.values), self.tables)]
            self.decoded = list(zip(*decoded)) if self.variable.kind == MAP else decoded[0]
        return self.decoded[self.ends[group] - count:self.ends[group]]


class FramesOut:
    """Data frames of the user as record batches."""

    def __init__(self, schema, settings):
        self.writer, self.names = FrameWriter(schema, {**settings, "assign_by_name": False}), schema.names
        self.by_name = settings["assign_by_name"]
        self.forget()

    def forget(self):
        self.parts, self.rows = [], 0

    def add(self, frame):
        import pandas
        from pyspark.errors import PySparkTypeError

        if not isinstance(frame, pandas.DataFrame):
            raise PySparkTypeError(f"Invalid return type. Please make sure that the UDF returns a pandas.DataFrame when the specified return type is StructType: "
                                   f"{type(frame).__name__}")
        if len(frame) == 0:
            return
        given = list(frame.columns)
        # Picking columns costs more than all the rest.
        if self.by_name and any(isinstance(name, str) for name in given):
            frame = frame if given == self.names else frame[self.names]
        elif len(given) != len(self.names):
            frame = frame.iloc[:, list(range(len(self.names)))]
        kinds = (given, list(frame.dtypes))
        # Frames of the same types are made rows together.
        if not self.parts or self.parts[-1][0] != kinds:
            self.parts.append((kinds, []))
        self.parts[-1][1].append(frame)
        self.rows += len(frame)

    def batch(self):
        batches = [self.writer.batch(frames) for _, frames in self.parts]
        self.forget()
        if not batches:
            return self.writer.empty()
        return batches[0] if len(batches) == 1 else pyarrow.Table.from_batches(batches).combine_chunks().to_batches()[0]


class TransformRunner:
    def __init__(self, load_function, settings):
        self.load_function = load_function
        self.settings = dict(settings["more"])
        for name in ("columns", "keys", "output", "initial"):
            self.settings[name] = spark_types.StructType.fromJson(self.settings[name])
        output = self.settings["output"]
        for field, name in zip(output.fields, self.settings["output_names"]):
            field.name = name
        output.names = list(self.settings["output_names"])
        keys = self.settings["keys"]
        for field, name in zip(keys.fields, self.settings["key_names"]):
            field.name = name
        keys.names = list(self.settings["key_names"])
        self.time_mode, self.in_pandas = self.settings["time_mode"], self.settings["in_pandas"]
        self.results = FramesOut(output, self.settings) if self.in_pandas else RowWriter(output)
        self.schemas, self.declared = {}, {}
        self.batch = self.processor = self.handle = self.group = None
        self.variables, self.cells, self.read = [], {}, set()
        self.counts = {}
        self.timers = Timers(self)

    # ---- the talk

    def run(self, channel, kind, message):
        self.channel = channel
        self._take(message)
        self._count_anew()
        return getattr(self, "_" + self.header["do"])() or self._answer()

    def _take(self, message):
        self.header, self.tables = self.channel.unpack(message)
        if self.header["do"] == "declare" or self.header["do"] == "end":
            return
        if self.batch != self.header["batch"]:
            self._begin()
        self.groups = [self.tables[1].column(place).to_pylist() for place in range(self.tables[1].num_columns)]
        self.held, at = {}, 4
        counts = self.tables[3]
        for place, index in enumerate(self.header["held"]):
            variable = self.variables[index]
            size = 2 if variable.kind == MAP else 1
            self.held[index] = Held(variable, counts.column(place).to_pylist(), self.tables[at:at + size])
            at += size

    def _begin(self):
        self.batch = self.header["batch"]
        self._forget()
        self.processor = self._load()
        self.handle = Handle(self, "CREATED")
        self.variables = []
        self.processor.init(self.handle)
        self.handle.state = "INITIALIZED"
        self.variables = sorted(self.handle.variables.values(), key=lambda variable: variable.index)

    def _load(self):
        return self.load_function()[0].__self__._stateful_processor  # (function, return type)

    def _forget(self):
        self.group = None
        self.cells = {}
        self.timers.forget()
        self.results.forget()
        for variable in self.variables:
            variable.forget()

    def _count_anew(self):
        self.counts = dict.fromkeys(COUNTS, 0)

    def _answer(self, before=LAST_GROUP, pending=False, **more):
        """`before`: the groups that are done with."""
        written, tables = [], [self.results.batch()]
        if not pending:
            for at, cell in list(self.cells.items()):
                if cell.group < before:
                    cell.flush()
                    del self.cells[at]
            for variable in self.variables:
                notes = variable.take(before)
                if notes:
                    written.append(variable.index)
                    tables += notes
        timers = None if pending else self.timers.take(before)
        header = {"pending": pending, "written": written, "timers": timers is not None, "read": sorted(self.read), "counts": self.counts, **more}
        self.read = set()
        self._count_anew()
        return self.channel.pack(header, tables + (timers or []))

    def ask(self, question, tables=(), **more):
        self.channel.send(b"O", self.channel.pack({"ask": question, **more}, list(tables)))
        return self.channel.unpack(self.channel.receive()[1])

    # ---- what there is to do

    def _declare(self):
        processor = self._load()
        handle = Handle(self, "PRE_INIT")
        processor.init(handle)
        processor.close()
        variables = [{"name": one.name, "kind": one.kind, "schema": one.columns.schema.json(), "values": one.values.schema.json(), "ttl": one.ttl}
                     for one in handle.variables.values()]
        return self.channel.pack({"variables": variables, "deleted": handle.deleted}, [])

    def _end(self):
        if self.processor is not None:
            self.handle.state = "TIMER_PROCESSED"
            self.group = None
            self.processor.close()
        self.batch = self.processor = None

    def _initial(self):
        names, schema = self.settings["initial_names"], self.settings["initial"]
        rows = (Frames if self.in_pandas else Rows)(self.tables[0], names, schema, self.settings["time_zone"])
        values = self._timer_values()
        keys = self._keys()
        for self.group, (start, count) in enumerate(zip(*self.groups)):
            part = rows.of(start, count)
            for one in [part] if self.in_pandas else part:
                self.processor.handleInitialState(keys[self.group], one, values)

    def _rows(self):
        self._read_rows()
        self.group = 0
        while self.group < len(self.keys):
            self._emit(self.processor.handleInputRows(self.keys[self.group], self._given(), self._timer_values()))
            while self._next_part():
                pass
            self.group += 1

    def _timers(self):
        from pyspark.sql.streaming.stateful_processor import ExpiredTimerInfo

        self.handle.state = "DATA_PROCESSED"
        keys = rows_of(self.tables[2], self.settings["keys"])
        for self.group, moment in zip(*self.groups):
            self._emit(self.processor.handleExpiredTimer(keys[self.group], self._timer_values(), ExpiredTimerInfo(moment)))
            self.timers.delete(moment)

    # ---- rows

    def _read_rows(self):
        self.frames = (Frames if self.in_pandas else Rows)(self.tables[0], self.settings["column_names"], self.settings["columns"], self.settings["time_zone"])
        self.keys = self._keys()

    def _keys(self):
        table, schema = self.tables[2], self.settings["keys"]
        if self.in_pandas:
            return [tuple(row) for row in frame_of(table, schema.names, schema, self.settings["time_zone"])[1]] if table.num_columns else [()] * table.num_rows
        return list(zip(*[column.to_pylist() for column in table.columns])) if table.num_columns else [()] * table.num_rows

    def _part(self):
        return self.frames.of(self.groups[0][self.group], self.groups[1][self.group])

    def _given(self):
        if self.in_pandas:
            yield self._part()
        else:
            yield from self._part()
        while self._next_part():
            if self.in_pandas:
                yield self._part()
            else:
                yield from self._part()

    def _next_part(self):
        """The next rows of a group that goes on in the next message. What it has changed is told when it is done."""
        if not self.header["more"] or self.group != len(self.keys) - 1:
            return False
        self.channel.send(b"O", self._answer(before=self.group))
        old = self.group
        self._take(self.channel.receive()[1])
        for variable in self.variables:
            variable.groups = [0] * len(variable.groups)
        self.timers.groups = [0] * len(self.timers.groups)
        self.cells = {(at[0], 0): cell for at, cell in self.cells.items() if at[1] == old}
        for cell in self.cells.values():
            cell.group = 0
        self.group = 0
        self._read_rows()
        return True

    def _emit(self, results):
        for one in results:
            self.results.add(one)
            if self.results.rows >= ROWS_PER_ANSWER:
                self.channel.send(b"O", self._answer(pending=True))
                self.channel.receive()  # go on

    def _timer_values(self):
        from pyspark.sql.streaming.stateful_processor import TimerValues

        return TimerValues(-1, -1) if self.time_mode == "None" else TimerValues(self.header["batch_time"], self.header["watermark"])

    # ---- what the handles ask (millstream_variables.py)

    def schema(self, given):
        if given is None or isinstance(given, spark_types.StructType):
            return given
        if given not in self.schemas:
            from pyspark.errors import PySparkRuntimeError

            header, _ = self.ask("schema", ddl=given)
            if "error" in header:
                raise PySparkRuntimeError(f"Error parsing string schema: {header['error']}")
            self.schemas[given] = spark_types.StructType.fromJson(json.loads(header["schema"]))
        return self.schemas[given]

    def variable(self, index, name, kind, schema, value_schema, ttl):
        """With the converters of its columns, which are made once."""
        form = (name, kind, schema.json(), value_schema.json() if value_schema is not None else None, ttl)
        if form not in self.declared:
            self.declared[form] = Variable(index, name, kind, schema, value_schema, ttl)
        variable = self.declared[form]
        variable.index = index
        variable.forget()
        return variable

    def cell(self, variable):
        at = (variable.index, self.group)
        cell = self.cells.get(at)
        if cell is None:
            cell = self.cells[at] = CELLS[variable.kind](self, variable, self.group)
        return cell

    def _shipped(self, cell):
        self.read.add(cell.variable.index)
        held = self.held.get(cell.variable.index)
        return None if held is None else held.of(cell.group)

    def value(self, cell):
        values = self._shipped(cell)
        if values is None:
            values = cell.variable.columns.rows(self.ask("value", variable=cell.variable.index, group=cell.group)[1][0])
        return values[0] if values else None

    def items(self, cell):
        values = self._shipped(cell)
        if values is not None:
            yield from values
            return
        after = ""
        while after is not None:
            header, tables = self.ask("items", variable=cell.variable.index, group=cell.group, after=after)
            after = header["after"]
            yield from cell.variable.columns.rows(tables[0])

    def entries(self, cell):
        """(comparable key, key, value)"""
        pairs = self._shipped(cell)
        if pairs is not None:
            yield from ((comparable(key), key, value) for key, value in pairs)
            return
        after = ""
        while after is not None:
            header, tables = self.ask("items", variable=cell.variable.index, group=cell.group, after=after)
            after = header["after"]
            for key, value in zip(cell.variable.columns.rows(tables[0]), cell.variable.values.rows(tables[1])):
                yield comparable(key), key, value

    def entry(self, cell, known, internal):
        pairs = self._shipped(cell)
        if pairs is not None:
            found = getattr(cell, "shipped", None)
            if found is None:
                found = cell.shipped = {comparable(key): value for key, value in pairs}
            return found.get(known)
        _, tables = self.ask("entry", [cell.variable.columns.batch([internal])], variable=cell.variable.index, group=cell.group)
        values = cell.variable.values.rows(tables[0])
        return values[0] if values else None

    def kept_timers(self):
        _, tables = self.ask("timers", group=self.group)
        return tables[0].column(0).to_pylist()

