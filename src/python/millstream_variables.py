"""The variables and timers of transformWithState as a processor sees them, over what the engine keeps.

What is asked of a group that was not shipped with its rows is asked of the engine; what is changed is noted, seen by this group at once, and told to the engine
with the answer. `source` is who talks with it (millstream_transform.py).
"""
import operator

import pyarrow

from pyspark.sql import types as spark_types
from pyspark.sql.streaming.stateful_processor import ListState, MapState, StatefulProcessorHandle, ValueState

from millstream_frames import NESTED, ValueWriter, arrow_type_of, rows_of

# What becomes of an entry. CLEAR forgets all of a group's and counts them as removed, REPLACE does not count them.
PUT, REMOVE, CLEAR, REPLACE = range(4)
VALUE, LIST, MAP = "value", "list", "map"
ERRORS = {
    "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_HANDLE_STATE":
        ("Failed to perform stateful processor operation={operation} with invalid handle state={state}.", "42802"),
    "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_TIME_MODE": ("Failed to perform stateful processor operation={operation} with invalid timeMode={mode}", "42802"),
    "STATEFUL_PROCESSOR_DUPLICATE_STATE_VARIABLE_DEFINED": ("State variable with name {name} has already been defined in the StatefulProcessor.", "42802"),
    "STATEFUL_PROCESSOR_INCORRECT_TIME_MODE_TO_ASSIGN_TTL": ("Cannot use TTL for state={name} in timeMode={mode}, use TimeMode.ProcessingTime() instead.", "42802"),
    "STATEFUL_PROCESSOR_TTL_DURATION_MUST_BE_POSITIVE": ("TTL duration must be greater than zero for State store operation={operation} on state={name}.", "42802"),
    "STATE_STORE_CANNOT_CREATE_COLUMN_FAMILY_WITH_RESERVED_CHARS": ("Failed to create column family with unsupported starting character and name={name}.", "42802"),
    "STATE_STORE_CANNOT_USE_COLUMN_FAMILY_WITH_INVALID_NAME":
        ("Failed to perform column family operation={operation} with invalid name={name}. Column family name cannot be empty or include leading/trailing spaces or use "
         "the reserved keyword=default", "42802"),
    "ILLEGAL_STATE_STORE_VALUE.EMPTY_LIST_VALUE": ("Illegal value provided to the State Store Cannot write empty list values to State Store for StateName {name}.", "42601"),
    "INTERNAL_ERROR_TWS": ("Implicit key not found in state store for stateName={name}", "XX000"),
}


def refuse(doing, error, **params):
    from pyspark.errors import PySparkRuntimeError

    text, state = ERRORS[error]
    raise PySparkRuntimeError(f"{doing}: [{error}] {text.format(**params)} SQLSTATE: {state}")


def plain_python(value):
    """Of numpy and pandas, as PySpark pickles it for the JVM."""
    import numpy

    if isinstance(value, numpy.generic):
        return value.tolist()
    if isinstance(value, spark_types.Row) or isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[plain_python(one) for one in value])
    if isinstance(value, (list, tuple)):
        return type(value)(plain_python(one) for one in value)
    if isinstance(value, dict):
        return {plain_python(key): plain_python(one) for key, one in value.items()}
    if hasattr(value, "to_pytimedelta"):
        return value.to_pytimedelta()
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    return value


SIMPLE = (int, str, float, bool, type(None))


def python_of(data_type):
    """What jvm_converter has made, as the JVM gives it to Python."""
    if isinstance(data_type, spark_types.ArrayType):
        element = python_of(data_type.elementType)
        convert = lambda value: [element(one) for one in value]  # noqa: E731
    elif isinstance(data_type, spark_types.MapType):
        key_of, value_of = python_of(data_type.keyType), python_of(data_type.valueType)
        convert = lambda value: {key_of(key): value_of(one) for key, one in value}  # noqa: E731
    elif isinstance(data_type, spark_types.StructType):
        fields = [python_of(field.dataType) for field in data_type]
        row = spark_types.Row(*data_type.names)
        convert = lambda value: row(*[field(one) for field, one in zip(fields, value.values())])  # noqa: E731
    elif isinstance(data_type, (spark_types.DateType, spark_types.TimestampType, spark_types.TimestampNTZType)):
        convert = data_type.fromInternal
    else:
        return lambda value: value
    return lambda value: None if value is None else convert(value)


def comparable(value):
    if isinstance(value, (list, tuple)):
        return tuple(comparable(one) for one in value)
    if isinstance(value, dict):
        return frozenset((comparable(key), comparable(one)) for key, one in value.items())
    return "NaN" if isinstance(value, float) and value != value else value


class Columns:
    """Tuples of one schema, in and out."""

    def __init__(self, schema):
        self.schema = schema
        self.writer = ValueWriter(schema)
        self.to_python = [python_of(field.dataType) for field in schema]
        self.row = spark_types.Row(*schema.names)
        self.stays = not any(isinstance(field.dataType, (*NESTED, spark_types.DateType, spark_types.TimestampType, spark_types.TimestampNTZType)) for field in schema)

    def internal(self, value):
        return self.writer.internal(tuple(one if type(one) in SIMPLE else plain_python(one) for one in value))

    def python(self, internal):
        return internal if self.stays else tuple(convert(one) for convert, one in zip(self.to_python, internal))

    def batch(self, internals):
        return self.writer.batch(internals)

    def rows(self, batch):
        return [tuple(row) for row in rows_of(batch, self.schema)] if batch.num_rows else []


class Variable:
    """A variable of all groups: its columns, and what the engine is to be told of it."""

    def __init__(self, index, name, kind, schema, value_schema, ttl):
        self.index, self.name, self.kind, self.ttl = index, name, kind, ttl
        self.columns = Columns(schema)
        self.values = Columns(value_schema) if kind == MAP else self.columns
        self.forget()

    def forget(self):
        self.groups, self.actions, self.kept_keys, self.kept_values = [], [], [], []

    def note(self, group, action, key=None, value=None):
        self.groups.append(group)
        self.actions.append(action)
        if key is not None:
            self.kept_keys.append(key)
        if value is not None:
            self.kept_values.append(value)

    def take(self, before):
        """The notes of the groups before this one, as tables."""
        end = len(self.groups)
        while end > 0 and self.groups[end - 1] >= before:
            end -= 1
        if end == 0:
            return None
        values = self.actions[:end].count(PUT)
        keys = values + self.actions[:end].count(REMOVE) if self.kind == MAP else 0
        notes = pyarrow.RecordBatch.from_arrays([pyarrow.array(self.groups[:end], pyarrow.int64()), pyarrow.array(self.actions[:end], pyarrow.int8())], ["group", "action"])
        tables = [notes] + ([self.columns.batch(self.kept_keys[:keys])] if self.kind == MAP else []) + [self.values.batch(self.kept_values[:values])]
        del self.groups[:end], self.actions[:end], self.kept_keys[:keys], self.kept_values[:values]
        return tables


UNREAD = object()


class ValueCell:
    def __init__(self, source, variable, group):
        self.source, self.variable, self.group = source, variable, group
        self.value, self.internal, self.changed = UNREAD, None, False

    def get(self):
        if self.value is UNREAD:
            if self.changed:
                self.value = self.variable.columns.python(self.internal)
            else:
                self.value = self.source.value(self)
        return self.value

    def update(self, value):
        self.internal, self.value, self.changed = self.variable.columns.internal(value), UNREAD, True
        if self.variable.ttl is None:
            self.source.counts["updated"] += 1
        else:
            self.variable.note(self.group, PUT, value=self.internal)

    def clear(self):
        self.internal, self.value, self.changed = None, None, True
        if self.variable.ttl is None:
            self.source.counts["removed"] += 1
        else:
            self.variable.note(self.group, REMOVE)

    def flush(self):
        if self.changed and self.variable.ttl is None:
            self.variable.note(self.group, REMOVE if self.internal is None else PUT, value=self.internal)


class ListCell:
    def __init__(self, source, variable, group):
        self.source, self.variable, self.group = source, variable, group
        self.dropped, self.counted, self.added = False, False, []

    def exists(self):
        return bool(self.added) or not self.dropped and next(self.source.items(self), None) is not None

    def get(self):
        added = list(self.added)
        if not self.dropped:
            yield from self.source.items(self)
        for internal in added:
            yield self.variable.columns.python(internal)

    def append(self, values):
        internals = [self.variable.columns.internal(value) for value in values]
        self.added += internals
        if self.variable.ttl is None:
            self.source.counts["updated"] += len(internals)
        else:
            for internal in internals:
                self.variable.note(self.group, PUT, value=internal)

    def put(self, values):
        internals = [self.variable.columns.internal(value) for value in values]
        self.added, self.dropped = internals, True
        if self.variable.ttl is None:
            # Spark begins to count anew here.
            self.source.counts["updated"] = len(internals)
            self.source.counts["anew"] = True
        else:
            self.variable.note(self.group, REPLACE)
            for internal in internals:
                self.variable.note(self.group, PUT, value=internal)

    def clear(self):
        if self.variable.ttl is None:
            self.source.counts["removed"] += len(self.added)
            self.counted |= not self.dropped
        else:
            self.variable.note(self.group, CLEAR)
        self.added, self.dropped = [], True

    def flush(self):
        if self.variable.ttl is not None:
            return
        if self.dropped:
            self.variable.note(self.group, CLEAR if self.counted else REPLACE)
        for internal in self.added:
            self.variable.note(self.group, PUT, value=internal)


class MapCell:
    def __init__(self, source, variable, group):
        self.source, self.variable, self.group = source, variable, group
        self.cleared, self.entries = False, {}  # comparable key → (key, value as internal; None: removed)

    def key(self, key):
        internal = self.variable.columns.internal(key)
        return comparable(self.variable.columns.python(internal)), internal

    def get(self, key):
        known, internal = self.key(key)
        if known in self.entries:
            value = self.entries[known][1]
            return None if value is None else self.variable.values.python(value)
        return None if self.cleared else self.source.entry(self, known, internal)

    def update(self, key, value):
        known, internal = self.key(key)
        value = self.variable.values.internal(value)
        self.entries[known] = (internal, value)
        if self.variable.ttl is None:
            self.source.counts["updated"] += 1
        else:
            self.variable.note(self.group, PUT, internal, value)

    def remove(self, key):
        known, internal = self.key(key)
        self.entries[known] = (internal, None)
        if self.variable.ttl is None:
            self.source.counts["removed"] += 1
        else:
            self.variable.note(self.group, REMOVE, internal)

    def pairs(self):
        columns, values = self.variable.columns, self.variable.values
        entries, seen = dict(self.entries), set()
        if not self.cleared:
            for known, key, value in self.source.entries(self):
                if known not in entries:
                    yield key, value
                elif entries[known][1] is not None:
                    seen.add(known)
                    yield key, values.python(entries[known][1])
        for known, (key, value) in entries.items():
            if value is not None and known not in seen:
                yield columns.python(key), values.python(value)

    def clear(self):
        if self.variable.ttl is None:
            self.source.counts["removed"] += sum(1 for _ in self.pairs())
        else:
            self.variable.note(self.group, CLEAR)
        self.cleared, self.entries = True, {}

    def flush(self):
        if self.variable.ttl is not None:
            return
        if self.cleared:
            self.variable.note(self.group, CLEAR)
        for key, value in self.entries.values():
            self.variable.note(self.group, REMOVE if value is None else PUT, key, value)


CELLS = {VALUE: ValueCell, LIST: ListCell, MAP: MapCell}
DOING = {VALUE: "value", LIST: "list", MAP: "map"}


class Value(ValueState):
    def __init__(self, handle, variable):
        self._cell, self._variable = handle.cell, variable

    def exists(self):
        return self._cell(self._variable, "exists", "Error checking value state exists").get() is not None

    def get(self):
        return self._cell(self._variable, "get", "Error getting value state").get()

    def update(self, newValue):
        self._cell(self._variable, "update", "Error updating value state").update(newValue)

    def clear(self):
        self._cell(self._variable, "clear", "Error clearing value state").clear()


class List(ListState):
    def __init__(self, handle, variable):
        self._cell, self._variable = handle.cell, variable

    def exists(self):
        return self._cell(self._variable, "exists", "Error checking value state exists").exists()

    def get(self):
        return self._cell(self._variable, "get", "Error getting list state").get()

    def _given(self, values, operation):
        values = list(values)
        if not values:
            refuse("Error updating value state", "ILLEGAL_STATE_STORE_VALUE.EMPTY_LIST_VALUE", name=self._variable.name)
        return self._cell(self._variable, operation, "Error updating value state"), values

    def put(self, newState):
        cell, values = self._given(newState, "put")
        cell.put(values)

    def appendValue(self, newState):
        self._cell(self._variable, "appendValue", "Error updating value state").append([newState])

    def appendList(self, newState):
        cell, values = self._given(newState, "appendList")
        cell.append(values)

    def clear(self):
        self._cell(self._variable, "clear", "Error clearing value state").clear()


class Map(MapState):
    def __init__(self, handle, variable):
        self._cell, self._variable = handle.cell, variable

    def exists(self):
        return next(self._cell(self._variable, "exists", "Error checking map state exists").pairs(), None) is not None

    def getValue(self, key):
        value = self._cell(self._variable, "getValue", "Error getting value").get(key)
        return None if value is None else self._variable.values.row(*value)

    def containsKey(self, key):
        return self._cell(self._variable, "containsKey", "Error checking if map state contains key").get(key) is not None

    def updateValue(self, key, value):
        self._cell(self._variable, "updateValue", "Error updating map state value").update(key, value)

    def iterator(self):
        return self._cell(self._variable, "iterator", "Error getting map state").pairs()

    def keys(self):
        return (key for key, _ in self.iterator())

    def values(self):
        return (value for _, value in self.iterator())

    def removeKey(self, key):
        self._cell(self._variable, "removeKey", "Error removing key from map state").remove(key)

    def clear(self):
        self._cell(self._variable, "clear", "Error clearing map state").clear()


class Handle(StatefulProcessorHandle):
    """`state` is one of Spark's StatefulProcessorHandleState."""

    def __init__(self, source, state):
        self._source, self.state, self.variables, self.deleted = source, state, {}, []

    def cell(self, variable, operation, doing):
        if self.state == "PRE_INIT":
            refuse(doing, "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_HANDLE_STATE", operation=f"{variable.name}.{operation}", state=self.state)
        if self._source.group is None:
            refuse(doing, "INTERNAL_ERROR_TWS", name=variable.name)
        return self._source.cell(variable)

    def getValueState(self, stateName, schema, ttlDurationMs=None):
        return Value(self, self._declare(VALUE, stateName, ttlDurationMs, schema))

    def getListState(self, stateName, schema, ttlDurationMs=None):
        return List(self, self._declare(LIST, stateName, ttlDurationMs, schema))

    def getMapState(self, stateName, userKeySchema, valueSchema, ttlDurationMs=None):
        return Map(self, self._declare(MAP, stateName, ttlDurationMs, userKeySchema, valueSchema))

    def _declare(self, kind, name, ttl, schema, value_schema=None):
        schema, value_schema = self._source.schema(schema), self._source.schema(value_schema)
        doing = f"Error initializing {DOING[kind]} state"
        self._in_init(f"get_{DOING[kind]}_state", doing)
        if name in self.variables:
            refuse(doing, "STATEFUL_PROCESSOR_DUPLICATE_STATE_VARIABLE_DEFINED", name=name)
        if ttl == 0:
            ttl = None
        if ttl is not None and self._source.time_mode != "ProcessingTime":
            refuse(doing, "STATEFUL_PROCESSOR_INCORRECT_TIME_MODE_TO_ASSIGN_TTL", name=name, mode=self._source.time_mode)
        if ttl is not None and ttl < 0:
            refuse(doing, "STATEFUL_PROCESSOR_TTL_DURATION_MUST_BE_POSITIVE", operation="update", name=name)
        if name != name.strip() or name in ("", "default"):
            refuse(doing, "STATE_STORE_CANNOT_USE_COLUMN_FAMILY_WITH_INVALID_NAME", operation="create_column_family", name=name)
        if not name[0].isalnum() and name[0].isascii():
            refuse(doing, "STATE_STORE_CANNOT_CREATE_COLUMN_FAMILY_WITH_RESERVED_CHARS", name=name)
        variable = self._source.variable(len(self.variables), name, kind, schema, value_schema, ttl)
        self.variables[name] = variable
        return variable

    def deleteIfExists(self, stateName):
        self._in_init("delete_if_exists", "Error deleting state")
        self.deleted.append(stateName)
        self.variables.pop(stateName, None)

    def _in_init(self, operation, doing):
        if self.state not in ("PRE_INIT", "CREATED"):
            refuse(doing, "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_HANDLE_STATE", operation=operation, state=self.state)

    def _timers(self, operation, doing):
        if self._source.time_mode == "None":
            refuse(doing, "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_TIME_MODE", operation=operation, mode="NoTime")
        if self.state not in ("INITIALIZED", "DATA_PROCESSED"):
            refuse(doing, "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_HANDLE_STATE", operation=operation, state=self.state)
        return self._source.timers

    def registerTimer(self, expiryTimestampMs):
        self._timers("register_timer", "Error register timer").register(operator.index(expiryTimestampMs))

    def deleteTimer(self, expiryTimestampMs):
        self._timers("delete_timer", "Error deleting timer").delete(operator.index(expiryTimestampMs))

    def listTimers(self):
        return self._timers("list_timers", "Error listing timers").list()


class Timers:
    """Of all groups; a group's own are asked of the engine when they are listed."""

    def __init__(self, source):
        self.source = source
        self.forget()

    def forget(self):
        self.groups, self.moments, self.registered = [], [], []

    def register(self, moment):
        self._note(moment, True)
        self.source.counts["numRegisteredTimers"] += 1

    def delete(self, moment):
        self._note(moment, False)
        self.source.counts["numDeletedTimers"] += 1

    def _note(self, moment, registered):
        self.groups.append(self.source.group)
        self.moments.append(moment)
        self.registered.append(registered)

    def list(self):
        moments = set(self.source.kept_timers())
        for group, moment, registered in zip(self.groups, self.moments, self.registered):
            if group == self.source.group:
                (moments.add if registered else moments.discard)(moment)
        return iter(sorted(moments))

    def take(self, before):
        end = len(self.groups)
        while end > 0 and self.groups[end - 1] >= before:
            end -= 1
        if end == 0:
            return None
        table = pyarrow.RecordBatch.from_arrays([pyarrow.array(self.groups[:end], pyarrow.int64()), pyarrow.array(self.moments[:end], pyarrow.int64()),
                                                 pyarrow.array(self.registered[:end], pyarrow.bool_())], ["group", "moment", "registered"])
        del self.groups[:end], self.moments[:end], self.registered[:end]
        return [table]


class RowWriter:
    """pyspark.sql.Row of the user as record batches: by name, what is not named is null."""

    def __init__(self, schema):
        self.names = schema.names
        self.arrow_types = [arrow_type_of(field.dataType) for field in schema]
        self.nested = [isinstance(field.dataType, NESTED) for field in schema]
        self.places = {}
        self.forget()

    def forget(self):
        self.columns, self.rows = [[] for _ in self.names], 0

    def add(self, row):
        fields = getattr(row, "__fields__", None)
        if fields is None or not isinstance(row, spark_types.Row):
            row.asDict(True)  # says what is wrong
            raise TypeError(f"{type(row).__name__} is not a Row")
        fields = tuple(fields)
        places = self.places.get(fields)
        if places is None:
            of_name = {name: place for place, name in enumerate(fields)}
            places = self.places[fields] = [of_name.get(name) for name in self.names]
        values = tuple(row)
        for column, place, nested in zip(self.columns, places, self.nested):
            value = None if place is None else values[place]
            column.append(as_dicts(value) if nested else value)
        self.rows += 1

    def batch(self):
        batch = pyarrow.RecordBatch.from_arrays([pyarrow.array(column, type=one) for column, one in zip(self.columns, self.arrow_types)],
                                                [f"r{place}" for place in range(len(self.names))])
        self.forget()
        return batch


def as_dicts(value):
    if isinstance(value, spark_types.Row):
        return value.asDict(True)
    if isinstance(value, list):
        return [as_dicts(one) for one in value]
    if isinstance(value, dict):
        return {key: as_dicts(one) for key, one in value.items()}
    return value
