#!/usr/bin/env python3
"""DataFrame.observe in batch queries, as PySpark 4.2 answered (tests/spark/observe/record.py). In streams: test_progress.py."""
import json
import os
import re
import sys

import pyspark

from harness import main

SPARK = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SPARK, "observe"))
import cases  # noqa: E402


def plain(answer):
    """Without a seed; without what overflows, which Spark says where it generates code only; with suggestions in any order."""
    plain = {}
    for key, value in answer.items():
        value = re.sub(r"rand\(-?\d+\)", "rand()", value).replace("] long overflow", "] overflow")
        start = value.find("[`")
        plain[key] = value if start < 0 else value[:start] + ", ".join(sorted(value[start:].strip("[]?.").split(", ")))
    return plain


def test_observations_are_as_in_spark(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    with open(os.path.join(SPARK, "data", "observe.json"), encoding="utf-8") as file:
        expected = json.load(file)
    assert set(expected) == set(cases.CASES)
    differs = []
    for name in cases.CASES:
        if name == "same name, same metrics" and pyspark.__version__.startswith("4.1"):
            continue  # that client's own TypeError: it merges the observations of both sides as keyword arguments
        ours = cases.answer(spark, name)
        if plain(ours) != plain(expected[name]):
            differs.append(f"{name}: {ours} instead of {expected[name]}")
    assert not differs, "\n".join(differs)


def test_many_rows_are_counted_once(spark):
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    for _ in range(5):
        seen = Observation()
        frame = spark.range(3_000_000).observe(seen, F.count(F.lit(1)).alias("n"), F.sum("id").alias("total"))
        assert frame.where("id % 1000 = 0").count() == 3000
        assert seen.get == {"n": 3_000_000, "total": 3_000_000 * 2_999_999 // 2}


def test_a_query_that_stops_early_ends(spark):
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    seen = Observation()
    assert len(spark.range(50_000_000).observe(seen, F.count(F.lit(1)).alias("n")).limit(5).collect()) == 5
    assert 5 <= seen.get["n"] <= 50_000_000


if __name__ == "__main__":
    main(globals())
