-- Scans of ivfbq indexes: the same rows in the same order as without, by every distance, type and
-- precision; clustered keys; dimensions; cursors, rescans, parameters, filters.
SET search_path = public, agentmem;
SET jit = off;
SET extra_float_digits = 0;
SELECT setseed(0.25);

-- What a query of one column gives by an index scan, and what it gives by a sequential one.
-- The values are distances: of rows that tie, either may come first.
CREATE FUNCTION pg_temp.compare(query text, OUT by_index boolean, OUT rows int, OUT same boolean)
LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found float8[];
	wanted float8[];
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
	by_index := false;
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		by_index := by_index OR line ~ 'Index Scan using \w+_index ';
	END LOOP;
	EXECUTE format('SELECT ARRAY(%s)', query) INTO found;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true),
		set_config('enable_indexscan', 'off', true);
	EXECUTE format('SELECT ARRAY(%s)', query) INTO wanted;
	PERFORM set_config('enable_indexscan', 'on', true);
	rows := cardinality(found);
	same := found = wanted;
END $$;

CREATE FUNCTION pg_temp.noise(dim int, seed int) RETURNS real[] LANGUAGE sql AS
	'SELECT array_agg(random() - 0.5) FROM generate_series(1, dim + 0 * seed)';

-- Every distance, type and precision.
CREATE TABLE ivfbq_scan (id int, v vector(40), h halfvec(40));
INSERT INTO ivfbq_scan
	SELECT i, quantize(x, (ARRAY[32, 16, 8, 1])[i % 4 + 1]), x::halfvec
	FROM generate_series(1, 600) i, LATERAL (SELECT pg_temp.noise(40, i)::vector OFFSET 0) _ (x);
SELECT agentmem.precision(v) AS bits, count(*) FROM ivfbq_scan GROUP BY 1 ORDER BY 1;
CREATE INDEX ivfbq_scan_cosine_index ON ivfbq_scan USING ivfbq (v vector_cosine_ops);
CREATE INDEX ivfbq_scan_l2_index ON ivfbq_scan USING ivfbq (v vector_l2_ops);
CREATE INDEX ivfbq_scan_ip_index ON ivfbq_scan USING ivfbq (v vector_ip_ops);
CREATE INDEX ivfbq_scan_half_cosine_index ON ivfbq_scan USING ivfbq (h halfvec_cosine_ops);
CREATE INDEX ivfbq_scan_half_l2_index ON ivfbq_scan USING ivfbq (h halfvec_l2_ops);
CREATE INDEX ivfbq_scan_half_ip_index ON ivfbq_scan USING ivfbq (h halfvec_ip_ops);
CREATE FUNCTION pg_temp.compare_all(OUT exact text, OUT "column" text, OUT operator text, OUT queries bigint,
	OUT by_index boolean, OUT rows bigint, OUT same bigint)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT e, c, o, count(*), bool_and(t.by_index), sum(t.rows), count(*) FILTER (WHERE t.same)
	FROM (VALUES ('on', 1), ('off', 2)) e (e, n), (VALUES ('v', 1), ('h', 2)) c (c, m),
		unnest(ARRAY['<=>', '<->', '<#>']) WITH ORDINALITY o (o, l), generate_series(10, 40, 10) query,
		LATERAL (SELECT set_config('agentmem.ivfbq_exact', e, false) OFFSET 0) _,
		LATERAL pg_temp.compare(format(
			'SELECT %1$s %2$s (SELECT %1$s FROM ivfbq_scan WHERE id = %3$s) FROM ivfbq_scan
			ORDER BY %1$s %2$s (SELECT %1$s FROM ivfbq_scan WHERE id = %3$s) LIMIT 20', c, o, query)) t
	GROUP BY e, n, c, m, o, l ORDER BY n, m, l
$$;
SELECT * FROM pg_temp.compare_all();
-- As much again by single inserts, and the query is not one of the rows.
INSERT INTO ivfbq_scan
	SELECT i, quantize(x, (ARRAY[32, 16, 8, 1])[i % 4 + 1]), x::halfvec
	FROM generate_series(601, 1200) i, LATERAL (SELECT pg_temp.noise(40, i)::vector OFFSET 0) _ (x);
SELECT * FROM pg_temp.compare_all();
RESET agentmem.ivfbq_exact;
DROP TABLE ivfbq_scan;

-- A key that is clustered.  In exact mode all is the same; else whoever reads to the end gets every row once.
CREATE TABLE ivfbq_scan (id int, tenant text, v vector(16));
INSERT INTO ivfbq_scan
	SELECT i, CASE WHEN i % 20 = 0 THEN 'small' ELSE 'large' END,
		(SELECT array_agg(sin(i % 17 * d) * 3 + random()) FROM generate_series(1, 16) d)::vector
	FROM generate_series(1, 2000) i;
CREATE INDEX ivfbq_scan_index ON ivfbq_scan USING ivfbq (tenant, v vector_l2_ops) WITH (flat_limit = 100, list_size = 50);
CREATE FUNCTION pg_temp.read_all("limit" int, OUT rows bigint, OUT different bigint, OUT ids text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
	SELECT count(*), count(DISTINCT id), min(id) || '-' || max(id) INTO rows, different, ids
	FROM (SELECT id FROM ivfbq_scan WHERE tenant = 'large' ORDER BY v <-> (SELECT v FROM ivfbq_scan s WHERE s.id = 7) LIMIT "limit") _;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true);
END $$;
SELECT * FROM pg_temp.read_all(5000);
SELECT sum(rows) AS rows, sum(different) AS different
	FROM unnest(ARRAY[0.5, 0.9, 1]) recall, LATERAL (SELECT set_config('agentmem.ivfbq_recall', recall::text, false) OFFSET 0) _,
		LATERAL pg_temp.read_all(5000);
RESET agentmem.ivfbq_recall;
SET agentmem.ivfbq_exact = on;
SELECT filter, n, c.* FROM unnest(ARRAY['', 'WHERE tenant = ''large''', 'WHERE tenant = ''small''', 'WHERE tenant = ''none''']) filter,
	unnest(ARRAY[20, 5000]) n, LATERAL pg_temp.compare(format(
		'SELECT v <-> (SELECT v FROM ivfbq_scan WHERE id = 9) FROM ivfbq_scan %s
		ORDER BY v <-> (SELECT v FROM ivfbq_scan WHERE id = 9) LIMIT %s', filter, n)) c;
RESET agentmem.ivfbq_exact;
-- By inserts, and after VACUUM, which clusters what has grown; then with half of the rows gone.
INSERT INTO ivfbq_scan
	SELECT i, 'large', (SELECT array_agg(sin(i % 29 * d) * 3 + random()) FROM generate_series(1, 16) d)::vector
	FROM generate_series(2001, 3000) i;
INSERT INTO ivfbq_scan SELECT i, 'grown', (SELECT array_agg(random()) FROM generate_series(1, 16) d WHERE i > 0)::vector
	FROM generate_series(3001, 3400) i;
SELECT * FROM pg_temp.read_all(5000);
VACUUM ivfbq_scan;
SELECT * FROM pg_temp.read_all(5000);
DELETE FROM ivfbq_scan WHERE id % 2 = 0;
SELECT * FROM pg_temp.read_all(5000);
VACUUM ivfbq_scan;
SELECT * FROM pg_temp.read_all(5000);
SET agentmem.ivfbq_exact = on;
SELECT filter, c.* FROM unnest(ARRAY['', 'WHERE tenant = ''large''', 'WHERE tenant = ''grown''']) filter,
	LATERAL pg_temp.compare(format(
		'SELECT v <-> (SELECT v FROM ivfbq_scan WHERE id = 9) FROM ivfbq_scan %s
		ORDER BY v <-> (SELECT v FROM ivfbq_scan WHERE id = 9) LIMIT 5000', filter)) c;
RESET agentmem.ivfbq_exact;

-- A filter that is no key: the scan goes on until there are enough.
SET enable_seqscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_scan WHERE tenant = 'large' AND id % 100 = 51 ORDER BY v <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' LIMIT 10;
SELECT count(*), count(DISTINCT id) FROM
	(SELECT id FROM ivfbq_scan WHERE tenant = 'large' AND id % 100 = 51 ORDER BY v <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' LIMIT 10) _;
SELECT count(*), count(DISTINCT id) FROM
	(SELECT id FROM ivfbq_scan WHERE tenant = 'large' AND id % 100 = 51 ORDER BY v <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' LIMIT 100) _;
RESET enable_seqscan;
RESET enable_sort;
DROP TABLE ivfbq_scan;

-- Dimensions: one, few, about 128, and such that a row takes pages of its own.
CREATE FUNCTION pg_temp.compare_dim(dim int, OUT operator text, OUT by_index boolean, OUT rows bigint, OUT same bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	class text;
BEGIN
	EXECUTE format('CREATE TABLE ivfbq_scan (id int, v vector(%s))', dim);
	INSERT INTO ivfbq_scan SELECT i, pg_temp.noise(dim, i)::vector FROM generate_series(1, 100) i;
	FOR class, operator IN VALUES ('cosine', '<=>'), ('l2', '<->'), ('ip', '<#>') LOOP
		EXECUTE format('CREATE INDEX ivfbq_scan_index ON ivfbq_scan USING ivfbq (v vector_%s_ops)', class);
		RETURN QUERY SELECT operator, bool_and(c.by_index), sum(c.rows), count(*) FILTER (WHERE c.same)
			FROM unnest(ARRAY['on', 'off']) exact, generate_series(1, 100, 33) query,
				LATERAL (SELECT set_config('agentmem.ivfbq_exact', exact, true) OFFSET 0) _,
				LATERAL pg_temp.compare(format(
					'SELECT v %1$s (SELECT v FROM ivfbq_scan WHERE id = %2$s) FROM ivfbq_scan
					ORDER BY v %1$s (SELECT v FROM ivfbq_scan WHERE id = %2$s) LIMIT 20', operator, query)) c;
		DROP INDEX ivfbq_scan_index;
	END LOOP;
	DROP TABLE ivfbq_scan;
END $$;
SELECT * FROM pg_temp.compare_dim(1);
SELECT * FROM pg_temp.compare_dim(3);
SELECT * FROM pg_temp.compare_dim(100);
SELECT * FROM pg_temp.compare_dim(300);
SELECT * FROM pg_temp.compare_dim(2000);

-- Cursors, rescans, parameters.
CREATE TABLE ivfbq_scan (id int, tenant int, v vector(3));
INSERT INTO ivfbq_scan SELECT i, i % 4, ARRAY[i, i % 7 / 10.0, 0]::vector FROM generate_series(1, 400) i;
CREATE INDEX ivfbq_scan_index ON ivfbq_scan USING ivfbq (tenant, v vector_l2_ops);
SET enable_seqscan = off;
SET enable_sort = off;
BEGIN;
DECLARE nearest CURSOR FOR SELECT id FROM ivfbq_scan WHERE tenant = 1 ORDER BY v <-> '[50,0,0]';
FETCH 3 FROM nearest;
-- What comes after the cursor was opened, it does not see.
INSERT INTO ivfbq_scan VALUES (1000, 1, '[50,0,0]');
FETCH 2 FROM nearest;
MOVE 93 IN nearest;
FETCH 5 FROM nearest;
FETCH NEXT FROM nearest;
ROLLBACK;
-- A cursor that scrolls keeps what it has read.
BEGIN;
DECLARE nearest SCROLL CURSOR FOR SELECT id FROM ivfbq_scan WHERE tenant = 1 ORDER BY v <-> '[50,0,0]';
FETCH 3 FROM nearest;
FETCH BACKWARD 2 FROM nearest;
FETCH LAST FROM nearest;
ROLLBACK;

EXPLAIN (COSTS OFF) SELECT q.x, n.ids
FROM (VALUES (10), (200), (NULL), (390), (10)) q (x), LATERAL (SELECT array_agg(id) AS ids FROM
	(SELECT id FROM ivfbq_scan WHERE tenant = 2 ORDER BY v <-> ARRAY[q.x, 0, 0]::vector LIMIT 3) _) n;
SELECT q.x, n.ids
FROM (VALUES (10), (200), (390), (10)) q (x), LATERAL (SELECT array_agg(id) AS ids FROM
	(SELECT id FROM ivfbq_scan WHERE tenant = 2 ORDER BY v <-> ARRAY[q.x, 0, 0]::vector LIMIT 3) _) n;
-- The key changes as well.
SELECT q.tenant, n.ids
FROM (VALUES (0), (1), (NULL), (3), (0), (9)) q (tenant), LATERAL (SELECT array_agg(id) AS ids FROM
	(SELECT id FROM ivfbq_scan s WHERE s.tenant = q.tenant ORDER BY v <-> '[100,0,0]' LIMIT 3) _) n;

SET plan_cache_mode = force_generic_plan;
PREPARE nearest(int, vector, int) AS SELECT id FROM ivfbq_scan WHERE tenant = $1 ORDER BY v <-> $2 LIMIT $3;
EXPLAIN (COSTS OFF) EXECUTE nearest(1, '[100,0,0]', 3);
EXECUTE nearest(1, '[100,0,0]', 3);
EXECUTE nearest(2, '[100,0,0]', 2);
EXECUTE nearest(2, '[399,0,0]', 1);
EXECUTE nearest(NULL, '[399,0,0]', 1);
EXECUTE nearest(2, '[399,0]', 1);
PREPARE nearest_of(int[], vector) AS SELECT id FROM ivfbq_scan WHERE tenant = ANY ($1) ORDER BY v <-> $2 LIMIT 3;
EXECUTE nearest_of('{1,2}', '[100,0,0]');
EXECUTE nearest_of('{}', '[100,0,0]');
EXECUTE nearest_of(NULL, '[100,0,0]');
DEALLOCATE ALL;
RESET plan_cache_mode;

-- A join that starts the scan anew for each row of the other side; a LIMIT beyond the end.
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ivfbq_scan ORDER BY v <-> '[0,0,0]' LIMIT 100000) _;
SELECT array_agg(id) FROM (SELECT id FROM ivfbq_scan ORDER BY v <-> '[200,0,0]' OFFSET 395 LIMIT 100) _;
SELECT count(*) FROM (SELECT id FROM ivfbq_scan ORDER BY v <-> '[200,0,0]' LIMIT 0) _;
-- What the same transaction wrote; an update moves the row, a delete removes it.
BEGIN;
UPDATE ivfbq_scan SET v = '[1000,0,0]' WHERE id = 100;
DELETE FROM ivfbq_scan WHERE id = 101;
SELECT id, v FROM ivfbq_scan ORDER BY v <-> '[100,0,0]' LIMIT 2;
SELECT id, v FROM ivfbq_scan ORDER BY v <-> '[1001,0,0]' LIMIT 2;
SAVEPOINT s;
INSERT INTO ivfbq_scan VALUES (2000, 0, '[100,0,0]');
SELECT id FROM ivfbq_scan ORDER BY v <-> '[100,0,0]' LIMIT 1;
ROLLBACK TO s;
SELECT id FROM ivfbq_scan ORDER BY v <-> '[100,0,0]' LIMIT 1;
ROLLBACK;
SELECT id FROM ivfbq_scan ORDER BY v <-> '[100,0,0]' LIMIT 1;
RESET enable_seqscan;
RESET enable_sort;
DROP TABLE ivfbq_scan;
