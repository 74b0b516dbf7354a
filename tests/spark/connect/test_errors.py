"""Errors arrive as the exception class that a script for Spark catches."""
import threading
import time

import harness
from pyspark.errors import AnalysisException, ParseException
from pyspark.errors.exceptions.connect import (ArithmeticException, SparkConnectGrpcException, UnsupportedOperationException)
from pyspark.sql import functions as F


def test_an_unknown_column(spark):
    error = harness.raises(AnalysisException, lambda: spark.range(1).select("nope").collect(), "UNRESOLVED_COLUMN.WITH_SUGGESTION", "nope")
    assert error.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert error.getSqlState() == "42703"


def test_an_unknown_table(spark):
    error = harness.raises(AnalysisException, lambda: spark.table("nowhere").collect(), "TABLE_OR_VIEW_NOT_FOUND")
    assert error.getSqlState() == "42P01"


def test_a_syntax_error(spark):
    harness.raises(ParseException, lambda: spark.sql("SELEC 1"), "PARSE_SYNTAX_ERROR")
    harness.raises(ParseException, lambda: spark.range(1).filter("id >").collect(), "PARSE_SYNTAX_ERROR")


def test_division_by_zero(spark):
    harness.raises(ArithmeticException, lambda: spark.range(1).select(F.lit(1) / F.col("id")).collect(), "DIVIDE_BY_ZERO")


def test_a_long_message_arrives_whole(spark):
    name = "n" * 5000
    harness.raises(AnalysisException, lambda: spark.range(1).select(name).collect(), name)


def test_a_message_in_other_alphabets_arrives_whole(spark):
    for name in ["größe" * 400, "表" * 3000, "a\nb\t\"c\" %41 " * 300, " x ", "\U0001f600" * 600, "é" * 2047 + "x"]:
        harness.raises(AnalysisException, lambda: spark.range(1).select(F.col("`" + name + "`")).collect(), name)
        harness.raises(AnalysisException, lambda: spark.range(1).select(F.col("`" + name + "`")).schema, name)


def test_what_is_not_there_yet_is_named(spark):
    harness.raises(UnsupportedOperationException, lambda: spark.range(1).crosstab("id", "id").collect(), "crosstab")
    mean = F.pandas_udf(lambda series: series.mean(), "double", F.PandasUDFType.GROUPED_AGG)
    harness.raises(UnsupportedOperationException, lambda: spark.range(1).select(mean("id")).collect(), "Python function")
    harness.raises(UnsupportedOperationException, lambda: spark.range(1).groupBy("id").applyInPandas(lambda frame: frame, "id long").collect(), "applyInPandas")
    # What Databricks' pages write around ingestion, and what to write instead.
    for statement, needle in (("CREATE OR REFRESH STREAMING TABLE t AS SELECT 1", "toTable(name)"), ("CREATE STREAMING TABLE t AS SELECT 1", "COPY INTO"),
                              ("CREATE VOLUME v", "CREATE VOLUME"), ("CREATE STORAGE CREDENTIAL c", "CREATE STORAGE"),
                              ("CREATE TEMPORARY VIEW v USING CSV OPTIONS (path '/x')", "read_files("),
                              ("CREATE TEMPORARY VIEW v (id INT, name STRING) USING CSV OPTIONS (path '/x')", "read_files(")):
        harness.raises(UnsupportedOperationException, lambda: spark.sql(statement), "MILLSTREAM_UNSUPPORTED", needle)
    for broken in ("CREATE OR REFRESH TABLE t (a INT)", "CREATE TEMPORARY VIEW v (a AS SELECT 1"):
        harness.raises(ParseException, lambda: spark.sql(broken), "PARSE_SYNTAX_ERROR")
    spark.sql("CREATE TEMPORARY VIEW renamed (a COMMENT 'first', b) AS SELECT 1, 2")
    assert spark.table("renamed").columns == ["a", "b"]


def test_a_name_with_odd_backticks(spark):
    harness.raises(AnalysisException, lambda: spark.range(1).select(F.col("`a")).collect(), "INVALID_ATTRIBUTE_NAME_SYNTAX")


def test_interrupt(spark):
    def cross():
        big = spark.range(100000000)
        return big.crossJoin(big.toDF("other")).filter("id * other = -1").count()
    result = []

    def run():
        try:
            result.append(cross())
        except Exception as error:
            result.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1)
    assert spark.interruptAll()
    thread.join(20)
    assert not thread.is_alive()
    assert isinstance(result[0], SparkConnectGrpcException) and "OPERATION_CANCELED" in str(result[0]), result
    assert spark.range(2).count() == 2


def test_interrupt_by_tag(spark):
    spark.addTag("slow")
    spark.removeTag("slow")
    assert spark.interruptTag("slow") == []


if __name__ == "__main__":
    harness.main(globals())
