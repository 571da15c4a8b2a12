-- avg and sum of vectors: alone, in groups, in windows, in parallel, of nothing.
SET search_path = public, agentmem;

CREATE FUNCTION pg_temp.failure(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', code, message, nullif(detail, ''));
END $$;

SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]', '[3,5,7]']::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL, '[1,2,3]', NULL, '[3,5,7]', NULL]::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY['[1.5,-2]']::vector[]) v;
-- Of nothing, and of NULLs alone: NULL.
SELECT avg(v) IS NULL AS avg, sum(v) IS NULL AS sum FROM unnest(ARRAY[]::vector[]) v;
SELECT avg(v) IS NULL AS avg, sum(v) IS NULL AS sum FROM unnest(ARRAY[NULL, NULL]::vector[]) v;
SELECT x, avg(v), sum(v) FROM (VALUES (1, '[1]'::vector), (1, '[2]'), (2, NULL), (3, '[4,5]')) t (x, v) GROUP BY x ORDER BY x;

-- One dimension a group; a sum must be a float, an average always is.
SELECT pg_temp.failure(format('SELECT %s(v) FROM unnest(ARRAY[''[1,2]'', ''[3]'']::vector[]) v', f)) FROM unnest('{avg,sum}'::text[]) f;
SELECT avg(v) FROM unnest(ARRAY['[3e38,-3e38]', '[3e38,-3e38]', '[3e38,-3e38]']::vector[]) v;
SELECT pg_temp.failure($$SELECT sum(v) FROM unnest(ARRAY['[3e38]', '[3e38]']::vector[]) v$$);
-- An average is summed in double: the 1 that comes after 2^24 is not lost.
SELECT avg(v) FROM unnest(ARRAY['[16777216]', '[1]', '[-16777216]', '[1]']::vector[]) v;

-- Modifiers of aggregates.
SELECT avg(DISTINCT v), sum(DISTINCT v), avg(v) FILTER (WHERE v > '[1]') AS filtered
FROM unnest(ARRAY['[1]', '[1]', '[3]']::vector[]) v;
-- A window reads its state after each row and goes on from there.
SELECT x, avg(ARRAY[x]::vector) OVER w, sum(ARRAY[x]::vector) OVER w, avg(ARRAY[x]::vector) OVER (ORDER BY x ROWS 1 PRECEDING) AS last_two
FROM generate_series(1, 4) x WINDOW w AS (ORDER BY x);
-- A sum is added to in place; what it was made of stays as it was, the first value of a group too.
CREATE TABLE summed AS SELECT x, ARRAY[x, -x]::vector AS v, ARRAY[x, -x]::halfvec AS h FROM generate_series(1, 5) x;
SELECT x, sum(v) OVER w, sum(h) OVER w, sum(v) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS around
FROM summed WINDOW w AS (ORDER BY x) ORDER BY x;
SELECT sum(v), sum(h), sum(v) + sum(v) AS twice, sum(agentmem.quantize(v, 16)) AS sixteen, array_agg(v ORDER BY x) AS kept FROM summed;
SELECT x % 2 AS odd, sum(v), sum(h), (array_agg(v ORDER BY x))[1] AS first FROM summed GROUP BY GROUPING SETS ((x % 2), ()) ORDER BY 1 NULLS LAST;
SELECT bool_and(v = ARRAY[x, -x]::vector AND h = ARRAY[x, -x]::halfvec) AS unchanged FROM summed;
DO $$
DECLARE
	a vector := '[1,2]';
	b halfvec := '[1,2]';
BEGIN
	IF a + a <> '[2,4]' OR a <> '[1,2]' OR b + b <> '[2,4]' OR b <> '[1,2]' THEN
		RAISE 'changed';
	END IF;
END $$;
DROP TABLE summed;
-- Two aggregates of one state.
SELECT avg(v) = avg(v) AS same, avg(v), avg(v + '[1]') FROM unnest(ARRAY['[1]', '[2]']::vector[]) v;
SELECT x % 2 AS odd, avg(ARRAY[x, -x]::vector) FROM generate_series(1, 10) x GROUP BY GROUPING SETS ((x % 2), ()) ORDER BY 1 NULLS LAST;

-- In parallel: numbers that are exact in any order give the same bits.  Values have short headers, some are
-- kept outside of their rows, some are NULL and some in 8 bits, which hold these exactly.
CREATE TABLE averaged (id int, part int, v vector);
INSERT INTO averaged
	SELECT n, n % 3, CASE WHEN n % 5 > 0 THEN ARRAY[n % 100, -n, 127]::vector END FROM generate_series(1, 3000) n;
INSERT INTO averaged
	SELECT n, 3, (SELECT array_agg((i * n) % 128)::vector FROM generate_series(1, 3000) i) FROM generate_series(1, 20) n;
INSERT INTO averaged SELECT n, 4, agentmem.quantize(ARRAY[n, 2 * n, 127]::vector, 8) FROM generate_series(1, 63) n;
INSERT INTO averaged VALUES (1, 5, NULL);
ANALYZE averaged;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT part, avg(v), sum(v), count(v) FROM averaged GROUP BY part;
SELECT part, count, subvector(avg, 1, 3) AS avg, subvector(sum, 1, 3) AS sum, vector_dims(avg) AS dims FROM serial ORDER BY part;
SELECT agentmem.precision(avg), agentmem.precision(sum) FROM serial WHERE part = 4;
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0; SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT part, avg(v), sum(v) FROM averaged GROUP BY part;
SELECT bool_and(p.avg IS NOT DISTINCT FROM s.avg AND p.sum IS NOT DISTINCT FROM s.sum AND p.count = s.count) AS equal, count(*) AS groups
FROM (SELECT part, avg(v), sum(v), count(v) FROM averaged GROUP BY part) p JOIN serial s USING (part);
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v) FROM averaged WHERE part < 3;
SELECT avg(v), sum(v) FROM averaged WHERE part < 3;
-- Workers that see no row at all.
SELECT avg(v) IS NULL AS avg, sum(v) IS NULL AS sum FROM averaged WHERE id < 0;
SELECT avg(v), sum(v) FROM averaged WHERE part = 1 AND id = 1;
-- Workers that see different dimensions; which is found first is left to chance.
SELECT left(pg_temp.failure('SELECT avg(v) FROM averaged'), 5) AS avg, left(pg_temp.failure('SELECT sum(v) FROM averaged'), 5) AS sum;
RESET enable_sort; RESET min_parallel_table_scan_size; RESET parallel_tuple_cost; RESET parallel_setup_cost;
RESET max_parallel_workers_per_gather;

-- Partitions are combined within one process.
CREATE TABLE parted (part int, v vector) PARTITION BY LIST (part);
CREATE TABLE parted1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted2 PARTITION OF parted FOR VALUES IN (2);
CREATE TABLE parted3 PARTITION OF parted FOR VALUES IN (3);
INSERT INTO parted SELECT 1 + n % 2, ARRAY[n, -n]::vector FROM generate_series(1, 2000) n;
ANALYZE parted;
SET enable_partitionwise_aggregate = on; SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v) FROM parted;
SELECT avg(v), sum(v) FROM parted;
RESET enable_partitionwise_aggregate; RESET max_parallel_workers_per_gather;
DROP TABLE averaged, serial, parted;

-- The functions of the state, for whoever calls them himself; what they get stays as it was.
SELECT vector_accum('{0}', '[1,2,3]') AS first, vector_accum('{1,1,2,3}', '[1,2,3]') AS next, vector_accum('{5}', '[1]') AS counted;
SELECT vector_combine('{1,2}', '{3,4}') AS both, vector_combine('{0}', '{3,4}') AS "right", vector_combine('{3,4}', '{0}') AS "left",
	vector_combine('{0}', '{0}') AS neither, vector_combine('{5}', '{3,4}') AS counted;
SELECT vector_avg('{2,2,4,6}') AS avg, vector_avg('{0}') IS NULL AS nothing, vector_avg('{0,1}') IS NULL AS no_count;
CREATE FUNCTION pg_temp.unchanged(state float8[], OUT sum float8[], OUT again float8[], OUT kept float8[]) LANGUAGE plpgsql AS $$
BEGIN
	kept := state;
	sum := vector_accum(kept, '[1,2]');
	again := vector_combine(kept, kept);
END $$;
SELECT * FROM pg_temp.unchanged('{1,10,20}');
CREATE TABLE kept_state (state float8[]);
INSERT INTO kept_state VALUES ('{1,10,20}');
SELECT vector_accum(state, '[1,2]'), vector_combine(state, state), state FROM kept_state;
-- One without a short header is not copied to be read: what is changed in place would be the table's page.
TRUNCATE kept_state;
INSERT INTO kept_state SELECT array_agg(i) FROM generate_series(1, 21) i;
SELECT (vector_accum(state, array_fill(1, ARRAY[20])::vector))[:3] AS added, (vector_combine(state, state))[:3] AS both, state[:3] FROM kept_state;
SELECT state = (SELECT array_agg(i)::float8[] FROM generate_series(1, 21) i) AS same FROM kept_state;
DROP TABLE kept_state;
SELECT pg_temp.failure(c) FROM unnest(ARRAY[
	$$SELECT vector_accum('{}', '[1]')$$, $$SELECT vector_accum('{{0}}', '[1]')$$, $$SELECT vector_accum('{NULL}', '[1]')$$,
	$$SELECT vector_accum('{0,0}', '[1,2,3]')$$, $$SELECT vector_accum('{1,Infinity}', '[1]')$$,
	$$SELECT vector_combine('{}', '{0}')$$, $$SELECT vector_combine('{0}', '{}')$$, $$SELECT vector_combine('{{1,2}}', '{3,4}')$$,
	$$SELECT vector_combine('{1,2}', '{{3,4}}')$$, $$SELECT vector_combine('{NULL,2}', '{3,4}')$$, $$SELECT vector_combine('{1,2}', '{3,NULL}')$$,
	$$SELECT vector_combine('{1,2}', '{3,4,5}')$$, $$SELECT vector_combine('{1,1e308}', '{1,1e308}')$$,
	$$SELECT vector_combine('{0}', array_fill(0.0::float8, ARRAY[16002]))$$, $$SELECT vector_combine(array_fill(0.0::float8, ARRAY[16002]), '{0}')$$,
	$$SELECT vector_avg('{}')$$, $$SELECT vector_avg('{{2,2,4,6}}')$$, $$SELECT vector_avg('{NULL,2}')$$, $$SELECT vector_avg('{1}')$$,
	$$SELECT vector_avg('{1,1e39}')$$, $$SELECT vector_avg('{1,NaN}')$$, $$SELECT vector_avg('{NaN,1}')$$,
	$$SELECT vector_avg(array_fill(1.0::float8, ARRAY[16002]))$$]) WITH ORDINALITY x (c, n)
ORDER BY n;

-- The most dimensions.
SELECT vector_dims(avg(v)) AS dims, subvector(avg(v), 15999, 2) AS avg, subvector(sum(v), 15999, 2) AS sum
FROM (SELECT array_fill(x, ARRAY[16000])::vector AS v FROM generate_series(1, 3) x) t;
