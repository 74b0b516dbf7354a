"""CHECK constraints, column invariants, NOT NULL and generated columns of Delta tables, run on Apache Spark with Delta and on millstream by the same code.

A case is a list of statements. Each one's rows, or error class and message, are noted; at the end the rows of t, its CHECK constraints, its protocol and
the metadata of its columns. A statement that is not SQL alone begins with a word of STEPS.
"""
import json
import os
import re
import shutil

TABLE = "CREATE OR REPLACE TABLE t (id INT, v STRING, n INT) USING delta"
CHECKED = [TABLE, "ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0)", "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)"]
SOURCE = ["CREATE OR REPLACE TABLE s (id INT, v STRING, n INT) USING delta"]
GOOD = SOURCE + ["INSERT INTO s VALUES (2, 'B', 20), (3, 'C', 30)"]
BAD = SOURCE + ["INSERT INTO s VALUES (2, 'B', 20), (3, 'C', -30)"]
DAYS = ["CREATE OR REPLACE TABLE t (id INT, ts TIMESTAMP, d DATE GENERATED ALWAYS AS (CAST(ts AS DATE))) USING delta"]
PARTS = ["CREATE OR REPLACE TABLE t (id INT, ts TIMESTAMP, d DATE GENERATED ALWAYS AS (CAST(ts AS DATE))) USING delta PARTITIONED BY (d)"]
MERGE = "MERGE INTO t USING s ON t.id = s.id "


def field(name, kind, nullable=True, **metadata):
    return {"name": name, "type": kind, "nullable": nullable, "metadata": {key.replace("__", "."): value for key, value in metadata.items()}}


def invariant(expression):
    return json.dumps({"expression": {"expression": expression}})


# Tables of their own making: fields, properties, protocol.
MADE = {
    "invariant": ([field("id", "integer", delta__invariants=invariant("id > 3")), field("v", "string")], {}, (1, 2)),
    "nested_invariant": ([field("id", "integer"), field("s", {"type": "struct", "fields": [field("x", "integer", delta__invariants=invariant("s.x < 10"))]})],
                         {}, (1, 2)),
    "persisted": ([field("id", "integer", delta__invariants=json.dumps({"expression": "id > 3"}))], {}, (1, 2)),
    "broken": ([field("id", "integer")], {"delta.constraints.broken": "nope > 3"}, (1, 3)),
    "text": ([field("id", "integer"), field("v", "string")], {"delta.constraints.c": "id"}, (1, 3)),
    "generated": ([field("id", "integer"), field("twice", "long", delta__generationExpression="id * 2")], {}, (1, 4)),
    "not_null": ([field("id", "integer", False), field("v", "string")], {}, (1, 2)),
    "defaults": ([field("id", "integer"), field("v", "string", CURRENT_DEFAULT="'x'")], {"delta.feature.allowColumnDefaults": "supported"}, (1, 7)),
}

CASES = {
    # Adding and dropping.
    "add/verified": [TABLE, "INSERT INTO t VALUES (1, 'a', 1)", "ALTER TABLE t ADD CONSTRAINT Positive CHECK (n > 0)", "INSERT INTO t VALUES (1, 'a', 0)"],
    "add/violated": [TABLE, "INSERT INTO t VALUES (1, 'a', -1), (2, 'b', NULL), (3, 'c', 3)", "ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0)"],
    "add/null": [TABLE, "INSERT INTO t VALUES (2, 'b', NULL)", "ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0)"],
    "add/twice": CHECKED + ["ALTER TABLE t ADD CONSTRAINT POSITIVE CHECK (n > 1)", "ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0)"],
    "add/text": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK ( n   >  0  AND /* not too large */ n < 100)", "INSERT INTO t VALUES (1, 'a', 100)"],
    "add/quoted": [TABLE, "ALTER TABLE t ADD CONSTRAINT `odd name` CHECK (`n` <> 0)", "INSERT INTO t VALUES (1, 'a', 0)"],
    "add/no_parentheses": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK n > 0"],
    "add/unknown_column": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (nope > 0)"],
    "add/unknown_function": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (nope(n) > 0)"],
    "add/not_boolean": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (n + 1)"],
    "add/subquery": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (n IN (SELECT id FROM t))"],
    "add/aggregate": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (sum(n) > 0)"],
    "add/random": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (n > rand())"],
    "add/now": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (v < current_timestamp())"],
    "add/qualified": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (t.n > 0)"],
    "add/no_table": ["ALTER TABLE nope ADD CONSTRAINT c CHECK (n > 0)"],
    "add/property": [TABLE, "ALTER TABLE t SET TBLPROPERTIES ('delta.constraints.c' = 'n > 0')", "INSERT INTO t VALUES (1, 'a', -1)"],
    "add/unset_property": CHECKED + ["ALTER TABLE t UNSET TBLPROPERTIES ('delta.constraints.positive')", "INSERT INTO t VALUES (1, 'a', -1)"],
    "add/create_property": ["CREATE OR REPLACE TABLE t (id INT, v STRING, n INT) USING delta TBLPROPERTIES ('delta.constraints.c' = 'n > 0')",
                            "INSERT INTO t VALUES (1, 'a', -1)"],
    "add/in_create": ["DROP TABLE IF EXISTS t", "CREATE TABLE t (id INT, n INT, CONSTRAINT c CHECK (n > 0)) USING delta", "INSERT INTO t VALUES (1, -1)"],
    "add/column_in_create": ["DROP TABLE IF EXISTS t", "CREATE TABLE t (id INT, n INT CHECK (n > 0)) USING delta"],
    "add/with_vectors": ["CREATE OR REPLACE TABLE t (id INT, n INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
                         "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0)", "INSERT INTO t VALUES (1, -1)"],
    "add/primary_key": [TABLE, "ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY (id)"],
    "drop/there": CHECKED + ["ALTER TABLE t DROP CONSTRAINT POSITIVE", "INSERT INTO t VALUES (3, 'c', -3)"],
    "drop/missing": CHECKED + ["ALTER TABLE t DROP CONSTRAINT nope"],
    "drop/if_exists": CHECKED + ["ALTER TABLE t DROP CONSTRAINT IF EXISTS nope", "ALTER TABLE t DROP CONSTRAINT IF EXISTS positive"],
    "drop/no_table": ["ALTER TABLE nope DROP CONSTRAINT c"],
    # Writing.
    "write/insert": CHECKED + ["INSERT INTO t VALUES (3, 'c', 3)", "INSERT INTO t VALUES (4, 'd', 4), (5, 'e', -5), (6, 'f', 6)"],
    "write/null": CHECKED + ["INSERT INTO t VALUES (3, 'c', NULL)", "INSERT INTO t (id) VALUES (3)"],
    "write/several": [TABLE, "ALTER TABLE t ADD CONSTRAINT b CHECK (n > 0)", "ALTER TABLE t ADD CONSTRAINT a CHECK (id < 10 OR v = 'x')",
                      "INSERT INTO t VALUES (1, 'a', -1)", "INSERT INTO t VALUES (11, 'a', 1)", "INSERT INTO t VALUES (11, 'a', -1)", "INSERT INTO t VALUES (11, NULL, 1)",
                      "INSERT INTO t VALUES (11, 'x', 1)"],
    "write/overwrite": CHECKED + ["INSERT OVERWRITE t VALUES (3, 'c', -3)", "INSERT OVERWRITE t VALUES (4, 'd', 4)"],
    "write/replace_where": CHECKED + ["INSERT INTO t REPLACE WHERE id = 2 VALUES (2, 'x', -2)", "INSERT INTO t REPLACE WHERE id = 2 VALUES (2, 'x', 22)"],
    "write/append": CHECKED + BAD + ["APPEND s"] + GOOD + ["APPEND s"],
    "write/overwrite_frame": CHECKED + BAD + ["OVERWRITE s"] + GOOD + ["OVERWRITE s"],
    "write/overwrite_schema": CHECKED + ["CREATE OR REPLACE TABLE s (id INT, n BIGINT) USING delta", "INSERT INTO s VALUES (1, -1)", "OVERWRITE_SCHEMA s"],
    "write/overwrite_schema_without": CHECKED + ["CREATE OR REPLACE TABLE s (id INT) USING delta", "INSERT INTO s VALUES (1)", "OVERWRITE_SCHEMA s"],
    "write/merge_schema": CHECKED + ["CREATE OR REPLACE TABLE s (id INT, n INT, extra STRING) USING delta", "INSERT INTO s VALUES (1, -1, 'e')", "MERGE_SCHEMA s",
                                     "CREATE OR REPLACE TABLE s (id INT, n INT, extra STRING) USING delta", "INSERT INTO s VALUES (1, 1, 'e')", "MERGE_SCHEMA s"],
    "write/update": CHECKED + ["UPDATE t SET n = -n WHERE id = 2", "UPDATE t SET n = NULL", "UPDATE t SET v = 'z'"],
    "write/delete": CHECKED + ["DELETE FROM t WHERE id = 1"],
    "write/merge": CHECKED + BAD + [MERGE + "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *", MERGE + "WHEN MATCHED THEN UPDATE SET n = -1",
                                    MERGE + "WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id, 5)", MERGE + "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = 0",
                                    MERGE + "WHEN MATCHED THEN UPDATE SET *"],
    "write/vectors": ["CREATE OR REPLACE TABLE t (id INT, n INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', "
                      "'delta.enableChangeDataFeed' = 'true')", "INSERT INTO t VALUES (1, 1), (2, 2)", "ALTER TABLE t ADD CONSTRAINT c CHECK (n < 5)",
                      "UPDATE t SET n = n + 3 WHERE id = 2", "UPDATE t SET n = n + 2 WHERE id = 2"],
    "write/ctas_replace": CHECKED + ["CREATE OR REPLACE TABLE t USING delta AS SELECT 1 AS id, -1 AS n", "INSERT INTO t VALUES (2, -2)"],
    # What the message says of values.
    "values/kinds": ["CREATE OR REPLACE TABLE t (b BOOLEAN, i TINYINT, l BIGINT, f FLOAT, g DOUBLE, d DECIMAL(10,2), s STRING, x BINARY, day DATE, ts TIMESTAMP, "
                     "ntz TIMESTAMP_NTZ) USING delta",
                     "ALTER TABLE t ADD CONSTRAINT c CHECK (b AND i > 0 AND l > 0 AND f > 0 AND g > 0 AND d > 0 AND s > 'a' AND x > X'00' AND day > DATE '2000-01-01' "
                     "AND ts > TIMESTAMP '2000-01-01 00:00:00' AND ntz > TIMESTAMP_NTZ '2000-01-01 00:00:00')",
                     "INSERT INTO t VALUES (false, 1, 2, 1.5, 1e20, 12.30, 'it''s', X'41ff', DATE '2024-02-29', TIMESTAMP '2024-02-29 12:34:56.5', "
                     "TIMESTAMP_NTZ '2024-02-29 12:34:56')",
                     "INSERT INTO t VALUES (true, 1, 2, 'NaN', -1e-10, 12.30, 'b', X'41', DATE '2024-02-29', TIMESTAMP '2024-02-29 12:34:56.123456', "
                     "TIMESTAMP_NTZ '2024-02-29 00:00:00')",
                     "INSERT INTO t SELECT null, null, null, null, null, null, null, null, null, null, null"],
    "values/nested": ["CREATE OR REPLACE TABLE t (s STRUCT<a: INT, b: STRUCT<c: STRING>>, l ARRAY<INT>, m MAP<STRING, INT>) USING delta",
                      "ALTER TABLE t ADD CONSTRAINT c CHECK (s.a > 0 AND s.b.c <> 'x')",
                      "INSERT INTO t SELECT named_struct('a', 1, 'b', named_struct('c', 'x')), array(1), map('k', 1)",
                      "ALTER TABLE t ADD CONSTRAINT e CHECK (size(l) < 3 AND m['k'] > 0 AND s.b IS NOT NULL)",
                      "INSERT INTO t SELECT named_struct('a', 1, 'b', named_struct('c', 'y')), array(1, 2, null), map('k', 1)",
                      "INSERT INTO t SELECT named_struct('a', 1, 'b', named_struct('c', 'y')), array(1), map('k', -1, 'j', null)"],
    "values/twice": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0 AND n < 10 AND N <> 5 OR id = n)", "INSERT INTO t VALUES (1, 'a', 5)"],
    "values/functions": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (length(trim(v)) BETWEEN 1 AND 3 AND v RLIKE '^[a-z]+$' AND CASE WHEN n IS NULL THEN true ELSE n % 2 = 0 END)",
                         "INSERT INTO t VALUES (1, 'abc', NULL), (2, 'a', 4)", "INSERT INTO t VALUES (1, 'abcd', 2)", "INSERT INTO t VALUES (1, 'A', 2)",
                         "INSERT INTO t VALUES (1, 'a', 3)"],
    "values/text_compare": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (v > 5)", "INSERT INTO t VALUES (1, '6', 3)", "INSERT INTO t VALUES (1, '4', 3)", "INSERT INTO t VALUES (1, 'x', 3)"],
    "values/division": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (10 / n > 1)", "INSERT INTO t VALUES (1, 'a', 0)", "INSERT INTO t VALUES (1, 'a', 5)"],
    "values/only_literal": [TABLE, "ALTER TABLE t ADD CONSTRAINT c CHECK (1 = 2)", "INSERT INTO t VALUES (1, 'a', 0)"],
    # Invariants and NOT NULL.
    "invariant/insert": ["MAKE invariant", "INSERT INTO t VALUES (4, 'a')", "INSERT INTO t VALUES (3, 'a')", "INSERT INTO t VALUES (NULL, 'a')", "UPDATE t SET id = 1"],
    "invariant/nested": ["MAKE nested_invariant", "INSERT INTO t SELECT 1, named_struct('x', 9)", "INSERT INTO t SELECT 1, named_struct('x', 10)", "INSERT INTO t SELECT 1, NULL"],
    "invariant/persisted": ["MAKE persisted", "INSERT INTO t VALUES (3)"],
    "constraint/broken": ["MAKE broken", "INSERT INTO t VALUES (1)"],
    "constraint/text": ["MAKE text", "INSERT INTO t VALUES (1, 'a')"],
    "not_null/insert": ["MAKE not_null", "INSERT INTO t VALUES (NULL, 'a')", "INSERT INTO t VALUES (1, NULL)"],
    "not_null/both": ["MAKE not_null", "ALTER TABLE t ADD CONSTRAINT c CHECK (v <> 'x')", "INSERT INTO t VALUES (NULL, 'x')", "INSERT INTO t VALUES (1, 'x')"],
    "not_null/nested": ["CREATE OR REPLACE TABLE t (id INT, s STRUCT<a: INT NOT NULL, b: INT>) USING delta", "INSERT INTO t SELECT 1, named_struct('a', NULL, 'b', 1)",
                        "INSERT INTO t SELECT 1, NULL", "INSERT INTO t SELECT 1, named_struct('a', 1, 'b', 1)"],
    "not_null/drop": ["MAKE not_null", "ALTER TABLE t ALTER COLUMN id DROP NOT NULL", "INSERT INTO t VALUES (NULL, 'a')", "ALTER TABLE t ALTER COLUMN id DROP NOT NULL"],
    "not_null/set": [TABLE, "ALTER TABLE t ALTER COLUMN id SET NOT NULL", "INSERT INTO t VALUES (NULL, 'a', 1)"],
    "not_null/set_again": ["MAKE not_null", "ALTER TABLE t ALTER COLUMN id SET NOT NULL"],
    "not_null/change": ["MAKE not_null", "ALTER TABLE t CHANGE COLUMN id DROP NOT NULL", "INSERT INTO t VALUES (NULL, 'a')"],
    "not_null/unknown": ["MAKE not_null", "ALTER TABLE t ALTER COLUMN nope DROP NOT NULL"],
    # Generated columns.
    "generated/insert": DAYS + ["INSERT INTO t (id, ts) VALUES (1, TIMESTAMP '2024-02-29 12:00:00'), (2, NULL)", "INSERT INTO t VALUES (3, TIMESTAMP '2024-02-29 12:00:00', DATE '2024-02-29')",
                                "INSERT INTO t VALUES (4, TIMESTAMP '2024-02-29 12:00:00', DATE '2024-03-01')", "INSERT INTO t VALUES (5, TIMESTAMP '2024-02-29 12:00:00', NULL)",
                                "INSERT INTO t VALUES (6, NULL, NULL)", "INSERT INTO t VALUES (7, TIMESTAMP '2024-02-29 12:00:00')",
                                "INSERT INTO t VALUES (8, TIMESTAMP '2024-02-29 12:00:00', DEFAULT)", "INSERT INTO t (id) VALUES (9)", "INSERT INTO t BY NAME SELECT 10 AS id, TIMESTAMP '2024-01-01 00:00:00' AS ts"],
    "generated/append": DAYS + ["CREATE OR REPLACE TABLE s (id INT, ts TIMESTAMP) USING delta", "INSERT INTO s VALUES (1, TIMESTAMP '2024-02-29 12:00:00')", "APPEND s", "OVERWRITE s",
                                "CREATE OR REPLACE TABLE s (id INT, ts TIMESTAMP, d DATE) USING delta", "INSERT INTO s VALUES (2, TIMESTAMP '2024-02-29 12:00:00', DATE '2024-02-28')", "APPEND s",
                                "CREATE OR REPLACE TABLE s (id INT) USING delta", "INSERT INTO s VALUES (3)", "APPEND s",
                                "CREATE OR REPLACE TABLE s (id INT, ts TIMESTAMP, x INT) USING delta", "INSERT INTO s VALUES (4, TIMESTAMP '2024-02-29 12:00:00', 1)", "APPEND s", "MERGE_SCHEMA s"],
    "generated/update": DAYS + ["INSERT INTO t (id, ts) VALUES (1, TIMESTAMP '2024-02-29 12:00:00')", "UPDATE t SET ts = TIMESTAMP '2025-01-01 00:00:00'", "UPDATE t SET d = DATE '2024-01-01'",
                                "UPDATE t SET ts = TIMESTAMP '2024-01-01 00:00:00', d = DATE '2024-01-01'", "UPDATE t SET ts = TIMESTAMP '2024-01-01 00:00:00', d = DATE '2024-01-02'", "UPDATE t SET id = 2"],
    "generated/merge": DAYS + ["INSERT INTO t (id, ts) VALUES (1, TIMESTAMP '2024-02-29 12:00:00'), (2, TIMESTAMP '2024-02-29 12:00:00')", "CREATE OR REPLACE TABLE s (id INT, ts TIMESTAMP) USING delta",
                               "INSERT INTO s VALUES (2, TIMESTAMP '2025-02-02 12:00:00'), (3, TIMESTAMP '2025-03-03 12:00:00')", MERGE + "WHEN MATCHED THEN UPDATE SET ts = s.ts WHEN NOT MATCHED THEN INSERT (id, ts) VALUES (s.id, s.ts)",
                               MERGE + "WHEN MATCHED THEN UPDATE SET d = DATE '2000-01-01'", MERGE + "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
                               MERGE + "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET ts = NULL", MERGE + "WHEN MATCHED AND s.id = 3 THEN UPDATE SET id = 33"],
    "generated/partition": PARTS + ["INSERT INTO t (id, ts) VALUES (1, TIMESTAMP '2024-02-29 12:00:00'), (2, NULL), (3, TIMESTAMP '2024-03-01 12:00:00')", "SELECT id FROM t WHERE d = DATE '2024-03-01'",
                                    "INSERT INTO t VALUES (4, TIMESTAMP '2024-02-29 12:00:00', DATE '2024-03-01')", "UPDATE t SET ts = TIMESTAMP '2025-01-01 00:00:00' WHERE id = 1",
                                    "INSERT INTO t PARTITION (d = '2024-02-29') VALUES (5, TIMESTAMP '2024-02-29 12:00:00')"],
    "generated/checked": DAYS + ["ALTER TABLE t ADD CONSTRAINT c CHECK (d > DATE '2024-01-01')", "INSERT INTO t (id, ts) VALUES (1, TIMESTAMP '2023-02-28 12:00:00')",
                                 "INSERT INTO t (id, ts) VALUES (1, TIMESTAMP '2024-02-28 12:00:00')"],
    "generated/add_not_null": ["CREATE OR REPLACE TABLE t (id INT, twice INT NOT NULL GENERATED ALWAYS AS (id * 2)) USING delta", "INSERT INTO t (id) VALUES (1)", "INSERT INTO t (id) VALUES (NULL)"],
    "generated/not_null_behind": ["CREATE OR REPLACE TABLE t (id INT, twice INT GENERATED ALWAYS AS (id * 2) NOT NULL COMMENT 'doubled') USING delta", "INSERT INTO t (id) VALUES (1)"],
    "generated/kinds": ["CREATE OR REPLACE TABLE t (id INT, ts TIMESTAMP, s STRUCT<a: STRING>, y INT GENERATED ALWAYS AS (year(ts)), h INT GENERATED ALWAYS AS (hour(ts)), "
                        "day STRING GENERATED ALWAYS AS (date_format(ts, 'yyyy-MM')), tr TIMESTAMP GENERATED ALWAYS AS (date_trunc('HOUR', ts)), u STRING GENERATED ALWAYS AS (upper(s.a)), "
                        "b BIGINT GENERATED ALWAYS AS (CAST(id AS BIGINT) + 1)) USING delta",
                        "INSERT INTO t (id, ts, s) SELECT 1, TIMESTAMP '2024-02-29 12:34:56', named_struct('a', 'x')"],
    "generated/type": ["CREATE OR REPLACE TABLE t (id INT, twice BIGINT GENERATED ALWAYS AS (id * 2)) USING delta"],
    "generated/narrow": ["CREATE OR REPLACE TABLE t (id BIGINT, twice INT GENERATED ALWAYS AS (id * 2)) USING delta"],
    "generated/of_string": ["CREATE OR REPLACE TABLE t (id BIGINT, x STRING GENERATED ALWAYS AS (id * 2)) USING delta"],
    "generated/of_generated": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS (id + 1), b INT GENERATED ALWAYS AS (a + 1)) USING delta"],
    "generated/of_itself": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS (a + 1)) USING delta"],
    "generated/unknown": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS (nope + 1)) USING delta"],
    "generated/unknown_function": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS (nope(id))) USING delta"],
    "generated/random": ["CREATE OR REPLACE TABLE t (id INT, a DOUBLE GENERATED ALWAYS AS (rand())) USING delta"],
    "generated/now": ["CREATE OR REPLACE TABLE t (id INT, a TIMESTAMP GENERATED ALWAYS AS (current_timestamp())) USING delta"],
    "generated/aggregate": ["CREATE OR REPLACE TABLE t (id INT, a BIGINT GENERATED ALWAYS AS (sum(id))) USING delta"],
    "generated/subquery": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS ((SELECT 1))) USING delta"],
    "generated/window": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS (row_number() OVER (ORDER BY id))) USING delta"],
    "generated/twice": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS (id + 1) GENERATED ALWAYS AS (id + 2)) USING delta"],
    "generated/with_default": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS (id + 1) DEFAULT 4) USING delta"],
    "generated/text": ["CREATE OR REPLACE TABLE t (id INT, a INT GENERATED ALWAYS AS (  id   +  1 /* one */ )) USING delta", "INSERT INTO t (id) VALUES (1)"],
    "generated/identity": ["CREATE OR REPLACE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY, a INT) USING delta"],
    "generated/ctas": ["CREATE OR REPLACE TABLE t (a INT, b INT GENERATED ALWAYS AS (a)) USING delta AS SELECT 1 AS a"],
    "generated/made": ["MAKE generated", "INSERT INTO t (id) VALUES (1)", "INSERT INTO t VALUES (1, 3)", "INSERT INTO t VALUES (1, 2)"],
    "generated/divided": ["CREATE OR REPLACE TABLE t (id INT, a DOUBLE GENERATED ALWAYS AS (10 / id)) USING delta", "INSERT INTO t (id) VALUES (4)", "INSERT INTO t (id) VALUES (0)"],
    # DEFAULT values.
    "default/made": ["MAKE defaults", "INSERT INTO t (id) VALUES (1)", "INSERT INTO t VALUES (2, DEFAULT)", "INSERT INTO t VALUES (3, NULL)", "INSERT INTO t VALUES (4)"],
    "default/create": ["CREATE OR REPLACE TABLE t (id INT, v STRING DEFAULT 'x') USING delta TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
                       "INSERT INTO t (id) VALUES (1)", "CREATE OR REPLACE TABLE s (id INT) USING delta", "INSERT INTO s VALUES (9)", "APPEND s", "UPDATE t SET v = DEFAULT"],
    "default/not_supported": ["CREATE OR REPLACE TABLE t (id INT, v STRING DEFAULT 'x') USING delta"],
}


def make(spark, name):
    """The table t, by its log alone."""
    fields, properties, (reader, writer) = MADE[name]
    spark.sql("CREATE OR REPLACE TABLE t (unused INT) USING delta")
    place = spark.sql("DESCRIBE DETAIL t").collect()[0]["location"].replace("file:", "")
    spark.sql("DROP TABLE t")
    shutil.rmtree(place, ignore_errors=True)
    place = os.path.join(os.path.dirname(place), f"made_{name}")
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place + "/_delta_log")
    protocol = {"minReaderVersion": reader, "minWriterVersion": writer}
    if writer == 7:
        protocol["writerFeatures"] = sorted(key.removeprefix("delta.feature.") for key in properties if key.startswith("delta.feature."))
        properties = {key: value for key, value in properties.items() if not key.startswith("delta.feature.")}
    metadata = {"id": "11111111-2222-3333-4444-555555555555", "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}), "partitionColumns": [], "configuration": properties, "createdTime": 1}
    with open(place + "/_delta_log/00000000000000000000.json", "w") as log:
        log.write(json.dumps({"commitInfo": {"timestamp": 1, "operation": "CREATE TABLE", "operationParameters": {}}}) + "\n" + json.dumps({"protocol": protocol}) + "\n" + json.dumps({"metaData": metadata}) + "\n")
    spark.sql(f"CREATE TABLE t USING delta LOCATION '{place}'")


STEPS = {
    "MAKE": make,
    "APPEND": lambda spark, source: spark.table(source).write.format("delta").mode("append").saveAsTable("t"),
    "OVERWRITE": lambda spark, source: spark.table(source).write.format("delta").mode("overwrite").saveAsTable("t"),
    "OVERWRITE_SCHEMA": lambda spark, source: spark.table(source).write.format("delta").mode("overwrite").option("overwriteSchema", "true").saveAsTable("t"),
    "MERGE_SCHEMA": lambda spark, source: spark.table(source).write.format("delta").mode("append").option("mergeSchema", "true").saveAsTable("t"),
}


def normalized(condition, text):
    """The class and message, whichever client tells of it: PySpark without Connect shows Delta's own exceptions as they are in Java."""
    text = text.split("\n\nJVM stacktrace")[0].split("=== Streaming Query ===")[0]
    # The innermost of nested errors: what a writing task, or a stream, ended in.
    told = re.findall(r"\[(DELTA_[A-Z_.]+)\] ([\s\S]*?)(?=\n\tat |\n\[|\Z| SQLSTATE: |\nwhile )", text)
    if told:
        return told[-1][0], told[-1][1].strip()
    found = re.search(r"\[([A-Z_.]+)\] ([\s\S]*?)(?=\n\tat |\Z| SQLSTATE: )", text)
    return (found[1], found[2].strip()) if found else (condition, text.split("\n")[0].strip())


def run_statement(spark, statement):
    word, _, rest = statement.partition(" ")
    try:
        if word in STEPS:
            STEPS[word](spark, rest)
            return {"rows": []}
        frame = spark.sql(statement)
        rows = [[str(value) for value in row] for row in frame.collect()]
        return {"rows": sorted(rows) if word == "SELECT" else []}
    except Exception as error:  # noqa: BLE001
        condition = getattr(error, "getCondition", lambda: None)()
        condition, message = normalized(condition or type(error).__name__, str(error))
        return {"error": condition, "message": message}


def described(spark):
    """What the log says of t."""
    try:
        place = spark.sql("DESCRIBE DETAIL t").collect()[0]["location"].replace("file:", "")
    except Exception:  # noqa: BLE001
        return None
    found = {}
    for name in sorted(os.listdir(place + "/_delta_log")):
        if not name.endswith(".json"):
            continue
        with open(f"{place}/_delta_log/{name}") as commit:
            for line in commit:
                action = json.loads(line)
                if "protocol" in action:
                    found["protocol"] = action["protocol"]
                if "metaData" in action:
                    found["columns"] = {one["name"]: [one["nullable"], one["metadata"]] for one in json.loads(action["metaData"]["schemaString"])["fields"]}
                    found["constraints"] = {key: value for key, value in action["metaData"]["configuration"].items() if key.startswith("delta.constraints.")}
    for features in ("readerFeatures", "writerFeatures"):
        if features in found["protocol"]:
            found["protocol"][features].sort()
    found["properties"] = sorted([row[0], row[1]] for row in spark.sql("SHOW TBLPROPERTIES t").collect() if row[0].startswith("delta.constraints."))
    return found


def run_case(spark, name):
    results = [run_statement(spark, statement) for statement in CASES[name]]
    return {"results": results, "table": run_statement(spark, "SELECT * FROM t"), "described": described(spark)}
