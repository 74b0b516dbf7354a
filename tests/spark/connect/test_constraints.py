"""CHECK constraints, invariants, NOT NULL and generated columns: the cases of tests/spark/constraints as Apache Spark with Delta ran them
(tests/spark/data/constraints.json), and what loads of files do with rows that break a rule. tests/spark/constraints/known_differences.json says what differs.

    test_constraints.py [a prefix of names …]
"""
import json
import os
import sys

os.environ["TZ"] = "UTC"
here = os.path.dirname(os.path.abspath(__file__))
recordings = os.path.join(os.path.dirname(here), "constraints")
sys.path.insert(0, recordings)

import harness  # noqa: E402
from cases import CASES, run_case  # noqa: E402


def differences(expected, actual):
    for number, (one, other) in enumerate(zip(expected["results"], actual["results"])):
        if one != other:
            yield f"statement {number}: {json.dumps(one)} in Spark, {json.dumps(other)} here"
    if expected["table"].get("rows") != actual["table"].get("rows"):
        yield f"table: {json.dumps(expected['table'])} in Spark, {json.dumps(actual['table'])} here"
    if expected["described"] != actual["described"]:
        yield f"log: {json.dumps(expected['described'])} in Spark, {json.dumps(actual['described'])} here"


def files(directory, **named):
    os.makedirs(directory, exist_ok=True)
    for name, rows in named.items():
        with open(f"{directory}/{name}.json", "w") as out:
            out.write("".join(json.dumps(row) + "\n" for row in rows))
    return directory


def rows_of(spark, sql):
    return sorted(tuple(row) for row in spark.sql(sql).collect())


def violated(action):
    """The text of the DELTA_VIOLATE_CONSTRAINT_WITH_VALUES that it ends in."""
    try:
        action()
    except Exception as error:  # noqa: BLE001
        assert "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES" in str(error), error
        return str(error)
    raise AssertionError("no violation")


TARGET = ("CREATE OR REPLACE TABLE {name} (id INT, ts TIMESTAMP, n INT, d DATE GENERATED ALWAYS AS (CAST(ts AS DATE))) USING delta PARTITIONED BY (d)",
          "ALTER TABLE {name} ADD CONSTRAINT positive CHECK (n > 0)")
GOOD = [{"id": 1, "ts": "2024-02-29T12:00:00Z", "n": 1}, {"id": 2, "ts": "2024-03-01T12:00:00Z", "n": 2}]
BAD = [{"id": 3, "ts": "2024-03-01T12:00:00Z", "n": -3}, {"id": 4, "ts": "2024-03-01T12:00:00Z", "n": 4}, {"id": 5, "ts": "2024-03-01T12:00:00Z"}]
LOADED = [(1, "2024-02-29"), (2, "2024-03-01")]


def target(spark, name):
    spark.sql(f"DROP TABLE IF EXISTS {name}")
    for sql in TARGET:
        spark.sql(sql.format(name=name))


def stream(spark, source, table, checkpoint, **options):
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").options(**options)
    query = (reader.schema("id INT, ts TIMESTAMP, n INT").load(source).writeStream.option("checkpointLocation", checkpoint)
             .trigger(availableNow=True).toTable(table))
    query.awaitTermination()
    return query


def test_copy_into_computes_and_checks(spark, place):
    target(spark, "c1")
    source = files(place + "/c1", good=GOOD)
    counts = spark.sql(f"COPY INTO c1 FROM '{source}' FILEFORMAT = JSON").collect()[0]
    assert counts["num_inserted_rows"] == 2, counts
    assert rows_of(spark, "SELECT id, string(d) FROM c1") == LOADED
    files(place + "/c1", bad=BAD)
    told = violated(lambda: spark.sql(f"COPY INTO c1 FROM '{source}' FILEFORMAT = JSON").collect())
    assert "positive (n > 0)" in told and "- n : -3" in told, told
    assert rows_of(spark, "SELECT id, string(d) FROM c1") == LOADED
    spark.sql("ALTER TABLE c1 DROP CONSTRAINT positive")
    assert spark.sql(f"COPY INTO c1 FROM '{source}' FILEFORMAT = JSON").collect()[0]["num_inserted_rows"] == 3


def test_copy_into_validates(spark, place):
    target(spark, "c2")
    source = files(place + "/c2", good=GOOD, bad=BAD)
    violated(lambda: spark.sql(f"COPY INTO c2 FROM '{source}' FILEFORMAT = JSON VALIDATE ALL").collect())
    assert rows_of(spark, "SELECT id FROM c2") == []


def test_copy_into_keeps_what_is_violated(spark, place):
    target(spark, "c3")
    source = files(place + "/c3", good=GOOD, bad=BAD)
    copy = f"COPY INTO c3 FROM '{source}' FILEFORMAT = JSON COPY_OPTIONS ('onError' = 'CONTINUE', 'quarantineTable' = 'c3_bad')"
    counts = spark.sql(copy).collect()[0]
    assert counts["num_inserted_rows"] == 3, counts
    assert rows_of(spark, "SELECT id, string(d) FROM c3") == LOADED + [(4, "2024-03-01")]
    kept = spark.sql("SELECT error_class, reason, raw FROM c3_bad ORDER BY raw").collect()
    assert [row["error_class"] for row in kept] == ["DELTA_VIOLATE_CONSTRAINT_WITH_VALUES"] * 2, kept
    assert any("- n : -3" in row["reason"] for row in kept) and any("- n : null" in row["reason"] for row in kept), kept
    assert {json.loads(row["raw"])["id"] for row in kept} == {3, 5}, kept
    # Mended, they go where they were meant for; what still breaks the rule stays.
    spark.sql("UPDATE c3_bad SET raw = CAST(replace(CAST(raw AS STRING), '-3', '3') AS BINARY) WHERE CAST(raw AS STRING) LIKE '%-3%'")
    retried = spark.sql("RETRY QUARANTINE c3_bad").collect()[0]
    assert (retried["num_retried"], retried["num_loaded"], retried["num_still_bad"]) == (2, 1, 1), (retried, spark.sql("SELECT reason, raw FROM c3_bad").collect())
    assert rows_of(spark, "SELECT id, string(d) FROM c3") == LOADED + [(3, "2024-03-01"), (4, "2024-03-01")]


def test_stream_computes_and_checks(spark, place):
    target(spark, "s1")
    source, checkpoint = files(place + "/s1", good=GOOD), place + "/s1_checkpoint"
    stream(spark, source, "s1", checkpoint)
    assert rows_of(spark, "SELECT id, string(d) FROM s1") == LOADED
    files(source, bad=BAD)
    violated(lambda: stream(spark, source, "s1", checkpoint))
    assert rows_of(spark, "SELECT id, string(d) FROM s1") == LOADED
    # The batch that failed comes again, and once.
    spark.sql("ALTER TABLE s1 DROP CONSTRAINT positive")
    stream(spark, source, "s1", checkpoint)
    assert rows_of(spark, "SELECT id FROM s1") == [(1,), (2,), (3,), (4,), (5,)]


def test_stream_keeps_what_is_violated(spark, place):
    target(spark, "s2")
    source = files(place + "/s2", good=GOOD, bad=BAD)
    stream(spark, source, "s2", place + "/s2_checkpoint", **{"cloudFiles.quarantineTable": "s2_bad"})
    assert rows_of(spark, "SELECT id, string(d) FROM s2") == LOADED + [(4, "2024-03-01")]
    kept = spark.sql("SELECT error_class, `column`, raw FROM s2_bad").collect()
    assert {(row["error_class"], row["column"]) for row in kept} == {("DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", "positive")}, kept
    assert {json.loads(row["raw"])["id"] for row in kept} == {3, 5}, kept


def test_parquet_is_not_copied_unseen(spark, place):
    spark.range(1, 200_000).selectExpr("CAST(id AS INT) AS id", "CAST(id AS INT) - 5 AS n").coalesce(1).write.parquet(place + "/p")
    for name, option in (("p1", "off"), ("p2", "copy")):
        spark.sql(f"CREATE OR REPLACE TABLE {name} (id INT, n INT) USING delta")
        spark.sql(f"ALTER TABLE {name} ADD CONSTRAINT c CHECK (n > -4)")
        copy = f"COPY INTO {name} FROM '{place}/p' FILEFORMAT = PARQUET COPY_OPTIONS ('zeroCopy' = '{option}')"
        violated(lambda: spark.sql(copy).collect())
        assert rows_of(spark, f"SELECT count(*) FROM {name}") == [(0,)]
    spark.sql("ALTER TABLE p2 DROP CONSTRAINT c")
    spark.sql("ALTER TABLE p2 ADD CONSTRAINT c CHECK (n > -5)")
    told = spark.sql(copy).collect()[0]
    assert told["num_registered_files"] == 0 and "CHECK constraints" in told["not_registered"], told
    assert rows_of(spark, "SELECT count(*) FROM p2") == [(199_999,)]


def test_undo_needs_no_rule(spark, place):
    """Rows that stay only move: they were looked at when they came."""
    spark.sql("CREATE OR REPLACE TABLE u (id INT, n INT) USING delta")
    for name in ("a", "b"):
        files(place + "/u", **{name: [{"id": 1, "n": 1}, {"id": 2, "n": 2}]})
    spark.sql(f"COPY INTO u FROM '{place}/u' FILEFORMAT = JSON").collect()
    spark.sql("ALTER TABLE u ADD CONSTRAINT c CHECK (n < 3)")
    spark.sql("UNDO FILES IN u WHERE path LIKE '%a.json'").collect()
    assert rows_of(spark, "SELECT id, n FROM u") == [(1, 1), (2, 2)]


def test_many_rows(spark, place):
    """Generated values stay with their rows, whoever computes them."""
    spark.sql("CREATE OR REPLACE TABLE m (id BIGINT, s STRING, twice BIGINT GENERATED ALWAYS AS (id * 2), k INT GENERATED ALWAYS AS (CAST(id % 3 AS INT))) "
              "USING delta PARTITIONED BY (k)")
    spark.sql("ALTER TABLE m ADD CONSTRAINT c CHECK (twice >= 0 AND s = CAST(id AS STRING))")
    spark.sql("INSERT INTO m (id, s) SELECT id, CAST(id AS STRING) FROM range(300000)")
    assert rows_of(spark, "SELECT count(*), sum(id), count_if(twice = id * 2 AND k = id % 3 AND s = CAST(id AS STRING)) FROM m") == [(300_000, 44999850000, 300_000)]
    told = violated(lambda: spark.sql("INSERT INTO m (id, s) SELECT id, IF(id = 250000, 'x', CAST(id AS STRING)) FROM range(300000)"))
    assert "- id : 250000" in told and "- s : x" in told, told
    spark.sql("INSERT INTO m REPLACE WHERE k = 1 SELECT 1 AS id, '1' AS s, 2 AS twice, 1 AS k")
    assert rows_of(spark, "SELECT count(*) FROM m WHERE k = 1") == [(1,)]


def test_what_cannot_be_understood_is_refused_by_name(spark, place):
    spark.sql("CREATE OR REPLACE TABLE r (id INT) USING delta TBLPROPERTIES ('delta.constraints.odd' = 'nosuch(id) > 1')")
    harness.raises(Exception, lambda: spark.sql("INSERT INTO r VALUES (1)"), "nosuch", "CHECK constraint odd")
    spark.sql("CREATE OR REPLACE TABLE r (id INT) USING delta TBLPROPERTIES ('delta.constraints.odd' = 'id IN (SELECT 1)')")
    harness.raises(Exception, lambda: spark.sql("INSERT INTO r VALUES (1)"), "subquery", "CHECK constraint odd")
    assert rows_of(spark, "SELECT * FROM r") == []


def main():
    with open(os.path.join(os.path.dirname(here), "data", "constraints.json")) as data:
        recorded = json.load(data)
    with open(os.path.join(recordings, "known_differences.json")) as data:
        known = json.load(data)
    prefixes = tuple(sys.argv[1:])
    server = harness.Server()
    spark = server.session()
    passed, wrong = 0, []
    for name in CASES:
        if name not in recorded or (prefixes and not name.startswith(prefixes)):
            continue
        spark.sql("DROP TABLE IF EXISTS t")
        differs = list(differences(recorded[name], run_case(spark, name)))
        passed += not differs
        if differs and (prefixes or name not in known):
            print("FAIL", name, "\n    ".join(differs), flush=True)
            wrong.append(name)
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (prefixes and not name.startswith(prefixes)):
            continue
        try:
            test(spark, server.directory)
            passed += 1
        except Exception as error:  # noqa: BLE001
            print("FAIL", name, type(error).__name__, str(error)[:2000], flush=True)
            wrong.append(name)
    server.close()
    print(f"tests: {passed} passed, {len(wrong)} failed", flush=True)
    sys.stderr.flush()
    os._exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
