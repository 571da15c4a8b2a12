-- Rows without a vector and, under cosine, without a direction: they come last, and all of them.
SET search_path = public, agentmem;
SET jit = off;
SET extra_float_digits = 0;

CREATE TABLE ivfbq_null (id int, tenant int, v vector(3));
CREATE INDEX ivfbq_null_cosine_index ON ivfbq_null USING ivfbq (tenant, v vector_cosine_ops);
CREATE INDEX ivfbq_null_l2_index ON ivfbq_null USING ivfbq (tenant, v vector_l2_ops);
CREATE INDEX ivfbq_null_ip_index ON ivfbq_null USING ivfbq (tenant, v vector_ip_ops);
SET enable_seqscan = off;
SET enable_sort = off;

-- Nothing at all; then rows without vectors, when there is no dimension yet.
SELECT id FROM ivfbq_null ORDER BY v <=> '[1,2,3]' LIMIT 5;
SELECT id FROM ivfbq_null ORDER BY v <-> '[1,2,3]' LIMIT 5;
INSERT INTO ivfbq_null VALUES (1, 1, NULL), (2, 2, NULL), (3, NULL, NULL);
SELECT count(*), array_agg(id ORDER BY id) FROM (SELECT id FROM ivfbq_null ORDER BY v <=> '[1,2,3]' LIMIT 5) _;
SELECT count(*), array_agg(id ORDER BY id) FROM (SELECT id FROM ivfbq_null ORDER BY v <=> NULL LIMIT 5) _;
SELECT count(*), array_agg(id ORDER BY id) FROM (SELECT id FROM ivfbq_null WHERE tenant = 1 ORDER BY v <=> '[1,2,3]' LIMIT 5) _;

INSERT INTO ivfbq_null VALUES (4, 1, '[0,0,0]'), (5, 1, '[1,0,0]'), (6, 1, '[-1,0,0]'), (7, 2, '[0,0,0]'), (8, NULL, '[0,0,0]'), (9, NULL, '[0,1,0]'),
	(10, 1, '[0.5,0.5,0]'), (11, 1, NULL), (12, 1, '[0,-0,0]');

-- First what has a distance, then NaN, then NULL: as any sort does.
CREATE FUNCTION pg_temp.show(operator text, query text, condition text, OUT ids int[], OUT distances float8[], OUT same boolean)
LANGUAGE plpgsql AS $$
DECLARE
	statement text := format('SELECT array_agg(id ORDER BY d, id), array_agg(d) FROM (SELECT id, v %1$s %2$L AS d FROM ivfbq_null
		WHERE %3$s ORDER BY v %1$s %2$L LIMIT 100) _', operator, query, condition);
	line text;
	by_index boolean := false;
	wanted_ids int[];
	wanted float8[];
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
		by_index := by_index OR line ~ 'Index Scan using';
	END LOOP;
	EXECUTE statement INTO ids, distances;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), set_config('enable_indexscan', 'off', true);
	EXECUTE statement INTO wanted_ids, wanted;
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('enable_indexscan', 'on', true);
	-- The operand NULL is folded away: there is nothing left that an index could order by.
	same := (by_index OR query IS NULL) AND ids = wanted_ids AND distances = wanted;
END $$;
CREATE FUNCTION pg_temp.show_all(OUT operator text, OUT query text, OUT condition text, OUT ids int[], OUT distances float8[], OUT same boolean)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT o, q, c, s.* FROM unnest(ARRAY['true', 'tenant = 1']) WITH ORDINALITY c (c, n),
		unnest(ARRAY['<=>', '<->', '<#>']) WITH ORDINALITY o (o, m), unnest(ARRAY['[1,0,0]', '[0,0,0]', NULL]) WITH ORDINALITY q (q, l),
		LATERAL pg_temp.show(o, q, c) s ORDER BY n, m, l
$$;
SELECT * FROM pg_temp.show_all();
-- The index, built of the same rows; with some of them gone.
REINDEX TABLE ivfbq_null;
SELECT operator, query, condition, array_length(ids, 1), same FROM pg_temp.show_all();
DELETE FROM ivfbq_null WHERE id IN (4, 11, 5);
VACUUM ivfbq_null;
INSERT INTO ivfbq_null VALUES (13, 1, '[0,0,0]'), (14, 1, NULL);
SELECT operator, query, condition, ids, same FROM pg_temp.show_all();

-- A query that is not known when it is planned: NULL and zero come to the index.
SET plan_cache_mode = force_generic_plan;
PREPARE cosine(vector) AS SELECT id, v <=> $1 AS distance FROM ivfbq_null WHERE tenant = 1 ORDER BY v <=> $1;
EXPLAIN (COSTS OFF) EXECUTE cosine(NULL);
CREATE TEMP TABLE ivfbq_null_found AS EXECUTE cosine(NULL);
SELECT count(*), array_agg(id ORDER BY id) AS ids, count(distance) AS distances FROM ivfbq_null_found;
DROP TABLE ivfbq_null_found;
CREATE TEMP TABLE ivfbq_null_found AS EXECUTE cosine('[0,0,0]');
SELECT count(*), array_agg(id ORDER BY id) AS ids, array_agg(DISTINCT distance) AS distances FROM ivfbq_null_found;
PREPARE l2(vector) AS SELECT id, v <-> $1 AS distance FROM ivfbq_null WHERE tenant = 1 ORDER BY v <-> $1;
DROP TABLE ivfbq_null_found;
CREATE TEMP TABLE ivfbq_null_found AS EXECUTE l2(NULL);
SELECT count(*), array_agg(id ORDER BY id) AS ids, count(distance) AS distances FROM ivfbq_null_found;
DEALLOCATE ALL;
RESET plan_cache_mode;
SELECT q.q, n.n, n.distances FROM (VALUES ('[1,0,0]'::vector), (NULL), ('[0,0,0]'), ('[0,1,0]')) q (q),
	LATERAL (SELECT count(*) AS n, array_agg(distance) AS distances FROM
		(SELECT v <=> q.q AS distance FROM ivfbq_null ORDER BY v <=> q.q LIMIT 4) _) n;

-- Without an order, by key only.
DROP INDEX ivfbq_null_cosine_index, ivfbq_null_l2_index;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_null WHERE tenant = 1;
SELECT array_agg(id ORDER BY id) FROM ivfbq_null WHERE tenant = 1;
SELECT array_agg(id ORDER BY id) FROM ivfbq_null WHERE tenant = 1 AND v IS NULL;
RESET enable_bitmapscan;

-- Extremes: vectors as long and as short as floats can be.
CREATE INDEX ivfbq_null_cosine_index ON ivfbq_null USING ivfbq (tenant, v vector_cosine_ops);
CREATE INDEX ivfbq_null_l2_index ON ivfbq_null USING ivfbq (tenant, v vector_l2_ops);
TRUNCATE ivfbq_null;
INSERT INTO ivfbq_null VALUES (1, 1, '[1e38,1e38,0]'), (2, 1, '[1e-38,0,0]'), (3, 1, '[1e-45,0,0]'), (4, 1, '[3e38,-3e38,3e38]'), (5, 1, '[1,1,1]'),
	(6, 1, '[-1e20,1e-20,0]'), (7, 1, '[0,0,0]'), (8, 1, '[0,0,0.00001]');
SELECT operator, query, array_length(s.ids, 1), s.same FROM unnest(ARRAY['<=>', '<->', '<#>']) operator,
	unnest(ARRAY['[1,2,3]', '[1e38,0,0]', '[-3e38,3e38,3e38]', '[1e-45,0,0]', '[1e-38,1e-38,0]']) query, pg_temp.show(operator, query, 'true') s;
DROP TABLE ivfbq_null;
