"""Rows between Arrow and what PySpark gives to user functions and takes from them: pandas by pandas' and PySpark's rules, state values by the JVM's."""
import decimal

import pyarrow

from pyspark.sql import types as spark_types

WRAPPED_AT = {spark_types.ByteType: 8, spark_types.ShortType: 16, spark_types.IntegerType: 32, spark_types.LongType: 64}
# pandas has no integers and no booleans that are null: such a column of a group becomes another type.
CHANGES_WITH_NULLS = (*WRAPPED_AT, spark_types.BooleanType)
NESTED = (spark_types.ArrayType, spark_types.MapType, spark_types.StructType)


def arrow_type_of(data_type):
    from pyspark.sql.pandas.types import to_arrow_type
    try:
        return to_arrow_type(data_type, timezone="UTC")
    except TypeError:  # before 4.2
        return to_arrow_type(data_type)


def nested_values_stand_alone():
    """Before PySpark 4.2 a null anywhere in a column made floats of the integers in the arrays of all rows."""
    try:
        from pyspark.sql.conversion import ArrowArrayToPandasConversion
    except ImportError:
        return False
    return ArrowArrayToPandasConversion is not None


def series_of(array, name, data_type, time_zone):
    try:
        from pyspark.sql.conversion import ArrowArrayToPandasConversion
    except ImportError:  # before 4.2
        from pyspark.sql.pandas.types import _create_converter_to_pandas

        convert = _create_converter_to_pandas(data_type=data_type, nullable=True, timezone=time_zone, struct_in_pandas="dict",
                                              error_on_duplicated_field_names=True, ndarray_as_list=False)
        series = convert(array.to_pandas(date_as_object=True, coerce_temporal_nanoseconds=True))
    else:
        series = ArrowArrayToPandasConversion.convert(array, data_type, ser_name=name, timezone=time_zone, struct_in_pandas="dict", ndarray_as_list=False)
    return series.rename(name)


class Columns:
    """A record batch as pandas: each range of its rows is as PySpark would have made it of these rows alone."""

    def __init__(self, batch, names, schema, time_zone):
        import numpy
        import pandas

        self.pandas = pandas
        self.batch, self.names, self.types, self.time_zone = batch, names, [field.dataType for field in schema], time_zone
        self.nulls_before, self.always_alone = {}, []
        series = []
        for place, data_type in enumerate(self.types):
            array = batch.column(place)
            if isinstance(data_type, CHANGES_WITH_NULLS) and array.null_count > 0:
                self.nulls_before[place] = numpy.concatenate([[0], numpy.cumsum(array.is_null().to_numpy(zero_copy_only=False))])
                array = array.fill_null(False if isinstance(data_type, spark_types.BooleanType) else 0)
            if isinstance(data_type, NESTED) and not nested_values_stand_alone():
                self.always_alone.append(place)
            series.append(series_of(array, names[place], data_type, time_zone))
        self.whole = pandas.concat(series, axis=1)
        # Slices of an older pandas would be written through.
        self.copies = int(pandas.__version__.split(".")[0]) < 3

    def frame(self, start, rows):
        frame = self.whole.iloc[start:start + rows]
        if self.copies:
            frame = frame.copy()
        frame.index = self.pandas.RangeIndex(rows)
        alone = self.always_alone + [place for place, before in self.nulls_before.items() if before[start + rows] > before[start]]
        if not alone:
            return frame
        series = [frame.iloc[:, place] for place in range(len(self.types))]
        for place in alone:
            series[place] = series_of(self.batch.column(place).slice(start, rows), self.names[place], self.types[place], self.time_zone)
        return self.pandas.concat(series, axis=1)

    def tuples(self):
        """Of all rows, with the values that a series of one has."""
        columns = []
        for place in range(len(self.types)):
            if place in self.always_alone:
                columns.append([self.frame(row, 1).iloc[0, place] for row in range(self.batch.num_rows)])
                continue
            values = list(self.whole.iloc[:, place].array)
            before = self.nulls_before.get(place)
            if before is not None:
                null = series_of(self.batch.column(place).filter(self.batch.column(place).is_null()).slice(0, 1), self.names[place], self.types[place], self.time_zone)[0]
                values = [null if before[row + 1] > before[row] else value for row, value in enumerate(values)]
            columns.append(values)
        return list(zip(*columns))


class FrameWriter:
    """DataFrames of the user as record batches of a schema."""

    def __init__(self, schema, conf):
        self.schema, self.time_zone = schema, conf["time_zone"]
        self.by_name = conf["assign_by_name"]
        self.safe = conf["safe_conversion"]
        self.arrow_types = [arrow_type_of(field.dataType) for field in schema]
        self.names = [f"r{place}" for place in range(len(schema))]

    def empty(self):
        return pyarrow.RecordBatch.from_arrays([pyarrow.array([], type=one) for one in self.arrow_types], self.names)

    def batch(self, frames):
        import pandas

        frames = [frame for frame in frames if len(frame) > 0]
        if not frames:
            return self.empty()
        frame = frames[0] if len(frames) == 1 else pandas.concat(frames, ignore_index=True)
        if self.by_name and list(frame.columns) != self.schema.names:
            # A column that the user has not named so is null: Spark joins frames with an empty one of the schema.
            frame = frame.reindex(columns=self.schema.names)
        arrays = [self._array(frame.iloc[:, place], place) for place in range(len(self.schema))]
        return pyarrow.RecordBatch.from_arrays(arrays, self.names)

    def _array(self, series, place):
        import pandas
        from pyspark.errors import PySparkTypeError, PySparkValueError
        from pyspark.sql.pandas.types import _create_converter_from_pandas

        field, arrow_type = self.schema[place], self.arrow_types[place]
        given = series.dtype
        if isinstance(series.dtype, pandas.CategoricalDtype):
            series = series.astype(series.dtype.categories.dtype)
        try:
            series = _create_converter_from_pandas(field.dataType, timezone=self.time_zone, error_on_duplicated_field_names=False)(series)
            mask = None if hasattr(series.array, "__arrow_array__") else series.isnull()
            try:
                array = pyarrow.Array.from_pandas(series, mask=mask, type=arrow_type, safe=self.safe)
            except pyarrow.ArrowInvalid:
                array = pyarrow.Array.from_pandas(series, mask=mask).cast(target_type=arrow_type, safe=self.safe)
            # Columns that pandas keeps as Arrow come in their chunks.
            return array.combine_chunks() if isinstance(array, pyarrow.ChunkedArray) else array
        except TypeError as error:
            raise PySparkTypeError(f"Cannot convert the output value of the column '{field.name}' with type '{given}' to the specified return type of the "
                                   f"column: '{arrow_type}'. Please check if the data types match and try again.") from error
        except ValueError as error:
            raise PySparkValueError(f"Failed to convert the value of the column '{field.name}' with type '{given}' to Arrow type '{arrow_type}'.") from error


def rows_of(batch, schema):
    """pyspark.sql.Row, as toPyRow makes them."""
    try:
        from pyspark.sql.conversion import ArrowTableToRowsConversion
    except ImportError:
        from pyspark.sql.connect.conversion import ArrowTableToRowsConversion
    return ArrowTableToRowsConversion.convert(pyarrow.Table.from_batches([batch]), schema)


def _keep(value):
    return value


def _wrapped(bits):
    half, whole = 1 << (bits - 1), 1 << bits

    def convert(value):
        if not isinstance(value, int) or isinstance(value, bool) or not -(1 << 63) <= value < 1 << 63:
            return None
        return (value + half) % whole - half

    return convert


def _text(value):
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _bytes(value):
    return bytes(value) if isinstance(value, (bytes, bytearray)) else value.encode() if isinstance(value, str) else None


def _decimal(data_type):
    unit = decimal.Decimal(1).scaleb(-data_type.scale)

    def convert(value):
        return value.quantize(unit, decimal.ROUND_HALF_UP, decimal.Context(prec=60)) if isinstance(value, decimal.Decimal) else None

    return convert


def wrong_length(expected, given):
    return ValueError("[STRUCT_ARRAY_LENGTH_MISMATCH] Input row doesn't have expected number of values required by the schema. "
                      f"{expected} fields are required while {given} values are provided. SQLSTATE: 2201E")


def jvm_converter(data_type):
    """A value of Python's side, made internal by its type, as the JVM takes it (EvaluatePython.makeFromJava): what is of another type becomes null."""
    bits = WRAPPED_AT.get(type(data_type))
    if bits:
        convert = _wrapped(bits)
    elif isinstance(data_type, (spark_types.DateType, spark_types.TimestampType, spark_types.TimestampNTZType)):
        convert = _wrapped(32 if isinstance(data_type, spark_types.DateType) else 64)
    elif isinstance(data_type, spark_types.BooleanType):
        def convert(value):
            return value if isinstance(value, bool) else None
    elif isinstance(data_type, (spark_types.FloatType, spark_types.DoubleType)):
        def convert(value):
            return value if isinstance(value, float) else None
    elif isinstance(data_type, (spark_types.StringType, spark_types.CharType, spark_types.VarcharType)):
        convert = _text
    elif isinstance(data_type, spark_types.BinaryType):
        convert = _bytes
    elif isinstance(data_type, spark_types.DecimalType):
        convert = _decimal(data_type)
    elif isinstance(data_type, spark_types.ArrayType):
        element = jvm_converter(data_type.elementType)

        def convert(value):
            return [element(one) for one in value] if isinstance(value, (list, tuple)) else None
    elif isinstance(data_type, spark_types.MapType):
        key_of, value_of = jvm_converter(data_type.keyType), jvm_converter(data_type.valueType)

        def convert(value):
            return [(key_of(key), value_of(one)) for key, one in value.items()] if isinstance(value, dict) else None
    elif isinstance(data_type, spark_types.StructType):
        fields = [jvm_converter(field.dataType) for field in data_type]

        def convert(value):
            if not isinstance(value, (list, tuple)):
                return None
            if len(value) != len(fields):
                raise wrong_length(len(fields), len(value))
            return {name: convert_one(one) for name, convert_one, one in zip(data_type.names, fields, value)}
    elif isinstance(data_type, spark_types.UserDefinedType):
        return jvm_converter(data_type.sqlType())
    else:
        convert = _keep
    return lambda value: None if value is None else convert(value)


class ValueWriter:
    """Tuples that a user keeps as state, as record batches of their schema."""

    def __init__(self, schema):
        self.schema = schema
        self.converters = [jvm_converter(field.dataType) for field in schema]
        self.arrow_types = [arrow_type_of(field.dataType) for field in schema]
        self.names = [f"s{place}" for place in range(len(schema))]

    def internal(self, value):
        """Of one value, to be given to batch later."""
        value = self.schema.toInternal(value)
        if len(value) != len(self.schema):
            raise wrong_length(len(self.schema), len(value))
        return tuple(convert(one) for convert, one in zip(self.converters, value))

    def batch(self, values):
        columns = zip(*values) if values else [()] * len(self.schema)
        return pyarrow.RecordBatch.from_arrays([pyarrow.array(list(column), type=one) for column, one in zip(columns, self.arrow_types)], self.names)
