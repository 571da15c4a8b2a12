-- 100,000 vectors of 384 dimensions; the same bytes as pgvector's type where that is
-- installed, in a table of the same shape.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS agentmem;
DROP SCHEMA IF EXISTS scan CASCADE;
CREATE SCHEMA scan;

SELECT setseed(0.5);
CREATE TABLE scan.agentmem (id int NOT NULL, emb agentmem.vector(384) NOT NULL);
INSERT INTO scan.agentmem
SELECT i, (SELECT array_agg(random() - 0.5) FROM generate_series(1, 384 + i - i))::real[]::agentmem.vector
FROM generate_series(1, 100000) i;
CREATE TABLE scan.small_agentmem AS SELECT * FROM scan.agentmem WHERE id <= 200;
VACUUM (FREEZE, ANALYZE) scan.agentmem, scan.small_agentmem;

SELECT count(*) AS pgvector FROM pg_available_extensions WHERE name = 'vector' \gset
\if :pgvector
CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;
CREATE TABLE scan.pgvector (id int NOT NULL, emb public.vector(384) NOT NULL);
INSERT INTO scan.pgvector SELECT id, emb::real[]::public.vector FROM scan.agentmem ORDER BY id;
CREATE TABLE scan.small_pgvector AS SELECT * FROM scan.pgvector WHERE id <= 200;
VACUUM (FREEZE, ANALYZE) scan.pgvector, scan.small_pgvector;
\endif
CHECKPOINT;
