#!/usr/bin/env python3
"""A table with a CHECK constraint and a generated partition column, made and loaded by millstream ($MILLSTREAM): delta-spark reads it, loads into it, and enforces the
same; then millstream goes on with what Spark has written.

    MILLSTREAM=build/release/millstream .venv/spark-4.2/bin/python tests/spark/check_table_rules.py

Needs pyspark 4.2.0, delta-spark 4.4.0 and a JVM; takes about a minute.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_delta_interop import session  # noqa: E402

work = tempfile.mkdtemp(prefix="table-rules-")
TABLE = f"delta.`{work}/t`"
VIOLATED = "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES"


def millstream(statement, fails=""):
    done = subprocess.run([os.environ["MILLSTREAM"], "sql", "--warehouse", work + "/warehouse", "-c", statement], capture_output=True, text=True, timeout=120)
    if fails:
        assert done.returncode != 0 and fails in done.stderr, (done.stdout, done.stderr)
    else:
        assert done.returncode == 0, done.stderr
    return done.stdout


def refused_by_spark(spark, statement):
    try:
        spark.sql(statement)
    except Exception as error:  # noqa: BLE001
        assert VIOLATED in str(error), error
        return
    raise AssertionError("Spark takes a row that breaks a rule: " + statement)


def rows_of(spark):
    return sorted(tuple(row) for row in spark.sql(f"SELECT id, string(d), n FROM {TABLE}").collect())


def main():
    millstream(f"CREATE TABLE {TABLE} (id INT, ts TIMESTAMP, d DATE GENERATED ALWAYS AS (CAST(ts AS DATE)), n INT) USING delta PARTITIONED BY (d)")
    millstream(f"ALTER TABLE {TABLE} ADD CONSTRAINT positive CHECK (n > 0)")
    os.makedirs(work + "/in")
    with open(work + "/in/a.json", "w") as out:
        out.write("".join(json.dumps({"id": i, "ts": f"2024-02-0{i}T12:00:00Z", "n": i}) + "\n" for i in (1, 2)))
    millstream(f"COPY INTO {TABLE} FROM '{work}/in' FILEFORMAT = JSON")

    spark = session()
    spark.sparkContext.setLogLevel("OFF")
    expected = [(1, "2024-02-01", 1), (2, "2024-02-02", 2)]
    assert rows_of(spark) == expected, rows_of(spark)
    refused_by_spark(spark, f"INSERT INTO {TABLE} (id, ts, n) VALUES (3, TIMESTAMP '2024-02-03 12:00:00', -3)")
    refused_by_spark(spark, f"INSERT INTO {TABLE} VALUES (3, TIMESTAMP '2024-02-03 12:00:00', DATE '2024-02-04', 3)")
    spark.sql(f"INSERT INTO {TABLE} (id, ts, n) VALUES (3, TIMESTAMP '2024-02-03 12:00:00', 3)")
    spark.sql(f"ALTER TABLE {TABLE} ADD CONSTRAINT small CHECK (n < 10)")

    millstream(f"INSERT INTO {TABLE} (id, ts, n) VALUES (4, TIMESTAMP '2024-02-04 12:00:00', 10)", fails=VIOLATED)
    millstream(f"INSERT INTO {TABLE} VALUES (4, TIMESTAMP '2024-02-04 12:00:00', DATE '2024-02-05', 4)", fails=VIOLATED)
    millstream(f"INSERT INTO {TABLE} (id, ts, n) VALUES (4, TIMESTAMP '2024-02-04 12:00:00', 4)")
    millstream(f"UPDATE {TABLE} SET ts = TIMESTAMP '2024-02-09 12:00:00' WHERE id = 1")
    assert rows_of(spark) == [(1, "2024-02-09", 1), (2, "2024-02-02", 2), (3, "2024-02-03", 3), (4, "2024-02-04", 4)], rows_of(spark)
    assert [row[0] for row in spark.sql(f"SHOW TBLPROPERTIES {TABLE}").collect() if "constraints" in row[0]] == ["delta.constraints.positive", "delta.constraints.small"]
    spark.stop()
    print("tests: 1 passed, 0 failed", flush=True)


if __name__ == "__main__":
    main()
