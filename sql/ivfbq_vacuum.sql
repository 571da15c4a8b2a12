-- VACUUM of ivfbq indexes: dead rows leave nothing, their places are used again, pages are given back; scrubbing.
SET search_path = public, agentmem;
\set VERBOSITY terse

CREATE FUNCTION failure(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', code, message, nullif(detail, ''), nullif(hint, ''));
END $$;
-- Some vector of d dimensions, the same for the same i.
CREATE FUNCTION some_vector(i int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
	$$SELECT array_agg(sin(i * 12.9898 + j * 78.233 + (i % 7) * j)) FROM generate_series(1, d) j$$;

-- Rows on one page and on many; rows without a direction; a dimension of which rows straddle refine pages, and one of
-- which they do not.
CREATE TABLE small (id int, embedding vector(5)) WITH (autovacuum_enabled = off);
CREATE TABLE wide (id int, embedding vector(3001)) WITH (autovacuum_enabled = off);
CREATE INDEX small_idx ON small USING ivfbq (embedding vector_cosine_ops);
CREATE INDEX wide_idx ON wide USING ivfbq (embedding vector_l2_ops);
INSERT INTO small SELECT i, CASE WHEN i % 10 > 0 THEN some_vector(i, 5)::vector END FROM generate_series(1, 2000) i;
INSERT INTO wide SELECT i, some_vector(i, 3001)::vector FROM generate_series(1, 100) i;
VACUUM small, wide;
SELECT index_check('small_idx', true), index_check('wide_idx', true);
-- Nothing dead: nothing is done.
VACUUM (INDEX_CLEANUP ON) small;
SELECT index_check('small_idx', true), (SELECT free_slots FROM index_stats('small_idx'));

DELETE FROM small WHERE id % 3 = 0;
DELETE FROM wide WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP ON) small, wide;
SELECT index_check('small_idx', true) = count(*) AS all_of_them FROM small;
SELECT index_check('wide_idx', true) = count(*) AS all_of_them FROM wide;
SELECT rows, rows_without_direction, free_slots > 500 AS free_slots FROM index_stats('small_idx');
SELECT reltuples FROM pg_class WHERE oid = 'small_idx'::regclass;

-- Free slots are used again: the index does not grow.
SELECT pg_relation_size('small_idx') AS size \gset
INSERT INTO small SELECT i, some_vector(i, 5)::vector FROM generate_series(2001, 2600) i;
SELECT pg_relation_size('small_idx') - :size AS grown, index_check('small_idx', true) = (SELECT count(*) FROM small) AS all_of_them;
SELECT pg_relation_size('wide_idx') AS size \gset
INSERT INTO wide SELECT i, some_vector(i, 3001)::vector FROM generate_series(101, 150) i;
SELECT pg_relation_size('wide_idx') - :size AS grown, index_check('wide_idx', true) = (SELECT count(*) FROM wide) AS all_of_them;

-- Answers after all this are those of a sequential scan.
CREATE FUNCTION answers(command text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	by_index text[];
	by_scan text[];
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('agentmem.ivfbq_exact', 'on', true);
	EXECUTE format('SELECT array_agg(q::text) FROM (%s) q', command) INTO by_index;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_sort', 'on', true);
	EXECUTE format('SELECT array_agg(q::text) FROM (%s) q', command) INTO by_scan;
	PERFORM set_config('enable_indexscan', 'on', true);
	RETURN by_index = by_scan;
END $$;
SELECT answers($$SELECT embedding <=> '[1,2,3,-4,5]' FROM small WHERE embedding IS NOT NULL ORDER BY embedding <=> '[1,2,3,-4,5]'$$);
SELECT answers($$SELECT id FROM wide ORDER BY embedding <-> some_vector(55, 3001)::vector LIMIT 20$$);

-- All rows go: what is left is free as soon as no transaction may look at it.
DELETE FROM small;
VACUUM (INDEX_CLEANUP ON) small;
SELECT txid_current() > 0 AS later;
VACUUM (INDEX_CLEANUP ON) small;
SELECT index_check('small_idx', true), pages - free_pages <= 3 AS given_back, retired_pages FROM index_stats('small_idx');
SELECT pg_relation_size('small_idx') AS size \gset
INSERT INTO small SELECT i, some_vector(i, 5)::vector FROM generate_series(1, 1500) i;
SELECT pg_relation_size('small_idx') - :size AS grown, index_check('small_idx', true);


-- Updates: the same size from the second round on.
UPDATE small SET id = -id, embedding = some_vector(id + 1, 5)::vector;
VACUUM (INDEX_CLEANUP ON) small;
UPDATE small SET id = -id, embedding = some_vector(id + 2, 5)::vector;
VACUUM (INDEX_CLEANUP ON) small;
SELECT pg_relation_size('small_idx') AS size \gset
UPDATE small SET id = -id, embedding = some_vector(id + 3, 5)::vector;
VACUUM (INDEX_CLEANUP ON) small;
UPDATE small SET id = -id, embedding = some_vector(id + 4, 5)::vector;
VACUUM (INDEX_CLEANUP ON) small;
SELECT pg_relation_size('small_idx') - :size AS grown, index_check('small_idx', true);

-- Without rows at all; unlogged; temporary; ANALYZE.
CREATE TABLE nothing (tenant text, embedding vector);
CREATE INDEX nothing_idx ON nothing USING ivfbq (tenant, embedding vector_ip_ops);
VACUUM (INDEX_CLEANUP ON) nothing;
ANALYZE nothing;
INSERT INTO nothing VALUES ('a', NULL), ('b', '[1,2]');
VACUUM (ANALYZE, INDEX_CLEANUP ON) nothing;
SELECT index_check('nothing_idx', true);
CREATE UNLOGGED TABLE quick (tenant int, embedding vector(4));
CREATE INDEX quick_idx ON quick USING ivfbq (tenant, embedding vector_l2_ops);
INSERT INTO quick SELECT i % 5, some_vector(i, 4)::vector FROM generate_series(1, 1000) i;
DELETE FROM quick WHERE tenant = 1;
VACUUM (INDEX_CLEANUP ON) quick;
SELECT index_check('quick_idx', true);
CREATE TEMP TABLE mine (tenant int, embedding vector(4));
CREATE INDEX mine_idx ON mine USING ivfbq (tenant, embedding vector_l2_ops);
INSERT INTO mine SELECT i % 5, some_vector(i, 4)::vector FROM generate_series(1, 1000) i;
DELETE FROM mine WHERE tenant <> 1;
VACUUM (INDEX_CLEANUP ON) mine;
SELECT index_check('mine_idx', true);

-- Scrubbing: rows that are gone, whether or not VACUUM comes to the index.
CREATE TABLE secret (id int, embedding vector(4)) WITH (autovacuum_enabled = off);
CREATE INDEX secret_idx ON secret USING ivfbq (embedding vector_l2_ops);
INSERT INTO secret SELECT i, some_vector(i, 4)::vector FROM generate_series(1, 300) i;
SELECT array_agg(ctid) AS tids FROM secret WHERE id IN (7, 150, 300) \gset
SELECT failure(format('SELECT ivfbq_scrub(%L, %L)', 'secret_idx', :'tids'));
BEGIN;
DELETE FROM secret WHERE id IN (7, 150, 300);
SELECT failure(format('SELECT ivfbq_scrub(%L, %L)', 'secret_idx', :'tids'));
COMMIT;
SELECT ivfbq_scrub('secret_idx', :'tids');
SELECT ivfbq_scrub('secret_idx', :'tids');
SELECT index_check('secret_idx', true);
SELECT ivfbq_scrub('secret_idx', '{}'), ivfbq_scrub('secret_idx', '{"(7,1)","(0,0)"}');
VACUUM (INDEX_CLEANUP ON) secret;
SELECT index_check('secret_idx', true);
-- An older version of a row that is there is not gone.
UPDATE secret SET id = id WHERE id = 1;
SELECT failure(format('SELECT ivfbq_scrub(%L, ARRAY[%L]::tid[])', 'secret_idx', ctid)) FROM secret WHERE id = 2;

SELECT failure($$SELECT ivfbq_scrub(NULL, '{}')$$);
SELECT failure($$SELECT ivfbq_scrub('secret_idx', NULL)$$);
SELECT failure($$SELECT ivfbq_scrub('secret_idx', '{NULL}')$$);
SELECT failure($$SELECT ivfbq_scrub('secret', '{}')$$);
SELECT failure($$SELECT ivfbq_scrub(0::regclass, '{}')$$);
CREATE INDEX other_kind ON secret (id);
SELECT failure($$SELECT ivfbq_scrub('other_kind', '{}')$$);
CREATE TABLE parts (id int, embedding vector(4)) PARTITION BY RANGE (id);
CREATE INDEX parts_idx ON parts USING ivfbq (embedding vector_l2_ops);
SELECT failure($$SELECT ivfbq_scrub('parts_idx', '{}')$$);
BEGIN TRANSACTION READ ONLY;
SELECT ivfbq_scrub('secret_idx', '{}');
ROLLBACK;
CREATE ROLE ivfbq_vacuum_other;
GRANT USAGE ON SCHEMA agentmem TO ivfbq_vacuum_other;
GRANT SELECT ON secret TO ivfbq_vacuum_other;
SET ROLE ivfbq_vacuum_other;
SELECT ivfbq_scrub('secret_idx', '{}');
RESET ROLE;
REVOKE USAGE ON SCHEMA agentmem FROM ivfbq_vacuum_other;
REVOKE SELECT ON secret FROM ivfbq_vacuum_other;
DROP ROLE ivfbq_vacuum_other;
DROP TABLE small, wide, nothing, quick, mine, secret, parts;
DROP FUNCTION answers, failure, some_vector;
