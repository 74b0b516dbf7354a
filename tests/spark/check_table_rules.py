#!/usr/bin/env python3
"""A table with a CHECK constraint and a generated partition column, made and loaded by millstream ($MILLSTREAM): delta-spark reads it, loads into it, and enforces the
same; then millstream goes on with what Spark has written.

    MILLSTREAM=build/release/millstream python tests/spark/check_table_rules.py
"""
import json
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "connect"), here]
import harness  # noqa: E402
from check_delta_interop import session  # noqa: E402


def refused(action):
    try:
        action()
    except Exception as error:  # noqa: BLE001
        assert "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES" in str(error), error
        return
    raise AssertionError("a row that breaks a rule was taken")


def rows_of(spark, table):
    return sorted(tuple(str(value) for value in row) for row in spark.sql(f"SELECT id, d, n FROM {table}").collect())


def main():
    server = harness.Server()
    ours = server.session()
    table = f"delta.`{server.directory}/t`"
    ours.sql(f"CREATE TABLE {table} (id INT, ts TIMESTAMP, d DATE GENERATED ALWAYS AS (CAST(ts AS DATE)), n INT) USING delta PARTITIONED BY (d)")
    ours.sql(f"ALTER TABLE {table} ADD CONSTRAINT positive CHECK (n > 0)")
    os.makedirs(server.directory + "/in")
    with open(server.directory + "/in/a.json", "w") as out:
        out.write("".join(json.dumps({"id": i, "ts": f"2024-02-0{i}T12:00:00Z", "n": i}) + "\n" for i in (1, 2)))
    ours.sql(f"COPY INTO {table} FROM '{server.directory}/in' FILEFORMAT = JSON").collect()
    expected = [("1", "2024-02-01", "1"), ("2", "2024-02-02", "2")]
    assert rows_of(ours, table) == expected
    ours.stop()

    theirs = session()
    theirs.sparkContext.setLogLevel("OFF")
    assert rows_of(theirs, table) == expected
    assert theirs.sql(f"SELECT count(*) FROM {table} WHERE d = CAST(ts AS DATE)").collect()[0][0] == 2
    refused(lambda: theirs.sql(f"INSERT INTO {table} (id, ts, n) VALUES (3, TIMESTAMP '2024-02-03 12:00:00', -3)"))
    refused(lambda: theirs.sql(f"INSERT INTO {table} VALUES (3, TIMESTAMP '2024-02-03 12:00:00', DATE '2024-02-04', 3)"))
    theirs.sql(f"INSERT INTO {table} (id, ts, n) VALUES (3, TIMESTAMP '2024-02-03 12:00:00', 3)")
    theirs.sql(f"ALTER TABLE {table} ADD CONSTRAINT small CHECK (n < 10)")
    theirs.stop()

    ours = server.session()
    expected.append(("3", "2024-02-03", "3"))
    assert rows_of(ours, table) == expected
    refused(lambda: ours.sql(f"INSERT INTO {table} (id, ts, n) VALUES (4, TIMESTAMP '2024-02-04 12:00:00', 10)"))
    ours.sql(f"INSERT INTO {table} (id, ts, n) VALUES (4, TIMESTAMP '2024-02-04 12:00:00', 4)")
    assert rows_of(ours, table) == expected + [("4", "2024-02-04", "4")]
    server.close()
    print("tests: 1 passed, 0 failed", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
