"""Asks Spark which statements and expressions parse, with which error, and how it names an unaliased column.

Usage: python record_parser.py > data/parser.json     (needs pyspark 4.2 and a JDK)
"""
import json
import sys

from pyspark.sql import SparkSession

STATEMENTS = """
SELECT 1
SELECT 1;
SELECT 1 ; ;
SELECT 1; SELECT 2
SELECT 1 AS a, 'x' b, 2 `odd name`
SELECT * FROM t
SELECT t.*, t.a FROM db.t AS t
SELECT cat.db.t.a FROM cat.db.t
SELECT * EXCEPT (a, b) FROM t
SELECT st.* FROM t
SELECT DISTINCT a FROM t
SELECT ALL a FROM t
SELECT a FROM t WHERE a > 1 AND NOT b OR c
SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 1 ORDER BY a DESC NULLS LAST, 2 LIMIT 10 OFFSET 5
SELECT a FROM t LIMIT ALL
SELECT a FROM t OFFSET 3
SELECT count(*) FROM t HAVING count(*) > 0
SELECT a, sum(b) FROM t GROUP BY ALL
SELECT a, b, sum(c) FROM t GROUP BY ROLLUP (a, b)
SELECT a, b, sum(c) FROM t GROUP BY CUBE (a, b)
SELECT a, b, sum(c) FROM t GROUP BY a, b WITH ROLLUP
SELECT a, b, sum(c) FROM t GROUP BY a, b GROUPING SETS ((a, b), a, ())
SELECT a, b, sum(c) FROM t GROUP BY GROUPING SETS ((a, b), (a), ())
SELECT a, b FROM t GROUP BY a, ROLLUP (b)
SELECT * FROM a, b, c
SELECT * FROM a JOIN b ON a.x = b.x
SELECT * FROM a INNER JOIN b USING (x, y)
SELECT * FROM a LEFT JOIN b ON a.x = b.x RIGHT OUTER JOIN c ON true FULL JOIN d USING (x)
SELECT * FROM a LEFT SEMI JOIN b ON a.x = b.x
SELECT * FROM a ANTI JOIN b ON a.x = b.x
SELECT * FROM a SEMI JOIN b USING (x)
SELECT * FROM a LEFT ANTI JOIN b USING (x)
SELECT * FROM a CROSS JOIN b
SELECT * FROM a NATURAL LEFT JOIN b
SELECT * FROM a, LATERAL (SELECT a.x) AS l
SELECT * FROM a JOIN LATERAL explode(a.xs) AS l(v)
SELECT * FROM (a JOIN b ON true) JOIN c
SELECT * FROM a JOIN b JOIN c ON b.x = c.x ON a.x = b.x
SELECT * FROM (SELECT 1 AS a) AS s
SELECT * FROM (SELECT 1 AS a)
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name)
SELECT * FROM VALUES (1, 'a'), (2, 'b') AS v(id, name)
VALUES 1, 2
VALUES (1, 2), (3, 4)
SELECT * FROM range(10)
SELECT * FROM range(0, 10, 2) AS r(i)
SELECT * FROM read_files('/in', format => 'json')
SELECT * FROM t TABLESAMPLE (10 PERCENT)
SELECT * FROM t TABLESAMPLE (5 ROWS) AS s
SELECT * FROM t LATERAL VIEW explode(xs) e AS x
SELECT * FROM t LATERAL VIEW OUTER posexplode(xs) e AS i, x LATERAL VIEW explode(ys) f
FROM t SELECT a WHERE a > 1
FROM t
TABLE t
WITH a AS (SELECT 1), b (x, y) AS (SELECT 1, 2) SELECT * FROM a, b
WITH a AS (WITH b AS (SELECT 1) SELECT * FROM b) SELECT * FROM a
WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 2) SELECT * FROM r
SELECT 1 UNION SELECT 2
SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 3 EXCEPT SELECT 4
SELECT 1 MINUS SELECT 2
SELECT 1 AS a UNION ALL BY NAME SELECT 2 AS a
(SELECT 1) UNION (SELECT 2 ORDER BY 1) ORDER BY 1 LIMIT 1
SELECT 1 SORT BY 1
SELECT a FROM t CLUSTER BY a
SELECT a FROM t DISTRIBUTE BY a SORT BY a
SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b ORDER BY c)
SELECT /*+ BROADCAST(t) */ a FROM t
SELECT /*+ COALESCE(2), REPARTITION(3) */ a FROM t
SELECT * FROM STREAM(t)
SELECT * FROM STREAM t
SELECT * FROM t VERSION AS OF 3
SELECT * FROM t TIMESTAMP AS OF '2024-01-01'
SELECT * FROM delta.`/tmp/x`
SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a)
SELECT * FROM t WHERE a IN (SELECT a FROM u) AND (a, b) NOT IN (SELECT a, b FROM u)
SELECT (SELECT max(a) FROM u) FROM t
SELECT 1 -- one
SELECT /* two /* nested */ */ 1
SELECT 1 FROM
SELECT a FROM t WHERE
SELECT * FORM t
SELEC 1
SELECT
SELECT (1
SELECT 1)
SELECT a,, b FROM t
SELECT a FROM t GROUP a
SELECT a FROM t ORDER a
SELECT a FROM t JOIN ON x
SELECT a FROM t WHERE a = = 1
SELECT a b c
SELECT 'abc
SELECT `abc
SELECT "a" 'b'
SELECT a-b FROM t-x
SELECT é FROM t
SELECT 1a FROM t
SELECT a FROM 1t
SELECT a # b
SELECT CAST(1 AS foo)
SELECT CAST(1 AS)
SELECT CASE WHEN 1 END
SELECT CASE END
SELECT a FROM t LIMIT
SELECT a IN () FROM t
SELECT INTERVAL 1 FOO
SELECT DATE 'x'
SELECT TIMESTAMP 'x'
SELECT x'1'
SELECT 128Y
SELECT 99999999999999999999L
SELECT 1.5e400D
SELECT sum(DISTINCT) FROM t
SELECT f(a => 1, 2)
SELECT :p, ?
SELECT * FROM a LEFT JOIN
SELECT * FROM t AS
SELECT join FROM t
SELECT a AS left FROM t
SELECT * FROM t left
SELECT * FROM t on
SELECT select FROM from
/* open
-- only a comment
CREATE DATABASE d
CREATE SCHEMA IF NOT EXISTS d COMMENT 'c' LOCATION '/x' WITH DBPROPERTIES ('a' = 'b')
DROP DATABASE IF EXISTS d CASCADE
DROP SCHEMA d RESTRICT
USE d
USE DATABASE d
USE cat.d
USE SCHEMA d
SET CATALOG c
CREATE TABLE t (a INT NOT NULL COMMENT 'x', b STRING) USING delta PARTITIONED BY (b) COMMENT 'c' LOCATION '/x' TBLPROPERTIES ('k' = 'v', x.y = true) OPTIONS (z 1)
CREATE TABLE IF NOT EXISTS t USING parquet AS SELECT 1 AS a
CREATE OR REPLACE TABLE t AS SELECT 1
CREATE TABLE t
CREATE TABLE t (a INT) PARTITIONED BY (b INT)
CREATE TABLE t (a INT) PARTITIONED BY (bucket(4, a))
CREATE TABLE t (a INT DEFAULT 5)
CREATE TABLE t (a)
CREATE TABLE t (a foo)
CREATE TABLE t (a INT) USING delta USING csv
REPLACE TABLE t (a INT)
DROP TABLE t
DROP TABLE IF EXISTS a.t PURGE
DROP VIEW IF EXISTS v
SHOW TABLES
SHOW TABLES IN d LIKE 'a*'
SHOW TABLES FROM d 'a*'
SHOW DATABASES LIKE 'a*'
SHOW SCHEMAS
SHOW COLUMNS IN t
SHOW COLUMNS FROM t IN d
SHOW VIEWS
SHOW FUNCTIONS
SHOW TBLPROPERTIES t
SHOW CREATE TABLE t
SHOW PARTITIONS t
SHOW NONSENSE
DESCRIBE t
DESC TABLE EXTENDED t
DESCRIBE FORMATTED d.t
DESCRIBE DATABASE EXTENDED d
DESCRIBE QUERY SELECT 1
DESCRIBE FUNCTION f
CREATE VIEW v AS SELECT 1
CREATE OR REPLACE TEMPORARY VIEW v (a, b COMMENT 'x') AS SELECT 1, 2
CREATE GLOBAL TEMP VIEW v AS SELECT 1
CREATE TEMP VIEW v AS
INSERT INTO t VALUES (1, 2), (3, 4)
INSERT INTO TABLE t (a, b) SELECT 1, 2
INSERT OVERWRITE t SELECT 1
INSERT INTO t BY NAME SELECT 1 AS a
INSERT INTO t TABLE u
INSERT INTO t PARTITION (p = 1) SELECT 1
INSERT t SELECT 1
INSERT INTO t
INSERT INTO t FROM u SELECT a
WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a
SET
SET a.b
SET a.b = c d
SET spark.sql.shuffle.partitions=10
SET -v
RESET
RESET a.b
EXPLAIN SELECT 1
EXPLAIN EXTENDED SELECT 1
EXPLAIN FORMATTED SELECT 1
MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET *
UPDATE t SET a = 1 WHERE b = 2
DELETE FROM t WHERE a = 1
ALTER TABLE t ADD COLUMN c INT
CACHE TABLE t
REFRESH TABLE t
TRUNCATE TABLE t
ANALYZE TABLE t COMPUTE STATISTICS
""".strip("\n").split("\n")

EXPRESSIONS = """
a + b * 2
(a + b) * 2
a - b - 1
-a
-1
+a
- - 1
~a
a & b | a ^ b
a << 1
a >> 1 + 1
a >>> 1
a DIV b
a % 3
a = b
a == b
a <> b
a != b
a <=> b
a !< b
a !> b
NOT a > 1
! (a > 1)
a > 1 AND b > 2 OR a < 0
a BETWEEN 1 AND 2 AND b = 1
a NOT BETWEEN 1 AND 2
a IN (1, 2)
a NOT IN (1, 2)
s LIKE 'a%'
s NOT LIKE 'a%'
s LIKE 'a/%' ESCAPE '/'
s LIKE ANY ('a%', 'b%')
s LIKE ALL ('a%', 'b%')
s ILIKE 'A%'
s RLIKE 'a.*'
s REGEXP 'a.*'
s NOT RLIKE 'a.*'
a IS NULL
a IS NOT NULL
a > 1 IS TRUE
(a > 1) IS NOT FALSE
a IS DISTINCT FROM b
a IS NOT DISTINCT FROM b
s || 'x' || s
CASE WHEN a > 1 THEN 'x' WHEN a > 0 THEN 'y' ELSE 'z' END
CASE a WHEN 1 THEN 'x' END
CAST(a AS BIGINT)
TRY_CAST(s AS INT)
a::string
s::int + 1
DATE '2024-02-29'
TIMESTAMP '2024-01-02 03:04:05'
TIMESTAMP_NTZ '2024-01-02 03:04:05.5'
INTERVAL '1' DAY
INTERVAL 2 DAYS
INTERVAL '1 2:03:04.5' DAY TO SECOND
INTERVAL '1-2' YEAR TO MONTH
INTERVAL 1 YEAR 2 MONTHS
INTERVAL '1 day 2 hours'
INTERVAL -3 HOURS
INTERVAL 1 WEEK
d + INTERVAL 1 DAY
X'1F2e'
1
1L
1S
1Y
1.5
1.5F
1.5D
1.5BD
1e3
.5
1.
12345678901
123456789012345678901
TRUE
NULL
'it\\'s'
'a' 'b'
"double"
r'a\\n'
'tab\\t'
arr[0]
m['k']
st.x
st['x']
arr[a + 1]
upper(s)
count(*)
count(1)
count(DISTINCT a)
count(DISTINCT a, b)
count(a, b)
sum(a) FILTER (WHERE b > 1)
sum(a) OVER (PARTITION BY b ORDER BY a)
row_number() OVER (ORDER BY a DESC)
sum(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
first(a) IGNORE NULLS
first(a IGNORE NULLS)
lag(a, 1) OVER (ORDER BY b)
transform(arr, x -> x + 1)
aggregate(arr, 0, (acc, x) -> acc + x)
EXTRACT(YEAR FROM d)
TRIM(s)
TRIM(BOTH 'x' FROM s)
TRIM(LEADING FROM s)
TRIM(TRAILING 'x' FROM s)
SUBSTRING(s FROM 2 FOR 3)
SUBSTRING(s, 2)
POSITION('a' IN s)
OVERLAY(s PLACING 'x' FROM 1 FOR 2)
(a, b)
struct(a, b)
named_struct('x', a)
array(1, 2)
map('a', 1)
if(a > 1, 'x', 'y')
coalesce(a, 1)
timestampadd(DAY, 1, ts)
dateadd(d, 1)
datediff(DAY, d, d)
left(s, 1)
a + 1 AS c
a c
`a`
t.a
concat_ws(',', s, s)
a = 1 = true
1 +
a b c
f(
a ==
a LIKE
CASE
CAST(a AS
x ->
a IS 3
a NOT 3
arr[
""".strip("\n").split("\n")


def message_of(error):
    throwable = getattr(error, "_origin", None)
    condition = error.getCondition() if hasattr(error, "getCondition") else None
    return {"error": condition or type(error).__name__, "message": str(error)}


def main():
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    parser = spark._jsparkSession.sessionState().sqlParser()
    spark.sql(
        "CREATE OR REPLACE TEMP VIEW t AS SELECT 1 AS a, 2 AS b, 's' AS s, DATE'2024-01-01' AS d, TIMESTAMP'2024-01-01 00:00:00' AS ts,"
        " array(1, 2) AS arr, map('k', 1) AS m, named_struct('x', 1) AS st"
    )
    out = {"spark": spark.version, "statements": [], "expressions": []}
    for sql in STATEMENTS:
        row = {"sql": sql}
        try:
            plan = parser.parsePlan(sql)
            row["ok"] = True
            if len(sys.argv) > 1:
                print(sql, "\n", plan.toString(), file=sys.stderr)
        except Exception as error:
            row.update(message_of(error))
        out["statements"].append(row)
    for sql in EXPRESSIONS:
        row = {"sql": sql}
        try:
            expression = parser.parseExpression(sql)
            row["ok"] = True
            if len(sys.argv) > 1:
                print(sql, " ==> ", expression.toString(), file=sys.stderr)
            try:
                row["name"] = spark.sql("SELECT " + sql + " FROM t").columns[0]
            except Exception:
                pass
        except Exception as error:
            row.update(message_of(error))
        out["expressions"].append(row)
    json.dump(out, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
