-- What ivfbq indexes refuse, and how they say it.
SET search_path = public, agentmem;
SET jit = off;

-- Dimensions: of a row, of a query.
CREATE TABLE ivfbq_errors (id int, tenant int, v vector, h halfvec);
CREATE INDEX ivfbq_errors_index ON ivfbq_errors USING ivfbq (tenant, v vector_cosine_ops);
SET enable_seqscan = off;
SET enable_sort = off;
-- As long as there is no dimension, any query has the right one.
SELECT id FROM ivfbq_errors ORDER BY v <=> '[1,2]' LIMIT 1;
-- The first row's, even if that is rolled back.
BEGIN;
INSERT INTO ivfbq_errors VALUES (1, 1, '[1,2,3]');
ROLLBACK;
INSERT INTO ivfbq_errors VALUES (2, 1, '[1,2]');
SELECT id FROM ivfbq_errors ORDER BY v <=> '[1,2]' LIMIT 1;
INSERT INTO ivfbq_errors VALUES (3, 1, '[1,2,3]'), (4, 2, NULL);
UPDATE ivfbq_errors SET v = '[1,2,3,4]' WHERE id = 3;
SELECT id FROM ivfbq_errors WHERE tenant = 1 ORDER BY v <=> '[1,2]' LIMIT 1;
SELECT id FROM ivfbq_errors WHERE v <<=>> sphere('[1,2,3,4]'::vector, 0.5);
-- Of a key without rows no distance is asked, but the dimension is.
SELECT id FROM ivfbq_errors WHERE tenant = 7 ORDER BY v <=> '[1,2]' LIMIT 1;
-- TRUNCATE and REINDEX forget it.
TRUNCATE ivfbq_errors;
INSERT INTO ivfbq_errors VALUES (5, 1, '[1,2]');
SELECT id FROM ivfbq_errors ORDER BY v <=> '[1,2]' LIMIT 1;
DELETE FROM ivfbq_errors;
VACUUM ivfbq_errors;
INSERT INTO ivfbq_errors VALUES (6, 1, '[1,2,3]');
REINDEX INDEX ivfbq_errors_index;
INSERT INTO ivfbq_errors VALUES (6, 1, '[1,2,3]');
-- A build of rows that differ.
DROP INDEX ivfbq_errors_index;
INSERT INTO ivfbq_errors VALUES (7, 1, '[1,2,3,4]');
CREATE INDEX ivfbq_errors_index ON ivfbq_errors USING ivfbq (tenant, v vector_cosine_ops);
RESET enable_seqscan;
RESET enable_sort;
TRUNCATE ivfbq_errors;

-- A column that declares its dimension: the index has it before there is a row, and whatever becomes of rows.
CREATE TABLE ivfbq_errors_dim (id int, v vector(3), h halfvec(2), w vector);
CREATE INDEX ivfbq_errors_dim_v ON ivfbq_errors_dim USING ivfbq (id, v vector_cosine_ops);
CREATE INDEX ivfbq_errors_dim_h ON ivfbq_errors_dim USING ivfbq (h halfvec_l2_ops);
CREATE INDEX ivfbq_errors_dim_w ON ivfbq_errors_dim USING ivfbq (w vector_l2_ops);
CREATE INDEX ivfbq_errors_dim_x ON ivfbq_errors_dim USING ivfbq ((w::vector(4)) vector_ip_ops);
SELECT i::regclass, dimensions FROM unnest('{v,h,w,x}'::text[]) n, format('ivfbq_errors_dim_%s', n) i, index_stats(i::regclass) ORDER BY n;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT id FROM ivfbq_errors_dim WHERE id = 1 ORDER BY v <=> '[1,2]' LIMIT 1;
SELECT id FROM ivfbq_errors_dim ORDER BY h <-> '[1,2,3]' LIMIT 1;
INSERT INTO ivfbq_errors_dim (id, v) VALUES (1, '[1,2]');
INSERT INTO ivfbq_errors_dim (id, h) VALUES (1, '[1,2,3]');
BEGIN;
INSERT INTO ivfbq_errors_dim VALUES (1, '[1,2,3]', '[1,2]', '[1,2,3,4]');
ROLLBACK;
INSERT INTO ivfbq_errors_dim VALUES (1, '[1,2,3]', '[1,2]', '[1,2,3,4]'), (2, NULL, NULL, NULL);
INSERT INTO ivfbq_errors_dim (id, w) VALUES (1, '[1,2,3]');
TRUNCATE ivfbq_errors_dim;
REINDEX TABLE ivfbq_errors_dim;
SELECT i::regclass, dimensions FROM unnest('{v,h,w,x}'::text[]) n, format('ivfbq_errors_dim_%s', n) i, index_stats(i::regclass) ORDER BY n;
-- Rows without a direction alone.
INSERT INTO ivfbq_errors_dim VALUES (1, '[0,0,0]', NULL, NULL), (2, NULL, NULL, NULL);
REINDEX TABLE ivfbq_errors_dim;
SELECT index_check(indexrelid::regclass, true) FROM pg_index WHERE indrelid = 'ivfbq_errors_dim'::regclass;
SELECT count(*) FROM (SELECT FROM ivfbq_errors_dim ORDER BY h <-> '[1,2]') x;
-- A column that allows more than it did: its index is what it was until it is built again.
TRUNCATE ivfbq_errors_dim;
ALTER TABLE ivfbq_errors_dim ALTER v TYPE vector;
INSERT INTO ivfbq_errors_dim (id, v) VALUES (1, '[1,2]');
REINDEX INDEX ivfbq_errors_dim_v;
INSERT INTO ivfbq_errors_dim (id, v) VALUES (1, '[1,2]');
-- One that is changed to another dimension is another.
DELETE FROM ivfbq_errors_dim;
ALTER TABLE ivfbq_errors_dim ALTER v TYPE vector(5);
INSERT INTO ivfbq_errors_dim (id, v) VALUES (1, '[1,2,3,4,5]');
SELECT id FROM ivfbq_errors_dim WHERE id = 1 ORDER BY v <=> '[1,2,3,4,6]' LIMIT 1;
RESET enable_seqscan;
RESET enable_sort;
DROP TABLE ivfbq_errors_dim;
-- Domains; unlogged tables.
CREATE DOMAIN ivfbq_errors_embedding AS vector(6);
CREATE UNLOGGED TABLE ivfbq_errors_dim (v ivfbq_errors_embedding);
CREATE INDEX ivfbq_errors_dim_v ON ivfbq_errors_dim USING ivfbq (v vector_cosine_ops);
SELECT dimensions FROM index_stats('ivfbq_errors_dim_v');
DROP TABLE ivfbq_errors_dim;
DROP DOMAIN ivfbq_errors_embedding;
-- No type has columns that are too wide; were there one, it would be refused before it has rows.
CREATE TABLE ivfbq_errors_dim (v vector(3));
UPDATE pg_attribute SET atttypmod = 16001 WHERE attrelid = 'ivfbq_errors_dim'::regclass AND attname = 'v';
CREATE INDEX ON ivfbq_errors_dim USING ivfbq (v vector_cosine_ops);
DROP TABLE ivfbq_errors_dim;

-- Columns.
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops, tenant);
CREATE INDEX ON ivfbq_errors USING ivfbq (tenant);
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops, v vector_l2_ops);
CREATE INDEX ON ivfbq_errors USING ivfbq (v);
CREATE INDEX ON ivfbq_errors USING ivfbq (v halfvec_cosine_ops);
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops) INCLUDE (id);
CREATE UNIQUE INDEX ON ivfbq_errors USING ivfbq (tenant, v vector_cosine_ops);
-- Some servers say where, too.
DO $$
BEGIN
	CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops DESC);
EXCEPTION WHEN feature_not_supported THEN
	RAISE INFO '%', SQLERRM;
END $$;
-- Servers differ in how they name the operator.
\set VERBOSITY sqlstate
ALTER TABLE ivfbq_errors ADD EXCLUDE USING ivfbq (tenant WITH =, v vector_cosine_ops WITH <=>);
\set VERBOSITY default
CREATE TABLE ivfbq_errors_json (j jsonb, v vector);
CREATE INDEX ON ivfbq_errors_json USING ivfbq (j, v vector_cosine_ops);
DROP TABLE ivfbq_errors_json;
DO $$
BEGIN
	EXECUTE format('CREATE INDEX ON ivfbq_errors USING ivfbq (%s, v vector_cosine_ops)',
		(SELECT string_agg(format('(tenant + %s)', i), ', ') FROM generate_series(1, 32) i));
END $$;
DO $$
BEGIN
	EXECUTE format('CREATE INDEX ivfbq_errors_many ON ivfbq_errors USING ivfbq (%s, v vector_cosine_ops)',
		(SELECT string_agg(format('(tenant + %s)', i), ', ') FROM generate_series(1, 31) i));
END $$;
INSERT INTO ivfbq_errors SELECT i, i, ARRAY[i, 1]::vector FROM generate_series(1, 3) i;
SET enable_seqscan = off;
SELECT id FROM ivfbq_errors WHERE tenant + 31 = 33 AND tenant + 1 = 3 ORDER BY v <=> '[1,2]' LIMIT 5;
RESET enable_seqscan;
DROP INDEX ivfbq_errors_many;

-- Options and settings.
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops) WITH (flat_limit = 99);
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops) WITH (flat_limit = 10000001);
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops) WITH (list_size = 49);
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops) WITH (list_size = 100001);
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops) WITH (refine = 4);
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_cosine_ops) WITH (lists = 100);
CREATE INDEX ivfbq_errors_index ON ivfbq_errors USING ivfbq (v vector_cosine_ops) WITH (flat_limit = 100, list_size = 50, refine = 8);
ALTER INDEX ivfbq_errors_index SET (list_size = 10);
ALTER INDEX ivfbq_errors_index SET (list_size = 60);
ALTER INDEX ivfbq_errors_index RESET (list_size);
SELECT reloptions FROM pg_class WHERE oid = 'ivfbq_errors_index'::regclass;
SET agentmem.ivfbq_recall = 0.4;
SET agentmem.ivfbq_recall = 1.1;
SET agentmem.ivfbq_epsilon = -2;
SET agentmem.ivfbq_epsilon = 101;
SET agentmem.ivfbq_exact = maybe;
SET agentmem.ivfbq_lists = 3;
DROP TABLE ivfbq_errors;

-- As many dimensions as there can be, and no more.
CREATE TABLE ivfbq_errors (id int, v vector(16000));
CREATE INDEX ivfbq_errors_index ON ivfbq_errors USING ivfbq (v vector_l2_ops);
INSERT INTO ivfbq_errors SELECT n, (SELECT array_agg(n * sin(i)) FROM generate_series(1, 16000) i)::vector FROM generate_series(1, 3) n;
SET enable_seqscan = off;
SELECT id FROM ivfbq_errors ORDER BY v <-> (SELECT v FROM ivfbq_errors WHERE id = 3) LIMIT 3;
REINDEX INDEX ivfbq_errors_index;
SELECT id FROM ivfbq_errors ORDER BY v <-> (SELECT v FROM ivfbq_errors WHERE id = 3) LIMIT 3;
RESET enable_seqscan;
CREATE TABLE ivfbq_errors_more (v vector(16001));

-- Whoever may not read the table may not read it by the index either, nor build on it.
CREATE ROLE regress_ivfbq;
SET ROLE regress_ivfbq;
SELECT id FROM ivfbq_errors ORDER BY v <-> NULL LIMIT 3;
CREATE INDEX ON ivfbq_errors USING ivfbq (v vector_l2_ops);
RESET ROLE;
DROP ROLE regress_ivfbq;
DROP TABLE ivfbq_errors;

-- Operator classes: ours are whole, a broken one is told its faults.
SELECT count(*) > 10 AS enough, bool_and(amvalidate(c.oid)) AS valid FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE a.amname = 'ivfbq';
CREATE OPERATOR CLASS ivfbq_errors_nothing FOR TYPE point USING ivfbq AS STORAGE point;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'ivfbq_errors_nothing';
DROP OPERATOR FAMILY ivfbq_errors_nothing USING ivfbq;
CREATE OPERATOR CLASS ivfbq_errors_no_function FOR TYPE agentmem.vector USING ivfbq AS
	OPERATOR 1 agentmem.<=> (agentmem.vector, agentmem.vector) FOR ORDER BY float_ops;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'ivfbq_errors_no_function';
DROP OPERATOR FAMILY ivfbq_errors_no_function USING ivfbq;
CREATE OPERATOR CLASS ivfbq_errors_wrong FOR TYPE int4 USING ivfbq AS
	OPERATOR 1 pg_catalog.< (int4, int4), OPERATOR 2 pg_catalog.= (int4, int4),
	FUNCTION 1 (int4, int4) pg_catalog.hashint4(int4), FUNCTION 2 (int4, int4) agentmem.ivfbq_vector_l2(internal);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'ivfbq_errors_wrong';
DROP OPERATOR FAMILY ivfbq_errors_wrong USING ivfbq;
CREATE OPERATOR CLASS ivfbq_errors_unknown FOR TYPE int4 USING ivfbq AS OPERATOR 4 pg_catalog.= (int4, int4);
CREATE OPERATOR CLASS ivfbq_errors_unknown FOR TYPE int4 USING ivfbq AS FUNCTION 3 (int4, int4) pg_catalog.hashint4(int4);
