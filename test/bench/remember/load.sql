-- What is written: passages of 30 words with the text of a 384-dimensional embedding, as a
-- client would send it.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP TABLE IF EXISTS bench.written;
CREATE TABLE bench.written AS SELECT n, content, embedding::text AS embedding FROM bench.passage;
CREATE UNIQUE INDEX ON bench.written (n);
VACUUM ANALYZE bench.written;
SELECT agentmem.drop_store('writes', cascade => true) FROM agentmem.stores WHERE store = 'writes';
SELECT agentmem.create_store('writes', dimensions => 384);
-- The same row in a plain table with the usual indexes.
DROP TABLE IF EXISTS bench.plain;
CREATE TABLE bench.plain (tenant text, id bigserial, content text, embedding agentmem.vector(384), words tsvector, at timestamptz, PRIMARY KEY (tenant, id));
CREATE INDEX ON bench.plain USING gin (words);
CREATE INDEX ON bench.plain (tenant, at);
CHECKPOINT;
