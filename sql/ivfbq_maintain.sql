-- What VACUUM moves in ivfbq indexes: rows of nodes to children and keys, flat lists to clusters, large lists to two, sparse ones
-- to fewer pages.  After each, the index is sound and answers as a sequential scan does.
SET search_path = public, agentmem;
\set VERBOSITY terse

-- Some vector of d dimensions, the same for the same i.
CREATE FUNCTION some_vector(i int, d int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg(sin(i * 12.9898 + j * 78.233) + (i % 11) * cos(j))::real[]::vector FROM generate_series(1, d) j$$;
-- The rows of a command that begin with a distance: the same ones, and in the same order but for equal distances.
CREATE FUNCTION answers(command text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	by_index text[];
	by_scan text[];
	in_order boolean;
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('agentmem.ivfbq_exact', 'on', true);
	EXECUTE format('SELECT array_agg(q::text), array_agg(q.distance) = array_agg(q.distance ORDER BY q.distance) FROM (%s) q', command) INTO by_index, in_order;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_sort', 'on', true);
	EXECUTE format('SELECT array_agg(q::text) FROM (%s) q', command) INTO by_scan;
	PERFORM set_config('enable_indexscan', 'on', true);
	RETURN in_order AND (SELECT array_agg(x ORDER BY x) FROM unnest(by_index) x) = (SELECT array_agg(x ORDER BY x) FROM unnest(by_scan) x);
END $$;
-- Sound, with all rows, and right, for each tenant asked about.
CREATE FUNCTION sound(tenants int[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	tenant int;
	rows bigint := index_check('docs_idx', true);
BEGIN
	IF rows < (SELECT count(*) FROM docs) THEN
		RETURN 'rows are missing';
	END IF;
	FOREACH tenant IN ARRAY tenants LOOP
		IF NOT answers(format('SELECT embedding <-> some_vector(%s, 10) AS distance, id FROM docs WHERE tenant = %s AND embedding IS NOT NULL ORDER BY embedding <-> some_vector(%1$s, 10)', tenant + 5, tenant)) THEN
			RETURN format('tenant %s is answered wrongly', tenant);
		END IF;
		IF NOT answers(format('SELECT 0 AS distance, count(*), min(id) FROM docs WHERE tenant = %s', tenant)) THEN
			RETURN format('tenant %s lacks rows', tenant);
		END IF;
	END LOOP;
	RETURN 'sound';
END $$;

-- A plan that reads the whole table tells nothing.
CREATE TABLE docs (id int, tenant int, embedding vector(10)) WITH (autovacuum_enabled = off);
CREATE INDEX docs_idx ON docs USING ivfbq (tenant, embedding vector_l2_ops) WITH (flat_limit = 300, list_size = 60);
SET enable_seqscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE tenant = 3 ORDER BY embedding <-> some_vector(8, 10);
RESET enable_seqscan;
RESET enable_sort;

-- Small tenants fill nodes, which get children; VACUUM brings the rows down, those without a direction as well.
INSERT INTO docs SELECT i, i % 200, CASE WHEN i % 12 > 0 THEN some_vector(i, 10) END FROM generate_series(1, 2000) i;
SELECT nodes > 10 AS nodes, keys, moves FROM index_stats('docs_idx');
SELECT sound('{1,2,150,199,200}');
VACUUM docs;
SELECT moves > 5 AS moved FROM index_stats('docs_idx');
SELECT sound('{1,2,150,199,200}');
-- The second time nothing is left to do.
VACUUM docs;
SELECT moves AS moves FROM index_stats('docs_idx') \gset
VACUUM docs;
SELECT moves - :moves AS moves FROM index_stats('docs_idx');

-- Some grow and get lists of their own.
INSERT INTO docs SELECT i, i % 4, CASE WHEN i % 12 > 0 THEN some_vector(i, 10) END FROM generate_series(2001, 2900) i;
SELECT keys, clustered_keys FROM index_stats('docs_idx');
SELECT sound('{0,1,2,3,4,100}');
VACUUM docs;
SELECT sound('{0,1,2,3,4,100}');

-- One grows beyond flat_limit, and is clustered; thresholds are measured.
INSERT INTO docs SELECT i, 7, CASE WHEN i % 100 > 0 THEN some_vector(i, 10) END FROM generate_series(3001, 4000) i;
SELECT clustered_keys, lists, calibrated_at IS NOT NULL AS calibrated FROM index_stats('docs_idx');
VACUUM docs;
SELECT clustered_keys, lists BETWEEN 10 AND 25 AS lists, calibrated_at IS NOT NULL AS calibrated, calibrated_sample > 100 AS sampled,
	thresholds[1] <= thresholds[2] AND thresholds[2] <= thresholds[3] AND thresholds[3] <= thresholds[4] AND thresholds[4] <= thresholds[5] AND thresholds[1] >= 0 AS in_order
FROM index_stats('docs_idx');
SELECT sound('{7,0,100}');
SELECT lists AS lists FROM index_stats('docs_idx') \gset

-- It grows, and all its lists are made anew; new rows go to all of them.
INSERT INTO docs SELECT i, 7, some_vector(i, 10) FROM generate_series(4001, 8000) i;
SELECT sound('{7,0,100}');
VACUUM docs;
SELECT lists > :lists + 10 AS more_lists FROM index_stats('docs_idx');
SELECT sound('{7,0,100}');
SELECT recall > 0.9 AS recall FROM index_recall('docs_idx', 100);

-- Equal vectors cannot be split, and are not tried again and again.
INSERT INTO docs SELECT i, 8, '[1,2,3,4,5,6,7,8,9,10]' FROM generate_series(8001, 8500) i;
VACUUM docs;
VACUUM docs;
VACUUM docs;
VACUUM docs;
SELECT moves AS moves FROM index_stats('docs_idx') \gset
VACUUM docs;
SELECT moves - :moves AS moves FROM index_stats('docs_idx');
SELECT sound('{7}');
SELECT answers('SELECT 0 AS distance, count(*) FROM docs WHERE tenant = 8');

-- Most rows go, then all of a tenant's, and some come again.
DELETE FROM docs WHERE id % 10 > 0;
VACUUM (INDEX_CLEANUP ON) docs;
SELECT sound('{7,0,8,100}');
DELETE FROM docs WHERE tenant = 7;
VACUUM (INDEX_CLEANUP ON) docs;
SELECT sound('{7,0,8,100}');
INSERT INTO docs SELECT i, 7, some_vector(i, 10) FROM generate_series(9001, 9400) i;
SELECT sound('{7,0,8,100}');

-- An index without key columns that starts empty: flat, clustered, split.
CREATE TABLE one (id int, embedding vector(20)) WITH (autovacuum_enabled = off);
CREATE INDEX one_idx ON one USING ivfbq (embedding vector_cosine_ops) WITH (flat_limit = 500, list_size = 100);
VACUUM one;
INSERT INTO one SELECT i, some_vector(i, 20) FROM generate_series(1, 400) i;
VACUUM one;
SELECT keys, clustered_keys, index_check('one_idx', true) FROM index_stats('one_idx');
INSERT INTO one SELECT i, some_vector(i, 20) FROM generate_series(401, 2000) i;
VACUUM one;
SELECT clustered_keys, lists BETWEEN 10 AND 30 AS lists, index_check('one_idx', true), base_pages FROM index_stats('one_idx');
INSERT INTO one SELECT i, some_vector(i, 20) FROM generate_series(2001, 8000) i;
VACUUM one;
SELECT clustered_keys, lists > 40 AS lists, index_check('one_idx', true) FROM index_stats('one_idx');
SELECT answers($$SELECT embedding <=> some_vector(77, 20) AS distance, id FROM one ORDER BY embedding <=> some_vector(77, 20)$$);
SELECT recall > 0.9 AS recall FROM index_recall('one_idx', 100);

-- Limits are read live: more lists of the same rows.
ALTER INDEX one_idx SET (list_size = 50);
SELECT lists AS lists FROM index_stats('one_idx') \gset
VACUUM one;
SELECT lists > :lists AS more_lists, index_check('one_idx', true) FROM index_stats('one_idx');

-- New rows that are all alike make one list far too long: that is split, the others stay.
CREATE TABLE alike (id int, embedding vector(10)) WITH (autovacuum_enabled = off);
INSERT INTO alike SELECT i, some_vector(i, 10) FROM generate_series(1, 1200) i;
CREATE INDEX alike_idx ON alike USING ivfbq (embedding vector_l2_ops) WITH (flat_limit = 300, list_size = 60);
VACUUM alike;
SELECT lists AS lists, moves AS moves FROM index_stats('alike_idx') \gset
INSERT INTO alike SELECT i, (SELECT array_agg(3 + 0.1 * sin(i * j))::real[]::vector FROM generate_series(1, 10) j) FROM generate_series(1201, 2100) i;
VACUUM alike;
SELECT lists - :lists BETWEEN 5 AND 20 AS more_lists, moves - :moves BETWEEN 1 AND 3 AS moves, index_check('alike_idx', true) FROM index_stats('alike_idx');
SELECT answers($$SELECT embedding <-> some_vector(77, 10) AS distance, id FROM alike ORDER BY embedding <-> some_vector(77, 10)$$);

-- A flat list of many pages, most of whose rows go.
CREATE TABLE sparse (id int, embedding vector(300)) WITH (autovacuum_enabled = off);
CREATE INDEX sparse_idx ON sparse USING ivfbq (embedding vector_cosine_ops);
INSERT INTO sparse SELECT i, some_vector(i, 300) FROM generate_series(1, 1200) i;
VACUUM sparse;
SELECT moves, pages AS pages, base_pages FROM index_stats('sparse_idx') \gset
DELETE FROM sparse WHERE id % 5 > 0;
VACUUM (INDEX_CLEANUP ON) sparse;
SELECT moves - :moves AS moves, pages - free_pages - retired_pages < :pages / 3 AS fewer_pages, index_check('sparse_idx', true), :base_pages AS base_pages FROM index_stats('sparse_idx');
SELECT answers($$SELECT embedding <=> some_vector(77, 300) AS distance, id FROM sparse ORDER BY embedding <=> some_vector(77, 300)$$);

-- Counting needs the table: a scan of the index alone would be an error.
VACUUM sparse;
SET enable_seqscan = off;
SELECT count(*) FROM sparse;
RESET enable_seqscan;
DROP TABLE sparse, alike;

-- Two key columns, of which one is NULL now and then.
CREATE TABLE two (id int, a text, b bigint, embedding vector(6)) WITH (autovacuum_enabled = off);
CREATE INDEX two_idx ON two USING ivfbq (a, b, embedding vector_l2_ops) WITH (flat_limit = 100, list_size = 50);
INSERT INTO two SELECT i, 'name ' || i % 13, CASE WHEN i % 5 > 0 THEN i % 3 END, some_vector(i, 6) FROM generate_series(1, 3000) i;
INSERT INTO two SELECT i, 'large', 1, some_vector(i, 6) FROM generate_series(3001, 3500) i;
VACUUM two;
INSERT INTO two SELECT i, 'large', 1, some_vector(i, 6) FROM generate_series(3501, 4500) i;
VACUUM two;
SELECT nodes > 1 AS nodes, keys > 0 AS keys, clustered_keys > 0 AS clustered_keys, index_check('two_idx', true) FROM index_stats('two_idx');
SELECT answers($$SELECT embedding <-> some_vector(5, 6) AS distance, id FROM two WHERE a = 'large' AND b = 1 ORDER BY embedding <-> some_vector(5, 6)$$);
SELECT answers($$SELECT embedding <-> some_vector(5, 6) AS distance, id FROM two WHERE a = 'name 4' AND b = 2 ORDER BY embedding <-> some_vector(5, 6)$$);
SELECT answers($$SELECT embedding <-> some_vector(5, 6) AS distance, id FROM two WHERE a = 'name 4' ORDER BY embedding <-> some_vector(5, 6)$$);
SELECT answers($$SELECT embedding <-> some_vector(5, 6) AS distance, id FROM two ORDER BY embedding <-> some_vector(5, 6)$$);
DROP TABLE docs, one, two;
DROP FUNCTION answers, some_vector, sound;
