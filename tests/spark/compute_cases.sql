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
SELECT upper('aé'), lower('AÉ'), length('héllo'), char_length('abc'), octet_length('é'), bit_length('a')
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
