-- Ranges: all that is no farther than the radius, by an index and without.
SET search_path = public, agentmem;
SET jit = off;
SET extra_float_digits = 0;
SELECT setseed(0.75);

SELECT sphere('[1,2,3]'::vector, 0.5), sphere('[1,2]'::halfvec, 2), sphere(NULL::vector, 1), sphere('[1]'::vector, NULL);
SELECT pg_typeof(sphere('[1,2,3]'::vector, 0.5)), pg_typeof(sphere('[1,2,3]'::halfvec, 0.5));
SELECT '[1,0]'::vector <<=>> sphere('[1,1]'::vector, 0.3) AS cosine, '[1,0]'::vector <<=>> sphere('[1,1]'::vector, 0.29) AS cosine_no,
	'[1,0]'::vector <<->> sphere('[1,1]'::vector, 1) AS l2, '[1,0]'::vector <<->> sphere('[1,1]'::vector, 0.999) AS l2_no,
	'[1,0]'::vector <<#>> sphere('[1,1]'::vector, -1) AS ip, '[1,0]'::vector <<#>> sphere('[1,1]'::vector, -1.001) AS ip_no;
SELECT '[1,0]'::halfvec <<=>> sphere('[1,1]'::halfvec, 0.3) AS cosine, '[1,0]'::halfvec <<=>> sphere('[1,1]'::halfvec, 0.29) AS cosine_no,
	'[1,0]'::halfvec <<->> sphere('[1,1]'::halfvec, 1) AS l2, '[1,0]'::halfvec <<->> sphere('[1,1]'::halfvec, 0.999) AS l2_no,
	'[1,0]'::halfvec <<#>> sphere('[1,1]'::halfvec, -1) AS ip, '[1,0]'::halfvec <<#>> sphere('[1,1]'::halfvec, -1.001) AS ip_no;
-- NULL parts; a distance that is NaN is in no range, and nothing is within a radius that is NaN.
SELECT '[1,0]'::vector <<=>> sphere(NULL::vector, 1) AS center, '[1,0]'::vector <<=>> sphere('[1,1]'::vector, NULL) AS radius,
	NULL::vector <<=>> sphere('[1,1]'::vector, 1) AS vector, '[1,0]'::vector <<=>> NULL::sphere AS sphere;
SELECT '[0,0]'::vector <<=>> sphere('[1,1]'::vector, 2) AS nan, '[1,1]'::vector <<=>> sphere('[1,1]'::vector, 'nan') AS radius,
	'[0,0]'::vector <<=>> sphere('[1,1]'::vector, 'nan') AS both, '[1,1]'::vector <<->> sphere('[1,1]'::vector, '-infinity') AS none;
SELECT '[1,0]'::vector <<=>> sphere('[1,1,1]'::vector, 1);

CREATE TABLE ivfbq_sphere (id int, tenant int, v vector(8), h halfvec(8));
INSERT INTO ivfbq_sphere SELECT i, i % 3, x, x::halfvec FROM generate_series(1, 900) i,
	LATERAL (SELECT (SELECT array_agg(random() - 0.5) FROM generate_series(1, 8) WHERE i > 0)::vector OFFSET 0) _ (x);
INSERT INTO ivfbq_sphere VALUES (901, 1, NULL, NULL), (902, 1, '[0,0,0,0,0,0,0,0]', '[0,0,0,0,0,0,0,0]');
CREATE INDEX ivfbq_sphere_cosine_index ON ivfbq_sphere USING ivfbq (tenant, v vector_cosine_ops);
CREATE INDEX ivfbq_sphere_l2_index ON ivfbq_sphere USING ivfbq (tenant, v vector_l2_ops) WITH (flat_limit = 100, list_size = 50);
CREATE INDEX ivfbq_sphere_ip_index ON ivfbq_sphere USING ivfbq (tenant, v vector_ip_ops);
CREATE INDEX ivfbq_sphere_half_cosine_index ON ivfbq_sphere USING ivfbq (tenant, h halfvec_cosine_ops);
CREATE INDEX ivfbq_sphere_half_l2_index ON ivfbq_sphere USING ivfbq (tenant, h halfvec_l2_ops);
CREATE INDEX ivfbq_sphere_half_ip_index ON ivfbq_sphere USING ivfbq (tenant, h halfvec_ip_ops) WITH (flat_limit = 100, list_size = 50);

-- The rows of a range; by_index: by an index scan with the range as its condition.
CREATE FUNCTION pg_temp.compare("column" text, operator text, radius float8, condition text, ordered boolean,
	OUT by_index boolean, OUT rows int, OUT same boolean)
LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT id, %1$s <%2$s> (SELECT %1$s FROM ivfbq_sphere WHERE id = 17) AS d FROM ivfbq_sphere
		WHERE %1$s <<%2$s>> sphere((SELECT %1$s FROM ivfbq_sphere WHERE id = 17), %3$L) AND %4$s', "column", operator, radius, condition);
	order_by text := format(' ORDER BY %1$s <%2$s> (SELECT %1$s FROM ivfbq_sphere WHERE id = 17)', "column", operator);
	line text;
	found int[];
	found_distances float8[];
	wanted int[];
	wanted_distances float8[];
BEGIN
	IF ordered THEN
		query := query || order_by;
	END IF;
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true);
	by_index := false;
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		by_index := by_index OR line ~ format('Index Cond: .*<<%s>>', operator);
	END LOOP;
	EXECUTE format('SELECT array_agg(id ORDER BY id), array_agg(d) FROM (%s) _', query) INTO found, found_distances;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), set_config('enable_indexscan', 'off', true);
	EXECUTE format('SELECT array_agg(id ORDER BY id), array_agg(d) FROM (%s) _', query) INTO wanted, wanted_distances;
	PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_bitmapscan', 'on', true);
	rows := coalesce(cardinality(found), 0);
	same := found IS NOT DISTINCT FROM wanted AND (NOT ordered OR found_distances IS NOT DISTINCT FROM wanted_distances);
END $$;
SELECT c AS "column", o.operator, condition, ordered, array_agg(DISTINCT t.by_index) AS by_index, array_agg(t.rows ORDER BY n) AS rows,
	array_agg(DISTINCT t.same) AS same
FROM unnest(ARRAY['v', 'h']) c,
	(VALUES ('=', '{-1,-0.001,0,0.2,0.5,1,2,3}'::float8[]), ('-', '{-1,0,0.3,0.6,1,2}'), ('#', '{-1,-0.5,-0.1,0,0.2,1}')) o (operator, radii),
	unnest(ARRAY['tenant = 1', 'true']) condition, unnest(ARRAY[true, false]) ordered,
	unnest(o.radii || '{NaN,-Infinity,Infinity,NULL}'::float8[]) WITH ORDINALITY r (radius, n),
	LATERAL pg_temp.compare(c, o.operator, radius, condition, ordered) t
GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 2, 3, 4;

SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
-- A range and the order of another point, which the range does not end; two ranges; the distance as a filter.
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_sphere WHERE tenant = 1 AND v <<->> sphere('[0,0,0,0,0,0,0,0]'::vector, 0.5) ORDER BY v <-> '[1,1,1,1,1,1,1,1]';
CREATE TEMP TABLE expected AS SELECT id, v <-> '[0,0,0,0,0,0,0,0]' AS zero, v <-> '[1,1,1,1,1,1,1,1]' AS one FROM ivfbq_sphere WHERE tenant = 1;
SELECT count(*), array_agg(id ORDER BY id) = (SELECT array_agg(id ORDER BY id) FROM expected WHERE zero <= 0.5) AS same, bool_and(previous <= d) AS ordered FROM
	(SELECT id, v <-> '[1,1,1,1,1,1,1,1]' AS d, lag(v <-> '[1,1,1,1,1,1,1,1]', 1, 0::float8) OVER () AS previous FROM
		(SELECT id, v FROM ivfbq_sphere WHERE tenant = 1 AND v <<->> sphere('[0,0,0,0,0,0,0,0]'::vector, 0.5) ORDER BY v <-> '[1,1,1,1,1,1,1,1]' OFFSET 0) _) _;
SELECT count(*), array_agg(id ORDER BY id) = (SELECT array_agg(id ORDER BY id) FROM expected WHERE zero <= 0.9 AND one <= 2.6) AS same FROM ivfbq_sphere
	WHERE tenant = 1 AND v <<->> sphere('[0,0,0,0,0,0,0,0]'::vector, 0.9) AND v <<->> sphere('[1,1,1,1,1,1,1,1]'::vector, 2.6);
-- A zero center under cosine: every distance is NaN.
SELECT count(*) FROM ivfbq_sphere WHERE v <<=>> sphere('[0,0,0,0,0,0,0,0]'::vector, 2);
-- A range of no center that is not known when the query is planned; one of another dimension.
SET plan_cache_mode = force_generic_plan;
PREPARE in_range(sphere) AS SELECT count(*) FROM ivfbq_sphere WHERE v <<->> $1;
EXECUTE in_range(sphere('[0,0,0,0,0,0,0,0]'::vector, 10));
EXECUTE in_range(sphere(NULL::vector, 10));
EXECUTE in_range(sphere('[0,0,0,0,0,0,0,0]'::vector, NULL));
EXECUTE in_range(NULL);
EXECUTE in_range(sphere('[0,0]'::vector, 10));
DEALLOCATE ALL;
RESET plan_cache_mode;
-- A range for each row of another table.
SELECT c.id, n.n, n.same FROM (VALUES (1), (2), (3), (901)) c (id),
	LATERAL (SELECT count(*) AS n, bool_and(s.v <-> center.v <= 0.6) AS same FROM ivfbq_sphere center JOIN ivfbq_sphere s ON s.v <<->> sphere(center.v, 0.6)
		WHERE center.id = c.id) n ORDER BY c.id;
RESET enable_seqscan;
RESET enable_sort;
SET enable_indexscan = off;
SELECT c.id, n.n FROM (VALUES (1), (2), (3), (901)) c (id),
	LATERAL (SELECT count(*) AS n FROM ivfbq_sphere center JOIN ivfbq_sphere s ON s.v <-> center.v <= 0.6 WHERE center.id = c.id) n ORDER BY c.id;
RESET enable_indexscan;
RESET enable_bitmapscan;
DROP TABLE ivfbq_sphere;
