"""format("statestore") and format("state-metadata") of transformWithState, as Spark 4.2 shows it (data/transform_state.json, recorded by stateful_python/state_reads.py)."""
import json
import os
import pathlib
import sys
import tempfile

SPARK = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(SPARK))
sys.path.insert(0, str(SPARK / "stateful_python"))
os.environ["TZ"] = "UTC"

import state_reads as cases  # noqa: E402
import statestore_cases  # noqa: E402
from harness import main  # noqa: E402
from test_statestore import without_partitions  # noqa: E402

RECORDED = json.loads((SPARK / "data" / "transform_state.json").read_text())
CHECKPOINTS = {}
ROOT = tempfile.mkdtemp()


def checkpoint_of(spark, name):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    if name not in CHECKPOINTS:
        CHECKPOINTS[name] = cases.run(spark, name, ROOT)
    return CHECKPOINTS[name]


def columns(kind):
    """Names and types, without what may be null."""
    if not isinstance(kind, dict):
        return kind
    if kind["type"] == "struct":
        return [(field["name"], columns(field["type"])) for field in kind["fields"]]
    return [(name, columns(kind[name])) for name in ("keyType", "valueType", "elementType") if name in kind]


def comparable(rows):
    """Of a map the values, in any order."""
    for row in rows:
        if "map_value" in row:
            values = row["map_value"].values() if isinstance(row["map_value"], dict) else row["map_value"]
            row["map_value"] = sorted(values, key=json.dumps)
    return without_partitions(rows)


def test_reads_show_what_spark_shows(spark):
    for case in RECORDED["reads"]:
        name, options = case["query"], case["options"]
        got = cases.read(spark, checkpoint_of(spark, name), options)
        assert columns(got["schema"]) == columns(case["schema"]), f"{name} {options}: {got['schema']} instead of {case['schema']}"
        assert comparable(got["rows"]) == comparable(case["rows"]), f"{name} {options}: {got['rows']} instead of {case['rows']}"


def test_metadata_names_the_variables(spark):
    def properties(rows):
        told = [json.loads(row["operatorProperties"]) for row in rows]
        for one in told:
            one["stateVariables"].sort(key=lambda variable: variable["stateName"])
        return told

    for name, recorded in RECORDED["metadata"].items():
        got = cases.read(spark, checkpoint_of(spark, name), {}, "state-metadata")
        assert properties(got["rows"]) == properties(recorded["rows"]), f"{name}: {got['rows']} instead of {recorded['rows']}"
        for row in got["rows"] + recorded["rows"]:
            del row["operatorProperties"]
        assert without_partitions(got["rows"]) == without_partitions(recorded["rows"]), f"{name}: {got['rows']} instead of {recorded['rows']}"


def test_wrong_options_get_sparks_errors(spark):
    for case in RECORDED["errors"]:
        got = statestore_cases.error(spark, checkpoint_of(spark, case["query"]), case["options"])
        if case["condition"]:  # else a fault of Spark's
            assert got["condition"] == case["condition"] and got["message"].endswith(case["message"]), f"{case['options']}: {got} instead of {case}"


if __name__ == "__main__":
    main(globals())
