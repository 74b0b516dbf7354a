#!/usr/bin/env python3
"""lastProgress, recentProgress, status and the events of a listener, field for field as PySpark 4.2 gave them (tests/spark/progress/record.py)."""
import json
import os
import sys

from harness import main

SPARK = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SPARK, "progress"))
import cases  # noqa: E402

def differences(ours, spark, path=""):
    if isinstance(ours, dict) and isinstance(spark, dict):
        for key in sorted(set(ours) | set(spark)):
            yield from differences(ours.get(key, "<absent>"), spark.get(key, "<absent>"), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(spark, list) and len(ours) == len(spark):
        for number, (one, other) in enumerate(zip(ours, spark)):
            yield from differences(one, other, f"{path}[{number}]")
    elif ours != spark:
        yield f"{path}: {json.dumps(ours)} instead of {json.dumps(spark)}"


def test_each_field_is_as_in_spark(spark):
    with open(os.path.join(SPARK, "data", "progress.json"), encoding="utf-8") as file:
        expected = json.load(file)
    assert set(expected) == {cases.name_of(case) for case in cases.CASES}
    for key, value in cases.CONF.items():
        spark.conf.set(key, value)
    differs = []
    for case in cases.CASES:
        name = cases.name_of(case)
        ours, spark_s = cases.answer(spark, case), expected[name]
        # Spark's Delta sink does not count what it writes (-1); ours does.
        if case[1] in ("delta", "table"):
            for one, other in zip(ours["progress"], spark_s["progress"]):
                assert other["sink"].pop("numOutputRows") == -1 and one["sink"].pop("numOutputRows") == one["numInputRows"], name
        differs += [f"{name}: {line}" for line in differences(ours, spark_s)]
    assert not differs, "\n".join(differs)


if __name__ == "__main__":
    main(globals())
