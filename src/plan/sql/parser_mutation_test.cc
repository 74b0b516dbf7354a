// Two seconds of damaged SQL: pieces of good statements cut, doubled and joined at random, with a fixed seed.

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "plan/sql/parser_fuzz.cc"  // NOLINT: the same entry that the fuzzer uses

namespace millstream {
namespace {

const std::string_view kSeeds[] = {
    "SELECT a, count(*) AS n FROM db.t x WHERE b > 1 AND NOT c IN (1, 2) GROUP BY a HAVING count(*) > 2 ORDER BY n DESC NULLS LAST LIMIT "
    "10 OFFSET 5;",
    "WITH a AS (SELECT 1), b (x) AS (SELECT 2) SELECT * EXCEPT (q) FROM a, b UNION ALL (SELECT 3) INTERSECT VALUES (1, 'a'), (2, \"b\")",
    "SELECT sum(DISTINCT a) FILTER (WHERE b) OVER w FROM t WINDOW w AS (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT "
    "ROW)",
    "FROM a JOIN b ON a.x = b.x LEFT SEMI JOIN c USING (x, y) NATURAL FULL OUTER JOIN LATERAL explode(d) AS l(v) TABLESAMPLE (5 PERCENT)",
    "SELECT CASE a WHEN 1 THEN 'x' ELSE CAST(b AS array<struct<x:int,y:map<string,decimal(5,2)>>>) END::int, transform(xs, (x, i) -> "
    "x[i].f || 'y')",
    "SELECT DATE '2024-01-01', TIMESTAMP_NTZ '2024-01-01 00:00:00.5', INTERVAL '1 2:3:4.5' DAY TO SECOND, INTERVAL 1 YEAR 2 MONTHS, X'1F', "
    "1.5e3BD, r'\\n'",
    "CREATE OR REPLACE TABLE a.`b c` (id INT NOT NULL COMMENT 'x') USING delta PARTITIONED BY (p STRING) TBLPROPERTIES ('k' = 'v') AS "
    "SELECT 1",
    "SELECT EXTRACT(YEAR FROM d), TRIM(BOTH 'x' FROM s), SUBSTRING(s FROM 2 FOR 3), POSITION('a' IN s), OVERLAY(s PLACING 'x' FROM 1 FOR "
    "2)",
    "INSERT OVERWRITE TABLE t (x, y) SELECT /*+ COALESCE(1) */ * FROM STREAM(u) LATERAL VIEW OUTER posexplode(xs) e AS i, x -- comment\n",
    "SELECT a, b FROM t VERSION AS OF 3 GROUP BY a, GROUPING SETS ((a, b), ()), ROLLUP (a, (b, c)), CUBE (a, b)",
    "SET spark.sql.x = any 'thing'; EXPLAIN FORMATTED SELECT :p, ?; DESCRIBE HISTORY t LIMIT 3; SHOW TABLES IN d LIKE 'a*'",
    "SELECT s NOT LIKE ANY ('a', 'b') ESCAPE '/' OR EXISTS (SELECT 1) /* open /* nested */ */ AND (a, b) IN (SELECT 1, 2) IS NOT DISTINCT "
    "FROM -(-1)",
};

TEST(Parser, SurvivesDamagedText) {
  std::mt19937 random(20240229);
  auto pick = [&](size_t size) { return size == 0 ? 0 : random() % size; };
  static constexpr std::string_view kSymbols = "()[]<>,.;:'\"`*/-+=|&!?#\\\n\xC3\xA9 019azLDB";
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  size_t runs = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    std::string sql(kSeeds[pick(std::size(kSeeds))]);
    for (size_t steps = 1 + pick(6); steps > 0; --steps) {
      size_t at = pick(sql.size() + 1);
      switch (pick(5)) {
        case 0:
          sql.erase(at, pick(12));
          break;
        case 1:
          sql.insert(at, 1, kSymbols[pick(kSymbols.size())]);
          break;
        case 2:
          sql.insert(at, sql.substr(pick(sql.size()), pick(40)));
          break;
        case 3: {
          std::string_view other = kSeeds[pick(std::size(kSeeds))];
          sql.insert(at, other.substr(pick(other.size()), pick(60)));
          break;
        }
        case 4:
          if (at < sql.size()) sql[at] = static_cast<char>(random());
          break;
      }
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(sql.data()), sql.size());
  }
  EXPECT_GT(runs, 100u);
}

}  // namespace
}  // namespace millstream
