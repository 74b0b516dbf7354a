"""Python functions over columns: called with the rows of a batch, they give a column."""
import pyarrow

from pyspark.errors import PySparkRuntimeError, PySparkTypeError
from pyspark.sql.types import StructType

from millstream_frames import Columns, FrameWriter, ValueWriter, arrow_type_of


class FunctionRunner:
    """One function. A message has its arguments as a table and the number of rows; the answer is a table of one column."""

    def __init__(self, load_function, settings):
        self.function = load_function()[0]
        settings = settings["more"]
        self.arguments = StructType.fromJson(settings["arguments"])
        self.argument_names = settings["argument_names"]
        self.result = StructType.fromJson(settings["result"])
        self.settings = settings
        self.compute = getattr(self, "_" + settings["kind"])

    def run(self, channel, kind, message):
        header, tables = channel.unpack(message)
        batch = tables[0] if tables else None
        return channel.pack({}, [self.compute(batch, header["rows"])])

    def _call(self, values):
        """With as many values as there are arguments."""
        named = {name: value for name, value in zip(self.argument_names, values) if name}
        return self.function(*(value for name, value in zip(self.argument_names, values) if not name), **named)

    def _rows(self, batch, rows):
        if batch is None:
            return [()] * rows
        try:
            from pyspark.sql.conversion import ArrowTableToRowsConversion
        except ImportError:
            from pyspark.sql.connect.conversion import ArrowTableToRowsConversion
        return ArrowTableToRowsConversion.convert(pyarrow.Table.from_batches([batch]), self.arguments)

    def _each(self, batch, rows):
        try:
            return [self._call(row) for row in self._rows(batch, rows)]
        except StopIteration as error:
            raise PySparkRuntimeError(errorClass="STOP_ITERATION_OCCURRED", messageParameters={"exc": str(error)}) from error

    def _row(self, batch, rows):
        writer = ValueWriter(self.result)
        return writer.batch([writer.internal((value,)) for value in self._each(batch, rows)])

    def _arrow_row(self, batch, rows):
        try:
            from pyspark.sql.conversion import LocalDataToArrowConversion
        except ImportError:
            from pyspark.sql.connect.conversion import LocalDataToArrowConversion
        data_type = self.result[0].dataType
        convert = LocalDataToArrowConversion._create_converter(data_type)
        values, arrow_type = [convert(value) for value in self._each(batch, rows)], arrow_type_of(data_type)
        try:
            array = pyarrow.array(values, type=arrow_type)
        except pyarrow.ArrowInvalid:
            array = pyarrow.array(values).cast(target_type=arrow_type, safe=self.settings["safe_conversion"])
        return pyarrow.RecordBatch.from_arrays([array], self.result.names)

    def _series_of(self, batch, rows):
        import pandas

        if batch is None:
            return [pandas.Series([None] * rows)]
        frame = Columns(batch, self.arguments.names, self.arguments, self.settings["time_zone"]).frame(0, rows)
        return [self._struct(frame.iloc[:, place], field) for place, field in enumerate(self.arguments)]

    @staticmethod
    def _struct(series, field):
        """A column of structs is a DataFrame."""
        import pandas

        if not isinstance(field.dataType, StructType):
            return series
        return pandas.DataFrame([{} if value is None else value for value in series], columns=field.dataType.names, index=series.index)

    def _checked(self, result, rows, what):
        is_struct = isinstance(self.result[0].dataType, StructType)
        if not hasattr(result, "__len__"):
            raise PySparkTypeError(errorClass="UDF_RETURN_TYPE", messageParameters={
                "expected": ("pandas.DataFrame" if is_struct else "pandas.Series") if what == "pandas_udf" else "pyarrow.Array", "actual": type(result).__name__})
        if len(result) != rows:
            raise PySparkRuntimeError(errorClass="SCHEMA_MISMATCH_FOR_PANDAS_UDF",
                                      messageParameters={"udf_type": what, "expected": str(rows), "actual": str(len(result))})
        return result

    def _of_series(self, result):
        import pandas

        data_type = self.result[0].dataType
        if isinstance(data_type, StructType):
            fields = FrameWriter(data_type, self.settings).batch([result])
            array = pyarrow.StructArray.from_arrays(fields.columns, names=data_type.names) if fields.num_rows else pyarrow.array([], arrow_type_of(data_type))
            return pyarrow.RecordBatch.from_arrays([array], self.result.names)
        frame = pandas.DataFrame({"r0": result if isinstance(result, pandas.Series) else pandas.Series(result)})
        settings = dict(self.settings, assign_by_name=False)
        batch = FrameWriter(self.result, settings).batch([frame])
        return pyarrow.RecordBatch.from_arrays(batch.columns, self.result.names)

    def _series(self, batch, rows):
        return self._of_series(self._checked(self._call(self._series_of(batch, rows)), rows, "pandas_udf"))

    def _series_iterator(self, batch, rows):
        import pandas

        series = self._series_of(batch, rows)
        results = list(self.function(iter([series[0] if len(series) == 1 else tuple(series)])))
        return self._of_series(self._checked(pandas.concat(results, ignore_index=True) if results else [], rows, "pandas_iter_udf"))

    def _of_array(self, result):
        if isinstance(result, pyarrow.ChunkedArray):
            result = result.combine_chunks()
        if not isinstance(result, pyarrow.Array):
            raise PySparkTypeError(errorClass="UDF_RETURN_TYPE", messageParameters={"expected": "pyarrow.Array", "actual": type(result).__name__})
        return pyarrow.RecordBatch.from_arrays([result.cast(arrow_type_of(self.result[0].dataType))], self.result.names)

    def _array(self, batch, rows):
        columns = batch.columns if batch is not None else [pyarrow.nulls(rows)]
        return self._of_array(self._checked(self._call(columns), rows, "arrow_udf"))

    def _array_iterator(self, batch, rows):
        columns = batch.columns if batch is not None else [pyarrow.nulls(rows)]
        results = list(self.function(iter([columns[0] if len(columns) == 1 else tuple(columns)])))
        return self._of_array(self._checked(pyarrow.concat_arrays(results), rows, "arrow_iter_udf"))

    def _frames(self, batch, rows):
        try:
            from pyspark.worker import verify_pandas_result
        except ImportError:
            verify_pandas_result = None
        names, frames = self.argument_names, []
        given = Columns(batch, names, self.arguments, self.settings["time_zone"]).frame(0, rows)
        for frame in self._iterated(self.function(iter([given])), "pandas.DataFrame"):
            if verify_pandas_result is not None:
                verify_pandas_result(frame, self.result, assign_cols_by_name=True, truncate_return_schema=True)
            frames.append(frame)
        return FrameWriter(self.result, dict(self.settings, assign_by_name=True)).batch(frames)

    @staticmethod
    def _iterated(result, of):
        if not hasattr(result, "__iter__"):
            raise PySparkTypeError(errorClass="UDF_RETURN_TYPE", messageParameters={"expected": f"iterator of {of}", "actual": type(result).__name__})
        return result

    def _batches(self, batch, rows):
        given = pyarrow.RecordBatch.from_arrays(batch.columns, self.argument_names)
        results = []
        for result in self._iterated(self.function(iter([given])), "pyarrow.RecordBatch"):
            if not isinstance(result, pyarrow.RecordBatch):
                raise PySparkTypeError(errorClass="UDF_RETURN_TYPE", messageParameters={"expected": "iterator of pyarrow.RecordBatch",
                                                                                        "actual": f"iterator of {type(result).__name__}"})
            results.append(result)
        names = [f"r{place}" for place in range(len(self.result))]
        columns = []
        for field in self.result:
            arrow_type = arrow_type_of(field.dataType)
            parts = [result.column(field.name).cast(arrow_type) for result in results]
            columns.append(pyarrow.concat_arrays(parts) if parts else pyarrow.array([], arrow_type))
        return pyarrow.RecordBatch.from_arrays(columns, names)
