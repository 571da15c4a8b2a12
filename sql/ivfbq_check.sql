-- index_check: sound indexes of every shape, and what it refuses.
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

-- Empty, then by single inserts, then built.
CREATE TABLE plain (id int, embedding vector(8));
CREATE INDEX plain_idx ON plain USING ivfbq (embedding vector_cosine_ops);
SELECT index_check('plain_idx'), index_check('plain_idx', true);
INSERT INTO plain SELECT i, some_vector(i, 8)::vector FROM generate_series(1, 300) i;
SELECT index_check('plain_idx'), index_check('plain_idx', true);
INSERT INTO plain VALUES (301, NULL), (302, '[0,0,0,0,0,0,0,0]'), (303, NULL);
SELECT index_check('plain_idx', heapallindexed => true);
REINDEX INDEX plain_idx;
SELECT index_check('plain_idx', true);
-- Rows that are dead, and rows that are gone.
DELETE FROM plain WHERE id % 3 = 0;
SELECT index_check('plain_idx', true);
VACUUM (INDEX_CLEANUP ON) plain;
SELECT index_check('plain_idx', true);
UPDATE plain SET embedding = some_vector(id + 1000, 8)::vector WHERE id < 100;
INSERT INTO plain SELECT i, some_vector(i, 8)::vector FROM generate_series(1000, 1200) i;
SELECT index_check('plain_idx', true) > 400 AS more;
VACUUM (INDEX_CLEANUP ON) plain;
SELECT index_check('plain_idx', true) = (SELECT count(*) FROM plain) AS all_of_them;
-- Dead versions above a live one.
UPDATE plain SET id = -id;
UPDATE plain SET id = -id;
SELECT index_check('plain_idx', true) >= (SELECT count(*) FROM plain) AS all_of_them;
-- Rows of a transaction that is rolled back are in the index and no fault.
BEGIN;
INSERT INTO plain SELECT i, some_vector(i, 8)::vector FROM generate_series(2000, 2100) i;
SELECT index_check('plain_idx', true) >= (SELECT count(*) FROM plain) AS all_of_them;
ROLLBACK;
SELECT index_check('plain_idx', true) > (SELECT count(*) FROM plain) AS more;
BEGIN TRANSACTION READ ONLY;
SELECT index_check('plain_idx', true) > 0 AS reads_only;
COMMIT;

-- Every metric and type; one dimension, odd ones, many: rows that straddle pages, codes that fill one.
CREATE TABLE shape (id int, v1 vector(1), v3 vector(3), v255 vector(255), h384 halfvec(384), v2500 vector(2500), v9000 vector(9000),
	v16000 vector(16000));
CREATE INDEX shape_v1 ON shape USING ivfbq (v1 vector_l2_ops);
CREATE INDEX shape_v3 ON shape USING ivfbq (v3 vector_ip_ops);
CREATE INDEX shape_v255 ON shape USING ivfbq (v255 vector_l2_ops);
CREATE INDEX shape_h384 ON shape USING ivfbq (h384 halfvec_cosine_ops);
CREATE INDEX shape_v2500 ON shape USING ivfbq (v2500 vector_ip_ops);
CREATE INDEX shape_v9000 ON shape USING ivfbq (v9000 vector_l2_ops);
CREATE INDEX shape_v16000 ON shape USING ivfbq (v16000 vector_cosine_ops);
INSERT INTO shape SELECT i, some_vector(i, 1)::vector, some_vector(i, 3)::vector, some_vector(i, 255)::vector,
	some_vector(i, 384)::halfvec, some_vector(i, 2500)::vector, some_vector(i, 9000)::vector, some_vector(i, 16000)::vector
FROM generate_series(1, 40) i;
SELECT c::regclass, index_check(c, true) FROM unnest(ARRAY['shape_v1', 'shape_v3', 'shape_v255', 'shape_h384', 'shape_v2500',
	'shape_v9000', 'shape_v16000']::regclass[]) c;
DELETE FROM shape WHERE id % 4 = 0;
VACUUM (INDEX_CLEANUP ON) shape;
SELECT c::regclass, index_check(c, true) FROM unnest(ARRAY['shape_v1', 'shape_v3', 'shape_v255', 'shape_h384', 'shape_v2500',
	'shape_v9000', 'shape_v16000']::regclass[]) c;
REINDEX TABLE shape;
SELECT c::regclass, index_check(c, true) FROM unnest(ARRAY['shape_v1', 'shape_v3', 'shape_v255', 'shape_h384', 'shape_v2500',
	'shape_v9000', 'shape_v16000']::regclass[]) c;
DROP TABLE shape;

-- Key columns: small keys in nodes, keys with lists of their own, NULLs; put in one by one and built.
CREATE TABLE tenants (tenant text COLLATE "C", part int, embedding vector(5));
CREATE INDEX tenants_idx ON tenants USING ivfbq (tenant, part, embedding vector_l2_ops);
INSERT INTO tenants SELECT 'tenant ' || i % 400, i % 2, some_vector(i, 5)::vector FROM generate_series(1, 2000) i;
INSERT INTO tenants SELECT 'large', 1, some_vector(i, 5)::vector FROM generate_series(1, 500) i;
INSERT INTO tenants SELECT NULL, NULLIF(i % 2, 0), CASE WHEN i % 5 > 0 THEN some_vector(i, 5)::vector END FROM generate_series(1, 200) i;
SELECT index_check('tenants_idx', true);
VACUUM (INDEX_CLEANUP ON) tenants;
SELECT index_check('tenants_idx', true);
REINDEX INDEX tenants_idx;
SELECT index_check('tenants_idx', true);
DELETE FROM tenants WHERE part = 1;
VACUUM (INDEX_CLEANUP ON) tenants;
SELECT index_check('tenants_idx', true) = (SELECT count(*) FROM tenants) AS all_of_them;

-- Keys above flat_limit, built and grown by inserts.
CREATE TABLE many (tenant int, embedding vector(16));
INSERT INTO many SELECT i % 2, some_vector(i, 16)::vector FROM generate_series(1, 3000) i;
CREATE INDEX many_idx ON many USING ivfbq (tenant, embedding vector_ip_ops) WITH (flat_limit = 200, list_size = 50);
SELECT index_check('many_idx', true);
INSERT INTO many SELECT 3 + i % 2, some_vector(i, 16)::vector FROM generate_series(1, 1000) i;
INSERT INTO many SELECT i % 2, some_vector(i, 16)::vector FROM generate_series(4001, 5000) i;
SELECT index_check('many_idx', true);
VACUUM (INDEX_CLEANUP ON) many;
SELECT index_check('many_idx', true) = (SELECT count(*) FROM many) AS all_of_them;
DELETE FROM many WHERE tenant = 1;
VACUUM (INDEX_CLEANUP ON) many;
VACUUM (INDEX_CLEANUP ON) many;
SELECT index_check('many_idx', true) = (SELECT count(*) FROM many) AS all_of_them;

-- Partial, on an expression that runs as the table's owner, unlogged, temporary, of a partition.
CREATE TABLE partial (id int, raw real[]);
CREATE INDEX partial_idx ON partial USING ivfbq ((raw::vector(4)) vector_cosine_ops) WHERE id % 2 = 0;
INSERT INTO partial SELECT i, some_vector(i, 4) FROM generate_series(1, 100) i;
SELECT index_check('partial_idx', true);
CREATE UNLOGGED TABLE unlogged (embedding vector(4));
CREATE INDEX unlogged_idx ON unlogged USING ivfbq (embedding vector_cosine_ops);
INSERT INTO unlogged SELECT some_vector(i, 4)::vector FROM generate_series(1, 100) i;
SELECT index_check('unlogged_idx', true);
CREATE TEMP TABLE temporary (embedding vector(4));
CREATE INDEX temporary_idx ON temporary USING ivfbq (embedding vector_cosine_ops);
INSERT INTO temporary SELECT some_vector(i, 4)::vector FROM generate_series(1, 100) i;
SELECT index_check('temporary_idx', true);
CREATE TABLE parted (part int, embedding vector(4)) PARTITION BY LIST (part);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE INDEX parted_idx ON parted USING ivfbq (embedding vector_cosine_ops);
INSERT INTO parted SELECT 1, some_vector(i, 4)::vector FROM generate_series(1, 100) i;
SELECT index_check('parted_1_embedding_idx', true);

-- A row that the index does not have: the heap's is changed behind its back.
CREATE TABLE lost (id int, embedding vector(4));
INSERT INTO lost SELECT i, some_vector(i, 4)::vector FROM generate_series(1, 100) i;
CREATE FUNCTION fickle(id int, embedding vector(4)) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF id = 77 AND current_setting('test.fickle', true) = 'on' THEN
		RETURN '[1,2,3,4]'::agentmem.vector;
	END IF;
	RETURN embedding;
END $$;
CREATE INDEX lost_idx ON lost USING ivfbq ((fickle(id, embedding)::vector(4)) vector_l2_ops);
SELECT index_check('lost_idx', true);
SET test.fickle = on;
SELECT failure($$SELECT index_check('lost_idx', true)$$);
SELECT index_check('lost_idx');
RESET test.fickle;

-- What is refused.
CREATE TABLE other (id int PRIMARY KEY);
SELECT failure($$SELECT index_check(NULL)$$);
SELECT failure($$SELECT index_check('plain_idx', NULL)$$);
SELECT failure($$SELECT index_check(0)$$);
SELECT failure($$SELECT index_check('plain')$$);
SELECT failure($$SELECT index_check('other_pkey')$$);
SELECT failure($$SELECT index_check('parted_idx')$$);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'plain_idx'::regclass;
SELECT failure($$SELECT index_check('plain_idx')$$);
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'plain_idx'::regclass;
CREATE ROLE regress_ivfbq_stranger;
GRANT SELECT ON plain TO regress_ivfbq_stranger;
SET ROLE regress_ivfbq_stranger;
SELECT failure($$SELECT index_check('plain_idx')$$);
RESET ROLE;
REVOKE SELECT ON plain FROM regress_ivfbq_stranger;
DROP ROLE regress_ivfbq_stranger;

DROP TABLE plain, tenants, many, partial, unlogged, temporary, parted, lost, other;
DROP FUNCTION failure, some_vector, fickle;
