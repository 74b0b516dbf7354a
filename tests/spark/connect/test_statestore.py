#!/usr/bin/env python3
"""format("statestore") and format("state-metadata"): the state of stateful queries as a table, as Spark 4.2 shows it (data/statestore.json)."""
import json
import os
import pathlib
import sys
import tempfile
import time

SPARK = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(SPARK))

import statestore_cases as cases  # noqa: E402
from harness import main, raises  # noqa: E402

RECORDED = json.loads((SPARK / "data" / "statestore.json").read_text())
CHECKPOINTS = {}
ROOT = tempfile.mkdtemp()


def checkpoint_of(spark, name):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    if name not in CHECKPOINTS:
        CHECKPOINTS[name] = cases.run(spark, name, ROOT)
    return CHECKPOINTS[name]


def columns(schema):
    """Names and types; of a key the columns in any order: here an event time leads, whatever the order in which the query names them."""
    fields = [(field["name"], columns(field["type"]) if isinstance(field["type"], dict) else field["type"]) for field in schema["fields"]]
    return sorted(fields, key=lambda field: field[0]) if fields and fields[0][0] not in ("key", "batch_id") else fields


def without_partitions(rows):
    """Recorded with one shuffle partition; here the state of an aggregate has several."""
    rows = [{name: value for name, value in row.items() if name not in ("partition_id", "numPartitions")} for row in rows]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def test_reads_show_what_spark_shows(spark):
    for case in RECORDED["reads"]:
        name, options = case["query"], case["options"]
        got = cases.read(spark, checkpoint_of(spark, name), options)
        assert columns(got["schema"]) == columns(case["schema"]), f"{name} {options}: {got['schema']} instead of {case['schema']}"
        if case["schema"].get("unreadable"):
            assert got["rows"], name
        else:
            assert without_partitions(got["rows"]) == without_partitions(case["rows"]), f"{name} {options}: {got['rows']} instead of {case['rows']}"


def test_rows_of_a_join_are_read(spark):  # Spark 4.2 fails on them
    got = cases.read(spark, checkpoint_of(spark, "join"), {"joinSide": "right", "batchId": "0"})
    assert [(row["key"]["field0"], row["value"]["rk"], row["value"]["rv"]) for row in got["rows"]] == [("a", "a", 1), ("a", "a", 3), ("b", "b", 2)], got["rows"]


def test_metadata_lists_operators_from_the_top(spark):
    for name, recorded in RECORDED["metadata"].items():
        got = cases.read(spark, checkpoint_of(spark, name), {}, "state-metadata")
        assert columns(got["schema"]) == columns(recorded["schema"])
        if name == "join":  # stores are ours
            assert [row["stateStoreName"] for row in got["rows"]] == ["left", "right"], got["rows"]
        else:
            assert without_partitions(got["rows"]) == without_partitions(recorded["rows"]), f"{name}: {got['rows']} instead of {recorded['rows']}"


def test_wrong_options_get_sparks_errors(spark):
    for case in RECORDED["errors"]:
        checkpoint = checkpoint_of(spark, case["query"])
        got = cases.error(spark, checkpoint, case["options"])
        message = got.get("message", "").replace(ROOT, "ROOT")
        assert message.endswith(case["message"]), f"{case['options']}: {message} instead of {case['message']}"
        assert case["condition"] is None or got["condition"] == case["condition"], f"{case['options']}: {got}"
    for what in ("statestore", "state-metadata"):
        raises(Exception, lambda: spark.read.format(what).load().schema, "STDS_REQUIRED_OPTION_UNSPECIFIED", "'path' must be specified")
    raises(Exception, lambda: spark.read.format("statestore").load(ROOT + "/nowhere").schema, "STDS_COMMITTED_BATCH_UNAVAILABLE")


def test_state_is_queried_like_any_table(spark):
    checkpoint = checkpoint_of(spark, "count")
    spark.read.format("statestore").option("path", checkpoint).load().createOrReplaceTempView("state")
    assert spark.sql("SELECT key.k, value.count FROM state WHERE value.count > 1 ORDER BY 1").collect() == [("a", 4), ("b", 2)]
    assert spark.sql("SELECT count(*) FROM state").first()[0] == 5
    partitions = spark.read.format("state-metadata").load(checkpoint).first().numPartitions
    assert all(0 <= row[0] < partitions for row in spark.sql("SELECT partition_id FROM state").collect())


def test_a_running_query_is_read_and_goes_on(spark):
    directory = tempfile.mkdtemp()
    query = (spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 50).load().selectExpr("value % 20 AS k").groupBy("k").count()
             .writeStream.format("noop").outputMode("update").option("checkpointLocation", directory).start())
    deadline, reads = time.monotonic() + 20, 0
    while reads < 20 and time.monotonic() < deadline:
        if query.lastProgress is None:
            time.sleep(0.01)
            continue
        batch = max(int(name) for name in os.listdir(directory + "/commits") if name.isdigit())
        rows = spark.read.format("statestore").option("batchId", batch).load(directory).selectExpr("value.count AS n").collect()
        assert len(rows) == 20 and sum(row.n for row in rows) == 50 * (batch + 1), (batch, rows)
        reads += 1
    assert reads == 20 and query.exception() is None
    query.stop()


if __name__ == "__main__":
    main(globals())
