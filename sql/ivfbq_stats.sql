-- index_stats, index_recall, index_estimate: what is counted, and what is refused.
SET search_path = public, agentmem;

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
-- What must be true of any index.
CREATE FUNCTION adds_up(index regclass) RETURNS boolean LANGUAGE sql AS $$
	SELECT pages = 1 + directory_pages + lists_pages + code_pages + tid_pages + refine_pages + base_pages + free_pages + retired_pages + empty_pages
		AND bytes = pg_relation_size(index) AND version = 1 AND nodes + keys > 0 AND clustered_keys <= keys
	FROM agentmem.index_stats(index)
$$;

CREATE TABLE plain (id int, embedding vector);
CREATE INDEX plain_idx ON plain USING ivfbq (embedding vector_l2_ops);
SELECT * FROM index_stats('plain_idx') \gx
SELECT * FROM index_recall('plain_idx');
INSERT INTO plain SELECT i, some_vector(i, 32)::vector FROM generate_series(1, 1000) i;
INSERT INTO plain VALUES (0, NULL);
SELECT metric, dimensions, key_columns, rows, rows_without_direction, nodes, keys, clustered_keys, lists, rows_per_list,
	bits_avg BETWEEN 0.4 AND 0.6 AS balanced, bits_min > 0 AND bits_max < 1 AND bits_min <= bits_avg AND bits_avg <= bits_max AS in_order, adds_up('plain_idx')
FROM index_stats('plain_idx');
DELETE FROM plain WHERE id <= 500;
SELECT rows, free_slots FROM index_stats('plain_idx');
VACUUM (INDEX_CLEANUP ON) plain;
SELECT rows, rows_without_direction, free_slots > 0 OR retired_pages > 0 AS freed, adds_up('plain_idx') FROM index_stats('plain_idx');

-- Of one key up to flat_limit everything is read: nothing is missed.
SELECT queries, recall, recall_min, milliseconds > 0 AND exact_milliseconds > 0 AS took_time FROM index_recall('plain_idx', 20);
SELECT queries, recall FROM index_recall('plain_idx', sample => 5, k => 1000);
SELECT queries > 400 AND queries <= 500 AS nearly_all, recall FROM index_recall('plain_idx', 600, 1);

-- Key columns: nodes, keys, keys with lists.
CREATE TABLE tenants (tenant int, embedding vector(24));
INSERT INTO tenants SELECT CASE WHEN i <= 1000 THEN 1000 + i % 500 WHEN i <= 1300 THEN 1 WHEN i <= 5300 THEN 2 END, some_vector(i, 24)::vector
FROM generate_series(1, 5400) i;
CREATE INDEX tenants_idx ON tenants USING ivfbq (tenant, embedding vector_cosine_ops) WITH (flat_limit = 500, list_size = 100);
SELECT metric, dimensions, key_columns, rows, nodes > 10 AS has_nodes, keys >= 2 AS has_keys, clustered_keys, lists BETWEEN 20 AND 80 AS has_lists,
	rows_per_list BETWEEN 50 AND 200 AS lists_are_filled, calibrated_at IS NOT NULL AS calibrated, calibrated_sample > 0 AS sampled, array_length(thresholds, 1), adds_up('tenants_idx')
FROM index_stats('tenants_idx');
SELECT queries BETWEEN 150 AND 200 AS rows_without_key_are_passed_over, recall > 0.9 AS recall FROM index_recall('tenants_idx', 200);
SET agentmem.ivfbq_exact = on;
SELECT queries > 0 AS asked, recall, recall_min FROM index_recall('tenants_idx', 50);
RESET agentmem.ivfbq_exact;
SHOW agentmem.ivfbq_exact;

-- On an expression, partial.
CREATE TABLE partial (id int, raw real[]);
INSERT INTO partial SELECT i, some_vector(i, 4) FROM generate_series(1, 100) i;
CREATE INDEX partial_idx ON partial USING ivfbq ((raw::halfvec(4)) halfvec_ip_ops) WHERE id % 2 = 0;
SELECT rows, metric FROM index_stats('partial_idx');
SELECT queries, recall FROM index_recall('partial_idx', 10, 5);

-- Estimates are within 15 % of what is built.
CREATE FUNCTION estimate_error(n int, d int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	result float8;
BEGIN
	CREATE TABLE estimated (embedding agentmem.vector);
	INSERT INTO estimated SELECT some_vector(i, d)::agentmem.vector FROM generate_series(1, n) i;
	CREATE INDEX estimated_idx ON estimated USING ivfbq (embedding agentmem.vector_cosine_ops);
	result := abs(agentmem.index_estimate(n, d) / pg_relation_size('estimated_idx')::float8 - 1);
	DROP TABLE estimated;
	RETURN result;
END $$;
SELECT n, d FROM (VALUES (1000, 64), (20000, 16), (3000, 384), (500, 1536), (100, 9000)) x (n, d) WHERE estimate_error(n, d) > 0.15;
SELECT index_estimate(1000000, 384) BETWEEN 440e6 AND 520e6 AS as_promised, index_estimate(0, 1), index_estimate(1, 16000) < 100000 AS small;

-- What is refused.
CREATE TABLE other (id int PRIMARY KEY, part int) PARTITION BY LIST (id);
SELECT failure($$SELECT index_stats(NULL)$$);
SELECT failure($$SELECT index_stats('plain')$$);
SELECT failure($$SELECT index_stats('pg_class_oid_index')$$);
SELECT failure($$SELECT index_stats(1)$$);
SELECT failure($$SELECT index_recall(NULL)$$);
SELECT failure($$SELECT index_recall('plain_idx', NULL)$$);
SELECT failure($$SELECT index_recall('plain_idx', 10, NULL)$$);
SELECT failure($$SELECT index_recall('plain_idx', 0)$$);
SELECT failure($$SELECT index_recall('plain_idx', 10001)$$);
SELECT failure($$SELECT index_recall('plain_idx', k => 0)$$);
SELECT failure($$SELECT index_recall('plain_idx', k => 1001)$$);
SELECT failure($$SELECT index_recall('other_pkey')$$);
SELECT failure($$SELECT index_estimate(NULL, 1)$$);
SELECT failure($$SELECT index_estimate(1, NULL)$$);
SELECT failure($$SELECT index_estimate(-1, 1)$$);
SELECT failure($$SELECT index_estimate(1000000000001, 1)$$);
SELECT failure($$SELECT index_estimate(1, 0)$$);
SELECT failure($$SELECT index_estimate(1, 16001)$$);
CREATE ROLE regress_ivfbq_reader;
SET ROLE regress_ivfbq_reader;
SELECT failure($$SELECT agentmem.index_stats('public.plain_idx')$$);
SELECT failure($$SELECT agentmem.index_recall('public.plain_idx')$$);
RESET ROLE;
GRANT SELECT ON plain TO regress_ivfbq_reader;
SET ROLE regress_ivfbq_reader;
SELECT (agentmem.index_stats('public.plain_idx')).rows;
SELECT (agentmem.index_recall('public.plain_idx', 3)).queries;
RESET ROLE;
ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
SET ROLE regress_ivfbq_reader;
SELECT failure($$SELECT agentmem.index_recall('public.plain_idx')$$);
RESET ROLE;
DROP TABLE plain, tenants, partial, other;
DROP ROLE regress_ivfbq_reader;
DROP FUNCTION failure, some_vector, adds_up, estimate_error;
