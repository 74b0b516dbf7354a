#include "plan/sql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/sql/parser_test_show.h"

namespace millstream {
namespace {

using testing::HasSubstr;

std::string Expression(std::string_view sql) {
  Result<ExprPtr> expr = ParseExpression(sql);
  return expr.ok() ? Show(**expr) : expr.status().message();
}

std::string Query(std::string_view sql) {
  Result<Statement> statement = ParseStatement(sql);
  if (!statement.ok()) return statement.status().message();
  const PlanPtr* plan = std::get_if<PlanPtr>(&*statement);
  return plan ? Show(**plan) : "a command";
}

template <typename T>
T CommandOf(std::string_view sql) {
  Result<Statement> statement = ParseStatement(sql);
  if (!statement.ok()) ADD_FAILURE() << statement.status().message();
  return std::get<T>(std::get<Command>(*statement).node);
}

std::string ErrorOf(std::string_view sql) {
  Result<Statement> statement = ParseStatement(sql);
  return statement.ok() ? "ok" : statement.status().message();
}

TEST(Parser, OperatorsBindAsInSpark) {
  EXPECT_EQ(Expression("a + b * 2 - c"), "-(+(a, *(b, 2)), c)");
  EXPECT_EQ(Expression("a & b | a ^ b << 1"), "|(&(a, b), ^(a, shiftleft(b, 1)))");
  EXPECT_EQ(Expression("a >> 1 >>> 2 > b"), ">(shiftrightunsigned(shiftright(a, 1), 2), b)");
  EXPECT_EQ(Expression("NOT a = 1 AND b <> 2 OR c"), "or(and(not(==(a, 1)), not(==(b, 2))), c)");
  EXPECT_EQ(Expression("a = 1 = true"), "==(==(a, 1), true)");
  EXPECT_EQ(Expression("a BETWEEN 1 AND 2 AND b"), "and(between(a, 1, 2), b)");
  EXPECT_EQ(Expression("- - 1"), "negative(-1)");
  EXPECT_EQ(Expression("-a * +b"), "*(negative(a), positive(b))");
  EXPECT_EQ(Expression("s || 'x' || t"), "concat(concat(s, 'x'), t)");
  EXPECT_EQ(Expression("a AND b AND c AND d"), "and(and(a, b), and(c, d))");
  EXPECT_EQ(Expression("a DIV 2 % 3"), "%(div(a, 2), 3)");
  EXPECT_EQ(Expression("~a !< b"), ">=(~(a), b)");
}

TEST(Parser, ReadsPredicates) {
  EXPECT_EQ(Expression("a NOT IN (1, 2)"), "not(in(a, 1, 2))");
  EXPECT_EQ(Expression("a IN (SELECT b FROM t)"), "in-query(a; Project[b](t))");
  EXPECT_EQ(Expression("(a, b) IN (SELECT 1, 2)"), "in-query(a, b; Project[1, 2](OneRow))");
  EXPECT_EQ(Expression("s NOT LIKE 'a/%' ESCAPE '/'"), "not(like(s, 'a/%', '/'))");
  EXPECT_EQ(Expression("s LIKE ANY ('a', 'b')"), "or(like(s, 'a'), like(s, 'b'))");
  EXPECT_EQ(Expression("s NOT ILIKE ALL ('a', 'b')"), "and(not(ilike(s, 'a')), not(ilike(s, 'b')))");
  EXPECT_EQ(Expression("s REGEXP 'x'"), "rlike(s, 'x')");
  EXPECT_EQ(Expression("a IS NOT NULL"), "isnotnull(a)");
  EXPECT_EQ(Expression("a > 1 IS NOT TRUE"), "not(<=>(>(a, 1), true))");
  EXPECT_EQ(Expression("a IS DISTINCT FROM b"), "not(<=>(a, b))");
  EXPECT_EQ(Expression("EXISTS (SELECT 1)"), "exists(Project[1](OneRow))");
}

TEST(Parser, ReadsLiteralsWithTheirTypes) {
  for (auto [sql, type] : std::vector<std::pair<std::string, std::string>>{{"1", "int"},
                                                                           {"2147483648", "bigint"},
                                                                           {"-2147483648", "int"},
                                                                           {"-9223372036854775808", "bigint"},
                                                                           {"123456789012345678901", "decimal(21,0)"},
                                                                           {"1L", "bigint"},
                                                                           {"1S", "smallint"},
                                                                           {"1Y", "tinyint"},
                                                                           {"1.50", "decimal(3,2)"},
                                                                           {".5", "decimal(1,1)"},
                                                                           {"1.", "decimal(1,0)"},
                                                                           {"0.05", "decimal(2,2)"},
                                                                           {"1e3", "double"},
                                                                           {"1.5F", "float"},
                                                                           {"1D", "double"},
                                                                           {"1e2BD", "decimal(3,0)"},
                                                                           {"'a'", "string"},
                                                                           {"true", "boolean"},
                                                                           {"NULL", "void"},
                                                                           {"X'1F'", "binary"},
                                                                           {"DATE '2024-02-29'", "date"},
                                                                           {"TIMESTAMP '2024-01-02 03:04:05Z'", "timestamp"},
                                                                           {"TIMESTAMP_NTZ '2024-01-02T03:04:05.5'", "timestamp_ntz"},
                                                                           {"INTERVAL 1 DAY", "interval day to second"},
                                                                           {"INTERVAL '1-2' YEAR TO MONTH", "interval year to month"}}) {
    Result<ExprPtr> expr = ParseExpression(sql);
    ASSERT_TRUE(expr.ok()) << sql << ": " << expr.status().message();
    ASSERT_NE((*expr)->As<Literal>(), nullptr) << sql;
    EXPECT_EQ((*expr)->As<Literal>()->type.SimpleString(), type) << sql;
  }
  auto number = [](std::string_view sql) { return std::get<int64_t>((*ParseExpression(sql))->As<Literal>()->value.held); };
  EXPECT_EQ(number("DATE '1970-01-02'"), 1);
  EXPECT_EQ(number("DATE '2024-02-29'"), 19782);
  EXPECT_EQ(number("DATE '0001-01-01'"), -719162);
  EXPECT_EQ(number("TIMESTAMP '1970-01-01 01:00:00+01:00'"), 0);
  EXPECT_EQ(number("TIMESTAMP_NTZ '1970-01-01 00:00:01.5'"), 1'500'000);
  EXPECT_EQ(number("INTERVAL '1 2:03:04.5' DAY TO SECOND"), 93'784'500'000);
  EXPECT_EQ(number("INTERVAL -3 HOURS"), -10'800'000'000);
  EXPECT_EQ(number("INTERVAL 1 YEAR 2 MONTHS"), 14);
  EXPECT_EQ(number("INTERVAL '1 day 2 hours'"), 93'600'000'000);
  EXPECT_EQ(number("INTERVAL '1.5' SECOND"), 1'500'000);
  EXPECT_EQ(Expression("TIMESTAMP '2024-01-02 03:04:05'"), "cast('2024-01-02 03:04:05' as timestamp)");
}

TEST(Parser, ReadsColumnsFieldsAndCalls) {
  EXPECT_EQ(Expression("a.b.c[0].d"), "extract(extract(a.b.c, 0), 'd')");
  EXPECT_EQ(Expression("m['k']::int"), "cast(extract(m, 'k') as int)");
  EXPECT_EQ(Expression("t.*"), "t.*");
  EXPECT_EQ(Expression("count(*)"), "count(1)");
  EXPECT_EQ(Expression("count(DISTINCT a, b) FILTER (WHERE c > 1)"), "count(distinct a, b) filter >(c, 1)");
  EXPECT_EQ(Expression("first(a IGNORE NULLS)"), "first(a) ignore nulls");
  EXPECT_EQ(Expression("f(x => 1, 2)"), "f(x=>1, 2)");
  EXPECT_EQ(Expression("db.f(1)"), "db.f(1)");
  EXPECT_EQ(Expression("CASE a WHEN 1 THEN 'x' ELSE 'y' END"), "when(==(a, 1), 'x', 'y')");
  EXPECT_EQ(Expression("TRY_CAST(a AS array<array<int>>)"), "try_cast(a as array<array<int>>)");
  EXPECT_EQ(Expression("EXTRACT(YEAR FROM d)"), "extract('YEAR', d)");
  EXPECT_EQ(Expression("TRIM(BOTH 'x' FROM s)"), "trim('x', s)");
  EXPECT_EQ(Expression("TRIM(LEADING FROM s)"), "ltrim(s)");
  EXPECT_EQ(Expression("trim(s)"), "trim(s)");
  EXPECT_EQ(Expression("SUBSTRING(s FROM 2 FOR 3)"), "substring(s, 2, 3)");
  EXPECT_EQ(Expression("substring(s, 2, 3)"), "substring(s, 2, 3)");
  EXPECT_EQ(Expression("POSITION('a' IN s)"), "locate('a', s)");
  EXPECT_EQ(Expression("OVERLAY(s PLACING 'x' FROM 1)"), "overlay(s, 'x', 1)");
  EXPECT_EQ(Expression("current_date"), "current_date()");
  EXPECT_EQ(Expression("transform(xs, x -> x.a + y)"), "transform(xs, (x)->+(extract($x, 'a'), y))");
  EXPECT_EQ(Expression("aggregate(xs, 0, (acc, x) -> acc + x)"), "aggregate(xs, 0, (acc, x)->+($acc, $x))");
  EXPECT_EQ(Expression("(a, b)"), "struct(a, b)");
  EXPECT_EQ(Expression("struct(a AS x, b)"), "struct(a AS x, b)");
  EXPECT_EQ(Expression("datediff(DAY, a, b)"), "timestampdiff('DAY', a, b)");
  EXPECT_EQ(Expression("a AS (x, y)"), "a AS x, y");
  EXPECT_EQ(Expression("`a b`.`c``d`"), "a b.c`d");
  EXPECT_EQ(Expression("sum(a) OVER (PARTITION BY b ORDER BY c DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)"),
            "sum(a) over (partition b order c desc rows 1 preceding..current)");
}

TEST(Parser, BuildsQueriesInSparksOrder) {
  EXPECT_EQ(Query("SELECT a, count(*) AS n FROM t WHERE b > 1 GROUP BY a HAVING count(*) > 2 ORDER BY n DESC NULLS LAST LIMIT 10 OFFSET 5;"),
            "Limit[10](Offset[5](Sort[n desc nulls last](Filter[>(count(1), 2)](Aggregate[a; a, count(1) AS n](Filter[>(b, 1)](t))))))");
  EXPECT_EQ(Query("SELECT DISTINCT a FROM db.t AS x"), "Distinct(Project[a](Alias[x](db.t)))");
  EXPECT_EQ(Query("FROM t SELECT a WHERE b"), "Project[a](Filter[b](t))");
  EXPECT_EQ(Query("WITH a AS (SELECT 1), b (x) AS (SELECT 2) SELECT * FROM a, b"),
            "With[a = Project[1](OneRow), b = Alias[b(x)](Project[2](OneRow))](Project[*](Join inner(a, b)))");
  EXPECT_EQ(Query("SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 3 EXCEPT SELECT 4"),
            "Except(UnionAll(Project[1](OneRow), Intersect(Project[2](OneRow), Project[3](OneRow))), Project[4](OneRow))");
  EXPECT_EQ(Query("(SELECT 1) UNION (SELECT 2 ORDER BY 1) ORDER BY 1"), "Sort[1](Union(Project[1](OneRow), Sort[1](Project[2](OneRow))))");
  EXPECT_EQ(Query("SELECT * EXCEPT (a, b) FROM t WHERE a"), "Project[*](Drop[a, b](Filter[a](t)))");
  EXPECT_EQ(Query("SELECT * EXCEPT SELECT 1"), "Except(Project[*](OneRow), Project[1](OneRow))");
  EXPECT_EQ(Query("SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b)"), "Project[sum(a) over (partition b)](t)");
  EXPECT_EQ(Query("SELECT /*+ BROADCAST(t) */ a FROM t"), "Project[a](t)");
  EXPECT_EQ(Query("VALUES (1, 'a'), (2, 'b')"), "UnionAll(Project[1 AS col1, 'a' AS col2](OneRow), Project[2 AS col1, 'b' AS col2](OneRow))");
  EXPECT_EQ(Query("SELECT 1 FROM"), "Project[1 AS FROM](OneRow)");
  EXPECT_EQ(Query("SELECT ((SELECT 1) + 1), ((SELECT 2) UNION (SELECT 3))"),
            "Project[+(scalar(Project[1](OneRow)), 1), scalar(Union(Project[2](OneRow), Project[3](OneRow)))](OneRow)");
}

TEST(Parser, BuildsGroupings) {
  EXPECT_EQ(Query("SELECT a FROM t GROUP BY ROLLUP (a, b)"), "Aggregate rollup[a, b; a](t)");
  EXPECT_EQ(Query("SELECT a FROM t GROUP BY a, b WITH CUBE"), "Aggregate cube[a, b; a](t)");
  EXPECT_EQ(Query("SELECT a FROM t GROUP BY GROUPING SETS ((a, b), a, ())"), "Aggregate sets[a, b; a; (a, b) (a) ()](t)");
  EXPECT_EQ(Query("SELECT a FROM t GROUP BY a, ROLLUP (b, c)"), "Aggregate sets[a, b, c; a; (a, b, c) (a, b) (a)](t)");
  EXPECT_EQ(Query("SELECT a FROM t GROUP BY CUBE ((a, b), c)"), "Aggregate sets[a, b, c; a; (a, b, c) (a, b) (c) ()](t)");
  EXPECT_EQ(Query("SELECT a FROM t GROUP BY ALL"), "Aggregate[ALL; a](t)");
  EXPECT_EQ(Query("SELECT 1 FROM t HAVING count(*) > 0"), "Filter[>(count(1), 0)](Aggregate[; 1](t))");
}

TEST(Parser, BuildsRelations) {
  EXPECT_EQ(Query("FROM a JOIN b ON a.x = b.x LEFT SEMI JOIN c USING (x, y) NATURAL FULL OUTER JOIN d"),
            "Join full natural(Join semi using x, y(Join inner on ==(a.x, b.x)(a, b), c), d)");
  EXPECT_EQ(Query("FROM a, LATERAL explode(a.xs) AS l(v)"), "Join inner lateral(a, Alias[l(v)](explode(a.xs)))");
  EXPECT_EQ(Query("FROM (a CROSS JOIN b) JOIN (SELECT 1) s"), "Join inner(Join cross(a, b), Alias[s](Project[1](OneRow)))");
  EXPECT_EQ(Query("FROM t LATERAL VIEW OUTER posexplode(xs) e AS i, x LATERAL VIEW explode(ys) f"),
            "Generate[explode(ys) f](Generate outer[posexplode(xs) e AS i, x](t))");
  EXPECT_EQ(Query("FROM read_files('/in', format => 'json')"), "read_files(/in){format=json}");
  EXPECT_EQ(Query("FROM STREAM read_files('/in', schema => 'a INT', maxFilesPerTrigger => 10, multiLine => true)"),
            "stream read_files(/in){maxFilesPerTrigger=10}{multiLine=true}{struct<a:int>}");
  EXPECT_EQ(Query("FROM STREAM(read_files('/in')) AS t"), "Alias[t](stream read_files(/in))");
  EXPECT_EQ(Query("FROM cloud_files_state('/cp')"), "cloud_files_state(/cp)");
  EXPECT_EQ(Query("FROM cloud_files_history('/cp')"), "cloud_files_history(/cp)");
  EXPECT_EQ(Query("FROM cloud_files_plan('/in', checkpoint => '/cp')"), "cloud_files_plan(/in){checkpoint=/cp}");
  EXPECT_EQ(Query("VERIFY FILES IN db.t"), "db.t{copyIntoState=verify}");
  EXPECT_EQ(Query("VERIFY FILES IN TABLE db.t"), "db.t{copyIntoState=verify}");
  EXPECT_EQ(Query("VERIFY FILES IN table FROM '/in'"), "table{copyIntoState=verify}{from=/in}");
  EXPECT_EQ(Query("VERIFY FILES IN t FROM '/in' PATTERN = '*.json'"), "t{copyIntoState=verify}{from=/in}{pattern=*.json}");
  EXPECT_EQ(Query("VERIFY FILES IN STREAM '/cp' FROM '/in'"), "verify_files(/cp){from=/in}");
  EXPECT_EQ(Query("FROM STREAM(t) x"), "Alias[x](stream t)");
  EXPECT_EQ(Query("FROM STREAM db.t"), "stream db.t");
  EXPECT_EQ(Query("SELECT * FROM stream WHERE a"), "Project[*](Filter[a](stream))");
  EXPECT_EQ(Query("FROM delta.`/tmp/x` VERSION AS OF 3 v"), "Alias[v](delta./tmp/x{versionAsOf=3})");
  EXPECT_EQ(Query("FROM t TIMESTAMP AS OF '2024-01-01'"), "t{timestampAsOf=2024-01-01}");
  EXPECT_EQ(Query("FROM t TABLESAMPLE (5 ROWS) AS s"), "Alias[s](Limit[5](t))");
  EXPECT_EQ(Query("FROM t WATERMARK ts DELAY OF INTERVAL 3 MINUTES AS s"), "Alias[s](Watermark[ts, 180000000 microseconds](t))");
  EXPECT_EQ(Query("FROM (SELECT a) WATERMARK f(a) AS at DELAY OF INTERVAL '1' SECOND"),
            "Watermark[at, 1000000 microseconds](Project[*, f(a) AS at](Project[a](OneRow)))");
  EXPECT_EQ(Query("FROM t watermark"), "Alias[watermark](t)");
  EXPECT_EQ(Query("FROM VALUES (1), (2) AS v(id)"), "Alias[v(id)](UnionAll(Project[1 AS col1](OneRow), Project[2 AS col1](OneRow)))");
}

TEST(Parser, ExplainsCopyInto) {
  auto copy = CommandOf<CopyInto>("EXPLAIN COPY INTO t FROM '/in' FILEFORMAT = JSON COPY_OPTIONS ('force' = 'true')");
  EXPECT_TRUE(copy.is_explained);
  EXPECT_EQ(copy.copy_options.at("force"), "true");
  EXPECT_FALSE(CommandOf<CopyInto>("COPY INTO t FROM '/in' FILEFORMAT = JSON").is_explained);
}

TEST(Parser, BuildsCommands) {
  auto table = CommandOf<CreateTable>(
      "CREATE TABLE IF NOT EXISTS a.t (id INT NOT NULL COMMENT 'x', p STRING) USING delta PARTITIONED BY (p) COMMENT 'c' LOCATION '/x' "
      "TBLPROPERTIES ('k' = 'v', x.y = TRUE) OPTIONS (z 1)");
  EXPECT_EQ(table.name, (MultipartName{"a", "t"}));
  EXPECT_TRUE(table.if_not_exists);
  EXPECT_EQ((*table.schema)[0].metadata, R"({"comment":"x"})");
  EXPECT_FALSE((*table.schema)[0].nullable);
  EXPECT_EQ(table.partition_columns, std::vector<std::string>{"p"});
  EXPECT_EQ(table.properties.at("x.y"), "true");
  EXPECT_EQ(table.options.at("Z"), "1");
  EXPECT_EQ(*table.location, "/x");
  EXPECT_NE(CommandOf<CreateTable>("CREATE TABLE t USING delta AS SELECT 1").query, nullptr);
  EXPECT_EQ(CommandOf<CreateTable>("CREATE TABLE t (a INT) PARTITIONED BY (b DATE)").schema->size(), 2u);

  EXPECT_EQ(CommandOf<CreateDatabase>("CREATE SCHEMA d WITH DBPROPERTIES (a = 'b') COMMENT 'c'").properties.at("a"), "b");
  EXPECT_TRUE(CommandOf<DropDatabase>("DROP DATABASE IF EXISTS d CASCADE").cascade);
  EXPECT_TRUE(CommandOf<DropTable>("DROP VIEW IF EXISTS v").is_view);
  EXPECT_TRUE(CommandOf<DropTable>("DROP TABLE a.b.c PURGE").purge);
  EXPECT_EQ(CommandOf<UseDatabase>("USE DATABASE d").name, MultipartName{"d"});
  EXPECT_EQ(CommandOf<UseDatabase>("USE database").name, MultipartName{"database"});
  EXPECT_EQ(*CommandOf<ShowTables>("SHOW TABLES IN d LIKE 'a*'").pattern, "a*");
  EXPECT_EQ(CommandOf<ShowColumns>("SHOW COLUMNS FROM t IN d").table, (MultipartName{"d", "t"}));
  EXPECT_TRUE(CommandOf<DescribeTable>("DESC TABLE EXTENDED t").extended);
  EXPECT_EQ(CommandOf<DescribeTable>("DESCRIBE extended").name, MultipartName{"extended"});
  EXPECT_EQ(*CommandOf<DescribeHistory>("DESCRIBE HISTORY t LIMIT 5").limit, 5);
  auto view = CommandOf<CreateView>("CREATE OR REPLACE TEMP VIEW v (a COMMENT 'x', b) AS SELECT 1, 2");
  EXPECT_TRUE(view.is_temporary && view.or_replace && !view.is_global);
  EXPECT_EQ(view.column_aliases, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(CommandOf<CreateView>("CREATE VIEW v AS SELECT 1").is_temporary);
  auto insert = CommandOf<WriteData>("INSERT OVERWRITE TABLE a.t (x, y) VALUES (1, 2)");
  EXPECT_EQ(insert.mode, SaveMode::kOverwrite);
  EXPECT_EQ(insert.insert_columns, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(CommandOf<WriteData>("INSERT INTO t BY NAME SELECT 1 AS a").by_name);
  EXPECT_TRUE(CommandOf<WriteData>("INSERT INTO t (SELECT 1)").insert_columns.empty());
  EXPECT_NE(CommandOf<WriteData>("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a").query->As<WithCte>(), nullptr);
  auto set = CommandOf<SetConf>("SET spark.x.y =  it is = any 'text' ;");
  EXPECT_EQ(*set.key, "spark.x.y");
  EXPECT_EQ(*set.value, "it is = any 'text'");
  EXPECT_FALSE(CommandOf<SetConf>("SET").key.has_value());
  EXPECT_EQ(*CommandOf<ResetConf>("RESET a.b").key, "a.b");
  EXPECT_EQ(CommandOf<Explain>("EXPLAIN FORMATTED SELECT 1").mode, "formatted");
}

TEST(Parser, ReadsCopyInto) {
  auto copy = CommandOf<CopyInto>(
      "COPY INTO db.t FROM '/in' WITH (CREDENTIAL c ENCRYPTION (TYPE = 'AWS_SSE_C', MASTER_KEY = 'k')) FILEFORMAT = csv VALIDATE 15 ROWS PATTERN = '*.csv' "
      "FORMAT_OPTIONS ('delimiter' = '|', header='true', inferSchema = true) COPY_OPTIONS ('mergeSchema' = 'true', force = false);");
  EXPECT_EQ(copy.table, (MultipartName{"db", "t"}));
  EXPECT_EQ(copy.source, "/in");
  EXPECT_EQ(copy.format, "csv");
  EXPECT_TRUE(copy.has_credential && copy.has_encryption && copy.validates && !copy.by_position && copy.query == nullptr);
  EXPECT_EQ(copy.validated_rows, 15);
  EXPECT_EQ(*copy.pattern, "*.csv");
  EXPECT_EQ(copy.format_options, (OptionMap{{"delimiter", "|"}, {"header", "true"}, {"inferSchema", "true"}}));
  EXPECT_EQ(copy.copy_options, (OptionMap{{"mergeSchema", "true"}, {"force", "false"}}));
  copy =
      CommandOf<CopyInto>("COPY INTO delta.`/t` (a, `b c`) FROM (SELECT x.a + 1, b FROM '/in' AS x WHERE b > 2) FILEFORMAT = JSON FILES = ('1', '2') VALIDATE");
  EXPECT_EQ(copy.columns, (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(copy.files, (std::vector<std::string>{"1", "2"}));
  EXPECT_TRUE(copy.validates && !copy.validated_rows && copy.query != nullptr);
  EXPECT_TRUE(CommandOf<CopyInto>("copy into t by position from 'in' fileformat csv validate all").by_position);
  EXPECT_THAT(ErrorOf("COPY INTO t FROM (SELECT a FROM '/in', '/in') FILEFORMAT = CSV"), HasSubstr("PARSE_SYNTAX_ERROR"));
  EXPECT_THAT(ErrorOf("COPY INTO t FROM (SELECT a FROM s) FILEFORMAT = CSV"), HasSubstr("PARSE_SYNTAX_ERROR"));
  EXPECT_THAT(ErrorOf("SELECT * FROM '/in'"), HasSubstr("PARSE_SYNTAX_ERROR"));
  EXPECT_THAT(ErrorOf("COPY INTO t FROM '/in' FILEFORMAT = CSV VALIDATE 0 ROWS"), HasSubstr("VALIDATE_INVALID_ROWS"));
}

TEST(Parser, ReadsRetryQuarantine) {
  auto retry = CommandOf<RetryQuarantine>("RETRY QUARANTINE db.bad OPTIONS ('multiLine' = 'true', mergeSchema = true) WHERE reason LIKE 'not JSON%';");
  EXPECT_EQ(retry.table, (MultipartName{"db", "bad"}));
  EXPECT_EQ(retry.options, (OptionMap{{"mergeSchema", "true"}, {"multiLine", "true"}}));
  EXPECT_TRUE(retry.condition != nullptr);
  EXPECT_TRUE(CommandOf<RetryQuarantine>("retry quarantine delta.`/q`").condition == nullptr);
  EXPECT_THAT(ErrorOf("RETRY QUARANTINE bad WHERE"), HasSubstr("PARSE_SYNTAX_ERROR"));
}

TEST(Parser, NamesWhatItDoesNotSupportYet) {
  EXPECT_THAT(ErrorOf("OPTIMIZE t"), HasSubstr("OPTIMIZE"));
  EXPECT_THAT(ErrorOf("SELECT * FROM t PIVOT (sum(a) FOR b IN (1))"), HasSubstr("PIVOT"));
  EXPECT_THAT(ErrorOf("CREATE TABLE t (a INT DEFAULT 5)"), HasSubstr("DEFAULT of a column"));
}

TEST(Parser, PutsParametersInPlace) {
  SqlParameters parameters{.named = {{"p", *ParseExpression("7")}}, .positional = {*ParseExpression("'x'"), *ParseExpression("2")}};
  EXPECT_EQ(Show(*std::get<PlanPtr>(*ParseStatement("SELECT :p, ?, ?", parameters))), "Project[7, 'x', 2](OneRow)");
  EXPECT_THAT(ErrorOf("SELECT :q"), HasSubstr("[UNBOUND_SQL_PARAMETER] Found the unbound parameter: q."));
}

TEST(Parser, SplitsStatementsAtSemicolons) {
  EXPECT_EQ(ParseStatements(";SELECT 1;; SET a = b ; SELECT ';' -- ;\n;")->size(), 3u);
  EXPECT_THAT(ParseStatements("SELECT 1; SELEC").status().message(), HasSubstr("near 'SELEC'"));
}

TEST(Parser, ReadsNames) {
  EXPECT_EQ(*ParseMultipartName("a.`b.c`.d"), (MultipartName{"a", "b.c", "d"}));
  EXPECT_FALSE(ParseMultipartName("a.").ok());
  EXPECT_FALSE(ParseMultipartName("a b").ok());
}

TEST(Parser, ShowsWhereTheMistakeIs) {
  EXPECT_EQ(ErrorOf("SELECT *\nFROM t\nWHERE a = = 1\nAND b"),
            "[PARSE_SYNTAX_ERROR] Syntax error at or near '='. SQLSTATE: 42601 (line 3, pos 10)\n\n== SQL ==\nSELECT *\nFROM t\nWHERE a = = 1\n"
            "----------^^^\nAND b\n");
}

TEST(Parser, DeepAndLongTextIsRefusedOrReadButNeverFatal) {
  auto repeat = [](std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  for (const std::string& sql : {repeat("(", 20000),
                                 "SELECT " + repeat("(", 20000) + "1" + repeat(")", 20000),
                                 "SELECT " + repeat("- ", 100000) + "1",
                                 "SELECT " + repeat("NOT ", 100000) + "a",
                                 "SELECT 1" + repeat(" + 1", 100000),
                                 "SELECT a" + repeat("[0]", 100000),
                                 "SELECT a" + repeat("::int", 100000),
                                 repeat("SELECT (", 20000),
                                 "SELECT * FROM " + repeat("(", 20000) + "t",
                                 "SELECT * FROM t" + repeat(" JOIN t", 20000),
                                 "SELECT " + repeat("f(", 20000),
                                 "SELECT " + repeat("trim(", 20000),
                                 "SELECT " + repeat("CASE WHEN ", 20000),
                                 "SELECT 1" + repeat(" UNION SELECT 1", 20000),
                                 "SELECT " + repeat("x -> ", 20000) + "1",
                                 repeat("EXPLAIN ", 20000),
                                 "SELECT * FROM t" + repeat(" LATERAL VIEW explode(a) b AS c", 20000),
                                 "SELECT CAST(1 AS " + repeat("array<", 20000),
                                 repeat("WITH a AS (", 20000),
                                 "SELECT " + repeat("sum(a) OVER (PARTITION BY ", 5000)}) {
    EXPECT_NE(ErrorOf(sql), "ok") << sql.substr(0, 40);
  }
  for (const std::string& sql :
       {"SELECT a" + repeat(" AND b", 50000), "SELECT 1" + repeat(" UNION ALL SELECT 1", 5000), "VALUES (1)" + repeat(", (1)", 20000),
        "SELECT 1" + repeat(", 1", 50000), "SELECT " + repeat("trim(", 100) + "a" + repeat(")", 100), "SELECT " + repeat("(", 100) + "1" + repeat(")", 100)}) {
    EXPECT_EQ(ErrorOf(sql).substr(0, 300), "ok") << sql.substr(0, 40);
  }
  EXPECT_THAT(ErrorOf("SELECT 1" + repeat(" + 1", 100000)), HasSubstr("FAILED_TO_PARSE_TOO_COMPLEX"));
}

}  // namespace
}  // namespace millstream
