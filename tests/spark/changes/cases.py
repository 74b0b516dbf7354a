"""DELETE, UPDATE, MERGE and partial overwrites of Delta tables in SQL, run on Apache Spark with Delta and on millstream by the same code.

A case is a list of statements on fresh tables: t and its deletion-vector twin are filled alike. Each statement's rows or error class are noted, and
the table, and its change data feed, at the end.
"""
import datetime
import decimal

SETUP = [
    "CREATE OR REPLACE TABLE t (id BIGINT, v STRING, n INT, d DECIMAL(10,2), ts TIMESTAMP) USING delta TBLPROPERTIES "
    "('delta.enableDeletionVectors' = '{vectors}', 'delta.enableChangeDataFeed' = 'true')",
    "INSERT INTO t VALUES (1, 'a', 10, 1.50, TIMESTAMP '2024-01-01 00:00:00'), (2, 'b', 20, 2.50, NULL), (3, 'c', NULL, 3.50, NULL), "
    "(4, NULL, 40, NULL, NULL), (NULL, 'e', 50, 5.50, TIMESTAMP '2024-01-05 00:00:00')",
    "CREATE OR REPLACE TABLE s (id BIGINT, v STRING, n INT) USING delta",
    "INSERT INTO s VALUES (2, 'B', 200), (3, 'C', 300), (7, 'G', 700), (NULL, 'N', 0)",
]
NESTED = [
    "CREATE OR REPLACE TABLE t (id INT, s STRUCT<a: INT, b: STRUCT<c: STRING, e: INT>>, l ARRAY<INT>, m MAP<STRING, INT>) USING delta TBLPROPERTIES "
    "('delta.enableDeletionVectors' = '{vectors}', 'delta.enableChangeDataFeed' = 'true')",
    "INSERT INTO t SELECT 1, named_struct('a', 1, 'b', named_struct('c', 'x', 'e', 5)), array(1, 2), map('k', 1)",
    "INSERT INTO t SELECT 2, NULL, NULL, NULL",
]
PARTS = [
    "CREATE OR REPLACE TABLE t (id BIGINT, k STRING, day DATE) USING delta PARTITIONED BY (k, day) TBLPROPERTIES "
    "('delta.enableDeletionVectors' = '{vectors}', 'delta.enableChangeDataFeed' = 'true')",
    "INSERT INTO t VALUES (1, 'a', DATE '2024-01-01'), (2, 'a', DATE '2024-01-02'), (3, 'b', DATE '2024-01-01'), (4, NULL, NULL), (5, 'c d/e', DATE '2024-01-01')",
]
STRICT = [
    "CREATE OR REPLACE TABLE t (id BIGINT NOT NULL, v STRING, b TINYINT) USING delta TBLPROPERTIES "
    "('delta.enableDeletionVectors' = '{vectors}', 'delta.enableChangeDataFeed' = 'true')",
    "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)",
]
MERGE = "MERGE INTO t USING s ON t.id = s.id "


def case(*statements, setup=None):
    return list(setup or SETUP), list(statements)


CASES = {
    "delete/all": case("DELETE FROM t"),
    "delete/some": case("DELETE FROM t WHERE id > 2", "DELETE FROM t WHERE id > 2"),
    "delete/null_condition": case("DELETE FROM t WHERE n > 15", "DELETE FROM t WHERE NULL"),
    "delete/is_null": case("DELETE FROM t WHERE id IS NULL OR v IS NULL"),
    "delete/not": case("DELETE FROM t WHERE NOT (n = 10)"),
    "delete/function": case("DELETE FROM t WHERE upper(v) IN ('A', 'C') OR year(ts) = 2024"),
    "delete/in_subquery": case("DELETE FROM t WHERE id IN (SELECT id FROM s)"),
    "delete/not_in_subquery": case("DELETE FROM t WHERE id NOT IN (SELECT id FROM s WHERE id IS NOT NULL)"),
    "delete/exists": case("DELETE FROM t WHERE EXISTS (SELECT 1 FROM s WHERE s.id = t.id)"),
    "delete/scalar_subquery": case("DELETE FROM t WHERE id = (SELECT max(id) - 4 FROM s)"),
    "delete/alias": case("DELETE FROM t AS x WHERE x.id = 1", "DELETE FROM t x WHERE t.id = 2"),
    "delete/twice_then_insert": case("DELETE FROM t WHERE id = 1", "DELETE FROM t WHERE id = 2", "INSERT INTO t (id) VALUES (9)", "DELETE FROM t WHERE id = 9"),
    "delete/unknown_column": case("DELETE FROM t WHERE nope = 1"),
    "delete/not_boolean": case("DELETE FROM t WHERE id"),
    "delete/string_as_boolean": case("DELETE FROM t WHERE 'true'"),
    "delete/random": case("DELETE FROM t WHERE rand() < 2"),
    "delete/aggregate": case("DELETE FROM t WHERE max(id) = 1"),
    "delete/unknown_table": case("DELETE FROM nope"),
    "delete/division": case("DELETE FROM t WHERE 1 / (id - 2) > 0"),
    "delete/partition": case("DELETE FROM t WHERE k = 'a'", "DELETE FROM t WHERE k IS NULL", "DELETE FROM t WHERE day = '2024-01-01' AND id = 3", setup=PARTS),
    "update/all": case("UPDATE t SET v = 'x'"),
    "update/some": case("UPDATE t SET v = 'x', n = n * 2 WHERE id >= 3"),
    "update/by_old_values": case("UPDATE t SET id = n, n = id"),
    "update/default": case("UPDATE t SET v = DEFAULT WHERE id = 1"),
    "update/null": case("UPDATE t SET v = NULL, d = NULL WHERE id = 1"),
    "update/cast_up": case("UPDATE t SET id = 5S, d = 7, n = 3Y WHERE id = 1"),
    "update/cast_down": case("UPDATE t SET n = 5L WHERE id = 1", "UPDATE t SET n = 3000000000 WHERE id = 1"),
    "update/string_to_int": case("UPDATE t SET n = '12' WHERE id = 1", "UPDATE t SET n = 'x' WHERE id = 1"),
    "update/int_to_string": case("UPDATE t SET v = 12 WHERE id = 1"),
    "update/decimal_overflow": case("UPDATE t SET d = 1e12 WHERE id = 1", "UPDATE t SET d = 123456789012BD WHERE id = 1"),
    "update/decimal_rounded": case("UPDATE t SET d = 1.235BD WHERE id = 1"),
    "update/string_to_time": case("UPDATE t SET ts = '2024-05-05' WHERE id = 1"),
    "update/bool_to_int": case("UPDATE t SET n = true WHERE id = 1"),
    "update/same_column_twice": case("UPDATE t SET v = 'x', v = 'y'"),
    "update/unknown_column": case("UPDATE t SET nope = 1"),
    "update/alias": case("UPDATE t AS x SET x.v = x.v || '!' WHERE x.id = 1", "UPDATE t x SET t.v = 'q'"),
    "update/subquery_condition": case("UPDATE t SET v = 'q' WHERE id IN (SELECT id FROM s)"),
    "update/subquery_value": case("UPDATE t SET v = (SELECT max(v) FROM s) WHERE id = 1"),
    "update/random": case("UPDATE t SET n = cast(rand() * 0 AS INT)"),
    "update/case": case("UPDATE t SET v = CASE WHEN n > 15 THEN 'big' WHEN n IS NULL THEN 'none' ELSE v END"),
    "update/partition_column": case("UPDATE t SET k = 'z' WHERE k = 'a'", "UPDATE t SET day = NULL", setup=PARTS),
    "update/struct_field": case("UPDATE t SET s.a = 7, s.b.c = 'y'", setup=NESTED),
    "update/struct_whole": case("UPDATE t SET s = named_struct('a', 9, 'b', named_struct('c', 'q', 'e', 8)) WHERE id = 1", "UPDATE t SET s = NULL WHERE id = 1", setup=NESTED),
    "update/struct_by_name": case("UPDATE t SET s = named_struct('b', named_struct('e', 8, 'c', 'q'), 'a', 9) WHERE id = 1", setup=NESTED),
    "update/struct_missing_field": case("UPDATE t SET s = named_struct('a', 9) WHERE id = 1", setup=NESTED),
    "update/array_and_map": case("UPDATE t SET l = array(3, 4L), m = map('z', 26)", "UPDATE t SET l[0] = 1", setup=NESTED),
    "update/struct_and_field": case("UPDATE t SET s.a = 1, s = NULL", setup=NESTED),
    "update/not_null": case("UPDATE t SET id = NULL WHERE id = 1", setup=STRICT),
    "update/tiny_overflow": case("UPDATE t SET b = 300", "UPDATE t SET b = b + 1", setup=STRICT),
    "merge/upsert": case(MERGE + "WHEN MATCHED THEN UPDATE SET v = s.v, n = s.n WHEN NOT MATCHED THEN INSERT (id, v, n) VALUES (s.id, s.v, s.n)"),
    "merge/star_missing": case(MERGE + "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"),
    "merge/delete": case(MERGE + "WHEN MATCHED THEN DELETE"),
    "merge/conditions": case(MERGE + "WHEN MATCHED AND s.n > 250 THEN DELETE WHEN MATCHED AND t.n = 20 THEN UPDATE SET v = concat(t.v, s.v) "
                             "WHEN NOT MATCHED AND s.id IS NULL THEN INSERT (v) VALUES ('null') WHEN NOT MATCHED AND s.id > 5 THEN INSERT (id) VALUES (s.id * 10)"),
    "merge/by_source": case(MERGE + "WHEN NOT MATCHED BY SOURCE AND t.id = 1 THEN UPDATE SET v = 'gone' WHEN NOT MATCHED BY SOURCE THEN DELETE"),
    "merge/all_kinds": case(MERGE + "WHEN MATCHED THEN UPDATE SET n = t.n + s.n WHEN NOT MATCHED BY TARGET THEN INSERT (id, n) VALUES (s.id, -1) "
                            "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = 'alone'"),
    "merge/null_safe": case("MERGE INTO t USING s ON t.id <=> s.id WHEN MATCHED THEN UPDATE SET v = s.v"),
    "merge/false": case("MERGE INTO t USING s ON false WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)"),
    "merge/true": case("MERGE INTO t USING (SELECT 1 AS one) s ON true WHEN MATCHED THEN UPDATE SET n = s.one"),
    "merge/range": case("MERGE INTO t USING (SELECT 2 AS lo, 3 AS hi) s ON t.id BETWEEN s.lo AND s.hi WHEN MATCHED THEN DELETE"),
    "merge/two_matches_update": case("INSERT INTO s VALUES (2, 'again', 1)", MERGE + "WHEN MATCHED THEN UPDATE SET v = s.v"),
    "merge/two_matches_delete": case("INSERT INTO s VALUES (2, 'again', 1)", MERGE + "WHEN MATCHED THEN DELETE"),
    "merge/two_matches_conditional_delete": case("INSERT INTO s VALUES (2, 'again', 1)", MERGE + "WHEN MATCHED AND s.n = 1 THEN DELETE"),
    "merge/two_matches_insert_only": case("INSERT INTO s VALUES (7, 'again', 1)", MERGE + "WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)"),
    "merge/insert_only_matched_twice": case("INSERT INTO s VALUES (2, 'again', 1)", MERGE + "WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)"),
    "merge/source_query": case("MERGE INTO t USING (SELECT id, sum(n) AS total FROM s GROUP BY id) q ON t.id = q.id WHEN MATCHED THEN UPDATE SET n = q.total"),
    "merge/self": case("MERGE INTO t USING t AS o ON t.id = o.id + 1 WHEN MATCHED THEN UPDATE SET v = o.v WHEN NOT MATCHED THEN INSERT *"),
    "merge/values": case("MERGE INTO t USING (VALUES (1, 'one'), (8, 'eight')) AS q(id, w) ON t.id = q.id WHEN MATCHED THEN UPDATE SET v = w WHEN NOT MATCHED THEN INSERT (id, v) VALUES (id, w)"),
    "merge/ambiguous": case(MERGE + "WHEN MATCHED THEN UPDATE SET n = id"),
    "merge/unknown_column": case(MERGE + "WHEN MATCHED THEN UPDATE SET nope = 1"),
    "merge/unknown_source_column": case(MERGE + "WHEN MATCHED THEN UPDATE SET v = s.nope"),
    "merge/unknown_in_condition": case("MERGE INTO t USING s ON t.id = s.nope WHEN MATCHED THEN DELETE"),
    "merge/target_in_insert": case(MERGE + "WHEN NOT MATCHED THEN INSERT (id) VALUES (t.id)"),
    "merge/source_in_by_source": case(MERGE + "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = s.v"),
    "merge/subquery_in_condition": case("MERGE INTO t USING s ON t.id = s.id AND s.id IN (SELECT 2) WHEN MATCHED THEN DELETE"),
    "merge/random_condition": case("MERGE INTO t USING s ON t.id = s.id AND rand() < 2 WHEN MATCHED THEN DELETE"),
    "merge/aggregate_value": case(MERGE + "WHEN MATCHED THEN UPDATE SET n = max(s.n)"),
    "merge/clause_after_unconditional": case(MERGE + "WHEN MATCHED THEN DELETE WHEN MATCHED THEN UPDATE SET v = 'x'"),
    "merge/no_clause": case("MERGE INTO t USING s ON t.id = s.id"),
    "merge/delete_not_matched": case(MERGE + "WHEN NOT MATCHED THEN DELETE"),
    "merge/insert_duplicate_column": case(MERGE + "WHEN NOT MATCHED THEN INSERT (id, id) VALUES (1, 2)"),
    "merge/insert_arity": case(MERGE + "WHEN NOT MATCHED THEN INSERT (id, v) VALUES (1)"),
    "merge/cast_overflow": case(MERGE + "WHEN MATCHED THEN UPDATE SET n = s.n + 3000000000"),
    "merge/cast_string": case(MERGE + "WHEN MATCHED THEN UPDATE SET n = s.v"),
    "merge/evolution": case("MERGE WITH SCHEMA EVOLUTION INTO t USING (SELECT 2L AS id, 'B' AS v, 5 AS extra) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"),
    "merge/evolution_assigned": case("MERGE WITH SCHEMA EVOLUTION INTO t USING (SELECT 2L AS id, 5 AS extra, 6 AS other) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET extra = s.extra"),
    "merge/evolution_insert": case("MERGE WITH SCHEMA EVOLUTION INTO t USING (SELECT 9L AS id, 5 AS extra) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT *"),
    "merge/not_null": case("MERGE INTO t USING (SELECT 9 AS x) s ON t.id = s.x WHEN NOT MATCHED THEN INSERT (v) VALUES ('q')", setup=STRICT),
    "merge/partitions": case("MERGE INTO t USING (SELECT 1L AS id, 'z' AS k) s ON t.id = s.id AND t.k = 'a' WHEN MATCHED THEN UPDATE SET k = s.k WHEN NOT MATCHED BY SOURCE AND k = 'b' THEN DELETE",
                             setup=PARTS),
    "merge/nested": case("MERGE INTO t USING (SELECT 1 AS id, 4 AS a) q ON t.id = q.id WHEN MATCHED THEN UPDATE SET s.a = q.a", setup=NESTED),
    "merge/nested_star": case("MERGE INTO t USING (SELECT 2 AS id, named_struct('b', named_struct('e', 1, 'c', 'w'), 'a', 2) AS s, array(9) AS l, map('q', 1) AS m) q "
                              "ON t.id = q.id WHEN MATCHED THEN UPDATE SET *", setup=NESTED),
    "merge/empty_source": case("MERGE INTO t USING (SELECT * FROM s WHERE false) s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (1)"),
    "merge/with_cte": case("WITH q AS (SELECT 1L AS id) MERGE INTO t USING q ON t.id = q.id WHEN MATCHED THEN DELETE"),
    "replace/where": case("INSERT INTO t REPLACE WHERE id >= 3 SELECT id + 1, v, n, NULL, NULL FROM s WHERE id IN (2, 3)"),
    "replace/mismatch": case("INSERT INTO t REPLACE WHERE id >= 3 SELECT id, v, n, NULL, NULL FROM s"),
    "replace/partition": case("INSERT OVERWRITE t PARTITION (k = 'a', day = DATE '2024-01-01') SELECT 99", setup=PARTS),
    "replace/some_partition_columns": case("INSERT OVERWRITE t PARTITION (k = 'a', day) SELECT 99, DATE '2024-03-03'", setup=PARTS),
    "replace/insert_into_partition": case("INSERT INTO t PARTITION (k = 'q', day = NULL) VALUES (7)", setup=PARTS),
    "replace/not_a_partition": case("INSERT INTO t PARTITION (id = 1) VALUES ('a', NULL)", setup=PARTS),
    "replace/too_few": case("INSERT INTO t PARTITION (k = 'q') VALUES (7)", setup=PARTS),
    "replace/overwrite_all": case("INSERT OVERWRITE t SELECT 1, 'x', NULL", setup=PARTS),
}


def plain(value):
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return str(value)
    if hasattr(value, "asDict"):
        return {name: plain(value[name]) for name in value.asDict()}
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def rows(frame):
    return sorted(([plain(value) for value in row] for row in frame.collect()), key=str)


def run_statement(spark, sql, then=lambda frame: frame):
    try:
        return {"rows": rows(then(spark.sql(sql)))}
    except Exception as error:  # noqa: BLE001: whatever it is, it is compared
        condition = error.getCondition() if hasattr(error, "getCondition") else None
        return {"error": condition or type(error).__name__, "text": str(error).split("\n")[0][:200]}


def run_case(spark, name, vectors):
    setup, statements = CASES[name]
    for sql in setup:
        spark.sql(sql.replace("{vectors}", vectors))
    first = spark.sql("DESCRIBE HISTORY t").selectExpr("max(version)").collect()[0][0]
    results = [run_statement(spark, sql) for sql in statements]
    table = run_statement(spark, "SELECT * FROM t")
    feed = run_statement(spark, f"SELECT * FROM table_changes('t', {first + 1})",
                         lambda frame: frame.withColumn("commit", frame["_commit_version"] - first).drop("_commit_timestamp", "_commit_version"))
    last = spark.sql("DESCRIBE HISTORY t").selectExpr("max(version)").collect()[0][0]
    return {"results": results, "table": table, "feed": feed, "commits": last - first}
