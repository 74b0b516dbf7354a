-- One query a line; record_compute.py asks Spark, compute_spark_test asks us. Values are compared as CAST(… AS STRING).
SELECT 1 + 1, 2147483647L + 1, 1.5 + 2, 1 - 3, 3 * 4
SELECT 2147483647 + 1
SELECT 9223372036854775807L * 2
SELECT -(-2147483648)
SELECT 127Y + 1Y
SELECT 7 / 2, 1 / 3, 7 div 2, -7 div 2, 7 % 3, -7 % 3, pmod(-7, 3)
SELECT 1 / 0
SELECT 1 % 0
SELECT 5 div 0
SELECT try_divide(1, 0), try_add(2147483647, 1), try_subtract(-2147483648, 1), try_multiply(2147483647, 2)
SELECT CAST(1.5 AS DECIMAL(10,2)) * CAST(2.25 AS DECIMAL(10,2)), CAST(10 AS DECIMAL(10,2)) / CAST(3 AS DECIMAL(10,2))
SELECT CAST(1.5 AS DECIMAL(10,2)) + CAST(2.255 AS DECIMAL(10,3)), CAST(7.5 AS DECIMAL(10,2)) % CAST(2 AS DECIMAL(10,2))
SELECT CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0)) + 1
SELECT 1.0 / 3, 2.5 * 2.5, 10.0 - 0.01
SELECT 0.1D + 0.2D, 1e10D, 1e-5D, 123456789.123D, 1.0D, 0.001D, 1e7D, 1.0E-3D
SELECT CAST('NaN' AS DOUBLE), CAST('Infinity' AS DOUBLE), -CAST('Infinity' AS DOUBLE), CAST(1.1 AS FLOAT), CAST(100 AS FLOAT)
SELECT CAST('NaN' AS DOUBLE) = CAST('NaN' AS DOUBLE), CAST('NaN' AS DOUBLE) > 1e308D, 0.0D = -0.0D
SELECT abs(-5), abs(-1.5), sign(-2.5D), negative(3), positive(4)
SELECT round(2.5), round(-2.5), round(2.55, 1), round(1234.567, -2), bround(2.5), bround(3.5), round(2.5D), round(-0.5D), bround(2.5D), round(1.005D, 2)
SELECT round(12345, -2), round(15, -1), bround(25, -1)
SELECT ceil(1.2), floor(-1.2), ceil(1.5D), floor(-1.5D), ceil(5)
SELECT sqrt(2D), exp(1D), ln(10D), log10(100D), log2(8D), log(2D, 8D), pow(2, 10), cbrt(27D)
SELECT ln(0D), log10(-1D), sqrt(-1D)
SELECT sin(1D), cos(1D), tan(1D), asin(1D), acos(0.5D), atan(1D), atan2(1D, 2D), sinh(1D), cosh(1D), tanh(1D)
SELECT degrees(3.141592653589793D), radians(180D), hypot(3D, 4D), rint(2.5D), factorial(5), pi(), e()
SELECT greatest(1, 2, NULL), least(3, NULL, 2), greatest(NULL, NULL)
SELECT coalesce(NULL, 1), nvl(NULL, 'x'), ifnull(NULL, 2), nullif(1, 1), nullif(1, 2), nvl2(NULL, 1, 2), nanvl(CAST('NaN' AS DOUBLE), 1D)
SELECT if(true, 1, 2), CASE WHEN 1 > 2 THEN 'a' WHEN 2 > 1 THEN 'b' ELSE 'c' END, CASE 3 WHEN 3 THEN 'three' END
SELECT NULL AND false, NULL OR true, NOT NULL, NULL = NULL, NULL <=> NULL, 1 <=> NULL
SELECT 1 IN (1, 2), 3 IN (1, 2), 3 IN (1, NULL), NULL IN (1), 2 BETWEEN 1 AND 3, 5 NOT BETWEEN 1 AND 3
SELECT isnull(NULL), isnotnull(1), isnan(CAST('NaN' AS DOUBLE)), isnan(NULL)
SELECT 5 & 3, 5 | 3, 5 ^ 3, ~5, shiftleft(1, 3), shiftright(-8, 1), shiftrightunsigned(-8, 28), bit_count(7)
SELECT CAST('123' AS INT), CAST(' 123 ' AS INT), CAST('-7' AS BIGINT), CAST('1.5' AS DOUBLE), CAST('1e3' AS DOUBLE)
SELECT CAST('abc' AS INT)
SELECT CAST('1.5' AS INT)
SELECT CAST('' AS INT)
SELECT CAST('abc' AS DOUBLE)
SELECT try_cast('abc' AS INT), try_cast('1.5' AS INT), try_cast('300' AS TINYINT), try_cast(300 AS TINYINT)
SELECT CAST(300 AS TINYINT)
SELECT CAST(3000000000L AS INT)
SELECT CAST(1e20D AS INT)
SELECT CAST(1.9D AS INT), CAST(-1.9D AS INT), CAST(1.9 AS INT), CAST(2.5 AS BIGINT)
SELECT CAST('true' AS BOOLEAN), CAST('no' AS BOOLEAN), CAST(1 AS BOOLEAN), CAST(0 AS BOOLEAN), CAST(true AS INT), CAST(false AS STRING)
SELECT CAST('maybe' AS BOOLEAN)
SELECT CAST('12.345' AS DECIMAL(10,2)), CAST(12.345D AS DECIMAL(10,2)), CAST(7 AS DECIMAL(5,2)), CAST('1e2' AS DECIMAL(10,1))
SELECT CAST('12345.678' AS DECIMAL(5,2))
SELECT CAST(123456 AS DECIMAL(5,2))
SELECT CAST('2024-02-29' AS DATE), CAST('2024-2-9' AS DATE), CAST('2024' AS DATE), CAST('2024-05' AS DATE), CAST(' 2024-01-01 ' AS DATE)
SELECT CAST('2024-02-30' AS DATE)
SELECT CAST('2024-01-01 12:34:56.789' AS TIMESTAMP), CAST('2024-01-01T12:34:56Z' AS TIMESTAMP), CAST('2024-01-01 12:34:56+02:00' AS TIMESTAMP), CAST('2024-01-01' AS TIMESTAMP)
SELECT CAST('2024-01-01 25:00:00' AS TIMESTAMP)
SELECT CAST(0 AS TIMESTAMP), CAST(1.5D AS TIMESTAMP), CAST(TIMESTAMP'2024-01-01 00:00:00' AS BIGINT), CAST(TIMESTAMP'2024-01-01 10:00:00' AS DATE), CAST(DATE'2024-01-01' AS TIMESTAMP)
SELECT CAST(X'4142' AS STRING), CAST('AB' AS BINARY), hex('AB'), hex(255), unhex('4142'), base64('AB'), unbase64('QUI=')
SELECT CAST(array(1, 2, NULL) AS STRING), CAST(map('a', 1, 'b', NULL) AS STRING), CAST(named_struct('x', 1, 'y', 'q') AS STRING), CAST(array() AS STRING)
SELECT upper('aé'), lower('AÉ'), length('héllo'), char_length('abc'), octet_length('é'), bit_length('a'), octet_length(X'00ff80'), bit_length(X'00ff80')
SELECT substring('hello', 2, 3), substring('hello', -3, 2), substring('hello', 0, 2), substring('hello', 10, 2), substring('hello', -10, 7), substring('hello', 2), substr('hello', 3, -1), left('hello', 2), right('hello', 2)
SELECT trim('  a b  '), ltrim('  a'), rtrim('a  '), trim(BOTH 'x' FROM 'xxaxx'), trim(LEADING 'x' FROM 'xxaxx'), trim(TRAILING 'x' FROM 'xxaxx'), btrim('xyaxy', 'xy')
SELECT lpad('hi', 5, '?'), rpad('hi', 5, 'ab'), lpad('hello', 2), rpad('hi', 4), lpad('hi', 5, '')
SELECT concat('a', 'b', 1), concat('a', NULL), 'a' || 'b' || 2, concat_ws('-', 'a', NULL, 'b'), concat_ws(',', array('x', 'y'), 'z'), concat_ws(NULL, 'a'), concat_ws('-')
SELECT instr('hello', 'l'), locate('l', 'hello', 4), locate('z', 'hello'), position('lo' IN 'hello'), instr('hello', '')
SELECT replace('hello', 'l', 'L'), replace('hello', 'l'), replace('hello', '', 'x'), repeat('ab', 3), repeat('ab', 0), reverse('abc'), space(3)
SELECT initcap('hello wORLD'), translate('hello', 'el', 'ip'), translate('hello', 'lo', 'x'), ascii('A'), ascii(''), char(65), soundex('Miller'), levenshtein('kitten', 'sitting')
SELECT substring_index('a.b.c', '.', 2), substring_index('a.b.c', '.', -1), substring_index('a.b.c', '.', 0), substring_index('abc', '.', 1), split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('a', ',', 5)
SELECT startswith('hello', 'he'), endswith('hello', 'lo'), contains('hello', 'ell'), find_in_set('b', 'a,b,c'), overlay('hello' PLACING 'XX' FROM 2), overlay('hello' PLACING 'XX' FROM 2 FOR 3)
SELECT format_number(1234567.891D, 2), format_number(0.5D, 0), format_number(-1234.5D, 1), format_string('%d-%s-%05.2f', 7, 'x', 3.14159D), format_string('%5s|%-5s|%x', 'a', 'b', 255)
SELECT 'abc' LIKE 'a%', 'a_c' LIKE 'a\\_c', 'abc' LIKE 'a\\_c', 'ABC' ILIKE 'a%', 'a%c' LIKE 'a/%c' ESCAPE '/', 'abc' NOT LIKE 'b%'
SELECT 'abc123' RLIKE '[0-9]+', regexp_extract('foo-42', '(\\w+)-(\\d+)', 2), regexp_extract('foo', '(\\d+)', 1), regexp_replace('a1b22', '\\d+', '#'), regexp_replace('john smith', '(\\w+) (\\w+)', '$2 $1')
SELECT regexp_extract('foo', '(o)', 3)
SELECT regexp_count('abcabc', 'b'), regexp_substr('abc123', '\\d+'), regexp_instr('abc123', '\\d'), regexp_extract_all('a1b2', '(\\d)', 1)
SELECT split('a,b,c', ','), split('a,b,c', ',', 2), split('a1b2c', '\\d'), split('a,,', ','), split('', ','), split('abc', '')
SELECT md5('abc'), sha1('abc'), sha2('abc', 256), sha2('abc', 512), crc32('abc'), hash('abc'), hash(1, 'a', NULL), hash(1L), hash(1.5D), hash(true), hash(DATE'2024-01-01'), xxhash64('abc'), xxhash64(1), xxhash64(1L)
SELECT hash(CAST(1.5 AS DECIMAL(10,2))), hash(array(1, 2)), hash(CAST(1.5 AS DECIMAL(38,2))), xxhash64('a longer string, of more than thirty-two bytes')
SELECT conv('100', 2, 10), conv('-10', 16, -10), conv('ff', 16, 2), bin(13), width_bucket(5.35D, 0.024D, 10.06D, 5)
SELECT year(DATE'2024-03-15'), month(DATE'2024-03-15'), day(DATE'2024-03-15'), quarter(DATE'2024-03-15'), dayofweek(DATE'2024-03-15'), weekday(DATE'2024-03-15'), dayofyear(DATE'2024-03-15'), weekofyear(DATE'2024-03-15'), weekofyear(DATE'2021-01-01')
SELECT hour(TIMESTAMP'2024-03-15 13:14:15.678'), minute(TIMESTAMP'2024-03-15 13:14:15'), second(TIMESTAMP'2024-03-15 13:14:15.678'), extract(SECOND FROM TIMESTAMP'2024-03-15 13:14:15.678'), extract(YEAR FROM DATE'2024-03-15'), date_part('week', DATE'2024-03-15')
SELECT date_add(DATE'2024-02-28', 2), date_sub(DATE'2024-03-01', 1), datediff(DATE'2024-03-01', DATE'2024-02-01'), DATE'2024-03-01' - DATE'2024-02-28', DATE'2024-01-31' + 1
SELECT add_months(DATE'2024-01-31', 1), add_months(DATE'2024-02-29', -12), months_between(DATE'2024-03-31', DATE'2024-02-29'), months_between(TIMESTAMP'2024-03-15 12:00:00', DATE'2024-01-10'), last_day(DATE'2024-02-10'), next_day(DATE'2024-03-15', 'MON')
SELECT next_day(DATE'2024-03-15', 'xx')
SELECT trunc(DATE'2024-03-15', 'MM'), trunc(DATE'2024-03-15', 'YEAR'), trunc(DATE'2024-03-15', 'week'), trunc(DATE'2024-03-15', 'zz'), date_trunc('HOUR', TIMESTAMP'2024-03-15 13:14:15'), date_trunc('quarter', TIMESTAMP'2024-03-15 13:14:15'), date_trunc('DAY', TIMESTAMP'2024-03-15 13:14:15')
SELECT date_format(TIMESTAMP'2024-03-05 07:08:09.123', 'yyyy-MM-dd HH:mm:ss.SSS'), date_format(DATE'2024-03-05', 'EEEE, d MMMM yy'), date_format(TIMESTAMP'2024-03-05 19:08:09', 'hh:mm a E MMM D'), date_format(TIMESTAMP'2024-03-05 19:08:09', "yyyy'T'HH XXX")
SELECT to_date('05/03/2024', 'dd/MM/yyyy'), to_timestamp('2024-03-05 07:08', 'yyyy-MM-dd HH:mm'), to_timestamp('2024-03-05T07:08:09.123+02:00', "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"), to_date('2024-03-05')
SELECT to_timestamp('nope', 'yyyy-MM-dd')
SELECT try_to_timestamp('nope', 'yyyy-MM-dd')
SELECT unix_timestamp('2024-03-05 07:08:09'), unix_timestamp('2024-03-05', 'yyyy-MM-dd'), from_unixtime(0), from_unixtime(1709622489, 'yyyy/MM/dd'), to_unix_timestamp(TIMESTAMP'2024-01-01 00:00:00')
SELECT unix_date(DATE'1970-01-10'), date_from_unix_date(10), timestamp_seconds(1.5), timestamp_millis(1500), timestamp_micros(1500000), unix_seconds(TIMESTAMP'1970-01-01 00:00:10Z'), unix_millis(TIMESTAMP'1970-01-01 00:00:10Z'), unix_micros(TIMESTAMP'1970-01-01 00:00:10Z')
SELECT make_date(2024, 2, 29), make_timestamp(2024, 1, 2, 3, 4, 5.5), from_utc_timestamp(TIMESTAMP'2024-07-01 00:00:00', 'Europe/Zurich'), to_utc_timestamp(TIMESTAMP'2024-01-01 00:00:00', 'America/New_York')
SELECT make_date(2024, 2, 30)
SELECT TIMESTAMP'2024-01-01 00:00:00' + INTERVAL '1' DAY, TIMESTAMP'2024-01-31 00:00:00' + INTERVAL '1' MONTH, DATE'2024-01-31' + INTERVAL '1' MONTH, TIMESTAMP'2024-01-02 00:00:00' - TIMESTAMP'2024-01-01 12:00:00', TIMESTAMP'2024-01-01 00:00:00' - INTERVAL '90' MINUTE
SELECT INTERVAL '1 02:03:04.5' DAY TO SECOND, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1' DAY * 2, INTERVAL '3' HOUR + INTERVAL '30' MINUTE
SELECT array(1, 2, 3)[1], element_at(array(1, 2, 3), -1), map('a', 1)['a'], map('a', 1)['z'], element_at(map('a', 1), 'z'), get(array(1, 2), 5), try_element_at(array(1), 3)
SELECT array(1, 2)[5]
SELECT element_at(array(1, 2), 5)
SELECT element_at(array(1, 2), 0)
SELECT size(array(1, 2)), size(map('a', 1)), size(NULL), cardinality(array()), array_size(array(1))
SELECT array_contains(array(1, 2), 2), array_contains(array(1, NULL), 2), array_contains(array(1, NULL), 1), array_position(array(3, 2, 1), 1), array_position(array(3), 9)
SELECT sort_array(array(3, NULL, 1)), sort_array(array(3, NULL, 1), false), array_sort(array(3, NULL, 1)), array_distinct(array(1, 2, 1, NULL, NULL)), reverse(array(1, 2, 3)), array_min(array(3, 1, NULL)), array_max(array(3, 1, NULL))
SELECT slice(array(1, 2, 3, 4), 2, 2), slice(array(1, 2, 3, 4), -2, 2), array_join(array('a', NULL, 'b'), ','), array_join(array('a', NULL, 'b'), ',', '?'), flatten(array(array(1), array(2, 3))), concat(array(1), array(2, 3)), array_repeat('x', 3), array_remove(array(1, 2, 1), 1)
SELECT array_union(array(1, 2), array(2, 3)), array_intersect(array(1, 2, 2), array(2, 3)), array_except(array(1, 2, NULL), array(2)), arrays_overlap(array(1, 2), array(2, 3)), array_append(array(1), 2), array_prepend(array(1), 0), array_compact(array(1, NULL, 2)), sequence(1, 5), sequence(5, 1, -2)
SELECT transform(array(1, 2, 3), x -> x + 1), transform(array(5, 6), (x, i) -> x * i), filter(array(1, 2, 3), x -> x > 1), exists(array(1, 2), x -> x > 1), forall(array(1, 2), x -> x > 0), aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x), aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10)
SELECT map_keys(map('a', 1, 'b', 2)), map_values(map('a', 1, 'b', 2)), map_entries(map('a', 1)), map_from_arrays(array('a', 'b'), array(1, 2)), map_concat(map('a', 1), map('b', 2)), map_contains_key(map('a', 1), 'a')
SELECT named_struct('a', 1, 'b', 'x').b, struct(1, 'x').col2, named_struct('A', 1).a, array(named_struct('a', 1), named_struct('a', 2)).a
SELECT get_json_object('{"a":{"b":[1,2,{"c":"x"}]}}', '$.a.b[2].c'), get_json_object('{"a":1.50}', '$.a'), get_json_object('{"a":{"b":1}}', '$.a'), get_json_object('nope', '$.a'), get_json_object('{"a":null}', '$.a')
SELECT a, count(*), sum(b), avg(b), min(b), max(b) FROM VALUES (1, 10), (1, 20), (2, NULL), (NULL, 5) AS t(a, b) GROUP BY a
SELECT count(*), count(b), count(DISTINCT a), sum(b), avg(b) FROM VALUES (1, 10), (1, 20), (2, NULL) AS t(a, b)
SELECT count(*), sum(a), min(a) FROM VALUES (1) AS t(a) WHERE a > 5
SELECT sum(a), avg(a), sum(b), avg(b) FROM VALUES (1.10, 2.5D), (2.25, 3.5D) AS t(a, b)
SELECT count(DISTINCT a, b), count(a, b) FROM VALUES (1, 2), (1, 2), (1, NULL), (2, 3) AS t(a, b)
SELECT sum(a) FROM VALUES (9223372036854775807L), (1L) AS t(a)
SELECT stddev(a), stddev_pop(a), variance(a), var_pop(a), skewness(a), kurtosis(a) FROM VALUES (1), (2), (4), (8) AS t(a)
SELECT corr(a, b), covar_pop(a, b), covar_samp(a, b) FROM VALUES (1, 2), (2, 4.5), (3, 5) AS t(a, b)
SELECT sort_array(collect_list(a)), sort_array(collect_set(a)) FROM VALUES (1), (NULL), (1), (2) AS t(a)
SELECT min_by(a, b), max_by(a, b) FROM VALUES ('x', 1), ('y', 3), (NULL, 5) AS t(a, b)
SELECT percentile(a, 0.5), median(a), percentile_approx(a, 0.5) FROM VALUES (1), (2), (3), (10) AS t(a)
SELECT bool_and(a), bool_or(a), count_if(a), every(a), some(a) FROM VALUES (true), (false), (NULL) AS t(a)
SELECT bit_and(a), bit_or(a), bit_xor(a) FROM VALUES (3), (5) AS t(a)
SELECT sum(a) FILTER (WHERE a > 1), count(*) FILTER (WHERE a > 1) FROM VALUES (1), (2), (3) AS t(a)
SELECT a, b, sum(c), grouping(a), grouping_id(a, b) FROM VALUES (1, 'x', 10), (1, 'y', 20), (2, 'x', 30) AS t(a, b, c) GROUP BY ROLLUP (a, b)
SELECT a, b, sum(c) FROM VALUES (1, 'x', 10), (1, 'y', 20), (2, 'x', 30) AS t(a, b, c) GROUP BY CUBE (a, b)
SELECT a, sum(c) FROM VALUES (1, 'x', 10), (1, 'y', 20) AS t(a, b, c) GROUP BY GROUPING SETS ((a), ())
SELECT a % 2 AS p, sum(a) + 1 FROM VALUES (1), (2), (3) AS t(a) GROUP BY a % 2 HAVING sum(a) > 1
SELECT a FROM VALUES (2), (NULL), (1) AS t(a) ORDER BY a
SELECT a FROM VALUES (2), (NULL), (1) AS t(a) ORDER BY a DESC
SELECT a FROM VALUES (2), (NULL), (1) AS t(a) ORDER BY a DESC NULLS FIRST LIMIT 2
SELECT a FROM VALUES (2), (CAST('NaN' AS DOUBLE)), (1), (CAST('Infinity' AS DOUBLE)) AS t(a) ORDER BY a
SELECT DISTINCT a FROM VALUES (1), (1), (NULL), (NULL) AS t(a)
SELECT id FROM range(5) WHERE id % 2 = 0
SELECT id FROM range(10, 0, -3) ORDER BY id LIMIT 2 OFFSET 1
SELECT l.a, r.b FROM VALUES (1), (2), (NULL) AS l(a) JOIN VALUES (1, 'x'), (NULL, 'n') AS r(a, b) ON l.a = r.a
SELECT l.a, r.b FROM VALUES (1), (2), (NULL) AS l(a) LEFT JOIN VALUES (1, 'x'), (NULL, 'n') AS r(a, b) ON l.a = r.a
SELECT l.a, r.b FROM VALUES (1), (2) AS l(a) FULL OUTER JOIN VALUES (1, 'x'), (3, 'z') AS r(a, b) ON l.a = r.a
SELECT l.a, r.b FROM VALUES (1), (2) AS l(a) RIGHT JOIN VALUES (1, 'x'), (3, 'z') AS r(a, b) ON l.a = r.a
SELECT l.a FROM VALUES (1), (2), (NULL) AS l(a) LEFT SEMI JOIN VALUES (1), (NULL) AS r(a) ON l.a = r.a
SELECT l.a FROM VALUES (1), (2), (NULL) AS l(a) LEFT ANTI JOIN VALUES (1), (NULL) AS r(a) ON l.a = r.a
SELECT l.a, r.b FROM VALUES (1), (NULL) AS l(a) JOIN VALUES (1, 'x'), (NULL, 'n') AS r(a, b) ON l.a <=> r.a
SELECT * FROM VALUES (1), (2) AS l(a) CROSS JOIN VALUES ('x'), ('y') AS r(b)
SELECT a FROM VALUES (1), (2), (2) AS t(a) UNION ALL SELECT 3
SELECT a FROM VALUES (1), (2), (2) AS t(a) UNION SELECT 2
SELECT a FROM VALUES (1), (2), (2) AS t(a) INTERSECT SELECT 2
SELECT a FROM VALUES (1), (2), (2) AS t(a) EXCEPT ALL SELECT 2
SELECT a FROM VALUES (1), (2), (2) AS t(a) EXCEPT SELECT 1
SELECT a, e FROM VALUES (1, array(10, 20)), (2, array()) AS t(a, b) LATERAL VIEW explode(b) x AS e
SELECT a, e FROM VALUES (1, array(10, 20)), (2, NULL) AS t(a, b) LATERAL VIEW OUTER explode(b) x AS e
SELECT a, posexplode(b) FROM VALUES (1, array('x', 'y')) AS t(a, b)
SELECT explode(map('k', 1, 'm', 2))
SELECT inline(array(struct(1, 'a'), struct(2, 'b')))
SELECT stack(2, 1, 'a', 2, 'b')
SELECT a, row_number() OVER (ORDER BY a), rank() OVER (ORDER BY a), dense_rank() OVER (ORDER BY a), percent_rank() OVER (ORDER BY a), cume_dist() OVER (ORDER BY a), ntile(2) OVER (ORDER BY a) FROM VALUES (1), (2), (2), (3) AS t(a)
SELECT a, lag(a) OVER (ORDER BY a), lead(a, 1, -1) OVER (ORDER BY a), sum(a) OVER (ORDER BY a), sum(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), avg(a) OVER () FROM VALUES (1), (2), (4) AS t(a)
SELECT a, first_value(a) OVER (PARTITION BY b ORDER BY a), last_value(a) OVER (PARTITION BY b ORDER BY a ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), count(*) OVER (PARTITION BY b) FROM VALUES (1, 'x'), (2, 'x'), (3, 'y') AS t(a, b)
SELECT a FROM VALUES (1), (2), (3) AS t(a) WHERE a IN (SELECT x FROM VALUES (2), (3) AS s(x))
SELECT a, (SELECT max(x) FROM VALUES (5), (7) AS s(x)) FROM VALUES (1) AS t(a)
SELECT a FROM VALUES (1), (2) AS t(a) WHERE EXISTS (SELECT 1 FROM VALUES (2) AS s(x) WHERE s.x = t.a)
SELECT a, (SELECT sum(y) FROM VALUES (1, 10), (1, 20) AS s(x, y) WHERE s.x = t.a) FROM VALUES (1), (2) AS t(a)
SELECT (SELECT x FROM VALUES (1), (2) AS s(x))
WITH c AS (SELECT 1 AS a UNION ALL SELECT 2) SELECT sum(a) FROM c
SELECT raise_error('boom')
SELECT typeof(1), typeof(1.5), typeof(array(1)), typeof('x')
SELECT timestampdiff(MONTH, TIMESTAMP'2024-01-31 00:00:00', TIMESTAMP'2024-03-01 00:00:00'), timestampadd(DAY, 3, TIMESTAMP'2024-01-01 00:00:00')
-- Strings, once more: edges.
SELECT substr('Spark SQL', 5), substr('Spark SQL', -3), left('Spark', 3), right('Spark', 3), left('Spark', -1), right('Spark', 0), left('ab', 9)
SELECT char_length('Spark '), length(X'0102'), octet_length('Spark'), lcase('SQL'), ucase('sql'), initcap('a-b c_d e'), reverse('abc d')
SELECT 'Spark' LIKE '_park', 'a\nb' LIKE 'a%b', '%SystemDrive%' LIKE '\\%System%', 'abc' LIKE NULL, 'ABC' ILIKE '_b_', '' LIKE '%'
SELECT 'abc' LIKE ANY ('a%', 'x'), 'abc' LIKE ALL ('a%', '%c'), 'abc' NOT LIKE ALL ('x%', 'y%')
SELECT 'abc' RLIKE '^a.c$', 'abc' RLIKE 'B', 'abc' RLIKE '(?i)B', regexp_like('x1', '\\d'), regexp('ab', '^b')
SELECT regexp_replace('abc', '(b)', '[$1]'), regexp_replace('a.b', '\\.', ''), regexp_replace('aaa', 'a', 'b', 2), regexp_extract('100-200', '(\\d+)-(\\d+)', 0)
SELECT regexp_extract_all('100-200, 300-400', '(\\d+)-(\\d+)', 1), regexp_instr('abcb', 'b'), regexp_substr('abc', 'z'), regexp_count('aaa', 'aa')
SELECT split('oneAtwoBthreeC', '[ABC]'), split('oneAtwoBthreeC', '[ABC]', 2), split('a||b', '\\|'), split(NULL, ','), split('a.b.c', '\\.', -1)
SELECT split_part('11.12.13', '.', 3), split_part('11.12.13', '.', -3), split_part('a', ',', 5), split_part('', ',', 1)
SELECT split_part('11.12.13', '.', 0)
SELECT format_string('%s %d%% %,d', 'a', 5, 1234567), format_string('%08.3f|%+d|%e', 3.14159D, 5, 12345.678D), format_string('%2$s %1$s', 'a', 'b'), format_string('%c|%b|%X|%o', 65, true, 255, 8), printf('%-6s|%6s|', 'ab', NULL)
SELECT format_number(12332.123456, 4), format_number(12332.123456D, 0), format_number(1000000, 0), format_number(0.126D, 2), format_number(NULL, 2), format_number(-0.4D, 0)
SELECT concat_ws(' ', 'Spark', 'SQL'), concat_ws('s'), concat_ws('/', 'foo', NULL, 'bar'), concat_ws(',', array('a', NULL), array('b'))
SELECT translate('AaBbCc', 'abc', '123'), lpad('ab', 1, 'x'), rpad('ab', 1, 'x'), lpad('', 3, 'xy'), repeat('x', -1), overlay('Spark SQL' PLACING '_' FROM 6), overlay('Spark SQL' PLACING 'ANSI ' FROM 7 FOR 0)
SELECT base64('Spark SQL'), CAST(unbase64('U3BhcmsgU1FM') AS STRING), hex(17), hex('Spark SQL'), hex(-1), decode(unhex('537061726B2053514C'), 'UTF-8'), encode('abc', 'utf-8')
SELECT ascii('é'), ascii('€'), char(97), chr(353), char(0) = '', soundex('Robert'), soundex('123'), levenshtein('kitten', 'sitting', 2), levenshtein('', 'abc')
SELECT trim('\t a \n'), ltrim('x', 'xxa'), btrim('  a '), trim('xy' FROM 'xyaxy'), trim(NULL), rtrim('xyz', 'abczyx')
SELECT locate('bar', 'foobarbar', 5), locate('', 'abc'), instr('abc', NULL), position('bar', 'foobarbar'), find_in_set('ab', 'abc,b,ab,c,def'), find_in_set('a,b', 'a,b'), charindex('b', 'abc')
SELECT nvl2('a', 'b', 'c'), nullif('a', 'a'), coalesce(NULL, NULL), ifnull(NULL, 'x'), isnull('a'), 'a' <=> 'a', zeroifnull(NULL), nullifzero(0)
SELECT elt(2, 'a', 'b'), elt(1, 'a'), contains('Spark', 'park'), startswith('Spark', NULL), endswith('', ''), 'b' > 'a', 'B' < 'a', 'a' || NULL
SELECT sentences('Hi there! Good morning.'), str_to_map('a:1,b:2,c'), str_to_map('a=1&b=2', '&', '=')
SELECT url_encode('https://spark.apache.org/a b'), url_decode('https%3A%2F%2Fspark.apache.org%2Fa+b'), parse_url('http://spark.apache.org/path?query=1', 'HOST'), parse_url('http://spark.apache.org/path?query=1', 'QUERY', 'query')
SELECT to_number('454', '999'), to_number('$78.12', '$99.99'), to_char(454, '999'), to_char(12454, '99G999')
SELECT mask('abcd-EFGH-8765-4321'), luhn_check('79927398713'), quote('a')
-- Numbers.
SELECT round(2.345, 2), round(-2.345, 2), round(25, -1), round(CAST(3.5 AS FLOAT)), round(1e20D, 3), round(NULL), round(0.5), round(CAST(127 AS TINYINT), 0), bround(2.45, 1), bround(-3.5D)
SELECT ceil(3.1411, 3), floor(3.1411, 3), ceil(-0.1D), floor(-0.1D), ceil(1e10D), ceiling(5.0), floor(CAST(2.7 AS DECIMAL(10,3))), ceil(CAST(9.99 AS FLOAT))
SELECT abs(-1Y), abs(CAST(-1.5 AS DECIMAL(4,2))), sign(-5), signum(0), mod(7, -3), pmod(7, -3), pmod(-7, -3), -7 % 3, -7.5 % 2, pmod(-7.5D, 2)
SELECT exp(0), exp(2.5D), exp(-1D), exp(10), expm1(0.1D), log1p(0.1D), log(10, 100), log(2.718281828459045D), ln(NULL), pow(2, 0.5), power(0, 0), pow(-8D, 1D/3), cbrt(-8)
SELECT sinh(0.5D), cosh(0D), cosh(2.5D), sinh(3D), tanh(0.5D), tanh(3D), asinh(1D), acosh(2D), atanh(0.5D), cot(1D), sec(1D), csc(1D), sinh(-1.5D), cosh(-1D)
SELECT sin(0.5D), cos(0.5D), tan(0.5D), sin(100D), cos(100D), atan(2D), asin(2D), acos(0), atan2(0D, -1D), degrees(1D), radians(90D)
SELECT factorial(0), factorial(20), factorial(21), factorial(-1), hypot(1, 1), rint(-2.5D), rint(3.5D), conv('zz', 36, 10), conv('1', 10, 2), conv('-1', 10, 16), bin(-1), bit_get(11, 0), bit_count(-1), getbit(11, 2)
SELECT 5 / 2, 5.0 / 2, 5D / 0.5D, CAST(5 AS DECIMAL(5,2)) / 3, 1L / 3, CAST(1 AS DECIMAL(38,10)) / 7, 0 / 5, CAST(1.0 AS FLOAT) / 3
SELECT CAST(12345678.9 AS DECIMAL(20,5)) * CAST(98765.4321 AS DECIMAL(20,5)), CAST(1 AS DECIMAL(38,18)) * CAST(1 AS DECIMAL(38,18)), CAST(1 AS DECIMAL(38,18)) + CAST(1 AS DECIMAL(38,0))
SELECT CAST(10 AS DECIMAL(38,0)) / CAST(3 AS DECIMAL(38,0)), 7.0 div 2, -7.5 div 2, CAST(7 AS DECIMAL(10,2)) % 0.3, 1.1 + 1, 1.1 - 2L, 3 * 1.5, 1.5 = 1.50, 1.5 > 1
SELECT CAST(1 AS DECIMAL(10,2)) / 0
SELECT CAST('1' AS DECIMAL(38,0)) * 99999999999999999999999999999999999999
SELECT 1e308D * 10, -1e308D * 10, 0D / 1, CAST('NaN' AS DOUBLE) + 1, 1.0D % 0.3D, float('1.1') + 1, float(16777217), 1.1D * 1.1D, 100D / 3
SELECT greatest(1.5, 2), greatest('a', 'b'), least(1, 2.5D), greatest(DATE'2024-01-01', DATE'2023-01-01'), greatest(CAST('NaN' AS DOUBLE), 1), least(CAST('NaN' AS DOUBLE), 1)
SELECT width_bucket(-2.1D, 1.3D, 3.4D, 5), width_bucket(8.1D, 0D, 5.7D, 4), width_bucket(-0.9D, 5.2D, 0.5D, 2), shiftleft(2, 1), shiftright(4, 1), 1 << 3, 16 >> 2, shiftrightunsigned(-1, 28)
SELECT try_add(1, 2), try_add(2147483647, 1), try_divide(3, 2), try_divide(1, 0), try_multiply(2, 3), try_subtract(1, 2), try_mod(3, 0), try_add(DATE'2024-01-01', 1)
-- Casts at the edges.
SELECT CAST('127' AS TINYINT), CAST('-128' AS TINYINT), CAST('+5' AS INT), CAST('1L' AS STRING), CAST(' 1.5 ' AS DOUBLE), CAST('Infinity' AS DOUBLE), CAST('-inf' AS FLOAT), CAST('nan' AS DOUBLE), CAST('1d' AS DOUBLE), CAST('.5' AS DOUBLE)
SELECT CAST('128' AS TINYINT)
SELECT CAST('9223372036854775808' AS BIGINT)
SELECT CAST('1e400' AS DOUBLE), CAST(1e300D AS FLOAT), CAST('1e-400' AS DOUBLE), CAST(16777217 AS FLOAT), CAST(0.1 AS FLOAT), CAST(CAST(0.1 AS FLOAT) AS DOUBLE), CAST(123456789012L AS DOUBLE)
SELECT CAST(CAST('NaN' AS DOUBLE) AS INT)
SELECT CAST(CAST('NaN' AS DOUBLE) AS DECIMAL(5,2))
SELECT CAST(99.999 AS DECIMAL(4,1)), CAST(-0.05 AS DECIMAL(3,1)), CAST(0.05D AS DECIMAL(3,1)), CAST('0.005' AS DECIMAL(10,2)), CAST(true AS DECIMAL(2,1)), CAST(12.5 AS STRING), CAST(1e3D AS STRING), CAST(1.0E-10D AS STRING)
SELECT CAST(1234.5 AS DECIMAL(4,1)), try_cast(12345.6 AS DECIMAL(4,1)), try_cast('x' AS DATE), try_cast('2024-13-01' AS TIMESTAMP), try_cast('yes' AS BOOLEAN), try_cast('t' AS BOOLEAN), try_cast(1e10D AS INT), try_cast('1e3' AS INT)
SELECT CAST('t' AS BOOLEAN), CAST('Y' AS BOOLEAN), CAST(' false ' AS BOOLEAN), CAST(0.0D AS BOOLEAN), CAST(2 AS BOOLEAN), CAST(true AS DOUBLE), CAST(true AS STRING), CAST(NULL AS BOOLEAN)
SELECT CAST('2024-01-01 1:2:3' AS TIMESTAMP), CAST('2024-01-01 12' AS TIMESTAMP), CAST('2024-01-01T12:00' AS TIMESTAMP), CAST('2024' AS TIMESTAMP), CAST('2024-01-01 00:00:00.123456789' AS TIMESTAMP), CAST('2024-01-01 00:00:00 UTC' AS TIMESTAMP), CAST('2024-01-01 00:00:00 America/New_York' AS TIMESTAMP)
SELECT CAST('0001-01-01' AS DATE), CAST('9999-12-31' AS DATE), CAST('-0001-01-01' AS DATE), CAST('10000-01-01' AS DATE), CAST('1582-10-10' AS DATE), CAST('2024-06-01abc' AS STRING)
SELECT CAST('2024-06-01abc' AS DATE)
SELECT CAST(TIMESTAMP'1969-12-31 23:59:59.5' AS BIGINT), CAST(TIMESTAMP'2024-01-01 00:00:00.5' AS DOUBLE), CAST(TIMESTAMP'2024-01-01 00:00:00.5' AS DECIMAL(20,3)), CAST(-1 AS TIMESTAMP), CAST(TIMESTAMP'2024-01-01 00:00:00.120' AS STRING), CAST(TIMESTAMP_NTZ'2024-01-01 00:00:00' AS TIMESTAMP)
SELECT CAST(array('1', '2') AS ARRAY<INT>), CAST(map('1', 2) AS MAP<INT, STRING>), CAST(named_struct('a', 1) AS STRUCT<b: STRING>), CAST(array(1.5D, NULL) AS STRING), CAST(array(array('a')) AS STRING), CAST(map(1, array(2)) AS STRING), CAST(struct(1, NULL, 'x') AS STRING)
SELECT string(1), int('7'), bigint(2.9D), double('1.5'), decimal('10.5'), boolean('true'), date('2024-01-01'), timestamp('2024-01-01'), tinyint(3), smallint('4'), float(2), binary('ab')
SELECT 1 = '1', '1.0' = 1, 2 > '10', '2' > '10', 1 + '2', '3' * '4', '5' / 2, 1 = true
SELECT 'abc' = 1
SELECT DATE'2024-01-01' = '2024-01-01', TIMESTAMP'2024-01-01' > DATE'2023-12-31', '2024-01-01' < DATE'2024-01-02', DATE'2024-01-01' IN ('2024-01-01')
-- Dates and times.
SELECT current_date() = current_date(), now() >= current_timestamp(), typeof(now()), typeof(current_date()), localtimestamp() IS NOT NULL, unix_timestamp() > 0, current_timezone()
SELECT date_add(DATE'2024-01-31', 30), date_sub('2024-03-01', 1), datediff('2024-03-01', '2024-02-28'), date_diff(DATE'2024-01-01', DATE'2024-12-31'), dateadd(DATE'2024-01-01', -1), DATE'2024-03-01' - 1, 1 + DATE'2024-03-01'
SELECT dateadd(MONTH, 1, DATE'2024-01-31'), datediff(MONTH, DATE'2024-01-31', DATE'2024-02-29'), timestampadd(HOUR, 25, TIMESTAMP'2024-01-01 00:00:00'), timestampdiff(DAY, TIMESTAMP'2024-01-01', TIMESTAMP'2024-03-01'), timestampadd(YEAR, -1, TIMESTAMP'2024-02-29 00:00:00')
SELECT add_months('2024-01-31', 13), months_between('2024-02-28 10:30:00', '2023-10-30'), months_between('2024-02-28 10:30:00', '2023-10-30', false), last_day('2024-02-01'), next_day('2024-01-14', 'TU'), next_day(DATE'2024-01-14', 'sunday')
SELECT trunc('2024-08-04', 'QUARTER'), trunc('2024-08-04', 'Q'), trunc(DATE'2024-08-04', 'yy'), date_trunc('YEAR', TIMESTAMP'2024-08-04 09:32:05.359'), date_trunc('MM', TIMESTAMP'2024-08-04 09:32:05.359'), date_trunc('WEEK', TIMESTAMP'2024-08-04 09:32:05.359'), date_trunc('SECOND', TIMESTAMP'2024-08-04 09:32:05.359'), date_trunc('MILLISECOND', TIMESTAMP'2024-08-04 09:32:05.359123'), date_trunc('x', TIMESTAMP'2024-08-04 09:32:05')
SELECT year('2024-07-30'), month(TIMESTAMP'2024-07-30 04:17:52'), dayofyear('2024-12-31'), weekofyear('2024-12-30'), weekofyear('2021-01-01'), dayname(DATE'2024-01-01'), monthname('2024-02-01'), quarter('2024-08-31'), dayofweek('2024-07-28'), weekday('2024-07-28')
SELECT extract(YEAR FROM TIMESTAMP'2024-08-12 01:00:00.123456'), extract(week FROM DATE'2024-08-12'), date_part('doy', DATE'2024-08-12'), date_part('SECONDS', TIMESTAMP'2024-10-01 00:00:01.000001'), extract(DOW FROM DATE'2024-08-12'), extract(DAYOFWEEK_ISO FROM DATE'2024-08-12'), extract(YEAROFWEEK FROM DATE'2021-01-01'), extract(MONTH FROM INTERVAL '2-11' YEAR TO MONTH), extract(HOUR FROM INTERVAL '3 11:22:33.5' DAY TO SECOND), extract(SECOND FROM INTERVAL '3 11:22:33.5' DAY TO SECOND)
SELECT date_format('2024-04-08', 'y'), date_format(TIMESTAMP'2024-04-08 15:06:07.089', 'dd/MM/yy hh:mm:ss a'), date_format(TIMESTAMP'2024-04-08 15:06:07', 'EEE MMM d'), date_format(DATE'2024-04-08', 'D'), date_format(DATE'2024-04-08', "'Q'q yyyy"), date_format(TIMESTAMP'2024-04-08 00:06:07', 'K:k:h:H'), date_format(TIMESTAMP'2024-04-08 15:06:07', 'xxx'), date_format(DATE'2024-04-08', 'QQQ L LLL')
SELECT to_date('2024-12-31'), to_date('31 Dec 2024', 'd MMM yyyy'), to_date('20241231', 'yyyyMMdd'), to_timestamp('2024-12-31 11:59 PM', 'yyyy-MM-dd hh:mm a'), to_timestamp('31.12.2024 23:59:59,5', 'dd.MM.yyyy HH:mm:ss,S'), to_timestamp('1/2/24', 'M/d/yy'), to_timestamp('2024-12-31')
SELECT to_date('2024-02-30', 'yyyy-MM-dd')
SELECT to_date('nope')
SELECT try_to_timestamp('2024-13-01'), try_to_timestamp('2024-12-01', 'yyyy-MM-dd'), try_to_date('nope'), to_timestamp_ntz('2024-01-01 12:00:00'), to_timestamp_ltz('2024-01-01 12:00:00')
SELECT from_unixtime(1700000000), from_unixtime(0, 'yyyy-MM-dd HH:mm:ss'), unix_timestamp('2024-04-08', 'yyyy-MM-dd'), to_unix_timestamp('2024-04-08', 'yyyy-MM-dd'), unix_timestamp(DATE'2024-04-08'), unix_millis(TIMESTAMP'2024-01-01 00:00:00.123'), unix_micros(TIMESTAMP'1970-01-01 00:00:01'), timestamp_seconds(-1), timestamp_millis(-1)
SELECT make_date(2024, 7, 22), make_timestamp(2024, 7, 22, 28.5, 1, 1)
SELECT make_date(2024, 13, 1)
SELECT make_timestamp(2024, 6, 30, 23, 59, 60), make_timestamp(2024, 12, 31, 23, 59, 59.123456), make_timestamp(2024, 1, 1, 0, 0, 0, 'CET'), make_timestamp_ntz(2024, 1, 1, 0, 0, 0), make_interval(1, 2, 0, 3) IS NOT NULL, make_dt_interval(1, 2, 3, 4.5), make_ym_interval(1, 2)
SELECT from_utc_timestamp('2024-08-31', 'Asia/Seoul'), to_utc_timestamp('2024-08-31', 'Asia/Seoul'), convert_timezone('Europe/Brussels', 'America/Los_Angeles', TIMESTAMP_NTZ'2024-12-06 00:00:00'), from_utc_timestamp(TIMESTAMP'2024-01-01 00:00:00', '+01:00')
SELECT TIMESTAMP'2024-03-10 01:30:00' + INTERVAL 1 HOUR, TIMESTAMP'2024-11-03 00:30:00' + INTERVAL '1' DAY, TIMESTAMP'2024-01-31 10:00:00' + INTERVAL 1 MONTH, TIMESTAMP'2024-03-31 10:00:00' - INTERVAL 1 MONTH, DATE'2024-01-01' + INTERVAL '1 02:00:00' DAY TO SECOND
SELECT DATE'2024-01-01' + INTERVAL 2 DAYS, DATE'2024-01-01' - INTERVAL 1 YEAR, INTERVAL 1 DAY + DATE'2024-01-01', TIMESTAMP'2024-01-02 00:00:00' - TIMESTAMP'2024-01-01 12:00:00', TIMESTAMP'2024-01-02' - DATE'2024-01-01', DATE'2024-01-10' - DATE'2024-01-01'
SELECT INTERVAL '1' DAY + INTERVAL '2' HOUR, INTERVAL '1' YEAR + INTERVAL '2' MONTH, INTERVAL '3' DAY * 1.5, INTERVAL '1' DAY / 2, -INTERVAL '1' HOUR, INTERVAL '1' DAY > INTERVAL '23' HOUR, INTERVAL '10' SECOND, INTERVAL '1.5' SECOND, INTERVAL '90' MINUTE, abs(INTERVAL '-1' DAY)
SELECT sum(a), avg(a), max(a) FROM VALUES (INTERVAL '1' DAY), (INTERVAL '2' DAY) AS t(a)
SELECT window(TIMESTAMP'2024-01-01 00:07:00', '5 minutes').start, window(TIMESTAMP'2024-01-01 00:07:00', '5 minutes').end, date_from_unix_date(1), unix_date('1970-01-02'), timestamp_micros(1)
-- Arrays, maps, structs.
SELECT array(1, NULL, 3), array(), array('a', 1), array(1, 2.5), array(array(1), array()), size(array(NULL)), array(1)[0], array(1, 2)[NULL]
SELECT array_contains(NULL, 1), array_contains(array('a'), 'a'), array_contains(array(1.0, 2.0), 2), array_position(array('a', NULL), 'a'), array_position(NULL, 1), array_remove(array(1, 2, NULL, 1), 1), array_append(array(1), 2), array_append(array(1), NULL), array_prepend(array(1), 0), array_insert(array(1, 2, 4), 3, 3), array_insert(array(1, 2), -1, 9), array_compact(array(1, NULL, 2))
SELECT array_sort(array('b', 'd', NULL, 'c', 'a')), sort_array(array('b', NULL, 'a'), true), array_sort(array(3, 1, 2), (l, r) -> CASE WHEN l > r THEN -1 WHEN l < r THEN 1 ELSE 0 END), sort_array(array(1.5D, CAST('NaN' AS DOUBLE), 0D)), array_max(array('a', 'c', 'b')), array_min(array(NULL, 2)), array_max(array()), array_distinct(array('a', 'a', NULL))
SELECT array_join(array('hello', 'world'), ' '), array_join(array('a', NULL), ',', 'x'), array_join(array(), ','), array_repeat('ab', 2), array_repeat(NULL, 2), array_repeat(1, 0), arrays_zip(array(1, 2), array('a')), flatten(array(array(1, 2), array(3))), flatten(array(array(1), NULL)), sequence(1, 5), sequence(5, 1), sequence(1, 10, 4), sequence(5, 1, -2), sequence(1, 1)
SELECT sequence(DATE'2024-01-01', DATE'2024-03-01', INTERVAL 1 MONTH), sequence(DATE'2024-01-01', DATE'2024-01-03'), sequence(TIMESTAMP'2024-01-01 00:00:00', TIMESTAMP'2024-01-01 02:00:00', INTERVAL 1 HOUR)
SELECT slice(array(1, 2, 3, 4), 2, 9), slice(array(1, 2), 3, 1), slice(array(1, 2, 3), -1, 1), slice(array(1, 2), 1, 0), slice(array(1, 2, 3), -5, 2)
SELECT slice(array(1, 2), 0, 1)
SELECT array_union(array(1, NULL), array(NULL, 2)), array_intersect(array(1, NULL), array(NULL, 1)), array_except(array(1, 1, 2), array(2)), arrays_overlap(array(1, NULL), array(2)), arrays_overlap(array(1, 2), array(2)), arrays_overlap(array(1), array(2)), concat(array(1), array(2, NULL)), reverse(array(1, NULL)), shuffle(array(1)), get(array(1, 2), -1), get(array(1, 2), 1), element_at(array(1, 2), -2)
SELECT transform(array(1, NULL), x -> coalesce(x, 0)), transform(array(array(1, 2)), x -> size(x)), filter(array(1, NULL, 3), x -> x IS NOT NULL), filter(array(5, 6, 7), (x, i) -> i > 0), exists(array(1, NULL), x -> x > 5), forall(array(1, NULL), x -> x > 0), exists(array(), x -> true), forall(array(), x -> false), aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x), aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10), reduce(array(1, 2), 10L, (acc, x) -> acc + x), zip_with(array(1, 2), array(3), (x, y) -> coalesce(x, 0) + coalesce(y, 0)), zip_with(array('a'), array('b'), (x, y) -> concat(x, y))
SELECT aggregate(array('a', 'b'), '', (acc, x) -> acc || x), aggregate(array('a', 'bb'), 0, (acc, x) -> acc + length(x)), aggregate(array(), 5, (acc, x) -> acc), aggregate(NULL, 1, (acc, x) -> acc)
SELECT map('a', 1, 'b', NULL), map(), map_from_arrays(array(1, 2), array('x', 'y')), map_from_entries(array(struct(1, 'a'), struct(2, 'b'))), map_concat(map(1, 'a'), map(2, 'b')), map_keys(map()), map_values(map('a', NULL)), map_entries(map(1, 'x')), map_contains_key(map(1, 'a'), 2), element_at(map(1, 'a'), 1), map(1, 'a')[2], try_element_at(map(1, 'a'), 2), size(map())
SELECT map('a', 1, 'a', 2)
SELECT map(NULL, 1)
SELECT map_filter(map(1, 0, 2, 2), (k, v) -> k = v), transform_keys(map(1, 'a'), (k, v) -> k + 1), transform_values(map(1, 2), (k, v) -> k + v), map_zip_with(map(1, 'a'), map(1, 'x', 2, 'y'), (k, v1, v2) -> concat(v1, v2))
SELECT struct(1, 'a'), named_struct('x', 1, 'y', array(2)), struct(1 AS a).a, named_struct('a', named_struct('b', 5)).a.b, struct(1, 2) = struct(1, 2), struct(1, 2) < struct(1, 3), array(1, 2) = array(1, 2), array(1, 2) < array(1, 3), named_struct('a', NULL) IS NULL
SELECT inline FROM VALUES (1) AS t(inline)
SELECT explode(array(1, 2, NULL))
SELECT explode(array())
SELECT explode(map('a', 1, 'b', 2))
SELECT explode_outer(array()), 1
SELECT explode_outer(CAST(NULL AS MAP<STRING, INT>))
SELECT posexplode(array('x', 'y'))
SELECT posexplode_outer(CAST(NULL AS ARRAY<INT>))
SELECT inline(array(struct(1, 'a'), struct(2, 'b')))
SELECT inline_outer(CAST(NULL AS ARRAY<STRUCT<a: INT, b: STRING>>))
SELECT stack(2, 1, 'a', 2, 'b')
SELECT a, e FROM VALUES (1, array(10, 20)), (2, array()) AS t(a, b) LATERAL VIEW explode(b) x AS e
SELECT a, e FROM VALUES (1, array(10, 20)), (2, array()) AS t(a, b) LATERAL VIEW OUTER explode(b) x AS e
SELECT a, p, e FROM VALUES (1, array(10, 20)) AS t(a, b) LATERAL VIEW posexplode(b) x AS p, e
SELECT a, k, v FROM VALUES (1, map('x', 2)) AS t(a, m) LATERAL VIEW explode(m) x AS k, v
SELECT a, col FROM VALUES (1, array(struct(5, 'q'))) AS t(a, b) LATERAL VIEW inline(b) x AS col, c2
SELECT * FROM explode(array(1, 2))
-- JSON and CSV.
SELECT get_json_object('{"a":[{"b":1},{"b":2}]}', '$.a[*].b'), get_json_object('{"a":"x\\"y"}', '$.a'), get_json_object('{"a":true}', '$.a'), get_json_object('{"a":1e3}', '$.a'), get_json_object('{"a":[1,"2",null]}', '$.a'), get_json_object('{"a b":1}', "$['a b']"), get_json_object('[1,2]', '$[1]'), get_json_object('{"a":1}', '$'), get_json_object('{"a":1}', 'a'), get_json_object('{"a":12345678901234567890}', '$.a'), get_json_object('{"a":{"b":"c"}}', '$.a.x'), get_json_object('{"a":[{"b":7}]}', '$.a[*].b')
SELECT from_json('{"a":1,"b":"x"}', 'a INT, b STRING'), from_json('{"a":"1"}', 'a INT'), from_json('[1,2]', 'array<int>'), from_json('{"a":1', 'a INT'), from_json('{"d":"2024-01-01"}', 'd DATE'), from_json('{"k":1}', 'map<string,int>')
SELECT to_json(named_struct('a', 1, 'b', 'x')), to_json(array(1, 2)), to_json(map('k', 1.5)), to_json(named_struct('t', TIMESTAMP'2024-01-01 00:00:00', 'd', DATE'2024-01-01', 'n', NULL)), to_json(array(named_struct('a', NULL)))
SELECT json_array_length('[1,2,3]'), json_array_length('{"a":1}'), json_object_keys('{"a":1,"b":2}'), json_object_keys('[1]'), schema_of_json('{"a":1,"b":[true]}')
SELECT json_tuple('{"a":1,"b":"x"}', 'a', 'b', 'c')
SELECT from_csv('1,abc', 'a INT, b STRING'), to_csv(named_struct('a', 1, 'b', 'x'))
-- Aggregates.
SELECT first(a), last(a), first(a, true), last(a, true), any_value(a), first_value(b), last_value(b) FROM VALUES (NULL, 1), (5, 2), (NULL, 3) AS t(a, b)
SELECT count(*), count(a), count(1), count(DISTINCT a), count_if(a > 1), approx_count_distinct(a) FROM VALUES (1), (2), (2), (NULL) AS t(a)
SELECT max_by(x, y), min_by(x, y) FROM VALUES ('a', 10), ('b', 50), ('c', NULL) AS t(x, y)
SELECT k, max_by(x, y) FROM VALUES (1, 'a', 10), (1, 'b', 5), (2, 'c', NULL) AS t(k, x, y) GROUP BY k
SELECT percentile(a, 0.3), percentile(a, array(0.25, 0.75)), percentile_approx(a, 0.3), percentile_approx(a, array(0.1, 0.5, 0.9), 100), approx_percentile(a, 0.5), median(a) FROM VALUES (0), (1), (2), (10) AS t(a)
SELECT percentile_approx(a, 0.5), percentile(a, 0.5), median(a), percentile_approx(a, 0.0), percentile_approx(a, 1.0) FROM VALUES (1.5D), (2.5D), (NULL), (7D) AS t(a)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), percentile_disc(0.5) WITHIN GROUP (ORDER BY a) FROM VALUES (1), (2), (3), (4) AS t(a)
SELECT mode(a), mode(b) FROM VALUES (1, 'x'), (1, 'x'), (2, NULL) AS t(a, b)
SELECT stddev(a), var_samp(a), stddev_pop(a), var_pop(a), skewness(a), kurtosis(a) FROM VALUES (1.5D), (2.25D), (3.125D), (10D), (-4D) AS t(a)
SELECT stddev(a), var_samp(a), stddev_pop(a), skewness(a), kurtosis(a) FROM VALUES (5) AS t(a)
SELECT k, stddev(a), var_pop(a), avg(a) FROM VALUES (1, 1), (1, 2), (1, 4), (2, 3), (3, NULL) AS t(k, a) GROUP BY k
SELECT corr(x, y), covar_pop(x, y), covar_samp(x, y), regr_slope(y, x), regr_intercept(y, x), regr_r2(y, x), regr_count(y, x), regr_avgx(y, x), regr_avgy(y, x) FROM VALUES (1D, 2D), (2D, 3.5D), (4D, 7.25D), (NULL, 1D) AS t(x, y)
SELECT sum(a), avg(a), sum(b), avg(b) FROM VALUES (CAST(1.1 AS DECIMAL(10,2)), 1.5D), (CAST(2.2 AS DECIMAL(10,2)), 2.5D), (NULL, NULL) AS t(a, b)
SELECT sum(CAST(a AS TINYINT)), sum(CAST(a AS FLOAT)), avg(a), sum(DISTINCT a), avg(DISTINCT a), product(a), sum('2'), try_sum(a), try_avg(a) FROM VALUES (1), (2), (2) AS t(a)
SELECT try_sum(a) FROM VALUES (9223372036854775807L), (1L) AS t(a)
SELECT sort_array(collect_list(a)), sort_array(collect_set(a)), array_agg(b), collect_list(c) FROM VALUES (3, 'x', NULL), (1, 'y', NULL), (3, 'z', NULL) AS t(a, b, c)
SELECT listagg(a, ','), listagg(a), string_agg(a, '-'), listagg(DISTINCT a, ',') WITHIN GROUP (ORDER BY a DESC) FROM VALUES ('a'), ('b'), (NULL), ('b') AS t(a)
SELECT listagg(a, ',') WITHIN GROUP (ORDER BY b DESC) FROM VALUES ('a', 1), ('b', 2), ('c', 3) AS t(a, b)
SELECT bool_and(a), bool_or(a), every(a), any(a), bit_and(b), bit_or(b), bit_xor(b) FROM VALUES (true, 3), (NULL, 5), (true, 6) AS t(a, b)
SELECT max(a), min(a), max(b), min(b), max(c), min(d) FROM VALUES ('a', DATE'2024-01-01', true, CAST('NaN' AS DOUBLE)), ('b', DATE'2023-01-01', false, 1D) AS t(a, b, c, d)
SELECT max(a), min(a), max(struct(b, a)) FROM VALUES (array(1, 2), 'x'), (array(1), 'y') AS t(a, b)
SELECT histogram_numeric(a, 3) IS NOT NULL, approx_count_distinct(a, 0.1), count_min_sketch(a, 0.5D, 0.5D, 1) IS NOT NULL FROM VALUES (1), (2) AS t(a)
SELECT a, count(*) AS n FROM VALUES ('x'), ('y'), ('x') AS t(a) GROUP BY a HAVING n > 1
SELECT a, sum(b) AS s FROM VALUES (1, 2), (1, 3), (2, 1) AS t(a, b) GROUP BY 1 ORDER BY 2 DESC
SELECT a, b, sum(c) FROM VALUES (1, 2, 3), (1, 2, 4), (1, 3, 5) AS t(a, b, c) GROUP BY ALL ORDER BY a, b
SELECT a, sum(b) FILTER (WHERE b > 1), count(DISTINCT b) FROM VALUES (1, 1), (1, 2), (2, 2), (2, 2) AS t(a, b) GROUP BY a
SELECT coalesce(a, 'all') AS a, sum(b), grouping(a), grouping_id() FROM VALUES ('x', 1), ('y', 2), (NULL, 3) AS t(a, b) GROUP BY a WITH ROLLUP
SELECT sum(a) / count(*), max(a) - min(a), CASE WHEN sum(a) > 3 THEN 'big' ELSE 'small' END FROM VALUES (1), (2), (3) AS t(a)
SELECT k, sum(v) AS s FROM VALUES (1, 2), (1, 3) AS t(k, v) GROUP BY k HAVING count(*) > 1 ORDER BY max(k)
-- Windows.
SELECT a, b, row_number() OVER (PARTITION BY a ORDER BY b), rank() OVER (PARTITION BY a ORDER BY b), dense_rank() OVER (PARTITION BY a ORDER BY b), percent_rank() OVER (PARTITION BY a ORDER BY b), cume_dist() OVER (PARTITION BY a ORDER BY b), ntile(2) OVER (PARTITION BY a ORDER BY b) FROM VALUES ('x', 1), ('x', 1), ('x', 2), ('y', 5) AS t(a, b) ORDER BY a, b
SELECT b, lag(b) OVER (ORDER BY b), lead(b, 2) OVER (ORDER BY b), lag(b, 1, -1) OVER (ORDER BY b), lag(c) IGNORE NULLS OVER (ORDER BY b), first_value(c) IGNORE NULLS OVER (ORDER BY b), last_value(c) OVER (ORDER BY b), nth_value(b, 2) OVER (ORDER BY b) FROM VALUES (1, 'a'), (2, NULL), (3, 'c') AS t(b, c) ORDER BY b
SELECT b, sum(b) OVER (ORDER BY b), sum(b) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), sum(b) OVER (ORDER BY b RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING), avg(b) OVER (), count(*) OVER (PARTITION BY b % 2), max(b) OVER (ORDER BY b ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM VALUES (1), (2), (4), (5) AS t(b) ORDER BY b
SELECT b, sum(b) OVER (ORDER BY b DESC NULLS LAST), min(b) OVER (ORDER BY b), collect_list(b) OVER (ORDER BY b), stddev(b) OVER (ORDER BY b), count_if(b > 1) OVER (ORDER BY b), first(b) OVER (ORDER BY b), last(b) OVER (ORDER BY b) FROM VALUES (1), (NULL), (3) AS t(b) ORDER BY b
SELECT d, sum(v) OVER (ORDER BY d RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW) FROM VALUES (DATE'2024-01-01', 1), (DATE'2024-01-02', 2), (DATE'2024-01-04', 4) AS t(d, v) ORDER BY d
SELECT a, sum(sum(b)) OVER (ORDER BY a) FROM VALUES (1, 2), (1, 3), (2, 4) AS t(a, b) GROUP BY a ORDER BY a
SELECT a, rank() OVER w FROM VALUES (3), (1), (3) AS t(a) WINDOW w AS (ORDER BY a DESC) ORDER BY a
SELECT a FROM VALUES (1, 'x'), (2, 'x'), (3, 'y') AS t(a, b) QUALIFY row_number() OVER (PARTITION BY b ORDER BY a DESC) = 1
-- Relations.
SELECT * FROM VALUES (1, 'a'), (2, 'b') AS t(id, v) PIVOT (max(v) FOR id IN (1, 2))
SELECT * FROM VALUES (1, 10, 20) AS t(id, x, y) UNPIVOT (v FOR name IN (x, y))
SELECT a, b FROM VALUES (1), (2) AS t(a), LATERAL (SELECT a * 10 AS b)
SELECT a FROM VALUES (1), (2) AS t(a) WHERE a IN (SELECT * FROM VALUES (2), (NULL) AS s(x))
SELECT a FROM VALUES (1), (2) AS t(a) WHERE a NOT IN (SELECT * FROM VALUES (2), (NULL) AS s(x))
SELECT a, (SELECT max(x) FROM VALUES (1), (5) AS s(x) WHERE x > a) FROM VALUES (1), (7) AS t(a)
SELECT a FROM VALUES (1), (2) AS t(a) WHERE EXISTS (SELECT 1 FROM VALUES (2) AS s(x) WHERE x = a)
WITH x AS (SELECT 1 AS a UNION ALL SELECT 2), y AS (SELECT a + 1 AS b FROM x) SELECT * FROM x JOIN y ON x.a = y.b
SELECT * FROM VALUES (1, 'a'), (2, 'b') AS l(id, v) NATURAL JOIN VALUES (1, 'z') AS r(id, w)
SELECT * FROM VALUES (1, 'a') AS l(id, v) FULL JOIN VALUES (2, 'z') AS r(id, w) USING (id)
SELECT a FROM VALUES (3), (1), (2) AS t(a) ORDER BY a LIMIT 2
SELECT * EXCEPT (b) FROM VALUES (1, 2, 3) AS t(a, b, c)
SELECT a AS x, x + 1 AS y FROM VALUES (1) AS t(a)
SELECT count(*) FROM VALUES (1), (2) AS t(a) WHERE a > 1 AND a < NULL
SELECT k, count(*) FROM VALUES (-0.0D), (0.0D), (1.0D) AS t(k) GROUP BY k
SELECT k, count(*) FROM VALUES (-0.0F) AS t(k) GROUP BY ROLLUP(k)
SELECT k, count(*) FROM (SELECT struct(a, 'x' AS b) AS k FROM VALUES (-0.0D), (0.0D), (NULL) AS t(a)) GROUP BY k
SELECT k, count(*) FROM (SELECT array(a, 1.0D) AS k FROM VALUES (-0.0D), (0.0D) AS t(a)) GROUP BY k
SELECT k, count(*) FROM VALUES (double('NaN')), (double('NaN')), (-double('NaN')) AS t(k) GROUP BY k
SELECT DISTINCT k FROM VALUES (-0.0D), (0.0D), (-0.0D) AS t(k)
SELECT * FROM VALUES (-0.0D) AS t(k) UNION SELECT * FROM VALUES (0.0D) AS u(k)
SELECT k + 1 AS x, count(*) FROM VALUES (-0.0D), (0.0D) AS t(k) GROUP BY k
SELECT window.start, window.end, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:00:05') AS t(a) GROUP BY window(a, '20 seconds', '10 seconds')
SELECT window(a, '20 seconds', '10 seconds').start AS s FROM VALUES (TIMESTAMP'2024-01-01 00:00:05') AS t(a)
