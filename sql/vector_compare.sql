-- Order, equality and hashes of vectors, and what PostgreSQL makes of them: DISTINCT,
-- GROUP BY, ORDER BY, joins, indexes.
SET search_path = public, agentmem;

-- By the first value that differs, then by dimension.
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, vector_cmp(a, b) AS cmp
FROM (VALUES ('[1,2,3]'::vector, '[1,2,3]'::vector), ('[1,2,3]', '[1,2,4]'), ('[1,2,3]', '[1,2]'), ('[1,2]', '[1,2,3]'),
	('[2]', '[1,9,9]'), ('[1,9,9]', '[2]'), ('[-1]', '[0]'), ('[0,-0]', '[-0,0]'), ('[-0]', '[1e-45]')) x (a, b);
SELECT vector_lt('[1]', '[2]'), vector_le('[1]', '[2]'), vector_eq('[1]', '[2]'), vector_ne('[1]', '[2]'), vector_ge('[1]', '[2]'), vector_gt('[1]', '[2]');
SELECT '[1]'::vector = NULL AS null_eq, '[1]'::vector IS DISTINCT FROM NULL AS distinct_from_null;
SELECT '[1]'::vector != '[2]' AS unequal, '[1]'::vector IN ('[2]', '[1]') AS found, '[3]'::vector NOT IN ('[2]', '[1]') AS missing;

-- It agrees with the order of real[] on every pair.
CREATE TABLE compared (id int PRIMARY KEY, v vector);
INSERT INTO compared
	SELECT n, (SELECT array_agg((n * i * 7) % 3 - 1)::vector FROM generate_series(1, 1 + n % 4) i)
	FROM generate_series(1, 60) n;
SELECT count(*) AS pairs, bool_and((a.v < b.v) = (a.v::real[] < b.v::real[]) AND (a.v <= b.v) = (a.v::real[] <= b.v::real[])
	AND (a.v = b.v) = (a.v::real[] = b.v::real[]) AND (a.v <> b.v) = (a.v::real[] <> b.v::real[])
	AND (a.v >= b.v) = (a.v::real[] >= b.v::real[]) AND (a.v > b.v) = (a.v::real[] > b.v::real[])
	AND vector_cmp(a.v, b.v) = btarraycmp(a.v::real[], b.v::real[])
	AND ((a.v = b.v) <= (vector_hash(a.v) = vector_hash(b.v)))) AS agree
FROM compared a, compared b;

-- Hashes: equal for what is equal, and hardly for anything else; the seed counts; 0 is the plain hash.
SELECT vector_hash('[0,1]') = vector_hash('[-0,1]') AS zero, vector_hash('[0,1]') = vector_hash('[1,0]') AS order_of_values,
	vector_hash('[0]') = vector_hash('[0,0]') AS dimension;
SELECT count(DISTINCT vector_hash(ARRAY[x, -x]::vector)) > 9990 AS spread,
	count(DISTINCT vector_hash_extended(ARRAY[x, -x]::vector, 42)) AS extended,
	bool_and((vector_hash_extended(ARRAY[x, -x]::vector, 0) & 4294967295) = (vector_hash(ARRAY[x, -x]::vector)::bigint & 4294967295)) AS low_half,
	bool_or(vector_hash_extended(ARRAY[x, -x]::vector, 0) = vector_hash_extended(ARRAY[x, -x]::vector, 1)) AS seed_ignored
FROM generate_series(1, 10000) x;

-- The same rows by sort and by hash, and with values of every precision: what reads the same is the same.
INSERT INTO compared SELECT 100 + id, agentmem.quantize(v, 16) FROM compared WHERE id <= 10;
INSERT INTO compared VALUES (200, NULL), (201, NULL), (202, '[-0]'), (203, '[0]');
SELECT count(*) AS rows, count(DISTINCT v) AS distinct_values, count(DISTINCT v::real[]) AS distinct_arrays FROM compared;
SELECT v, count(*), min(id) FROM compared WHERE vector_dims(v) = 1 OR v IS NULL GROUP BY v ORDER BY v NULLS FIRST;
SET enable_hashagg = off;
CREATE TABLE grouped AS SELECT v, count(*) AS n FROM compared GROUP BY v;
EXPLAIN (COSTS OFF) SELECT v, count(*) FROM compared GROUP BY v;
RESET enable_hashagg;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT v, count(*) FROM compared GROUP BY v;
SELECT count(*) AS differences FROM
	((SELECT v, count(*) AS n FROM compared GROUP BY v) EXCEPT ALL SELECT v, n FROM grouped) d;
RESET enable_sort;
SELECT bool_and(v IS NOT DISTINCT FROM lag) FROM (SELECT v, lag(v, 1, v) OVER (PARTITION BY v) FROM compared) t;
SELECT min(id) AS id, v FROM compared GROUP BY v ORDER BY v DESC NULLS LAST LIMIT 3;

-- Joins: all three methods give the same pairs.
CREATE FUNCTION pg_temp.joined(OUT plan text, OUT pairs bigint, OUT ids bigint) LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT a.id, b.id FROM compared a JOIN compared b ON a.v = b.v' LOOP
		plan := coalesce(plan, line);
	END LOOP;
	SELECT count(*), sum(a.id * b.id) INTO pairs, ids FROM compared a JOIN compared b ON a.v = b.v;
END $$;
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT * FROM pg_temp.joined();
SET enable_hashjoin = off; RESET enable_mergejoin;
SELECT * FROM pg_temp.joined();
SET enable_mergejoin = off; RESET enable_nestloop;
SELECT * FROM pg_temp.joined();
RESET enable_mergejoin; RESET enable_hashjoin;

-- Indexes: btree is searched and gives the order, hash is searched; both find what is stored another way.
CREATE INDEX compared_btree ON compared (v);
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM compared WHERE v = '[0]';
SELECT id FROM compared WHERE v = '[0]' ORDER BY id;
SELECT count(*) FROM compared WHERE v > '[0]' AND v < '[1]';
SELECT count(*) FROM compared WHERE v >= '[0]' AND v <= '[1]';
EXPLAIN (COSTS OFF) SELECT v FROM compared ORDER BY v LIMIT 3;
SELECT v FROM compared ORDER BY v LIMIT 3;
SELECT v FROM compared ORDER BY v DESC NULLS LAST LIMIT 3;
SELECT count(*) AS nulls FROM compared WHERE v IS NULL;
RESET enable_sort;
DROP INDEX compared_btree;
CREATE INDEX compared_hash ON compared USING hash (v);
EXPLAIN (COSTS OFF) SELECT id FROM compared WHERE v = '[-0]';
SELECT id FROM compared WHERE v = '[-0]' ORDER BY id;
SELECT count(*) FROM compared a WHERE EXISTS (SELECT FROM compared b WHERE b.v = a.v AND b.id <> a.id);
RESET enable_seqscan; RESET enable_bitmapscan;
DROP INDEX compared_hash;

-- Unique: -0 is 0, and so is what is kept in another precision.
CREATE TABLE only_once (v vector UNIQUE);
INSERT INTO only_once VALUES ('[0,1]'), (NULL), (NULL);
INSERT INTO only_once VALUES ('[-0,1]');
INSERT INTO only_once VALUES (agentmem.quantize('[0,1]', 16));
INSERT INTO only_once VALUES ('[0,1]') ON CONFLICT (v) DO NOTHING;
-- An index entry has an end; a hash of the value has none.
\set VERBOSITY sqlstate
INSERT INTO only_once SELECT array_agg(sin(i))::vector FROM generate_series(1, 1000) i;
DROP TABLE only_once;
CREATE TABLE only_once (v vector, EXCLUDE USING hash (v WITH =));
INSERT INTO only_once SELECT array_agg(sin(i))::vector FROM generate_series(1, 1000) i;
INSERT INTO only_once SELECT array_agg(cos(i))::vector FROM generate_series(1, 1000) i;
INSERT INTO only_once SELECT array_agg(sin(i))::vector FROM generate_series(1, 1000) i;
\set VERBOSITY default
DROP TABLE only_once;

-- Whole rows, as replication without a key and NOT DISTINCT compare them.
SELECT ROW(1, '[0,1]'::vector) = ROW(1, '[-0,1]'::vector) AS rows_equal, ROW('[1]'::vector) < ROW('[2]'::vector) AS rows_less,
	ARRAY['[1]'::vector] = ARRAY['[1]'::vector] AS arrays_equal, '[2]'::vector = ANY (ARRAY['[1]', '[2]']::vector[]) AS any_equal;
SELECT count(*) FROM compared a JOIN compared b ON a = b;
SELECT count(*) FROM compared a JOIN compared b ON a.id = b.id AND a.v IS NOT DISTINCT FROM b.v;

-- Partitions by hash put equal values together.
CREATE TABLE spread (v vector) PARTITION BY HASH (v);
CREATE TABLE spread0 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE spread1 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO spread SELECT ARRAY[x]::vector FROM generate_series(1, 100) x;
INSERT INTO spread VALUES ('[0]'), ('[-0]');
SELECT count(DISTINCT tableoid) AS partitions FROM spread;
SELECT count(DISTINCT tableoid) AS partitions, count(*) FROM spread WHERE v = '[0]';
DROP TABLE spread;

-- Statistics of columns are made by these operators.
ANALYZE compared;
SELECT n_distinct <> 0 AS counted, most_common_vals IS NOT NULL AS common FROM pg_stats WHERE tablename = 'compared' AND attname = 'v';

-- A sort of values outside of their rows frees what it fetches, and so does a hash.
CREATE TABLE far AS
	SELECT n, (SELECT array_agg(CASE WHEN i = 3000 THEN n % 7 ELSE 0 END)::vector FROM generate_series(1, 3000) i) AS v
	FROM generate_series(1, 60) n;
SELECT count(DISTINCT v) FROM far;
SELECT array_agg(n ORDER BY v, n) = (SELECT array_agg(n ORDER BY n % 7, n) FROM far) AS sorted FROM far;
DROP TABLE far, grouped, compared;
