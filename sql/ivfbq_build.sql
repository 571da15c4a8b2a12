-- CREATE INDEX ... USING ivfbq: what a build makes is what a scan of the table finds.
SET client_min_messages = warning;
CREATE SCHEMA ivfbq_build;
SET search_path = ivfbq_build, agentmem, public;

-- Vectors that look random and are always the same.
CREATE FUNCTION vec(id int, dim int DEFAULT 24) RETURNS vector LANGUAGE sql IMMUTABLE AS
$$ SELECT array_agg(sin(id * 12.9898 + i * 78.233 + (id % 17) * i)::real ORDER BY i)::vector FROM generate_series(1, dim) i $$;

-- How the rows of a query, which are all that it looks at, differ between the index and a sequential scan.
CREATE FUNCTION differ(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	by_index bool := false;
	want text[];
	got text[];
BEGIN
	SET LOCAL agentmem.ivfbq_exact = on;
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_sort = off;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		by_index := by_index OR line ~ 'Index Scan using';
	END LOOP;
	IF NOT by_index THEN
		RETURN 'no index';
	END IF;
	EXECUTE 'SELECT array_agg(r::text) FROM (' || query || ') r' INTO got;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_indexscan = off;
	EXECUTE 'SELECT array_agg(r::text) FROM (' || query || ') r' INTO want;
	SET LOCAL enable_indexscan = on;
	RETURN CASE WHEN got IS NOT DISTINCT FROM want THEN format('%s rows, the same', coalesce(cardinality(want), 0))
		ELSE format('%s of %s rows differ', (SELECT count(*) FROM unnest(got, want) AS p(g, w) WHERE g IS DISTINCT FROM w), cardinality(want)) END;
END $$;

-- An empty table, with and without a dimension; then rows.
CREATE TABLE empty (id int, emb vector(24), any_dim vector);
CREATE INDEX empty_emb ON empty USING ivfbq (emb vector_l2_ops);
CREATE INDEX empty_any ON empty USING ivfbq (any_dim vector_l2_ops);
SELECT differ('SELECT id FROM empty ORDER BY emb <-> vec(1)');
INSERT INTO empty SELECT i, vec(i), vec(i, 8) FROM generate_series(1, 200) i;
SELECT differ('SELECT id FROM empty ORDER BY emb <-> vec(1)'), differ('SELECT id FROM empty ORDER BY any_dim <-> vec(1, 8)');
INSERT INTO empty VALUES (201, NULL, vec(201, 9));

-- A column of any dimension with rows; all have to have the same.
CREATE TABLE mixed (id int, emb vector);
INSERT INTO mixed SELECT i, vec(i) FROM generate_series(1, 10) i;
INSERT INTO mixed VALUES (11, vec(11, 23));
CREATE INDEX mixed_emb ON mixed USING ivfbq (emb vector_cosine_ops);
DELETE FROM mixed WHERE id = 11;
VACUUM mixed;
CREATE INDEX mixed_emb ON mixed USING ivfbq (emb vector_cosine_ops);
SELECT differ('SELECT id FROM mixed ORDER BY emb <=> vec(3)');

-- One key: flat, then clustered; rows without a direction are there, too.
CREATE TABLE rows AS SELECT i AS id, i % 3 AS a, vec(i) AS emb FROM generate_series(1, 3000) i;
INSERT INTO rows SELECT 3000 + i, i % 3, CASE WHEN i % 2 = 0 THEN '[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]'::vector END FROM generate_series(1, 20) i;
CREATE INDEX rows_emb ON rows USING ivfbq (emb vector_cosine_ops);
SELECT differ('SELECT id FROM rows WHERE id <= 3000 ORDER BY emb <=> vec(77)');
SELECT differ('SELECT emb <=> vec(77) AS distance FROM rows WHERE id > 3000 ORDER BY emb <=> vec(77)');
DROP INDEX rows_emb;
CREATE INDEX rows_emb ON rows USING ivfbq (emb vector_l2_ops) WITH (flat_limit = 100, list_size = 50);
SELECT differ('SELECT emb <-> vec(77) AS distance FROM rows WHERE id <= 3000 ORDER BY emb <-> vec(77)'),
	differ('SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM rows ORDER BY emb <-> vec(77)) r');
-- Inserts go on with the lists.
INSERT INTO rows SELECT i, 1, vec(i) FROM generate_series(3021, 3500) i;
SELECT differ('SELECT emb <-> vec(3100) AS distance FROM rows WHERE emb IS NOT NULL ORDER BY emb <-> vec(3100)'),
	differ('SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM rows ORDER BY emb <-> vec(77)) r');
REINDEX INDEX rows_emb;
SELECT differ('SELECT emb <-> vec(3100) AS distance FROM rows WHERE emb IS NOT NULL ORDER BY emb <-> vec(3100)'),
	differ('SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM rows ORDER BY emb <-> vec(77)) r');
REINDEX INDEX CONCURRENTLY rows_emb;
SELECT differ('SELECT emb <-> vec(3100) AS distance FROM rows WHERE emb IS NOT NULL ORDER BY emb <-> vec(3100)'),
	differ('SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM rows ORDER BY emb <-> vec(77)) r');
DROP INDEX rows_emb;
CREATE INDEX CONCURRENTLY rows_emb ON rows USING ivfbq (emb vector_ip_ops) WITH (flat_limit = 100, list_size = 50);
SELECT differ('SELECT emb <#> vec(3100) AS distance FROM rows WHERE emb IS NOT NULL ORDER BY emb <#> vec(3100)');
DROP TABLE rows;

-- Rows that are all the same make fewer lists than there should be; far fewer rows with a direction than without.
CREATE TABLE same AS SELECT i AS id, vec(5) AS emb FROM generate_series(1, 500) i;
INSERT INTO same SELECT i, NULL FROM generate_series(501, 2000) i;
CREATE INDEX same_emb ON same USING ivfbq (emb vector_cosine_ops) WITH (flat_limit = 100, list_size = 50);
SELECT differ('SELECT count(*) FROM (SELECT id FROM same ORDER BY emb <=> vec(1)) s');

-- Keys: many small ones, some with a list of their own, two with lists, NULL; with sorts that do not fit into memory.
SET maintenance_work_mem = '1MB';
CREATE TABLE keyed AS
	SELECT i AS id, CASE WHEN i <= 4000 THEN i % 1500 WHEN i <= 6000 THEN 10000 + i % 20 WHEN i <= 6600 THEN 20000 + i % 2 END AS a,
		'key ' || i % 2 AS b, CASE WHEN i % 50 <> 7 THEN vec(i) END AS emb
	FROM generate_series(1, 6800) i;
INSERT INTO keyed SELECT i, 30000, 'only NULLs', NULL FROM generate_series(7001, 7100) i;
CREATE INDEX keyed_a ON keyed USING ivfbq (a, emb vector_l2_ops) WITH (flat_limit = 200, list_size = 50);
SELECT a, differ(format('SELECT emb <-> vec(9) AS distance FROM keyed WHERE a = %s ORDER BY emb <-> vec(9)', a))
	FROM unnest(ARRAY[0, 7, 1499, 10000, 10019, 20000, 20001, 30000, 40000]) a;
-- Every key on its own, small ones too: nothing is lost and nothing is found twice.
SELECT count(*) AS wrong FROM (SELECT a, count(*) AS n FROM keyed WHERE a < 1500 GROUP BY a) k
	WHERE (SELECT count(DISTINCT id) FROM (SELECT id FROM keyed WHERE keyed.a = k.a ORDER BY emb <-> vec(9)) f) <> n;
SELECT differ('SELECT count(DISTINCT id), count(*) FROM (SELECT id FROM keyed ORDER BY emb <-> vec(9)) f');
DROP INDEX keyed_a;
CREATE INDEX keyed_ab ON keyed USING ivfbq (b, a, emb vector_l2_ops) WITH (flat_limit = 200, list_size = 50);
SELECT a, b, differ(format('SELECT emb <-> vec(9) AS distance FROM keyed WHERE a = %s AND b = %L ORDER BY emb <-> vec(9)', a, b))
	FROM (VALUES (7, 'key 1'), (10000, 'key 0'), (20000, 'key 0'), (20001, 'key 1'), (30000, 'only NULLs'), (7, 'key 0')) k(a, b);
SELECT differ('SELECT emb <-> vec(9) AS distance FROM keyed WHERE b = ''key 1'' ORDER BY emb <-> vec(9)');
-- More keys with lists of their own than a leaf has room for.
INSERT INTO keyed SELECT 100000 + i, 50000 + i % 60, 'key', vec(i) FROM generate_series(1, 4200) i;
REINDEX INDEX keyed_ab;
SELECT count(*) AS keys, count(*) FILTER (WHERE result = '70 rows, the same') AS same FROM (
	SELECT differ(format('SELECT emb <-> vec(9) AS distance FROM keyed WHERE a = %s AND b = ''key'' ORDER BY emb <-> vec(9)', 50000 + a)) AS result
	FROM generate_series(0, 59) a) k;
-- A key without a row: nothing but NULLs.
CREATE TABLE nulls AS SELECT i AS id, i % 100 AS a, NULL::vector(24) AS emb FROM generate_series(1, 1000) i;
CREATE INDEX nulls_a ON nulls USING ivfbq (a, emb vector_l2_ops);
SELECT differ('SELECT count(*) FROM (SELECT id FROM nulls WHERE a = 7 ORDER BY emb <-> vec(1)) n');
-- The same with other processes: those that there are, on a busy machine perhaps none.
SET maintenance_work_mem = '96MB';
SET max_parallel_maintenance_workers = 2;
ALTER TABLE keyed SET (parallel_workers = 2);
REINDEX INDEX keyed_ab;
SELECT differ('SELECT count(DISTINCT id), count(*) FROM (SELECT id FROM keyed ORDER BY emb <-> vec(9)) f'),
	differ('SELECT emb <-> vec(9) AS distance FROM keyed WHERE a = 20000 AND b = ''key 0'' ORDER BY emb <-> vec(9)');
DROP INDEX keyed_ab;
CREATE INDEX keyed_emb ON keyed USING ivfbq (emb vector_l2_ops) WITH (flat_limit = 200, list_size = 50);
SELECT differ('SELECT count(DISTINCT id), count(*) FROM (SELECT id FROM keyed ORDER BY emb <-> vec(9)) f'),
	differ('SELECT emb <-> vec(9) AS distance FROM keyed WHERE emb IS NOT NULL ORDER BY emb <-> vec(9)');
DROP INDEX keyed_emb;
CREATE INDEX CONCURRENTLY keyed_emb ON keyed USING ivfbq (emb vector_l2_ops);
SELECT differ('SELECT emb <-> vec(9) AS distance FROM keyed WHERE emb IS NOT NULL ORDER BY emb <-> vec(9)');
RESET max_parallel_maintenance_workers;
RESET maintenance_work_mem;

-- A dropped column, an expression, a condition.
CREATE TABLE changed (gone text, id int, parts real[], emb vector(24));
INSERT INTO changed SELECT 'x', i, vec(i)::real[], vec(i) FROM generate_series(1, 300) i;
ALTER TABLE changed DROP COLUMN gone;
CREATE INDEX changed_emb ON changed USING ivfbq (emb vector_cosine_ops) WHERE id % 2 = 0;
SELECT differ('SELECT id FROM changed WHERE id % 2 = 0 ORDER BY emb <=> vec(4)');
CREATE INDEX changed_parts ON changed USING ivfbq ((id % 3), (parts::vector) vector_cosine_ops);
SELECT differ('SELECT id FROM changed WHERE id % 3 = 1 ORDER BY parts::vector <=> vec(4)');

-- Unlogged, temporary, partitioned, in a transaction.
CREATE UNLOGGED TABLE unlogged AS SELECT i AS id, vec(i) AS emb FROM generate_series(1, 300) i;
CREATE INDEX unlogged_emb ON unlogged USING ivfbq (emb vector_cosine_ops);
SELECT pg_relation_size('unlogged_emb', 'init') / current_setting('block_size')::int AS init_pages,
	differ('SELECT id FROM unlogged ORDER BY emb <=> vec(4)');
BEGIN;
CREATE TEMPORARY TABLE temporary AS SELECT i AS id, vec(i) AS emb FROM generate_series(1, 300) i;
CREATE INDEX temporary_emb ON temporary USING ivfbq (emb vector_cosine_ops) WITH (flat_limit = 100, list_size = 50);
SELECT differ('SELECT id FROM temporary ORDER BY emb <=> vec(4)');
COMMIT;
CREATE TABLE parted (id int, emb vector(24)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (200);
CREATE INDEX parted_emb ON parted USING ivfbq (emb vector_cosine_ops);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (200) TO (500);
INSERT INTO parted SELECT i, vec(i) FROM generate_series(1, 400) i;
REINDEX INDEX parted_emb;
SELECT differ('SELECT id FROM parted ORDER BY emb <=> vec(4)');

-- A build in the transaction that made the table, and one that is undone.
BEGIN;
CREATE TABLE undone AS SELECT i AS id, vec(i) AS emb FROM generate_series(1, 300) i;
SAVEPOINT before;
CREATE INDEX undone_emb ON undone USING ivfbq (emb vector_cosine_ops);
ROLLBACK TO before;
CREATE INDEX undone_emb ON undone USING ivfbq (emb vector_l2_ops) WITH (flat_limit = 100, list_size = 50);
TRUNCATE undone;
INSERT INTO undone SELECT i, vec(i) FROM generate_series(1, 300) i;
SELECT differ('SELECT id FROM undone ORDER BY emb <-> vec(4)');
COMMIT;
DROP SCHEMA ivfbq_build CASCADE;
