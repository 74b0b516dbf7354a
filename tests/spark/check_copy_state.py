#!/usr/bin/env python3
"""A table in the hands of COPY INTO and of delta-spark in turn: Spark reads it, adds to it, compacts, vacuums, restores and clones it, and what was loaded stays known.

    MILLSTREAM=build/release/millstream .venv/spark-4.2/bin/python tests/spark/check_copy_state.py

Needs pyspark 4.2.0, delta-spark 4.4.0 and a JVM; takes about a minute.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_delta_interop import session  # noqa: E402

work = tempfile.mkdtemp(prefix="copy-state-")
source, table = work + "/in", work + "/table"


def millstream(statement):
    done = subprocess.run([os.environ["MILLSTREAM"], "sql", "--warehouse", work + "/warehouse", "-c", statement], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def copy(path=table):
    """How many rows were loaded."""
    answer = millstream(f"COPY INTO delta.`{path}` FROM '{source}' FILEFORMAT = JSON")
    return int(re.findall(r"^\|(\d+) ", answer, re.M)[0])


def land(first, count):
    os.makedirs(source, exist_ok=True)
    for number in range(first, first + count):
        with open(f"{source}/f{number}.json", "w", encoding="utf-8") as file:
            file.write(f'{{"id": {number}}}\n')


def main():
    millstream(f"CREATE TABLE delta.`{table}` (id BIGINT)")
    land(0, 20)
    assert copy() == 20 and copy() == 0
    spark = session()
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    of = f"delta.`{table}`"

    def ids(path=table):
        return sorted(row.id for row in spark.read.format("delta").load(path).collect())

    assert ids() == list(range(20))
    history = spark.sql(f"DESCRIBE HISTORY {of}").collect()
    assert [row.operation for row in history] == ["COPY INTO", "CREATE TABLE"], history
    assert history[0].operationMetrics["numOutputRows"] == "20"

    for number in range(100, 112):  # Spark makes a checkpoint of every tenth version
        spark.sql(f"INSERT INTO {of} VALUES ({number})")
    assert any(name.endswith(".checkpoint.parquet") for name in os.listdir(table + "/_delta_log"))
    land(20, 5)
    assert copy() == 5 and copy() == 0
    spark.sql(f"OPTIMIZE {of}").collect()
    spark.sql(f"VACUUM {of} RETAIN 0 HOURS").collect()
    assert os.listdir(table + "/_file_ledger"), "VACUUM has taken the ledger"
    spark.sql(f"DELETE FROM {of} WHERE id < 10")
    assert copy() == 0
    assert ids() == [*range(10, 25), *range(100, 112)]
    print("ok   Spark reads, writes, compacts, vacuums and deletes; the files stay known")

    version = spark.sql(f"DESCRIBE HISTORY {of} LIMIT 1").collect()[0].version
    land(25, 3)
    assert copy() == 3
    spark.sql(f"RESTORE TABLE {of} TO VERSION AS OF {version}").collect()
    assert ids() == [*range(10, 25), *range(100, 112)]
    assert copy() == 0, "RESTORE keeps the txn, and with it the memory"
    print("ok   RESTORE takes rows back and leaves their files known")

    spark.sql(f"CREATE TABLE delta.`{work}/clone` SHALLOW CLONE {of}").collect()
    assert copy(work + "/clone") == 28, "a shallow clone has no memory of its source's files"
    print("ok   a shallow clone begins without a memory")

    for vectors in ("false", "true"):
        undone = f"{work}/undone-{vectors}"
        millstream(f"CREATE TABLE delta.`{undone}` (id BIGINT) TBLPROPERTIES ('delta.enableDeletionVectors' = '{vectors}')")
        assert copy(undone) == 28
        millstream(f"UNDO FILES IN delta.`{undone}` WHERE path LIKE '%7.json'")
        assert ids(undone) == [number for number in range(28) if number % 10 != 7]
        if vectors == "true":  # without them Spark writes the file anew, and loses what millstream knew of it
            spark.sql(f"DELETE FROM delta.`{undone}` WHERE id = 3")
            millstream(f"UNDO FILES IN delta.`{undone}` WHERE path LIKE '%3.json'")
            millstream(f"REDO FILES IN delta.`{undone}` WHERE path LIKE '%3.json'")
        millstream(f"REDO FILES IN delta.`{undone}` WHERE path LIKE '%7.json'")
        kept = [number for number in range(28) if number != 3 or vectors == "false"]
        assert ids(undone) == kept
        spark.sql(f"OPTIMIZE delta.`{undone}`").collect()
        refused = subprocess.run([os.environ["MILLSTREAM"], "sql", "--warehouse", work + "/warehouse", "-c", f"UNDO FILES IN delta.`{undone}` WHERE path LIKE '%5.json'"],
                                 capture_output=True, text=True, timeout=120)
        assert refused.returncode != 0 and "MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE" in refused.stderr, refused
        assert ids(undone) == kept
    print("ok   Spark reads what UNDO and REDO leave, and what it has written anew is not undone")
    spark.stop()


if __name__ == "__main__":
    main()
